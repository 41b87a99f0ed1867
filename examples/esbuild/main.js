import { Embedder } from "felsic";

const form = document.querySelector("form");
const output = document.querySelector("output");
const vector = document.querySelector("pre");

let embedder;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { first, second } = Object.fromEntries(new FormData(form));
  output.value = "…";
  try {
    // The first call starts a worker and fetches the model, which the browser then keeps.
    embedder ??= await Embedder.create({ baseUrl: "felsic/" });
    const [a, b] = await embedder.embed([first, second]);
    vector.textContent = a.join(" ");
    output.value = cosine(a, b).toFixed(3);
  } catch (error) {
    output.value = `${error.message} (${error.code})`;
  }
});

/** The vectors have unit length, so the cosine is the dot product. */
function cosine(a, b) {
  return a.reduce((sum, component, index) => sum + component * b[index], 0);
}
