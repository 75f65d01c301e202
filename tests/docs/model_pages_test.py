# SPDX-License-Identifier: Apache-2.0
"""docs/generate_model_pages.py tells a page that fell behind, on a stand-in for the program with one model."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

GENERATE = pathlib.Path(__file__).resolve().parents[2] / "docs/generate_model_pages.py"
PROGRAM = r"""#!/bin/sh
case "$2 $4" in
"list ") printf '  bowl  potluck.bowl 0.1.0 (installation)\n  acme.ring  acme.ring 1.0.0 (user)\n';;
"describe --schema") echo '{"description": "A bowl", "properties": {
  "depth": {"description": "how deep (real, >= 0, default 1)"}}}';;
"describe ") printf 'bowl: A bowl\nfrom potluck.bowl 0.1.0, a file\n\nInputs:\n  x  continuous  the state\n\n'
  printf 'Settings:\n  depth  real, >= 0, default 1    m  how deep\n\nReference: Cook 1900\n';;
esac
"""
BY_HAND = "E = 0.\n\n```yaml\npotluck: 1\n```\n"


class ModelPagesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.program = self.folder / "program"
        self.program.write_text(PROGRAM)
        self.program.chmod(0o755)
        self.pages = self.folder / "pages"
        self.pages.mkdir()
        self.page = self.pages / "bowl.md"
        self.page.write_text(f"<!-- by hand -->\n{BY_HAND}<!-- end of by hand -->\n")

    def generate(self, *words):
        done = subprocess.run([sys.executable, GENERATE, "--program", self.program, "--pages", self.pages, *words],
                              capture_output=True, text=True)
        return done.returncode, done.stderr

    def test_a_page_has_the_table_and_keeps_what_is_by_hand(self):
        self.assertEqual(self.generate()[0], 0)
        text = self.page.read_text()
        self.assertIn("| `depth` | real, >= 0, default 1 | m | how deep |\n", text)
        self.assertIn("| `x` | continuous | the state |\n", text)
        self.assertIn(BY_HAND, text)
        self.assertIn("Reference: Cook 1900.\n", text)
        self.assertEqual(self.generate("--check"), (0, ""))

    def test_a_page_that_fell_behind_is_found_and_left_alone(self):
        self.generate()
        self.page.write_text(self.page.read_text().replace("how deep", "how wide"))
        code, said = self.generate("--check")
        self.assertEqual(code, 1)
        self.assertIn("Run: python docs/generate_model_pages.py", said)
        self.assertIn("how wide", self.page.read_text())

    def test_a_model_without_a_page_by_hand_is_found(self):
        self.page.unlink()
        code, said = self.generate("--check")
        self.assertEqual(code, 1)
        self.assertIn("with a composition in YAML, got none", said)

    def test_a_page_without_a_model_is_found(self):
        self.generate()
        (self.pages / "cup.md").write_text("# cup\n")
        code, said = self.generate("--check")
        self.assertEqual(code, 1)
        self.assertIn("must be of one of our models, got 'cup'", said)


if __name__ == "__main__":
    unittest.main()
