#!/usr/bin/env python3
"""Holds every #include in src/ against the layer table, and prints what breaks it as file:line: reason.

    tools/check_layers.py [--root DIR] [--warn-length]

The table below is the one place that says which folder may include which; ARCHITECTURE.md explains it. Checked are:
every include of a file of this project, the DEPS of every spate_module() (part of the table, and naming all that the
folder includes), and that each folder of src/ has a row. --warn-length also lists files over 600 lines.
Exit status 0, or 1 with at least one violation.
"""

import argparse
import re
import sys
from pathlib import Path

HEADERS = "backend headers"  # the four headers, which are all that layers above backend/ see of it
FOUR_HEADERS = {"backend/op_params.h", "backend/ops.h", "backend/device.h", "backend/linear.h"}

# folder -> what it may include, besides itself.
TABLE = {
    "base": [],
    "quant": ["base"],
    "tensor": ["base", "quant"],
    "cache": ["base"],
    "tokenizer": ["base"],
    "checkpoint": ["base", "quant", "tensor", "tokenizer"],
    "comm": ["base", "tensor"],
    "backend": ["base", "quant", "tensor", "comm"],
    "backend/ref": ["base", "quant", "tensor", "comm", "backend"],
    "backend/cpu": ["base", "quant", "tensor", "comm", "backend"],
    "backend/cuda": ["base", "quant", "tensor", "comm", "backend"],
    "model": ["base", "quant", "tensor", "checkpoint", HEADERS],
    "engine": ["base", "cache", "comm", "tokenizer", "checkpoint", "model", HEADERS],
    "plan": ["base", "quant", "model"],
    "convert": ["base", "quant", "tensor", "checkpoint", "tokenizer", "model", "plan", "engine", "convert/pull", HEADERS],
    "convert/pull": ["base"],
    "server": ["base", "tokenizer", "engine"],
    "bench": ["base", "engine", "plan", HEADERS],
    "term": ["base", "tokenizer", "engine", "bench"],
    "lab": ["base", "engine", "bench", "plan", "convert"],
    "app": ["*"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
MODULE_CALL = re.compile(r"spate_module\((.*?)\)", re.S)
SOURCES = {".h", ".cc", ".cu", ".cuh", ".inc"}
LENGTH_LIMIT = 600


def folder_of(path):
    """The row of a path relative to src/: the longest one that is a prefix; None where there is none."""
    for row in sorted(TABLE, key=len, reverse=True):
        if path.startswith(row + "/"):
            return row
    return None


def may_include(folder, path, is_test):
    """Whether a file of folder may include path (relative to src/)."""
    target = folder_of(path)
    allowed = TABLE[folder]
    if target == folder or "*" in allowed or target in allowed:
        return True
    if HEADERS in allowed and path in FOUR_HEADERS:
        return True
    # The registry in backend/ names its implementations; a conformance test compares two of them.
    backends = ("backend", "backend/ref", "backend/cpu", "backend/cuda")
    return target in backends and (folder == "backend" or (is_test and folder in backends))


def describe(folder):
    allowed = ["backend/{op_params,ops,device,linear}.h" if a == HEADERS else a for a in TABLE[folder]]
    return ", ".join(allowed) or "nothing"


def declared_deps(cmake_file):
    """(line, [module folders in DEPS]) of the file's spate_module() call; (0, None) without one."""
    text = cmake_file.read_text(encoding="utf-8")
    call = MODULE_CALL.search(text)
    if not call:
        return 0, None
    words = re.sub(r"#.*", "", call.group(1)).split()
    deps, inside = [], False
    for word in words:
        if word.isupper():
            inside = word == "DEPS"
        elif inside:
            deps.append(word.replace("backend_", "backend/").replace("convert_", "convert/"))
    return text.count("\n", 0, call.start()) + 1, deps


def check_deps(src, folder, used):
    """Violations of one folder's DEPS: beyond the table, or short of what its files include."""
    cmake_file = src / folder / "CMakeLists.txt"
    if not cmake_file.exists():
        return [f"src/{folder}: has sources but no CMakeLists.txt with a spate_module() call"]
    line, deps = declared_deps(cmake_file)
    where = f"src/{folder}/CMakeLists.txt:{line}"
    if deps is None:
        return [f"src/{folder}/CMakeLists.txt:1: no spate_module() call"]
    out = []
    for dep in deps:
        headers_only = dep == "backend" and HEADERS in TABLE[folder]
        if dep not in TABLE:
            out.append(f"{where}: DEPS names {dep}, which is no folder of the layer table")
        elif not headers_only and not may_include(folder, dep + "/any.h", False):
            out.append(f"{where}: layer {folder} may not depend on {dep} (allowed: {describe(folder)})")
    for dep, first_use in sorted(used.items()):
        # backend/'s four headers are interfaces: only who calls MakeDevice has something to link.
        interface = dep == "backend" and (folder.startswith("backend/") or HEADERS in TABLE[folder])
        if dep not in deps and dep != folder and not interface:
            out.append(f"{where}: DEPS lacks {dep}, which {first_use} includes")
    return out


def check(root, warn_length=False):
    """All violations below root/src, and warnings, as two lists of lines."""
    src = Path(root) / "src"
    violations, warnings = [], []
    used = {}  # folder -> {included folder: where first}
    for path in sorted(p for p in src.rglob("*") if p.suffix in SOURCES and p.is_file()):
        name = path.relative_to(src).as_posix()
        folder = folder_of(name)
        if folder is None:
            violations.append(f"src/{name}:1: no row of the layer table (tools/check_layers.py) covers this file")
            continue
        used.setdefault(folder, {})
        is_test = name.endswith("_test.cc")
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        if warn_length and len(lines) > LENGTH_LIMIT:
            warnings.append(f"src/{name}:{LENGTH_LIMIT}: {len(lines)} lines; split at {LENGTH_LIMIT}")
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            included = match.group(1)
            where = f"src/{name}:{number}"
            target = folder_of(included)
            if target is None:
                violations.append(f'{where}: "{included}" does not start at a folder of src/')
            elif not may_include(folder, included, is_test):
                violations.append(f"{where}: layer {folder} may not include {included} (allowed: {describe(folder)})")
            elif not is_test:
                used[folder].setdefault(target, where)
    for folder in sorted(used):
        violations += check_deps(src, folder, used[folder])
    return violations, warnings


def main():
    parser = argparse.ArgumentParser(description="checks includes in src/ against the layer table")
    parser.add_argument("--root", default=Path(__file__).resolve().parent.parent, help="source tree")
    parser.add_argument("--warn-length", action="store_true", help=f"list files over {LENGTH_LIMIT} lines")
    args = parser.parse_args()
    violations, warnings = check(args.root, args.warn_length)
    for line in warnings:
        print(f"{line} (warning)")
    for line in violations:
        print(line)
    if violations:
        print(f"check_layers: {len(violations)} violations", file=sys.stderr)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
