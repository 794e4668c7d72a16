"""Microsoft's ODBC driver (which the package mssql-python-odbc carries), called directly: keyset and dynamic cursors, whose rows
SQLFetchScroll reads in blocks while others change them, and SQLSetPos changes, as ADO and programs in C do."""

import ctypes
import glob
import os

import mssql_python_odbc

import common
from common import check

package = os.path.dirname(mssql_python_odbc.__file__)
library = sorted(glob.glob(f"{package}/libs/linux/debian_ubuntu/*/lib/libmsodbcsql-*"))[0]
ctypes.CDLL(os.path.join(os.path.dirname(library), "libodbcinst.so.2"), mode=ctypes.RTLD_GLOBAL)
odbc = ctypes.CDLL(library)

ENV, DBC, STMT = 1, 2, 3
CONCURRENCY, CURSOR_TYPE, ROW_STATUS, ROWS_FETCHED, ROW_ARRAY_SIZE = 7, 6, 25, 26, 27
KEYSET, DYNAMIC = 1, 2
LOCK, VALUES = 2, 4
NEXT, FIRST, LAST, PRIOR, ABSOLUTE, RELATIVE = 1, 2, 3, 4, 5, 6
POSITION, REFRESH, UPDATE, DELETE, ADD = 0, 1, 2, 3, 4
IGNORE, NO_DATA = -6, 100
ROWS = 3
DEAD, ADDED = 1, 4


def wide(text):
    return ctypes.create_string_buffer((text + "\0").encode("utf-16-le"))


def allocate(kind, parent):
    handle = ctypes.c_void_p()
    assert odbc.SQLAllocHandle(ctypes.c_short(kind), parent, ctypes.byref(handle)) == 0
    return handle


def said(kind, handle):
    out = []
    for n in range(1, 5):
        state, native = ctypes.create_string_buffer(20), ctypes.c_int()
        text, length = ctypes.create_string_buffer(2000), ctypes.c_short()
        if odbc.SQLGetDiagRecW(ctypes.c_short(kind), handle, ctypes.c_short(n), state, ctypes.byref(native), text,
                               ctypes.c_short(1000), ctypes.byref(length)) not in (0, 1):
            break
        out.append((native.value, text.raw[:length.value * 2].decode("utf-16-le")))
    return out


environment = allocate(ENV, None)
odbc.SQLSetEnvAttr(environment, 200, ctypes.c_void_p(3), 0)


def connect():
    c = allocate(DBC, environment)
    text = (f"Driver={library};Server={common.HOST},{common.PORT};UID={common.USER};PWD={common.PASSWORD};"
            f"Database={os.environ.get('HOLDFAST_DATABASE', common.DATABASE)};TrustServerCertificate=yes")
    r = odbc.SQLDriverConnectW(c, None, wide(text), ctypes.c_short(-3), None, ctypes.c_short(0), None, ctypes.c_ushort(0))
    assert r in (0, 1), said(DBC, c)
    return c


def run(connection, text):
    s = allocate(STMT, connection)
    r = odbc.SQLExecDirectW(s, wide(text), -3)
    assert r in (0, 1, NO_DATA), said(STMT, s)
    odbc.SQLFreeHandle(ctypes.c_short(STMT), s)


def asked(connection, text):
    s = allocate(STMT, connection)
    assert odbc.SQLExecDirectW(s, wide(text), -3) in (0, 1), said(STMT, s)
    buffer, length = ctypes.create_string_buffer(4000), ctypes.c_long()
    odbc.SQLFetch(s)
    odbc.SQLGetData(s, ctypes.c_ushort(1), ctypes.c_short(1), buffer, ctypes.c_long(4000), ctypes.byref(length))
    odbc.SQLFreeHandle(ctypes.c_short(STMT), s)
    return buffer.value.decode()


