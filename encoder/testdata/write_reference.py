"""Writes what Hugging Face transformers computes for models whose weights come
from a formula. The Go tests compute the same weights and compare.

    python write_reference.py                 rewrites the files beside this script
    python write_reference.py --full DIR      writes a whole B/16-224 checkpoint, 12 and
                                              12 layers with random weights, for parity.py
Needs torch, transformers, tokenizers, pillow and safetensors.
"""
import argparse
import json
import pathlib
import shutil

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import Siglip2Config, Siglip2Model, SiglipConfig, SiglipModel
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

import formula
import interpolation  # noqa: F401, corrects torch

HERE = pathlib.Path(__file__).parent

# base has the width, heads, MLP, patch and resolution of B/16-224, but two
# layers and a small vocabulary. odd divides nothing by a power of two. patch14
# is sparse, as files on the hub are, and drops the last pixels as So400m/14-384 does.
CONFIGS = {
    "base": {
        "model_type": "siglip",
        "text_config": {"num_hidden_layers": 2, "vocab_size": 1000},
        "vision_config": {"num_hidden_layers": 2},
    },
    "odd": {
        "model_type": "siglip",
        "text_config": {
            "hidden_size": 40, "intermediate_size": 90, "num_hidden_layers": 2, "num_attention_heads": 4,
            "vocab_size": 131, "max_position_embeddings": 19, "projection_size": 48, "hidden_act": "gelu",
            "layer_norm_eps": 1e-5,
        },
        "vision_config": {
            "hidden_size": 48, "intermediate_size": 100, "num_hidden_layers": 3, "num_attention_heads": 3,
            "image_size": 35, "patch_size": 7,
        },
    },
    "patch14": {
        "model_type": "siglip",
        "text_config": {
            "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 1, "num_attention_heads": 8,
            "vocab_size": 512, "model_type": "siglip_text_model",
        },
        "vision_config": {
            "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": 58, "patch_size": 14,
        },
    },
}

# naflex is a NaFlex model; its pictures have these grids of patches.
NAFLEX = {
    "model_type": "siglip2",
    "text_config": {
        "hidden_size": 40, "intermediate_size": 90, "num_hidden_layers": 2, "num_attention_heads": 4,
        "vocab_size": 131, "max_position_embeddings": 19, "projection_size": 48,
    },
    "vision_config": {
        "hidden_size": 48, "intermediate_size": 100, "num_hidden_layers": 3, "num_attention_heads": 3,
        "num_patches": 25, "patch_size": 4,
    },
}
GRIDS = [(5, 5), (1, 1), (1, 30), (30, 1), (3, 8), (9, 7), (2, 2), (7, 4)]

PROCESSOR = {
    "do_convert_rgb": None, "do_normalize": True, "do_rescale": True, "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "SiglipImageProcessor", "image_std": [0.5, 0.5, 0.5],
    "processor_class": "SiglipProcessor", "resample": 2, "rescale_factor": 0.00392156862745098,
}

PICTURES = [
    (58, 58), (1, 1), (1, 200), (300, 2), (57, 59), (640, 480), (333, 77), (64, 1000), (29, 29), (1023, 61),
    (100, 100), (59, 58), (116, 29), (500, 501), (31, 7), (7, 31), (800, 33), (224, 224), (3, 3), (174, 290),
]

TEXTS = [
    "a cat", "A Cat", "", " ", "two  spaces", "Straße", "猫", "고양이", "кошка на крыше", "قطة", "बिल्ली", "แมว",
    "ΑΒΓ σς", "İstanbul", "emoji 🐈‍⬛!", "tab\tand\nline", "😀😀😀 " * 12,
    "a very long description of a picture that goes on and on until it fills every position that there is and more",
]


def model_of(config):
    """The model of a config with the formula's weights."""
    model = SiglipModel(SiglipConfig.from_dict(json.loads(json.dumps(config)))).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(formula.weight(name, tuple(parameter.shape))))
    return model


def input_ids(config, count):
    """Texts of growing length: ids, the end of text, padding."""
    rows = np.zeros((count, config.max_position_embeddings), dtype=np.int64)
    for i in range(count):
        length = min(3 + 9 * i, rows.shape[1])
        ids = formula.integers(f"input_ids.{i}", length) % np.uint64(config.vocab_size)
        rows[i, :length] = ids.astype(np.int64)
        rows[i, length - 1] = 1
    return rows


def rounded(array):
    """Nested lists of numbers that say float32 exactly and no more."""
    return json.loads(json.dumps(array.tolist()), parse_float=lambda s: float(f"{float(s):.9g}"))


@torch.no_grad()
def write_towers(name, config, count=3):
    model = model_of(config)
    size = model.config.vision_config.image_size
    ids = input_ids(model.config.text_config, count)
    pixels = formula.uniform("pixel_values", (count, 3, size, size), 0, 2)
    text = model.text_model(input_ids=torch.from_numpy(ids))
    vision = model.vision_model(pixel_values=torch.from_numpy(pixels))
    reference = {
        "config": config,
        "input_ids": ids.tolist(),
        "text_pooled": rounded(text.pooler_output.numpy()),
        "vision_pooled": rounded(vision.pooler_output.numpy()),
        # One item and a few of its positions, so that the files stay small.
        "text_states": rounded(text.last_hidden_state[1, :5].numpy()),
        "vision_states": rounded(vision.last_hidden_state[1, :5].numpy()),
    }
    write_json(HERE / f"{name}.json", reference)


