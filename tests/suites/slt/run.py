"""Runs the records of a file on a server, each file in a database of its own, and puts each record into a class."""

import codecs
import fnmatch
import time
from collections import Counter

import pytds.collate
from server import Failure, Gone, Refused

from . import records, rows, spelling
from .tokens import Unbalanced, find, is_word, parse

# python-tds takes varchar of a UTF-8 collation for Latin-1. Every database here has such a collation, so that texts of any language
# are held, compared by code points and told apart by case, as these engines do.
COLLATION = "Latin1_General_100_BIN2_UTF8"
pytds.collate.Collation.get_codec = lambda self: codecs.lookup("utf-8")

SLOW = 5.0
LOCK_TIMEOUT = 500

# What the server says where T-SQL has no such syntax, function, type or rule, by class.
REFUSALS = {
    "syntax": {
        102, 103, 105, 111, 113, 116, 117, 119, 126, 128, 141, 142, 144, 146, 148, 155, 156, 159, 170, 174, 189, 313, 319, 321, 336,
        343, 1003, 1007, 1023, 1033, 1035, 1038, 1060, 2750, 4104, 4108, 4109, 4112, 4145, 8110, 8155, 8156, 8158, 8159, 9810, 10741,
        10743, 10744, 10753, 11555,
    },
    "function": {195, 2812, 4121},
    "type": {
        206, 220, 235, 240, 241, 242, 243, 245, 248, 257, 258, 295, 306, 402, 421, 517, 529, 1750, 2715, 2716, 2717, 2749, 8114, 8115,
        8116, 8117, 8133, 8729,
    },
    "name": {207, 208, 209, 1011, 1013, 2705, 2714, 2760, 3701, 3729, 4701, 8154, 15151},
    "rule of queries": {
        104, 107, 108, 109, 110, 120, 121, 130, 145, 147, 164, 205, 213, 252, 253, 422, 460, 461, 462, 465, 512, 1015, 1046, 1087, 1712,
        4113, 4114, 4115, 4127, 4151, 4186, 4194, 4511, 5308, 5309, 5310, 8120, 8121, 8124, 8127, 8730, 10700, 10709, 10729, 10742, 10752,
        10756, 10759,
    },
    "value refused": {168, 232, 536, 537, 2628, 3623, 8134, 9819, 9820, 9828, 9835},
    "lock of another connection": {1222},
}
REFUSAL = {number: name for name, numbers in REFUSALS.items() for number in numbers}
NO_SUCH_LANGUAGE = ("syntax", "function")
CHANGES = ("insert", "update", "delete")
MAKES = ("alter", "copy", "create", "drop", "merge", "truncate", "with")
# Words of a statement before the name of what it changes.
BEFORE_NAME = {
    "alter", "copy", "create", "delete", "drop", "exists", "external", "from", "if", "insert", "into", "merge", "not", "only", "or",
    "overwrite", "recursive", "replace", "table", "temp", "temporary", "truncate", "unbounded", "unique", "update", "view",
}


