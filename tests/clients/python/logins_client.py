"""Logins that may little, through pymssql: what they are refused, and with which numbers."""

import pymssql

import common
from common import check

DATABASE = "LoginsClient"
PASSWORD = "Str0ng-pass"


def connect(user, password=PASSWORD, database=""):
    return pymssql.connect(
        server=common.HOST, port=common.PORT, user=user, password=password, database=database,
        autocommit=True, login_timeout=20)


def refused(number, f):
    """The number or a text of the error that `f` ends with."""
    try:
        f()
    except pymssql.Error as e:
        check(f"{number}", str(number) in str(e), True)
        return
    raise AssertionError(f"{number} expected, and nothing was refused")


def prepare(sa):
    sa.execute(f"IF DB_ID('{DATABASE}') IS NOT NULL DROP DATABASE {DATABASE}")
    for login in ("clerk", "stranger", "locked"):
        sa.execute(f"DROP LOGIN IF EXISTS {login}")
        sa.execute(f"CREATE LOGIN {login} WITH PASSWORD = '{PASSWORD}'")
    sa.execute(f"CREATE DATABASE {DATABASE}")
    sa.execute(f"USE {DATABASE}")
    sa.execute("CREATE USER clerk FOR LOGIN clerk")
    sa.execute("CREATE TABLE dbo.Prices (Id int PRIMARY KEY, Price money, Cost money)")
    sa.execute("INSERT dbo.Prices VALUES (1, 10, 4), (2, 20, 8)")
    sa.execute("GRANT SELECT ON dbo.Prices (Id, Price) TO clerk")
    sa.execute("ALTER LOGIN locked DISABLE")


def logins():
    with connect("sa", common.PASSWORD) as connection:
        sa = connection.cursor()
        prepare(sa)
        # First: db-library keeps the number of the first login that failed.
        refused(18470, lambda: connect("locked"))
        with connect("clerk", database=DATABASE) as c:
            cursor = c.cursor()
            cursor.execute("SELECT USER_NAME(), SUSER_SNAME(), IS_SRVROLEMEMBER('sysadmin')")
            check("who", cursor.fetchone(), ("clerk", "clerk", 0))
            cursor.execute("SELECT Id, Price FROM dbo.Prices WHERE Id = %d", (2,))
            check("granted columns", [(r[0], float(r[1])) for r in cursor.fetchall()], [(2, 20.0)])
            refused(230, lambda: cursor.execute("SELECT * FROM dbo.Prices"))
            refused(229, lambda: cursor.execute("UPDATE dbo.Prices SET Price = 0"))
            refused(262, lambda: cursor.execute("CREATE TABLE dbo.Mine (Id int)"))
            refused(15247, lambda: cursor.execute("CREATE LOGIN another WITH PASSWORD = 'Str0ng-pass'"))
            refused(15151, lambda: cursor.execute("ALTER LOGIN sa WITH PASSWORD = 'Str0ng-pass'"))
            refused(916, lambda: cursor.execute("SELECT * FROM Harbour.dbo.Products"))
            sa.execute("GRANT UPDATE ON dbo.Prices TO clerk")
            cursor.execute("UPDATE dbo.Prices SET Price = 11 WHERE Id = 1")
            check("granted while connected", cursor.rowcount, 1)
            sa.execute("REVOKE UPDATE ON dbo.Prices FROM clerk")
            refused(229, lambda: cursor.execute("UPDATE dbo.Prices SET Price = 11"))
            cursor.execute(f"ALTER LOGIN clerk WITH PASSWORD = 'An0ther-pass' OLD_PASSWORD = '{PASSWORD}'")
        refused("connection failed", lambda: connect("clerk"))
        connect("clerk", "An0ther-pass").close()
        refused("connection failed", lambda: connect("stranger", database=DATABASE))
        connect("stranger").close()
        sa.execute("USE master")
        sa.execute(f"DROP DATABASE {DATABASE}")
        for login in ("clerk", "stranger", "locked"):
            sa.execute(f"DROP LOGIN {login}")


common.main(logins)
