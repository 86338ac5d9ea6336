"""Trains polylens-mini from packages of emoji art and Unicode CLDR names. One command, resumable: see README.md."""

import argparse
import collections
import json
import math
import os
import random
import time
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


class Ema:
    """Moving average of the parameters."""

    def __init__(self, model, decay):
        self.decay, self.shadow = decay, {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model, step):
        decay = min(self.decay, (step + 1) / (step + 10))
        for k, v in model.state_dict().items():
            if v.dtype.is_floating_point:
                self.shadow[k].lerp_(v, 1 - decay)
            else:
                self.shadow[k].copy_(v)


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


def save(path, value):
    """Writes a checkpoint so that a kill leaves either the old one or the new one."""
    tmp = path.with_suffix(".tmp")
    torch.save(value, tmp)
    os.replace(tmp, path)


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


def schedule(done, warm=0.02, floor=0.01):
    """Warm-up, then cosine, over the share `done` of the stage."""
    return min(1, done / warm) * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1, done))))


def train_images(args, art, english, in_gallery, device):
    """Stage 1: the image tower learns which concept a picture shows, whatever its style."""
    path = args.cache / f"{args.name}-image.pt"
    torch.manual_seed(args.seed)
    words = keyword_targets(art.concepts, english, device)
    model = Concepts(mini_model.build().vision_model, *words.shape).to(device)
    workers = mini_optim.Workers(model.parameters(), device)
    opts = mini_optim.optimizers(model, args.lr, args.muon_lr, workers)
    base = [[g["lr"] for g in o.param_groups] for o in opts]
    ema, step, spent = Ema(model, 0.998), 0, 0.0
    if path.exists():
        saved = torch.load(path, map_location=device, weights_only=False)
        model.load_state_dict(saved["model"])
        ema.shadow, step, spent = saved["ema"], saved["step"], saved["spent"]
        for o, s in zip(opts, saved["opts"]):
            o.load_state_dict(s)
    torch.manual_seed(args.seed + step)
    loss_sum, hits, seen, last_save, last_eval, tick = 0.0, 0, 0, time.time(), spent, time.time()
    while spent < args.image_seconds:
        done = spent / args.image_seconds
        # Few patches first, all of them at the end, when the tower has to learn what search will show it.
        keep = 0.4 if done < 0.6 else 0.5 if done < 0.87 else 1.0
        strength = min(1.0, 0.3 + step / 2000) if done < 0.93 else 0.7
        for o, rates in zip(opts, base):
            for g, rate in zip(o.param_groups, rates):
                g["lr"] = rate * schedule(done)

        def loss_of(_):
            pixels, target = art.batch(args.batch // workers.count, mini_model.IMAGE_SIZE, strength)
            with torch.autocast(device.type, torch.bfloat16):
                logits, keywords = (y.float() for y in model(pixels, keep))
            loss = F.cross_entropy(logits, target, label_smoothing=0.05)
            word = F.cross_entropy(keywords, words[target])
            return loss + (1 - 0.8 * done) * word, torch.stack([loss, word, (logits.argmax(1) == target).float().mean()])

        loss, word, hit = workers.step(loss_of).tolist()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for o in opts:
            o.step()
        ema.update(model, step)
        step += 1
        now = time.time()
        # Time in which the process was stopped does not count as training.
        spent += min(now - tick, 5.0)
        tick = now
        loss_sum, seen = loss_sum + loss, seen + 1
        hits += hit
        if now - last_save > 75 or spent >= args.image_seconds:
            save(path, {"model": model.state_dict(), "ema": ema.shadow, "step": step, "spent": spent,
                        "opts": [o.state_dict() for o in opts]})
            last_save = now
        if spent - last_eval > args.eval_every or spent >= args.image_seconds:
            live = {k: v.clone() for k, v in model.state_dict().items()}
            model.load_state_dict(ema.shadow)
            scores = concept_accuracy(model, art, in_gallery, workers)
            model.load_state_dict(live)
            print(json.dumps({"stage": "image", "step": step, "spent": round(spent), "loss": round(loss_sum / seen, 3),
                              "word": round(word, 3), "train": round(hits / seen, 3), "keep": keep,
                              "twemoji": [round(s, 3) for s in scores]}), flush=True)
            loss_sum, hits, seen, last_eval, tick = 0.0, 0, 0, spent, time.time()
    model.load_state_dict(ema.shadow)
    return model


@torch.no_grad()
def picture_means(model, art, workers):
    """The mean unit vector of every concept over all training styles, on white and on black: what texts aim at."""
    total = torch.zeros(len(art.concepts), 192, device=art.pixels.device)

    @torch.no_grad()
    def see(rows):
        background = torch.randint(0, 2, (len(rows), 1, 1, 1)).float().to(rows.device)
        return model.embed(mini_augment.plain(art.pixels[rows], mini_model.IMAGE_SIZE, background))
    # Every second picture is enough for a mean.
    parts = torch.arange(0, len(art.concept), 2, device=art.pixels.device).split(128)
    for rows, vectors in zip(parts, workers.map(see, parts)):
        total.index_add_(0, art.concept[rows], vectors * art.weight[rows][:, None])
    return F.normalize(total, dim=-1)


def train_text(args, art, targets, texts, device):
    """Stage 2: the text tower learns to hit the locked picture vectors. Returns its averaged weights."""
    path = args.cache / f"{args.name}-text.pt"
    torch.manual_seed(args.seed)
    text = mini_model.build().text_model.to(device)
    workers = mini_optim.Workers(text.parameters(), device)
    opts = mini_optim.optimizers(text, args.text_lr, args.text_lr, workers)
    base = [[g["lr"] for g in o.param_groups] for o in opts]
    ema, step, spent = Ema(text, 0.997), 0, 0.0
    if path.exists():
        saved = torch.load(path, map_location=device, weights_only=False)
        text.load_state_dict(saved["model"])
        ema.shadow, step, spent = saved["ema"], saved["step"], saved["spent"]
        for o, state in zip(opts, saved["opts"]):
            o.load_state_dict(state)
    torch.manual_seed(args.seed + step)
    random.seed(args.seed + step)
    total, seen, last_save, last_print, tick = torch.zeros(2), 0, time.time(), spent, time.time()
    while spent < args.text_seconds:
        done = spent / args.text_seconds
        for o, rates in zip(opts, base):
            for g, rate in zip(o.param_groups, rates):
                g["lr"] = rate * schedule(done)

        def loss_of(_):
            ids, positions, concept = texts.batch(args.text_batch // workers.count, done > 0.94)
            with torch.autocast(device.type, torch.bfloat16):
                vectors = mini_lit.embed(text, ids, positions)
            logits = vectors @ targets.T * 32
            loss = F.cross_entropy(logits, concept)
            return loss, torch.stack([loss, (logits.argmax(1) == concept).float().mean()])

        total += workers.step(loss_of).cpu()
        torch.nn.utils.clip_grad_norm_(text.parameters(), 1.0)
        for o in opts:
            o.step()
        ema.update(text, step)
        step, seen, now = step + 1, seen + 1, time.time()
        spent, tick = spent + min(now - tick, 5.0), now
        if now - last_save > 75 or spent >= args.text_seconds:
            save(path, {"model": text.state_dict(), "ema": ema.shadow, "step": step, "spent": spent,
                        "opts": [o.state_dict() for o in opts]})
            last_save = now
        if spent - last_print > 30 or spent >= args.text_seconds:
            loss, hit = (total / seen).tolist()
            print(json.dumps({"stage": "text", "step": step, "spent": round(spent), "loss": round(loss, 3),
                              "train": round(hit, 3)}), flush=True)
            total, seen, last_print = torch.zeros(2), 0, spent
    text.load_state_dict(ema.shadow)
    return text


def assemble(concepts, text, device):
    """The two trained towers as one model, with a temperature and a bias that roughly fit their vectors."""
    model = mini_model.build().to(device)
    model.vision_model.load_state_dict(concepts.vision.state_dict())
    model.text_model.load_state_dict(text.state_dict())
    with torch.no_grad():
        model.logit_scale.fill_(math.log(24.0))
        model.logit_bias.fill_(-14.0)
    return model


def train_joint(args, art, concepts, text, texts, device):
    """Stage 3: both towers with SigLIP's sigmoid loss on pictures and texts of the same concepts.

    Every pair of one concept counts as positive. Returns the whole model with averaged weights.
    """
    path = args.cache / f"{args.name}-joint.pt"
    model = assemble(concepts, text, device)
    order = art.concept.argsort(stable=True)
    count = torch.bincount(art.concept, minlength=len(art.concepts))
    start = count.cumsum(0) - count
    workers = mini_optim.Workers(model.parameters(), device)
    slow = [p for n, p in model.named_parameters() if not n.startswith("logit_")]
    opts = [torch.optim.AdamW([{"params": slow, "lr": args.joint_lr, "weight_decay": 0.01},
                               {"params": [model.logit_scale, model.logit_bias], "lr": 1e-2, "weight_decay": 0.0}],
                              betas=(0.9, 0.95), fused=True)]
    ema, step, spent = Ema(model, 0.99), 0, 0.0
    if path.exists():
        saved = torch.load(path, map_location=device, weights_only=False)
        model.load_state_dict(saved["model"])
        ema.shadow, step, spent = saved["ema"], saved["step"], saved["spent"]
        opts[0].load_state_dict(saved["opts"][0])
    base = [[args.joint_lr, 1e-2]]
    torch.manual_seed(args.seed + step)
    random.seed(args.seed + step)
    total, seen, last_save, last_print, tick = 0.0, 0, time.time(), spent, time.time()
    while spent < args.joint_seconds:
        for o, rates in zip(opts, base):
            for g, rate in zip(o.param_groups, rates):
                g["lr"] = rate * schedule(spent / args.joint_seconds, warm=0.1)

        def loss_of(_):
            ids, positions, concept = texts.batch(args.batch // workers.count, True)
            concept_ok = count[concept] > 0
            ids, concept = ids[concept_ok], concept[concept_ok]
            rows = order[start[concept] + (torch.rand(len(concept), device=device) * count[concept]).long()]
            pixels = mini_augment.augment(art.pixels[rows], art.flippable[concept], mini_model.IMAGE_SIZE, 0.8)
            with torch.autocast(device.type, torch.bfloat16):
                pictures = F.normalize(model.vision_model(pixels).pooler_output.float(), dim=-1)
                words = mini_lit.embed(model.text_model, ids, positions)
            logits = words @ pictures.T * model.logit_scale.exp() + model.logit_bias
            sign = (concept[:, None] == concept[None]).float() * 2 - 1
            loss = -F.logsigmoid(sign * logits).sum(1).mean()
            return loss, loss[None]

        total += workers.step(loss_of).item()
        torch.nn.utils.clip_grad_norm_(slow, 1.0)
        opts[0].step()
        ema.update(model, step)
        step, seen, now = step + 1, seen + 1, time.time()
        spent, tick = spent + min(now - tick, 5.0), now
        if now - last_save > 75 or spent >= args.joint_seconds:
            save(path, {"model": model.state_dict(), "ema": ema.shadow, "step": step, "spent": spent,
                        "opts": [opts[0].state_dict()]})
            last_save = now
        if spent - last_print > 30 or spent >= args.joint_seconds:
            print(json.dumps({"stage": "joint", "step": step, "spent": round(spent), "loss": round(total / seen, 3),
                              "scale": round(model.logit_scale.exp().item(), 2),
                              "bias": round(model.logit_bias.item(), 2)}), flush=True)
            total, seen, last_print = 0.0, 0, spent
    model.load_state_dict(ema.shadow)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "polylens-train")
    parser.add_argument("--name", default="mini", help="prefix of the checkpoints in the cache")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--muon-lr", type=float, default=1.5e-3)
    parser.add_argument("--image-seconds", type=float, default=3000)
    parser.add_argument("--text-seconds", type=float, default=900)
    parser.add_argument("--text-batch", type=int, default=320)
    parser.add_argument("--text-lr", type=float, default=2e-3)
    parser.add_argument("--joint-seconds", type=float, default=300)
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
    texts = mini_lit.Texts(base, derived, art.concepts, tokenizer, args.cache / f"texts{mini_data.VERSION}.pt", device)
    workers = mini_optim.Workers(concepts.parameters(), device)
    targets = picture_means(concepts, art, workers)
    text = train_text(args, art, targets, texts, device)
    before = assemble(concepts, text, device)
    mini_model.export(before.state_dict(), args.out)
    report(art, before, tokenizer, base, workers, every=8)
    model = train_joint(args, art, concepts, text, texts, device)
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
