"""What every Python client is asked. A driver gives a connection; the questions are the same for all."""

import datetime
import decimal
import os
import sys
import threading
import time
import uuid

HOST = os.environ.get("HOLDFAST_HOST", "127.0.0.1")
PORT = int(os.environ.get("HOLDFAST_PORT", "1433"))
USER = "sa"
PASSWORD = os.environ.get("HOLDFAST_PASSWORD", "")
DATABASE = "Harbour"
CERTIFICATE = os.environ.get("HOLDFAST_CERTIFICATE", "")

checks = 0


def check(what, got, expected):
    global checks
    checks += 1
    if got != expected:
        raise AssertionError(f"{what}: got {got!r}, expected {expected!r}")


def finish():
    print(f"{checks} checks")


# (expression, value) for every type with one obvious Python value.
LITERALS = [
    ("CAST(1 AS bit)", True),
    ("CAST(255 AS tinyint)", 255),
    ("CAST(-32768 AS smallint)", -32768),
    ("CAST(-2147483648 AS int)", -2147483648),
    ("CAST(9223372036854775807 AS bigint)", 9223372036854775807),
    ("CAST('-12345678901234567890.0123456789' AS decimal(38,10))",
     decimal.Decimal("-12345678901234567890.0123456789")),
    ("CAST('123.45' AS numeric(5,2))", decimal.Decimal("123.45")),
    ("CAST('-922337203685477.5808' AS money)", decimal.Decimal("-922337203685477.5808")),
    ("CAST('214748.3647' AS smallmoney)", decimal.Decimal("214748.3647")),
    ("CAST(1.5 AS real)", 1.5),
    ("CAST(-0.1 AS float)", -0.1),
    ("CAST('2024-02-29' AS date)", datetime.date(2024, 2, 29)),
    ("CAST('23:59:59.123456' AS time(6))", datetime.time(23, 59, 59, 123456)),
    ("CAST('2024-02-29 12:34:56.123456' AS datetime2(6))",
     datetime.datetime(2024, 2, 29, 12, 34, 56, 123456)),
    ("CAST('1999-12-31T23:59:59.000' AS datetime)", datetime.datetime(1999, 12, 31, 23, 59, 59)),
    ("CAST('2024-02-29T12:34:00' AS smalldatetime)", datetime.datetime(2024, 2, 29, 12, 34)),
    ("CAST('abc' AS char(5))", "abc  "),
    ("CAST('na\u00efve' AS varchar(20))", "na\u00efve"),
    ("CAST(N'\u65e5\u672c' AS nchar(4))", "\u65e5\u672c  "),
    ("N'\u65e5\u672c \U0001f600'", "\u65e5\u672c \U0001f600"),
    ("REPLICATE(CAST('x' AS varchar(max)), 20000)", "x" * 20000),
    ("REPLICATE(CAST(N'\u65e5' AS nvarchar(max)), 20000)", "\u65e5" * 20000),
    ("CAST(0x0102 AS binary(4))", b"\x01\x02\x00\x00"),
    ("0xFF00", b"\xff\x00"),
    ("CAST(REPLICATE(CAST('ab' AS varchar(max)), 10000) AS varbinary(max))", b"ab" * 10000),
]
GUID = uuid.UUID("6F9619FF-8B86-D011-B42D-00C04FC964FF")


def plain(value):
    """Drivers differ in bytes and bytearray."""
    return bytes(value) if isinstance(value, (bytearray, memoryview)) else value


def types(cursor):
    for expression, expected in LITERALS:
        cursor.execute(f"SELECT {expression} AS v, CAST(NULL AS int) AS n")
        row = cursor.fetchone()
        check(expression, plain(row[0]), expected)
        check(f"NULL beside {expression}", row[1], None)
    cursor.execute(f"SELECT CAST('{GUID}' AS uniqueidentifier)")
    check("uniqueidentifier", uuid.UUID(str(cursor.fetchone()[0])), GUID)
    cursor.execute("SELECT CAST('<a b=\"1\"/>' AS xml)")
    check("xml", cursor.fetchone()[0], '<a b="1"/>')


def tables(cursor):
    cursor.execute("SELECT * FROM dbo.EveryType ORDER BY ID")
    rows = cursor.fetchall()
    check("rows of EveryType", len(rows), 100)
    check("columns of EveryType", len(cursor.description), 21)
    check("a row of NULLs", [v for v in rows[9][1:] if v is not None], [])
    check("a row without NULLs", [v for v in rows[0] if v is None], [])
    cursor.execute("SELECT OrderLineID, Quantity FROM dbo.OrderLines")
    rows = cursor.fetchall()
    check("rows of OrderLines", len(rows), 15000)
    cursor.execute("SELECT SUM(Quantity) FROM dbo.OrderLines")
    check("the same sum here and there", sum(r[1] for r in rows), cursor.fetchone()[0])


def result_sets(cursor):
    cursor.execute("SELECT 1 AS a; SELECT 'x' AS b, 2 AS c; SELECT TOP 3 Name FROM dbo.Customers ORDER BY CustomerID")
    check("first set", [tuple(r) for r in cursor.fetchall()], [(1,)])
    check("there is a second", bool(cursor.nextset()), True)
    check("second set", [tuple(r) for r in cursor.fetchall()], [("x", 2)])
    check("there is a third", bool(cursor.nextset()), True)
    check("third set", len(cursor.fetchall()), 3)
    check("no fourth", bool(cursor.nextset()), False)


def fails(cursor, statement, *words):
    try:
        cursor.execute(statement)
        cursor.fetchall()
    except Exception as e:  # each driver has its own classes
        for word in words:
            check(f"{word} in the error of {statement}", word in str(e), True)
        return
    raise AssertionError(f"{statement}: no error")


def errors(cursor):
    fails(cursor, "SELECT * FROM dbo.Nowhere", "Invalid object name 'dbo.Nowhere'")
    fails(cursor, "SELECT 1/0", "Divide by zero")
    fails(cursor, "SELECT FROM WHERE", "syntax")
    fails(cursor, "RAISERROR('own text', 16, 1)", "own text")
    cursor.execute("SELECT 42")
    check("after errors", cursor.fetchone()[0], 42)


LONG = "SELECT COUNT_BIG(*) FROM dbo.OrderLines a CROSS JOIN dbo.OrderLines b CROSS JOIN dbo.OrderLines c WHERE a.Quantity + b.Quantity + c.Quantity = -1"


def cancelled(run, cancel, after):
    """`run` must end soon after `cancel`, whatever it raises."""
    timer = threading.Timer(0.5, cancel)
    timer.start()
    start = time.monotonic()
    try:
        run()
    except Exception:
        pass
    else:
        raise AssertionError("the long statement was not cancelled")
    finally:
        timer.cancel()
    check("ended soon after the cancel", time.monotonic() - start < 15, True)
    check("usable after the cancel", after(), 7)


def main(*steps):
    for step in steps:
        try:
            step()
        except BaseException as e:
            print(f"{getattr(step, '__name__', 'step')}: {type(e).__name__}: {e}", file=sys.stderr)
            sys.exit(1)
    finish()
