//! Data definition: CREATE, ALTER, DROP of the usual objects. Modules keep their whole text through the statement's span.

use crate::Span;
use crate::ast::expression::Expr;
use crate::ast::name::{Ident, ObjectName};
use crate::ast::query::Query;
use crate::ast::statement::{ExecuteAsPrincipal, Statement, VariableUse};
use crate::ast::types::DataType;

#[derive(Clone, Debug, PartialEq)]
pub enum Ddl {
    CreateTable(Box<CreateTable>),
    AlterTable(Box<AlterTable>),
    CreateIndex(Box<CreateIndex>),
    AlterIndex(Box<AlterIndex>),
    CreateView(Box<CreateView>),
    CreateProcedure(Box<CreateProcedure>),
    CreateFunction(Box<CreateFunction>),
    CreateTrigger(Box<CreateTrigger>),
    CreateSchema(Box<CreateSchema>),
    CreateType(Box<CreateType>),
    CreateSequence(Box<Sequence>),
    AlterSequence(Box<Sequence>),
    /// CREATE DEFAULT name AS constant: a default by itself, for columns and types that it is bound to.
    CreateDefault {
        name: ObjectName,
        value: Expr,
    },
    /// CREATE RULE name AS condition on one variable, which stands for the value of the column.
    CreateRule {
        name: ObjectName,
        condition: Expr,
        /// Where the variable stands.
        variable: Vec<Span>,
    },
    /// CREATE XML SCHEMA COLLECTION … AS and ALTER XML SCHEMA COLLECTION … ADD.
    XmlSchemaCollection {
        alter: bool,
        name: ObjectName,
        source: Expr,
    },
    CreateSynonym {
        name: ObjectName,
        target: ObjectName,
    },
    CreateDatabase(Box<CreateDatabase>),
    AlterDatabase(Box<AlterDatabase>),
    /// ALTER DATABASE SCOPED CONFIGURATION; a name `CLEAR PROCEDURE_CACHE` is the statement of that kind.
    ScopedConfiguration {
        secondary: bool,
        setting: Setting,
    },
    CreateStatistics(Box<CreateStatistics>),
    UpdateStatistics {
        table: ObjectName,
        names: Vec<Ident>,
        options: Vec<Setting>,
    },
    /// CREATE LOGIN / USER / ROLE / SERVER ROLE …: `kind` in upper case.
    Principal(Box<PrincipalStatement>),
    EnableTrigger {
        enable: bool,
        names: Vec<ObjectName>,
        all: bool,
        on: TriggerTarget,
    },
    Drop(Box<Drop>),
    AlterAuthorization {
        class: Option<String>,
        name: ObjectName,
        owner: Ident,
    },
    AlterSchema {
        schema: Ident,
        class: Option<String>,
        object: ObjectName,
    },
    CreatePartitionFunction {
        name: Ident,
        data_type: DataType,
        collation: Option<Ident>,
        right: bool,
        values: Vec<Expr>,
    },
    /// SPLIT RANGE or MERGE RANGE.
    AlterPartitionFunction {
        name: Ident,
        split: bool,
        value: Option<Expr>,
    },
    CreatePartitionScheme {
        name: Ident,
        function: Ident,
        all: bool,
        filegroups: Vec<Ident>,
    },
    /// NEXT USED, with or without a filegroup.
    AlterPartitionScheme {
        name: Ident,
        next_used: Option<Ident>,
    },
}

