"""TIFF: layouts, compressions and colour spaces that tools and cameras write."""

import io

import numpy as np
import tifffile
from PIL import Image

from scene import grain, mask, scene, transparent
from tiff_writer import packed, raw, tiff, without_tag

LOSSLESS = (
    "lzw",
    "deflate",
    "adobe_deflate",
    "packbits",
    "lzma",
    "zstd",
    "lerc",
    "png",
    "jpegxl",
    "jpeg2000",
    "webp",
    "jpegxr",
)
RARE = {"lerc", "webp", "png", "jpegxl", "jpeg2000", "jpegxr"}  # private compressions: Pillow's libtiff lacks them


def kinds(table):
    table.begin("TIFF")
    values = np.asarray(scene())
    compressions(table, values)
    layouts(table, values)
    by_tools(table)
    transparency(table, values)
    spaces(table)
    pages(table, values)


def compressions(table, values):
    for name in LOSSLESS:
        options = dict(reasons=["unsupported"], optional=True, meant=scene(), by="the scene") if name in RARE else {}
        args = (
            {"compressionargs": {"lossless": True}}
            if name == "webp"
            else {"compressionargs": {"level": 0}} if name in ("jpeg2000", "jpegxr") else {}
        )
        table.add(
            f"tiff_{name}.tif",
            tiff(values, compression=name, rowsperstrip=16, **args),
            f"compression {name}",
            small=name in ("lzw", "deflate", "packbits", "zstd", "lzma"),
            **options,
        )
    for name in ("lzw", "deflate", "zstd", "lzma"):
        table.add(
            f"tiff_{name}_predictor.tif",
            tiff(values, compression=name, predictor=2, rowsperstrip=7),
            f"{name}, differences of neighbours",
            small=name == "deflate",
        )
    for name in ("none", "lzw", "deflate", "packbits", "zstd"):
        options = {} if name == "none" else {"compression": name}
        table.add(
            f"tiff_tiles_{name}.tif", tiff(values, tile=(32, 48), **options), f"tiles, {name}", small=name == "lzw"
        )
        table.add(
            f"tiff_planar_{name}.tif",
            tiff(np.moveaxis(values, -1, 0), planarconfig="separate", rowsperstrip=20, **options),
            f"planes, {name}",
            small=name == "none",
        )
    table.add(
        "tiff_planar_tiles.tif",
        tiff(np.moveaxis(values, -1, 0), planarconfig="separate", tile=(32, 32), compression="deflate", predictor=2),
        "planes of tiles",
    )
    for name, options in (
        ("jpeg", {}),
        ("jpeg_ycc", {"photometric": "ycbcr", "subsampling": (2, 2)}),
        ("jpeg_ycc444", {"photometric": "ycbcr", "subsampling": (1, 1)}),
        ("jpeg_tiles", {"tile": (48, 64), "photometric": "ycbcr", "subsampling": (2, 1)}),
    ):
        table.add(
            f"tiff_{name}.tif",
            tiff(values, compression="jpeg", compressionargs={"level": 95}, **options),
            "JPEG inside",
            small=name in ("jpeg", "jpeg_ycc"),
        )
    gray = np.asarray(scene().convert("L"))
    table.add(
        "tiff_jpeg_gray.tif",
        tiff(gray, photometric="minisblack", compression="jpeg", compressionargs={"level": 95}),
        "gray JPEG inside",
    )


def layouts(table, values):
    for big in (False, True):
        for order, name in (("<", "little"), (">", "big")):
            table.add(
                f"tiff_{'bigtiff_' if big else ''}{name}.tif",
                tiff(values, bigtiff=big, byteorder=order),
                f"{name} endian{', BigTIFF' if big else ''}",
                meant=scene(),
                by="the scene",
                why="Pillow reads no BigTIFF that is big endian",
            )
    sixteen = values.astype(np.uint16) * 257
    for order, name in (("<", "little"), (">", "big")):
        table.add(f"tiff_16_{name}.tif", tiff(sixteen, byteorder=order), f"16 bits, {name} endian", small=order == ">")
        table.add(
            f"tiff_16_predictor_{name}.tif",
            tiff(sixteen, byteorder=order, compression="lzw", predictor=2),
            f"16 bits by differences, {name} endian",
        )
    table.add(
        "tiff_bigtiff_tiles.tif", tiff(values, bigtiff=True, tile=(16, 16), compression="zstd"), "BigTIFF of tiles"
    )
    table.add("tiff_one_row.tif", tiff(values, rowsperstrip=1), "a strip for each row")
    table.add("tiff_1x1.tif", tiff(values[:1, :1]), "one pixel")
    table.add(
        "tiff_large.tif",
        tiff(np.asarray(grain(1600, 1200)), compression="deflate", predictor=2, rowsperstrip=64),
        "1600 x 1200 with grain",
    )