class File:
    """One file. A statement that is not applicable leaves its table other than the file expects: what stands on it is not judged."""

    def __init__(self, run, root, name, dialect):
        self.run, self.root, self.name, self.dialect = run, root, name, dialect
        self.connections = {}
        self.doubtful = set()
        self.all_doubtful = False

    def play(self):
        found, end = records.read(self.root, self.name)
        if end:
            self.run.unread.append(f"{self.name}: {end}")
        self.database = self.run.create()
        for record in found:
            self.run.count(record, *self.judge(record))
        for c in self.connections.values():
            c.close()
        self.run.drop(self.database)

    def connection(self, name):
        if name not in self.connections:
            self.connections[name] = self.run.server.open(self.database)
            self.connections[name].run(f"set lock_timeout {LOCK_TIMEOUT}")
            if name:
                # Files with more than one connection are about transactions, and these engines have snapshots.
                self.connections[name].run("set transaction isolation level snapshot")
        return self.connections[name]

    def judge(self, record):
        """(class, what more there is to say, batches)"""
        try:
            nodes = parse(record.sql)
        except Unbalanced:
            return "not applicable: quotes or parentheses that do not match", "", []
        first = nodes[0] if nodes and isinstance(nodes[0], str) else ""
        counted = first in CHANGES and (record.kind == "query" or record.count is not None)
        try:
            batches = spelling.batches(nodes, self.dialect, counted)
        except spelling.NotApplicable as e:
            self.doubt(first, nodes)
            return f"not applicable: {e}", "", []
        except (IndexError, ValueError):
            self.doubt(first, nodes)
            return "not applicable: not carried over", "", []
        if self.stands_on_doubt(first, nodes):
            self.doubt(first, nodes)
            return "not applicable: stands on a statement that was not", "", batches
        got, refusal = [], None
        started = time.time()
        try:
            for batch in batches:
                got = self.connection(record.connection).run(batch)
        except Refused as e:
            refusal = e
        except (Gone, Failure) as e:
            self.connections.pop(record.connection, None)
            self.all_doubtful = True
            self.run.revive()
            return "unexpected: no answer", str(e)[:200], batches
        if time.time() - started > SLOW:
            self.run.slow.append(f"{self.run.suite}/{record.place}: {time.time() - started:.1f} s")
        if refusal:
            return (*self.refused(record, refusal, first, nodes), batches)
        if record.error:
            self.doubt(first, nodes)
            return "not applicable: taken though the other engine refuses it", "", batches
        if first in ("create", "drop"):
            self.doubtful.discard(target(nodes))
        return (*self.answered(record, got, counted), batches)

    def refused(self, record, refusal, first, nodes):
        said = f"{refusal.number} {refusal}"
        kind = REFUSAL.get(refusal.number)
        if record.error and refusal.number not in (8624, 40517):
            return f"not applicable: {kind}" if kind in NO_SUCH_LANGUAGE else "passed", said
        self.doubt(first, nodes)
        return f"not applicable: {kind}" if kind else "unexpected: refused", said

    def answered(self, record, got, counted):
        if counted and record.count is not None:
            return ("passed", "") if got == [(record.count,)] else ("unexpected: count", f"{got} instead of {record.count}")
        if record.kind == "statement" or record.expected is None:
            return "passed", ""
        differs = rows.verdict(record, got)
        # Without ORDER BY any order is right.
        if differs is None or differs == "order" and find(parse(record.sql), "order", "by") < 0:
            return "passed", ""
        here = [" ".join(map(rows.text, row)) for row in got]
        return f"unexpected: {differs}", "\n".join(["here:", *here[:12], "there:", *record.expected[:12]])

    def doubt(self, first, nodes):
        if first in ("begin", "commit", "rollback", "start", "abort"):
            self.all_doubtful = True
        elif first in CHANGES + MAKES:
            self.doubtful.add(target(nodes))

    def stands_on_doubt(self, first, nodes):
        doubtful = self.doubtful - {target(nodes)} if first in ("create", "drop") else self.doubtful
        return self.all_doubtful or bool(doubtful and doubtful & set(words(nodes)))


def target(nodes):
    """The object that a statement changes."""
    return next((n.strip('"') for n in nodes if isinstance(n, str) and is_word(n) and n not in BEFORE_NAME), None)


def words(nodes):
    for n in nodes:
        if isinstance(n, list):
            yield from words(n)
        elif is_word(n):
            yield n.strip('"')


class Run:
    """All files, on one server."""

    def __init__(self, server, known, log):
        self.server, self.known, self.log = server, known, log
        self.suite = ""
        self.made = self.panics = 0
        self.figures, self.met = Counter(), set()
        self.unexpected, self.slow, self.unread = [], [], []

    def play(self, suite, root, name, dialect):
        self.suite = suite
        File(self, root, name, dialect).play()
        panics = self.server.panics()
        self.unexpected += [f"{suite}/{name}: {p}" for p in panics[self.panics :]]
        self.panics = len(panics)

    def create(self):
        self.made += 1
        name = f"slt{self.made}"
        self.master(f"create database {name} collate {COLLATION}")
        self.master(f"alter database {name} set read_committed_snapshot on")
        self.master(f"alter database {name} set allow_snapshot_isolation on")
        return name

    def drop(self, name):
        try:
            self.master(f"alter database {name} set single_user with rollback immediate; drop database {name}")
        except (Refused, Gone, Failure) as e:
            self.unexpected.append(f"{self.suite}: {name} is not dropped: {e}")
            self.revive()

    def master(self, batch):
        c = self.server.open("master")
        try:
            c.run(batch)
        finally:
            c.close()

    def revive(self):
        if self.server.child.poll() is not None:
            self.unexpected.append(f"{self.suite}: the server ended with {self.server.child.returncode}")
            self.server.start()

    def count(self, record, kind, detail, batches):
        place = f"{self.suite}/{record.place}"
        if kind.startswith("unexpected"):
            matching = {k for k in self.known if fnmatch.fnmatch(place, k)}
            self.met |= matching
            if matching:
                kind = "known to differ"
            else:
                self.unexpected.append(f"{place}: {kind[12:]}\n{record.sql}\n-- {' ;; '.join(batches)}\n{detail}\n")
        self.figures[kind] += 1
        if self.log:
            print(f"== {place} {kind}\n{record.sql}\n-- {' ;; '.join(batches)}\n{detail}", file=self.log)
