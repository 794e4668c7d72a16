//! tiberius: TDS 7.3, rustls. It has no cancel of its own: a dropped connection must end its statement.

use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use tiberius::{AuthMethod, Client, ColumnData, Config, EncryptionLevel, Query, QueryItem, numeric::Numeric};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

use crate::{LITERALS, LONG, Server, check, hexadecimal};

type Connection = Client<Compat<TcpStream>>;

async fn connect(
    server: &Server,
    encryption: EncryptionLevel,
    password: &str,
) -> tiberius::Result<Connection> {
    let mut config = Config::new();
    config.host(&server.host);
    config.port(server.port);
    config.database("Harbour");
    config.authentication(AuthMethod::sql_server("sa", password));
    config.encryption(encryption);
    config.trust_cert();
    let tcp = TcpStream::connect(config.get_addr()).await?;
    tcp.set_nodelay(true)?;
    Client::connect(config, tcp.compat_write()).await
}

/// The crate's own Display shows negative fractions wrongly.
fn decimal(n: Numeric) -> String {
    let (value, scale) = (n.value(), usize::from(n.scale()));
    let shown = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = shown.split_at(shown.len() - scale);
    format!("{}{whole}{}{fraction}", if value < 0 { "-" } else { "" }, if scale > 0 { "." } else { "" })
}

fn shown(value: &ColumnData<'_>) -> String {
    fn or_null<T: ToString>(v: &Option<T>) -> String {
        v.as_ref().map_or("NULL".into(), ToString::to_string)
    }
    match value {
        ColumnData::Bit(v) => or_null(v),
        ColumnData::U8(v) => or_null(v),
        ColumnData::I16(v) => or_null(v),
        ColumnData::I32(v) => or_null(v),
        ColumnData::I64(v) => or_null(v),
        ColumnData::F32(v) => or_null(v),
        ColumnData::F64(v) => or_null(v),
        ColumnData::Numeric(v) => v.map_or("NULL".into(), decimal),
        ColumnData::String(v) => or_null(v),
        ColumnData::Guid(v) => or_null(v),
        ColumnData::Xml(v) => v.as_ref().map_or("NULL".into(), |x| x.to_string()),
        ColumnData::Binary(v) => v.as_ref().map_or("NULL".into(), |b| hexadecimal(b)),
        ColumnData::DateTime2(None) | ColumnData::DateTime(None) => "NULL".into(),
        other => format!("{other:?}"),
    }
}

async fn one(c: &mut Connection, text: &str) -> tiberius::Result<String> {
    let row = c.simple_query(text).await?.into_row().await?.expect("a row");
    Ok(row.into_iter().next().map_or_else(String::new, |v| shown(&v)))
}

async fn fails(c: &mut Connection, text: &str, number: u32, class: u8, line: u32) {
    let error = match c.simple_query(text).await {
        Ok(stream) => stream.into_results().await.err(),
        Err(e) => Some(e),
    };
    let Some(tiberius::error::Error::Server(token)) = error else { panic!("{text}: {error:?}") };
    check(text, (token.code(), token.class(), token.line()), (number, class, line));
}

async fn types(c: &mut Connection) -> tiberius::Result<()> {
    for (expression, expected) in LITERALS {
        check(expression, one(c, &format!("SELECT {expression}")).await?, *expected);
    }
    check("money", one(c, "SELECT CAST('-12.5' AS money)").await?, "-12.5");
    let long = c.simple_query("SELECT REPLICATE(CAST(N'\u{65e5}' AS nvarchar(max)), 20000)").await?;
    let row = long.into_row().await?.expect("a row");
    check("nvarchar(max)", row.get::<&str, _>(0).map(|s| s.chars().count()), Some(20_000));
    let text = "SELECT CAST('2024-02-29' AS date), CAST('23:59:59.1234567' AS time), CAST('2024-02-29 12:34:56.1234567' AS datetime2), \
                CAST('1999-12-31T23:59:59' AS datetime), CAST('2024-02-29 12:34:56 +02:00' AS datetimeoffset(0))";
    let row = c.simple_query(text).await?.into_row().await?.expect("a row");
    use tiberius::time::chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
    check("date", row.get::<NaiveDate, _>(0).map(|d| d.to_string()), Some("2024-02-29".to_owned()));
    check("time", row.get::<NaiveTime, _>(1).map(|d| d.to_string()), Some("23:59:59.123456700".to_owned()));
    check(
        "datetime2",
        row.get::<NaiveDateTime, _>(2).map(|d| d.to_string()),
        Some("2024-02-29 12:34:56.123456700".to_owned()),
    );
    check(
        "datetime",
        row.get::<NaiveDateTime, _>(3).map(|d| d.to_string()),
        Some("1999-12-31 23:59:59".to_owned()),
    );
    let offset = row.get::<DateTime<FixedOffset>, _>(4).map(|d| d.to_string());
    check("datetimeoffset", offset, Some("2024-02-29 12:34:56 +02:00".to_owned()));
    let rows = c.simple_query("SELECT * FROM dbo.EveryType ORDER BY ID").await?.into_first_result().await?;
    check("rows of EveryType", (rows.len(), rows[0].len()), (100, 21));
    let nulls = rows[9]
        .cells()
        .skip(1)
        .filter(|(_, v)| shown(v) != "NULL" && !format!("{v:?}").contains("None"))
        .count();
    check("a row of NULLs", nulls, 0);
    Ok(())
}

