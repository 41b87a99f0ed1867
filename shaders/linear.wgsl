// out = x · Wᵀ: x [n, k], W [m, k], out [n, m]; norm, gate and residual may be part of it.
//
// A workgroup makes a tile of outputs, each of its 64 threads 8 x 8 of them: two quads of rows by two quads of columns,
// so that neighbouring threads read neighbouring quads of workgroup memory. Slices of x and of W, DEPTH of k at a time,
// lie there as f32, k by k. Where tiles are small, the threads share each slice of k among SLICES of them and add up.
//
// These bindings come first, as far as they are needed: x, weight, scales, gain, rows, residual, out, parameters.
{{ bindings }}

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
    // Epsilon of the norm.
    eps: f32,
    nothing: u32,
}

// Threads along the rows and the columns of a tile.
const DOWN = {{ down }}u;
const ACROSS = {{ across }}u;
const SLICES = {{ slices }}u;
const DEPTH = {{ depth }}u;

const THREADS = 64u;
const ROWS = 8u * DOWN;
const ROW_QUADS = 2u * DOWN;
const COLUMN_QUADS = 2u * ACROSS;
// One more than needed: quads that threads write at once are then in different banks.
const X_STRIDE = ROW_QUADS + 1u;
const W_STRIDE = COLUMN_QUADS + 1u;
const W_START = DEPTH * X_STRIDE;

// x, then W; at the end the sums of other slices of k, which take 512.
var<workgroup> tile: array<vec4<f32>, {{ memory }}>;

{{ access }}

// The row of x for a row of this dispatch, and the row of the residual.
fn x_row(row: u32) -> u32 {
    return {{ x_row }};
}

{{ weight }}

{{ norm }}

{{ end }}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let first_row = group.y * ROWS;
    let slice = thread / (DOWN * ACROSS);
    let place = thread % (DOWN * ACROSS);
    let down = place / ACROSS;
    let across = place % ACROSS;

    // The part of each slice of x that this thread brings: four of k in four rows.
    let part = thread % (DEPTH / 4u);
    let quad = thread / (DEPTH / 4u);
    let line = vec4<u32>(first_row + 4u * quad) + vec4<u32>(0u, 1u, 2u, 3u);
    let last = vec4<u32>(parameters.n - 1u);
    let kept = min(line, last);
    let source = vec4<u32>(x_row(kept.x), x_row(kept.y), x_row(kept.z), x_row(kept.w));
    {{ moments }}

    var a0 = vec4<f32>(); var b0 = vec4<f32>();
    var a1 = vec4<f32>(); var b1 = vec4<f32>();
    var a2 = vec4<f32>(); var b2 = vec4<f32>();
    var a3 = vec4<f32>(); var b3 = vec4<f32>();
    var a4 = vec4<f32>(); var b4 = vec4<f32>();
    var a5 = vec4<f32>(); var b5 = vec4<f32>();
    var a6 = vec4<f32>(); var b6 = vec4<f32>();
    var a7 = vec4<f32>(); var b7 = vec4<f32>();
    for (var start = 0u; start < parameters.k; start += DEPTH) {
        let at = start + 4u * part;
        var r0 = vec4<f32>();
        var r1 = vec4<f32>();
        var r2 = vec4<f32>();
        var r3 = vec4<f32>();
        if (at < parameters.k) {
            r0 = x_quad(source.x, at);
            r1 = x_quad(source.y, at);
            r2 = x_quad(source.z, at);
            r3 = x_quad(source.w, at);
            {{ normalise }}
        }
        let to = 4u * part * X_STRIDE + quad;
        tile[to] = vec4<f32>(r0.x, r1.x, r2.x, r3.x);
        tile[to + X_STRIDE] = vec4<f32>(r0.y, r1.y, r2.y, r3.y);
        tile[to + 2u * X_STRIDE] = vec4<f32>(r0.z, r1.z, r2.z, r3.z);
        tile[to + 3u * X_STRIDE] = vec4<f32>(r0.w, r1.w, r2.w, r3.w);
        bring_weights(thread, group.x, start);
        workgroupBarrier();
        for (var j = 0u; j < DEPTH / SLICES; j++) {
            let at_x = (slice * (DEPTH / SLICES) + j) * X_STRIDE + down;
            let at_w = W_START + (slice * (DEPTH / SLICES) + j) * W_STRIDE + across;
            let x0 = tile[at_x];
            let x1 = tile[at_x + DOWN];
            let w0 = tile[at_w];
            let w1 = tile[at_w + ACROSS];
            a0 += x0.x * w0; b0 += x0.x * w1;
            a1 += x0.y * w0; b1 += x0.y * w1;
            a2 += x0.z * w0; b2 += x0.z * w1;
            a3 += x0.w * w0; b3 += x0.w * w1;
            a4 += x1.x * w0; b4 += x1.x * w1;
            a5 += x1.y * w0; b5 += x1.y * w1;
            a6 += x1.z * w0; b6 += x1.z * w1;
            a7 += x1.w * w0; b7 += x1.w * w1;
        }
        workgroupBarrier();
    }

    for (var half = SLICES / 2u; half > 0u; half /= 2u) {
        let width = half * DOWN * ACROSS;
        if (slice >= half && slice < 2u * half) {
            let to = thread - width;
            tile[to] = a0; tile[to + width] = b0;
            tile[to + 2u * width] = a1; tile[to + 3u * width] = b1;
            tile[to + 4u * width] = a2; tile[to + 5u * width] = b2;
            tile[to + 6u * width] = a3; tile[to + 7u * width] = b3;
            tile[to + 8u * width] = a4; tile[to + 9u * width] = b4;
            tile[to + 10u * width] = a5; tile[to + 11u * width] = b5;
            tile[to + 12u * width] = a6; tile[to + 13u * width] = b6;
            tile[to + 14u * width] = a7; tile[to + 15u * width] = b7;
        }
        workgroupBarrier();
        if (slice < half) {
            a0 += tile[thread]; b0 += tile[thread + width];
            a1 += tile[thread + 2u * width]; b1 += tile[thread + 3u * width];
            a2 += tile[thread + 4u * width]; b2 += tile[thread + 5u * width];
            a3 += tile[thread + 6u * width]; b3 += tile[thread + 7u * width];
            a4 += tile[thread + 8u * width]; b4 += tile[thread + 9u * width];
            a5 += tile[thread + 10u * width]; b5 += tile[thread + 11u * width];
            a6 += tile[thread + 12u * width]; b6 += tile[thread + 13u * width];
            a7 += tile[thread + 14u * width]; b7 += tile[thread + 15u * width];
        }
        workgroupBarrier();
    }
    if (slice == 0u) {
        let row = first_row + 4u * down;
        finish(row, group.x, across, a0, b0);
        finish(row + 1u, group.x, across, a1, b1);
        finish(row + 2u, group.x, across, a2, b2);
        finish(row + 3u, group.x, across, a3, b3);
        finish(row + 4u * DOWN, group.x, across, a4, b4);
        finish(row + 4u * DOWN + 1u, group.x, across, a5, b5);
        finish(row + 4u * DOWN + 2u, group.x, across, a6, b6);
        finish(row + 4u * DOWN + 3u, group.x, across, a7, b7);
    }
}
