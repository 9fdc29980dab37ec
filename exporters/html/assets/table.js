// The assets as a table that grows while one scrolls.

const chunk = 100;

const assetColumns = [
  ["address", "Address", (a) => [firstIP(a) || firstMAC(a), (a.addresses || []).length > 1 ? el("span", { class: "dim" }, " +" + ((a.addresses || []).length - 1)) : null]],
  ["name", "Name", (a) => clip(a.name, 60)],
  ["vendor", "Vendor", (a) => a.vendor ? clip(a.vendor, 40) : el("span", { class: "dim" }, a.mac_vendor ? "(" + clip(a.mac_vendor, 30) + ")" : "")],
  ["model", "Model", (a) => clip(a.model || a.family, 50)],
  ["firmware", "Firmware", (a) => clip(a.firmware || a.firmware_raw, 30)],
  ["serial", "Serial", (a) => clip(a.serial, 30)],
  ["type", "Type", (a) => a.type || (a.proposed_type ? el("span", { class: "dim" }, a.proposed_type + "?") : "")],
  ["level", "Level", (a) => a.level || ""],
  ["zone", "Zone", (a) => a.zone ? el("span", { class: a.zone_accepted ? null : "dim" }, clip(a.zone, 30)) : ""],
  ["segment", "Segment", (a) => clip(a.segment, 30)],
  ["confidence", "Sure", (a) => percent(a.confidence)],
];

// grow fills a table body row by row as its end comes into view; want(offset, limit) promises {total, rows}.
function grow(body, counter, want, make, words) {
  let offset = 0, total = 0, busy = false, stopped = false;
  const end = el("tr", { class: "end" }, el("td", { colspan: 20 }, "…"));
  async function more() {
    if (busy || stopped) return;
    busy = true;
    const got = await want(offset, chunk);
    if (stopped) return;
    total = got.total;
    offset += got.rows.length;
    end.before(...got.rows.map(make));
    counter.textContent = plural(total, ...words);
    busy = false;
    if (offset >= total || !got.rows.length) { end.remove(); watch.disconnect(); }
    else { watch.unobserve(end); watch.observe(end); }
  }
  const watch = new IntersectionObserver((seen) => { if (seen.some((s) => s.isIntersecting)) more(); }, { rootMargin: "600px" });
  body.replaceChildren(end);
  more();
  return {
    stop() { stopped = true; watch.disconnect(); },
    async all(most) { while (!stopped && offset < Math.min(total, most)) await more(); },
  };
}

// arrows moves the focus between the rows of a table body.
function arrows(body) {
  body.addEventListener("keydown", (event) => {
    const row = event.target.closest("tr");
    if (!row || event.target !== row) return;
    const to = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling, Home: body.firstElementChild, End: body.lastElementChild }[event.key];
    if (to && to.tabIndex >= 0) { to.focus(); event.preventDefault(); }
    if (event.key === "Enter" || event.key === " ") { row.click(); event.preventDefault(); }
  });
}

const assetTable = { filter: { sort: "", down: false }, growing: null };

async function drawAssets(into) {
  const s = await source.summary();
  const choice = (key, title, counts) => {
    const values = Object.keys(counts || {}).filter(Boolean).sort(order.compare);
    if (values.length < 2 && !assetTable.filter[key]) return null;
    const select = el("select", { "aria-label": title, id: "filter-" + key, onchange: (e) => { assetTable.filter[key] = e.target.value; fillAssets(); } },
      el("option", { value: "" }, title + ": all"), ...values.map((v) => el("option", { value: v }, clip(v, 40))));
    return select;
  };
  const search = el("input", { type: "search", id: "search", placeholder: "Search names, addresses, models, firmware …", "aria-label": "Search assets",
    oninput: later((e) => { assetTable.filter.q = e.target.value.trim(); fillAssets(); }, 120) });
  const heads = assetColumns.map(([key, title]) => el("th", { scope: "col", class: "c-" + key, "aria-sort": "none", "data-key": key },
    el("button", { type: "button", onclick: () => sortAssets(key) }, title)));
  const body = el("tbody");
  arrows(body);
  into.replaceChildren(
    el("div", { class: "bar-top" }, el("h2", null, "Assets"), search,
      choice("type", "Type", s.types), choice("vendor", "Vendor", s.vendors), choice("segment", "Segment", s.segments), choice("zone", "Zone", s.zones), choice("level", "Level", s.levels),
      el("button", { type: "button", class: "quiet", onclick: () => clearAssets() }, "Clear"),
      el("span", { class: "total", role: "status" })),
    el("div", { class: "scroll" }, el("table", { class: "list" }, el("thead", null, el("tr", null, ...heads)), body)));
  fillAssets();
}

function sortAssets(key) {
  const f = assetTable.filter;
  if (f.sort !== key) { f.sort = key; f.down = false; }
  else if (!f.down) f.down = true;
  else { f.sort = ""; f.down = false; }
  fillAssets();
}

function clearAssets() {
  assetTable.filter = { sort: "", down: false };
  fillAssets();
}

function fillAssets() {
  const into = part("assets"), f = assetTable.filter;
  if (!into.querySelector("tbody")) return;
  if (assetTable.growing) assetTable.growing.stop();
  for (const select of into.querySelectorAll("select")) select.value = f[select.id.replace("filter-", "")] || "";
  const search = into.querySelector("input");
  if (search !== document.activeElement) search.value = f.q || "";
  for (const head of into.querySelectorAll("th")) head.setAttribute("aria-sort", head.dataset.key === f.sort ? (f.down ? "descending" : "ascending") : "none");
  assetTable.growing = grow(into.querySelector("tbody"), into.querySelector(".total"),
    (offset, limit) => source.assets({ ...f, offset, limit }), assetRow, ["asset"]);
}

function assetRow(a) {
  return el("tr", { tabindex: 0, "data-id": a.id, onclick: () => openDetail(a.id) },
    ...assetColumns.map(([key, title, show]) => el("td", { class: "c-" + key, "data-head": title }, show(a))));
}
