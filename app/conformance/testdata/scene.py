"""The picture that the files hold: no symmetry, strong colours, soft and hard edges."""

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 120, 90
FINE = 4  # samples along a side of a pixel of a small picture


def scene(width=WIDTH, height=HEIGHT):
    """A red apple with a leaf below a yellow sun, on grass under a blue sky."""
    fine = FINE if width * height < 1 << 16 else 1
    y, x = np.mgrid[: height * fine, : width * fine] + 0.5
    x, y = x / (width * fine), y / (height * fine)
    rgb = np.stack([90 + 120 * y, 160 + 60 * y, 240 - 60 * y], -1)

    def paint(where, color):
        rgb[where] = color

    def disk(cx, cy, r):
        return (x - cx) ** 2 + ((y - cy) * height / width) ** 2 < r * r

    paint(y > 0.72, (60, 150, 50))
    paint((y > 0.76) & ((x * 24).astype(int) % 2 == 0), (45, 110, 40))
    paint(disk(0.82, 0.2, 0.11), (250, 210, 30))
    paint(disk(0.38, 0.58, 0.23), (215, 25, 30))
    paint(disk(0.30, 0.48, 0.05), (250, 140, 130))
    paint((abs(x - 0.38) < 0.015) & (y > 0.16) & (y < 0.34), (90, 55, 20))
    paint(disk(0.49, 0.24, 0.08) & (y < 0.30), (30, 130, 30))
    small = rgb.reshape(height, fine, width, fine, 3).mean((1, 3))
    return Image.fromarray(small.round().astype(np.uint8), "RGB")


def mask(width=WIDTH, height=HEIGHT):
    """Where the apple is: 255 there, and less and less towards the left edge elsewhere."""
    y, x = np.mgrid[:height, :width]
    inside = ((x / width - 0.38) ** 2 + ((y - 0.58 * height) / width) ** 2) < 0.27**2
    return np.where(inside, 255, x * 160 // width).astype(np.uint8)


def transparent(image=None):
    """The scene with mask() for alpha; where nothing shows, the colour is black."""
    image = image or scene()
    rgb, alpha = np.asarray(image).copy(), mask(*image.size)
    rgb[alpha == 0] = 0
    return Image.fromarray(np.dstack([rgb, alpha]), "RGBA")


def grain(width, height, seed=1):
    """The scene with the noise of a camera, which makes reduced decoding hard."""
    noise = np.random.default_rng(seed).normal(0, 12, (height, width, 1))
    coarse = scene(width // 4, height // 4).resize((width, height), Image.BICUBIC)
    return Image.fromarray((np.asarray(coarse) + noise).clip(0, 255).astype(np.uint8), "RGB")
