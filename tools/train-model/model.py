"""The two towers: a small convolutional image tower and a bag-of-tokens text tower, 512 numbers each, unit length."""

import torch
from torch import nn
from torch.nn import functional

WIDTHS = (32, 64, 128, 224)
DIMENSION = 512
HEADS = 8


def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution and batch norm; the norm is folded into the convolution at export."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs))


class Residual(nn.Module):
    """Two convolutions around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = conv(width, width), conv(width, width)
        nn.init.zeros_(self.second[1].weight)

    def forward(self, x):
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class AttentionPool(nn.Module):
    """Weighted mean over positions, one learned weight map for each group of channels: objects count, background does not."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(width, HEADS, 1)

    def forward(self, x):
        weights = self.score(x).flatten(2).softmax(-1)
        groups = x.flatten(2).unflatten(1, (HEADS, -1))
        return (groups * weights[:, :, None]).sum(-1).flatten(1)


class VisionTower(nn.Module):
    """pixel_values float32 [batch, 3, side, side] in [-1, 1] -> [batch, 512]."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.stem = nn.Sequential(conv(3, a, 2), nn.ReLU(), conv(a, b, 2), nn.ReLU())
        self.middle = nn.Sequential(conv(b, c, 2), nn.ReLU(), Residual(c), Residual(c))
        self.top = nn.Sequential(conv(c, d, 2), nn.ReLU(), Residual(d))
        self.pool_middle, self.pool_top = AttentionPool(c), AttentionPool(d)
        self.project = nn.Linear(c + d, DIMENSION, bias=False)

    def forward(self, pixel_values):
        middle = self.middle(self.stem(pixel_values))
        top = self.top(middle)
        pooled = torch.cat([self.pool_middle(middle), self.pool_top(top)], 1)
        return functional.normalize(self.project(pooled), dim=-1)


class TextTower(nn.Module):
    """input_ids and attention_mask int64 [batch, tokens] -> [batch, 512]; words count by learned weights, order does not."""

    def __init__(self, table: torch.Tensor, hidden: int = 384) -> None:
        super().__init__()
        width = table.shape[1]
        self.table = nn.Embedding.from_pretrained(table.clone(), freeze=False)
        self.score = nn.Linear(width, 1)
        self.hidden = nn.Linear(width, hidden)
        self.out = nn.Linear(hidden, DIMENSION)
        self.skip = nn.Linear(width, DIMENSION, bias=False)

    def forward(self, input_ids, attention_mask):
        return self.from_tokens(self.table(input_ids), attention_mask)

    def from_tokens(self, tokens, attention_mask):
        mask = attention_mask.to(tokens.dtype)
        weights = (self.score(tokens)[..., 0] - 1e4 * (1 - mask)).softmax(-1)
        pooled = (tokens * weights[..., None]).sum(1)
        return functional.normalize(self.skip(pooled) + self.out(functional.gelu(self.hidden(pooled))), dim=-1)
