// One asset: what it is, and why we believe it.

const identityFields = [
  ["vendor", "Vendor"], ["family", "Family"], ["model", "Model"], ["order_number", "Order number"], ["serial", "Serial number"],
  ["hardware", "Hardware"], ["firmware", "Firmware"], ["software", "Software"], ["os", "Operating system"], ["type", "Type"],
  ["cpe", "CPE"], ["cpe_candidate", "CPE (candidate)"],
];

let shownID = ""; // of the asset whose detail is open
let returnTo = null; // what had the focus before the detail opened

async function openDetail(id) {
  const panel = byID("detail");
  if (panel.hidden) returnTo = document.activeElement;
  const a = await source.asset(id);
  if (!a) return;
  panel.replaceChildren(...await detail(a));
  panel.hidden = false;
  shownID = id;
  document.body.classList.add("with-detail");
  panel.scrollTop = 0;
  panel.focus({ preventScroll: true });
  if (location.hash !== "#asset=" + id) history.replaceState(null, "", "#asset=" + id);
  document.dispatchEvent(new CustomEvent("chosen", { detail: id }));
}

function closeDetail() {
  const panel = byID("detail");
  if (panel.hidden) return;
  panel.hidden = true;
  shownID = "";
  document.body.classList.remove("with-detail");
  history.replaceState(null, "", location.pathname + location.search);
  if (returnTo && returnTo.isConnected) returnTo.focus({ preventScroll: true });
  document.dispatchEvent(new CustomEvent("chosen", { detail: "" }));
}

const assetLink = (id, text) => el("button", { type: "button", class: "link", onclick: () => openDetail(id) }, text || id);

function card(title, ...children) {
  children = children.flat().filter(Boolean);
  return children.length ? el("section", { class: "part" }, el("h3", null, title), ...children) : null;
}

function identity(a) {
  const rows = [];
  for (const [key, title] of identityFields) {
    if (!a[key]) continue;
    const sure = (a.confidences || {})[key];
    const meter = sure ? el("span", { class: "sure", title: "confidence " + percent(sure) }, el("i"), percent(sure)) : null;
    if (meter) meter.firstChild.style.width = sure * 3 + "em";
    rows.push(el("tr", null, el("th", { scope: "row" }, title),
      el("td", null, a[key], key === "firmware" && a.firmware_raw && a.firmware_raw !== a.firmware ? el("span", { class: "dim" }, " (" + a.firmware_raw + ")") : null),
      el("td", null, meter)));
  }
  return rows.length ? el("table", { class: "identity" }, el("tbody", null, ...rows)) : el("p", { class: "dim" }, "Nothing tells what it is.");
}

function plainTable(heads, rows) {
  const used = heads.map((_, i) => rows.some((r) => r[i] !== "")); // a column that is empty throughout is left out
  heads = heads.filter((_, i) => used[i]);
  rows = rows.map((r) => r.filter((_, i) => used[i]));
  if (!rows.length) return null;
  return el("div", { class: "scroll" }, el("table", null,
    el("thead", null, el("tr", null, ...heads.map((h) => el("th", { scope: "col" }, h)))),
    el("tbody", null, ...rows.map((r) => el("tr", null, ...r.map((c) => el("td", { class: "wrap" }, c)))))));
}

