//! mssql-tds: Microsoft's own crate; TDS 7.4 and 8.0, its TLS is the platform's.

use std::time::{Duration, Instant};

use mssql_tds::connection::client_context::ClientContext;
use mssql_tds::connection::tds_client::{ExecuteOptions, ResultSet, StatementResult, TdsClient};
use mssql_tds::connection_provider::tds_connection_provider::TdsConnectionProvider;
use mssql_tds::core::{CancelHandle, EncryptionSetting, TdsResult};
use mssql_tds::datatypes::column_values::ColumnValues;
use mssql_tds::datatypes::sql_string::SqlString;
use mssql_tds::datatypes::sqltypes::SqlType;
use mssql_tds::error::Error;
use mssql_tds::message::parameters::rpc_parameters::{RpcParameter, StatusFlags};
use mssql_tds::message::transaction_management::TransactionIsolationLevel;

use crate::{LITERALS, LONG, Server, check, hexadecimal};

async fn connect(server: &Server, mode: EncryptionSetting, password: &str) -> TdsResult<TdsClient> {
    let source = format!("tcp:{},{}", server.host, server.port);
    let mut context = ClientContext::with_data_source(&source);
    context.user_name = "sa".into();
    context.password = password.into();
    context.database = "Harbour".into();
    context.connect_retry_count = 0;
    context.encryption_options.mode = mode;
    context.encryption_options.trust_server_certificate = true;
    TdsConnectionProvider::new().create_client(context, &source, None).await
}

fn shown(v: &ColumnValues) -> String {
    match v {
        ColumnValues::TinyInt(n) => n.to_string(),
        ColumnValues::SmallInt(n) => n.to_string(),
        ColumnValues::Int(n) => n.to_string(),
        ColumnValues::BigInt(n) => n.to_string(),
        ColumnValues::Real(n) => n.to_string(),
        ColumnValues::Float(n) => n.to_string(),
        ColumnValues::Bit(b) => b.to_string(),
        ColumnValues::Decimal(d) | ColumnValues::Numeric(d) => d.to_string(),
        ColumnValues::String(s) => s.to_utf8_string(),
        ColumnValues::Bytes(b) => hexadecimal(b),
        ColumnValues::Uuid(u) => u.to_string(),
        ColumnValues::Xml(x) => x.as_string(),
        ColumnValues::Null => "NULL".into(),
        other => format!("{other:?}"),
    }
}

/// All result sets that are left, as texts.
async fn sets(c: &mut TdsClient, first: StatementResult) -> TdsResult<Vec<Vec<Vec<String>>>> {
    let mut out = Vec::new();
    let mut current = first;
    loop {
        match current {
            StatementResult::Rows => {
                let mut rows = Vec::new();
                while let Some(row) = c.next_row().await? {
                    rows.push(row.iter().map(shown).collect());
                }
                out.push(rows);
            }
            StatementResult::NoRows { .. } => {}
            StatementResult::End => return Ok(out),
        }
        current = c.advance().await?;
    }
}

async fn query(c: &mut TdsClient, text: &str) -> TdsResult<Vec<Vec<Vec<String>>>> {
    let first = c.execute(text.to_owned(), ()).await?;
    sets(c, first).await
}

async fn one(c: &mut TdsClient, text: &str) -> TdsResult<String> {
    Ok(query(c, text).await?[0][0][0].clone())
}

async fn fails(c: &mut TdsClient, text: &str, number: u32, class: i32, line: i32) -> TdsResult<()> {
    let Err(Error::SqlServerError { diagnostics }) = query(c, text).await else {
        panic!("{text}: no error of the server")
    };
    let e = &diagnostics.errors[0];
    check(text, (e.number, e.class, e.line_number), (number, class, Some(line)));
    c.close_query().await
}

fn parameter(name: &str, value: SqlType) -> RpcParameter {
    RpcParameter::new(Some(name.into()), StatusFlags::NONE, value)
}

