// Keeps the page in step with the root: the tree once, then one event stream; after a change the
// tree is fetched again, at most four times a second. A lost stream is found (also a silent one),
// said, and opened again; a restart of the root needs nothing from the reader.

const TREE = "/api/v1/tree";
const STREAM = "/api/v1/stream?topics=nodes,targets,events";
const EVENTS = "/api/v1/events?limit=50";
const FETCH_GAP = 250; // ms between two fetches of the tree
const PROBE_EVERY = 5000; // ms; an event stream tells nothing about a root that hangs
const PATIENCE = 4000; // ms until an unanswered request counts as lost
const RETRY_MIN = 500;
const RETRY_MAX = 5000;
const EVENTS_KEPT = 50;

async function get(url) {
  const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer;
}

export class Live {
  // on.tree(answer), on.events(list, newest first), on.state(live)
  constructor(on) {
    this.on = on;
    this.live = false;
    this.heard = Date.now(); // when the root was last heard of
    this.skew = 0; // the root's clock minus ours, when they clearly differ
    this.events = [];
    this.retry = RETRY_MIN;
    this.fetched = 0;
    this.timer = null;
    this.fetching = false;
    this.again = false;
    setInterval(() => this.live && this.probe(), PROBE_EVERY);
  }

  now() {
    return (this.live ? Date.now() : this.heard) + this.skew;
  }

  start() {
    this.source?.close();
    this.source = new EventSource(STREAM);
    const source = this.source;
    source.onopen = () => this.opened(source);
    source.onerror = () => this.lost(source);
    for (const topic of ["nodes", "targets", "gap"]) {
      source.addEventListener(topic, () => this.changed());
    }
    source.addEventListener("events", (message) => this.told(message.data));
  }

  async opened(source) {
    try {
      this.events = (await (await get(EVENTS)).json()).items ?? [];
      await this.fetch_tree();
    } catch {
      this.lost(source);
      return;
    }
    if (source !== this.source) return;
    this.retry = RETRY_MIN;
    this.live = true;
    this.on.events(this.events);
    this.on.state(true);
  }

  lost(source) {
    if (source !== this.source) return;
    source.close();
    this.source = null;
    this.live = false;
    this.on.state(false);
    setTimeout(() => this.start(), this.retry);
    this.retry = Math.min(RETRY_MAX, this.retry * 2);
  }

  async probe() {
    const source = this.source;
    try {
      await get("/livez");
      this.heard = Date.now();
    } catch {
      this.lost(source);
    }
  }

  told(text) {
    try {
      this.events = [JSON.parse(text), ...this.events].slice(0, EVENTS_KEPT);
    } catch {
      return; // not JSON: the tree is fetched on its own account, nothing to show
    }
    this.on.events(this.events);
    this.changed();
  }

  // Many changes, one fetch: now when the last is long ago, else at the end of the gap.
  changed() {
    this.heard = Date.now();
    if (this.fetching) this.again = true;
    if (this.timer !== null || this.fetching) return;
    const wait = Math.max(0, this.fetched + FETCH_GAP - Date.now());
    this.timer = setTimeout(() => this.refresh(), wait);
  }

  async refresh() {
    const source = this.source;
    this.timer = null;
    this.fetching = true;
    try {
      await this.fetch_tree();
    } catch {
      this.lost(source);
    }
    this.fetching = false;
    if (this.again) {
      this.again = false;
      this.changed();
    }
  }

  async fetch_tree() {
    this.fetched = Date.now();
    const answer = await get(TREE);
    const tree = await answer.json();
    const skew = Date.parse(answer.headers.get("date")) - Date.now();
    this.skew = Math.abs(skew) > 2000 ? skew : 0;
    this.heard = Date.now();
    this.on.tree(tree);
  }
}
