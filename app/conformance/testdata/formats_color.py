"""Colour profiles in every format that carries them."""

import numpy as np
from PIL import Image, ImageCms

import profiles
from formats_jpeg import SOI, jpeg, segment
from formats_png import RGB, chunk, png
from right import SRGB
from scene import grain, scene, transparent

FORMATS = {
    "jpg": dict(quality=95, subsampling=0),
    "png": {},
    "webp": dict(lossless=True),
    "tif": {},
    "heic": dict(quality=95, chroma=444),
    "avif": dict(quality=95, subsampling="4:4:4"),
}
GHOSTSCRIPT = "/usr/share/color/icc/ghostscript/"
SEGMENT = 65519  # most bytes of a profile in one segment of a JPEG


def kinds(table):
    table.begin("Colour profiles")
    for name, profile in profiles.DISPLAYS.items():
        for suffix, options in FORMATS.items():
            table.save(
                f"icc_{name}.{suffix}",
                scene(),
                f"profile {name}",
                icc_profile=profile,
                small=suffix in ("jpg", "png") and name in ("p3", "swapped", "lut16", "mab"),
                **options,
            )
    for name, curve in profiles.CURVES.items():
        table.save(
            f"icc_curve_{name}.png",
            scene(),
            f"curve {name}",
            icc_profile=profiles.display(name, profiles.SRGB, curve),
            small=name in ("sampled4096", "para4"),
        )
    three = [profiles.gamma(1.4), profiles.SRGB_PARAMETRIC, profiles.sampled(np.linspace(0, 1, 20) ** 2.6)]
    table.save(
        "icc_curves.png", scene(), "a curve for each channel", icc_profile=profiles.display("", profiles.ADOBE, three)
    )
    srgb = SRGB.tobytes()
    table.save("icc_srgb_lcms.jpg", scene(), "sRGB by Little CMS", icc_profile=srgb, quality=95)
    gray(table)
    inks(table)
    other_pictures(table)
    in_segments(table)
    broken(table)


def gray(table):
    image = scene().convert("L")
    for name, profile in profiles.GRAYS.items():
        for suffix in ("jpg", "png", "tif"):
            table.save(
                f"icc_{name}.{suffix}",
                image,
                f"profile {name}",
                icc_profile=profile,
                small=name == "gray10" and suffix == "png",
                **({"quality": 95} if suffix == "jpg" else {}),
            )
    table.save(
        "icc_gray_alpha.png",
        transparent().convert("LA"),
        "gray with alpha and a profile",
        icc_profile=profiles.GRAYS["gray10"],
    )


def inks(table):
    image = scene().convert("CMYK")
    ghostscript = {
        "default_cmyk": open(GHOSTSCRIPT + "default_cmyk.icc", "rb").read(),
        "ps_cmyk": open(GHOSTSCRIPT + "ps_cmyk.icc", "rb").read(),
    }
    for name, profile in {**profiles.INKS, **ghostscript}.items():
        for suffix, options in (
            ("jpg", dict(quality=95, subsampling=0)),
            ("tif", {}),
            ("tif", dict(compression="tiff_lzw")),
        ):
            extra = "_lzw" if options.get("compression") else ""
            table.save(
                f"icc_{name}{extra}.{suffix}",
                image,
                f"inks of profile {name}",
                icc_profile=profile,
                small=name == "ink8" and suffix == "jpg",
                **options,
            )
    table.save(
        "icc_ink8_progressive.jpg",
        image,
        "inks, progressive",
        icc_profile=profiles.INKS["ink8"],
        quality=90,
        progressive=True,
    )
    table.save(
        "icc_ink8_large.jpg",
        grain(1600, 1200).convert("CMYK"),
        "inks, 1600 x 1200",
        icc_profile=profiles.INKS["ink8"],
        quality=60,
    )
    photo = ImageCms.profileToProfile(
        grain(800, 600), SRGB, ImageCms.ImageCmsProfile(GHOSTSCRIPT + "default_cmyk.icc"), outputMode="CMYK"
    )
    table.save(
        "icc_separated.jpg", photo, "a photo separated for print", icc_profile=ghostscript["default_cmyk"], quality=85
    )


