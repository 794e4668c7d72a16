//! Views over a small hand-made catalog: every view answers rows of its declared width, and a few answers are checked.

use holdfast_engine::access::ReadContext;
use std::sync::Arc;

use holdfast_types::{CollationId, DateTime, NameOrder, SqlResult, Value};

use super::model::CatalogModel;
use super::*;
use crate::security::store::Principals;

/// A table `dbo.t (id int primary key, name nvarchar(20) default)`, a view and a procedure.
struct Small;

fn text(s: &str) -> Value {
    Value::string(s)
}

fn int(n: i32) -> Value {
    Value::Int(n)
}

impl ViewSource for Small {
    fn database(&self) -> DatabaseInfo {
        DatabaseInfo {
            id: 5,
            name: "small".into(),
            state: 0,
            created: DateTime::default(),
            compatibility_level: 110,
            collation: CollationId::SERVER_DEFAULT,
            recovery_model: 3,
            read_only: false,
            version: 706,
            page_verify: 2,
            owner_sid: Arc::from([1u8].as_slice()),
            identity: None,
            allow_snapshot_isolation: false,
            read_committed_snapshot: false,
            options: Default::default(),
            files: vec![FileInfo {
                file_id: 1,
                kind: 0,
                data_space_id: 1,
                logical_name: "small".into(),
                physical_name: "small.mdf".into(),
                size: 392,
                max_size: -1,
                growth: 128,
                percent_growth: false,
                guid: None,
            }],
        }
    }

    fn base_rows(&self, table: &str) -> SqlResult<Arc<BaseRows>> {
        let rows = match table {
            "sysschobjs" => {
                let columns = ["id", "name", "nsid", "status", "type", "pid", "intprop"];
                let row = |id, name, kind, pid| {
                    vec![int(id), text(name), int(1), int(0), text(kind), int(pid), int(2)]
                };
                BaseRows::new(
                    &columns,
                    vec![
                        row(1001, "t", "U ", 0),
                        row(1002, "PK_t", "PK", 1001),
                        row(1003, "DF_t", "D ", 1001),
                        row(1004, "v", "V ", 0),
                        row(1005, "p", "P ", 0),
                        row(1006, "FK_t", "F ", 1001),
                    ],
                )
            }
            "syscolpars" => {
                let columns =
                    ["id", "number", "colid", "name", "xtype", "utype", "length", "prec", "status", "dflt"];
                let row = |id, number, colid, name, xtype, length, status, dflt| {
                    vec![
                        int(id),
                        int(number),
                        int(colid),
                        text(name),
                        int(xtype),
                        int(xtype),
                        int(length),
                        int(10),
                        int(status),
                        int(dflt),
                    ]
                };
                BaseRows::new(
                    &columns,
                    vec![
                        row(1001, 0, 1, "id", 56, 4, 1, 0),
                        row(1001, 0, 2, "name", 231, 40, 2, 1003),
                        row(1004, 0, 1, "id", 56, 4, 1, 0),
                        row(1005, 1, 1, "@x", 56, 4, 0, 0),
                    ],
                )
            }
            "sysidxstats" => BaseRows::new(
                &["id", "indid", "name", "status", "type", "rowset"],
                vec![vec![int(1001), int(1), text("PK_t"), int(0x2b), int(1), Value::BigInt(77)]],
            ),
            "sysiscols" => BaseRows::new(
                &["idmajor", "idminor", "subid", "status", "intprop", "tinyprop1"],
                vec![vec![int(1001), int(1), int(1), int(3), int(1), int(1)]],
            ),
            "syssingleobjrefs" => BaseRows::new(
                &["class", "depid", "depsubid", "indepid", "indepsubid"],
                [(93, 1002, 0, 1, 0), (27, 1006, 0, 1001, 1), (28, 1006, 1, 1001, 2), (29, 1006, 1, 1001, 1)]
                    .iter()
                    .map(|r| vec![int(r.0), int(r.1), int(r.2), int(r.3), int(r.4)])
                    .collect(),
            ),
            "sysclsobjs" => BaseRows::new(&["class", "id", "name"], vec![vec![int(50), int(1), text("dbo")]]),
            "sysrowsets" => BaseRows::new(
                &["rowsetid", "idmajor", "idminor", "numpart", "rcrows"],
                vec![vec![Value::BigInt(77), int(1001), int(1), int(1), Value::BigInt(3)]],
            ),
            _ => BaseRows::default(),
        };
        Ok(Arc::new(rows))
    }

