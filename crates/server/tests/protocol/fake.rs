//! A session with canned answers, so that the protocol is tested without an executor.
//!
//! Statements it knows: `types`, `nulls`, `rows N` or `select N`, `two`, `error`, `print`, `wait` (until cancelled), `use X`, `fatal`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use holdfast_exec::session::{
    CancelFlag, Done, DoneKind, EnvironmentChange, LoginInfo, RequestEnd, ResultColumn, ResultSink,
    RpcParameter, RpcRequest, RpcValue, SessionFactory, SinkResult, SqlSession, StatementText,
    TransactionRequest,
};
use holdfast_types::{
    Batch, CollationId, Date, DateTime, DateTime2, DateTimeOffset, Decimal, SmallDateTime, SqlError, SqlType,
    Time, TypeId, Value, value::Variant,
};

pub struct FakeFactory(AtomicU16);

impl FakeFactory {
    pub fn new() -> Arc<Self> {
        Arc::new(FakeFactory(AtomicU16::new(50)))
    }
}

impl SessionFactory for FakeFactory {
    fn open(&self, login: LoginInfo, _: &mut dyn ResultSink) -> Result<Box<dyn SqlSession>, SqlError> {
        if login.database == "nowhere" {
            return Err(SqlError::new(4060, &[&login.database]));
        }
        let database =
            if login.database.is_empty() { "master".into() } else { login.database.as_str().into() };
        let id = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Box::new(Fake { id, database, cancel: CancelFlag::new() }))
    }
    fn server_name(&self) -> Arc<str> {
        Arc::from("FAKE")
    }
    fn product_version(&self) -> (u8, u8, u16) {
        (16, 0, 1000)
    }
    fn default_collation(&self) -> CollationId {
        CollationId::SERVER_DEFAULT
    }
}

struct Fake {
    id: u16,
    database: Arc<str>,
    cancel: CancelFlag,
}

pub fn column(name: &str, ty: SqlType, nullable: bool) -> ResultColumn {
    ResultColumn {
        name: Arc::from(name),
        ty,
        nullable,
        identity: false,
        computed: false,
        updatable: true,
        user_type: None,
        source: None,
    }
}

/// One value of every type.
pub fn every_type() -> Vec<(&'static str, SqlType, Value)> {
    let c = CollationId::SERVER_DEFAULT;
    let at = DateTime2 { date: Date(738_000), time: Time(450_615_123_456) };
    let variant = Variant { ty: SqlType::nvarchar(10, c), value: Value::string("variant") };
    vec![
        ("bit", SqlType::BIT, Value::Bit(true)),
        ("tinyint", SqlType::TINYINT, Value::TinyInt(255)),
        ("smallint", SqlType::SMALLINT, Value::SmallInt(-32_768)),
        ("int", SqlType::INT, Value::Int(-2)),
        ("bigint", SqlType::BIGINT, Value::BigInt(i64::MIN)),
        ("decimal", SqlType::decimal(38, 10), Value::Decimal(Decimal::new(-123_456_789_012_345_678, 10))),
        ("numeric", SqlType::numeric(5, 2), Value::Decimal(Decimal::new(12_345, 2))),
        ("money", SqlType::MONEY, Value::Money(-12_345_678)),
        ("smallmoney", SqlType::SMALLMONEY, Value::SmallMoney(12_345)),
        ("real", SqlType::REAL, Value::Real(1.5)),
        ("float", SqlType::FLOAT, Value::Float(-0.1)),
        ("date", SqlType::DATE, Value::Date(Date(738_000))),
        ("time", SqlType::time(7), Value::Time(Time(450_615_123_456))),
        ("datetime2", SqlType::datetime2(7), Value::DateTime2(at)),
        (
            "datetimeoffset",
            SqlType::datetimeoffset(7),
            Value::DateTimeOffset(DateTimeOffset { utc: at, offset_minutes: 120 }),
        ),
        ("datetime", SqlType::DATETIME, Value::DateTime(DateTime { days: 44_000, ticks: 13_518_453 })),
        (
            "smalldatetime",
            SqlType::SMALLDATETIME,
            Value::SmallDateTime(SmallDateTime { days: 44_000, minutes: 751 }),
        ),
        ("char", SqlType::character(TypeId::Char, 5, c), Value::string("ab   ")),
        ("varchar", SqlType::varchar(50, c), Value::string("naïve €")),
        ("varcharmax", SqlType::character(TypeId::VarChar, -1, c), Value::string(&"é".repeat(9000))),
        ("text", SqlType::character(TypeId::Text, 16, c), Value::string("old text")),
        ("nchar", SqlType::character(TypeId::NChar, 10, c), Value::string("日本   ")),
        ("nvarchar", SqlType::nvarchar(50, c), Value::string("日本 😀")),
        ("nvarcharmax", SqlType::nvarchar_max(c), Value::string(&"日".repeat(9000))),
        ("ntext", SqlType::character(TypeId::NText, 16, c), Value::string("old ntext 日")),
        ("binary", SqlType::binary(TypeId::Binary, 4), Value::binary(&[1, 2, 3, 0])),
        ("varbinary", SqlType::binary(TypeId::VarBinary, 10), Value::binary(&[0xFF, 0])),
        ("varbinarymax", SqlType::binary(TypeId::VarBinary, -1), Value::binary(&[7; 9000])),
        ("image", SqlType::IMAGE, Value::binary(&[9; 100])),
        ("guid", SqlType::GUID, Value::Guid([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])),
        ("rowversion", SqlType::ROWVERSION, Value::binary(&[0, 0, 0, 0, 0, 0, 7, 0xD1])),
        ("variant", SqlType::VARIANT, Value::Variant(Arc::new(variant))),
        ("xml", SqlType::XML, Value::string("<a b=\"ü\"/>")),
        ("hierarchyid", SqlType::HIERARCHYID, Value::binary(&[0x58])),
        ("geometry", SqlType::GEOMETRY, Value::binary(&[0; 22])),
        ("geography", SqlType::GEOGRAPHY, Value::binary(&[0; 22])),
    ]
}

