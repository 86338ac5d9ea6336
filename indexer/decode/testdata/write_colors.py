"""Writes small pictures in colours of many kinds into the folder colors, and
colors/reference.json: their pixels in sRGB, upright, as Pillow, pillow-heif and lcms2
give them. What Pillow leaves to others (gAMA, cHRM and cICP of PNG, code points of AVIF
and HEIC) is computed here from its definition.

    apt-get install libavif-bin
    pip install numpy pillow pillow-heif
    python write_colors.py
"""
import base64
import io
import importlib.util
import json
import pathlib
import struct
import subprocess
import tempfile
import zlib

import numpy as np
import PIL
import pillow_heif
from PIL import Image, ImageCms, ImageOps

HERE = pathlib.Path(__file__).parent
OUT = HERE / "colors"
spec = importlib.util.spec_from_file_location("profiles", HERE.parent / "color/testdata/write_reference.py")
profiles = importlib.util.module_from_spec(spec)
spec.loader.exec_module(profiles)
WIDTH, HEIGHT = 24, 16
ICC = dict(profiles.profiles())
P3, WIDE, SWAPPED, CMYK = ICC["parametric 3"], ICC["wide"], ICC["channels exchanged"], ICC["CMYK, mft2"]
GREY = ICC["grey, gamma"]
MATRIX_P3 = np.array([[1.2249401763, -0.2249401763, 0], [-0.0420569547, 1.0420569547, 0], [-0.0196375546, -0.0786360454, 1.0982736000]])
MATRIX_2020 = np.array([[1.6604910021, -0.5876411388, -0.0728498633], [-0.1245504745, 1.1328998971, -0.0083494226],
                        [-0.0181507634, -0.1005788980, 1.1187296614]])


def pixels():
    """Smooth, without symmetry, from dark to light."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([20 + 9 * x, 230 - 12 * y, 30 + 3 * x + 8 * y], -1).clip(0, 255).astype(np.uint8)


RGB = Image.fromarray(pixels())
ALPHA = Image.fromarray((np.mgrid[0:HEIGHT, 0:WIDTH][1] * 11).clip(0, 255).astype(np.uint8))
RGBA = RGB.copy()
RGBA.putalpha(ALPHA)
INK = Image.merge("CMYK", [*(Image.fromarray(255 - pixels()[..., c]) for c in range(3)), ALPHA.point(lambda v: v // 3)])


def to_srgb(image, icc):
    """With the transparency that it has."""
    source = image if image.mode in ("L", "CMYK", "RGB") else image.convert("L" if image.mode == "LA" else "RGB")
    out = Image.fromarray(profiles.converted(source, icc, ImageCms.Flags.NOOPTIMIZE).reshape(image.height, image.width, 3))
    if image.mode in ("RGBA", "LA"):
        out.putalpha(image.getchannel("A"))
    return out


def right(path):
    with Image.open(path) as image:
        image.load()
        icc = image.info.get("icc_profile")
        image = ImageOps.exif_transpose(image)
        if image.mode == "P":
            image = image.convert("RGBA" if "transparency" in image.info else "RGB")
        if image.mode == "I;16":
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        return to_srgb(image, icc) if icc else image


def computed(image, light, matrix):
    """sRGB of a picture by the function that makes light of its samples, and the matrix of its primaries."""
    linear = (light(np.asarray(image.convert("RGB")) / 255) @ np.array(matrix).T).clip(0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return Image.fromarray(np.rint(srgb * 255).astype(np.uint8))


def saved(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(*chunks, samples=None, bits=8, kind=2):
    """A PNG of RGB with chunks between its header and its pixels."""
    samples = pixels() if samples is None else samples
    rows = b"".join(b"\0" + row.astype(">u2" if bits == 16 else np.uint8).tobytes() for row in samples)
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, kind, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(chunks) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def gama(v):
    return chunk(b"gAMA", struct.pack(">I", v))


def chrm(*v):
    return chunk(b"cHRM", struct.pack(">8I", *(round(x * 100000) for x in v)))


def cicp(*v):
    return chunk(b"cICP", bytes(v))


def iccp(icc):
    return chunk(b"iCCP", b"name\0\0" + zlib.compress(icc))


P3_CHRM = chrm(.3127, .3290, .680, .320, .265, .690, .150, .060)


def segments(jpeg, icc, size):
    """The profile in several segments, the last first."""
    parts = [icc[i:i + size] for i in range(0, len(icc), size)]
    out = b""
    for i, part in reversed(list(enumerate(parts, 1))):
        body = b"ICC_PROFILE\0" + bytes([i, len(parts)]) + part
        out += b"\xff\xe2" + struct.pack(">H", 2 + len(body)) + body
    return jpeg[:2] + out + jpeg[2:]


def without_adobe(jpeg):
    at = jpeg.index(b"\xff\xee")
    return jpeg[:at] + jpeg[at + 2 + struct.unpack(">H", jpeg[at + 2:at + 4])[0]:]


def ycck(**options):
    """What Pillow does not write: the inverse of ink as YCbCr, and the marker that says so."""
    inverse = Image.merge("RGB", [channel.point(lambda v: 255 - v) for channel in INK.split()[:3]]).convert("YCbCr")
    samples = Image.merge("CMYK", [*(channel.point(lambda v: 255 - v) for channel in inverse.split()), INK.getchannel("K")])
    data = bytearray(saved(samples, "JPEG", quality=97, subsampling=0, **options))
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def gif(icc):
    data = saved(RGB.quantize(64), "GIF")
    at = 13 + (3 << (data[10] & 7) + 1)
    blocks = b"".join(bytes([len(icc[i:i + 255])]) + icc[i:i + 255] for i in range(0, len(icc), 255))
    return data[:at] + b"\x21\xff\x0bICCRGBG1012" + blocks + b"\0" + data[at:]


def nclx(primaries, transfer, matrix=1):
    return dict(save_nclx_profile=True, color_primaries=primaries, transfer_characteristics=transfer,
                matrix_coefficients=matrix, full_range_flag=1)


def avifenc(picture, *options):
    """libavif's encoder: Pillow's has no more than 8 bits."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "a.png"), pathlib.Path(folder, "a.avif")
        source.write_bytes(picture)
        subprocess.run(["avifenc", "--min", "0", "--max", "0", "-y", "444", "-s", "6", *options, source, target], check=True, stdout=subprocess.DEVNULL)
        return target.read_bytes()


