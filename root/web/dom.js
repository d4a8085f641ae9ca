// Small tools for building elements. Everything that comes from outside reaches the page through
// text nodes and attributes, never as markup; there is no inline style and no inline script.

const SVG = "http://www.w3.org/2000/svg";

export const $ = (query, within = document) => within.querySelector(query);

function set(el, attributes) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value == null || value === false) continue;
    if (key.startsWith("--")) el.style.setProperty(key, value);
    else if (key.startsWith("on")) el.addEventListener(key.slice(2), value);
    else el.setAttribute(key, value === true ? "" : value);
  }
}

function fill(el, children) {
  for (const child of children.flat(9)) {
    if (child != null && child !== false) el.append(child.nodeType ? child : String(child));
  }
  return el;
}

// h("span.name.cut", {role: "cell"}, child, ...): an element with its classes.
export function h(tag, attributes, ...children) {
  const [name, ...classes] = tag.split(".");
  const el = document.createElement(name);
  if (classes.length) el.className = classes.join(" ");
  set(el, attributes);
  return fill(el, children);
}

export function s(tag, attributes, ...children) {
  const el = document.createElementNS(SVG, tag);
  set(el, attributes);
  return fill(el, children);
}

// One of the shapes of index.html; decoration only, its word has to stand beside it.
export function icon(shape, colour = "") {
  const classes = colour ? `ic c-${colour}` : "ic";
  return s("svg", { class: classes, "aria-hidden": "true" }, s("use", { href: `#i-${shape}` }));
}

export const hidden = (text) => h("span.sr", null, text);
