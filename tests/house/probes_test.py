#!/usr/bin/env python3
"""The tracepoints that base/probes.h promises are in the program that ships.

    probes_test.py PROGRAM
"""

import os
import re
import subprocess
import sys

HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "base", "probes.h")


def main():
    with open(HEADER, encoding="utf-8") as header:
        promised = set(re.findall(r"^//   (\w+)\(", header.read(), re.MULTILINE))
    notes = subprocess.run(["readelf", "--notes", sys.argv[1]], capture_output=True, text=True, check=True).stdout
    found = set(re.findall(r"Provider: kvorum\s+Name: (\w+)", notes))
    if not promised or promised != found:
        sys.exit(f"promised: {sorted(promised)}, in {sys.argv[1]}: {sorted(found)}")
    print(f"{len(found)} tracepoints: {', '.join(sorted(found))}")


if __name__ == "__main__":
    main()
