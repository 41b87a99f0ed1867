/** onnxruntime-web on WebGPU: what has no kernel there, as the products of 8-bit weights, runs on the CPU. */

import * as ort from "onnxruntime-web/webgpu";
import mjs from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import { serveOrt } from "./ort-engine";

serveOrt(ort, {
  files: { mjs, wasm },
  provider: "webgpu",
  model: ({ engine }) =>
    engine === "ort-webgpu-f32" ? { file: "model.onnx", format: "f32" } : { file: "model_quantized.onnx", format: "q8" },
});
