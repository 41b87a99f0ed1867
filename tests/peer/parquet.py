"""Writes Parquet files as tools write them, and times pyarrow that reads them.

Usage: parquet.py write FOLDER ROWS
       parquet.py read RUNS FILE...      prints the JSON lines of benches/parquet.rs
"""

import json
import random
import statistics
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# What each file is written with, besides its texts.
PLAIN = {"compression": "none", "use_dictionary": False}
KINDS = {
    "plain": PLAIN,
    "snappy": {**PLAIN, "compression": "snappy"},
    "gzip": {**PLAIN, "compression": "gzip"},
    "dictionary": {**PLAIN, "use_dictionary": ["text"]},
    "delta-lengths": {**PLAIN, "column_encoding": {"text": "DELTA_LENGTH_BYTE_ARRAY"}},
    "delta-texts": {**PLAIN, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}},
}
WORDS = "river stone light morning paper engine garden winter letter market bridge sound valley copper window".split()


def write(folder: Path, rows: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(1)
    texts = [f"Text {row}: {' '.join(draw.choices(WORDS, k=20))}." for row in range(rows)]
    for kind, options in KINDS.items():
        chosen = [texts[row % 1000] for row in range(rows)] if kind == "dictionary" else texts
        table = pa.table({"id": pa.array(range(rows), pa.int64()), "text": chosen})
        pq.write_table(table, folder / f"{kind}.parquet", **options)


def read(file: str) -> tuple[int, int]:
    rows, size = 0, 0
    for batch in pq.ParquetFile(file).iter_batches(batch_size=512, columns=["text", "id"], use_threads=False):
        texts, _ids = batch.column("text").to_pylist(), batch.column("id").to_pylist()
        rows += len(texts)
        size += sum(len(text.encode()) for text in texts)
    return rows, size


def main() -> None:
    if sys.argv[1] == "write":
        return write(Path(sys.argv[2]), int(sys.argv[3]))
    pa.set_cpu_count(1)
    for file in sys.argv[3:]:
        times = []
        for _ in range(max(1, int(sys.argv[2]))):
            begun = time.perf_counter()
            rows, size = read(file)
            times.append(1e3 * (time.perf_counter() - begun))
        print(json.dumps({"rows": rows, "bytes": size, "median_ms": statistics.median(times)}))


if __name__ == "__main__":
    main()
