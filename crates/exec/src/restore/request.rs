//! A RESTORE statement with its expressions evaluated and its options checked.

use holdfast_tsql::ast::backup::{BackupOption, Device, DeviceKind, NameOrVariable, Restore, RestoreWhat};
use holdfast_tsql::ast::expression::{Expr, ExprKind};
use holdfast_types::conversion::{ConvertContext, Mode, convert};

use crate::host::server_settings::BackupDevice;
use holdfast_types::{CollationId, DateTime, NameOrder, SqlError, SqlResult, SqlType, Value};

/// What is restored or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreVerb {
    Database(String),
    Log(String),
    HeaderOnly,
    FileListOnly,
    LabelOnly,
    VerifyOnly,
}

impl RestoreVerb {
    /// The words of messages 3013 and 3014.
    pub fn words(&self) -> &'static str {
        match self {
            RestoreVerb::Database(_) => "RESTORE DATABASE",
            RestoreVerb::Log(_) => "RESTORE LOG",
            RestoreVerb::HeaderOnly => "RESTORE HEADERONLY",
            RestoreVerb::FileListOnly => "RESTORE FILELIST",
            RestoreVerb::LabelOnly => "RESTORE LABELONLY",
            RestoreVerb::VerifyOnly => "VERIFY DATABASE",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecoveryOption {
    Recovery,
    NoRecovery,
    Standby(String),
}

/// A device as the statement names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedDevice {
    pub name: String,
    /// Named by a logical device, not by DISK =.
    pub logical: bool,
}

/// All a RESTORE says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreRequest {
    pub verb: RestoreVerb,
    /// Empty: recovery only.
    pub devices: Vec<NamedDevice>,
    /// FILE = n; `None` = not given (1, or every set for HEADERONLY).
    pub file: Option<u32>,
    /// (logical name, target path).
    pub moves: Vec<(String, String)>,
    pub replace: bool,
    pub recovery: RecoveryOption,
    /// STATS step in percent; `None` = no progress messages.
    pub stats: Option<u32>,
    /// CHECKSUM / NO_CHECKSUM, when given.
    pub checksum: Option<bool>,
    pub continue_after_error: bool,
    /// STOPAT: what was committed later is left out.
    pub stop_at: Option<DateTime>,
    pub media_name: Option<String>,
    pub media_password: Option<String>,
    /// PASSWORD: that of the backup set.
    pub password: Option<String>,
}

/// Devices that a statement may name.
const DEVICES_MAX: usize = 64;

/// Options that need nothing done on a disk of files, or only change how buffers are used.
const ACCEPTED: &[&str] = &[
    "UNLOAD",
    "NOUNLOAD",
    "REWIND",
    "NOREWIND",
    "STOP_ON_ERROR",
    "BUFFERCOUNT",
    "MAXTRANSFERSIZE",
    "BLOCKSIZE",
    "RECOVERY",
    "NORECOVERY",
    "STANDBY",
    "CHECKSUM",
    "NO_CHECKSUM",
    "CONTINUE_AFTER_ERROR",
    "REPLACE",
    "FILE",
    "MOVE",
    "STATS",
    "STOPAT",
    "MEDIANAME",
    "MEDIAPASSWORD",
    "PASSWORD",
];

/// Options that SQL Server has and that cannot be honoured yet.
const LATER: &[&str] = &[
    "STOPATMARK",
    "STOPBEFOREMARK",
    "PARTIAL",
    "RESTRICTED_USER",
    "KEEP_REPLICATION",
    "KEEP_CDC",
    "KEEP_TEMPORAL_RETENTION",
    "ENABLE_BROKER",
    "ERROR_BROKER_CONVERSATIONS",
    "NEW_BROKER",
    "LOADHISTORY",
    "FILESTREAM",
    "SNAPSHOT",
    "SNAPSHOTRESTOREPHASE",
    "METADATA_ONLY",
    "DBNAME",
    "CREDENTIAL",
    "RESTART",
];

impl RestoreRequest {
    /// The statement without options.
    /// Puts the files in the place of the devices that sp_addumpdevice has named; others stay logical and are refused.
    pub fn name_devices(&mut self, known: &[BackupDevice]) {
        for d in self.devices.iter_mut().filter(|d| d.logical) {
            let found = known.iter().find(|k| k.kind == "disk" && k.name.eq_ignore_ascii_case(&d.name));
            if let Some(found) = found {
                *d = NamedDevice { name: found.path.clone(), logical: false };
            }
        }
    }

