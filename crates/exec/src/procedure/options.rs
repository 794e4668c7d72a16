//! SET options and USE.

use std::sync::Arc;

use holdfast_tsql::ast::SetOption;
use holdfast_types::{SqlError, SqlType, Value};

use super::run::{Fail, Runner, Scope, Stop};
use super::showplan::ShowPlan;
use super::state::option;
use crate::context::{DateOrder, Language};
use crate::session::EnvironmentChange;

/// CurCmd of SET … ON and OFF.
const SET_ON: u16 = 0xF9;
const SET_OFF: u16 = 0xFA;

fn flag(name: &str) -> Option<i32> {
    Some(match name {
        "ANSI_NULLS" => option::ANSI_NULLS,
        "ANSI_PADDING" => option::ANSI_PADDING,
        "ANSI_WARNINGS" => option::ANSI_WARNINGS,
        "ANSI_NULL_DFLT_ON" => option::ANSI_NULL_DFLT_ON,
        "ANSI_NULL_DFLT_OFF" => option::ANSI_NULL_DFLT_OFF,
        "ARITHABORT" => option::ARITHABORT,
        "ARITHIGNORE" => option::ARITHIGNORE,
        "CONCAT_NULL_YIELDS_NULL" => option::CONCAT_NULL_YIELDS_NULL,
        "CURSOR_CLOSE_ON_COMMIT" => option::CURSOR_CLOSE_ON_COMMIT,
        "IMPLICIT_TRANSACTIONS" => option::IMPLICIT_TRANSACTIONS,
        "NOCOUNT" => option::NOCOUNT,
        "NUMERIC_ROUNDABORT" => option::NUMERIC_ROUNDABORT,
        "QUOTED_IDENTIFIER" => option::QUOTED_IDENTIFIER,
        "XACT_ABORT" => option::XACT_ABORT,
        _ => return None,
    })
}

/// Whether a language of that name is known.
pub fn is_language(name: &str) -> bool {
    Language::from_name(name).is_some()
}

