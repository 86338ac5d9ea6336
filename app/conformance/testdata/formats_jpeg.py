"""JPEG: samplings, processes, colour spaces, segments, and defects.

Structures are those of ITU-T T.81."""

import io
import struct

import imagecodecs
import numpy as np
from PIL import Image

from scene import grain, scene
from table import encoded, run

SAMPLINGS = {"4:4:4": "1x1", "4:2:2": "2x1", "4:2:0": "2x2", "4:4:0": "1x2", "4:1:1": "4x1"}
SOI, EOI = b"\xff\xd8", b"\xff\xd9"


def segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(image=None, **options):
    return encoded(image or scene(), "JPEG", **({"quality": 92} | options))


def cjpeg(*options, image=None):
    return run("cjpeg", "-quality", "92", *options, data=encoded(image or scene(), "PPM"))


def find(data, marker, after=0):
    return data.index(bytes([0xFF, marker]), after)


def without_adobe(data):
    """Removes the Adobe segment, APP14."""
    at = find(data, 0xEE)
    return data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0] :]


def renamed(data, ids):
    """Gives the components of the frame and of its one scan other identifiers."""
    out = bytearray(data)
    frame, scan = find(data, 0xC0), find(data, 0xDA)
    for i, name in enumerate(ids):
        out[frame + 10 + 3 * i] = out[scan + 5 + 2 * i] = name
    return bytes(out)


def kinds(table):
    table.begin("JPEG")
    for sampling, factors in SAMPLINGS.items():
        name = f"jpeg_{sampling.replace(':', '')}"
        table.add(f"{name}.jpg", cjpeg("-sample", factors), f"sampling {sampling}", small=True)
        table.add(
            f"{name}_progressive.jpg", cjpeg("-sample", factors, "-progressive"), f"sampling {sampling}, progressive"
        )
    for factors in (
        "4x2,1x1,1x1",
        "2x2,1x2,1x2",
        "2x2,2x1,2x1",
        "1x1,2x1,2x1",
        "2x1,1x2,1x1",
        "1x4,1x1,1x1",
        "3x1,1x1,1x1",
        "2x1,2x1,2x1",
    ):
        table.add(
            f"jpeg_sample_{factors.replace(',', '_')}.jpg",
            cjpeg("-sample", factors),
            f"sampling factors {factors}",
            why="chroma of such factors is spread by repeating in Pillow's libjpeg",
        )
    for name, options in (
        ("arithmetic", ["-arithmetic"]),
        ("arithmetic_progressive", ["-arithmetic", "-progressive"]),
        ("optimized", ["-optimize"]),
        ("quality10", ["-quality", "10"]),
        ("restart_blocks", ["-restart", "1B"]),
        ("quant16", ["-quality", "1"]),
    ):
        table.add(f"jpeg_{name}.jpg", cjpeg(*options), name.replace("_", ", "), small=name == "arithmetic")
    table.save("jpeg_gray.jpg", scene().convert("L"), "gray", quality=92, small=True)
    table.save("jpeg_gray_progressive.jpg", scene().convert("L"), "gray, progressive", quality=92, progressive=True)
    table.save("jpeg_restart_rows.jpg", scene(), "a restart marker for each row", quality=92, restart_marker_rows=1)
    for size in ((1, 1), (1, 100), (17, 13), (8, 8), (9, 7), (2000, 1), (65500, 8), (8, 65500)):
        table.save(f"jpeg_{size[0]}x{size[1]}.jpg", scene(*size), "%d x %d" % size, quality=90)
    spaces(table)
    segments(table)
    deep(table)
    large(table)


