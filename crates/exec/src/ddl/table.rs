//! CREATE TABLE.
//!
//! Evidence: order of object ids in genuine databases: the table, its keys, then the other constraints as they are written,
//! those of columns first.

use holdfast_engine::database::partition::SCHEME_TYPE;
use holdfast_engine::ddl::index::{ClusteredKey, NewIndex, Placement};
use holdfast_engine::ddl::layout::fixed_size;
use holdfast_engine::ddl::table::NewColumn;
use holdfast_engine::write::row::MAX_ROW;
use holdfast_tsql::ast::{ConstraintKind, CreateTable, StoragePlace};
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId};

use super::constraint::{Declared, Target, compress};
use super::lower::Known;
use super::{Definition, name_taken, shown};
use crate::procedure::run::Fail;

impl Definition<'_, '_> {
    pub fn create_table(&mut self, t: &CreateTable) -> Result<(), Fail> {
        if let Some(kind) = &t.kind {
            return Err(SqlError::not_supported(format!("CREATE TABLE AS {kind}")).into());
        }
        let name = &t.name.name.text;
        let schema = self.schema_of(&t.name)?;
        self.writer()?.check_free(schema, name).map_err(name_taken)?;
        let mut versioning = None;
        for o in t.options.iter().filter(|o| o.name != "DATA_COMPRESSION") {
            if o.name != "SYSTEM_VERSIONING" {
                return Err(SqlError::not_supported(format!("CREATE TABLE WITH {}", o.name)).into());
            }
            versioning = Some(self.versioning(o)?);
        }
        let columns = self.columns(name, &t.definition)?;
        if columns.is_empty() {
            return Err(SqlError::new(102, &[&")"]).into());
        }
        if columns.len() > 1024 {
            let last = columns.get(1024).map_or("", |c| c.name.as_str());
            return Err(SqlError::new(1702, &[&last, &shown(&t.name), &1024]).into());
        }
        let known: Vec<Known> = columns
            .iter()
            .enumerate()
            .map(|(i, c)| Known {
                name: c.name.clone(),
                column_id: i as i32 + 1,
                ty: c.ty,
                nullable: c.nullable,
                is_virtual: super::lower::is_virtual(c),
                formula: super::lower::formula(c),
            })
            .collect();
        let mut place = self.placement(t.on.as_ref(), &known)?;
        if let Some(p) = super::partition::partition_column(&place, &known).filter(|p| p.is_virtual) {
            return Err(SqlError::new(7724, &[&p.name, name]).into());
        }
        compress(&mut place, &t.options, name, None)?;
        if place.is_compressed() && columns.iter().any(|c| c.sparse) {
            return Err(SqlError::new(11418, &[&"create", &name]).into());
        }
        let held = columns.iter().filter(|c| !super::lower::is_virtual(c) && !c.sparse).map(|c| c.ty);
        check_row_size(name, &held.collect::<Vec<_>>())?;
        let period = self.period(&t.definition, &columns)?;
        let versioned = versioning.filter(|v| v.on);
        if versioned.is_some() && period.is_none() {
            return Err(SqlError::new(13510, &[]).into());
        }
        let declared = Declared::of(&t.definition);
        let object = self.writer()?.next_object_id()?;
        // Nobody else gets at it before it is committed.
        self.lock(object)?;
        let mut target = Target {
            object,
            schema_id: schema,
            name: name.clone(),
            known,
            clustered: None,
            place,
            keys: Vec::new(),
        };
        let keys = self.plan_keys(&declared, &mut target)?;
        let clustered = keys.iter().find(|k| k.index.clustered).map(|k| k.index.clone());
        let clustered = match clustered {
            Some(c) => Some(c),
            None => self.inline_clustered(&t.definition, &target)?,
        };
        let is_sparse = |id: i32| columns.get(id as usize - 1).filter(|c| c.sparse);
        if let Some(c) = clustered.iter().flat_map(|i| &i.keys).find_map(|(id, _)| is_sparse(*id)) {
            return Err(SqlError::new(1919, &[&c.name, name]).into());
        }
        let type_of = |id: i32| columns.get(id as usize - 1).map(|c| c.ty);
        for k in &keys {
            self.warn_of_key(&k.index, &type_of)?;
        }
        // The place of the rows is that of the clustered index.
        if let Some(index) = &clustered {
            target.clustered = Some(ClusteredKey::of(index));
            target.place = index.place.clone();
        }
        let place = target.place.clone();
        self.write_table(object, "U ", schema, name, &columns, clustered.as_ref(), &place)?;
        if let Some((start, end)) = period {
            self.writer()?.add_period(object, start, end)?;
        }
        self.write_keys(&keys, &columns, &target)?;
        self.inline_indexes(&t.definition, &columns, &mut target, &keys)?;
        self.other_constraints(&declared, &target, &columns, true)?;
        if let Some(versioned) = versioned {
            self.refresh()?;
            self.start_versioning(object, &versioned)?;
        }
        Ok(())
    }

