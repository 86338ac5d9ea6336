"""Retrieval quality on held-out Twemoji art with CLDR names as queries, per language of Crossmodal-3600.

Gallery: every Twemoji picture whose emoji has a CLDR base annotation, without skin-tone variants. Query: the name
(tts) of each of these in one language. When several emoji share one name in a language, a hit on any of them counts.
"""

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F

import mini_augment
import mini_data
import mini_model
import mini_text
import mini_tokenizer


def recall(text_vectors, picture_vectors, relevant):
    """R@1 and R@5. relevant: bool [queries, pictures]."""
    order = (text_vectors @ picture_vectors.T).topk(5).indices
    hits = relevant.gather(1, order)
    return hits[:, 0].float().mean().item(), hits.any(1).float().mean().item()


def queries(base, locale, gallery):
    """Names of the gallery's emoji in one language and which pictures answer each: ([text], bool [texts, pictures])."""
    names = [mini_text.normalize(base[locale][c][0]) if base[locale].get(c, (None,))[0] else None for c in gallery]
    texts = sorted({n for n in names if n})
    place = {t: i for i, t in enumerate(texts)}
    # One query per picture, as a person who looks for it would type; equal names answer each other.
    asked = [n for n in names if n]
    relevant = torch.zeros(len(asked), len(gallery), dtype=torch.bool)
    same = torch.tensor([place[n] if n else -1 for n in names])
    for row, name in enumerate(asked):
        relevant[row] = same == place[name]
    return asked, relevant


@torch.no_grad()
def evaluate(model, tokenizer, art_pixels, art_concepts, base, workers_map, every=1, background=1.0):
    """{locale: (R@1, R@5, queries)} and the picture vectors. every: use only each n-th query."""
    def see(pixels):
        return F.normalize(model.vision_model(mini_augment.plain(pixels, mini_model.IMAGE_SIZE, background))
                           .pooler_output, dim=-1)

    def read(ids):
        with torch.no_grad():
            return F.normalize(model.text_model(ids).pooler_output, dim=-1)
    kept = [i for i, c in enumerate(art_concepts) if c in base["en"]]
    gallery = [art_concepts[i] for i in kept]
    pictures = torch.cat(workers_map(torch.no_grad()(see), art_pixels[kept].split(128)))
    result = {}
    for locale in mini_text.XM3600:
        texts, relevant = queries(base, locale, gallery)
        texts, relevant = texts[::every], relevant[::every]
        ids = torch.tensor(mini_tokenizer.encode(tokenizer, texts), device=art_pixels.device)
        vectors = torch.cat(workers_map(read, ids.split(256)))
        result[locale] = (*recall(vectors, pictures, relevant.to(vectors.device)), len(texts))
    return result, pictures


def summary(result):
    """Mean R@1, mean R@5, lowest R@5 and its language."""
    worst = min(result, key=lambda k: result[k][1])
    n = len(result)
    return {"mean_r1": round(sum(r[0] for r in result.values()) / n, 4),
            "mean_r5": round(sum(r[1] for r in result.values()) / n, 4),
            "min_r5": round(result[worst][1], 4), "min_r5_language": worst}


def main():
    from tokenizers import Tokenizer
    from transformers import AutoModel
    import numpy as np
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "polylens-train")
    parser.add_argument("--background", type=float, default=1.0, help="grey level behind transparent pixels: 1 white")
    args = parser.parse_args()
    torch.set_num_threads(2)
    model = AutoModel.from_pretrained(args.model).eval()
    _, pixels, table = mini_data.build(args.cache)
    base, _ = mini_data.load_text(args.cache)
    concepts = [table["concept"][c] for c in table["test"]]
    result, _ = evaluate(model, Tokenizer.from_file(str(args.model / "tokenizer.json")),
                         torch.from_numpy(np.array(pixels)), concepts, base,
                         lambda f, parts: [f(p) for p in parts], background=args.background)
    for locale, (r1, r5, n) in result.items():
        print(json.dumps({"language": locale, "queries": n, "r1": round(r1, 4), "r5": round(r5, 4)}))
    print(json.dumps(summary(result)))


if __name__ == "__main__":
    main()
