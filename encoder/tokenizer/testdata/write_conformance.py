"""Writes digests of what the reference implementations make of 267,298
texts, for conformance_test.go, and the small tokenizers that it needs.

    python write_conformance.py --cldr FOLDER [--train] [--only NAME] [--ids FOLDER]

FOLDER holds the unpacked npm package cldr-annotations-full. --train makes the
tokenizers in models/ anew; --ids also writes all ids, to find what differs.
Needs transformers 5, tokenizers, sentencepiece, protobuf, numpy and ftfy.
"""
import argparse
import base64
import gzip
import hashlib
import html
import io
import json
import pathlib
import random
import re
import shutil
import string
import tempfile

import ftfy
import numpy as np
import sentencepiece
import sentencepiece.sentencepiece_model_pb2 as spm
from tokenizers import Tokenizer, normalizers
from transformers.models.gemma.tokenization_gemma import GemmaTokenizer
from transformers.models.siglip.tokenization_siglip import SiglipTokenizer

import conformance_texts

HERE = pathlib.Path(__file__).parent
MODELS = HERE / "models"
BUNDLED = HERE.parents[1] / "hub" / "polylens-mini" / "tokenizer.json"
CHARSMAP = pathlib.Path(sentencepiece.__file__).parent / "package_data" / "nmt_nfkc.bin"
EVERY = 8  # of the texts of CLDR one in so many


def cldr_words(cldr):
    """The texts of all languages, each language sorted by bytes, none twice."""
    words = []
    for file in sorted(cldr.glob("annotations/*/annotations.json")):
        texts = set()
        for emoji, lists in json.loads(file.read_text())["annotations"].get("annotations", {}).items():
            texts.add(emoji)
            for some in lists.values():
                texts.update(some)
        words += sorted(texts, key=str.encode)
    return words


# ---- small tokenizers

UNIGRAM = dict(model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
TRAINED = {
    # As T5 and SigLIP 1.
    "t5": UNIGRAM | dict(vocab_size=4000, character_coverage=0.98),
    # What SigLIP 1 could have: bytes, symbols, pieces across spaces, all spaces kept.
    "bytes": UNIGRAM | dict(vocab_size=4000, character_coverage=0.98, byte_fallback=True, split_by_whitespace=False,
                            remove_extra_whitespaces=False, user_defined_symbols=["<extra_id_0>", "🦊🐶", "①"]),
    # As Gemma.
    "gemma": dict(model_type="bpe", pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>", pad_id=0, eos_id=1, bos_id=2, unk_id=3, vocab_size=4000, character_coverage=0.98,
                  byte_fallback=True, normalization_rule_name="identity", add_dummy_prefix=False, split_digits=True,
                  remove_extra_whitespaces=False, allow_whitespace_only_pieces=True,
                  user_defined_symbols=["<mask>", "[@BOS@]", "<table>", "\n\n", "▁▁"]),
}


def train(words):
    sample = random.Random(3).sample(words, 40000)
    sample += [" ".join(sample[i:i + 3]) for i in range(0, 9000, 3)]
    for name, options in TRAINED.items():
        out = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(sample), model_writer=out, minloglevel=2,
                                                 num_threads=1, **options)
        proto = spm.ModelProto.FromString(out.getvalue())
        proto.normalizer_spec.precompiled_charsmap = b""
        save(f"{name}.model.gz", proto.SerializeToString())
        for layout in LAYOUTS:
            if f"{name}.{layout}" in CONVERTED:
                save(f"{name}.{layout}.json.gz", json.dumps(converted(proto, layout), ensure_ascii=False).encode())
    save("nmt_nfkc.gz", CHARSMAP.read_bytes())


def save(name, data):
    MODELS.mkdir(exist_ok=True)
    (MODELS / name).write_bytes(gzip.compress(data, mtime=0))


def read(name):
    return gzip.decompress((MODELS / name).read_bytes())


CONVERTED = ["t5.t5", "t5.siglip", "t5.first", "bytes.t5", "bytes.first"]
PRECOMPILED = {"type": "Precompiled", "precompiled_charsmap": "CHARSMAP"}
METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
PUNCTUATION = "[" + "".join("\\" + c if re.escape(c) != c or c in "[]\\^-" else c for c in string.punctuation) + "]"
LAYOUTS = {
    # T5Tokenizer of transformers 5.
    "t5": ([PRECOMPILED], {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, METASPACE]}),
    # What transformers.js makes of SigLIP 1.
    "siglip": ([PRECOMPILED, {"type": "Lowercase"},
                {"type": "Replace", "pattern": {"Regex": PUNCTUATION}, "content": ""},
                {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
                {"type": "Strip", "strip_left": True, "strip_right": True}], METASPACE),
    # SpmConverter of transformers for a tokenizer that is not "legacy".
    "first": ([PRECOMPILED, {"type": "Strip", "strip_left": False, "strip_right": True},
               {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}],
              METASPACE | {"prepend_scheme": "first", "split": False}),
}


def converted(proto, layout):
    """tokenizer.json of a sentencepiece model, with CHARSMAP where the charsmap belongs."""
    steps, pre_tokenizer = LAYOUTS[layout]
    vocab = [[p.piece, p.score] for p in proto.pieces]
    flags = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    added = [dict(id=i, content=p.piece) | flags for i, p in enumerate(proto.pieces) if p.type in (2, 3, 4)]
    if layout == "t5":
        vocab += [[f"<extra_id_{i}>", 0.0] for i in range(9, 0, -1)]
        added += [dict(id=i, content=t) | flags for i, (t, _) in enumerate(vocab) if i >= len(proto.pieces)]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": steps}, "pre_tokenizer": pre_tokenizer,
        "post_processor": None, "decoder": None,
        "model": {"type": "Unigram", "unk_id": 2, "vocab": vocab, "byte_fallback": proto.trainer_spec.byte_fallback},
    }