def linear(v):
    return v


def fixtures():
    """Yields name, bytes, greatest difference allowed, and the right picture where Pillow does not have it."""
    jpeg = dict(quality=97, subsampling=0)
    yield "p3.jpg", saved(RGB, "JPEG", icc_profile=P3, **jpeg), 5, None
    yield "swapped.jpg", saved(RGB, "JPEG", icc_profile=SWAPPED, **jpeg), 5, None
    yield "wide_turned.jpg", saved(RGB, "JPEG", icc_profile=WIDE, exif=orientation(6), **jpeg), 10, None
    yield "segments.jpg", segments(saved(RGB, "JPEG", **jpeg), WIDE, 150), 10, None
    yield "grey.jpg", saved(RGB.convert("L"), "JPEG", icc_profile=GREY, quality=97), 3, None
    yield "cmyk.jpg", saved(INK, "JPEG", quality=97, subsampling=0), 4, None
    yield "cmyk_icc.jpg", saved(INK, "JPEG", icc_profile=CMYK, **jpeg), 5, None
    yield "cmyk_bare.jpg", without_adobe(saved(INK, "JPEG", **jpeg)), 4, None
    yield "cmyk_bare_icc.jpg", without_adobe(saved(INK, "JPEG", icc_profile=CMYK, **jpeg)), 5, None
    yield "ycck.jpg", ycck(), 5, None
    yield "ycck_icc.jpg", ycck(icc_profile=CMYK), 6, None
    yield "p3.png", saved(RGB, "PNG", icc_profile=P3), 1, None
    yield "alpha.png", saved(RGBA, "PNG", icc_profile=P3, exif=orientation(5)), 1, None
    yield "palette.png", saved(RGB.quantize(64), "PNG", icc_profile=WIDE), 1, None
    yield "grey.png", saved(RGB.convert("L"), "PNG", icc_profile=GREY), 1, None
    yield "grey_alpha.png", saved(RGBA.convert("LA"), "PNG", icc_profile=GREY), 1, None
    yield "lut.png", saved(RGB, "PNG", icc_profile=ICC["mAB to Lab"]), 3, None
    deep = pixels().astype(int) * 257
    yield "deep.png", png(iccp(WIDE), samples=deep, bits=16), 1, to_srgb(RGB, WIDE)
    yield "deep_grey.png", png(iccp(ICC["grey, linear"]), samples=deep[..., 0], bits=16, kind=0), 1, to_srgb(RGB.getchannel(0), ICC["grey, linear"])
    dark = (pixels() / 255.) ** 4
    yield ("deep_linear.png", png(gama(100000), samples=np.rint(dark * 65535), bits=16), 1,
           Image.fromarray(np.rint(255 * np.where(dark <= 0.0031308, 12.92 * dark, 1.055 * dark ** (1 / 2.4) - 0.055)).astype(np.uint8)))
    yield "gama_linear.png", png(gama(100000)), 1, computed(RGB, linear, np.eye(3))
    yield "gama_18.png", png(gama(55556)), 1, computed(RGB, lambda v: v ** 1.8, np.eye(3))
    yield "gama_22.png", png(gama(45455)), 0, RGB
    yield "chrm_p3.png", png(gama(45455), P3_CHRM), 1, computed(RGB, profiles.light, MATRIX_P3)
    yield "chrm_srgb.png", png(gama(45455), chrm(.3127, .3290, .64, .33, .30, .60, .15, .06)), 0, RGB
    yield "srgb_wins.png", png(chunk(b"sRGB", b"\0"), gama(100000), P3_CHRM), 0, RGB
    yield "iccp_wins.png", png(iccp(WIDE), gama(100000), P3_CHRM), 1, to_srgb(RGB, WIDE)
    yield "cicp_wins.png", png(cicp(12, 13, 0, 1), iccp(WIDE), gama(100000)), 1, computed(RGB, profiles.light, MATRIX_P3)
    yield "cicp_2020.png", png(cicp(9, 1, 0, 1)), 1, computed(RGB, profiles.light, MATRIX_2020)
    yield "cicp_linear.png", png(cicp(1, 8, 0, 1)), 1, computed(RGB, linear, np.eye(3))
    yield "p3.webp", saved(RGB, "WEBP", quality=95, icc_profile=P3), 1, None
    yield "alpha.webp", saved(RGBA, "WEBP", lossless=True, exact=True, icc_profile=P3), 1, None
    yield "animated.webp", saved(RGB, "WEBP", lossless=True, icc_profile=P3, save_all=True, append_images=[RGB.rotate(180)]), 1, None
    yield "p3.tiff", saved(RGB, "TIFF", icc_profile=P3, compression="tiff_lzw"), 1, None
    yield "swapped_big_endian.tiff", big_endian(SWAPPED), 1, to_srgb(RGB, SWAPPED)
    paletted = RGB.quantize(64).convert("RGB")
    yield "swapped.gif", gif(SWAPPED), 1, to_srgb(paletted, SWAPPED)
    heic = dict(quality=-1, chroma=444)
    yield "p3.heic", saved(RGB, "HEIF", icc_profile=P3, **heic), 5, None
    yield "nclx_p3.heic", saved(RGB, "HEIF", **heic, **nclx(12, 13)), 5, "p3"
    yield "nclx_2020.heic", saved(RGB, "HEIF", **heic, **nclx(9, 1, 9)), 6, "2020"
    yield "alpha.heic", saved(RGBA, "HEIF", **heic), 3, None
    yield "alpha_turned.heic", saved(RGBA, "HEIF", exif=orientation(6).tobytes(), **heic), 3, None
    yield "alpha_p3.heic", saved(RGBA, "HEIF", icc_profile=P3, **heic), 5, None
    yield "alpha_odd.heic", saved(RGBA.crop((0, 0, 23, 15)), "HEIF", quality=95, chroma=420), None, None
    avif = dict(quality=100, subsampling="4:4:4")
    yield "p3.avif", saved(RGB, "AVIF", icc_profile=P3, **avif), 4, None
    yield ("deep_linear.avif", avifenc(png(samples=np.rint(dark * 65535), bits=16), "-d", "12", "--cicp", "1/8/1"), 3,
           Image.fromarray(np.rint(255 * np.where(dark <= 0.0031308, 12.92 * dark, 1.055 * dark ** (1 / 2.4) - 0.055)).astype(np.uint8)))
    yield "grey.avif", saved(RGB.convert("L"), "AVIF", icc_profile=GREY, quality=100, subsampling="4:0:0"), 3, None
    yield "alpha.avif", saved(RGBA, "AVIF", icc_profile=P3, **avif), None, None


