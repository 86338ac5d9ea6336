"""Trains polylens-mini from packages of emoji art and Unicode CLDR names. One command, resumable: see README.md."""

import argparse
import collections
import json
import math
import os
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

import mini_augment
import mini_data
import mini_eval
import mini_lit
import mini_model
import mini_optim
import mini_stage
import mini_text
import mini_tokenizer

# How often a style is drawn, relative to its number of pictures. Near copies of one another share one weight, and
# black-and-white styles teach shape but cost as much as coloured ones.
STYLE_WEIGHT = {"noto": 0.6, "google-2024": 0.5, "google-2019": 0.8, "google-2016": 0.7, "noto-v1": 0.7,
                "openmoji-black": 0.5, "noto-emoji-font-300": 0.35, "noto-emoji-font-700": 0.35,
                "emojione-monotone": 0.5, "fluent-emoji-high-contrast": 0.5, "fluent-emoji-anim": 0.5,
                "fluent-emoji": 0.8, "fluent-emoji-3d": 0.8, "circle-flags": 0.4, "flag": 0.4, "flagpack": 0.4,
                "cif": 0.4}
SCALE = 16.0
FIXED = ("left right arrow clock o’clock thirty button letter flag symbol moon quarter sign playing keycap clockwise "
         "input currency number speech reverse forward index magnifying mahjong dice note mark om").split()


class Art:
    """The drawn pictures: training rows by style weight, and the held-out Twemoji art."""

    def __init__(self, cache, english, device):
        pixels, test, table = mini_data.build(cache)
        self.concepts, self.styles = table["concept"], table["style"]
        rows = torch.tensor(table["rows"], device=device)
        self.style, self.concept = rows[:, 0], rows[:, 1]
        self.pixels = torch.from_numpy(np.array(pixels)).to(device)
        self.test_pixels = torch.from_numpy(np.array(test)).to(device)
        self.test_concept = torch.tensor(table["test"], device=device)
        per_style = torch.tensor([STYLE_WEIGHT.get(s, 1.0) for s in self.styles], device=device)
        count = torch.bincount(self.concept, minlength=len(self.concepts)).float()
        flag = torch.tensor([0.5 if mini_text.is_flag(c) else 1.0 for c in self.concepts], device=device)
        self.weight = per_style[self.style] * flag[self.concept] / count[self.concept] ** 0.3
        self.flippable = torch.tensor([self._may_flip(c, english) for c in self.concepts], device=device)

    @staticmethod
    def _may_flip(concept, english):
        name = (english.get(concept, ("",))[0] or "").lower()
        return "-" not in concept and len(name) > 1 and not any(word in name.split() or word + ":" in name
                                                                for word in FIXED)

    def batch(self, n, size, strength):
        rows = torch.multinomial(self.weight, n, replacement=True)
        concept = self.concept[rows]
        return mini_augment.augment(self.pixels[rows], self.flippable[concept], size, strength), concept


class Concepts(torch.nn.Module):
    """The image tower with two linear heads on its unit vectors: the concept, and the concept's English keywords.

    Keywords are shared between concepts ("face", "animal", "fruit"), so they give the tower something to learn long
    before it can tell 1,900 concepts apart.
    """

    def __init__(self, vision, classes, keywords):
        super().__init__()
        self.vision = vision
        self.prototype = torch.nn.Parameter(torch.zeros(classes, 192))
        self.keyword = torch.nn.Parameter(torch.zeros(keywords, 192))

    def embed(self, pixels, keep=1.0):
        """Unit vectors; with keep < 1 only a random part of the patches is looked at, which is what makes it fast."""
        v = self.vision
        x = v.embeddings(pixels)
        if keep < 1:
            n, tokens, width = x.shape
            kept = torch.rand(n, tokens, device=x.device).argsort(1)[:, :int(tokens * keep)]
            x = x.gather(1, kept[..., None].expand(-1, -1, width))
        x = v.encoder(inputs_embeds=x).last_hidden_state
        return F.normalize(v.head(v.post_layernorm(x)).float(), dim=-1)

    def forward(self, pixels, keep=1.0):
        """Logits over concepts and over keywords."""
        x = self.embed(pixels, keep) * SCALE
        return x @ self.prototype.T, x @ self.keyword.T


def keyword_targets(concepts, english, device):
    """For every concept a distribution over the English keywords that at least three concepts share."""
    words = [set(english.get(c, (None, []))[1]) for c in concepts]
    count = collections.Counter(w for ws in words for w in ws)
    index = {w: i for i, w in enumerate(sorted(w for w, n in count.items() if n >= 3))}
    target = torch.zeros(len(concepts), len(index))
    for row, ws in enumerate(words):
        for w in ws & index.keys():
            target[row, index[w]] = 1
    return (target / target.sum(1, keepdim=True).clamp_min(1)).to(device)


