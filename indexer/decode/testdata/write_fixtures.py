"""Writes small pictures in many formats, and reference.json: their upright
pixels as Pillow (libjpeg-turbo, libwebp, libtiff, libavif) and pillow-heif
(libheif) decode them.

    pip install numpy pillow pillow-heif
    python write_fixtures.py
"""
import base64
import json
import pathlib

import numpy as np
import PIL
import pillow_heif
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 24, 16
EXIF_ORIENTATION = 0x0112


def draw(mode="RGB"):
    """Four quadrants of different colours and a gradient: no symmetry at all."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    left, top = x < WIDTH // 2, y < HEIGHT // 2
    r = np.where(left & top, 230, np.where(left, 30, 90)) + x
    g = np.where(left & ~top, 220, np.where(top, 60, 10)) + y
    b = np.where(~left, np.where(top, 200, 120), 20) + x // 2
    rgb = np.stack([r, g, b], -1).clip(0, 255).astype(np.uint8)
    if mode == "RGBA":
        return Image.fromarray(np.dstack([rgb, ((x * 11) % 256).astype(np.uint8)]), mode)
    return Image.fromarray(rgb, "RGB").convert(mode)


def orientation(n):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = n
    return exif


def smooth(mode="RGB"):
    """Gradients without edges, where it does not matter how chroma is interpolated."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    rgb = np.stack([40 + 7 * x, 200 - 9 * y, 60 + 3 * x + 4 * y], -1).clip(0, 255).astype(np.uint8)
    return Image.fromarray(rgb, "RGB").convert(mode)


def nclx(matrix, full_range):
    return dict(save_nclx_profile=True, color_primaries=1, transfer_characteristics=13,
                matrix_coefficients=matrix, full_range_flag=full_range)


def fixtures():
    """Yields file name, picture, options of save, greatest difference allowed."""
    for n in range(1, 9):
        yield f"orientation{n}.jpg", draw(), dict(exif=orientation(n), quality=95, subsampling=0), 3
    yield "orientation6_420.jpg", draw(), dict(exif=orientation(6), quality=95, subsampling=2), None
    yield "orientation8_422.jpg", draw(), dict(exif=orientation(8), quality=95, subsampling=1), None
    yield "orientation3_grey.jpg", draw("L"), dict(exif=orientation(3), quality=95), 2
    yield "orientation5_cmyk.jpg", draw("CMYK"), dict(exif=orientation(5), quality=95, subsampling=0), 4
    yield "progressive.jpg", draw(), dict(quality=95, progressive=True, subsampling=0, exif=orientation(6)), 3
    yield "restart.jpg", draw(), dict(quality=95, restart_marker_rows=1, subsampling=0), 3
    yield "rgb.jpg", draw(), dict(quality=95, keep_rgb=True), 3
    yield "orientation6.png", draw(), dict(exif=orientation(6)), 0
    yield "orientation7_alpha.png", draw("RGBA"), dict(exif=orientation(7)), 0
    yield "orientation2_palette.png", draw().quantize(32), dict(exif=orientation(2)), 0
    yield "orientation4_grey.png", draw("L"), dict(exif=orientation(4)), 0
    yield "orientation6.webp", draw(), dict(exif=orientation(6), quality=90), 0
    yield "lossless.webp", draw("RGBA"), dict(lossless=True, exact=True, exif=orientation(8)), 0
    yield "alpha.webp", draw("RGBA"), dict(quality=80), 0
    yield "odd.webp", draw().crop((0, 0, 23, 15)), dict(quality=80), 0
    yield "one_pixel_wide.webp", draw().crop((3, 0, 4, 15)), dict(quality=80), 0
    moving = dict(save_all=True, append_images=[draw().rotate(180)])
    yield "animated.webp", draw(), dict(lossless=True, **moving), 0
    yield "animated_alpha.webp", draw("RGBA"), dict(quality=80, exif=orientation(6), **moving), 0
    yield "orientation6.tiff", draw(), dict(tiffinfo={EXIF_ORIENTATION: 6}, compression="tiff_lzw"), 0
    yield "deflate.tiff", draw("RGBA"), dict(compression="tiff_adobe_deflate"), 1
    yield "plain.bmp", draw(), {}, 0
    yield "palette.gif", draw().quantize(32), {}, 0
    for n in (1, 2, 5, 6):
        yield f"orientation{n}.avif", draw(), dict(exif=orientation(n), quality=100, subsampling="4:4:4"), 3
        yield f"orientation{n}.heic", draw(), dict(exif=orientation(n).tobytes(), quality=-1, chroma=444), 3
    yield "orientation7_420.avif", smooth(), dict(exif=orientation(7), quality=95, subsampling="4:2:0"), 6
    yield "orientation8_420.heic", smooth(), dict(exif=orientation(8).tobytes(), quality=95, chroma=420), None
    yield "grid_orientation6.heic", draw(), dict(exif=orientation(6).tobytes(), quality=-1, chroma=444, tile_size=16), 3
    yield "alpha.avif", draw("RGBA"), dict(quality=100, subsampling="4:4:4"), None  # premultiplied: coarse where thin
    yield "grey.avif", draw("L"), dict(quality=100, subsampling="4:0:0"), 3
    yield "grey.heic", draw("L"), dict(quality=-1), 3
    yield "odd.avif", smooth().crop((0, 0, 23, 15)), dict(quality=95), 6
    yield "odd.heic", smooth().crop((0, 0, 23, 15)), dict(quality=95), None
    yield "bt709.heic", smooth(), dict(quality=-1, chroma=444, **nclx(1, 1)), 3
    yield "limited_bt601.heic", smooth(), dict(quality=-1, chroma=444, **nclx(6, 0)), 4
    yield "limited_bt709.avif", smooth(), dict(quality=100, subsampling="4:4:4", range="limited"), 4


def special():
    """Files without reference: what is refused or cut off."""
    frames = [draw(), draw().rotate(180)]
    frames[0].quantize(16).save(HERE / "animated.gif", save_all=True, append_images=[f.quantize(16) for f in frames[1:]])
    yield "animated.gif"
    frames[0].save(HERE / "animated.avif", save_all=True, append_images=frames[1:], quality=90)
    yield "animated.avif"


def main():
    pillow_heif.register_heif_opener()
    out = {"pillow": PIL.__version__, "files": []}
    for name, image, options, tolerance in fixtures():
        path = HERE / name
        image.save(path, **options)
        with Image.open(path) as decoded:
            upright = ImageOps.exif_transpose(decoded)
            mode = "RGBA" if upright.mode == "RGBA" or "transparency" in upright.info else "RGB"
            pixels = upright.convert(mode).convert("RGBA").tobytes()
        out["files"].append({"name": name, "width": upright.width, "height": upright.height, "tolerance": tolerance,
                             "rgba": base64.b64encode(pixels).decode()})
    list(special())
    lines = ",\n".join(json.dumps(f) for f in out.pop("files"))
    (HERE / "reference.json").write_text(json.dumps(out)[:-1] + ',\n"files": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
