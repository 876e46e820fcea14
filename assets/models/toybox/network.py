"""The house backbone and the house detector, in PyTorch.

The backbone is what later heads share: it gives features at strides 8 and 16, 64 and 96 channels. Everything is plain 3 x 3
and 1 x 1 convolution with batch norm and ReLU, which is folded when the network is loaded.
"""
import torch
from torch import nn

CLASSES = ("ball", "cube", "cone", "cylinder", "figure")
WIDTH, HEIGHT = 320, 240
STRIDES = (8, 16)


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
    """N x 3 x H x W, RGB from 0 to 1 -> N x 64 x H/8 x W/8 and N x 96 x H/16 x W/16."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 16, 3, 2), conv(16, 32, 3, 2), conv(32, 32))
        self.stage8 = nn.Sequential(conv(32, 64, 3, 2), Residual(64))
        self.stage16 = nn.Sequential(conv(64, 96, 3, 2), Residual(96), Residual(96))

    def forward(self, x):
        fine = self.stage8(self.stem(x))
        return fine, self.stage16(fine)


class Neck(nn.Module):
    """What the coarse level knows is added to the fine one (Lin et al. 2017, arXiv:1612.03144): 64 channels each."""

    def __init__(self):
        super().__init__()
        self.coarse_in, self.fine_in = conv(96, 64, 1), conv(64, 64, 1)
        self.coarse_out, self.fine_out = conv(64, 64), conv(64, 64)

    def forward(self, fine, coarse):
        coarse = self.coarse_out(self.coarse_in(coarse))
        wide = nn.functional.interpolate(coarse, scale_factor=2.0, mode="nearest")
        return self.fine_out(self.fine_in(fine) + wide), coarse


class Detector(nn.Module):
    """Gives for each stride N x (4 + classes) x H/stride x W/stride: distances from the cell's centre to the left, top,
    right and bottom edge in strides, then the classes' logits (Tian et al. 2019, arXiv:1904.01355)."""

    def __init__(self):
        super().__init__()
        self.backbone, self.neck = Backbone(), Neck()
        self.box_tower, self.class_tower = conv(64, 48), conv(64, 48)
        self.box, self.classes = nn.Conv2d(48, 4, 1), nn.Conv2d(48, len(CLASSES), 1)
        nn.init.constant_(self.classes.bias, -4.6)  # a hundredth: most cells are empty
        nn.init.constant_(self.box.bias, 0.5)

    def forward(self, x):
        outputs = []
        for level in self.neck(*self.backbone(x)):
            distances = torch.exp(self.box(self.box_tower(level)).clamp(-4, 4))
            outputs.append(torch.cat((distances, self.classes(self.class_tower(level))), 1))
        return outputs


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
