"""Runs parity tests on fixtures that a generator writes: reference_fixtures_test.py GENERATOR TEST..."""

import os
import subprocess
import sys
import tempfile
import unittest

GENERATOR, TESTS = sys.argv[1], sys.argv[2:]


class Parity(unittest.TestCase):
    def test_the_programs_agree_with_the_plain_reference(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, GENERATOR, folder], check=True)
            for test in TESTS:
                with self.subTest(test=test):
                    done = subprocess.run([test], capture_output=True, text=True, env={**os.environ, "TENFOLD_FIXTURES": folder})
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                    for stem in ("loop", "*_random", "scale_cases"):
                        self.assertNotIn(f"no {stem} among", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
