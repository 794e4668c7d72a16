//! Temporary procedures: `#name` of one session, `##name` of everybody until the session that made it ends.
//!
//! Invariants
//! 1. They are procedures of tempdb. A local one stands there under its name filled up with underscores and its session's number; nobody
//!    else can name it.
//! 2. They run in the caller's database and look for names there.
//! 3. They go with their session; those of a server that stopped go with its tempdb.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ModuleDef, ObjectDef};
use holdfast_engine::instance::TEMPDB;
use holdfast_tsql::Span;
use holdfast_tsql::ast::{CreateProcedure, Drop, Ident, ModuleAction, ObjectName, Statement};
use holdfast_types::SqlError;

use super::run::{Fail, Runner, Scope, next_run};
use super::state::SharedSession;
use super::unit::{Layout, Unit};
use crate::host::HostDatabase;

/// Characters before the number, as temporary tables have them.
const PADDED: usize = 116;

impl SharedSession {
    /// The name under which tempdb has a temporary procedure of this session.
    pub fn temporary_name(&self, name: &str) -> String {
        if name.starts_with("##") {
            return name.to_owned();
        }
        let short: String = name.chars().take(PADDED).collect();
        format!("{short:_<PADDED$}{:012X}", self.id)
    }

    /// A temporary procedure that this session can name.
    pub fn temporary_procedure(&self, name: &str) -> Option<Arc<ModuleDef>> {
        let tempdb = self.host.database_by_id(TEMPDB)?;
        match tempdb.object("dbo", &self.temporary_name(name)) {
            Some(ObjectDef::Procedure(module)) => Some(module),
            _ => None,
        }
    }
}

/// The name in tempdb.
fn stored(name: &ObjectName, session: &SharedSession) -> ObjectName {
    let mut out = ObjectName::one(Ident::new(session.temporary_name(&name.name.text)));
    out.schema = Some(Ident::new("dbo"));
    out
}

impl Runner<'_> {
    fn tempdb(&self) -> Result<Arc<HostDatabase>, Fail> {
        let host = &self.session.host;
        let tempdb = host.database_by_id(TEMPDB).ok_or_else(|| SqlError::new(911, &[&"tempdb"]))?;
        Ok(host.with_files(&tempdb)?)
    }

    /// CREATE and ALTER PROCEDURE #name. Everybody may.
    pub fn define_temporary_procedure(
        &mut self,
        p: &CreateProcedure,
        statement: &Statement,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let tempdb = self.tempdb()?;
        let mut renamed = p.clone();
        renamed.name = stored(&p.name, &self.session);
        let full = renamed.name.name.text.clone();
        self.defining(&tempdb, statement.span, scope, |work| work.create_procedure(&renamed))
            .map_err(|f| as_written(f, &full, &p.name.name.text))?;
        let mut made = self.session.temporary_procedures.lock();
        if p.action != ModuleAction::Alter && !made.contains(&full) {
            made.push(full);
        }
        drop(made);
        scope.run = next_run();
        self.plain_done(0)
    }

    /// DROP PROCEDURE #name, …
    pub fn drop_temporary_procedures(
        &mut self,
        drop: &Drop,
        statement: &Statement,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let tempdb = self.tempdb()?;
        for name in &drop.names {
            let mut one = drop.clone();
            one.names = vec![stored(name, &self.session)];
            let full = one.names[0].name.text.clone();
            self.defining(&tempdb, statement.span, scope, |work| work.drop(&one))
                .map_err(|f| as_written(f, &format!("dbo.{full}"), &name.name.text))?;
            self.session.temporary_procedures.lock().retain(|n| *n != full);
        }
        scope.run = next_run();
        self.plain_done(0)
    }

    /// Drops what the session has made, at its end.
    pub fn forget_temporary_procedures(&mut self) {
        let made = std::mem::take(&mut *self.session.temporary_procedures.lock());
        if made.is_empty() {
            return;
        }
        let scope = Scope::new(
            Unit::new("", Vec::new(), Vec::new(), Layout::default()),
            &self.session.host.temporary_rows,
        );
        let drop = |full: String| Drop {
            kind: "PROCEDURE".to_owned(),
            if_exists: true,
            names: vec![ObjectName { schema: Some(Ident::new("dbo")), ..ObjectName::one(Ident::new(full)) }],
            on: Vec::new(),
            trigger_on: None,
            moves_to: None,
            options: Vec::new(),
        };
        for full in made {
            let Ok(tempdb) = self.tempdb() else { return };
            // One that cannot be dropped now goes with tempdb.
            let _ = self.defining(&tempdb, Span::default(), &scope, |work| work.drop(&drop(full)));
        }
    }
}

/// An error that tells the name as the statement has it.
fn as_written(fail: Fail, full: &str, name: &str) -> Fail {
    let told = |mut e: SqlError| {
        e.message = e.message.replace(full, name);
        e
    };
    match fail {
        Fail::Error(e) => Fail::Error(told(e)),
        Fail::Compile(e) => Fail::Compile(told(e)),
        other => other,
    }
}
