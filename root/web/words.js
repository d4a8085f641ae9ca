// Words, marks and colours of the states; durations, clocks and numbers as people read them.

// state: [shape, colour, rank]; the smaller the rank, the more it needs a person.
const STATES = {
  lost: ["lost", "crit", 0],
  failed: ["failed", "crit", 1],
  unhealthy: ["grey", "grey", 2],
  backing_off: ["back", "back", 3],
  suspect: ["suspect", "warn", 4],
  degraded: ["warn", "warn", 5],
  starting: ["start", "info", 6],
  stopping: ["stopping", "info", 7],
  pending: ["pending", "info", 8],
  unreachable: ["unreach", "off", 9],
  presumed: ["unreach", "off", 9],
  left: ["left", "off", 10],
  stopped: ["stopped", "off", 11],
  exited: ["exited", "off", 12],
  up: ["ok", "ok", 13],
  running: ["ok", "ok", 13],
};
const STRANGE = ["ask", "off", 9];

const entry = (state) => (Object.hasOwn(STATES, state) ? STATES[state] : STRANGE);

export const ORDER = Object.keys(STATES);
export const shape = (state) => entry(state)[0];
export const colour = (state) => entry(state)[1];
export const rank = (state) => entry(state)[2];
export const needs_person = (state) => rank(state) < 9;
export const word = (state) => String(state).replaceAll("_", " ");

const two = (number) => String(number).padStart(2, "0");

// At most two units: 12 s, 4 m 12 s, 3 h 07 m, 2 d 4 h, 12 d.
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (seconds < 60) return `${seconds} s`;
  if (minutes < 60) return `${minutes} m ${two(seconds % 60)} s`;
  if (hours < 24) return `${hours} h ${two(minutes % 60)} m`;
  return days < 3 ? `${days} d ${hours % 24} h` : `${days} d`;
}

// hh:mm:ss in UTC.
export const clock = (milliseconds) =>
  Number.isFinite(milliseconds) ? new Date(milliseconds).toISOString().slice(11, 19) : "–";

export const digits = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");

const PLURALS = { leaf: "leaves", "more leaf": "more leaves" };
export const plural = (count, noun) =>
  `${digits(count)} ${count === 1 ? noun : (PLURALS[noun] ?? `${noun}s`)}`;