async fn parameters(c: &mut Connection) -> tiberius::Result<()> {
    for _ in 0..2 {
        let mut q = Query::new("SELECT @P1, @P2, @P3, @P4, @P5, @P6, @P7, @P8, @P9, @P10");
        q.bind(true);
        q.bind(255u8);
        q.bind(-32_768i16);
        q.bind(-7i32);
        q.bind(i64::MIN);
        q.bind(1.5f32);
        q.bind(-0.1f64);
        q.bind("O'Neil \u{65e5}");
        q.bind(&[1u8, 2, 3][..]);
        q.bind(Numeric::new_with_scale(-12_345, 2));
        let row = q.query(c).await?.into_row().await?.expect("a row");
        let all: Vec<String> = row.cells().map(|(_, v)| shown(v)).collect();
        let expected = [
            "true",
            "255",
            "-32768",
            "-7",
            "-9223372036854775808",
            "1.5",
            "-0.1",
            "O'Neil \u{65e5}",
            "010203",
            "-123.45",
        ];
        check("parameters", all, expected.map(str::to_owned).to_vec());
    }
    use tiberius::time::chrono::NaiveDate;
    let date = NaiveDate::from_ymd_opt(2024, 2, 29).expect("a date");
    let at = date.and_hms_opt(12, 34, 56).expect("a time");
    let guid = tiberius::Uuid::from_u128(0x6f96_19ff_8b86_d011_b42d_00c0_4fc9_64ff);
    let long = "x".repeat(9000);
    let row = c
        .query("SELECT @P1, @P2, @P3, LEN(@P4), @P5", &[&date, &at, &guid, &long, &Option::<i32>::None])
        .await?
        .into_row()
        .await?
        .expect("a row");
    check("date", row.get::<NaiveDate, _>(0), Some(date));
    check("datetime2", row.get(1), Some(at));
    check("uniqueidentifier", row.get(2), Some(guid));
    check("nvarchar(max)", row.get::<i64, _>(3).or_else(|| row.get::<i32, _>(3).map(i64::from)), Some(9000));
    check("NULL", row.get::<i32, _>(4), None::<i32>);
    let keys = c.query("SELECT COUNT(*) FROM dbo.Customers WHERE CustomerID <= @P1", &[&3i32]).await?;
    check("rows by a key", keys.into_row().await?.and_then(|r| r.get::<i32, _>(0)), Some(3));
    let done = c.execute("DECLARE @t TABLE (a int); INSERT @t VALUES (@P1), (@P1)", &[&1i32]).await?;
    check("rows affected", done.total(), 2u64);
    Ok(())
}

async fn results(c: &mut Connection) -> tiberius::Result<()> {
    let sets = c
        .simple_query("SELECT 1 AS a; SELECT 'x' AS b, 2 AS c; SELECT TOP 3 Name FROM dbo.Customers")
        .await?;
    let sets = sets.into_results().await?;
    check("result sets", sets.iter().map(Vec::len).collect::<Vec<_>>(), vec![1, 1, 3]);
    let mut stream = c.simple_query("SELECT * FROM dbo.OrderLines").await?;
    let mut rows = 0;
    while let Some(item) = stream.try_next().await? {
        rows += usize::from(matches!(item, QueryItem::Row(_)));
    }
    drop(stream);
    check("rows of OrderLines", rows, 15_000);
    fails(c, "SELECT * FROM dbo.Nowhere", 208, 16, 1).await;
    fails(c, "SELECT 1\n\nSELECT 1/0", 8134, 16, 3).await;
    fails(c, "RAISERROR('own text', 12, 7)", 50_000, 12, 1).await;
    check("after errors", one(c, "SELECT 42").await?, "42");
    for end in ["ROLLBACK", "COMMIT"] {
        one(c, "BEGIN TRANSACTION; SELECT 1").await?;
        check("rows in a transaction", one(c, "SELECT COUNT(*) FROM dbo.Customers").await?, "500");
        check("after its end", one(c, &format!("{end}; SELECT @@TRANCOUNT")).await?, "0");
    }
    Ok(())
}

pub async fn run(server: &Server) -> tiberius::Result<()> {
    for encryption in [EncryptionLevel::NotSupported, EncryptionLevel::Off, EncryptionLevel::Required] {
        let mut c = connect(server, encryption, &server.password).await?;
        check("database", one(&mut c, "SELECT DB_NAME()").await?, "Harbour");
    }
    let refused = connect(server, EncryptionLevel::Required, "wrong").await;
    let Err(tiberius::error::Error::Server(token)) = refused else { panic!("a wrong password was accepted") };
    check("wrong password", token.code(), 18_456u32);
    let c = &mut connect(server, EncryptionLevel::Required, &server.password).await?;
    types(c).await?;
    parameters(c).await?;
    results(c).await?;
    // A client that goes away ends its statement.
    let mut gone = connect(server, EncryptionLevel::Required, &server.password).await?;
    let id = one(&mut gone, "SELECT @@SPID").await?;
    let waited = tokio::time::timeout(Duration::from_millis(700), one(&mut gone, LONG)).await;
    check("still running", waited.is_err(), true);
    drop(gone);
    let start = Instant::now();
    let running = format!("SELECT COUNT(*) FROM sys.dm_exec_requests WHERE session_id = {id}");
    while one(c, &running).await? != "0" {
        assert!(
            start.elapsed() < Duration::from_secs(15),
            "the statement of a client that is gone still runs"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    check("the session is gone", start.elapsed() < Duration::from_secs(15), true);
    Ok(())
}
