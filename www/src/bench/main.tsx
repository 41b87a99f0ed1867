/** The benchmark page: one click measures how fast felsic is in this browser. */

import { render } from "preact";
import "felsic-ui/style.css";
import "./bench.css";
import { applySettings } from "../app/settings.js";
import { allowedOrigins } from "../app-shell/index.js";
import { Bench } from "./Bench.js";

const spoken = applySettings();
const given = new URLSearchParams(location.search);
const root = document.getElementById("app");
const bench = (
  <Bench model={given.get("pack") ?? ""} onnx={given.get("onnx")?.trim() ?? ""} given={given} allowedOrigins={allowedOrigins()} />
);
if (root) void spoken.then(() => render(bench, root));
