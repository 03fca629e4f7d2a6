#!/usr/bin/env python3
"""The rules of the tree, checked. Usage: house_test.py [--root DIR] [--compiler CXX] [--ccache CCACHE] [--programs DIR]

Exits 1 with one line per violation. An exception stands in allowed.txt with its reason; one that is no longer needed is a violation too.
Without --compiler headers are not compiled; without --programs flags and subcommands in the documents are not looked up.
"""

import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile

import documents
import rules
from rules import Violation


def read_allowed(path):
    """{(rule, place): reason} from lines `rule | place | reason`."""
    allowed = {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip() or line.startswith("#"):
                continue
            fields = [field.strip() for field in line.split("|", 2)]
            if len(fields) != 3 or len(fields[2]) < 15:
                sys.exit(f"{path}:{number}: must read `rule | place | reason`, with a reason worth reading")
            allowed[(fields[0], fields[1])] = fields[2]
    return allowed


def compile_header(root, header, compiler, ccache, directory):
    # A file of its own per header, and -c rather than -fsyntax-only: both so that ccache can answer the second time.
    source = os.path.join(directory, header.replace("/", "_") + ".cc")
    with open(source, "w", encoding="utf-8") as file:
        file.write(f'#include "{header}"\n')
    command = ([ccache] if ccache else []) + [compiler, "-std=c++20", "-w", "-O0", "-I", root, "-c", source, "-o", source + ".o"]
    done = subprocess.run(command, capture_output=True, text=True)
    return None if done.returncode == 0 else next((line for line in done.stderr.splitlines() if "error" in line), done.stderr[:300])


def headers_are_self_contained(tree, compiler, ccache):
    headers = list(tree.files(rules.ROOMS, (".h",)))
    directory = os.path.join(tempfile.gettempdir(), f"kvorum-house-{os.getuid()}")
    os.makedirs(directory, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        errors = pool.map(lambda header: compile_header(tree.root, header, compiler, ccache, directory), headers)
        for header, error in zip(headers, errors):
            if error:
                yield Violation("self-contained", header, f"{header}: does not compile alone: {error}")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    parser.add_argument("--compiler")
    parser.add_argument("--ccache")
    parser.add_argument("--programs")
    options = parser.parse_args()

    tree = rules.Tree(options.root)
    violations = [violation for rule in rules.ALL for violation in rule(tree)]
    violations += documents.readme_exists(tree)
    violations += documents.linked_files_exist(tree)
    violations += documents.documented_commands_exist(tree, options.programs)
    if options.compiler:
        violations += headers_are_self_contained(tree, options.compiler, options.ccache)

    allowed = read_allowed(os.path.join(here, "allowed.txt"))
    used = {(v.rule, v.place) for v in violations}
    wrong = [f"{v.text}  [{v.rule}]" for v in violations if (v.rule, v.place) not in allowed]
    wrong += [f"allowed.txt: `{rule} | {place}` is no longer needed" for rule, place in allowed if (rule, place) not in used]
    print("\n".join(wrong) if wrong else f"the house is in order ({len(list(tree.cpp_files()))} C++ files)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
