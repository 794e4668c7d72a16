//! Data definition: statements to changes of the catalog.
//!
//! Module map: [`database`] CREATE and DROP DATABASE, attach and detach; [`model`] what new databases get from model; [`alter_database`]; [`lower`] names and types; [`print`] expressions
//! as the catalog stores them; [`table`] CREATE TABLE; [`constraint`] keys, checks, defaults, foreign keys; [`alter`] ALTER TABLE;
//! [`index`] indexes, [`build`] filling them and tables anew, [`view_index`] those of views; [`statistics`]; [`event`] and [`database_trigger`] what happens and the triggers that want to know, [`server_trigger`] those of the server; [`module`] views, procedures, functions, triggers, [`module_check`] and [`function_rules`] what is looked at in their bodies, [`dependency`] what they name; [`remove`] DROP; [`other`] schemas, types, synonyms,
//! [`principal`] users, roles, owners; [`permission`] GRANT and its kin; [`login`] logins and server roles; [`sequence`];
//! [`bound`] defaults and rules that are bound; [`table_type`]; [`automatic_statistics`] those that the server makes by itself; [`temporal`] periods and versioning; [`select_into`]; [`partition`] partition functions and schemes, [`repartition`] SPLIT and MERGE, [`switch`] ALTER TABLE … SWITCH; [`row_versions`] options of databases about versions; [`xml_schema`] schema collections; [`scoped_configuration`]; [`procedure`] system procedures that
//! change the catalog: [`rename`] sp_rename, [`property`] extended properties.
//!
//! Invariants
//! 1. A statement does all of its changes or none, inside the session's transaction or one of its own.
//! 2. After it the catalog is read again; after a rollback too.

pub mod alter;
pub mod alter_database;
pub mod alter_index;
mod application_role;
pub mod automatic_statistics;
pub mod bound;
pub mod build;
pub mod computed_key;
pub mod constraint;
pub mod database;
pub mod database_trigger;
pub mod dependency;
pub mod event;
pub mod function_rules;
pub mod index;
pub mod login;
pub mod lower;
pub mod model;
pub mod modify_file;
pub mod module;
pub mod module_check;
pub mod other;
pub mod partition;
pub mod permission;
pub mod principal;
pub mod print;
pub mod procedure;
pub mod property;
pub mod remove;
pub mod rename;
pub mod repartition;
pub mod row_versions;
pub mod schema_binding;
pub mod scoped_configuration;
pub mod select_into;
pub mod sequence;
pub mod server_trigger;
pub mod statistics;
pub mod switch;
pub mod table;
pub mod table_type;
pub mod temporal;
pub mod verify;
pub mod view_index;
pub mod xml_schema;

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, TableDef};
use holdfast_engine::database::DatabaseCatalog;
use holdfast_engine::ddl::{CatalogWriter, defined, defines, watch};
use holdfast_engine::instance::{MASTER, MODEL, OnlineDatabase};
use holdfast_engine::lock::manager::Table;
use holdfast_engine::lock::{Duration, Granted, LockMode, LockWait, Resource};
use holdfast_engine::transaction::Transaction;
use holdfast_engine::write::WriteContext;
use holdfast_engine::write::definitions::{Name, redefined};
use holdfast_tsql::Span;
use holdfast_tsql::ast::{Ddl, ObjectName, Statement, TriggerTarget};
use holdfast_types::{NameOrder, SqlError, SqlResult};

use crate::host::HostDatabase;
use crate::procedure::run::{Fail, Runner, Scope, next_run};
use crate::security::model::DBO;

/// One statement at work on a database.
pub struct Definition<'r, 's> {
    pub runner: &'r mut Runner<'s>,
    pub scope: &'r Scope,
    pub span: Span,
    pub transaction: Arc<Transaction>,
    pub wait: LockWait,
    pub database: Arc<HostDatabase>,
    /// Triggers of the database may want to know what is done.
    pub watched: bool,
    /// The moment before anything was looked up.
    as_of: u64,
    /// What is done, for them.
    pub events: Vec<event::Event>,
    /// The procedure or function that is defined.
    pub module: Option<ObjectName>,
}

