//! Batches and statements.
//!
//! Invariants
//! 1. `Statement::span` covers the statement's text without a trailing semicolon; `span.line` is the line SQL Server
//!    reports for errors in it.

use crate::Span;
use crate::ast::backup::{Backup, NameOrVariable, Restore};
use crate::ast::ddl::Ddl;
use crate::ast::dml::{Delete, Insert, Merge, Update};
use crate::ast::expression::Expr;
use crate::ast::name::{Ident, ObjectName};
use crate::ast::query::{AssignOp, Query, QueryHint};
use crate::ast::types::DataType;

#[derive(Clone, Debug, PartialEq, Default)]
pub struct Batch {
    pub statements: Vec<Statement>,
    /// Every use of a variable outside module bodies, in order, so that the runner can report the undeclared ones (137,
    /// 1087) before anything runs.
    pub uses: Vec<VariableUse>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct VariableUse {
    /// With the @.
    pub name: String,
    /// Used as a table.
    pub table: bool,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub kind: StatementKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    // Queries and data changes.
    Select(Box<SelectStatement>),
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    Merge(Box<Merge>),
    Truncate {
        table: ObjectName,
        /// Each a number or a range.
        partitions: Vec<(Expr, Option<Expr>)>,
    },
    BulkInsert {
        table: ObjectName,
        file: Expr,
        options: Vec<(String, Option<Expr>)>,
    },
    /// INSERT BULK: what the rows of the bulk load message that follows go to. Options in upper case.
    InsertBulk {
        table: ObjectName,
        columns: Vec<Ident>,
        options: Vec<String>,
    },
    /// READTEXT, WRITETEXT, UPDATETEXT.
    TextPointer {
        command: String,
        operands: Vec<Expr>,
    },

    // Variables and options.
    Declare(Vec<Declaration>),
    DeclareCursor(Box<CursorDeclaration>),
    SetVariable(SetVariable),
    SetOption(SetOption),

    // Control flow.
    Block(Vec<Statement>),
    If {
        condition: Expr,
        then: Box<Statement>,
        otherwise: Option<Box<Statement>>,
    },
    While {
        condition: Expr,
        body: Box<Statement>,
    },
    TryCatch {
        body: Vec<Statement>,
        handler: Vec<Statement>,
    },
    Break,
    Continue,
    Return(Option<Expr>),
    Goto(Ident),
    Label(Ident),
    WaitFor(WaitFor),
    Print(Expr),
    RaisError(Box<RaisError>),
    Throw(Option<Box<Throw>>),

    // Execution and context.
    Execute(Box<Execute>),
    ExecuteAs(ExecuteAs),
    Revert {
        cookie: Option<Expr>,
    },
    Use(Ident),

    // Cursors.
    OpenCursor(CursorName),
    Fetch(Box<Fetch>),
    CloseCursor(CursorName),
    DeallocateCursor(CursorName),

    // Transactions.
    BeginTransaction {
        name: Option<NameOrVariable>,
        distributed: bool,
        mark: Option<Option<Expr>>,
    },
    CommitTransaction {
        name: Option<NameOrVariable>,
        delayed_durability: Option<bool>,
    },
    RollbackTransaction {
        name: Option<NameOrVariable>,
    },
    SaveTransaction {
        name: NameOrVariable,
    },

    // Administration.
    Backup(Box<Backup>),
    Restore(Box<Restore>),
    Dbcc(Dbcc),
    Kill {
        what: Expr,
        with_status_only: bool,
        stats_job: bool,
    },
    Checkpoint(Option<Expr>),
    Reconfigure {
        with_override: bool,
    },
    Shutdown {
        no_wait: bool,
    },
    Ddl(Box<Ddl>),
    Permission(Box<Permission>),

    /// Recognised by its first words, whose effect nothing here models; `name` is those words in upper case, and the
    /// span covers the whole statement.
    Unsupported {
        name: String,
    },
}

/// A SELECT as a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectStatement {
    pub query: Query,
    pub options: Vec<QueryHint>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// With the @.
    pub name: String,
    pub kind: DeclarationKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum DeclarationKind {
    Scalar { data_type: DataType, initial: Option<Expr> },
    Cursor,
    Table(Box<crate::ast::ddl::TableDefinition>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct SetVariable {
    /// With the @.
    pub name: String,
    pub value: SetValue,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SetValue {
    Expr {
        op: AssignOp,
        value: Expr,
    },
    /// `SET @c = CURSOR …`
    Cursor(Box<CursorDeclaration>),
    /// `SET @x.modify('…')`, `SET @p.X = 1`, `SET @p.f(…)`: `(member path, arguments, assigned value)`.
    Member {
        member: Ident,
        arguments: Option<Vec<Expr>>,
        value: Option<Expr>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum SetOption {
    /// `SET ANSI_NULLS, QUOTED_IDENTIFIER ON`: upper-case names.
    Flags {
        names: Vec<String>,
        on: bool,
    },
    /// `SET STATISTICS IO, TIME ON`.
    Statistics {
        names: Vec<String>,
        on: bool,
    },
    IdentityInsert {
        table: ObjectName,
        on: bool,
    },
    Offsets {
        names: Vec<String>,
        on: bool,
    },
    TransactionIsolation(IsolationLevel),
    /// ROWCOUNT, TEXTSIZE, LOCK_TIMEOUT, DATEFIRST, DATEFORMAT, LANGUAGE, DEADLOCK_PRIORITY, QUERY_GOVERNOR_COST_LIMIT,
    /// CONTEXT_INFO, FIPS_FLAGGER …: upper-case name; a bare word is a string literal.
    Value {
        name: String,
        value: Expr,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsolationLevel {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Snapshot,
    Serializable,
}

#[derive(Clone, Debug, PartialEq)]
pub enum WaitFor {
    Delay(Expr),
    Time(Expr),
    /// `WAITFOR (RECEIVE …)`, `(GET CONVERSATION GROUP …)`.
    Other(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct RaisError {
    /// Number, string or variable.
    pub message: Expr,
    pub severity: Expr,
    pub state: Expr,
    pub arguments: Vec<Expr>,
    pub log: bool,
    pub no_wait: bool,
    pub set_error: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Throw {
    pub number: Expr,
    pub message: Expr,
    pub state: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Execute {
    /// `EXEC @rc = p`.
    pub return_variable: Option<String>,
    pub target: ExecuteTarget,
    pub options: Vec<ExecuteOption>,
    /// Called without the keyword, as the first statement of a batch.
    pub implicit: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExecuteTarget {
    Procedure {
        name: ObjectName,
        number: Option<i64>,
        arguments: Vec<ExecuteArgument>,
    },
    /// `EXEC @name …`.
    Variable {
        name: String,
        arguments: Vec<ExecuteArgument>,
    },
    /// `EXEC ('…' + @x, args…) [AS USER = 'u'] [AT server]`.
    Text {
        parts: Vec<Expr>,
        arguments: Vec<ExecuteArgument>,
        as_user: Option<(bool, Expr)>,
        at: Option<Ident>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct ExecuteArgument {
    /// `@p = …`.
    pub name: Option<String>,
    /// A literal, a variable, a bare word (as a string literal) or DEFAULT.
    pub value: Expr,
    pub output: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExecuteOption {
    Recompile,
    ResultSetsUndefined,
    ResultSetsNone,
    ResultSets(Vec<ResultSetDefinition>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum ResultSetDefinition {
    Columns(Vec<ResultColumn>),
    Object(ObjectName),
    Type(ObjectName),
    ForXml,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ResultColumn {
    pub name: Ident,
    pub data_type: DataType,
    pub collation: Option<Ident>,
    pub nullable: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ExecuteAs {
    pub principal: ExecuteAsPrincipal,
    pub no_revert: bool,
    pub cookie: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExecuteAsPrincipal {
    Caller,
    /// Only in module options.
    Owner,
    /// Only in module options.
    Self_,
    User(Expr),
    Login(Expr),
}

#[derive(Clone, Debug, PartialEq)]
pub struct CursorDeclaration {
    /// Empty for `SET @c = CURSOR …`.
    pub name: Ident,
    /// Upper case: LOCAL, GLOBAL, FORWARD_ONLY, SCROLL, STATIC, KEYSET, DYNAMIC, FAST_FORWARD, READ_ONLY,
    /// SCROLL_LOCKS, OPTIMISTIC, TYPE_WARNING, INSENSITIVE.
    pub options: Vec<String>,
    pub query: SelectStatement,
}

#[derive(Clone, Debug, PartialEq)]
pub enum CursorName {
    Name { name: Ident, global: bool },
    Variable(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Fetch {
    pub direction: FetchDirection,
    pub cursor: CursorName,
    /// Variables with the @.
    pub into: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FetchDirection {
    Next,
    Prior,
    First,
    Last,
    Absolute(Expr),
    Relative(Expr),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Dbcc {
    /// Upper case.
    pub command: String,
    /// Bare words are string literals.
    pub arguments: Vec<Expr>,
    pub options: Vec<(String, Option<Expr>)>,
}

/// GRANT, DENY, REVOKE.
#[derive(Clone, Debug, PartialEq)]
pub struct Permission {
    pub action: PermissionAction,
    /// Upper-case words and columns: `("SELECT", [a, b])`.
    pub permissions: Vec<(String, Vec<Ident>)>,
    /// `ON [class::]name`.
    pub class: Option<String>,
    pub securable: Option<ObjectName>,
    pub columns: Vec<Ident>,
    pub principals: Vec<Ident>,
    pub with_grant_option: bool,
    pub grant_option_for: bool,
    pub cascade: bool,
    pub as_principal: Option<Ident>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermissionAction {
    Grant,
    Deny,
    Revoke,
}

impl StatementKind {
    /// What the statement is called in messages: `CREATE TABLE`, `INSERT` …
    pub fn name(&self) -> String {
        let fixed = match self {
            StatementKind::Select(_) => "SELECT",
            StatementKind::Insert(_) => "INSERT",
            StatementKind::Update(_) => "UPDATE",
            StatementKind::Delete(_) => "DELETE",
            StatementKind::Merge(_) => "MERGE",
            StatementKind::Truncate { .. } => "TRUNCATE TABLE",
            StatementKind::BulkInsert { .. } => "BULK INSERT",
            StatementKind::InsertBulk { .. } => "INSERT BULK",
            StatementKind::TextPointer { command, .. } => command,
            StatementKind::Declare(_) => "DECLARE",
            StatementKind::DeclareCursor(_) => "DECLARE CURSOR",
            StatementKind::SetVariable(_) | StatementKind::SetOption(_) => "SET",
            StatementKind::Block(_) => "BEGIN...END",
            StatementKind::If { .. } => "IF",
            StatementKind::While { .. } => "WHILE",
            StatementKind::TryCatch { .. } => "TRY...CATCH",
            StatementKind::Break => "BREAK",
            StatementKind::Continue => "CONTINUE",
            StatementKind::Return(_) => "RETURN",
            StatementKind::Goto(_) => "GOTO",
            StatementKind::Label(_) => "label",
            StatementKind::WaitFor(_) => "WAITFOR",
            StatementKind::Print(_) => "PRINT",
            StatementKind::RaisError(_) => "RAISERROR",
            StatementKind::Throw(_) => "THROW",
            StatementKind::Execute(_) => "EXECUTE",
            StatementKind::ExecuteAs(_) => "EXECUTE AS",
            StatementKind::Revert { .. } => "REVERT",
            StatementKind::Use(_) => "USE",
            StatementKind::OpenCursor(_) => "OPEN CURSOR",
            StatementKind::Fetch(_) => "FETCH",
            StatementKind::CloseCursor(_) => "CLOSE CURSOR",
            StatementKind::DeallocateCursor(_) => "DEALLOCATE",
            StatementKind::BeginTransaction { .. } => "BEGIN TRANSACTION",
            StatementKind::CommitTransaction { .. } => "COMMIT TRANSACTION",
            StatementKind::RollbackTransaction { .. } => "ROLLBACK TRANSACTION",
            StatementKind::SaveTransaction { .. } => "SAVE TRANSACTION",
            StatementKind::Backup(b) => match b.what {
                crate::ast::backup::BackupWhat::Log(_) => "BACKUP LOG",
                _ => "BACKUP DATABASE",
            },
            StatementKind::Restore(_) => "RESTORE",
            StatementKind::Dbcc(d) => return format!("DBCC {}", d.command),
            StatementKind::Kill { .. } => "KILL",
            StatementKind::Checkpoint(_) => "CHECKPOINT",
            StatementKind::Reconfigure { .. } => "RECONFIGURE",
            StatementKind::Shutdown { .. } => "SHUTDOWN",
            StatementKind::Ddl(d) => return d.name(),
            StatementKind::Permission(p) => match p.action {
                PermissionAction::Grant => "GRANT",
                PermissionAction::Deny => "DENY",
                PermissionAction::Revoke => "REVOKE",
            },
            StatementKind::Unsupported { name } => name,
        };
        fixed.to_owned()
    }
}
