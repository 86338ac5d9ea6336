"""The rows of the parity matrix: what to write, and what to expect of it."""
import dataclasses
import gc
import unicodedata
from typing import Callable

import torch

import exports
import formula
import models
import reference


@dataclasses.dataclass
class Job:
    title: str
    layers: str                     # of texts and pictures, here and in truth
    # write puts the model into an empty folder. It returns what polylens is to
    # open, and a function of texts and files to the expected vectors.
    write: Callable
    texts: Callable = list          # chooses among the texts
    difference: float = 1e-4        # allowed, as a share of the largest entry


def jobs(layers=2):
    """Every row, in the order of the table."""
    official = models.official(layers)
    b16 = next(checkpoint for checkpoint in official if checkpoint.name == "siglip2-base-patch16-224")
    naflex = next(checkpoint for checkpoint in official if checkpoint.name == "siglip2-base-patch16-naflex")
    made = []
    for checkpoint in official:
        budgets = (64, 256, 1024) if checkpoint.naflex else (None,)
        made += [plain(checkpoint, patches) for patches in budgets]
    made += [stored(b16, "float16", torch.float16), stored(b16, "bfloat16", torch.bfloat16), stored(b16, "3 shards", torch.float32, shards=3)]
    made += [exported(checkpoint, dtype) for checkpoint in (b16, naflex) for dtype in (torch.float32, torch.float16)]
    return made + [immich(b16), adapted(b16)]


def depth(checkpoint):
    text, text_full, vision, vision_full = checkpoint.depth()
    return f"{text} of {text_full}, {vision} of {vision_full}"


def expect(directory):
    """The vectors of transformers for a model directory."""
    def vectors(texts, files):
        result = reference.embed(reference.load(directory), directory, texts, files)
        gc.collect()
        return result
    return vectors


def plain(checkpoint, patches):
    def write(folder):
        directory = folder / checkpoint.name
        models.write(checkpoint, directory)
        if patches:
            models.write_processor(checkpoint, directory, patches)
        return directory, expect(directory)

    return Job(checkpoint.name + (f", {patches} patches" if patches else ""), depth(checkpoint), write)


def stored(checkpoint, name, dtype, shards=1):
    def write(folder):
        directory = folder / checkpoint.name
        models.write(checkpoint, directory, dtype, shards)
        return directory, expect(directory)

    return Job(f"{checkpoint.name}, stored as {name}", depth(checkpoint), write)


def exported(checkpoint, dtype):
    """The files of onnx-community alone, without the weights they came from."""
    def write(folder):
        directory, target = folder / "origin" / checkpoint.name, folder / f"{checkpoint.name}-ONNX"
        models.write(checkpoint, directory)
        target.mkdir()
        exports.write_community(directory, target, dtype)
        return target, expect(directory)

    if dtype == torch.float16:  # weights and activations of 11 bits, against those of 24
        return Job(f"{checkpoint.name}, ONNX fp16", depth(checkpoint), write, difference=1e-2)
    return Job(f"{checkpoint.name}, ONNX fp32", depth(checkpoint), write)


def immich(checkpoint):
    def write(folder):
        directory, target = folder / "origin" / checkpoint.name, folder / "ViT-B-16-SigLIP2__webli"
        models.write(checkpoint, directory)
        target.mkdir()
        exports.write_immich(directory, target)
        expected = expect(directory)
        return target, lambda texts, files: expected([exports.cleaned(text) for text in texts], files)

    return Job(f"{checkpoint.name}, Immich's layout", depth(checkpoint), write, lambda texts: [t for t in texts if undisputed(t)])


def undisputed(text):
    """Whether open_clip, which repairs texts and removes spaces last, and Immich,
    which does neither, make the same of a text. Polylens follows open_clip, as
    these models were trained."""
    repaired = set("_&‘’‚‛“”„‟\u02bc\u00a0\u3000") | {chr(code) for code in range(32)}
    cleaned = exports.cleaned(text)
    return unicodedata.normalize("NFKC", text) == text and not repaired & set(text) and " ".join(cleaned.split()) == cleaned


def adapted(checkpoint):
    """A PEFT adapter whose base lies elsewhere, against PEFT's own merge."""
    from peft import LoraConfig, PeftModel, get_peft_model

    def write(folder):
        base, adapter = folder / checkpoint.name, folder / "adapter"
        models.write(checkpoint, base)
        settings = LoraConfig(r=8, lora_alpha=16, use_rslora=True, rank_pattern={r"layers\.0\.self_attn\.q_proj": 4},
                              target_modules=["q_proj", "k_proj", "v_proj", "fc1", "fc2", "patch_embedding", "text_model.head"])
        peft_model = get_peft_model(reference.load(base), settings)
        peft_model.peft_config["default"].base_model_name_or_path = str(base)
        with torch.no_grad():
            for name, parameter in peft_model.named_parameters():
                if "lora_" in name:
                    values = formula.uniform(name, tuple(parameter.shape), 0, 2 / parameter[0].numel() ** 0.5)
                    parameter.copy_(torch.from_numpy(values))
        peft_model.save_pretrained(adapter)
        del peft_model

        def expected(texts, files):
            merged = PeftModel.from_pretrained(reference.load(base), adapter).merge_and_unload()
            return reference.embed(merged, base, texts, files)
        return adapter, expected

    return Job(f"{checkpoint.name}, LoRA adapter", depth(checkpoint), write)
