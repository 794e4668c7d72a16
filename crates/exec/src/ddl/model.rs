//! What model holds comes into every new database: its objects, by the script that makes them anew, and the rows of its tables.
//!
//! Invariants
//! 1. A database into which not everything of model came is not left behind.
//! 2. What such a script cannot make (users and permissions, partition functions, what is bound) cannot be defined in model.
//!
//! Rejected: copying model's pages; every new database would have its identity, and its files would have to be made to fit.

use std::sync::Arc;

use holdfast_engine::database::DatabaseCatalog;
use holdfast_engine::instance::MODEL;
use holdfast_engine::script;
use holdfast_tsql::ast::{CreateDatabase, Ddl, TriggerTarget};
use holdfast_tsql::splitter::split_batches;
use holdfast_types::{SqlError, SqlResult};

use crate::collect::Collected;
use crate::procedure::run::{Fail, Runner};
use crate::procedure::state::option;
use crate::security::context::Origin;
use crate::security::token::LoginToken;
use crate::session::{DoneKind, StatementText};

/// Refuses what could not be copied (invariant 2).
pub fn may_be_in_model(d: &Ddl) -> SqlResult<()> {
    let copied = match d {
        Ddl::CreateTable(_)
        | Ddl::AlterTable(_)
        | Ddl::CreateIndex(_)
        | Ddl::AlterIndex(_)
        | Ddl::CreateView(_)
        | Ddl::CreateProcedure(_)
        | Ddl::CreateFunction(_)
        | Ddl::CreateSchema(_)
        | Ddl::CreateType(_)
        | Ddl::CreateSequence(_)
        | Ddl::AlterSequence(_)
        | Ddl::CreateSynonym { .. }
        | Ddl::AlterSchema { .. }
        | Ddl::Drop(_) => true,
        Ddl::CreateTrigger(t) => matches!(t.on, TriggerTarget::Object(_)),
        _ => false,
    };
    if copied { Ok(()) } else { Err(SqlError::not_supported(format!("{} in model", d.name()))) }
}

impl Runner<'_> {
    /// Brings what model holds into a database that was just made; without that it does not stay.
    pub fn copy_model(&mut self, statement: &CreateDatabase) -> Result<(), Fail> {
        let host = Arc::clone(&self.session.host);
        // An attached database has been made from somebody's model already.
        let Some(model) = host.database_by_id(MODEL).filter(|_| statement.attach.is_none()) else {
            return Ok(());
        };
        let Some(catalog) = model.online().stored() else { return Ok(()) };
        let text = script::schema(&catalog)?;
        if text.is_empty() {
            return Ok(());
        }
        let name = statement.name.text.as_str();
        let new = host.database(name)?;
        let sa = LoginToken::of(&host.logins.read(), "sa").map(Arc::new);
        let security = &self.session.security;
        let before = security.enter();
        security.push("sa".into(), sa, None, Origin::Module);
        let settings = self.session.state.lock().settings.clone();
        let copied = self.within(new, |runner| runner.make_from(&text, &catalog));
        self.session.state.lock().settings = settings;
        self.session.security.leave(before);
        copied.inspect_err(|_| {
            // What is left of it after a failure of the disk is removed at the next start.
            let _ = host.instance.drop_database(name);
        })
    }

    fn make_from(&mut self, text: &str, catalog: &Arc<DatabaseCatalog>) -> Result<(), Fail> {
        let mut rows_to_come = true;
        for batch in split_batches(text) {
            let text = batch.text.trim();
            if let Some(what) = left_out(text) {
                return Err(
                    SqlError::not_supported(format!("A new database, as in model {what}; that")).into()
                );
            }
            if let Some(flags) = settings(text) {
                let mut state = self.session.state.lock();
                flags.into_iter().for_each(|(flag, on)| state.set_option(flag, on));
                continue;
            }
            let before_rows = ["CREATE SCHEMA", "CREATE TYPE", "CREATE SEQUENCE", "CREATE TABLE", "--"];
            if rows_to_come && !before_rows.iter().any(|b| text.starts_with(b)) {
                rows_to_come = false;
                self.copy_rows(catalog)?;
            }
            self.quietly(text)?;
        }
        if rows_to_come { self.copy_rows(catalog) } else { Ok(()) }
    }

    /// The rows of model's tables, while the new ones have no constraints and triggers yet.
    fn copy_rows(&mut self, catalog: &Arc<DatabaseCatalog>) -> Result<(), Fail> {
        for table in catalog.user_tables()? {
            let name = format!("{}.{}", script::quote(&table.schema_name), script::quote(&table.name));
            let generated = |i: usize| table.temporal.generates(i);
            let written = table.columns.iter().enumerate().filter(|(i, c)| {
                c.computed.is_none() && !generated(*i) && c.ty.id != holdfast_types::TypeId::RowVersion
            });
            let columns: Vec<String> = written.map(|(_, c)| script::quote(&c.name)).collect();
            if columns.is_empty() {
                continue;
            }
            let list = columns.join(", ");
            let insert = format!("INSERT {name} ({list}) SELECT {list} FROM [model].{name}");
            let text = if table.columns.iter().any(|c| c.identity.is_some()) {
                format!("SET IDENTITY_INSERT {name} ON; {insert}; SET IDENTITY_INSERT {name} OFF")
            } else {
                insert
            };
            self.quietly(&text)?;
        }
        Ok(())
    }

    /// Runs a text whose answers nobody wants but the first error.
    fn quietly(&mut self, text: &str) -> Result<(), Fail> {
        let mut sink = Collected::new();
        let mut inner = Runner {
            kind: DoneKind::Done,
            tries: 0,
            capturing: None,
            compiling: false,
            module: None,
            ..self.inherited().over(&mut sink)
        };
        let done = inner.run_text(&StatementText::plain(text), &mut []);
        match sink.errors().first() {
            Some(e) => Err((*e).clone().into()),
            None => done.map(|_| ()),
        }
    }
}

/// A batch of the script that only sets options of the modules after it: which of them.
fn settings(batch: &str) -> Option<Vec<(i32, bool)>> {
    let one = |line: &str| {
        let mut words = line.trim().trim_end_matches(';').split_whitespace();
        let (set, name, value) = (words.next()?, words.next()?, words.next()?);
        let flag = match name {
            "ANSI_NULLS" => option::ANSI_NULLS,
            "QUOTED_IDENTIFIER" => option::QUOTED_IDENTIFIER,
            _ => return None,
        };
        (set == "SET" && words.next().is_none()).then_some((flag, value == "ON"))
    };
    batch.lines().map(one).collect()
}

/// What the script says that it leaves out.
fn left_out(batch: &str) -> Option<&str> {
    const ENDINGS: &[&str] = &[
        " is encrypted",
        " is not written in T-SQL",
        " is a CLR type and is not scripted",
        " has no definition",
    ];
    let first = batch.lines().next()?.strip_prefix("-- ")?;
    ENDINGS.iter().any(|e| first.ends_with(e)).then_some(first)
}
