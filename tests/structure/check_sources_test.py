# SPDX-License-Identifier: Apache-2.0
"""A planted violation of each rule is found, and what is right passes."""

import os
import subprocess
import tempfile
import unittest

import check_copies
import check_sources

FORMAT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cmake", "format.sh")


class SourcesTest(unittest.TestCase):

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = self.temporary.name
        subprocess.run(["git", "init", "-q", self.folder], check=True)

    def tearDown(self):
        self.temporary.cleanup()

    def plant(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def test_every_arrow_against_the_direction_is_found(self):
        for name, header in [("core/a.cpp", "plugins/model.h"), ("core/a.cpp", "potluck/plugin.h"),
                             ("plugins/a.cpp", "compose/tree/tree.h"), ("compose/a.h", "apps/main.h"),
                             ("models/x/a.cpp", "core/error.h"), ("models/x/a.cu", "plugins/model.h"),
                             ("plugins/include/potluck/a.h", "core/error.h"), ("plugins/a.cpp", "models/x/x.h"),
                             ("examples/plugins/acme/a.c", "core/error.h"), ("core/a.cpp", "ATen/core/Tensor.h"),
                             ("apps/a.cpp", "torch/torch.h"), ("apps/a.cpp", "core/error.h"),
                             ("apps/a.cpp", "plugins/model.h"), ("apps/a.cpp", "compose/session/session.h"),
                             ("apps/a.cpp", "potluck/plugin.h"), ("core/a.cpp", "potluck/engine.h"),
                             ("examples/embedding/a.cpp", "core/error.h"),
                             ("compose/include/potluck/engine.h", "fmt/format.h"),
                             ("compose/include/potluck/engine.h", "core/error.h"),
                             ("compose/include/potluck/engine.h", "potluck/plugin.h")]:
            for line in (f'#include "{header}"', f"# include <{header}>"):
                self.plant(name, f"// first\n{line}\n")
                found = check_sources.check_arrows(self.folder)
                self.assertEqual(len(found), 1, (name, header))
                self.assertTrue(found[0].startswith(f"{name}:2: "), found)
                self.assertIn(header, found[0])
                os.remove(os.path.join(self.folder, name))

    def test_an_arrow_hidden_in_a_relative_path_is_found(self):
        self.plant("core/error.h", "")
        self.plant("models/x/a.cpp", '#include "../../core/error.h"\n')
        self.assertEqual(len(check_sources.check_arrows(self.folder)), 1)

    def test_arrows_of_the_design_pass(self):
        for name, header in [("core/a.cpp", "core/b.h"), ("plugins/a.cpp", "core/b.h"),
                             ("plugins/a.cpp", "potluck/plugin.h"), ("compose/a.cpp", "plugins/b.h"),
                             ("apps/a.cpp", "apps/b.h"), ("models/x/a.cpp", "potluck/model.hpp"),
                             ("models/x/a.cpp", "models/y.h"), ("models/x/a.cpp", "torch/torch.h"),
                             ("core/a.cpp", "vector"), ("compose/include/potluck/engine.h", "vector"),
                             ("apps/a.cpp", "potluck/engine.h"), ("examples/embedding/a.cpp", "potluck/engine.h"),
                             ("tests/a.cpp", "apps/b.h")]:
            self.plant(name, f'#include "{header}"\n')
            self.assertEqual(check_sources.check_arrows(self.folder), [], (name, header))

    def test_a_step_up_a_floor_is_found(self):
        for name, header in [("core/energy/a.cpp", "core/backend/b.h"), ("core/backend/a.h", "core/diagnostics/b.h"),
                             ("core/methods/a.cpp", "core/chains/b.h"), ("core/a.h", "core/random/b.h"),
                             ("core/files/formats/a.h", "core/files/run/b.h"), ("compose/tree/a.h", "compose/text/b.h"),
                             ("compose/known/a.h", "compose/nowhere/b.h"), ("apps/terminal/a.h", "apps/main.h"),
                             ("compose/session/a.h", "compose/record/b.h")]:
            self.plant(name, f'// first\n#include "{header}"\n')
            found = check_sources.check_floors(self.folder)
            self.assertEqual(len(found), 1, (name, header))
            self.assertTrue(found[0].startswith(f"{name}:2: "), found)
            os.remove(os.path.join(self.folder, name))

    def test_a_folder_without_a_floor_is_found(self):
        self.plant("compose/drawer/a.cpp", "")
        self.plant("compose/a.cpp", "")
        self.assertEqual(len(check_sources.check_floors(self.folder)), 2)

    def test_steps_down_pass(self):
        for name, header in [("core/energy/a.cpp", "core/error.h"), ("core/backend/cuda/a.h", "core/backend/b.h"),
                             ("core/backend/a.h", "core/backend/cuda/b.h"), ("core/chains/a.h", "core/methods/b.h"),
                             ("core/files/run/a.h", "core/files/formats/b.h"), ("apps/main.cpp", "apps/terminal/b.h"),
                             ("compose/record/a.h", "compose/session/b.h"), ("compose/tree/a.h", "core/chains/b.h")]:
            self.plant(name, f'#include "{header}"\n')
            self.assertEqual(check_sources.check_floors(self.folder), [], (name, header))

    def test_a_file_without_licence_is_found(self):
        for name, text in [("core/a.h", "#pragma once\n"), ("b/CMakeLists.txt", ""), ("c/run", "#!/bin/bash\necho\n"),
                           ("d/a.py", "# Apache-2.0\n")]:
            self.plant(name, text)
        found = check_sources.check_licence(self.folder)
        self.assertEqual([violation.split(":")[0] for violation in found],
                         ["b/CMakeLists.txt", "c/run", "core/a.h", "d/a.py"])

    def test_a_file_with_licence_passes(self):
        self.plant("core/a.h", f"// {check_sources.LICENCE}\n#pragma once\n")
        self.plant("c/run", f"#!/bin/bash\n# {check_sources.LICENCE}\n")
        self.plant("notes/a.md", "text\n")
        self.assertEqual(check_sources.check_licence(self.folder), [])

    def test_what_belongs_to_one_machine_is_found(self):
        for planted in ("/wo" + "rk/env", "/ho" + "me/ada/x", "/ro" + "ot/x", "https://py" + "pi.org/simple",
                        "files.pytho" + "nhosted.org", "http://deb.de" + "bian.org"):
            self.plant("docs/a.md", f"one\nsee {planted}\n")
            found = check_sources.check_machine(self.folder)
            self.assertEqual(len(found), 1, planted)
            self.assertTrue(found[0].startswith("docs/a.md:2: "))
        self.plant("docs/a.md", "homework/x ../work/x PyPI https://pytorch.org /usr/lib\n")
        self.assertEqual(check_sources.check_machine(self.folder), [])

    def test_a_file_that_is_laid_out_otherwise_is_found(self):
        def check():
            return subprocess.run([FORMAT, "--check"], capture_output=True, text=True,
                                  env={**os.environ, "POTLUCK_FORMAT_FOLDER": self.folder})

        self.plant("a/.clang-format", "BasedOnStyle: Google\n")
        self.plant("a/a.cpp", "int main() { return 0; }\n")
        self.assertEqual(check().returncode, 0, check().stderr)
        self.plant("a/a.cpp", "int main(){return  0;}\n")
        self.assertEqual(check().returncode, 1)
        self.assertIn("a/a.cpp", check().stderr)

    def test_a_copy_for_a_wide_vector_unit_is_found(self):
        table = "0000000000000000 D _ZN7potluck16kRowKernels_avx2E\n"
        copy = "0000000000000000 W _ZSt3maxIdERKT_S2_S2_\n"
        self.assertEqual(check_copies.copies(table, "cpu_rows_avx2.cpp.o"), [])
        found = check_copies.copies(copy + table, "cpu_rows_avx2.cpp.o")
        self.assertEqual(len(found), 1, found)
        self.assertIn("_ZSt3maxIdERKT_S2_S2_", found[0])
        self.assertEqual(len(check_copies.copies(table, "cpu_rows_avx512.cpp.o")), 1)
        self.assertEqual(check_copies.main(["nm", "error.cpp.o"]), 1)


if __name__ == "__main__":
    unittest.main()
