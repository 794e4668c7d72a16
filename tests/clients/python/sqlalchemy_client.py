"""SQLAlchemy over pymssql and mssql-python: what its dialects ask on connecting, reflection of every table of the sample and of
the genuine databases that the server restored, Core and ORM reads."""

import importlib.util
import os
from urllib.parse import quote_plus

import sqlalchemy as sa
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session, configure_mappers, joinedload, selectinload, subqueryload

import common
from common import check


def engine_of(database, driver="pymssql"):
    query = "?encrypt=yes&TrustServerCertificate=yes" if driver == "mssqlpython" else ""
    return sa.create_engine(
        f"mssql+{driver}://{common.USER}:{quote_plus(common.PASSWORD)}@{common.HOST}:{common.PORT}/{database}{query}",
        isolation_level="AUTOCOMMIT")


engine = engine_of(common.DATABASE)


def drivers():
    engines = [engine]
    if importlib.util.find_spec("sqlalchemy.dialects.mssql.mssqlpython"):
        engines.append(engine_of(common.DATABASE, "mssqlpython"))
    for e in engines:
        with e.connect() as connection:
            check(f"scalar with {e.driver}", connection.scalar(sa.text("SELECT 40 + :n"), {"n": 2}), 42)
            check("bound text", connection.scalar(sa.text("SELECT :t"), {"t": "O'Neil \u65e5"}), "O'Neil \u65e5")
        check("tables", "Customers" in sa.inspect(e).get_table_names(), True)


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


def genuine():
    """Every table and view of every restored genuine database reflects, and what is reflected reads."""
    for database in filter(None, os.environ.get("HOLDFAST_GENUINE", "").split(",")):
        genuine_engine = engine_of(database)
        inspector = sa.inspect(genuine_engine)
        metadata = sa.MetaData()
        for schema in inspector.get_schema_names():
            if schema in ("sys", "INFORMATION_SCHEMA") or schema.startswith("db_"):
                continue
            metadata.reflect(genuine_engine, schema=schema, views=True)
            for what in ("get_multi_indexes", "get_multi_unique_constraints", "get_multi_check_constraints",
                         "get_multi_table_comment", "get_multi_foreign_keys", "get_multi_pk_constraint"):
                try:
                    getattr(inspector, what)(schema=schema)
                except NotImplementedError:
                    pass
            for view in inspector.get_view_names(schema):
                check(f"definition of {database}.{schema}.{view}", bool(inspector.get_view_definition(view, schema)), True)
        check(f"{database} has tables", len(metadata.tables) > 0, True)
        unknown = [str(c) for t in metadata.tables.values() for c in t.columns if isinstance(c.type, sa.types.NullType)]
        unread = set()
        with genuine_engine.connect() as connection:
            real = {f"{t}.{c}": y for t, c, y in connection.execute(sa.text(
                "SELECT SCHEMA_NAME(o.schema_id) + '.' + o.name, c.name, TYPE_NAME(c.system_type_id) FROM sys.columns c "
                "JOIN sys.objects o ON o.object_id = c.object_id"))}
            for name in unknown:
                # The dialect knows no CLR types.
                full = name if name.count(".") == 2 else f"dbo.{name}"
                if real.get(full) not in (None, "geography", "geometry", "hierarchyid"):
                    unread.add(name)
            check(f"types of {database} that were not understood", unread, set())
            for table in metadata.tables.values():
                columns = [c for c in table.columns if not isinstance(c.type, sa.types.NullType)]
                connection.execute(sa.select(*columns).limit(3)).fetchall()
                check(f"rows of {table}", connection.scalar(sa.select(sa.func.count()).select_from(table)) >= 0, True)