    pub fn of(verb: RestoreVerb, devices: Vec<NamedDevice>) -> Self {
        RestoreRequest {
            verb,
            devices,
            file: None,
            moves: Vec::new(),
            replace: false,
            recovery: RecoveryOption::Recovery,
            stats: None,
            checksum: None,
            continue_after_error: false,
            stop_at: None,
            media_name: None,
            media_password: None,
            password: None,
        }
    }

    /// Evaluates and checks a statement. `evaluate` gives the value of a literal or variable.
    ///
    /// # Errors
    /// 3031 (conflicting options), 3032 (not for this statement), 3205 (more than 64 devices), 3250 (out of range), 3216, and "not supported yet" for
    /// piecemeal, page and snapshot restores.
    pub fn new(
        statement: &Restore,
        evaluate: &mut dyn FnMut(&Expr) -> SqlResult<Value>,
    ) -> SqlResult<RestoreRequest> {
        let verb = verb(statement, evaluate)?;
        if !statement.files.is_empty() {
            return Err(SqlError::not_supported("RESTORE of single files, filegroups or pages"));
        }
        if statement.devices.len() > DEVICES_MAX {
            return Err(SqlError::new(3205, &[&DEVICES_MAX]));
        }
        let devices = statement.devices.iter().map(|d| device(d, evaluate)).collect::<SqlResult<_>>()?;
        let mut request = RestoreRequest::of(verb, devices);
        for option in &statement.options {
            request.apply(option, evaluate)?;
        }
        request.check(statement)?;
        Ok(request)
    }

    fn apply(
        &mut self,
        option: &BackupOption,
        evaluate: &mut dyn FnMut(&Expr) -> SqlResult<Value>,
    ) -> SqlResult<()> {
        let mut value = |e: &Option<Expr>| e.as_ref().map_or(Ok(Value::Null), &mut *evaluate);
        match option.name.as_str() {
            "FILE" => {
                let n = number(&value(&option.value)?)?;
                self.file = Some(ranged(n, 1, 65_535, "FILE")?);
            }
            "MOVE" => {
                let (logical, path) = (text(&value(&option.value)?)?, text(&value(&option.second)?)?);
                if self.moves.iter().any(|(l, _)| NameOrder::instance().same(l, &logical)) {
                    return Err(SqlError::new(4353, &[&logical]));
                }
                self.moves.push((logical, path));
            }
            "STATS" => {
                let step = match value(&option.value)? {
                    Value::Null => 10,
                    v => ranged(number(&v)?, 1, 100, "STATS")?,
                };
                self.stats = Some(step);
            }
            "REPLACE" => self.replace = true,
            "RECOVERY" => self.recovery = RecoveryOption::Recovery,
            "NORECOVERY" => self.recovery = RecoveryOption::NoRecovery,
            "STANDBY" => self.recovery = RecoveryOption::Standby(text(&value(&option.value)?)?),
            "CHECKSUM" => self.checksum = Some(true),
            "NO_CHECKSUM" => self.checksum = Some(false),
            "CONTINUE_AFTER_ERROR" => self.continue_after_error = true,
            "STOPAT" => self.stop_at = Some(point_in_time(&value(&option.value)?)?),
            "MEDIAPASSWORD" => self.media_password = Some(text(&value(&option.value)?)?),
            "PASSWORD" => self.password = Some(text(&value(&option.value)?)?),
            "MEDIANAME" => self.media_name = Some(text(&value(&option.value)?)?),
            name if ACCEPTED.contains(&name) => {}
            name if LATER.contains(&name) => {
                return Err(SqlError::not_supported(format!("The RESTORE option {name}")));
            }
            name => return Err(SqlError::new(155, &[&name, &"RESTORE"])),
        }
        Ok(())
    }

    /// Conflicts and options that do not belong to the statement.
    fn check(&self, statement: &Restore) -> SqlResult<()> {
        let has = |name: &str| statement.option(name).is_some();
        for (a, b) in [
            ("RECOVERY", "NORECOVERY"),
            ("NORECOVERY", "STANDBY"),
            ("RECOVERY", "STANDBY"),
            ("CHECKSUM", "NO_CHECKSUM"),
            ("STOP_ON_ERROR", "CONTINUE_AFTER_ERROR"),
            ("UNLOAD", "NOUNLOAD"),
            ("REWIND", "NOREWIND"),
        ] {
            if has(a) && has(b) {
                let (a, b) = (a.to_lowercase(), b.to_lowercase());
                return Err(SqlError::new(3031, &[&b, &a]));
            }
        }
        let restores = matches!(self.verb, RestoreVerb::Database(_) | RestoreVerb::Log(_));
        let only_restore = ["MOVE", "REPLACE", "RECOVERY", "NORECOVERY", "STANDBY", "STOPAT", "STATS"];
        if !restores {
            let verify = self.verb == RestoreVerb::VerifyOnly;
            let bad: Vec<String> = only_restore
                .iter()
                .filter(|n| has(n) && !(verify && matches!(**n, "MOVE" | "STATS")))
                .map(|n| n.to_lowercase())
                .collect();
            if !bad.is_empty() {
                return Err(SqlError::new(3032, &[&bad.join(", ")]));
            }
        }
        if let RecoveryOption::Standby(_) = self.recovery {
            return Err(SqlError::not_supported("RESTORE WITH STANDBY"));
        }
        Ok(())
    }
}

