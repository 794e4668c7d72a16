"""Random statements on a real server against a model in Python, where the answer is easy to know.

    python3 tests/random/model.py RUNNER [--seed N] [--seconds N] [--only NAME] [--keep FILE]

RUNNER is the `holdfast` binary; python-tds must be installed. A scenario makes its own objects, runs some dozens of statements and
compares each answer: cursors of all kinds while rows change; two clients in step at each isolation level, where what must wait
times out; #temp tables and table variables; OUTPUT, MERGE, TOP, OFFSET, joins in UPDATE, windows; identity and sequences over
rollbacks; table-valued parameters; values (decimals, dates, collations). Everything follows from the seed: scenario i of seed s is
always the same. A difference prints the statements of its scenario and ends with exit code 1; --keep writes them to a file, too.
"""

import argparse
import bisect
import datetime
import decimal
import os
import random
import sys
import tempfile
import time
import unicodedata
from collections import Counter

from server import Failure, Gone, Refused, Server

D = decimal.Decimal


class Scenario:
    """Statements of up to two clients and what they must answer."""

    database = "Work"

    def __init__(self, r, server, number):
        self.r, self.server, self.number = r, server, number
        self.clients = {}
        self.lines = []

    def run(self, batch, who="A"):
        """Rows, or the number of the error."""
        if who not in self.clients:
            self.clients[who] = self.server.open(self.database)
        self.lines.append(f"-- {who}\n{batch}\nGO")
        try:
            rows = self.clients[who].run(batch)
        except Refused as e:
            self.lines.append(f"-- {e.number}: {e}")
            return e.number
        self.lines.append(f"-- {str(rows)[:300]}")
        return rows

    def fine(self, batch, who="A"):
        answer = self.run(batch, who)
        if isinstance(answer, int):
            raise Failure(f"error {answer}; expected none")
        return answer

    def expect(self, batch, want, who="A", ordered=False):
        """want: rows, or the number of an error."""
        got = self.run(batch, who)
        if isinstance(got, int) or isinstance(want, int):
            same = got == want
        else:
            same = got == want if ordered else Counter(got) == Counter(want)
        if not same:
            raise Failure(f"got      {got}\nexpected {want}")

    def close(self):
        for c in self.clients.values():
            c.close()


class Cursors(Scenario):
    """A T-SQL cursor of one kind, every direction, while its rows change."""

    def go(self):
        r = self.r
        kind = r.choice(["static", "keyset", "dynamic", "insensitive"])
        self.kind = kind = "static" if kind == "insensitive" else kind
        self.fine(f"create table {self.t} (id int not null primary key, a int null, s varchar(2000) null)")
        ids = sorted(r.sample(range(1, 60), r.choice([0, 1, 5, 12, 25])))
        self.rows = {}
        for n in ids:
            self.put(n)
        descending = r.random() < 0.4
        self.sign = -1 if descending else 1
        self.limit = r.choice([None, 20])
        where = f" where a > {self.limit}" if self.limit is not None and kind != "dynamic" else ""
        if not where:
            self.limit = None
        update = r.choice(["", " scroll_locks", " optimistic"]) if kind != "static" else " read_only"
        self.fine(
            f"declare c cursor global scroll {kind}{update} for select id, a, datalength(s) from {self.t}{where} order by id"
            + (" desc" if descending else "")
        )
        self.fine("open c")
        self.keys = [n for n in self.order() if self.limit is None or (self.rows[n][0] or 0) > self.limit]
        self.fixed = dict(self.rows)
        # Before the first row: position -1; a dynamic cursor knows its key instead.
        self.position, self.at, self.fetched = -1, ("before", None), "nothing"
        for _ in range(r.randint(10, 40)):
            if r.random() < 0.6:
                self.fetch()
            else:
                self.alter()
        self.fine("close c; deallocate c")

    @property
    def t(self):
        return f"cur{self.number}"

    def order(self):
        return sorted(self.rows, key=lambda n: self.sign * n)

    def put(self, n):
        a, length = self.r.choice([None, self.r.randint(0, 50)]), self.r.choice([0, 5, 2000])
        self.rows[n] = (a, length)
        self.fine(f"insert {self.t} values ({n}, {'null' if a is None else a}, replicate('x', {length}))")

    def alter(self):
        r = self.r
        what = r.random()
        if what < 0.3:
            n = r.randint(1, 60)
            if n not in self.rows:
                self.put(n)
        elif what < 0.5 and self.rows:
            n = r.choice(sorted(self.rows))
            self.fine(f"delete {self.t} where id = {n}")
            del self.rows[n]
        elif what < 0.8 and self.rows:
            n, a, length = r.choice(sorted(self.rows)), r.randint(21, 50), r.choice([0, 7, 1900])
            self.fine(f"update {self.t} set a = {a}, s = replicate('y', {length}) where id = {n}")
            self.rows[n] = (a, length)
        elif self.kind != "static" and self.rows.get(self.current()) == self.fetched:
            # A row that changed since it was fetched may be refused (16934).
            n = self.current()
            if r.random() < 0.5:
                self.fine(f"delete {self.t} where current of c")
                del self.rows[n]
            else:
                self.fine(f"update {self.t} set a = 33 where current of c")
                self.rows[n] = (33, self.rows[n][1])
            self.fetched = "changed"

    def current(self):
        """The key of the row that was fetched last, if it was one."""
        if self.kind == "dynamic":
            return self.at[1] if self.at[0] == "on" else None
        return self.keys[self.position] if 0 <= self.position < len(self.keys) else None

    def fetch(self):
        r = self.r
        n = r.randint(-4, 6)
        ways = ["next", "next", "next", "prior", "first", "last", f"relative {n}"]
        if self.kind != "dynamic":
            ways += [f"absolute {n}", f"absolute {n * 3}"]
        way = r.choice(ways)
        want = self.dynamic(way) if self.kind == "dynamic" else self.keyed(way)
        batch = f"declare @id int, @a int, @n int; fetch {way} from c into @id, @a, @n; select @@fetch_status, @id, @a, @n"
        got = self.fine(batch)[0]
        if want is None:
            same = got[0] == -1
        elif want == "missing":
            same = got[0] == -2
        else:
            same = got == (0,) + want
            self.fetched = want[1:]
        if not same:
            raise Failure(f"fetch {way} of a {self.kind} cursor: got {got}, expected {want}")

    def keyed(self, way):
        size, word, n = len(self.keys), way.split()[0], int(way.split()[1]) if " " in way else 0
        p = {"next": self.position + 1, "prior": self.position - 1, "first": 0, "last": size - 1}.get(word)
        if word == "relative":
            p = self.position + n
        if word == "absolute":
            p = n - 1 if n > 0 else size + n if n < 0 else -1
        self.position = max(-1, min(p, size))
        if not 0 <= self.position < size:
            return None
        key = self.keys[self.position]
        if self.kind == "static":
            return (key,) + self.fixed[key]
        return (key,) + self.rows[key] if key in self.rows else "missing"

    def dynamic(self, way):
        word, n = way.split()[0], int(way.split()[1]) if " " in way else 0
        order = self.order()
        keys = [self.sign * k for k in order]
        state, key = self.at
        if word == "first":
            p = 0
        elif word == "last":
            p = len(order) - 1
        else:
            by = {"next": 1, "prior": -1}.get(word, n)
            if by == 0:
                if state == "on" and key not in self.rows:
                    return "missing"
                p = bisect.bisect_left(keys, self.sign * key) if state == "on" else -1
            elif by > 0:
                after = 0 if state == "before" else len(keys) if state == "after" else bisect.bisect_right(keys, self.sign * key)
                p = after + by - 1
            else:
                before = 0 if state == "before" else len(keys) if state == "after" else bisect.bisect_left(keys, self.sign * key)
                p = before + by
        if 0 <= p < len(order):
            self.at = ("on", order[p])
            return (order[p],) + self.rows[order[p]]
        if not (word == "relative" and n == 0):
            self.at = ("before", None) if p < 0 and word != "first" and word != "last" else ("after", None) if word != "last" else ("before", None)
        return None


