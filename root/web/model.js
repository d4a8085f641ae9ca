// From the answer of /api/v1/tree to rows: plain values, no page. A row says what is to be seen;
// tree_view.js draws it. The order is the tree's own, never by state: nothing jumps.

import { colour, needs_person, plural, rank, word } from "./words.js";

const FOLD_ABOVE = 5; // so many calm leaves beside each other are still shown one by one
const SMALL_TREE = 60; // nodes; below it every branch begins open

// What a thing looks like: a running target that is bad to its callers has a mark of its own.
export function shown(thing) {
  if (thing.state === "unreachable") return thing.state;
  if (thing.presumed) return "presumed";
  const judged = thing.state === "running" && ["unhealthy", "degraded"].includes(thing.health);
  return judged ? thing.health : thing.state;
}

// Running when it should run; stopped and exited are only reached when that is wanted.
export const as_wanted = (target) =>
  !target.presumed && ["running", "exited", "stopped"].includes(shown(target));

const add = (into, from) => {
  for (const [key, count] of Object.entries(from)) into[key] = (into[key] ?? 0) + count;
};

// Reads the nested answer into nodes with what is counted at and below them.
export function read(answer, parent = null) {
  const node = { ...answer, parent, children: [], nodes: {}, marks: {}, wanted: 0, total: 0 };
  node.targets = (answer.targets ?? []).map((target) => ({ ...target, parent: node, leaf: true }));
  node.worst = node;
  if (parent) node.nodes[node.state] = 1;
  for (const target of node.targets) {
    add(node.marks, { [shown(target)]: 1 });
    node.total += 1;
    node.wanted += as_wanted(target) ? 1 : 0;
    if (rank(shown(target)) < rank(shown(node.worst))) node.worst = target;
  }
  for (const child of answer.children ?? []) {
    const below = read(child, node);
    node.children.push(below);
    add(node.nodes, below.nodes);
    add(node.marks, below.marks);
    node.total += below.total;
    node.wanted += below.wanted;
    if (rank(shown(below.worst)) < rank(shown(node.worst))) node.worst = below.worst;
  }
  return node;
}

export const node_count = (root) => Object.values(root.nodes).reduce((sum, n) => sum + n, 0);

export function find(root, path) {
  if (root.path === path) return root;
  for (const target of root.targets) if (target.path === path) return target;
  for (const child of root.children) {
    const below = path === child.path || path.startsWith(`${child.path}/`);
    const found = below ? find(child, path) : null;
    if (found) return found;
  }
  return null;
}

export function last_exit(target) {
  const exit = target.last_exit;
  if (!exit) return null;
  return exit.signal ? `signal ${exit.signal}` : `exit ${exit.code}`;
}

const said = (evidence) =>
  typeof evidence === "string" ? evidence : (evidence?.text ?? evidence?.what ?? null);

export const evidence = (node) =>
  [node.evidence ?? []].flat().map(said).filter((text) => text != null);

// A line of evidence is "TIME STATE: reason": {time, text} with the time in milliseconds, or null.
export function parted(line) {
  const space = line.indexOf(" ");
  const stamp = line.slice(0, space);
  if (!/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(stamp)) return { time: null, text: line };
  return { time: Date.parse(stamp), text: line.slice(space + 1) };
}

// Beside the state only the reason is of use; of what is unreachable the evidence is of the past.
function newest_reason(node) {
  const line = node.state === "unreachable" ? null : evidence(node).at(-1);
  if (line == null) return null;
  const { time, text } = parted(line);
  const colon = text.indexOf(": ");
  return time !== null && colon >= 0 ? text.slice(colon + 2) : text;
}

function target_reason(target) {
  const state = shown(target);
  const restarts = target.restarts ? plural(target.restarts, "restart") : null;
  if (target.presumed) return `last known: ${word(target.state)}`;
  if (state === "running") return restarts;
  const cause = target.error || last_exit(target);
  const parts = state === "exited" || state === "stopped" ? [cause] : [cause, restarts];
  return parts.filter(Boolean).join(", ") || null;
}

// The words beside the name: {text, colour, state} or null.
function reason(thing, open) {
  const state = shown(thing);
  if (thing.leaf) {
    const text = target_reason(thing);
    if (state === "running") return text && { text, colour: "off" };
    return { text: text ? `${word(state)} · ${text}` : word(state), colour: colour(state) };
  }
  if (state !== "up") {
    const text = [word(state), newest_reason(thing)].filter(Boolean).join(" · ");
    return { text, colour: colour(state) };
  }
  const hidden = !open && thing.worst !== thing ? thing.worst : null;
  if (!hidden || !needs_person(shown(hidden))) return null;
  return { text: `${hidden.name}: ${word(shown(hidden))}`, colour: colour(shown(hidden)) };
}

const calm = (leaf) =>
  leaf.role === "leaf" && leaf.worst === leaf && ["up", "unreachable"].includes(leaf.state);

function begins_open(node, small) {
  if (node.state === "unreachable") return false;
  if (node.role === "leaf") return small || needs_person(shown(node.worst));
  return small || node.parent === null || needs_person(shown(node.worst));
}

function row_of(thing, depth, open) {
  const node = !thing.leaf;
  return {
    key: `${node ? "node" : "target"} ${thing.path}`,
    path: thing.path,
    name: node && thing.parent === null ? thing.name || "root" : thing.name,
    target: !node,
    depth,
    state: shown(thing),
    stale: thing.state === "unreachable" || Boolean(thing.presumed),
    open,
    reason: reason(thing, open),
    since: thing.presumed ? (thing.as_of ?? thing.since) : thing.since,
    marks: node ? thing.marks : null,
    wanted: node ? thing.wanted : 0,
    total: node ? thing.total : 0,
    dots: node && thing.role === "leaf" ? thing.targets.map((t) => [t.name, shown(t)]) : null,
  };
}

function fold_of(node, leaves, depth) {
  const total = leaves.reduce((sum, leaf) => sum + leaf.total, 0);
  const gone = leaves[0].state === "unreachable";
  const targets = plural(total, "target");
  return {
    key: `fold ${node.path}`,
    path: node.path,
    fold: true,
    name: plural(leaves.length, gone ? "leaf" : "more leaf"),
    depth,
    state: gone ? "unreachable" : "up",
    stale: gone,
    open: null,
    reason: { text: gone ? `last known state, ${targets}` : `up, all ${targets} as wanted` },
  };
}

// The rows in sight. `opened`: path -> true/false by hand; `unfolded`: paths shown leaf by leaf.
export function rows(root, opened, unfolded) {
  const list = [];
  const small = node_count(root) <= SMALL_TREE;
  const walk = (node, depth) => {
    const has = node.children.length + node.targets.length > 0;
    const open = has ? (opened.get(node.path) ?? begins_open(node, small)) : null;
    list.push(row_of(node, depth, open));
    if (!open) return;
    const quiet = node.children.filter(calm);
    const folded = !unfolded.has(node.path) && quiet.length > FOLD_ABOVE ? quiet : [];
    for (const child of node.children) if (!folded.includes(child)) walk(child, depth + 1);
    if (folded.length) list.push(fold_of(node, folded, depth + 1));
    for (const target of node.targets) list.push(row_of(target, depth + 1, null));
  };
  walk(root, 0);
  return list;
}
