//! Catalog definitions, immutable snapshots shared by `Arc`. The binder resolves names to these; operators read rows
//! through the [`crate::access::TableAccess`] inside.
//!
//! Invariants
//! 1. `TableDef::columns` is in column-id order (the order of `SELECT *`); ordinals used everywhere above are positions in it.
//! 2. `IndexDef::keys` and `included` hold such ordinals.

mod rules;

use std::sync::Arc;

use holdfast_types::{CollationId, NameOrder, SqlResult, SqlType, Value};

pub use rules::{ConstraintDef, ForeignKeyDef, ReferentialAction, TableRules, TriggerDef};

use crate::access::TableAccess;
use crate::database::partition::PartitionFunction;
use crate::database::xml_schema::TypedXml;

/// What a name can stand for.
#[derive(Clone, Debug)]
pub enum ObjectDef {
    /// User table, internal table or system view: something with rows and columns.
    Table(Arc<TableDef>),
    View(Arc<ModuleDef>),
    InlineFunction(Arc<ModuleDef>),
    ScalarFunction(Arc<ModuleDef>),
    TableFunction(Arc<ModuleDef>),
    Procedure(Arc<ModuleDef>),
    Synonym(Arc<SynonymDef>),
}

/// Another name for something, looked up when it is used.
#[derive(Debug)]
pub struct SynonymDef {
    pub database_id: i32,
    pub object_id: i32,
    pub schema_name: Arc<str>,
    pub name: Arc<str>,
    /// As written, e.g. `[db].[dbo].[t]`.
    pub target: Arc<str>,
}

/// A table, or a system view whose rows are computed.
#[derive(Clone)]
pub struct TableDef {
    pub database_id: i32,
    pub object_id: i32,
    pub schema_name: Arc<str>,
    pub name: Arc<str>,
    pub columns: Vec<ColumnDef>,
    pub indexes: Vec<IndexDef>,
    /// Statistics of columns; those of indexes stand with them.
    pub statistics: Vec<ColumnStatistics>,
    /// Row count of the catalog when the definition was read; plans ask [`TableDef::rows`].
    pub row_count: u64,
    /// Pages in use by the heap or clustered index.
    pub page_count: u64,
    pub temporal: Temporal,
    pub access: Arc<dyn TableAccess>,
}

/// PERIOD FOR SYSTEM_TIME and SYSTEM_VERSIONING of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Temporal {
    /// Ordinals of the columns where the period of a row starts and ends.
    pub period: Option<(usize, usize)>,
    /// The table that keeps this one's old rows, while SYSTEM_VERSIONING is on.
    pub history: Option<i32>,
    /// The table whose old rows this one keeps.
    pub history_of: Option<i32>,
}

impl Temporal {
    /// Whether a column is GENERATED ALWAYS.
    pub fn generates(&self, ordinal: usize) -> bool {
        self.period.is_some_and(|(start, end)| ordinal == start || ordinal == end)
    }

    /// Versioned, or the history of something versioned.
    pub fn is_versioned(&self) -> bool {
        self.history.is_some() || self.history_of.is_some()
    }
}

impl TableDef {
    /// Rows now, for plans.
    pub fn rows(&self) -> u64 {
        self.access.size().map_or(self.row_count, |(rows, _)| rows)
    }

    /// Pages now, for plans.
    pub fn pages(&self) -> u64 {
        self.access.size().map_or(self.page_count, |(_, pages)| pages)
    }
}

impl std::fmt::Debug for TableDef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TableDef({}.{} #{})", self.schema_name, self.name, self.object_id)
    }
}

#[derive(Clone, Debug)]
pub struct ColumnDef {
    pub name: Arc<str>,
    pub column_id: i32,
    pub ty: SqlType,
    pub nullable: bool,
    /// Name of the alias or CLR type when the declared type is one (`dbo.Flag`, `sysname`).
    pub user_type: Option<Arc<str>>,
    pub identity: Option<IdentityDef>,
    pub is_row_guid: bool,
    pub is_sparse: bool,
    pub is_hidden: bool,
    /// `AS (expression)` text of a computed column.
    pub computed: Option<Arc<str>>,
    /// A computed column whose value is stored.
    pub persisted: bool,
    /// DEFAULT expression text, with its parentheses.
    pub default: Option<Arc<str>>,
    /// What values of a typed xml column have to fit.
    pub typed_xml: Option<Arc<TypedXml>>,
}

