//! sp_prepare, sp_execute, sp_prepexec, sp_unprepare called from a batch: a handle stands for a text and its parameter declarations.
//!
//! Invariants
//! 1. The handles of batches are their own: those that clients get by remote calls lie below [`FIRST_HANDLE`] and are kept by the protocol's layer.
//! 2. What the texts of a session take is bounded ([`BYTES_MAX`]): 701 beyond it.
//!
//! Evidence: the documentation of the four procedures.

use holdfast_types::{SqlError, SqlType, Value};

use super::call::{Argument, Returned};
use super::raise::integer;
use super::run::{Fail, Runner};
use crate::session::StatementText;

/// First handle that a batch gets.
pub const FIRST_HANDLE: i32 = 0x4000_0000;
/// Most statements of a session, and bytes of their texts.
const STATEMENTS_MAX: usize = 65_536;
const BYTES_MAX: usize = 1 << 26;

pub fn is_prepared_call(name: &str) -> bool {
    matches!(name, "sp_prepare" | "sp_execute" | "sp_prepexec" | "sp_unprepare")
}

fn text(arguments: &[Argument], at: usize) -> Option<String> {
    match arguments.get(at)?.value.as_ref()? {
        Value::String(s) => Some(s.to_text()),
        _ => None,
    }
}

/// 214.
fn expects(name: &str, ty: &str) -> Fail {
    let text = format!("Procedure expects parameter '{name}' of type '{ty}'.");
    SqlError::with_text(214, 16, text).state(2).into()
}

/// 8179.
fn not_found(handle: i64) -> Fail {
    SqlError::new(8179, &[&handle]).state(4).into()
}

fn size(s: &StatementText) -> usize {
    s.text.len() + s.declarations.len()
}

impl Runner<'_> {
    /// One of the four, by its name in lower case.
    pub(super) fn prepared_call(&mut self, name: &str, arguments: &[Argument]) -> Result<Returned, Fail> {
        let handle = || arguments.first().and_then(|a| a.value.as_ref()).and_then(integer);
        match name {
            "sp_unprepare" => {
                let handle = handle().ok_or_else(|| expects("@handle", "int"))?;
                let known = i32::try_from(handle)
                    .is_ok_and(|h| self.session.state.lock().prepared.0.remove(&h).is_some());
                if known { Ok(Returned::status(0)) } else { Err(not_found(handle)) }
            }
            "sp_execute" => {
                let handle = handle().ok_or_else(|| expects("@handle", "int"))?;
                let found = i32::try_from(handle)
                    .ok()
                    .and_then(|h| self.session.state.lock().prepared.0.get(&h).cloned());
                self.execute_prepared(&found.ok_or_else(|| not_found(handle))?, arguments, 1)
            }
            _ => {
                let text_of = text(arguments, 2).ok_or_else(|| expects("@stmt", "ntext/nchar/nvarchar"))?;
                let declarations = text(arguments, 1).unwrap_or_default();
                let prepared = StatementText { declarations: declarations.into(), text: text_of.into() };
                // What cannot be parsed gets no handle.
                self.load_batch(&prepared.text, &prepared.declarations).map_err(Fail::Many)?;
                let handle = {
                    let mut state = self.session.state.lock();
                    let (statements, last) = &mut state.prepared;
                    let bytes: usize = statements.values().map(size).sum();
                    if statements.len() >= STATEMENTS_MAX || bytes + size(&prepared) > BYTES_MAX {
                        let text =
                            "The prepared statements of this session are too many, or their texts too long.";
                        return Err(SqlError::with_text(701, 17, text).into());
                    }
                    *last = last.checked_add(1).unwrap_or(FIRST_HANDLE).max(FIRST_HANDLE);
                    statements.insert(*last, prepared.clone());
                    *last
                };
                let mut returned = match name {
                    "sp_prepexec" => {
                        let done = self.execute_prepared(&prepared, arguments, 3);
                        // Nobody learns the handle of what has failed.
                        done.inspect_err(|_| {
                            self.session.state.lock().prepared.0.remove(&handle);
                        })?
                    }
                    _ => Returned::status(0),
                };
                if arguments.first().is_some_and(|a| a.output) {
                    returned.outputs.push((0, SqlType::INT, Value::Int(handle)));
                }
                Ok(returned)
            }
        }
    }

    fn execute_prepared(
        &mut self,
        prepared: &StatementText,
        arguments: &[Argument],
        first: usize,
    ) -> Result<Returned, Fail> {
        let mut values = arguments.get(first..).unwrap_or(&[]).to_vec();
        let mut returned = self.execute_text(prepared, &mut values)?;
        for output in &mut returned.outputs {
            output.0 += first;
        }
        Ok(returned)
    }
}
