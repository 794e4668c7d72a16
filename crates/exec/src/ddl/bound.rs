//! CREATE DEFAULT and CREATE RULE, and the procedures that bind them to columns and types.
//!
//! Invariants
//! 1. A default or rule is an object with its CREATE statement as text; a column names it in `dflt` or `chk`.
//! 2. A new column of an alias type begins with what is bound to the type.

use holdfast_engine::catalog::Catalog;
use holdfast_tsql::ast::{Expr, ModuleAction, ModuleOptions, ObjectName};
use holdfast_types::{SqlError, TypeId};

use super::Definition;
use super::print::stored_text;
use super::procedure::Arguments;
use crate::procedure::run::Fail;

/// A default or a rule: kind of object, column of the catalog, and its messages.
pub struct Kind {
    object: &'static str,
    field: &'static str,
    missing: i32,
    misplaced: i32,
    /// Bound to a column, to a type, to the type's columns.
    bound: [i32; 3],
    unbound: [i32; 3],
    /// Nothing is bound: to the column, to the type.
    nothing: [i32; 2],
}

pub const DEFAULT: Kind = Kind {
    object: "D",
    field: "dflt",
    missing: 15016,
    misplaced: 15101,
    bound: [15511, 15512, 15513],
    unbound: [15519, 15520, 15521],
    nothing: [15236, 15237],
};

pub const RULE: Kind = Kind {
    object: "R",
    field: "chk",
    missing: 15017,
    misplaced: 15107,
    bound: [15514, 15515, 15516],
    unbound: [15522, 15523, 15524],
    nothing: [15238, 15239],
};

/// What a default or rule is bound to.
enum Place {
    Column { table: i32, column: i32 },
    Type(i32),
}

impl Definition<'_, '_> {
    pub fn create_default(&mut self, name: &ObjectName, value: &Expr) -> Result<(), Fail> {
        let text = stored_text(value, self.source());
        self.expression_type(&[], &text)?;
        self.create_bound(name, "D ")
    }

    pub fn create_rule(&mut self, name: &ObjectName) -> Result<(), Fail> {
        self.create_bound(name, "R ")
    }

    fn create_bound(&mut self, name: &ObjectName, kind: &'static str) -> Result<(), Fail> {
        let text = self.module_text(ModuleAction::Create);
        let new = self.module(name, kind, 0, text);
        self.put_module(ModuleAction::Create, name, new, &ModuleOptions::default())
    }

    fn named(&self, text: &str) -> Result<ObjectName, Fail> {
        Ok(holdfast_tsql::parse_object_name(text).map_err(|_| SqlError::new(15253, &[&text]))?)
    }

    /// `table.column`, `schema.table.column` or an alias type.
    fn place(&self, text: &str, kind: &Kind) -> Result<Place, Fail> {
        let missing = || Fail::Error(SqlError::new(15148, &[&text]));
        let name = self.named(text)?;
        let catalog = self.catalog()?;
        let mut table = name.schema.clone().map(ObjectName::one);
        if let Some(t) = &mut table {
            t.schema.clone_from(&name.database);
        }
        if let Some(table) = table
            && let Some((id, _)) = self.find(&table)?.filter(|f| f.1 == "U")
            && let Some(definition) = catalog.table_by_id(id)?
            && let Some(c) = definition.columns.iter().find(|c| self.same(&c.name, &name.name.text))
        {
            let refused = c.computed.is_some()
                || c.ty.is_max()
                || matches!(c.ty.id, TypeId::RowVersion | TypeId::Xml | TypeId::Clr)
                || kind.object == "R" && matches!(c.ty.id, TypeId::Text | TypeId::NText | TypeId::Image);
            if refused {
                return Err(SqlError::new(kind.misplaced, &[]).into());
            }
            return Ok(Place::Column { table: id, column: c.column_id });
        }
        let schema = name.schema.as_ref().map(|s| s.text.as_str());
        let found = catalog.type_named(schema, &name.name.text).filter(|t| t.0 > 256);
        found.map(|t| Place::Type(t.0)).ok_or_else(missing)
    }

    /// What is bound to a column or type now.
    fn bound_to(&self, place: &Place, field: &str) -> Result<i32, Fail> {
        let writer = self.writer()?;
        let (base, key): (_, Vec<i64>) = match *place {
            Place::Column { table, column } => ("syscolpars", vec![table.into(), 0, column.into()]),
            Place::Type(id) => ("sysscalartypes", vec![id.into()]),
        };
        let columns = writer.base(base)?;
        Ok(writer.rows(base, &key)?.first().map_or(0, |r| columns.int(r, field) as i32))
    }

    /// sp_bindefault and sp_bindrule.
    pub fn bind(&mut self, a: &Arguments, kind: &Kind) -> Result<(), Fail> {
        let (what, to, only) = (a.text(0), a.text(1), a.text(2));
        let what = what.unwrap_or_default();
        let missing = || Fail::Error(SqlError::new(kind.missing, &[&what]));
        let (object, found) = self.find(&self.named(&what)?)?.ok_or_else(missing)?;
        let alone = self.catalog()?.object_row(object).is_some_and(|o| o.parent_id == 0);
        if found != kind.object || !alone {
            return Err(missing());
        }
        let to = to.unwrap_or_default();
        let place = self.place(&to, kind)?;
        if let Place::Column { .. } = place
            && kind.object == "D"
        {
            let present = self.bound_to(&place, kind.field)?;
            if self.catalog()?.object_row(present).is_some_and(|o| o.parent_id != 0) {
                return Err(SqlError::new(15103, &[]).into());
            }
        }
        self.set_bound(&place, kind, object, only.is_none(), &kind.bound)
    }

    /// sp_unbindefault and sp_unbindrule.
    pub fn unbind(&mut self, a: &Arguments, kind: &Kind) -> Result<(), Fail> {
        let from = a.text(0).unwrap_or_default();
        let place = self.place(&from, kind)?;
        let present = self.bound_to(&place, kind.field)?;
        let constraint = self.catalog()?.object_row(present).is_some_and(|o| o.parent_id != 0);
        if present == 0 || constraint {
            let number = kind.nothing[usize::from(matches!(place, Place::Type(_)))];
            return Err(SqlError::new(number, &[&from]).into());
        }
        self.set_bound(&place, kind, 0, a.text(1).is_none(), &kind.unbound)
    }

    fn set_bound(
        &mut self,
        place: &Place,
        kind: &Kind,
        object: i32,
        columns: bool,
        numbers: &[i32; 3],
    ) -> Result<(), Fail> {
        match *place {
            Place::Column { table, column } => {
                self.lock(table)?;
                let writer = self.writer()?;
                writer.bind_to_column(table, column, kind.field, object)?;
                writer.touch(table)?;
                self.say(numbers[0])
            }
            Place::Type(id) => {
                let tables = self.writer()?.bind_to_type(id, kind.field, object, columns)?;
                for table in &tables {
                    self.lock(*table)?;
                    self.writer()?.touch(*table)?;
                }
                self.say(numbers[1])?;
                if tables.is_empty() { Ok(()) } else { self.say(numbers[2]) }
            }
        }
    }

    fn say(&mut self, number: i32) -> Result<(), Fail> {
        self.runner.sink.message(&SqlError::new(number, &[]))?;
        Ok(())
    }
}