#[derive(Clone, Debug)]
pub struct IdentityDef {
    pub seed: Value,
    pub increment: Value,
    /// `None` before the first row.
    pub last: Option<Value>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IndexKind {
    Heap,
    Clustered,
    Nonclustered,
    Xml,
    Spatial,
    Columnstore,
}

#[derive(Clone, Debug)]
pub struct IndexDef {
    /// 0 heap, 1 clustered, 2… nonclustered.
    pub index_id: i32,
    /// `None` for a heap.
    pub name: Option<Arc<str>>,
    pub kind: IndexKind,
    pub unique: bool,
    pub primary_key: bool,
    pub unique_constraint: bool,
    /// IGNORE_DUP_KEY: rows whose key is there already are left out of an INSERT.
    pub ignore_duplicates: bool,
    pub disabled: bool,
    /// Key columns in key order.
    pub keys: Vec<IndexKey>,
    /// Included columns (ordinals).
    pub included: Vec<usize>,
    /// Filter text of a filtered index.
    pub filter: Option<Arc<str>>,
    /// Distinct-prefix densities and histogram, when the database stores statistics for it.
    pub statistics: Option<Arc<IndexStatistics>>,
}

impl IndexDef {
    /// The entry of a table without clustered index.
    pub fn heap() -> Self {
        IndexDef {
            index_id: 0,
            name: None,
            kind: IndexKind::Heap,
            unique: false,
            primary_key: false,
            unique_constraint: false,
            ignore_duplicates: false,
            disabled: false,
            keys: Vec::new(),
            included: Vec::new(),
            filter: None,
            statistics: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexKey {
    /// Position in `TableDef::columns`.
    pub ordinal: usize,
    pub descending: bool,
}

/// Statistics of columns that no index stands for.
#[derive(Clone, Debug)]
pub struct ColumnStatistics {
    pub id: i32,
    /// Ordinals; never empty.
    pub columns: Vec<usize>,
    /// Text of the condition that their rows fulfil.
    pub filter: Option<Arc<str>>,
    pub values: Arc<IndexStatistics>,
}

/// Statistics as the optimiser uses them.
#[derive(Clone, Debug, Default)]
pub struct IndexStatistics {
    pub rows: f64,
    /// Density (1 / distinct values) of each prefix of the key.
    pub densities: Vec<f64>,
    /// In the order of their keys; NULL is the first when there are such rows.
    pub histogram: Vec<HistogramStep>,
}

#[derive(Clone, Debug)]
pub struct HistogramStep {
    pub high_key: Value,
    pub equal_rows: f64,
    pub range_rows: f64,
    pub distinct_range_rows: f64,
}

/// A view, procedure, function or trigger: its text and how it was created.
#[derive(Clone, Debug)]
pub struct ModuleDef {
    pub database_id: i32,
    pub object_id: i32,
    pub schema_name: Arc<str>,
    pub name: Arc<str>,
    /// The whole CREATE statement as stored.
    pub text: Arc<str>,
    /// WITH ENCRYPTION: the text runs, and is shown to nobody.
    pub encrypted: bool,
    pub ansi_nulls: bool,
    pub quoted_identifier: bool,
    /// Columns of a view or table function as the catalog lists them.
    pub columns: Vec<ColumnDef>,
    pub parameters: Vec<ParameterDef>,
}

/// An indexed view as a table that it is over knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewUse {
    pub view: i32,
    /// Ids of the table's columns that the view names.
    pub columns: Vec<i32>,
}

/// A sequence as a statement needs it.
#[derive(Clone, Debug)]
pub struct SequenceDef {
    pub object_id: i32,
    pub ty: SqlType,
}

#[derive(Clone, Debug)]
pub struct ParameterDef {
    /// With the `@`; empty for a return value.
    pub name: Arc<str>,
    pub parameter_id: i32,
    pub ty: SqlType,
    pub output: bool,
    pub default: Option<Value>,
    pub has_default: bool,
    /// Set for a table-valued parameter.
    pub table_type: Option<TableTypeName>,
}

/// A table type as a parameter names it.
#[derive(Clone, Debug)]
pub struct TableTypeName {
    pub schema: Arc<str>,
    pub name: Arc<str>,
    /// The object that holds its columns.
    pub object_id: i32,
}

/// What the binder needs from a database. Implemented by the engine's databases and by fixtures in tests.
pub trait Catalog: Send + Sync {
    fn database_id(&self) -> i32;
    fn database_name(&self) -> Arc<str>;
    fn default_collation(&self) -> CollationId;
    /// How the names in it are compared.
    fn names(&self) -> NameOrder {
        NameOrder::of(self.default_collation())
    }
    fn compatibility_level(&self) -> u8;
    /// Whether nothing in it may change.
    fn is_read_only(&self) -> bool {
        false
    }
    /// Exact-by-collation name look-up; `schema` empty means the caller's default schema was tried already and `dbo` (then `sys`) applies.
    fn object(&self, schema: &str, name: &str) -> Option<ObjectDef>;
    /// The schema's name as stored, if it exists.
    fn schema(&self, name: &str) -> Option<Arc<str>>;
    /// An alias or CLR type by name: its base type and nullability.
    fn user_type(&self, schema: &str, name: &str) -> Option<(SqlType, bool)>;

    /// What values of `xml(schema.name)` have to fit; `None` when there is no such collection.
    fn typed_xml(&self, _schema: &str, _name: &str, _document: bool) -> SqlResult<Option<Arc<TypedXml>>> {
        Ok(None)
    }
    /// The columns, indexes and rules of a table type, as a table.
    fn table_type(&self, schema: &str, name: &str) -> SqlResult<Option<Arc<TableDef>>> {
        let _ = (schema, name);
        Ok(None)
    }
    /// A sequence by name.
    fn sequence(&self, schema: &str, name: &str) -> SqlResult<Option<SequenceDef>> {
        let _ = (schema, name);
        Ok(None)
    }
    /// A partition function by name.
    fn partition_function(&self, name: &str) -> SqlResult<Option<Arc<PartitionFunction>>> {
        let _ = name;
        Ok(None)
    }
    /// A table by object id.
    fn table_by_id(&self, object_id: i32) -> SqlResult<Option<Arc<TableDef>>> {
        let _ = object_id;
        Ok(None)
    }
    /// What an indexed view keeps: its rows as a table, as long as its clustered index is there and enabled.
    fn indexed_view(&self, object_id: i32) -> SqlResult<Option<Arc<TableDef>>> {
        let _ = object_id;
        Ok(None)
    }
    /// The indexed views over a table: whoever changes its rows changes theirs.
    fn views_over(&self, object_id: i32) -> SqlResult<Arc<[ViewUse]>> {
        let _ = object_id;
        Ok(Arc::default())
    }
    /// Checks, foreign keys and triggers of a table or view.
    fn rules(&self, object_id: i32) -> SqlResult<Arc<TableRules>> {
        let _ = object_id;
        Ok(Arc::default())
    }
}
