"""The records of a sqllogictest file: what is run, and what must come out."""

import os
import re
from dataclasses import dataclass, field
from glob import glob

# Names under which `onlyif` and `skipif` know this server.
ENGINES = {"mssql", "sqlserver"}
SORTS = {"nosort", "rowsort", "valuesort"}


@dataclass
class Record:
    file: str
    line: int
    kind: str  # "statement" or "query"
    sql: str
    error: bool = False  # an error is expected
    types: str = ""
    sort: str = "nosort"
    label: str = ""
    connection: str = ""
    count: int | None = None  # of changed rows
    expected: list | None = field(default=None)  # lines; None when the file says nothing of rows

    @property
    def place(self):
        return f"{self.file}:{self.line}"


class Unreadable(Exception):
    """The rest of the file needs something that this reader does not do."""


def read(root, name):
    """The records of a file, and why the reading ended before its end, if it did."""
    out = []
    try:
        _read(root, name, out, {"sort": "nosort"})
    except Unreadable as e:
        return out, str(e)
    return out, None


def _read(root, name, out, state):
    with open(os.path.join(root, name), encoding="utf-8") as f:
        lines = [l.rstrip("\n").rstrip("\r") for l in f]
    i, skip = 0, False
    while i < len(lines):
        line = lines[i].strip()
        words = line.split()
        if not line or line.startswith("#"):
            i += 1
            continue
        start, i = i + 1, i + 1
        head = words[0]
        if head in ("statement", "query"):
            sql = []
            while i < len(lines) and lines[i].strip() and lines[i].strip() != "----":
                sql.append(lines[i])
                i += 1
            expected = None
            if i < len(lines) and lines[i].strip() == "----":
                expected, i = [], i + 1
                # A row of blanks alone is a row.
                while i < len(lines) and lines[i]:
                    # One file of DataFusion has the line twice.
                    if not (lines[i].strip() == "----" and not expected):
                        expected.append(lines[i])
                    i += 1
            record = Record(name, start, head, "\n".join(sql), expected=expected, sort=state["sort"])
            _head(record, words[1:])
            if not skip:
                out.append(record)
            skip = False
        elif head == "skipif":
            skip = skip or words[1] in ENGINES
        elif head == "onlyif":
            skip = skip or words[1] not in ENGINES
        elif head == "halt":
            if not skip:
                return
            skip = False
        elif head == "include":
            _include(root, name, words[1], out, state)
        elif head == "control":
            if words[1:2] == ["sortmode"]:
                state["sort"] = words[2]
            elif words[1] != "resultmode" or words[2] != "rowwise":
                raise Unreadable(f"line {start}: {line}")
        elif head in ("system", "let"):
            while i < len(lines) and lines[i].strip():
                i += 1
        elif head not in ("hash-threshold", "sleep", "subtest", "connection"):
            raise Unreadable(f"line {start}: {line}")


def _include(root, name, pattern, out, state):
    here = os.path.dirname(os.path.join(root, name))
    for path in sorted(glob(os.path.join(here, pattern))):
        _read(root, os.path.relpath(path, root), out, state)


def _head(record, words):
    if not words:
        return
    if words[0] == "error":
        record.error = True
        return
    if record.kind == "statement":
        if words[0] == "count":
            record.count = int(words[1])
            words = words[2:]
        else:
            words = words[1:]
        record.connection = words[0] if words else ""
        return
    record.types = words[0]
    for word in words[1:]:
        if word in SORTS:
            record.sort = word
        elif re.fullmatch(r"con\d+", word):
            record.connection = word
        else:
            record.label = word
