//! What data definition asks before it runs.
//!
//! Invariants
//! 1. An object that may not be changed is answered as one that is not there.
//! 2. Principals, roles and owners ask for themselves (`ddl::principal`, `ddl::permission`); a definition that is not named
//!    here is refused to everybody who does not control the database.

use std::sync::Arc;

use holdfast_tsql::ast::{
    AlterTableAction, ConstraintKind, Ddl, Drop, ModuleAction, ObjectName, StatementKind, TableDefinition,
    TriggerTarget,
};
use holdfast_types::{SqlError, SqlResult};

use super::model::Securable;
use crate::ddl::shown;
use crate::host::HostDatabase;
use crate::procedure::SharedSession;
use crate::procedure::run::{Fail, Runner};
use crate::system_view::ViewSource;

/// One session in one database.
struct Asking<'a> {
    session: &'a Arc<SharedSession>,
    database: &'a Arc<HostDatabase>,
}

impl Asking<'_> {
    fn may(&self, on: Securable, code: &'static str) -> SqlResult<bool> {
        self.session.may(self.database, on, code)
    }

    fn object(&self, name: &ObjectName) -> SqlResult<Option<i32>> {
        let schema = name.schema.as_ref().map_or("", |s| s.text.as_str());
        let own = self.session.default_schema();
        Ok(self.database.find_object(schema, &name.name.text, &own)?.map(|o| o.id))
    }

    /// ALTER on what the object belongs to.
    fn may_alter_parent(&self, name: &ObjectName) -> SqlResult<bool> {
        let schema = name.schema.as_ref().map_or("", |s| s.text.as_str());
        let own = self.session.default_schema();
        let found = self.database.find_object(schema, &name.name.text, &own)?;
        match found.map(|o| o.parent_id).filter(|p| *p != 0) {
            Some(parent) => self.may(Securable::Object(parent), "AL"),
            None => Ok(false),
        }
    }

    /// ALTER on the schema that a new object goes to; one that is not there is found out later.
    fn schema(&self, name: &ObjectName) -> SqlResult<()> {
        let own = self.session.default_schema();
        let schema = name.schema.as_ref().map_or(&*own, |s| s.text.as_str());
        match self.database.model()?.schema_id(schema) {
            Some(id) if self.may(Securable::Schema(id), "AL")? => Ok(()),
            _ => Err(SqlError::new(2760, &[&schema])),
        }
    }

    /// A new object: the database's permission, then the schema.
    fn create(&self, code: &'static str, name: &ObjectName) -> SqlResult<()> {
        self.session.need_database(self.database, code)?;
        self.schema(name)
    }

    /// ALTER on an object that is there.
    fn alter(&self, name: &ObjectName, refused: impl Fn() -> SqlError) -> SqlResult<()> {
        match self.object(name)? {
            Some(id) if !self.may(Securable::Object(id), "AL")? => Err(refused()),
            _ => Ok(()),
        }
    }

    fn module(
        &self,
        action: ModuleAction,
        code: &'static str,
        what: &str,
        name: &ObjectName,
    ) -> SqlResult<()> {
        let there = action != ModuleAction::Create && self.object(name)?.is_some();
        if there {
            return self.alter(name, || SqlError::new(3704, &[&what, &shown(name)]));
        }
        self.create(code, name)
    }

    /// REFERENCES on the tables that foreign keys point to.
    fn references(&self, definition: &TableDefinition) -> SqlResult<()> {
        let of_columns = definition.columns.iter().flat_map(|c| &c.constraints).map(|c| &c.kind);
        for kind in of_columns.chain(definition.constraints.iter().map(|c| &c.kind)) {
            let ConstraintKind::ForeignKey { table: t, .. } = kind else { continue };
            if let Some(id) = self.object(t)?
                && !self.may(Securable::Object(id), "RF")?
            {
                let schema = t.schema.as_ref().map_or("dbo", |s| s.text.as_str());
                let e = SqlError::new(229, &[&"REFERENCES", &t.name.text, &self.database.name, &schema]);
                return Err(e.state(5));
            }
        }
        Ok(())
    }

    fn drop(&self, d: &Drop) -> SqlResult<()> {
        for (i, name) in d.names.iter().enumerate() {
            match d.kind.as_str() {
                "USER" | "ROLE" | "APPLICATION ROLE" => {}
                "PARTITION FUNCTION" | "PARTITION SCHEME" => {
                    if !self.may(Securable::Database, "ALDS")? {
                        let what = d.kind.to_lowercase();
                        return Err(SqlError::new(15151, &[&"drop", &what, &name.name.text]));
                    }
                }
                "SCHEMA" => {
                    let text = &name.name.text;
                    if let Some(id) = self.database.model()?.schema_id(text)
                        && !self.may(Securable::Schema(id), "CL")?
                        && !self.may(Securable::Database, "ALSM")?
                    {
                        return Err(SqlError::new(15151, &[&"drop", &"schema", text]));
                    }
                }
                "XML SCHEMA COLLECTION" => self.schema(name)?,
                "TYPE" => {
                    let found = self.database.model()?;
                    let id = found.types.iter().find(|t| found.names.same(&t.name, &name.name.text));
                    if let Some(t) = id
                        && !self.may(Securable::Type(t.id), "CL")?
                        && !self.may(Securable::Schema(t.schema_id), "AL")?
                    {
                        return Err(SqlError::new(218, &[&name.name.text]));
                    }
                }
                "TRIGGER" if d.trigger_on == Some(TriggerTarget::Database) => {
                    self.session.need_database(self.database, "ALTG")?;
                }
                "INDEX" | "STATISTICS" => {
                    let table = match (d.on.get(i).and_then(Option::as_ref), &name.schema) {
                        (Some(t), _) => t.clone(),
                        (None, Some(t)) => {
                            let mut old = ObjectName::one(t.clone());
                            old.schema.clone_from(&name.database);
                            old
                        }
                        (None, None) => continue,
                    };
                    self.alter(&table, || SqlError::new(1088, &[&shown(&table)]).state(9))?;
                }
                // Who may alter the table may drop its triggers.
                "TRIGGER" if self.may_alter_parent(name)? => {}
                _ => {
                    let Some(id) = self.object(name)? else { continue };
                    let schema = self.database.security()?.schema_of(id).unwrap_or_default();
                    if !self.may(Securable::Object(id), "CL")?
                        && !self.may(Securable::Schema(schema), "AL")?
                    {
                        let what = d.kind.to_lowercase();
                        let mut e = SqlError::new(3701, &[&"drop", &what, &shown(name)]).state(20);
                        e.severity = 14;
                        return Err(e);
                    }
                }
            }
        }
        Ok(())
    }

    fn check(&self, d: &Ddl) -> SqlResult<()> {
        let no_object = |name: &ObjectName, state: u8| SqlError::new(1088, &[&shown(name)]).state(state);
        match d {
            Ddl::CreateTable(t) => {
                self.create("CRTB", &t.name)?;
                self.references(&t.definition)
            }
            Ddl::AlterTable(a) => {
                self.alter(&a.name, || no_object(&a.name, 13))?;
                match &a.action {
                    AlterTableAction::Add { definition, .. } => self.references(definition),
                    AlterTableAction::Switch { target, .. } => self.alter(target, || no_object(target, 13)),
                    _ => Ok(()),
                }
            }
            Ddl::CreateIndex(c) => self.alter(&c.table, || no_object(&c.table, 12)),
            Ddl::AlterIndex(a) => self.alter(&a.table, || no_object(&a.table, 9)),
            Ddl::CreateStatistics(c) => self.alter(&c.table, || no_object(&c.table, 11)),
            Ddl::UpdateStatistics { table, .. } => self.alter(table, || no_object(table, 16)),
            Ddl::CreateView(v) => self.module(v.action, "CRVW", "view", &v.name),
            Ddl::CreateProcedure(p) => self.module(p.action, "CRPR", "procedure", &p.name),
            Ddl::CreateFunction(f) => self.module(f.action, "CRFN", "function", &f.name),
            Ddl::CreateTrigger(t) => match &t.on {
                TriggerTarget::Object(on) => self.alter(on, || SqlError::new(8197, &[&shown(on)]).state(6)),
                _ => self.session.need_database(self.database, "ALTG"),
            },
            Ddl::EnableTrigger { on, .. } => match on {
                TriggerTarget::Object(on) => self.alter(on, || no_object(on, 7)),
                _ => self.session.need_database(self.database, "ALTG"),
            },
            Ddl::CreateSchema(s) => {
                self.session.need_database(self.database, "CRSM")?;
                for e in &s.elements {
                    let StatementKind::Ddl(d) = &e.kind else { continue };
                    match &**d {
                        Ddl::CreateTable(t) => {
                            self.session.need_database(self.database, "CRTB")?;
                            self.references(&t.definition)?;
                        }
                        _ => self.session.need_database(self.database, "CRVW")?,
                    }
                }
                Ok(())
            }
            Ddl::CreateType(t) => self.create("CRTY", &t.name),
            Ddl::XmlSchemaCollection { alter: false, name, .. } => self.create("CRXS", name),
            Ddl::XmlSchemaCollection { name, .. } => self.schema(name),
            Ddl::CreateSynonym { name, .. } => self.create("CRSN", name),
            Ddl::CreateDefault { name, .. } => self.create("CRDF", name),
            Ddl::CreateRule { name, .. } => self.create("CRRU", name),
            Ddl::CreateSequence(s) => self.schema(&s.name),
            Ddl::AlterSequence(s) => {
                self.alter(&s.name, || SqlError::new(15151, &[&"alter", &"sequence object", &shown(&s.name)]))
            }
            Ddl::AlterSchema { schema, object, .. } => {
                let missing = || SqlError::new(15151, &[&"alter", &"schema", &schema.text]);
                let id = self.database.model()?.schema_id(&schema.text).ok_or_else(missing)?;
                if !self.may(Securable::Schema(id), "AL")? {
                    return Err(missing());
                }
                match self.object(object)? {
                    Some(id) if !self.may(Securable::Object(id), "CL")? => {
                        Err(SqlError::new(15151, &[&"find", &"object", &shown(object)]))
                    }
                    _ => Ok(()),
                }
            }
            Ddl::CreatePartitionFunction { .. }
            | Ddl::AlterPartitionFunction { .. }
            | Ddl::CreatePartitionScheme { .. }
            | Ddl::AlterPartitionScheme { .. } => self.session.need_database(self.database, "ALDS"),
            Ddl::Drop(d) => self.drop(d),
            Ddl::Principal(_) | Ddl::AlterAuthorization { .. } => Ok(()),
            _ if self.may(Securable::Database, "CL")? => Ok(()),
            _ => Err(SqlError::new(15247, &[])),
        }
    }
}

