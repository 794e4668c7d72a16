//! ALTER PARTITION FUNCTION: boundaries that come and go, and the rows that change their partition with them.
//!
//! Invariants
//! 1. Every table on the function is locked against all others until the transaction ends.
//! 2. The partition that a split makes is the one that the new boundary belongs to, and lies where the scheme says NEXT USED; the
//!    partition that a merge removes is the one that the boundary belonged to.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, IndexKind as Kind, TableDef};
use holdfast_engine::database::partition::{PartitionFunction, PartitionScheme};
use holdfast_engine::ddl::index::{NewIndex, Placement, clustered_key, table_columns};
use holdfast_engine::page_error;
use holdfast_engine::write::{NewRow, RowUpdate, WriteContext};
use holdfast_tsql::ast::{Expr, Ident};
use holdfast_types::{SqlError, Value};

use super::Definition;
use super::partition::MOST_PARTITIONS;
use crate::procedure::run::Fail;

/// Rows moved by one call.
const STEP: usize = 256;

/// A table on the function: its definition before, and its heap and indexes on schemes of the function.
struct Affected {
    table: Arc<TableDef>,
    indexes: Vec<(i32, Arc<PartitionScheme>, NewIndex)>,
}

impl Definition<'_, '_> {
    pub fn alter_partition_function(
        &mut self,
        name: &Ident,
        split: bool,
        value: Option<&Expr>,
    ) -> Result<(), Fail> {
        let function = self.partition_function(&name.text)?;
        let function =
            function.ok_or_else(|| SqlError::new(15151, &[&"alter", &"partition function", &name.text]))?;
        // Who places something by the function holds it ([`Definition::scheme_place`]).
        self.lock(function.id)?;
        let value = value.ok_or_else(|| SqlError::new(7714, &[]))?;
        let value = self.boundary(value, &function.ty, 1)?;
        let mut schemes = self.catalog()?.partition_schemes().map_err(|e| page_error(&e))?;
        schemes.retain(|s| s.function == function.id);
        let affected = self.affected(&schemes)?;
        match (split, function.boundary_at(&value)) {
            (true, Ok(n)) => Err(SqlError::new(7721, &[&(n + 1)]).into()),
            (true, Err(_)) if function.partitions() >= MOST_PARTITIONS => {
                Err(SqlError::new(7719, &[&MOST_PARTITIONS]).into())
            }
            (true, Err(n)) => self.split(&function, &schemes, &affected, n, &value),
            (false, Err(_)) => Err(SqlError::new(7715, &[]).into()),
            (false, Ok(n)) => self.merge(&function, &schemes, &affected, n),
        }
    }

    /// The tables on some schemes, locked.
    fn affected(&mut self, schemes: &[Arc<PartitionScheme>]) -> Result<Vec<Affected>, Fail> {
        let mut places: Vec<(i32, i32, Arc<PartitionScheme>)> = Vec::new();
        for scheme in schemes {
            let on = self.catalog()?.on_scheme(scheme.id).map_err(|e| page_error(&e))?;
            places.extend(on.into_iter().map(|(object, index)| (object, index, Arc::clone(scheme))));
        }
        places.sort_by_key(|p| (p.0, p.1));
        let mut out: Vec<Affected> = Vec::new();
        for (object, index, scheme) in places {
            if out.last().is_none_or(|a| a.table.object_id != object) {
                self.lock(object)?;
                let table = self.catalog()?.table(object)?.ok_or_else(|| SqlError::new(4902, &[&object]))?;
                if table.access.partitioned_by().is_none() {
                    let what = format!(
                        "Repartitioning table '{}', whose partitions are not understood,",
                        table.name
                    );
                    return Err(SqlError::not_supported(what).into());
                }
                out.push(Affected { table, indexes: Vec::new() });
            }
            let Some(last) = out.last_mut() else { continue };
            let table = Arc::clone(&last.table);
            let Some(def) = table.indexes.iter().find(|i| i.index_id == index) else { continue };
            if matches!(def.kind, Kind::Columnstore | Kind::Xml | Kind::Spatial) {
                return Err(SqlError::not_supported("Repartitioning a table with such indexes").into());
            }
            // A disabled index has no rowsets.
            if !self.writer()?.partitions_of(object, index).is_empty() {
                last.indexes.push((index, scheme, self.definition_of(&table, def)?));
            }
        }
        Ok(out)
    }

