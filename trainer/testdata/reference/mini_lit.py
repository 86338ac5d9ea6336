"""Stage 2: the text tower learns to hit the locked vectors of the concepts (LiT), without any image in the loop."""

import random

import torch
import torch.nn.functional as F

import mini_model
import mini_text
import mini_tokenizer

# What a training text is, and how often: names of the Crossmodal-3600 languages, their keywords, both inside a phrase,
# and names and keywords of all other languages.
MIX = {"names": 0.58, "keywords": 0.19, "phrases": 0.09, "other-names": 0.10, "other-keywords": 0.04}
WIDTHS = (8, 11, 15, 21, 62)


class Texts:
    """All annotations as token ids, sorted into the mix and into buckets of similar length."""

    def __init__(self, base, derived, concepts, tokenizer, cache, device):
        self.device = device
        if cache.exists():
            self.buckets = torch.load(cache, map_location=device)
        else:
            self.buckets = self._collect(base, derived, concepts, tokenizer, device)
            torch.save(self.buckets, cache)
        self.keys = list(self.buckets)
        totals = {kind: sum(len(c) for (k, _), (_, c) in self.buckets.items() if k == kind) for kind in MIX}
        self.shares = [MIX[kind] * len(self.buckets[kind, width][1]) / totals[kind] for kind, width in self.keys]

    @staticmethod
    def _phrases(found):
        """Names and keywords as people type them, with an article or a little more around them."""
        phrases = {}
        for kind in ("names", "keywords"):
            for (locale, text), concepts in found[kind].items():
                for frame in mini_text.FRAMES.get(locale, ()):
                    phrases[locale, frame.format(text)] = concepts
        return phrases

    @staticmethod
    def _collect(base, derived, concepts, tokenizer, device):
        index = {c: i for i, c in enumerate(concepts)}
        found = {kind: {} for kind in MIX}
        for source in (base, derived):
            for locale, table in source.items():
                prefix = "" if locale in mini_text.XM3600 else "other-"
                for name, (tts, keywords) in table.items():
                    if name not in index or (source is derived and name in base.get(locale, {})):
                        continue
                    if tts:
                        found[prefix + "names"].setdefault((locale, mini_text.normalize(tts)), []).append(index[name])
                    for word in keywords:
                        found[prefix + "keywords"].setdefault((locale, mini_text.normalize(word)), []).append(
                            index[name])
        found["phrases"] = Texts._phrases(found)
        buckets = {}
        for kind, texts in found.items():
            # A keyword of forty emoji says little about each of them.
            items = [(text, concept) for (_, text), concepts in texts.items() if len(concepts) <= 24
                     for concept in concepts]
            # In slices: a million rows as Python lists would take gigabytes.
            ids = torch.cat([torch.tensor(mini_tokenizer.encode(tokenizer, [t for t, _ in items[i:i + 20000]],
                                                                mini_model.TEXT_LENGTH), dtype=torch.int32)
                             for i in range(0, len(items), 20000)])
            concept = torch.tensor([c for _, c in items])
            length = (ids != 0).sum(1)
            low = 0
            for width in WIDTHS:
                chosen = ((length > low) & (length <= (width if width < 62 else 64))).nonzero().flatten()
                low = width
                if len(chosen):
                    buckets[kind, width] = (ids[chosen].to(device), concept[chosen].to(device))
        return buckets

    def batch(self, n, full):
        """n texts of one bucket: (ids [n,k], positions [k], concepts [n]).

        Not all of the padding is looked at: the tower sees the tokens, position 63 where it pools, and a random
        number of the pads between, unless `full`.
        """
        at = random.choices(range(len(self.keys)), self.shares)[0]
        ids, concept = self.buckets[self.keys[at]]
        rows = torch.randint(len(concept), (n,), device=self.device)
        last, width = mini_model.TEXT_LENGTH - 1, self.keys[at][1]
        pads = list(range(width, last))
        if not full:
            pads = sorted(random.sample(pads, min(len(pads), random.choice((0, 1, 2, 4, 12)))))
        positions = torch.tensor(list(range(width)) + pads + [last], device=self.device)
        return ids[rows][:, positions].long(), positions, concept[rows]


def embed(text_model, ids, positions):
    """Unit vectors of texts of which only some positions are looked at; the last one is pooled."""
    x = text_model.embeddings(input_ids=ids, position_ids=positions[None])
    x = text_model.encoder(inputs_embeds=x, attention_mask=None).last_hidden_state
    return F.normalize(text_model.head(text_model.final_layer_norm(x)[:, -1]).float(), dim=-1)
