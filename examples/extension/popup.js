/** Asks the service worker for vectors, as content scripts would. */

const form = document.querySelector("form");
const output = document.querySelector("output");
const vector = document.querySelector("pre");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { first, second } = Object.fromEntries(new FormData(form));
  output.value = "…";
  const { vectors, error } = await chrome.runtime.sendMessage({ to: "service-worker", texts: [first, second] });
  if (error) {
    output.value = error;
    return;
  }
  const [a, b] = vectors;
  vector.textContent = a.join(" ");
  output.value = cosine(a, b).toFixed(3);
});

/** The vectors have unit length, so the cosine is the dot product. */
function cosine(a, b) {
  return a.reduce((sum, component, index) => sum + component * b[index], 0);
}
