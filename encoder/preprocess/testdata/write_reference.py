"""Writes reference.json: what SiglipImageProcessorPil and Siglip2ImageProcessorPil
of transformers and the transform of open_clip make of pictures that a formula
draws, so that the pictures need not be stored; grids.json: the NaFlex grid of
many sizes; and JPEGs with what Pillow decodes them to.

    python write_reference.py
"""
import hashlib
import json
import pathlib
import random

import numpy as np
import PIL
import torchvision
import transformers
from PIL import Image
from torchvision.transforms import Compose, InterpolationMode, Normalize, Resize, ToTensor
from transformers import Siglip2ImageProcessorPil, SiglipImageProcessorPil
from transformers.image_transforms import convert_to_rgb
from transformers.models.siglip2.image_processing_pil_siglip2 import get_image_size_for_max_num_patches

HERE = pathlib.Path(__file__).parent


def draw(width, height, channels, seed):
    """uint8 [height, width, channels]: tiles of a gradient and of noise. picture_test.go draws the same."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    x, y, c = x.astype(np.uint64), y.astype(np.uint64), c.astype(np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    h = (x * np.uint64(73856093)) ^ (y * np.uint64(19349663)) ^ (c * np.uint64(83492791)) ^ np.uint64(seed)
    noise = ((h & mask) * np.uint64(2654435761) & mask) >> np.uint64(24)
    smooth = ((x * np.uint64(3) + y * np.uint64(5) + c * np.uint64(160)) >> np.uint64(2)) & np.uint64(255)
    tile = ((x >> np.uint64(3)) + (y >> np.uint64(3))) & np.uint64(1)
    return np.where(tile == 1, noise, smooth).astype(np.uint8)


def picture(mode, width, height, seed):
    if mode == "L" or mode == "P":
        image = Image.fromarray(draw(width, height, 1, seed)[..., 0], "L")
        if mode == "P":
            palette = draw(256, 1, 4, seed + 1)[0]
            indices = np.array(image)
            image = Image.fromarray(indices, "P")
            image.putpalette(palette[:, :3].tobytes())
            image.info["transparency"] = palette[:, 3].tobytes()
        return image
    if mode == "I;16":
        bytes2 = draw(width, height, 2, seed).astype(np.uint16)
        return Image.fromarray(((bytes2[..., 0] >> 7) << 8) | bytes2[..., 1])
    return Image.fromarray(draw(width, height, len(mode), seed), mode)


SHAPES = [
    (1, 1), (1, 1000), (1000, 1), (3, 39), (39, 3), (641, 479), (479, 641), (2, 2), (7, 5), (224, 224), (225, 223),
    (64, 64), (64, 65), (65, 64), (1920, 1080), (1023, 17), (17, 1023), (2999, 31), (31, 2999), (512, 512), (100, 99),
    (13, 200), (4000, 3), (3, 4000),
]  # width, height
SIZES = [(224, 224), (64, 64), (31, 57)]  # height, width


def cases():
    seed = 0
    for i, (w, h) in enumerate(SHAPES):
        for resample in (2, 3):
            seed += 1
            yield dict(mode="RGB", width=w, height=h, seed=seed, size=SIZES[(i + resample) % 3], resample=resample)
    for mode in ("L", "RGBA", "P", "CMYK", "I;16"):
        for (w, h), size, resample in [((641, 479), (224, 224), 2), ((37, 90), (64, 64), 3), ((1, 77), (31, 57), 2)]:
            seed += 1
            yield dict(mode=mode, width=w, height=h, seed=seed, size=size, resample=resample)
    for resample in (0, 1, 4, 5):
        for w, h in [(641, 479), (37, 90), (3, 39), (500, 2)]:
            seed += 1
            yield dict(mode="RGB", width=w, height=h, seed=seed, size=(64, 48), resample=resample)
    yield dict(mode="RGB", width=333, height=111, seed=77, size=(1, 1), resample=2)
    yield dict(mode="RGB", width=333, height=111, seed=78, size=(512, 512), resample=2)
    yield dict(mode="RGB", width=50, height=50, seed=79, size=(40, 40), resample=2,
               image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225], rescale_factor=1 / 127.5)
    yield dict(mode="RGB", width=300, height=200, seed=80, size=(224, 224), resample=3, defaults=True)


def run(case):
    height, width = case["size"]
    image = picture(case["mode"], case["width"], case["height"], case["seed"])
    rgb = Image.fromarray(convert_to_rgb(image, return_numpy=True), "RGB")
    resized = np.asarray(rgb.resize((width, height), resample=case["resample"]))
    config = {k: v for k, v in case.items() if k in ("resample", "image_mean", "image_std", "rescale_factor")}
    for key in ("image_mean", "image_std"):
        config.setdefault(key, [0.5, 0.5, 0.5])
    config["size"] = {"height": height, "width": width}
    if case.get("defaults"):
        config = {}  # those of the class are the same
    pixels = SiglipImageProcessorPil(**config)(image, return_tensors="np")["pixel_values"][0]
    assert pixels.dtype == np.float32 and pixels.shape == (3, height, width)
    return {
        "mode": case["mode"], "width": case["width"], "height": case["height"], "seed": case["seed"],
        "config": config,
        "first": resized.reshape(-1)[:12].tolist(),
        "resized_sha256": hashlib.sha256(resized.tobytes()).hexdigest(),
        "pixels_sha256": hashlib.sha256(pixels.astype("<f4").tobytes()).hexdigest(),
    }


NAFLEX = [
    ("RGB", 640, 480, dict(max_num_patches=256, patch_size=16)),
    ("RGB", 39, 3, dict(max_num_patches=256, patch_size=16)),
    ("RGB", 300, 701, dict(max_num_patches=64, patch_size=16)),
    ("RGB", 1024, 1, dict(max_num_patches=128, patch_size=16)),
    ("RGB", 1, 1, dict(max_num_patches=256, patch_size=16)),
    ("RGB", 500, 333, dict(max_num_patches=1024, patch_size=16)),
    ("RGB", 100, 260, dict(max_num_patches=576, patch_size=14, resample=3)),
    ("RGB", 256, 256, dict(max_num_patches=256, patch_size=16)),  # keeps its size
    ("RGB", 333, 222, dict()),
    ("RGB", 130, 77, dict(max_num_patches=784, patch_size=8, image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.25])),
]


def run_naflex(number, mode, width, height, options):
    config = {"image_processor_type": "Siglip2ImageProcessor", **options}
    image = picture(mode, width, height, number)
    out = Siglip2ImageProcessorPil(**options)(image, return_tensors="np")
    rows, columns = (int(n) for n in out["spatial_shapes"][0])
    patches = out["pixel_values"][0][: rows * columns]
    assert patches.dtype == np.float32 and out["pixel_attention_mask"][0].sum() == rows * columns
    return {
        "mode": mode, "width": width, "height": height, "seed": number, "config": config,
        "rows": rows, "columns": columns,
        "first": patches.reshape(-1)[:6].tolist(),
        "pixels_sha256": hashlib.sha256(patches.astype("<f4").tobytes()).hexdigest(),
    }


OPEN_CLIP = [
    (641, 479, dict(size=[224, 224], interpolation="bicubic", mean=[0.5] * 3, std=[0.5] * 3)),
    (100, 333, dict(size=256, interpolation="bicubic", mean=[0.5] * 3, std=[0.5] * 3)),
    (333, 100, dict(size=[64, 48], interpolation="bilinear", mean=[0.481, 0.458, 0.408], std=[0.269, 0.261, 0.276])),
]


def run_open_clip(number, width, height, config):
    """The steps of image_transform_v2 of open_clip for resize_mode squash, which are torchvision's."""
    size = config["size"] if isinstance(config["size"], list) else [config["size"]] * 2
    mode = {"bicubic": InterpolationMode.BICUBIC, "bilinear": InterpolationMode.BILINEAR}[config["interpolation"]]
    steps = Compose([Resize(size, interpolation=mode), ToTensor(), Normalize(config["mean"], config["std"])])
    pixels = steps(picture("RGB", width, height, number)).numpy()
    return {
        "mode": "RGB", "width": width, "height": height, "seed": number,
        "config": {"mode": "RGB", "resize_mode": "squash", "fill_color": 0, **config},
        "first": pixels.reshape(-1)[:6].tolist(),
        "pixels_sha256": hashlib.sha256(pixels.astype("<f4").tobytes()).hexdigest(),
    }


