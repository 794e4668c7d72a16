// Microsoft's JDBC driver: encryption, types, prepared statements, scrollable server cursors, metadata, cancel.

import java.math.BigDecimal;
import java.sql.*;
import java.util.*;

public class Jdbc {
    static int checks = 0;
    static final String LONG = "SELECT COUNT_BIG(*) FROM dbo.OrderLines a CROSS JOIN dbo.OrderLines b "
        + "CROSS JOIN dbo.OrderLines c WHERE a.Quantity + b.Quantity + c.Quantity = -1";

    static void check(String what, Object got, Object expected) {
        checks++;
        if (!Objects.equals(got, expected)) {
            throw new AssertionError(what + ": got " + got + ", expected " + expected);
        }
    }

    static Connection connect(String more, String password) throws SQLException {
        String host = System.getenv().getOrDefault("HOLDFAST_HOST", "127.0.0.1");
        String port = System.getenv().getOrDefault("HOLDFAST_PORT", "1433");
        String url = "jdbc:sqlserver://" + host + ":" + port + ";databaseName=Harbour;loginTimeout=20;" + more;
        return DriverManager.getConnection(url, "sa", password);
    }

    static Connection connect(String more) throws SQLException {
        return connect(more, System.getenv("HOLDFAST_PASSWORD"));
    }

