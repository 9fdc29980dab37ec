// The map: lanes of boxes, lines for conversations and cables. It can be dragged, zoomed, searched and walked by keyboard.

const mapState = { by: "level", talks: true, cables: true, opened: new Set(), q: "", segment: "", chosen: "", view: null, drawn: null };

const mapZoom = 1.3;

async function drawMap(into) {
  const s = await source.summary();
  const choose = (title, key, options) => el("label", null, title + " ",
    el("select", { onchange: (e) => { mapState[key] = e.target.value; mapState.opened.clear(); mapState.view = null; refreshMap(); } },
      ...options.map(([value, text]) => el("option", { value, selected: mapState[key] === value }, text))));
  const toggle = (title, key) => el("label", null,
    el("input", { type: "checkbox", checked: mapState[key], onchange: (e) => { mapState[key] = e.target.checked; refreshMap(); } }), " " + title);
  const segments = Object.keys(s.segments || {}).sort(order.compare);
  const hasZones = Object.keys(s.zones || {}).some((z) => z);
  if (s.assets > 5000 && !mapState.segment && segments.length > 1) mapState.segment = segments[0];
  into.replaceChildren(
    el("div", { class: "bar-top" }, el("h2", null, "Map"),
      el("input", { type: "search", placeholder: "Find on the map", "aria-label": "Find on the map", oninput: later((e) => { mapState.q = e.target.value.trim().toLowerCase(); mark(); }, 120) }),
      choose("Lanes", "by", [["level", "levels"], ...(hasZones ? [["zone", "zones"]] : []), ["segment", "segments"]]),
      segments.length > 1 ? choose("Segment", "segment", [...(s.assets > 5000 ? [] : [["", "all"]]), ...segments.map((v) => [v, v])]) : null,
      toggle("conversations", "talks"), toggle("cables", "cables"),
      el("span", { class: "buttons" },
        el("button", { type: "button", "aria-label": "Zoom in", onclick: () => zoom(1 / mapZoom) }, "+"),
        el("button", { type: "button", "aria-label": "Zoom out", onclick: () => zoom(mapZoom) }, "−"),
        el("button", { type: "button", onclick: () => { mapState.view = null; look(); } }, "Fit")),
      el("span", { class: "total", role: "status" })),
    el("div", { class: "canvas" }),
    el("p", { class: "legend" }, el("i", { class: "key talk" }), "reads ", el("i", { class: "key write" }), "writes or controls ", el("i", { class: "key external" }), "leaves the site ", el("i", { class: "key cable" }), "cable"));
  await refreshMap();
}

async function refreshMap() {
  const into = part("map"), canvas = into.querySelector(".canvas");
  const graph = await source.graph({ segment: mapState.segment });
  const drawn = layout(graph, mapState);
  mapState.drawn = drawn;
  const svg = el("svg", { role: "group", "aria-label": "Network map", tabindex: -1, class: drawn.items.length > 250 ? "many" : null });
  const under = el("g"), lines = el("g", { class: "lines" }), boxes = el("g", { class: "boxes" });
  for (const lane of drawn.lanes) {
    under.append(el("rect", { class: "lane", x: 4, y: lane.y, width: drawn.width - 8, height: lane.height, rx: 6 }),
      el("text", { class: "lane-title", x: 16, y: lane.y + 24 }, clip(lane.title, 16)), el("text", { class: "lane-about", x: 16, y: lane.y + 40 }, clip(lane.about, 24)));
  }
  for (const line of drawn.lines) lines.append((line.drawn = drawLine(line)));
  for (const item of drawn.items) boxes.append((item.drawn = drawItem(item)));
  if (drawn.items[0]) drawn.items[0].drawn.setAttribute("tabindex", 0);
  svg.append(under, lines, boxes);
  canvas.replaceChildren(svg);
  walk(svg, boxes);
  drag(svg);
  into.querySelector(".total").textContent = plural(graph.nodes.length, "asset") + (graph.left_out ? ", " + number(graph.left_out) + " more not drawn: choose a segment" : "");
  look();
  mark();
}

