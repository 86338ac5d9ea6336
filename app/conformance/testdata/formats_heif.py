"""HEIC and AVIF: depths, samplings, matrices, turns, grids, sequences, and defects.

Their containers turn pictures themselves (irot, imir): that wins over EXIF, as libheif has it."""

import io

import numpy as np
import pillow_heif
from PIL import Image

import hdr
import profiles
from formats_png import RGB, png
from formats_turn import exif, stored
from right import to_srgb
from scene import grain, scene, transparent
from table import encoded

OLD = "the libheif of ImageMagick is of another version"
HUES = "Pillow heeds no primaries and transfers of nclx; the same colours are converted from a profile"


def nclx(matrix=6, full=1, primaries=1, transfer=13):
    return dict(
        save_nclx_profile=True,
        color_primaries=primaries,
        transfer_characteristics=transfer,
        matrix_coefficients=matrix,
        full_range_flag=full,
    )


def kinds(table):
    sources = {
        "scene": scene(),
        "odd": scene(119, 89),
        "gray": scene().convert("L"),
        "alpha": transparent(),
        "large": grain(1600, 1200),
        "black": Image.new("RGB", (120, 90)),
    }
    paths = {name: table.folder / f"_{name}.png" for name in sources}
    for name, image in sources.items():
        image.save(paths[name])
    paths["deep"] = table.folder / "_deep.png"
    paths["deep"].write_bytes(png(np.asarray(scene()).astype(int) * 257, 16, RGB))
    heic(table, paths)
    avif(table, paths)
    defects(table)
    for path in paths.values():
        path.unlink()


def heic(table, paths):
    table.begin("HEIC")
    common = {"444": (dict(chroma=444), True), "422": (dict(chroma=422), False), "420": (dict(chroma=420), False)}
    for name, (options, small) in common.items():
        table.save(f"heic_{name}.heic", scene(), f"sampling {name}", quality=95, small=small, **options)
        table.save(
            f"heic_{name}_alpha.heic", transparent(), f"sampling {name}, alpha", quality=95, small=small, **options
        )
        table.save(f"heic_{name}_odd.heic", scene(119, 89), f"sampling {name}, odd sides", quality=95, **options)
    for matrix in (1, 5, 6, 9):
        for full in (0, 1):
            table.save(
                f"heic_matrix{matrix}_{'full' if full else 'limited'}.heic",
                scene(),
                f"matrix {matrix}, {'full' if full else 'limited'} range",
                quality=95,
                chroma=444,
                small=matrix == 9,
                **nclx(matrix, full),
            )
    table.save("heic_identity.heic", scene(), "the identity matrix: RGB", quality=-1, chroma=444, **nclx(0), why=OLD)
    deep, clear, gray = (
        pillow_heif.from_bytes(
            mode=mode, size=scene().size, data=(np.asarray(image).astype("<u2") * 257).tobytes()
        )
        for mode, image in (("RGB;16", scene()), ("RGBA;16", transparent()), ("I;16L", scene().convert("L")))
    )
    for bits in (10, 12):
        pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12

        for chroma in (420, 422, 444):
            out = io.BytesIO()
            deep.save(out, quality=95, chroma=chroma)
            table.add(f"heic_{bits}bit_{chroma}.heic", out.getvalue(), f"{bits} bits, sampling {chroma}", small=bits == 10)
            out = io.BytesIO()
            clear.save(out, quality=95, chroma=chroma)
            table.add(f"heic_{bits}bit_{chroma}_alpha.heic", out.getvalue(), f"{bits} bits, sampling {chroma}, alpha")
        out = io.BytesIO()
        gray.save(out, quality=95)
        table.add(f"heic_{bits}bit_gray.heic", out.getvalue(), f"{bits} bits, gray", small=bits == 12)
    table.save("heic_gray.heic", scene().convert("L"), "gray", quality=95, small=True)
    table.save("heic_gray_alpha.heic", transparent().convert("LA"), "gray with alpha", quality=95)
    table.save("heic_lossless.heic", scene(), "without loss", quality=-1, chroma=444, **nclx(0))
    table.save(
        "heic_two.heic", scene(), "two pictures", quality=90, save_all=True, append_images=[Image.new("RGB", (120, 90))]
    )
    second = pillow_heif.from_pillow(Image.new("RGB", (120, 90)))
    second.add_from_pillow(scene())
    out = io.BytesIO()
    second.save(out, primary_index=1, quality=90, save_all=True)
    table.add("heic_primary_second.heic", out.getvalue(), "the second picture is the primary one")
    for size in ((1, 1), (3, 5), (64, 64), (16, 200)):
        table.save(f"heic_{size[0]}x{size[1]}.heic", scene(*size), "%d x %d" % size, quality=95, why=OLD)
    for orientation in (3, 6, 7):
        table.save(
            f"heic_turn{orientation}_420.heic",
            stored(orientation, scene(119, 89)),
            f"turned by the container as orientation {orientation} says, odd sides",
            quality=95,
            exif=exif(orientation),
        )
    table.save("heic_grid.heic", grain(400, 300), "a grid of tiles", quality=80, tile_size=128, why=OLD)
    table.save(
        "heic_grid_turned.heic",
        stored(6, grain(400, 300)),
        "a grid of tiles, turned",
        quality=80,
        tile_size=128,
        exif=exif(6),
        why=OLD,
    )
    for name, source, options in (
        ("plain", "scene", []),
        ("10bit", "deep", ["-b", "10"]),
        ("12bit", "deep", ["-b", "12"]),
        ("odd", "odd", []),
        ("large", "large", []),
        ("thumbnail", "large", ["--thumb", "160"]),
        ("alpha_premultiplied", "alpha", ["--premultiplied-alpha"]),
        ("lossless", "scene", ["-L", "-p", "chroma=444", "--matrix_coefficients=0"]),
    ):
        table.tool(
            f"heif_enc_{name}.heic",
            "by heif-enc " + " ".join(options),
            "heif-enc",
            "-q",
            "90",
            *options,
            "-o",
            "OUT",
            str(paths[source]),
        )
    profile = to_srgb(scene(), profiles.DISPLAYS["p3"])
    table.save(
        "heic_nclx_p3.heic",
        scene(),
        "primaries of Display P3 by nclx",
        quality=95,
        chroma=444,
        meant=profile,
        by="a profile of the same colours",
        why=HUES,
        **nclx(primaries=12),
    )
    table.save(
        "heic_nclx_and_icc.heic",
        scene(),
        "nclx and a profile",
        quality=95,
        chroma=444,
        icc_profile=profiles.DISPLAYS["swapped"],
        **nclx(1),
    )
    for matrix, full in ((1, 0), (6, 0), (9, 1)):
        table.save(
            f"heic_coded_matrix{matrix}_{'full' if full else 'limited'}.heic",
            scene(),
            "a profile; only the coded picture names matrix and range",
            quality=95,
            chroma=420,
            icc_profile=profiles.DISPLAYS["srgb"],
            small=matrix == 1,
            **nclx(matrix, full),
        )


