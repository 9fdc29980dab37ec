// The other lists: who talks to whom, what is outside, what is missing, what changed, what was sent.

const who = (id, address) => (id ? assetLink(id, clip(nameOf(id), 50)) : el("span", { class: "mono" }, address || ""));

const tag = (text, kind) => (text ? el("span", { class: "tag " + (kind || text) }, text) : "");
const joined = (list, most = 8) => clip((list || []).slice(0, most).join(", ") + ((list || []).length > most ? ", …" : ""), 300);

// Each part has a title, what it is about, and its tables: name of the list, title, [one, many], columns.
const lists = {
  conversations: ["Conversations", "Who asks whom, over what, how often.", [["conversations", "", ["conversation"], [
    ["Client", (c) => who(c.client, c.client_ip || c.client_mac)], ["Server", (c) => who(c.server, c.server_ip || c.server_mac)],
    ["Service", service], ["Does", (c) => joined(c.operations)], ["How often", (c) => c.frequency || ""],
    ["Every", (c) => (c.median_interval_ms ? number(c.median_interval_ms) + " ms" : "")], ["Packets", (c) => number(c.packets)], ["Bytes", (c) => bytes(c.bytes)],
    ["Last", (c) => when(c.last_seen)], ["", (c) => (c.external ? tag("outside", "external") : "")]]]]],
  zones: ["Zones and conduits", "Zones are proposals until a person accepts them; a conduit is everything that runs between two zones over one protocol.", [
    ["zones", "Zones", ["zone"], [
      ["Zone", (z) => el("b", null, z.name)], ["Assets", (z) => number(z.accepted + z.proposed)], ["", (z) => tag(z.accepted ? (z.proposed ? plural(z.proposed, "proposal") : "accepted") : "proposed", z.accepted && !z.proposed ? "done" : "")],
      ["Levels", (z) => joined(z.levels)], ["Segments", (z) => joined(z.segments)], ["Networks", (z) => joined(z.networks, 4)], ["Ways in and out", (z) => joined(z.access_points, 4)], ["Why", (z) => clip(z.reason, 300)],
      ["Better apart", (z) => (z.separate || []).slice(0, 5).map((s) => el("div", null, who(s.asset, s.name), el("span", { class: "dim" }, " " + s.why)))]]],
    ["conduits", "Conduits", ["conduit"], [
      ["From", (c) => c.zone_a], ["To", (c) => c.zone_b], ["Protocol", (c) => c.protocol || ""], ["Direction", (c) => c.direction], ["Conversations", (c) => number(c.conversations)],
      ["How often", (c) => c.frequency_class || ""], ["Encrypted", (c) => c.encrypted], ["Authenticated", (c) => c.authenticated], ["Through", (c) => c.logical_access_point || ""], ["Outside party", (c) => clip(c.external_party, 60)],
      ["", (c) => (c.approved_by && c.approved_on ? tag("approved", "done") : tag("not approved", "changed"))]]]]],
  external: ["External dependencies", "What the plant relies on beyond its own networks, and the ways in.", [["external", "", ["dependency", "dependencies"], [
    ["Asset", (d) => who(d.asset, d.address)], ["What", (d) => tag(d.kind, "external")], ["Peer", (d) => clip(d.peer, 80)], ["Product", (d) => d.product || d.operator || ""], ["Services", (d) => joined(d.services, 4)],
    ["Direction", (d) => d.direction || ""], ["How often", (d) => d.frequency || ""], ["Bytes", (d) => (d.bytes ? bytes(d.bytes) : "")], ["Last", (d) => when(d.last_seen)], ["Why", (d) => clip(joined(d.evidence, 3), 200)]]]]],
  gaps: ["Gaps", "What is not known or was not looked at, and what would close it.", [
    ["coverage", "Not looked at", ["hole"], [["What", (h) => tag(h.kind, "changed")], ["Where", (h) => h.what], ["Segment", (h) => h.segment || ""], ["Survey", (h) => h.survey || ""], ["Why", (h) => clip(h.why, 240)], ["Closes it", (h) => el("span", { class: "mono" }, h.close || "")]]],
    ["gaps", "Not known", ["field"], [["Field", (g) => g.title], ["Priority", (g) => g.priority || ""], ["Unknown of", (g) => number(g.unknown)], ["Assets", (g) => number(g.of)], ["Closes it", (g) => el("span", { class: "mono" }, g.close || "")],
      ["For example", (g) => (g.assets || []).slice(0, 3).map((id) => el("div", null, who(id)))]]]]],
  changes: ["Changes", "What appeared, vanished, moved or was updated, the latest first.", [["changes", "", ["change"], [
    ["When", (c) => when(c.time)], ["Survey", (c) => c.survey], ["Asset", (c) => who(c.asset)], ["What", (c) => tag(c.kind)],
    ["Attribute", (c) => c.attribute || ""], ["Before", (c) => clip(c.old, 120)], ["After", (c) => clip(c.new, 120)], ["Known by", (c) => c.via || ""]]]]],
  sent: ["Sent", "Every request that was sent is in the ledger of the inventory; these are its sums.", [["sent", "", ["kind of request", "kinds of request"], [
    ["Survey", (q) => q.survey], ["Protocol", (q) => q.protocol], ["Request", (q) => q.request + (q.setup ? " (set-up)" : "")], ["Outcome", (q) => tag(q.outcome)],
    ["Times", (q) => number(q.count)], ["Devices", (q) => number(q.devices)], ["Slowest answer", (q) => (q.slowest_ms ? number(Math.round(q.slowest_ms)) + " ms" : "")]]]]],
};

function drawList(name, into) {
  const [title, about, tables] = lists[name];
  const growing = new Map(), fills = [];
  let query = "";
  const search = el("input", { type: "search", placeholder: "Search", "aria-label": "Search " + title, oninput: later((e) => { query = e.target.value.trim(); fills.forEach((f) => f()); }, 120) });
  into.replaceChildren(el("div", { class: "bar-top" }, el("h2", null, title), search), el("p", { class: "dim" }, about));
  for (const [list, heading, words, columns] of tables) {
    const table = el("table", { class: "list" }, el("thead", null, el("tr", null, ...columns.map(([head]) => el("th", { scope: "col" }, head)))));
    const total = el("span", { class: "total", role: "status" });
    arrows(table);
    into.append(el("div", { class: "bar-top" }, heading ? el("h3", null, heading) : null, total),
      el("div", { class: "scroll" }, table));
    const fill = () => {
      if (growing.has(list)) growing.get(list).stop();
      growing.set(list, grow(table, total, (offset, limit) => source.list(list, { q: query, offset, limit }),
        (row) => el("tr", { tabindex: 0 }, ...columns.map(([head, show]) => el("td", { class: "wrap", "data-head": head }, show(row)))), words));
    };
    fills.push(fill);
    fill();
  }
  into.growing = { all: async (most) => { for (const g of growing.values()) await g.all(most); } };
}
