"""Texts made by formula, the same as in conformance_texts_test.go."""
import json

MASK = (1 << 64) - 1


class Random:
    """SplitMix64."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return (((z ^ (z >> 31)) >> 32) * n) >> 32

    def pick(self, items):
        return items[self.below(len(items))]


def join(rng, items, least, most):
    return "".join(rng.pick(items) for _ in range(least + rng.below(most - least + 1)))


def mixed(rng, tables, words):
    """Words of many languages and scripts, with something between them."""
    out = ""
    for _ in range(1 + rng.below(6)):
        word = rng.pick(words)
        out += word.upper() if rng.below(8) == 0 and word.isascii() else word
        out += rng.pick(tables["joints"])
    return out


def points(rng, tables, words):
    """Characters from everywhere."""
    out = ""
    for _ in range(1 + rng.below(16)):
        low, high = rng.pick(tables["ranges"])
        out += chr(low + rng.below(high - low + 1))
    return out


def malformed(rng, tables, words):
    """Bytes, few of them UTF-8."""
    raw = bytes(rng.pick(tables["bytes"]) for _ in range(1 + rng.below(24)))
    return raw.decode("utf-8", "replace")


def long(rng, tables, words):
    """A tenth of a megabyte and more, with and without spaces."""
    joint = rng.pick([" ", "", "\n", "-", "  "])
    piece = "".join(rng.pick(words) + joint for _ in range(1 + rng.below(400)))
    size = 100_000 + rng.below(28_000)
    if joint == " ":
        size *= 2
    return (piece * (size // len(piece.encode()) + 1)).encode()[:size].decode("utf-8", "replace")


def from_table(name, least, most):
    return lambda rng, tables, words: join(rng, tables[name], least, most)


# name -> (number of texts, ids of each, formula)
GROUPS = {
    "mixed": (30000, 128, mixed),
    "code": (20000, 256, from_table("code", 3, 40)),
    "emoji": (20000, 128, from_table("emoji", 1, 14)),
    "points": (30000, 128, points),
    "malformed": (20000, 64, malformed),
    "spaces": (15000, 64, from_table("spaces", 1, 14)),
    "special": (20000, 128, from_table("special", 1, 10)),
    "sigma": (5000, 64, from_table("sigma", 1, 10)),
    "long": (40, 2000, long),
}


def texts(name, tables, words):
    count, _, formula = GROUPS[name]
    rng = Random(sum(name.encode()))
    return [formula(rng, tables, words) for _ in range(count)]


def read_tables(path):
    return json.loads(path.read_text())
