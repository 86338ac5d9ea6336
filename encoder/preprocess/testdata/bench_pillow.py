"""Times Pillow on the resizes that BenchmarkProcess times, to compare within one run.

    python bench_pillow.py
    go test -run '^$' -bench Process ./encoder/preprocess
"""
import time

import numpy as np
import PIL
from PIL import Image

FILTERS = {2: Image.Resampling.BILINEAR, 3: Image.Resampling.BICUBIC}


def best_ms(run, seconds=1.0):
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def tensor(image, side, resample):
    """What SiglipImageProcessorPil computes, with the least numpy that does it."""
    pixels = np.asarray(image.resize((side, side), resample), dtype=np.float32)
    return np.ascontiguousarray(((pixels * np.float32(1 / 255) - 0.5) / 0.5).transpose(2, 0, 1))


def main():
    print("pillow", PIL.__version__)
    for name, width, height in [("2MP", 1632, 1224), ("12MP", 4032, 3024)]:
        noise = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
        rgb = Image.fromarray(noise)
        ycbcr = Image.merge("YCbCr", rgb.split())
        print(f"{name} YCbCr to RGB, 4:4:4: {best_ms(lambda: ycbcr.convert('RGB')):.2f} ms")
        for code, resample in FILTERS.items():
            for side in (224, 256, 384, 512):
                resize = best_ms(lambda: rgb.resize((side, side), resample))
                whole = best_ms(lambda: tensor(rgb, side, resample))
                print(f"{name}/resample={code}/{side}: resize {resize:.2f} ms, to tensor {whole:.2f} ms")


main()
