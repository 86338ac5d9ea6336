"""Times Pillow on the JPEGs that BenchmarkDecode wrote: all of it, and drafts.

    python bench_pillow.py FOLDER
"""
import io
import pathlib
import sys
import time

from PIL import Image, features


def decode(data, draft):
    image = Image.open(io.BytesIO(data))
    if draft:
        image.draft("RGB", draft)
    image.load()
    return image.size


def milliseconds(work):
    times = []
    for _ in range(10):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * sorted(times)[len(times) // 2]


def main():
    print("Pillow", features.version("pil"), "libjpeg-turbo", features.version("libjpeg_turbo"))
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.jpg")):
        data = path.read_bytes()
        for name, draft in (("full", None), ("draft 512", (512, 512)), ("draft 256", (256, 256))):
            width, height = decode(data, draft)
            print(f"{path.stem} {name}: {width} x {height}, {milliseconds(lambda: decode(data, draft)):.1f} ms")


main()
