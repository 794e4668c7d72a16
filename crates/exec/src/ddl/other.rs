//! Schemas, types, synonyms.

use std::sync::Arc;

use holdfast_engine::ddl::object::bits;
use holdfast_engine::lock::LockMode;
use holdfast_tsql::Span;
use holdfast_tsql::ast::{
    CreateSchema, CreateType, CreateTypeKind, Ddl, Ident, ObjectName, Statement, StatementKind,
};
use holdfast_types::SqlError;

use super::{Definition, shown};
use crate::procedure::run::{Fail, Scope};
use crate::procedure::unit::{Layout, Unit};

impl Definition<'_, '_> {
    pub fn create_schema(&mut self, s: &CreateSchema) -> Result<(), Fail> {
        let name = match (&s.name, &s.owner) {
            (Some(n), _) => n.text.clone(),
            (None, Some(o)) => o.text.clone(),
            (None, None) => return Err(SqlError::new(102, &[&"SCHEMA"]).into()),
        };
        let name = name.as_str();
        if self.settled(|c| Some(c.schema_named(name)), |c| c.schema_number(name))?.is_some() {
            return Err(SqlError::new(2714, &[&name]).state(6).into());
        }
        let owner = self.owner(s.owner.as_ref())?;
        self.writer()?.add_schema(name, owner)?;
        if s.elements.is_empty() {
            return Ok(());
        }
        self.refresh()?;
        // Tables come first, permissions last, whatever the order of the text.
        let rank = |e: &Statement| match &e.kind {
            StatementKind::Ddl(d) if matches!(**d, Ddl::CreateTable(_)) => 0,
            StatementKind::Ddl(_) => 1,
            _ => 2,
        };
        let mut elements: Vec<&Statement> = s.elements.iter().collect();
        elements.sort_by_key(|e| rank(e));
        for e in elements {
            self.element(name, e)?;
        }
        Ok(())
    }

    /// CREATE TABLE or VIEW inside CREATE SCHEMA.
    fn element(&mut self, schema: &str, e: &Statement) -> Result<(), Fail> {
        let in_schema = |name: &ObjectName| {
            let mut n = name.clone();
            n.schema.get_or_insert_with(|| Ident::new(schema));
            n
        };
        let d = match &e.kind {
            StatementKind::Ddl(d) => d,
            StatementKind::Permission(p) => {
                let mut p = p.clone();
                let of_object = p.class.as_deref().is_none_or(|c| c.eq_ignore_ascii_case("OBJECT"));
                p.securable = p.securable.map(|n| if of_object { in_schema(&n) } else { n });
                return self.permission(&p);
            }
            _ => return Err(SqlError::not_supported("This statement inside CREATE SCHEMA").into()),
        };
        match &**d {
            Ddl::CreateTable(t) => {
                let mut t = t.clone();
                t.name = in_schema(&t.name);
                self.note_events(&Ddl::CreateTable(t.clone()))?;
                self.create_table(&t)?;
            }
            Ddl::CreateView(v) => {
                let mut v = v.clone();
                v.name = in_schema(&v.name);
                self.note_events(&Ddl::CreateView(v.clone()))?;
                self.runner.look_again();
                // Its text is its own, and its names are looked for in the new schema.
                let text = self.source().get(e.span.start as usize..e.span.end as usize).unwrap_or("");
                let mut scope = Scope::new(
                    Unit::new(text, Vec::new(), Vec::new(), Layout::default()),
                    &self.runner.session.host.temporary_rows,
                );
                scope.schema = Some(schema.into());
                let mut inner = Definition {
                    runner: &mut *self.runner,
                    scope: &scope,
                    span: Span::default(),
                    transaction: Arc::clone(&self.transaction),
                    wait: self.wait.clone(),
                    database: Arc::clone(&self.database),
                    watched: self.watched,
                    as_of: self.as_of,
                    events: Vec::new(),
                    module: None,
                };
                let made = inner.create_view(&v);
                // What it has seen of the catalogue meanwhile is what the next element sees.
                let Definition { database, watched, .. } = inner;
                (self.database, self.watched) = (database, watched);
                made?;
            }
            other => {
                return Err(SqlError::not_supported(format!("{} inside CREATE SCHEMA", other.name())).into());
            }
        }
        Ok(self.refresh()?)
    }

    pub fn create_type(&mut self, t: &CreateType) -> Result<(), Fail> {
        let schema = self.schema_of(&t.name)?;
        let schema_name = self.catalog()?.schema_name(schema);
        let text = t.name.name.text.as_str();
        if self
            .settled(|c| c.type_name(&schema_name, text), |c| c.type_named(Some(&schema_name), text))?
            .is_some()
        {
            let text = format!(
                "The type '{}' already exists, or you do not have permission to create it.",
                shown(&t.name)
            );
            return Err(SqlError::with_text(219, 16, text).into());
        }
        match &t.kind {
            CreateTypeKind::Alias { base, nullable } => {
                let (ty, _, user_type) = self.resolve(base)?;
                if user_type > 256 {
                    return Err(SqlError::not_supported("An alias of an alias type").into());
                }
                let null = nullable.unwrap_or(true);
                self.writer()?.add_alias_type(schema, &t.name.name.text, &ty, null)?;
                Ok(())
            }
            CreateTypeKind::Table { definition, options } => {
                self.create_table_type(schema, &t.name.name.text, definition, options)
            }
            CreateTypeKind::External(_) => Err(SqlError::not_supported("CREATE TYPE of an assembly").into()),
        }
    }

