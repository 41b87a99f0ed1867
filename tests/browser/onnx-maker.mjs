/**
 * A folder with an ONNX export as transformers.js reads it. Its model looks the tokens of a text up in a table of fixed values: the
 * smallest that has the inputs and the output of an encoder. Tokenizer and settings are those of a small checkpoint.
 */

import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const checkpoint = join(import.meta.dirname, "../fixtures/models/tiny-silu");
/** Of that checkpoint's `config.json`. */
const VOCABULARY = 2048;
const [FLOAT, INT64] = [1, 7];

/** A number as protocol buffers write it. @param {number} value */
function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Buffer.from([...bytes, value]);
}
/** A field with a number. @param {number} field @param {number} value */
const number = (field, value) => Buffer.concat([varint(field * 8), varint(value)]);
/** A field with bytes, a text or other fields. @param {number} field @param {string | Buffer | Buffer[]} value */
function bytes(field, value) {
  const content = Array.isArray(value) ? Buffer.concat(value) : Buffer.from(/** @type {string} */ (value));
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
}

/** An input or output (ValueInfoProto). @param {string} name @param {number} type @param {(string | number)[]} shape */
function value(name, type, shape) {
  const dims = shape.map((size) => bytes(1, [typeof size === "number" ? number(1, size) : bytes(2, size)]));
  return [bytes(1, name), bytes(2, [bytes(1, [number(1, type), bytes(2, dims)])])];
}

/** The model (ModelProto). @param {number} width of a vector */
function model(width) {
  let state = 1;
  const table = Float32Array.from({ length: VOCABULARY * width }, () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647 - 0.5;
  });
  const graph = [
    bytes(1, [bytes(1, "table"), bytes(1, "input_ids"), bytes(2, "last_hidden_state"), bytes(4, "Gather")]),
    bytes(2, "lookup"),
    bytes(5, [number(1, VOCABULARY), number(1, width), number(2, FLOAT), bytes(8, "table"), bytes(9, Buffer.from(table.buffer))]),
    bytes(11, value("input_ids", INT64, ["batch", "tokens"])),
    bytes(11, value("attention_mask", INT64, ["batch", "tokens"])),
    bytes(12, value("last_hidden_state", FLOAT, ["batch", "tokens", width])),
  ];
  return Buffer.concat([number(1, 8), bytes(7, graph), bytes(8, [bytes(1, ""), number(2, 17)])]);
}

/** Writes such a folder. @param {string} folder @param {number} width of a vector */
export function writeExport(folder, width) {
  mkdirSync(join(folder, "onnx"), { recursive: true });
  for (const name of ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"])
    cpSync(join(checkpoint, name), join(folder, name));
  writeFileSync(join(folder, "onnx/model_quantized.onnx"), model(width));
}