    static Object one(Connection c, String text) throws SQLException {
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery(text)) {
            r.next();
            return r.getObject(1);
        }
    }

    static void fails(Connection c, String text, int number) throws SQLException {
        try {
            one(c, text);
        } catch (SQLException e) {
            check("error of " + text, e.getErrorCode(), number);
            check("line of " + text, ((com.microsoft.sqlserver.jdbc.SQLServerException) e).getSQLServerError().getLineNumber(), 1L);
            check("class of " + text, ((com.microsoft.sqlserver.jdbc.SQLServerException) e).getSQLServerError().getErrorSeverity(), 16);
            return;
        }
        throw new AssertionError(text + ": no error");
    }

    static void types(Connection c) throws SQLException {
        Object[][] literals = {
            {"CAST(1 AS bit)", true}, {"CAST(255 AS tinyint)", (short) 255}, {"CAST(-32768 AS smallint)", (short) -32768},
            {"CAST(-7 AS int)", -7}, {"CAST(9223372036854775807 AS bigint)", 9223372036854775807L},
            {"CAST('123.45' AS decimal(5,2))", new BigDecimal("123.45")}, {"CAST('-12.5' AS money)", new BigDecimal("-12.5000")},
            {"CAST(1.5 AS real)", 1.5f}, {"CAST(-0.1 AS float)", -0.1},
            {"CAST('2024-02-29' AS date)", java.sql.Date.valueOf("2024-02-29")},
            {"CAST('2024-02-29 12:34:56.1234567' AS datetime2(7))", Timestamp.valueOf("2024-02-29 12:34:56.1234567")},
            {"CAST('1999-12-31T23:59:59' AS datetime)", Timestamp.valueOf("1999-12-31 23:59:59")},
            {"CAST('abc' AS char(5))", "abc  "}, {"CAST('na\u00efve' AS varchar(20))", "na\u00efve"},
            {"N'\u65e5\u672c'", "\u65e5\u672c"}, {"REPLICATE(CAST(N'\u65e5' AS nvarchar(max)), 20000)", "\u65e5".repeat(20000)},
            {"CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)", "6F9619FF-8B86-D011-B42D-00C04FC964FF"},
            {"REPLICATE(CAST('x' AS varchar(max)), 20000)", "x".repeat(20000)}, {"CAST(N'\u65e5' AS nchar(3))", "\u65e5  "},
            {"CAST('214748.3647' AS smallmoney)", new BigDecimal("214748.3647")},
            {"CAST('-12345678901234567890.0123456789' AS decimal(38,10))", new BigDecimal("-12345678901234567890.0123456789")},
            {"CAST('2024-02-29T12:34:00' AS smalldatetime)", Timestamp.valueOf("2024-02-29 12:34:00")},
            {"CAST('23:59:59' AS time(0))", java.sql.Time.valueOf("23:59:59")},
            {"CAST(CAST(7 AS int) AS sql_variant)", 7}, {"CAST(N'v' AS sql_variant)", "v"},
            {"CAST(NULL AS nvarchar(10))", null}, {"CAST(NULL AS int)", null}, {"CAST(NULL AS sql_variant)", null},
            {"CAST(NULL AS xml)", null}, {"CAST(NULL AS datetimeoffset)", null}, {"CAST(NULL AS varbinary(max))", null}};
        for (Object[] l : literals) {
            check((String) l[0], one(c, "SELECT " + l[0]), l[1]);
        }
        check("binary", Arrays.equals((byte[]) one(c, "SELECT CAST(0x0102 AS binary(4))"), new byte[] {1, 2, 0, 0}), true);
        check("varbinary(max)", ((byte[]) one(c, "SELECT CAST(REPLICATE(CAST('ab' AS varchar(max)), 10000) AS varbinary(max))")).length, 20000);
        check("xml", text(c, "SELECT CAST('<a b=\"1\"/>' AS xml)"), "<a b=\"1\"/>");
        check("datetimeoffset", one(c, "SELECT CAST('2024-02-29 12:34:56.1234567 +02:00' AS datetimeoffset(7))").toString(),
            "2024-02-29 12:34:56.1234567 +02:00");
        check("hierarchyid as bytes", Arrays.equals((byte[]) one(c, "SELECT CAST('/1/' AS hierarchyid)"), new byte[] {0x58}), true);
        check("hierarchyid as text", text(c, "SELECT CAST('/1/3/' AS hierarchyid).ToString()"), "/1/3/");
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT CAST(0xE6100000010C000000000000F03F0000000000000040 AS geography), CAST(0x00000000010C00000000000008400000000000001040 AS geometry)")) {
            r.next();
            var native_ = (com.microsoft.sqlserver.jdbc.SQLServerResultSet) r;
            check("geography", native_.getGeography(1).getLatitude(), 1.0);
            check("geometry", native_.getGeometry(2).getX(), 3.0);
        }
    }

    static String text(Connection c, String statement) throws SQLException {
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery(statement)) {
            r.next();
            return r.getString(1);
        }
    }

    static Object parameter(Connection c, String expression, Setter setter) throws SQLException {
        try (PreparedStatement p = c.prepareStatement("SELECT " + expression)) {
            Object last = null;
            // The first call goes as a text, the second prepares, the third executes what was prepared.
            for (int i = 0; i < 3; i++) {
                setter.set(p);
                try (ResultSet r = p.executeQuery()) {
                    r.next();
                    Object now = r.getObject(1);
                    if (i > 0 && !Objects.deepEquals(now, last)) {
                        throw new AssertionError(expression + ": " + last + ", then " + now);
                    }
                    last = now;
                }
            }
            return last;
        }
    }

    interface Setter {
        void set(PreparedStatement p) throws SQLException;
    }

    static void parameters(Connection c) throws Exception {
        check("bit", parameter(c, "?", p -> p.setBoolean(1, true)), true);
        check("tinyint", parameter(c, "?", p -> p.setByte(1, (byte) 7)), (short) 7);
        check("smallint", parameter(c, "?", p -> p.setShort(1, (short) -7)), (short) -7);
        check("int", parameter(c, "?", p -> p.setInt(1, -7)), -7);
        check("bigint", parameter(c, "?", p -> p.setLong(1, Long.MIN_VALUE)), Long.MIN_VALUE);
        check("float from a float", parameter(c, "?", p -> p.setFloat(1, 1.5f)), 1.5);
        check("float", parameter(c, "?", p -> p.setDouble(1, -0.1)), -0.1);
        check("decimal", parameter(c, "?", p -> p.setBigDecimal(1, new BigDecimal("-123.4500"))), new BigDecimal("-123.4500"));
        check("nvarchar", parameter(c, "?", p -> p.setNString(1, "\u65e5\u672c")), "\u65e5\u672c");
        check("nvarchar(max)", parameter(c, "?", p -> p.setString(1, "\u65e5".repeat(9000))), "\u65e5".repeat(9000));
        check("streamed text", parameter(c, "?", p -> p.setCharacterStream(1, new java.io.StringReader("y".repeat(9000)))), "y".repeat(9000));
        check("varbinary", ((byte[]) parameter(c, "?", p -> p.setBytes(1, new byte[] {1, 2, 3}))).length, 3);
        check("varbinary(max)", ((byte[]) parameter(c, "?", p -> p.setBytes(1, new byte[9000]))).length, 9000);
        check("date", parameter(c, "?", p -> p.setDate(1, java.sql.Date.valueOf("2024-02-29"))), java.sql.Date.valueOf("2024-02-29"));
        check("time", parameter(c, "?", p -> p.setTime(1, java.sql.Time.valueOf("12:34:56"))).toString(), "1970-01-01 12:34:56.0");
        check("datetime2", parameter(c, "?", p -> p.setTimestamp(1, Timestamp.valueOf("2024-02-29 12:34:56.1234567"))),
            Timestamp.valueOf("2024-02-29 12:34:56.1234567"));
        check("datetimeoffset", parameter(c, "?", p -> p.setObject(1, java.time.OffsetDateTime.parse("2024-02-29T12:34:56+02:00"))).toString(),
            "2024-02-29 12:34:56 +02:00");
        check("uniqueidentifier", parameter(c, "?", p -> p.setObject(1, "6F9619FF-8B86-D011-B42D-00C04FC964FF", microsoft.sql.Types.GUID)),
            "6F9619FF-8B86-D011-B42D-00C04FC964FF");
        check("xml", parameter(c, "CAST(? AS nvarchar(max))", p -> {
            SQLXML x = c.createSQLXML();
            x.setString("<a/>");
            p.setSQLXML(1, x);
        }), "<a/>");
        check("variant", parameter(c, "SQL_VARIANT_PROPERTY(?, 'BaseType')", p -> p.setObject(1, 5, microsoft.sql.Types.SQL_VARIANT)) != null, true);
        for (int type : new int[] {Types.INTEGER, Types.VARCHAR, Types.NVARCHAR, Types.DECIMAL, Types.TIMESTAMP, Types.VARBINARY, Types.BIT, Types.DATE}) {
            check("NULL of type " + type, parameter(c, "?", p -> p.setNull(1, type)), null);
        }
        var table = new com.microsoft.sqlserver.jdbc.SQLServerDataTable();
        table.addColumnMetadata("product_id", Types.INTEGER);
        table.addColumnMetadata("label", Types.NVARCHAR);
        table.addRow(1, "a");
        table.addRow(2, null);
        try (Statement s = c.createStatement()) {
            s.execute("IF TYPE_ID('dbo.KeyList') IS NULL CREATE TYPE dbo.KeyList AS TABLE(product_id int PRIMARY KEY, label nvarchar(20) NULL)");
        }
        try (var p = (com.microsoft.sqlserver.jdbc.SQLServerPreparedStatement) c.prepareStatement("SELECT COUNT(*), MAX(label) FROM ?")) {
            p.setStructured(1, "dbo.KeyList", table);
            try (ResultSet r = p.executeQuery()) {
                r.next();
                check("table-valued parameter", r.getInt(1), 2);
                check("a value of it", r.getString(2), "a");
            }
        }
        table.addRow(1, "again");
        try (var p = (com.microsoft.sqlserver.jdbc.SQLServerPreparedStatement) c.prepareStatement("SELECT COUNT(*) FROM ?")) {
            p.setStructured(1, "dbo.KeyList", table);
            int number = 0;
            try (ResultSet r = p.executeQuery()) {
                r.next();
            } catch (SQLException e) {
                number = e.getErrorCode();
            }
            check("the key of its type", number, 2627);
        }
    }

    static void describing(Connection c) throws SQLException {
        try (PreparedStatement p = c.prepareStatement("SELECT Name, CustomerID, Since FROM dbo.Customers WHERE CustomerID = ? AND Name LIKE ?")) {
            ResultSetMetaData m = p.getMetaData();
            check("columns of a prepared statement", m.getColumnCount(), 3);
            check("their types", m.getColumnTypeName(1) + " " + m.getPrecision(1) + " " + m.getColumnTypeName(2), "nvarchar 80 int");
            ParameterMetaData q = p.getParameterMetaData();
            check("parameters of a prepared statement", q.getParameterCount() + " " + q.getParameterTypeName(1), "2 int");
        }
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT * FROM dbo.EveryType WHERE 1 = 0")) {
            check("columns of EveryType", r.getMetaData().getColumnCount(), 21);
        }
    }

    static void transactions(Connection c) throws SQLException {
        c.setAutoCommit(false);
        check("rows in a transaction", one(c, "SELECT COUNT(*) FROM dbo.Customers"), 500);
        check("a transaction is open", one(c, "SELECT @@TRANCOUNT"), 1);
        Savepoint point = c.setSavepoint("here");
        one(c, "SELECT 1");
        c.rollback(point);
        c.rollback();
        one(c, "SELECT 1");
        c.commit();
        c.setAutoCommit(true);
        check("no transaction is open", one(c, "SELECT @@TRANCOUNT"), 0);
        for (int level : new int[] {Connection.TRANSACTION_READ_UNCOMMITTED, Connection.TRANSACTION_SERIALIZABLE, Connection.TRANSACTION_READ_COMMITTED}) {
            c.setTransactionIsolation(level);
            check("isolation", c.getTransactionIsolation(), level);
            one(c, "SELECT COUNT(*) FROM dbo.Products");
        }
    }

    static void results(Connection c) throws SQLException {
        try (Statement s = c.createStatement()) {
            check("first is a result", s.execute("SELECT 1; SELECT 'x', 2"), true);
            try (ResultSet r = s.getResultSet()) {
                r.next();
                check("first set", r.getInt(1), 1);
            }
            check("there is a second", s.getMoreResults(), true);
            try (ResultSet r = s.getResultSet()) {
                r.next();
                check("second set", r.getString(1) + r.getInt(2), "x2");
            }
            check("no third", s.getMoreResults() || s.getUpdateCount() != -1, false);
            int rows = 0;
            try (ResultSet r = s.executeQuery("SELECT * FROM dbo.OrderLines")) {
                while (r.next()) rows++;
            }
            check("rows of OrderLines", rows, 15000);
        }
        fails(c, "SELECT * FROM dbo.Nowhere", 208);
        fails(c, "SELECT 1/0", 8134);
    }

    static void prepared(Connection c) throws SQLException {
        try (PreparedStatement p = c.prepareStatement("SELECT ?, ?, ?, ?, ?")) {
            for (int i = 0; i < 4; i++) {
                p.setInt(1, i);
                p.setString(2, "O'Neil \u65e5");
                p.setBigDecimal(3, new BigDecimal("12.50"));
                p.setNull(4, Types.NVARCHAR);
                p.setTimestamp(5, Timestamp.valueOf("2024-02-29 12:34:56.123"));
                try (ResultSet r = p.executeQuery()) {
                    r.next();
                    check("prepared " + i, r.getInt(1), i);
                    check("prepared text", r.getString(2), "O'Neil \u65e5");
                    check("prepared decimal", r.getBigDecimal(3), new BigDecimal("12.50"));
                    check("prepared NULL", r.getString(4), null);
                    check("prepared time", r.getTimestamp(5), Timestamp.valueOf("2024-02-29 12:34:56.123"));
                }
            }
        }
        try (PreparedStatement p = c.prepareStatement("SELECT Name FROM dbo.Customers WHERE CustomerID = ?")) {
            for (int i = 1; i <= 5; i++) {
                p.setInt(1, i);
                try (ResultSet r = p.executeQuery()) {
                    check("row of customer " + i, r.next(), true);
                }
            }
        }
    }

    static void cursor(Connection c) throws SQLException {
        try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY)) {
            s.setFetchSize(10);
            try (ResultSet r = s.executeQuery("SELECT CustomerID, Name FROM dbo.Customers ORDER BY CustomerID")) {
                check("columns of a cursor", r.getMetaData().getColumnCount(), 2);
                check("last", r.last() ? r.getInt(1) : -1, 500);
                check("its number", r.getRow(), 500);
                check("first", r.first() ? r.getInt(1) : -1, 1);
                check("absolute", r.absolute(250) ? r.getInt(1) : -1, 250);
                check("relative", r.relative(-3) ? r.getInt(1) : -1, 247);
                check("previous", r.previous() ? r.getInt(1) : -1, 246);
                int n = 0;
                r.beforeFirst();
                while (r.next()) n++;
                check("all", n, 500);
            }
        }
    }

    /// Rows of a metadata call as `a|b`, of the named columns.
    static List<String> rows(ResultSet r, String... columns) throws SQLException {
        List<String> out = new ArrayList<>();
        try (r) {
            while (r.next()) {
                StringJoiner j = new StringJoiner("|");
                for (String c : columns) j.add(String.valueOf(r.getObject(c)));
                out.add(j.toString());
            }
        }
        return out;
    }

    static void metadata(Connection c) throws SQLException {
        DatabaseMetaData m = c.getMetaData();
        check("product", m.getDatabaseProductName(), "Microsoft SQL Server");
        check("user", m.getUserName(), "sa");
        check("catalogs", rows(m.getCatalogs(), "TABLE_CAT").contains("Harbour"), true);
        check("schemas", rows(m.getSchemas(), "TABLE_SCHEM").contains("dbo"), true);
        check("table types", rows(m.getTableTypes(), "TABLE_TYPE").containsAll(List.of("SYSTEM TABLE", "TABLE", "VIEW")), true);
        check("tables", rows(m.getTables("Harbour", "dbo", "%", new String[] {"TABLE"}), "TABLE_NAME"),
            List.of("Customers", "EveryType", "OrderLines", "Orders", "Products"));
        check("all tables", rows(m.getTables(null, null, "%", null), "TABLE_SCHEM", "TABLE_NAME").contains("sys|objects"), true);
        check("columns", rows(m.getColumns("Harbour", "dbo", "Customers", "%"), "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "COLUMN_SIZE", "NULLABLE", "IS_AUTOINCREMENT"),
            List.of(CUSTOMERS));
        check("columns of EveryType", rows(m.getColumns(null, null, "EveryType", null), "COLUMN_NAME").size(), 21);
        check("primary key", rows(m.getPrimaryKeys(null, "dbo", "Customers"), "COLUMN_NAME", "KEY_SEQ"), List.of("CustomerID|1"));
        rows(m.getImportedKeys(null, "dbo", "Orders"), "PKTABLE_NAME", "FKTABLE_NAME", "UPDATE_RULE");
        rows(m.getExportedKeys(null, "dbo", "Customers"), "PKTABLE_NAME");
        rows(m.getCrossReference(null, "dbo", "Customers", null, "dbo", "Orders"), "FK_NAME");
        check("indexes", rows(m.getIndexInfo(null, "dbo", "Customers", true, false), "NON_UNIQUE", "COLUMN_NAME").contains("0|CustomerID"), true);
        check("best row", rows(m.getBestRowIdentifier(null, "dbo", "Customers", DatabaseMetaData.bestRowTransaction, true), "COLUMN_NAME"), List.of("CustomerID"));
        rows(m.getVersionColumns(null, "dbo", "EveryType"), "COLUMN_NAME");
        rows(m.getProcedures(null, null, "%"), "PROCEDURE_NAME");
        rows(m.getProcedureColumns(null, null, "%", "%"), "COLUMN_NAME");
        rows(m.getFunctions(null, null, "%"), "FUNCTION_NAME");
        rows(m.getFunctionColumns(null, null, "%", "%"), "COLUMN_NAME");
        rows(m.getTablePrivileges(null, "dbo", "Customers"), "PRIVILEGE");
        check("column privileges", rows(m.getColumnPrivileges(null, "dbo", "Customers", "Name"), "PRIVILEGE").contains("SELECT"), true);
        List<String> types = rows(m.getTypeInfo(), "TYPE_NAME");
        check("types", types.containsAll(List.of("int", "datetimeoffset", "xml", "sql_variant", "nvarchar")), true);
        m.getMaxConnections();
        rows(m.getUDTs(null, null, "%", null), "TYPE_NAME");
        rows(m.getClientInfoProperties(), "NAME");
        genuine();
    }

    static final String[] CUSTOMERS = {
        "CustomerID|4|int identity|10|0|YES", "Name|-9|nvarchar|80|0|NO", "City|-9|nvarchar|60|0|NO",
        "Email|12|varchar|120|1|NO", "Since|91|date|10|0|NO", "IsActive|-7|bit|1|0|NO"};

    /// What a restored genuine database answers; its name comes with the environment when there is one.
    static void genuine() throws SQLException {
        String name = System.getenv().getOrDefault("HOLDFAST_GENUINE", "");
        if (!name.contains("NORTHWND")) return;
        try (Connection c = connect("encrypt=true;trustServerCertificate=true;")) {
            c.setCatalog("NORTHWND");
            DatabaseMetaData m = c.getMetaData();
            check("imported keys", rows(m.getImportedKeys(null, "dbo", "Orders"), "PKTABLE_NAME", "FKCOLUMN_NAME", "UPDATE_RULE", "DELETE_RULE", "FK_NAME"),
                List.of("Customers|CustomerID|3|3|FK_Orders_Customers", "Employees|EmployeeID|3|3|FK_Orders_Employees", "Shippers|ShipVia|3|3|FK_Orders_Shippers"));
            check("exported keys", rows(m.getExportedKeys(null, "dbo", "Orders"), "FKTABLE_NAME", "KEY_SEQ"), List.of("Order Details|1"));
            check("cross reference", rows(m.getCrossReference(null, "dbo", "Customers", null, "dbo", "Orders"), "FK_NAME"), List.of("FK_Orders_Customers"));
            check("procedures", rows(m.getProcedures("NORTHWND", "dbo", "Cust%"), "PROCEDURE_NAME"),
                List.of("CustOrderHist;1", "CustOrdersDetail;1", "CustOrdersOrders;1"));
            check("procedure columns", rows(m.getProcedureColumns(null, "dbo", "CustOrderHist", "%"), "COLUMN_NAME", "COLUMN_TYPE", "TYPE_NAME"),
                List.of("@RETURN_VALUE|5|int", "@CustomerID|1|nchar"));
            check("a column with a default", rows(m.getColumns(null, "dbo", "Orders", "Freight"), "COLUMN_DEF", "TYPE_NAME"), List.of("(0)|money"));
            try (CallableStatement s = c.prepareCall("{? = call CustOrderHist(?)}")) {
                s.registerOutParameter(1, Types.INTEGER);
                s.setString(2, "VINET");
                int n = 0;
                try (ResultSet r = s.executeQuery()) {
                    while (r.next()) n++;
                }
                check("rows of a procedure", n, 9);
                check("its status", s.getInt(1), 0);
            }
            try (CallableStatement s = c.prepareCall("{call CustOrderHist(?)}")) {
                s.setString("CustomerID", "ALFKI");
                try (ResultSet r = s.executeQuery()) {
                    check("a procedure by parameter name", r.next(), true);
                }
            }
        }
    }

    static void cancel(Connection c) throws Exception {
        try (Statement s = c.createStatement()) {
            Thread t = new Thread(() -> {
                try {
                    Thread.sleep(500);
                    s.cancel();
                } catch (Exception e) {
                    throw new RuntimeException(e);
                }
            });
            t.start();
            long start = System.nanoTime();
            boolean failed = false;
            try {
                s.executeQuery(LONG).next();
            } catch (SQLException e) {
                failed = true;
            }
            t.join();
            check("cancelled", failed, true);
            check("cancelled soon", System.nanoTime() - start < 12_000_000_000L, true);
        }
        check("usable after the cancel", one(c, "SELECT 7"), 7);
    }

    public static void main(String[] args) throws Exception {
        for (String more : new String[] {"encrypt=false;", "encrypt=true;trustServerCertificate=true;"}) {
            try (Connection c = connect(more)) {
                check("database with " + more, one(c, "SELECT DB_NAME()"), "Harbour");
            }
        }
        try {
            connect("encrypt=true;trustServerCertificate=true;", "wrong").close();
            throw new AssertionError("a wrong password was accepted");
        } catch (SQLException e) {
            check("wrong password", e.getErrorCode(), 18456);
        }
        try (Connection c = connect("encrypt=true;trustServerCertificate=true;")) {
            types(c);
            results(c);
            prepared(c);
            parameters(c);
            describing(c);
            transactions(c);
            cursor(c);
            metadata(c);
            cancel(c);
        }
        System.out.println(checks + " checks");
    }
}