fn done(kind: DoneKind, rows: Option<u64>, error: bool) -> Done {
    Done { kind, rows, error, command: 0xC1 }
}

impl Fake {
    fn run(&mut self, text: &str, kind: DoneKind, sink: &mut dyn ResultSink) -> SinkResult {
        let text = text.trim();
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "types" | "nulls" => {
                let all = every_type();
                let columns: Vec<_> = all.iter().map(|(n, t, _)| column(n, *t, true)).collect();
                let types: Vec<SqlType> = all.iter().map(|a| a.1).collect();
                let row = all.iter().map(|a| a.2.clone()).collect();
                let nulls = vec![Value::Null; all.len()];
                let rows = if word == "types" { vec![row, nulls] } else { vec![nulls] };
                let batch = Batch::from_rows(&types, &rows).expect("canned values fit their types");
                sink.columns(&columns)?;
                sink.rows(&batch)?;
                sink.done(done(kind, Some(rows.len() as u64), false))
            }
            "rows" | "select" => {
                let n: i32 = rest.parse().unwrap_or(1);
                sink.columns(&[column("n", SqlType::INT, false)])?;
                for start in (0..n).step_by(1000) {
                    let rows: Vec<Vec<Value>> =
                        (start..n.min(start + 1000)).map(|i| vec![Value::Int(i)]).collect();
                    sink.rows(&Batch::from_rows(&[SqlType::INT], &rows).expect("integers"))?;
                }
                sink.done(done(kind, Some(n as u64), false))
            }
            "two" => {
                self.run("rows 1", kind, sink)?;
                self.run("rows 2", kind, sink)
            }
            "error" => {
                sink.message(&SqlError::new(208, &[&"nothing"]).at_line(3))?;
                sink.done(done(kind, None, true))
            }
            "fatal" => {
                sink.message(&SqlError::with_text(50_000, 20, "over"))?;
                sink.done(done(kind, None, true))
            }
            "print" => {
                sink.message(&SqlError::with_text(0, 0, "hello"))?;
                sink.flush()?;
                sink.done(done(kind, None, false))
            }
            "use" => {
                let new: Arc<str> = Arc::from(rest);
                let old = std::mem::replace(&mut self.database, Arc::clone(&new));
                sink.environment(EnvironmentChange::Database { new, old })?;
                sink.done(done(kind, None, false))
            }
            "wait" => {
                while !self.cancel.is_cancelled() {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Ok(())
            }
            _ => sink.done(done(kind, None, false)),
        }
    }