# ---- references: text -> ids, without end of sequence

def canonicalize(text):
    """canonicalize_text of SiglipTokenizer."""
    text = text.lower().translate(str.maketrans("", "", string.punctuation))
    return re.sub(r"\s+", " ", text).strip()


def open_clip(text):
    """canonicalize_text(basic_clean(text)) of open_clip, without guesses at the character set."""
    text = ftfy.fix_text(text, fix_encoding=False, fix_c1_controls=False)
    text = html.unescape(html.unescape(text)).strip()
    text = text.replace("_", " ").translate(str.maketrans("", "", string.punctuation)).lower()
    return re.sub(r"\s+", " ", text).strip()


def of_json(data, clean=None):
    tok = Tokenizer.from_str(data)

    def encode(texts):
        texts = texts if clean is None else [clean(t) for t in texts]
        return [e.ids for e in tok.encode_batch(texts, add_special_tokens=False)]

    return encode


def unigram_json(name, layout, clean=None):
    charsmap = base64.b64encode(read("nmt_nfkc.gz")).decode()
    return of_json(read(f"{name}.{layout}.json.gz").decode().replace("CHARSMAP", charsmap), clean)


def bundled(clean, lower=True):
    data = json.loads(BUNDLED.read_text())
    steps = data["normalizer"]["normalizers"] if data["normalizer"]["type"] == "Sequence" else [data["normalizer"]]
    if lower:
        steps = [{"type": "Lowercase"}] + steps
    data["normalizer"] = {"type": "Sequence", "normalizers": steps}
    return of_json(json.dumps(data), clean)


def siglip_tokenizer(name):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "spiece.model"
        proto = spm.ModelProto.FromString(read(f"{name}.model.gz"))
        proto.normalizer_spec.precompiled_charsmap = read("nmt_nfkc.gz")
        path.write_bytes(proto.SerializeToString())
        tok = SiglipTokenizer(str(path))
    return lambda texts: [tok.convert_tokens_to_ids(tok.tokenize(t)) for t in texts]


def gemma_model():
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "tokenizer.model").write_bytes(read("gemma.model.gz"))
        tok = GemmaTokenizer.from_pretrained(folder)._tokenizer
    tok.normalizer = normalizers.Sequence([normalizers.Lowercase(), tok.normalizer])
    return lambda texts: [e.ids for e in tok.encode_batch(texts, add_special_tokens=False)]


# name -> (padding, end of sequence, reference)
REFERENCES = {
    "bundled": (0, 1, lambda: bundled(None)),
    "bundled open_clip": (0, 1, lambda: bundled(open_clip, lower=False)),
    "gemma tokenizer.model": (0, 1, gemma_model),
    "t5 spiece.model": (1, 1, lambda: siglip_tokenizer("t5")),
    "bytes spiece.model": (1, 1, lambda: siglip_tokenizer("bytes")),
    "t5 tokenizer.json": (1, 1, lambda: unigram_json("t5", "t5", canonicalize)),
    "t5 tokenizer.json none": (1, 1, lambda: unigram_json("t5", "t5")),
    "t5 tokenizer.json open_clip": (1, 1, lambda: unigram_json("t5", "t5", open_clip)),
    "t5 tokenizer.json siglip": (1, 1, lambda: unigram_json("t5", "siglip")),
    "t5 tokenizer.json first none": (1, 1, lambda: unigram_json("t5", "first")),
    "bytes tokenizer.json none": (1, 1, lambda: unigram_json("bytes", "t5")),
    "bytes tokenizer.json first none": (1, 1, lambda: unigram_json("bytes", "first")),
}


def padded(rows, length, pad, eos):
    out = np.full((len(rows), length), pad, dtype="<i4")
    for row, ids in zip(out, rows):
        ids = ids[: length - 1] + [eos]
        row[: len(ids)] = ids
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--cldr", type=pathlib.Path, required=True)
    p.add_argument("--train", action="store_true")
    p.add_argument("--only")
    p.add_argument("--ids", type=pathlib.Path)
    a = p.parse_args()
    words = cldr_words(a.cldr)
    if a.train:
        shutil.rmtree(MODELS, ignore_errors=True)
        train(words)
    tables = conformance_texts.read_tables(HERE / "conformance_tables.json")
    groups = {"cldr": (64, words[::EVERY])}
    for name, (_, length, _) in conformance_texts.GROUPS.items():
        groups[name] = (length, conformance_texts.texts(name, tables, words))
    out = HERE / "conformance.json"
    digests = json.loads(out.read_text()) if out.exists() else {}
    digests["texts"] = {n: hashlib.sha256("\0\n".join(t).encode()).hexdigest() for n, (_, t) in groups.items()}
    for name, (pad, eos, reference) in REFERENCES.items():
        if a.only and a.only != name:
            continue
        encode = reference()
        digests[name] = {}
        for group, (length, texts) in groups.items():
            ids = padded(encode(texts), length, pad, eos)
            digests[name][group] = hashlib.sha256(ids.tobytes()).hexdigest()
            if a.ids:
                (a.ids / f"{name} {group}.ids".replace(" ", "-")).write_bytes(ids.tobytes())
        print(name, flush=True)
    out.write_text(json.dumps(digests, indent=1) + "\n")


main()
