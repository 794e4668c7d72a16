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
            {"CAST(NULL AS nvarchar(10))", null}, {"CAST(NULL AS int)", null}};
        for (Object[] l : literals) {
            check((String) l[0], one(c, "SELECT " + l[0]), l[1]);
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

    static void metadata(Connection c) throws SQLException {
        DatabaseMetaData m = c.getMetaData();
        List<String> names = new ArrayList<>();
        try (ResultSet r = m.getTables("Harbour", "dbo", "%", new String[] {"TABLE"})) {
            while (r.next()) names.add(r.getString("TABLE_NAME"));
        }
        check("tables", names.containsAll(List.of("Customers", "Orders", "OrderLines")), true);
        int columns = 0;
        try (ResultSet r = m.getColumns("Harbour", "dbo", "Customers", "%")) {
            while (r.next()) columns++;
        }
        check("columns", columns, 6);
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
            cursor(c);
            metadata(c);
            cancel(c);
        }
        System.out.println(checks + " checks");
    }
}
