"""mssql-python: Microsoft's own driver for Python over its ODBC core."""

import datetime
import decimal

import mssql_python

import common
from common import check


def connect(more="Encrypt=yes;TrustServerCertificate=yes"):
    return mssql_python.connect(
        f"Server={common.HOST},{common.PORT};Database={common.DATABASE};UID={common.USER};PWD={common.PASSWORD};{more}",
        autocommit=True)


def encryptions():
    for more in ("Encrypt=yes;TrustServerCertificate=yes", "Encrypt=no;TrustServerCertificate=yes"):
        connection = connect(more)
        cursor = connection.cursor()
        cursor.execute("SELECT DB_NAME()")
        check(f"database with {more}", cursor.fetchone()[0], "Harbour")
        connection.close()


def everything():
    connection = connect()
    cursor = connection.cursor()
    common.types(cursor)
    common.tables(cursor)
    common.result_sets(cursor)
    common.errors(cursor)
    values = (7, "O'Neil \u65e5", decimal.Decimal("1.25"), datetime.date(2024, 2, 29), 1.5, b"\x01\x02",
              datetime.datetime(2024, 1, 2, 3, 4, 5, 123000), True)
    cursor.execute("SELECT ?, ?, ?, ?, ?, ?, ?, ?", *values)
    row = cursor.fetchone()
    check("parameters", tuple(common.plain(v) for v in row), values)
    cursor.execute("SELECT Name FROM dbo.Customers WHERE CustomerID = ?", 3)
    check("a row by its key", len(cursor.fetchall()), 1)
    cursor.execute("SELECT CAST('2024-02-29 12:34:56.1234567 +02:00' AS datetimeoffset(7))")
    check("datetimeoffset", cursor.fetchone()[0].utcoffset(), datetime.timedelta(hours=2))
    connection.close()


def cancel():
    connection = connect()
    connection.timeout = 2
    cursor = connection.cursor()

    def run():
        cursor.execute(common.LONG)
        cursor.fetchall()

    def after():
        c = connect().cursor()
        c.execute("SELECT 7")
        return c.fetchone()[0]

    common.cancelled(run, lambda: None, after)


common.main(encryptions, everything, cancel)