class Cursor:
    def __init__(self, connection, kind, concurrency, text):
        self.s = allocate(STMT, connection)
        self.ids = (ctypes.c_int * (ROWS + 1))()
        self.id_lengths = (ctypes.c_long * (ROWS + 1))()
        self.names = ((ctypes.c_char * 32) * (ROWS + 1))()
        self.name_lengths = (ctypes.c_long * (ROWS + 1))()
        self.status = (ctypes.c_ushort * (ROWS + 1))()
        self.fetched = ctypes.c_ulong()
        for attribute, value in ((CURSOR_TYPE, kind), (CONCURRENCY, concurrency), (ROW_ARRAY_SIZE, ROWS)):
            odbc.SQLSetStmtAttrW(self.s, attribute, ctypes.c_void_p(value), 0)
        odbc.SQLSetStmtAttrW(self.s, ROW_STATUS, self.status, 0)
        odbc.SQLSetStmtAttrW(self.s, ROWS_FETCHED, ctypes.byref(self.fetched), 0)
        assert odbc.SQLExecDirectW(self.s, wide(text), -3) == 0, said(STMT, self.s)
        odbc.SQLBindCol(self.s, ctypes.c_ushort(1), ctypes.c_short(4), self.ids, ctypes.c_long(4), self.id_lengths)
        odbc.SQLBindCol(self.s, ctypes.c_ushort(2), ctypes.c_short(1), self.names, ctypes.c_long(32), self.name_lengths)

    def attribute(self, which):
        value = ctypes.c_ulong()
        odbc.SQLGetStmtAttrW(self.s, which, ctypes.byref(value), 0, None)
        return value.value

    def rows(self):
        one = lambda i: "-" if self.status[i] == DEAD else f"{self.ids[i]}:{self.names[i].value.decode()}"
        return " ".join(one(i) for i in range(self.fetched.value))

    def fetch(self, how, offset=0):
        r = odbc.SQLFetchScroll(self.s, ctypes.c_short(how), ctypes.c_long(offset))
        if r == NO_DATA:
            return ""
        assert r in (0, 1), said(STMT, self.s)
        return self.rows()

    def set(self, row, operation):
        """The errors of a change."""
        r = odbc.SQLSetPos(self.s, ctypes.c_ulong(row), ctypes.c_ushort(operation), ctypes.c_ushort(0))
        return [] if r == 0 else [number for number, _ in said(STMT, self.s)]

    def name(self, row, text):
        self.names[row - 1].value = text.encode()
        self.name_lengths[row - 1] = len(text)
        self.id_lengths[row - 1] = IGNORE

    def close(self):
        odbc.SQLFreeHandle(ctypes.c_short(STMT), self.s)


mine, others = connect(), connect()
for kind in (KEYSET, DYNAMIC):
    run(mine, "DROP TABLE IF EXISTS dbo.Piers; CREATE TABLE dbo.Piers(id int PRIMARY KEY, name varchar(20)); "
              "INSERT dbo.Piers VALUES (1,'a'), (2,'b'), (3,'c'), (4,'d'), (5,'e'), (6,'f'), (7,'g')")
    c = Cursor(mine, kind, VALUES, "SELECT id, name FROM dbo.Piers ORDER BY id")
    check("its kind", c.attribute(CURSOR_TYPE), kind)
    check("its concurrency", c.attribute(CONCURRENCY), VALUES)
    check("next", c.fetch(NEXT), "1:a 2:b 3:c")
    check("next", c.fetch(NEXT), "4:d 5:e 6:f")
    check("prior", c.fetch(PRIOR), "1:a 2:b 3:c")
    check("last", c.fetch(LAST), "5:e 6:f 7:g")
    check("relative", c.fetch(RELATIVE, -2), "3:c 4:d 5:e")
    if kind == KEYSET:
        check("absolute", c.fetch(ABSOLUTE, 6), "6:f 7:g")
    check("first", c.fetch(FIRST), "1:a 2:b 3:c")
    c.name(2, "two")
    check("an update", c.set(2, UPDATE), [])
    check("what it did", asked(others, "SELECT name FROM Piers WHERE id = 2"), "two")
    run(others, "UPDATE Piers SET name = 'theirs' WHERE id = 3")
    c.name(3, "mine")
    check("a conflict", 16934 in c.set(3, UPDATE), True)
    check("a refresh", (c.set(3, REFRESH), c.names[2].value), ([], b"theirs"))
    c.name(3, "mine")
    check("no conflict", c.set(3, UPDATE), [])
    check("a delete", c.set(1, DELETE), [])
    run(others, "DELETE Piers WHERE id = 5; INSERT Piers VALUES (0, 'new')")
    check("what is there", c.fetch(FIRST), {KEYSET: "- 2:two 3:mine", DYNAMIC: "0:new 2:two 3:mine"}[kind])
    check("and then", c.fetch(NEXT), {KEYSET: "4:d - 6:f", DYNAMIC: "4:d 6:f 7:g"}[kind])
    c.ids[ROWS], c.id_lengths[ROWS] = 20, 4
    c.names[ROWS].value, c.name_lengths[ROWS] = b"added", 5
    check("an insert", c.set(ROWS + 1, ADD), [])
    check("all", asked(others, "SELECT STRING_AGG(CONCAT(id, name), ' ') WITHIN GROUP (ORDER BY id) FROM Piers"),
          "0new 2two 3mine 4d 6f 7g 20added")
    c.close()
    run(others, "SET LOCK_TIMEOUT 100")
    c = Cursor(mine, kind, LOCK, "SELECT id, name FROM dbo.Piers ORDER BY id")
    check("its concurrency", c.attribute(CONCURRENCY), LOCK)
    c.fetch(NEXT)
    s = allocate(STMT, others)
    check("locked", odbc.SQLExecDirectW(s, wide("UPDATE Piers SET name = 'x' WHERE id = 3"), -3), -1)
    c.close()
    check("free", odbc.SQLExecDirectW(s, wide("UPDATE Piers SET name = 'x' WHERE id = 3"), -3), 0)
    odbc.SQLFreeHandle(ctypes.c_short(STMT), s)
run(mine, "DROP TABLE dbo.Piers")
common.finish()
