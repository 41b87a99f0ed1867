//! The shaders and their instances: texts from `shaders/`, put together and filled in.

use burn::backend::wgpu::{KernelSource, SourceTemplate};
use cubecl::prelude::KernelId;

use super::THREADS;
use super::body::{Body, Heads};

/// The weights that a product multiplies by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weights {
    Float,
    Int8,
}

/// One instance of a shader: what a browser compiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shader {
    Product(&'static Body, Weights),
    Attention(Heads),
    /// Activations to bytes.
    Round,
    Norm,
    Gate,
    TakeRows,
    Add,
    Bias,
}

macro_rules! text {
    ($name:literal) => {
        include_str!(concat!("../../../shaders/", $name, ".wgsl"))
    };
}

/// The text for weights, which is filled in before it becomes a part of another: how they are read is a text of its own.
fn weights_text(weights: Weights, is_direct: bool) -> String {
    let (text, read) = match (weights, is_direct) {
        (Weights::Float, false) => (text!("linear_f32"), text!("bring_f32")),
        (Weights::Float, true) => (text!("linear_f32"), text!("direct_f32")),
        (Weights::Int8, false) => (text!("linear_int8"), text!("bring_int8")),
        (Weights::Int8, true) => (text!("linear_int8"), text!("direct_int8")),
    };
    let text = text.replace("{{ ways }}", text!("ways")).replace("{{ activation }}", text!("activation"));
    text + "\n" + read
}

/// A template with what stands for the numbers of a body.
fn sized(template: SourceTemplate, body: &Body) -> SourceTemplate {
    template
        .register("down", body.down.to_string())
        .register("across", body.across.to_string())
        .register("slices", body.slices.to_string())
        .register("depth", body.depth.to_string())
        .register("threads", body.threads().to_string())
        .register("memory", body.memory().to_string())
}

fn product_of_bytes(body: &Body) -> SourceTemplate {
    let end = if body.slices > 1 { text!("end_shared_bytes") } else { text!("end_alone_bytes") };
    let template = SourceTemplate::new(text!("linear_bytes")).register("end", end);
    let template = template.register("parameters", text!("product_parameters"));
    let template = template.register("ways", text!("ways")).register("activation", text!("activation"));
    sized(template.register("bytes", text!("bytes")), body)
}

fn product(body: &Body, weights: Weights) -> SourceTemplate {
    if body.takes_bytes() {
        return product_of_bytes(body);
    }
    let end = if body.slices > 1 { text!("end_shared") } else { text!("end_alone") };
    let (text, norm, normalise) = match body.is_direct() {
        true => (text!("linear_direct"), text!("direct_norm"), text!("direct_normalise")),
        false => (text!("linear"), text!("row_norm"), text!("normalise")),
    };
    // Only int8 weights have their norm on the way.
    let [norm, normalise] = if weights == Weights::Int8 { [norm, normalise] } else { ["", ""] };
    let template = SourceTemplate::new(text)
        .register("parameters", text!("product_parameters"))
        .register("weights", weights_text(weights, body.is_direct()))
        .register("norm", norm)
        .register("normalise", normalise)
        .register("end", end);
    sized(template, body)
}

fn attention(heads: Heads) -> SourceTemplate {
    let (value, access, put) = match heads.in_quads() {
        true => ("vec4<f32>", text!("head_quads"), text!("put_quads")),
        false => ("f32", text!("head_scalars"), text!("put_scalars")),
    };
    let (out, put, end) = match heads.writes_bytes() {
        true => ("u32", text!("bytes"), text!("head_bytes")),
        false => (value, put, text!("head_floats")),
    };
    SourceTemplate::new(text!("attention"))
        .register("value", value)
        .register("out", out)
        .register("end", end)
        .register("head_size", heads.size.to_string())
        .register("keys", heads.keys().to_string())
        .register("threads", heads.threads().to_string())
        .register("memory", heads.memory().to_string())
        .register("access", format!("{access}\n{put}"))
}

impl Shader {
    /// Returns whether it is what is to be refused.
    #[cfg(test)]
    pub fn is(self, refused: super::Refused) -> bool {
        match (self, refused) {
            (Self::Product(body, Weights::Int8), super::Refused::Product(adapter, number)) => {
                Body::all(adapter).nth(number) == Some(body)
            }
            (Self::Round, super::Refused::Round) | (Self::Attention(_), super::Refused::Attention) => true,
            _ => false,
        }
    }

    /// Returns the threads of a workgroup.
    pub fn threads(&self) -> usize {
        match self {
            Self::Product(body, _) => body.threads(),
            Self::Attention(heads) => heads.threads(),
            _ => THREADS,
        }
    }
}

impl KernelSource for Shader {
    fn source(&self) -> SourceTemplate {
        match self {
            Self::Product(body, weights) => product(body, *weights),
            Self::Attention(heads) => attention(*heads),
            Self::Round => {
                SourceTemplate::new(text!("round")).register("total", text!("total")).register("bytes", text!("bytes"))
            }
            Self::Norm => SourceTemplate::new(text!("norm")).register("total", text!("total")),
            Self::Gate => SourceTemplate::new(text!("gate")).register("activation", text!("activation")),
            Self::TakeRows => SourceTemplate::new(text!("take_rows")),
            Self::Add => SourceTemplate::new(text!("add")),
            Self::Bias => SourceTemplate::new(text!("bias")).register("activation", text!("activation")),
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

    use super::super::Adapter;
    use super::*;

    /// Every instance of every template that a model can ask for.
    fn instances() -> Vec<Shader> {
        let mut shaders = vec![Shader::Norm, Shader::Gate, Shader::TakeRows, Shader::Add, Shader::Round, Shader::Bias];
        shaders.extend(Body::all(Adapter::Bytes).map(|body| Shader::Product(body, Weights::Int8)));
        shaders.extend([32, 64, 96, 128, 256].map(|size| Shader::Attention(Heads { adapter: Adapter::Bytes, size })));
        for adapter in [Adapter::Gpu, Adapter::Software] {
            for size in [2, 14, 32, 34, 64, 78, 96, 128, 200, 256] {
                shaders.push(Shader::Attention(Heads { adapter, size }));
            }
            for body in Body::all(adapter) {
                shaders.extend([Weights::Float, Weights::Int8].map(|weights| Shader::Product(body, weights)));
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
            assert_eq!(module.entry_points[0].workgroup_size, [shader.threads() as u32, 1, 1], "{shader:?}");
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