def spaces(table):
    image, cmyk = scene(), scene().convert("CMYK")
    rgb = jpeg(keep_rgb=True, subsampling=0)
    table.add("jpeg_rgb_adobe.jpg", rgb, "RGB, says the Adobe segment", small=True)
    table.add("jpeg_rgb_ids.jpg", renamed(without_adobe(rgb), b"RGB"), "RGB, say the components' names", small=True)
    table.add("jpeg_ids_012.jpg", renamed(jpeg(), b"\0\1\2"), "components named 0, 1, 2 as some cameras do", small=True)
    table.add("jpeg_ids_ycc.jpg", renamed(jpeg(), bytes((1, 0x22, 0x23))), "components with strange names")
    samples = np.asarray(cmyk)
    for name, out, what in (("cmyk", "CMYK", "CMYK by Adobe's segment"), ("ycck", "YCCK", "YCCK by Adobe's segment")):
        data = imagecodecs.jpeg8_encode(255 - samples, level=92, colorspace="CMYK", outcolorspace=out)
        table.add(f"jpeg_{name}.jpg", data, what, small=True)
    table.save("jpeg_cmyk_pillow.jpg", cmyk, "CMYK by Pillow", quality=92)
    table.add(
        "jpeg_cmyk_plain.jpg",
        without_adobe(jpeg(cmyk)),
        "four components and no word of Adobe",
        small=True,
        why="without Adobe's segment the inks are not inverted, as libjpeg and Pillow take it",
    )
    table.save("jpeg_cmyk_420.jpg", cmyk, "CMYK, chroma halved", quality=92, subsampling=2, progressive=True)
    table.tool(
        "jpeg_magick_cmyk.jpg",
        "CMYK by ImageMagick",
        "convert",
        "-size",
        "120x90",
        "plasma:red-blue",
        "-seed",
        "1",
        "-colorspace",
        "CMYK",
        "OUT",
    )
    gray = np.asarray(image.convert("L"))
    table.add("jpeg_two_components.jpg", two_components(gray), "two components", reasons=["unsupported", "corrupt"])


def two_components(gray):
    """A frame of two components, made of a gray one: their second has no data."""
    data = jpeg(Image.fromarray(gray))
    frame = find(data, 0xC0)
    head = data[frame + 4 : frame + 9] + b"\2\1\x11\0\2\x11\0"
    return data[:frame] + segment(0xC0, head) + data[frame + 2 + 11 :]


def segments(table):
    data = jpeg()
    end = find(data, 0xDA)
    small = io.BytesIO()
    scene(40, 30).save(small, "JPEG")
    table.add(
        "jpeg_thumbnail.jpg",
        SOI + segment(0xE1, b"Exif\0\0" + thumbnail(small.getvalue())) + data[2:],
        "a thumbnail inside EXIF",
        small=True,
    )
    table.add("jpeg_long_comment.jpg", SOI + segment(0xFE, b"x" * 65000) * 4 + data[2:], "comments of 260 kB")
    table.add(
        "jpeg_fill.jpg",
        SOI + b"\xff" * 5 + data[2:end] + b"\xff" * 3 + data[end:],
        "fill bytes before markers",
        small=True,
    )
    table.add(
        "jpeg_leading.jpg",
        b"\r\n" + data,
        "a newline before the picture",
        small=True,
        meant=scene_of(data),
        by="the picture without it",
        why="Pillow wants the marker first; the picture behind it is whole",
    )
    table.add("jpeg_trailing.jpg", data + b"\0" * 4096 + b"garbage", "bytes after the picture", small=True)
    table.add("jpeg_motion.jpg", data + b"\0\0\0\x18ftypmp42" + b"\0" * 2000, "a video after the picture, as phones do")
    table.add("jpeg_two.jpg", data + jpeg(Image.new("RGB", (120, 90))), "two pictures")
    table.add("jpeg_gain_map.jpg", gain_map(data), "a gain map after the picture (Ultra HDR)", small=True)
    table.save(
        "jpeg_mpo.jpg",
        scene(),
        "two pictures by MPO",
        format="MPO",
        save_all=True,
        append_images=[Image.new("RGB", (120, 90))],
        quality=92,
    )
    table.add(
        "jpeg_jfif_thumbnail.jpg",
        SOI + segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\x10\x10" + bytes(768)) + data[20:],
        "a thumbnail inside JFIF",
    )
    table.add("jpeg_no_app.jpg", SOI + data[20:], "without JFIF")
    table.add(
        "jpeg_density.jpg", data[:13] + b"\1\0\x48\0\x90" + data[18:], "pixels that are not square: nobody stretches it"
    )
    tables, rest = data[2:end], data[end:]
    table.add(
        "jpeg_tables_twice.jpg",
        SOI + tables + tables[18 : find(tables, 0xC0)] + rest,
        "quantization tables again before the scan",
    )


