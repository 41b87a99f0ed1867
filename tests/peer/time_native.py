"""Times onnxruntime on an ONNX file and prints a JSON line for each shape, with the fields of `felsic bench --json`.

Usage: time_native.py MODEL THREADS RUNS BATCHxTOKENS[,BATCHxTOKENS...]
"""

import json
import statistics
import sys
import time

import numpy
import onnxruntime


def main() -> None:
    model, threads, runs, shapes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4].split(",")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that wait for work would count as processor time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0" if threads == 1 else "1")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    for shape in shapes:
        batch, tokens = (int(number) for number in shape.split("x"))
        # Ids of no special tokens; texts of equal length, as felsic gets them.
        ids = numpy.random.default_rng(1).integers(100, 10_000, (batch, tokens), dtype=numpy.int64)
        feed = {"input_ids": ids, "attention_mask": numpy.ones_like(ids)}
        session.run(None, feed)
        passed, worked = [], []
        for _ in range(runs):
            start, processor = time.perf_counter(), time.process_time()
            session.run(None, feed)
            worked.append(1e3 * (time.process_time() - processor))
            passed.append(1e3 * (time.perf_counter() - start))
        line = {
            "batch": batch,
            "tokens": tokens,
            "median_ms": statistics.median(passed),
            "min_ms": min(passed),
            "max_ms": max(passed),
            "processor_ms": statistics.median(worked),
        }
        print(json.dumps(line), flush=True)


main()