impl Definition<'_, '_> {
    /// How names in the database are compared.
    pub fn names(&self) -> NameOrder {
        self.database.names()
    }

    /// Whether two names are one in the database.
    pub fn same(&self, a: &str, b: &str) -> bool {
        self.names().same(a, b)
    }

    fn lower(&mut self, d: &Ddl) -> Result<(), Fail> {
        match d {
            Ddl::CreateTable(t) => self.create_table(t),
            Ddl::AlterTable(t) => self.alter_table(t),
            Ddl::CreateIndex(i) => self.create_index(i),
            Ddl::AlterIndex(i) => self.alter_index(i),
            Ddl::CreateStatistics(s) => self.create_statistics(s),
            Ddl::UpdateStatistics { table, names, options } => self.update_statistics(table, names, options),
            Ddl::CreateView(v) => self.create_view(v),
            Ddl::CreateProcedure(p) => self.create_procedure(p),
            Ddl::CreateFunction(f) => self.create_function(f),
            Ddl::CreateTrigger(t) => self.create_trigger(t),
            Ddl::EnableTrigger { enable, names, all, on } => self.enable_trigger(*enable, names, *all, on),
            Ddl::CreateSchema(s) => self.create_schema(s),
            Ddl::CreateType(t) => self.create_type(t),
            Ddl::CreateSequence(s) => self.create_sequence(s),
            Ddl::AlterSequence(s) => self.alter_sequence(s),
            Ddl::CreateSynonym { name, target } => self.create_synonym(name, target),
            Ddl::XmlSchemaCollection { alter, name, source } => {
                self.xml_schema_collection(*alter, name, source)
            }
            Ddl::CreateDefault { name, value } => self.create_default(name, value),
            Ddl::CreateRule { name, .. } => self.create_rule(name),
            Ddl::Principal(p) => self.principal(p),
            Ddl::AlterAuthorization { class, name, owner } => {
                self.alter_authorization(class.as_deref(), name, owner)
            }
            Ddl::AlterSchema { schema, object, .. } => self.alter_schema(schema, object),
            Ddl::CreatePartitionFunction { name, data_type, collation, right, values } => {
                self.create_partition_function(name, data_type, collation.as_ref(), *right, values)
            }
            Ddl::CreatePartitionScheme { name, function, all, filegroups } => {
                self.create_partition_scheme(name, function, *all, filegroups)
            }
            Ddl::AlterPartitionScheme { name, next_used } => {
                self.alter_partition_scheme(name, next_used.as_ref())
            }
            Ddl::AlterPartitionFunction { name, split, value } => {
                self.alter_partition_function(name, *split, value.as_ref())
            }
            Ddl::Drop(drop) => self.drop(drop),
            other => Err(SqlError::not_supported(other.name()).into()),
        }
    }

    /// The catalog as it is now.
    pub fn catalog(&self) -> SqlResult<Arc<DatabaseCatalog>> {
        self.database.online().stored().ok_or_else(|| {
            SqlError::not_supported(format!(
                "Data definition in the system database '{}'",
                self.database.name
            ))
        })
    }

