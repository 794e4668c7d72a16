//! What a module depends on: the names in its text, whatever they mean (`syssoftobjrefs`), and what they were when it was made
//! (`sysmultiobjrefs` class 0).
//!
//! Invariants
//! 1. Temporary tables, common tables, variables and what the server has of its own are not named.
//! 2. Bits say what statements of procedures do to columns; references of views and functions have none, as genuine rows have not.
//!
//! Evidence: rows of genuine databases (docs/format/catalog.md).

use holdfast_engine::catalog::{Catalog, ObjectDef};
use holdfast_engine::ddl::module::{NamedReference, reference_use};
use holdfast_plan::access::{Access, AccessKind};
use holdfast_tsql::ast::walk::Met;
use holdfast_tsql::ast::{DmlTarget, Ident, ObjectName};
use holdfast_types::{NameOrder, SqlResult};

use super::Definition;

/// Methods of xml, whose calls look like those of functions in a schema.
const METHODS: &[&str] = &["value", "query", "exist", "nodes", "modify"];

/// Rows for a module's dependencies.
#[derive(Default)]
pub struct Dependencies {
    pub names: Vec<NamedReference>,
    pub uses: Vec<(i32, i32, i64)>,
}

/// Names met in a module's text, each once.
#[derive(Default)]
pub struct Named<'a> {
    list: Vec<(&'a ObjectName, bool)>,
    executed: Vec<&'a ObjectName>,
    /// Tables with the columns that an INSERT names.
    filled: Vec<(&'a ObjectName, &'a [Vec<Ident>])>,
}

impl<'a> Named<'a> {
    pub fn see(&mut self, met: Met<'a>) {
        match met {
            Met::Rows(name) | Met::Target(name) | Met::Sequence(name) => self.add(name, false),
            // The built-in ones have one part.
            Met::TableFunction(name) if !name.is_simple() => self.add(name, method(name)),
            Met::Call(call) if !call.name.is_simple() => self.add(&call.name, method(&call.name)),
            Met::Insert(i) => {
                if let DmlTarget::Named { name, .. } = &i.target {
                    self.filled.push((name, &i.columns));
                }
            }
            Met::Procedure(name) => {
                self.executed.push(name);
                self.add(name, false);
            }
            _ => {}
        }
    }

    fn add(&mut self, name: &'a ObjectName, ambiguous: bool) {
        if !name.name.text.starts_with('#') {
            self.list.push((name, ambiguous));
        }
    }
}

fn method(name: &ObjectName) -> bool {
    METHODS.contains(&name.name.text.as_str())
}

fn is_system(names: NameOrder, schema: &str) -> bool {
    ["sys", "INFORMATION_SCHEMA"].iter().any(|s| names.same(schema, s))
}

impl Definition<'_, '_> {
    /// Both kinds of rows of a text that is looked at under `schema`.
    pub fn dependencies(
        &self,
        named: &Named<'_>,
        accesses: &[Access],
        name: &ObjectName,
        marked: bool,
    ) -> SqlResult<Dependencies> {
        let own = self.runner.session.default_schema();
        let schema = name.schema.as_ref().map_or(&*own, |s| s.text.as_str());
        Ok(Dependencies {
            names: self.named_references(named, schema)?,
            uses: self.uses(accesses, named, marked)?,
        })
    }

    /// Rows of names, in the order of the text.
    fn named_references(&self, named: &Named<'_>, schema: &str) -> SqlResult<Vec<NamedReference>> {
        let mut out: Vec<NamedReference> = Vec::new();
        for (name, ambiguous) in &named.list {
            let part = |p: &Option<Ident>| p.as_ref().map(|i| i.text.clone());
            let new = NamedReference {
                server: part(&name.server),
                database: part(&name.database),
                schema: part(&name.schema),
                name: name.name.text.clone(),
                ambiguous: *ambiguous,
            };
            let same = |a: &Option<String>, b: &Option<String>| match (a, b) {
                (Some(a), Some(b)) => self.names().same(a, b),
                (None, None) => true,
                _ => false,
            };
            let known = out.iter().any(|o| {
                self.names().same(&o.name, &new.name)
                    && same(&o.schema, &new.schema)
                    && same(&o.database, &new.database)
                    && same(&o.server, &new.server)
            });
            if !known && !self.is_the_servers(name, schema) {
                out.push(new);
            }
        }
        Ok(out)
    }

