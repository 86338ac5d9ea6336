"""Measures Polylens against what else runs SigLIP 2 on a processor: PyTorch, the
graph that torch exports in ONNX Runtime, and that graph quantized by ONNX
Runtime. All take the same weights, pictures and threads.

    python bench_opponents.py --work DIR [--polylens bin/polylens]

Every opponent runs in a process of its own, one at a time, and they take turns
for several rounds: what disturbs the machine for a while disturbs all of them.
Rates are those of the best round. Texts cost Polylens the tokenizer too, the
others get token ids. The first run writes checkpoints with random weights and
exports them, which takes minutes, 16 GB of disk and, for So400m, about 10 GB of
memory; later runs find them in the work folder.

Needs what write_reference.py needs, onnx, onnxscript and onnxruntime, the
environment that `polylens setup --for test --print-env` prints, and a quiet
machine. Fails only if something could not be run.
"""
import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

from bench.prepare import CHECKPOINTS

HERE = pathlib.Path(__file__).parent
BATCHES = (1, 8)

# Programs in the order of the table.
OPPONENTS = {
    "torch": "PyTorch fp32",
    "compiled": "PyTorch fp32, torch.compile",
    "exported": "torch export in ONNX Runtime, fp32",
    "quantized": "the same after quantize_dynamic, int8",
    "fp32": "Polylens fp32",
    "int8": "Polylens int8",
}
POLYLENS = ("fp32", "int8")


