// Where everything on the map stands. Pure: nodes and talks in, lanes with boxes and lines out.

const box = { width: 148, height: 38, gapX: 14, gapY: 14, lane: 132, pad: 16 };
const mostOpen = 400; // boxes that an opened group shows
const groupFrom = 7; // as many alike stand as one box, where the map is large
const largeMap = 60;

const levelLanes = [
  ["outside", "Outside", "addresses beyond the site"], ["3.5", "Level 3.5", "ways in from outside"], ["3", "Level 3", "site operations"], ["2", "Level 2", "supervision"],
  ["network", "Network", "switches and routers"], ["1", "Level 1", "control"], ["0", "Level 0", "process"], ["", "Not placed", "no level is proposed"],
];

const isNetwork = (n) => n.role === "router" || ["switch", "router", "firewall", "access-point", "wireless"].includes(n.type);

function laneOf(n, by) {
  if (n.outside) return "outside";
  if (by === "level") return n.level || (isNetwork(n) ? "network" : "");
  return n[by] || "";
}

function lanesOf(nodes, by) {
  if (by === "level") return levelLanes.map(([key, title, about]) => ({ key, title, about, items: [] }));
  const keys = [...new Set(nodes.filter((n) => !n.outside).map((n) => n[by] || ""))].sort((a, b) => (a === "") - (b === "") || order.compare(a, b));
  return [{ key: "outside", title: "Outside", about: "addresses beyond the site", items: [] },
    ...keys.map((key) => ({ key, title: key || "No " + by, about: "", items: [] }))];
}

// layout gives {width, height, lanes: [{title, about, y, height, items}], items: Map id -> item, lines}. An item is a node or a group of nodes.
function layout(graph, { by, opened, cables, talks }) {
  const nodes = [...graph.nodes];
  const known = new Set(nodes.map((n) => n.id));
  const outside = new Map();
  for (const t of graph.talks) {
    if (!t.external) continue;
    for (const [id, ip] of [[t.client, t.client_ip], [t.server, t.server_ip]]) {
      if (!id && ip && !outside.has(ip)) outside.set(ip, { id: "ip:" + ip, label: ip, outside: true, type: "", segment: "", vendor: "", model: "" });
    }
  }
  nodes.push(...outside.values());
  const lanes = lanesOf(nodes, by), byKey = new Map(lanes.map((l) => [l.key, l]));
  const { items, itemOf } = grouped(nodes, by, opened);
  for (const item of items) (byKey.get(item.lane) || byKey.get("")).items.push(item);

  const lines = linesOf(graph, itemOf, known, outside, cables, talks);
  const kept = lanes.filter((l) => l.items.length);
  const columns = Math.max(4, Math.min(14, Math.ceil(Math.sqrt(items.length * 2.2))));
  arrange(kept, lines, columns);
  let y = box.pad;
  for (const lane of kept) {
    const rows = Math.ceil(lane.items.length / columns);
    lane.y = y;
    lane.height = rows * (box.height + box.gapY) + box.gapY;
    lane.items.forEach((item, i) => {
      const inRow = Math.min(columns, lane.items.length - Math.floor(i / columns) * columns);
      const indent = ((columns - inRow) * (box.width + box.gapX)) / 2;
      item.x = box.lane + indent + (i % columns) * (box.width + box.gapX);
      item.y = y + box.gapY + Math.floor(i / columns) * (box.height + box.gapY);
    });
    y += lane.height + 10;
  }
  return { width: box.lane + columns * (box.width + box.gapX) + box.pad, height: y + box.pad, lanes: kept, items, lines };
}

