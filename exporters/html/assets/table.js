// The assets as a table that grows while one scrolls.

const chunk = 60;

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

// grow fills a table as its end comes into view, a chunk of rows at a time; want(offset, limit) promises {total, rows}. Each chunk is a
// table body. One that is far from view gives its rows up and keeps its height, so that a long list stays light.
function grow(table, counter, want, make, words) {
  let offset = 0, total = 0, busy = null, stopped = false, keepAll = false;
  const chunks = new Map(); // body: its rows
  const end = el("tbody", { class: "end" }, el("tr", null, el("td", { colspan: 20 }, "…")));
  const near = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting, boundingClientRect } of seen) {
      if (isIntersecting) fill(target);
      else if (!keepAll && boundingClientRect.height > 0 && !target.contains(document.activeElement)) empty(target, boundingClientRect.height);
    }
  }, { rootMargin: "1500px" });
  const atEnd = new IntersectionObserver((seen) => { if (seen.some((s) => s.isIntersecting)) more(); }, { rootMargin: "800px" });

  function fill(body) {
    if (body.dataset.empty === undefined) return;
    delete body.dataset.empty;
    body.replaceChildren(...chunks.get(body).map(make));
  }
  function empty(body, height) {
    if (body.dataset.empty !== undefined) return;
    body.dataset.empty = "";
    const space = el("td", { colspan: 20 });
    space.style.height = height + "px";
    body.replaceChildren(el("tr", { class: "space" }, space));
  }
  async function read() {
    const got = await want(offset, chunk);
    if (stopped) return;
    total = got.total;
    offset += got.rows.length;
    const body = el("tbody", null, ...got.rows.map(make));
    chunks.set(body, got.rows);
    end.before(body);
    near.observe(body);
    counter.textContent = plural(total, ...words);
    if (offset >= total || !got.rows.length) { end.remove(); atEnd.disconnect(); }
    else { atEnd.unobserve(end); atEnd.observe(end); }
  }
  function more() {
    if (!busy && !stopped) busy = read().finally(() => { busy = null; });
    return busy;
  }
  for (const old of [...table.tBodies]) old.remove();
  table.append(end);
  more();
  return {
    stop() { stopped = true; near.disconnect(); atEnd.disconnect(); },
    async all(most) {
      keepAll = true;
      do { await more(); } while (!stopped && offset < Math.min(total, most));
      for (const body of chunks.keys()) fill(body);
    },
  };
}

// arrows moves the focus between the rows of a table.
function arrows(table) {
  table.addEventListener("keydown", (event) => {
    const row = event.target.closest("tbody tr");
    if (!row || event.target !== row) return;
    const rows = [...table.querySelectorAll("tbody tr[tabindex]")], at = rows.indexOf(row);
    const to = { ArrowDown: rows[at + 1], ArrowUp: rows[at - 1], Home: rows[0], End: rows.at(-1) }[event.key];
    if (to) { to.focus(); event.preventDefault(); }
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
  const table = el("table", { class: "list fixed" }, el("thead", null, el("tr", null, ...heads)));
  arrows(table);
  into.replaceChildren(
    el("div", { class: "bar-top" }, el("h2", null, "Assets"), search,
      choice("type", "Type", s.types), choice("vendor", "Vendor", s.vendors), choice("segment", "Segment", s.segments), choice("zone", "Zone", s.zones), choice("level", "Level", s.levels),
      el("button", { type: "button", class: "quiet", onclick: () => clearAssets() }, "Clear"),
      el("span", { class: "total", role: "status" })),
    el("div", { class: "scroll" }, table));
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
  const table = into.querySelector("table");
  if (!table) return;
  if (assetTable.growing) assetTable.growing.stop();
  for (const select of into.querySelectorAll("select")) select.value = f[select.id.replace("filter-", "")] || "";
  const search = into.querySelector("input");
  if (search !== document.activeElement) search.value = f.q || "";
  for (const head of into.querySelectorAll("th")) head.setAttribute("aria-sort", head.dataset.key === f.sort ? (f.down ? "descending" : "ascending") : "none");
  assetTable.growing = grow(table, into.querySelector(".total"),
    (offset, limit) => source.assets({ ...f, offset, limit }), assetRow, ["asset"]);
}

function assetRow(a) {
  return el("tr", { tabindex: 0, "data-id": a.id, onclick: () => openDetail(a.id) },
    ...assetColumns.map(([key, title, show]) => el("td", { class: "c-" + key, "data-head": title }, show(a))));
}
