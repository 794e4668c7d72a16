//! master, tempdb, model and msdb as long as they hold nothing of their own: databases with the fixed schemas, principals and
//! types, no objects and no files (see `system_files` for the day they get some).

use std::sync::Arc;

use holdfast_types::{CollationId, DateTime, SqlResult, SqlType, Value};

use super::{BaseTable, DatabaseProperties, OnlineDatabase};
use crate::catalog::{Catalog, ObjectDef};

/// A system database without pages.
#[derive(Clone)]
pub struct SystemDatabase {
    id: i32,
    name: Arc<str>,
    collation: CollationId,
}

impl SystemDatabase {
    pub fn new(id: i32, name: &str, collation: CollationId) -> Self {
        SystemDatabase { id, name: name.into(), collation }
    }
}

/// Fixed schemas: id, name.
const SCHEMAS: &[(i32, &str)] = &[
    (1, "dbo"),
    (2, "guest"),
    (3, "INFORMATION_SCHEMA"),
    (4, "sys"),
    (16384, "db_owner"),
    (16385, "db_accessadmin"),
    (16386, "db_securityadmin"),
    (16387, "db_ddladmin"),
    (16389, "db_backupoperator"),
    (16390, "db_datareader"),
    (16391, "db_datawriter"),
    (16392, "db_denydatareader"),
    (16393, "db_denydatawriter"),
];

/// Fixed principals: id, name, type.
const PRINCIPALS: &[(i32, &str, &str)] = &[
    (0, "public", "R"),
    (1, "dbo", "S"),
    (2, "guest", "S"),
    (3, "INFORMATION_SCHEMA", "S"),
    (4, "sys", "S"),
    (16384, "db_owner", "R"),
    (16385, "db_accessadmin", "R"),
    (16386, "db_securityadmin", "R"),
    (16387, "db_ddladmin", "R"),
    (16389, "db_backupoperator", "R"),
    (16390, "db_datareader", "R"),
    (16391, "db_datawriter", "R"),
    (16392, "db_denydatareader", "R"),
    (16393, "db_denydatawriter", "R"),
];

/// System types: id, name, storage type, bytes, precision, scale (sysscalartypes of genuine databases).
const TYPES: &[(i32, &str, u8, i32, u8, u8)] = &[
    (34, "image", 34, 16, 0, 0),
    (35, "text", 35, 16, 0, 0),
    (36, "uniqueidentifier", 36, 16, 0, 0),
    (40, "date", 40, 3, 10, 0),
    (41, "time", 41, 5, 16, 7),
    (42, "datetime2", 42, 8, 27, 7),
    (43, "datetimeoffset", 43, 10, 34, 7),
    (48, "tinyint", 48, 1, 3, 0),
    (52, "smallint", 52, 2, 5, 0),
    (56, "int", 56, 4, 10, 0),
    (58, "smalldatetime", 58, 4, 16, 0),
    (59, "real", 59, 4, 24, 0),
    (60, "money", 60, 8, 19, 4),
    (61, "datetime", 61, 8, 23, 3),
    (62, "float", 62, 8, 53, 0),
    (98, "sql_variant", 98, 8016, 0, 0),
    (99, "ntext", 99, 16, 0, 0),
    (104, "bit", 104, 1, 1, 0),
    (106, "decimal", 106, 17, 38, 38),
    (108, "numeric", 108, 17, 38, 38),
    (122, "smallmoney", 122, 4, 10, 4),
    (127, "bigint", 127, 8, 19, 0),
    (128, "hierarchyid", 240, 892, 0, 0),
    (129, "geometry", 240, -1, 0, 0),
    (130, "geography", 240, -1, 0, 0),
    (165, "varbinary", 165, 8000, 0, 0),
    (167, "varchar", 167, 8000, 0, 0),
    (173, "binary", 173, 8000, 0, 0),
    (175, "char", 175, 8000, 0, 0),
    (189, "timestamp", 189, 8, 0, 0),
    (231, "nvarchar", 231, 8000, 0, 0),
    (239, "nchar", 239, 8000, 0, 0),
    (241, "xml", 241, -1, 0, 0),
    (256, "sysname", 231, 256, 0, 0),
];