def by_tools(table):
    source = table.folder / "_source.tif"
    source.write_bytes(tiff(np.asarray(scene())))
    for name, options in (
        ("lzw", ["-c", "lzw:2"]),
        ("zip", ["-c", "zip:2"]),
        ("jpeg_rgb", ["-r", "16", "-c", "jpeg:r:95"]),
        ("jpeg", ["-r", "16", "-c", "jpeg:95"]),
        ("tiles", ["-t", "-w", "64", "-l", "64"]),
        ("planar", ["-p", "separate"]),
        ("bigtiff", ["-8"]),
        ("big_endian", ["-B"]),
        ("fill2", ["-f", "lsb2msb", "-c", "lzw"]),
        ("zstd", ["-c", "zstd"]),
        ("lzma", ["-c", "lzma"]),
        ("planar_lzw", ["-p", "separate", "-c", "lzw:2"]),
    ):
        table.tool(
            f"tiffcp_{name}.tif",
            "by tiffcp " + " ".join(options),
            "tiffcp",
            *options,
            str(source),
            "OUT",
            small=name == "jpeg_rgb",
        )
    bilevel = table.folder / "_bilevel.tif"
    scene().convert("1").save(bilevel)
    for name in ("g3", "g3:2d", "g4", "packbits", "lzw", "zip"):
        for fill in ("msb2lsb", "lsb2msb"):
            table.tool(
                f"tiffcp_1bit_{name.replace(':', '_')}_{fill}.tif",
                f"one bit, {name}, {fill}",
                "tiffcp",
                "-f",
                fill,
                "-c",
                name,
                str(bilevel),
                "OUT",
                small=name in ("g4", "g3:2d"),
            )
    table.save("tiff_1bit_ccitt.tif", scene().convert("1"), "one bit, modified Huffman", compression="tiff_ccitt")
    for name, options in (
        ("old_jpeg", ["-compress", "JPEG", "-quality", "95"]),
        ("rle", ["-compress", "RLE"]),
        ("min_is_white", ["-colorspace", "gray", "-define", "quantum:polarity=min-is-white"]),
        ("depth16", ["-depth", "16"]),
        ("cmyk", ["-colorspace", "CMYK"]),
        ("lab", ["-colorspace", "Lab"]),
        ("palette", ["-colors", "40", "-type", "Palette"]),
    ):
        meant = (
            dict(meant=scene(), by="the scene", why="Pillow takes a* and b* of 16 bits as it finds them")
            if name == "lab"
            else {}
        )
        table.tool(
            f"tiff_magick_{name}.tif",
            "by ImageMagick " + " ".join(options),
            "convert",
            str(source),
            *options,
            "OUT",
            **meant,
        )
    source.unlink()
    bilevel.unlink()


