// Microsoft's JDBC driver: result sets over keyset and dynamic server cursors, read while others change the rows and changed through them.

import com.microsoft.sqlserver.jdbc.SQLServerResultSet;
import java.sql.*;
import java.util.*;

public class UpdatableCursors {
    static int checks = 0;

    static void check(String what, Object got, Object expected) {
        checks++;
        if (!Objects.equals(got, expected)) {
            throw new AssertionError(what + ": got " + got + ", expected " + expected);
        }
    }

    static Connection connect() throws SQLException {
        String host = System.getenv().getOrDefault("HOLDFAST_HOST", "127.0.0.1");
        String port = System.getenv().getOrDefault("HOLDFAST_PORT", "1433");
        String url = "jdbc:sqlserver://" + host + ":" + port + ";databaseName=" + System.getenv().getOrDefault("HOLDFAST_DATABASE", "Harbour") + ";loginTimeout=20;encrypt=true;trustServerCertificate=true";
        return DriverManager.getConnection(url, "sa", System.getenv("HOLDFAST_PASSWORD"));
    }

    static void run(Connection c, String... texts) throws SQLException {
        try (Statement s = c.createStatement()) {
            for (String t : texts) s.execute(t);
        }
    }

    static String all(Connection c, String text) throws SQLException {
        StringJoiner out = new StringJoiner(" ");
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery(text)) {
            while (r.next()) {
                StringJoiner row = new StringJoiner("|");
                for (int i = 1; i <= r.getMetaData().getColumnCount(); i++) row.add(String.valueOf(r.getObject(i)));
                out.add(row.toString());
            }
        }
        return out.toString();
    }

    /// The first column of the rows that a move goes through, less those that are missing (some versions of the driver pass them by).
    interface Move { boolean go() throws SQLException; }

    static String walk(ResultSet r, Move m) throws SQLException {
        StringJoiner out = new StringJoiner(" ");
        while (m.go()) {
            if (!r.rowDeleted()) out.add(String.valueOf(r.getObject(1)));
        }
        return out.toString();
    }

    static int failure(Move m) throws SQLException {
        try {
            m.go();
        } catch (SQLException e) {
            return e.getErrorCode();
        }
        return -1;
    }

    static void fill(Connection c) throws SQLException {
        run(c, "DROP TABLE IF EXISTS dbo.Berths",
            "CREATE TABLE dbo.Berths(id int PRIMARY KEY, name nvarchar(20) NULL, depth decimal(6,2) NOT NULL DEFAULT 1, mark varchar(10) COLLATE Latin1_General_CI_AS)",
            "INSERT dbo.Berths(id, name, depth) SELECT n, CONCAT(N'b', n), n FROM (VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9),(10)) v(n)");
    }

    static void keyset(Connection c, Connection other) throws SQLException {
        fill(c);
        try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_SENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
            s.setFetchSize(4);
            try (ResultSet r = s.executeQuery("SELECT id, name AS called, depth FROM dbo.Berths ORDER BY id")) {
                check("its rows", walk(r, r::next), "1 2 3 4 5 6 7 8 9 10");
                check("and back", walk(r, r::previous), "10 9 8 7 6 5 4 3 2 1");
                check("absolute", r.absolute(6) ? r.getInt(1) : -1, 6);
                check("absolute from the end", r.absolute(-2) ? r.getInt(1) : -1, 9);
                check("relative", r.relative(-5) ? r.getInt(1) : -1, 4);
                check("its number", r.getRow(), 4);
                check("first", r.first() ? r.getInt(1) : -1, 1);
                check("last", r.last() ? r.getInt(1) : -1, 10);
                // Changes of its own, of the third row of a block.
                r.absolute(5);
                r.relative(2);
                r.updateString("called", "mine");
                r.updateBigDecimal(3, new java.math.BigDecimal("77.25"));
                r.updateRow();
                check("an update", all(c, "SELECT id, name, depth FROM Berths WHERE name = 'mine'"), "7|mine|77.25");
                r.refreshRow();
                check("refreshed", r.getString(2) + r.getBigDecimal(3), "mine77.25");
                r.updateNull(2);
                r.updateRow();
                check("a second one", all(c, "SELECT id FROM Berths WHERE name IS NULL"), "7");
                r.absolute(2);
                r.deleteRow();
                check("a delete", all(c, "SELECT COUNT(*) FROM Berths WHERE id = 2"), "0");
                // Changes of others.
                run(other, "UPDATE Berths SET name = 'theirs' WHERE id = 9", "DELETE Berths WHERE id = 3", "INSERT Berths(id, name) VALUES (11, 'new')");
                r.beforeFirst();
                check("what is left", walk(r, r::next), "1 4 5 6 7 8 9 10");
                r.absolute(9);
                check("theirs", r.getString(2), "theirs");
                r.absolute(3);
                check("missing", r.rowDeleted(), true);
                r.absolute(8);
                run(other, "UPDATE Berths SET depth = 3 WHERE id = 8");
                r.updateString(2, "late");
                int number = failure(() -> { r.updateRow(); return true; });
                check("a conflict", number == 16934 || number == 16947, true);
                r.cancelRowUpdates();
                r.refreshRow();
                check("what it is now", r.getBigDecimal(3).intValue(), 3);
                r.updateString(2, "again");
                r.updateRow();
                check("no conflict", all(c, "SELECT name FROM Berths WHERE id = 8"), "again");
                r.moveToInsertRow();
                r.updateInt(1, 50);
                r.updateString(2, "fifty");
                r.insertRow();
                r.moveToCurrentRow();
                check("where it was", r.getInt(1), 8);
                check("an insert", all(c, "SELECT name, depth FROM Berths WHERE id = 50"), "fifty|1.00");
            }
        }
    }

    static void dynamic(Connection c, Connection other) throws SQLException {
        fill(c);
        try (Statement s = c.createStatement(SQLServerResultSet.TYPE_SS_SCROLL_DYNAMIC, ResultSet.CONCUR_UPDATABLE)) {
            s.setFetchSize(3);
            try (ResultSet r = s.executeQuery("SELECT id, name, depth FROM dbo.Berths WHERE depth < 100 ORDER BY id")) {
                check("its rows", walk(r, r::next), "1 2 3 4 5 6 7 8 9 10");
                check("and back", walk(r, r::previous), "10 9 8 7 6 5 4 3 2 1");
                run(other, "INSERT Berths(id, name) VALUES (0, 'first'), (11, 'last')", "DELETE Berths WHERE id IN (4, 5)");
                check("what is there now", walk(r, r::next), "0 1 2 3 6 7 8 9 10 11");
                check("last", r.last() ? r.getInt(1) : -1, 11);
                check("before it", r.previous() ? r.getInt(1) : -1, 10);
                check("relative", r.relative(-4) ? r.getInt(1) : -1, 6);
                check("relative forward", r.relative(3) ? r.getInt(1) : -1, 9);
                r.updateString(2, "nine");
                r.updateRow();
                check("an update", all(c, "SELECT name FROM Berths WHERE id = 9"), "nine");
                r.previous();
                r.deleteRow();
                check("a delete", all(c, "SELECT COUNT(*) FROM Berths WHERE id = 8"), "0");
                r.moveToInsertRow();
                r.updateInt("id", 8);
                r.updateString("name", "eight");
                r.insertRow();
                r.moveToCurrentRow();
                r.beforeFirst();
                check("its own insert", walk(r, r::next), "0 1 2 3 6 7 8 9 10 11");
                r.first();
                r.next();
                run(other, "UPDATE Berths SET name = 'one' WHERE id = 1");
                r.refreshRow();
                check("refreshed", r.getInt(1) + r.getString(2), "1one");
            }
        }
    }

    static void forward(Connection c) throws SQLException {
        fill(c);
        try (PreparedStatement s = c.prepareStatement("SELECT id, name FROM dbo.Berths WHERE id > ?",
                 SQLServerResultSet.TYPE_SS_SERVER_CURSOR_FORWARD_ONLY, ResultSet.CONCUR_UPDATABLE)) {
            s.setFetchSize(3);
            for (int round = 0; round < 3; round++) {
                s.setInt(1, 4);
                try (ResultSet r = s.executeQuery()) {
                    while (r.next()) {
                        r.updateString(2, "f" + round + r.getInt(1));
                        r.updateRow();
                    }
                }
                check("all of them", all(c, "SELECT COUNT(*) FROM Berths WHERE name = CONCAT('f" + round + "', id)"), "6");
            }
        }
    }

    static void locks(Connection c, Connection other) throws SQLException {
        fill(c);
        run(other, "SET LOCK_TIMEOUT 100");
        c.setAutoCommit(false);
        for (int type : new int[] {SQLServerResultSet.TYPE_SS_SCROLL_KEYSET, SQLServerResultSet.TYPE_SS_SCROLL_DYNAMIC}) {
            try (Statement s = c.createStatement(type, SQLServerResultSet.CONCUR_SS_SCROLL_LOCKS)) {
                s.setFetchSize(2);
                try (ResultSet r = s.executeQuery("SELECT id, name FROM dbo.Berths ORDER BY id")) {
                    r.next();
                    check("locked", failure(() -> { run(other, "UPDATE Berths SET depth = 5 WHERE id = 2"); return true; }), 1222);
                    run(other, "UPDATE Berths SET depth = 5 WHERE id = 9");
                    r.updateString(2, "locked");
                    r.updateRow();
                }
            }
            c.commit();
            run(other, "UPDATE Berths SET depth = 5 WHERE id = 1");
            check("changed", all(c, "SELECT name FROM Berths WHERE id = 1"), "locked");
            c.commit();
        }
        c.setAutoCommit(true);
    }

    static void conversions(Connection c) throws SQLException {
        run(c, "DROP TABLE IF EXISTS dbo.Heap", "CREATE TABLE dbo.Heap(id int)", "INSERT dbo.Heap VALUES (1), (2), (3)");
        try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_SENSITIVE, ResultSet.CONCUR_UPDATABLE);
             ResultSet r = s.executeQuery("SELECT id FROM dbo.Heap")) {
            r.next();
            r.updateInt(1, 9);
            check("read-only", failure(() -> { r.updateRow(); return true; }), 16929);
        }
        // Names of columns that parameters of sp_cursor are called by, too.
        run(c, "DROP TABLE IF EXISTS dbo.Odd", "CREATE TABLE dbo.Odd([cursor] int PRIMARY KEY, [table] nvarchar(20), [a ]]b] int)", "INSERT dbo.Odd VALUES (1, 'x', 2)");
        try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_SENSITIVE, ResultSet.CONCUR_UPDATABLE);
             ResultSet r = s.executeQuery("SELECT * FROM dbo.Odd")) {
            r.next();
            r.updateString("table", "y");
            r.updateRow();
            r.moveToInsertRow();
            r.updateInt("cursor", 2);
            r.updateString("table", "z");
            r.insertRow();
        }
        check("odd names", all(c, "SELECT [cursor], [table] FROM Odd"), "1|y 2|z");
    }

    public static void main(String[] args) throws Exception {
        try (Connection c = connect(); Connection other = connect()) {
            keyset(c, other);
            dynamic(c, other);
            forward(c);
            locks(c, other);
            conversions(c);
            run(c, "DROP TABLE dbo.Berths", "DROP TABLE dbo.Heap", "DROP TABLE dbo.Odd");
        }
        System.out.println(checks + " checks");
    }
}