    pub fn writer(&self) -> SqlResult<CatalogWriter<'_>> {
        let write = WriteContext { transaction: &self.transaction, wait: &self.wait };
        Ok(CatalogWriter::new(self.catalog()?, write, self.runner.session.host.now()))
    }

    /// The catalog changed in the middle of the statement.
    pub fn refresh(&self) -> SqlResult<()> {
        self.database.online().refresh()
    }

    pub fn online(&self) -> &Arc<dyn OnlineDatabase> {
        self.database.online()
    }

    /// Keeps everybody else from the object until the transaction ends.
    pub fn lock(&self, object_id: i32) -> SqlResult<()> {
        self.hold(object_id, LockMode::SchM)?;
        defines(self.database.online(), &self.transaction, object_id)
    }

    /// Locks an object until the transaction ends; [`redefined`] when it was defined anew while this waited.
    pub fn hold(&self, object_id: i32, mode: LockMode) -> SqlResult<()> {
        let resource = Table { database: self.database.id, object: object_id }.resource();
        let owner = self.transaction.owner();
        let locks = &self.runner.session.host.instance.locks;
        let granted = locks.acquire(owner, &resource, mode, Duration::Transaction, &self.wait)?;
        let online = self.database.online();
        if granted != Granted::Held
            && let Some(catalog) = online.stored()
            && let Some(writing) = catalog.writing()
            && writing.definitions.changed_since(object_id, self.as_of)
        {
            // What was looked up before the wait is not so any more.
            let name = catalog.object_row(object_id).map_or("".into(), |o| o.name.clone());
            return Err(redefined(self.database.id, object_id, &name));
        }
        Ok(())
    }

    /// The text of the batch or module that the statement stands in.
    pub fn source(&self) -> &str {
        &self.scope.unit.text
    }

    /// Where types without a schema are looked for before dbo: in the module's own schema, else in the user's default one.
    pub fn schema_of_types(&self) -> Arc<str> {
        let own = self.module.as_ref().and_then(|m| m.schema.as_ref());
        own.map_or_else(|| self.runner.session.default_schema(), |s| s.text.as_str().into())
    }

    /// The schema of a new object: the one named or the user's own. It is there until the transaction ends.
    pub fn schema_of(&self, name: &ObjectName) -> SqlResult<i32> {
        let own = self.runner.session.default_schema();
        let schema = name.schema.as_ref().map_or(&*own, |s| s.text.as_str());
        self.schema_for_new(schema)?.ok_or_else(|| SqlError::new(2760, &[&schema]))
    }

    /// A schema that objects are about to be put into.
    pub fn schema_for_new(&self, schema: &str) -> SqlResult<Option<i32>> {
        let id = self.settled(|c| Some(c.schema_named(schema)), |c| c.schema_number(schema))?;
        // Nobody drops those that every database has.
        if let Some(id) = id.filter(|id| *id > 4) {
            self.lock_schema(id, LockMode::SchS)?;
        }
        self.settled(|c| Some(c.schema_named(schema)), |c| c.schema_number(schema))
    }

    /// Locks a schema until the transaction ends.
    pub fn lock_schema(&self, id: i32, mode: LockMode) -> SqlResult<()> {
        let resource = Resource::Schema { database: self.database.id, schema: id };
        let locks = &self.runner.session.host.instance.locks;
        locks.acquire(self.transaction.owner(), &resource, mode, Duration::Transaction, &self.wait)?;
        Ok(())
    }

    /// What a name finds in the present catalog, after other transactions that define what has it have ended.
    pub fn settled<T>(
        &self,
        name: impl Fn(&DatabaseCatalog) -> Option<(Name, Option<Resource>)>,
        find: impl Fn(&DatabaseCatalog) -> T,
    ) -> SqlResult<T> {
        self.runner.session.settled(|watch| {
            let catalog = self.catalog()?;
            watch.see(&catalog, name(&catalog));
            Ok(find(&catalog))
        })?
    }

    /// An object by name: id and kind.
    pub fn find(&self, name: &ObjectName) -> SqlResult<Option<(i32, String)>> {
        let catalog = self.catalog()?;
        let schema = match &name.schema {
            Some(s) => match catalog.schema_number(&s.text) {
                Some(id) => id,
                None => return Ok(None),
            },
            None => catalog.schema_number(&self.runner.session.default_schema()).unwrap_or(1),
        };
        let writer = self.writer()?;
        let base = writer.base("sysschobjs")?;
        let mut found = writer.find_named(schema, &name.name.text)?;
        if found.is_none() && name.schema.is_none() && schema != 1 {
            found = writer.find_named(1, &name.name.text)?;
        }
        Ok(found.map(|r| (base.int(&r, "id") as i32, base.text(&r, "type").trim_end().to_owned())))
    }

    /// A user table by name.
    ///
    /// # Errors
    /// 4902 when there is none, 4909 when it is something else.
    pub fn table(&self, name: &ObjectName) -> SqlResult<Arc<TableDef>> {
        let shown = shown(name);
        match self.find(name)? {
            Some((id, kind)) if kind == "U" => {
                let table = self.catalog()?.table(id)?;
                table.ok_or_else(|| SqlError::new(4902, &[&shown]))
            }
            Some(_) => Err(SqlError::new(4909, &[&shown])),
            None => Err(SqlError::new(4902, &[&shown])),
        }
    }
}

