"""Writes small pictures in many formats, whole and damaged, and reference.json: their
upright pixels, as Pillow reads them (as far as they go), or as this script made them
where Pillow does not read the kind. Without arguments, into this folder.

    apt-get install imagemagick
    pip install 'pillow>=12' numpy
    python write.py
"""
import base64
import io
import json
import pathlib
import struct
import subprocess
import zlib

import numpy as np
import PIL
from PIL import Image, ImageFile, ImageOps, PngImagePlugin

ImageFile.LOAD_TRUNCATED_IMAGES = True
HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 24, 16


def draw(mode="RGB", width=WIDTH, height=HEIGHT):
    """Four quadrants of different colours and a gradient: no symmetry at all."""
    y, x = np.mgrid[0:height, 0:width]
    left, top = x < width // 2, y < height // 2
    r = np.where(left & top, 230, np.where(left, 30, 90)) + x
    g = np.where(left & ~top, 220, np.where(top, 60, 10)) + y
    b = np.where(~left, np.where(top, 200, 120), 20) + x // 2
    rgb = np.stack([r, g, b], -1).clip(0, 255).astype(np.uint8)
    if mode == "RGBA":
        return Image.fromarray(np.dstack([rgb, ((x * 11) % 256).astype(np.uint8)]), mode)
    return Image.fromarray(rgb, "RGB").convert(mode)


RGB = np.asarray(draw()).astype(int)
RGBA = np.asarray(draw("RGBA")).astype(int)
GRAY = np.asarray(draw("L")).astype(int)


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def magick(*args, image=None):
    """What ImageMagick writes of the picture."""
    return subprocess.run(["convert", "png:-", *args], input=saved(image or draw(), "PNG"), stdout=subprocess.PIPE, check=True).stdout


def quantized(colors):
    return draw().quantize(colors)


# ---- BMP ---------------------------------------------------------------------------------------

def bmp(header, pixels, palette=b"", masks=b"", offset=None):
    body = header + masks + palette
    at = 14 + len(body) if offset is None else offset
    return b"BM" + struct.pack("<IHHI", 14 + len(body) + len(pixels), 0, 0, at) + body + pixels


def info(bits, compression=0, height=HEIGHT, size=40, colors=0, more=b""):
    return (struct.pack("<IiiHHIIiiII", size, WIDTH, height, 1, bits, compression, 0, 2835, 2835, colors, 0) + more).ljust(size, b"\0")


def octets(values):
    return bytes(int(v) for v in values)


def rows(values, upwards=True):
    """Rows of bytes, padded to four."""
    lines = [octets(v) + b"\0" * (-len(v) % 4) for v in values]
    return b"".join(lines[::-1] if upwards else lines)


def packed(indices, bits):
    per = 8 // bits
    return [[sum(int(v) << (8 - bits - bits * i) for i, v in enumerate(line[at:at + per])) for at in range(0, len(line), per)] for line in indices]


def palette_of(image, n, entry=4):
    p = image.getpalette()[:3 * n] + [0] * (3 * n - len(image.getpalette()[:3 * n]))
    return b"".join(bytes([p[3 * i + 2], p[3 * i + 1], p[3 * i]]) + b"\0" * (entry - 3) for i in range(n))


def rle(indices, four=False):
    """Runs, absolute pixels, a delta and the ends of lines, by turns."""
    out = b""
    for y, line in enumerate(indices[::-1]):
        x = 0
        while x < WIDTH:
            n = 1
            while x + n < WIDTH and n < 255 and line[x + n] == line[x]:
                n += 1
            if n >= 3 or WIDTH - x < 3:
                out += bytes([n, int(line[x]) * (17 if four else 1)])
                x += n
                continue
            n = min(5, WIDTH - x)
            if n < 3:
                continue
            pixels = [int(v) for v in line[x:x + n]]
            data = bytes(packed([pixels + [0] * (n % 2)], 4)[0]) if four else bytes(pixels)
            out += bytes([0, n]) + data + b"\0" * (len(data) % 2)
            x += n
        out += b"\0\0"
    return out + b"\0\1"


def fields(masks, array):
    """Little-endian pixels of 32 bits with the channels where the masks say."""
    value = np.zeros((HEIGHT, WIDTH), np.uint64)
    for i, mask in enumerate(masks):
        if mask:
            shift = (mask & -mask).bit_length() - 1
            most = mask >> shift
            value |= np.round(array[..., i] * most / 255).astype(np.uint64) << np.uint64(shift)
    return value


