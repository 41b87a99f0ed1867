// out = x · Wᵀ with int8 weights and activations that are bytes (bytes.wgsl), four columns of k in one instruction: the
// integers of a group of 32 columns are multiplied and added exactly, then scaled; groups are added in f32.
//
// A workgroup makes a tile of outputs, each of its threads 4 x 8 of them: four rows by two quads of columns. Words of x
// and of W, DEPTH columns of k at a time, lie in workgroup memory, four to a quad: those of four rows, or of four columns.
// Where tiles are small, the threads share the groups of k among SLICES of them and add up.
//
// Bits of parameters.ways say what is done on the way (ways.wgsl); a norm is done when x is rounded.

@group(0) @binding(0) var<storage, read_write> x: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> weight: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> scales: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> queries: array<i32>;
@group(0) @binding(4) var<storage, read_write> residual: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> out: array<vec4<f32>>;
// out as bytes.
@group(0) @binding(6) var<storage, read_write> words: array<u32>;
@group(0) @binding(7) var<storage, read_write> bias: array<vec4<f32>>;
@group(0) @binding(8) var<uniform> parameters: Parameters;

{{ parameters }}

{{ ways }}

// What was made of the sums is written as bytes.
const BYTES = 64u;

// Threads along the rows and the columns of a tile.
const DOWN = {{ down }}u;
const ACROSS = {{ across }}u;
const SLICES = {{ slices }}u;
const DEPTH = {{ depth }}u;

// Threads that make a tile, and all.
const PLACES = DOWN * ACROSS;
const THREADS = PLACES * SLICES;
const ROWS = 4u * DOWN;
const COLUMN_QUADS = 2u * ACROSS;
const WORDS = DEPTH / 4u;
const GROUPS = DEPTH / 32u;
// Quads of words of a row.
const PARTS = DEPTH / 16u;
// One more than needed: quads that threads write at once are then in different banks.
const X_STRIDE = DOWN + 1u;
const W_STRIDE = COLUMN_QUADS + 1u;
const W_START = WORDS * X_STRIDE;
const STEPS = W_START + WORDS * W_STRIDE;
const SCALES = STEPS + GROUPS * DOWN;

// Words of x and of W, steps and scales; at the end sums.
var<workgroup> tile: array<vec4<u32>, {{ memory }}>;
var<workgroup> largest: array<u32, {{ threads }}>;

{{ activation }}

{{ bytes }}

fn x_row(row: u32) -> u32 {
    if (has(X_OF_QUERIES)) {
        return row_of_query(row);
    }
    return parameters.x_first + row;
}

// The step of a group of a row of x.
fn x_step(row: u32, group: u32) -> u32 {
    let groups = parameters.levels * parameters.k / 32u;
    let at = parameters.x_rows * groups * 8u + row * groups + group;
    return x[at / 4u][at % 4u];
}

fn bring_weights(thread: u32, group: u32, start: u32) {
    let gated = has(GATE);
    // Quads of columns of out, and of W.
    let quads = parameters.m / 4u;
    let all = select(quads, 2u * quads, gated) + parameters.left_out / 2u;
    for (var i = thread; i < COLUMN_QUADS * WORDS; i += THREADS) {
        let quad = i % COLUMN_QUADS;
        let word = i / COLUMN_QUADS;
        var at = start + 4u * word;
        var four = vec4<u32>();
        var scale = vec4<f32>();
        if (at < parameters.levels * parameters.k) {
            at %= parameters.k;
            // Of a gate, a thread's first quad is of the first half, and its second the same columns of the second.
            let half = (quad / ACROSS) * quads + min(group * ACROSS + quad % ACROSS, quads - 1u);
            let column = select(quad_of_weights(min(group * COLUMN_QUADS + quad, quads - 1u)), half, gated);
            four = weight[(at / 4u) * all + column];
            if (word % 8u == 0u) {
                scale = scales[(at / parameters.group) * all + column];
            }
        }
        tile[W_START + word * W_STRIDE + quad] = four;
        if (word % 8u == 0u) {
            tile[SCALES + word / 8u * COLUMN_QUADS + quad] = bitcast<vec4<u32>>(scale);
        }
    }
}

// A word of x by those of four columns.
fn products(x: u32, w: vec4<u32>) -> vec4<i32> {
    return vec4<i32>(dot4I8Packed(x, w.x), dot4I8Packed(x, w.y), dot4I8Packed(x, w.z), dot4I8Packed(x, w.w));
}

// Writes a quad of out as bytes; the threads across a tile have a group.
fn put_bytes(thread: u32, row: u32, quad: u32, value: vec4<f32>) {
    let quads = parameters.m / 4u;
    var left = value;
    for (var level = 0u; level < parameters.levels; level++) {
        largest[thread] = largest_bits(left);
        workgroupBarrier();
        var bits = 0u;
        for (var i = 0u; i < ACROSS; i++) {
            bits = max(bits, largest[thread / ACROSS * ACROSS + i]);
        }
        workgroupBarrier();
        let step = step_of(bits);
        let integers = round(left * step.inverse);
        left -= integers * step.size;
        if (row < parameters.n && quad < quads) {
            let at = ((parameters.out_first + row) * parameters.levels + level) * quads + quad;
            words[at] = packed(integers);
            if (quad % 8u == 0u) {
                words[parameters.words_rows * parameters.levels * quads + at / 8u] = step.bits;
            }
        }
    }
}

