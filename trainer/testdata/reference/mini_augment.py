"""Augmentation of whole batches of RGBA pictures as tensors, so that it costs little beside the model.

The aim is to make styles meaningless: colour, line, texture, size and background change all the time, while the
shape that names the concept stays.
"""

import math

import torch
import torch.nn.functional as F


def _some(n, share, device):
    """Indices of about `share` of n samples."""
    return (torch.rand(n, device=device) < share).nonzero().flatten()


def _uniform(n, low, high, device):
    return torch.rand(n, device=device) * (high - low) + low


def _warp(rgba, size, strength):
    """Affine and slightly perspective view of premultiplied RGBA, [n,4,size,size]. Outside is transparent."""
    n, device = len(rgba), rgba.device
    angle = _uniform(n, -0.35, 0.35, device) * strength
    zoom = torch.exp(_uniform(n, -0.22, 0.30, device) * strength)
    stretch = torch.exp(_uniform(n, -0.14, 0.14, device) * strength)
    shear = _uniform(n, -0.15, 0.15, device) * strength
    cos, sin = torch.cos(angle), torch.sin(angle)
    axis = torch.linspace(-1 + 1 / size, 1 - 1 / size, size, device=device)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    x, y = x.flatten()[None], y.flatten()[None]
    a, b = (zoom * stretch)[:, None], (zoom / stretch)[:, None]
    u = a * (cos[:, None] * x - sin[:, None] * y) + shear[:, None] * y + _uniform(n, -0.1, 0.1, device)[:, None]
    v = b * (sin[:, None] * x + cos[:, None] * y) + _uniform(n, -0.1, 0.1, device)[:, None]
    tilt = 1 + _uniform(n, -0.12, 0.12, device)[:, None] * strength * x + \
        _uniform(n, -0.12, 0.12, device)[:, None] * strength * y
    wave = _uniform(n, 0, 0.04, device)[:, None] * strength
    phase = _uniform(n, 0, 6.28, device)[:, None]
    u = u / tilt + wave * torch.sin(3 * y + phase)
    v = v / tilt + wave * torch.sin(3 * x + 2 * phase)
    grid = torch.stack([u, v], -1).view(n, size, size, 2)
    return F.grid_sample(rgba, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _colour_matrix(n, device, strength):
    """Random hue rotation, saturation and channel gains as [n,3,3] matrices."""
    angle = torch.randn(n, device=device) * 0.35 * strength
    wild = _some(n, 0.15 * strength, device)
    angle[wild] = _uniform(len(wild), -math.pi, math.pi, device)
    cos, sin = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    eye, ones = torch.eye(3, device=device), torch.full((3, 3), 1 / 3, device=device)
    cross = torch.tensor([[0., -1, 1], [1, 0, -1], [-1, 1, 0]], device=device) / math.sqrt(3)
    hue = cos * eye + (1 - cos) * ones + sin * cross
    saturation = 1 + _uniform(n, -0.7, 0.7, device) * strength
    saturation[_some(n, 0.12 * strength, device)] = 0
    grey = torch.tensor([0.299, 0.587, 0.114], device=device).expand(3, 3)
    saturation = saturation[:, None, None]
    gain = torch.exp(torch.randn(n, 3, 1, device=device) * 0.12 * strength)
    return gain * ((saturation * eye + (1 - saturation) * grey) @ hue)


def _backgrounds(n, size, device, light):
    """White, black, plain, and two-colour gradients or stripes, [n,3,size,size].

    light: mean brightness [n] of what lies on them; nothing may vanish before a background of its own brightness.
    """
    kind = torch.rand(n, device=device)
    a = torch.rand(n, 3, 1, 1, device=device)
    a[kind < 0.65] = 0
    a[kind < 0.42] = 1
    brightness = a.mean((1, 2, 3))
    clash = (brightness - light).abs() < 0.15
    a[clash] = (brightness < 0.5)[clash].float()[:, None, None, None]
    out = a.expand(n, 3, size, size).clone()
    mixed = (kind > 0.82).nonzero().flatten()
    if len(mixed):
        m = len(mixed)
        axis = torch.linspace(-1, 1, size, device=device)
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        angle = _uniform(m, 0, 6.28, device)[:, None, None]
        along = torch.cos(angle) * x + torch.sin(angle) * y
        frequency = _uniform(m, 0.5, 14, device)[:, None, None]
        blend = (torch.sin(along * frequency + angle) * _uniform(m, 0.5, 6, device)[:, None, None]).sigmoid()[:, None]
        other = torch.rand(m, 3, 1, 1, device=device)
        out[mixed] = blend * out[mixed] + (1 - blend) * other
    return out


def _blur(x, sigma):
    """Gaussian blur with one sigma for all."""
    radius = max(1, int(2 * sigma + 0.5))
    t = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-t * t / (2 * sigma * sigma))
    kernel = (kernel / kernel.sum()).view(1, 1, -1)
    c = x.shape[1]
    x = F.conv2d(F.pad(x, (radius, radius, 0, 0), mode="replicate"), kernel.view(1, 1, 1, -1).expand(c, 1, 1, -1),
                 groups=c)
    return F.conv2d(F.pad(x, (0, 0, radius, radius), mode="replicate"), kernel.view(1, 1, -1, 1).expand(c, 1, -1, 1),
                    groups=c)