class Isolation(Scenario):
    """Two clients in step. A holds what its transaction locked; what B must wait for times out at once."""

    def go(self):
        r = self.r
        # In the other database READ COMMITTED reads versions.
        self.database = r.choice(["Work", "Versions"])
        t = f"iso{self.number}"
        self.fine(f"create table {t} (id int not null primary key, a int not null)")
        committed = {n: n * 10 for n in r.sample(range(1, 40), r.randint(3, 12))}
        self.fine(f"insert {t} values " + ", ".join(f"({n}, {a})" for n, a in committed.items()))
        for who in "AB":
            self.fine("set lock_timeout 0", who)
        for _ in range(r.randint(2, 5)):
            committed = self.round(t, committed)

    def round(self, t, committed):
        r = self.r
        level_a = r.choice(["read committed", "repeatable read", "serializable"])
        level_b = r.choice(["read committed", "read committed", "snapshot", "read uncommitted"])
        self.fine(f"set transaction isolation level {level_a}; begin tran")
        self.fine(f"set transaction isolation level {level_b}", "B")
        mine, exclusive, shared, ranges = dict(committed), set(), set(), []
        snapshot = None
        if level_b == "snapshot":
            self.fine("begin tran", "B")
            self.expect(f"select count(*) from {t}", [(len(committed),)], "B")
            snapshot = dict(committed)
        for _ in range(r.randint(3, 14)):
            n = r.choice(sorted(set(mine) | set(committed)) or [5]) if r.random() < 0.7 else r.randint(1, 40)
            if r.random() < 0.5:
                what = r.random()
                if what < 0.35 and n in mine:
                    self.fine(f"update {t} set a = a + 1 where id = {n}")
                    mine[n] += 1
                    exclusive.add(n)
                elif what < 0.5 and n not in mine:
                    self.fine(f"insert {t} values ({n}, 7)")
                    mine[n] = 7
                    exclusive.add(n)
                elif what < 0.6 and n in mine:
                    self.fine(f"delete {t} where id = {n}")
                    del mine[n]
                    exclusive.add(n)
                elif what < 0.8:
                    high = n + r.randint(0, 6)
                    rows = [(k, a) for k, a in mine.items() if n <= k <= high]
                    self.expect(f"select id, a from {t} where id between {n} and {high}", rows)
                    if level_a != "read committed":
                        shared |= {k for k, _ in rows}
                    if level_a == "serializable":
                        ranges.append((n, high))
                else:
                    self.expect(f"select a from {t} where id = {n}", [(mine[n],)] if n in mine else [])
                    if level_a != "read committed" and n in mine:
                        shared.add(n)
                    if level_a == "serializable" and n not in mine:
                        ranges.append((n, n))
            elif level_b == "read uncommitted":
                self.expect(f"select a from {t} where id = {n}", [(mine[n],)] if n in mine else [], "B")
            elif level_b == "snapshot":
                self.expect(f"select a from {t} where id = {n}", [(snapshot[n],)] if n in snapshot else [], "B")
            elif r.random() < 0.5:
                waits = n in exclusive and self.database == "Work"
                want = 1222 if waits else [(committed[n],)] if n in committed else []
                self.expect(f"select a from {t} where id = {n}", want, "B")
            elif n in committed:
                want = 1222 if n in exclusive | shared else []
                if want == [] and any(self.near(n, low, high, mine, exclusive) for low, high in ranges):
                    continue
                self.expect(f"update {t} set a = a where id = {n}", want, "B")
            else:
                inside = any(low <= n <= high for low, high in ranges)
                if n in exclusive or inside:
                    self.expect(f"insert {t} values ({n}, 1)", 1222, "B")
                elif not ranges:
                    self.fine(f"insert {t} values ({n}, 1)", "B")
                    committed[n] = mine[n] = 1
        if level_b == "snapshot":
            changed = sorted(n for n in exclusive if n in snapshot)
        if r.random() < 0.6:
            self.fine("commit")
            if snapshot is not None and changed:
                # The rows that A changed after B's snapshot are refused, those that it left are not.
                n = r.choice(changed)
                self.expect(f"update {t} set a = -1 where id = {n}", 3960, "B")
                snapshot = None
            committed = mine
        else:
            self.fine("rollback")
        if level_b == "snapshot":
            if snapshot is not None:
                self.expect(f"select id, a from {t}", list(snapshot.items()), "B")
                self.fine("commit", "B")
        self.expect(f"select id, a from {t}", list(committed.items()))
        return committed

    def near(self, n, low, high, mine, exclusive):
        """Whether the range's lock may lie on this key as the next one."""
        after = [k for k in sorted(mine) if k > high]
        return n in after[:1] + [k for k in after if k not in exclusive][:1]


