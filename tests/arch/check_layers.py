#!/usr/bin/env python3
"""Checks the architecture of a source tree against cmake/layers.tsv.

Prints "file:line: rule: message" for each finding and exits 1 when there are any. Exceptions, each
with its reason, are listed in tests/arch/exceptions.txt; one that excuses nothing is a finding too.

    table      levels, folders and cycles of the table itself
    include    include edges between folders, only to public headers; *_priv.h stays at home
    library    third-party headers only where the table allows them, never in a public header
    header     every public header compiles alone, as C and, where it has extern "C", as C++
    call       calls that are forbidden everywhere
    clock      clocks are read in one file
    file       length of files
    function   length of functions
    symbol     pure libraries need nothing but memory and strings, and keep no mutable globals
"""
import argparse
import fnmatch
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SOURCE_SUFFIXES = {".c", ".h", ".cc", ".cpp", ".def"}
# Folders beside the product: their own includes are free, the rules about calls still hold.
OUTSIDE = ("tests", "bench")
NOT_CODE = ("docs", "scripts", "packaging", "cmake", "build")
CLOCK_FILE = "fmd/clock.c"
MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 100

# Header prefix -> the word in the table's fourth column.
THIRD_PARTY = {
    "sqlite3.h": "sqlite3",
    "librdkafka/": "librdkafka",
    "net-snmp/": "net-snmp",
    "jansson.h": "jansson",
    "yaml.h": "yaml",
    "libical/": "libical",
    "uv.h": "uv",
    "uthash.h": "uthash",
    "utlist.h": "uthash",
    "utarray.h": "uthash",
    "simdjson.h": "simdjson",
    "uuid/uuid.h": "uuid",
    "libsmartcols/": "smartcols",
    "systemd/": "systemd",
    "ncurses.h": "ncurses",
    "curses.h": "ncurses",
}

# Everything else in angle brackets must be of the C library, the kernel, the compiler's vector
# intrinsics or C++ (no ".h").
SYSTEM_HEADER = re.compile(
    r"^((sys|arpa|net|netinet|linux|bits)/[\w/]+\.h"
    r"|(argp|assert|ctype|dirent|dlfcn|endian|err|errno|fcntl|float|fnmatch|ftw|getopt|glob|grp"
    r"|ifaddrs|inttypes|langinfo|libgen|limits|locale|malloc|math|netdb|poll|pthread|pwd|sched"
    r"|semaphore|setjmp|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio"
    r"|stdio_ext|stdlib|stdnoreturn|string|strings|syslog|termios|threads|time|unistd|wchar"
    r"|wctype|[a-z]mmintrin|immintrin|arm_neon)\.h"
    r"|[a-z_]+)$")

FORBIDDEN_CALLS = {
    r"rd_kafka_produceva": "crashes in librdkafka 2.0.2; use rd_kafka_producev",
    r"rd_kafka_consume_batch\w*": "skips offsets in librdkafka 2.0.2",
    r"system": "no shells",
    r"popen": "no shells",
    r"sprintf": "no bound; use snprintf",
    r"vsprintf": "no bound; use vsnprintf",
    r"strcpy": "no bound",
    r"strcat": "no bound",
    r"gets": "no bound",
    r"strtok": "keeps hidden state; use strtok_r or strcspn",
    r"snmp_synch_response": "blocks the thread",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(FORBIDDEN_CALLS) + r")\s*\(")
