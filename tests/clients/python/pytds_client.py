"""python-tds: a client written in Python, with pyOpenSSL."""

import datetime
import decimal

import pytds

import common
from common import check


def connect(**more):
    return pytds.connect(
        common.HOST, port=common.PORT, user=common.USER, password=common.PASSWORD,
        database=common.DATABASE, autocommit=True, login_timeout=20, **more)


def encrypted():
    with connect(cafile=common.CERTIFICATE, validate_host=False) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT DB_NAME()")
        check("database", cursor.fetchone()[0], "Harbour")


def everything():
    for version in (pytds.tds_base.TDS74, pytds.tds_base.TDS73A, pytds.tds_base.TDS72):
        with connect(tds_version=version) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT 1, N'x', CAST(NULL AS nvarchar(max))")
            check(f"version {version:#x}", tuple(cursor.fetchone()), (1, "x", None))
    with connect() as connection:
        cursor = connection.cursor()
        common.types(cursor)
        common.tables(cursor)
        common.result_sets(cursor)
        common.errors(cursor)
        values = (7, "O'Neil \u65e5", None, decimal.Decimal("1.25"),
                  datetime.datetime(2024, 1, 2, 3, 4, 5, 123000), pytds.Binary(b"\x01\x02"), datetime.date(2024, 2, 29), True, 1.5)
        cursor.execute("SELECT %s, %s, %s, %s, %s, %s, %s, %s, %s", values)
        check("parameters", tuple(cursor.fetchone()), values)
        cursor.execute("IF TYPE_ID('dbo.PytdsKeys') IS NULL EXEC('CREATE TYPE dbo.PytdsKeys AS TABLE(id int, label nvarchar(20))')")
        rows = pytds.TableValuedParam(type_name="dbo.PytdsKeys", rows=([i, f"label {i}"] for i in range(10)))
        cursor.execute("SELECT COUNT(*), MAX(label) FROM %s", (rows,))
        check("table-valued parameter", tuple(cursor.fetchone()), (10, "label 9"))


def cancel():
    with connect() as connection:
        cursor = connection.cursor()

        def run():
            cursor.execute(common.LONG)
            cursor.fetchall()

        def after():
            with connect() as fresh:
                c = fresh.cursor()
                c.execute("SELECT 7")
                return c.fetchone()[0]

        short = connect(timeout=2)
        other = short.cursor()

        def timed():
            other.execute(common.LONG)
            other.fetchall()

        common.cancelled(timed, lambda: None, after)


common.main(encrypted, everything, cancel)
