"""SQLAlchemy over pymssql: what its dialect asks on connecting, reflection, Core and ORM reads."""

from urllib.parse import quote_plus

import sqlalchemy as sa
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session

import common
from common import check

engine = sa.create_engine(
    f"mssql+pymssql://{common.USER}:{quote_plus(common.PASSWORD)}@{common.HOST}:{common.PORT}/{common.DATABASE}",
    isolation_level="AUTOCOMMIT")


def core():
    with engine.connect() as connection:
        check("scalar", connection.scalar(sa.text("SELECT 40 + :n"), {"n": 2}), 42)
        check("bound text", connection.scalar(sa.text("SELECT :t"), {"t": "O'Neil \u65e5"}), "O'Neil \u65e5")


def reflection():
    inspector = sa.inspect(engine)
    check("schemas", "dbo" in inspector.get_schema_names(), True)
    names = set(inspector.get_table_names())
    check("tables", {"Customers", "Products", "Orders", "OrderLines", "EveryType"} <= names, True)
    columns = {c["name"]: c for c in inspector.get_columns("Customers")}
    check("columns", list(columns), ["CustomerID", "Name", "City", "Email", "Since", "IsActive"])
    check("nullable", (columns["Email"]["nullable"], columns["Name"]["nullable"]), (True, False))
    check("type", str(columns["Name"]["type"]).split(" ")[0], "NVARCHAR(80)")
    check("primary key", inspector.get_pk_constraint("Customers")["constrained_columns"], ["CustomerID"])
    inspector.get_foreign_keys("Orders")
    inspector.get_indexes("Orders")


def orm():
    metadata = sa.MetaData()
    metadata.reflect(engine, only=["Customers", "Orders"])
    base = automap_base(metadata=metadata)
    base.prepare()
    customer, order = base.classes.Customers, base.classes.Orders
    with Session(engine) as session:
        first = session.get(customer, 1)
        check("by key", first.CustomerID, 1)
        check("count", session.scalar(sa.select(sa.func.count()).select_from(customer)), 500)
        page = session.scalars(sa.select(order).order_by(order.OrderID).offset(10).limit(5)).all()
        check("page", [o.OrderID for o in page], [11, 12, 13, 14, 15])
        joined = session.execute(
            sa.select(customer.City, sa.func.count()).join(order, order.CustomerID == customer.CustomerID)
            .group_by(customer.City).order_by(sa.func.count().desc())).all()
        check("join and group", sum(r[1] for r in joined), 5000)


common.main(core, reflection, orm)
