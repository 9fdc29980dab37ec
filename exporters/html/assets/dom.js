// Making elements. Everything that is not ours is written as text.

// el makes an element: el("td", {class: "mono", onclick: f}, "text", child ...). Attributes that are null or false are left out.
function el(name, attributes, ...children) {
  const made = /^(svg|g|rect|circle|path|line|text|title)$/.test(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === "") continue;
    made.append(child instanceof Node ? child : String(child));
  }
  return made;
}

const byID = (id) => document.getElementById(id);
const part = (name) => byID("part-" + name); // a section of the page
// order compares texts as people sort them: 10.0.0.9 before 10.0.0.10.
const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const clip = (text, most) => (text && text.length > most ? text.slice(0, most - 1) + "…" : text || "");
const number = (n) => Number(n || 0).toLocaleString("en");
const when = (t) => (t ? t.replace("T", " ").replace(/(:\d\d)(\.\d+)?Z$/, "$1") : "");
const day = (t) => (t ? t.slice(0, 10) : "");
const percent = (c) => (c ? Math.round(c * 100) + " %" : "");
const plural = (n, one, many) => number(n) + " " + (n === 1 ? one : many || one + "s");

function bytes(n) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  for (n = n || 0; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return (i && n < 10 ? n.toFixed(1) : Math.round(n)) + " " + units[i];
}

// label is what a person calls an asset.
function label(a) {
  return a.name || firstIP(a) || firstMAC(a) || [a.vendor, a.model].filter(Boolean).join(" ") || a.id;
}

const firstIP = (a) => ((a.addresses || []).find((x) => x.ip) || {}).ip || "";
const firstMAC = (a) => ((a.addresses || []).find((x) => x.mac) || {}).mac || "";

// later calls f once, some time after the last call.
function later(f, milliseconds) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => f(...args), milliseconds);
  };
}