impl OnlineDatabase for SystemDatabase {
    fn catalog(&self) -> Arc<dyn Catalog> {
        Arc::new(self.clone())
    }

    fn base_table(&self, name: &str) -> SqlResult<BaseTable> {
        let columns = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        Ok(match name {
            "sysclsobjs" => (
                columns(&["class", "id", "name"]),
                SCHEMAS
                    .iter()
                    .map(|s| vec![Value::TinyInt(50), Value::Int(s.0), Value::string(s.1)])
                    .chain([vec![Value::TinyInt(31), Value::Int(1), Value::string("PRIMARY")]])
                    .collect(),
            ),
            "sysowners" => (
                columns(&["id", "name", "type", "dfltsch"]),
                PRINCIPALS
                    .iter()
                    .map(|p| {
                        let schema = if p.0 == 1 { Value::string("dbo") } else { Value::Null };
                        vec![Value::Int(p.0), Value::string(p.1), Value::string(p.2), schema]
                    })
                    .collect(),
            ),
            // Everybody who may log in is guest in all of them but model.
            "sysprivs" if self.id != 3 => (
                columns(&["class", "id", "subid", "grantee", "grantor", "type", "state"]),
                vec![vec![
                    Value::TinyInt(0),
                    Value::Int(0),
                    Value::Int(0),
                    Value::Int(2),
                    Value::Int(1),
                    Value::string("CO  "),
                    Value::string("G"),
                ]],
            ),
            "sysscalartypes" => (
                columns(&[
                    "id",
                    "schid",
                    "name",
                    "xtype",
                    "length",
                    "prec",
                    "scale",
                    "collationid",
                    "status",
                ]),
                TYPES
                    .iter()
                    .map(|t| {
                        let text = matches!(t.2, 35 | 99 | 167 | 175 | 231 | 239);
                        let collation = if text { self.collation.0 as i32 } else { 0 };
                        vec![
                            Value::Int(t.0),
                            Value::Int(4),
                            Value::string(t.1),
                            Value::TinyInt(t.2),
                            Value::SmallInt(t.3 as i16),
                            Value::TinyInt(t.4),
                            Value::TinyInt(t.5),
                            Value::Int(collation),
                            Value::Int(i32::from(matches!(t.0, 189 | 256))),
                        ]
                    })
                    .collect(),
            ),
            _ => (Vec::new(), Vec::new()),
        })
    }

    fn properties(&self) -> DatabaseProperties {
        DatabaseProperties {
            // 2003-04-08, the creation date that every instance shows for its system databases.
            created: DateTime { days: 37_717, ticks: 0 },
            compatibility_level: 150,
            collation: self.collation,
            recovery_model: if self.id == 3 { 1 } else { 3 },
            read_only: false,
            version: 904,
            page_verify: 2,
            owner_sid: vec![1],
            identity: None,
            files: Vec::new(),
        }
    }
}

impl Catalog for SystemDatabase {
    fn database_id(&self) -> i32 {
        self.id
    }
    fn database_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }
    fn default_collation(&self) -> CollationId {
        self.collation
    }
    fn compatibility_level(&self) -> u8 {
        150
    }
    fn object(&self, _schema: &str, _name: &str) -> Option<ObjectDef> {
        None
    }
    fn schema(&self, name: &str) -> Option<Arc<str>> {
        SCHEMAS.iter().find(|s| self.names().same(s.1, name)).map(|s| s.1.into())
    }
    fn user_type(&self, _schema: &str, name: &str) -> Option<(SqlType, bool)> {
        self.names().same("sysname", name).then(|| (SqlType::sysname(self.collation), false))
    }
}
