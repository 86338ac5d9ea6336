"""Writes small PEFT adapters and the weights that PEFT merges them to.

    python write_reference.py      rewrites the folders beside this script

The base weights come from the formula of encoder/testdata/formula.py, which the
Go tests compute too: a folder holds the adapter and, in merged.safetensors,
only those weights that merging changes. Needs torch, transformers, peft and
safetensors.
"""
import pathlib
import shutil
import sys
import tempfile

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import SiglipConfig, SiglipModel

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "testdata"))
import formula  # noqa: E402

TOWER = {"hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2}
CONFIG = SiglipConfig(
    text_config=TOWER | {"vocab_size": 20, "max_position_embeddings": 6, "projection_size": 8, "bos_token_id": 2, "eos_token_id": 1},
    vision_config=TOWER | {"image_size": 8, "patch_size": 4},
)

# What PEFT is asked for, and the type that the adapter is stored in.
CASES = {
    "linear": ({"r": 2, "lora_alpha": 3, "target_modules": ["q_proj", "v_proj", "fc1", "text_model.head"]}, torch.float32),
    # The first pattern that matches counts: layer 0's q_proj has rank 3, not 4.
    "patterns": ({"r": 2, "lora_alpha": 5, "use_rslora": True,
                  "target_modules": r"(text|vision)_model\.encoder\.layers\.\d+\.self_attn\.(q|k)_proj",
                  "rank_pattern": {r"layers\.0\.self_attn\.q_proj": 3, "q_proj": 4, "ayers.0.self_attn.k_proj": 1},
                  "alpha_pattern": {"k_proj": 7.5, r"layers\.1\.self_attn\.k_proj": 9}}, torch.float32),
    "modules": ({"r": 3, "lora_alpha": 4, "bias": "all",
                 "target_modules": ["token_embedding", "position_embedding", "patch_embedding", "vision_model.head.attention"],
                 "modules_to_save": ["text_model.head", "layer_norm1"]}, torch.float32),
    "dora": ({"r": 2, "lora_alpha": 6, "use_dora": True, "bias": "lora_only",
              "target_modules": ["out_proj", "fc2", "token_embedding", "patch_embedding"]}, torch.float32),
    "biased": ({"r": 2, "lora_alpha": 3, "lora_bias": True, "bias": "lora_only", "fan_in_fan_out": True,
                "target_modules": ["v_proj", "fc2"]}, torch.float32),
    "float16": ({"r": 2, "target_modules": ["k_proj", "token_embedding"]}, torch.float16),
    "bfloat16": ({"r": 2, "target_modules": ["k_proj", "patch_embedding"]}, torch.bfloat16),
}


def base():
    model = SiglipModel(CONFIG).eval()
    fill(model, "")
    return model


@torch.no_grad()
def fill(model, prefix):
    for name, parameter in model.named_parameters():
        parameter.copy_(torch.from_numpy(formula.weight(prefix + name, tuple(parameter.shape))))


@torch.no_grad()
def write_adapter(folder, settings, dtype):
    """An adapter whose every stored number comes from the formula."""
    model = get_peft_model(base(), LoraConfig(**settings))
    model.peft_config["default"].base_model_name_or_path = "google/siglip2-tiny"
    model.peft_config["default"].revision = "5f3a"
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary)
        shutil.copy(pathlib.Path(temporary) / "adapter_config.json", folder)
        stored = load_file(pathlib.Path(temporary) / "adapter_model.safetensors")
    made = {name: torch.from_numpy(formula.uniform(name, tuple(tensor.shape), 0, 1)).to(dtype) for name, tensor in stored.items()}
    save_file(made, folder / "adapter_model.safetensors", metadata={"format": "pt"})


@torch.no_grad()
def write_merged(folder):
    before = base().state_dict()
    merged = PeftModel.from_pretrained(base(), folder).merge_and_unload().state_dict()
    assert merged.keys() == before.keys()
    changed = {name: tensor.contiguous() for name, tensor in merged.items() if not torch.equal(tensor, before[name])}
    save_file(changed, folder / "merged.safetensors", metadata={"format": "pt"})
    return len(changed)


def main():
    for name, (settings, dtype) in CASES.items():
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        write_adapter(folder, settings, dtype)
        print(f"{name}: {write_merged(folder)} weights change")


if __name__ == "__main__":
    main()
