//! The shaders and their instances: texts from `shaders/`, put together and filled in.

use burn::backend::wgpu::{KernelSource, SourceTemplate};
use cubecl::prelude::KernelId;

use super::body::{Body, Few, Heads};
use crate::config::Activation;

/// The weights that a product multiplies by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weights {
    Float,
    Int8,
}

/// The rows of a matrix that a product takes, one for each row that it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Neighbouring ones.
    Range,
    /// Those that the queries of an attention stand in.
    Queries,
}

/// What becomes of the sums of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    Plain,
    /// They are added to rows of another matrix.
    Residual(Rows),
    /// Their first half goes through SiLU, and multiplies the second.
    Silu,
    /// The same with GELU.
    Gelu,
}

impl End {
    /// The end that gates with an activation.
    pub fn gate(activation: Activation) -> Self {
        match activation {
            Activation::Silu => Self::Silu,
            Activation::Gelu => Self::Gelu,
        }
    }
}

/// One instance of `linear.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Product {
    pub body: &'static Body,
    pub weights: Weights,
    /// Rows of x.
    pub rows: Rows,
    /// Whether the rows of x go through a layer norm first.
    pub norm: bool,
    pub end: End,
}

/// One instance of a shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shader {
    Product(Product),
    Attention(Heads, Few),
    Norm,
    Silu,
    Gelu,
    TakeRows,
    Add,
}

macro_rules! text {
    ($name:literal) => {
        include_str!(concat!("../../../shaders/", $name, ".wgsl"))
    };
}

/// The row of the input that row `row` of a product takes.
fn row_of(rows: Rows, first: &str) -> String {
    match rows {
        Rows::Range => format!("parameters.{first} + row"),
        // A query's position and the first row of its sequence.
        Rows::Queries => "u32(queries[3u * row] + queries[3u * row + 1u])".to_string(),
    }
}

/// Declares storage buffers in the order in which they are bound, and the parameters after them.
fn bindings(buffers: &[(&str, &str)]) -> String {
    // Tensors may share a buffer, which WebGPU refuses where one dispatch both reads and writes it: all are both.
    let buffer = |(at, (name, element)): (usize, &(&str, &str))| {
        format!("@group(0) @binding({at}) var<storage, read_write> {name}: array<{element}>;\n")
    };
    let parameters = format!("@group(0) @binding({}) var<uniform> parameters: Parameters;\n", buffers.len());
    buffers.iter().enumerate().map(buffer).chain([parameters]).collect()
}

impl Product {
    fn template(&self) -> SourceTemplate {
        let (value, weight, mut buffers) = match self.weights {
            Weights::Float => ("f32", text!("weight_f32"), vec![("x", "f32"), ("weight", "f32")]),
            Weights::Int8 => {
                let buffers = vec![("x", "vec4<f32>"), ("weight", "vec4<i32>"), ("scales", "vec4<f32>")];
                ("vec4<f32>", text!("weight_int8"), buffers)
            }
        };
        if self.norm {
            buffers.push(("gain", value));
        }
        if self.rows == Rows::Queries || self.end == End::Residual(Rows::Queries) {
            buffers.push(("queries", "i32"));
        }
        let end = match self.end {
            End::Plain => text!("end_plain").to_string(),
            End::Residual(rows) => {
                buffers.push(("residual", value));
                text!("end_residual").replace("{{ residual_row }}", &row_of(rows, "out_first"))
            }
            End::Silu => [text!("silu"), text!("end_gate")].concat(),
            End::Gelu => [text!("gelu"), text!("end_gate")].concat(),
        };
        buffers.push(("out", value));
        let (norm, moments, normalise) = if self.norm { NORM } else { Default::default() };
        let body = self.body;
        SourceTemplate::new(text!("linear"))
            .register("bindings", bindings(&buffers))
            .register("down", body.down.to_string())
            .register("across", body.across.to_string())
            .register("slices", body.slices.to_string())
            .register("depth", body.depth.to_string())
            .register("memory", body.memory().to_string())
            .register(
                "access",
                if self.weights == Weights::Int8 { text!("access_quads") } else { text!("access_scalars") },
            )
            .register("x_row", row_of(self.rows, "x_first"))
            .register("weight", weight)
            .register("end", end)
            .register("norm", norm)
            .register("moments", moments)
            .register("normalise", normalise)
    }
}

/// What a norm adds to `linear.wgsl`: its text, what measures the rows, and what turns four of them over four of k.
const NORM: (&str, &str, &str) = (
    text!("row_norm"),
    "measure(first_row, thread);
    let m0 = moments[4u * quad];
    let m1 = moments[4u * quad + 1u];
    let m2 = moments[4u * quad + 2u];
    let m3 = moments[4u * quad + 3u];",
    "let g = gain[at / 4u];
            r0 = (r0 - m0.x) * m0.y * g;
            r1 = (r1 - m1.x) * m1.y * g;
            r2 = (r2 - m2.x) * m2.y * g;
            r3 = (r3 - m3.x) * m3.y * g;",
);