class Rows(Scenario):
    """A table of some kind under DML of every form, each answer (OUTPUT) and the state compared."""

    def go(self):
        r = self.r
        self.t = r.choice([f"rows{self.number}", f"#rows{self.number}"])
        key = r.choice(["primary key", "primary key nonclustered", "unique clustered"])
        pressed = f" with (data_compression = {r.choice(['row', 'page'])})" if "#" not in self.t and "non" not in key and r.random() < 0.4 else ""
        self.fine(f"create table {self.t} (id int not null {key}, g int null, a int null, d decimal(9,2) null, s nvarchar(400) null){pressed}")
        for i in range(r.randint(0, 3)):
            keys = r.sample(["g", "a", "d", "id"], r.randint(1, 3))
            include = r.choice(["", " include (s)"])
            where = r.choice(["", "", " where a is not null"])
            self.fine(f"create index ix{i} on {self.t} ({', '.join(k + r.choice(['', ' desc']) for k in keys)}){include}{where}")
        self.rows = {}
        ops = [self.insert, self.update, self.delete, self.merge, self.top, self.join, self.query, self.window, self.variable, self.undo, self.into, self.sets]
        for _ in range(r.randint(10, 35)):
            r.choices(ops, [5, 4, 2, 3, 3, 2, 4, 4, 1, 1, 2, 3])[0]()
        self.all()

    def all(self):
        self.expect(f"select id, g, a, d, s from {self.t}", [(n,) + v for n, v in self.rows.items()])

    def values(self):
        r = self.r
        some = lambda v: None if r.random() < 0.2 else v
        d = some(D(r.randint(-9999, 9999)).scaleb(-2))
        return (some(r.randint(0, 4)), some(r.randint(-20, 20)), d, some(r.choice(["x", "ÿ", "日本", ""]) * r.randint(0, 60)))

    def text(self, v):
        return "null" if v is None else f"N'{v}'" if isinstance(v, str) else str(v)

    def new(self, many):
        return {n: self.values() for n in self.r.sample(range(1, 400), many) if n not in self.rows}

    def insert(self):
        new = self.new(self.r.choice([1, 3, 30]))
        if new:
            rows = ", ".join(f"({n}, {', '.join(map(self.text, v))})" for n, v in new.items())
            self.expect(f"insert {self.t} output inserted.id, inserted.d values {rows}", [(n, v[2]) for n, v in new.items()])
            self.rows.update(new)

    def condition(self):
        r = self.r
        k, g = r.randint(-20, 20), r.randint(0, 4)
        # Python's None is the unknown: the row does not count.
        return r.choice(
            [
                (f"a > {k}", lambda n, v: v[1] is not None and v[1] > k),
                (f"not (a > {k})", lambda n, v: v[1] is not None and v[1] <= k),
                (f"g = {g}", lambda n, v: v[0] == g),
                (f"g <> {g} or a is null", lambda n, v: v[0] not in (g, None) or v[1] is None),
                (f"g in ({g}, 2, null)", lambda n, v: v[0] in (g, 2)),
                (f"g not in ({g}, 2)", lambda n, v: v[0] not in (g, 2, None)),
                (f"id between {k * 10} and {k * 10 + 90}", lambda n, v: k * 10 <= n <= k * 10 + 90),
                (f"d < {k}.5", lambda n, v: v[2] is not None and v[2] < D(f"{k}.5")),
                ("a = g", lambda n, v: v[0] is not None and v[0] == v[1]),
                ("s is null and a is not null", lambda n, v: v[3] is None and v[1] is not None),
            ]
        )

    def matching(self):
        text, keep = self.condition()
        return text, [n for n, v in self.rows.items() if keep(n, v)]

    def update(self):
        text, found = self.matching()
        way = self.r.randint(0, 3)
        old = {n: self.rows[n] for n in found}
        if way == 0:
            self.rows.update({n: (v[1], v[0], v[2], v[3]) for n, v in old.items()})
            sets = "g = a, a = g"
        elif way == 1:
            self.rows.update({n: (v[0], None if v[1] is None else v[1] + 1, v[2] and v[2] / 2, v[3]) for n, v in old.items()})
            # Halves are rounded away from zero.
            half = lambda d: d and d.quantize(D("0.01"), decimal.ROUND_HALF_UP)
            self.rows.update({n: self.rows[n][:2] + (half(self.rows[n][2]), self.rows[n][3]) for n in old})
            sets = "a += 1, d = d * 0.5"
        elif way == 2:
            self.rows.update({n: v[:3] + ((None if v[3] is None else (v[3] + "é")[:400]),) for n, v in old.items()})
            sets = "s = left(s + N'é', 400)"
        else:
            head = f"update {self.t} set id = id + 400 output deleted.id, inserted.id where {text}"
            if any(n + 400 in self.rows and n + 400 not in old for n in old):
                self.expect(head, 2627)
                return
            self.rows = {(n + 400 if n in old else n): v for n, v in self.rows.items()}
            self.expect(head, [(n, n + 400) for n in old])
            return
        want = [(n, old[n][1], self.rows[n][1], self.rows[n][3]) for n in old]
        self.expect(f"update {self.t} set {sets} output inserted.id, deleted.a, inserted.a, inserted.s where {text}", want)

    def delete(self):
        text, found = self.matching()
        if len(found) < 25:
            self.expect(f"delete {self.t} output deleted.id, deleted.s where {text}", [(n, self.rows[n][3]) for n in found])
            for n in found:
                del self.rows[n]

    def merge(self):
        r = self.r
        source = {n: (r.randint(0, 4), r.randint(-9, 9)) for n in r.sample(range(1, 400), 4) + r.sample(sorted(self.rows), min(3, len(self.rows)))}
        values = ", ".join(f"({n}, {g}, {a})" for n, (g, a) in source.items())
        text, keep = self.condition()
        sweep = r.random() < 0.3
        out, after = [], {}
        for n, v in self.rows.items():
            if n in source:
                g, a = source[n]
                if a > 3:
                    out.append(("DELETE", n, None))
                else:
                    after[n] = (g, a) + v[2:]
                    out.append(("UPDATE", n, n))
            elif sweep and n % 5 == 0:
                after[n] = v[:1] + (0,) + v[2:]
                out.append(("UPDATE", n, n))
            else:
                after[n] = v
        for n, (g, a) in source.items():
            if n not in self.rows and a < 5:
                after[n] = (g, a, None, None)
                out.append(("INSERT", None, n))
        self.rows = after
        self.expect(
            f"merge {self.t} t using (values {values}) s (id, g, a) on t.id = s.id when matched and s.a > 3 then delete"
            " when matched then update set g = s.g, a = s.a"
            " when not matched by target and s.a < 5 then insert (id, g, a) values (s.id, s.g, s.a)"
            + (" when not matched by source and t.id % 5 = 0 then update set a = 0" if sweep else "")
            + " output $action, deleted.id, inserted.id;",
            out,
        )

    def ordering(self):
        """(text, sort key): NULL comes first."""
        r = self.r
        i, name, down = r.choice([(0, "g", False), (1, "a", True), (2, "d", False), (1, "a", False)])
        value = lambda n: (self.rows[n][i] is not None, self.rows[n][i] or 0)
        last = r.choice([1, -1])
        order = sorted(self.rows, key=lambda n: last * n)
        order.sort(key=value, reverse=down)
        return f"{name}{' desc' if down else ''}, id{' desc' if last < 0 else ''}", order

    def top(self):
        r = self.r
        text, order = self.ordering()
        n, skip = r.randint(0, 6), r.randint(0, 5)
        way = r.random()
        if way < 0.3:
            self.expect(f"with x as (select top ({n}) * from {self.t} order by {text}) delete x output deleted.id", [(k,) for k in order[:n]])
            for k in order[:n]:
                del self.rows[k]
        elif way < 0.6:
            self.expect(
                f"with x as (select * from {self.t} order by {text} offset {skip} rows fetch next {n + 1} rows only)"
                " update x set a = 5 output inserted.id",
                [(k,) for k in order[skip : skip + n + 1]],
            )
            for k in order[skip : skip + n + 1]:
                self.rows[k] = self.rows[k][:1] + (5,) + self.rows[k][2:]
        elif way < 0.8:
            want = [(k,) for k in order[skip : skip + n + 1]]
            self.expect(f"select id from {self.t} order by {text} offset {skip} rows fetch next {n + 1} rows only", want, ordered=True)
        else:
            # WITH TIES
            want = order[: n + 1]
            i = {"g": 0, "a": 1, "d": 2}[text.split(",")[0].split()[0]]
            want += [k for k in order[n + 1 :] if want and self.rows[k][i] == self.rows[want[-1]][i]]
            self.expect(f"select top ({n + 1}) with ties id from {self.t} order by {text.split(',')[0]}", [(k,) for k in want])

    def join(self):
        r = self.r
        other = {n: r.randint(-50, 50) for n in r.sample(range(0, 400), 20)}
        self.fine("if object_id('tempdb..#other') is null create table #other (k int not null primary key, v int) else delete #other")
        self.fine("insert #other values " + ", ".join(f"({n}, {v})" for n, v in other.items()))
        hit = [n for n in self.rows if n in other]
        if r.random() < 0.7:
            self.expect(
                f"update t set a = o.v output inserted.id, inserted.a from {self.t} t {r.choice(['', 'inner ', 'inner hash ', 'inner merge '])}join #other o on o.k = t.id",
                [(n, other[n]) for n in hit],
            )
            for n in hit:
                self.rows[n] = self.rows[n][:1] + (other[n],) + self.rows[n][2:]
        else:
            self.expect(f"delete t output deleted.id from {self.t} t where not exists (select * from #other o where o.k % 4 = t.id % 4) and t.id % 2 = 1",
                        [(n,) for n in self.rows if n % 2 == 1 and not any(k % 4 == n % 4 for k in other)])
            for n in [n for n in self.rows if n % 2 == 1 and not any(k % 4 == n % 4 for k in other)]:
                del self.rows[n]

    def query(self):
        text, found = self.matching()
        groups = {}
        for n in found:
            groups.setdefault(self.rows[n][0], []).append(self.rows[n])
        if self.r.random() < 0.5:
            order, ids = self.ordering()
            keep = set(found)
            self.expect(f"select id, a from {self.t} where {text} order by {order}", [(n, self.rows[n][1]) for n in ids if n in keep], ordered=True)
            return
        want = []
        for g, rows in groups.items():
            some = [v[1] for v in rows if v[1] is not None]
            tens = [v[2] for v in rows if v[2] is not None]
            want.append((g, len(rows), sum(some) if some else None, sum(tens) if tens else None, len(set(some)), min(some, default=None)))
        self.expect(f"select g, count(*), sum(a), sum(d), count(distinct a), min(a) from {self.t} where {text} group by g", want)

    def window(self):
        r = self.r
        part = r.random() < 0.5
        text, order = self.ordering()
        low, high = r.randint(0, 3), r.randint(0, 3)
        split = {}
        for n in order:
            split.setdefault(self.rows[n][0] if part else 0, []).append(n)
        want = []
        column = {"g": 0, "a": 1, "d": 2}[text.split(",")[0].split()[0]]
        for ids in split.values():
            for i, n in enumerate(ids):
                inside = [self.rows[k][1] for k in ids[max(0, i - low) : i + high + 1] if self.rows[k][1] is not None]
                values = [self.rows[k][column] for k in ids]
                rank = values.index(values[i]) + 1
                dense = len(dict.fromkeys(values[: i + 1]))
                lag = ids[i - low] if i >= low else -1
                size, rest = divmod(len(ids), 3)
                # The first groups take what is left over.
                tile = i // (size + 1) + 1 if i < rest * (size + 1) else (i - rest * (size + 1)) // max(size, 1) + rest + 1
                first = self.rows[ids[max(0, i - low)]][1]
                want.append((n, i + 1, rank, dense, sum(inside) if inside else None, lag, tile, first))
        over = f"{'partition by g ' if part else ''}order by {text}"
        brief = f"{'partition by g ' if part else ''}order by {text.split(',')[0]}"
        frame = f"rows between {low} preceding and {high} following"
        self.expect(
            f"select id, row_number() over ({over}), rank() over ({brief}), dense_rank() over ({brief}), sum(a) over ({over} {frame}),"
            f" lag(id, {low}, -1) over ({over}), ntile(3) over ({over}), first_value(a) over ({over} {frame}) from {self.t}",
            want,
        )

    def variable(self):
        """A table variable with an index; ROLLBACK leaves it alone."""
        text, found = self.matching()
        order = sorted(found, key=lambda n: (self.rows[n][1] is not None, self.rows[n][1] or 0, n))
        self.expect(
            "declare @v table (id int not null primary key nonclustered, a int null, index ia clustered (a, id));"
            f" begin tran; insert @v select id, a from {self.t} where {text}; rollback; update @v set a = a * 2 where id % 2 = 0;"
            " select id, a from @v order by id",
            [(n, self.rows[n][1] * 2 if n % 2 == 0 and self.rows[n][1] is not None else self.rows[n][1]) for n in sorted(found)],
            ordered=True,
        )
        self.expect(
            f"declare @v table (id int not null, a int null, index ia (a desc, id)); insert @v select id, a from {self.t} where {text};"
            " select top (5) id from @v order by a, id",
            [(n,) for n in order[:5]],
            ordered=True,
        )

    def into(self):
        """OUTPUT INTO, INSERT of the rows of OUTPUT, INSERT EXEC."""
        text, found = self.matching()
        way = self.r.randint(0, 2)
        pick = f"select id, a from {self.t} where {text}"
        want = [(n, self.rows[n][1]) for n in found]
        if way == 0:
            self.expect(f"declare @o table (i int, a int); update {self.t} set a = a output inserted.id, deleted.a into @o where {text}; select i, a from @o", want)
        elif way == 1:
            batch = (
                f"declare @o table (i int, a int); insert @o select i, a from (merge {self.t} t using ({pick}) s on s.id = t.id"
                " when matched then update set g = t.g output inserted.id i, deleted.a a) x where i % 2 = 0; select i, a from @o"
            )
            self.expect(batch, [(n, a) for n, a in want if n % 2 == 0])
        else:
            quoted = pick.replace("'", "''")
            self.expect(f"declare @o table (i int, a int); insert @o exec('{quoted}'); select i, a from @o", want)

    def sets(self):
        """Two conditions in one query, as set operations and subqueries."""
        (x, one), (y, two) = self.matching(), self.matching()
        way = self.r.choice(["union", "except", "intersect", "exists", "count"])
        a, b = ({self.rows[n][1] for n in found} for found in (one, two))
        if way == "exists":
            want = [(n,) for n in one if n + 1 in two]
            self.expect(f"select id from {self.t} t where ({x}) and exists (select * from {self.t} o where o.id = t.id + 1 and o.id in (select id from {self.t} where {y}))", want)
        elif way == "count":
            want = [(n, sum(self.rows[k][0] == self.rows[n][0] for k in two if self.rows[n][0] is not None)) for n in one]
            self.expect(f"select id, (select count(*) from (select g from {self.t} where {y}) o where o.g = t.g) from {self.t} t where {x}", want)
        else:
            want = a | b if way == "union" else a - b if way == "except" else a & b
            self.expect(f"select a from {self.t} where {x} {way} select a from {self.t} where {y}", [(v,) for v in want])

    def undo(self):
        before = dict(self.rows)
        self.fine("begin tran; save tran s")
        for op in self.r.choices([self.insert, self.update, self.delete, self.merge, self.top], k=3):
            op()
        self.fine(self.r.choice(["rollback tran s; commit", "rollback"]))
        self.rows = before
        self.all()


