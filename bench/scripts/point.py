"""Rows by primary key through Python drivers: Holdfast and PostgreSQL in turn.

Prints one line for each pair of drivers: Holdfast's, PostgreSQL's, times as fast (median of the rounds).
usage: point.py HOLDFAST_PORT PASSWORD POSTGRES_PORT KEYS ROUNDS
"""

import random
import statistics
import sys
import time

PORT, PASSWORD, OTHER_PORT, KEYS, ROUNDS = (
    int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
TEXT = "select OrderLineID, OrderID, Quantity, UnitPrice from OrderLines where OrderLineID = "
COUNT = 2000


def timed(cursor, text):
    start = time.perf_counter()
    for _ in range(COUNT):
        cursor.execute(text, (random.randrange(1, KEYS),))
        if cursor.fetchone() is None:
            raise SystemExit("a key has no row")
    return time.perf_counter() - start


def pymssql():
    import pymssql as driver
    c = driver.connect(server="127.0.0.1", port=PORT, user="sa", password=PASSWORD, database="BigHarbour", autocommit=True)
    return c.cursor(), TEXT + "%d"


def pytds():
    import pytds as driver
    c = driver.connect("127.0.0.1", port=PORT, user="sa", password=PASSWORD, database="BigHarbour", autocommit=True)
    return c.cursor(), TEXT + "%s"


def mssql_python():
    import mssql_python as driver
    c = driver.connect(f"SERVER=127.0.0.1,{PORT};UID=sa;PWD={PASSWORD};DATABASE=BigHarbour;Encrypt=yes;TrustServerCertificate=yes")
    c.autocommit = True
    return c.cursor(), TEXT + "?"


def psycopg():
    import psycopg as driver
    c = driver.connect(f"host=127.0.0.1 port={OTHER_PORT} user=bench dbname=postgres", autocommit=True)
    return c.cursor(), TEXT + "%s"


def psycopg2():
    import psycopg2 as driver
    c = driver.connect(f"host=127.0.0.1 port={OTHER_PORT} user=bench dbname=postgres")
    c.autocommit = True
    return c.cursor(), TEXT + "%s"


def opened(makers):
    out = []
    for make in makers:
        try:
            out.append((make.__name__, *make()))
        except ImportError:
            print(f"{make.__name__} is not installed")
    return out


ours, theirs = opened([pymssql, mssql_python, pytds]), opened([psycopg, psycopg2])
for name, cursor, text in ours:
    for other, other_cursor, other_text in theirs:
        timed(cursor, text), timed(other_cursor, other_text)
        ratios = [1 / (timed(cursor, text) / timed(other_cursor, other_text)) for _ in range(ROUNDS)]
        print(name, other, f"{statistics.median(ratios):.3f}", sep="\t")
