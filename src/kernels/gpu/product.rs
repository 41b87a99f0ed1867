//! Products: which rows and columns, with int8 matrices what is done on the way and of which activations, and by which body.

use burn::backend::wgpu::CubeTensor;

use super::adapter::{Adapter, adapter};
use super::body::Body;
use super::bytes::{Bytes, GROUP};
use super::shader::{Shader, Weights};
use super::{empty, run, size};
use crate::config::Activation;

/// An int8 matrix as [`Kernels::linear_int8`](crate::kernels::Kernels::linear_int8) takes it.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    pub weight: &'a CubeTensor,
    pub scales: &'a CubeTensor,
}

impl Matrix<'_> {
    /// Returns whether it is multiplied by bytes: its adapter does that, and its groups consist of groups of 32 columns.
    pub fn takes_bytes(&self) -> bool {
        adapter(self.weight) == Adapter::Bytes && self.group().is_multiple_of(GROUP)
    }

    /// Returns how many columns share a scale.
    fn group(&self) -> usize {
        4 * size(self.weight)[0] / size(self.scales)[0]
    }
}

/// What is done on the way of a product, as bits of `parameters.ways` of `linear_int8.wgsl` and `linear_bytes.wgsl`.
mod way {
    pub const NORM: u32 = 1;
    pub const X_OF_QUERIES: u32 = 2;
    pub const RESIDUAL_OF_QUERIES: u32 = 4;
    pub const RESIDUAL: u32 = 8;
    pub const GATE: u32 = 16;
    pub const ACTIVATE: u32 = 32;
    pub const BYTES: u32 = 64;
    pub const BIAS: u32 = 128;
    pub const GELU: u32 = 256;
    pub const GELU_TANH: u32 = 512;
}

/// The matrix of a product, and what is done on the way.
#[derive(Clone, Copy)]
pub struct Ways<'a> {
    pub matrix: Matrix<'a>,
    /// Gain and epsilon of the norm that the rows of x go through first, unless they are bytes, which have gone through it.
    pub norm: Option<(&'a CubeTensor, f32)>,
    /// The queries in whose rows x, or else the residual, is read.
    pub queries: Option<&'a CubeTensor>,
    /// Which columns are made, if not all.
    pub half: Option<Half>,
    /// What is added to the sums.
    pub residual: Option<&'a CubeTensor>,
    /// The bias of the columns; not where there is a norm or a gate.
    pub bias: Option<&'a CubeTensor>,
    /// What the sums go through, with their bias.
    pub activation: Option<Activation>,
    /// Whether the matrix has twice the columns of what is made: the activation of the first half times the second.
    pub is_gated: bool,
}

impl<'a> Ways<'a> {
    pub fn plain(weight: &'a CubeTensor, scales: &'a CubeTensor) -> Self {
        let matrix = Matrix { weight, scales };
        Self {
            matrix,
            norm: None,
            queries: None,
            half: None,
            residual: None,
            bias: None,
            activation: None,
            is_gated: false,
        }
    }

    fn bits(&self) -> u32 {
        let norm = if self.norm.is_some() { way::NORM } else { 0 };
        let rows = match (self.queries, self.residual) {
            (None, _) => 0,
            (Some(_), None) => way::X_OF_QUERIES,
            (Some(_), Some(_)) => way::RESIDUAL_OF_QUERIES,
        };
        let residual = if self.residual.is_some() { way::RESIDUAL } else { 0 };
        let bias = if self.bias.is_some() { way::BIAS } else { 0 };
        let activate = if self.is_gated { way::GATE } else { way::ACTIVATE };
        let activation = match self.activation {
            None => 0,
            Some(Activation::Silu) => activate,
            Some(Activation::Gelu) => activate | way::GELU,
            Some(Activation::GeluTanh) => activate | way::GELU_TANH,
        };
        norm | rows | residual | bias | activation
    }
}

/// Some of the columns of each half of a matrix: those of some heads, where its halves make keys and values.
#[derive(Clone, Copy, Debug)]
pub struct Half {
    /// The columns of a half before them.
    pub first: usize,
    /// How many there are.
    pub count: usize,
}

