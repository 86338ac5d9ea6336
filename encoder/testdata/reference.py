"""What Hugging Face transformers makes of texts and pictures."""
import json

import torch
from PIL import Image
from tokenizers import Tokenizer, normalizers
from transformers import SiglipTokenizer
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

import interpolation  # noqa: F401, corrects torch
import models

BATCH = 16


def load(directory):
    """The model of a directory, in float32 whatever it is stored in."""
    _, model_class = models.classes(directory)
    return model_class.from_pretrained(directory, dtype=torch.float32).eval()


def input_ids(directory, length, texts):
    """Token ids as the reference makes them: SiglipTokenizer for SigLIP 1, the
    lower-cased Gemma tokenizer for SigLIP 2, with one end of text also when the
    text is cut, then padding."""
    if (directory / "spiece.model").exists():
        tokenizer = SiglipTokenizer.from_pretrained(directory)
        return tokenizer(texts, padding="max_length", max_length=length, truncation=True, return_tensors="pt")["input_ids"]
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), tokenizer.normalizer])
    tokenizer.no_padding()
    tokenizer.no_truncation()
    rows = [tokenizer.encode(text, add_special_tokens=False).ids[: length - 1] + [1] for text in texts]
    return torch.tensor([row + [0] * (length - len(row)) for row in rows])


def processor(directory):
    """The processor of a directory, in the version on top of Pillow."""
    kind = json.loads((directory / "preprocessor_config.json").read_text())["image_processor_type"]
    return (Siglip2ImageProcessorPil if kind.startswith("Siglip2") else SiglipImageProcessorPil).from_pretrained(directory)


def unit(vectors):
    return torch.nn.functional.normalize(torch.cat(vectors)).numpy()


@torch.no_grad()
def embed(model, directory, texts, files):
    """Unit vectors of texts and of picture files."""
    ids = input_ids(directory, model.config.text_config.max_position_embeddings, texts)
    text_vectors = [model.text_model(input_ids=batch).pooler_output for batch in ids.split(BATCH)]
    prepare = processor(directory)
    image_vectors = [model.vision_model(**prepare(Image.open(file), return_tensors="pt")).pooler_output for file in files]
    return unit(text_vectors), unit(image_vectors)
