#!/usr/bin/env python3
"""Writes the pictures of this folder. Needs Pillow, pillow-heif and exiftool.

every.EXT has one set of EXIF, IPTC and XMP, written by exiftool; the others have what programs
and cameras write instead.
"""
import os
import struct
import subprocess
import zlib

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()
HERE = os.path.dirname(os.path.abspath(__file__))
PICTURE = Image.new("RGB", (16, 12), (200, 30, 40))


def path(name):
    return os.path.join(HERE, name)


def tool(name, *args):
    command = ["exiftool", "-q", "-m", "-overwrite_original", "-charset", "utf8", *args, path(name)]
    subprocess.run(command, check=True)


def jpeg(name, *args, **save):
    PICTURE.save(path(name), quality=80, **save)
    if args:
        tool(name, *args)


EXIF = [
    "-EXIF:ImageDescription=A red bicycle", "-EXIF:Make=NIKON CORPORATION", "-EXIF:Model=NIKON D750",
    "-EXIF:LensModel=AF-S NIKKOR 50mm f/1.8G", "-EXIF:DateTimeOriginal=2024:05:01 18:30:05",
    "-EXIF:OffsetTimeOriginal=+02:00", "-EXIF:GPSLatitude=48.8583736", "-EXIF:GPSLatitudeRef=N",
    "-EXIF:GPSLongitude=2.2944813", "-EXIF:GPSLongitudeRef=W", "-EXIF:GPSAltitude=35.5", "-EXIF:GPSAltitudeRef#=1",
    "-EXIF:ExposureTime=1/200", "-EXIF:FNumber=1.8", "-EXIF:ISO=400", "-EXIF:FocalLength=50",
    "-EXIF:Artist=Zoë Müller", "-EXIF:Copyright=© Zoë",
]
IPTC = [
    "-codedcharacterset=utf8", "-IPTC:ObjectName=Überfahrt", "-IPTC:Caption-Abstract=Ein rotes Fahrrad",
    "-IPTC:Keywords=alt", "-IPTC:City=Köln",
]
XMP = [
    "-XMP-dc:Title=Crossing", "-XMP-dc:Description-en=A red bicycle", "-XMP-dc:Description-de=Ein rotes Fahrrad",
    "-XMP-dc:Subject=bicycle", "-XMP-dc:Subject=赤", "-XMP-xmp:Rating=4", "-XMP-xmp:Label=Green",
    "-XMP-lr:HierarchicalSubject=Places|Europe|Paris", "-XMP-photoshop:City=Paris", "-XMP-photoshop:State=Île-de-France",
    "-XMP-photoshop:Country=France", "-XMP-iptcCore:Location=Quai Branly", "-XMP-iptcExt:PersonInImage=Cleo",
    "-RegionInfo={AppliedToDimensions={W=16,H=12,Unit=pixel},RegionList=[{Name=Ann,Type=Face,Area={X=0.5,Y=0.5,W=0.1,H=0.1,Unit=normalized}},"
    "{Name=Rex,Type=Pet,Area={X=0.1,Y=0.5,W=0.1,H=0.1,Unit=normalized}}]}",
    "-RegionInfoMP={Regions=[{PersonDisplayName=Bob,Rectangle=0.1|,0.1|,0.1|,0.1}]}",
]

for extension in ("jpg", "png", "webp", "tif", "heic", "avif", "jp2", "gif"):
    name = "every." + extension
    PICTURE.save(path(name))
    standards = {"gif": XMP, "webp": EXIF + XMP, "heic": EXIF + XMP, "avif": EXIF + XMP, "png": EXIF + XMP}.get(extension, EXIF + IPTC + XMP)
    tool(name, *standards)

big = path("big.tif")
PICTURE.save(big, big_tiff=True, tiffinfo={270: "A red bicycle"})
jpeg("iptc_latin1.jpg", "-charset", "iptc=latin", "-IPTC:Caption-Abstract=Ein rotes Fahrrad, größer", "-IPTC:Keywords=grün", "-IPTC:By-line=Zoë",
     "-IPTC:DateCreated=2019:12:24", "-IPTC:TimeCreated=18:00:00+01:00")
jpeg("iptc_unmarked.jpg", "-charset", "iptc=utf8", "-IPTC:Caption-Abstract=größer 赤")
jpeg("satellite.jpg", "-EXIF:DateTimeOriginal=2024:05:01 18:30:05", "-EXIF:GPSDateStamp=2024:05:01", "-EXIF:GPSTimeStamp=13:00:07")
jpeg("no_zone.jpg", "-EXIF:DateTimeOriginal=2024:05:01 18:30:05")
jpeg("zone_in_xmp.jpg", "-EXIF:DateTimeOriginal=2024:05:01 18:30:05", "-XMP-photoshop:DateCreated=2024:05:01 18:30:05-03:00")
jpeg("windows.jpg", "-EXIF:XPTitle=Ein Fahrrad 赤", "-EXIF:XPKeywords=rot;alt", "-EXIF:XPAuthor=Zoë", "-EXIF:Rating=3")
jpeg("comment.jpg", "-EXIF:UserComment=赤い自転車")
jpeg("placeholder.jpg", "-EXIF:ImageDescription=OLYMPUS DIGITAL CAMERA", "-EXIF:UserComment=DSC_0042.JPG", "-EXIF:DateTimeOriginal#=0000:00:00 00:00:00")
jpeg("nowhere.jpg", "-EXIF:GPSLatitude=0", "-EXIF:GPSLatitudeRef=N", "-EXIF:GPSLongitude=0", "-EXIF:GPSLongitudeRef=E")
jpeg("iptc_changed.jpg", "-XMP-dc:Subject=old", "-IPTC:Keywords=new", "-Photoshop:IPTCDigest=00112233445566778899aabbccddeeff")
jpeg("extended.jpg", "-XMP-dc:Description=" + "far " * 2000, "-XMP-dc:Subject=near", "-XMP-photoshop:Instructions=" + "y" * 62000)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(name, *chunks):
    PICTURE.save(path(name))
    with open(path(name), "rb") as file:
        data = file.read()
    with open(path(name), "wb") as file:
        file.write(data[:-12] + b"".join(chunks) + data[-12:])


with open(path("iptc_latin1.jpg"), "rb") as file:
    data = file.read()
start = data.index(b"8BIM")
resources = data[start:start + struct.unpack(">H", data[start - 16:start - 14])[0] - 16]
raw = b"\n8bim\n%8d\n" % len(resources) + resources.hex().encode() + b"\n"
png("raw_profile.png", chunk(b"zTXt", b"Raw profile type 8bim\0\0" + zlib.compress(raw)))
png("texts.png", chunk(b"tEXt", "Title\0größer".encode("latin-1")),
    chunk(b"iTXt", "Description\0\0\0de\0\0ein rotes Fahrrad".encode()),
    chunk(b"iTXt", b"Author\0\1\0\0\0" + zlib.compress("Zoë".encode())),
    chunk(b"zTXt", b"Copyright\0\0" + zlib.compress(b"mine")),
    chunk(b"tEXt", b"Creation Time\0002024-05-01T18:30:05Z"))
png("bomb.png", chunk(b"zTXt", b"Title\0\0" + zlib.compress(b"\0" * 50_000_000)))
