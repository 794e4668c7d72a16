"""Rows as sqllogictest files write them, and whether two such are the same.

Engines write values differently (1.0 and 1, true and 1, 2020-01-01T00:00:00 and 2020-01-01 00:00:00): both sides are brought to one
form word by word, so that a difference is one of values.
"""

import datetime
import decimal
import hashlib
import re

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(\.\d+)?Z?)?\Z")
CLOCK = re.compile(r"(\d\d:\d\d:\d\d)(\.\d+)?\Z")
FLOAT_DIGITS = 9
REAL_DIGITS = 6


def text(value):
    """A value of the server."""
    if value is None:
        return "NULL"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (bytes, bytearray)):
        return value.hex() or "(empty)"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if value == "":
        return "(empty)"
    return str(value)


def word(w, digits, bits):
    """One form for each value."""
    if NUMBER.match(w):
        d = decimal.Decimal(w)
        if d == 0:
            return "0"
        if d == d.to_integral_value() and abs(d) < 10**38 and "e" not in w.lower() and "." not in w:
            return str(int(d))
        return format(float(d), f".{digits}g")
    m = MOMENT.match(w)
    if m:
        clock = m[2] or "00:00:00"
        clock += ":00" if len(clock) == 5 else ""
        return f"{m[1]} {clock}{(m[3] or '').rstrip('0').rstrip('.')}".removesuffix(" 00:00:00")
    m = CLOCK.match(w)
    if m:
        return m[1] + (m[2] or "").rstrip("0").rstrip(".")
    if w.startswith("X'") and w.endswith("'"):
        return w[2:-1].lower() or "(empty)"
    if bits and w in ("true", "false"):
        return "1" if w == "true" else "0"
    return {"t": "true", "f": "false", "True": "true", "False": "false", "null": "NULL"}.get(w, w)


def words(line, digits, bits):
    # A date and its time are one value.
    line = re.sub(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)", r"\1T\2", line)
    return tuple(word(w, digits, bits) for w in line.split()) or ("(empty)",)


def same_word(a, b, least):
    if a == b:
        return True
    if a == "(empty)" or b == "(empty)" or not NUMBER.match(a) or not NUMBER.match(b):
        return False
    x, y = float(a), float(b)
    return abs(x - y) <= max(2e-6 * max(abs(x), abs(y)), least)


def same_lines(a, b, least):
    same = lambda x, y: len(x) == len(y) and all(same_word(v, w, least) for v, w in zip(x, y))
    return len(a) == len(b) and all(map(same, a, b))


def classic(value, kind):
    """A value as SQLite's runner writes it; hashes are of these."""
    if value is None:
        return "NULL"
    if kind == "I" and not isinstance(value, str):
        return str(int(value))
    if kind == "R" and not isinstance(value, str):
        return f"{value:.3f}"
    t = "(empty)" if value == "" else text(value)
    return "".join(c if " " <= c <= "~" else "@" for c in t)


def verdict(record, rows):
    """None when the rows are what the record says, else what differs: "order", or "rows"."""
    expected = record.expected
    if len(expected) == 1 and " values hashing to " in expected[0]:
        return None if hashed(record, rows) == expected[0].strip() else "rows"
    wide = len(rows[0]) if rows else len(record.types) or 1
    by_value = wide > 1 and len(expected) == wide * len(rows) and len(rows) > 0
    if record.sort == "valuesort" or by_value:
        got = [text(v) for row in rows for v in row]
    else:
        got = [" ".join(text(v) for v in row) for row in rows]
    if by_value and record.sort == "rowsort":
        pairs = zip(*[iter(expected)] * wide)
        expected, got = [" ".join(p) for p in pairs], [" ".join(text(v) for v in row) for row in rows]
    # Some engines write conditions as numbers.
    bits = not any(w in ("true", "false", "t", "f") for line in expected for w in line.split())
    # SQLite's runner writes three decimals, and so do some after it.
    decimals = {len(w.rpartition(".")[2]) for line in expected for w in line.split() if NUMBER.match(w) and "." in w}
    least = 6e-4 if "R" in record.types and decimals == {3} else 1e-12
    for digits in (FLOAT_DIGITS, REAL_DIGITS):
        here, there = [words(l, digits, bits) for l in got], [words(l, digits, bits) for l in expected]
        if same_lines(here, there, least):
            return None
        # `words` are compared with a tolerance, so sorting only brings like to like.
        here.sort()
        there.sort()
        if same_lines(here, there, least):
            return "order" if record.sort == "nosort" else None
    return "rows"


def hashed(record, rows):
    values = [[classic(v, k) for v, k in zip(row, record.types)] for row in rows]
    if record.sort == "rowsort":
        values.sort()
    flat = [v for row in values for v in row]
    if record.sort == "valuesort":
        flat.sort()
    digest = hashlib.md5("".join(v + "\n" for v in flat).encode()).hexdigest()
    return f"{len(flat)} values hashing to {digest}"
