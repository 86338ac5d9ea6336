"""TIFF of 1 to 64 bits: whole, signed and floating numbers, both polarities and orders."""

import numpy as np
from PIL import Image

from scene import scene
from tiff_writer import packed, raw, tiff

UNSIGNED, SIGNED, FLOAT = 1, 2, 3


def scaled(image, bits):
    """Samples of 8 bits as those of other depths, white remaining white."""
    values = np.asarray(image).astype(np.uint64)
    return (values * (2**bits - 1) + 127) // 255


def kinds(table):
    table.begin("TIFF depths")
    gray, rgb = scene().convert("L"), scene()
    why = "Pillow and ImageMagick each leave out some depths, or clip them; the values are those of the scene"
    for bits in (1, 2, 4, 6, 8, 10, 12, 14, 16, 24, 32):
        for name, image, photometric in (("gray", gray, 1), ("white0", gray, 0), ("rgb", rgb, 2)):
            values = scaled(image, bits)
            if photometric == 0:
                values = 2**bits - 1 - values
            shape = np.asarray(values).reshape(image.height, image.width, -1)
            seen = ((np.asarray(scaled(image, bits)).astype(float)) * 255 / (2**bits - 1)).round().astype(np.uint8)
            for order in "<>" if bits in (16, 32) else "<":
                data = (
                    shape.astype(f"{order}u{bits // 8}").tobytes()
                    if bits in (16, 32)
                    else (packed_24(shape) if bits == 24 else packed(shape, bits))
                )
                rare = (
                    bits in (6, 10, 14, 24)
                    or bits == 32
                    and photometric != 1
                    or bits in (2, 4, 1, 12)
                    and photometric == 2
                )
                table.add(
                    f"tiff_{name}{bits}{'_big' if order == '>' else ''}.tif",
                    raw(data, image.size, shape.shape[2], bits, photometric, order=order),
                    f"{name}, {bits} bits",
                    meant=Image.fromarray(seen),
                    by="the scene",
                    why=why,
                    reasons=["unsupported"],
                    optional=rare,
                    small=(bits, photometric) in ((12, 1), (16, 0), (32, 1), (2, 0)) and order == "<",
                )
    signed(table, gray, why)
    floats(table, gray, rgb, why)


def packed_24(values):
    """Little-endian samples of three bytes."""
    return values.astype("<u4").reshape(-1, 1).view(np.uint8)[:, :3].tobytes()


def signed(table, gray, why):
    values = np.asarray(gray).astype(np.int64)
    for bits, scale in ((8, 127 / 255), (16, 128), (32, 8388608)):
        data = (values * scale).astype(f"<i{bits // 8}").tobytes()
        table.add(
            f"tiff_signed{bits}.tif",
            raw(data, gray.size, 1, bits, 1, kind=SIGNED),
            f"signed, {bits} bits",
            meant=gray,
            by="the scene",
            why="nothing says which value is white: the greatest of the type, as for numbers without sign",
            reasons=["unsupported"],
            optional=True,
        )


def floats(table, gray, rgb, why):
    meant = dict(by="the scene", why=why, reasons=["unsupported"])
    for bits in (16, 32, 64):
        for name, image in (("gray", gray), ("rgb", rgb)):
            values = (np.asarray(image) / 255).astype(f"f{bits // 8}")
            photometric = "rgb" if name == "rgb" else "minisblack"
            for kind, options in (
                ("", {}),
                ("_predictor", {"compression": "deflate", "predictor": 3}),
                ("_big", {"byteorder": ">"}),
            ):
                common = bits == 32 and name == "gray"
                table.add(
                    f"tiff_float{bits}_{name}{kind}.tif",
                    tiff(values, photometric=photometric, **options),
                    f"floating, {bits} bits{kind.replace('_', ', ')}",
                    meant=image,
                    optional=not common,
                    small=common and kind != "_big",
                    **meant,
                )
    wild = (np.asarray(gray) / 255).astype("f4")
    wild[:4, :4], wild[:4, 4:8] = np.nan, np.inf
    table.add(
        "tiff_float_nan.tif",
        tiff(wild, photometric="minisblack"),
        "floating, with NaN and infinity",
        meant=gray,
        optional=True,
        **meant,
    )
    wide = np.asarray(gray).astype("f4") * 20 - 1000
    table.add(
        "tiff_float_wide.tif",
        tiff(wide, photometric="minisblack"),
        "floating, of another range",
        reasons=["unsupported"],
        loose=True,
        why="nothing says which values are black and white",
    )
    deep = np.asarray(gray).astype(np.uint16) * 16
    table.add(
        "tiff_12_in_16.tif",
        tiff(deep, photometric="minisblack"),
        "12 bits in 16, as cameras write",
        meant=Image.fromarray((deep // 257).astype(np.uint8)),
        by="the scene",
        why="the file says 16 bits: white is 65535",
    )
    complexes = (np.asarray(gray) / 255).astype(np.complex64)
    table.add(
        "tiff_complex.tif",
        tiff(complexes, photometric="minisblack"),
        "complex numbers",
        reasons=["unsupported"],
        optional=True,
    )
