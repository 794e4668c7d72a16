//! Log files and log records.

use std::sync::Arc;

use holdfast_base::Lsn;
use holdfast_format::PageView;
use holdfast_format::log::page_operation::{
    self, CountDelta, DeleteSplit, FormatPage, RootChange, SetBits, SetFreeSpace,
};
use holdfast_format::log::transaction::{
    self, BeginCheckpoint, BeginTransaction, EndCheckpoint, EndTransaction, HobtDelta,
};
use holdfast_format::log::{LogError, LogRecord, LogStore, op};
use holdfast_storage::recovery::{TransactionTable, redo};

use super::corpus_files;
use crate::Target;

pub fn targets() -> Vec<Target> {
    vec![
        Target {
            name: "logfile",
            what: "a log file walked to its end",
            seeds: files,
            run: file,
            changes: 24,
        },
        Target {
            name: "logrecord",
            what: "one record decoded and redone on a page",
            seeds: records,
            run: record,
            changes: 5,
        },
    ]
}

fn files() -> Vec<Vec<u8>> {
    corpus_files(4, |f| f.name().ends_with(".ldf")).into_iter().map(|(_, b)| b).collect()
}

fn file(data: &[u8]) {
    let mut store = LogStore::new();
    if store.add_file(Arc::new(data.to_vec())).is_err() {
        return;
    }
    let Some(first) = store.first() else { return };
    let mut table = TransactionTable::new();
    let mut count = 0;
    let _ = store.for_each_record::<LogError>(first, |r| {
        decode(r);
        let _ = table.observe(r);
        count += 1;
        assert!(count <= data.len(), "a log without end");
        Ok(true)
    });
}

/// Up to six records of every operation and context.
fn records() -> Vec<Vec<u8>> {
    let mut found: std::collections::BTreeMap<(u8, u8), Vec<Vec<u8>>> = Default::default();
    for data in files() {
        let mut store = LogStore::new();
        if store.add_file(Arc::new(data)).is_err() {
            continue;
        }
        let Some(first) = store.first() else { continue };
        let _ = store.for_each_record::<LogError>(first, |r| {
            let list = found.entry((r.operation().0, r.context().0)).or_default();
            if list.len() < 6 {
                list.push(r.bytes().to_vec());
            }
            Ok(true)
        });
    }
    found.into_values().flatten().collect()
}

fn decode(r: &LogRecord<'_>) {
    if r.page_target().is_ok_and(|t| t.is_some()) {
        let _ = r.row_target();
    }
    let _ = r.elements();
    match r.operation() {
        op::FORMAT_PAGE => drop(FormatPage::decode(r)),
        op::SET_BITS => drop(SetBits::decode(r)),
        op::SET_FREE_SPACE => drop(SetFreeSpace::decode(r)),
        op::DELETE_SPLIT => drop(DeleteSplit::decode(r)),
        op::COUNT_DELTA => drop(CountDelta::decode(r)),
        op::ROOT_CHANGE => drop(RootChange::decode(r)),
        op::MODIFY_COLUMNS | op::CLEAR_GAM_BITS => drop(page_operation::column_changes(r)),
        op::BEGIN_XACT => drop(BeginTransaction::decode(r)),
        op::COMMIT_XACT | op::ABORT_XACT => drop(EndTransaction::decode(r)),
        op::BEGIN_CKPT => drop(BeginCheckpoint::decode(r)),
        op::XACT_CKPT => drop(transaction::open_at_checkpoint(r)),
        op::END_CKPT => drop(EndCheckpoint::decode(r)),
        op::HOBT_DELTA => drop(HobtDelta::decode(r)),
        _ => {}
    }
}

/// A page of a few rows that a record may be redone on: heap rows, or a formatted page of the record's own type.
fn page(kind: u8) -> [u8; 8192] {
    let mut page = [0u8; 8192];
    page[0] = 1;
    page[1] = kind;
    let mut at = 96usize;
    for slot in 0..8usize {
        let row = [0x10, 0, 12, 0, slot as u8, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0];
        page[at..at + row.len()].copy_from_slice(&row);
        let place = 8192 - 2 * (slot + 1);
        page[place..place + 2].copy_from_slice(&(at as u16).to_le_bytes());
        at += row.len();
    }
    page[14..16].copy_from_slice(&12u16.to_le_bytes());
    page[22..24].copy_from_slice(&8u16.to_le_bytes());
    page[28..30].copy_from_slice(&((8192 - at - 16) as u16).to_le_bytes());
    page[30..32].copy_from_slice(&(at as u16).to_le_bytes());
    page
}

fn record(data: &[u8]) {
    let Ok(record) = LogRecord::new(Lsn::new(40, 16, 1), data) else { return };
    decode(&record);
    let _ = TransactionTable::new().observe(&record);
    let Ok(Some(target)) = record.page_target() else { return };
    for kind in [1, 2, 3, 10, 11] {
        let mut page = page(kind);
        if redo::apply(&record, &target, &mut page).is_ok() {
            let _ = PageView::new(&page).slot_count();
        }
    }
}
