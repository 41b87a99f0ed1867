// What linear.wgsl does, for a software adapter: all memory is the same there, so that to bring slices of x and W together costs more than to
// read them where they lie.
//
// A thread makes 8 rows by two quads of columns; those of a workgroup have the same rows. Parameters are read before a loop, not inside
// of it: no such adapter was seen to do that by itself, and it takes a third of the time.

{{ parameters }}

const ACROSS = {{ across }}u;
const COLUMN_QUADS = 2u * ACROSS;

// Mean and factor of each row's norm.
var<workgroup> moments: array<vec2<f32>, 8>;

{{ weights }}

@compute @workgroup_size({{ threads }})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let first_row = group.y * 8u;
    let last = parameters.n - 1u;
    let row0 = x_row(min(first_row, last));
    let row1 = x_row(min(first_row + 1u, last));
    let row2 = x_row(min(first_row + 2u, last));
    let row3 = x_row(min(first_row + 3u, last));
    let row4 = x_row(min(first_row + 4u, last));
    let row5 = x_row(min(first_row + 5u, last));
    let row6 = x_row(min(first_row + 6u, last));
    let row7 = x_row(min(first_row + 7u, last));
    let column_a = weight_column(group.x, thread);
    let column_b = weight_column(group.x, thread + ACROSS);
    let quads = weight_quads();
    {{ norm }}

    var a0 = vec4<f32>(); var b0 = vec4<f32>();
    var a1 = vec4<f32>(); var b1 = vec4<f32>();
    var a2 = vec4<f32>(); var b2 = vec4<f32>();
    var a3 = vec4<f32>(); var b3 = vec4<f32>();
    var a4 = vec4<f32>(); var b4 = vec4<f32>();
    var a5 = vec4<f32>(); var b5 = vec4<f32>();
    var a6 = vec4<f32>(); var b6 = vec4<f32>();
    var a7 = vec4<f32>(); var b7 = vec4<f32>();
    let k = parameters.k;
    let group_size = parameters.group;
    for (var start = 0u; start < k; start += group_size) {
        let scale_a = weight_scale(column_a, start);
        let scale_b = weight_scale(column_b, start);
        for (var at = start; at < min(start + group_size, k); at += 4u) {
            var x0 = x_quad(row0, at);
            var x1 = x_quad(row1, at);
            var x2 = x_quad(row2, at);
            var x3 = x_quad(row3, at);
            var x4 = x_quad(row4, at);
            var x5 = x_quad(row5, at);
            var x6 = x_quad(row6, at);
            var x7 = x_quad(row7, at);
            {{ normalise }}
            let v = weights_at(column_a, at, quads, scale_a);
            a0 += v * x0; a1 += v * x1; a2 += v * x2; a3 += v * x3;
            a4 += v * x4; a5 += v * x5; a6 += v * x6; a7 += v * x7;
            let w = weights_at(column_b, at, quads, scale_b);
            b0 += w * x0; b1 += w * x1; b2 += w * x2; b3 += w * x3;
            b4 += w * x4; b5 += w * x5; b6 += w * x6; b7 += w * x7;
        }
    }

    // Sums are numbered, so that what is done with them stands once: each copy has to be compiled.
    var sums: array<vec4<f32>, 16>;
    sums[0] = a0; sums[1] = b0;
    sums[2] = a1; sums[3] = b1;
    sums[4] = a2; sums[5] = b2;
    sums[6] = a3; sums[7] = b3;
    sums[8] = a4; sums[9] = b4;
    sums[10] = a5; sums[11] = b5;
    sums[12] = a6; sums[13] = b6;
    sums[14] = a7; sums[15] = b7;
    let count = min(8u, parameters.n - first_row);
    for (var r = 0u; r < count; r++) {
        finish(first_row + r, group.x, thread, sums[2u * r], sums[2u * r + 1u]);
    }
}