def transparency(table, values):
    alpha = mask()
    premultiplied = (values.astype(int) * alpha[..., None] // 255).astype(np.uint8)
    seen = Image.composite(scene(), Image.new("RGB", scene().size, "white"), Image.fromarray(alpha))
    four, five = np.dstack([values, alpha]), np.dstack([values, alpha, alpha])
    told = dict(meant=seen, by="the scene")
    table.add("tiff_unassociated.tif", tiff(four, extrasamples=["unassalpha"]), "alpha beside", small=True)
    table.add(
        "tiff_associated.tif",
        tiff(np.dstack([premultiplied, alpha]), extrasamples=["assocalpha"]),
        "alpha multiplied in",
        small=True,
    )
    table.add(
        "tiff_extra_unspecified.tif",
        tiff(four, extrasamples=["unspecified"]),
        "a fourth sample of no meaning, as saved selections",
        small=True,
        meant=scene(),
        by="the scene",
        why="an extra sample of no meaning hides nothing",
    )
    table.add(
        "tiff_extra_two.tif",
        tiff(five, extrasamples=["unassalpha", "unspecified"]),
        "alpha and a sample of no meaning",
        small=True,
        why="ImageMagick takes the last for alpha",
        **told,
    )
    table.add(
        "tiff_extra_none.tif",
        without_tag(tiff(four, extrasamples=["unassalpha"]), 338),
        "four samples, and no word of the fourth",
        meant=scene(),
        by="the scene",
        why="what has no meaning hides nothing",
    )
    gray = np.asarray(scene().convert("L"))
    table.add(
        "tiff_gray_alpha.tif",
        tiff(np.dstack([gray, alpha]), photometric="minisblack", extrasamples=["unassalpha"], planarconfig="contig"),
        "gray with alpha",
        small=True,
    )
    table.add(
        "tiff_planar_alpha.tif",
        tiff(np.moveaxis(four, -1, 0), planarconfig="separate", extrasamples=["unassalpha"]),
        "planes, alpha beside",
        **told,
        why="the same samples in another order",
    )
    table.add(
        "tiff_16_alpha.tif", tiff(four.astype(np.uint16) * 257, extrasamples=["unassalpha"]), "16 bits, alpha beside"
    )
    table.add(
        "tiff_16_associated.tif",
        tiff(np.dstack([premultiplied, alpha]).astype(np.uint16) * 257, extrasamples=["assocalpha"]),
        "16 bits, alpha multiplied in",
        **told,
        why="Pillow does not divide by an alpha of 16 bits",
    )
    table.save("tiff_pillow_alpha.tif", transparent(), "RGBA by Pillow", compression="tiff_lzw")


def spaces(table):
    image = scene()
    cmyk = np.asarray(image.convert("CMYK"))
    table.add("tiff_cmyk.tif", tiff(cmyk, photometric="separated"), "CMYK", small=True)
    table.add("tiff_cmyk16.tif", tiff(cmyk.astype(np.uint16) * 257, photometric="separated"), "CMYK of 16 bits")
    table.add(
        "tiff_cmyk_planar.tif",
        tiff(np.moveaxis(cmyk, -1, 0), photometric="separated", planarconfig="separate"),
        "CMYK in planes",
        meant=image.convert("CMYK").convert("RGB"),
        by="the scene",
        why="the same samples in another order",
    )
    table.add(
        "tiff_cmyk_alpha.tif",
        tiff(np.dstack([cmyk, mask()]), photometric="separated", extrasamples=["unspecified"]),
        "CMYK and a sample of no meaning",
    )
    for compression in (None, "tiff_lzw"):
        table.save(
            f"tiff_lab{'_lzw' if compression else ''}.tif",
            image.convert("LAB"),
            "CIE Lab",
            compression=compression,
            meant=image,
            by="the scene",
            why="ImageMagick takes another white",
            small=not compression,
        )
    table.save("tiff_ycc_pillow.tif", image.convert("YCbCr"), "YCbCr by Pillow", compression="jpeg")
    for factors in ((1, 1), (2, 1), (2, 2), (4, 2)):
        table.add(
            f"tiff_ycc{factors[0]}{factors[1]}.tif",
            ycc(np.asarray(image.convert("YCbCr")), *factors),
            "YCbCr without compression, chroma %d x %d" % factors,
            small=factors == (2, 2),
            meant=image,
            by="the scene",
            why="Pillow misreads chroma that is halved and not compressed",
        )
    for bits in (1, 2, 4, 8):
        small = image.quantize(2**bits, dither=Image.Dither.NONE)
        colors = (
            np.array(small.getpalette()[: 3 * 2**bits] + [0] * 3 * (2**bits))
            .reshape(-1, 3)[: 2**bits]
            .T.astype(np.uint16)
            * 257
        )
        if bits == 8:
            table.add(
                "tiff_palette8.tif",
                tiff(np.asarray(small), photometric="palette", colormap=colors),
                "a palette",
                small=True,
            )
        else:
            table.add(
                f"tiff_palette{bits}.tif",
                raw(
                    packed(np.asarray(small)[..., None], bits),
                    small.size,
                    1,
                    bits,
                    3,
                    more=[(320, 3, colors.ravel().tolist())],
                ),
                f"a palette of {bits} bits",
            )


def ycc(values, across, down):
    """YCbCr in the order of TIFF: for each block its luma, then its two chroma."""
    height, width = values.shape[0] // down * down, values.shape[1] // across * across
    values = values[:height, :width].astype(int)
    blocks = values.reshape(height // down, down, width // across, across, 3).transpose(0, 2, 1, 3, 4)
    luma = blocks[..., 0].reshape(*blocks.shape[:2], -1)
    data = np.concatenate([luma, blocks[..., 1:].mean((2, 3)).round().astype(int)], -1).astype(np.uint8)
    limits = [0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1]
    return raw(data.tobytes(), (width, height), 3, 8, 6, more=[(530, 3, [across, down]), (532, 5, limits)])


def pages(table, values):
    black = Image.new("RGB", (300, 200))
    table.save("tiff_pages.tif", scene(), "two pages", save_all=True, append_images=[black])
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(values, photometric="rgb", subifds=2, tile=(32, 32), metadata=None)
        writer.write(values[::2, ::2], photometric="rgb", subfiletype=1, tile=(32, 32), metadata=None)
        writer.write(values[::4, ::4], photometric="rgb", subfiletype=1, tile=(32, 32), metadata=None)
    table.add("tiff_pyramid_below.tif", out.getvalue(), "a pyramid below the first page", small=True)
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for step in (1, 2, 4):
            writer.write(values[::step, ::step], photometric="rgb", subfiletype=int(step > 1), metadata=None)
    table.add("tiff_pyramid_pages.tif", out.getvalue(), "a pyramid in pages")
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(values[::4, ::4], photometric="rgb", subfiletype=1, metadata=None)
        writer.write(values, photometric="rgb", metadata=None)
    table.add("tiff_small_first.tif", out.getvalue(), "a reduced picture is the first page")
