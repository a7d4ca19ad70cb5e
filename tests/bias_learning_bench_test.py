"""bias-learning's bench: its document, and the files that other programs read."""

import json
import sys
import unittest

import tool_case

TOOL = tool_case.Tool(*sys.argv[1:4])
QUICK = ["bench", "--quiet", "--threads", "1", "--units", "40", "--images", "60", "--batch", "20", "--vectors", "3", "--hidden", "12",
         "--steps", "9", "--models", "8", "--iterations", "5", "--runs", "1", "--warmup", "0", "--min-seconds", "0"]


class Bench(tool_case.Case):
    tool = TOOL

    def test_images_and_iterations_are_timed(self):
        result = json.loads(self.done(*QUICK).stdout)
        self.validate(result)
        table = result["tables"]["cases"]
        rows = [dict(zip(table["columns"], row)) for row in table["rows"]]
        self.assertEqual([(r["case"], r["of"], r["units"], r["models"]) for r in rows],
                         [("images", "images", 40, 1), ("images-batched", "images", 40, 3), ("single", "iterations", 12, 1),
                          ("batched", "iterations", 12, 8)])
        for row in rows:
            count = row["models"] * (60 if row["of"] == "images" else 5)
            self.assertAlmostEqual(row["per_cpu_s"] * row["cpu_min_s"] / count, 1)

    def test_the_export_holds_what_the_losses_come_of(self):
        self.done(*QUICK, "--cases", "single", "--export", self.folder)
        shapes = {}
        for name in ("images", "networks"):
            with open(self.folder / f"{name}.safetensors", "rb") as file:
                header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            shapes[name] = {key: entry["shape"] for key, entry in header.items() if key != "__metadata__"}
        self.assertEqual(shapes["images"], {"z": [60, 40], "readout": [10, 40], "labels": [3, 60], "order": [60], "losses": [3, 3]})
        self.assertEqual(shapes["networks"], {"weight": [8, 12, 12], "readout": [8, 12], "start": [8, 12], "target": [9],
                                              "losses": [8, 5]})


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
