"""Writes TIFFs: by tifffile, and by hand where it does not.

The entries are those of the TIFF 6.0 specification."""

import io
import struct

import numpy as np
import tifffile

SIZES = {3: ("H", 2), 4: ("I", 4), 5: ("I", 4)}


def tiff(values, **options):
    """A TIFF by tifffile."""
    out = io.BytesIO()
    big, order = options.pop("bigtiff", False), options.pop("byteorder", "<")
    with tifffile.TiffWriter(out, bigtiff=big, byteorder=order) as writer:
        writer.write(values, metadata=None, **({"photometric": "rgb"} | options))
    return out.getvalue()


def raw(data, size, samples, bits, photometric, more=(), order="<", kind=None):
    """A TIFF of one strip without compression. more holds entries (tag, type, values)."""
    entries = [
        (256, 4, [size[0]]),
        (257, 4, [size[1]]),
        (258, 3, [bits] * samples),
        (259, 3, [1]),
        (262, 3, [photometric]),
        (273, 4, [8]),
        (277, 3, [samples]),
        (278, 4, [size[1]]),
        (279, 4, [len(data)]),
        (284, 3, [1]),
        *more,
    ]
    if kind:
        entries.append((339, 3, [kind] * samples))
    body, table = data + b"\0" * (len(data) % 2), b""
    for tag, form, values in sorted(entries):
        letter, _ = SIZES[form]
        coded = b"".join(struct.pack(order + letter, value) for value in values)
        if len(coded) > 4:
            coded, body = struct.pack(order + "I", 8 + len(body)), body + coded
        table += struct.pack(order + "HHI", tag, form, len(values) // (2 if form == 5 else 1)) + coded.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(body))
    return head + body + struct.pack(order + "H", len(entries)) + table + b"\0\0\0\0"


def packed(values, bits):
    """Rows of samples [height, width, channels] of 1 to 32 bits, high bits first, each row from a new byte."""
    flat = values.reshape(values.shape[0], -1).astype(np.int64)
    return np.packbits(
        ((flat[..., None] >> np.arange(bits - 1, -1, -1)) & 1).reshape(flat.shape[0], -1).astype(np.uint8), axis=1
    ).tobytes()


def without_tag(data, tag):
    """Makes an entry of the first directory one that nobody knows."""
    at = int.from_bytes(data[4:8], "little")
    out = bytearray(data)
    for i in range(int.from_bytes(data[at : at + 2], "little")):
        entry = at + 2 + 12 * i
        if int.from_bytes(data[entry : entry + 2], "little") == tag:
            out[entry : entry + 2] = (0xC000 + tag % 100).to_bytes(2, "little")
    return bytes(out)


def with_value(data, tag, value):
    """Sets an entry of the first directory that holds one number."""
    out, at = bytearray(data), int.from_bytes(data[4:8], "little")
    for i in range(int.from_bytes(data[at : at + 2], "little")):
        entry = at + 2 + 12 * i
        if int.from_bytes(data[entry : entry + 2], "little") == tag:
            out[entry + 2 : entry + 12] = (
                (4).to_bytes(2, "little") + (1).to_bytes(4, "little") + value.to_bytes(4, "little")
            )
    return bytes(out)
