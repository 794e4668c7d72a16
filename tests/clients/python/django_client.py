"""Django with mssql-django and pyodbc over Microsoft's ODBC driver (which the package mssql-python-odbc carries): migrations of all
that Django brings, models with every common field, queries, transactions, introspection; and pyodbc's own fast_executemany, which
asks the server for the types of parameters."""

import datetime
import decimal
import glob
import io
import os
import sys
import tempfile

import common
from common import check

import mssql_python_odbc

DRIVER = "ODBC Driver 18 for SQL Server"
package = os.path.dirname(mssql_python_odbc.__file__)
libraries = sorted(glob.glob(f"{package}/libs/linux/debian_ubuntu/*/lib/libmsodbcsql-*"))
folder = tempfile.mkdtemp()
with open(os.path.join(folder, "odbcinst.ini"), "w") as f:
    f.write(f"[{DRIVER}]\nDriver={libraries[0]}\n")
os.environ["ODBCSYSINI"] = folder

import pyodbc

DATABASE = "client_django"
base = (f"DRIVER={{{DRIVER}}};SERVER={common.HOST},{common.PORT};UID={common.USER};PWD={common.PASSWORD};"
        "TrustServerCertificate=yes")
with pyodbc.connect(base, autocommit=True) as connection:
    connection.execute(f"IF DB_ID('{DATABASE}') IS NOT NULL DROP DATABASE {DATABASE}")
    connection.execute(f"CREATE DATABASE {DATABASE}")


def many():
    """NULLs and values of every type through sp_describe_undeclared_parameters."""
    connection = pyodbc.connect(f"{base};DATABASE={DATABASE}", autocommit=True)
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE many (a int, b varbinary(10), c date, d decimal(10, 2), e nvarchar(max), f time, g bit)")
    insert = "INSERT INTO many (a, b, c, d, e, f, g) VALUES (?, ?, ?, ?, ?, ?, ?)"
    cursor.execute(insert, 1, None, None, None, None, None, None)
    cursor.execute(insert + ", (?, ?, ?, ?, ?, ?, ?)", *[2, None, None, None, None, None, None] * 2)
    cursor.execute("UPDATE many SET b = ?, c = ? WHERE a = ?", None, datetime.date(2024, 2, 29), 1)
    cursor.fast_executemany = True
    rows = [(n, b"ab" if n % 3 else None, None if n % 5 else datetime.date(2024, 2, 29), decimal.Decimal("1.50"),
             "\u00e9" * (n * 10), None if n % 2 else datetime.time(1, 2, 3), True) for n in range(100, 400)]
    cursor.executemany(insert, rows)
    cursor.execute("SELECT COUNT(*), COUNT(b), COUNT(c), SUM(d), MAX(LEN(e)), COUNT(f), COUNT(g) FROM many")
    check("fast_executemany", tuple(cursor.fetchone()),
          (303, 200, 61, decimal.Decimal("450.00"), 3990, 150, 300))
    names = [c.column_name for c in cursor.columns(table="many")]
    check("SQLColumns", names, list("abcdefg"))
    connection.close()


many()

# An application of our own, so that its models are known to relations.
os.mkdir(os.path.join(folder, "shop"))
open(os.path.join(folder, "shop", "__init__.py"), "w").close()
sys.path.insert(0, folder)

from django.conf import settings

settings.configure(
    SECRET_KEY="client", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                    "django.contrib.sessions", "django.contrib.messages", "shop"],
    DATABASES={"default": {
        "ENGINE": "mssql", "NAME": DATABASE, "USER": common.USER, "PASSWORD": common.PASSWORD,
        "HOST": common.HOST, "PORT": str(common.PORT),
        "OPTIONS": {"driver": DRIVER, "extra_params": "TrustServerCertificate=yes"}}})

import django

django.setup()

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Sum, Window
from django.db.models.functions import RowNumber, TruncMonth
from django.utils import timezone


class Author(models.Model):
    name = models.CharField(max_length=100)
    born = models.DateField(null=True)

    class Meta:
        app_label = "shop"
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="named")]
        indexes = [models.Index(fields=["name"], name="born_authors", condition=Q(born__isnull=False))]