async fn parameters(c: &mut TdsClient) -> TdsResult<()> {
    let text = |s: &str| SqlString::from_utf8_string(s.to_owned());
    let guid = uuid::Uuid::from_u128(0x6f96_19ff_8b86_d011_b42d_00c0_4fc9_64ff);
    let values: Vec<(SqlType, &str)> = vec![
        (SqlType::Bit(Some(true)), "true"),
        (SqlType::TinyInt(Some(255)), "255"),
        (SqlType::SmallInt(Some(-7)), "-7"),
        (SqlType::Int(Some(-7)), "-7"),
        (SqlType::BigInt(Some(i64::MIN)), "-9223372036854775808"),
        (SqlType::Real(Some(1.5)), "1.5"),
        (SqlType::Float(Some(-0.1)), "-0.1"),
        (SqlType::NVarchar(Some(text("O'Neil \u{65e5}")), 40), "O'Neil \u{65e5}"),
        (SqlType::NVarcharMax(Some(text("max"))), "max"),
        (SqlType::NChar(Some(text("ab")), 4), "ab  "),
        (SqlType::VarBinary(Some(vec![1, 2]), 10), "0102"),
        (SqlType::VarBinaryMax(Some(vec![3, 4])), "0304"),
        (SqlType::Binary(Some(vec![5]), 2), "0500"),
        (SqlType::Uuid(Some(guid)), "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        (SqlType::Int(None), "NULL"),
        (SqlType::NVarchar(None, 40), "NULL"),
        (SqlType::NVarcharMax(None), "NULL"),
        (SqlType::VarBinaryMax(None), "NULL"),
        (SqlType::Date(None), "NULL"),
        (SqlType::DateTime2(None), "NULL"),
        (SqlType::DateTimeOffset(None), "NULL"),
        (SqlType::Time(None), "NULL"),
        (SqlType::Uuid(None), "NULL"),
        (SqlType::Bit(None), "NULL"),
        (SqlType::Float(None), "NULL"),
        (SqlType::Money(None), "NULL"),
    ];
    for (value, expected) in values {
        let what = format!("parameter {value:?}");
        let first = c.execute_sp_executesql("SELECT @p".into(), vec![parameter("@p", value)], ()).await?;
        check(&what, sets(c, first).await?, vec![vec![vec![expected.to_owned()]]]);
    }
    Ok(())
}

async fn results(c: &mut TdsClient) -> TdsResult<()> {
    let all = query(
        c,
        "SELECT 1 AS a; SELECT 'x' AS b, 2 AS c; PRINT 'between'; SELECT TOP 3 Name FROM dbo.Customers",
    )
    .await?;
    check("result sets", all.iter().map(Vec::len).collect::<Vec<_>>(), vec![1, 1, 3]);
    check("rows of OrderLines", query(c, "SELECT * FROM dbo.OrderLines").await?[0].len(), 15_000);
    let every = query(c, "SELECT * FROM dbo.EveryType ORDER BY ID").await?;
    check("rows of EveryType", (every[0].len(), every[0][0].len()), (100, 21));
    check("a row of NULLs", every[0][9][1..].iter().all(|v| v == "NULL"), true);
    fails(c, "SELECT * FROM dbo.Nowhere", 208, 16, 1).await?;
    fails(c, "SELECT 1\n\nSELECT 1/0", 8134, 16, 3).await?;
    fails(c, "RAISERROR('own text', 12, 7)", 50_000, 12, 1).await?;
    check("after errors", one(c, "SELECT 42").await?, "42");
    for commit in [false, true] {
        c.begin_transaction(TransactionIsolationLevel::ReadCommitted, None).await?;
        check("in a transaction", one(c, "SELECT @@TRANCOUNT").await?, "1");
        check("rows in a transaction", one(c, "SELECT COUNT(*) FROM dbo.Customers").await?, "500");
        if commit {
            c.commit_transaction(None, None).await?;
        } else {
            c.rollback_transaction(None, None).await?;
        }
        check("after its end", one(c, "SELECT @@TRANCOUNT").await?, "0");
    }
    Ok(())
}

pub async fn run(server: &Server) -> TdsResult<()> {
    for mode in [EncryptionSetting::PreferOff, EncryptionSetting::On, EncryptionSetting::Required] {
        let what = format!("database with {mode:?}");
        let mut c = connect(server, mode, &server.password).await?;
        check(&what, one(&mut c, "SELECT DB_NAME()").await?, "Harbour");
    }
    let refused = connect(server, EncryptionSetting::Required, "wrong").await;
    let Err(Error::SqlServerError { diagnostics }) = refused else { panic!("a wrong password was accepted") };
    check("wrong password", diagnostics.errors[0].number, 18_456u32);
    let c = &mut connect(server, EncryptionSetting::Required, &server.password).await?;
    for (expression, expected) in LITERALS {
        check(expression, one(c, &format!("SELECT {expression}")).await?, *expected);
    }
    let long = one(c, "SELECT REPLICATE(CAST(N'\u{65e5}' AS nvarchar(max)), 20000)").await?;
    check("nvarchar(max)", long.chars().count(), 20_000);
    parameters(c).await?;
    results(c).await?;
    let start = Instant::now();
    let handle = CancelHandle::new();
    let other = handle.child_handle();
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        handle.cancel();
    };
    let options = ExecuteOptions { cancel: Some(&other), ..ExecuteOptions::default() };
    let (outcome, ()) = tokio::join!(c.execute(LONG.to_owned(), options), cancel);
    check("cancelled", outcome.is_err(), true);
    check("soon", start.elapsed() < Duration::from_secs(12), true);
    check("usable after the cancel", one(c, "SELECT 7").await?, "7");
    Ok(())
}