    fn end(&self, r: SinkResult) -> RequestEnd {
        match r {
            _ if self.cancel.is_cancelled() => RequestEnd::Cancelled,
            Ok(()) => RequestEnd::Finished,
            Err(_) => RequestEnd::Disconnect,
        }
    }
}

impl SqlSession for Fake {
    fn bulk_load(
        &mut self,
        columns: &[ResultColumn],
        rows: Vec<Vec<Value>>,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd {
        let text = format!("{} columns, {} rows", columns.len(), rows.len());
        let _ = sink.message(&SqlError::with_text(50_000, 0, text));
        let done = Done { kind: DoneKind::Done, rows: Some(rows.len() as u64), error: false, command: 0xC3 };
        let _ = sink.done(done);
        RequestEnd::Finished
    }

    fn execute_batch(&mut self, text: &str, sink: &mut dyn ResultSink) -> RequestEnd {
        let r = self.run(text, DoneKind::Done, sink);
        self.end(r)
    }

    fn execute_rpc(&mut self, request: &RpcRequest, sink: &mut dyn ResultSink) -> RequestEnd {
        let r = match (request.procedure.as_str(), request.parameters.first().map(|p| &p.value)) {
            ("sp_executesql", Some(RpcValue::Scalar(Value::String(s)))) => {
                self.run(&s.to_text(), DoneKind::InProc, sink)
            }
            // Sends its parameters back.
            ("echo", _) => {
                let (mut columns, mut types, mut row) = (Vec::new(), Vec::new(), Vec::new());
                for (i, p) in request.parameters.iter().enumerate() {
                    if let RpcValue::Scalar(v) = &p.value {
                        columns.push(column(&p.name, p.ty, true));
                        types.push(p.ty);
                        row.push(v.clone());
                        if p.output {
                            let _ = sink.return_value(i as u16, &p.name, &p.ty, v);
                        }
                    }
                }
                let batch = Batch::from_rows(&types, &[row]).expect("decoded values fit their types");
                sink.columns(&columns)
                    .and_then(|()| sink.rows(&batch))
                    .and_then(|()| sink.done(done(DoneKind::InProc, Some(1), false)))
            }
            _ => sink.message(&SqlError::with_text(2812, 16, "Could not find stored procedure.")),
        };
        let r = r
            .and_then(|()| sink.return_status(0))
            .and_then(|()| sink.done(Done { command: 0xE0, ..done(DoneKind::Proc, None, false) }));
        self.end(r)
    }

    fn execute_statement(
        &mut self,
        statement: &StatementText,
        _: &[RpcParameter],
        _: usize,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd {
        let r = self
            .run(&statement.text, DoneKind::InProc, sink)
            .and_then(|()| sink.return_status(0))
            .and_then(|()| sink.done(Done { command: 0xE0, ..done(DoneKind::Proc, None, false) }));
        self.end(r)
    }

    fn transaction(&mut self, request: &TransactionRequest, sink: &mut dyn ResultSink) -> RequestEnd {
        let change = match request {
            TransactionRequest::Begin { .. } => EnvironmentChange::BeginTransaction(77),
            TransactionRequest::Commit { .. } => EnvironmentChange::CommitTransaction(77),
            _ => EnvironmentChange::RollbackTransaction(77),
        };
        let r = sink.environment(change).and_then(|()| sink.done(done(DoneKind::Done, None, false)));
        self.end(r)
    }

    fn reset(&mut self, _: bool) {
        self.database = Arc::from("master");
    }
    fn cancel_flag(&self) -> CancelFlag {
        self.cancel.clone()
    }
    fn database(&self) -> Arc<str> {
        Arc::clone(&self.database)
    }
    fn session_id(&self) -> u16 {
        self.id
    }
    fn describe(&mut self, _: &str) -> Result<Vec<ResultColumn>, SqlError> {
        Ok(vec![column("n", SqlType::INT, false)])
    }
}
