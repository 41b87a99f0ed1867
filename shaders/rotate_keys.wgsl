// Keys turned to their positions: kv [n, 2 * width] -> out [n, width], head by head
//   (a, b) -> (a cos - b sin, b cos + a sin)   with a, b the two halves of the head.

@group(0) @binding(0) var<storage, read_write> kv: array<f32>;
// [longest, head size]: cosines, then sines
@group(0) @binding(1) var<storage, read_write> rope: array<f32>;
@group(0) @binding(2) var<storage, read_write> positions: array<i32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
// width
@group(0) @binding(4) var<storage, read_write> parameters: array<u32>;

const HEAD = {{ head_size }}u;
const HALF = HEAD / 2u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let width = parameters[0];
    let pair = group.x * 64u + thread;
    if (pair < width / 2u) {
        let row = group.y;
        let j = pair % HALF;
        let column = (pair / HALF) * HEAD + j;
        let angles = u32(positions[row]) * HEAD;
        let c = rope[angles + j];
        let s = rope[angles + HALF + j];
        let a = kv[row * 2u * width + column];
        let b = kv[row * 2u * width + column + HALF];
        out[row * width + column] = a * c - b * s;
        out[row * width + column + HALF] = b * c + a * s;
    }
}
