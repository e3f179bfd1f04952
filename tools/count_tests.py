#!/usr/bin/env python3
"""Prints "<passed> <failed>": the cases inside a ctest run, from its LastTest.log.

GoogleTest and unittest programs count by their cases, any other ctest entry counts as one. An entry that failed without
naming a case (it crashed, or ran out of time) is one failure. Skipped cases are neither.
"""

import re
import sys
from pathlib import Path

ENTRY = re.compile(r"^\d+/\d+ Testing: ", re.M)
GTEST_OK = re.compile(r"^\[       OK \] ", re.M)
GTEST_FAILED = re.compile(r"^\[  FAILED  \] .* \(\d+ ms\)$", re.M)
GTEST_SKIPPED = re.compile(r"^\[  SKIPPED \] .* \(\d+ ms\)$", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.M)
UNITTEST_FAILED = re.compile(r"^FAILED \((.*)\)$", re.M)
UNITTEST_SKIPPED = re.compile(r"^OK \(skipped=(\d+)\)$", re.M)


def count_entry(text):
    entry_passed = "\nTest Passed." in text
    ok = len(GTEST_OK.findall(text))
    bad = len(GTEST_FAILED.findall(text))
    skipped = len(GTEST_SKIPPED.findall(text))
    ran = UNITTEST.search(text)
    if ran:
        failures = UNITTEST_FAILED.search(text)
        skips = UNITTEST_SKIPPED.search(text)
        numbers = dict(re.findall(r"(\w+)=(\d+)", failures.group(1))) if failures else {}
        bad = int(numbers.get("failures", 0)) + int(numbers.get("errors", 0))
        skipped = int(numbers.get("skipped", 0)) + (int(skips.group(1)) if skips else 0)
        ok = int(ran.group(1)) - bad - skipped
    elif ok + bad + skipped == 0 and entry_passed:
        ok = 1
    if not entry_passed and bad == 0:
        bad = 1
    return ok, bad


def count(log):
    starts = [m.start() for m in ENTRY.finditer(log)] + [len(log)]
    totals = [count_entry(log[a:b]) for a, b in zip(starts, starts[1:])]
    return sum(t[0] for t in totals), sum(t[1] for t in totals)


if __name__ == "__main__":
    print(*count(Path(sys.argv[1]).read_text(encoding="utf-8", errors="replace")))