    /// Catalog views and system procedures are not listed.
    fn is_the_servers(&self, name: &ObjectName, schema: &str) -> bool {
        if name.database.is_some() || name.server.is_some() {
            return false;
        }
        match &name.schema {
            Some(s) => is_system(self.names(), &s.text),
            None => {
                let text = name.name.text.as_str();
                let own = |schema: &str| self.database.object(schema, text);
                match own(schema).or_else(|| own("dbo")) {
                    Some(ObjectDef::Table(t)) => is_system(self.names(), &t.schema_name),
                    Some(ObjectDef::View(m)) => is_system(self.names(), &m.schema_name),
                    Some(_) => false,
                    None => own("").is_some() || text.to_lowercase().starts_with("sp_"),
                }
            }
        }
    }

    /// Rows of what names mean in this database now. `marked`: with the bits of what is done to columns.
    fn uses(&self, accesses: &[Access], named: &Named<'_>, marked: bool) -> SqlResult<Vec<(i32, i32, i64)>> {
        let here = self.database.id;
        let mut out: Vec<(i32, i32, i64)> = Vec::new();
        let mut add = |object: i32, column: i32, bits: i64| match out
            .iter_mut()
            .find(|u| (u.0, u.1) == (object, column))
        {
            Some(u) => u.2 |= bits,
            None => out.push((object, column, bits)),
        };
        for a in accesses.iter().filter(|a| a.database == here && a.object > 0 && a.through.is_none()) {
            if is_system(self.names(), &a.schema) {
                continue;
            }
            let bits = match a.kind {
                AccessKind::Select => reference_use::SELECTED,
                AccessKind::Insert | AccessKind::Update | AccessKind::Delete => reference_use::UPDATED,
                _ => 0,
            };
            let bits = if marked { bits } else { 0 };
            if a.columns.is_empty() {
                add(a.object, 0, bits);
            }
            for (column, _) in &a.columns {
                add(a.object, *column, bits);
            }
        }
        for (name, columns) in named.filled.iter().filter(|f| f.0.database.is_none()) {
            let Some((id, _)) = self.find(name)? else { continue };
            let Some(at) = out.iter().position(|u| (u.0, u.1) == (id, 0)) else { continue };
            let known: Vec<(std::sync::Arc<str>, i32)> = match self.catalog()?.table(id)? {
                Some(t) => t.columns.iter().map(|c| (std::sync::Arc::clone(&c.name), c.column_id)).collect(),
                None => continue,
            };
            let named = columns.iter().filter_map(|c| c.last());
            let ids: Vec<i32> = named
                .filter_map(|c| known.iter().find(|k| self.names().same(&k.0, &c.text)).map(|k| k.1))
                .collect();
            if !ids.is_empty() {
                let (_, _, bits) = out.swap_remove(at);
                for column in ids {
                    match out.iter_mut().find(|u| (u.0, u.1) == (id, column)) {
                        Some(u) => u.2 |= bits,
                        None => out.push((id, column, bits)),
                    }
                }
            }
        }
        for name in named.executed.iter().filter(|n| n.database.is_none() && n.server.is_none()) {
            if let Some((id, _)) = self.find(name)?
                && !out.iter().any(|u| (u.0, u.1) == (id, 0))
            {
                out.push((id, 0, 0));
            }
        }
        out.sort_unstable();
        Ok(out)
    }
}
