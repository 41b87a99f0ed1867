// out = x · Wᵀ: x [n, k], W [m, k], out [n, m].
// A workgroup makes a tile of 32 x 32 outputs; each of its 64 threads makes 4 x 4 of them from
// slices of x and W, 16 of k at a time, held in workgroup memory.
// The weights' bindings and `weight_at(column, k)` come from weight_f32.wgsl or weight_int8.wgsl.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;

{{ weight }}

const TILE = 32u;
const DEPTH = 16u;

var<workgroup> x_tile: array<f32, 512>;
var<workgroup> w_tile: array<f32, 512>;
var<workgroup> depth: u32;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let n = parameters[0];
    let k = parameters[1];
    let m = parameters[2];
    let first_row = group.y * TILE;
    let first_column = group.x * TILE;
    let row = (thread / 8u) * 4u;
    let column = (thread % 8u) * 4u;
    if (thread == 0u) {
        depth = k;
    }
    let k_all = workgroupUniformLoad(&depth);

    var sums: array<vec4<f32>, 4>;
    for (var start = 0u; start < k_all; start += DEPTH) {
        for (var i = thread; i < TILE * DEPTH; i += 64u) {
            let line = i / DEPTH;
            let at = start + i % DEPTH;
            var x_value = 0.0;
            var w_value = 0.0;
            if (at < k && first_row + line < n) {
                x_value = x[(first_row + line) * k + at];
            }
            if (at < k && first_column + line < m) {
                w_value = weight_at(first_column + line, at);
            }
            x_tile[(i % DEPTH) * TILE + line] = x_value;
            w_tile[(i % DEPTH) * TILE + line] = w_value;
        }
        workgroupBarrier();
        for (var j = 0u; j < DEPTH; j++) {
            let at = j * TILE + column;
            let w = vec4<f32>(w_tile[at], w_tile[at + 1u], w_tile[at + 2u], w_tile[at + 3u]);
            for (var r = 0u; r < 4u; r++) {
                sums[r] += x_tile[j * TILE + row + r] * w;
            }
        }
        workgroupBarrier();
    }

    for (var r = 0u; r < 4u; r++) {
        for (var c = 0u; c < 4u; c++) {
            if (first_row + row + r < n && first_column + column + c < m) {
                out[(first_row + row + r) * m + first_column + column + c] = sums[r][c];
            }
        }
    }
}