class Numbers(Scenario):
    """Identity and sequences: what was given is not given back by a rollback."""

    def go(self):
        r = self.r
        t, s = f"num{self.number}", f"seq{self.number}"
        seed, step = r.randint(-5, 50), r.choice([1, 1, 3, -2])
        unique = r.random() < 0.5
        self.fine(f"create table {t} (id int identity({seed}, {step}), a int{' primary key' if unique else ''})")
        low = r.randint(-5, 5)
        high, by, cycle = low + r.choice([3, 9, 1000]), r.choice([1, 2, -1]), r.random() < 0.5
        start = low if by > 0 else high
        self.fine(
            f"create sequence {s} as int start with {start} increment by {by} minvalue {low} maxvalue {high}"
            f" {'cycle' if cycle else 'no cycle'} {r.choice(['no cache', 'cache 3', ''])}"
        )
        last, given, value = None, [], start
        fresh = 0
        open_rows = None
        for _ in range(r.randint(8, 40)):
            what = r.random()
            if what < 0.4:
                many = r.choice([1, 1, 4])
                if last is None:
                    ids = [seed + step * i for i in range(many)]
                else:
                    ids = [last + step * (i + 1) for i in range(many)]
                rows = [(n, fresh + i) for i, n in enumerate(ids)]
                fresh += many
                self.expect(f"insert {t} output inserted.id, inserted.a values {', '.join(f'({a})' for _, a in rows)}", rows)
                self.expect(f"select cast(scope_identity() as int), cast(ident_current('{t}') as int)", [(ids[-1], ids[-1])])
                last = ids[-1]
                given += rows
            elif what < 0.5 and given and unique:
                # A refused row takes its number, too.
                self.expect(f"insert {t} (a) values ({given[-1][1]})", 2627)
                last += step
            elif what < 0.6:
                if open_rows is None:
                    self.fine("begin tran")
                    open_rows = list(given)
                else:
                    if r.random() < 0.6:
                        self.fine("rollback")
                        given = open_rows
                    else:
                        self.fine("commit")
                    open_rows = None
            elif what < 0.68:
                n = r.randint(-100, 200)
                self.fine(f"set identity_insert {t} on; insert {t} (id, a) values ({n}, {fresh}); set identity_insert {t} off")
                given.append((n, fresh))
                fresh += 1
                base = seed if last is None else last
                if last is None or (n > last if step > 0 else n < last):
                    last = n if last is not None or (n >= base if step > 0 else n <= base) else None
                if last is None:
                    return
            elif what < 0.73 and last is not None and open_rows is None:
                last = r.randint(0, 500)
                self.fine(f"dbcc checkident ('{t}', reseed, {last}) with no_infomsgs")
            else:
                if not low <= value <= high:
                    if not cycle:
                        self.expect(f"select next value for {s}", 11728)
                        continue
                    value = low if by > 0 else high
                self.expect(f"select next value for {s}", [(value,)])
                value += by
        if open_rows is not None:
            self.fine("commit")
        self.expect(f"select id, a from {t}", given)


