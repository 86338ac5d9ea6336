"""Writes progressive JPEGs of 1 and 12 megapixels into FOLDER, for BenchmarkOutside.

    python progressive.py FOLDER
"""
import pathlib
import sys

import numpy
from PIL import Image, ImageFilter

random = numpy.random.default_rng(1)
for width, height in ((1200, 900), (4000, 3000)):
    coarse = Image.fromarray(random.integers(0, 256, (height // 50, width // 50, 3), dtype=numpy.uint8))
    smooth = coarse.resize((width, height), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(3))
    noisy = numpy.asarray(smooth, numpy.int16) + random.normal(0, 4, (height, width, 1)).astype(numpy.int16)
    picture = Image.fromarray(noisy.clip(0, 255).astype(numpy.uint8))
    name = f"{width * height / 1e6:.0f}MP.jpg"
    picture.save(pathlib.Path(sys.argv[1]) / name, quality=90, progressive=True)