LIMITS = [64, 128, 256, 576, 784, 1024]
GRID_SIZES = [
    (480, 640), (1080, 1920), (1920, 1080), (224, 224), (1024, 1024), (16, 16), (224, 1024), (400, 1600), (2853, 1000),
    (1, 1024), (3, 39), (2160, 4096), (1024, 1), (1, 1), (1, 100000), (65535, 2),
]  # height, width


def grids():
    """Lines of height, width and the rows and columns for each of LIMITS."""
    rng = random.Random(1)
    sizes = GRID_SIZES + [tuple(round(2 ** rng.uniform(0, 13)) for _ in range(2)) for _ in range(1000)]
    for height, width in sizes:
        line = [height, width]
        for limit in LIMITS:
            line += [side // 16 for side in get_image_size_for_max_num_patches(height, width, 16, limit)]
        yield line


def jpegs():
    """Small JPEGs of each chroma subsampling, and as PNG what Pillow decodes them to."""
    y, x = np.mgrid[0:45, 0:61]
    smooth = np.stack([128 + 100 * np.sin(x / 5), 128 + 90 * np.cos(y / 7 + x / 9), (x * y) % 256 / 2 + 60], -1)
    image = Image.fromarray(smooth.clip(0, 255).astype(np.uint8), "RGB")
    for name, subsampling in [("444", "4:4:4"), ("422", "4:2:2"), ("420", "4:2:0")]:
        for width, height in [(61, 45), (60, 44), (3, 3)]:
            path = HERE / f"chroma{name}_{width}x{height}.jpg"
            image.crop((0, 0, width, height)).save(path, quality=92, subsampling=subsampling)
            with Image.open(path) as decoded:
                decoded.save(path.with_suffix(".png"), optimize=True)


def blocks():
    """JPEGs of blocks of one colour, for which every inverse cosine transform is exact."""
    rng = np.random.default_rng(1)
    for name, subsampling, across, down in [("444", "4:4:4", 1, 1), ("422", "4:2:2", 2, 1), ("420", "4:2:0", 2, 2)]:
        def plane(block_width, block_height):
            block = rng.integers(0, 256, (96 // block_height, 96 // block_width), np.uint8)
            return Image.fromarray(block.repeat(block_height, 0).repeat(block_width, 1))

        chroma = [plane(8 * across, 8 * down) for _ in range(2)]
        path = HERE / f"blocks{name}_96x96.jpg"
        Image.merge("YCbCr", [plane(8, 8), *chroma]).save(path, quality=100, subsampling=subsampling)
        with Image.open(path) as decoded:
            decoded.save(path.with_suffix(".png"), optimize=True)


def lines(values):
    return "[\n" + ",\n".join(json.dumps(value) for value in values) + "\n]"


def main():
    jpegs()
    blocks()
    versions = {"transformers": transformers.__version__, "pillow": PIL.__version__,
                "torchvision": torchvision.__version__}
    parts = {
        "cases": [run(c) for c in cases()],
        "naflex": [run_naflex(i, *c) for i, c in enumerate(NAFLEX)],
        "open_clip": [run_open_clip(i, *c) for i, c in enumerate(OPEN_CLIP)],
    }
    text = ",\n".join(f'"{name}": {lines(part)}' for name, part in parts.items())
    (HERE / "reference.json").write_text(json.dumps(versions)[:-1] + ",\n" + text + "}\n")
    (HERE / "grids.json").write_text(f'{{"limits": {LIMITS},\n"grids": {lines(grids())}}}\n')


main()
