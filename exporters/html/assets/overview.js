// The inventory in numbers.

function figure(value, what, note) {
  return el("div", { class: "figure" }, el("b", null, number(value)), el("span", null, what), note ? el("small", null, note) : null);
}

// bars draws counts as lines of a bar chart; choose is called with the value that was clicked.
function bars(title, counts, choose, most = 12) {
  const rows = Object.entries(counts || {}).sort((a, b) => b[1] - a[1] || order.compare(a[0], b[0]));
  if (!rows.length) return null;
  const top = rows.slice(0, most);
  const rest = rows.slice(most).reduce((sum, r) => sum + r[1], 0);
  const largest = Math.max(...top.map((r) => r[1]));
  const list = el("ul", { class: "bars" });
  for (const [name, count] of top) {
    const bar = el("i", { class: "bar" });
    bar.style.width = (100 * count) / largest + "%";
    list.append(el("li", null,
      name ? el("button", { type: "button", onclick: () => choose(name) }, clip(name, 40)) : el("span", { class: "dim" }, "unknown"),
      el("span", { class: "track" }, bar), el("span", { class: "count" }, number(count))));
  }
  if (rest) list.append(el("li", { class: "dim" }, el("span", null, plural(rows.length - most, "other")), el("span"), el("span", { class: "count" }, number(rest))));
  return el("div", { class: "card" }, el("h3", null, title), list);
}

async function drawOverview(into, open) {
  const s = await source.summary();
  const share = (n) => (s.assets ? percent(n / s.assets) || "0 %" : "");
  into.replaceChildren(
    el("h2", null, "Overview"),
    el("div", { class: "figures" },
      figure(s.assets, s.assets === 1 ? "asset" : "assets", s.components ? plural(s.components, "part") + " inside them" : ""),
      figure(s.with_vendor, "with vendor", share(s.with_vendor)),
      figure(s.with_model, "with model", share(s.with_model)),
      figure(s.with_firmware, "with firmware", share(s.with_firmware)),
      figure(s.with_serial, "with serial number", share(s.with_serial)),
      figure(s.conversations, "conversations", s.external ? plural(s.external, "goes", "go") + " outside" : "none goes outside"),
      figure(s.questions, "questions sent", s.devices_asked ? "to " + plural(s.devices_asked, "device") : "")),
    el("div", { class: "cards" },
      bars("Types", s.types, (v) => open("assets", { type: v })),
      bars("Vendors", s.vendors, (v) => open("assets", { vendor: v })),
      bars("Proposed levels", s.levels, (v) => open("assets", { level: v })),
      bars("Segments", s.segments, (v) => open("assets", { segment: v })),
      Object.keys(s.zones || {}).some((z) => z) ? bars("Zones", s.zones, (v) => open("assets", { zone: v })) : null),
    surveysTable(s.surveys || []), downloads(s.formats || []));
  for (const left of s.left_out || []) into.append(el("p", { class: "note" }, left));
}

function surveysTable(surveys) {
  if (!surveys.length) return el("span");
  const rows = surveys.map((v) => el("tr", null,
    el("td", null, v.id), el("td", null, v.kind), el("td", null, when(v.started)), el("td", null, v.operator || ""), el("td", null, v.segment),
    el("td", { class: "wrap" }, (v.scope || []).join(", ") || v.sensor),
    el("td", { class: "wrap" }, el("span", { class: "outcome " + v.outcome }, v.outcome), ...(v.reasons || []).map((r) => el("div", { class: "dim" }, clip(r, 240))), recordOf(v))));
  return el("div", { class: "card wide" }, el("h3", null, "Surveys"),
    el("div", { class: "scroll" }, el("table", null,
      el("thead", null, el("tr", null, ...["", "Kind", "Started", "By", "Segment", "Scope", "Outcome"].map((h) => el("th", { scope: "col" }, h)))),
      el("tbody", null, ...rows))));
}

// recordOf is how a survey is recorded, to be opened: by whom, with which permission, by which clock, from which files.
function recordOf(survey) {
  return el("details", null, el("summary", null, "record"),
    el("dl", { class: "record" }, ...(survey.record || []).map((line) => [el("dt", null, line.name), el("dd", null, line.value)])));
}

// downloads offers the exports of the served page.
function downloads(formats) {
  if (!formats.length) return el("span");
  return el("div", { class: "card wide" }, el("h3", null, "Take it with you"),
    el("ul", { class: "downloads" }, ...formats.map((f) => el("li", null, el("a", { href: "export/" + f.name, download: "" }, f.name), el("span", { class: "dim" }, " " + f.description)))));
}
