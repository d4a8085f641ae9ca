// The summary of the whole tree: what needs a look, nodes up of all, targets as wanted of all, and
// then only the exceptions.

import { h, icon } from "./dom.js";
import { node_count } from "./model.js";
import { bar } from "./tree_view.js";
import { colour, digits, needs_person, ORDER, shape, word } from "./words.js";

const CALM = new Set(["up", "running", "exited"]);

function exceptions(counts) {
  const states = ORDER.filter((state) => counts[state] && !CALM.has(state));
  const items = states.map((state) =>
    h(
      `span.cnt.c-${colour(state)}`,
      null,
      icon(shape(state)),
      h("b", null, digits(counts[state])),
      h("span.w", null, ` ${word(state)}`),
    ),
  );
  return h("span.counts", null, items);
}

function group(counts, good, all, noun) {
  const label = h("span.gl", null, h("b", null, digits(good)), ` of ${digits(all)} ${noun}`);
  return h("span.grp", null, label, all ? bar(counts, all) : null, exceptions(counts));
}

function headline(root) {
  const all = { ...root.nodes };
  for (const [state, count] of Object.entries(root.marks)) all[state] = (all[state] ?? 0) + count;
  const bad = ORDER.filter((state) => all[state] && needs_person(state));
  const count = bad.reduce((sum, state) => sum + all[state], 0);
  const worst = bad[0] ?? "up";
  const text = count
    ? [h("b", null, digits(count)), count === 1 ? " needs a look" : " need a look"]
    : [h("b", null, "nothing"), " needs a look"];
  return h("span.sum", null, icon(shape(worst), colour(worst)), h("span", null, text));
}

export function draw_strip(box, root) {
  const nodes = group(root.nodes, root.nodes.up ?? 0, node_count(root), "nodes up");
  const targets = group(root.marks, root.wanted, root.total, "targets as wanted");
  box.replaceChildren(headline(root), nodes, targets);
}