def _edges(x):
    """Strength of the edges as dark lines on white."""
    grey = x.mean(1, keepdim=True)
    dx = F.pad(grey[..., :, 1:] - grey[..., :, :-1], (0, 1, 0, 0))
    dy = F.pad(grey[..., 1:, :] - grey[..., :-1, :], (0, 0, 0, 1))
    return (1 - 3 * (dx.abs() + dy.abs())).clamp(0, 1).expand(-1, 3, -1, -1)


@torch.no_grad()
def augment(rgba, flippable, size=64, strength=1.0):
    """Turns uint8 [n,72,72,4] pictures into random views [n,3,size,size] in -1..1.

    flippable: bool [n], whether a mirror image still shows the same concept.
    """
    n, device = len(rgba), rgba.device
    x = rgba.permute(0, 3, 1, 2).float().div_(255)
    alpha = x[:, 3:]
    mirror = (flippable & (torch.rand(n, device=device) < 0.3)).nonzero().flatten()
    x = torch.cat([x[:, :3] * alpha, alpha], 1)
    x[mirror] = x[mirror].flip(-1)
    x = _warp(x, size, strength)
    colour, alpha = x[:, :3], x[:, 3:]

    # Line thickness: spreading dark or light parts inside the drawing.
    for sign in (1, -1):
        i = _some(n, 0.1 * strength, device)
        if len(i):
            opaque = colour[i] + (1 - alpha[i]) * (0 if sign > 0 else 1)
            spread = sign * F.max_pool2d(sign * opaque, 3, 1, 1)
            colour[i] = spread * alpha[i]
    # An outline around the whole, as stickers have.
    i = _some(n, 0.12 * strength, device)
    if len(i):
        wide = F.max_pool2d(alpha[i], 5, 1, 2)
        stroke = torch.rand(len(i), 3, 1, 1, device=device).round()
        colour[i] = colour[i] + (wide - alpha[i]) * stroke
        alpha[i] = wide

    i = _some(n, 0.8 * strength, device)
    straight = colour[i] / alpha[i].clamp_min(1e-3)
    straight = torch.einsum("nij,njhw->nihw", _colour_matrix(len(i), device, strength), straight)
    contrast = torch.exp(torch.randn(len(i), 1, 1, 1, device=device) * 0.25 * strength)
    straight = ((straight - 0.5) * contrast + 0.5 + torch.randn(len(i), 1, 1, 1, device=device) * 0.12 * strength)
    straight = straight.clamp(0, 1)
    k = _some(len(i), 0.08 * strength, device)
    straight[k] = 1 - straight[k]
    k = _some(len(i), 0.15 * strength, device)
    levels = torch.randint(2, 6, (len(k), 1, 1, 1), device=device)
    straight[k] = (straight[k] * levels).round() / levels
    gamma = torch.exp(torch.randn(len(i), 1, 1, 1, device=device) * 0.2)
    colour[i] = straight.clamp_min(1e-4) ** gamma * alpha[i]

    light = colour.mean((1, 2, 3)) / alpha.mean((1, 2, 3)).clamp_min(1e-3)
    x = colour + (1 - alpha) * _backgrounds(n, size, device, light)
    i = _some(n, 0.05 * strength, device)
    x[i] = _edges(x[i])
    i = _some(n, 0.15 * strength, device)
    if len(i):
        x[i] = _blur(x[i], 0.4 + float(torch.rand(())) * 1.0)
    i = _some(n, 0.1 * strength, device)
    if len(i):
        small = F.interpolate(x[i], scale_factor=0.5, mode="area")
        x[i] = F.interpolate(small, size=(size, size), mode="bilinear")
    i = _some(n, 0.15 * strength, device)
    x[i] = x[i] + torch.randn_like(x[i]) * 0.08
    return x.clamp_(0, 1).mul_(2).sub_(1)


@torch.no_grad()
def plain(rgba, size=64, background=1.0):
    """The pictures as search sees them: composited on one grey level and scaled, in -1..1."""
    x = rgba.permute(0, 3, 1, 2).float().div(255)
    x = x[:, :3] * x[:, 3:] + (1 - x[:, 3:]) * background
    if x.shape[-1] != size:
        x = F.interpolate(x, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
    return x.clamp(0, 1) * 2 - 1
