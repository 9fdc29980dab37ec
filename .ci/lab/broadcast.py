"""Stations that answer broadcasts, on the packet codecs of scapy: PROFINET DCP Identify as a SCALANCE X208, and EtherNet/IP
ListIdentity as a 1756-ENBT/A. What they are asked is read by scapy: a question that it does not take for one gets no answer.

    broadcast.py IFACE IP
"""

import socket
import struct
import sys
import threading

from scapy.all import Ether, conf, load_contrib, sendp, sniff

load_contrib("pnio")
load_contrib("pnio_dcp")
load_contrib("enipTCP")
from scapy.contrib.enipTCP import ENIPTCP  # noqa: E402
from scapy.contrib.pnio import ProfinetIO  # noqa: E402
from scapy.contrib.pnio_dcp import (  # noqa: E402
    DCPDeviceIDBlock, DCPDeviceRoleBlock, DCPIPBlock, DCPNameOfStationBlock, ProfinetDCP,
)

IDENTIFY_REQUEST, IDENTIFY_RESPONSE, IDENTIFY = 0xFEFE, 0xFEFF, 5


def dcp(iface, ip):
    mac = open(f"/sys/class/net/{iface}/address").read().strip()

    def answer(frame):
        if ProfinetDCP not in frame or frame[ProfinetIO].frameID != IDENTIFY_REQUEST or frame.src == mac:
            return
        asked = frame[ProfinetDCP]
        # scapy calls the response delay factor "reserved".
        if asked.service_id != IDENTIFY or asked.option != 255 or not 1 <= asked.reserved <= 6400:
            return
        blocks = b"".join(bytes(b) for b in (
            DCPNameOfStationBlock(name_of_station="x208-bord"),
            DCPDeviceIDBlock(vendor_id=0x002A, device_id=0x0A01),
            DCPDeviceRoleBlock(device_role_details=1),
            DCPIPBlock(ip=ip, netmask="255.255.255.0", gateway="0.0.0.0", block_info=1),
        ))
        head = struct.pack(">BBIHH", IDENTIFY, 1, asked.xid, 0, len(blocks))
        sendp(Ether(src=mac, dst=frame.src, type=0x8892) / ProfinetIO(frameID=IDENTIFY_RESPONSE) / (head + blocks), iface=iface, verbose=False)

    sniff(iface=iface, filter="ether proto 0x8892", prn=answer, store=False)


def enip(ip):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    server.bind(("0.0.0.0", 44818))
    print("ready", flush=True)
    while True:
        data, asker = server.recvfrom(2000)
        asked = ENIPTCP(data)
        if asked.commandId != 0x63 or asked.length != 0:
            continue
        name = b"1756-ENBT/A"
        # CIP volume 2 table 2-4.4: version, socket address, vendor 1, device type 12, product code 58, 4.3, status, serial, name, state.
        item = struct.pack("<H", 1) + struct.pack(">HH4s8s", 2, 44818, socket.inet_aton(ip), b"\0" * 8)
        item += struct.pack("<HHHBBHIB", 1, 12, 58, 4, 3, 0x30, 0x00524D8E, len(name)) + name + b"\x03"
        body = struct.pack("<HHH", 1, 0x0C, len(item)) + item
        reply = struct.pack("<HHIIQI", 0x63, len(body), 0, 0, asked.senderContext, 0) + body
        server.sendto(reply, asker)


conf.verb = 0
threading.Thread(target=dcp, args=(sys.argv[1], sys.argv[2]), daemon=True).start()
enip(sys.argv[2])