impl Ddl {
    /// `CREATE TABLE`, `ALTER DATABASE`, `DROP VIEW` …
    pub fn name(&self) -> String {
        match self {
            Ddl::CreateTable(_) => "CREATE TABLE".into(),
            Ddl::AlterTable(_) => "ALTER TABLE".into(),
            Ddl::CreateIndex(_) => "CREATE INDEX".into(),
            Ddl::AlterIndex(_) => "ALTER INDEX".into(),
            Ddl::CreateView(v) => v.action.word("VIEW"),
            Ddl::CreateProcedure(v) => v.action.word("PROCEDURE"),
            Ddl::CreateFunction(v) => v.action.word("FUNCTION"),
            Ddl::CreateTrigger(v) => v.action.word("TRIGGER"),
            Ddl::CreateSchema(_) => "CREATE SCHEMA".into(),
            Ddl::CreateType(_) => "CREATE TYPE".into(),
            Ddl::CreateSequence(_) => "CREATE SEQUENCE".into(),
            Ddl::AlterSequence(_) => "ALTER SEQUENCE".into(),
            Ddl::XmlSchemaCollection { alter: true, .. } => "ALTER XML SCHEMA COLLECTION".into(),
            Ddl::XmlSchemaCollection { .. } => "CREATE XML SCHEMA COLLECTION".into(),
            Ddl::CreateSynonym { .. } => "CREATE SYNONYM".into(),
            Ddl::CreateDefault { .. } => "CREATE DEFAULT".into(),
            Ddl::CreateRule { .. } => "CREATE RULE".into(),
            Ddl::CreateDatabase(_) => "CREATE DATABASE".into(),
            Ddl::AlterDatabase(_) => "ALTER DATABASE".into(),
            Ddl::ScopedConfiguration { .. } => "ALTER DATABASE SCOPED CONFIGURATION".into(),
            Ddl::CreateStatistics(_) => "CREATE STATISTICS".into(),
            Ddl::UpdateStatistics { .. } => "UPDATE STATISTICS".into(),
            Ddl::Principal(p) => format!("{} {}", p.action, p.kind),
            Ddl::EnableTrigger { enable: true, .. } => "ENABLE TRIGGER".into(),
            Ddl::EnableTrigger { .. } => "DISABLE TRIGGER".into(),
            Ddl::Drop(d) => format!("DROP {}", d.kind),
            Ddl::AlterAuthorization { .. } => "ALTER AUTHORIZATION".into(),
            Ddl::AlterSchema { .. } => "ALTER SCHEMA".into(),
            Ddl::CreatePartitionFunction { .. } => "CREATE PARTITION FUNCTION".into(),
            Ddl::AlterPartitionFunction { .. } => "ALTER PARTITION FUNCTION".into(),
            Ddl::CreatePartitionScheme { .. } => "CREATE PARTITION SCHEME".into(),
            Ddl::AlterPartitionScheme { .. } => "ALTER PARTITION SCHEME".into(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleAction {
    Create,
    Alter,
    CreateOrAlter,
}

impl ModuleAction {
    fn word(self, what: &str) -> String {
        match self {
            ModuleAction::Alter => format!("ALTER {what}"),
            _ => format!("CREATE {what}"),
        }
    }
}

/// `NAME = value`, `NAME ON`, `NAME (…)`, `NAME`: an option of indexes, tables, databases, logins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setting {
    /// Upper case.
    pub name: String,
    pub value: Option<Expr>,
    pub nested: Vec<Setting>,
    /// ON PARTITIONS (1, 3 TO 5): each a number or a range.
    pub partitions: Vec<(Expr, Option<Expr>)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    pub name: ObjectName,
    pub definition: TableDefinition,
    /// AS FILETABLE / AS NODE / AS EDGE: the word in upper case.
    pub kind: Option<String>,
    pub on: Option<StoragePlace>,
    pub textimage_on: Option<Ident>,
    pub filestream_on: Option<Ident>,
    pub options: Vec<Setting>,
    /// `CREATE TABLE … AS SELECT` of other services: never set by a valid script here.
    pub external: bool,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct TableDefinition {
    pub columns: Vec<ColumnDefinition>,
    pub constraints: Vec<TableConstraint>,
    pub indexes: Vec<InlineIndex>,
    /// PERIOD FOR SYSTEM_TIME (start, end).
    pub period: Option<(Ident, Ident)>,
}

/// `ON filegroup` or `ON scheme(column)`.
#[derive(Clone, Debug, PartialEq)]
pub struct StoragePlace {
    pub name: Ident,
    pub columns: Vec<Ident>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDefinition {
    pub name: Ident,
    /// `None` for a computed column and for a bare `timestamp` column.
    pub data_type: Option<DataType>,
    pub computed: Option<Computed>,
    pub collation: Option<Ident>,
    pub nullable: Option<bool>,
    pub identity: Option<Identity>,
    pub rowguidcol: bool,
    pub sparse: bool,
    pub filestream: bool,
    pub column_set: bool,
    pub not_for_replication: bool,
    pub hidden: bool,
    /// GENERATED ALWAYS AS ROW START / ROW END / TRANSACTION_ID …: the words in upper case.
    pub generated: Option<String>,
    /// MASKED WITH (FUNCTION = '…').
    pub masked: Option<String>,
    pub encrypted: Vec<Setting>,
    pub constraints: Vec<ColumnConstraint>,
    pub index: Option<InlineIndex>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    pub expr: Expr,
    pub persisted: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    pub seed: Option<Expr>,
    pub increment: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ColumnConstraint {
    pub name: Option<Ident>,
    pub kind: ConstraintKind,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TableConstraint {
    pub name: Option<Ident>,
    pub kind: ConstraintKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ConstraintKind {
    /// PRIMARY KEY or UNIQUE; columns empty in a column constraint.
    Key {
        primary: bool,
        clustered: Option<bool>,
        columns: Vec<IndexColumn>,
        options: Vec<Setting>,
        on: Option<StoragePlace>,
        not_enforced: bool,
    },
    ForeignKey {
        columns: Vec<Ident>,
        table: ObjectName,
        referenced: Vec<Ident>,
        on_delete: ReferentialAction,
        on_update: ReferentialAction,
        not_for_replication: bool,
    },
    Check {
        condition: Expr,
        not_for_replication: bool,
    },
    /// In ALTER TABLE ADD also `FOR column` and WITH VALUES.
    Default {
        value: Expr,
        column: Option<Ident>,
        with_values: bool,
    },
    /// CONNECTION (a TO b) of edge tables.
    Connection(Vec<(ObjectName, ObjectName)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ReferentialAction {
    #[default]
    NoAction,
    Cascade,
    SetNull,
    SetDefault,
}

#[derive(Clone, Debug, PartialEq)]
pub struct IndexColumn {
    pub name: Ident,
    pub descending: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct InlineIndex {
    pub name: Ident,
    pub unique: bool,
    pub clustered: Option<bool>,
    pub columnstore: bool,
    pub hash: bool,
    pub columns: Vec<IndexColumn>,
    pub include: Vec<Ident>,
    pub filter: Option<Expr>,
    pub options: Vec<Setting>,
    pub on: Option<StoragePlace>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterTable {
    pub name: ObjectName,
    pub action: AlterTableAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterTableAction {
    Add {
        with_check: Option<bool>,
        definition: TableDefinition,
    },
    AlterColumn {
        column: ColumnDefinition,
        options: Vec<Setting>,
    },
    /// ALTER COLUMN c ADD|DROP ROWGUIDCOL, PERSISTED, NOT FOR REPLICATION, SPARSE, HIDDEN, MASKED.
    AlterColumnProperty {
        column: Ident,
        add: bool,
        property: String,
        value: Option<String>,
    },
    Drop(Vec<AlterTableDrop>),
    /// [WITH CHECK|NOCHECK] CHECK|NOCHECK CONSTRAINT ALL|names.
    CheckConstraint {
        with_check: Option<bool>,
        enable: bool,
        all: bool,
        names: Vec<Ident>,
    },
    Trigger {
        enable: bool,
        all: bool,
        names: Vec<Ident>,
    },
    ChangeTracking {
        enable: bool,
        options: Vec<Setting>,
    },
    Switch {
        partition: Option<Expr>,
        target: ObjectName,
        target_partition: Option<Expr>,
        options: Vec<Setting>,
    },
    Set(Vec<Setting>),
    Rebuild {
        partition: Option<Expr>,
        options: Vec<Setting>,
    },
    AlterIndex {
        name: Ident,
        text: String,
    },
    /// ENABLE/DISABLE FILETABLE_NAMESPACE, SPLIT/MERGE RANGE of other services.
    Other(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterTableDrop {
    Constraint { name: Ident, if_exists: bool, options: Vec<Setting> },
    Column { name: Ident, if_exists: bool },
    Index { name: Ident },
    Period,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateIndex {
    pub name: Ident,
    pub unique: bool,
    pub clustered: Option<bool>,
    pub kind: IndexKind,
    pub table: ObjectName,
    pub columns: Vec<IndexColumn>,
    pub include: Vec<Ident>,
    pub filter: Option<Expr>,
    pub options: Vec<Setting>,
    pub on: Option<StoragePlace>,
    pub filestream_on: Option<Ident>,
    /// Words of XML/SPATIAL/FULLTEXT/JSON/VECTOR specifics kept as text.
    pub extra: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexKind {
    Rowstore,
    Columnstore,
    Xml,
    PrimaryXml,
    Spatial,
    FullText,
    Other,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterIndex {
    /// `None` = ALL.
    pub name: Option<Ident>,
    pub table: ObjectName,
    /// REBUILD, REORGANIZE, DISABLE, SET, RESUME, PAUSE, ABORT.
    pub action: String,
    pub partition: Option<Expr>,
    pub options: Vec<Setting>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateView {
    pub action: ModuleAction,
    pub name: ObjectName,
    pub columns: Vec<Ident>,
    pub options: ModuleOptions,
    pub query: Query,
    pub check_option: bool,
}

/// WITH options of a module.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ModuleOptions {
    pub schema_binding: bool,
    pub encryption: bool,
    pub recompile: bool,
    pub view_metadata: bool,
    pub native_compilation: bool,
    /// RETURNS NULL ON NULL INPUT.
    pub null_on_null_input: bool,
    pub inline: Option<bool>,
    pub execute_as: Option<ExecuteAsPrincipal>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// With the @.
    pub name: String,
    pub data_type: DataType,
    pub default: Option<Expr>,
    pub output: bool,
    pub readonly: bool,
    pub varying: bool,
    pub nullable: Option<bool>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateProcedure {
    pub action: ModuleAction,
    pub name: ObjectName,
    pub number: Option<i64>,
    pub parameters: Vec<Parameter>,
    pub options: ModuleOptions,
    pub for_replication: bool,
    pub body: ModuleBody,
    /// Uses of variables in the body.
    pub uses: Vec<VariableUse>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ModuleBody {
    Statements(Vec<Statement>),
    /// EXTERNAL NAME assembly.class.method.
    External(Vec<Ident>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateFunction {
    pub action: ModuleAction,
    pub name: ObjectName,
    pub parameters: Vec<Parameter>,
    pub options: ModuleOptions,
    pub returns: FunctionReturns,
    /// Uses of variables in the body.
    pub uses: Vec<VariableUse>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FunctionReturns {
    Scalar {
        data_type: DataType,
        body: ModuleBody,
    },
    /// RETURNS TABLE AS RETURN query.
    Inline(Query),
    /// RETURNS @t TABLE (…) AS BEGIN … END.
    Table {
        variable: String,
        definition: TableDefinition,
        body: Vec<Statement>,
    },
    /// CLR: RETURNS TABLE (columns) AS EXTERNAL NAME.
    ExternalTable {
        definition: TableDefinition,
        body: ModuleBody,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateTrigger {
    pub action: ModuleAction,
    pub name: ObjectName,
    pub on: TriggerTarget,
    pub options: ModuleOptions,
    pub instead_of: bool,
    /// INSERT, UPDATE, DELETE or event names, upper case.
    pub events: Vec<String>,
    pub append: bool,
    pub not_for_replication: bool,
    pub body: ModuleBody,
    /// Uses of variables in the body.
    pub uses: Vec<VariableUse>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TriggerTarget {
    Object(ObjectName),
    Database,
    AllServer,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateSchema {
    pub name: Option<Ident>,
    pub owner: Option<Ident>,
    /// CREATE TABLE/VIEW, GRANT … inside the statement.
    pub elements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateType {
    pub name: ObjectName,
    pub kind: CreateTypeKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum CreateTypeKind {
    Alias { base: DataType, nullable: Option<bool> },
    Table { definition: TableDefinition, options: Vec<Setting> },
    External(Vec<Ident>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    pub name: ObjectName,
    pub data_type: Option<DataType>,
    /// START WITH / RESTART [WITH].
    pub start: Option<Expr>,
    pub restart: bool,
    pub increment: Option<Expr>,
    /// `Some(None)` = NO MINVALUE.
    pub min: Option<Option<Expr>>,
    pub max: Option<Option<Expr>>,
    pub cycle: Option<bool>,
    /// `Some(None)` = NO CACHE; `Some(Some(None))` = CACHE without size.
    pub cache: Option<Option<Option<Expr>>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateDatabase {
    pub name: Ident,
    /// PARTIAL or NONE.
    pub containment: Option<String>,
    pub primary: bool,
    pub files: Vec<FileDefinition>,
    pub filegroups: Vec<FilegroupDefinition>,
    pub log: Vec<FileDefinition>,
    pub collation: Option<Ident>,
    pub options: Vec<Setting>,
    pub attach: Option<AttachKind>,
    pub snapshot_of: Option<Ident>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachKind {
    Attach,
    AttachRebuildLog,
    AttachForceRebuildLog,
}

/// `(NAME = …, FILENAME = …, SIZE = 10MB, …)`: sizes are `Setting`s whose value is a number with the unit in `nested[0]`.
#[derive(Clone, Debug, PartialEq)]
pub struct FileDefinition {
    pub settings: Vec<FileSetting>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FileSetting {
    /// NAME, NEWNAME, FILENAME, SIZE, MAXSIZE, FILEGROWTH, OFFLINE: upper case.
    pub name: String,
    /// Identifiers become string literals; UNLIMITED is the string `UNLIMITED`.
    pub value: Option<Expr>,
    /// KB, MB, GB, TB, % in upper case.
    pub unit: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FilegroupDefinition {
    pub name: Ident,
    /// FILESTREAM or MEMORY_OPTIMIZED_DATA.
    pub contains: Option<String>,
    pub default: bool,
    pub files: Vec<FileDefinition>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterDatabase {
    /// `None` = CURRENT.
    pub name: Option<Ident>,
    pub action: AlterDatabaseAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterDatabaseAction {
    /// SET options; `termination` is ROLLBACK IMMEDIATE / ROLLBACK AFTER n / NO_WAIT as words and seconds.
    Set {
        options: Vec<Setting>,
        termination: Option<(String, Option<i64>)>,
    },
    ModifyName(Ident),
    Collate(Ident),
    AddFile {
        files: Vec<FileDefinition>,
        log: bool,
        filegroup: Option<Ident>,
    },
    RemoveFile(Ident),
    ModifyFile(FileDefinition),
    AddFilegroup(FilegroupDefinition),
    RemoveFilegroup(Ident),
    /// MODIFY FILEGROUP name words.
    ModifyFilegroup {
        name: Ident,
        action: String,
    },
    /// SCOPED CONFIGURATION …, AUDIT, ENCRYPTION KEY and others: the words.
    Other(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateStatistics {
    pub name: Ident,
    pub table: ObjectName,
    pub columns: Vec<Ident>,
    pub filter: Option<Expr>,
    pub options: Vec<Setting>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PrincipalStatement {
    /// CREATE or ALTER.
    pub action: &'static str,
    /// LOGIN, USER, ROLE, SERVER ROLE, APPLICATION ROLE.
    pub kind: &'static str,
    pub name: Ident,
    /// FOR/FROM LOGIN x, WITHOUT LOGIN, FROM WINDOWS, FROM CERTIFICATE c, AUTHORIZATION o, ADD MEMBER m, DROP MEMBER m,
    /// ENABLE, DISABLE: words and the name behind them.
    pub clauses: Vec<(String, Option<Ident>)>,
    /// WITH PASSWORD = '…' [HASHED] [MUST_CHANGE], NAME = …, DEFAULT_SCHEMA = …
    pub options: Vec<Setting>,
}

/// DROP of anything that is named.
#[derive(Clone, Debug, PartialEq)]
pub struct Drop {
    /// TABLE, VIEW, PROCEDURE, FUNCTION, TRIGGER, INDEX, STATISTICS, DATABASE, SCHEMA, TYPE, SYNONYM, SEQUENCE, LOGIN, USER, …
    pub kind: String,
    pub if_exists: bool,
    pub names: Vec<ObjectName>,
    /// DROP INDEX i ON t: the table of each name; empty otherwise.
    pub on: Vec<Option<ObjectName>>,
    pub trigger_on: Option<TriggerTarget>,
    /// DROP INDEX … WITH (MOVE TO x): where the rows of a clustered index go, and whether that is a partition scheme.
    pub moves_to: Option<(Ident, bool)>,
    pub options: Vec<Setting>,
}
