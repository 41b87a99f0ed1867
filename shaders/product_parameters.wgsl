struct Parameters {
    // Rows that this dispatch makes.
    n: u32,
    k: u32,
    // Columns of out.
    m: u32,
    // Columns of W that share a scale.
    group: u32,
    // Rows of x, and of out and residual, before those of this dispatch.
    x_first: u32,
    out_first: u32,
    // What is done on the way, see ways.wgsl and linear_int8.wgsl.
    ways: u32,
    // Of a dispatch that makes a part of each half of W's columns: those before it, and those of a half that it leaves out.
    half_first: u32,
    left_out: u32,
    // Epsilon of the norm, where activations are f32.
    eps: f32,
    // Where they are bytes: their levels, and all rows of x and of words.
    levels: u32,
    x_rows: u32,
    words_rows: u32,
}