def avif(table, paths):
    table.begin("AVIF")
    for subsampling in ("4:4:4", "4:2:2", "4:2:0", "4:0:0"):
        name = subsampling.replace(":", "")
        for span in ("full", "limited"):
            table.save(
                f"avif_{name}_{span}.avif",
                scene(),
                f"sampling {subsampling}, {span} range",
                quality=95,
                subsampling=subsampling,
                range=span,
                small=span == "limited",
            )
        table.save(
            f"avif_{name}_alpha.avif",
            transparent(),
            f"sampling {subsampling}, alpha",
            quality=95,
            subsampling=subsampling,
            small=subsampling == "4:4:4",
        )
    table.save("avif_odd.avif", scene(119, 89), "odd sides", quality=95)
    table.save(
        "avif_sequence.avif",
        scene(),
        "a sequence",
        save_all=True,
        append_images=[Image.new("RGB", (120, 90))],
        duration=200,
        quality=90,
    )
    turns = [("--irot", str(n)) for n in range(1, 4)] + [("--imir", str(n)) for n in range(2)]
    kinds = [
        ("10bit", "deep", ["-d", "10"]),
        ("12bit", "deep", ["-d", "12"]),
        ("10bit_420", "deep", ["-d", "10", "-y", "420"]),
        ("12bit_gray", "deep", ["-d", "12", "-y", "400"]),
        ("lossless", "scene", ["-l"]),
        ("premultiplied", "alpha", ["-p"]),
        ("grid", "large", ["--grid", "2x2"]),
        ("large", "large", []),
        ("odd_420", "odd", ["-y", "420"]),
        ("clap", "scene", ["--clap", "60,1,40,1,0,1,0,1"]),
        ("clap_aside", "scene", ["--clap", "60,1,40,1,10,1,-8,1"]),
        ("irot_imir", "scene", ["--irot", "1", "--imir", "0"]),
        ("irot_clap", "scene", ["--clap", "60,1,40,1,0,1,0,1", "--irot", "1"]),
        ("601", "scene", ["--cicp", "1/13/6"]),
        ("709", "scene", ["--cicp", "1/1/1"]),
        ("2020", "scene", ["--cicp", "1/13/9"]),
        ("ycgco", "scene", ["--cicp", "1/13/8"]),
        ("identity", "scene", ["-y", "444", "--cicp", "1/13/0"]),
        *((f"{turn[0][2:]}{turn[1]}", "scene", list(turn)) for turn in turns),
    ]
    for name, source, options in kinds:
        told = (
            dict(why="ImageMagick does not crop")
            if "clap" in name
            else dict(why=OLD) if name in ("ycgco",) or "imir" in name or "irot" in name else {}
        )
        table.tool(
            f"avifenc_{name}.avif",
            "by avifenc " + " ".join(options),
            "avifenc",
            "-s",
            "8",
            "--min",
            "0",
            "--max",
            "10",
            *options,
            str(paths[source]),
            "OUT",
            small=name in ("10bit", "irot1", "clap_aside", "2020"),
            **told,
        )
    for name, cicp, profile in (
        ("p3", "12/13/6", profiles.DISPLAYS["p3"]),
        ("bt2020", "9/1/9", profiles.DISPLAYS["bt2020_srgb"]),
    ):
        table.tool(
            f"avif_nclx_{name}.avif",
            f"colours {cicp} by nclx",
            "avifenc",
            "-s",
            "8",
            "--min",
            "0",
            "--max",
            "5",
            "-y",
            "444",
            "--cicp",
            cicp,
            str(paths["scene"]),
            "OUT",
            meant=to_srgb(scene(), profile),
            by="a profile of the same colours",
            why=HUES,
        )
    for name, transfer, curve in (("pq", 16, hdr.from_pq), ("hlg", 18, hdr.from_hlg)):
        table.tool(
            f"avif_nclx_{name}.avif",
            f"{name.upper()} of 10 bits",
            "avifenc",
            "-s",
            "8",
            "--min",
            "0",
            "--max",
            "5",
            "-d",
            "10",
            "-y",
            "444",
            "--cicp",
            f"9/{transfer}/9",
            str(paths["deep"]),
            "OUT",
            meant=hdr.of(scene(), curve),
            by="the formulas of ITU-R BT.2100 and BT.2390",
            why=HUES,
        )
    other = table.folder / "_exif.bin"
    other.write_bytes(exif(6)[6:])
    table.tool(
        "avif_irot_and_exif.avif",
        "turned by irot, and EXIF says so once more",
        "avifenc",
        "-s",
        "8",
        "--irot",
        "3",
        "--exif",
        str(other),
        str(paths["scene"]),
        "OUT",
        why="irot wins over EXIF",
    )
    table.tool(
        "avif_exif_alone.avif",
        "EXIF says 6, the container nothing",
        "avifenc",
        "-s",
        "8",
        "--exif",
        str(other),
        str(paths["scene"]),
        "OUT",
        why="in this container EXIF turns nothing",
    )
    other.unlink()


