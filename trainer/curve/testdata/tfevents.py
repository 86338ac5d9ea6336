"""Writes golden.tfevents with TensorBoard's own writer (tensorboard 2.21.0),
or, given files or folders, prints what TensorBoard reads of them as JSON.

    python tfevents.py
    python tfevents.py FOLDER...
"""

import json
import pathlib
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

BEGIN = 1_700_000_000.25


def events():
    yield Event(wall_time=BEGIN, file_version="brain.Event:2")
    yield Event(wall_time=BEGIN, step=8, session_log=SessionLog(status=SessionLog.START))
    values = {
        "bias": -10.0, "epoch": 0.5, "gradient_norm": 1.5, "images_per_second": 12.25, "learning_rate": 0.001,
        "loss": float("nan"), "temperature": 10.0,
    }
    yield scalars(BEGIN + 1, 9, values)
    values = {
        "epoch": 1.0, "validation/de/text_to_image/median_rank": 2.0, "validation/de/text_to_image/mrr": 0.625,
        "validation/de/text_to_image/r1": 0.5, "validation/de/text_to_image/r10": 1.0,
        "validation/de/text_to_image/r5": 0.75,
    }
    yield scalars(BEGIN + 2, 300, values)


def scalars(time, step, values):
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
    return Event(wall_time=time, step=step, summary=summary)


def write(path):
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for event in events():
            writer.write(event.SerializeToString(deterministic=True))
        writer.flush()


def read(folder):
    accumulator = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0})
    accumulator.Reload()
    return {
        tag: [[event.step, event.value] for event in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]
    }


if len(sys.argv) == 1:
    write(pathlib.Path(__file__).with_name("golden.tfevents"))
for folder in sys.argv[1:]:
    print(json.dumps(read(folder)))
