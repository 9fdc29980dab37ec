"""The BRIDGE-MIB of a Linux bridge for net-snmp's agent (pass_persist): base ports and the forwarding table (RFC 4188)."""
import json
import subprocess
import sys

BASE = (1, 3, 6, 1, 2, 1, 17)


def table(bridge):
    """Every object below BASE: id -> (type, value)."""
    links = {link["ifname"]: link for link in json.loads(subprocess.check_output(["ip", "-j", "link"]))}
    members = sorted(link["ifindex"] for link in links.values() if link.get("master") == bridge)
    number = {index: n for n, index in enumerate(members, 101)}  # a bridge port is no ifIndex
    objects = {}
    for index, n in number.items():
        objects[BASE + (1, 4, 1, 1, n)] = ("integer", n)
        objects[BASE + (1, 4, 1, 2, n)] = ("integer", index)
    for row in json.loads(subprocess.check_output(["bridge", "-j", "fdb", "show", "br", bridge])):
        index = links[row["ifname"]]["ifindex"]
        if row.get("master") != bridge or index not in number:
            continue
        mac = tuple(bytes.fromhex(row["mac"].replace(":", "")))
        objects[BASE + (4, 3, 1, 2) + mac] = ("integer", number[index])
        objects[BASE + (4, 3, 1, 3) + mac] = ("integer", 4 if row.get("state") == "permanent" else 3)
    return objects


def main(bridge):
    while command := sys.stdin.readline().strip().lower():
        if command == "ping":
            print("PONG", flush=True)
            continue
        oid = tuple(int(arc) for arc in sys.stdin.readline().strip().strip(".").split("."))
        objects = table(bridge)
        found = oid if oid in objects else None
        if command == "getnext":
            found = min((o for o in objects if o > oid), default=None)
        if found is None:
            print("NONE", flush=True)
            continue
        kind, value = objects[found]
        print("." + ".".join(map(str, found)), kind, value, sep="\n", flush=True)


main(sys.argv[1])
