/** Errors by themselves, without a browser. `src/error` tests those of Rust. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { FelsicError } from "felsic";

/** What is shown of a text. @param {string} text */
const shown = (text) => new FelsicError("network", text).message;

test("what a terminal obeys is escaped", () => {
  assert.equal(shown("a\u001b[31m\u009b\0\u007fb"), "a\\u{1b}[31m\\u{9b}\\u{0}\\u{7f}b");
  assert.equal(shown("one\ntwo\r\tthree\u2028\u2029"), "one\\ntwo\\r\\tthree\\u{2028}\\u{2029}");
  assert.match(shown("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"), /^(\\u\{[0-9a-f]{3,4}\}){12}$/);
  assert.equal(shown("\ud83d half \ude00 whole 😀"), "\\u{d83d} half \\u{de00} whole 😀");
  for (const text of ["", "plain", "Größe 東京 😀 עברית \\ \"x\" 'y' {z}", "x".repeat(400), "😀".repeat(400)]) {
    assert.equal(shown(text), text);
  }
});

test("what is long keeps its start and its end and says how much is gone", () => {
  const text = `start ${"😀".repeat(3_500_000)} end`;
  const cut = shown(text);
  assert.ok(cut.startsWith("start 😀") && cut.endsWith("😀 end"), cut);
  assert.match(cut, /… \(3499660 characters left out\) …/);
  for (const long of [text, "\0".repeat(5000), "x".repeat(401), "\u202ea".repeat(90), "\ud800".repeat(5000)]) {
    const cut = shown(long);
    assert.ok([...cut].length <= 400 && !/\p{Cs}/u.test(cut), cut);
    assert.equal(shown(cut), cut, "once is enough");
    assert.equal(cut.match(/\\/g)?.length, cut.match(/\\u\{[0-9a-f]+\}/g)?.length, "no escape is cut");
  }
});

test("a cause that is a text is made plain, any other stays what it is", () => {
  assert.equal(new FelsicError("network", "x", { cause: "a\nb" }).cause, "a\\nb");
  const reason = new Error("a\nb");
  assert.equal(new FelsicError("aborted", "x", { cause: reason }).cause, reason);
  assert.ok(!("cause" in new FelsicError("aborted", "x")));
});

test("what is sent as plain data is the same error again, and an error of another copy of felsic is one", () => {
  const error = new FelsicError("not-found", "there is nothing", { cause: new TypeError("why") });
  assert.equal(/** @type {any} */ (structuredClone(error)).code, undefined, "which is why there is toJSON()");
  for (const sent of [
    structuredClone(error.toJSON()),
    JSON.parse(JSON.stringify(error)),
    JSON.parse(JSON.stringify({ error })).error,
  ]) {
    const again = FelsicError.from(sent);
    assert.ok(again instanceof FelsicError);
    assert.deepEqual(
      [again.name, again.code, again.message, again.cause],
      ["FelsicError", "not-found", "there is nothing", "TypeError: why"],
    );
    assert.deepEqual(again.toJSON(), sent);
  }
  const foreign = Object.assign(new Error("elsewhere", { cause: error }), { name: "FelsicError", code: "network" });
  const own = FelsicError.from(foreign);
  assert.ok(own instanceof FelsicError && own.code === "network" && own.message === "elsewhere" && own.cause === error);
  assert.equal(FelsicError.from(error), error);
  assert.deepEqual(new FelsicError("io", "no cause").toJSON(), { name: "FelsicError", code: "io", message: "no cause" });
});

test("what cannot be cloned stops no error from being sent", () => {
  const error = new FelsicError("aborted", "aborted by the caller", { cause: () => "a function" });
  assert.throws(() => structuredClone(error), { name: "DataCloneError" });
  assert.equal(FelsicError.from(structuredClone(error.toJSON()))?.code, "aborted");
});

test("a later version's code is told in the cause, and what is no such error is none", () => {
  const later = FelsicError.from({ name: "FelsicError", code: "weather", message: "it rains", cause: "a\nb" });
  assert.deepEqual([later?.code, later?.message], ["internal", "it rains"]);
  assert.match(String(later?.cause), /^unknown code weather: a\\nb$/);
  const none = [
    undefined,
    null,
    "not-found",
    7,
    {},
    new Error("x"),
    Object.assign(new Error("x"), { code: "not-found" }),
    { name: "FelsicError", code: "io" },
  ];
  for (const value of none) assert.equal(FelsicError.from(value), undefined);
});
