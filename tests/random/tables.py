"""Tables of many kinds, random statements on them, and what the tables must hold afterwards: the model of kill.py.

A State is all that one client owns. A step changes the state as its statement must change the database, or says which errors the
statement must give. Rows are tuples; lists and dictionaries are replaced, never changed in place, so that a copy of a state is cheap.
"""

import copy
import datetime
import decimal
import hashlib
import itertools
from collections import namedtuple

COUNTERS = 5
NUMBERS = 500
WORDS = ["ant", "bee", "cat", "dog", "eel", "fox"]


def setup(r, database, schemas):
    yield f"create database {database}"
    yield f"alter database {database} set recovery {r.choice(['simple', 'full'])}"
    # Versions of rows are kept or not, which changes what rows look like.
    for option in ("allow_snapshot_isolation", "read_committed_snapshot"):
        if r.random() < 0.4:
            yield f"alter database {database} set {option} on"
    yield f"use {database}"
    for schema in schemas:
        yield f"create schema {schema}"
    yield "create table dbo.numbers (n int not null primary key)"
    yield f"insert dbo.numbers values {', '.join(f'({n})' for n in range(1, NUMBERS + 1))}"
    yield "create table dbo.counter (k int not null primary key, total int not null)"
    yield f"insert dbo.counter values {', '.join(f'({k}, 0)' for k in range(COUNTERS))}"
    yield "create table dbo.ledger (client varchar(9) not null, n int not null, amount int not null, k int not null, pad varchar(900) null)"
    yield "create clustered index cx on dbo.ledger (k, amount)"
    yield "create unique index ix on dbo.ledger (client, n) include (pad)"


# -- values -----------------------------------------------------------------------------------------------------------