/// Whether the statement is about a trigger ON ALL SERVER.
fn is_on_server(d: &Ddl) -> bool {
    let on = match d {
        Ddl::CreateTrigger(t) => Some(&t.on),
        Ddl::EnableTrigger { on, .. } => Some(on),
        Ddl::Drop(d) => d.trigger_on.as_ref(),
        _ => None,
    };
    on == Some(&TriggerTarget::AllServer)
}

impl Runner<'_> {
    /// Checks a definition in a database.
    pub fn may_define(&self, d: &Ddl, database: &Arc<HostDatabase>) -> Result<(), Fail> {
        if self.session.security.is_unrestricted() {
            return Ok(());
        }
        if is_on_server(d) {
            // Who owns master does not own the server.
            return if self.session.security.has_server("CL") {
                Ok(())
            } else {
                Err(SqlError::new(15247, &[]).into())
            };
        }
        if self.session.user_token(database)?.is_dbo {
            return Ok(());
        }
        let asking = Asking { session: &self.session, database };
        match asking.check(d) {
            Err(e) if matches!(d, Ddl::CreateSchema(_)) => {
                Err(Fail::Many(vec![e, SqlError::new(2759, &[]).state(0)]))
            }
            other => Ok(other?),
        }
    }

    /// A new table by SELECT INTO.
    pub fn may_create_table(&self, name: &ObjectName, database: &Arc<HostDatabase>) -> Result<(), Fail> {
        if self.session.security.is_unrestricted() || self.session.user_token(database)?.is_dbo {
            return Ok(());
        }
        Ok(Asking { session: &self.session, database }.create("CRTB", name)?)
    }

    /// A system procedure that changes something: for who controls the database, or may alter that.
    pub fn may_change(&self, database: &Arc<HostDatabase>, on: Securable) -> Result<(), Fail> {
        if self.session.security.is_unrestricted() || self.session.may(database, on, "AL")? {
            return Ok(());
        }
        self.may_redefine(database)
    }

    /// A system procedure that changes definitions: for who controls the database.
    pub fn may_redefine(&self, database: &Arc<HostDatabase>) -> Result<(), Fail> {
        if self.session.security.is_unrestricted() || self.session.may(database, Securable::Database, "CL")? {
            return Ok(());
        }
        Err(SqlError::new(15247, &[]).into())
    }

    /// ALTER on a table for what is not data definition but asks for it (TRUNCATE, IDENTITY_INSERT).
    pub fn need_alter(&self, (database, object): (i32, i32), name: &str, state: u8) -> Result<(), Fail> {
        if self.session.security.is_unrestricted() {
            return Ok(());
        }
        let Some(database) = self.session.host.database_by_id(database).filter(|_| object > 0) else {
            return Ok(());
        };
        if self.session.may(&database, Securable::Object(object), "AL")? {
            return Ok(());
        }
        Err(SqlError::new(1088, &[&name]).state(state).into())
    }
}
