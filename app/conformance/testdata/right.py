"""The right picture of a file: 8-bit sRGB, upright, on white, by Pillow."""

import io

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageFile, ImageOps

pillow_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = 150_000_000  # Pillow refuses twice as many
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}
SMALLEST = 512  # pixels on the shorter side of a reduced right picture, at least


def to_8_bits(image):
    """Pillow clips values of more bits to white: scale them as each mode is meant."""
    if image.mode.startswith("I;16"):
        return Image.fromarray(((np.asarray(image).astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode == "I":
        values = np.asarray(image).astype(np.int64)
        return Image.fromarray(
            (values >> (8 if 255 < values.max() < 65536 else 24 if values.max() > 65535 else 0)).astype(np.uint8)
        )
    if image.mode == "F":
        return Image.fromarray((np.asarray(image).clip(0, 1) * 255).round().astype(np.uint8))
    return image


def to_srgb(image, profile=None, intent=ImageCms.Intent.PERCEPTUAL):
    """Pixels without alpha to sRGB. A profile that is broken, or of other channels, says nothing."""
    if profile:
        try:
            opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if opened.profile.xcolor_space == SPACES.get(image.mode):
                return ImageCms.profileToProfile(image, opened, SRGB, renderingIntent=intent, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass
    return image.convert("RGB")


def on_white(image, alpha):
    return Image.composite(image, Image.new("RGB", image.size, "white"), alpha)


def finished(image):
    """An opened picture as it is to be seen."""
    profile = image.info.get("icc_profile")
    image = to_8_bits(ImageOps.exif_transpose(image))
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
    elif "transparency" in image.info and image.mode in ("1", "L", "RGB"):
        image = image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    if image.mode in ("RGBa", "La"):
        image = image.convert(image.mode.upper())
    if image.mode in ("RGBA", "LA"):
        alpha = image.getchannel("A")
        return on_white(to_srgb(image.convert(image.mode[:-1]), profile), alpha)
    if image.mode in ("1", "RGBX", "YCbCr", "HSV"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    return to_srgb(image, profile)


def reduced(image):
    """A large picture, small enough to keep beside its file."""
    factor = min(image.size) // SMALLEST
    return image.reduce(factor) if factor > 1 else image


def by_pillow(path, truncated=False):
    """The right picture and the size of the picture in the file."""
    ImageFile.LOAD_TRUNCATED_IMAGES = truncated
    try:
        with Image.open(path) as image:
            image.load()
            image = finished(image)
            return reduced(image), image.size
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def blank(image):
    """Whether there is nothing to be seen."""
    return all(least == most for least, most in image.getextrema())
