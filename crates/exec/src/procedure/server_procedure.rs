//! System procedures that this server answers itself, without a text: their arguments, and which there are.
//!
//! Invariants
//! 1. An error of such a procedure is raised as by RAISERROR in its text: outside a TRY the procedure ends with status 1 and its caller goes on.
//! 2. Arguments are found by name or place; those of extended procedures (`xp_`) by place alone.

use std::sync::Arc;

use holdfast_types::{SqlError, SqlType, Value};

use super::call::{Argument, Returned};
use super::raise::integer;
use super::run::{Fail, Runner};
use super::{configure, extended, server_objects, user_message};
use crate::ddl::procedure::places;

/// A procedure: parameters in order, how many of them must be given, what it does.
pub struct ServerProcedure {
    pub name: &'static str,
    pub parameters: &'static [&'static str],
    pub required: usize,
    pub run: Body,
}

pub type Body = fn(&mut Runner<'_>, &mut Given<'_>) -> Result<i32, Fail>;

const TABLES: &[&[ServerProcedure]] =
    &[configure::PROCEDURES, user_message::PROCEDURES, extended::PROCEDURES, server_objects::PROCEDURES];

/// A procedure by its name in lower case.
pub fn find(name: &str) -> Option<&'static ServerProcedure> {
    TABLES.iter().flat_map(|t| t.iter()).find(|p| p.name == name)
}

/// The arguments of a call by parameter, and what goes back.
pub struct Given<'a> {
    pub arguments: &'a [Argument],
    places: Vec<Option<usize>>,
    outputs: Vec<(usize, SqlType, Value)>,
}

impl Given<'_> {
    /// `None`: not given, DEFAULT or NULL.
    pub fn value(&self, place: usize) -> Option<&Value> {
        let argument = self.arguments.get(self.places.get(place).copied().flatten()?)?;
        argument.value.as_ref().filter(|v| !v.is_null())
    }

    pub fn text(&self, place: usize) -> Option<String> {
        match self.value(place)? {
            Value::String(s) => Some(s.to_text()),
            other => integer(other).map(|n| n.to_string()),
        }
    }

    /// A whole number, also as text; one that is no `int` is 8114.
    ///
    /// # Errors
    /// 8114.
    pub fn int(&self, place: usize) -> Result<Option<i32>, Fail> {
        let Some(value) = self.value(place) else { return Ok(None) };
        let number = match value {
            Value::String(s) => s.to_text().trim().parse::<i64>().ok(),
            Value::Decimal(_) => super::identity::whole(value).and_then(|n| i64::try_from(n).ok()),
            other => integer(other),
        };
        let shown = match value {
            Value::String(_) => "nvarchar",
            _ => "bigint",
        };
        match number.and_then(|n| i32::try_from(n).ok()) {
            Some(n) => Ok(Some(n)),
            None => Err(SqlError::new(8114, &[&shown, &"int"]).into()),
        }
    }

    /// Gives a value back through an OUTPUT argument.
    pub fn output(&mut self, place: usize, ty: SqlType, value: Value) {
        if let Some(at) = self.places.get(place).copied().flatten()
            && self.arguments.get(at).is_some_and(|a| a.output)
        {
            self.outputs.push((at, ty, value));
        }
    }
}

impl Runner<'_> {
    /// Runs such a procedure.
    pub fn server_procedure(
        &mut self,
        procedure: &ServerProcedure,
        arguments: &[Argument],
    ) -> Result<Returned, Fail> {
        // Documented of each of them.
        const NOT_IN_TRANSACTIONS: &[&str] =
            &["sp_addlinkedserver", "sp_dropserver", "sp_addumpdevice", "sp_dropdevice"];
        if NOT_IN_TRANSACTIONS.contains(&procedure.name) {
            self.need_no_transaction(procedure.name)?;
        }
        let places = match procedure.name.starts_with("xp_") {
            true => (0..arguments.len()).map(Some).collect(),
            false => places(procedure.name, procedure.parameters, arguments)?,
        };
        let missing = (0..procedure.required).find(|i| places.get(*i).copied().flatten().is_none());
        if let Some(name) = missing.and_then(|i| procedure.parameters.get(i)) {
            return Err(SqlError::new(201, &[&procedure.name, name]).state(4).into());
        }
        let mut given = Given { arguments, places, outputs: Vec::new() };
        let status = match (procedure.run)(self, &mut given) {
            Ok(status) => status,
            Err(Fail::Error(mut error)) => {
                if error.procedure.is_empty() {
                    procedure.name.clone_into(&mut error.procedure);
                }
                let error = error.at_line(1);
                if self.tries > 0 || error.severity >= 20 {
                    return Err(Fail::Raised(error));
                }
                self.session.state.lock().error = error.number;
                self.sink.message(&error)?;
                1
            }
            Err(other) => return Err(other),
        };
        Ok(Returned { status, outputs: given.outputs, cursors: Vec::new() })
    }

    /// 15247 for who may not change settings of the server.
    pub(super) fn need_settings(&self) -> Result<(), Fail> {
        match self.session.security.has_server("ALST") {
            true => Ok(()),
            false => Err(SqlError::new(15247, &[]).into()),
        }
    }

    /// 15247 for everybody but members of sysadmin.
    pub(super) fn need_administrator(&self) -> Result<(), Fail> {
        match self.session.security.is_unrestricted() {
            true => Ok(()),
            false => Err(SqlError::new(15247, &[]).into()),
        }
    }

    /// Writes an error to the server's log, as RAISERROR … WITH LOG does.
    pub(super) fn log_error(&self, error: &SqlError) {
        let host = Arc::clone(&self.session.host);
        let source = format!("spid{}", self.session.id);
        let head = format!("Error: {}, Severity: {}, State: {}.", error.number, error.severity, error.state);
        host.error_log.write(host.now(), &source, &head);
        host.error_log.write(host.now(), &source, &error.message);
    }
}