// grouped puts many alike into one item. Groups that were opened show their members.
function grouped(nodes, by, opened) {
  const groups = new Map();
  for (const n of nodes) {
    n.lane = laneOf(n, by);
    const key = n.lane + "|" + (n.outside ? "outside" : n.type || "unknown");
    const fine = key + "|" + (by === "segment" ? n.vendor : n.segment);
    for (const k of [key, fine]) groups.set(k, (groups.get(k) || 0) + 1);
    n.keys = [key, fine];
  }
  const large = nodes.length > largeMap;
  const fineItems = new Set(nodes.map((n) => n.keys[1])).size;
  const pick = fineItems > mostOpen ? 0 : 1;
  const items = [], itemOf = new Map(), made = new Map(), shown = new Map();
  for (const n of nodes) {
    const key = n.keys[pick], open = opened.has(key);
    const count = (shown.get(key) || 0) + 1;
    if (!large || groups.get(key) < groupFrom || (open && count <= mostOpen)) {
      shown.set(key, count);
      const item = { ...n, group: groups.get(key) >= groupFrom ? key : "", members: 1 };
      items.push(item);
      itemOf.set(n.id, item);
      continue;
    }
    let item = made.get(key);
    if (!item) {
      item = { id: "group:" + key, key, lane: n.lane, type: n.type, segment: by === "segment" || pick === 0 ? "" : n.segment, vendor: "", members: 0, rest: open };
      made.set(key, item);
      items.push(item);
    }
    item.members++;
    itemOf.set(n.id, item);
  }
  for (const item of made.values()) {
    const what = item.lane === "outside" ? "addresses" : item.type || "unknown";
    item.label = number(item.members) + (item.rest ? " more " : " × ") + what;
  }
  items.sort((a, b) => order.compare(a.segment || "", b.segment || "") || order.compare(a.type || "", b.type || "") || order.compare(a.label, b.label));
  return { items, itemOf };
}

// linesOf sums what runs between two items.
function linesOf(graph, itemOf, known, outside, cables, talks) {
  const sums = new Map();
  const line = (a, b) => {
    if (!a || !b || a === b) return null;
    const key = a.id < b.id ? a.id + "\n" + b.id : b.id + "\n" + a.id;
    let sum = sums.get(key);
    if (!sum) sums.set(key, (sum = { from: a, to: b, packets: 0, protocols: new Map(), writes: false, external: false, talk: false, cable: false }));
    return sum;
  };
  if (talks) {
    for (const t of graph.talks) {
      const a = known.has(t.client) ? itemOf.get(t.client) : outside.has(t.client_ip) && !t.client ? itemOf.get("ip:" + t.client_ip) : null;
      const b = known.has(t.server) ? itemOf.get(t.server) : outside.has(t.server_ip) && !t.server ? itemOf.get("ip:" + t.server_ip) : null;
      const sum = line(a, b);
      if (!sum) continue;
      sum.talk = true;
      sum.packets += t.packets || 0;
      const name = t.protocol || (t.transport || "") + "/" + (t.port || t.ether_type || "");
      sum.protocols.set(name, (sum.protocols.get(name) || 0) + 1);
      if ((t.operations || []).some((o) => o !== "read")) sum.writes = true;
      if (t.external) sum.external = true;
    }
  }
  if (cables) {
    for (const n of graph.nodes) {
      for (const other of n.cables || []) {
        const sum = line(itemOf.get(n.id), itemOf.get(other));
        if (sum) sum.cable = true;
      }
    }
  }
  return [...sums.values()];
}

// arrange orders the items of each lane so that lines run short: each goes to where its partners are (the barycentre heuristic).
function arrange(lanes, lines, columns) {
  const partners = new Map();
  for (const l of lines) for (const [a, b] of [[l.from, l.to], [l.to, l.from]]) partners.set(a, [...(partners.get(a) || []), b]);
  const place = new Map();
  const number = () => lanes.forEach((lane) => lane.items.forEach((item, i) => {
    const inRow = Math.min(columns, lane.items.length);
    place.set(item, ((i % columns) + 0.5) / inRow);
  }));
  number();
  for (let sweep = 0; sweep < 6; sweep++) {
    for (const lane of sweep % 2 ? [...lanes].reverse() : lanes) {
      if (lane.items.length > columns) continue; // several rows keep the order of segments and types
      const want = new Map(lane.items.map((item) => {
        const list = partners.get(item) || [];
        return [item, list.length ? list.reduce((sum, p) => sum + place.get(p), 0) / list.length : place.get(item)];
      }));
      lane.items.sort((a, b) => want.get(a) - want.get(b));
    }
    number();
  }
}
