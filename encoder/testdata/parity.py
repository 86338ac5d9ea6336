"""Compares models, through the program, with Hugging Face transformers.

    python parity.py MODEL_DIR      one model
    python parity.py --matrix       every architecture, with random weights

Runs `polylens embed --json` on pictures of odd shapes and on strings of 36
languages, and the same through torch, and prints a row of a markdown table for
each model: the worst cosine, and the largest difference as a share of the
largest entry. Exits with 1 when a model misses a cosine of 0.99999 or a
difference of 1e-4 (1e-2 for ONNX files in float16).

The matrix writes each model in the official layout: true width, heads and
vocabulary, two layers unless --layers says more, and removes it afterwards. It
needs 6 GB of memory, 6 GB under --work (the folder for temporary files unless
given), and some 20 minutes on two cores. POLYLENS_CLDR must be set (`polylens
setup --print-env --for test`). Needs torch, transformers, tokenizers, pillow,
sentencepiece, protobuf, onnx, onnxscript and peft. Options that are not known
go to polylens and must have the form --onnxruntime=PATH.
"""
import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import transformers

import inputs
import matrix

COSINE = 0.99999


def polylens(program, extra, model, texts, files):
    """The vectors that the program prints, in the order given."""
    command = [program, "embed", "--model", str(model), "--json", *extra]
    command += [f"--text={text}" for text in texts] + [f"--image={file}" for file in files]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"{program} ended with {done.returncode}")
    vectors = [json.loads(line)["embedding"] for line in done.stdout.splitlines()]
    return np.array(vectors[: len(texts)]), np.array(vectors[len(texts):])


def compare(got, want):
    """Worst cosine, and the largest difference as a share of the largest entry."""
    cosines = (got * want).sum(axis=1) / np.linalg.norm(got, axis=1) / np.linalg.norm(want, axis=1)
    differences = np.abs(got - want).max(axis=1) / np.abs(want).max(axis=1)
    return cosines.min(), differences.max()


def print_head():
    print("| model | layers | texts: worst cosine | difference | pictures: worst cosine | difference | seconds: transformers, Polylens |")
    print("|---|---|---|---|---|---|---|", flush=True)


def measure(arguments, extra, job, model, texts, files, expected):
    """Prints the row of one model; whether it is good."""
    start = time.monotonic()
    want = expected(texts, files)
    between = time.monotonic()
    try:
        got = polylens(arguments.polylens, extra, model, texts, files)
    except RuntimeError as problem:
        print(f"| {job.title} | {job.layers} | failed: {problem} |", flush=True)
        return False
    (text_cosine, text_difference), (cosine, difference) = compare(got[0], want[0]), compare(got[1], want[1])
    good = min(text_cosine, cosine) >= COSINE and max(text_difference, difference) <= job.difference
    print(f"| {job.title} | {job.layers} | {text_cosine:.8f} | {text_difference:.1e} | {cosine:.8f} | {difference:.1e} "
          f"| {between - start:.0f}, {time.monotonic() - between:.0f}{'' if good else ' MISSED'} |", flush=True)
    return good


def one_model(arguments, extra, texts, files):
    print_head()
    job = matrix.Job(arguments.model.name, "as stored", write=None)
    return measure(arguments, extra, job, arguments.model, texts, files, matrix.expect(arguments.model))


def run_matrix(arguments, extra, texts, files, work):
    good = []
    jobs = [job for job in matrix.jobs(arguments.layers) if arguments.only in job.title]
    if not jobs:
        raise SystemExit(f"no model has {arguments.only!r} in its name")
    print(f"{len(texts)} texts, {len(files)} pictures; transformers {transformers.__version__}, fp32\n")
    print_head()
    for job in jobs:
        with tempfile.TemporaryDirectory(dir=work) as folder:
            model, expected = job.write(pathlib.Path(folder))
            good.append(measure(arguments, extra, job, model, job.texts(texts), files, expected))
    print(f"\n{sum(good)} of {len(good)} models agree")
    return all(good)


def print_peak():
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"peak memory of one process, this or polylens: {peak / 2**20:.1f} GiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, nargs="?")
    parser.add_argument("--matrix", action="store_true")
    parser.add_argument("--only", default="", metavar="PART", help="only rows whose name holds this")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--pictures", type=int, default=50)
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--work", type=pathlib.Path)
    parser.add_argument("--polylens", default="bin/polylens")
    arguments, extra = parser.parse_known_args()
    if arguments.matrix == (arguments.model is not None):
        parser.error("give a model directory or --matrix")
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        texts, files = inputs.strings(arguments.texts), inputs.pictures(folder, arguments.pictures)
        good = run_matrix(arguments, extra, texts, files, arguments.work) if arguments.matrix else one_model(arguments, extra, texts, files)
    print_peak()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
