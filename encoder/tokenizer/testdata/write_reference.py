"""Writes what Hugging Face tokenizers makes of texts, for tokenizer_test.go.

    python write_reference.py --cldr FOLDER [--model DIR] [--out FILE]

FOLDER holds the unpacked npm package cldr-annotations-full. Without --model
and --out it writes reference.json.gz for the bundled model and tiny.json.gz
for the tokenizer in tiny/ (and that tokenizer itself).
"""
import argparse
import gzip
import hashlib
import json
import pathlib
import random

import numpy as np
import tokenizers
from tokenizers import Tokenizer, normalizers

HERE = pathlib.Path(__file__).parent
LENGTH = 64
EXPLICIT = 4000


def load(model):
    """The tokenizer with Lowercase put first, as Siglip2Tokenizer of transformers does."""
    data = json.loads((model / "tokenizer.json").read_text())
    n = data.get("normalizer")
    parts = [] if n is None else n["normalizers"] if n["type"] == "Sequence" else [n]
    parts = [p for p in parts if p["type"] != "Lowercase"]
    data["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Lowercase"}] + parts}
    return Tokenizer.from_str(json.dumps(data))


class Encoder:
    def __init__(self, model):
        self.tok = load(model)
        self.pad, self.eos = self.tok.token_to_id("<pad>"), self.tok.token_to_id("<eos>")

    def ids(self, texts, length=LENGTH):
        """int32 [len(texts), length]"""
        out = np.full((len(texts), length), self.pad, dtype="<i4")
        for row, e in zip(out, self.tok.encode_batch(texts, add_special_tokens=False)):
            ids = e.ids[: length - 1] + [self.eos]
            row[: len(ids)] = ids
        return out


def languages(cldr):
    """Yields each language with its texts, sorted by bytes, none twice."""
    for file in sorted(cldr.glob("annotations/*/annotations.json")):
        texts = set()
        for emoji, lists in json.loads(file.read_text())["annotations"].get("annotations", {}).items():
            texts.add(emoji)
            for words in lists.values():
                texts.update(words)
        yield file.parent.name, sorted(texts, key=str.encode)


SPECIAL = [
    "", " ", "  ", "a", "A dog", " leading and trailing ", "tab\there", "line\nbreak", "\n\n\n", "\r\n", "\0", "\x7f",
    "<eos>", "<EOS>", "a<eos>b", "<pad>", "<bos> <bos>", "<unk>", "<eos><eos>", "< eos>", "<mask>", "[@BOS@]",
    "<start_of_turn>user", "<h1>Title</h1>", "<H1>", "<0x41>", "<0xFF>", "▁", "▁▁▁ a", "a\u2581b",
    "ΑΣ ΟΔΥΣΣΕΥΣ Σ", "İstanbul I ı", "ẞ STRASSE ß", "Ǆ ǅ ǆ", "ﬁ Ⅷ Ⓐ", "𐐀 𞤀", "\u1c89 \ua7cb \ua7dc \U00010d50 \U00016ea0", "Å Å Å",
    "e\u0301 é", "각 각", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷", "👍🏽", "☺︎ ☺️", "\u200d\u200b\ufeff", "\ufffd", "\U0010ffff", "\ue000",
    "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "你好，世界", "こんにちは世界", "안녕하세요", "Привет МИР", "Γειά σου Κόσμε",
    "def f(x):\n    return x ** 2  # squared\n", "https://example.org/?q=a%20b&c=#d", '{"a": [1, 2.5e-3, null]}', "1234567890 0x1F",
    "a" * 500, "ab" * 500, " " * 500, "\n" * 100, "😀" * 100, "一" * 300, "word " * 200, "A" * 63, "é" * 5000, "xyzzy" * 4000,
    "don't can't O'REILLY", "…—–‘’“”", "½ ² ₂ №", "\u0130" * 70, "x\u0335\u0336" * 40,
]
INVALID = [  # hexadecimal, decoded as Python and Rust do
    "ff", "61ff62", "c3", "c3c3a9", "e282", "e28241", "f09f98", "f09f9841", "80", "8080", "c080", "eda080", "edbfbf", "f4908080",
    "f8888080", "e0808a", "f0808080", "61c2", "e2e282ac", "f09ff09f9880", "fffe41", "c3a9ff", "f1808041", "f48fbf", "20ff20",
]


