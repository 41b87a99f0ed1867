//! Nothing is computed that cannot reach the vector.
//!
//! With CLS pooling only token 0 of the last layer is read. If that layer is local, token 0 sees the
//! keys of the first `half_window + 1` tokens, so the layer before needs to produce only those, and so
//! on backwards until a global layer needs every token. This is exact: whatever is left out takes part in
//! no sum that reaches the vector.

use crate::config::{LayerKind, ModelConfig};

/// The leading tokens of each sequence that a layer reads and produces. `None` means all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Tokens whose keys and values the layer needs.
    pub input: Option<usize>,
    /// Tokens that the layer produces.
    pub output: Option<usize>,
}

/// One [`Stage`] for each layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    stages: Vec<Stage>,
}

impl Plan {
    /// Plans the least work that makes the first `leading` tokens of each sequence right; `None` means
    /// all tokens.
    pub fn new(config: &ModelConfig, leading: Option<usize>) -> Self {
        let mut output = leading;
        let mut stages: Vec<Stage> = config
            .layers
            .iter()
            .rev()
            .map(|kind| {
                let input = match kind {
                    LayerKind::Global => None,
                    LayerKind::Local => output.map(|count| count + config.half_window()),
                };
                let stage = Stage { input, output };
                output = input;
                stage
            })
            .collect();
        stages.reverse();
        Self { stages }
    }

    /// Returns the stages in the order of the layers.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Returns how many leading tokens the embedding has to provide.
    pub fn embedded(&self) -> Option<usize> {
        self.stages.first().and_then(|stage| stage.input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Activation, Architecture};

    fn config(layers: &str) -> ModelConfig {
        let kind = |letter| if letter == 'g' { LayerKind::Global } else { LayerKind::Local };
        ModelConfig {
            architecture: Architecture::ModernBert,
            token_types: 0,
            first_position: 0,
            vocab_size: 10,
            hidden_size: 8,
            num_heads: 2,
            intermediate_size: 8,
            activation: Activation::Silu,
            layers: layers.chars().map(kind).collect(),
            local_attention: 128,
            max_positions: 512,
            global_rope_theta: 1e4,
            local_rope_theta: 1e4,
            norm_eps: 1e-5,
        }
    }

    #[test]
    fn the_97m_shape_reads_fewer_and_fewer_tokens() {
        let plan = Plan::new(&config("gllgllgllgll"), Some(1));
        let stages = &plan.stages()[8..];
        assert_eq!(stages[0], Stage { input: None, output: None });
        assert_eq!(stages[1], Stage { input: None, output: Some(129) });
        assert_eq!(stages[2], Stage { input: Some(129), output: Some(65) });
        assert_eq!(stages[3], Stage { input: Some(65), output: Some(1) });
        assert_eq!(plan.embedded(), None);
    }

    #[test]
    fn a_last_global_layer_reads_everything_for_one_token() {
        let plan = Plan::new(&config("gllg"), Some(1));
        assert_eq!(plan.stages()[3], Stage { input: None, output: Some(1) });
        assert_eq!(plan.stages()[2], Stage { input: None, output: None });
    }

    #[test]
    fn mean_pooling_keeps_everything() {
        let plan = Plan::new(&config("gll"), None);
        assert!(plan.stages().iter().all(|stage| *stage == Stage { input: None, output: None }));
    }

    #[test]
    fn local_layers_alone_bound_the_embedding_too() {
        assert_eq!(Plan::new(&config("ll"), Some(1)).embedded(), Some(129));
    }
}
