/** Changes at random to JSON and to bytes; what a case draws depends on its seed and its number alone. */

import { random } from "./random.mjs";

/** Numbers at which something may overflow. */
const EDGES = [0, 1, -1, 0.5, 255, 65_535, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e308, -1e308, 1e-320];
/** The most bytes that a change makes of an input. */
const LONGEST = 2 << 20;

/** @typedef {ReturnType<typeof randomOf>} Draw */

/** Draws for a case. @param {number} seed @param {number} target @param {number} number */
export function randomOf(seed, target, number) {
  const next = random(seed * 7919 + target * 1_000_003 + number * 104_729);
  // The first numbers of near seeds are near each other.
  for (let i = 0; i < 8; i += 1) next();
  const below = (/** @type {number} */ limit) => Math.floor(next() * limit);
  const draw = {
    below,
    chance: (/** @type {number} */ times) => below(times) === 0,
    pick: /** @template T @param {readonly T[]} from */ (from) => /** @type {T} */ (from[below(from.length)]),
    /** One to three changes. @param {any} value */
    json(value) {
      let changed = structuredClone(value);
      for (let i = below(3); i >= 0; i -= 1) changed = change(draw, changed);
      return changed;
    },
    /** @param {any} value */
    text: (value) => Buffer.from(JSON.stringify(value) ?? "null"),
    /** @param {Buffer} bytes */
    bytes: (bytes) => changeBytes(draw, bytes),
  };
  return draw;
}

/** Puts something else somewhere into a value: deeper with every step, as far as it goes. @param {Draw} draw @param {any} value @returns {any} */
function change(draw, value) {
  if (draw.chance(6) || typeof value !== "object" || value === null) return other(draw, value);
  const names = Object.keys(value);
  if (names.length === 0) return odd(draw);
  const name = draw.pick(names);
  if (Array.isArray(value)) {
    const kind = draw.below(10);
    if (kind === 0) value.splice(Number(name), 1);
    else if (kind === 1) value.push(structuredClone(value[Number(name)]));
    else if (kind === 2) value.push(...Array(draw.below(300)).fill(value[Number(name)]));
    else value[Number(name)] = change(draw, value[Number(name)]);
    return value;
  }
  const kind = draw.below(12);
  if (kind === 0) delete value[name];
  else if (kind === 1) return Object.fromEntries(Object.entries(value).map(([key, of]) => [key === name ? `${key} ` : key, of]));
  else if (kind === 2) value[name] = structuredClone(value[draw.pick(names)]);
  else value[name] = change(draw, value[name]);
  return value;
}

/** Another value of the kind, or one of another kind. @param {Draw} draw @param {any} value */
function other(draw, value) {
  if (typeof value === "number" && draw.chance(2)) return value + draw.below(5) - 2;
  if (typeof value === "boolean" && draw.chance(2)) return !value;
  if (typeof value === "string" && draw.chance(2)) return draw.bytes(Buffer.from(value)).toString();
  return odd(draw);
}

/** A value that stands for a part of something. @param {Draw} draw @returns {any} */
export function odd(draw) {
  const deep = (/** @type {number} */ times) =>
    Array(times)
      .fill(0)
      .reduce((inner) => [inner], 1);
  const values = [
    () => null,
    () => draw.pick(EDGES),
    () => draw.pick(EDGES),
    () => draw.chance(2),
    () => "",
    () => "\u001b[2J\n\u202e\0",
    () => "x".repeat(draw.below(3000)),
    () => [],
    () => ({}),
    () => deep(draw.below(400)),
    () => [1, "a", null],
    () => "../../etc/passwd",
    () => "javascript:alert(1)",
    () => JSON.parse('{"__proto__":{"id":"a"},"constructor":1,"toJSON":1}'),
    () => draw.below(70_000),
  ];
  return draw.pick(values)();
}

/** @param {Draw} draw @param {Buffer} bytes @returns {Buffer} */
function changeBytes(draw, bytes) {
  const at = draw.below(bytes.length + 1);
  const end = Math.min(at + draw.below(1 + (1 << draw.below(12))), bytes.length);
  const [front, part, back] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  const kinds = [
    () => front,
    () => Buffer.concat([front, back]),
    () => Buffer.concat([front, ...Array(1 + draw.below(64)).fill(part), back]),
    () => Buffer.concat([front, Buffer.alloc(part.length, draw.pick([0, 0x20, 0x61, 0x80, 0xff])), back]),
    () => Buffer.concat([front, Buffer.of(draw.below(256)), part, back]),
    () => flipped(draw, bytes),
    () => flipped(draw, bytes),
  ];
  return Buffer.from(draw.pick(kinds)().subarray(0, LONGEST));
}

/** @param {Draw} draw @param {Buffer} bytes */
function flipped(draw, bytes) {
  const copy = Buffer.from(bytes);
  for (let i = draw.below(4); i >= 0 && copy.length > 0; i -= 1) {
    const at = draw.below(copy.length);
    copy[at] = Number(copy[at]) ^ (1 << draw.below(8));
  }
  return copy;
}
