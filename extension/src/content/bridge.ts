/**
 * Lets the page use the extension's embedder, on sites that the user has allowed. The page speaks through a port, in the messages of felsic's
 * workers; whatever comes from it is passed on as data, and checked by the background and the engine.
 */

import type { Hello, Welcome } from "../../../pkg/src/extension.js";
import { dataOf } from "../shared/errors.js";
import { call, type EmbedAnswer } from "../shared/messages.js";

/** The requests that are answered; everything else is not for pages. */
const CALLS = ["create", "embed", "tokenize", "countTokens", "memoryBytes"];

/** How many ports a page may open. */
const MOST_PORTS = 16;

let ports = 0;

// The script may be put into a page twice.
const world = globalThis as { felsicBridge?: true };
if (!world.felsicBridge) {
  world.felsicBridge = true;
  window.addEventListener("message", hear);
}

function hear({ source, data, ports: [port] }: MessageEvent<Partial<Hello> | undefined>): void {
  if (source !== window || data?.felsic !== "connect" || data.version !== 1 || !port || ports >= MOST_PORTS) return;
  ports += 1;
  void welcome(port);
}

async function welcome(port: MessagePort): Promise<void> {
  try {
    const { integrity } = await call("bridge.connect", {});
    port.onmessage = ({ data }) => void answer(port, data);
    port.postMessage({ type: "welcome", integrity } satisfies Welcome);
  } catch {
    // The user has taken the permission back: the page is told nothing, as if there were no extension.
    close(port);
  }
}

function close(port: MessagePort): void {
  ports -= 1;
  port.close();
}

async function answer(
  port: MessagePort,
  message: { type?: unknown; id?: unknown; request?: unknown } | undefined,
): Promise<void> {
  const { type, id, request } = message ?? {};
  if (type === "bye") return close(port);
  // An abort is settled by the page itself; the answer is dropped there.
  if (typeof type !== "string" || typeof id !== "number" || !CALLS.includes(type)) return;
  try {
    const { texts, text, options } = (request ?? {}) as { texts?: unknown; text?: unknown; options?: unknown };
    const value = await call("bridge.ask", { type, texts: texts ?? (text === undefined ? [] : [text]), options: options ?? {} });
    post(port, id, value);
  } catch (error) {
    port.postMessage({ type: "error", id, error: dataOf(error) });
  }
}

function post(port: MessagePort, id: number, answer: EmbedAnswer): void {
  if (!("vectors" in answer)) {
    port.postMessage({ type: "result", id, result: "ids" in answer ? Uint32Array.from(answer.ids) : answer.plain });
    return;
  }
  const vectors = answer.vectors.map(floats);
  const result = { vectors, tokens: Uint32Array.from(answer.tokens), truncated: Uint8Array.from(answer.truncated) };
  port.postMessage({ type: "result", id, result }, [
    ...vectors.map(({ buffer }) => buffer),
    result.tokens.buffer,
    result.truncated.buffer,
  ]);
}

/** Messages of extensions are JSON, which would take a number's shortest decimals for four bytes. */
function floats(base64: string): Float32Array<ArrayBuffer> {
  return new Float32Array(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer);
}
