"""The two towers: a small convolutional image tower and a bag-of-tokens text tower, 512 numbers each, unit length."""

import torch
from torch import nn
from torch.nn import functional

WIDTHS = (32, 64, 128, 224)
DIMENSION = 512
HEADS = 8
# Shares of the picture's side at which it is seen again inside a wider frame; the vectors of all views are averaged.
FRAMED = (0.84, 0.69)


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


def shrinking(side: int, share: float) -> torch.Tensor:
    """[side, side]: shrinks a row of pixels to a share of its length, in the middle; the rest stays zero."""
    inner = round(side * share)
    first = (side - inner) // 2
    matrix = torch.zeros(side, side)
    matrix[first : first + inner] = functional.interpolate(torch.eye(side)[None, None], size=(inner, side), mode="bilinear", antialias=True)[0, 0]
    return matrix


def filling(side: int, corner: int = 2) -> torch.Tensor:
    """[side, side]: from a row of pixels the straight line between the means of its first and last two."""
    ends = torch.zeros(2, side)
    ends[0, :corner] = ends[1, -corner:] = 1 / corner
    return torch.stack([torch.linspace(1, 0, side), torch.linspace(0, 1, side)], 1) @ ends


class FramedTower(nn.Module):
    """The trained tower as shipped: the mean over the picture and smaller copies of it in frames of its corners' colours."""

    def __init__(self, tower: VisionTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, pixel_values):
        side = pixel_values.shape[-1]
        fill = filling(side)
        corners = fill @ pixel_values @ fill.T
        views = [pixel_values]
        for share in FRAMED:
            small = shrinking(side, share)
            views.append(small @ pixel_values @ small.T + corners * frame(small))
        return functional.normalize(sum(self.tower(view) for view in views), dim=-1)


def frame(small: torch.Tensor) -> torch.Tensor:
    """[side, side]: 1 outside the shrunken picture, 0 inside."""
    inside = (small.sum(1) > 0).float()
    return 1 - inside[:, None] * inside


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
