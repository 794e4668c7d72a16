//! sp_configure and RECONFIGURE.
//!
//! Invariants
//! 1. sp_configure changes the configured value, durably; RECONFIGURE the one in use.
//! 2. Advanced options are not there unless 'show advanced options' is in use.
//!
//! Evidence: the documentation of sp_configure and RECONFIGURE; the texts of sys.messages.

use holdfast_types::datetime::Language;
use holdfast_types::{SqlError, SqlResult};

use super::run::{Fail, Runner};
use super::server_procedure::{Given, ServerProcedure};
use super::state::SharedSession;
use crate::host::configuration::{self, ServerOption};
use crate::system_view::row;

pub const PROCEDURES: &[ServerProcedure] = &[ServerProcedure {
    name: "sp_configure",
    parameters: &["@configname", "@configvalue"],
    required: 0,
    run: |runner, given| runner.configure(given),
}];

const COLUMNS: &str = "name nvarchar(35)!, minimum int, maximum int, config_value int, run_value int";

/// Longest recovery interval in minutes that RECONFIGURE takes without OVERRIDE.
const LONG_RECOVERY: i32 = 60;

/// Whether an option may have a value.
fn is_valid(option: &ServerOption, value: i32) -> bool {
    if option.id == configuration::DEFAULT_LANGUAGE {
        return Language::all().any(|l| i32::from(l.0.lang_id) == value);
    }
    value == option.default || (option.minimum..=option.maximum).contains(&value)
}

impl Runner<'_> {
    fn configure(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        let settings = &self.session.host.settings;
        let advanced = settings.in_use(configuration::SHOW_ADVANCED) != 0;
        let mut options: Vec<ServerOption> =
            configuration::all().filter(|o| advanced || !o.advanced).collect();
        options.sort_by_key(|o| o.name.to_lowercase());
        let Some(name) = given.text(0) else {
            return self.show_options(&options);
        };
        let wanted = name.to_lowercase();
        let exact = options.iter().position(|o| o.name.to_lowercase() == wanted);
        let mut found: Vec<ServerOption> = match exact {
            Some(at) => vec![options.swap_remove(at)],
            None => options.into_iter().filter(|o| o.name.to_lowercase().contains(&wanted)).collect(),
        };
        if found.len() > 1 {
            let error = SqlError::new(15124, &[&name]);
            let rows: Vec<_> = found.iter().map(|o| row![o.name]).collect();
            self.send_rows("duplicate_options nvarchar(35)!", &rows)?;
            return Err(error.into());
        }
        let Some(option) = found.pop() else { return Err(SqlError::new(15123, &[&name]).into()) };
        let Some(value) = given.int(1)? else {
            return self.show_options(&[option]);
        };
        self.need_settings()?;
        if !is_valid(&option, value) {
            return Err(SqlError::new(15129, &[&value, &option.name]).into());
        }
        let host = &self.session.host;
        let before = host.settings.change(|s| {
            let before = s.configured(option.id);
            s.configure(option.id, value);
            Ok(before)
        })?;
        let told = SqlError::new(15457, &[&option.name, &before, &value]);
        host.error_log.write(host.now(), &format!("spid{}", self.session.id), &told.message);
        self.sink.message(&told)?;
        Ok(0)
    }

    /// 524 in a trigger whose rows the server is told not to send.
    pub(super) fn may_answer(&self) -> Result<(), Fail> {
        if self.session.state.lock().triggers.is_empty()
            || self.session.host.settings.in_use(configuration::DISALLOW_RESULTS_FROM_TRIGGERS) == 0
        {
            return Ok(());
        }
        Err(SqlError::new(524, &[]).into())
    }

    fn show_options(&mut self, options: &[ServerOption]) -> Result<i32, Fail> {
        let settings = &self.session.host.settings;
        let configured = settings.read();
        let rows: Vec<_> = options
            .iter()
            .map(|o| row![o.name, o.minimum, o.maximum, configured.configured(o.id), settings.in_use(o.id)])
            .collect();
        self.send_rows(COLUMNS, &rows)?;
        Ok(0)
    }
}

/// RECONFIGURE [WITH OVERRIDE].
///
/// # Errors
/// 574 in a transaction; 5807 and 5808 for what only OVERRIDE takes.
pub fn reconfigure(session: &SharedSession, with_override: bool) -> SqlResult<()> {
    if session.open_transaction().is_some() || session.state.lock().transaction.count > 0 {
        return Err(SqlError::new(574, &[&"CONFIG"]).state(0));
    }
    let settings = &session.host.settings;
    if !with_override {
        let configured = settings.read();
        let changed = |id| Some(configured.configured(id)).filter(|v| *v != settings.in_use(id));
        if changed(configuration::ALLOW_UPDATES).is_some_and(|v| v != 0) {
            return Err(SqlError::new(5808, &[]));
        }
        if changed(configuration::RECOVERY_INTERVAL).is_some_and(|v| v > LONG_RECOVERY) {
            return Err(SqlError::new(5807, &[&LONG_RECOVERY]));
        }
    }
    settings.reconfigure();
    session.host.temporary_rows.set_limit(settings.temporary_memory());
    Ok(())
}