class Book(models.Model):
    title = models.CharField(max_length=200, db_index=True)
    price = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    published = models.DateTimeField(null=True)
    blob = models.BinaryField(null=True)
    data = models.JSONField(null=True)
    length = models.DurationField(null=True)
    code = models.UUIDField(null=True, unique=True)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")

    class Meta:
        app_label = "shop"
        unique_together = [("title", "author")]


def migrations():
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Author)
        editor.create_model(Book)
        field = models.IntegerField(default=7)
        field.set_attributes_from_name("pages")
        editor.add_field(Book, field)
        wider = models.BigIntegerField(null=True)
        wider.set_attributes_from_name("pages")
        editor.alter_field(Book, field, wider)
        editor.remove_field(Book, wider)
    tables = connection.introspection.table_names()
    check("tables", {"auth_user", "django_session", "shop_author", "shop_book"} <= set(tables), True)
    models_text = io.StringIO()
    call_command("inspectdb", "shop_book", stdout=models_text)
    check("inspectdb", "unique_together = (('title', 'author'),)" in models_text.getvalue(), True)
    with connection.cursor() as cursor:
        keys = connection.introspection.get_relations(cursor, "shop_book")
        check("relations", keys, {"author_id": ("id", "shop_author")})


def rows():
    user = User.objects.create_superuser("root", "root@example.com", "secret")
    user.groups.add(Group.objects.create(name="editors"))
    check("password", User.objects.get(groups__name="editors").check_password("secret"), True)
    ann = Author.objects.create(name="Ann \u65e5", born=datetime.date(1970, 1, 2))
    bob = Author.objects.create(name="Bob")
    moment = datetime.datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=datetime.timezone.utc)
    one = Book.objects.create(title="One", author=ann, price=decimal.Decimal("12.34"), published=moment, blob=b"\0\1",
                              data={"k": [1, None]}, length=datetime.timedelta(hours=3))
    one.refresh_from_db()
    check("values", (one.price, one.published, bytes(one.blob), one.data, one.length),
          (decimal.Decimal("12.34"), moment, b"\0\1", {"k": [1, None]}, datetime.timedelta(hours=3)))
    Book.objects.bulk_create([Book(title=f"B{n}", author=bob, price=n) for n in range(300)])
    totals = Author.objects.annotate(n=Count("books"), s=Sum("books__price")).order_by("name").values_list("n", "s")
    check("totals", list(totals), [(1, decimal.Decimal("12.34")), (300, decimal.Decimal("44850.00"))])
    check("page", [b.title for b in Book.objects.order_by("-price")[5:8]], ["B294", "B293", "B292"])
    check("subquery", list(Author.objects.annotate(top=Subquery(
        Book.objects.filter(author=OuterRef("pk")).order_by("-price").values("title")[:1])).order_by("id")
        .values_list("top", flat=True)), ["One", "B299"])
    check("exists", Author.objects.filter(Exists(Book.objects.filter(author=OuterRef("pk"), price__gt=100))).count(), 1)
    check("window", Book.objects.annotate(r=Window(RowNumber(), order_by=F("price").desc())).order_by("r")
          .values_list("title", "r")[0], ("B299", 1))
    check("json", Book.objects.filter(data__k__0=1).count(), 1)
    check("month", list(Book.objects.exclude(published=None).annotate(m=TruncMonth("published"))
                        .values_list("m", flat=True))[0].day, 1)
    check("update", Book.objects.filter(author=bob).update(price=F("price") * 2), 300)
    try:
        with transaction.atomic():
            Book.objects.create(title="kept?", author=bob)
            try:
                with transaction.atomic():
                    Book.objects.create(title="One", author=ann)
            except IntegrityError as e:
                check("duplicate", "2627" in str(e) or "2601" in str(e), True)
            raise ValueError
    except ValueError:
        check("rolled back", Book.objects.filter(title="kept?").exists(), False)
    with transaction.atomic():
        check("locked", Book.objects.select_for_update(skip_locked=True).get(title="One").pk, one.pk)
    bob.delete()
    check("cascade", Book.objects.count(), 1)


migrations()
rows()
connection.close()
common.finish()
