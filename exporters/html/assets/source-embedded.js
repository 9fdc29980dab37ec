// The data of a report that holds everything itself.

const embedded = {};

function read(id) {
  if (!(id in embedded)) {
    const script = byID("data-" + id);
    embedded[id] = script ? JSON.parse(script.textContent) : [];
  }
  return embedded[id];
}

// searchable is the text that a search looks through, made once for each row.
const texts = new WeakMap();
function searchable(row) {
  let text = texts.get(row);
  if (text === undefined) {
    const words = [];
    const walk = (v) => {
      if (v && typeof v === "object") Object.values(v).forEach(walk);
      else if (typeof v === "string") words.push(v);
    };
    walk(row);
    texts.set(row, (text = words.join("\n").toLowerCase()));
  }
  return text;
}

function matches(row, query) {
  return query.toLowerCase().split(/\s+/).every((word) => searchable(row).includes(word));
}

function page(rows, o) {
  return { total: rows.length, rows: rows.slice(o.offset || 0, (o.offset || 0) + (o.limit || rows.length)) };
}

const fields = {
  type: (a) => a.type || a.proposed_type || "",
  vendor: (a) => a.vendor || "",
  segment: (a) => a.segment || "",
  zone: (a) => a.zone || "",
  level: (a) => a.level || "",
};

function chosenAssets(o) {
  let rows = read("assets");
  for (const [key, get] of Object.entries(fields)) if (o[key]) rows = rows.filter((a) => get(a) === o[key]);
  if (o.q) rows = rows.filter((a) => matches(a, o.q));
  return rows;
}

const sortKeys = {
  address: (a) => firstIP(a) || firstMAC(a), name: label, vendor: fields.vendor, model: (a) => a.model || "",
  firmware: (a) => a.firmware || a.firmware_raw || "", serial: (a) => a.serial || "", type: fields.type, level: fields.level,
  segment: fields.segment, zone: (a) => a.zone || "", seen: (a) => a.last_seen || "", confidence: (a) => String(Math.round((a.confidence || 0) * 1000)),
};

const source = {
  live: false,
  async summary() {
    return read("summary");
  },
  async assets(o) {
    let rows = chosenAssets(o);
    const key = sortKeys[o.sort];
    if (key) rows = [...rows].sort((a, b) => (key(a) === "") - (key(b) === "") || (o.down ? -1 : 1) * order.compare(key(a), key(b)));
    return page(rows, o);
  },
  async asset(id) {
    const asset = read("assets").find((a) => a.id === id);
    if (!asset) return null;
    return {
      ...asset,
      evidence: (read("evidence")[id] || []).map(([subject, key, value, mode, protocol, teller, rule, from, confidence, count, first, last, survey]) => ({
        subject, key, value, mode, protocol, teller, rule, from, confidence, count, first_seen: first, last_seen: last, survey,
      })),
      conversations: read("conversations").filter((c) => c.client === id || c.server === id),
      changes: read("changes").filter((c) => c.asset === id),
    };
  },
  async name(id) {
    const asset = read("assets").find((a) => a.id === id);
    return asset ? label(asset) : id;
  },
  // graph gives the assets that a filter leaves as nodes, and what runs between them.
  async graph(o) {
    return { nodes: chosenAssets(o).map((a) => ({
      id: a.id, label: label(a), type: fields.type(a), level: a.level || "", zone: a.zone || "", segment: a.segment, vendor: a.vendor || "",
      model: a.model || "", role: a.role || "", cables: (a.neighbours || []).map((n) => n.asset).filter(Boolean),
    })), talks: read("conversations") };
  },
  async list(name, o) {
    let rows = read(name);
    if (o.q) rows = rows.filter((r) => matches(r, o.q));
    return page(rows, o);
  },
};

// names of the assets, for lists that hold ids.
let names;
function nameOf(id) {
  if (!names) names = new Map(read("assets").map((a) => [a.id, label(a)]));
  return names.get(id) || id;
}