def bitmaps():
    q16, q4, q64 = quantized(16), quantized(4), quantized(64)
    i16, i4, i64 = (np.asarray(q) for q in (q16, q4, q64))
    yield "1.bmp", saved(draw("1"), "BMP"), None, 0
    yield "2.bmp", bmp(info(2, colors=4), rows(packed(i4, 2)), palette_of(q4, 4)), q4.convert("RGB"), 0
    yield "4.bmp", bmp(info(4), rows(packed(i16, 4)), palette_of(q16, 16)), None, 0
    yield "4_few_colors.bmp", bmp(info(4, colors=5), rows(packed(i16 % 5, 4)), palette_of(q16, 5)), None, 0
    yield "8.bmp", saved(q64, "BMP"), None, 0
    yield "gray.bmp", saved(draw("L"), "BMP"), None, 0
    yield "rle8.bmp", bmp(info(8, 1), rle(i64), palette_of(q64, 256)), q64.convert("RGB"), 0
    yield "rle8_magick.bmp", magick("-colors", "64", "-compress", "RLE", "BMP3:-"), None, 0
    yield "rle4.bmp", bmp(info(4, 2), rle(i16, True), palette_of(q16, 16)), q16.convert("RGB"), 0
    yield "24.bmp", saved(draw(), "BMP"), None, 0
    yield "top_down.bmp", bmp(info(24, height=-HEIGHT), rows(RGB[..., ::-1].reshape(HEIGHT, -1), False)), None, 0
    yield "32.bmp", bmp(info(32), rows(np.dstack([RGB[..., ::-1], RGBA[..., 3]]).reshape(HEIGHT, -1))), None, 0
    yield "magick_32.bmp", magick("-alpha", "set", "BMP:-", image=draw("RGBA")), None, 0
    x555 = (RGB[..., 0] >> 3) << 10 | (RGB[..., 1] >> 3) << 5 | RGB[..., 2] >> 3
    x565 = (RGB[..., 0] >> 3) << 11 | (RGB[..., 1] >> 2) << 5 | RGB[..., 2] >> 3
    yield "555.bmp", bmp(info(16), x555.astype("<u2")[::-1].tobytes()), None, 1
    yield "565.bmp", bmp(info(16, 3), x565.astype("<u2")[::-1].tobytes(), masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F)), None, 1
    deep = (0x3FF00000, 0xFFC00, 0x3FF, 0)
    yield "fields_10.bmp", bmp(info(32, 3), fields(deep, RGBA).astype("<u4")[::-1].tobytes(), masks=struct.pack("<III", *deep[:3])), draw(), 1
    odd = (0xFF, 0xFF00, 0xFF0000, 0xFF000000)
    v4 = struct.pack("<IIII", *odd) + b"BGRs"
    yield "v4_alpha.bmp", bmp(info(32, 3, size=108, more=v4), fields(odd, RGBA).astype("<u4")[::-1].tobytes()), None, 0
    yield "v5_alpha.bmp", bmp(info(32, 3, size=124, more=v4), fields(odd, RGBA).astype("<u4")[::-1].tobytes()), None, 0
    argb4 = (0xF00, 0xF0, 0xF, 0xF000)
    coarse = np.round(np.round(RGBA * 15 / 255) * 255 / 15).astype(np.uint8)
    yield "v4_4444.bmp", bmp(info(16, 3, size=108, more=struct.pack("<IIII", *argb4)), fields(argb4, RGBA).astype("<u2")[::-1].tobytes()), Image.fromarray(coarse, "RGBA"), 1
    core = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 8)
    yield "os2_1.bmp", bmp(core, rows(i64), palette_of(q64, 256, 3)), None, 0
    yield "os2_1_24.bmp", bmp(struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 24), rows(RGB[..., ::-1].reshape(HEIGHT, -1))), None, 0
    yield "os2_2.bmp", bmp(info(8, size=64), rows(i64), palette_of(q64, 256)), None, 0
    yield "os2_magick.bmp", magick("BMP2:-"), None, 0
    yield "png_inside.bmp", bmp(info(0, 5), saved(draw(), "PNG")), draw(), 0
    yield "jpeg_inside.bmp", bmp(info(0, 4), saved(draw(), "JPEG", quality=95, subsampling=0)), draw(), 8
    yield "gap.bmp", bmp(info(24), b"\7" * 10 + rows(RGB[..., ::-1].reshape(HEIGHT, -1)), offset=14 + 40 + 10), None, 0
    whole = saved(draw(), "BMP")
    yield "cut.bmp", whole[:54 + 72 * 10], behind(draw(), 6, HEIGHT), 0, "the upper 38 %"


def behind(image, first, end):
    """The rows from first to end, and black around them."""
    out = Image.new(image.mode, image.size)
    out.paste(image.crop((0, first, WIDTH, end)), (0, first))
    return out


# ---- GIF ---------------------------------------------------------------------------------------

def gifs():
    q = quantized(64)
    data = saved(q, "GIF")
    clear = q.copy()
    clear.info["transparency"] = 3
    yield "plain.gif", data, None, 0
    yield "interlaced.gif", magick("-colors", "64", "-interlace", "GIF", "GIF:-"), None, 0
    yield "transparent.gif", saved(clear, "GIF", transparency=3), None, 0
    at = data.find(b"\x2c\0\0\0\0" + struct.pack("<HH", WIDTH, HEIGHT))

    def changed(screen, frame=(0, 0), of=data, at=at):
        d = bytearray(of)
        d[6:10] = struct.pack("<HH", *screen)
        d[at + 1:at + 5] = struct.pack("<HH", *frame)
        return bytes(d)
    yield "larger.gif", changed((20, 10)), None, 0
    yield "beside.gif", changed((20, 10), (7, 5)), None, 0
    yield "no_screen.gif", changed((0, 0)), None, 0
    yield "inside.gif", changed((40, 30), (8, 6)), None, 0
    t = saved(clear, "GIF", transparency=3)
    yield "inside_transparent.gif", changed((40, 30), (8, 6), t, t.find(b"\x2c\0\0\0\0" + struct.pack("<HH", WIDTH, HEIGHT))), None, 0
    gray = saved(draw("L"), "GIF")
    bare = gray[:10] + bytes([gray[10] & 0x7F]) + gray[11:13] + gray[13 + (6 << (gray[10] & 7)):]
    yield "no_table.gif", bare, None, 0
    yield "cut_interlaced.gif", data[:len(data) - 60], q.convert("RGB"), ("rows", 1), "the file ends early: "
    yield "no_trailer.gif", data[:-1], None, 0
    straight = saved(q, "GIF", interlace=0)
    yield "cut.gif", straight[:len(straight) - 60], q.convert("RGB"), ("rows", 9), "the file ends early: the lower"


