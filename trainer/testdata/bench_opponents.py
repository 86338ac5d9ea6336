"""Measures `polylens bench train` against PyTorch (and PEFT, for adapters) on one
true-size model: seconds of a step and the peak of memory, in every mode.

    python bench_opponents.py --work DIR [--polylens bin/polylens] [--batch 16] [--rounds 2] [--modes full,lora]

Both run one at a time, in processes of their own, and take turns: what disturbs
the machine for a while disturbs both. Compared are the best steps of all rounds
and the peaks of resident memory. PyTorch runs once more through torch.compile in
mode full, the fastest that a user gets by one more line. The first run writes a
B/16-224 with random weights, 1.5 GB, into the work folder.

Needs encoder/testdata/requirements.txt, the environment that `polylens setup
--for test --print-env` prints, 12 GB of memory and a quiet machine.
"""
import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
SCRIPTS = HERE.parent.parent / "encoder" / "testdata"

# What is trained, what is given to both programs, and the name of the row.
ROWS = (
    ("full", ()), ("lora", ()), ("last-2", ()), ("text-only", ()), ("last-2", ("--cached",)), ("text-only", ("--cached",)),
)


def output(*command):
    done = subprocess.run([str(word) for word in command], env=os.environ | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def prepare(directory):
    if (directory / "config.json").exists():
        return
    sys.path.insert(0, str(SCRIPTS))
    import models
    models.write(models.Checkpoint("siglip2-base-patch16-224", "base", 16, 224, layers=12), directory)


def polylens(given, mode, options):
    rates = output(given.polylens, "bench", "train", "--json", "--model", given.model, "--mode", mode, "--batch", given.batch,
                   "--threads", given.threads, "--steps", given.steps, *options)
    return {"seconds": rates["best_step_seconds"], "bytes": rates["peak_bytes"], "share": rates["gflops"] / rates["gemm_gflops"],
            "gemm": rates["gemm_gflops"]}


def pytorch(given, mode, options):
    rates = output(sys.executable, HERE / "bench_train.py", "--json", "--model", given.model, "--mode", mode, "--batch", given.batch,
                   "--threads", given.threads, "--steps", given.steps, *options)
    return {"seconds": rates["step_seconds_best"], "bytes": rates["peak_bytes"]}


def best(rounds):
    """The fastest round; memory is that of the leanest."""
    fastest = min(rounds, key=lambda one: one["seconds"])
    return fastest | {"bytes": min(one["bytes"] for one in rounds)}


def measure(given, mode, options):
    ours, theirs = [], []
    for _ in range(given.rounds):
        ours.append(polylens(given, mode, options))
        theirs.append(pytorch(given, mode, options))
        if mode == "full":
            theirs.append(pytorch(given, mode, (*options, "--compile")))
    return best(ours), best(theirs)


def report(given, name, ours, theirs, full):
    times = f"{full / ours['seconds']:.1f}" if full else ""
    share = f"{ours['share']:.2f}" if name == "full" else ""  # what other modes leave out is not known here
    print(f"| {name} | {ours['seconds']:.2f} | {theirs['seconds']:.2f} | {ours['seconds'] / theirs['seconds']:.2f} | "
          f"{ours['bytes'] / 1e9:.2f} | {theirs['bytes'] / 1e9:.2f} | {ours['bytes'] / theirs['bytes']:.2f} | "
          f"{given.batch / ours['seconds']:.2f} | {times} | {share} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--model", type=pathlib.Path, metavar="DIR", help="another model than the one that is written")
    parser.add_argument("--polylens", default="bin/polylens")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--modes", default=",".join(dict.fromkeys(mode for mode, _ in ROWS)), help="which of the rows (default: all)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    given.model = given.model or given.work / "siglip2-base-patch16-224"
    prepare(given.model)
    print(f"{datetime.date.today()}, {given.threads} threads, batch {given.batch}, best of {given.rounds} rounds of {given.steps} steps\n")
    print("| mode | s a step | PyTorch | ratio | GB | PyTorch | ratio | images/s | times full | of the GEMM peak |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    full = None
    for mode, options in ROWS:
        if mode not in given.modes.split(","):
            continue
        ours, theirs = measure(given, mode, options)
        if mode == "full":
            full = ours["seconds"]
        report(given, mode + (", cached" if options else ""), ours, theirs, full)


if __name__ == "__main__":
    main()
