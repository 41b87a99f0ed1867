/**
 * Clustered unit vectors from a fixed seed: fields, topics within them, and noise around a topic. Like the vectors of real
 * texts, they have a few near neighbours and many that are far away.
 */

const FIELDS = 20;
const TOPICS = 1000;
/** Shares of field, topic and noise in a vector, before it is divided by its length. */
const SHARES = [0.45, 0.75, 0.75];

/** Uniform numbers in [0, 1). @param {number} state */
function uniform(state) {
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Nearly normal numbers of variance 1 / dimensions. @param {() => number} next @param {number} dimensions */
function direction(next, dimensions) {
  const factor = Math.sqrt(3 / dimensions);
  return Float32Array.from({ length: dimensions }, () => factor * (next() + next() + next() + next() - 2));
}

/** Returns a function that makes the next vector. @param {number} dimensions @param {number} seed */
export function vectors(dimensions, seed) {
  const shared = uniform(1);
  const fields = Array.from({ length: FIELDS }, () => direction(shared, dimensions));
  const topics = Array.from({ length: TOPICS }, () => direction(shared, dimensions));
  const next = uniform(seed);
  const vector = new Float32Array(dimensions);
  return () => {
    const topic = Math.floor(next() * TOPICS);
    const parts = [fields[topic % FIELDS], topics[topic], direction(next, dimensions)];
    let squares = 0;
    for (let at = 0; at < dimensions; at++) {
      const v = SHARES[0] * parts[0][at] + SHARES[1] * parts[1][at] + SHARES[2] * parts[2][at];
      vector[at] = v;
      squares += v * v;
    }
    const length = Math.sqrt(squares);
    for (let at = 0; at < dimensions; at++) vector[at] /= length;
    return vector;
  };
}
