//! Trees, heaps, large values and row counts of every table.
//!
//! Invariants
//! 1. Sibling links are symmetrical and follow the order of the level above; keys ascend along the leaves (where the order of
//!    the key's types can be reproduced).
//! 2. Forwarding stubs and forwarded rows come in pairs.
//! 3. No LOB record belongs to two values.
//! 4. Rows of a partitioned table lie in the partition that its function tells.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use holdfast_base::{PageId, Rid};
use holdfast_format::allocation::{iam, pfs};
use holdfast_format::catalog::unit_type;
use holdfast_format::record::row::RowKind;
use holdfast_format::record::{Field, PageRows, Row, fixed_var};
use holdfast_format::{FormatError, PageSource, PageType, PageView, btree, lob};
use holdfast_types::Value;

use super::{FAULT, Finding, Report, allocation::Owners};
use crate::database::DatabaseCatalog;
use crate::database::partition::PartitionFunction;
use crate::database::rows::sql_type;
use crate::decode::column::field_value;
use crate::decode::value;
use crate::stored::key;
use crate::stored::seek::key_values;
use crate::stored::table::{RowsetAccess, StoredKey};

/// Types whose bytes may be no value (xtype): dates, times and decimals. The others take all.
const CAN_BE_OUT_OF_RANGE: [u8; 7] = [40, 41, 42, 43, 61, 106, 108];

struct Checker<'c> {
    source: &'c dyn PageSource,
    owners: &'c Owners,
    name: Arc<str>,
    unit: Option<usize>,
    lobs: HashSet<Rid>,
    share: Option<Share>,
    pfs: iam::PfsReader,
}

/// The rows of a partitioned table that belong into a rowset.
struct Share {
    function: Arc<PartitionFunction>,
    key: StoredKey,
    /// From 0.
    number: usize,
}

/// Checks the rowsets of every object.
pub fn check(catalog: &DatabaseCatalog, owners: &Owners, busy: &dyn Fn(i32) -> bool, report: &mut Report) {
    let source = &**catalog.source();
    for name in catalog.base_table_names() {
        if let Err(error) = catalog.base_table(&name) {
            report.error(Some(Arc::from(name)), &error);
        }
    }
    let unit_index: HashMap<u64, usize> =
        catalog.storage().units.iter().enumerate().map(|(i, u)| (u.id, i)).collect();
    let mut checked = HashSet::new();
    for object in catalog.objects() {
        if catalog.storage().rowsets_of(object.id).next().is_none() {
            continue;
        }
        let name: Arc<str> = format!("{}.{}", catalog.schema_name(object.schema_id), object.name).into();
        let table = match crate::database::tables::storage(catalog, object) {
            Ok(table) => table,
            Err(error) => {
                report.error(Some(name), &error);
                continue;
            }
        };
        report.tables_checked += 1;
        let base = table.indexes.iter().any(|i| i.index_id == 1);
        let spread = match catalog.spread_of(object.id, i32::from(base)) {
            Ok(spread) => spread,
            Err(error) => {
                report.error(Some(name.clone()), &error);
                None
            }
        };
        for rowset in catalog.storage().rowsets_of(object.id) {
            if rowset.compression > 2 || !checked.insert(rowset.id) {
                continue;
            }
            let Some(layout) = catalog.storage().layout(rowset.id) else {
                report.add(Finding {
                    page: None,
                    offset: 0,
                    object: Some(name.clone()),
                    what: format!("rowset {} has no columns in the catalog", rowset.id),
                    number: FAULT,
                });
                continue;
            };
            let Some(unit) = catalog.storage().unit(rowset.id, unit_type::IN_ROW) else { continue };
            let access = RowsetAccess {
                rowset: rowset.id,
                layout: layout.clone(),
                live: catalog.store.live.of(catalog.storage(), rowset),
                heap: rowset.index_id == 0,
                positions: Arc::default(),
                missing: Arc::default(),
                compression: rowset.compression,
                partition: None,
            };
            let index = table.indexes.iter().find(|i| i.index_id == rowset.index_id && i.usable);
            let mut checker = Checker {
                source,
                owners,
                name: name.clone(),
                unit: unit_index.get(&unit.id).copied(),
                lobs: HashSet::new(),
                pfs: iam::PfsReader::default(),
                share: spread.as_ref().filter(|_| rowset.index_id < 2).and_then(|s| {
                    let position = layout.position_of(s.column_id)?;
                    let key = StoredKey { position, ty: s.function.ty, descending: false, ordinal: None };
                    let number = usize::try_from(rowset.partition.max(1) - 1).ok()?;
                    Some(Share { function: Arc::clone(&s.function), key, number })
                }),
            };
            let rows = if access.heap {
                checker.heap(&access, report)
            } else {
                checker.tree(&access, rowset.index_id == 1, index.map_or(&[][..], |i| &i.keys), report)
            };
            match rows {
                Ok(rows) => {
                    report.rows_checked += rows;
                    if rows as i64 != rowset.rows && !busy(object.id) {
                        report.add(Finding {
                            page: None,
                            offset: 0,
                            object: Some(name.clone()),
                            what: format!(
                                "index {}: {rows} rows are there, the catalog says {}",
                                rowset.index_id, rowset.rows
                            ),
                            number: FAULT,
                        });
                    }
                }
                Err(error) => report.error(Some(name.clone()), &error),
            }
        }
    }
}