function drawLine(line) {
  const a = line.from.y <= line.to.y ? line.from : line.to, b = a === line.from ? line.to : line.from;
  const ax = a.x + box.width / 2, bx = b.x + box.width / 2;
  let path;
  if (a.y === b.y) {
    const top = a.y - Math.min(30, 8 + Math.abs(bx - ax) / 20);
    path = `M${ax} ${a.y}C${ax} ${top} ${bx} ${top} ${bx} ${b.y}`;
  } else {
    const ay = a.y + box.height, middle = (ay + b.y) / 2;
    path = `M${ax} ${ay}C${ax} ${middle} ${bx} ${middle} ${bx} ${b.y}`;
  }
  const kind = !line.talk ? "cable" : line.external ? "external" : line.writes ? "write" : "talk";
  const names = [...line.protocols.keys()].slice(0, 8).join(", ");
  const drawn = el("path", { class: "line " + kind, d: path }, el("title", null, `${line.from.label} – ${line.to.label}: ` + [names, line.packets ? number(line.packets) + " packets" : "", line.cable ? "cable" : ""].filter(Boolean).join(", ")));
  if (line.packets) drawn.style.strokeWidth = 1 + Math.min(3, Math.log10(1 + line.packets) / 2);
  return drawn;
}

function drawItem(item) {
  const group = item.id.startsWith("group:");
  const second = group ? (item.segment ? item.segment : "open to see them") : [item.vendor, item.model].filter(Boolean).join(" ") || item.type;
  const act = () => {
    if (group) { mapState.opened.add(item.key); refreshMap(); }
    else if (!item.outside) openDetail(item.id);
    else highlight(item.id);
  };
  const drawn = el("g", { class: "box " + (group ? "group" : "") + (item.outside ? " outside" : ""), tabindex: -1, role: "button", transform: `translate(${item.x} ${item.y})`,
    "aria-label": [item.label, item.type, second].filter(Boolean).join(", "), onclick: act, onfocus: () => highlight(item.id), onmouseenter: () => highlight(item.id), onmouseleave: () => highlight(mapState.chosen) },
    el("title", null, [item.label, second, item.type, item.segment].filter(Boolean).join("\n")),
    el("rect", { width: box.width, height: box.height, rx: 5, class: "t-" + (item.type || "unknown") }),
    el("text", { x: 8, y: 16, class: "name" }, clip(item.label, 18)),
    el("text", { x: 8, y: 30, class: "what" }, clip(second, 22)));
  if (item.group && mapState.opened.has(item.group)) {
    drawn.addEventListener("keydown", (e) => { if (e.key === "Backspace") { mapState.opened.delete(item.group); refreshMap(); } });
  }
  drawn.addEventListener("keydown", (e) => { if (e.key === "Enter" || e.key === " ") { act(); e.preventDefault(); } });
  return drawn;
}

// highlight shows one item, its lines and their other ends, and fades the rest.
function highlight(id) {
  const svg = part("map").querySelector("svg");
  if (!svg || !mapState.drawn) return;
  const near = new Set([id]);
  let found = false;
  for (const line of mapState.drawn.lines) {
    const on = line.from.id === id || line.to.id === id;
    if (on) { near.add(line.from.id); near.add(line.to.id); found = true; }
    line.drawn.classList.toggle("on", on);
  }
  for (const item of mapState.drawn.items) {
    item.drawn.classList.toggle("near", near.has(item.id));
    if (item.id === id) found = true;
  }
  svg.classList.toggle("faded", found && id !== "");
}

// mark shows what the search finds.
function mark() {
  const { drawn, q } = mapState;
  if (!drawn) return;
  let first = null;
  for (const item of drawn.items) {
    const hit = q !== "" && [item.label, item.type, item.vendor, item.model, item.segment, item.id].join("\n").toLowerCase().includes(q);
    item.drawn.classList.toggle("hit", hit);
    if (hit && !first) first = item;
  }
  if (first) {
    const v = mapState.view || fitted();
    if (first.x < v.x || first.x + box.width > v.x + v.w || first.y < v.y || first.y + box.height > v.y + v.h) {
      mapState.view = { ...v, x: first.x + box.width / 2 - v.w / 2, y: first.y + box.height / 2 - v.h / 2 };
      look();
    }
  }
}

