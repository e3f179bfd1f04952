#!/usr/bin/env python3
"""Prints the files that clang-tidy looks at, largest first, and writes <folder>/tidy/compile_commands.json for it:
sources in src/ that are no tests, each once (kernels at their highest level), without flags that clang does not know
and without -Werror: compiler warnings are g++'s business.

    tools/tidy_units.py build/release/compile_commands.json
"""

import json
import re
import sys
from pathlib import Path

GNU_ONLY = re.compile(r" (-Werror|-Wno-maybe-uninitialized|-Wno-tsan)(?= )")


def main():
    database = Path(sys.argv[1])
    units = {}
    for entry in json.loads(database.read_text(encoding="utf-8")):
        name = entry["file"]
        micro_bench = name.endswith("_bench.cc") and not Path(name).with_suffix(".h").exists()
        if "/src/" not in name or name.endswith("_test.cc") or micro_bench or not Path(name).exists():
            continue
        entry["command"] = GNU_ONLY.sub("", re.sub(r"^\S*ccache ", "", entry["command"]))
        units[name] = entry  # levels come in ascending order: the last one wins
    out = database.parent / "tidy"
    out.mkdir(exist_ok=True)
    (out / "compile_commands.json").write_text(json.dumps(list(units.values()), indent=1), encoding="utf-8")
    for name in sorted(units, key=lambda n: -Path(n).stat().st_size):
        print(name)


if __name__ == "__main__":
    main()