    pub fn create_synonym(&mut self, name: &ObjectName, target: &ObjectName) -> Result<(), Fail> {
        let schema = self.schema_of(name)?;
        let parts =
            [target.server.as_ref(), target.database.as_ref(), target.schema.as_ref(), Some(&target.name)];
        // `db..name`: the empty part keeps its place.
        let from = parts.iter().position(Option::is_some).unwrap_or(0);
        let part = |p: Option<&Ident>| {
            p.filter(|p| !p.text.is_empty())
                .map_or_else(String::new, |p| format!("[{}]", p.text.replace(']', "]]")))
        };
        let text: Vec<String> = parts.into_iter().skip(from).map(part).collect();
        let writer = self.writer()?;
        writer.check_free(schema, &name.name.text)?;
        writer.add_synonym(schema, &name.name.text, &text.join("."))?;
        Ok(())
    }

    /// ALTER SCHEMA s TRANSFER o.
    pub fn alter_schema(&mut self, schema: &Ident, object: &ObjectName) -> Result<(), Fail> {
        let to = self
            .schema_for_new(&schema.text)?
            .ok_or_else(|| SqlError::new(15151, &[&"alter", &"schema", &schema.text]))?;
        let (id, kind) =
            self.find(object)?.ok_or_else(|| SqlError::new(15151, &[&"find", &"object", &shown(object)]))?;
        self.lock(id)?;
        // Texts name it by its schema, and a schema-bound one would not find its own.
        let row = self.catalog()?.object_row(id).map(|o| i64::from(o.status));
        let module = matches!(kind.as_str(), "V" | "FN" | "IF" | "TF" | "P");
        let itself = module && row.is_some_and(|status| status & bits::SCHEMA_BOUND != 0);
        if itself || self.is_bound_to(id, None)? {
            return Err(SqlError::with_text(15348, 16, "Cannot transfer a schemabound object.").into());
        }
        self.writer()?.check_free(to, &object.name.text)?;
        let mut all = vec![id];
        all.extend(self.catalog()?.objects().iter().filter(|o| o.parent_id == id).map(|o| o.id));
        for id in all {
            self.writer()?.set_schema(id, to)?;
        }
        // What was granted on it was granted by the old schema's owner.
        self.writer()?.delete_all("sysprivs", &[1, id.into()])?;
        Ok(())
    }

    /// DROP SCHEMA, TYPE, USER, ROLE.
    pub fn drop_other(&mut self, kind: &str, name: &ObjectName, if_exists: bool) -> Result<(), Fail> {
        let text = &name.name.text;
        let missing = |what: &str| {
            if if_exists { Ok(()) } else { Err(Fail::Error(SqlError::new(15151, &[&"drop", &what, text]))) }
        };
        match kind {
            "SCHEMA" => {
                let found = self.settled(|c| Some(c.schema_named(text)), |c| c.schema_number(text))?;
                let Some(id) = found else { return missing("schema") };
                if id <= 4 || (16_384..16_400).contains(&id) {
                    return Err(SqlError::new(15150, &[&"drop", &"schema", text]).into());
                }
                // Whoever puts something into it keeps it.
                self.lock_schema(id, LockMode::SchM)?;
                let catalog = self.catalog()?;
                if let Some(o) = catalog.objects().into_iter().find(|o| o.schema_id == id) {
                    return Err(SqlError::new(3729, &[&"drop schema", text, &o.name]).into());
                }
                Ok(self.writer()?.remove_schema(id)?)
            }
            "TYPE" => {
                let schema = name.schema.as_ref().map(|s| s.text.as_str());
                let found = self
                    .settled(|c| c.type_name(schema.unwrap_or(""), text), |c| c.type_named(schema, text))?;
                let catalog = self.catalog()?;
                let Some((id, _, _)) = found.filter(|t| t.0 > 256) else {
                    return if if_exists { Ok(()) } else { Err(SqlError::new(218, &[text]).into()) };
                };
                let writer = self.writer()?;
                if let Some(by) = writer.type_is_used(id)? {
                    let by = catalog.object_row(by).map_or_else(String::new, |o| o.name.to_string());
                    return Err(SqlError::new(3732, &[&shown(name), &by]).into());
                }
                let table = catalog.table_type_object(schema.unwrap_or(""), text)?.map(|t| t.1);
                Ok(writer.remove_type(id, table)?)
            }
            "USER" => self.drop_principal("user", text, if_exists),
            "APPLICATION ROLE" => self.drop_principal("application role", text, if_exists),
            _ => self.drop_principal("role", text, if_exists),
        }
    }
}
