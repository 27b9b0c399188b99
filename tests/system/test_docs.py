#!/usr/bin/env python3
"""The documents tell the truth about what can be looked up: paths, verbs, names, links, commands.

    python3 tests/system/test_docs.py BUILD_DIR [unittest arguments]
"""
import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = None

MAPS = ["README.md", "HACKING.md", "docs/ARCHITECTURE.md"]
SOURCES = (".c", ".h", ".cc", ".def")
SUFFIXES = SOURCES + (".py", ".sh", ".md", ".yaml", ".tsv", ".txt", ".scn", ".service")
NOT_OURS = {".git", "build"}


def folders():
    return {p.name for p in ROOT.iterdir() if p.is_dir()} - NOT_OURS


def files():
    for folder in sorted(folders()):
        yield from (p for p in (ROOT / folder).rglob("*") if p.is_file())
    yield from (p for p in ROOT.iterdir() if p.is_file())


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def code_words(text):
    """What stands between backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def paths_in(text, tops):
    """Paths below a folder of ours anywhere, and names of files between backticks."""
    for word in re.findall(r"(?<![\w/.$@~-])[\w.*-]+/[\w.*/-]*", text):
        word = word.rstrip(".,;:")
        if word.split("/")[0] in tops:
            yield word
    for word in code_words(text):
        if re.fullmatch(r"[\w*-][\w.*-]*", word) and word.endswith(SUFFIXES):
            yield word


def verbs_in(text):
    """The verb of each fm command: at the begin of a line or of a quoted command, or behind a pipe."""
    return re.findall(r"(?:^|[`;|(]) *fm +(?:--?[a-z-]+ +)*([a-z][a-z-]*[a-z])", text, re.M)


class Documents(unittest.TestCase):
    def test_every_path_exists(self):
        tops = folders()
        names = [p.name for p in files()]
        for doc in MAPS:
            for path in sorted(set(paths_in(text_of(doc), tops))):
                with self.subTest(doc=doc, path=path):
                    if "/" in path:
                        found = any(ROOT.glob(path.rstrip("/")))
                    else:
                        found = any(pathlib.PurePath(n).match(path) for n in names)
                    self.assertTrue(found, f"{doc} names {path}, which is not there")

    def test_every_verb_is_known_to_fm(self):
        answer = subprocess.run([BUILD / "fm/fm", "help"], capture_output=True, text=True,
                                timeout=30, check=True)
        known = set(re.findall(r"^  ([a-z][a-z-]+)  ", answer.stdout, re.M))
        self.assertIn("alarm-list", known)
        for doc in MAPS:
            for verb in sorted(set(verbs_in(text_of(doc)))):
                with self.subTest(doc=doc, verb=verb):
                    self.assertIn(verb, known)

    def test_the_readme_begins_with_two_commands_that_run(self):
        commands = re.findall(r"^    (scripts/[\w.-]+)", text_of("README.md"), re.M)
        self.assertEqual(commands[:2], ["scripts/demo.sh", "scripts/test.sh"])
        for command in commands:
            self.assertTrue(os.access(ROOT / command, os.X_OK), f"{command} cannot be run")

    def test_every_link_leads_somewhere(self):
        docs = [p for p in files() if p.suffix == ".md"]
        self.assertGreater(len(docs), 10)
        for doc in docs:
            for target in re.findall(r"\]\(([^)\s]+)\)", doc.read_text(encoding="utf-8")):
                if re.match(r"https?:|#", target):
                    continue
                with self.subTest(doc=str(doc.relative_to(ROOT)), target=target):
                    self.assertTrue((doc.parent / target.split("#")[0]).exists())

    def test_the_map_names_functions_that_exist(self):
        words = set()
        for path in files():
            if path.suffix in SOURCES:
                words.update(re.findall(r"\w+", path.read_text(encoding="utf-8")))
        for name in sorted(set(code_words(text_of("docs/ARCHITECTURE.md")))):
            if re.fullmatch(r"[A-Za-z]\w*_\w+", name):
                with self.subTest(name=name):
                    self.assertIn(name, words)

    def test_every_manual_page_named_is_there(self):
        for doc in MAPS:
            for name, section in set(re.findall(r"\b(fm[\w.]*|events\.yaml)\((\d)\)", text_of(doc))):
                with self.subTest(doc=doc, page=f"{name}({section})"):
                    self.assertTrue((ROOT / f"docs/man/{name}.{section}").exists())

    def test_the_index_of_decisions_is_complete(self):
        index = text_of("docs/adr/0000-record-decisions.md")
        for adr in sorted((ROOT / "docs/adr").glob("[0-9]*.md")):
            if not adr.name.startswith("0000-"):
                self.assertIn(f"({adr.name})", index)


class Faults(unittest.TestCase):
    """docs/FAULTS.md, GUARANTEES.md and LIMITS.md: FILE:SUITE.NAME names a test, of Python or of C."""

    def named(self):
        words = code_words("".join(text_of(f"docs/{name}.md") for name in
                                   ("FAULTS", "GUARANTEES", "LIMITS")))
        return [w.rpartition(":")[::2] for w in words if re.match(r"tests/\S+:\w", w)]

    def has(self, file, suite, name):
        text = text_of(file)
        if file.endswith(".c"):
            return re.search(rf"^Test\({suite}, {name}\b", text, re.M)
        body = re.split(rf"^class {suite}\(", text, flags=re.M)
        return len(body) == 2 and re.search(rf"^    def {name}\(", body[1].split("\nclass ")[0], re.M)

    def test_every_test_named_exists(self):
        named = self.named()
        self.assertGreater(len(named), 30)
        missing = [f"{file}:{test}" for file, test in named if not self.has(file, *test.split("."))]
        self.assertEqual(missing, [])

    def test_each_limit_of_a_header_is_listed_and_no_other(self):
        tops = [line.split("\t")[0] for line in text_of("cmake/layers.tsv").splitlines()
                if "\t" in line and not line.startswith("#")]
        names = {n for top in tops for h in (ROOT / top).glob("*.h")
                 for n in re.findall(r"^#define (\w*MAX_\w+|\w+_MAX) ", h.read_text(), re.M)}
        listed = {w for w in code_words(text_of("docs/LIMITS.md")) if re.fullmatch(r"[A-Z_]+", w)}
        self.assertGreater(len(names), 40)
        self.assertEqual(listed, names)

    def test_it_names_each_alarm_of_fmd_and_no_other(self):
        ours = set(re.findall(r'^"(990\.\d+)"', text_of("events.yaml"), re.M))
        self.assertEqual(set(re.findall(r"990\.\d{3}", text_of("docs/FAULTS.md"))), ours)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