def explicit(texts, rng):
    """Strings of the special list, single CLDR texts, and mixtures of them."""
    joints = ["", " ", "  ", "\n", "\t", ", ", "<eos>", "<bos>", "▁", "\n\n", "</td>", "-", "<pad>"]
    yield from SPECIAL
    for _ in range(EXPLICIT // 4):
        yield rng.choice(texts)
    for _ in range(EXPLICIT // 4):
        yield "".join(rng.choice(texts) + rng.choice(joints) for _ in range(rng.randint(2, 6)))
    for _ in range(EXPLICIT // 4):
        yield rng.choice(texts).upper() + rng.choice(joints) + rng.choice(texts).title()
    blocks = [(1, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF), (0x4E00, 0x9FFF), (0x1F300, 0x1FAFF)]
    for _ in range(EXPLICIT // 4):
        yield "".join(chr(rng.randint(*rng.choice(blocks))) for _ in range(rng.randint(1, 12)))


def lower_digest():
    """SHA-256 over the lower case of every character."""
    lower = normalizers.Lowercase()
    h = hashlib.sha256()
    for cp in range(0x110000):
        if not 0xD800 <= cp < 0xE000:
            h.update(lower.normalize_str(chr(cp)).encode())
    return h.hexdigest()


def write(path, content):
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(path, path.stat().st_size, "bytes")


def trimmed(row, encoder):
    ids = row.tolist()
    return ids[: ids.index(encoder.eos, 0) + 1] if ids[-1] == encoder.pad else ids


def reference(model, cldr, out):
    encoder = Encoder(model)
    digests, texts = {}, []
    for language, strings in languages(cldr):
        ids = encoder.ids(strings)
        digests[language] = {"texts": len(strings), "sha256": hashlib.sha256(ids.tobytes()).hexdigest()}
        texts += strings
    cases = list(explicit(texts, random.Random(1)))
    invalid = [bytes.fromhex(h).decode("utf-8", "replace") for h in INVALID]
    full = encoder.ids(cases, 8192)
    write(out, {
        "tokenizers": tokenizers.__version__,
        "tokenizer_sha256": hashlib.sha256((model / "tokenizer.json").read_bytes()).hexdigest(),
        "lower_sha256": lower_digest(),
        "languages": digests,
        "cases": [{"text": t, "ids": r[r != encoder.pad].tolist()} if "<pad>" not in t else
                  {"text": t, "length": LENGTH, "ids": q.tolist()}
                  for t, r, q in zip(cases, full, encoder.ids(cases))],
        "invalid": [{"hex": h, "length": LENGTH, "ids": r.tolist()} for h, r in zip(INVALID, encoder.ids(invalid))],
    })


def tiny_tokenizers():
    """Small files that between them have every feature that the parser knows."""
    words = ["in", "th", "the", "er", "her", "then", "▁t", "▁th", "▁the", "aa", "aaaa", "ab", "abc", "bc", "é", "▁▁"]
    merges = [("i", "n"), ("t", "h"), ("▁", "t"), ("▁t", "h"), ("th", "e"), ("▁th", "e"), ("e", "r"), ("h", "er"),
              ("the", "n"), ("a", "a"), ("aa", "aa"), ("b", "c"), ("a", "bc"), ("a", "b"), ("ab", "c"), ("▁", "▁")]
    chars = "abcdefghijklmnopqrstuvwxyz▁<>.é\n"

    def build(byte_tokens, pairs=True, unk="<unk>", normalizer="sequence", split=True, added=(), **model):
        tokens = ["<pad>", "<eos>", "<bos>", "<unk>"] + [f"<0x{b:02X}>" for b in byte_tokens] + list(chars)
        tokens += [w for w in words if w not in tokens]
        vocab = {t: i for i, t in enumerate(tokens)}
        replace = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
        special = [dict(content=t, special=True) for t in tokens[:4]]
        entries = [dict(id=vocab.get(a["content"], len(vocab) + i), single_word=False, lstrip=False, rstrip=False,
                        normalized=False, special=False) | a for i, a in enumerate(special + list(added), -4)]
        return {
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": entries,
            "normalizer": replace if normalizer == "replace" else None if normalizer is None else
            {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, replace]},
            "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
            if split else None,
            "post_processor": None, "decoder": None,
            "model": {"type": "BPE", "dropout": None, "unk_token": unk, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "vocab": vocab,
                      "merges": [list(m) if pairs else " ".join(m) for m in merges]} | model,
        }

    every = range(256)
    flags = [dict(content="[one]", single_word=True), dict(content="[left]", lstrip=True), dict(content="[right]", rstrip=True),
             dict(content="[both]", lstrip=True, rstrip=True), dict(content="[Norm X]", normalized=True),
             dict(content="[left][right]"), dict(content="ABC"), dict(content="then", normalized=True, single_word=True)]
    return {
        "plain": build(every, fuse_unk=True, byte_fallback=True, ignore_merges=False),
        "legacy": build(every, pairs=False, normalizer="replace", fuse_unk=True, byte_fallback=True),
        "ignore_merges": build(every, fuse_unk=True, byte_fallback=True, ignore_merges=True),
        "spaces_stay": build(every, normalizer=None, fuse_unk=True, byte_fallback=True),
        "unknown_fused": build([], fuse_unk=True, byte_fallback=False, split=False),
        "unknown": build([], fuse_unk=False, byte_fallback=False, split=False),
        "some_bytes": build([0xC3, 0xBC, 0x41], fuse_unk=True, byte_fallback=True),
        "some_bytes_unfused": build([0xC3, 0xBC, 0x41], fuse_unk=False, byte_fallback=True),
        "no_unknown": build([], unk=None, fuse_unk=False, byte_fallback=False),
        "added": build(every, fuse_unk=True, byte_fallback=True, added=flags),
    }


def tiny(rng):
    texts = ["", " ", "the", "The then", "  the  ", "aaaaa", "abcabc", "in the inn", "ü", "xüy", "öü", "üö", "öüö a", "日本", "a日b本c", "日 ü a",
             "A<eos>b", "<EOS>", "a[one]b", "a [one] b", "[one]", "[one][one]", "é[one]", "[one]_", "a  [left]  b", "a  [right]  b",
             "a \n [both] \t b", "[both] [both]", "[right]  [left]", "[left][right]x", "[norm x]", "[NORM X] [Norm X]", "abc ABC ABCABC",
             "then", "lengthen", "Then.", "xthen then", "▁▁▁▁", "a\u00a0[both]\u3000b"]
    pieces = list("abcdethinr <>.é\nüö日▁") + ["the", " then", "[one]", "[left]", "[right]", "[both]", "[norm x]", "<eos>", "ABC", "  "]
    texts += ["".join(rng.choice(pieces) for _ in range(rng.randint(1, 14))) for _ in range(400)]
    out = []
    for name, content in tiny_tokenizers().items():
        folder = HERE / "tiny" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False) + "\n")
        encoder = Encoder(folder)
        rows = encoder.ids(texts)
        out.append({"name": name, "cases": [{"text": t, "length": LENGTH, "ids": r.tolist()} for t, r in zip(texts, rows)]})
    write(HERE / "tiny.json.gz", out)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--cldr", type=pathlib.Path, required=True)
    p.add_argument("--model", type=pathlib.Path)
    p.add_argument("--out", type=pathlib.Path, default=HERE / "reference.json.gz")
    a = p.parse_args()
    if a.model is None:
        tiny(random.Random(2))
    reference(a.model or HERE.parents[1] / "hub" / "polylens-mini", a.cldr, a.out)


main()
