"""samba-align's bench: its document, and the files that other programs read, at the sizes of the preset small."""

import json
import sys
import unittest

import tool_case

TOOL = tool_case.Tool(*sys.argv[1:4])
QUICK = ["bench", "--quiet", "--threads", "1", "--small", "--runs", "1", "--warmup", "0", "--min-seconds", "0"]


def header(path):
    """Of a safetensors file."""
    with open(path, "rb") as file:
        return json.loads(file.read(int.from_bytes(file.read(8), "little")))


class Bench(tool_case.Case):
    tool = TOOL

    def rows(self, *args):
        result = json.loads(self.done(*QUICK, *args).stdout)
        self.validate(result)
        return {name: [dict(zip(table["columns"], row)) for row in table["rows"]]
                for name, table in result["tables"].items()}

    def test_the_convolution_is_timed_beside_loops_whose_whole_window_checks_the_scaling(self):
        rows = self.rows("--cases", "convolution")["convolution"]
        self.assertEqual([(r["program"], r["windows"], r["parcels"]) for r in rows[::2]],
                         [("fourier", 16, 20), ("loops", 1, 1), ("loops", 1, 20)])
        for row in rows:
            share = row["windows"] * row["parcels"] / (16 * 20)
            self.assertAlmostEqual(row["cpu_s_of_the_batch"] * share, row["cpu_min_s"])

    def test_every_part_is_timed_both_ways(self):
        rows = self.rows("--cases", "parts")["parts"]
        for part in ("responses", "convolution", "wavelets", "gat_layer1", "gat_layer2", "decoder"):
            self.assertLessEqual({"forward", "backward"}, {r["direction"] for r in rows if r["part"] == part}, part)

    def test_steps_leave_files_for_other_programs(self):
        rows = self.rows("--cases", "step", "--export", self.folder)["steps"]
        for batch in (2, 16):
            tensors = header(self.folder / f"step-{batch}.safetensors")
            self.assertEqual(tensors["x"]["shape"], [batch, 20, 1500])
            self.assertEqual(tensors["output"]["shape"], [batch, 40, 15])
            self.assertGreater(float(tensors["__metadata__"]["gradient_norm"]), 0)
        for row in rows:
            self.assertLess(row["peak_rss_mib"], 6 * 1024)

    def test_other_cases_are_refused(self):
        done = self.tool.run("bench", "--cases", "groth")
        self.assertEqual((done.returncode, done.stdout), (64, ""))
        self.assertIn("samba-align: error: --cases: found groth", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
