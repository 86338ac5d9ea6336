"""Weights, pixels and pictures computed from a formula.

The Go tests compute the same numbers (encoder/internal/formula), so that the
reference files hold outputs alone and no weights.
"""
import numpy as np


def _hash(text):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def integers(name, count):
    """count 64-bit integers: splitmix64 started at the hash of name."""
    with np.errstate(over="ignore"):
        z = np.uint64(_hash(name)) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(name, shape, centre, spread):
    """float32 numbers within spread/2 of centre, exact in any language: 24
    random bits, one rounded multiplication and one rounded addition."""
    bits = (integers(name, int(np.prod(shape))) >> np.uint64(40)).astype(np.float32)
    unit = bits * np.float32(2**-24) - np.float32(0.5)
    return (unit * np.float32(spread) + np.float32(centre)).reshape(shape)


def weight(name, shape):
    """A weight of the named parameter, of a size that keeps activations near
    one and makes every bias and every norm matter."""
    if len(shape) == 1:
        if "norm" in name:
            return uniform(name, shape, 1 if name.endswith("weight") else 0, 1)
        return uniform(name, shape, 0, 0.4)
    if "token_embedding" in name or "position_embedding" in name or name.endswith("probe"):
        return uniform(name, shape, 0, 2)
    return uniform(name, shape, 0, 2 * np.sqrt(3 / np.prod(shape[1:])))


def picture(name, width, height):
    """An RGB picture with slopes, edges and noise, uint8 [height, width, 3]."""
    noise = (integers(name, height * width * 3) >> np.uint64(58)).astype(np.int64).reshape(height, width, 3)
    y, x, c = np.indices((height, width, 3))
    slope = x * 255 // max(width - 1, 1) * (c == 0) + y * 255 // max(height - 1, 1) * (c == 1)
    edges = ((x // 5 + y // 7) % 2) * 180 * (c == 2)
    return np.clip(slope + edges + noise - 32, 0, 255).astype(np.uint8)
