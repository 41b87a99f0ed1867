import { Embedder, FelsicError } from "felsic";

const form = document.querySelector("form")!;
const output = document.querySelector("output")!;
const vector = document.querySelector("pre")!;

let embedder: Embedder | undefined;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const texts = new FormData(form);
  output.value = "…";
  try {
    // The first call starts a worker and fetches the model, which the browser then keeps.
    embedder ??= await Embedder.create();
    const [a, b] = await embedder.embed([String(texts.get("first")), String(texts.get("second"))]);
    vector.textContent = a!.join(" ");
    output.value = cosine(a!, b!).toFixed(3);
  } catch (error) {
    output.value = error instanceof FelsicError ? `${error.message} (${error.code})` : String(error);
  }
});

/** The vectors have unit length, so the cosine is the dot product. */
function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, component, index) => sum + component * b[index]!, 0);
}
