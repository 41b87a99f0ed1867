"use client";

import { Embedder } from "felsic";
import { useEffect, useRef, useState } from "react";

export default function Page() {
  const embedder = useRef(undefined);
  const [result, setResult] = useState({ message: "", vector: "" });
  useEffect(() => () => embedder.current?.destroy(), []);

  async function compare(event) {
    event.preventDefault();
    const { first, second } = Object.fromEntries(new FormData(event.currentTarget));
    setResult({ message: "…", vector: "" });
    try {
      // The first call starts a worker and fetches the model, which the browser then keeps.
      embedder.current ??= await Embedder.create();
      const [a, b] = await embedder.current.embed([first, second]);
      setResult({ message: cosine(a, b).toFixed(3), vector: a.join(" ") });
    } catch (error) {
      setResult({ message: `${error.message} (${error.code})`, vector: "" });
    }
  }

  return (
    <>
      <form onSubmit={compare}>
        <p>
          <label>
            First sentence <input name="first" size="60" defaultValue="A cat sleeps on the sill." />
          </label>
        </p>
        <p>
          <label>
            Second sentence <input name="second" size="60" defaultValue="The kitten dozes by the window." />
          </label>
        </p>
        <button>Compare</button>
        <output>{result.message}</output>
      </form>
      <details>
        <summary>The first sentence's vector</summary>
        <pre>{result.vector}</pre>
      </details>
    </>
  );
}

/** The vectors have unit length, so the cosine is the dot product. */
function cosine(a, b) {
  return a.reduce((sum, component, index) => sum + component * b[index], 0);
}