def other_pictures(table):
    p3, swapped = profiles.DISPLAYS["p3"], profiles.DISPLAYS["swapped"]
    table.save("icc_p3_420.jpg", scene(), "Display P3, chroma halved", icc_profile=p3, quality=92, subsampling=2)
    table.save("icc_p3_large.jpg", grain(1600, 1200), "Display P3, 1600 x 1200", icc_profile=p3, quality=80)
    table.save(
        "icc_srgb_large.jpg", grain(1600, 1200), "sRGB, 1600 x 1200", icc_profile=profiles.DISPLAYS["srgb"], quality=80
    )
    table.save(
        "icc_swapped_large_progressive.jpg",
        grain(1600, 1200),
        "channels exchanged, 1600 x 1200, progressive",
        icc_profile=swapped,
        quality=80,
        progressive=True,
    )
    table.save(
        "icc_swapped_lossy.webp", scene(), "lossy WebP with a profile", icc_profile=swapped, quality=90, small=True
    )
    for suffix, options in (
        ("png", {}),
        ("webp", dict(lossless=True)),
        ("tif", {}),
        ("avif", dict(quality=95, subsampling="4:4:4")),
        ("heic", dict(quality=95, chroma=444)),
    ):
        table.save(
            f"icc_swapped_alpha.{suffix}",
            transparent(),
            "a profile and transparency",
            icc_profile=swapped,
            small=suffix == "webp",
            **options,
        )
    table.save(
        "icc_swapped_palette.png",
        scene().quantize(64, dither=Image.Dither.NONE),
        "a palette with a profile",
        icc_profile=swapped,
    )
    table.save(
        "icc_swapped_palette.tif",
        scene().quantize(64, dither=Image.Dither.NONE),
        "a palette with a profile",
        icc_profile=swapped,
    )
    turned = scene().transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    for suffix in ("jpg", "png", "webp", "tif"):
        table.save(
            f"icc_swapped_turned.{suffix}",
            turned,
            "a profile and an orientation",
            icc_profile=swapped,
            exif=exif,
            **FORMATS[suffix],
        )


def marked(profile, number, count):
    return segment(0xE2, b"ICC_PROFILE\0" + bytes((number, count)) + profile)


def in_segments(table):
    """Profiles of JPEGs that stand in several segments."""
    profile, data = profiles.DISPLAYS["swapped"], jpeg(subsampling=0, quality=95)
    third = len(profile) // 3 + 1
    parts = [profile[i : i + third] for i in range(0, len(profile), third)]
    pieces = [marked(part, i + 1, 3) for i, part in enumerate(parts)]
    jpegs = {
        "three": (pieces, "in three segments"),
        "reversed": (pieces[::-1], "in three segments, the last first"),
        "missing": (pieces[:2], "in three segments, of which one is missing"),
        "twice": ([marked(profile, 1, 1)] * 2, "twice"),
        "zero": ([marked(profile, 0, 0)], "in segment 0 of 0"),
        "more": ([marked(profile, 1, 2)], "in segment 1 of 2"),
    }
    for name, (written, what) in jpegs.items():
        table.add(
            f"icc_segments_{name}.jpg",
            SOI + b"".join(written) + data[2:],
            f"a profile {what}",
            small=name == "reversed",
            why=(
                "Pillow puts together what there is, and in the order of the file"
                if name in ("missing", "more", "twice", "zero")
                else ""
            ),
        )
    exif = segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")
    table.add(
        "icc_behind_exif.jpg",
        SOI + exif + segment(0xE1, b"x" * 60000) + marked(profile, 1, 1) + data[2:],
        "a profile behind 60 kB of others",
    )
    big = profiles.tables("large", b"RGB ", profiles.table(b"mft2", 3, 33, profiles.of_rgb))
    for suffix, options in FORMATS.items():
        table.save(f"icc_large.{suffix}", scene(), "a profile of 216 kB", icc_profile=big, **options)


def broken(table):
    why = "a profile that says nothing of use is left out; ImageMagick drops it or refuses the file"
    for name, (profile, what) in profiles.broken().items():
        for suffix in ("jpg", "png", "webp", "tif") if name in ("cut", "noise", "tags", "inks") else ("jpg", "png"):
            table.save(
                f"icc_broken_{name}.{suffix}",
                scene(),
                f"a profile {what}",
                icc_profile=profile,
                why=why,
                small=suffix == "jpg" and name in ("far", "gray"),
                **FORMATS[suffix],
            )
    table.save(
        "icc_broken_rgb_in_gray.jpg",
        scene().convert("L"),
        "a profile of colours in a gray picture",
        icc_profile=profiles.DISPLAYS["swapped"],
        quality=95,
        why=why,
    )
    table.save(
        "icc_broken_rgb_in_cmyk.jpg",
        scene().convert("CMYK"),
        "a profile of lights in a picture of inks",
        icc_profile=profiles.DISPLAYS["swapped"],
        quality=95,
        why=why,
    )
    data = jpeg()
    table.add(
        "icc_broken_segment.jpg",
        SOI + segment(0xE2, b"ICC_PROFILE\0") + data[2:],
        "a profile's segment without number",
        why=why,
    )
    table.add(
        "icc_broken_png_zlib.png",
        png_with(b"iCCP", b"x\0\0" + b"\x78\x9c" + b"\xff" * 20),
        "a profile that cannot be unpacked",
        why=why,
    )


def png_with(kind, data):
    return png(np.asarray(scene()), 8, RGB, chunk(kind, data))