const fitted = () => ({ x: 0, y: 0, w: mapState.drawn.width, h: mapState.drawn.height });

function look() {
  const svg = part("map").querySelector("svg");
  if (!svg) return;
  const v = mapState.view || fitted();
  svg.setAttribute("viewBox", `${v.x} ${v.y} ${v.w} ${v.h}`);
  svg.style.aspectRatio = `${mapState.drawn.width} / ${mapState.drawn.height}`;
}

function zoom(by, at) {
  const v = mapState.view || fitted(), full = fitted();
  const w = Math.min(full.w * 1.5, Math.max(box.width * 2, v.w * by)), ratio = w / v.w;
  const c = at || { x: v.x + v.w / 2, y: v.y + v.h / 2 };
  mapState.view = { x: c.x - (c.x - v.x) * ratio, y: c.y - (c.y - v.y) * ratio, w, h: v.h * ratio };
  look();
}

// walk moves the focus between boxes with the arrow keys: to the nearest one in that direction.
function walk(svg, boxes) {
  svg.addEventListener("keydown", (event) => {
    if (event.key === "+" || event.key === "=") return zoom(1 / mapZoom);
    if (event.key === "-") return zoom(mapZoom);
    if (event.key === "0") { mapState.view = null; return look(); }
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const from = mapState.drawn.items.find((i) => i.drawn === document.activeElement);
    if (!step || !from) return;
    event.preventDefault();
    let best = null, least = Infinity;
    for (const item of mapState.drawn.items) {
      const dx = item.x - from.x, dy = item.y - from.y, ahead = dx * step[0] + dy * step[1], aside = Math.abs(dx * step[1]) + Math.abs(dy * step[0]);
      if (item !== from && ahead > 0 && ahead + 2 * aside < least) { best = item; least = ahead + 2 * aside; }
    }
    if (!best) return;
    from.drawn.setAttribute("tabindex", -1);
    best.drawn.setAttribute("tabindex", 0);
    best.drawn.focus();
  });
}

// drag moves the view with a pointer, and zooms with two, or with a wheel while the control key is held.
function drag(svg) {
  const pointers = new Map();
  const scale = () => (mapState.view || fitted()).w / svg.getBoundingClientRect().width;
  svg.addEventListener("pointerdown", (e) => { if (!e.target.closest(".box")) { pointers.set(e.pointerId, e); svg.setPointerCapture(e.pointerId); } });
  svg.addEventListener("pointermove", (e) => {
    const before = pointers.get(e.pointerId);
    if (!before) return;
    const v = mapState.view || fitted(), k = scale();
    if (pointers.size === 1) {
      mapState.view = { ...v, x: v.x - (e.clientX - before.clientX) * k, y: v.y - (e.clientY - before.clientY) * k };
      look();
    } else {
      const other = [...pointers.values()].find((p) => p.pointerId !== e.pointerId);
      const apart = (p) => Math.hypot(p.clientX - other.clientX, p.clientY - other.clientY) || 1;
      zoom(apart(before) / apart(e));
    }
    pointers.set(e.pointerId, e);
  });
  for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, (e) => pointers.delete(e.pointerId));
  svg.addEventListener("wheel", (e) => {
    if (!e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    const r = svg.getBoundingClientRect(), v = mapState.view || fitted();
    zoom(e.deltaY > 0 ? mapZoom : 1 / mapZoom, { x: v.x + ((e.clientX - r.left) / r.width) * v.w, y: v.y + ((e.clientY - r.top) / r.height) * v.h });
  }, { passive: false });
}

document.addEventListener("chosen", (e) => { mapState.chosen = e.detail; highlight(e.detail); });