def environment():
    """Without settings that slow numpy down, and without the network."""
    settings = {name: value for name, value in os.environ.items() if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    return settings | {"HF_HUB_OFFLINE": "1"}


def output(*command):
    """What a command prints. Its own words are shown only if it fails."""
    done = subprocess.run([str(word) for word in command], env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def prepare(given, name, directory):
    script = HERE / "bench" / "prepare.py"
    output(sys.executable, script, "pictures", given.work / "pictures")
    output(sys.executable, script, "model", name, directory, *(["--layers", given.layers] if given.layers else []))
    output(sys.executable, script, "exported", directory)
    output(sys.executable, script, "quantized", directory)


def run(given, program, directory):
    """One turn of one program."""
    if program in POLYLENS:
        return run_polylens(given, program, directory)
    return json.loads(output(
        sys.executable, HERE / "bench" / "opponent.py", program, directory, "--pictures", given.work / "pictures",
        "--threads", given.threads, "--seconds", given.seconds, "--batches", *BATCHES))


def run_polylens(given, precision, directory):
    rates = {
        str(batch): json.loads(output(
            given.polylens, "bench", "encode", "--json", "--model", directory, "--precision", precision, "--batch", batch,
            "--threads", given.threads, "--seconds", given.seconds, "--pictures", given.work / "pictures",
            "--data", given.work / "data"))
        for batch in BATCHES}
    alone, peak = rates["1"], "gemm_gflops_int8" if precision == "int8" else "gemm_gflops"
    return {
        "images_per_second": {batch: rate["images_per_second"] for batch, rate in rates.items()},
        "text_latency_ms": alone["text_latency_ms"], "text_latency_cached_ms": alone["text_latency_cached_ms"],
        "gflops": {batch: rate["gflops"] for batch, rate in rates.items()},
        "peak": max(rate[peak] for rate in rates.values()),
        "open_seconds": alone["open_seconds"], "resident_bytes": alone["resident_bytes"],
        "peak_bytes": max(rate["peak_bytes"] for rate in rates.values()),
    }


def measure(given, directory):
    """The turns of every program, and what could not be run."""
    turns, failures = {}, {}
    for number in range(given.rounds):
        for program in given.programs:
            if program in failures:
                continue
            print(f"round {number + 1} of {given.rounds}: {OPPONENTS[program]}", file=sys.stderr, flush=True)
            try:
                turns.setdefault(program, []).append(run(given, program, directory))
            except (RuntimeError, ValueError, KeyError) as error:
                failures[program] = str(error)
    return turns, failures


def each(turns, *path):
    """A number somewhere in the results, of every round."""
    for turn in turns:
        for key in path:
            turn = turn[key]
        yield turn


def speeds(turns):
    """Pictures a second in each batch, and texts a second one at a time, each in
    its best round: on shared hardware disturbance comes and goes by seconds, and
    it only slows."""
    return [max(each(turns, "images_per_second", str(batch))) for batch in BATCHES] + [1000 / min(each(turns, "text_latency_ms"))]


def cosine(turns, reference):
    """The least cosine of any vector to that of PyTorch."""
    def unit(vector):
        length = sum(x * x for x in vector) ** 0.5
        return [x / length for x in vector]
    pairs = zip(turns[0]["vectors"], reference[0]["vectors"])
    return min(sum(a * b for a, b in zip(unit(ours), unit(theirs))) for ours, theirs in pairs)


def table(turns):
    """One line a program: its own numbers, and by how much Polylens is faster,
    for batch 1, batch 8 and texts."""
    yield "| | pictures/s, batch 1 | batch 8 | one text, ms | memory, GB | cosine to PyTorch | Polylens fp32 is faster by | int8 by |"
    yield "|---|---|---|---|---|---|---|---|"
    ours = {precision: speeds(turns[precision]) for precision in POLYLENS if precision in turns}
    for program, label in OPPONENTS.items():
        if program not in turns:
            continue
        one, many, texts = theirs = speeds(turns[program])
        ratios = [" / ".join(f"{a / b:.2f}" for a, b in zip(ours[precision], theirs)) if precision in ours else "" for precision in POLYLENS]
        same = "torch" in turns and "vectors" in turns[program][0]
        close = f"{cosine(turns[program], turns['torch']):.5f}" if same else ""
        memory = max(turn["peak_bytes"] for turn in turns[program]) / 1e9
        yield f"| {label} | {one:.2f} | {many:.2f} | {1000 / texts:.1f} | {memory:.1f} | {close} | {ratios[0]} | {ratios[1]} |"


def remarks(turns):
    """What Polylens alone tells of itself."""
    for precision in POLYLENS:
        if precision not in turns:
            continue
        peak = max(turn["peak"] for turn in turns[precision])
        rates = [max(each(turns[precision], "gflops", str(batch))) for batch in BATCHES]
        shares = ", ".join(f"{rate:.0f} in batches of {batch} ({rate / peak:.2f})" for batch, rate in zip(BATCHES, rates))
        yield (f"- {precision}: of {peak:.0f} GFLOP/s that a bare matrix product reaches, the vision tower reaches {shares}; "
               f"a text asked before takes {min(each(turns[precision], 'text_latency_cached_ms')):.4f} ms; "
               f"open in {statistics.median(each(turns[precision], 'open_seconds')):.1f} s with {max(each(turns[precision], 'resident_bytes')) / 1e9:.2f} GB")


def heading(given, name):
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in ("torch", "transformers", "onnxruntime", "onnxscript"))
    layers = f", {given.layers} layers only" if given.layers else ""
    yield f"### {name}{layers}"
    yield ""
    yield (f"{processor()}, {given.threads} threads, {given.rounds} rounds, {datetime.date.today()}; {versions}, Python "
           f"{platform.python_version()}, {output(given.polylens, '--version').strip()}. Ratios: batch 1 / batch 8 / one text.")
    yield ""


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--polylens", type=pathlib.Path, default=pathlib.Path("bin/polylens"), metavar="FILE")
    parser.add_argument("--models", nargs="+", choices=CHECKPOINTS, default=list(CHECKPOINTS))
    parser.add_argument("--programs", nargs="+", choices=OPPONENTS, default=[name for name in OPPONENTS if name != "compiled"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, default=5, help="least time for each measurement")
    parser.add_argument("--layers", type=int, help="of each tower, to try this script out")
    given = parser.parse_args()
    given.polylens = given.polylens.absolute()
    failed = False
    for name in given.models:
        directory = given.work / name.replace("/", "-") / (f"{given.layers}-layers" if given.layers else "full")
        prepare(given, name, directory)
        turns, failures = measure(given, directory)
        (directory.parent / "rounds.json").write_text(json.dumps(turns))
        print("\n".join([*heading(given, name), *table(turns), "", *remarks(turns), ""]), flush=True)
        for program, error in failures.items():
            failed = True
            print(f"{OPPONENTS[program]} could not be run on {name}: {error}", file=sys.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    main()