impl Runner<'_> {
    pub fn set_option(&mut self, o: &SetOption, scope: &mut Scope) -> Result<(), Fail> {
        match o {
            SetOption::Flags { names, on } => {
                for name in names {
                    if ShowPlan::of_option(name).is_some() {
                        self.set_show_plan(name, *on, scope)?;
                    } else {
                        self.set_flag(name, *on)?;
                    }
                }
                self.plain_done(if *on { SET_ON } else { SET_OFF })
            }
            SetOption::Value { name, value } => {
                let value = if name == "DATEFORMAT" || name == "LANGUAGE" || name == "DEADLOCK_PRIORITY" {
                    self.value(value, scope)?.0
                } else if name == "CONTEXT_INFO" {
                    self.value_as(value, SqlType::binary(holdfast_types::TypeId::VarBinary, 128), scope)?
                } else {
                    self.value_as(value, SqlType::BIGINT, scope)?
                };
                self.set_value(name, value)?;
                self.plain_done(SET_ON)
            }
            SetOption::TransactionIsolation(level) => {
                self.session.state.lock().isolation = *level;
                self.plain_done(SET_ON)
            }
            SetOption::Statistics { names, on } => {
                for name in names {
                    let mut state = self.session.state.lock();
                    match name.as_str() {
                        "IO" => state.statistics.io = *on,
                        "TIME" => state.statistics.time = *on,
                        "PROFILE" => state.statistics.show_rows = *on,
                        "XML" => state.statistics.show_xml = *on,
                        other if *on => {
                            return Err(SqlError::not_supported(format!("SET STATISTICS {other}")).into());
                        }
                        _ => {}
                    }
                }
                self.plain_done(if *on { SET_ON } else { SET_OFF })
            }
            SetOption::IdentityInsert { table, on } => self.set_identity_insert(table, *on, scope),
            SetOption::Offsets { .. } => self.plain_done(SET_OFF),
        }
    }

    fn set_identity_insert(
        &mut self,
        name: &holdfast_tsql::ast::ObjectName,
        on: bool,
        scope: &Scope,
    ) -> Result<(), Fail> {
        let target = self.named_table(name, scope).map_err(|e| match e {
            Fail::Error(e) if e.number == 4701 => Fail::Error(SqlError::new(1088, &[name]).state(11)),
            other => other,
        })?;
        let table = &target.table;
        if target.identity.is_none() {
            return Err(SqlError::new(8106, &[&table.name]).into());
        }
        let id = (table.database_id, table.object_id);
        self.need_alter(id, &table.name, 11)?;
        {
            let mut state = self.session.state.lock();
            match (&state.identity_insert, on) {
                (Some((d, o, other)), true) if (*d, *o) != id => {
                    return Err(SqlError::new(8107, &[other, &table.name]).into());
                }
                (_, true) => {
                    let full = format!("{}.{}", table.schema_name, table.name);
                    state.identity_insert = Some((id.0, id.1, full));
                }
                (Some((d, o, _)), false) if (*d, *o) == id => state.identity_insert = None,
                _ => {}
            }
        }
        self.plain_done(if on { SET_ON } else { SET_OFF })
    }

    fn set_flag(&mut self, name: &str, on: bool) -> Result<(), Fail> {
        if name == "NUMERIC_ROUNDABORT" && on {
            let text = "NUMERIC_ROUNDABORT is kept and shown; a loss of precision is no error in Holdfast.";
            self.sink.message(&SqlError::with_text(0, 10, text)).map_err(|_| Stop::Disconnect)?;
        }
        let mut state = self.session.state.lock();
        if let Some(f) = flag(name) {
            state.set_option(f, on);
            return Ok(());
        }
        match name {
            "ANSI_DEFAULTS" => {
                for f in [
                    option::ANSI_NULLS,
                    option::ANSI_PADDING,
                    option::ANSI_WARNINGS,
                    option::ANSI_NULL_DFLT_ON,
                    option::CURSOR_CLOSE_ON_COMMIT,
                    option::IMPLICIT_TRANSACTIONS,
                    option::QUOTED_IDENTIFIER,
                ] {
                    state.set_option(f, on);
                }
            }
            "NOEXEC" => state.no_exec = on,
            "PARSEONLY" => state.parse_only = on,
            "FMTONLY" => state.fmt_only = on,
            "NO_BROWSETABLE" => state.browse = on,
            // Without effect on what is answered here.
            "FORCEPLAN" | "REMOTE_PROC_TRANSACTIONS" | "DISABLE_DEF_CNST_CHK" => {}
            other if on => return Err(SqlError::not_supported(format!("SET {other} ON")).into()),
            _ => {}
        }
        Ok(())
    }

    fn set_value(&mut self, name: &str, value: Value) -> Result<(), Fail> {
        let number = match &value {
            Value::BigInt(n) => *n,
            Value::Int(n) => i64::from(*n),
            _ => 0,
        };
        let text = match &value {
            Value::String(s) => s.to_text(),
            _ => String::new(),
        };
        let invalid = |what: &str| {
            let text = format!("The option '{what}' for SET {name} is not valid.");
            Fail::Error(SqlError::with_text(2741, 16, text))
        };
        let mut state = self.session.state.lock();
        match name {
            "ROWCOUNT" => {
                state.row_limit = u64::try_from(number).map_err(|_| invalid(&number.to_string()))?
            }
            "TEXTSIZE" => {
                let n = i32::try_from(number).map_err(|_| invalid(&number.to_string()))?;
                state.settings.text_size = if n <= 0 { 2_147_483_647 } else { n };
            }
            "LOCK_TIMEOUT" => {
                state.settings.lock_timeout_ms =
                    i32::try_from(number).map_err(|_| invalid(&number.to_string()))?;
            }
            "DATEFIRST" => {
                if !(1..=7).contains(&number) {
                    let text = format!("SET DATEFIRST {number} is out of range.");
                    return Err(SqlError::with_text(2744, 16, text).into());
                }
                state.settings.date_first = number as u8;
            }
            "DATEFORMAT" => {
                let order = DateOrder::from_name(&text).ok_or_else(|| {
                    let text = format!("SET DATEFORMAT date order '{text}' is invalid.");
                    SqlError::with_text(2741, 16, text)
                })?;
                state.settings.date_format = order;
            }
            "LANGUAGE" => {
                let language = Language::from_name(&text).ok_or_else(|| SqlError::new(2740, &[&text]))?;
                let new: Arc<str> = Arc::from(language.0.name);
                let old = state.speak(language);
                drop(state);
                self.sink.environment(EnvironmentChange::Language { new: Arc::clone(&new), old })?;
                return self.info(5703, 10, 1, format!("Changed language setting to {new}."));
            }
            "CONTEXT_INFO" => {
                if let Value::Binary(b) = &value {
                    let mut padded = b.to_vec();
                    padded.resize(128, 0);
                    state.context_info = Value::binary(&padded);
                }
            }
            "DEADLOCK_PRIORITY" => {
                let priority = match text.to_lowercase().as_str() {
                    "low" => -5,
                    "normal" => 0,
                    "high" => 5,
                    "" => i8::try_from(number)
                        .ok()
                        .filter(|n| (-10..=10).contains(n))
                        .ok_or_else(|| invalid(&number.to_string()))?,
                    other => return Err(invalid(other)),
                };
                state.deadlock_priority = priority;
            }
            // Accepted: nothing here is bounded by an estimate.
            "QUERY_GOVERNOR_COST_LIMIT" | "FIPS_FLAGGER" | "ERRLVL" => {}
            other => return Err(SqlError::not_supported(format!("SET {other}")).into()),
        }
        Ok(())
    }

    /// Isolation as the protocol numbers it; 0 leaves it.
    pub fn set_isolation(&mut self, level: u8) {
        use holdfast_tsql::ast::IsolationLevel as Level;
        let level = match level {
            1 => Level::ReadUncommitted,
            2 => Level::ReadCommitted,
            3 => Level::RepeatableRead,
            4 => Level::Serializable,
            5 => Level::Snapshot,
            _ => return,
        };
        self.session.state.lock().isolation = level;
    }

    /// USE: the rest of the batch runs in the other database.
    pub fn use_database(&mut self, name: &str, line: u32) -> Result<(), Fail> {
        let database = self.session.host.database(name)?;
        self.session.need_access(&database)?;
        let new = Arc::clone(&database.name);
        let id = database.id;
        self.session.host.check_access(id, self.session.id)?;
        let old = {
            let mut state = self.session.state.lock();
            let old = Arc::clone(&state.database.name);
            state.database = database;
            old
        };
        self.session.host.sessions.update(self.session.id, |s| s.database_id = id);
        self.sink.environment(EnvironmentChange::Database { new: Arc::clone(&new), old })?;
        let message = SqlError::new(5701, &[&new]).state(1).at_line(line);
        self.sink.message(&message)?;
        self.plain_done(0)
    }
}
