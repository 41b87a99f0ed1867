// Softmax attention, one query and one head for each workgroup, 64 keys at a time with a running
// maximum and sum (online softmax: Milakov and Gimelshein, arXiv 1805.02867): no score is stored.

@group(0) @binding(0) var<storage, read_write> q: array<f32>;
// turned keys [n_in, width]
@group(0) @binding(1) var<storage, read_write> keys: array<f32>;
// keys and values [n_in, 2 * width]; the values are read
@group(0) @binding(2) var<storage, read_write> kv: array<f32>;
@group(0) @binding(3) var<storage, read_write> rope: array<f32>;
// position, first row, row past the last
@group(0) @binding(4) var<storage, read_write> queries: array<i32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;
// width, half window
@group(0) @binding(6) var<storage, read_write> parameters: array<u32>;

const HEAD = {{ head_size }}u;
const HALF = HEAD / 2u;
const THREADS = 64u;
// Components of the output that one thread keeps.
const PARTS = (HEAD + THREADS - 1u) / THREADS;

var<workgroup> turned: array<f32, HEAD>;
var<workgroup> shares: array<f32, THREADS>;
var<workgroup> scratch: array<f32, THREADS>;
// First row that the query sees, and the row past the last.
var<workgroup> rows: vec2<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let width = parameters[0];
    let query = group.x;
    let column = group.y * HEAD;
    let position = u32(queries[query * 3u]);
    if (thread == 0u) {
        let first = u32(queries[query * 3u + 1u]);
        let end = u32(queries[query * 3u + 2u]);
        let half = min(parameters[1], end - first);
        rows = vec2<u32>(first + position - min(position, half), min(end, first + position + half + 1u));
    }
    for (var j = thread; j < HALF; j += THREADS) {
        let a = q[query * width + column + j];
        let b = q[query * width + column + HALF + j];
        let c = rope[position * HEAD + j];
        let s = rope[position * HEAD + HALF + j];
        let scale = 1.0 / sqrt(f32(HEAD));
        turned[j] = (a * c - b * s) * scale;
        turned[j + HALF] = (b * c + a * s) * scale;
    }
    let seen = workgroupUniformLoad(&rows);

    var highest = -3.4e38;
    var sum = 0.0;
    var value: array<f32, PARTS>;
    for (var start = seen.x; start < seen.y; start += THREADS) {
        let row = start + thread;
        var score = -3.4e38;
        if (row < seen.y) {
            score = 0.0;
            for (var j = 0u; j < HEAD; j++) {
                score += turned[j] * keys[row * width + column + j];
            }
        }
        scratch[thread] = score;
        workgroupBarrier();
        for (var step = THREADS / 2u; step > 0u; step /= 2u) {
            if (thread < step) {
                scratch[thread] = max(scratch[thread], scratch[thread + step]);
            }
            workgroupBarrier();
        }
        let next = max(highest, scratch[0]);
        let keep = exp(highest - next);
        highest = next;
        shares[thread] = select(0.0, exp(score - next), row < seen.y);
        workgroupBarrier();
        let count = min(THREADS, seen.y - start);
        sum *= keep;
        for (var i = 0u; i < count; i++) {
            sum += shares[i];
        }
        for (var part = 0u; part < PARTS; part++) {
            let j = part * THREADS + thread;
            if (j < HEAD) {
                value[part] *= keep;
                for (var i = 0u; i < count; i++) {
                    value[part] += shares[i] * kv[(start + i) * 2u * width + width + column + j];
                }
            }
        }
        workgroupBarrier();
    }
    for (var part = 0u; part < PARTS; part++) {
        let j = part * THREADS + thread;
        if (j < HEAD) {
            out[query * width + column + j] = value[part] / sum;
        }
    }
}
