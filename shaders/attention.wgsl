// Softmax attention with rotary positions: a tile of queries of one sequence and one head for each workgroup.
//
// A thread keeps one query and its sums in registers. Keys and values pass through workgroup memory, KEYS at a time;
// keys are turned to their positions on the way. A running maximum and sum (online softmax: Milakov and Gimelshein,
// arXiv 1805.02867) stand for the scores, none of which is stored. Keys that no query of the tile sees are not read.
// Where there are few queries, several threads share each (parameters.split): every one takes blocks of keys of its own,
// and their sums are joined at the end. Where a tile has more queries than that, it takes several workgroups.
//
// A head lies in quads, those of its first half, then those of its second; what fills a half's last quad is zero.

@group(0) @binding(0) var<storage, read_write> q: array<{{ value }}>;
@group(0) @binding(1) var<storage, read_write> kv: array<{{ value }}>;
@group(0) @binding(2) var<storage, read_write> rope: array<{{ value }}>;
@group(0) @binding(3) var<storage, read_write> queries: array<i32>;
@group(0) @binding(4) var<storage, read_write> tiles: array<i32>;
@group(0) @binding(5) var<storage, read_write> out: array<{{ out }}>;
@group(0) @binding(6) var<uniform> parameters: Parameters;

struct Parameters {
    // Columns of q and out.
    width: u32,
    // Positions that a query sees to each side.
    half_window: u32,
    // Threads that share a query.
    split: u32,
    // Workgroups of a tile.
    groups: u32,
    // Of out as bytes: its rows and levels.
    rows: u32,
    levels: u32,
    // Columns of the keys in kv, which stand before as many of values: those of all heads, or of some from the first on.
    kv_width: u32,
    first_head: u32,
}

const HEAD = {{ head_size }}u;
const HALF = HEAD / 2u;
const QUADS = (HALF + 3u) / 4u;
const HEAD_QUADS = 2u * QUADS;
// One more than needed: keys that threads read at once are then in different banks.
const STRIDE = HEAD_QUADS + 1u;
const KEYS = {{ keys }}u;
const VALUES = KEYS * STRIDE;
const BLOCK = 4u;
const THREADS = {{ threads }}u;
const LOWEST = -3.4e38;

// Keys, then values; at the end the sums of other threads, their highest score and the sum of their shares.
var<workgroup> memory: array<vec4<f32>, {{ memory }}>;
// First row that the tile sees, and the row past the last.
var<workgroup> seen_first: u32;
var<workgroup> seen_end: u32;

{{ access }}

