/** Errors by themselves, without a browser. What Rust's do is tested in `src/error`. */

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
