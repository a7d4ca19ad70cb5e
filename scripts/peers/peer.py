"""What the peers share: the files that `bench --export` writes, clocks, and the JSON they print."""

import json
import statistics
import time

import numpy

DTYPES = {"F32": numpy.float32, "F64": numpy.float64, "I32": numpy.int32, "I64": numpy.int64}


def read_tensors(path):
    """(tensors by name, metadata) of a safetensors file."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        values = numpy.frombuffer(data[first:end], DTYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"]).copy()
    return tensors, metadata


def measure(calls, warmup, runs, min_seconds=0.0):
    """Times `calls(i)` for i = warmup, warmup + 1, ...; the clocks stand around each call."""
    for i in range(warmup):
        calls(i)
    cpu, wall = [], []
    end = time.perf_counter() + min_seconds
    while len(cpu) < runs or time.perf_counter() < end:
        cpu_start, wall_start = time.process_time(), time.perf_counter()
        calls(warmup + len(cpu))
        wall.append(time.perf_counter() - wall_start)
        cpu.append(time.process_time() - cpu_start)
    return {"runs": len(cpu), "cpu_min_s": min(cpu), "cpu_median_s": statistics.median(cpu),
            "wall_min_s": min(wall), "wall_median_s": statistics.median(wall)}
