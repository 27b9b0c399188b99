#!/usr/bin/env python3
"""What "cmake --install" puts where: the files, the places they name, how they are hardened.

    python3 tests/system/test_install.py BUILD_DIR [unittest arguments]

BUILD_DIR is installed below a DESTDIR. Beside it the release preset is built and installed with a
prefix of its own, so that the programs run from where they were told they are.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = None
RELEASE = None
PREFIX = None
VERSION = re.search(r"project\(fmd VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]

# Below the prefix /usr/local, and the mode.
FILES = {
    "usr/local/sbin/fmd": 0o755,
    "usr/local/bin/fm": 0o755,
    "etc/fmd/events.yaml": 0o644,
    "etc/fmd/fmd.yaml.example": 0o644,
    "usr/local/lib/systemd/system/fmd.service": 0o644,
    "usr/local/lib/sysusers.d/fmd.conf": 0o644,
    "usr/local/share/bash-completion/completions/fm": 0o644,
    "usr/local/share/snmp/mibs/WRS-ALARM-MIB.txt": 0o644,
    "usr/local/share/man/man1/fm.1": 0o644,
    "usr/local/share/man/man5/events.yaml.5": 0o644,
    "usr/local/share/man/man5/fmd.yaml.5": 0o644,
    "usr/local/share/man/man8/fmd.8": 0o644,
}


def run(*command, **more):
    more.setdefault("timeout", 120)
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, **more)


def must(*command, **more):
    out = run(*command, **more)
    if out.returncode != 0:
        raise AssertionError(f"{command}: {out.returncode}\n{out.stdout[-3000:]}{out.stderr[-3000:]}")
    return out.stdout


def needs(program):
    return unittest.skipIf(shutil.which(program) is None, f"needs {program}")


def files_below(top):
    return {str(p.relative_to(top)): p for p in top.rglob("*") if p.is_file()}


class Base(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="fmd-install-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)


class WithDestdir(Base):
    def setUp(self):
        super().setUp()
        must("cmake", "--install", BUILD, env=dict(os.environ, DESTDIR=str(self.dir)))
        self.files = files_below(self.dir)

    def test_it_installs_these_files_and_no_others(self):
        self.assertEqual({n: p.stat().st_mode & 0o7777 for n, p in self.files.items()}, FILES)

    def test_each_file_that_names_places_names_those_of_the_installation(self):
        unit = self.files["usr/local/lib/systemd/system/fmd.service"].read_text()
        self.assertIn("ExecStart=/usr/local/sbin/fmd\n", unit)
        example = self.files["etc/fmd/fmd.yaml.example"].read_text()
        self.assertRegex(example, r"(?m)^catalogue: /etc/fmd/events\.yaml ")
        self.assertIn("/etc/fmd/fmd.yaml", must(self.files["usr/local/sbin/fmd"], "--help"))

    @needs("man")
    def test_the_manual_has_no_warnings(self):
        """Here and not below: lines cannot be filled where the prefix is longer than they are."""
        pages = [p for n, p in self.files.items() if "/man/" in n]
        self.assertEqual(len(pages), 4)
        for page in pages:
            with self.subTest(page=page.name):
                out = run("man", "-l", "--warnings", page, env=dict(os.environ, MANWIDTH="80",
                                                                     LC_ALL="C.UTF-8"))
                self.assertEqual((out.returncode, out.stderr), (0, ""))
                self.assertGreater(len(out.stdout), 500)


class WithPrefix(Base):
    """The release, at its own place."""

    @classmethod
    def setUpClass(cls):
        must("cmake", "--preset", "release", "-B", RELEASE, f"-DCMAKE_INSTALL_PREFIX={PREFIX}",
             cwd=ROOT)
        must("cmake", "--build", RELEASE, timeout=600)
        shutil.rmtree(PREFIX, ignore_errors=True)
        must("cmake", "--install", RELEASE)
        cls.fmd, cls.fm = PREFIX / "sbin/fmd", PREFIX / "bin/fm"
        shutil.copy(PREFIX / "etc/fmd/fmd.yaml.example", PREFIX / "etc/fmd/fmd.yaml")

    def start_demo(self, *wrapper):
        with open(self.dir / "log", "wb") as log:
            fmd = subprocess.Popen([*wrapper, self.fmd, "--demo", "--state-dir", self.dir / "state"],
                                   stderr=log)
        self.addCleanup(lambda: fmd.poll() is None and fmd.kill())
        limit = time.monotonic() + 60
        while self.ask("version").returncode != 0:
            self.assertIsNone(fmd.poll(), (self.dir / "log").read_text())
            self.assertLess(time.monotonic(), limit, "fmd does not answer")
            time.sleep(0.05)
        return fmd

    def ask(self, *args):
        return run(self.fm, "--socket", self.dir / "state/fmd.sock", *args)

    def test_everything_is_below_the_prefix(self):
        expected = {n.replace("usr/local/", "") for n in FILES} | {"etc/fmd/fmd.yaml"}
        self.assertEqual(set(files_below(PREFIX)), expected)

    def test_the_installed_fmd_finds_its_configuration_and_catalogue_by_itself(self):
        out = run(self.fmd, "-nv")
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertIn(f"{PREFIX}/etc/fmd/events.yaml", out.stdout)

    def test_the_example_holds_the_defaults(self):
        empty = self.dir / "empty.yaml"
        empty.write_text("{}\n")
        def effective(path):
            return must(self.fmd, "-nv", "-c", path).split("---")[0]
        self.assertEqual(effective(PREFIX / "etc/fmd/fmd.yaml.example"), effective(empty))

    def test_a_bad_catalogue_ends_the_start_in_a_way_that_is_not_repeated(self):
        bad = self.dir / "bad.yaml"
        bad.write_text('"700.001": {Type: Nonsense}\n')
        out = run(self.fmd, "--state-dir", self.dir / "state", "--catalogue", bad)
        self.assertEqual(out.returncode, 1)
        self.assertIn(f"{bad}:1:", out.stderr)
        unit = (PREFIX / "lib/systemd/system/fmd.service").read_text()
        never = re.search(r"^RestartPreventExitStatus=(.*)", unit, re.M)[1].split()
        self.assertIn("1", never)
        self.assertNotIn("74", never)

    def test_all_say_the_same_version(self):
        self.assertEqual(must(self.fmd, "--version"), f"fmd {VERSION}\n")
        self.assertEqual(must(self.fm, "--version"), f"fm {VERSION}\n")
        fmd = self.start_demo()
        self.assertEqual(json.loads(self.ask("--json", "version").stdout)["version"], VERSION)
        fmd.send_signal(signal.SIGTERM)
        self.assertEqual(fmd.wait(30), 0)
        for page in (ROOT / "docs/man").iterdir():
            text = page.read_text()
            if text.startswith(".TH"):
                self.assertIn(f'"fmd {VERSION}"', text.splitlines()[0], page.name)

    # ---- manual, completion, MIB ----

    def test_the_manual_names_the_places(self):
        for page in (PREFIX / "share/man").rglob("*.[158]"):
            with self.subTest(page=page.name):
                text = page.read_text()
                self.assertNotIn("/usr/local", text)
                self.assertEqual(text.count("/etc/fmd"), text.count(f"{PREFIX}/etc/fmd"))

    def test_the_completion_completes_verbs(self):
        words = must("bash", "-c", """. "$1"; COMP_WORDS=(fm alarm-l); COMP_CWORD=1; _fm
            echo "${COMPREPLY[@]}" """, "-", PREFIX / "share/bash-completion/completions/fm")
        self.assertEqual(words, "alarm-list\n")

    @needs("snmptranslate")
    def test_the_mib_gives_names(self):
        out = run("snmptranslate", "-M", PREFIX / "share/snmp/mibs", "-m", "WRS-ALARM-MIB", "-On",
                  "WRS-ALARM-MIB::wrsAlarmCritical")
        self.assertEqual(out.stdout, ".1.3.6.1.4.1.731.1.1.1.1.0.1\n", out.stderr)

    # ---- the unit ----

    @needs("systemd-analyze")
    def test_the_unit_is_valid(self):
        out = run("systemd-analyze", "verify", "--man=no", PREFIX / "lib/systemd/system/fmd.service")
        self.assertEqual((out.returncode, out.stderr), (0, ""))

    @needs("systemd-analyze")
    def test_the_unit_exposes_little(self):
        out = run("systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager",
                  PREFIX / "lib/systemd/system/fmd.service")
        self.assertEqual(out.returncode, 0, out.stdout[-300:] + out.stderr)

    @needs("systemd-analyze")
    @needs("strace")
    def test_the_unit_allows_every_system_call_that_fmd_makes(self):
        trace = self.dir / "trace"
        strace = self.start_demo("strace", "-f", "-qq", "-o", trace)
        self.assertEqual(self.ask("alarm-list").returncode, 0)
        fmd = int(trace.read_text().split()[0])
        os.kill(fmd, signal.SIGTERM)
        self.assertEqual(strace.wait(60), 0)
        made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.M))
        self.assertTrue(made & {"epoll_wait", "epoll_pwait"}, "the trace misses the loop")
        unit = (PREFIX / "lib/systemd/system/fmd.service").read_text()
        self.assertEqual(made - self.allowed(unit), set())

    @staticmethod
    def allowed(unit):
        def calls(name):
            if not name.startswith("@"):
                return {name}
            found = set()
            for line in must("systemd-analyze", "syscall-filter", name).splitlines()[1:]:
                word = line.strip()
                if word and not word.startswith("#"):
                    found |= calls(word)
            return found
        result = calls("@default")
        for words in re.findall(r"^SystemCallFilter=(.*)", unit, re.M):
            for word in words.lstrip("~").split():
                result = result - calls(word) if words[0] == "~" else result | calls(word)
        return result

    @needs("systemd-sysusers")
    def test_user_and_groups_are_as_the_socket_needs_them(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        (self.dir / "etc").mkdir()
        must("systemd-sysusers", f"--root={self.dir}", PREFIX / "lib/sysusers.d/fmd.conf")
        groups = {line.split(":")[0]: line.split(":")[3].split(",")
                  for line in (self.dir / "etc/group").read_text().splitlines()}
        self.assertEqual(groups, {"fm": ["fmd"], "fm-admin": [""], "fmd": [""]})
        self.assertRegex((self.dir / "etc/passwd").read_text(), r"(?m)^fmd:.*:/usr/sbin/nologin$")

    # ---- hardening ----

    def test_nothing_but_the_programs_is_built_and_warnings_are_errors(self):
        self.assertFalse([p for p in RELEASE.rglob("*") if p.is_dir() and p.name in
                          ("tests", "bench") and p.parent == RELEASE])
        commands = json.loads((RELEASE / "compile_commands.json").read_text())
        for entry in commands:
            for flag in ("-Werror", "-flto", "-D_FORTIFY_SOURCE=3", "-fstack-protector-strong",
                         "-fstack-clash-protection", "-fcf-protection=full",
                         "-fvisibility=hidden"):
                self.assertIn(flag, entry["command"].replace("-flto=auto", "-flto"), entry["file"])

    def test_no_failpoint_is_in_what_is_shipped(self):
        self.assertNotIn(b"FMD_FAILPOINT", self.fmd.read_bytes())
        self.assertIn(b"FMD_FAILPOINT", (BUILD / "fmd/fmd").read_bytes())

    @needs("readelf")
    def test_the_programs_are_hardened(self):
        for program in (self.fmd, self.fm):
            with self.subTest(program=program.name):
                header = must("readelf", "-hW", program)
                self.assertIn("Position-Independent Executable", header)
                segments = must("readelf", "-lW", program)
                self.assertIn("GNU_RELRO", segments)
                self.assertRegex(segments, r"GNU_STACK +(0x\w+ +){5}RW ")
                self.assertNotRegex(segments, r"LOAD .* RWE ")
                dynamic = must("readelf", "-dW", program)
                self.assertIn("BIND_NOW", dynamic)
                self.assertNotRegex(dynamic, "RPATH|RUNPATH")
                wanted = must("nm", "-D", "--undefined-only", program)
                self.assertIn("__stack_chk_fail", wanted)
                self.assertRegex(wanted, r"__\w+_chk@")

    @needs("objdump")
    def test_the_programs_mark_where_jumps_may_land(self):
        for program in (self.fmd, self.fm):
            code = must("objdump", "-d", "--no-show-raw-insn", program)
            if "endbr64" not in code and "x86-64" not in code:
                self.skipTest("not x86-64")
            self.assertGreater(code.count("endbr64"), 10)

    @needs("nm")
    def test_the_programs_export_no_functions(self):
        for program in (self.fmd, self.fm):
            self.assertNotRegex(must("nm", "-D", "--defined-only", program), r"(?m)^\w+ T ")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    RELEASE = BUILD.parent / "test-release"
    PREFIX = RELEASE / "root"
    unittest.main()