/// What a statement restores or reads.
///
/// # Errors
/// When its name cannot be evaluated, or the form is not there.
pub fn verb(
    statement: &Restore,
    evaluate: &mut dyn FnMut(&Expr) -> SqlResult<Value>,
) -> SqlResult<RestoreVerb> {
    let name = |n: &NameOrVariable, evaluate: &mut dyn FnMut(&Expr) -> SqlResult<Value>| match n {
        NameOrVariable::Name(i) => Ok(i.text.clone()),
        NameOrVariable::Variable(v) => {
            text(&evaluate(&Expr::new(ExprKind::Variable(v.clone()), statement.span))?)
        }
    };
    Ok(match &statement.what {
        RestoreWhat::Database(n) => RestoreVerb::Database(name(n, evaluate)?),
        RestoreWhat::Log(n) => RestoreVerb::Log(name(n, evaluate)?),
        RestoreWhat::HeaderOnly => RestoreVerb::HeaderOnly,
        RestoreWhat::FileListOnly => RestoreVerb::FileListOnly,
        RestoreWhat::LabelOnly => RestoreVerb::LabelOnly,
        RestoreWhat::VerifyOnly => RestoreVerb::VerifyOnly,
        RestoreWhat::RewindOnly => return Err(SqlError::new(3216, &[])),
        RestoreWhat::BackupSetOnly => return Err(SqlError::not_supported("RESTORE BACKUPSETONLY")),
        RestoreWhat::Key(k) => return Err(SqlError::not_supported(format!("RESTORE {k}"))),
    })
}

fn device(d: &Device, evaluate: &mut dyn FnMut(&Expr) -> SqlResult<Value>) -> SqlResult<NamedDevice> {
    let name = text(&evaluate(&d.name)?)?;
    match d.kind {
        DeviceKind::Disk => Ok(NamedDevice { name, logical: false }),
        DeviceKind::Logical => Ok(NamedDevice { name, logical: true }),
        DeviceKind::Tape => Err(SqlError::not_supported("A TAPE device")),
        DeviceKind::Url => Err(SqlError::not_supported("A URL device")),
        DeviceKind::VirtualDevice => Err(SqlError::not_supported("A virtual device")),
        DeviceKind::DatabaseSnapshot => Err(SqlError::not_supported("RESTORE from a database snapshot")),
    }
}

fn text(v: &Value) -> SqlResult<String> {
    match v {
        Value::String(s) => Ok(s.to_text()),
        _ => Err(SqlError::new(102, &[&"WITH"])),
    }
}

/// STOPAT's text or date as datetime.
fn point_in_time(v: &Value) -> SqlResult<DateTime> {
    let from = match v {
        Value::String(_) => SqlType::nvarchar(4000, CollationId::SERVER_DEFAULT),
        Value::DateTime2(_) => SqlType::datetime2(7),
        Value::SmallDateTime(_) => SqlType::SMALLDATETIME,
        Value::Date(_) => SqlType::DATE,
        Value::DateTime(d) => return Ok(*d),
        _ => return Err(SqlError::new(102, &[&"WITH"])),
    };
    match convert(v, &from, &SqlType::DATETIME, None, &ConvertContext::default(), Mode::Explicit)? {
        Value::DateTime(d) => Ok(d),
        _ => Err(SqlError::new(102, &[&"WITH"])),
    }
}

fn number(v: &Value) -> SqlResult<i64> {
    match v {
        Value::TinyInt(n) => Ok(i64::from(*n)),
        Value::SmallInt(n) => Ok(i64::from(*n)),
        Value::Int(n) => Ok(i64::from(*n)),
        Value::BigInt(n) => Ok(*n),
        _ => Err(SqlError::new(102, &[&"WITH"])),
    }
}

fn ranged(n: i64, low: i64, high: i64, what: &str) -> SqlResult<u32> {
    if (low..=high).contains(&n) { Ok(n as u32) } else { Err(SqlError::new(3250, &[&n, &what])) }
}