    fn model(&self) -> SqlResult<Arc<CatalogModel>> {
        Ok(Arc::new(CatalogModel::build(
            holdfast_types::NameOrder::instance(),
            &|t| self.base_rows(t),
            None,
            &|_, _| {},
        )?))
    }
    fn moved_files(&self, _: i32) -> std::collections::BTreeMap<u16, std::path::PathBuf> {
        Default::default()
    }
    fn databases(&self) -> Vec<DatabaseInfo> {
        vec![self.database()]
    }
    fn sessions(&self) -> Vec<SessionRow> {
        vec![SessionRow {
            session_id: 51,
            login_time: DateTime::default(),
            login: "sa".into(),
            host: "h".into(),
            program: "p".into(),
            client_interface: "c".into(),
            host_process_id: 1,
            client_address: "127.0.0.1".into(),
            local_address: None,
            database_id: 5,
            running: true,
            text: "select 1".into(),
            command: "SELECT".into(),
            open_transactions: 0,
            transaction: None,
            lock_timeout: -1,
            deadlock_priority: 0,
            isolation: 2,
            encrypted: true,
            percent_complete: 0.0,
        }]
    }
    fn principals(&self) -> Arc<Principals> {
        let mut principals = Principals::default();
        principals.add(crate::security::store::new_login(1, "sa", vec![1]));
        Arc::new(principals)
    }
    fn server_name(&self) -> Arc<str> {
        "srv".into()
    }
    fn product_version(&self) -> Arc<str> {
        "15.0.0.0".into()
    }
    fn started(&self) -> DateTime {
        DateTime::default()
    }
    fn now(&self) -> DateTime {
        DateTime::default()
    }
    fn server_property(&self, _name: &str) -> Option<Value> {
        None
    }
    fn collation_name(&self, _id: CollationId) -> Arc<str> {
        "SQL_Latin1_General_CP1_CI_AS".into()
    }
}

fn rows_of(name: &str) -> Vec<Vec<Value>> {
    let context = ViewContext { source: &Small, model: Small.model().unwrap(), reader: None };
    let view = all().find(|v| v.name == name).unwrap();
    (view.rows)(&context).unwrap()
}

#[test]
fn declarations_parse_and_names_are_unique() {
    let mut seen = std::collections::HashSet::new();
    for view in all() {
        assert!(seen.insert(view.name.to_lowercase()), "{} is declared twice", view.name);
        assert!(!table::parse_columns(view.columns, Default::default()).is_empty(), "{}", view.name);
    }
}

#[test]
fn every_view_answers_rows_of_its_width() {
    for view in all().chain(instance_tables::TABLES.iter().map(|t| &t.1)).chain(empty_msdb::TABLES) {
        let width = table::parse_columns(view.columns, Default::default()).len();
        let context = ViewContext { source: &Small, model: Small.model().unwrap(), reader: None };
        for row in (view.rows)(&context).unwrap() {
            assert_eq!(row.len(), width, "{}", view.name);
        }
    }
}

#[test]
fn every_view_scans_with_its_declared_types() {
    let source: Arc<dyn ViewSource> = Arc::new(Small);
    for view in all() {
        let (schema, name) = view.name.split_once('.').unwrap();
        let def = resolve(NameOrder::instance(), schema, name, &source).unwrap();
        let ordinals: Vec<usize> = (0..def.columns.len()).collect();
        let mut rows = def.access.scan(&ReadContext::unlocked(), &ordinals).unwrap();
        while let Some(batch) = rows.next_batch().unwrap_or_else(|e| panic!("{}: {e}", view.name)) {
            assert_eq!(batch.columns.len(), def.columns.len());
        }
    }
}

#[test]
fn a_foreign_key_is_described() {
    let rows = rows_of("INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][2], text("FK_t"));
    assert_eq!(rows[0][5], text("PK_t"));
    assert_eq!(rows_of("sys.key_constraints")[0][12], int(1));
    let columns = rows_of("sys.foreign_key_columns");
    assert_eq!(columns[0][3..6], [int(2), int(1001), int(1)]);
}

#[test]
fn names_resolve_as_the_database_compares_them() {
    let source: Arc<dyn ViewSource> = Arc::new(Small);
    assert!(resolve(NameOrder::instance(), "SYS", "Tables", &source).is_some());
    assert!(resolve(NameOrder::instance(), "information_schema", "columns", &source).is_some());
    assert!(resolve(NameOrder::instance(), "sys", "no_such_view", &source).is_none());
    let binary = NameOrder::of(CollationId::from_name("Latin1_General_BIN2").unwrap());
    assert!(resolve(binary, "sys", "tables", &source).is_some());
    assert!(resolve(binary, "SYS", "tables", &source).is_none());
    assert!(resolve(binary, "INFORMATION_SCHEMA", "COLUMNS", &source).is_some());
    assert!(resolve(binary, "INFORMATION_SCHEMA", "columns", &source).is_none());
}