def word(r, longest):
    w = r.choice(WORDS)
    return w * r.randint(0, longest // len(w))


def large(r):
    unit = r.choice(WORDS)
    size = r.choice([0, 3, 60, 600, 3000, 7998, 8001, 8040, 20001, 100002]) + 3 * r.randint(0, 9)
    return unit * (size // 3)


TYPES = {
    "int": lambda r: r.randint(-40, 200),
    "bigint": lambda r: r.randint(-(10**12), 10**12),
    "bit": lambda r: r.random() < 0.5,
    "varchar(60)": lambda r: word(r, 60),
    "char(90)": lambda r: word(r, 90).ljust(90),
    "nvarchar(40)": lambda r: r.choice(["ж", "ü", "日本", "x", ""]) * r.randint(0, 20),
    "decimal(12,3)": lambda r: decimal.Decimal(r.randint(-(10**8), 10**8)).scaleb(-3),
    "datetime2(3)": lambda r: datetime.datetime(2000, 1, 1) + datetime.timedelta(milliseconds=r.randint(0, 10**12)),
    "varbinary(300)": lambda r: bytes([r.randint(0, 255)]) * r.randint(0, 300),
    "varchar(5000)": lambda r: word(r, r.choice([30, 5000])),
    "varchar(max)": large,
    "nvarchar(max)": large,
}
KEYS = ("int", "bigint", "varchar(60)", "nvarchar(40)", "decimal(12,3)", "datetime2(3)")


def value(r, c):
    if c.null and r.random() < 0.2:
        return None
    return TYPES[c.type](r)


def literal(v):
    if v is None:
        return "null"
    if isinstance(v, bool):
        return str(int(v))
    if isinstance(v, bytes):
        return "0x" + v.hex()
    if isinstance(v, datetime.datetime):
        return f"'{v.isoformat(timespec='milliseconds')}'"
    if not isinstance(v, str):
        return str(v)
    if len(v) > 100 and v[:3] * (len(v) // 3) == v:
        return f"replicate(cast('{v[:3]}' as varchar(max)), {len(v) // 3})"
    return f"'{v}'" if v.isascii() else f"N'{v}'"


def shown(c, text):
    """Large values are compared by length and hash."""
    return f"datalength({text}), hashbytes('md5', {text})" if c.type.endswith("(max)") else text


def seen(c, v):
    if not c.type.endswith("(max)"):
        return (v,)
    if v is None:
        return (None, None)
    b = v.encode("utf-16-le" if c.type[0] == "n" else "latin-1")
    return (len(b), hashlib.md5(b).digest())


# -- what a table is made of ------------------------------------------------------------------------------------------

# default: the value of a DEFAULT constraint df_table_column. computed: (text, function of a row as dictionary).
Column = namedtuple("Column", "name type null default sparse computed identity", defaults=(True, None, False, None, False))
Index = namedtuple("Index", "keys include filter unique clustered constraint disabled", defaults=((), None, False, False, False, False))
# errors: of which the last batch must give one. finish: takes the rows that the last batch answered.
Step = namedtuple("Step", "batches errors finish", defaults=(frozenset(), None))

CORE = [Column("id", "int", False), Column("g", "int"), Column("a", "int")]
FILTERS = [
    ("g is not null", lambda x: x["g"] is not None),
    ("a > 20", lambda x: x["a"] is not None and x["a"] > 20),
    ("g = 3", lambda x: x["g"] == 3),
    ("id < 900", lambda x: x["id"] < 900),
]


def predicate(r, t):
    """(text, function of a row as dictionary); both sides are never unknown in different ways."""
    some = lambda: r.choice(t.rows)[0] if t.rows and r.random() < 0.9 else r.randint(1, 3000)
    n, m, k = some(), r.randint(2, 9), r.randint(-5, 120)
    return r.choice(
        [
            (f"id = {n}", lambda x: x["id"] == n),
            (f"id = {n}", lambda x: x["id"] == n),
            (f"id between {n} and {n + 40 * m}", lambda x: n <= x["id"] <= n + 40 * m),
            (f"id % {m} = 1", lambda x: x["id"] % m == 1),
            (f"g = {m}", lambda x: x["g"] == m),
            (f"a > {k}", lambda x: x["a"] is not None and x["a"] > k),
            ("g is null", lambda x: x["g"] is None),
            (f"id in ({n}, {k}, {m})", lambda x: x["id"] in (n, k, m)),
            ("1 = 1", lambda x: True),
        ]
    )


class Table:
    def __init__(self, schema, name, kind, columns):
        self.schema, self.name, self.kind, self.columns = schema, name, kind, columns
        self.full = f"{schema}.{name}"
        self.rows = []
        self.indexes = {}
        self.side = False  # changed by other tables' statements only
        self.fixed = False  # its columns and indexes stay as they are
        self.compressed = False
        self.audit = self.history = self.view = self.twin = self.parent = self.child = None
        self.on_delete = self.on_update = None
        self.function = None  # of its partitions, by the name in State.functions

    def copy(self):
        return copy.copy(self)

    # -- rows -------------------------------------------------------------------------------------------------------

    def dict(self, row):
        return {c.name: v for c, v in zip(self.columns, row)}

    def row(self, values):
        """The tuple of a dictionary, with defaults and computed columns."""
        return tuple(c.computed[1](values) if c.computed else values.get(c.name, c.default) for c in self.columns)

    def given(self):
        return [c for c in self.columns if not c.computed and not c.identity]

    def unique(self):
        return any(i.unique and not i.disabled for i in self.indexes.values())

    def change(self, state, edits, added):
        """Replaces rows by position (None deletes) and adds rows, or gives the errors of which one must come instead."""
        pairs = [(self.rows[i], new) for i, new in sorted(edits.items())] + [(None, new) for new in added]
        rows = [x for x in (edits.get(i, row) for i, row in enumerate(self.rows)) if x is not None] + added
        errors = set()
        if any(v is None and not c.null for _, new in pairs if new for c, v in zip(self.columns, new) if not c.identity):
            errors.add(515)
        ids = [row[0] for row in rows]
        if self.unique() and len(set(ids)) < len(ids):
            errors |= {2601, 2627}
        if self.parent:
            known = {row[0] for row in state.tables[self.parent].rows}
            if any(new[3] is not None and new[3] not in known for _, new in pairs if new):
                errors.add(547)
        moved = {old[0]: new and new[0] for old, new in pairs if old and (not new or new[0] != old[0])}
        if self.child and moved:
            child = state.tables[self.child].copy()
            orphans = set(moved) - set(ids)
            deleted = {k for k, new in moved.items() if new is None}
            after = []
            for row in child.rows:
                if row[3] not in moved:
                    after.append(row)
                    continue
                action = self.on_delete if row[3] in deleted else self.on_update
                if action == "no action":
                    after.append(row)
                    if row[3] in orphans:
                        errors.add(547)
                elif action == "set null":
                    after.append(row[:3] + (None,) + row[4:])
                elif moved[row[3]] is not None:
                    after.append(row[:3] + (moved[row[3]],) + row[4:])
            if not errors:
                child.rows = after
                state.tables[self.child] = child
        if errors:
            return errors
        self.rows = rows
        for side, images in ((self.audit, self.audited(pairs)), (self.history, [old for old, _ in pairs if old])):
            if side:
                t = state.tables[side].copy()
                t.rows = t.rows + images
                state.tables[side] = t
        return errors

    def audited(self, pairs):
        out = [("D", old[0], old[2]) for old, _ in pairs if old]
        return out + [("I", new[0], new[2]) for _, new in pairs if new]

    # -- what the server must show ------------------------------------------------------------------------------------

    def rows_of_index(self, name):
        index = self.indexes.get(name)
        if not index or not index.filter:
            return self.rows
        return [row for row in self.rows if index.filter[1](self.dict(row))]

    def partition(self, state, row):
        if not self.function:
            return 0
        f = state.functions[self.function]
        v = row[[c.name for c in self.columns].index(f.column)]
        return 0 if v is None else sum(b <= v if f.right else b < v for b in f.boundaries)

    def split(self, state, rows):
        """How many of the rows lie in each partition."""
        counts = [0] * (len(state.functions[self.function].boundaries) + 1 if self.function else 1)
        for row in rows:
            counts[self.partition(state, row)] += 1
        return counts

    def queries(self, state):
        """(query, rows it must give): the table, then each index with lookups, alone, and by seeks."""
        every = ", ".join(shown(c, c.name) for c in self.columns)
        flat = lambda columns, rows: [sum((seen(c, row[i]) for i, c in columns), ()) for row in rows]
        numbered = list(enumerate(self.columns))
        yield f"select {every} from {self.full} with (index(0))", flat(numbered, self.rows)
        for name, index in self.indexes.items():
            if index.disabled:
                continue
            where = f" where {index.filter[0]}" if index.filter else ""
            rows = self.rows_of_index(name)
            source = f"from {self.full} with (index({name}))"
            yield f"select {every} {source}{where}", flat(numbered, rows)
            if not index.clustered:
                inside = [(i, c) for i, c in numbered if c.name in index.keys + index.include]
                yield f"select {', '.join(shown(c, c.name) for _, c in inside)} {source}{where}", flat(inside, rows)
            position, key = next((i, c) for i, c in numbered if c.name == index.keys[0])
            for v in list(dict.fromkeys(row[position] for row in rows))[:40:13]:
                equal = f"{key.name} = {literal(v)}" if v is not None else f"{key.name} is null"
                more = f" and {index.filter[0]}" if index.filter else ""
                # Words are compared as the collation does.
                same = lambda x: x.rstrip().lower() if isinstance(x, str) else x
                yield f"select id {source} where {equal}{more}", [(row[0],) for row in rows if same(row[position]) == same(v)]
        if self.view:
            groups = {}
            for row in self.rows:
                n, s = groups.get(row[1], (0, 0))
                groups[row[1]] = (n + 1, s + (row[2] or 0))
            yield f"select g, n, s from {self.view} with (noexpand)", [(g, n, s) for g, (n, s) in groups.items()]

    # -- statements that change rows ----------------------------------------------------------------------------------

    def new_id(self, r):
        used = {row[0] for row in self.rows}
        if used and r.random() < 0.05:
            return r.choice(sorted(used))
        return r.choice([n for n in (r.randint(1, 3000) for _ in range(50)) if n not in used] or [max(used) + 1])

    def insert_values(self, state, r):
        columns = [c for c in self.given() if c in self.columns[:3] or (not c.null and c.default is None) or r.random() < 0.8]
        rows, texts = [], []
        many = 1 if self.columns[0].identity else r.choice([1, 1, 2, 5])
        for _ in range(many):
            values = {c.name: value(r, c) for c in columns}
            if not self.columns[0].identity:
                values["id"] = self.new_id(r)
            if self.parent:
                ids = [row[0] for row in state.tables[self.parent].rows]
                values["p"] = r.choice(ids) if ids and r.random() < 0.85 else None if r.random() < 0.5 else r.randint(1, 3000)
                if columns[-1].name != "p" and all(c.name != "p" for c in columns):
                    del values["p"]
            if r.random() < 0.02 and not columns[-1].null:
                values[columns[-1].name] = None
            rows.append(values)
            texts.append("(" + ", ".join(literal(values[c.name]) for c in columns) + ")")
        names = ", ".join(c.name for c in columns)
        if not self.columns[0].identity:
            # A row that names a column has what it says there, even NULL.
            errors = self.change(state, {}, [self.row(v) for v in rows])
            return Step([f"insert {self.full} ({names}) values {', '.join(texts)}"], errors)
        errors = self.change(state, {}, [self.row({**rows[0], "id": 0})])

        def finish(answer):
            # The number that the server gave.
            self.rows = self.rows[:-1] + [self.row({**rows[0], "id": answer[0][0]})]

        return Step([f"insert {self.full} ({names}) output inserted.id values {texts[0]}"], errors, finish)

    def insert_many(self, state, r):
        if self.columns[0].identity or len(self.rows) > 700:
            return None
        first, by, many = r.randint(1, 3000), r.choice([1, 1, 2, 7]), r.choice([5, 40, 200, NUMBERS])
        if self.unique() and r.random() < 0.9:
            first = max([row[0] for row in self.rows], default=0) + r.randint(1, 50)
        rest = [c for c in self.given()[3:] if c.name != "p" and (not c.null or r.random() < 0.5)]
        fixed = {c.name: value(r, c) for c in rest}
        if any(isinstance(v, str) and len(v) > 9000 for v in fixed.values()):
            many = min(many, 5)
        added = [
            self.row({**fixed, "id": first + by * n, "g": n % 7, "a": None if n % 50 == 3 else n % 50}) for n in range(1, many + 1)
        ]
        names = "".join(f", {c.name}" for c in rest)
        values = "".join(f", {literal(fixed[c.name])}" for c in rest)
        text = (
            f"insert {self.full}{r.choice(['', '', ' with (tablock)'])} (id, g, a{names}) select {first} + {by} * n, n % 7, nullif(n % 50, 3){values}"
            f" from dbo.numbers where n <= {many}"
        )
        return Step([text], self.change(state, {}, added))

    def insert_select(self, state, r):
        """From itself."""
        if self.columns[0].identity or len(self.rows) > 500:
            return None
        text, keep = predicate(r, self)
        by = r.choice([1, 3000, 5000])
        found = [self.dict(row) for row in self.rows if keep(self.dict(row))]
        added = [self.row({**x, "id": x["id"] + by}) for x in found]
        names = ", ".join(c.name for c in self.given())
        values = names.replace("id", f"id + {by}", 1)
        text = f"insert {self.full} ({names}) select {values} from {self.full} where {text}"
        return Step([text], self.change(state, {}, added))

    def update(self, state, r):
        text, keep = predicate(r, self)
        sets = {}
        for _ in range(r.choice([1, 1, 2, 3])):
            c = r.choice(self.given())
            k = r.randint(1, 9)
            if c.name == "p" and self.parent:
                ids = [row[0] for row in state.tables[self.parent].rows] or [None]
                v = r.choice(ids)
                sets[c.name] = (literal(v), lambda x, v=v: v)
            elif c.name == "id":
                by = r.choice([k, 5000])
                sets[c.name] = (f"id + {by}", lambda x, by=by: x["id"] + by)
            elif c.name == "a" and r.random() < 0.5:
                sets[c.name] = (f"a + {k}", lambda x, k=k: None if x["a"] is None else x["a"] + k)
            elif c.name in ("g", "a") and r.random() < 0.3:
                other = "ag"[c.name == "a"]
                sets[c.name] = (other, lambda x, other=other: x[other])
            elif c.type == "varchar(60)" and r.random() < 0.5:
                add = lambda x, n=c.name: None if x[n] is None else (x[n] + "xyz")[:60]
                sets[c.name] = (f"left({c.name} + 'xyz', 60)", add)
            elif c.type.endswith("(max)") and r.random() < 0.4:
                tail = "tail" * r.choice([1, 300, 3000])
                piece = f"replicate(cast('tail' as varchar(max)), {len(tail) // 4})"
                grow = lambda x, n=c.name, tail=tail: None if x[n] is None else (x[n] + tail)[:150000]
                sets[c.name] = (f"left({c.name} + {piece}, 150000)", grow)
            else:
                v = value(r, c)
                sets[c.name] = (literal(v), lambda x, v=v: v)
        edits = {}
        for i, row in enumerate(self.rows):
            x = self.dict(row)
            if keep(x):
                edits[i] = self.row({**x, **{n: f(x) for n, (_, f) in sets.items()}})
        errors = self.change(state, edits, [])
        return Step([f"update {self.full} set {', '.join(f'{n} = {e}' for n, (e, _) in sets.items())} where {text}"], errors)

    def write(self, state, r):
        """A piece of a large value."""
        found = [c for c in self.given() if c.type == "varchar(max)"]
        if not found:
            return None
        c = r.choice(found)
        text, keep = predicate(r, self)
        offset, length, piece = r.choice([0, 10, 5000, 8040]), r.choice([0, 5, 9000]), "tip" * r.choice([0, 1, 4000])
        edits = {}
        for i, row in enumerate(self.rows):
            x = self.dict(row)
            v = x[c.name]
            if keep(x) and v is not None and offset <= len(v) <= 150000:
                edits[i] = self.row({**x, c.name: v[:offset] + piece + v[offset + length :]})
        where = f"{text} and datalength({c.name}) between {offset} and 150000"
        sql = f"update {self.full} set {c.name}.write(replicate(cast('tip' as varchar(max)), {len(piece) // 3}), {offset}, {length}) where {where}"
        return Step([sql], self.change(state, edits, []))

    def delete(self, state, r):
        text, keep = predicate(r, self)
        if text == "1 = 1" and r.random() < 0.6:
            return None
        edits = {i: None for i, row in enumerate(self.rows) if keep(self.dict(row))}
        errors = self.change(state, edits, [])
        return Step([f"delete {self.full} where {text}"], errors)

    def merge(self, state, r):
        if self.columns[0].identity or any(not c.null and c.default is None for c in self.given()[1:]):
            return None
        source = {}
        for _ in range(r.choice([1, 3, 10])):
            n = r.choice(self.rows)[0] if self.rows and r.random() < 0.6 else self.new_id(r)
            source[n] = (r.choice([None, 1, 3, 5]), r.randint(-40, 120))
        limit, drop = r.choice([-100, 0, 50]), r.random() < 0.3
        sweep = r.random() < 0.2 and len(self.rows) > 3
        edits, known = {}, set()
        for i, row in enumerate(self.rows):
            x = self.dict(row)
            if x["id"] in source:
                known.add(x["id"])
                g, a = source[x["id"]]
                if a > limit:
                    edits[i] = self.row({**x, "g": g, "a": a})
                elif drop:
                    edits[i] = None
            elif sweep and x["id"] % 4 == 1:
                edits[i] = None
        added = [self.row({"id": n, "g": g, "a": a}) for n, (g, a) in source.items() if n not in known]
        rows = ", ".join(f"({n}, {literal(g)}, {a})" for n, (g, a) in source.items())
        text = (
            f"merge {self.full} as t using (values {rows}) as s (id, g, a) on t.id = s.id"
            f" when matched and s.a > {limit} then update set g = s.g, a = s.a"
            + (" when matched then delete" if drop else "")
            + " when not matched then insert (id, g, a) values (s.id, s.g, s.a)"
            + (" when not matched by source and t.id % 4 = 1 then delete" if sweep else "")
            + ";"
        )
        return Step([text], self.change(state, edits, added))

    # -- statements that change the table -----------------------------------------------------------------------------

    def truncate(self, state, r):
        if self.history or self.view:
            return None
        if self.child:
            return Step([f"truncate table {self.full}"], {4712})
        if self.function and r.random() < 0.6:
            n = r.randint(0, len(state.functions[self.function].boundaries))
            self.rows = [row for row in self.rows if self.partition(state, row) != n]
            return Step([f"truncate table {self.full} with (partitions ({n + 1}))"])
        self.rows = []
        return Step([f"truncate table {self.full}"])

    def create_index(self, state, r):
        if self.fixed or len(self.indexes) > 4:
            return None
        usable = [c.name for c in self.columns if c.type in KEYS]
        clustered = not any(i.clustered for i in self.indexes.values()) and r.random() < 0.3
        if clustered:
            usable = [c.name for c in self.columns if c.type in KEYS and not c.sparse and not c.computed]
        keys = tuple(r.sample(usable, r.randint(1, min(3, len(usable)))))
        if clustered and any(i.disabled for i in self.indexes.values()):
            return None
        unique = r.random() < 0.2
        if unique:
            keys = ("id",)
        include = () if clustered else tuple(c.name for c in self.columns if c.name not in keys and r.random() < 0.25)
        where = r.choice(FILTERS) if not clustered and not unique and r.random() < 0.3 else None
        options = []
        if not any(c.sparse for c in self.columns) and r.random() < 0.3:
            options.append(f"data_compression = {r.choice(['row', 'page'])}")
            self.compressed |= clustered
        if r.random() < 0.2:
            options.append(f"fillfactor = {r.choice([50, 80])}")
        name = f"ix{next(state.fresh)}"
        text = (
            f"create {'unique ' if unique else ''}{'clustered ' if clustered else ''}index {name} on {self.full}"
            f" ({', '.join(k + r.choice(['', ' desc']) for k in keys)})"
            + (f" include ({', '.join(include)})" if include else "")
            + (f" where {where[0]}" if where else "")
            + (f" with ({', '.join(options)})" if options else "")
        )
        ids = [row[0] for row in self.rows]
        if unique and len(set(ids)) < len(ids):
            return Step([text], {1505})
        self.indexes = {**self.indexes, name: Index(keys, include, where, unique, clustered)}
        return Step([text])

    def create_again(self, state, r):
        """DROP_EXISTING with other columns."""
        found = [n for n, i in self.indexes.items() if not i.constraint and not i.unique and not i.disabled]
        if self.fixed or not found or any(i.disabled for i in self.indexes.values()):
            return None
        name = r.choice(found)
        old = self.indexes[name]
        usable = [c.name for c in self.columns if c.type in KEYS and not (old.clustered and (c.sparse or c.computed))]
        keys = tuple(r.sample(usable, r.randint(1, min(3, len(usable)))))
        self.indexes = {**self.indexes, name: Index(keys, clustered=old.clustered)}
        kind = "clustered " if old.clustered else ""
        return Step([f"create {kind}index {name} on {self.full} ({', '.join(keys)}) with (drop_existing = on)"])

    def constraint(self, state, r):
        """UNIQUE or PRIMARY KEY constraints come and go."""
        found = [n for n, i in self.indexes.items() if i.constraint]
        if self.fixed or self.child or any(i.disabled for i in self.indexes.values()):
            return None
        if found and r.random() < 0.6:
            name = r.choice(found)
            self.indexes = {n: i for n, i in self.indexes.items() if n != name}
            return Step([f"alter table {self.full} drop constraint {name}"])
        if len(self.indexes) > 4:
            return None
        clustered = not any(i.clustered for i in self.indexes.values()) and r.random() < 0.5
        kind = "unique" if found or r.random() < 0.5 else "primary key"
        name = f"uq{next(state.fresh)}_{self.name}"
        text = f"alter table {self.full} add constraint {name} {kind} {'clustered' if clustered else 'nonclustered'} (id)"
        ids = [row[0] for row in self.rows]
        if len(set(ids)) < len(ids):
            return Step([text], {1505, 1750})
        self.indexes = {**self.indexes, name: Index(("id",), (), None, True, clustered, True)}
        return Step([text])

    def rename_column(self, state, r):
        used = set(itertools.chain.from_iterable(i.keys + i.include for i in self.indexes.values()))
        found = [i for i, c in enumerate(self.columns) if i > 2 and c.name not in used and c.name != "p" and c.default is None]
        if self.fixed or not found:
            return None
        at = r.choice(found)
        old, new = self.columns[at], self.columns[at]._replace(name=f"x{next(state.fresh)}")
        self.columns = self.columns[:at] + [new] + self.columns[at + 1 :]
        return Step([f"exec sp_rename '{self.full}.{old.name}', '{new.name}', 'column'"])

    def temporal_column(self, state, r):
        """A column of a temporal table comes; its history gets it, too."""
        if not self.history or len(self.columns) > 9:
            return None
        kind = r.choice(sorted(TYPES))
        c = Column(f"x{next(state.fresh)}", kind)
        side = state.tables[self.history] = state.tables[self.history].copy()
        for t in (self, side):
            t.columns = t.columns + [c]
            t.rows = [row + (None,) for row in t.rows]
        return Step([f"alter table {self.full} add {c.name} {kind} null"])

    def drop_index(self, state, r):
        found = [n for n, i in self.indexes.items() if not i.constraint]
        if self.fixed or not found:
            return None
        name = r.choice(found)
        if self.indexes[name].clustered and any(i.disabled for i in self.indexes.values()):
            return None
        self.indexes = {n: i for n, i in self.indexes.items() if n != name}
        return Step([f"drop index {name} on {self.full}"])

    def rebuild(self, state, r):
        compression = r.choice(["", "", "row", "page", "none"])
        if self.fixed or any(c.sparse for c in self.columns):
            compression = ""
        option = f" with (data_compression = {compression})" if compression else ""
        what = r.random()
        if not self.indexes or what < 0.35:
            if compression:
                self.compressed = compression != "none"
            return Step([f"alter table {self.full} rebuild{option}"])
        ids = [row[0] for row in self.rows]
        torn = len(set(ids)) < len(ids)
        if what < 0.55:
            if torn and any(i.unique for i in self.indexes.values()):
                return Step([f"alter index all on {self.full} rebuild{option}"], {1505})
            self.compressed |= compression in ("row", "page")
            self.indexes = {n: i._replace(disabled=False) for n, i in self.indexes.items()}
            return Step([f"alter index all on {self.full} rebuild{option}"])
        name = r.choice(sorted(self.indexes))
        index = self.indexes[name]
        if what < 0.65:
            return None if index.disabled else Step([f"alter index {name} on {self.full} reorganize"])
        if what < 0.75 and not index.clustered and not index.constraint and not self.fixed:
            self.indexes = {**self.indexes, name: index._replace(disabled=True)}
            return Step([f"alter index {name} on {self.full} disable"])
        if torn and index.unique:
            return Step([f"alter index {name} on {self.full} rebuild{option}"], {1505})
        self.compressed |= compression in ("row", "page") and index.clustered
        self.indexes = {**self.indexes, name: index._replace(disabled=False)}
        return Step([f"alter index {name} on {self.full} rebuild{option}"])

    def add_column(self, state, r):
        if self.fixed or len(self.columns) > 11:
            return None
        name, kind, r0 = f"x{next(state.fresh)}", r.choice(sorted(TYPES)), r.random()
        if r0 < 0.2 and not kind.endswith("(max)"):
            c = Column(name, kind, False, TYPES[kind](r))
            tail, fill = f"not null constraint df_{self.name}_{name} default {literal(c.default)}", c.default
        elif r0 < 0.35:
            c = Column(name, kind, True, TYPES[kind](r))
            tail, fill = f"null constraint df_{self.name}_{name} default {literal(c.default)} with values", c.default
        elif r0 < 0.45:
            c = Column(name, "int", computed=("isnull(a, 0) * 2 - id", lambda x: (x["a"] or 0) * 2 - x["id"]))
            self.columns = self.columns + [c]
            self.rows = [self.row(self.dict(row)) for row in self.rows]
            return Step([f"alter table {self.full} add {name} as ({c.computed[0]}){r.choice(['', ' persisted'])}"])
        elif r0 < 0.6 and not self.compressed:
            c = Column(name, kind, True, None, True)
            tail, fill = "sparse null", None
        else:
            c, tail, fill = Column(name, kind), "null", None
        self.columns = self.columns + [c]
        self.rows = [row + (fill,) for row in self.rows]
        return Step([f"alter table {self.full} add {name} {kind} {tail}"])

    def drop_column(self, state, r):
        used = set(itertools.chain.from_iterable(i.keys + i.include for i in self.indexes.values()))
        found = [i for i, c in enumerate(self.columns) if i > 2 and c.name not in used and c.name != "p"]
        if self.fixed or not found:
            return None
        at = r.choice(found)
        c = self.columns[at]
        constraint = f"constraint df_{self.name}_{c.name}, " if c.default is not None else ""
        self.columns = self.columns[:at] + self.columns[at + 1 :]
        self.rows = [row[:at] + row[at + 1 :] for row in self.rows]
        return Step([f"alter table {self.full} drop {constraint}column {c.name}"])

    def alter_column(self, state, r):
        used = set(itertools.chain.from_iterable(i.keys + i.include for i in self.indexes.values()))
        found = [i for i, c in enumerate(self.columns) if i > 2 and c.name not in used and not c.computed and not c.sparse and c.name != "p"]
        if self.fixed or not found:
            return None
        at = r.choice(found)
        c = self.columns[at]
        if c.type == "int" and c.default is None and r.random() < 0.7:
            new = c._replace(type="bigint")
        else:
            new = c._replace(null=not c.null)
        text = f"alter table {self.full} alter column {c.name} {new.type} {'null' if new.null else 'not null'}"
        if not new.null and any(row[at] is None for row in self.rows):
            return Step([text], {515})
        self.columns = self.columns[:at] + [new] + self.columns[at + 1 :]
        return Step([text])

    def drop(self, state, r):
        if self.parent:
            return None
        gone = [self.child, self.name, self.twin, self.audit, self.history]
        batches = [f"alter table {self.full} set (system_versioning = off)"] if self.history else []
        batches += [f"drop view {self.view}"] if self.view else []
        batches += [f"drop table {self.schema}.{name}" for name in gone if name]
        if self.function:
            batches += [f"drop partition scheme {self.function}_s", f"drop partition function {self.function}"]
            state.functions = {n: f for n, f in state.functions.items() if n != self.function}
        state.tables = {n: t for n, t in state.tables.items() if n not in gone}
        return Step(batches)

    def partitions(self, state, r):
        """SPLIT, MERGE and SWITCH."""
        if not self.function:
            return None
        f = state.functions[self.function]
        what = r.random()
        if what < 0.3 and len(f.boundaries) < 6:
            at = r.choice([n for n in (r.randint(*f.span) for _ in range(20)) if n not in f.boundaries])
            state.functions = {**state.functions, self.function: f._replace(boundaries=tuple(sorted(f.boundaries + (at,))))}
            scheme = f"alter partition scheme {self.function}_s next used [primary]"
            return Step([scheme, f"alter partition function {self.function}() split range ({at})"])
        if what < 0.5 and len(f.boundaries) > 1:
            at = r.choice(f.boundaries)
            left = tuple(b for b in f.boundaries if b != at)
            state.functions = {**state.functions, self.function: f._replace(boundaries=left)}
            return Step([f"alter partition function {self.function}() merge range ({at})"])
        n = r.randint(0, len(f.boundaries))
        other = state.tables[self.twin].copy()
        text = f"alter table {self.full} switch partition {n + 1} to {other.full} partition {n + 1}"
        if any(self.partition(state, row) == n for row in other.rows):
            return Step([text], {4904})
        state.tables[self.twin] = other
        other.rows = other.rows + [row for row in self.rows if self.partition(state, row) == n]
        self.rows = [row for row in self.rows if self.partition(state, row) != n]
        return Step([text])


# span: where boundaries lie.
Function = namedtuple("Function", "column right boundaries span")

CHANGES = [
    (Table.insert_values, 20),
    (Table.insert_many, 8),
    (Table.insert_select, 5),
    (Table.update, 25),
    (Table.write, 6),
    (Table.delete, 12),
    (Table.merge, 8),
]
DEFINITIONS = [
    (Table.truncate, 3),
    (Table.create_index, 8),
    (Table.drop_index, 4),
    (Table.create_again, 3),
    (Table.constraint, 3),
    (Table.rename_column, 2),
    (Table.temporal_column, 6),
    (Table.rebuild, 7),
    (Table.add_column, 5),
    (Table.drop_column, 4),
    (Table.alter_column, 3),
    (Table.drop, 1),
    (Table.partitions, 12),
]
KINDS = ["plain", "plain", "large", "overflow", "partitioned", "viewed", "temporal", "family", "audited", "identity", "sparse", "into"]


class State:
    def __init__(self, schema):
        self.schema = schema
        self.tables = {}
        self.functions = {}
        self.ledger = []
        self.fresh = itertools.count(1)

    def copy(self):
        other = copy.copy(self)
        other.tables = dict(self.tables)
        return other

    def names(self):
        return set(self.tables)

    def step(self, r, ddl=True, kinds=KINDS, name=None):
        """A random statement; of the table with the name only, if there is one."""
        while True:
            work = [name] if name else [n for n, t in self.tables.items() if not t.side]
            what = r.random()
            if ddl and (len(work) < 3 or what < 0.04 and len(work) < 9):
                step = self.create(r, r.choice(kinds))
            elif what < 0.12 or not work:
                step = self.book(r)
            else:
                ops = CHANGES + DEFINITIONS if ddl else CHANGES
                op = r.choices([o for o, _ in ops], [w for _, w in ops])[0]
                chosen = r.choice(work)
                # An op that declines has changed nothing.
                t = self.tables[chosen] = self.tables[chosen].copy()
                step = op(t, self, r)
            if step:
                return step

    def book(self, r):
        n, amount, k = next(self.fresh), r.randint(-50, 50), r.randrange(COUNTERS)
        self.ledger = self.ledger + [(n, amount, k)]
        return Step(
            [
                f"insert dbo.ledger values ('{self.schema}', {n}, {amount}, {k}, replicate('p', {r.randint(0, 900)}))",
                f"update dbo.counter set total = total + {amount} where k = {k}",
            ]
        )

    def create(self, r, kind):
        name = f"t{next(self.fresh)}"
        if kind == "into":
            return self.create_into(r, name)
        columns = list(CORE)
        if kind == "identity":
            columns[0] = Column("id", "int", False, identity=True)
        extra = [r.choice(sorted(TYPES)) for _ in range(r.randint(0, 3))]
        extra += {"large": ["varchar(max)", "nvarchar(max)"], "overflow": ["varchar(5000)"] * 3}.get(kind, [])
        columns += [Column(f"x{next(self.fresh)}", e, kind == "temporal" or r.random() < 0.9 or e.endswith("(max)")) for e in extra]
        if kind == "sparse":
            columns += [Column(f"x{next(self.fresh)}", e, True, None, True) for e in ("int", "int", "varchar(60)", "datetime2(3)")]
        if r.random() < 0.25 and kind != "temporal":
            computed = ("isnull(a, 0) + isnull(g, 0)", lambda x: (x["a"] or 0) + (x["g"] or 0))
            columns.append(Column(f"x{next(self.fresh)}", "int", computed=computed))
        t = Table(self.schema, name, kind, columns)
        self.tables[name] = t
        key = r.choice(["", "clustered", "nonclustered"])
        if kind in ("temporal", "family"):
            key = "clustered"
        if kind == "partitioned":
            return self.create_partitioned(r, t)
        batches = [self.text(r, t, key)]
        if kind == "viewed":
            t.view = f"{self.schema}.v_{name}"
            select = f"select g, count_big(*) n, sum(isnull(a, 0)) s from {t.full} group by g"
            batches += [f"create view {t.view} with schemabinding as {select}", f"create unique clustered index cx on {t.view} (g)"]
        if kind == "audited":
            t.audit = f"{name}_a"
            side = self.tables[t.audit] = Table(self.schema, t.audit, "audit", [Column("k", "char(1)"), Column("id", "int"), Column("a", "int")])
            side.side = True
            batches += [
                f"create table {side.full} (k char(1) null, id int null, a int null)",
                f"create trigger {self.schema}.tr_{name} on {t.full} after insert, update, delete as set nocount on"
                f" insert {side.full} select 'D', id, a from deleted insert {side.full} select 'I', id, a from inserted",
            ]
        if kind == "temporal":
            t.history, t.fixed = f"{name}_h", True
            side = self.tables[t.history] = Table(self.schema, t.history, "history", columns)
            side.side = True
        if kind == "family":
            return self.create_child(r, t, batches)
        return Step(batches)

    def text(self, r, t, key, on=""):
        """CREATE TABLE."""
        parts = []
        for c in t.columns:
            if c.computed:
                parts.append(f"{c.name} as ({c.computed[0]}){r.choice(['', ' persisted'])}")
            else:
                form = "identity" if c.identity else "sparse null" if c.sparse else "null" if c.null else "not null"
                parts.append(f"{c.name} {c.type} {form}")
        if key:
            name = f"pk_{t.name}"
            parts.append(f"constraint {name} primary key {key} (id)")
            t.indexes = {name: Index(("id",), (), None, True, key == "clustered", True)}
        options = []
        if t.kind == "temporal":
            parts.append("vf datetime2 generated always as row start hidden not null, vt datetime2 generated always as row end hidden not null")
            parts.append("period for system_time (vf, vt)")
            options.append(f"system_versioning = on (history_table = {self.schema}.{t.history or t.name + '_h'})")
        if t.kind != "sparse" and not t.function and r.random() < 0.3:
            options.append(f"data_compression = {r.choice(['row', 'page'])}")
            t.compressed = True
        return f"create table {t.full} ({', '.join(parts)}){on}" + (f" with ({', '.join(options)})" if options else "")

    def create_partitioned(self, r, t):
        t.function, t.twin, t.fixed = f"pf_{self.schema}_{t.name}", f"{t.name}_o", True
        column = r.choice(["id", "g"])
        span = (1, 3000) if column == "id" else (0, 60)
        f = Function(column, r.random() < 0.5, tuple(sorted(r.sample(range(*span), 3))), span)
        self.functions = {**self.functions, t.function: f}
        other = self.tables[t.twin] = Table(self.schema, t.twin, "partitioned", t.columns)
        other.function, other.twin, other.fixed = t.function, t.name, True
        batches = [
            f"create partition function {t.function} (int) as range {'right' if f.right else 'left'} for values ({', '.join(map(str, f.boundaries))})",
            f"create partition scheme {t.function}_s as partition {t.function} all to ([primary])",
        ]
        key = "clustered" if column == "id" and r.random() < 0.5 else ""
        cluster = "" if key or r.random() < 0.5 else f"ix{next(self.fresh)}"
        second = f"ix{next(self.fresh)}" if r.random() < 0.6 else ""
        choice = r.getrandbits(32)
        for table in (t, other):
            # The same choices for both.
            again = type(r)(choice)
            batches.append(self.text(again, table, key, f" on {t.function}_s ({column})"))
            if cluster:
                table.indexes = {**table.indexes, cluster: Index(("a", column), clustered=True)}
                batches.append(f"create clustered index {cluster} on {table.full} (a, {column})")
            if second:
                table.indexes = {**table.indexes, second: Index(("g", "a"), ("id",))}
                batches.append(f"create index {second} on {table.full} (g, a) include (id)")
        return Step(batches)

    def create_child(self, r, t, batches):
        t.child = f"{t.name}_c"
        t.on_delete, t.on_update = (r.choice(["cascade", "set null", "no action"]) for _ in range(2))
        columns = CORE + [Column("p", "int"), Column(f"x{next(self.fresh)}", r.choice(sorted(TYPES)))]
        child = self.tables[t.child] = Table(self.schema, t.child, "child", columns)
        child.parent = t.name
        batches.append(self.text(r, child, r.choice(["", "clustered", "nonclustered"])))
        batches.append(
            f"alter table {child.full} add constraint fk_{child.name} foreign key (p) references {t.full} (id)"
            f" on delete {t.on_delete} on update {t.on_update}"
        )
        return Step(batches)

    def create_into(self, r, name):
        """SELECT INTO from another table of the client."""
        sources = [t for t in self.tables.values() if not t.columns[0].identity and not t.side]
        if not sources:
            return None
        source = r.choice(sources)
        text, keep = predicate(r, source)
        columns = [c for c in source.columns if not c.computed]
        if any(not c.null and c.default is not None for c in columns):
            return None
        t = self.tables[name] = Table(self.schema, name, "plain", [c._replace(sparse=False, default=None) for c in columns])
        t.rows = [t.row(source.dict(row)) for row in source.rows if keep(source.dict(row))]
        return Step([f"select {', '.join(c.name for c in columns)} into {t.full} from {source.full} where {text}"])
