"""Embeds millions of texts, on the cores of a machine or the machines of a Ray cluster, into Parquet shards for felsic.

    python embed.py texts.jsonl shards/ --workers 8

Each line of the input is an object with "id" and "text", and perhaps "title", "url", "tags", "meta", "kind", and for a passage of a
longer document "start", "end" and "trail". A shard holds the passages of a few thousand lines with their vectors, in the form that a
collection's export() writes and its import() reads.

An interrupted run goes on where it stopped: a shard is written under another name and renamed when it is complete, and its name says
what it was made of, so that a complete one is never made again. The README says more.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# Counts up when shards would have other contents.
VERSION = 1
SHARD = re.compile(r"\d{6}-[0-9a-f]{16}\.parquet")
# Rows that a page reads at once.
ROW_GROUP = 1000

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("url", pa.string()),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("meta", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("start", pa.int32()),
        pa.field("end", pa.int32()),
        pa.field("trail", pa.list_(pa.string())),
        pa.field("text", pa.string(), nullable=False),
        pa.field("vector", pa.list_(pa.float32())),
    ]
)


class Felsic:
    """The command line `felsic embed`: one core for each worker, no GPU."""

    def __init__(self, settings):
        self.command = [settings["felsic"], "embed"]
        if settings["model"]:
            self.command += ["--model", settings["model"]]

    def embed(self, texts):
        """Returns the vectors of texts, and how many texts were longer than the model reads."""
        lines = "".join(json.dumps(text) + "\n" for text in texts)
        done = subprocess.run(self.command, input=lines, capture_output=True, text=True, encoding="utf-8")
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip() or f"felsic ended with {done.returncode}")
        made = [json.loads(line) for line in done.stdout.splitlines()]
        return [line["embedding"] for line in made], sum(line.get("truncated", False) for line in made)


class SentenceTransformers:
    """sentence-transformers, on a GPU if there is one."""

    def __init__(self, settings):
        from sentence_transformers import SentenceTransformer

        self.model = SentenceTransformer(settings["model"])

    def embed(self, texts):
        # felsic strips both ends of a text, and so did sentence-transformers up to version 5.3.
        texts = [text.strip() for text in texts]
        most = self.model.max_seq_length
        truncated = sum(len(ids) > most for ids in self.model.tokenizer(texts)["input_ids"]) if most else 0
        vectors = self.model.encode(texts, batch_size=64, normalize_embeddings=True, show_progress_bar=False)
        return [vector.tolist() for vector in vectors], truncated


class Vllm:
    """vLLM, which needs a GPU."""

    def __init__(self, settings):
        from vllm import LLM

        self.model = LLM(model=settings["model"], runner="pooling")
        self.most = self.model.llm_engine.model_config.max_model_len

    def embed(self, texts):
        outputs = self.model.embed([text.strip() for text in texts], truncate_prompt_tokens=-1, use_tqdm=False)
        truncated = sum(len(output.prompt_token_ids) >= self.most for output in outputs)
        return [output.outputs.embedding for output in outputs], truncated


ENGINES = {"felsic": Felsic, "sentence-transformers": SentenceTransformers, "vllm": Vllm}


def input_of(row):
    """What is embedded: the text, below a line of title and headings, as felsic itself does it."""
    parts = [" ".join(part.split()) for part in [row.get("title") or "", *(row.get("trail") or [])]]
    line = " › ".join(part for part in parts if part)
    return f"{line}\n{row['text']}" if line else row["text"]


def checked_row(line, number):
    """Reads a line, and says which one is wrong."""
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number} is not JSON: {error}") from None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not isinstance(row.get("id"), (str, int)):
        raise ValueError(f'line {number} must be an object with "id" and "text"')
    meta = row.get("meta")
    return {**row, "id": str(row["id"]), "meta": None if meta is None else json.dumps(meta)}


def plan(source, settings, rows_per_shard):
    """Divides a file into shards. Each has a name that its number, its lines and the settings decide."""
    seed = json.dumps([VERSION, settings["engine"], settings["model"], settings["dimensions"]]).encode()
    shards = []
    with open(source, "rb") as file:
        line = 0
        while True:
            at, digest, rows = file.tell(), hashlib.sha256(seed), 0
            while rows < rows_per_shard and (read := file.readline()):
                digest.update(read)
                rows += 1
            if rows == 0:
                return shards
            name = f"{len(shards):06}-{digest.hexdigest()[:16]}.parquet"
            shards.append({"name": name, "source": str(source), "at": at, "line": line, "rows": rows})
            line += rows


class MakeShards:
    """What a worker does, one shard after another. It holds the model."""

    def __init__(self, settings, out):
        self.settings = settings
        self.out = Path(out)
        self.engine = None

    def __call__(self, batch):
        results = [self.make(json.loads(shard)) for shard in batch["shard"]]
        return {"result": [json.dumps(result) for result in results]}

    def make(self, shard):
        """Makes a shard. Returns what became of it: one that fails does not stop the others."""
        try:
            began = time.monotonic()
            rows, truncated = self.write(shard)
            return {"name": shard["name"], "rows": rows, "truncated": truncated, "seconds": time.monotonic() - began}
        except Exception as error:
            return {"name": shard["name"], "error": f"{type(error).__name__}: {error}"}

    def write(self, shard):
        with open(shard["source"], "rb") as file:
            file.seek(shard["at"])
            lines = [file.readline() for _ in range(shard["rows"])]
        numbered = enumerate(lines, shard["line"] + 1)
        rows = [checked_row(line, number) for number, line in numbered if line.strip()]
        self.engine = self.engine or ENGINES[self.settings["engine"]](self.settings)
        vectors, truncated = self.engine.embed([input_of(row) for row in rows])
        if len(vectors) != len(rows):
            raise RuntimeError(f"{len(vectors)} vectors for {len(rows)} texts")
        vectors = [shortened(vector, self.settings["dimensions"]) for vector in vectors]
        columns = {name: [row.get(name) for row in rows] for name in SCHEMA.names if name != "vector"}
        table = pa.table({**columns, "vector": vectors}, schema=SCHEMA)
        about = {"version": VERSION, "model": self.settings["model"] or "felsic-small-english"}
        about["dimensions"] = len(vectors[0]) if vectors else 0
        table = table.replace_schema_metadata({"felsic": json.dumps(about)})
        # Whatever interrupts this leaves no file with the shard's own name.
        part = self.out / f".{shard['name']}.{uuid.uuid4().hex}.part"
        try:
            pq.write_table(table, part, row_group_size=ROW_GROUP, compression="snappy")
            with open(part, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(part, self.out / shard["name"])
        finally:
            part.unlink(missing_ok=True)
        return len(rows), truncated


def shortened(vector, dimensions):
    """Keeps the leading components, at unit length."""
    kept = vector[:dimensions] if dimensions else vector
    length = sum(x * x for x in kept) ** 0.5
    if not 0 < length < float("inf"):
        raise RuntimeError("the engine returned a vector that is zero or not finite")
    return [x / length for x in kept]


def compute(missing, settings, out, workers, gpus):
    """Makes shards with Ray Data; yields what became of each."""
    import ray

    ray.init(ignore_reinit_error=True, include_dashboard=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    shards = ray.data.from_items([{"shard": json.dumps(shard)} for shard in missing], override_num_blocks=len(missing))
    made = shards.map_batches(
        MakeShards,
        fn_constructor_args=(settings, str(out)),
        batch_size=1,
        concurrency=min(workers, len(missing)),
        num_cpus=1,
        num_gpus=gpus,
    )
    for row in made.iter_rows():
        yield json.loads(row["result"])


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("source", type=Path, help="a file of JSON lines")
    parser.add_argument("out", type=Path, help="the folder of the shards, which all workers must see")
    parser.add_argument("--engine", choices=ENGINES, default="felsic", help="what computes the vectors")
    parser.add_argument("--model", default="", help="the model: a folder, or for the other engines the id on a hub")
    parser.add_argument("--felsic", default="felsic", help="the command line felsic")
    parser.add_argument("--dimensions", type=int, default=0, help="leading components to keep; all by default")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="workers at the same time")
    parser.add_argument("--gpus", type=float, default=0, help="GPUs of each worker")
    parser.add_argument("--rows", type=int, default=5000, help="lines of a shard")
    given = parser.parse_args(arguments)
    if given.engine != "felsic" and not given.model:
        parser.error("--model is needed")
    if min(given.workers, given.rows) < 1 or given.dimensions < 0:
        parser.error("--workers, --rows and --dimensions must be positive")

    given.out.mkdir(parents=True, exist_ok=True)
    settings = {name: getattr(given, name) for name in ["engine", "model", "felsic", "dimensions"]}
    shards = plan(given.source.resolve(), settings, given.rows)
    missing = [shard for shard in shards if not (given.out / shard["name"]).exists()]
    print(f"{len(shards)} shards, {len(shards) - len(missing)} of them complete")
    failed = 0
    for result in compute(missing, settings, given.out, given.workers, given.gpus) if missing else []:
        failed += "error" in result
        if "error" in result:
            print(f"{result['name']} failed: {result['error']}", file=sys.stderr)
            continue
        cut = f", {result['truncated']} of them longer than the model reads" if result["truncated"] else ""
        print(f"{result['name']}: {result['rows']} texts in {result['seconds']:.1f} s{cut}", flush=True)
    if failed:
        print(f"{failed} shards are missing; run the same command again", file=sys.stderr)
        return 1
    # Shards of lines that have changed since, and the parts of runs that were ended by force.
    names = {shard["name"] for shard in shards}
    for path in given.out.iterdir():
        if (SHARD.fullmatch(path.name) and path.name not in names) or path.name.endswith(".part"):
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