# ---- PNG ---------------------------------------------------------------------------------------

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(depth, kind, lines, *chunks, interlace=0):
    pixels = zlib.compress(b"".join(b"\0" + octets(line) for line in lines), 9)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, kind, 0, 0, interlace))
            + b"".join(chunks) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def wide(a):
    return (a * 257).astype(">u2").reshape(HEIGHT, -1).view(np.uint8)


def pngs():
    for bits in (1, 2, 4, 8):
        values = GRAY >> (8 - bits)
        levels = np.round(values * 255 / (2**bits - 1)).astype(np.uint8)
        shown = np.dstack([levels] * 3 + [np.where(values == values[3][3], 0, 255).astype(np.uint8)])
        yield f"gray{bits}_trns.png", png(bits, 0, packed(values, bits), chunk(b"tRNS", struct.pack(">H", int(values[3][3])))), Image.fromarray(shown, "RGBA"), 0
    shown = np.dstack([GRAY] * 3 + [np.where(GRAY == GRAY[3][3], 0, 255)]).astype(np.uint8)
    yield "gray16_trns.png", png(16, 0, wide(GRAY), chunk(b"tRNS", struct.pack(">H", int(GRAY[3][3]) * 257))), Image.fromarray(shown, "RGBA"), 0
    shown = np.dstack([RGB, np.where((RGB == RGB[3][3]).all(-1), 0, 255)]).astype(np.uint8)
    of = [int(v) for v in RGB[3][3]]
    yield "rgb8_trns.png", png(8, 2, RGB.reshape(HEIGHT, -1), chunk(b"tRNS", struct.pack(">HHH", *of))), None, 0
    yield "rgb16_trns.png", png(16, 2, wide(RGB), chunk(b"tRNS", struct.pack(">HHH", *(v * 257 for v in of)))), Image.fromarray(shown, "RGBA"), 0
    yield "rgba16.png", png(16, 6, wide(RGBA)), draw("RGBA"), 0
    yield "gray_alpha16.png", png(16, 4, wide(np.dstack([GRAY, RGBA[..., 3]]))), None, 1
    whole = saved(draw(), "PNG")
    at = whole.find(b"IDAT")
    n = struct.unpack(">I", whole[at - 4:at])[0]
    yield "bad_crc.png", whole[:at + 4 + n] + b"\0\0\0\0" + whole[at + 8 + n:], draw(), 0
    yield "bad_header_crc.png", whole[:29] + b"\0\0\0\0" + whole[33:], draw(), 0
    text = struct.pack(">I", 5) + b"tEXtA\0abc" + b"\0\0\0\0"
    yield "bad_text_crc.png", whole[:33] + text + whole[33:], draw(), 0
    yield "no_end.png", whole[:-12], draw(), 0
    yield "no_end_crc.png", whole[:-4], draw(), 0
    yield "trailing.png", whole + b"\0" * 100 + b"garbage", draw(), 0
    wrong = bytearray(whole)
    wrong[at + n:at + 4 + n] = b"\1\2\3\4"  # the checksum of zlib
    yield "bad_adler.png", bytes(wrong), draw(), 0, "checksum"
    stored = zlib.compressobj(0)
    raw = b"".join(b"\0" + bytes(line) for line in RGB.reshape(HEIGHT, -1).astype(np.uint8))
    plain = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
             + chunk(b"IDAT", stored.compress(raw) + stored.flush()))
    yield "cut.png", plain[:41 + 7 + 73 * 10], behind(draw(), 0, 10), 0, "the lower 38 %"
    adam = magick("-interlace", "PNG", "PNG:-")
    yield "adam7.png", adam, None, 0
    yield "adam7_bad_crc.png", adam[:-16] + b"\0\0\0\0" + adam[-12:], draw(), 0
    frames = [draw("RGBA"), draw("RGBA").rotate(180)]
    yield "animated.png", saved(frames[0], "PNG", save_all=True, append_images=frames[1:]), None, 0


# ---- WebP --------------------------------------------------------------------------------------

def webps():
    large = draw(width=96, height=64)
    for name, data, n in (("cut_lossy.webp", saved(large, "WEBP", quality=90), .8),
                          ("cut_alpha.webp", saved(draw("RGBA", 96, 64), "WEBP", quality=90), .9)):
        whole = Image.open(io.BytesIO(data)).convert("RGBA")
        yield name, data[:int(len(data) * n)], whole, "part", "the file ends early: the lower"
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8))
    data = saved(noise, "WEBP", lossless=True)
    yield "cut_lossless.webp", data[:int(len(data) * .7)], noise, "part", "the file ends early: the lower"
    data = saved(large, "WEBP", quality=90, save_all=True, append_images=[large.rotate(180)])
    first = data.find(b"ANMF")
    yield "cut_animated.webp", data[:first + 24 + 300], Image.open(io.BytesIO(data)).convert("RGBA"), "part", "the file ends early: the lower"
    lossy = saved(draw(), "WEBP", quality=90)
    body = chunk8(b"VP8X", struct.pack("<I", 16) + (WIDTH - 1).to_bytes(3, "little") + (HEIGHT - 1).to_bytes(3, "little")) + lossy[12:]
    yield "promised_alpha.webp", b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body, Image.open(io.BytesIO(lossy)).convert("RGB"), 0


def chunk8(kind, data):
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


# ---- icons -------------------------------------------------------------------------------------

def icon(kind, *pictures):
    head, body, at = struct.pack("<HHH", 0, kind, len(pictures)), b"", 6 + 16 * len(pictures)
    for width, height, bits, data in pictures:
        head += struct.pack("<BBBBHHII", width & 255, height & 255, 0, 0, 1, bits, len(data), at + len(body))
        body += data
    return head + body