def orientation(n):
    exif = Image.Exif()
    exif[0x0112] = n
    return exif


def big_endian(icc):
    """A TIFF of one strip."""
    strip = pixels().tobytes()
    at = 8 + 2 + 12 * 10 + 4
    fields = [(256, 3, 1, WIDTH << 16), (257, 3, 1, HEIGHT << 16), (258, 3, 3, at), (259, 3, 1, 1 << 16), (262, 3, 1, 2 << 16),
              (273, 4, 1, at + 6 + len(icc)), (277, 3, 1, 3 << 16), (278, 3, 1, HEIGHT << 16), (279, 4, 1, len(strip)),
              (34675, 7, len(icc), at + 6)]
    directory = struct.pack(">H", len(fields)) + b"".join(struct.pack(">HHII", *f) for f in fields) + b"\0\0\0\0"
    return b"MM\0*\0\0\0\x08" + directory + struct.pack(">3H", 8, 8, 8) + icc + strip


def main():
    pillow_heif.register_heif_opener()
    OUT.mkdir(exist_ok=True)
    out = {"pillow": PIL.__version__, "files": []}
    for name, data, tolerance, want in fixtures():
        path = OUT / name
        path.write_bytes(data)
        if isinstance(want, str):
            want = computed(right(path), profiles.light, {"p3": MATRIX_P3, "2020": MATRIX_2020}[want])
        upright = right(path) if want is None else want
        out["files"].append({"name": name, "width": upright.width, "height": upright.height, "tolerance": tolerance,
                             "rgba": base64.b64encode(upright.convert("RGBA").tobytes()).decode()})
    (OUT / "srgb.icc").write_bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    lines = ",\n".join(json.dumps(f) for f in out.pop("files"))
    (OUT / "reference.json").write_text(json.dumps(out)[:-1] + ',\n"files": [\n' + lines + "\n]}\n")


main()
