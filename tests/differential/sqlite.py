"""Differential test: generated queries answer the same rows here as in SQLite, where the two languages agree.

    python3 tests/differential/sqlite.py RUNNER [--seed N] [--count N] [--keep FILE]

RUNNER is the `transcript` example of holdfast-exec. Everything follows from the seed. Queries stay within what means the same in
both: integers and lower-case texts, joins, subqueries, aggregates, windows with frames, set operations, three-valued logic.
`cargo xtask differential` builds the runner and calls this.
"""

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter

WORDS = ["ant", "bee", "cat", "dog", "eel", "fox"]


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.names = 0

    def name(self, prefix):
        self.names += 1
        return f"{prefix}{self.names}"

    # -- data ---------------------------------------------------------------------------------------------------------

    def tables(self):
        """(name, rows) of the tables; columns are k (unique), a, b (integers) and s (text), all but k nullable."""
        out = []
        for i, size in enumerate([0, 3, 9, 14, 40]):
            rows = []
            for k in range(size):
                maybe = lambda v: None if self.r.random() < 0.2 else v
                rows.append((k, maybe(self.r.randint(-3, 6)), maybe(self.r.randint(0, 3)), maybe(self.r.choice(WORDS))))
            out.append((f"t{i}", rows))
        return out

    # -- expressions; a scope is a list of (text, kind) with kind "i" or "s" --------------------------------------------

    def column(self, scope, kind):
        found = [c for c, k in scope if k == kind]
        return self.r.choice(found) if found else self.literal(kind)

    def literal(self, kind):
        return str(self.r.randint(-2, 5)) if kind == "i" else f"'{self.r.choice(WORDS)}'"

    def value(self, scope, kind, depth=2, subqueries=True):
        r = self.r.random()
        if depth == 0 or r < 0.5:
            return self.column(scope, kind) if self.r.random() < 0.85 else self.literal(kind)
        deeper = lambda k=kind: self.value(scope, k, depth - 1, subqueries)
        if r < 0.6:
            return f"CASE WHEN {self.condition(scope, depth - 1, subqueries)} THEN {deeper()} ELSE {deeper()} END"
        if r < 0.68:
            return f"COALESCE({self.column(scope, kind)}, {deeper()})"
        if r < 0.74:
            return f"NULLIF({self.column(scope, kind)}, {deeper()})"
        if subqueries and r < 0.82:
            return self.scalar(scope, kind)
        if kind == "s":
            return f"LOWER({deeper()})" if r < 0.9 else f"SUBSTRING({deeper()}, 1, {self.r.randint(1, 3)})"
        if r < 0.9:
            return f"({deeper()} {self.r.choice(['+', '-', '*'])} {deeper()})"
        if r < 0.94:
            return f"({deeper()} % {self.r.randint(2, 4)})"
        if r < 0.97:
            return f"ABS({deeper()})"
        return f"(- {self.column(scope, 'i')})"

    def scalar(self, scope, kind):
        """A correlated or plain scalar subquery; an aggregate makes it one row."""
        table, inner = self.base()
        function = self.r.choice(["MAX", "MIN"]) if kind == "s" else self.r.choice(["MAX", "MIN", "SUM", "COUNT"])
        where = ""
        if self.r.random() < 0.8:
            k = self.r.choice("is")
            where = f" WHERE {self.column(inner, k)} {self.r.choice(['=', '<', '>='])} {self.column(scope, k)}"
        return f"(SELECT {function}({self.column(inner, kind)}) FROM {table}{where})"

    def condition(self, scope, depth=2, subqueries=True):
        r = self.r.random()
        kind = self.r.choice("iis")
        deeper = lambda: self.condition(scope, depth - 1, subqueries)
        if depth > 0 and r < 0.3:
            return f"({deeper()} {self.r.choice(['AND', 'OR'])} {deeper()})"
        if depth > 0 and r < 0.38:
            return f"NOT ({deeper()})"
        a = self.value(scope, kind, max(depth - 1, 0), subqueries)
        if r < 0.5:
            return f"{a} IS {self.r.choice(['', 'NOT '])}NULL"
        if r < 0.58:
            members = [self.literal(kind) for _ in range(self.r.randint(1, 4))]
            if self.r.random() < 0.2:
                members.append("NULL")
            return f"{a} {self.r.choice(['', 'NOT '])}IN ({', '.join(members)})"
        if r < 0.64:
            return f"{a} {self.r.choice(['', 'NOT '])}BETWEEN {self.literal(kind)} AND {self.literal(kind)}"
        if r < 0.68 and kind == "s":
            return f"{a} LIKE '{self.r.choice(['%a%', '_o%', 'b%', '%t', 'fox', '%'])}'"
        if subqueries and r < 0.76:
            table, inner = self.base()
            where = f" WHERE {self.condition(inner + scope, 1, False)}" if self.r.random() < 0.7 else ""
            return f"{a} {self.r.choice(['', 'NOT '])}IN (SELECT {self.column(inner, kind)} FROM {table}{where})"
        if subqueries and r < 0.84:
            table, inner = self.base()
            k = self.r.choice("is")
            link = f"{self.column(inner, k)} = {self.column(scope, k)}"
            more = f" AND {self.condition(inner + scope, 1, False)}" if self.r.random() < 0.5 else ""
            return f"{self.r.choice(['', 'NOT '])}EXISTS (SELECT 1 FROM {table} WHERE {link}{more})"
        b = self.value(scope, kind, max(depth - 1, 0), subqueries)
        return f"{a} {self.r.choice(['=', '<>', '<', '<=', '>', '>='])} {b}"

    # -- sources ------------------------------------------------------------------------------------------------------

    def base(self):
        alias = self.name("q")
        scope = [(f"{alias}.{c}", k) for c, k in (("k", "i"), ("a", "i"), ("b", "i"), ("s", "s"))]
        return f"#t{self.r.randint(0, 4)} {alias}", scope

    def source(self, depth):
        if depth > 0 and self.r.random() < 0.3:
            alias = self.name("d")
            text, kinds = self.query(depth - 1)
            return f"({text}) {alias}", [(f"{alias}.c{i}", k) for i, k in enumerate(kinds)]
        return self.base()

    def sources(self, depth):
        text, scope = self.source(depth)
        conditional = False
        for _ in range(self.r.choice([0, 0, 1, 1, 1, 2])):
            other, more = self.source(depth)
            # SQLite 3.40 loses rows of a RIGHT or FULL join above a join whose ON holds a constant.
            outer = [] if conditional else ["RIGHT", "FULL"]
            kind = self.r.choice(["INNER", "LEFT", "LEFT", "CROSS"] + outer)
            if kind == "CROSS":
                text = f"{text} CROSS JOIN {other}"
            else:
                k = self.r.choice("is")
                on = f"{self.column(scope, k)} = {self.column(more, k)}"
                if self.r.random() < 0.3 and kind in ("INNER", "LEFT"):
                    on += f" AND {self.condition(scope + more, 1, False)}"
                    conditional = True
                text = f"{text} {kind} JOIN {other} ON {on}"
            scope = scope + more
        return text, scope

    # -- queries ------------------------------------------------------------------------------------------------------

    def kinds(self):
        return [self.r.choice("iis") for _ in range(self.r.randint(1, 3))]

    def query(self, depth, kinds=None):
        """The text of a query with columns c0, c1 … and their kinds."""
        kinds = kinds or self.kinds()
        r = self.r.random()
        if depth > 0 and r < 0.15:
            a, _ = self.query(depth - 1, kinds)
            b, _ = self.query(depth - 1, kinds)
            op = self.r.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])
            x, y = self.name("u"), self.name("u")
            columns = lambda q: ", ".join(f"{q}.c{i} AS c{i}" for i in range(len(kinds)))
            return f"SELECT {columns(x)} FROM ({a}) {x} {op} SELECT {columns(y)} FROM ({b}) {y}", kinds
        if r < 0.45:
            return self.grouped(depth, kinds), kinds
        if r < 0.65:
            return self.windowed(depth, kinds), kinds
        text, scope = self.sources(depth)
        items = [f"{self.value(scope, k)} AS c{i}" for i, k in enumerate(kinds)]
        where = f" WHERE {self.condition(scope)}" if self.r.random() < 0.7 else ""
        distinct = "DISTINCT " if self.r.random() < 0.2 else ""
        return f"SELECT {distinct}{', '.join(items)} FROM {text}{where}", kinds

    def aggregate(self, scope, kind):
        if kind == "s":
            return f"{self.r.choice(['MIN', 'MAX'])}({self.value(scope, 's', 1, False)})"
        r = self.r.random()
        if r < 0.2:
            return "COUNT(*)"
        if r < 0.35:
            return f"COUNT({self.r.choice(['', 'DISTINCT '])}{self.column(scope, self.r.choice('is'))})"
        return f"{self.r.choice(['SUM', 'MIN', 'MAX', 'SUM(DISTINCT '])}".replace("(DISTINCT ", "") + (
            f"({self.value(scope, 'i', 1, False)})"
        )

    def grouped(self, depth, kinds):
        text, scope = self.sources(depth)
        groups = list(dict.fromkeys(self.column(scope, self.r.choice("is")) for _ in range(self.r.randint(0, 2))))
        groups = [g for g in groups if "." in g]
        kind_of = dict(scope)
        items = []
        for i, k in enumerate(kinds):
            usable = [g for g in groups if kind_of[g] == k]
            if usable and self.r.random() < 0.5:
                items.append(f"{self.r.choice(usable)} AS c{i}")
            else:
                items.append(f"{self.aggregate(scope, k)} AS c{i}")
        where = f" WHERE {self.condition(scope)}" if self.r.random() < 0.4 else ""
        by = f" GROUP BY {', '.join(groups)}" if groups else ""
        having = ""
        if groups and self.r.random() < 0.3:
            having = f" HAVING {self.aggregate(scope, 'i')} {self.r.choice(['<', '>', '=', '<>'])} {self.r.randint(0, 4)}"
        return f"SELECT {', '.join(items)} FROM {text}{where}{by}{having}"

    def frame(self):
        start = self.r.choice(["UNBOUNDED PRECEDING", "2 PRECEDING", "1 PRECEDING", "CURRENT ROW"])
        end = self.r.choice(["CURRENT ROW", "1 FOLLOWING", "2 FOLLOWING", "UNBOUNDED FOLLOWING"])
        return f" ROWS BETWEEN {start} AND {end}"

    def windowed(self, depth, kinds):
        # One base table, so that its key makes every order complete.
        text, scope = self.base()
        key = scope[0][0]
        items = []
        for i, k in enumerate(kinds):
            part = f"PARTITION BY {self.column(scope, self.r.choice('is'))} " if self.r.random() < 0.5 else ""
            direction = self.r.choice(["", " DESC"])
            order = f"ORDER BY {self.column(scope, self.r.choice('is'))}{direction}, {key}"
            r = self.r.random()
            if k == "i" and r < 0.3:
                items.append(f"{self.r.choice(['ROW_NUMBER()', 'RANK()', 'DENSE_RANK()', 'NTILE(3)'])} OVER ({part}{order}) AS c{i}")
            elif r < 0.5:
                offset = self.r.randint(0, 2)
                call = f"{self.r.choice(['LAG', 'LEAD'])}({self.column(scope, k)}, {offset})"
                items.append(f"{call} OVER ({part}{order}) AS c{i}")
            elif r < 0.65:
                call = f"{self.r.choice(['FIRST_VALUE', 'LAST_VALUE'])}({self.column(scope, k)})"
                items.append(f"{call} OVER ({part}{order}{self.frame()}) AS c{i}")
            else:
                form = self.r.random()
                over = part if form < 0.3 else part + order + (self.frame() if form < 0.8 else "")
                call = self.aggregate(scope, k).replace("DISTINCT ", "")
                items.append(f"{call} OVER ({over.strip()}) AS c{i}")
        where = f" WHERE {self.condition(scope)}" if self.r.random() < 0.4 else ""
        return f"SELECT {', '.join(items)} FROM {text}{where}"