class Parameters(Scenario):
    """A table-valued parameter through procedures."""

    def go(self):
        r = self.r
        n = self.number
        self.fine(f"create type tt{n} as table (k int not null primary key, v decimal(8,2) null, s nvarchar(30) collate Latin1_General_CI_AI null, index i (v, k))")
        self.fine(
            f"create procedure pp{n} @t tt{n} readonly, @low decimal(8,2) = 0, @sum decimal(38,2) output as set nocount on;"
            " select @sum = sum(v) from @t where v > @low;"
            " select k, v, row_number() over (order by v, k) from @t where v > @low order by v, k"
        )
        self.fine(f"create procedure qq{n} @t tt{n} readonly as declare @s decimal(38,2); exec pp{n} @t, default, @s output; select @s, (select count(*) from @t)")
        for _ in range(r.randint(3, 10)):
            rows = {k: r.choice([None, D(r.randint(-999, 9999)).scaleb(-2)]) for k in r.sample(range(200), r.choice([0, 1, 4, 60]))}
            fill = f"insert @t (k, v) values {', '.join(f'({k}, {v if v is not None else chr(110) + chr(117) + chr(108) * 2})' for k, v in rows.items())};" if rows else ""
            low = D(r.randint(-500, 5000)).scaleb(-2)
            found = sorted((v, k) for k, v in rows.items() if v is not None and v > low)
            want = [(k, v, i + 1) for i, (v, k) in enumerate(found)]
            self.expect(f"declare @t tt{n}, @s decimal(38,2); {fill} exec pp{n} @t, {low}, @s output", want, ordered=True)
            all_of = [v for v in rows.values() if v is not None and v > 0]
            self.expect(f"declare @t tt{n}; {fill} exec qq{n} @t", [(sum(all_of) if all_of else None, len(rows))])