def concept_accuracy(model, art, in_gallery, workers):
    """Share of Twemoji pictures whose nearest prototype is their own concept: top 1 and top 5, on white and black."""
    out = []
    for background in (1.0, 0.0):
        @torch.no_grad()
        def score(pixels):
            return model(mini_augment.plain(pixels, mini_model.IMAGE_SIZE, background))[0]
        logits = torch.cat(workers.map(score, art.test_pixels.split(128)))
        logits = logits[in_gallery[art.test_concept]]
        target = art.test_concept[in_gallery[art.test_concept]]
        top = logits.topk(5).indices == target[:, None]
        out += [top[:, 0].float().mean().item(), top.any(1).float().mean().item()]
    return out


def train_images(args, art, english, in_gallery, device):
    """Stage 1: the image tower learns which concept a picture shows, whatever its style. Returns a Concepts."""
    torch.manual_seed(args.seed)
    words = keyword_targets(art.concepts, english, device)
    model = Concepts(mini_model.build().vision_model, *words.shape).to(device)
    workers = mini_optim.Workers(model.parameters(), device)
    stage = mini_stage.Stage("image", args.cache / f"{args.name}-image.pt", model,
                             mini_optim.optimizers(model, args.lr, args.muon_lr, workers), args.image_seconds,
                             args.seed, device, decay=0.998)
    while stage.running():
        done = stage.done
        # Few patches first, all of them at the end, when the tower has to learn what search will show it.
        keep = 0.4 if done < 0.6 else 0.5 if done < 0.87 else 1.0
        strength = min(1.0, 0.3 + stage.step / 2000) if done < 0.93 else 0.7

        def loss_of(_):
            pixels, target = art.batch(args.batch // workers.count, mini_model.IMAGE_SIZE, strength)
            with torch.autocast(device.type, torch.bfloat16):
                logits, keywords = (y.float() for y in model(pixels, keep))
            loss = F.cross_entropy(logits, target, label_smoothing=0.05)
            word = F.cross_entropy(keywords, words[target])
            hit = (logits.argmax(1) == target).float().mean()
            return loss + (1 - 0.8 * done) * word, torch.stack([loss, word, hit])

        stage.finish_step(workers.step(loss_of))
        stage.show(args.eval_every, ("loss", "word", "train"), lambda: {
            "twemoji": [round(s, 3) for s in concept_accuracy(model, art, in_gallery, workers)]})
    return stage.averaged()


@torch.no_grad()
def picture_means(embed, art, workers):
    """The mean unit vector of every concept over all training styles, on white and on black: what texts aim at."""
    total = torch.zeros(len(art.concepts), 192, device=art.pixels.device)

    @torch.no_grad()
    def see(rows):
        background = torch.randint(0, 2, (len(rows), 1, 1, 1)).float().to(rows.device)
        return embed(mini_augment.plain(art.pixels[rows], mini_model.IMAGE_SIZE, background))
    # Every second picture is enough for a mean.
    parts = torch.arange(0, len(art.concept), 2, device=art.pixels.device).split(128)
    for rows, vectors in zip(parts, workers.map(see, parts)):
        total.index_add_(0, art.concept[rows], vectors * art.weight[rows][:, None])
    return F.normalize(total, dim=-1)


def train_text(args, name, text, lr, seconds, find_targets, texts, device):
    """Stages 2 and 4: the text tower learns to hit locked picture vectors, which find_targets() makes. Returns it."""
    workers = mini_optim.Workers(text.parameters(), device)
    stage = mini_stage.Stage(name, args.cache / f"{args.name}-{name}.pt", text,
                             mini_optim.optimizers(text, lr, lr, workers), seconds, args.seed, device, decay=0.997)
    targets = find_targets() if stage.running() else None
    while stage.running():
        def loss_of(_):
            ids, positions, concept = texts.batch(args.text_batch // workers.count, stage.done > 0.94)
            with torch.autocast(device.type, torch.bfloat16):
                vectors = mini_lit.embed(text, ids, positions)
            logits = vectors @ targets.T * 32
            loss = F.cross_entropy(logits, concept)
            return loss, torch.stack([loss, (logits.argmax(1) == concept).float().mean()])

        stage.finish_step(workers.step(loss_of))
        stage.show(30, ("loss", "train"))
    return stage.averaged()


def assemble(concepts, text, device):
    """The two trained towers as one model, with a temperature and a bias that roughly fit their vectors."""
    model = mini_model.build().to(device)
    model.vision_model.load_state_dict(concepts.vision.state_dict())
    model.text_model.load_state_dict(text.state_dict())
    with torch.no_grad():
        model.logit_scale.fill_(math.log(24.0))
        model.logit_bias.fill_(-14.0)
    return model


def train_joint(args, art, model, texts, device):
    """Stage 3: both towers with SigLIP's sigmoid loss on pictures and texts of the same concepts.

    Every pair of one concept counts as positive. Changes and returns the model.
    """
    torch.manual_seed(args.seed)
    order = art.concept.argsort(stable=True)
    count = torch.bincount(art.concept, minlength=len(art.concepts))
    start = count.cumsum(0) - count
    workers = mini_optim.Workers(model.parameters(), device)
    towers = [p for n, p in model.named_parameters() if not n.startswith("logit_")]
    optimizer = torch.optim.AdamW([{"params": towers, "lr": args.joint_lr, "weight_decay": 0.01},
                                   {"params": [model.logit_scale, model.logit_bias], "lr": 1e-2, "weight_decay": 0.0}],
                                  betas=(0.9, 0.95), fused=True)
    stage = mini_stage.Stage("joint", args.cache / f"{args.name}-joint.pt", model, [optimizer], args.joint_seconds,
                             args.seed, device, decay=0.99, warm=0.1)

    def loss_of(_):
        ids, positions, concept = texts.batch(args.batch // workers.count, True)
        drawn = count[concept] > 0
        ids, concept = ids[drawn], concept[drawn]
        rows = order[start[concept] + (torch.rand(len(concept), device=device) * count[concept]).long()]
        pixels = mini_augment.augment(art.pixels[rows], art.flippable[concept], mini_model.IMAGE_SIZE, 0.8)
        with torch.autocast(device.type, torch.bfloat16):
            pictures = F.normalize(model.vision_model(pixels).pooler_output.float(), dim=-1)
            words = mini_lit.embed(model.text_model, ids, positions)
        logits = words @ pictures.T * model.logit_scale.exp() + model.logit_bias
        sign = (concept[:, None] == concept[None]).float() * 2 - 1
        loss = -F.logsigmoid(sign * logits).sum(1).mean()
        return loss, torch.stack([loss, model.logit_scale.exp()[0], model.logit_bias[0]])

    while stage.running():
        stage.finish_step(workers.step(loss_of), clip=towers)
        stage.show(30, ("loss", "scale", "bias"))
    return stage.averaged()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "polylens-train")
    parser.add_argument("--name", default="mini", help="prefix of the checkpoints in the cache")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--muon-lr", type=float, default=1.5e-3)
    parser.add_argument("--image-seconds", type=float, default=1600)
    parser.add_argument("--text-seconds", type=float, default=1830)
    parser.add_argument("--text-batch", type=int, default=320)
    parser.add_argument("--text-lr", type=float, default=2e-3)
    parser.add_argument("--joint-seconds", type=float, default=100)
    parser.add_argument("--polish-seconds", type=float, default=260)
    parser.add_argument("--joint-lr", type=float, default=2e-4)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[3] / "encoder" / "hub" / "polylens-mini")
    parser.add_argument("--eval-every", type=float, default=120)
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(min(2, os.cpu_count()))
    args.cache.mkdir(parents=True, exist_ok=True)
    (args.cache / "train.pid").write_text(str(os.getpid()))
    random.seed(args.seed)
    base, derived = mini_data.load_text(args.cache)
    english = {**derived["en"], **base["en"]}
    art = Art(args.cache, english, device)
    in_gallery = torch.tensor([c in base["en"] for c in art.concepts], device=device)
    print(len(art.concept), "pictures,", len(art.concepts), "concepts,",
          int(in_gallery[art.test_concept].sum()), "in the gallery", flush=True)
    concepts = train_images(args, art, english, in_gallery, device)
    if args.text_seconds == 0:
        return
    args.out.mkdir(parents=True, exist_ok=True)
    if not (args.out / "tokenizer.json").exists():
        corpus = list(mini_text.tokenizer_corpus(base, derived))
        mini_tokenizer.write(args.out, mini_tokenizer.prune(mini_data.gemma_tokenizer(args.cache), corpus, 16384))
    tokenizer = Tokenizer.from_file(str(args.out / "tokenizer.json"))
    texts = mini_lit.Texts(base, derived, art.concepts, tokenizer, args.cache / f"texts{mini_data.VERSION}-phrases.pt", device)
    workers = mini_optim.Workers(concepts.parameters(), device)
    torch.manual_seed(args.seed)
    text = train_text(args, "text", mini_model.build().text_model.to(device), args.text_lr, args.text_seconds,
                      lambda: picture_means(concepts.embed, art, workers), texts, device)
    model = train_joint(args, art, assemble(concepts, text, device), texts, device)
    mini_model.export(model.state_dict(), args.out)

    def embed(pixels):
        return F.normalize(model.vision_model(pixels).pooler_output, dim=-1)
    train_text(args, "polish", model.text_model, args.text_lr / 2, args.polish_seconds,
               lambda: picture_means(embed, art, workers), texts, device)
    print(mini_model.export(model.state_dict(), args.out))
    report(art, model, tokenizer, base, workers)


def report(art, model, tokenizer, base, workers, every=1):
    """Prints recall per language and in sum."""
    names = [art.concepts[c] for c in art.test_concept.tolist()]
    result, _ = mini_eval.evaluate(model.eval(), tokenizer, art.test_pixels, names, base, workers.map, every)
    for locale, (r1, r5, n) in result.items():
        print(json.dumps({"language": locale, "queries": n, "r1": round(r1, 4), "r5": round(r5, 4)}))
    print(json.dumps(mini_eval.summary(result)), flush=True)


if __name__ == "__main__":
    main()