def defects(table):
    table.begin("HEIC and AVIF, damaged")
    for suffix in ("heic", "avif"):
        data = encoded(scene(), {"heic": "HEIF", "avif": "AVIF"}[suffix], quality=90)
        for percent in (99, 75, 50, 10):
            table.add(
                f"{suffix}_cut{percent}.{suffix}",
                data[: len(data) * percent // 100],
                f"{percent} % of the file",
                reasons=["corrupt"],
                optional=True,
            )
        table.add(f"{suffix}_trailing.{suffix}", data + b"\0" * 500, "bytes after the end")
        at = data.index(b"ispe")
        vast = data[: at + 8] + b"\x7f\xff\xff\xff" * 2 + data[at + 16 :]
        table.add(
            f"{suffix}_vast.{suffix}",
            vast,
            "2^31 x 2^31, says the container",
            reasons=["too many pixels", "corrupt"],
            optional=True,
        )
        table.add(f"{suffix}_head.{suffix}", data[:32], "only a head", reasons=["corrupt", "unsupported"])
        table.add(
            f"{suffix}_brand.{suffix}",
            data[:8] + b"mif1" + data[12:],
            "only the common brand first",
            small=suffix == "heic",
        )
        flipped = bytearray(data)
        flipped[-len(data) // 4] ^= 0x55
        table.add(
            f"{suffix}_flipped.{suffix}", bytes(flipped), "a wrong byte in the data", reasons=["corrupt"], loose=True
        )
        table.add(f"{suffix}_named_jpeg.jpg", data, "named .jpg")
