"""Runs embed.py on two workers with a few thousand texts: python test_embed.py FELSIC"""

import contextlib
import io
import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

import embed

TEXTS = 3000
ROWS = 500


def texts(count):
    for n in range(count):
        row = {"id": f"d{n}", "text": f"Text number {n} says something about topic {n % 17}."}
        yield {**row, "title": f"Title {n}", "meta": {"n": n}, "tags": ["a"]} if n % 2 else row


def run(*arguments):
    """Returns the exit code and everything that was printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = embed.main([str(argument) for argument in arguments])
    return code, printed.getvalue()


def state(folder):
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}


def main(felsic):
    folder = Path(tempfile.mkdtemp(prefix="felsic-bulk-"))
    source, out = folder / "texts.jsonl", folder / "shards"
    rows = list(texts(TEXTS))
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    # An engine that fails at one text, as a machine does that is taken away in the middle.
    flaky, fails = folder / "flaky", folder / "fails"
    fails.touch()
    flaky.write_text(f'#!/bin/sh\ntexts=$(cat)\ncase "$texts" in *"number 1234 "*) [ -e {fails} ] && exit 7;; esac\nprintf "%s\\n" "$texts" | {felsic} "$@"\n')
    flaky.chmod(0o755)
    command = [source, out, "--felsic", flaky, "--rows", ROWS, "--workers", 2]

    code, printed = run(*command)
    shards = TEXTS // ROWS
    assert (code, len(state(out))) == (1, shards - 1), printed
    assert "000002-" in printed and "failed" in printed, printed
    first = state(out)

    # What a run leaves that is ended by force.
    (out / ".000002-0000000000000000.parquet.1.part").write_bytes(b"PAR1")
    fails.unlink()
    code, printed = run(*command)
    assert (code, len(state(out))) == (0, shards), printed
    assert f"{shards - 1} of them complete" in printed, printed
    assert first.items() <= state(out).items(), "complete shards were written again"

    complete = state(out)
    code, printed = run(*command)
    assert (code, state(out)) == (0, complete), printed

    tables = [pq.read_table(path) for path in sorted(out.iterdir())]
    found = [row for table in tables for row in table.to_pylist()]
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    assert json.loads(tables[0].schema.metadata[b"felsic"])["dimensions"] == len(found[0]["vector"])
    inputs = [f"{row['title']}\n{row['text']}" if "title" in row else row["text"] for row in rows[:50]]
    lines = "".join(json.dumps(text) + "\n" for text in inputs)
    direct = subprocess.run([felsic, "embed"], input=lines, capture_output=True, text=True, check=True).stdout
    for row, line in zip(found, direct.splitlines()):
        assert max(abs(a - b) for a, b in zip(row["vector"], json.loads(line)["embedding"], strict=True)) < 1e-6
        assert math.isclose(sum(x * x for x in row["vector"]), 1, abs_tol=1e-5)
    assert found[1]["meta"] == '{"n": 1}' and found[0]["title"] is None

    # The shards become a static index, and none of their texts is embedded again but for the check.
    index = folder / "index"
    made = subprocess.run([felsic, "index", out, index, "--vectors"], capture_output=True, text=True)
    assert made.returncode == 0 and (index / "index.json").is_file(), made.stderr
    assert f"{TEXTS} documents, {TEXTS} passages (0 embedded" in made.stdout, made.stdout

    # One line changes: one shard is made anew, and the earlier one goes.
    rows[700] = {"id": "d700", "text": "Something else."}
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, printed = run(*command)
    changed = state(out).items() - complete.items()
    assert (code, len(state(out)), len(changed)) == (0, shards, 1), printed
    assert next(iter(changed))[0].startswith("000001-")

    # A line that is wrong is named; the others are made.
    source.write_text(source.read_text() + '{"id": 3}\n')
    code, printed = run(*command)
    assert code == 1 and f'line {TEXTS + 1} must be an object with "id" and "text"' in printed, printed
    shutil.rmtree(folder)
    print(f"{TEXTS} texts on two workers: shards resumed, none made twice, vectors those of `felsic embed`, and an index of them")


if __name__ == "__main__":
    main(sys.argv[1])