async function detail(a) {
  const name = async (id) => (id ? assetLink(id, clip(await source.name(id), 60)) : "");
  const neighbours = await Promise.all((a.neighbours || []).map(async (n) => [n.local_port || "", n.asset ? await name(n.asset) : n.name || "", n.remote_port || "", n.via]));
  const talks = await Promise.all((a.conversations || []).slice(0, 200).map(async (c) => {
    const out = c.client === a.id;
    const other = out ? c.server : c.client;
    return [out ? "asks" : "is asked by", other ? await name(other) : (out ? c.server_ip : c.client_ip) || (out ? c.server_mac : c.client_mac) || "",
      service(c), (c.operations || []).join(", "), c.frequency || "", number(c.packets), when(c.last_seen)];
  }));
  const facts = (a.evidence || []).map((e) => [
    e.key, el("span", { title: e.value }, clip(e.value, 300)), e.mode + (e.protocol ? " · " + e.protocol : ""),
    e.rule ? el("span", null, e.rule, e.from && e.from.length ? el("span", { class: "dim" }, " from " + e.from.join(", ")) : null, e.confidence ? " " + percent(e.confidence) : "") : (e.teller ? "told by " + e.teller : "") + (e.count > 1 ? " ×" + number(e.count) : ""),
    e.subject, when(e.last_seen),
  ]);
  const close = el("button", { type: "button", class: "close", "aria-label": "Close", onclick: closeDetail }, "×");
  return [
    close,
    el("h2", null, clip(label(a), 80)),
    el("p", { class: "dim" }, [a.site, a.segment, a.role, a.seen && "seen: " + a.seen, a.mac_vendor && "network chip: " + a.mac_vendor].filter(Boolean).join(" · ")),
    el("p", { class: "dim mono" }, a.id),
    a.level ? el("p", null, el("b", null, "Level " + a.level), " proposed: " + (a.level_reason || "")) : null,
    a.zone ? el("p", null, el("b", null, "Zone " + a.zone), (a.zone_accepted ? " accepted" : " proposed") + (a.zone_reason ? ": " + a.zone_reason : "")) : null,
    a.proposed_type && !a.type ? el("p", null, el("b", null, a.proposed_type), " proposed by what it does") : null,
    ...(a.notes || []).map((n) => el("p", { class: "warn" }, n)),
    card("Identity", identity(a), matchability(a)),
    source.edit ? await source.edit(a) : card("Said by people", plainTable(["Field", "Value"], Object.entries(a.annotations || {}).sort())),
    card("Addresses", plainTable(["MAC", "IP", "VLAN", "Segment"], (a.addresses || []).map((x) => [x.mac || "", x.ip || "", x.vlan || "", x.segment || a.segment]))),
    a.via ? card("Behind", el("p", null, await name(a.via))) : null,
    card("Services", plainTable(["Port", "Protocol"], (a.services || []).map((v) => [v.transport + "/" + v.port, v.protocol || ""]))),
    card("Parts", plainTable(["Path", "Name", "Vendor", "Model", "Order number", "Serial", "Firmware"],
      (a.components || []).map((c) => [c.path, c.name || "", c.vendor || "", c.model || "", c.order_number || "", c.serial || "", c.firmware || ""]))),
    card("Neighbours", plainTable(["Port", "Neighbour", "Its port", "Known by"], neighbours)),
    card("Conversations", plainTable(["", "Who", "Service", "Does", "How often", "Packets", "Last"], talks),
      (a.conversations || []).length > talks.length ? el("p", { class: "dim" }, plural(a.conversations.length - talks.length, "more conversation") + " not shown") : null),
    card("Evidence", plainTable(["Key", "Value", "How", "Why", "Under", "Last"], facts)),
    card("Not known", (a.unknown || []).length ? el("p", null, a.unknown.join(", ")) : null,
      ...(a.close || []).map((command) => el("p", { class: "mono" }, command))),
    card("History", plainTable(["When", "What", "Attribute", "Before", "After"], (a.changes || []).map((c) => [when(c.time), c.kind, c.attribute || "", clip(c.old, 120), clip(c.new, 120)])),
      el("p", { class: "dim" }, "First seen " + when(a.first_seen) + ", last seen " + when(a.last_seen))),
  ].filter(Boolean);
}

function matchability(a) {
  const m = a.matchability;
  if (!m) return null;
  return el("p", { class: "dim" }, (m.by || []).length ? "Advisories can be matched by " + m.by.join(", ").replaceAll("_", " ") + ". " : "",
    (m.missing || []).length ? "Missing for that: " + m.missing.join(", ").replaceAll("_", " ") + "." : "");
}

const service = (c) => [c.protocol, c.ether_type || (c.transport || "") + "/" + c.port].filter(Boolean).join(" ");
