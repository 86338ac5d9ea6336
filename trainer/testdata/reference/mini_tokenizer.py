"""Prunes Gemma's BPE vocabulary to the pieces that CLDR names and keywords use.

The result is a normal Hugging Face `tokenizer.json`: ids 0..3 are <pad>, <eos>, <bos>, <unk>, then the 256 byte
tokens, then the kept pieces in Gemma's own order. Text that needs other pieces falls back to smaller pieces and
in the end to bytes, so every string can be encoded.
"""

import collections
import json

from tokenizers import Tokenizer

SPECIALS = ["<pad>", "<eos>", "<bos>", "<unk>"]
BYTES = [f"<0x{b:02X}>" for b in range(256)]


def _derivation(piece, ranks):
    """Returns every token that BPE makes on its way from single characters to `piece`.

    Also returns whether the way ends in the piece itself (a few Gemma pieces are unreachable).
    """
    parts, seen = list(piece), set(piece)
    while len(parts) > 1:
        best = min(range(len(parts) - 1), key=lambda i: ranks.get((parts[i], parts[i + 1]), 1 << 60))
        if (parts[best], parts[best + 1]) not in ranks:
            break
        parts[best:best + 2] = [parts[best] + parts[best + 1]]
        seen.add(parts[best])
    return seen, len(parts) == 1


def prune(gemma_path, weighted_texts, size):
    """Builds the pruned tokenizer as a dict in the `tokenizer.json` format.

    gemma_path: Gemma's tokenizer.json. weighted_texts: (text, weight) pairs. size: the final vocabulary size,
    a limit that is reached exactly when the texts hold enough pieces.
    """
    gemma = json.load(open(gemma_path, encoding="utf-8"))
    source = Tokenizer.from_file(str(gemma_path))
    vocab = gemma["model"]["vocab"]
    merges = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in gemma["model"]["merges"]]
    ranks = {pair: i for i, pair in enumerate(merges)}

    pieces = {i: t for t, i in vocab.items()}
    counts, chars = collections.Counter(), collections.Counter()
    texts, weights = zip(*((t.lower(), w) for t, w in weighted_texts))
    for encoding, text, weight in zip(source.encode_batch_fast(list(texts), add_special_tokens=False), texts, weights):
        for token in encoding.ids:
            counts[pieces[token]] += weight
        for char in text.replace(" ", "▁"):
            chars[char] += weight

    keep = set(SPECIALS) | set(BYTES) | {"▁", "\n", "\t"} | {chr(c) for c in range(33, 127)}
    keep |= {c for c, n in chars.items() if n >= 2 and c in vocab}
    keep = keep & set(vocab) | set(BYTES)
    for piece, _ in counts.most_common():
        if piece in keep or piece.startswith("<"):
            continue
        needed, whole = _derivation(piece, ranks)
        needed = {p for p in needed if p in vocab} - keep
        if whole and len(keep) + len(needed) <= size:
            keep |= needed
        if len(keep) == size:
            break

    order = SPECIALS + BYTES + sorted(keep - set(SPECIALS) - set(BYTES), key=vocab.__getitem__)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": True} for i, t in enumerate(SPECIALS)],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Lowercase"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious",
                          "invert": False},
        "post_processor": {"type": "TemplateProcessing",
                           "single": [{"Sequence": {"id": "A", "type_id": 0}},
                                      {"SpecialToken": {"id": "<eos>", "type_id": 0}}],
                           "pair": [{"Sequence": {"id": "A", "type_id": 0}},
                                    {"SpecialToken": {"id": "<eos>", "type_id": 0}},
                                    {"Sequence": {"id": "B", "type_id": 1}},
                                    {"SpecialToken": {"id": "<eos>", "type_id": 1}}],
                           "special_tokens": {"<eos>": {"id": "<eos>", "ids": [1], "tokens": ["<eos>"]}}},
        "decoder": gemma["decoder"],
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                  "vocab": {t: i for i, t in enumerate(order)},
                  "merges": [[a, b] for a, b in merges if a in keep and b in keep and a + b in keep]},
    }


TOKENIZER_CONFIG = {
    "add_bos_token": False,
    "add_eos_token": True,
    "added_tokens_decoder": {
        str(i): {"content": t, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
                 "special": True} for i, t in enumerate(SPECIALS)},
    "bos_token": "<bos>",
    "clean_up_tokenization_spaces": False,
    "do_lower_case": True,
    "eos_token": "<eos>",
    "model_input_names": ["input_ids"],
    "model_max_length": 64,
    "pad_token": "<pad>",
    "padding_side": "right",
    "processor_class": "SiglipProcessor",
    "tokenizer_class": "Siglip2Tokenizer",
    "unk_token": "<unk>",
}

SPECIAL_TOKENS_MAP = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}


def write(folder, tokenizer):
    """Writes the three tokenizer files into `folder`."""
    for name, value, indent in (("tokenizer.json", tokenizer, None),
                                ("tokenizer_config.json", TOKENIZER_CONFIG, 2),
                                ("special_tokens_map.json", SPECIAL_TOKENS_MAP, 2)):
        with open(folder / name, "w", encoding="utf-8") as f:
            json.dump(value, f, ensure_ascii=False, indent=indent)
            f.write("\n")


def encode(tokenizer, texts, length=64):
    """Token ids as the text tower wants them: eos kept, cut and right-padded with 0 to `length`."""
    rows = []
    for encoding in tokenizer.encode_batch_fast(list(texts)):
        ids = encoding.ids[:length - 1] + [1] if len(encoding.ids) > length else encoding.ids
        rows.append(ids + [0] * (length - len(ids)))
    return rows
