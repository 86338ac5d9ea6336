"""Files that are no pictures, or none that is to be read: each has a named reason."""

import gzip
import io
import json
import struct
import tarfile
import zipfile

import numpy as np
from PIL import Image

from formats_jpeg import jpeg
from tiff_writer import tiff
from scene import scene
from table import encoded

UNKNOWN = dict(reasons=["unknown format"])


def kinds(table):
    table.begin("No pictures")
    words = {
        "text.txt": b"not a picture\n",
        "text.jpg": b"not a picture\n",
        "page.jpg": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "page_upper.png": b"<HTML><BODY>404</BODY></HTML>",
        "page_space.gif": b"\n\n  <html></html>",
        "answer.json": json.dumps({"error": "not found"}).encode(),
        "bom.jpg": b"\xef\xbb\xbf<html></html>",
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        "drawing_xml.svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        "script.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
        "pointer.jpg": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    }
    for name, data in words.items():
        table.add(name, data, "words", optional=True, **UNKNOWN)
    table.add("empty.jpg", b"", "no bytes", reasons=["empty"], small=True)
    for length in (1, 2, 3, 8, 11):
        table.add(
            f"short{length}.png",
            b"\x89PNG\r\n\x1a\n\0\0\0"[:length],
            f"{length} bytes",
            reasons=["unknown format", "corrupt", "empty"],
        )
    table.add("zeros.jpg", bytes(5000), "zeros, as a lost copy leaves", small=True, reasons=["empty"])
    table.add("noise.jpg", np.random.default_rng(3).bytes(5000), "noise", **UNKNOWN)
    archives(table)
    films(table)
    raw(table)
    named(table)
    bombs(table)


def archives(table):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.jpg", (2026, 1, 1, 0, 0, 0)), jpeg())
    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w") as archive:
        member = tarfile.TarInfo("a.jpg")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"abcd"))
    for name, data in {
        "archive.zip": packed.getvalue(),
        "archive.jpg": packed.getvalue(),
        "archive.tar": tarred.getvalue(),
        "packed.svgz": gzip.compress(b"<svg/>", mtime=0),
        "document.pdf": b"%PDF-1.7\n%\xe2\xe3\n",
        "program.jpg": b"\x7fELF\2\1\1" + bytes(60),
        "fork.jpg": b"\0\5\x16\7\0\2\0\0Mac OS X        \0\2" + bytes(60),
        "thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
    }.items():
        table.add(name, data, "an archive, a document or a program", **UNKNOWN)


def box(kind, data=b""):
    return struct.pack(">I", len(data) + 8) + kind + data


def films(table):
    for name, data in {
        "film.mp4": box(b"ftyp", b"isom\0\0\2\0isomiso2mp41") + box(b"mdat", bytes(99)),
        "film.mov": box(b"ftyp", b"qt  \0\0\2\0qt  ") + box(b"wide"),
        "old.mov": box(b"moov", box(b"mvhd", bytes(100))),
        "film.jpg": box(b"ftyp", b"mp42\0\0\0\0mp42") + box(b"mdat", bytes(99)),
        "film.mkv": b"\x1a\x45\xdf\xa3" + bytes(40),
        "film.avi": b"RIFF\x40\0\0\0AVI LIST" + bytes(50),
        "sound.wav": b"RIFF\x40\0\0\0WAVEfmt " + bytes(50),
        "sound.mp3": b"ID3\4\0\0\0\0\0\0" + bytes(50),
        "film.wmv": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(50),
        "film.mpg": b"\0\0\1\xba" + bytes(50),
        "film.flv": b"FLV\1\5\0\0\0\x09" + bytes(50),
    }.items():
        table.add(name, data, "a film or a sound", reasons=["unknown format"], small=name == "film.mp4")


def raw(table):
    """What cameras' raw files begin with; none holds a picture."""
    heads = {
        "raw.cr2": b"II*\0\x10\0\0\0CR\2\0" + bytes(200),
        "raw.cr3": box(b"ftyp", b"crx \0\0\0\1crx isom") + bytes(99),
        "raw.raf": b"FUJIFILMCCD-RAW 0201" + bytes(99),
        "raw.orf": b"IIRO\x08\0\0\0" + bytes(99),
        "raw.rw2": b"IIU\0\x18\0\0\0" + bytes(99),
        "raw.x3f": b"FOVb" + bytes(99),
        "raw.mrw": b"\0MRM" + bytes(99),
        "raw.crw": b"II\x1a\0\0\0HEAPCCDR" + bytes(99),
    }
    for name, data in heads.items():
        table.add(name, data, "the head of a camera's raw file", reasons=["unknown format", "unsupported", "corrupt"])
    sensor = np.asarray(scene().convert("L")).astype(np.uint16) * 64
    dng = tiff(
        sensor,
        photometric="cfa",
        extratags=[(33421, 3, 2, (2, 2), True), (33422, 1, 4, (0, 1, 1, 2), True), (50706, 1, 4, (1, 4, 0, 0), True)],
    )
    table.add(
        "raw_sensor.dng", dng, "a DNG that holds only what the sensor saw", reasons=["unsupported", "unknown format"]
    )


def named(table):
    """Pictures by other names: content decides."""
    formats = {
        "JPEG": jpeg(),
        "PNG": encoded(scene(), "PNG"),
        "WEBP": encoded(scene(), "WEBP", lossless=True),
        "AVIF": encoded(scene(), "AVIF", quality=90),
    }
    table.begin("Names")
    for name, format in (
        ("photo.jfif", "JPEG"),
        ("photo.jpe", "JPEG"),
        ("PHOTO.JPEG", "JPEG"),
        ("photo", "JPEG"),
        ("photo.png", "JPEG"),
        ("photo.heic", "JPEG"),
        ("photo.tif", "PNG"),
        ("photo.jpg", "WEBP"),
        ("photo.gif", "AVIF"),
        ("photo.bin", "PNG"),
    ):
        table.add("named_" + name, formats[format], f"a {format} by this name", small=name in ("photo", "photo.heic"))


def bombs(table):
    table.begin("Bombs")
    for side in (11000, 20000):
        for mode in ("1", "L"):
            table.save(
                f"bomb_{mode}_{side}.png",
                Image.new(mode, (side, side)),
                f"{side} x {side} pixels in a few kilobytes",
                reasons=["too many pixels"],
            )
    table.save(
        "bomb_palette.gif",
        Image.new("P", (16000, 16000)),
        "16000 x 16000 pixels",
        optional=True,
        reasons=["too many pixels"],
    )
    table.save(
        "bomb.webp",
        Image.new("RGB", (16000, 12000)),
        "16000 x 12000 pixels",
        lossless=True,
        method=0,
        quality=0,
        optional=True,
        reasons=["too many pixels"],
    )
    table.save(
        "bomb.tif",
        Image.new("L", (20000, 20000)),
        "20000 x 20000 pixels",
        compression="tiff_adobe_deflate",
        reasons=["too many pixels"],
    )