def literal(v):
    return "NULL" if v is None else str(v) if isinstance(v, int) else f"'{v}'"


def parse(transcript):
    """Per batch: rows as texts, or the error."""
    batches = []
    for block in transcript.split("-- batch at line ")[1:]:
        lines = block.split("\n")[1:]
        error = next((f"{l} {lines[i + 1]}" for i, l in enumerate(lines) if l.startswith("Msg ")), None)
        if "PANIC" in lines:
            error = "PANIC"
        end = next((i for i, l in enumerate(lines) if l.startswith("(") and l.rstrip(")").endswith(("row", "rows"))), 0)
        batches.append((error, lines[1:end]))
    return batches


def main():
    p = argparse.ArgumentParser()
    p.add_argument("runner")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=300)
    p.add_argument("--keep", help="also write the script to this file")
    a = p.parse_args()
    g = Generator(a.seed)
    db = sqlite3.connect(":memory:")
    db.execute("PRAGMA case_sensitive_like = 1")
    script = []
    for name, rows in g.tables():
        db.execute(f"CREATE TABLE {name} (k integer, a integer, b integer, s text)")
        db.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?)", rows)
        script.append(f"create table #{name} (k int not null, a int null, b int null, s varchar(10) null)")
        for row in rows:
            script.append(f"insert #{name} values ({', '.join(map(literal, row))})")
    script.append("GO")
    expected, queries = [], []
    while len(queries) < a.count:
        query, _ = g.query(2)
        try:
            rows = db.execute(query.replace("#t", "t")).fetchmany(20001)
        except sqlite3.Error as e:
            print(f"SQLite refuses: {e}: {query}", file=sys.stderr)
            return 2
        if len(rows) > 20000:
            continue
        queries.append(query)
        expected.append(["|".join("NULL" if v is None else str(v) for v in row) for row in rows])
        script += [query, "GO"]
    text = "\n".join(script) + "\n"
    if a.keep:
        with open(a.keep, "w") as f:
            f.write(text)
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "differential.sql")
        with open(path, "w") as f:
            f.write(text)
        out = subprocess.run([a.runner, path], capture_output=True, text=True)
    if out.returncode != 0:
        print(out.stderr[-2000:], file=sys.stderr)
        return 2
    answers = parse(out.stdout)[1:]
    bad = 0
    for query, want, (error, rows) in zip(queries, expected, answers, strict=True):
        if error is None and Counter(rows) == Counter(want):
            continue
        bad += 1
        if bad <= 10:
            print(f"{query}\n  {error or ''}")
            if error is None:
                here, there = Counter(rows), Counter(want)
                print(f"  only here: {list((here - there).elements())[:5]}\n  only there: {list((there - here).elements())[:5]}")
    print(f"seed {a.seed}: {len(queries)} queries, {bad} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
