// The data of the served page: asked for as they are looked at.

const token = document.querySelector("meta[name=token]").content;

async function get(path, parameters) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters || {})) if (value !== "" && value !== undefined && value !== false) query.set(key, value);
  const answer = await fetch("api/" + path + (query.size ? "?" + query : ""));
  if (!answer.ok) {
    tell(clip(await answer.text(), 300));
    throw new Error(path + ": " + answer.status);
  }
  return answer.json();
}

const names = new Map();
const nameOf = (id) => names.get(id) || id;
const remember = (rows) => rows.forEach((a) => names.set(a.id, label(a)));

// tell shows one line beside the title, in place of the one before.
function tell(text) {
  byID("progress").textContent = text;
}

const source = {
  live: true,
  summary: () => get("summary"),
  async assets(o) {
    const got = await get("assets", o);
    remember(got.rows);
    return got;
  },
  async asset(id) {
    const got = await get("asset", { id });
    for (const [other, name] of Object.entries(got.names || {})) names.set(other, name);
    return got;
  },
  name: async (id) => nameOf(id),
  graph: (o) => get("graph", o),
  async list(name, o) {
    const got = await get("list/" + name, o);
    for (const [id, name] of Object.entries(got.names || {})) names.set(id, name);
    return got;
  },
  // edit is the form for what people know of an asset.
  async edit(a) {
    const form = el("form", { class: "edit" });
    const rows = Object.entries(a.annotations || {}).sort();
    const offered = ((await source.summary()).fields || []);
    const field = el("input", { type: "text", name: "field", list: "fields", placeholder: "zone, owner, …", "aria-label": "Field", maxlength: 60, required: true });
    const value = el("input", { type: "text", name: "value", placeholder: "value; empty takes it back", "aria-label": "Value", maxlength: 2000 });
    field.addEventListener("change", () => { value.value = (a.annotations || {})[field.value] || value.value; });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const answer = await fetch("api/annotate", { method: "POST", headers: { "Content-Type": "application/json", "X-Walkdown-Token": token },
        body: JSON.stringify({ asset: a.id, field: field.value.trim(), value: value.value.trim() }) });
      tell(answer.ok ? "kept" : clip(await answer.text(), 300));
      if (answer.ok) openDetail(a.id);
    });
    form.append(field, el("datalist", { id: "fields" }, ...offered.map((f) => el("option", { value: f.name }, f.title))), value, el("button", { type: "submit" }, "Keep"));
    return card("Said by people", plainTable(["Field", "Value"], rows), document.querySelector("meta[name=writable]") ? form : null);
  },
};

// progress follows a running survey, and draws again what is looked at when something new was found.
let drawnAt = "", following = false;
const events = new EventSource("api/events");
events.addEventListener("message", (event) => {
  const now = JSON.parse(event.data);
  if (now.running) tell(`${now.running.id} is running: ${number(now.assets)} assets, ${number(now.conversations)} conversations, ${number(now.questions)} questions sent`);
  else if (now.reading) tell("zones, map and conversations are being read …");
  else if (following) tell("");
  following = Boolean(now.running || now.reading);
  if (drawnAt && drawnAt !== now.version) renew();
  drawnAt = now.version;
});
