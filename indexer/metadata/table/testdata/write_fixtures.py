#!/usr/bin/env python3
"""Writes the files of this folder. Needs pyarrow."""
import datetime
import json
import os
import struct
import zlib

import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = pa.table({
    "file_name": ["a.png", "sub/b.png"], "text": ["rot", "größer"], "tags": [["x", "y"], []],
    "id": [1, 9007199254740993], "score": [0.5, float("nan")], "about": [{"a": 1, "b": ["q"]}, None],
    "local": [datetime.datetime(2024, 5, 1, 12, 0), None], "day": [datetime.date(2024, 5, 1), None],
    "utc": pa.array([datetime.datetime(2024, 5, 1, 12, 0, 0, 5000), None], type=pa.timestamp("ms", tz="UTC")),
    "bytes": [b"\xff\x00", None], "yes": [True, None],
    "captions": [[{"language": "en", "text": "red"}], None], "word": pa.array(["k", "k"]).dictionary_encode(),
    "map": pa.array([[("k", 1)], None], type=pa.map_(pa.string(), pa.int64())),
})


def write(name, table=ROWS, **options):
    pq.write_table(table, os.path.join(HERE, name), **options)


write("snappy.parquet", compression="snappy")
write("none.parquet", compression="none")
write("gzip.parquet", compression="gzip")
write("zstd.parquet", compression="zstd", data_page_version="2.0")
write("brotli.parquet", compression="brotli")
write("groups.parquet", pa.table({"file_name": [f"{i}.png" for i in range(1000)]}), row_group_size=100)
write("bomb.parquet", pa.table({"file_name": ["a" * 60_000_000]}), compression="gzip", use_dictionary=False)
write("amplified.parquet", pa.table({"file_name": ["a.png"], "tags": [["x" * 1000] * 100_000]}), compression="zstd")


def png(red):
    def part(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
            + part(b"IDAT", zlib.compress(bytes([0, red, 0, 0]))) + part(b"IEND", b""))


# As the library datasets of Hugging Face writes it.
IMAGES = pa.table({
    "image": pa.array([{"bytes": png(i), "path": f"{i}.png"} for i in range(6)] + [{"bytes": None, "path": "6.png"}, None],
                      type=pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
    "label": [0, 1, 0, 1, 0, 1, 2, -1], "caption": [f"red {i}" for i in range(8)],
}).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": {
    "image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}, "caption": {"dtype": "string", "_type": "Value"}}}})})
write("pictures.parquet", IMAGES, row_group_size=3, compression="snappy")
