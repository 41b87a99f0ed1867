"""Writes tests/fixtures/search/vectors-*.parquet: texts with vectors of the built-in model, as tools write them that use pyarrow.

    felsic embed < tests/fixtures/search/vectors.jsonl | python3 tests/reference/parquet.py tests/fixtures/search

The lines of `felsic embed` come on standard input. Needs pyarrow.
"""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def main(folder: Path) -> None:
    texts = [json.loads(line) for line in (folder / "vectors.jsonl").read_text().splitlines()]
    vectors = [json.loads(line)["embedding"] for line in sys.stdin]
    assert len(texts) == len(vectors)
    half = len(texts) // 2

    # What pandas and Hugging Face's datasets write: numbers as ids, a list of floats, snappy, dictionaries, more columns than are read.
    table = pa.table(
        {
            "id": pa.array(range(half), pa.int64()),
            "text": texts[:half],
            "title": [None if at % 2 else f"Title {at}" for at in range(half)],
            "url": [f"/pages/{at}" for at in range(half)],
            "tags": pa.array([["even", "small"] if at % 2 == 0 else None for at in range(half)], pa.list_(pa.string())),
            "meta": [json.dumps({"page": at}) for at in range(half)],
            "score": pa.array([0.5] * half, pa.float64()),
            "embedding": pa.array(vectors[:half], pa.list_(pa.float32())),
        }
    )
    pq.write_table(table, folder / "vectors-list.parquet", row_group_size=3)

    # Arrays of one length, in double precision, longer than 1; large strings; gzip; pages of the second version.
    longer = [[2.5 * value for value in vector] for vector in vectors[half:]]
    dimensions = len(vectors[0])
    table = pa.table(
        {
            "text": pa.array(texts[half:], pa.large_string()),
            "id": [f"text-{at}" for at in range(len(texts) - half)],
            "embedding": pa.array(longer, pa.list_(pa.float64(), dimensions)),
        }
    )
    pq.write_table(table, folder / "vectors-fixed.parquet", compression="gzip", data_page_version="2.0")

    # What is not read: a codec that needs a C compiler.
    pq.write_table(table.slice(0, 1), folder / "vectors-zstd.parquet", compression="zstd")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
