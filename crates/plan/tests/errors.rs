//! Error numbers of name resolution and typing.

mod fixture;

#[test]
fn numbers() {
    let cases = [
        ("SELECT x FROM Customers", 207),
        ("SELECT * FROM Nowhere", 208),
        ("SELECT Id FROM Customers, Orders", 209),
        ("SELECT z.Id FROM Customers", 4104),
        ("SELECT z.* FROM Customers", 107),
        ("SELECT @nope", 137),
        ("SELECT * FROM @t", 1087),
        ("SELECT * FROM Customers, Customers", 1013),
        ("SELECT * FROM Customers a, Orders a", 1011),
        ("SELECT City, Name FROM Customers GROUP BY City", 8120),
        ("SELECT City FROM Customers GROUP BY City HAVING Name = N'x'", 8121),
        ("SELECT City FROM Customers GROUP BY City ORDER BY Name", 8127),
        ("SELECT Id FROM Customers WHERE COUNT(*) > 1", 147),
        ("SELECT COUNT(*) FROM Customers GROUP BY COUNT(*)", 144),
        ("SELECT SUM(COUNT(*)) FROM Customers", 130),
        ("SELECT COUNT(*) FROM Customers GROUP BY 1", 164),
        ("SELECT DISTINCT City FROM Customers ORDER BY Name", 145),
        ("SELECT Id FROM Customers ORDER BY 2", 108),
        ("SELECT Id FROM Customers UNION SELECT Id FROM Orders ORDER BY Id + 1", 104),
        ("SELECT c.Id FROM Customers c UNION SELECT Id FROM Orders ORDER BY x.Id", 104),
        ("SELECT * FROM Customers c UNION SELECT * FROM Customers ORDER BY c.Id", 104),
        ("SELECT Id, Name FROM Customers UNION ALL SELECT Id FROM Orders", 205),
        ("SELECT * FROM (SELECT Id FROM Customers ORDER BY Id) t", 1033),
        ("SELECT * FROM (SELECT COUNT(*) FROM Customers) t", 8155),
        ("SELECT * FROM (SELECT Id, Id FROM Customers) t", 8156),
        ("SELECT * FROM (SELECT Id FROM Customers) t(a, b)", 8159),
        ("SELECT (SELECT Id, Name FROM Customers)", 116),
        ("SELECT Id FROM Customers WHERE Id = (SELECT Id, Name FROM Customers)", 116),
        ("SELECT Placed + CAST(NULL AS date) FROM Orders", 402),
        ("SELECT CAST(NULL AS date) + 1", 206),
        ("SELECT CAST(1 AS bit) + CAST(1 AS bit)", 8117),
        ("SELECT CAST(CAST(NULL AS date) AS int)", 529),
        ("SELECT CAST('x' AS nosuch)", 243),
        ("SELECT Note FROM Docs ORDER BY Note", 306),
        ("SELECT Id FROM Docs WHERE Body = Body", 305),
        ("SELECT DISTINCT Body FROM Docs", 421),
        ("SELECT nosuch(1)", 195),
        ("SELECT LEN()", 174),
        ("SELECT SUBSTRING('a')", 174),
        ("SELECT ROUND(1)", 189),
        ("SELECT dbo.nosuch(1)", 4121),
        ("SELECT DATEADD(nosuch, 1, GETDATE())", 155),
        ("SELECT ROW_NUMBER() FROM Customers", 10753),
        ("SELECT ROW_NUMBER() OVER () FROM Customers", 4112),
        ("SELECT Id FROM Customers WHERE ROW_NUMBER() OVER (ORDER BY Id) = 1", 4108),
        ("SELECT CASE WHEN 1 = 1 THEN NULL ELSE NULL END", 8133),
        ("SELECT NULLIF(NULL, 1)", 4151),
        ("SELECT SUM(Name) FROM Customers", 8117),
        ("SELECT Name COLLATE nosuch FROM Customers", 448),
        (
            "SELECT 1 FROM Customers WHERE Name COLLATE Latin1_General_BIN = City COLLATE Latin1_General_CI_AS",
            468,
        ),
        ("SELECT * FROM dbo.fOrdersOf()", 313),
        ("SELECT * FROM dbo.fOrdersOf(1, 2)", 8144),
        ("WITH t AS (SELECT 1 AS a UNION SELECT a FROM t) SELECT * FROM t", 252),
        ("WITH t AS (SELECT 1 AS a UNION ALL SELECT x.a FROM t x JOIN t y ON 1 = 1) SELECT * FROM t", 253),
        ("WITH t AS (SELECT 1 AS a UNION ALL SELECT CAST(a AS bigint) FROM t) SELECT * FROM t", 240),
        ("SELECT @i = 1, Id FROM Customers", 141),
        ("SELECT *", 263),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(sql, n)| {
            let got = fixture::error(sql);
            (got != *n).then(|| format!("{sql}: wanted {n}, got {got}: {}", fixture::plan(sql)))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lines_are_those_of_the_name() {
    let e = fixture::bind("SELECT Id,\n  nosuch\nFROM Customers").unwrap_err();
    assert_eq!((e.number, e.line), (207, 2));
}
