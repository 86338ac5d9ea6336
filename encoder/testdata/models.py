"""The checkpoints of the parity matrix: true widths, random weights, written in
the layout that the official ones have on the hub."""
import dataclasses
import json
import pathlib
import shutil

import numpy as np
import sentencepiece
import torch
from safetensors.torch import save_file
from transformers import Siglip2Config, Siglip2Model, SiglipConfig, SiglipModel

import formula
import inputs

# Tokenizer of the bundled model: Gemma's with fewer pieces.
MINI = pathlib.Path(__file__).parent.parent / "hub" / "polylens-mini"

# Width, MLP, layers, heads.
SIZES = {"base": (768, 3072, 12, 12), "large": (1024, 4096, 24, 16), "so400m": (1152, 4304, 27, 16), "giant-opt": (1536, 6144, 40, 16)}


@dataclasses.dataclass
class Checkpoint:
    name: str
    size: str                       # key of SIZES
    patch: int
    resolution: int | None = None   # None: NaFlex
    vocabulary: int = 256000
    length: int = 64
    text_head: bool = True          # False: identity and zero bias, as the converter writes for the i18n model
    layers: int = 2                 # of each tower, at most

    @property
    def naflex(self):
        return self.resolution is None

    @property
    def siglip1(self):
        return self.name.startswith("siglip-")

    def depth(self):
        """Layers of texts and pictures, here and in truth."""
        text, vision = SIZES["so400m" if self.size == "giant-opt" else self.size][2], SIZES[self.size][2]
        return min(self.layers, text), text, min(self.layers, vision), vision


def official(layers=2):
    """Every architecture of the 17 checkpoints at every resolution that has a
    grid of its own, and the architectures of SigLIP 1."""
    fixed = [("base", 32, 256), ("base", 16, 224), ("base", 16, 256), ("base", 16, 384), ("base", 16, 512),
             ("large", 16, 256), ("large", 16, 384), ("large", 16, 512),
             ("so400m", 14, 224), ("so400m", 14, 384), ("so400m", 16, 256), ("so400m", 16, 384), ("so400m", 16, 512),
             ("giant-opt", 16, 256), ("giant-opt", 16, 384)]
    rows = [Checkpoint(f"siglip2-{size}-patch{patch}-{side}", size, patch, side, layers=layers) for size, patch, side in fixed]
    rows += [Checkpoint(f"siglip2-{size}-patch16-naflex", size, 16, layers=layers) for size in ("base", "so400m")]
    rows += [
        Checkpoint("siglip-base-patch16-224", "base", 16, 224, vocabulary=32000, layers=layers),
        Checkpoint("siglip-so400m-patch14-224", "so400m", 14, 224, vocabulary=32000, length=16, layers=layers),
        Checkpoint("siglip-so400m-patch16-256-i18n", "so400m", 16, 256, vocabulary=250000, text_head=False, layers=layers),
    ]
    return rows


def config(checkpoint):
    """config.json, sparse as those on the hub are."""
    width, mlp, _, heads = SIZES[checkpoint.size]
    text_layers, _, vision_layers, _ = checkpoint.depth()
    kind = "siglip2" if checkpoint.naflex else "siglip"
    vision = {"model_type": f"{kind}_vision_model", "hidden_size": width, "intermediate_size": mlp,
              "num_hidden_layers": vision_layers, "num_attention_heads": heads, "patch_size": checkpoint.patch}
    vision |= {"num_patches": 256} if checkpoint.naflex else {"image_size": checkpoint.resolution}
    text_width, text_mlp, _, text_heads = SIZES["so400m" if checkpoint.size == "giant-opt" else checkpoint.size]
    text = {"model_type": f"{kind}_text_model", "hidden_size": text_width, "intermediate_size": text_mlp,
            "num_hidden_layers": text_layers, "num_attention_heads": text_heads, "vocab_size": checkpoint.vocabulary,
            "max_position_embeddings": checkpoint.length}
    if width != text_width:
        text["projection_size"] = width
    defaults = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
                "patch_size": 16, "image_size": 224, "num_patches": 256, "vocab_size": 32000, "max_position_embeddings": 64}
    sparse = [{key: value for key, value in part.items() if defaults.get(key) != value} for part in (text, vision)]
    return {"initializer_factor": 1.0, "model_type": kind, "text_config": sparse[0], "vision_config": sparse[1]}