def dib(bits, pixels, palette=b"", mask=None):
    return struct.pack("<IiiHHIIiiII", 40, WIDTH, 2 * HEIGHT, 1, bits, 0, 0, 0, 0, 0, 0) + palette + pixels + (mask or b"\0" * 4 * HEIGHT)


def icons():
    small = saved(draw().resize((8, 8)), "PNG")
    bgra = np.dstack([RGB[..., ::-1], RGBA[..., 3]])
    mask = rows(packed(RGBA[..., 3] < 100, 1))
    hidden = np.dstack([RGB, np.where(RGBA[..., 3] < 100, 0, 255)]).astype(np.uint8)
    q = quantized(64)
    paletted = np.dstack([np.asarray(q.convert("RGB")), np.where(RGBA[..., 3] < 100, 0, 255)]).astype(np.uint8)
    yield "png.ico", icon(1, (8, 8, 32, small), (WIDTH, HEIGHT, 32, saved(draw("RGBA"), "PNG"))), draw("RGBA"), 0
    yield "bitmap32.ico", icon(1, (WIDTH, HEIGHT, 32, dib(32, rows(bgra.reshape(HEIGHT, -1)))), (8, 8, 32, small)), None, 0
    yield "bitmap24.ico", icon(1, (WIDTH, HEIGHT, 24, dib(24, rows(RGB[..., ::-1].reshape(HEIGHT, -1)), mask=mask))), None, 0
    yield "bitmap8.ico", icon(1, (WIDTH, HEIGHT, 8, dib(8, rows(np.asarray(q)), palette_of(q, 256), mask))), Image.fromarray(paletted, "RGBA"), 0
    yield "mask32.ico", icon(1, (WIDTH, HEIGHT, 32, dib(32, rows(np.dstack([RGB[..., ::-1], RGB[..., 0] * 0]).reshape(HEIGHT, -1)), mask=mask))), Image.fromarray(hidden, "RGBA"), 0
    yield "deepest.ico", icon(1, (WIDTH, HEIGHT, 8, dib(8, rows(np.asarray(q)), palette_of(q, 256), mask)), (WIDTH, HEIGHT, 32, saved(draw("RGBA"), "PNG"))), draw("RGBA"), 0
    yield "pointer.cur", icon(2, (WIDTH, HEIGHT, 3, dib(32, rows(bgra.reshape(HEIGHT, -1))))), draw("RGBA"), 0


def apple(*elements):
    body = b"".join(name + struct.pack(">I", 8 + len(data)) + data for name, data in elements)
    return b"icns" + struct.pack(">I", 8 + len(body)) + body


def apple_icons():
    small = saved(draw("RGBA", 16, 16), "PNG")
    yield "png.icns", apple((b"icp4", small), (b"ic07", saved(draw("RGBA", 128, 128), "PNG")), (b"TOC ", b"....")), None, 0


# ---- others ------------------------------------------------------------------------------------

def netpbm():
    q = draw("1")
    bits = np.where(np.asarray(q), 0, 1)
    yield "ascii.pbm", b"P1 # comment\n%d %d\n" % (WIDTH, HEIGHT) + b"\n".join(bytes(48 + v for v in line) for line in bits), None, 0
    yield "ascii.pgm", b"P2\n# comment\n%d %d\n255\n" % (WIDTH, HEIGHT) + b" ".join(b"%d" % v for v in GRAY.flat), None, 0
    yield "ascii.ppm", b"P3\n%d %d\n1023\n" % (WIDTH, HEIGHT) + b" ".join(b"%d" % round(v * 1023 / 255) for v in RGB.flat), None, 1
    yield "plain.pbm", saved(q, "PPM"), None, 0
    yield "plain.pgm", saved(draw("L"), "PPM"), None, 0
    yield "plain.ppm", saved(draw(), "PPM"), None, 0
    yield "100.ppm", b"P6 %d %d 100\n" % (WIDTH, HEIGHT) + bytes(int(round(v * 100 / 255)) for v in RGB.flat), None, 1
    yield "16.pgm", b"P5 %d %d 65535\n" % (WIDTH, HEIGHT) + wide(GRAY).tobytes(), draw("L"), 0
    yield "16.ppm", b"P6 %d %d 65535\n" % (WIDTH, HEIGHT) + wide(RGB).tobytes(), None, 1
    head = b"P7\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL 255\nTUPLTYPE %s\nENDHDR\n"
    yield "rgba.pam", head % (WIDTH, HEIGHT, 4, b"RGB_ALPHA") + RGBA.astype(np.uint8).tobytes(), draw("RGBA"), 0
    yield "gray.pam", head % (WIDTH, HEIGHT, 1, b"GRAYSCALE") + GRAY.astype(np.uint8).tobytes(), draw("L"), 0
    yield "gray.pfm", b"Pf\n%d %d\n-1.0\n" % (WIDTH, HEIGHT) + (GRAY[::-1] / 255).astype("<f4").tobytes(), draw("L"), 0
    yield "color.pfm", b"PF\n%d %d\n1.0\n" % (WIDTH, HEIGHT) + (RGB[::-1] / 255).astype(">f4").tobytes(), draw(), 0
    whole = saved(draw(), "PPM")
    yield "cut.ppm", whole[:len(whole) - 3 * WIDTH * 6], behind(draw(), 0, 10), 0, "the lower 38 %"


