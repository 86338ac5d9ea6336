"""The opponent of `polylens bench train`: one step of training in PyTorch, as
somebody would write it who wants it fast on a processor.

    python bench_train.py --model DIR --mode full|lora|last-2|text-only [--batch 16] [--threads N]
                          [--steps 5] [--json] [--cached] [--compile] [--optimizer fused|foreach]

Attention is torch's scaled_dot_product_attention, AdamW is fused, what is
frozen has no gradient, no moments and no graph, and LoRA is PEFT's. Pixels and
token ids are random. With --cached, what frozen parts of the model give is
given too: image vectors in mode text-only, what enters the last K blocks in
mode last-K. --compile takes the loss through torch.compile, which needs a C++
compiler and adds its time to the first step.

Prints seconds of a step, median and best, after two steps to warm up; images a
second; the peak of resident memory, and by how much it exceeds what the process
had before the model was loaded. Measure one at a time on a quiet machine.
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import time

import torch
import transformers

import training

WARM_UP = 2
OPTIMIZERS = {"fused": {"fused": True}, "foreach": {"foreach": True}, "plain": {"foreach": False, "fused": False}}


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def resident_bytes():
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def inputs(config, batch):
    """Random ones of the model's shapes."""
    text, side = config.text_config, config.vision_config.image_size
    return {"input_ids": torch.randint(3, text.vocab_size, (batch, text.max_position_embeddings)),
            "pixel_values": torch.rand(batch, 3, side, side) * 2 - 1}


def hidden_inputs(config, batch):
    """What enters a block of either tower, random."""
    text, vision = config.text_config, config.vision_config
    patches = (vision.image_size // vision.patch_size) ** 2
    return {"texts": torch.randn(batch, text.max_position_embeddings, text.hidden_size),
            "pictures": torch.randn(batch, patches, vision.hidden_size)}


def through(blocks, hidden):
    for block in blocks:
        hidden = block(hidden, attention_mask=None)
    return hidden


def loss_behind(model, count, texts, pictures):
    """The loss from what enters the last count blocks."""
    vision, text = model.vision_model, model.text_model
    images = vision.head(vision.post_layernorm(through(vision.encoder.layers[-count:], pictures)))
    pooled = text.head(text.final_layer_norm(through(text.encoder.layers[-count:], texts))[:, -1])
    return training.sigmoid_loss(training.unit(pooled), training.unit(images), model.logit_scale, model.logit_bias)


def loss_of_texts(model, input_ids, images):
    """The loss with given image vectors."""
    texts = training.unit(model.text_model(input_ids=input_ids).pooler_output)
    return training.sigmoid_loss(texts, images, model.logit_scale, model.logit_bias)


def task(model, mode, batch, cached):
    """A function of a batch that gives its loss, and the batch."""
    given = inputs(model.config, batch)
    if not cached:
        return lambda **values: training.loss(model, mode, **values), given
    if mode == "text-only":
        vectors = training.unit(torch.randn(batch, model.config.vision_config.hidden_size))
        return lambda **values: loss_of_texts(model, **values), {"input_ids": given["input_ids"], "images": vectors}
    if (count := training.last(mode)) is not None:
        return lambda **values: loss_behind(model, count, **values), hidden_inputs(model.config, batch)
    raise SystemExit(f"--cached: nothing is frozen that could be cached in mode {mode}")


def measure(model, given, settings):
    """Seconds of each step and the last loss."""
    compute, batch = task(model, given.mode, given.batch, given.cached)
    if given.compile:
        compute = torch.compile(compute)
    parameters = training.trained(model)
    optimizer = training.optimizer(parameters, settings, **OPTIMIZERS[given.optimizer])
    seconds = []
    for step in range(WARM_UP + given.steps):
        start = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = training.rate(step, settings)
        loss = compute(**batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters.values(), settings.clip_norm)
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    return seconds[WARM_UP:], loss.item()


def run(given):
    """What is printed."""
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    settings = training.Settings(learning_rate=1e-5, steps=max(20, WARM_UP + given.steps))
    before = resident_bytes()
    model = training.load(given.model, "sdpa").train()
    training.freeze(model, given.mode, settings)
    loaded = peak_bytes()
    seconds, loss = measure(model, given, settings)
    middle, best, peak = statistics.median(seconds), min(seconds), peak_bytes()
    return {
        "step_seconds": middle, "step_seconds_best": best, "images_per_second": given.batch / middle,
        "images_per_second_best": given.batch / best, "peak_bytes": peak, "peak_bytes_above_start": peak - before,
        "peak_bytes_loaded": loaded, "loss": loss, "mode": given.mode, "batch": given.batch, "threads": given.threads,
        "steps": given.steps, "cached": given.cached, "compiled": given.compile, "optimizer": given.optimizer,
        "trained_parameters": sum(values.numel() for values in training.trained(model).values()),
        "torch": torch.__version__, "transformers": transformers.__version__,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--mode", type=training.valid_mode, required=True)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="fused")
    parser.add_argument("--cached", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    result = run(given)
    if given.json:
        print(json.dumps(result))
        return
    print(f"{result['step_seconds']:.3f} s a step (best {result['step_seconds_best']:.3f}), {result['images_per_second']:.2f} images/s, "
          f"peak {result['peak_bytes'] / 1e9:.2f} GB, {result['peak_bytes_above_start'] / 1e9:.2f} GB above the start")


if __name__ == "__main__":
    main()