impl Half {
    /// Returns how many columns a product has of a matrix with `all`.
    pub fn columns(half: Option<Self>, all: usize) -> usize {
        half.map_or(all, |half| 2 * half.count)
    }

    /// Returns the parameters `half_first` and `left_out` of a shader.
    pub fn parameters(half: Option<Self>, all: usize) -> [u32; 2] {
        half.map_or([0, 0], |half| [half.first as u32, (all / 2 - half.count) as u32])
    }
}

/// The rows that a product makes.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// How many there are.
    pub rows: usize,
    /// The rows that are made in parts, this one among them. They decide the body, so that parts have the bits of a whole.
    pub of: usize,
    /// Rows of x before them.
    pub x_first: usize,
    /// Rows of what is made, and of the residual, before them.
    pub out_first: usize,
}

impl Part {
    /// Returns all of so many rows.
    pub fn whole(rows: usize) -> Self {
        Self { rows, of: rows, x_first: 0, out_first: 0 }
    }
}

/// Rows of activations, in one of the forms in which they are multiplied or made.
pub enum Rows {
    Floats(CubeTensor),
    Bytes(Bytes),
}

impl Rows {
    /// Creates [rows, columns] on the device of another tensor, as bytes or not; their values are still to be made.
    pub fn empty(like: &CubeTensor, shape: [usize; 2], as_bytes: bool) -> Self {
        match as_bytes {
            true => Self::Bytes(Bytes::empty(like, shape)),
            false => Self::Floats(empty(like, shape)),
        }
    }

    /// Returns what has the values.
    pub fn tensor(&self) -> &CubeTensor {
        match self {
            Self::Floats(tensor) => tensor,
            Self::Bytes(bytes) => &bytes.words,
        }
    }
}

/// Makes rows of `out`, which has `m` columns. `x` decides which bodies there are to choose from.
pub fn product(x: &Rows, ways: Ways, out: &Rows, m: usize, part: Part) {
    let [fours, columns] = size(ways.matrix.weight);
    let adapter = match x {
        Rows::Floats(x) => adapter(x).of_floats(),
        Rows::Bytes(_) => Adapter::Bytes,
    };
    let body = Body::of(adapter, part.of, columns);
    let [down, across] = body.tile();
    let groups = [Half::columns(ways.half, columns).div_ceil(across), part.rows.div_ceil(down)];
    let (buffers, bits, own) = match x {
        Rows::Floats(x) => of_floats(x, ways, out),
        Rows::Bytes(x) => of_bytes(x, ways, out),
    };
    let numbers = [4 * fours, m, ways.matrix.group()];
    let parameters = parameters(part, numbers, bits, Half::parameters(ways.half, columns), own);
    run(Shader::Product(body, Weights::Int8), groups, buffers.iter().collect(), &parameters);
}

/// Makes rows of `out`, the product of those of `x` with f32 weights.
pub fn linear(x: &CubeTensor, weight: &CubeTensor, out: &CubeTensor, part: Part, half: Option<Half>) {
    let ([_, k], [columns, _], [_, m]) = (size(x), size(weight), size(out));
    let body = Body::of(adapter(x).of_floats(), part.of, columns);
    let [down, across] = body.tile();
    // A row of weights is one group: without scales.
    let parameters = parameters(part, [k, m, k], 0, Half::parameters(half, columns), [0; 4]);
    let groups = [m.div_ceil(across), part.rows.div_ceil(down)];
    run(Shader::Product(body, Weights::Float), groups, vec![x, weight, out], &parameters);
}

/// Where the parameters of a product say how many columns of each half of the matrix are left out.
#[cfg(not(target_family = "wasm"))]
pub const LEFT_OUT: usize = 8;
/// Where they say how many levels x has as bytes.
#[cfg(not(target_family = "wasm"))]
pub const LEVELS: usize = 10;

