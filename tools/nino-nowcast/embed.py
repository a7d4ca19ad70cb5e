"""Writes files as C arrays: embed.py FILE... > embedded_files.inc (a build step)."""

import pathlib
import sys


def main() -> None:
    table = []
    for index, path in enumerate(map(pathlib.Path, sys.argv[1:])):
        data = path.read_bytes()
        print(f"const unsigned char kFile{index}[] = {{")
        for start in range(0, len(data), 64):
            print(",".join(map(str, data[start:start + 64])) + ",")
        print("};")
        table.append(f'    {{"{path.name}", kFile{index}, sizeof kFile{index}}},')
    print("const EmbeddedFile kEmbeddedFiles[] = {", *table, "};", sep="\n")


if __name__ == "__main__":
    main()
