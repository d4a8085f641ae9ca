// Draws rows of model.js. A row is rebuilt only when what it says has changed, so that scroll
// position, focus and hover stay where they are.

import { h, hidden, icon, s } from "./dom.js";
import { colour, digits, ORDER, shape, word } from "./words.js";

const BAR_WIDTH = 48;

export function mark(state) {
  return [icon(shape(state), colour(state)), hidden(word(state))];
}

// A stacked bar; parts that cannot be known now are hatched, and every part is visible.
export function bar(marks, total) {
  const parts = ORDER.toReversed().filter((state) => marks[state]);
  const label = parts.map((state) => `${marks[state]} ${word(state)}`).join(", ");
  const widths = parts.map((state) => Math.max(2.5, (marks[state] / total) * BAR_WIDTH));
  const over = widths.reduce((sum, width) => sum + width, 0) - BAR_WIDTH;
  if (widths.length) widths[widths.indexOf(Math.max(...widths))] -= over;
  let x = 0;
  const rects = parts.map((state, i) => {
    const calm = state === "running" || state === "up";
    const paint = ["presumed", "unreachable"].includes(state)
      ? { fill: "url(#hatch)" }
      : { class: `f-${calm ? "heat" : colour(state)}` };
    const rect = s("rect", { x, y: 0, width: Math.max(1.5, widths[i] - 1), height: 6, ...paint });
    x += widths[i];
    return rect;
  });
  const size = { width: BAR_WIDTH, height: 6, viewBox: `0 0 ${BAR_WIDTH} 6` };
  return s("svg", { class: "bar", role: "img", "aria-label": label, ...size }, rects);
}

function roll(row) {
  if (row.dots && row.dots.length <= 6) {
    const words = row.dots.map(([name, state]) => `${name} ${word(state)}`).join(", ");
    const dots = row.dots.map(([, state]) => icon(shape(state), colour(state)));
    return h("span.dots", null, dots, hidden(words));
  }
  if (!row.total) return null;
  const fraction = [h("b", null, digits(row.wanted)), ` / ${digits(row.total)}`];
  return [bar(row.marks, row.total), h("span.frac", null, fraction)];
}

function indent(depth) {
  const steps = Array.from({ length: depth }, () => h("i"));
  return h("span.ind", { "aria-hidden": "true" }, steps);
}

function name_cell(row) {
  const why = row.reason
    ? h(`span.why${row.reason.colour ? `.c-${row.reason.colour}` : ""}`, null, row.reason.text)
    : null;
  const opener = row.open === null ? null : icon("chev");
  const cells = [
    indent(row.depth),
    h("span.chev", { "aria-hidden": "true" }, opener),
    mark(row.state),
    h("span.nm", null, row.name),
    why,
  ];
  return h("span.name", { role: "gridcell" }, cells);
}

function draw(row) {
  const kind = row.fold ? ".fold" : row.target ? ".tgt" : "";
  const stale = row.stale ? ".stale" : "";
  const since = Date.parse(row.since ?? "");
  const age = row.fold
    ? h("span.age", { role: "gridcell" }, h("span.show", null, "show"))
    : h("span.age", { role: "gridcell", "data-since": Number.isFinite(since) ? since : null });
  return h(
    `div.row${kind}${stale}`,
    {
      role: "row",
      tabindex: "-1",
      "--d": row.depth,
      "aria-level": row.depth + 1,
      "aria-expanded": row.open === null ? null : String(row.open),
      "data-key": row.key,
    },
    name_cell(row),
    row.target || row.fold ? null : h("span.roll", { role: "gridcell" }, roll(row)),
    age,
  );
}

export class TreeView {
  constructor(box) {
    this.box = box;
    this.drawn = new Map(); // key -> {text, el}
    this.list = [];
  }

  // Brings the page in line with the rows; `selected` is the key of the chosen one.
  show(list, selected) {
    const kept = new Map();
    const focused = this.box.contains(document.activeElement);
    this.list = list;
    list.forEach((row, at) => {
      const text = JSON.stringify(row);
      const known = this.drawn.get(row.key);
      const el = known?.text === text ? known.el : draw(row);
      if (known && known.el !== el) known.el.replaceWith(el);
      if (this.box.children[at] !== el) this.box.insertBefore(el, this.box.children[at] ?? null);
      kept.set(row.key, { text, el });
    });
    while (this.box.children.length > list.length) this.box.lastElementChild.remove();
    this.drawn = kept;
    this.select(selected, focused);
  }

  select(key, focus) {
    for (const [other, { el }] of this.drawn) {
      el.setAttribute("aria-selected", String(other === key));
      el.setAttribute("tabindex", other === key ? "0" : "-1");
    }
    const el = this.drawn.get(key)?.el;
    if (focus && el) {
      el.focus({ preventScroll: true });
      el.scrollIntoView({ block: "nearest" });
    }
  }
}
