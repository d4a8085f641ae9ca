// The page: holds what is chosen and opened, and brings data, view and keys together.

import { $, hidden, icon } from "./dom.js";
import { Live } from "./live.js";
import { find, read, rows } from "./model.js";
import { draw_chosen, draw_events } from "./side_view.js";
import { draw_strip } from "./strip.js";
import { TreeView } from "./tree_view.js";
import { clock, duration, word } from "./words.js";

const page = { root: null, chosen: null, opened: new Map(), unfolded: new Set(), was_live: null };
const view = new TreeView($("#rows"));
const say = (text) => $("#say").replaceChildren(text);

const live = new Live({
  tree: (answer) => {
    page.root = read(answer);
    draw();
  },
  events: (events) => {
    draw_events($("#events"), events);
    tick();
  },
  state: (is_live) => {
    if (page.was_live === false && is_live) say("live again");
    if (page.was_live && !is_live) say("the connection to the root is lost");
    page.was_live = is_live;
    tick();
  },
});

function draw() {
  if (!page.root) return;
  const list = rows(page.root, page.opened, page.unfolded);
  if (!list.some((row) => row.key === page.chosen)) page.chosen = list[0].key;
  view.show(list, page.chosen);
  draw_strip($("#strip"), page.root);
  draw_side();
  tick();
}

function draw_side() {
  const row = view.list.find((candidate) => candidate.key === page.chosen);
  const thing = row && find(page.root, row.path);
  if (thing) draw_chosen($("#chosen"), thing);
}

// Once a second: ages and the live mark. When the stream is lost the clocks stand still.
function tick() {
  const now = live.now();
  for (const el of document.querySelectorAll("[data-since]")) {
    const text = (el.dataset.lead ?? "") + duration(now - Number(el.dataset.since));
    if (el.textContent !== text) el.textContent = text;
  }
  const lost = page.was_live === false;
  document.body.classList.toggle("not-live", lost);
  const age = duration(Date.now() - live.heard);
  const mark = lost ? `not live, ${age} old` : page.was_live ? "live" : "connecting";
  $("#live-word").textContent = mark;
  $("#live-clock").textContent = page.root ? `${clock(now)} UTC` : "";
}

function choose(key, focus = true) {
  page.chosen = key;
  view.select(key, focus);
  draw_side();
  tick();
}

function act_on(row) {
  if (row.fold) {
    page.unfolded.add(row.path);
    const list = rows(page.root, page.opened, page.unfolded);
    const known = new Set(view.list.map((old) => old.key));
    page.chosen = list.find((fresh) => !known.has(fresh.key))?.key ?? page.chosen;
  } else if (row.open !== null) {
    page.opened.set(row.path, !row.open);
  }
  draw();
}

const show_details = (shown) => document.body.classList.toggle("detail", shown);

function clicked(event) {
  const key = event.target.closest(".row")?.dataset.key;
  const row = view.list.find((candidate) => candidate.key === key);
  if (!row) return;
  if (row.fold) return act_on(row);
  choose(key);
  if (event.target.closest(".chev")) act_on(row);
  else show_details(true);
}

function step(by) {
  const at = view.list.findIndex((row) => row.key === page.chosen);
  const next = view.list[Math.max(0, Math.min(view.list.length - 1, at + by))];
  if (next) choose(next.key);
}

function parent_of(row) {
  const at = view.list.indexOf(row);
  return view.list.slice(0, at).findLast((above) => above.depth < row.depth);
}

function right(row) {
  if (row.open === false) act_on(row);
  else step(1);
}

function left(row) {
  const above = parent_of(row);
  if (row.open) act_on(row);
  else if (above) choose(above.key);
}

const KEYS = {
  j: () => step(1),
  ArrowDown: () => step(1),
  k: () => step(-1),
  ArrowUp: () => step(-1),
  Home: () => step(-Infinity),
  End: () => step(Infinity),
  ArrowRight: right,
  ArrowLeft: left,
  Enter: act_on,
  d: () => switch_scheme(),
  Escape: () => show_details(false),
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !page.root) return;
  const on_button = event.target.closest?.("button, a, input");
  if (on_button && event.key === "Enter") return;
  const row = view.list.find((candidate) => candidate.key === page.chosen);
  if (!Object.hasOwn(KEYS, event.key) || !row) return;
  event.preventDefault();
  KEYS[event.key](row);
}

function switch_scheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("theme", next);
  } catch {
    say(`${word(next)} for this visit`); // storage is switched off: the choice lasts until reload
  }
}

function begin() {
  try {
    const theme = localStorage.getItem("theme");
    if (theme) document.documentElement.dataset.theme = theme;
  } catch {
    // storage is switched off: the system's scheme holds
  }
  $("#rows").addEventListener("click", clicked);
  $("#theme").addEventListener("click", switch_scheme);
  $("#back").addEventListener("click", () => show_details(false));
  $("#back").replaceChildren(icon("chev"), "Tree", hidden("back to the list"));
  document.addEventListener("keydown", pressed);
  setInterval(tick, 1000);
  live.start();
}

begin();
