"""pymssql: FreeTDS's db-library with OpenSSL."""

import datetime
import decimal

import pymssql

import common
from common import check


def connect(encryption):
    return pymssql.connect(
        server=common.HOST, port=common.PORT, user=common.USER, password=common.PASSWORD,
        database=common.DATABASE, encryption=encryption, autocommit=True, login_timeout=20, timeout=0)


def encryptions():
    for encryption in ("off", "request", "require"):
        with connect(encryption) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT DB_NAME()")
            check(f"database with encryption {encryption}", cursor.fetchone()[0], "Harbour")


def everything():
    with connect("require") as connection:
        cursor = connection.cursor()
        common.types(cursor)
        common.tables(cursor)
        common.result_sets(cursor)
        common.errors(cursor)
        values = (7, "O'Neil \u65e5", None, decimal.Decimal("1.25"), datetime.datetime(2024, 1, 2, 3, 4, 5), b"\x01")
        cursor.execute("SELECT %s AS a, %s AS b, %s AS c, %s AS d, %s AS e, %s AS f", values)
        row = cursor.fetchone()
        check("parameters", row[0:4], (7, "O'Neil \u65e5", None, decimal.Decimal("1.25")))


def wrong_password():
    try:
        pymssql.connect(server=common.HOST, port=common.PORT, user="sa", password="wrong", login_timeout=20)
    except pymssql.OperationalError as e:
        check("18456", "18456" in str(e), True)
        return
    raise AssertionError("a wrong password was accepted")


def cancel():
    with connect("require") as connection:
        from pymssql import _mssql  # noqa: F401  the low level has the timeout that cancels
    short = pymssql.connect(
        server=common.HOST, port=common.PORT, user=common.USER, password=common.PASSWORD,
        database=common.DATABASE, autocommit=True, timeout=2)
    cursor = short.cursor()

    def run():
        cursor.execute(common.LONG)
        cursor.fetchall()

    def after():
        with connect("require") as fresh:
            c = fresh.cursor()
            c.execute("SELECT 7")
            return c.fetchone()[0]

    common.cancelled(run, lambda: None, after)


common.main(encryptions, everything, wrong_password, cancel)
