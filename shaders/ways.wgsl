// x, or else residual, is read in the rows that hold the queries of an attention, and not in neighbouring ones.
const X_OF_QUERIES = 2u;
const RESIDUAL_OF_QUERIES = 4u;
// The sums are added to rows of residual.
const RESIDUAL = 8u;
// W has 2 * m columns, and out = act(first half) * second half.
const GATE = 16u;
// out = act(sums), without a gate.
const ACTIVATE = 32u;
// A bias is added to the sums; never with a gate.
const BIAS = 128u;
// The activation, which is SiLU otherwise.
const GELU = 256u;
const GELU_TANH = 512u;

fn has(ways: u32) -> bool {
    return (parameters.ways & ways) != 0u;
}

// The row that holds a query: its position and the first row of its sequence.
fn row_of_query(query: u32) -> u32 {
    return u32(queries[3u * query] + queries[3u * query + 1u]);
}

// The quad of W's columns that makes a quad of out, where there is no gate.
fn quad_of_weights(quad: u32) -> u32 {
    let skipped = select(0u, parameters.left_out, quad >= parameters.m / 8u);
    return quad + (parameters.half_first + skipped) / 4u;
}
