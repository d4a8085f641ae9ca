// The right side: what the chosen row is, why it is so, and what happened last in the whole tree.

import { h, icon } from "./dom.js";
import { evidence, last_exit, node_count, parted, shown } from "./model.js";
import { clock, colour, plural, shape, word } from "./words.js";

const EVENTS_SHOWN = 14;

function crumbs(path) {
  const names = path === "/" ? ["/"] : path.split("/");
  const parts = names.map((name, i) => {
    const last = i === names.length - 1;
    return [i ? h("i", null, "/") : null, last ? h("b", null, name) : name];
  });
  return h("span.path", null, parts);
}

function section(title, ...content) {
  return h("section.sect", null, h("h2", null, title), ...content);
}

function facts(pairs) {
  const known = pairs.filter(([, value]) => value != null && value !== "");
  const terms = known.map(([key, value]) => [h("dt", null, key), h("dd", null, value)]);
  return h("dl.facts", null, terms);
}

function target_facts(target) {
  return facts([
    ["health", target.health],
    ["generation", target.generation],
    ["restarts", target.restarts],
    ["pid", target.pid || null],
    ["last exit", last_exit(target)],
    ["error", target.error],
    ["as of", target.presumed ? clock(Date.parse(target.as_of)) : null],
    ["logs", h("code", null, `banyan logs -f ${target.path}`)],
    ["restart", h("code", null, `banyan restart ${target.path}`)],
  ]);
}

function node_facts(node) {
  const below = node_count(node) - (node.parent ? 1 : 0);
  return facts([
    ["role", node.role],
    ["health", node.health],
    ["host", node.host],
    ["version", node.version],
    ["below it", below ? plural(below, "node") : null],
    ["targets", node.total ? `${node.wanted} of ${node.total} as wanted` : null],
  ]);
}

function sentence(thing) {
  const state = shown(thing);
  if (state === "presumed") return "Last known state; its node cannot be reached now.";
  if (state === "unreachable") return "A node above it is lost; what is shown is the last known.";
  if (thing.leaf) return `Target ${thing.name} is ${word(state)}.`;
  const below = node_count(thing) - 1;
  if (state === "lost" && below > 0) {
    return `Node ${thing.path} is lost. ${plural(below, "node")} behind it cannot be reached.`;
  }
  return thing.parent ? `Node ${thing.path} is ${word(state)}.` : "The root of the tree.";
}

function evidence_line(line) {
  const { time, text } = parted(line);
  return time === null ? text : [h("span.mono.faint", null, clock(time)), " ", text];
}

export function draw_chosen(box, thing) {
  const state = shown(thing);
  const heading = h("h1", null, icon(shape(state), colour(state)), crumbs(thing.path));
  const chain = thing.leaf ? [] : evidence(thing);
  const why = chain.map((line) => h("li", null, evidence_line(line)));
  const age = h("span", { "data-since": Date.parse(thing.since) || null, "data-lead": "for " });
  box.replaceChildren(
    h("header.dhead", null, heading, h("p.sub", null, word(state), " ", age)),
    h("p.lead", null, sentence(thing)),
    section("Facts", thing.leaf ? target_facts(thing) : node_facts(thing)),
    why.length ? section("Why", h("ul.evidence", null, why)) : "",
  );
}

// What an event looks like; its kind is a state's name or a word of its own.
const LIKE = {
  started: "running",
  adopted: "running",
  connected: "up",
  outage: "lost",
  gap: "left",
  launch_failed: "failed",
  command: "running",
};

function event_mark(event) {
  const clean = event.kind === "exited" && event.data?.code === 0 && !event.data?.signal;
  if (event.kind === "exited" && !clean) return icon("failed", "crit");
  const state = LIKE[event.kind] ?? event.kind;
  return icon(shape(state), colour(state));
}

// "started, pid 5521"; how a run ended is said in the words of the rest of the page.
function event_text(event) {
  const exit = event.kind === "exited" ? last_exit({ last_exit: event.data }) : null;
  return exit ?? [word(event.kind), event.text].filter(Boolean).join(", ");
}

export function draw_events(box, events) {
  const lines = events.slice(0, EVENTS_SHOWN).map((event) =>
    h(
      "li.evrow",
      null,
      event_mark(event),
      h("span.mono.faint", null, clock(Date.parse(event.time))),
      h("b.ep", null, event.path || "/"),
      h("span.et", null, event_text(event)),
    ),
  );
  const empty = h("p.faint", null, "Nothing has changed yet. Changes appear here as they happen.");
  const list = lines.length ? h("ul.mini", null, lines) : empty;
  box.replaceChildren(section("Last changes", list));
}