@compute @workgroup_size({{ threads }})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let width = parameters.width;
    let column = (parameters.first_head + group.y) * HEAD;
    let kv_width = parameters.kv_width;
    let count = THREADS / parameters.split;
    let tile = group.x / parameters.groups;
    let tile_first = u32(tiles[2u * tile]) + group.x % parameters.groups * count;
    let tile_end = u32(tiles[2u * tile + 1u]);
    let query = min(tile_first + thread % count, tile_end - 1u);
    let slice = thread / count;

    let position = u32(queries[3u * query]);
    let first = u32(queries[3u * query + 1u]);
    let end = u32(queries[3u * query + 2u]);
    let half_window = min(parameters.half_window, end - first);
    let low = first + position - min(position, half_window);
    let high = min(end, first + position + half_window + 1u);
    // Queries stand by ascending position. A workgroup past the end of its tile sees nothing.
    if (thread == 0u) {
        seen_first = select(high, low, tile_first < tile_end);
    }
    if (thread == count - 1u) {
        seen_end = high;
    }

    var turned: array<vec4<f32>, HEAD_QUADS>;
    var sums: array<vec4<f32>, HEAD_QUADS>;
    let scale = 1.0 / sqrt(f32(HEAD));
    for (var j = 0u; j < QUADS; j++) {
        let a = q_quad(query * width + column, 4u * j) * scale;
        let b = q_quad(query * width + column + HALF, 4u * j) * scale;
        let c = rope_quad(position * HEAD, 4u * j);
        let s = rope_quad(position * HEAD + HALF, 4u * j);
        turned[j] = a * c - b * s;
        turned[j + QUADS] = b * c + a * s;
        sums[j] = vec4<f32>();
        sums[j + QUADS] = vec4<f32>();
    }
    let rows_first = workgroupUniformLoad(&seen_first);
    let rows_end = workgroupUniformLoad(&seen_end);

    var highest = LOWEST;
    var sum = 0.0;
    for (var start = rows_first; start < rows_end; start += KEYS) {
        for (var i = thread; i < KEYS * QUADS; i += THREADS) {
            let key = i / QUADS;
            let j = i % QUADS;
            let row = start + key;
            var a = vec4<f32>();
            var b = vec4<f32>();
            var c = vec4<f32>();
            var s = vec4<f32>();
            var v = vec4<f32>();
            var w = vec4<f32>();
            if (row < rows_end) {
                let source = row * 2u * kv_width + group.y * HEAD;
                a = kv_quad(source, 4u * j);
                b = kv_quad(source + HALF, 4u * j);
                c = rope_quad((row - first) * HEAD, 4u * j);
                s = rope_quad((row - first) * HEAD + HALF, 4u * j);
                v = kv_quad(source + kv_width, 4u * j);
                w = kv_quad(source + kv_width + HALF, 4u * j);
            }
            let to = key * STRIDE + j;
            memory[to] = a * c - b * s;
            memory[to + QUADS] = b * c + a * s;
            memory[VALUES + to] = v;
            memory[VALUES + to + QUADS] = w;
        }
        workgroupBarrier();
        for (var block = slice * BLOCK; block < KEYS; block += parameters.split * BLOCK) {
            let row = start + block;
            if (row < high && row + BLOCK > low) {
                let rows = vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u);
                let inside = (rows >= vec4<u32>(low)) & (rows < vec4<u32>(high));
                let at = block * STRIDE;
                var scores = vec4<f32>();
                for (var j = 0u; j < HEAD_QUADS; j++) {
                    let part = turned[j];
                    scores += vec4<f32>(
                        dot(part, memory[at + j]),
                        dot(part, memory[at + STRIDE + j]),
                        dot(part, memory[at + 2u * STRIDE + j]),
                        dot(part, memory[at + 3u * STRIDE + j]),
                    );
                }
                scores = select(vec4<f32>(LOWEST), scores, inside);
                let next = max(highest, max(max(scores.x, scores.y), max(scores.z, scores.w)));
                let keep = exp(highest - next);
                let shares = select(vec4<f32>(), exp(scores - next), inside);
                highest = next;
                sum = sum * keep + (shares.x + shares.y) + (shares.z + shares.w);
                for (var j = 0u; j < HEAD_QUADS; j++) {
                    let value = VALUES + at + j;
                    sums[j] = sums[j] * keep + shares.x * memory[value] + shares.y * memory[value + STRIDE]
                        + shares.z * memory[value + 2u * STRIDE] + shares.w * memory[value + 3u * STRIDE];
                }
            }
        }
        workgroupBarrier();
    }

    for (var half = parameters.split / 2u; half > 0u; half /= 2u) {
        let others = half * count;
        if (slice >= half && slice < 2u * half) {
            let to = thread - others;
            for (var j = 0u; j < HEAD_QUADS; j++) {
                memory[j * others + to] = sums[j];
            }
            memory[HEAD_QUADS * others + to] = vec4<f32>(highest, sum, 0.0, 0.0);
        }
        workgroupBarrier();
        if (slice < half) {
            let other = memory[HEAD_QUADS * others + thread];
            let next = max(highest, other.x);
            let mine = exp(highest - next);
            let theirs = exp(other.x - next);
            highest = next;
            sum = sum * mine + other.y * theirs;
            for (var j = 0u; j < HEAD_QUADS; j++) {
                sums[j] = sums[j] * mine + memory[j * others + thread] * theirs;
            }
        }
        workgroupBarrier();
    }
    if (slice == 0u && tile_first + thread < tile_end) {
        {{ end }}
    }
}