fn finish(thread: u32, row: u32, group: u32, a: vec4<f32>, b: vec4<f32>) {
    let across = thread % ACROSS;
    let quads = parameters.m / 4u;
    let first = select(group * COLUMN_QUADS, group * ACROSS, has(GATE)) + across;
    var source = parameters.out_first + row;
    if (has(RESIDUAL_OF_QUERIES)) {
        source = row_of_query(min(row, parameters.n - 1u));
    }
    // Of a gate, b is the other half, and no quad of its own.
    let count = select(2u, 1u, has(GATE));
    for (var i = 0u; i < count; i++) {
        let quad = first + i * ACROSS;
        var value = select(a, b, i == 1u);
        if (has(BIAS)) {
            value += bias[quad_of_weights(min(quad, quads - 1u))];
        }
        if (has(GATE | ACTIVATE)) {
            value = activate(value, has(GELU), has(GELU_TANH));
        }
        if (has(GATE)) {
            value *= b;
        }
        if (has(BYTES)) {
            put_bytes(thread, row, quad, value);
        } else if (row < parameters.n && quad < quads) {
            if (has(RESIDUAL)) {
                value += residual[source * quads + quad];
            }
            out[(parameters.out_first + row) * quads + quad] = value;
        }
    }
}

@compute @workgroup_size({{ threads }})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let first_row = group.y * ROWS;
    let slice = thread / PLACES;
    let down = thread % PLACES / ACROSS;
    let across = thread % ACROSS;

    // The part of each slice of x that this thread brings: four words of four rows. Some bring none.
    let part = thread % PARTS;
    let quad = thread / PARTS;
    let line = vec4<u32>(first_row + 4u * quad) + vec4<u32>(0u, 1u, 2u, 3u);
    let kept = min(line, vec4<u32>(parameters.n - 1u));
    let source = vec4<u32>(x_row(kept.x), x_row(kept.y), x_row(kept.z), x_row(kept.w));
    let columns = parameters.levels * parameters.k;

    var a0 = vec4<f32>(); var b0 = vec4<f32>();
    var a1 = vec4<f32>(); var b1 = vec4<f32>();
    var a2 = vec4<f32>(); var b2 = vec4<f32>();
    var a3 = vec4<f32>(); var b3 = vec4<f32>();
    for (var start = 0u; start < columns; start += DEPTH) {
        let at = start + 16u * part;
        if (quad < DOWN) {
            var r0 = vec4<u32>();
            var r1 = vec4<u32>();
            var r2 = vec4<u32>();
            var r3 = vec4<u32>();
            var steps = vec4<u32>();
            if (at < columns) {
                let from_start = at / 16u;
                let stride = columns / 16u;
                r0 = x[source.x * stride + from_start];
                r1 = x[source.y * stride + from_start];
                r2 = x[source.z * stride + from_start];
                r3 = x[source.w * stride + from_start];
                if (part % 2u == 0u) {
                    let g = at / 32u;
                    steps = vec4<u32>(x_step(source.x, g), x_step(source.y, g), x_step(source.z, g), x_step(source.w, g));
                }
            }
            for (var c = 0u; c < 4u; c++) {
                tile[(4u * part + c) * X_STRIDE + quad] = vec4<u32>(r0[c], r1[c], r2[c], r3[c]);
            }
            if (part % 2u == 0u) {
                tile[STEPS + part / 2u * DOWN + quad] = steps;
            }
        }
        bring_weights(thread, group.x, start);
        workgroupBarrier();
        for (var i = 0u; i < GROUPS / SLICES; i++) {
            let g = slice * (GROUPS / SLICES) + i;
            var p0 = vec4<i32>(); var q0 = vec4<i32>();
            var p1 = vec4<i32>(); var q1 = vec4<i32>();
            var p2 = vec4<i32>(); var q2 = vec4<i32>();
            var p3 = vec4<i32>(); var q3 = vec4<i32>();
            for (var j = 8u * g; j < 8u * g + 8u; j++) {
                let four = tile[j * X_STRIDE + down];
                let w0 = tile[W_START + j * W_STRIDE + across];
                let w1 = tile[W_START + j * W_STRIDE + across + ACROSS];
                p0 += products(four.x, w0); q0 += products(four.x, w1);
                p1 += products(four.y, w0); q1 += products(four.y, w1);
                p2 += products(four.z, w0); q2 += products(four.z, w1);
                p3 += products(four.w, w0); q3 += products(four.w, w1);
            }
            let step = bitcast<vec4<f32>>(tile[STEPS + g * DOWN + down]);
            let s0 = bitcast<vec4<f32>>(tile[SCALES + g * COLUMN_QUADS + across]);
            let s1 = bitcast<vec4<f32>>(tile[SCALES + g * COLUMN_QUADS + across + ACROSS]);
            a0 += vec4<f32>(p0) * (s0 * step.x); b0 += vec4<f32>(q0) * (s1 * step.x);
            a1 += vec4<f32>(p1) * (s0 * step.y); b1 += vec4<f32>(q1) * (s1 * step.y);
            a2 += vec4<f32>(p2) * (s0 * step.z); b2 += vec4<f32>(q2) * (s1 * step.z);
            a3 += vec4<f32>(p3) * (s0 * step.w); b3 += vec4<f32>(q3) * (s1 * step.w);
        }
        workgroupBarrier();
    }

    {{ end }}
}