@torch.no_grad()
def write_naflex():
    """Pictures of many grids, padded in one batch as transformers takes them."""
    model = Siglip2Model(Siglip2Config.from_dict(json.loads(json.dumps(NAFLEX)))).eval()
    for name, parameter in model.named_parameters():
        parameter.copy_(torch.from_numpy(formula.weight(name, tuple(parameter.shape))))
    most = max(rows * columns for rows, columns in GRIDS)
    values = 3 * NAFLEX["vision_config"]["patch_size"] ** 2
    pixels, mask = np.zeros((len(GRIDS), most, values), np.float32), np.zeros((len(GRIDS), most), np.int64)
    for i, (rows, columns) in enumerate(GRIDS):
        pixels[i, :rows * columns] = formula.uniform(f"pixel_values.{i}", (rows * columns, values), 0, 2)
        mask[i, :rows * columns] = 1
    vision = model.vision_model(pixel_values=torch.from_numpy(pixels), pixel_attention_mask=torch.from_numpy(mask),
                                spatial_shapes=torch.tensor(GRIDS))
    ids = input_ids(model.config.text_config, 3)
    text = model.text_model(input_ids=torch.from_numpy(ids))
    write_json(HERE / "naflex.json", {
        "config": NAFLEX, "input_ids": ids.tolist(), "grids": GRIDS,
        "text_pooled": rounded(text.pooler_output.numpy()),
        "vision_pooled": rounded(vision.pooler_output.numpy()),
        "vision_states": rounded(vision.last_hidden_state[4, :24].numpy()),
    })


@torch.no_grad()
def write_whole():
    """Strings and pictures to unit vectors, with tokenizer and processor."""
    config = CONFIGS["patch14"]
    write_tokenizer(HERE / "model" / "tokenizer.json", config["text_config"]["vocab_size"])
    write_json(HERE / "model" / "preprocessor_config.json", PROCESSOR | {"size": {"height": 58, "width": 58}})
    write_json(HERE / "model" / "tokenizer_config.json", {
        "add_bos_token": False, "add_eos_token": True, "bos_token": "<bos>", "do_lower_case": True, "eos_token": "<eos>",
        "model_max_length": 64, "pad_token": "<pad>", "padding_side": "right", "tokenizer_class": "Siglip2Tokenizer",
        "unk_token": "<unk>",
    })
    write_json(HERE / "model" / "config.json", config)
    model = model_of(config)
    tokenizer = Tokenizer.from_file(str(HERE / "model" / "tokenizer.json"))
    processor = SiglipImageProcessorPil(**PROCESSOR, size={"height": 58, "width": 58})
    images = [Image.fromarray(formula.picture(f"picture.{w}x{h}", w, h)) for w, h in PICTURES]
    pixels = torch.cat([processor(image, return_tensors="pt")["pixel_values"] for image in images])
    ids = torch.tensor([padded(tokenizer.encode(text).ids) for text in TEXTS])
    unit = torch.nn.functional.normalize
    write_json(HERE / "whole.json", {
        "pictures": PICTURES,
        "picture_vectors": rounded(unit(model.vision_model(pixel_values=pixels).pooler_output).numpy()),
        "texts": TEXTS,
        "text_vectors": rounded(unit(model.text_model(input_ids=ids).pooler_output).numpy()),
    })


def padded(ids, length=64):
    """As SigLIP 2 is trained: one end of text, also when the text is cut, then zeros."""
    return (ids[: length - 1] + [1] if len(ids) > length else ids) + [0] * max(length - len(ids), 0)


def write_tokenizer(path, size):
    """A tiny tokenizer built as Gemma's: byte-pair merges with byte fallback."""
    path.parent.mkdir(exist_ok=True)
    vocabulary = ["<pad>", "<eos>", "<bos>", "<unk>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    letters = sorted(set("▁abcdefghijklmnopqrstuvwxyz!.,кошаныперσςαβγ猫แมวßقط고"))
    merges = ["a t", "c at", "▁ t", "o n", "i n", "▁ a", "▁ cat", "e r", "▁t h", "▁th e", "о ш", "к ош", "▁ ▁", "o f"]
    vocabulary += letters + [merge.replace(" ", "") for merge in merges]
    assert len(vocabulary) <= size and len(set(vocabulary)) == len(vocabulary)
    special = [{"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True} for i, token in enumerate(vocabulary[:4])]
    end = {"SpecialToken": {"id": "<eos>", "type_id": 0}}
    write_json(path, {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Lowercase"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
        "post_processor": {"type": "TemplateProcessing",
                           "single": [{"Sequence": {"id": "A", "type_id": 0}}, end],
                           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, end, {"Sequence": {"id": "B", "type_id": 1}}],
                           "special_tokens": {"<eos>": {"id": "<eos>", "ids": [1], "tokens": ["<eos>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                  "vocab": {token: i for i, token in enumerate(vocabulary)},
                  "merges": [merge.split(" ") for merge in merges]},
    })


def write_full(directory):
    """B/16-224 in full, 1.5 GB; tokenizer and the like are those of testdata/model."""
    directory.mkdir(parents=True, exist_ok=True)
    config = {"model_type": "siglip", "text_config": {"vocab_size": 256000}, "vision_config": {}}
    model = model_of(config)
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()},
              directory / "model.safetensors", metadata={"format": "pt"})
    write_json(directory / "config.json", config)
    write_json(directory / "preprocessor_config.json", PROCESSOR | {"size": {"height": 224, "width": 224}})
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(HERE / "model" / name, directory / name)


def write_json(path, content):
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", type=pathlib.Path, metavar="DIR")
    arguments = parser.parse_args()
    if arguments.full:
        write_full(arguments.full)
    else:
        for name, config in CONFIGS.items():
            write_towers(name, config)
        write_naflex()
        write_whole()