def thumbnail(data):
    """EXIF with a picture in its second directory."""
    first = struct.pack("<HHHII", 1, 0x0112, 3, 1, 1) + struct.pack("<I", 26)
    second = struct.pack("<HHHIIHHII", 2, 0x0201, 4, 1, 56, 0x0202, 4, 1, len(data)) + b"\0\0\0\0"
    return b"II*\0\x08\0\0\0" + first + second + data


def gain_map(data):
    xmp = (
        b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/></rdf:RDF></x:xmpmeta>'
    )
    second = jpeg(Image.linear_gradient("L").resize((60, 45)))
    return SOI + segment(0xE1, xmp) + data[2:] + second


def scene_of(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def deep(table):
    """Kinds that Pillow refuses."""
    image = np.asarray(scene()).astype(np.uint16) * 16
    refused = dict(reasons=["unsupported"], optional=True, meant=scene(), by="the scene")
    table.add("jpeg_12bit.jpg", imagecodecs.jpeg_encode(image, level=95, bitspersample=12), "12 bits", **refused)
    table.add(
        "jpeg_lossless.jpg",
        imagecodecs.ljpeg_encode(np.asarray(scene().convert("L")), bitspersample=8),
        "lossless",
        reasons=["unsupported"],
        optional=True,
        meant=scene().convert("L").convert("RGB"),
        by="the scene",
    )
    table.add("jpeg_ls.jpg", imagecodecs.jpegls_encode(np.asarray(scene())), "JPEG-LS", **refused)
    table.add(
        "jpeg_xr.jpg",
        imagecodecs.jpegxr_encode(np.asarray(scene()), level=0.95),
        "JPEG XR by the name of a JPEG",
        reasons=["unknown format", "unsupported"],
        optional=True,
        meant=scene(),
        by="the scene",
    )


def large(table):
    photo = grain(1600, 1200)
    for name, options in (
        ("420", {}),
        ("444", {"subsampling": 0}),
        ("422", {"subsampling": 1}),
        ("progressive", {"progressive": True}),
        ("q20", {"quality": 20}),
    ):
        table.save(f"jpeg_large_{name}.jpg", photo, "1600 x 1200 with grain", **({"quality": 85} | options))
    table.save("jpeg_large_gray.jpg", photo.convert("L"), "1600 x 1200, gray", quality=85)
    table.save("jpeg_large_cmyk.jpg", photo.convert("CMYK"), "1600 x 1200, CMYK", quality=60)
    table.save("jpeg_reduced.jpg", scene(1600, 1200), "1600 x 1200 without grain", quality=40, small=True)
    table.save("jpeg_large_odd.jpg", grain(1533, 1021), "1533 x 1021", quality=80)
    table.save("jpeg_large_tall.jpg", grain(400, 3000), "400 x 3000", quality=80)
    y, x = np.mgrid[:1200, :1600]
    inside = ((x - 700) ** 2 + (y - 600) ** 2 < 350**2)[..., None]
    noise = np.random.default_rng(2).random((1200, 1600, 3))
    hard = {
        "dots": (noise > np.where(inside, 0.3, 0.8)) * 255,
        "halftone": ((np.sin(x * 1.1) * np.sin(y * 1.1))[..., None] > np.where(inside, -0.6, 0.6))
        * np.array([255] * 3),
        "night": np.where(noise[..., :1] > np.where(inside, 0.93, 0.995), [[[255, 255, 255]]], [[[20, 20, 60]]]),
        "checks": np.where(((x + y) % 2 == 0)[..., None], np.where(inside, [[[255, 0, 0]]], [[[0, 0, 255]]]), 255),
    }
    for name, values in hard.items():
        table.save(
            f"jpeg_hard_{name}.jpg",
            Image.fromarray(values.astype(np.uint8)),
            "reduced otherwise it looks otherwise",
            quality=40,
            subsampling=0,
        )
    table.save("jpeg_100_megapixels.jpg", Image.new("L", (12000, 8400), 200), "100 megapixels", quality=50)
    table.save(
        "jpeg_200_megapixels.jpg",
        Image.linear_gradient("L").resize((16000, 12500)),
        "200 megapixels",
        quality=50,
        reasons=["too many pixels"],
    )
