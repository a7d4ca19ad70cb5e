"""rich-lazy's bench: its document, and the file that other programs read."""

import json
import sys
import unittest

import tool_case

TOOL = tool_case.Tool(*sys.argv[1:4])
QUICK = ["bench", "--quiet", "--threads", "1", "--hidden", "24", "--models", "3", "--iterations", "4", "--runs", "1", "--warmup", "0",
         "--min-seconds", "0"]


class Bench(tool_case.Case):
    tool = TOOL

    def test_iterations_and_kernels_are_timed(self):
        result = json.loads(self.done(*QUICK, "--task", "2AF,CXT").stdout)
        self.validate(result)
        tables = {name: [dict(zip(table["columns"], row)) for row in table["rows"]] for name, table in result["tables"].items()}
        self.assertEqual([(r["case"], r["task"], r["models"]) for r in tables["iterations"]],
                         [("single", "2AF", 1), ("batched", "2AF", 3), ("single", "CXT", 1), ("batched", "CXT", 3)])
        for row in tables["iterations"]:
            self.assertAlmostEqual(row["iterations_per_cpu_s"] * row["cpu_min_s"] / (4 * row["models"]), 1)
        self.assertEqual([r["ntk_size"] for r in tables["kernels"]], [768, 768])

    def test_the_export_holds_networks_trials_and_losses(self):
        self.done(*QUICK, "--cases", "single", "--export", self.folder)
        with open(self.folder / "networks.safetensors", "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        shapes = {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}
        self.assertEqual(shapes, {"recurrent": [3, 24, 24], "input": [3, 24, 3], "output": [3, 3, 24], "x": [3, 4, 8, 32, 3],
                                  "labels": [3, 4, 8, 32], "losses": [3, 4]})


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
