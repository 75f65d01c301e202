# SPDX-License-Identifier: Apache-2.0
"""pages.py finds what is wrong with a page, and only that. The program here is a stand-in that says what it is told."""

import pathlib
import tempfile
import unittest

from every_page import pages_not_run
from pages import Page, agrees

PROGRAM = """#!/bin/sh
# check FILE: refuses a file that has the word "broken" in it
if grep -q broken "$2"; then echo "$2:1:1: broken"; exit 2; fi
echo "$2: ok, R-hat at most 1.006 in 7.4 s"
"""


class PagesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.program = self.folder / "program"
        self.program.write_text(PROGRAM)
        self.program.chmod(0o755)
        (self.folder / "bars.yaml").write_text("# SPDX-License-Identifier: Apache-2.0\npotluck: 1\n")

    def faults(self, text):
        file = self.folder / "page.md"
        file.write_text(text)
        return Page(file, self.program, self.folder / "scratch", top=self.folder).walk()

    def assert_fault(self, text, expected):
        faults = self.faults(text)
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(expected, faults[0])

    def test_a_good_page_has_no_faults(self):
        self.assertEqual(self.faults(
            "<!-- saved as: mine.yaml -->\n```yaml\npotluck: 1\n```\n"
            "<!-- runs -->\n```sh\nbuild/bin/potluck check mine.yaml\n```\n"
            "<!-- printed -->\n```\nmine.yaml: ok, R-hat at most 1.01 in 0.5 s\n```\n"
            "<!-- fails: 2 -->\n```sh\necho broken > other.yaml; build/bin/potluck check other.yaml\n```\n"
            "<!-- included as: part.yaml -->\n```yaml\nviews: {}\n```\n"
            "<!-- runs -->\n```sh\ngrep views part.yaml\n```\n"
            "<!-- runs -->\n```python\nprint(open('mine.yaml').read())\n```\n"
            "<!-- runs: bars.yaml -->\n```yaml\npotluck: 1\n```\n"
            "<!-- not run: it takes a day -->\n```sh\nfalse\n```\n"), [])

    def test_a_faulty_composition_is_found_with_its_line(self):
        self.assert_fault("text\n<!-- checks -->\n```yaml\nbroken: 1\n```\n", "page.md:3: must be a composition")

    def test_a_failing_command_is_found(self):
        self.assert_fault("<!-- runs -->\n```sh\nfalse\ntrue\n```\n", "must end with exit code 0, got 1")

    def test_a_command_that_should_fail_and_does_not_is_found(self):
        self.assert_fault("<!-- fails: 2 -->\n```sh\ntrue\n```\n", "must end with exit code 2, got 0")

    def test_a_failing_program_is_found(self):
        self.assert_fault("<!-- runs -->\n```python\nraise SystemExit(3)\n```\n", "must end with exit code 0, got 3")

    def test_a_line_that_is_not_printed_is_found(self):
        self.assert_fault("<!-- runs -->\n```sh\necho one\n```\n<!-- printed -->\n```\ntwo\n```\n", "got 'two'")

    def test_a_block_that_differs_from_its_file_is_found(self):
        self.assert_fault("<!-- runs: bars.yaml -->\n```yaml\npotluck: 2\n```\n", "must be the text of bars.yaml")

    def test_a_block_whose_file_is_gone_is_found(self):
        self.assert_fault("<!-- runs: gone.yaml -->\n```yaml\npotluck: 1\n```\n", "must be the text of gone.yaml")

    def test_a_block_without_a_mark_is_found(self):
        for mark in ["", "<!-- runs -->\n\n", "<!-- not run -->\n", "<!-- run -->\n"]:
            self.assert_fault(mark + "```sh\ntrue\n```\n", "must have a mark above it")

    def test_a_composition_that_is_not_checked_is_found(self):
        self.assert_fault("<!-- not run: it is long -->\n```yaml\npotluck: 1\n```\n", "must be checked")

    def test_a_page_that_nobody_runs_is_found(self):
        (self.folder / "docs" / "models").mkdir(parents=True)
        run, forgotten = self.folder / "README.md", self.folder / "docs" / "models" / "new.md"
        run.write_text("```yaml\npotluck: 1\n```\n")
        forgotten.write_text("```yaml\npotluck: 1\n```\n")
        (self.folder / "docs" / "plain.md").write_text("nothing to run\n")
        self.assertEqual(pages_not_run([run], self.folder), [forgotten])
        self.assertEqual(pages_not_run([run, forgotten], self.folder), [])

    def test_numbers_may_differ_by_a_tenth_and_times_by_anything(self):
        shown = "Done in 0.5 s: 64 chains, acceptance 0.57, size at least 687."
        self.assertTrue(agrees(shown, "Done in 12 s: 64 chains, acceptance 0.60, size at least 700."))
        self.assertFalse(agrees(shown, "Done in 0.5 s: 63 chains, acceptance 0.57, size at least 687."))
        self.assertFalse(agrees(shown, "Done in 0.5 s: 64 chains, acceptance 0.70, size at least 687."))
        self.assertFalse(agrees(shown, "Done in 0.5 s: 64 chains, acceptance 0.57, size at least 900."))
        self.assertTrue(agrees("folder ... is there", "folder /a/b is there"))


if __name__ == "__main__":
    unittest.main()
