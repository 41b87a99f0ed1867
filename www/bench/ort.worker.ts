/** onnxruntime-web on the CPU. */

import * as ort from "onnxruntime-web/wasm";
import mjs from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { serveOrt } from "./ort-engine";

serveOrt(ort, { files: { mjs, wasm }, provider: "wasm", model: () => ({ file: "model_quantized.onnx", format: "q8" }) });
