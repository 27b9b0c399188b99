#!/usr/bin/env python3
"""The checker finds each kind of fault in a small tree made for it, and nothing in a good one."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import check_layers                                                     # noqa: E402

CC, CXX = os.environ.get("CC", "cc"), os.environ.get("CXX", "c++")
NM, AR = os.environ.get("NM", "nm"), os.environ.get("AR", "ar")

TABLE = "# folder\tlevel\tmay include\tlibraries\tpublic\n" \
        "base\t0\t-\tuthash\tbase.h\n" \
        "store\t2\tbase\tsqlite3\tstore.h\n" \
        "fmd\t5\tbase,store\tuv\t-\n"

GOOD = {
    "cmake/layers.tsv": TABLE,
    "tests/arch/pure-symbols.txt": "malloc   # memory\nfm_*\n",
    "base/base.h": "#ifndef B\n#define B\n#include <stddef.h>\n#ifdef __cplusplus\n"
                   "extern \"C\"\n#endif\nsize_t f(void);\n#endif\n",
    "base/list.def": "X(1)\n",
    "base/mem.c": "#include \"base/base.h\"\n#include <uthash.h>\n/* never system(\"x\") */\n"
                  "const char *a = \"sprintf(\";\nvoid f(void) { fm_snprintf(1); my_time(0); }\n",
    "store/store.h": "#ifndef S\n#define S\n#include \"base/base.h\"\nint g(size_t n);\n#endif\n",
    "store/sql_priv.h": "#include <sqlite3.h>\n",
    "store/sql.c": "#include \"store/sql_priv.h\"\n#include \"base/list.def\"\n"
                   "#include <sys/stat.h>\n",
    "fmd/clock.c": "#include <uv.h>\nint t(void) { return clock_gettime(0, 0); }\n",
    "fmd/main.c": "#include \"store/store.h\"\n#include \"fmd/clock.h\"\n",
    "tests/unit/t.c": "#include \"store/sql_priv.h\"\nint t(void) { return time(NULL); }\n",
}


class Tree(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.root = Path(self.dir.name)
        for path, text in GOOD.items():
            self.write(path, text)

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def findings(self, **kwargs):
        return [str(f) for f in check_layers.run(self.root, **kwargs)[0]]

    def expect(self, start, part, **kwargs):
        findings = self.findings(**kwargs)
        self.assertEqual(len(findings), 1, findings)
        self.assertTrue(findings[0].startswith(start), findings)
        self.assertIn(part, findings[0])

    def test_a_good_tree_has_no_findings(self):
        self.assertEqual(self.findings(cc=CC, cxx=CXX), [])

    # ---- table

    def test_an_arrow_that_points_up(self):
        self.write("cmake/layers.tsv", TABLE.replace("base\t0\t-", "base\t0\tstore"))
        findings = "\n".join(self.findings())
        self.assertIn("cmake/layers.tsv:2: table: base (level 0) may include store", findings)
        self.assertIn("cycle: base -> store -> base", findings)

    def test_a_folder_that_has_no_row(self):
        self.write("extra/x.c", "")
        self.expect("cmake/layers.tsv:1: table:", "extra")

    def test_an_arrow_to_nowhere(self):
        self.write("cmake/layers.tsv", TABLE.replace("base,store", "base,store,none"))
        self.expect("cmake/layers.tsv:4: table:", "none")

    # ---- include

    def test_an_edge_that_is_not_in_the_table(self):
        self.write("base/up.c", "\n#include \"store/store.h\"\n")
        self.expect("base/up.c:2: include:", "base/ may not include from store/")

    def test_a_header_that_is_not_public(self):
        self.write("base/extra.h", "")
        self.write("store/y.c", "#include \"base/extra.h\"\n")
        self.expect("store/y.c:1: include:", "not a public header")

    def test_a_private_header_abroad(self):
        self.write("fmd/y.c", "#  include \"store/sql_priv.h\"\n")
        self.expect("fmd/y.c:1: include:", "private")

    # ---- library

    def test_a_library_where_it_is_not_allowed(self):
        self.write("fmd/y.c", "#include <sqlite3.h>\n")
        self.expect("fmd/y.c:1: library:", "sqlite3")

    def test_a_library_in_a_public_header(self):
        self.write("store/store.h", "#include <sqlite3.h>\n")
        self.expect("store/store.h:1: library:", "public header")

    def test_a_library_nobody_knows(self):
        self.write("fmd/y.c", "#include <openssl/ssl.h>\n")
        self.expect("fmd/y.c:1: library:", "no known library")

    # ---- header

    def test_a_header_that_needs_another_first(self):
        self.write("store/store.h", "#ifndef S\n#define S\nsize_t g(void);\n#endif\n")
        self.expect("store/store.h:1: header:", "as c:", cc=CC, cxx=CXX)

    def test_a_header_without_a_guard(self):
        self.write("store/store.h", "struct s { int x; };\n")
        self.expect("store/store.h:1: header:", "as c:", cc=CC, cxx=CXX)

    def test_a_header_that_is_not_cxx(self):
        self.write("store/store.h", "#ifndef S\n#define S\n#ifdef __cplusplus\nextern \"C\"\n"
                   "#endif\nint g(int class);\n#endif\n")
        self.expect("store/store.h:1: header:", "as c++:", cc=CC, cxx=CXX)

    # ---- call and clock

    def test_every_forbidden_call(self):
        for call in ("rd_kafka_produceva", "rd_kafka_consume_batch", "rd_kafka_consume_batch_queue",
                     "system", "popen", "sprintf", "vsprintf", "strcpy", "strcat", "gets",
                     "snmp_synch_response", "strtok"):
            with self.subTest(call):
                self.write("fmd/y.c", f"void f(void)\n{{\n\tx = {call} (a);\n}}\n")
                self.expect("fmd/y.c:3: call:", call)

    def test_names_that_only_look_forbidden(self):
        self.write("fmd/y.c", "f() { snprintf(a); strtok_r(a); fgets(a); s->system(a); }\n")
        self.assertEqual(self.findings(), [])

    def test_every_clock(self):
        for read in ("clock_gettime(CLOCK_REALTIME, &ts)", "gettimeofday(&tv, NULL)", "time(NULL)",
                     "time( &now )", "uv_hrtime()", "std::chrono::steady_clock::now()"):
            with self.subTest(read):
                self.write("store/y.c", f"/*\n*/ x = {read};\n")
                self.expect("store/y.c:2: clock:", "fmd/clock.c")

    # ---- length

    def test_a_long_file(self):
        self.write("fmd/y.c", "\n" * 801)
        self.expect("fmd/y.c:801: file:", "801 lines")

    def test_a_long_function(self):
        body = "\tx();\n" * 99
        self.write("fmd/y.c", f"static int\nmonster(int a,\n\tint b)\n{{\n{body}}}\n")
        self.expect("fmd/y.c:4: function:", "monster has 101 lines")
        self.write("fmd/y.c", f"static int\nbig(int a)\n{{\n{body[:-6]}}}\n")
        self.assertEqual(self.findings(), [])

    # ---- symbol

    def library(self, text):
        source, archive = self.root / "lib.c", self.root / "libpure.a"
        source.write_text(text)
        subprocess.run([CC, "-c", "-fPIC", "-o", self.root / "lib.o", source], check=True)
        subprocess.run([AR, "rc", archive, self.root / "lib.o"], check=True)
        return {"nm_tool": NM, "libraries": [str(archive)]}

    def test_a_pure_library(self):
        self.assertEqual(self.findings(**self.library(
            "void *malloc(unsigned long);\nint fm_x(void);\n"
            "static const char *const t[] = {\"a\"};\n"
            "static int here(void) { return fm_x(); }\n"
            "const char *f(void) { return malloc(1) ? t[here()] : 0; }\n")), [])

    def test_a_library_that_reads_a_file(self):
        self.expect("libpure.a:0: symbol:", "needs open",
                    **self.library("int open(const char *, int);\n"
                                   "int f(void) { return open(0, 0); }\n"))

    def test_a_library_with_a_mutable_global(self):
        self.expect("libpure.a:0: symbol:", "counter is a mutable global",
                    **self.library("static int counter;\nint f(void) { return ++counter; }\n"))

    # ---- exceptions

    def test_an_exception_excuses_one_function(self):
        self.write("fmd/y.c", "void\nmonster(void)\n{\n" + "\n" * 120 + "}\n")
        self.write("tests/arch/exceptions.txt", "function\tfmd/y.c:monster\tone long table\n")
        self.assertEqual(self.findings(), [])

    def test_an_exception_that_excuses_nothing(self):
        self.write("tests/arch/exceptions.txt", "# why\nclock\tfmd/y.c\tonce upon a time\n")
        self.expect("tests/arch/exceptions.txt:2: exception:", "excuses nothing")

    def test_an_exception_without_a_reason(self):
        self.write("tests/arch/exceptions.txt", "clock\tfmd/y.c\n")
        with self.assertRaises(SystemExit):
            self.findings()


if __name__ == "__main__":
    unittest.main()
