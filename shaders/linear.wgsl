// out = x · Wᵀ: x [n, k], W [m, k], out [n, m]; of int8 weights norm, gate and residual may be part of it.
//
// A workgroup makes a tile of outputs, each of its threads 8 x 8 of them: two quads of rows by two quads of columns,
// so that neighbouring threads read neighbouring quads of workgroup memory. Slices of x and of W, DEPTH of k at a time,
// lie there as f32, k by k. Where tiles are small, the threads share each slice of k among SLICES of them and add up.
//
// Variants are parameters wherever that costs nothing: a browser compiles every instance, and on a software adapter
// each takes a noticeable part of a second, by the bytes of its workgroup memory above all.

{{ parameters }}

// Threads along the rows and the columns of a tile.
const DOWN = {{ down }}u;
const ACROSS = {{ across }}u;
const SLICES = {{ slices }}u;
const DEPTH = {{ depth }}u;

// Threads that make a tile, and all.
const PLACES = DOWN * ACROSS;
const THREADS = PLACES * SLICES;
const ROWS = 8u * DOWN;
const COLUMN_QUADS = 2u * ACROSS;
// Quads of k in a slice.
const PARTS = DEPTH / 4u;
// One more than needed: quads that threads write at once are then in different banks.
const X_STRIDE = 2u * DOWN + 1u;
const W_STRIDE = COLUMN_QUADS + 1u;
const W_START = DEPTH * X_STRIDE;

// x, then W; before them pieces of the norm, at the end sums.
var<workgroup> tile: array<vec4<f32>, {{ memory }}>;

{{ weights }}

@compute @workgroup_size({{ threads }})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let first_row = group.y * ROWS;
    let slice = thread / PLACES;
    let down = thread % PLACES / ACROSS;
    let across = thread % ACROSS;

    // The part of each slice of x that this thread brings: four of k in four rows. Of a short slice some bring none.
    let part = thread % PARTS;
    let quad = thread / PARTS;
    let line = vec4<u32>(first_row + 4u * quad) + vec4<u32>(0u, 1u, 2u, 3u);
    let kept = min(line, vec4<u32>(parameters.n - 1u));
    let source = vec4<u32>(x_row(kept.x), x_row(kept.y), x_row(kept.z), x_row(kept.w));
    {{ norm }}

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
        if (quad < 2u * DOWN) {
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
            for (var c = 0u; c < 4u; c++) {
                tile[(4u * part + c) * X_STRIDE + quad] = vec4<f32>(r0[c], r1[c], r2[c], r3[c]);
            }
        }
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

    {{ end }}
}
