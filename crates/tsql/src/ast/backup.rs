//! BACKUP and RESTORE.

use crate::Span;
use crate::ast::expression::Expr;
use crate::ast::name::Ident;

/// A name that may be given as identifier, string or variable.
#[derive(Clone, Debug, PartialEq)]
pub enum NameOrVariable {
    Name(Ident),
    Variable(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Backup {
    pub what: BackupWhat,
    pub files: Vec<FileSpec>,
    pub devices: Vec<Device>,
    pub mirrors: Vec<Vec<Device>>,
    pub options: Vec<BackupOption>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum BackupWhat {
    Database(NameOrVariable),
    Log(NameOrVariable),
    /// BACKUP GROUP a, b (snapshot of several databases).
    Group(Vec<NameOrVariable>),
    Server,
    Certificate(Ident),
    /// MASTER KEY, SERVICE MASTER KEY, SYMMETRIC KEY: the words as written.
    Key(String),
}

/// `FILE = …`, `FILEGROUP = …`, `READ_WRITE_FILEGROUPS`, `PAGE = '1:2,…'`.
#[derive(Clone, Debug, PartialEq)]
pub enum FileSpec {
    File(Expr),
    Filegroup(Expr),
    ReadWriteFilegroups,
    Page(Expr),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    pub kind: DeviceKind,
    /// String literal, variable, or (for `Logical`) the name as a string literal.
    pub name: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    Logical,
    Disk,
    Tape,
    Url,
    VirtualDevice,
    DatabaseSnapshot,
}

/// One WITH option: `COMPRESSION`, `STATS = 5`, `MOVE 'a' TO 'b'`, `STOPATMARK = 'm' AFTER 'd'`, `ENCRYPTION (…)`.
#[derive(Clone, Debug, PartialEq)]
pub struct BackupOption {
    /// Upper case, e.g. `NORECOVERY`, `MOVE`, `STATS`.
    pub name: String,
    /// After `=`, or MOVE's first operand.
    pub value: Option<Expr>,
    /// MOVE's TO operand, STOPATMARK's AFTER operand.
    pub second: Option<Expr>,
    /// Inside parentheses: `COMPRESSION (ALGORITHM = ZSTD, LEVEL = HIGH)`, `FILESTREAM (DIRECTORY_NAME = 'x')`.
    pub nested: Vec<(String, Expr)>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Restore {
    pub what: RestoreWhat,
    pub files: Vec<FileSpec>,
    /// Empty: recovery only (no FROM).
    pub devices: Vec<Device>,
    pub options: Vec<BackupOption>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RestoreWhat {
    Database(NameOrVariable),
    Log(NameOrVariable),
    HeaderOnly,
    FileListOnly,
    LabelOnly,
    VerifyOnly,
    RewindOnly,
    BackupSetOnly,
    /// RESTORE MASTER KEY, SERVICE MASTER KEY, SYMMETRIC KEY.
    Key(String),
}

impl Backup {
    pub fn option(&self, name: &str) -> Option<&BackupOption> {
        self.options.iter().find(|o| o.name == name)
    }
}

impl Restore {
    pub fn option(&self, name: &str) -> Option<&BackupOption> {
        self.options.iter().find(|o| o.name == name)
    }
}