def others():
    for mode in ("RGB", "RGBA"):
        yield f"{mode.lower()}.qoi", saved(draw(mode), "QOI"), None, 0
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8), "RGBA")
    yield "noise.qoi", saved(noise, "QOI"), None, 0
    yield "flat.qoi", saved(Image.new("RGB", (300, 200), (9, 200, 31)), "QOI"), None, 0
    for mode in ("L", "P", "RGB", "RGBA", "LA"):
        image = quantized(64) if mode == "P" else draw("RGBA").convert(mode) if mode == "LA" else draw(mode)
        for compression in (None, "tga_rle"):
            name = f"{mode.lower()}{'_runs' if compression else ''}.tga"
            yield name, saved(image, "TGA", compression=compression), None, 0
    yield "top_down.tga", saved(draw(), "TGA", orientation=1), None, 0
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, WIDTH, HEIGHT, 24, 0x10)
    yield "leftwards.tga", head + RGB[::-1, ::-1, ::-1].astype(np.uint8).tobytes(), draw(), 0
    x555 = (RGB[..., 0] >> 3) << 10 | (RGB[..., 1] >> 3) << 5 | RGB[..., 2] >> 3
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, WIDTH, HEIGHT, 16, 0x20)
    yield "555.tga", head + x555.astype("<u2").tobytes(), None, 1
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, WIDTH, HEIGHT, 32, 0x20)
    yield "no_alpha.tga", head + np.dstack([RGB[..., ::-1], RGB[..., 0] * 0]).astype(np.uint8).tobytes(), draw(), 0
    for mode in ("1", "L", "P", "RGB"):
        image = quantized(64) if mode == "P" else draw(mode)
        yield f"{mode.lower()}.pcx", saved(image, "PCX"), None, 0
    q16 = quantized(16)
    planes = b"".join(runs(bytes(packed([(line >> p) & 1], 1)[0]).ljust(4, b"\0")) for line in np.asarray(q16) for p in range(4))
    head = struct.pack("<BBBBHHHHHH", 10, 5, 1, 1, 0, 0, WIDTH - 1, HEIGHT - 1, 72, 72) + bytes(q16.getpalette()[:48]).ljust(48, b"\0") + struct.pack("<BBH", 0, 4, 4)
    yield "16_colors.pcx", head.ljust(128, b"\0") + planes, q16.convert("RGB"), 0
    for name, args, image, tolerance in (
            ("rgb.psd", [], draw(), 0), ("gray.psd", ["-colorspace", "Gray"], draw("L"), 1), ("cmyk.psd", ["-colorspace", "CMYK"], draw(), 1),
            ("indexed.psd", ["-colors", "32", "-type", "Palette"], quantized(32).convert("RGB"), 0),
            ("bitmap.psd", ["-type", "Bilevel"], draw("1"), 0), ("deep.psd", ["-depth", "16"], draw(), 0)):
        for compression in ("None", "RLE"):
            data = magick(*args, "-compress", compression, "PSD:-", image=image)
            yield name.replace(".", f"_{compression.lower()}."), data, draw() if name == "deep.psd" else draw("1") if name == "bitmap.psd" else None, tolerance
    for mode in ("L", "RGB", "RGBA"):
        yield f"{mode.lower()}.sgi", saved(draw(mode), "SGI"), None, 0
        yield f"{mode.lower()}_16.sgi", saved(draw(mode), "SGI", bpc=2), draw(mode), 0
        yield f"{mode.lower()}_runs.sgi", magick("-compress", "RLE", "SGI:-", image=draw(mode)), None, 0


# ---- textures ----------------------------------------------------------------------------------

def dds(flags, bits, masks=(0, 0, 0, 0), name=b"\0\0\0\0", pixels=b"", number=None):
    head = b"DDS " + struct.pack("<IIII", 124, 0x1007, HEIGHT, WIDTH) + b"\0" * 56 + struct.pack("<II4sI4I", 32, flags, name, bits, *masks) + b"\0" * 20
    return head + (b"" if number is None else struct.pack("<5I", number, 3, 0, 1, 0)) + pixels