/// Why a table cannot have a name, as statements that make tables answer it; errors of a wait for the name stay as they are.
fn name_taken(e: SqlError) -> SqlError {
    if matches!(e.number, 1205 | 1222) { e } else { e.state(6) }
}

/// A name as messages show it.
pub fn shown(name: &ObjectName) -> String {
    let parts = [name.database.as_ref(), name.schema.as_ref(), Some(&name.name)];
    parts.into_iter().flatten().map(|p| p.text.as_str()).collect::<Vec<_>>().join(".")
}

/// The database that a statement names besides its own; data definition takes one for few kinds of objects.
fn named_database(d: &Ddl) -> Option<&str> {
    let name = match d {
        Ddl::CreateTable(t) => &t.name,
        Ddl::AlterTable(t) => &t.name,
        Ddl::CreateIndex(i) => &i.table,
        Ddl::AlterIndex(i) => &i.table,
        Ddl::CreateStatistics(i) => &i.table,
        Ddl::UpdateStatistics { table, .. } => table,
        // Triggers of the server lie in master.
        Ddl::CreateTrigger(t) if t.on == TriggerTarget::AllServer => return Some("master"),
        Ddl::EnableTrigger { on: TriggerTarget::AllServer, .. } => return Some("master"),
        Ddl::Drop(d) if d.trigger_on == Some(TriggerTarget::AllServer) => return Some("master"),
        Ddl::AlterAuthorization { class: Some(class), name, .. }
            if class.eq_ignore_ascii_case("DATABASE") =>
        {
            return Some(&name.name.text);
        }
        Ddl::Drop(d) => match (d.kind.as_str(), d.on.first()) {
            ("INDEX", Some(Some(table))) => table,
            // The parts are schema, table and what goes.
            ("INDEX" | "STATISTICS", _) => return None,
            _ => d.names.first()?,
        },
        _ => return None,
    };
    name.database.as_ref().map(|d| d.text.as_str())
}

/// 166: statements that act in the current database only take no name of another.
fn refuse_prefix(d: &Ddl) -> SqlResult<()> {
    let module = |kind: &str| format!("CREATE/ALTER {kind}");
    let (name, statement) = match d {
        Ddl::CreateView(v) => (&v.name, module("VIEW")),
        Ddl::CreateProcedure(p) => (&p.name, module("PROCEDURE")),
        Ddl::CreateFunction(f) => (&f.name, module("FUNCTION")),
        Ddl::CreateTrigger(t) => (&t.name, module("TRIGGER")),
        Ddl::CreateSequence(s) | Ddl::AlterSequence(s) => (&s.name, d.name()),
        Ddl::CreateType(t) => (&t.name, d.name()),
        Ddl::CreateSynonym { name, .. }
        | Ddl::XmlSchemaCollection { name, .. }
        | Ddl::CreateDefault { name, .. }
        | Ddl::CreateRule { name, .. } => (name, d.name()),
        Ddl::Drop(drop) => {
            let local = [
                "VIEW",
                "PROCEDURE",
                "FUNCTION",
                "TRIGGER",
                "SEQUENCE",
                "SYNONYM",
                "TYPE",
                "DEFAULT",
                "RULE",
            ];
            let prefixed = drop.names.iter().find(|n| n.database.is_some());
            match prefixed.filter(|_| local.contains(&drop.kind.as_str())) {
                Some(name) => (name, d.name()),
                None => return Ok(()),
            }
        }
        _ => return Ok(()),
    };
    match name.database {
        Some(_) => Err(SqlError::new(166, &[&statement])),
        None => Ok(()),
    }
}

