#!/usr/bin/env python3
"""Tests of check_isa_symbols.py on nm's output."""

import unittest

from check_isa_symbols import leaks


class LeaksTest(unittest.TestCase):
    def test_symbols_of_the_level_pass(self):
        self.assertEqual(leaks("avx2", "0000000000000000 T _ZN5spate4avx24GemvEPKf\n0000 V DW.ref.__gxx_personality_v0\n"), [])

    def test_inline_function_of_a_shared_header_is_a_leak(self):
        nm = "0000000000000000 T _ZN5spate6avx5124GemvEPKf\n0000000000000000 W _ZNSt6vectorIfSaIfEE9push_backEOf\n"
        self.assertEqual(leaks("avx512", nm), ["_ZNSt6vectorIfSaIfEE9push_backEOf"])

    def test_another_level_is_a_leak(self):
        self.assertEqual(leaks("avx2", "0000 W _ZN5spate6avx5124DotEPKf\n"), ["_ZN5spate6avx5124DotEPKf"])

    def test_undefined_and_local_symbols_do_not_matter(self):
        self.assertEqual(leaks("avx2", "                 U memcpy\n0000 t local\n"), [])


if __name__ == "__main__":
    unittest.main()