fn attention(heads: Heads, few: Few) -> SourceTemplate {
    let (value, access) = match heads.in_quads() {
        true => ("vec4<f32>", text!("head_quads")),
        false => ("f32", text!("head_scalars")),
    };
    let buffers = [("q", value), ("kv", value), ("rope", value), ("queries", "i32"), ("tiles", "i32"), ("out", value)];
    SourceTemplate::new(text!("attention"))
        .register("bindings", bindings(&buffers))
        .register("head_size", heads.size.to_string())
        .register("keys", heads.keys().to_string())
        .register("split", heads.split(few).to_string())
        .register("access", access)
}

impl Shader {
    /// The shader that gates with an activation.
    pub fn gate(activation: Activation) -> Self {
        match activation {
            Activation::Silu => Self::Silu,
            Activation::Gelu => Self::Gelu,
        }
    }
}

impl KernelSource for Shader {
    fn source(&self) -> SourceTemplate {
        match self {
            Self::Product(product) => product.template(),
            Self::Attention(heads, few) => attention(*heads, *few),
            Self::Norm => SourceTemplate::new(text!("norm")),
            Self::Silu => SourceTemplate::new(text!("gate")).register("activation", text!("silu")),
            Self::Gelu => SourceTemplate::new(text!("gate")).register("activation", text!("gelu")),
            Self::TakeRows => SourceTemplate::new(text!("take_rows")),
            Self::Add => SourceTemplate::new(text!("add")),
        }
    }

    fn id(&self) -> KernelId {
        KernelId::new::<Self>().info(*self)
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

#[cfg(test)]
mod tests {
    use naga::valid::{Capabilities, ValidationFlags, Validator};

    use super::super::body::BODIES;
    use super::*;

    /// Every instance of every template that a model can ask for.
    fn instances() -> Vec<Shader> {
        let mut shaders = vec![Shader::Norm, Shader::Silu, Shader::Gelu, Shader::TakeRows, Shader::Add];
        for head_size in [2, 14, 32, 34, 64, 78, 96, 128, 200, 256] {
            let heads = Heads { size: head_size };
            shaders.extend([Few::No, Few::Yes].map(|few| Shader::Attention(heads, few)));
        }
        let ends = [End::Plain, End::Residual(Rows::Range), End::Residual(Rows::Queries), End::Silu, End::Gelu];
        for body in &BODIES {
            let plain = Product { body, weights: Weights::Float, rows: Rows::Range, norm: false, end: End::Plain };
            shaders.push(Shader::Product(plain));
            for (norm, rows, end) in ends.iter().flat_map(|end| {
                [false, true]
                    .into_iter()
                    .flat_map(move |norm| [Rows::Range, Rows::Queries].map(|rows| (norm, rows, *end)))
            }) {
                shaders.push(Shader::Product(Product { weights: Weights::Int8, norm, rows, end, ..plain }));
            }
        }
        shaders
    }

    /// Checks a shader as a browser does, without any optional feature; but naga lets pass a barrier that some threads
    /// may miss, which a browser refuses.
    fn validate(source: &str) -> Result<naga::Module, String> {
        let module = naga::front::wgsl::parse_str(source).map_err(|error| error.emit_to_string(source))?;
        let checked = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module);
        checked.map_err(|error| error.emit_to_string(source))?;
        Ok(module)
    }

    #[test]
    fn every_shader_is_valid_webgpu_within_the_default_limits() {
        for shader in instances() {
            let source = shader.source().complete();
            let module = validate(&source).unwrap_or_else(|error| panic!("{shader:?}: {error}"));
            let of = |space| module.global_variables.iter().filter(move |(_, variable)| variable.space == space);
            let size = |inner: naga::Handle<naga::Type>| module.types[inner].inner.size(module.to_ctx());
            let memory: u32 = of(naga::AddressSpace::WorkGroup).map(|(_, variable)| size(variable.ty)).sum();
            assert!(memory <= 16_384, "{shader:?} takes {memory} bytes of workgroup memory");
            let access = naga::StorageAccess::LOAD | naga::StorageAccess::STORE;
            assert!(of(naga::AddressSpace::Storage { access }).count() <= 8, "{shader:?}");
            let [x, y, z] = module.entry_points[0].workgroup_size;
            assert!(x * y * z <= 256, "{shader:?}");
            assert!(!source.contains("{{"), "{shader:?}");
        }
    }

    #[test]
    fn validation_refuses_reserved_words_and_mixed_types() {
        let main = |body: &str| validate(&format!("@compute @workgroup_size(64) fn main() {{ {body} }}"));
        assert!(main("let start = 1u;").is_ok());
        assert!(main("let from = 1u;").is_err_and(|error| error.contains("reserved")));
        assert!(main("let start = 1u + 1i;").is_err());
    }
}
