"""Counts the test cases of one `bazel test` run from its logs; the last line printed is the sum."""

import pathlib
import re
import sys

CATCH_ALL = re.compile(r"All tests passed \(\d+ assertions? in (\d+) test cases?\)")
CATCH_SOME = re.compile(r"^test cases: +(\d+) \|(?: +\d+ passed)?(?:(?: \|)? +(\d+) failed)?", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\n(OK|FAILED)(.*)$", re.M)
TARGET = re.compile(r"^(//\S+)\s+(?:\(cached\) )?(PASSED|FAILED TO BUILD|FAILED|TIMEOUT|NO STATUS)", re.M)


def count(text: str) -> tuple[int, int, int] | None:
    """(passed, failed, skipped) of one test log, or None where it holds no summary."""
    skipped = len(re.findall(r"^SKIPPED: ", text, re.M))
    if match := CATCH_ALL.search(text):
        return int(match[1]) - skipped, 0, skipped
    if match := CATCH_SOME.search(text):
        failed = int(match[2] or 0)
        return int(match[1]) - failed - skipped, failed, skipped
    if match := UNITTEST.search(text):
        numbers = {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", match[3])}
        failed = numbers.get("failures", 0) + numbers.get("errors", 0)
        return int(match[1]) - failed - numbers.get("skipped", 0), failed, numbers.get("skipped", 0)
    return None


def main() -> int:
    logs, output, status = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    totals, reasons = [0, 0, 0], set()
    for target, verdict in TARGET.findall(output.read_text(errors="replace")):
        log = logs / target[2:].replace(":", "/") / "test.log"
        text = log.read_text(errors="replace") if verdict != "FAILED TO BUILD" and log.exists() else ""
        found = count(text)
        if found is None or (verdict != "PASSED" and found[1] == 0):
            print(f"{target}: {verdict}" + ("" if found else ", no summary of its cases"))
            found = (0, 1, 0)
        totals = [a + b for a, b in zip(totals, found)]
        reasons.update(re.findall(r"^SKIPPED: (.*)", text, re.M))
    for reason in sorted(reasons):
        print("skipped:", reason)
    if status != 0 and totals[1] == 0:  # e.g. a target that is no test failed to build
        print(f"bazel ended with {status}")
        totals[1] = 1
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main())