CLOCK = re.compile(
    r"\b(clock_gettime|gettimeofday|timespec_get|ftime|uv_hrtime|uv_clock_gettime)\s*\("
    r"|(?<![\w.>])time\s*\(\s*(NULL|nullptr|0|&\w+)\s*\)"
    r"|_clock::now\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str
    subject: str = ""           # a function's name, where that is what an exception names

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class Folder:
    name: str
    line: int
    level: int
    may_include: frozenset
    libraries: frozenset
    public: tuple


def words(column):
    return [w for w in column.strip().split(",") if w and w != "-"]


def read_table(root):
    folders = {}
    for number, line in enumerate((root / "cmake/layers.tsv").read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, level, may_include, libraries, public = line.split("\t")
        folders[name] = Folder(name, number, int(level), frozenset(words(may_include)),
                               frozenset(words(libraries)), tuple(words(public)))
    return folders


# ---- sources ---------------------------------------------------------------------------

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def without_comments(text, strings_too):
    """Blanks comments (and the inside of strings), keeping every line where it is."""
    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token[0] * 2 if strings_too else token
        return "\n" * token.count("\n") or " "
    return TOKEN.sub(blank, text)


@dataclass
class Source:
    path: str                   # from the root, with slashes
    folder: str
    text: str

    @property
    def name(self):
        return self.path.rsplit("/", 1)[-1]

    def includes(self):
        for number, line in enumerate(without_comments(self.text, False).splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1) == "<", match.group(2)

    def code_lines(self):
        return enumerate(without_comments(self.text, True).splitlines(), 1)


def read_sources(root, table):
    sources = []
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        top = relative.parts[0]
        if path.suffix not in SOURCE_SUFFIXES or not path.is_file() or len(relative.parts) < 2:
            continue
        if top.startswith((".", "build")) or (top in NOT_CODE and top not in table):
            continue
        sources.append(Source(relative.as_posix(), top, path.read_text(errors="replace")))
    return sources


# ---- checks ----------------------------------------------------------------------------

def check_table(table, sources):
    where = "cmake/layers.tsv"
    for folder in table.values():
        for other in sorted(folder.may_include):
            if other not in table:
                yield Finding(where, folder.line, "table", f"{folder.name} may include {other}, "
                              "which has no row")
            elif table[other].level >= folder.level:
                yield Finding(where, folder.line, "table", f"{folder.name} (level {folder.level}) "
                              f"may include {other} (level {table[other].level}): arrows point "
                              "down only")
    yield from find_cycles(table, where)
    for name in sorted({s.folder for s in sources} - set(table) - set(OUTSIDE)):
        yield Finding(where, 1, "table", f"folder {name} holds sources and has no row")


def find_cycles(table, where):
    done = set()

    def visit(name, trail):
        if name in trail:
            cycle = trail[trail.index(name):] + [name]
            yield Finding(where, table[name].line, "table", "cycle: " + " -> ".join(cycle))
        elif name not in done and name in table:
            for other in sorted(table[name].may_include):
                yield from visit(other, trail + [name])
            done.add(name)

    for name in table:
        yield from visit(name, [])


def check_includes(table, sources):
    for source in sources:
        folder = table.get(source.folder)
        for line, angle, header in source.includes():
            if angle or "/" not in header:
                continue
            other, _, rest = header.partition("/")
            if other == source.folder or other not in table:
                continue
            message = edge_problem(folder, table[other], rest)
            if message:
                yield Finding(source.path, line, "include", message)


def edge_problem(folder, other, header):
    """folder is None for tests and benchmarks, which may include any public header."""
    if header.endswith("_priv.h"):
        return None if folder is None else f"{other.name}/{header} is private to {other.name}/"
    if folder is None:
        return None
    if other.name not in folder.may_include:
        return f"{folder.name}/ may not include from {other.name}/"
    # A table of X-macros is data that a public header is made from.
    if header not in other.public and not header.endswith(".def"):
        return f"{other.name}/{header} is not a public header of {other.name}/"
    return None


def third_party(header):
    for prefix, library in THIRD_PARTY.items():
        if header == prefix or (prefix.endswith("/") and header.startswith(prefix)):
            return library
    return None


def check_libraries(table, sources):
    for source in sources:
        folder = table.get(source.folder)
        if folder is None:
            continue
        public = source.path in {f"{folder.name}/{h}" for h in folder.public}
        for line, angle, header in source.includes():
            library = third_party(header)
            if library is None:
                if angle and not SYSTEM_HEADER.match(header):
                    yield Finding(source.path, line, "library",
                                  f"<{header}> is of no known library")
            elif public:
                yield Finding(source.path, line, "library", f"<{header}> in a public header")
            elif library not in folder.libraries:
                yield Finding(source.path, line, "library", f"{folder.name}/ may not use {library}")


def check_headers(root, table, cc, cxx):
    for folder in table.values():
        for header in folder.public:
            path = root / folder.name / header
            if not path.exists():
                continue
            yield from compiles(root, path, [cc, "-std=gnu17", "-x", "c"])
            if 'extern "C"' in path.read_text():
                yield from compiles(root, path, [cxx, "-std=gnu++17", "-x", "c++"])


def compiles(root, path, compiler):
    # Through a file that includes it twice, so that a missing include guard shows as well.
    relative = path.relative_to(root).as_posix()
    program = f'#include "{relative}"\n#include "{relative}"\n'
    result = subprocess.run(compiler + ["-fsyntax-only", "-Wall", "-Wextra", "-Werror",
                                        "-Wno-unused-function", "-I", str(root), "-"],
                            input=program, cwd=root, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        first = next((l for l in result.stderr.splitlines() if "error" in l), result.stderr[:200])
        yield Finding(relative, 1, "header", f"does not compile alone as {compiler[-1]}: {first}")


def check_calls(sources):
    for source in sources:
        for number, line in source.code_lines():
            for match in CALL.finditer(line):
                reason = next(r for p, r in FORBIDDEN_CALLS.items()
                              if re.fullmatch(p, match.group(1)))
                if source.folder in OUTSIDE and reason.startswith("no bound"):
                    continue        # sanitizers watch the tests' own buffers
                yield Finding(source.path, number, "call", f"{match.group(1)}: {reason}",
                              match.group(1))


def check_clocks(sources):
    for source in sources:
        if source.path == CLOCK_FILE or source.folder in OUTSIDE:
            continue
        for number, line in source.code_lines():
            if CLOCK.search(line):
                yield Finding(source.path, number, "clock", f"only {CLOCK_FILE} reads clocks")


def check_lengths(sources):
    for source in sources:
        lines = source.text.splitlines()
        if len(lines) > MAX_FILE_LINES:
            yield Finding(source.path, len(lines), "file",
                          f"{len(lines)} lines, more than {MAX_FILE_LINES}")
        yield from long_functions(source, lines)


def long_functions(source, lines):
    """The house style puts the braces of a function, and of nothing else, in column 0."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            length = number - start + 1
            if length > MAX_FUNCTION_LINES:
                name = function_name(lines, start)
                yield Finding(source.path, start, "function", f"{name} has {length} lines, more "
                              f"than {MAX_FUNCTION_LINES}", name)
            start = None


def function_name(lines, brace):
    for line in reversed(lines[max(0, brace - 12):brace - 1]):
        match = re.match(r"(?:\w[\w\s]*?[\s*])?(\w+)\(([^)]*)", line)
        if match:
            return f"Test({match.group(2)})" if match.group(1) == "Test" else match.group(1)
    return "a function"


# ---- pure libraries --------------------------------------------------------------------

SANITIZER = ("__asan", "__ubsan", "__tsan", "__sanitizer", "__sancov", "__odr_asan",
             "__start___sancov", "__stop___sancov", "__local_asan", "__lsan", "__gcov",
             "__unnamed_")      # the last: what clang calls the globals it makes for reports


def nm(tool, *args):
    return subprocess.run([tool, *args], capture_output=True, text=True, check=True).stdout


def check_symbols(root, tool, libraries):
    allowed = [line.split("#")[0].strip()
               for line in (root / "tests/arch/pure-symbols.txt").read_text().splitlines()]
    allowed = [pattern for pattern in allowed if pattern]
    for library in libraries:
        name = Path(library).name
        defined = {l.split()[-1] for l in nm(tool, "--defined-only", library).splitlines()
                   if len(l.split()) == 3}
        needed = {l.split()[-1] for l in nm(tool, "-u", library).splitlines()
                  if l.split()[:1] == ["U"]}
        for symbol in sorted(needed - defined):
            if not symbol.startswith(SANITIZER) and not any(
                    fnmatch.fnmatchcase(symbol, pattern) for pattern in allowed):
                yield Finding(name, 0, "symbol", f"needs {symbol}, which is not pure", symbol)
        yield from mutable_globals(tool, library, name)


def mutable_globals(tool, library, name):
    for line in nm(tool, "-f", "sysv", library).splitlines():
        columns = [c.strip() for c in line.split("|")]
        if len(columns) != 7 or columns[3] != "OBJECT":
            continue
        if re.match(r"\.(data|bss|tdata|tbss)(\.(?!rel\.ro)|$)", columns[6]) and not \
                columns[0].startswith(SANITIZER):
            yield Finding(name, 0, "symbol", f"{columns[0]} is a mutable global", columns[0])


# ---- exceptions and main ---------------------------------------------------------------

def read_exceptions(root):
    """Lines of rule, path or path:subject, and reason, parted by tabs."""
    path = root / "tests/arch/exceptions.txt"
    exceptions = {}
    if path.exists():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                columns = [c for c in line.split("\t") if c]
                if len(columns) != 3 or not columns[2].strip():
                    raise SystemExit(f"tests/arch/exceptions.txt:{number}: "
                                     "wants rule, place, reason")
                exceptions[columns[0], columns[1]] = number
    return exceptions


def excuse(findings, exceptions, rules_run):
    used = set()
    for finding in findings:
        keys = [(finding.rule, finding.path), (finding.rule, f"{finding.path}:{finding.subject}")]
        excused = [key for key in keys if key in exceptions]
        used.update(excused)
        if not excused:
            yield finding
    for key, number in exceptions.items():
        if key not in used and key[0] in rules_run:
            yield Finding("tests/arch/exceptions.txt", number, "exception",
                          f"{key[0]} {key[1]} excuses nothing")


def run(root, cc=None, cxx=None, nm_tool=None, libraries=()):
    table = read_table(root)
    sources = read_sources(root, table)
    findings = [*check_table(table, sources), *check_includes(table, sources),
                *check_libraries(table, sources), *check_calls(sources), *check_clocks(sources),
                *check_lengths(sources)]
    rules = {"table", "include", "library", "call", "clock", "file", "function"}
    if cc and cxx:
        findings += check_headers(root, table, cc, cxx)
        rules.add("header")
    if nm_tool and libraries:
        findings += check_symbols(root, nm_tool, libraries)
    return list(excuse(findings, read_exceptions(root), rules)), len(sources)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--cc", help="C compiler, to compile public headers alone")
    parser.add_argument("--cxx", help="C++ compiler")
    parser.add_argument("--nm", help="nm, to look into libraries")
    parser.add_argument("libraries", nargs="*", help="static libraries that must be pure")
    args = parser.parse_args()

    findings, n_sources = run(args.root.resolve(), args.cc, args.cxx, args.nm, args.libraries)
    for finding in findings:
        print(finding)
    print(f"{n_sources} sources, {len(args.libraries)} pure libraries, {len(findings)} findings")
    return 1 if findings or n_sources == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