def northwind():
    if "NORTHWND" not in os.environ.get("HOLDFAST_GENUINE", ""):
        return
    nw = engine_of("NORTHWND")
    inspector = sa.inspect(nw)
    keys = {k["name"]: k for k in inspector.get_foreign_keys("Orders")}
    check("foreign keys", sorted(keys), ["FK_Orders_Customers", "FK_Orders_Employees", "FK_Orders_Shippers"])
    check("a foreign key", (keys["FK_Orders_Shippers"]["constrained_columns"], keys["FK_Orders_Shippers"]["referred_table"],
                            keys["FK_Orders_Shippers"]["referred_columns"]), (["ShipVia"], "Shippers", ["ShipperID"]))
    check("a key of two columns", inspector.get_pk_constraint("Order Details")["constrained_columns"], ["OrderID", "ProductID"])
    check("indexes", {i["name"] for i in inspector.get_indexes("Orders")} >= {"OrderDate", "ShippedDate"}, True)
    order_id = next(c for c in inspector.get_columns("Orders") if c["name"] == "OrderID")
    check("identity", (order_id["autoincrement"], order_id["identity"]["start"]), (True, 1))
    freight = next(c for c in inspector.get_columns("Orders") if c["name"] == "Freight")
    check("a default", freight["default"], "(0)")
    metadata = sa.MetaData()
    metadata.reflect(nw, only=["Customers", "Orders", "Order Details", "Products", "Employees", "Shippers"])
    base = automap_base(metadata=metadata)
    base.prepare()
    configure_mappers()
    customer, order, line = base.classes.Customers, base.classes.Orders, base.classes["Order Details"]
    orders = order.__table__
    with Session(nw) as session:
        for load in (joinedload, selectinload, subqueryload):
            loaded = session.scalars(
                sa.select(customer).where(customer.CustomerID.in_(["ALFKI", "VINET"])).order_by(customer.CustomerID)
                .options(load(customer.orders_collection))).unique().all()
            check(f"orders with {load.__name__}", [len(c.orders_collection) for c in loaded], [6, 5])
            session.expunge_all()
        first = session.get(order, 10248)
        check("lazy loading", (first.customers.CustomerID.strip(), len(getattr(first, "order details_collection"))), ("VINET", 3))
        busy = session.execute(
            sa.select(customer.CustomerID, sa.func.count().label("n")).join(order).group_by(customer.CustomerID)
            .having(sa.func.count() > 25).order_by(sa.desc("n"))).all()
        check("group, having", [tuple(r) for r in busy], [("SAVEA", 31), ("ERNSH", 30), ("QUICK", 28)])
        ranked = (sa.select(order.CustomerID, order.OrderID, sa.func.row_number().over(
            partition_by=order.CustomerID, order_by=order.OrderDate.desc()).label("r"))).cte("ranked")
        latest = session.execute(sa.select(ranked.c.OrderID).where(ranked.c.r == 1, ranked.c.CustomerID == "ALFKI")).scalar()
        check("window in a CTE", latest, 11011)
        employee = base.classes.Employees
        tree = sa.select(employee.EmployeeID, sa.literal(0).label("depth")).where(employee.ReportsTo.is_(None)).cte("tree", recursive=True)
        tree = tree.union_all(sa.select(employee.EmployeeID, tree.c.depth + 1).join(tree, employee.ReportsTo == tree.c.EmployeeID))
        depths = session.execute(sa.select(tree.c.depth, sa.func.count()).group_by(tree.c.depth).order_by(tree.c.depth)).all()
        check("a recursive CTE", [tuple(r) for r in depths], [(0, 1), (1, 5), (2, 3)])
        spent = (sa.select(sa.func.sum(line.UnitPrice * line.Quantity)).where(line.OrderID == order.OrderID).correlate(orders).scalar_subquery())
        dear = session.execute(sa.select(order.OrderID).order_by(spent.desc()).limit(1)).scalar()
        check("a correlated subquery", dear, 10865)
        page = session.scalars(sa.select(order.OrderID).order_by(order.OrderID).offset(100).limit(3)).all()
        check("a page", page, [10348, 10349, 10350])
        without = session.scalars(sa.select(customer.CustomerID).where(~sa.exists().where(order.CustomerID == customer.CustomerID))
                                  .order_by(customer.CustomerID)).all()
        check("not exists", without, ["FISSA", "PARIS"])
        both = session.execute(sa.union(sa.select(customer.City), sa.select(employee.City)).order_by("City")).all()
        check("union", len(both) > 60, True)
        when = session.execute(sa.select(sa.case((order.Freight > 100, "dear"), else_="cheap").label("k"), sa.func.count())
                               .group_by(sa.case((order.Freight > 100, "dear"), else_="cheap")).order_by("k")).all()
        check("case", sum(r[1] for r in when), 830)
    with engine_of("NORTHWND").connect() as connection:
        with connection.execution_options(isolation_level="READ COMMITTED").begin():
            check("in a transaction", connection.scalar(sa.select(sa.func.count()).select_from(orders)), 830)


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


common.main(drivers, reflection, orm, northwind, genuine)
