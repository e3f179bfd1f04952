#!/usr/bin/env python3
"""Fails when an object compiled for an instruction set level exports a symbol outside the level's namespace.

    tools/check_isa_symbols.py LEVEL object...

Such a symbol (an inline function or a template of a shared header) is weak: the linker keeps one copy for the whole
program, perhaps the AVX-512 one, and a machine without AVX-512 dies in it. Let the kernels call nothing but intrinsics,
static functions and what lives in namespace SPATE_ISA_NS.
"""

import subprocess
import sys

EXPORTED = set("TWVuBDRGS")  # nm's letters for defined symbols that other objects see


def leaks(level, nm_output):
    """The symbols in the output of `nm --defined-only --extern-only` that do not carry the level in their name."""
    mark = f"{len(level)}{level}"  # as the C++ ABI spells a namespace
    out = []
    for line in nm_output.splitlines():
        fields = line.split()
        if len(fields) != 3 or fields[1] not in EXPORTED:
            continue
        if mark not in fields[2] and not fields[2].startswith("DW.ref."):
            out.append(fields[2])
    return out


def main():
    level, objects = sys.argv[1], sys.argv[2:]
    found = 0
    for name in objects:
        nm = subprocess.run(["nm", "--defined-only", "--extern-only", name], capture_output=True, text=True, check=True)
        symbols = leaks(level, nm.stdout)
        if symbols:
            plain = subprocess.run(["c++filt"], input="\n".join(symbols), capture_output=True, text=True, check=True)
            for symbol in plain.stdout.splitlines():
                print(f"{name}: exports {symbol}, which is not in namespace {level}")
            found += len(symbols)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