/// Returns the parameters of a product in the order of `product_parameters.wgsl`, and zeros up to a multiple of 16 bytes. `own` are those
/// that only products of f32 activations or of bytes read.
fn parameters(part: Part, [k, m, group]: [usize; 3], ways: u32, half: [u32; 2], own: [u32; 4]) -> [u32; 16] {
    let [n, k, m, group, x, out] = [part.rows, k, m, group, part.x_first, part.out_first].map(|number| number as u32);
    let ([first, left_out], [eps, levels, x_rows, words_rows]) = (half, own);
    [n, k, m, group, x, out, ways, first, left_out, eps, levels, x_rows, words_rows, 0, 0, 0]
}

/// Returns a tensor or, where there is none, another: one pipeline serves every way, and WebGPU wants all of its buffers, and no
/// two that overlap.
pub fn bound(tensor: Option<&CubeTensor>, like: &CubeTensor) -> CubeTensor {
    tensor.cloned().unwrap_or_else(|| empty(like, [1, 4]))
}

/// Returns the buffers of a product of f32 activations, the bits of what is done on the way, and the parameters that are its own.
fn of_floats(x: &CubeTensor, ways: Ways, out: &Rows) -> (Vec<CubeTensor>, u32, [u32; 4]) {
    let (gain, eps) = ways.norm.unzip();
    let gain = gain.or(ways.bias);
    let [gain, queries, residual] = [gain, ways.queries, ways.residual].map(|tensor| bound(tensor, x));
    let Matrix { weight, scales } = ways.matrix;
    let buffers = vec![x.clone(), weight.clone(), scales.clone(), gain, queries, residual, out.tensor().clone()];
    (buffers, ways.bits(), [eps.unwrap_or(0.0).to_bits(), 0, 0, 0])
}

/// Returns the same of a product of bytes.
fn of_bytes(x: &Bytes, ways: Ways, out: &Rows) -> (Vec<CubeTensor>, u32, [u32; 4]) {
    let [queries, residual, bias] = [ways.queries, ways.residual, ways.bias].map(|tensor| bound(tensor, &x.words));
    let Matrix { weight, scales } = ways.matrix;
    let (floats, bytes, written, rows) = match out {
        Rows::Floats(out) => (out.clone(), bound(None, &x.words), 0, 0),
        Rows::Bytes(out) => (bound(None, &x.words), out.words.clone(), way::BYTES, out.rows),
    };
    let buffers = vec![x.words.clone(), weight.clone(), scales.clone(), queries, residual, floats, bytes, bias];
    let bits = (ways.bits() & !way::NORM) | written;
    (buffers, bits, [0, x.levels as u32, x.rows as u32, rows as u32])
}

/// Activations that several products take, in both forms as far as those need them.
pub struct X<'a> {
    floats: Rows,
    norm: Option<(&'a CubeTensor, f32)>,
    bytes: Option<Rows>,
}

impl<'a> X<'a> {
    /// Takes the rows of `x` to products with matrices, after their norm if there is one.
    pub fn new(x: &CubeTensor, norm: Option<(&'a CubeTensor, f32)>) -> Self {
        Self { floats: Rows::Floats(x.clone()), norm, bytes: None }
    }

    /// Returns the rows as a matrix takes them; they become bytes once.
    fn rows_for(&mut self, matrix: Matrix) -> &Rows {
        if !matrix.takes_bytes() {
            return &self.floats;
        }
        let (x, norm) = (self.floats.tensor(), self.norm);
        self.bytes.get_or_insert_with(|| Rows::Bytes(Bytes::of(x, norm)))
    }

    /// Does what [`product`] does, norm included.
    pub fn product(&mut self, ways: Ways, out: &Rows, m: usize, part: Part) {
        let ways = Ways { norm: self.norm, ..ways };
        product(self.rows_for(ways.matrix), ways, out, m, part);
    }

    /// Returns the products of all rows, or of those in which `ways` reads them: [n, columns that are made].
    pub fn products(&mut self, ways: Ways) -> CubeTensor {
        let (x, m) = (self.floats.tensor(), Half::columns(ways.half, size(ways.matrix.weight)[1]));
        let rows = ways.queries.map_or(size(x)[0], |queries| size(queries)[0]);
        let out = empty(x, [rows, m]);
        self.product(ways, &Rows::Floats(out.clone()), m, Part::whole(rows));
        out
    }
}