def classes(directory):
    """The classes of transformers for a model directory."""
    kind = json.loads((directory / "config.json").read_text())["model_type"]
    return (Siglip2Config, Siglip2Model) if kind == "siglip2" else (SiglipConfig, SiglipModel)


def weight(name, shape):
    """A random weight. Biases and norms matter, attention has preferences, and
    what differs between texts or pictures reaches the end; freshly initialised
    models of transformers have none of that."""
    generator = torch.Generator().manual_seed(int(formula.integers(name, 1)[0] >> np.uint64(1)))
    values = torch.randn(shape, generator=generator)
    if name == "logit_scale":
        return values * 0.1 + 4.7
    if name == "logit_bias":
        return values - 16
    if "norm" in name:
        return values * 0.2 + (1 if name.endswith("weight") else 0)
    if len(shape) == 1:
        return values * 0.1
    if "embedding.weight" in name and "patch" not in name or name.endswith("probe"):
        return values
    sharp = 2 if "q_proj" in name or "k_proj" in name else 1
    return values * (sharp / np.sqrt(np.prod(shape[1:])))


def tensors(checkpoint):
    """Name and values of every weight, one after the other."""
    description = config(checkpoint)
    config_class, model_class = (Siglip2Config, Siglip2Model) if checkpoint.naflex else (SiglipConfig, SiglipModel)
    with torch.device("meta"):
        model = model_class(config_class.from_dict(description))
    for name, parameter in model.named_parameters():
        values = weight(name, tuple(parameter.shape))
        if name.startswith("text_model.head.") and not checkpoint.text_head:
            values = torch.eye(len(values)) if values.ndim == 2 else torch.zeros_like(values)
        yield name, values


def write(checkpoint, directory, dtype=torch.float32, shards=1):
    """A whole model directory."""
    directory.mkdir(parents=True)
    write_json(directory / "config.json", config(checkpoint))
    write_weights(directory, {name: values.to(dtype) for name, values in tensors(checkpoint)}, shards)
    write_processor(checkpoint, directory)
    if checkpoint.siglip1:
        write_sentencepiece(checkpoint, directory)
    else:
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            shutil.copy(MINI / name, directory)


def write_weights(directory, weights, shards):
    if shards == 1:
        save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
        return
    weight_map = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        part = dict(list(weights.items())[shard::shards])
        save_file(part, directory / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(part, file)
    total = sum(values.numel() * values.element_size() for values in weights.values())
    write_json(directory / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": weight_map})


def write_processor(checkpoint, directory, patches=256):
    processor = {
        "do_convert_rgb": None, "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5], "resample": 3 if checkpoint.siglip1 else 2, "rescale_factor": 0.00392156862745098,
    }
    if checkpoint.naflex:
        processor |= {"image_processor_type": "Siglip2ImageProcessorFast", "processor_class": "Siglip2Processor",
                      "patch_size": checkpoint.patch, "max_num_patches": patches}
    else:
        processor |= {"image_processor_type": "SiglipImageProcessor", "processor_class": "SiglipProcessor",
                      "size": {"height": checkpoint.resolution, "width": checkpoint.resolution}}
    write_json(directory / "preprocessor_config.json", processor)


def write_sentencepiece(checkpoint, directory):
    """A Unigram model with the special pieces of those that SigLIP 1 uses,
    trained on the texts at hand."""
    texts = [text.lower() for _, symbols in inputs.languages() for _, keywords in symbols for text in keywords]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts[::7]), model_prefix=str(directory / "spiece"), model_type="unigram", vocab_size=8000,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, character_coverage=0.9995, normalization_rule_name="nmt_nfkc",
        byte_fallback=False, num_threads=2, minloglevel=2, input_sentence_size=100000)
    (directory / "spiece.vocab").unlink()
    write_json(directory / "tokenizer_config.json", {
        "additional_special_tokens": [], "clean_up_tokenization_spaces": True, "do_lower_case": True, "eos_token": "</s>",
        "model_input_names": ["input_ids"], "model_max_length": checkpoint.length, "pad_token": "</s>",
        "processor_class": "SiglipProcessor", "sp_model_kwargs": {}, "tokenizer_class": "SiglipTokenizer", "unk_token": "<unk>",
    })


def write_json(path, content):
    path.write_text(json.dumps(content, indent=2) + "\n")