class Values(Scenario):
    """Arithmetic of decimals and dates, and comparison of texts, in tables with indexes."""

    def go(self):
        for _ in range(12):
            self.r.choice([self.decimals, self.dates, self.texts, self.datetimes])()

    def decimals(self):
        r = self.r
        (p, s), (q, t) = ((r.randint(6, 12), r.randint(0, 4)) for _ in range(2))
        # A digit is left over for what rounds up.
        x, y = (D(r.randint(-(10 ** (n - 1)), 10 ** (n - 1))).scaleb(-m) for n, m in ((p, s), (q, t)))
        k = r.randint(0, 5)
        rounded = lambda v, k: v.quantize(D(1).scaleb(-k), decimal.ROUND_HALF_UP)
        head = f"declare @x decimal({p},{s}) = {x:f}, @y decimal({q},{t}) = {y:f};"
        self.expect(
            f"{head} select @x + @y, @x - @y, @x * @y, cast(@x as decimal(30,{k})), round(@x, {k}), round(@x, {k}, 1), floor(@x), ceiling(@x), abs(@y), -@x, sign(@x)",
            [
                (
                    x + y, x - y, x * y, rounded(x, k), rounded(x, k) if k < s else x,
                    x.quantize(D(1).scaleb(-k), decimal.ROUND_DOWN) if k < s else x,
                    x.to_integral_value(decimal.ROUND_FLOOR), x.to_integral_value(decimal.ROUND_CEILING), abs(y), -x,
                    (x > 0) - (x < 0),
                )
            ],
        )

    def dates(self):
        r = self.r
        x, y = (datetime.date(1900, 1, 1) + datetime.timedelta(days=r.randint(0, 60000)) for _ in range(2))
        n = r.randint(-40, 40)
        month = x.year * 12 + x.month - 1 + n
        first = datetime.date(month // 12, month % 12 + 1, 1)
        end = (datetime.date((month + 1) // 12, (month + 1) % 12 + 1, 1) - datetime.timedelta(days=1)).day
        moved = first.replace(day=min(x.day, end))
        self.expect(
            f"declare @x date = '{x}', @y date = '{y}'; select dateadd(month, {n}, @x), datediff(day, @x, @y), datediff(month, @x, @y),"
            f" datediff(year, @x, @y), datediff(quarter, @x, @y), eomonth(@x, {n}), datepart(iso_week, @x), datepart(dayofyear, @x),"
            f" dateadd(week, {n}, @x), datename(weekday, @x)",
            [
                (
                    moved, (y - x).days, (y.year - x.year) * 12 + y.month - x.month, y.year - x.year,
                    (y.year - x.year) * 4 + (y.month - 1) // 3 - (x.month - 1) // 3, first.replace(day=end), x.isocalendar()[1],
                    x.timetuple().tm_yday, x + datetime.timedelta(weeks=n), x.strftime("%A"),
                )
            ],
        )

    def datetimes(self):
        """datetime counts three-hundredths of a second."""
        r = self.r
        base = datetime.datetime(1990, 1, 1) + datetime.timedelta(days=r.randint(0, 20000), seconds=r.randint(0, 86399))
        if base.second == 29:
            # The milliseconds would decide about the minute.
            return
        ms, micro, k = r.randint(0, 999), r.randint(0, 999999), r.randint(0, 5)
        # As clients show it: 0, 3 or 7 in the last place.
        shown = base + datetime.timedelta(milliseconds=((ms * 3 + 5) // 10 * 10 + 1) // 3)
        unit = 10 ** (6 - k)
        cut = base + datetime.timedelta(microseconds=(micro * 2 + unit) // (2 * unit) * unit)
        minute = base.replace(second=0) + datetime.timedelta(minutes=base.second >= 30)
        fine = base + datetime.timedelta(microseconds=micro)
        exact = (base + datetime.timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")
        self.expect(
            f"declare @x datetime = '{exact}', @y datetime2(6) = '{fine.isoformat(timespec='microseconds')}';"
            f" select convert(varchar(23), @x, 126), cast(@y as datetime2({k})), convert(varchar(23), cast(@x as smalldatetime), 126),"
            " datediff(ms, cast(@x as date), @x) % 1000",
            [
                (
                    shown.isoformat(timespec="milliseconds") if shown.microsecond else shown.isoformat(),
                    cut,
                    minute.isoformat(),
                    shown.microsecond // 1000,
                )
            ],
        )

    def texts(self):
        """Equality by collation: trailing blanks never count, case and accents as it says."""
        r = self.r
        words = ["cafe", "café", "Cafe", "CAFÉ", "cafe ", "tea", "TEA  ", "téa", "", " ", "Tea", "coffee"]
        some = [r.choice(words) for _ in range(r.randint(1, 14))]
        collation = r.choice(["Latin1_General_CI_AI", "Latin1_General_CS_AS", "Latin1_General_CI_AS", "Latin1_General_CS_AI", "Latin1_General_BIN2", "SQL_Latin1_General_CP1_CI_AS"])

        def fold(w):
            w = w.rstrip(" ")
            if "_CI" in collation:
                w = w.lower()
            if "_AI" in collation:
                w = "".join(c for c in unicodedata.normalize("NFD", w) if not unicodedata.combining(c))
            return w

        kind = r.choice(["varchar(20)", "nvarchar(20)"])
        name = f"#w{len(self.lines)}"
        self.fine(f"create table {name} (n int identity primary key, w {kind} collate {collation} not null)")
        self.fine(f"insert {name} (w) values " + ", ".join(f"(N'{w}')" for w in some))
        if r.random() < 0.5:
            self.fine(f"create index ix on {name} (w)")
        groups = Counter(fold(w) for w in some)
        probe = r.choice(words)
        equal = [i + 1 for i, w in enumerate(some) if fold(w) == fold(probe)]
        self.expect(f"select n from {name} where w = N'{probe}'", [(n,) for n in equal])
        self.expect(f"select min(n), count(*) from {name} group by w", [(next(i + 1 for i, w in enumerate(some) if fold(w) == k), n) for k, n in groups.items()])
        self.expect(f"select count(distinct w), sum(len(w)), sum(datalength(w)) from {name}",
                    [(len(groups), sum(len(w.rstrip(' ')) for w in some), sum(len(w) for w in some) * (2 if kind[0] == "n" else 1))])
        self.expect(f"select a.n, b.n from {name} a {r.choice(['', 'inner hash ', 'inner merge '])}join {name} b on b.w = a.w and a.n < b.n",
                    [(i + 1, j + 1) for i, v in enumerate(some) for j, w in enumerate(some) if i < j and fold(v) == fold(w)])
        self.expect(f"select n from {name} where charindex(N'é', w) > 0",
                    [(i + 1,) for i, w in enumerate(some) if ("é" in w or "_CI" in collation and "É" in w) or "_AI" in collation and "e" in fold_case(w, collation)])


def fold_case(w, collation):
    """What an accent-insensitive search for é looks at."""
    w = "".join(c for c in unicodedata.normalize("NFD", w) if not unicodedata.combining(c))
    return w.lower() if "_CI" in collation else w


SCENARIOS = [Cursors, Isolation, Rows, Numbers, Parameters, Values]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("runner")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--seconds", type=float, default=30)
    p.add_argument("--only", help="the name of a scenario")
    p.add_argument("--first", type=int, default=1, help="the number of the first scenario")
    p.add_argument("--keep", help="the statements of a scenario that differs go to this file, too")
    a = p.parse_args()
    kinds = [s for s in SCENARIOS if a.only in (None, s.__name__)]
    with tempfile.TemporaryDirectory() as directory:
        server = Server(os.path.abspath(a.runner), directory)
        try:
            server.start()
            master = server.open("master")
            master.run("create database Work")
            master.run("create database Versions")
            master.run("alter database Versions set read_committed_snapshot on")
            for name in ("Work", "Versions"):
                master.run(f"alter database {name} set allow_snapshot_isolation on")
            return run(a, server, kinds)
        finally:
            if server.child and server.child.poll() is None:
                server.end()


def run(a, server, kinds):
    until = time.time() + a.seconds
    number, done = a.first - 1, Counter()
    while time.time() < until:
        number += 1
        r = random.Random(f"{a.seed}/{number}")
        scenario = r.choice(kinds)(r, server, number)
        try:
            scenario.go()
            if server.panics():
                raise Failure(f"the server panicked: {server.panics()[0]}")
        except (Failure, Gone) as e:
            text = "\n".join(scenario.lines)
            print(f"{text}\n\nseed {a.seed}, scenario {number} ({type(scenario).__name__}): {e}")
            if a.keep:
                with open(a.keep, "w", encoding="utf-8") as f:
                    f.write(f"{text}\n-- {e}\n")
            return 1
        finally:
            scenario.close()
        done[type(scenario).__name__] += 1
    master = server.open("master")
    for name in ("Work", "Versions", "tempdb"):
        try:
            master.run(f"dbcc checkdb ('{name}') with no_infomsgs")
        except Refused as e:
            print(f"seed {a.seed}: DBCC CHECKDB of {name}: {e}")
            return 1
    print(f"seed {a.seed}: {number - a.first + 1} scenarios ({', '.join(f'{n} {k}' for k, n in sorted(done.items()))}), nothing differs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