def textures():
    for mode in ("L", "LA", "RGB", "RGBA"):
        yield f"{mode.lower()}.dds", saved(draw("RGBA").convert(mode), "DDS"), None, 0
    bgr = (0xFF0000, 0xFF00, 0xFF, 0)
    yield "bgrx.dds", dds(0x40, 32, bgr, pixels=np.dstack([RGB[..., ::-1], RGB[..., 0] * 0]).astype(np.uint8).tobytes()), draw(), 0
    x565 = (RGB[..., 0] >> 3) << 11 | (RGB[..., 1] >> 2) << 5 | RGB[..., 2] >> 3
    yield "565.dds", dds(0x40, 16, (0xF800, 0x7E0, 0x1F, 0), pixels=x565.astype("<u2").tobytes()), None, 0
    x4444 = (RGBA[..., 0] >> 4) << 8 | (RGBA[..., 1] >> 4) << 4 | RGBA[..., 2] >> 4 | (RGBA[..., 3] >> 4) << 12
    yield "4444.dds", dds(0x41, 16, (0xF00, 0xF0, 0xF, 0xF000), pixels=x4444.astype("<u2").tobytes()), None, 0
    q = quantized(64)
    palette = b"".join(bytes([*q.getpalette()[3 * i:3 * i + 3], 255]) for i in range(64)).ljust(1024, b"\0")
    yield "palette.dds", dds(0x20, 8, pixels=palette + q.tobytes()), q.convert("RGB"), 0
    yield "dx10_rgba.dds", dds(4, 0, name=b"DX10", number=28, pixels=RGBA.astype(np.uint8).tobytes()), None, 0
    bgra = RGBA[..., [2, 1, 0, 3]].astype(np.uint8).tobytes()
    yield "dx10_bgra.dds", dds(4, 0, name=b"DX10", number=87, pixels=bgra), draw("RGBA"), 0
    random = np.random.default_rng(2).integers(0, 256, WIDTH * HEIGHT, np.uint8).tobytes()
    for name, number, block in (("DXT1", 71, 8), ("DXT3", 74, 16), ("DXT5", 77, 16)):
        yield f"{name.lower()}.dds", saved(draw("RGBA"), "DDS", pixel_format=name), None, 0
        yield f"{name.lower()}_odd.dds", saved(draw("RGBA", 21, 13), "DDS", pixel_format=name), None, 0
        noise = random[:WIDTH * HEIGHT // 16 * block]
        yield f"{name.lower()}_noise.dds", dds(4, 0, name=name.encode(), pixels=noise), None, 0
        yield f"{name.lower()}_dx10.dds", dds(4, 0, name=b"DX10", number=number, pixels=noise), None, 0
    whole = saved(draw(), "DDS")
    yield "cut.dds", whole[:len(whole) - 3 * WIDTH * 6], behind(draw(), 0, 10), 0, "the lower 38 %"


# ---- X11 ---------------------------------------------------------------------------------------

def xbm(before=b"", declared=b"static unsigned char a_bits[] = {", number=b"0x%02x", after=b"};"):
    """Bits that are stored the lowest first, and set where the drawing is white."""
    lines = [int("".join(str(int(v)) for v in line[::-1]), 2).to_bytes(3, "little") for line in np.asarray(draw("1", 21))]
    numbers = b", ".join(number % v for line in lines for v in line)
    return before + b"#define a_width 21\n#define a_height 16\n#define a_x_hot 3\n#define a_y_hot 4\n" + declared + b"\n" + numbers + after


def xpm(colors, lines, characters=1):
    rows = ["%d %d %d %d" % (len(lines[0]) // characters, len(lines), len(colors), characters), *colors, *lines]
    return ("/* XPM */\nstatic char * a_xpm[] = {\n" + ",\n".join(f'"{row}"' for row in rows) + "};\n").encode()


def x11():
    one = draw("1", 21)
    yield "saved.xbm", saved(draw("1"), "XBM"), None, 0
    yield "odd.xbm", xbm(), None, 0
    yield "comment.xbm", xbm(before=b"/* made\n   by hand */\n"), None, 0
    yield "decimal.xbm", xbm(number=b"%d", declared=b"static char a_bits[]={"), one, 0
    yield "hex.xbm", xbm(number=b"0X%X"), one, 0
    whole = xbm()
    cut = np.asarray(one.convert("L")).copy()
    cut[10:] = 0
    yield "cut.xbm", whole[:whole.index(b"{\n") + 2 + 6 * 30], Image.fromarray(cut), 0, "the lower 38 %"
    yield "magick.xpm", magick("-colors", "40", "XPM:-"), None, 0
    yield "magick_many.xpm", magick("XPM:-"), None, 0
    yield "magick_clear.xpm", magick("-channel", "A", "-threshold", "50%", "XPM:-", image=draw("RGBA")), None, 0
    keys = ["  s back m white c #010203", "x  c #FFEEDD", ".. m black c #10A0F0", "+/ c None"]
    lines = ["  x ..+/", "..x +/  ", "x x x   "]
    yield "keys.xpm", xpm(keys, lines, 2), Image.fromarray(np.array(
        [[(1, 2, 3, 255), (255, 238, 221, 255), (16, 160, 240, 255), (0, 0, 0, 0)],
         [(16, 160, 240, 255), (255, 238, 221, 255), (0, 0, 0, 0), (1, 2, 3, 255)],
         [(255, 238, 221, 255)] * 3 + [(1, 2, 3, 255)]], np.uint8), "RGBA"), 0
    names = ["a c red", "b c light blue", "c c gray50", "d c Green", "e c #F08", "f c #FFFF80000000", "g m white g #808080", "h m white"]
    levels = [(255, 0, 0), (173, 216, 230), (128, 128, 128), (0, 255, 0), (255, 0, 136), (255, 128, 0), (128, 128, 128), (255, 255, 255)]
    yield "names.xpm", xpm(names, ["abcdefgh", "hgfedcba"]), Image.fromarray(np.array([levels, levels[::-1]], np.uint8)), 0
    few = ["a c #010203", "b c #FFEEDD"]
    yield "cut.xpm", xpm(few, ["ab", "ba", "bb", "aa"])[:-9], Image.fromarray(np.array([[(1, 2, 3, 255), (255, 238, 221, 255)], [(255, 238, 221, 255), (1, 2, 3, 255)], [(255, 238, 221, 255)] * 2, [(0, 0, 0, 0)] * 2], np.uint8), "RGBA"), 0, "the lower 25 %"
    yield "unknown.xpm", xpm(few, ["ab", "ba", "?a", "aa"]), Image.fromarray(np.array([[(1, 2, 3, 255), (255, 238, 221, 255)], [(255, 238, 221, 255), (1, 2, 3, 255)], [(0, 0, 0, 0)] * 2, [(0, 0, 0, 0)] * 2], np.uint8), "RGBA"), 0, "the file is damaged: the lower 50 %"


# ---- Sun raster --------------------------------------------------------------------------------

def sun(bits, lines, kind=1, palette=b"", width=WIDTH):
    """A file of rows of bytes, which are filled up to 16 bits."""
    pixels = b"".join(bytes(line) + b"\0" * (len(line) % 2) for line in lines)
    pixels = sun_runs(pixels) if kind == 2 else pixels
    return struct.pack(">8I", 0x59A66A95, width, len(lines), bits, len(pixels), kind, bool(palette), len(palette)) + palette + pixels


def sun_runs(data):
    """Runs of three and more, and single bytes."""
    out, at = b"", 0
    while at < len(data):
        n = 1
        while at + n < len(data) and n < 256 and data[at + n] == data[at]:
            n += 1
        if n >= 3:
            out += bytes([0x80, n - 1, data[at]])
        else:
            n = 1
            out += b"\x80\0" if data[at] == 0x80 else data[at:at + 1]
        at += n
    return out


def sun_rasters():
    q, q16 = quantized(64), quantized(16)
    channels = bytes(q.getpalette()[0::3] + q.getpalette()[1::3] + q.getpalette()[2::3])
    channels16 = bytes(q16.getpalette()[0:48:3] + q16.getpalette()[1:48:3] + q16.getpalette()[2:48:3])
    bgr, rgb = RGB[..., ::-1].reshape(HEIGHT, -1).tolist(), RGB.reshape(HEIGHT, -1).tolist()
    bits = packed(np.where(np.asarray(draw("1")), 0, 1), 1)
    four = np.dstack([RGBA[..., 3:], RGB]).reshape(HEIGHT, -1).tolist()
    yield "1.sun", sun(1, bits), None, 0
    yield "4.sun", sun(4, packed(np.asarray(q16), 4), palette=channels16), None, 0
    yield "gray4.sun", sun(4, packed(GRAY >> 4, 4)), None, 0
    yield "gray.sun", sun(8, GRAY.tolist()), None, 0
    yield "palette.sun", sun(8, np.asarray(q).tolist(), palette=channels), None, 0
    yield "bgr.sun", sun(24, bgr), None, 0
    yield "rgb.sun", sun(24, rgb, 3), None, 0
    yield "xrgb.sun", sun(32, four, 3), draw(), 0  # Pillow takes the first byte of four for a colour
    yield "xbgr.sun", sun(32, np.dstack([RGBA[..., 3:], RGB[..., ::-1]]).reshape(HEIGHT, -1).tolist()), draw(), 0
    yield "gray_runs.sun", sun(8, GRAY.tolist(), 2), None, 0
    yield "palette_runs.sun", sun(8, np.asarray(q).tolist(), 2, channels), None, 0
    yield "bgr_runs.sun", sun(24, bgr, 2), None, 0
    odd = np.asarray(draw("L", 21, 13))
    yield "odd.sun", sun(8, odd.tolist(), width=21), None, 0
    yield "odd_runs.sun", sun(8, odd.tolist(), 2, width=21), draw("L", 21, 13), 0  # Pillow does not fill up its rows
    yield "unfilled.sun", sun(8, odd.tolist(), width=21)[:-1], draw("L", 21, 13), 0
    yield "magick.sun", magick("SUN:-"), None, 0
    yield "cut.sun", sun(24, bgr)[:32 + 3 * WIDTH * 10], behind(draw(), 0, 10), 0, "the lower 38 %"


def runs(data):
    """Run lengths of PCX, all of one byte where that has to be."""
    return b"".join(bytes([0xC1, v]) if v >= 0xC0 else bytes([v]) for v in data)


# ---- orientation -------------------------------------------------------------------------------

TURN = {1: None, 2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM, 5: Image.TRANSPOSE, 6: Image.ROTATE_90, 7: Image.TRANSVERSE, 8: Image.ROTATE_270}


def stored(n):
    """The drawing as a file stores it with orientation n."""
    return draw() if TURN[n] is None else draw().transpose(TURN[n])


def exif(n, kind=3, order=">", tag=0x0112):
    """One tag; n is None for another."""
    code = {1: "Bxxx", 3: "Hxx", 4: "I", 6: "bxxx", 8: "hxx", 9: "i"}[kind]
    if n is None:
        tag, n = 0x0131, 1
    head = b"II*\0" if order == "<" else b"MM\0*"
    return head + struct.pack(order + "IHHHI", 8, 1, tag, kind, 1) + struct.pack(order + code, n) + b"\0\0\0\0"


def xmp(n, form='tiff:Orientation="%d"', element=""):
    text = form % n if not element else ""
    inner = element % n if element else ""
    return (f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
            f'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" {text}>{inner}</rdf:Description></rdf:RDF></x:xmpmeta>').encode()


ELEMENT = "<tiff:Orientation>%d</tiff:Orientation>"
XAP = b"http://ns.adobe.com/xap/1.0/\0"


def segment(data):
    return b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data


def jpeg(n, *segments, scan=0):
    data = saved(stored(n), "JPEG", quality=95, subsampling=0)
    return data[:2] + b"".join(segments) + data[2:]


def profile(data, name="exif"):
    digits = data.hex()
    return "\n%s\n%8d\n%s\n" % (name, len(data), "\n".join(digits[i:i + 72] for i in range(0, len(digits), 72)))


def text_png(n, *texts):
    info = PngImagePlugin.PngInfo()
    for kind, key, value in texts:
        if kind == "iTXt":
            info.add_itxt(key, value, zip=True)
        else:
            info.add_text(key, value, zip=kind == "zTXt")
    return saved(stored(n), "PNG", pnginfo=info)


def orientations():
    head = b"Exif\0\0"
    for kind in (1, 3, 4, 6, 8, 9):
        for order, name in (("<", "little"), (">", "big")):
            yield f"exif_type{kind}_{name}.jpg", jpeg(6, segment(head + exif(6, kind, order))), draw(), 8
    yield "exif_junk.jpg", jpeg(6, segment(head + exif(6)[:-6] + b"\xff\xff\0\0\0\0")), draw(), 8
    yield "exif_no_header.jpg", jpeg(6, segment(exif(6))), draw(), 8
    yield "exif_twice_header.jpg", jpeg(6, segment(head + head + exif(6))), draw(), 8
    yield "exif_after_xmp.jpg", jpeg(6, segment(XAP + xmp(1)), segment(head + exif(6))), draw(), 8
    yield "exif_before_xmp.jpg", jpeg(6, segment(head + exif(6)), segment(XAP + xmp(3))), draw(), 8
    split = exif(6)
    yield "exif_split.jpg", jpeg(6, segment(head + split[:12]), segment(head + split[12:])), draw(), 8
    yield "exif_second.jpg", jpeg(6, segment(head + exif(None)), segment(head + exif(6))), draw(), 8
    yield "exif_first_wins.jpg", jpeg(6, segment(head + exif(6)), segment(head + exif(3))), draw(), 8
    yield "exif_one_beats_xmp.jpg", jpeg(1, segment(head + exif(1)), segment(XAP + xmp(6))), draw(), 8
    yield "exif_zero_beats_xmp.jpg", jpeg(1, segment(head + exif(0)), segment(XAP + xmp(6))), draw(), 8
    yield "exif_without_tag.jpg", jpeg(6, segment(head + exif(None)), segment(XAP + xmp(6))), draw(), 8
    for n in range(1, 9):
        yield f"xmp_attribute{n}.jpg", jpeg(n, segment(XAP + xmp(n))), draw(), 8
    yield "xmp_element.jpg", jpeg(6, segment(XAP + xmp(6, element=ELEMENT))), draw(), 8
    yield "xmp_single_quotes.jpg", jpeg(6, segment(XAP + xmp(6, "tiff:Orientation = '%d'"))), draw(), 8
    yield "xmp.png", text_png(6, ("iTXt", "XML:com.adobe.xmp", xmp(6).decode())), None, 0
    yield "xmp_element.png", text_png(6, ("tEXt", "XML:com.adobe.xmp", xmp(6, element=ELEMENT).decode())), None, 0
    for kind in ("tEXt", "zTXt", "iTXt"):
        yield f"profile_{kind.lower()}.png", text_png(6, (kind, "Raw profile type exif", profile(head + exif(6)))), draw(), 0
    yield "profile_app1.png", text_png(6, ("zTXt", "Raw profile type APP1", profile(head + exif(6), "generic"))), draw(), 0
    yield "profile_xmp.png", text_png(6, ("zTXt", "Raw profile type xmp", profile(xmp(6), "xmp"))), draw(), 0
    yield "profile_app1_xmp.png", text_png(6, ("zTXt", "Raw profile type APP1", profile(XAP + xmp(6), "generic"))), draw(), 0
    plain = saved(stored(6), "PNG")
    yield "exif_last.png", plain[:-12] + chunk(b"eXIf", exif(6)) + plain[-12:], None, 0
    both = text_png(6, ("zTXt", "Raw profile type exif", profile(head + exif(3))))
    yield "exif_beats_profile.png", both[:33] + chunk(b"eXIf", exif(6)) + both[33:], None, 0
    yield "xmp.webp", saved(stored(6), "WEBP", lossless=True, xmp=xmp(6)), None, 0
    yield "exif_beats_xmp.webp", saved(stored(6), "WEBP", lossless=True, exif=exif(6), xmp=xmp(3)), None, 0
    for n, kind in ((6, 4), (8, 1)):
        out = io.BytesIO()
        stored(n).save(out, "TIFF", tiffinfo={})
        yield f"type{kind}.tif", retagged(out.getvalue(), n, kind), draw(), 0
    yield "xmp.tif", saved(stored(6), "TIFF", tiffinfo={700: xmp(6)}), None, 0


def retagged(data, n, kind):
    """Puts the orientation in place of the number of samples' neighbour: a tag that nobody needs is renamed."""
    at = struct.unpack("<I", data[4:8])[0]
    count = struct.unpack("<H", data[at:at + 2])[0]
    entries = [data[at + 2 + 12 * i:at + 14 + 12 * i] for i in range(count)]
    code = {1: "Bxxx", 4: "I"}[kind]
    entries.append(struct.pack("<HHI", 0x0112, kind, 1) + struct.pack("<" + code, n))
    entries.sort(key=lambda e: struct.unpack("<H", e[:2])[0])
    table = struct.pack("<H", len(entries)) + b"".join(entries) + b"\0\0\0\0"
    out = data + b"\0" * (len(data) % 2)
    return out[:4] + struct.pack("<I", len(out)) + out[8:] + table


# ------------------------------------------------------------------------------------------------

def as_read(data):
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode in ("I", "I;16"):
            return Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        return upright


def entry(name, data, image, tolerance, warning=""):
    image = image if image is not None else as_read(data)
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    elif image.mode in ("L", "1", "RGB") and "transparency" in image.info:
        image = image.convert("RGBA")
    pixels = image.convert("RGB" if image.mode == "CMYK" else image.mode).convert("RGBA").tobytes()
    (HERE / name).write_bytes(data)
    out = {"name": name, "width": image.width, "height": image.height, "warning": warning}
    if tolerance == "part":
        out["part"] = True
    elif isinstance(tolerance, tuple):
        out["rows"] = tolerance[1]
    else:
        out["tolerance"] = tolerance
    out["rgba"] = base64.b64encode(zlib.compress(pixels, 9)).decode()
    return out


def main():
    files = [entry(*f) for group in (bitmaps, gifs, pngs, webps, icons, apple_icons, netpbm, others, textures, sun_rasters, x11, orientations) for f in group()]
    lines = ",\n".join(json.dumps(f) for f in files)
    (HERE / "reference.json").write_text('{"pillow": "%s",\n"files": [\n%s\n]}\n' % (PIL.__version__, lines))


main()
