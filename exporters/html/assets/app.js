// The parts of the report, and the way between them.

const parts = [
  ["overview", "Overview", (into) => drawOverview(into, open)], ["map", "Map", drawMap], ["assets", "Assets", drawAssets],
  ...Object.keys(lists).map((name) => [name, lists[name][0].split(" ")[0], (into) => drawList(name, into)]),
];

const drawnParts = new Map();

// open shows a part, with the assets filtered as asked.
async function open(name, filter) {
  if (!parts.some(([n]) => n === name)) name = "overview";
  for (const [n] of parts) {
    part(n).hidden = n !== name;
    const tab = byID("tab-" + n);
    tab.setAttribute("aria-selected", n === name);
    tab.tabIndex = n === name ? 0 : -1;
  }
  if (filter) assetTable.filter = { sort: "", down: false, ...filter };
  if (!drawnParts.has(name)) drawnParts.set(name, Promise.resolve(parts.find(([n]) => n === name)[2](part(name))));
  else if (filter) fillAssets();
  await drawnParts.get(name);
}

// renew draws again what was drawn, from new data: the part that is open now, the others when they are opened.
const renew = later(async () => {
  if (shownID && !(byID("detail").contains(document.activeElement) && document.activeElement.tagName === "INPUT")) openDetail(shownID);
  const name = parts.find(([n]) => !part(n).hidden)[0];
  if (part(name).contains(document.activeElement) && document.activeElement.tagName === "INPUT") return; // somebody types
  drawnParts.clear();
  const at = window.scrollY;
  await open(name);
  window.scrollTo(0, at);
}, 300);

function drawTabs() {
  const bar = byID("tabs");
  for (const [name, title] of parts) {
    const section = part(name);
    section.setAttribute("role", "tabpanel");
    bar.append(el("button", { type: "button", role: "tab", id: "tab-" + name, "aria-controls": "part-" + name, onclick: () => { history.replaceState(null, "", "#" + name); open(name); } }, title));
  }
  bar.addEventListener("keydown", (e) => {
    const tabs = [...bar.children], at = tabs.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[e.key];
    if (to === undefined || at < 0) return;
    e.preventDefault();
    const tab = tabs[(to + tabs.length) % tabs.length];
    tab.focus();
    tab.click();
  });
}

document.addEventListener("keydown", (e) => {
  if (e.key === "Escape") closeDetail();
  if (e.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    e.preventDefault();
    open("assets").then(() => byID("search").focus());
  }
});

function follow() {
  const hash = decodeURIComponent(location.hash.slice(1));
  if (hash.startsWith("asset=")) open("assets").then(() => openDetail(hash.slice(6)));
  else open(hash || "overview");
}

// Paper gets every part, and every row.
const mostOnPaper = 5000;
async function wholeReport() {
  for (const [name] of parts) {
    if (!drawnParts.has(name)) drawnParts.set(name, Promise.resolve(parts.find(([n]) => n === name)[2](part(name))));
    await drawnParts.get(name);
  }
  if (assetTable.growing) await assetTable.growing.all(mostOnPaper);
  for (const name of Object.keys(lists)) if (part(name) && part(name).growing) await part(name).growing.all(mostOnPaper);
}
window.addEventListener("beforeprint", () => { wholeReport(); });

// The detail stands below the head of the page, whose tabs stay in reach; on a phone it takes the whole window.
new ResizeObserver(([{ target }]) => {
  document.documentElement.style.setProperty("--head", window.innerWidth > 700 ? target.offsetHeight + "px" : "0px");
}).observe(document.querySelector("header"));

drawTabs();
window.addEventListener("hashchange", follow);
follow();
