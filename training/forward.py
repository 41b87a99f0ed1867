"""ModernBERT's forward pass to the CLS vector, for training on a CPU.

Computes what transformers' ModernBertModel computes with the same parameters, in bf16, about twice as fast: one
rotation for queries and keys, and only the CLS row of the last layer. train.py compares the two before it starts.
"""

import torch
from torch.nn import functional


def rotary(length, size, theta):
    """Cosines and sines [length, size]; the halves of a head turn together."""
    turns = torch.arange(length)[:, None] / theta ** (torch.arange(0, size, 2) / size)
    turns = torch.cat([turns, turns], dim=1)
    return turns.cos().bfloat16(), turns.sin().bfloat16()


def turn(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], dim=-1) * sin


def attention(layer, x, heads, angles, bias, rows):
    """What a layer's attention adds to the first `rows` states."""
    batch, length, width = x.shape
    cos, sin = angles
    qkv = functional.linear(x, layer.attn.Wqkv.weight.bfloat16()).view(batch, length, 3, heads, width // heads)
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    q, k = turn(q[:, :, :rows], cos[:rows], sin[:rows]), turn(k, cos, sin)
    scores = q @ k.transpose(2, 3) * (width // heads) ** -0.5 + bias[:, :, :rows]
    mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, -1, width)
    return functional.linear(mixed, layer.attn.Wo.weight.bfloat16())


def mlp(layer, x):
    value, gate = functional.linear(x, layer.mlp.Wi.weight.bfloat16()).chunk(2, dim=-1)
    return functional.linear(functional.gelu(value) * gate, layer.mlp.Wo.weight.bfloat16())


def norm(module, x):
    return functional.layer_norm(x, x.shape[-1:], module.weight.bfloat16(), None, module.eps)


def cls_vectors(student, ids, mask, first=0):
    """f32 vectors [texts, width], not normalised. Layers before `first` are passed over, as if they added nothing."""
    config, length = student.config, ids.shape[1]
    size = config.hidden_size // config.num_attention_heads
    hidden = torch.where(mask[:, None, None, :] > 0, 0.0, -1e4)
    distance = (torch.arange(length)[:, None] - torch.arange(length)).abs()
    far = torch.where(distance <= config.local_attention // 2, 0.0, -1e4)
    full = hidden.expand(-1, 1, length, -1).bfloat16()
    biases = {"full_attention": full, "sliding_attention": full if length <= config.local_attention // 2 else (hidden + far).bfloat16()}
    angles = {kind: rotary(length, size, config.rope_parameters[kind]["rope_theta"]) for kind in biases}
    x = norm(student.embeddings.norm, functional.embedding(ids, student.embeddings.tok_embeddings.weight).bfloat16())
    for number, layer in list(enumerate(student.layers))[first:]:
        kind = config.layer_types[number]
        rows = 1 if number == len(student.layers) - 1 else length
        before = x if number == 0 else norm(layer.attn_norm, x)
        x = x[:, :rows] + attention(layer, before, config.num_attention_heads, angles[kind], biases[kind], rows)
        x = x + mlp(layer, norm(layer.mlp_norm, x))
    return norm(student.final_norm, x[:, 0]).float()
