"""What light of high dynamic range looks like in sRGB, by the formulas of the specifications.

ITU-R BT.2100 (PQ, HLG), BT.2390 (roll-off, EETF), BT.2408 (203 cd/m2 for diffuse white), BT.2087 (BT.2020 to
BT.709), IEC 61966-2-1 (sRGB). What these leave to whoever shows a picture is chosen as docs/decisions.md has it:
1000 cd/m2 is rolled off to white, by the brightest channel."""

import numpy as np
from PIL import Image

WHITE, PEAK, MOST = 203.0, 1000.0, 10000.0  # cd/m2
M1, M2 = 1305 / 8192, 2523 / 32
C1, C2, C3 = 107 / 128, 2413 / 128, 2392 / 128
TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])


def from_pq(coded):
    """cd/m2 of samples from 0 to 1."""
    root = np.power(coded, 1 / M2)
    return MOST * np.power(np.maximum(root - C1, 0) / (C2 - C3 * root), 1 / M1)


def to_pq(light):
    power = np.power(light / MOST, M1)
    return np.power((C1 + C2 * power) / (1 + C3 * power), M2)


def from_hlg(coded):
    """cd/m2 on a display of PEAK, whose system gamma is 1.2."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    scene = np.where(coded <= 0.5, coded**2 / 3, (np.exp((np.maximum(coded, 0.5) - c) / a) + b) / 12)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
    return PEAK * scene * np.power(luminance, 0.2)[..., None]


def rolled_off(light):
    """The EETF, from a black of nothing: what is below the knee stays, a spline of Hermite leads to white."""
    scale = to_pq(PEAK)
    source, target = np.minimum(to_pq(light) / scale, 1), to_pq(WHITE) / scale
    knee = 1.5 * target - 0.5
    t = (source - knee) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * target
    return from_pq(np.where(source > knee, spline, source) * scale)


def shown(light):
    """An image in sRGB of cd/m2 in the primaries of BT.2020."""
    brightest = light.max(-1, keepdims=True)
    relative = light * rolled_off(brightest) / np.maximum(brightest, 1e-9) / WHITE
    linear = np.clip(relative @ TO_709.T, 0, 1)
    coded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.power(linear, 1 / 2.4) - 0.055)
    return Image.fromarray((coded * 255).round().astype(np.uint8), "RGB")


def of(image, curve):
    """The samples of an image taken for such light, by from_pq or from_hlg."""
    return shown(curve(np.asarray(image) / 255))