impl Checker<'_> {
    fn fault(&self, report: &mut Report, page: PageId, offset: usize, what: impl Into<String>) {
        report.add(Finding {
            page: Some(page),
            offset,
            object: Some(self.name.clone()),
            what: what.into(),
            number: FAULT,
        });
    }

    /// The page belongs to the unit being checked, and is not free for another.
    fn owned(&mut self, page: PageId, report: &mut Report) {
        match self.pfs.byte(self.source, page) {
            Ok(byte) if byte & pfs::ALLOCATED == 0 => {
                self.fault(report, page, 0, "the page is linked into an index but not allocated in the PFS");
            }
            Ok(_) => {}
            Err(error) => report.error(Some(self.name.clone()), &error),
        }
        if self.unit.is_some() && self.owners.owner(page) != self.unit {
            self.fault(report, page, 0, "the page is linked into an index that does not own it");
        }
    }

    /// Reads every column of a row, follows its large values, and gives the number of faults through `report`.
    fn row(&mut self, access: &RowsetAccess, row: &Row<'_>, at: PageId, slot: u16, report: &mut Report) {
        let mut scratch = Vec::new();
        for position in 0..access.layout.columns.len() {
            if access.layout.columns[position].is_dropped() {
                continue;
            }
            match row.field(&access.layout, position, false, &mut scratch) {
                Err(error) => report.error(Some(self.name.clone()), &error.at(at, slot)),
                Ok(Field::Complex(pointer)) => {
                    let lobs = &mut self.lobs;
                    let mut twice = None;
                    let read = lob::read_visiting(self.source, pointer, &mut |rid| {
                        if !lobs.insert(rid) {
                            twice = Some(rid);
                        }
                    });
                    if let Err(error) = read {
                        report.error(Some(self.name.clone()), &error);
                    }
                    if let Some(rid) = twice {
                        self.fault(
                            report,
                            rid.page,
                            0,
                            format!("the large value record {rid} belongs to two values"),
                        );
                    }
                }
                Ok(Field::Bytes(bytes)) => {
                    let c = &access.layout.columns[position];
                    if CAN_BE_OUT_OF_RANGE.contains(&c.xtype) {
                        let ty = sql_type(c.xtype, 0, i32::from(c.length), c.precision, c.scale, c.collation);
                        if let Err(error) = value(&ty, bytes) {
                            let what = format!("row {slot}, column {}: {}", c.column_id, error.what);
                            self.fault(report, at, 0, what);
                        }
                    }
                }
                Ok(_) => {}
            }
        }
        let Some(share) = &self.share else { return };
        match key_values(self.source, row, access, std::slice::from_ref(&share.key), false) {
            Ok(values) => {
                let belongs = values.first().map_or(share.number, |v| share.function.partition_of(v));
                if belongs != share.number {
                    let what = format!(
                        "row {slot} should be on partition number {} but was found in partition number {}",
                        belongs + 1,
                        share.number + 1
                    );
                    self.fault(report, at, 0, what);
                }
            }
            Err(error) => report.error(Some(self.name.clone()), &error),
        }
    }

    fn heap(&mut self, access: &RowsetAccess, report: &mut Report) -> Result<u64, FormatError> {
        let mut rows = 0;
        let mut stubs: HashMap<Rid, Rid> = HashMap::new();
        let mut forwarded: HashMap<Rid, Option<Rid>> = HashMap::new();
        for at in iam::unit_pages(self.source, access.first_iam())? {
            let page = self.source.page(at)?;
            let view = PageView::new(&page);
            if !view.is(PageType::Data) {
                self.fault(report, at, 1, format!("a heap owns a page of type {}", view.page_type()));
                continue;
            }
            let page_rows = PageRows::new(view)?;
            for slot in 0..page_rows.len() {
                let row = match page_rows.row(slot) {
                    Ok(Some(row)) => row,
                    Ok(None) => continue,
                    Err(error) => {
                        report.error(Some(self.name.clone()), &error);
                        continue;
                    }
                };
                let here = Rid { page: at, slot };
                match row.kind() {
                    RowKind::Stub => {
                        if let Some(Ok(target)) = view.record(slot).map(fixed_var::stub_target) {
                            stubs.insert(here, target);
                        }
                        continue;
                    }
                    RowKind::Ghost => continue,
                    RowKind::Forwarded => {
                        forwarded.insert(here, row.back_pointer());
                    }
                    RowKind::Row => {}
                }
                rows += 1;
                self.row(access, &row, at, slot, report);
            }
        }
        for (stub, target) in &stubs {
            if forwarded.get(target) != Some(&Some(*stub)) {
                self.fault(
                    report,
                    stub.page,
                    0,
                    format!("the stub {stub} points to {target}, which does not point back"),
                );
            }
        }
        for (here, back) in &forwarded {
            if back.is_none_or(|b| stubs.get(&b) != Some(here)) && access.compression == 0 {
                self.fault(report, here.page, 0, format!("the forwarded row {here} has no stub"));
            }
        }
        Ok(rows)
    }

    fn tree(
        &mut self,
        access: &RowsetAccess,
        clustered: bool,
        keys: &[StoredKey],
        report: &mut Report,
    ) -> Result<u64, FormatError> {
        if access.root().is_null() {
            return Ok(0);
        }
        let separators = self.upper_levels(access, clustered, keys, report)?;
        let mut rows = 0;
        let mut last: Option<Vec<Value>> = None;
        let mut previous = PageId::NULL;
        for leaf in btree::leaves(self.source, access.root(), clustered)? {
            let (at, page) = leaf?;
            let view = PageView::new(&page);
            self.owned(at, report);
            if view.previous() != previous {
                self.fault(
                    report,
                    at,
                    8,
                    format!("the page before is {previous}, the link says {}", view.previous()),
                );
            }
            previous = at;
            if !btree::is_leaf(view, clustered) {
                self.fault(report, at, 1, "a page among the leaves is not a leaf");
                continue;
            }
            // What the level above says of the keys from here on.
            let low = separators.get(&at);
            if let (Some(low), Some(before)) = (low, &last)
                && order(keys, before, low) == Ordering::Greater
            {
                self.fault(report, at, 0, "keys of the page before lie behind the key in the level above");
            }
            let page_rows = PageRows::new(view)?;
            for slot in 0..page_rows.len() {
                let row = match page_rows.row(slot) {
                    Ok(Some(row)) => row,
                    Ok(None) => continue,
                    Err(error) => {
                        report.error(Some(self.name.clone()), &error);
                        continue;
                    }
                };
                if !keys.is_empty() {
                    match self.key(access, &row, keys) {
                        Ok(next) => {
                            if let Some(low) = low
                                && order(keys, low, &next) == Ordering::Greater
                            {
                                let what =
                                    format!("slot {slot}: the key lies before the key in the level above");
                                self.fault(report, at, 0, what);
                            }
                            if let Some(before) = &last
                                && order(keys, before, &next) == Ordering::Greater
                            {
                                self.fault(report, at, 0, format!("slot {slot}: the keys are out of order"));
                            }
                            last = Some(next);
                        }
                        Err(error) => report.error(Some(self.name.clone()), &error),
                    }
                }
                if row.kind() == RowKind::Row {
                    rows += 1;
                    self.row(access, &row, at, slot, report);
                }
            }
        }
        Ok(rows)
    }

    /// The children of each level, left to right, are the pages of the next along its links. Answers the lowest key that each leaf
    /// but the first may have.
    fn upper_levels(
        &mut self,
        access: &RowsetAccess,
        clustered: bool,
        keys: &[StoredKey],
        report: &mut Report,
    ) -> Result<HashMap<PageId, Vec<Value>>, FormatError> {
        let root = btree::tree_page(self.source, access.root())?;
        let view = PageView::new(&root);
        if !view.previous().is_null() || !view.next().is_null() {
            self.fault(report, access.root(), 8, "the root page has siblings");
        }
        let mut level = vec![access.root()];
        let limit: usize = self.source.files().iter().map(|f| self.source.page_count(*f) as usize).sum();
        for _ in 0..btree::MAX_DEPTH {
            let mut below = Vec::new();
            let mut low = HashMap::new();
            for (place, &at) in level.iter().enumerate() {
                let page = btree::tree_page(self.source, at)?;
                let view = PageView::new(&page);
                if btree::is_leaf(view, clustered) {
                    return Ok(HashMap::new());
                }
                self.owned(at, report);
                let next = level.get(place + 1).copied().unwrap_or(PageId::NULL);
                if view.next() != next {
                    self.fault(
                        report,
                        at,
                        16,
                        format!("the next page of the level is {next}, the link says {}", view.next()),
                    );
                }
                let rows = PageRows::new(view)?;
                for slot in 0..rows.len() {
                    let child = btree::child_at(&rows, slot)?;
                    below.push(child);
                    // The first entry of a level stands for everything below the second.
                    if keys.is_empty() || place == 0 && slot == 0 {
                        continue;
                    }
                    if let Some(row) = rows.row(slot)? {
                        match key_values(self.source, &row, access, keys, true) {
                            Ok(values) => drop(low.insert(child, values)),
                            Err(error) => report.error(Some(self.name.clone()), &error),
                        }
                    }
                }
            }
            if below.len() > limit {
                return Err(FormatError::Tree {
                    page: access.root(),
                    what: "the tree has more pages than the files",
                });
            }
            if let Some(&first) = below.first() {
                let page = btree::tree_page(self.source, first)?;
                if btree::is_leaf(PageView::new(&page), clustered) {
                    let chain: Result<Vec<PageId>, FormatError> =
                        btree::LeafChain::new(self.source, first, false).map(|p| p.map(|p| p.0)).collect();
                    if chain? != below {
                        self.fault(report, first, 16, "the chain of leaves differs from the level above");
                    }
                    return Ok(low);
                }
            }
            level = below;
        }
        Err(FormatError::Tree { page: access.root(), what: "the tree is too deep" })
    }

    fn key(
        &self,
        access: &RowsetAccess,
        row: &Row<'_>,
        keys: &[StoredKey],
    ) -> Result<Vec<Value>, FormatError> {
        let mut scratch = Vec::new();
        keys.iter()
            .map(|k| {
                let field = row
                    .field(&access.layout, k.position, false, &mut scratch)
                    .map_err(|e| FormatError::Catalog { what: e.what.to_owned() })?;
                if matches!(field, Field::Bytes([])) && k.ty.id == holdfast_types::TypeId::Int {
                    return Ok(Value::Int(0));
                }
                field_value(self.source, &k.ty, field)
            })
            .collect()
    }
}

fn order(keys: &[StoredKey], a: &[Value], b: &[Value]) -> Ordering {
    keys.iter()
        .zip(a.iter().zip(b))
        .map(|(k, (a, b))| {
            let order = key::compare(&k.ty, a, b);
            if k.descending { order.reverse() } else { order }
        })
        .find(|o| *o != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}
