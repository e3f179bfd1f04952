#!/usr/bin/env python3
"""Tests of count_tests.py on pieces of ctest's log."""

import unittest

from count_tests import count

PASSED = "1/3 Testing: a\n1/3 Test: a\nCommand: a\n{}\n<end of output>\nTest Passed.\n\"a\" end time: x\n"
FAILED = "2/3 Testing: b\n2/3 Test: b\nCommand: b\n{}\n<end of output>\nTest Failed.\n\"b\" end time: x\n"


class CountTest(unittest.TestCase):
    def test_gtest_cases(self):
        output = "[       OK ] A.b (0 ms)\n[       OK ] A.c (1 ms)\n[  SKIPPED ] A.d (0 ms)\n[  PASSED  ] 2 tests."
        self.assertEqual(count(PASSED.format(output)), (2, 0))

    def test_failed_case_is_counted_once(self):
        output = "[       OK ] A.b (0 ms)\n[  FAILED  ] A.c (1 ms)\n[  FAILED  ] 1 test, listed below:\n[  FAILED  ] A.c"
        self.assertEqual(count(FAILED.format(output)), (1, 1))

    def test_crash_is_a_failure(self):
        output = "[       OK ] A.b (0 ms)\n[ RUN      ] A.c"
        self.assertEqual(count(FAILED.format(output)), (1, 1))

    def test_unittest(self):
        self.assertEqual(count(PASSED.format("Ran 7 tests in 0.1s\n\nOK")), (7, 0))
        self.assertEqual(count(PASSED.format("Ran 7 tests in 0.1s\n\nOK (skipped=2)")), (5, 0))
        self.assertEqual(count(FAILED.format("Ran 7 tests in 0.1s\n\nFAILED (failures=1, errors=2)")), (4, 3))

    def test_plain_program(self):
        self.assertEqual(count(PASSED.format("") + FAILED.format("")), (1, 1))

    def test_all_skipped_is_no_pass(self):
        self.assertEqual(count(PASSED.format("[  SKIPPED ] A.b (0 ms)\n[  PASSED  ] 0 tests.")), (0, 0))


if __name__ == "__main__":
    unittest.main()
