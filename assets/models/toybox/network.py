"""The house backbone and the house detector, in PyTorch.

The backbone is what later heads share: it gives features at strides 4, 8 and 16, of 32, 64 and 96 channels. Everything is
plain 3 x 3 and 1 x 1 convolution with batch norm and ReLU, which is folded when the network is loaded.
"""
import torch
from torch import nn

CLASSES = ("ball", "cube", "cone", "cylinder", "figure")
WIDTH, HEIGHT = 320, 240
STRIDES = (4, 8, 16)


def conv(inputs, outputs, kernel=3, stride=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
                         nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Residual(nn.Module):
    """y = ReLU(x + norm(conv(conv(x))))  (He et al. 2016, arXiv:1512.03385)"""

    def __init__(self, channels):
        super().__init__()
        self.first = conv(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        return torch.relu(x + self.second(self.first(x)))


class Backbone(nn.Module):
    """N x 3 x H x W, RGB from 0 to 1 -> N x 32 x H/4 x W/4, N x 64 x H/8 x W/8 and N x 96 x H/16 x W/16."""

    def __init__(self):
        super().__init__()
        self.stage4 = nn.Sequential(conv(3, 16, 3, 2), conv(16, 32, 3, 2), conv(32, 32))
        self.stage8 = nn.Sequential(conv(32, 64, 3, 2), Residual(64))
        self.stage16 = nn.Sequential(conv(64, 96, 3, 2), Residual(96), Residual(96))

    def forward(self, x):
        fine = self.stage4(x)
        middle = self.stage8(fine)
        return fine, middle, self.stage16(middle)


def twice(x):
    return nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")


class Neck(nn.Module):
    """What the coarse levels know is added to the finer ones (Lin et al. 2017, arXiv:1612.03144): 32, 64 and 64
    channels."""

    def __init__(self):
        super().__init__()
        self.coarse = nn.Sequential(conv(96, 64, 1), conv(64, 64))
        self.middle_in, self.middle_out = conv(64, 64, 1), conv(64, 64)
        self.fine_in, self.fine_from, self.fine_out = conv(32, 32, 1), conv(64, 32, 1), conv(32, 32)

    def forward(self, fine, middle, coarse):
        coarse = self.coarse(coarse)
        middle = self.middle_out(self.middle_in(middle) + twice(coarse))
        return self.fine_out(self.fine_in(fine) + twice(self.fine_from(middle))), middle, coarse


class Head(nn.Module):
    """Of a level N x (4 + classes) x H x W: distances from the cell's centre to the left, top, right and bottom edge in
    strides, then the classes' logits (Tian et al. 2019, arXiv:1904.01355). Two towers look at place and kind apart, one
    at both. `prior`: the logit to begin with, since most cells are empty."""

    def __init__(self, inputs, width, towers, prior):
        super().__init__()
        self.towers = nn.ModuleList(conv(inputs, width) for _ in range(towers))
        self.box, self.classes = nn.Conv2d(width, 4, 1), nn.Conv2d(width, len(CLASSES), 1)
        nn.init.constant_(self.box.bias, 0.5)
        nn.init.constant_(self.classes.bias, prior)

    def forward(self, x):
        seen = [tower(x) for tower in self.towers]
        return torch.cat((torch.exp(self.box(seen[0]).clamp(-4, 4)), self.classes(seen[-1])), 1)


class Detector(nn.Module):
    """What the heads say of each stride, the finest first. The two coarser levels share a head."""

    def __init__(self):
        super().__init__()
        self.backbone, self.neck = Backbone(), Neck()
        self.fine_head, self.head = Head(32, 32, 1, -6.5), Head(64, 48, 2, -4.6)

    def forward(self, x):
        fine, middle, coarse = self.neck(*self.backbone(x))
        return [self.fine_head(fine), self.head(middle), self.head(coarse)]


def cells(device=None):
    """Centres in pixels and strides of all cells, in the order of `flatten`: A x 2, A x 1."""
    centres, strides = [], []
    for stride in STRIDES:
        rows, columns = HEIGHT // stride, WIDTH // stride
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        centres.append((torch.stack((x, y), -1).reshape(-1, 2) + 0.5) * stride)
        strides.append(torch.full((rows * columns, 1), float(stride)))
    return torch.cat(centres).to(device), torch.cat(strides).to(device)


def flatten(outputs):
    """The detector's outputs as N x A x (4 + classes)."""
    return torch.cat([level.flatten(2).transpose(1, 2) for level in outputs], 1)


def boxes_of(distances, centres, strides):
    """N x A x 4 in pixels: x1, y1, x2, y2."""
    reach = distances * strides
    return torch.cat((centres - reach[..., :2], centres + reach[..., 2:]), -1)