impl Runner<'_> {
    /// Whether a name stands in another database than the current one.
    pub(super) fn is_elsewhere(&self, name: &ObjectName) -> bool {
        let here = self.session.names_database();
        name.database.as_ref().is_some_and(|d| !NameOrder::instance().same(&d.text, &here.name))
    }

    /// Data definition on what is stored.
    pub fn define(&mut self, d: &Ddl, statement: &Statement, scope: &mut Scope) -> Result<(), Fail> {
        if server_trigger::is_of_server(d) {
            return self.define_at_server(d, statement, scope);
        }
        if let Ddl::ScopedConfiguration { .. } = d {
            return self.administration(&statement.kind, scope);
        }
        refuse_prefix(d)?;
        match d {
            Ddl::CreateTrigger(t) => match &t.on {
                TriggerTarget::Object(on) if self.is_elsewhere(on) => {
                    return Err(SqlError::new(2108, &[&shown(on)]).into());
                }
                _ => {}
            },
            Ddl::EnableTrigger { on: TriggerTarget::Object(on), .. } if self.is_elsewhere(on) => {
                let text =
                    format!("The object '{}' does not exist or is invalid for this operation.", shown(on));
                return Err(SqlError::with_text(8197, 16, text).state(6).into());
            }
            _ => {}
        }
        self.look_again();
        let database = match named_database(d) {
            Some(name) => self.session.host.database(name)?,
            None => self.session.names_database(),
        };
        self.may_define(d, &database)?;
        if database.id == MODEL {
            model::may_be_in_model(d)?;
        }
        self.defining(&database, statement.span, scope, |work| {
            if work.watched {
                work.events = work.events_of(d)?;
            }
            work.lower(d)
        })?;
        scope.run = next_run();
        self.plain_done(0)
    }

    /// A database that was made belongs to who made it.
    fn take_ownership(&mut self, name: &str, statement: &Statement, scope: &Scope) -> Result<(), Fail> {
        let Some(login) = self.session.security.login() else { return Ok(()) };
        let database = self.session.host.database(name)?;
        if *database.online().properties().owner_sid == *login.sid {
            return Ok(());
        }
        self.defining(&database, statement.span, scope, |work| {
            Ok(work.writer()?.set_principal_sid(DBO, login.sid.to_vec())?)
        })
    }

    /// Runs a change of a database's catalog (invariants 1 and 2).
    pub fn defining<T>(
        &mut self,
        database: &Arc<HostDatabase>,
        span: Span,
        scope: &Scope,
        f: impl FnOnce(&mut Definition<'_, '_>) -> Result<T, Fail>,
    ) -> Result<T, Fail> {
        let database = self.session.host.with_files(database)?;
        let online = Arc::clone(database.online());
        let wait = self.session.lock_wait();
        let result = self.changing(|runner, transaction| {
            watch(&online, transaction)?;
            let as_of = online.stored().and_then(|c| c.writing().map(|w| w.definitions.now())).unwrap_or(0);
            let triggers = database_trigger::enabled(&online)?;
            let of_server = server_trigger::enabled(&runner.session.host)?;
            let id = database.id;
            let mut work = Definition {
                runner,
                scope,
                span,
                transaction: Arc::clone(transaction),
                wait,
                database,
                watched: !triggers.is_empty() || !of_server.is_empty(),
                events: Vec::new(),
                module: None,
                as_of,
            };
            let out = f(&mut work)?;
            let events = std::mem::take(&mut work.events);
            defined(&online, transaction)?;
            if !events.is_empty() {
                let text = scope.unit.text.get(span.start as usize..span.end as usize).unwrap_or("");
                runner.look_again();
                let (own, all): (Vec<_>, Vec<_>) =
                    (events.iter().filter(|e| !e.of_server).cloned().collect(), events);
                runner.fire_for(id, &triggers, &own, text, transaction)?;
                runner.fire_for(MASTER, &of_server, &all, text, transaction)?;
            }
            Ok(out)
        });
        // What follows sees the new catalog, or after an error the old one again.
        self.look_again();
        result
    }
}
