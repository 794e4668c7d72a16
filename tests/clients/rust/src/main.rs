//! The crates `tiberius` and `mssql-tds` against a server with the sample database: types, NULLs, parameters, several result
//! sets, errors, transactions, cancel, all with TLS on. See ../python/common.py for the same in Python.
//!
//! Invariants
//! 1. Where the server is comes from HOLDFAST_HOST, HOLDFAST_PORT, HOLDFAST_PASSWORD; the last line printed is the number of checks.

mod mssql_tds_client;
mod tiberius_client;

use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};

static CHECKS: AtomicUsize = AtomicUsize::new(0);

/// A statement that runs for minutes.
pub const LONG: &str = "SELECT COUNT_BIG(*) FROM dbo.OrderLines a CROSS JOIN dbo.OrderLines b CROSS JOIN dbo.OrderLines c \
                        WHERE a.Quantity + b.Quantity + c.Quantity = -1";

/// Literals and how they are shown; both clients bring values to these texts.
pub const LITERALS: &[(&str, &str)] = &[
    ("CAST(1 AS bit)", "true"),
    ("CAST(255 AS tinyint)", "255"),
    ("CAST(-32768 AS smallint)", "-32768"),
    ("CAST(-2147483648 AS int)", "-2147483648"),
    ("CAST(9223372036854775807 AS bigint)", "9223372036854775807"),
    ("CAST('123.45' AS numeric(5,2))", "123.45"),
    ("CAST('-12345678901234567890.0123456' AS decimal(38,7))", "-12345678901234567890.0123456"),
    ("CAST(1.5 AS real)", "1.5"),
    ("CAST(-0.1 AS float)", "-0.1"),
    ("CAST('abc' AS char(5))", "abc  "),
    ("CAST('na\u{ef}ve' AS varchar(20))", "na\u{ef}ve"),
    ("N'\u{65e5}\u{672c} \u{1f600}'", "\u{65e5}\u{672c} \u{1f600}"),
    ("CAST(N'text' AS ntext)", "text"),
    ("CAST(0x0102 AS binary(4))", "01020000"),
    (
        "CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)",
        "6f9619ff-8b86-d011-b42d-00c04fc964ff",
    ),
    ("CAST('<a b=\"1\"/>' AS xml)", "<a b=\"1\"/>"),
    ("CAST(NULL AS int)", "NULL"),
    ("CAST(NULL AS nvarchar(max))", "NULL"),
    ("CAST(NULL AS decimal(10,2))", "NULL"),
    ("CAST(NULL AS datetime2)", "NULL"),
    ("CAST(NULL AS uniqueidentifier)", "NULL"),
    ("CAST(NULL AS varbinary(max))", "NULL"),
    ("CAST(NULL AS xml)", "NULL"),
    ("CAST(NULL AS bit)", "NULL"),
];

pub struct Server {
    pub host: String,
    pub port: u16,
    pub password: String,
}

pub fn check<T: PartialEq<U> + Debug, U: Debug>(what: &str, got: T, expected: U) {
    CHECKS.fetch_add(1, Ordering::Relaxed);
    assert!(got == expected, "{what}: got {got:?}, expected {expected:?}");
}

pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn main() {
    let variable = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let server = Server {
        host: variable("HOLDFAST_HOST", "127.0.0.1"),
        port: variable("HOLDFAST_PORT", "1433").parse().expect("a port number"),
        password: variable("HOLDFAST_PASSWORD", ""),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(tiberius_client::run(&server)).expect("tiberius");
    runtime.block_on(mssql_tds_client::run(&server)).expect("mssql-tds");
    println!("{} checks", CHECKS.load(Ordering::Relaxed));
}