    pub fn write_table(
        &mut self,
        object: i32,
        kind: &str,
        schema: i32,
        name: &str,
        columns: &[NewColumn],
        clustered: Option<&NewIndex>,
        place: &Placement,
    ) -> Result<(), Fail> {
        Ok(self.writer()?.add_table(object, kind, schema, name, columns, clustered, place)?)
    }

    /// Where ON says, uncompressed; the default filegroup when nothing is said.
    pub fn placement(&self, on: Option<&StoragePlace>, known: &[Known]) -> Result<Placement, Fail> {
        match on.map(|on| self.scheme_place(on, known)).transpose()?.flatten() {
            Some(spread) => Ok(spread),
            None => self.filegroup(on).map(Placement::on),
        }
    }

    /// The filegroup of ON; the default one when nothing is said.
    fn filegroup(&self, on: Option<&StoragePlace>) -> Result<i16, Fail> {
        let catalog = self.catalog()?;
        let (rows, mut default) = (catalog.base_table("sysclsobjs"), 1);
        let rows = rows.map_err(|e| holdfast_engine::page_error(&e))?;
        let groups: Vec<(i16, String, bool)> = rows
            .iter()
            .filter(|r| r.int("class") == 31 && r.text("type").trim() != SCHEME_TYPE)
            .map(|r| (r.i32("id") as i16, r.text("name").to_owned(), r.int("status") & 1 != 0))
            .collect();
        if let Some(g) = groups.iter().find(|g| g.2) {
            default = g.0;
        }
        let Some(on) = on else { return Ok(default) };
        if on.name.is("default") {
            return Ok(default);
        }
        groups
            .iter()
            .find(|g| self.same(&on.name.text, &g.1))
            .map(|g| g.0)
            .ok_or_else(|| SqlError::new(1921, &[&"filegroup", &on.name.text]).into())
    }
}

/// 1701: a row of the columns that rows hold, of values at their fixed lengths must fit into a page.
pub fn check_row_size(table: &str, held: &[SqlType]) -> SqlResult<()> {
    let bits = held.iter().filter(|t| t.id == TypeId::Bit).count();
    let fixed: usize = held
        .iter()
        .filter(|t| t.id != TypeId::Bit)
        .filter_map(|t| usize::try_from(fixed_size(t)?).ok())
        .sum();
    // Header, number of columns, and a bit for each that tells whether it is NULL.
    let overhead = 6 + held.len().div_ceil(8);
    let size = fixed + bits.div_ceil(8) + overhead;
    match size > MAX_ROW {
        true => Err(SqlError::new(1701, &[&table, &size, &overhead, &MAX_ROW])),
        false => Ok(()),
    }
}

/// A bare word or string of an option.
pub fn word(e: &holdfast_tsql::ast::Expr) -> Option<&str> {
    use holdfast_tsql::ast::{ExprKind, Literal};
    match &e.unparen().kind {
        ExprKind::Literal(Literal::String { value, .. }) => Some(value),
        _ => None,
    }
}

/// Whether a constraint makes an index.
pub fn is_key(kind: &ConstraintKind) -> bool {
    matches!(kind, ConstraintKind::Key { .. })
}