    /// A new boundary at place `at`.
    fn split(
        &mut self,
        function: &PartitionFunction,
        schemes: &[Arc<PartitionScheme>],
        affected: &[Affected],
        at: usize,
        value: &Value,
    ) -> Result<(), Fail> {
        if let Some(s) = schemes.iter().find(|s| s.next_used.is_none()) {
            return Err(SqlError::new(7707, &[&function.name, &s.name]).into());
        }
        // The old partition keeps its rowset; both from 0.
        let (new, old) = if function.right { (at + 1, at) } else { (at, at + 1) };
        for a in affected {
            let (object, columns) = (a.table.object_id, table_columns(&a.table));
            let key = clustered_key(&a.table);
            for (id, scheme, index) in &a.indexes {
                let writer = self.writer()?;
                for (rowset, number) in writer.partitions_of(object, *id).into_iter().rev() {
                    if number > new as i32 {
                        writer.place_rowset(rowset, object, *id, number + 1)?;
                    }
                }
                let compression = index.place.each().get(at).map_or(0, |e| e.1);
                let place = Placement { compression, ..Placement::on(scheme.next_used.unwrap_or(1)) };
                writer.add_partition(object, *id, &columns, index, key.as_ref(), new as i32 + 1, &place)?;
            }
        }
        let mut values = function.values.clone();
        values.insert(at, value.clone());
        self.writer()?.set_boundaries(function, &values)?;
        for s in schemes {
            let mut groups = s.groups.clone();
            groups.insert(new.min(groups.len()), s.next_used.unwrap_or(1));
            self.writer()?.set_destinations(s, &groups, None)?;
        }
        self.refresh()?;
        for a in affected {
            let table = self.catalog()?.table(a.table.object_id)?;
            let table = table.ok_or_else(|| SqlError::new(4902, &[&a.table.name]))?;
            let Some(by) = table.access.partitioned_by().cloned() else {
                return Err(SqlError::not_supported("Repartitioning this table").into());
            };
            let goes =
                |row: &[Value]| row.get(by.ordinal).is_some_and(|v| by.function.partition_of(v) == new);
            self.move_partition(&table, old, new, &goes)?;
        }
        Ok(())
    }

    /// The boundary at place `at` goes.
    fn merge(
        &mut self,
        function: &PartitionFunction,
        schemes: &[Arc<PartitionScheme>],
        affected: &[Affected],
        at: usize,
    ) -> Result<(), Fail> {
        let (gone, kept) = if function.right { (at + 1, at) } else { (at, at + 1) };
        for a in affected {
            self.move_partition(&a.table, gone, kept, &|_| true)?;
        }
        for a in affected {
            let object = a.table.object_id;
            for (id, _, _) in &a.indexes {
                let writer = self.writer()?;
                for (rowset, number) in writer.partitions_of(object, *id) {
                    match number.cmp(&(gone as i32 + 1)) {
                        std::cmp::Ordering::Less => {}
                        std::cmp::Ordering::Equal => writer.remove_rowset(rowset)?,
                        std::cmp::Ordering::Greater => {
                            writer.place_rowset(rowset, object, *id, number - 1)?
                        }
                    }
                }
            }
        }
        let mut values = function.values.clone();
        values.remove(at);
        self.writer()?.set_boundaries(function, &values)?;
        for s in schemes {
            let mut groups = s.groups.clone();
            if gone < groups.len() {
                groups.remove(gone);
            }
            self.writer()?.set_destinations(s, &groups, s.next_used)?;
        }
        Ok(())
    }

    /// Moves the rows of a partition that `goes` takes to another one.
    fn move_partition(
        &mut self,
        table: &Arc<TableDef>,
        from: usize,
        to: usize,
        goes: &dyn Fn(&[Value]) -> bool,
    ) -> Result<(), Fail> {
        let Some(part) = table.access.partition(from) else { return Ok(()) };
        let (rows, marks) = self.rows_of(table, &*part, true)?;
        let (rows, marks): (Vec<Vec<Value>>, Vec<Vec<u8>>) =
            rows.into_iter().zip(marks).filter(|(row, _)| goes(row)).unzip();
        if rows.is_empty() {
            return Ok(());
        }
        let writer = table.access.writer().ok_or_else(|| SqlError::new(3906, &[&self.database.name]))?;
        let catalog = Arc::clone(&self.database) as Arc<dyn Catalog>;
        let rows: Vec<NewRow> = self.runner.settled_rows(table, &catalog, rows, self.scope)?;
        let write = WriteContext { transaction: &self.transaction, wait: &self.wait };
        let apart = super::alter::has_apart(table);
        let updates: Vec<RowUpdate> = rows
            .into_iter()
            .zip(marks)
            .map(|(row, bookmark)| {
                let old = if apart { row.values.clone() } else { Vec::new() };
                RowUpdate { bookmark, row, old }
            })
            .collect();
        for some in updates.chunks(STEP) {
            writer.move_rows(write, some, to)?;
        }
        Ok(())
    }
}
