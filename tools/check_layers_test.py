#!/usr/bin/env python3
"""Tests of check_layers.py on small trees with planted faults, and on this tree's own table."""

import tempfile
import unittest
from pathlib import Path

import check_layers


class CheckLayersTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.addCleanup(self.folder.cleanup)

    def put(self, name, text):
        path = self.root / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def violations(self):
        return check_layers.check(self.root)[0]

    def test_allowed_includes_pass(self):
        self.put("base/error.h", "#pragma once\n#include <string>\n")
        self.put("base/CMakeLists.txt", "spate_module(base LINK dep::fmt)\n")
        self.put("model/spec.h", '#include "base/error.h"\n#include "backend/ops.h"\n')
        self.put("model/arch/llama.cc", '#include "model/spec.h"\n')
        self.put("model/CMakeLists.txt", "spate_module(model DEPS base backend LINK dep::json)\n")
        self.assertEqual(self.violations(), [])

    def test_upward_include_is_named_with_file_and_line(self):
        self.put("base/CMakeLists.txt", "spate_module(base)\n")
        self.put("base/error.h", '#pragma once\n\n#include "engine/engine.h"\n')
        self.assertEqual(
            self.violations(), ["src/base/error.h:3: layer base may not include engine/engine.h (allowed: nothing)"]
        )

    def test_only_the_four_headers_are_seen_from_above(self):
        self.put("model/CMakeLists.txt", "spate_module(model DEPS backend)\n")
        self.put("model/a.cc", '#include "backend/cpu/device.h"\n')
        self.put("model/b.cc", '#include "backend/registry.h"\n')
        self.put("model/c.cc", '#include "backend/linear.h"\n')
        found = self.violations()
        self.assertEqual([line.split(" ")[0] for line in found], ["src/model/a.cc:1:", "src/model/b.cc:1:"])
        self.assertIn("backend/{op_params,ops,device,linear}.h", found[0])

    def test_backends_do_not_see_each_other_except_in_tests(self):
        self.put("backend/cpu/CMakeLists.txt", "spate_module(backend_cpu DEPS backend)\nspate_isa_kernels(backend_cpu)\n")
        self.put("backend/cpu/ops.cc", '#include "backend/ref/ref_ops.h"\n')
        self.put("backend/cpu/ops_test.cc", '#include "backend/ref/ref_ops.h"\n')
        self.assertEqual([line.split(" ")[0] for line in self.violations()], ["src/backend/cpu/ops.cc:1:"])

    def test_folder_without_a_row(self):
        self.put("misc/util.h", "#pragma once\n")
        self.assertIn("src/misc/util.h:1: no row", self.violations()[0])

    def test_include_not_from_the_root(self):
        self.put("base/CMakeLists.txt", "spate_module(base)\n")
        self.put("base/error.cc", '#include "error.h"\n')
        self.assertIn('"error.h" does not start at a folder of src/', self.violations()[0])

    def test_deps_beyond_the_table_and_missing_deps(self):
        self.put("cache/pool.cc", '#include "base/check.h"\n')
        self.put("cache/CMakeLists.txt", "\nspate_module(cache DEPS engine)\n")
        found = "\n".join(self.violations())
        self.assertIn("src/cache/CMakeLists.txt:2: layer cache may not depend on engine (allowed: base)", found)
        self.assertIn("src/cache/CMakeLists.txt:2: DEPS lacks base, which src/cache/pool.cc:1 includes", found)

    def test_folder_without_a_module(self):
        self.put("cache/pool.cc", "\n")
        self.assertEqual(len(self.violations()), 1)

    def test_long_file_is_a_warning(self):
        self.put("base/CMakeLists.txt", "spate_module(base)\n")
        self.put("base/long.cc", "\n" * (check_layers.LENGTH_LIMIT + 1))
        violations, warnings = check_layers.check(self.root, warn_length=True)
        self.assertEqual(violations, [])
        self.assertEqual(len(warnings), 1)

    def test_the_table_has_no_cycles(self):
        done = set()

        def visit(folder, way):
            self.assertNotIn(folder, way, "cycle in the layer table")
            if folder in done:
                return
            for target in check_layers.TABLE[folder]:
                if target != "*":
                    visit("backend" if target == check_layers.HEADERS else target, way + [folder])
            done.add(folder)

        for folder in check_layers.TABLE:
            visit(folder, [])


if __name__ == "__main__":
    unittest.main()
