"""What Schemathesis cannot know of the API, and what it must not do to this machine."""

import itertools
import os

import schemathesis

FOLDER = os.environ["POLYLENS_FOLDER"]  # the only one that may be indexed
numbers = itertools.count()

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body if isinstance(case.body, dict) else {}
    source = body.get("source")
    if isinstance(source, dict) and isinstance(source.get("directory"), str):
        # Whatever looks like a folder of this machine stands for the one that may be read.
        if source["directory"].strip().startswith(("/", "~/")):
            source["directory"] = FOLDER
    if case.meta is None or case.meta.generation.mode.is_negative:
        return
    # The bundled model sees every picture at one resolution: it leaves no choice.
    body.pop("max_num_patches", None)
    # A cursor comes from the page before. Any text may be one, for the description.
    case.query.pop("cursor", None)
    # Files larger than the disk are refused.
    if "Upload-Length" in case.headers:
        case.headers["Upload-Length"] = case.headers["Upload-Length"][-6:]
    # A key belongs to one request, and Schemathesis gives the same one to many.
    key, number = case.headers.get("Idempotency-Key"), f"-{next(numbers)}"
    if key is not None:
        case.headers["Idempotency-Key"] = key[: 128 - len(number)] + number


@schemathesis.hook
def filter_query(context, query):
    # A parameter without a value is as good as none, and so is an object without fields.
    return all(value not in ("", {}) for value in (query or {}).values())
