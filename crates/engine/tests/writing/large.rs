//! Pages of large values: used again, given back, their share of the PFS right; parts of a value changed alone. Ghosts in the PFS, and
//! the copy of the boot page in the log file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use holdfast_disk::Disk;
use holdfast_engine::access::{ReadContext, ReadLevel};
use holdfast_engine::catalog::TableDef;
use holdfast_engine::lock::LockWait;
use holdfast_engine::transaction::{Transaction, new_owner};
use holdfast_engine::version::Keeping;
use holdfast_engine::write::{NewRow, RowState, RowUpdate, WriteContext, counts};
use holdfast_format::allocation::iam::{self, PfsReader};
use holdfast_format::allocation::pfs;
use holdfast_format::boot::BOOT_PAGE;
use holdfast_format::catalog::unit_type;
use holdfast_format::page::{PageType, PageView};
use holdfast_format::{PageBytes, PageSource};
use holdfast_types::Value;

use super::modern;
use super::world::{Model, Random, World};

fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Binary(b) => Some(b.to_vec()),
        _ => None,
    }
}

fn letters(length: usize, random: &mut Random) -> Vec<u8> {
    (0..length).map(|_| b'a' + random.below(26) as u8).collect()
}

/// A large value after a change of a part of it.
pub fn edited(old: &Value, random: &mut Random) -> Option<Value> {
    let mut value = bytes(old).filter(|v| v.len() > 8000)?;
    let at = random.below(value.len());
    let most = if random.below(5) == 0 { 20_000 } else { 300 };
    let new = letters(1 + random.below(most), random);
    match random.below(6) {
        0 | 1 => value.extend(new),
        2 | 3 => {
            let end = (at + new.len()).min(value.len());
            value.splice(at..end, new.into_iter().take(end - at));
        }
        4 => drop(value.splice(at..at, new)),
        _ => drop(value.drain(at..(at + new.len()).min(value.len()))),
    }
    Some(Value::Binary(value.into()))
}

/// A table with a column for large values, and their unit.
struct Large {
    world: World,
    table: Arc<TableDef>,
    model: Model,
    column: usize,
}

impl Large {
    fn new() -> Option<Large> {
        let (_, world) = modern()?;
        world.add_large();
        let known = |t: &Arc<TableDef>| t.columns.iter().any(|c| c.identity.is_some());
        let table = world.tables().into_iter().filter(known).min_by_key(|t| t.columns.len())?;
        let model = Model::read(&world, &table);
        let column = table.columns.iter().position(|c| &*c.name == "large_value").expect("added");
        Some(Large { world, table, model, column })
    }

    fn unit(&self) -> (u64, holdfast_base::PageId) {
        let catalog = self.world.database.stored_catalog();
        let storage = catalog.storage();
        let rowset = storage.rowsets_of(self.table.object_id).find(|r| r.index_id <= 1).expect("one");
        let live = self.world.database.writing().expect("writable").rowsets.of(storage, rowset);
        let unit = live.unit(unit_type::LOB);
        (unit.id(), unit.first_iam())
    }

    fn source(&self) -> Arc<dyn PageSource> {
        Arc::clone(self.world.database.writing().expect("writable").logged.pages()) as _
    }

    fn pages(&self) -> counts::Pages {
        counts::pages(&*self.source(), self.unit().1).expect("countable")
    }

    /// Pages that hold nothing; panics when the PFS has something wrong.
    fn empty_pages(&self) -> usize {
        let source = self.source();
        let mut reader = PfsReader::default();
        let mut empty = 0;
        for page in iam::unit_pages(&*source, self.unit().1).expect("pages") {
            let image = source.page(page).expect("reads");
            let view = PageView::new(&image);
            assert!(view.is(PageType::TextMix));
            let byte = reader.byte(&*source, page).expect("a byte");
            let used = 8096 - usize::from(view.free_count());
            assert_eq!(byte & pfs::FULLNESS, pfs::fullness(used), "page {page} with {used} bytes");
            empty += usize::from(view.slot_count() == 0);
        }
        empty
    }

    fn begin(&self) -> Transaction {
        Transaction::with_locks(new_owner(), Arc::clone(&self.world.locks))
    }

    fn insert(&mut self, transaction: &Transaction, value: Vec<u8>, random: &mut Random) {
        let mut row = self.model.invent(&self.table, random, false);
        let at = self.model.stored.iter().position(|&c| c == self.column).expect("stored");
        for (value, &ordinal) in row.iter_mut().zip(&self.model.stored) {
            if self.table.columns[ordinal].ty.is_max() {
                *value = Value::string("short");
            }
        }
        row[at] = Value::Binary(value.into());
        let wait = LockWait::default();
        let write = WriteContext { transaction, wait: &wait };
        let writer = self.table.access.writer().expect("writable");
        if let Some(at) = self.model.stored.iter().position(|&c| self.table.columns[c].identity.is_some()) {
            row[at] = writer.next_identity().expect("one");
        }
        let new = NewRow { values: self.model.whole(&self.table, &row), outside_indexes: Vec::new() };
        writer.insert(write, &[new]).expect("inserts");
        self.model.rows.push(row);
    }

    /// Changes the values of rows that have one of more than 8000 bytes.
    fn update(&mut self, transaction: &Transaction, change: impl Fn(&mut Vec<u8>)) -> usize {
        let at = self.model.stored.iter().position(|&c| c == self.column).expect("stored");
        let wait = LockWait::default();
        let write = WriteContext { transaction, wait: &wait };
        let writer = self.table.access.writer().expect("writable");
        let mut changed = 0;
        for (mut row, mark) in self.model.marked(&self.table) {
            let Some(mut value) = bytes(&row[at]).filter(|v| v.len() > 8000) else { continue };
            change(&mut value);
            row[at] = Value::Binary(value.into());
            assert_eq!(writer.lock(write, &mark).expect("locks"), RowState::Unchanged);
            let new = NewRow { values: self.model.whole(&self.table, &row), outside_indexes: Vec::new() };
            let update = RowUpdate { bookmark: mark, row: new, old: Vec::new() };
            writer.update(write, &[update], &[self.column]).expect("updates");
            changed += 1;
        }
        self.model = Model::read(&self.world, &self.table);
        changed
    }

    fn delete(&mut self, transaction: &Transaction) {
        let at = self.model.stored.iter().position(|&c| c == self.column).expect("stored");
        let wait = LockWait::default();
        let write = WriteContext { transaction, wait: &wait };
        let writer = self.table.access.writer().expect("writable");
        for (row, mark) in self.model.marked(&self.table) {
            if bytes(&row[at]).is_some() {
                assert_eq!(writer.lock(write, &mark).expect("locks"), RowState::Unchanged);
                writer.delete(write, &[mark], &[]).expect("deletes");
            }
        }
        self.model = Model::read(&self.world, &self.table);
    }

    fn value(&self) -> Vec<u8> {
        let at = self.model.stored.iter().position(|&c| c == self.column).expect("stored");
        let model = Model::read(&self.world, &self.table);
        model.rows.iter().filter_map(|r| bytes(&r[at])).find(|v| v.len() > 8000).expect("a value")
    }

    fn reopened(self) -> Large {
        let Large { world, table, model, column } = self;
        let world = world.reopened();
        let table = world.tables().into_iter().find(|t| t.object_id == table.object_id).expect("there");
        Large { world, table, model, column }
    }

    /// Bytes of log that `f` writes.
    fn logged(&mut self, f: impl FnOnce(&mut Large)) -> u64 {
        let written = |l: &Large| {
            l.world.database.writing().expect("writable").logged.log().with_writer(|w| w.usage().written)
        };
        let before = written(self);
        f(self);
        written(self) - before
    }
}

#[test]
fn a_part_of_a_value_is_changed_alone() {
    let Some(mut large) = Large::new() else { return };
    let mut random = Random(3);
    let first = large.begin();
    large.insert(&first, letters(100_000, &mut random), &mut random);
    first.commit().expect("commits");
    let mut expected = large.value();
    let before = large.pages().used;
    let log = large.logged(|large| {
        for n in 0..60u8 {
            let change = large.begin();
            assert_eq!(large.update(&change, |v| v.extend([n; 4])), 1);
            change.commit().expect("commits");
        }
    });
    (0..60u8).for_each(|n| expected.extend([n; 4]));
    assert!(large.value() == expected, "appended");
    assert!(large.pages().used <= before + 1, "{before} pages, then {}", large.pages().used);
    // Each appends a few records, and a checkpoint may fall between.
    assert!(log < 60 * 6000, "{log} bytes of log for 240 bytes appended");
    let log = large.logged(|large| {
        for n in 0..60u8 {
            let change = large.begin();
            large.update(&change, |v| v[8030..8050].fill(n));
            change.commit().expect("commits");
        }
    });
    expected[8030..8050].fill(59);
    assert!(large.value() == expected, "overwritten");
    assert!(large.pages().used <= before + 1, "{before} pages, then {}", large.pages().used);
    assert!(log < 60 * 6000, "{log} bytes of log for 20 bytes changed at a time");
    // Pieces that are appended whole, each beginning in the last one.
    let log = large.logged(|large| {
        for _ in 0..20 {
            let change = large.begin();
            large.update(&change, |v| v.extend([7; 8000]));
            change.commit().expect("commits");
        }
    });
    (0..20).for_each(|_| expected.extend([7; 8000]));
    assert!(large.value() == expected, "appended");
    assert!(log < 20 * 16_000, "{log} bytes of log for 160,000 bytes appended");
    let before = before + 20;
    // Many small insertions neither leave pages behind nor make the pieces small.
    for n in 0..200usize {
        let change = large.begin();
        large.update(&change, |v| drop(v.splice(n * 450..n * 450, *b"inserted")));
        expected.splice(n * 450..n * 450, *b"inserted");
        // Every third one is taken back.
        if n % 3 == 0 {
            change.rollback().expect("rolls back");
            expected.drain(n * 450..n * 450 + 8);
        } else {
            change.commit().expect("commits");
        }
    }
    assert!(large.value() == expected, "inserted");
    large.world.clean();
    let most = before * 2;
    assert!(large.pages().used <= most, "{before} pages, then {}", large.pages().used);
    large.world.check("insertions");
    large.empty_pages();
    // All is taken back by one that did all of it.
    let change = large.begin();
    large.update(&change, |v| v.extend([7; 9000]));
    large.update(&change, |v| v[100..20_000].fill(1));
    large.update(&change, |v| drop(v.drain(30_000..50_000)));
    change.rollback().expect("rolls back");
    assert!(large.value() == expected, "rolled back");
    large.world.clean();
    large.empty_pages();
    large.world.check("rolled back");
    let large = large.reopened();
    assert!(large.value() == expected, "reopened");
}

#[test]
fn emptied_pages_of_large_values_are_used_again_and_given_back() {
    let Some(mut large) = Large::new() else { return };
    let mut random = Random(9);
    let fill = |large: &mut Large, random: &mut Random| {
        let change = large.begin();
        for n in 0..10 {
            large.insert(&change, letters(20_000 + n, random), random);
        }
        change.commit().expect("commits");
    };
    fill(&mut large, &mut random);
    let before = large.pages();
    for round in 0..6 {
        let change = large.begin();
        large.delete(&change);
        change.commit().expect("commits");
        fill(&mut large, &mut random);
        // Also after a restart, where nothing is known of what was emptied.
        if round == 3 {
            let change = large.begin();
            large.delete(&change);
            change.commit().expect("commits");
            large = large.reopened();
            fill(&mut large, &mut random);
        }
    }
    assert!(large.pages().used <= before.used + 2, "{before:?}, then {:?}", large.pages());
    large.empty_pages();
    // What an open transaction has emptied is nobody else's, and stays.
    let change = large.begin();
    large.delete(&change);
    assert!(large.empty_pages() >= 25);
    large.world.clean();
    assert!(large.pages().used >= before.used - 1, "{before:?}, then {:?}", large.pages());
    change.rollback().expect("rolls back");
    large.model = Model::read(&large.world, &large.table);
    large.world.check("taken back");
    // One whose values were never there leaves nothing.
    large.world.clean();
    let used = large.pages().used;
    let change = large.begin();
    for _ in 0..5 {
        large.insert(&change, letters(50_000, &mut random), &mut random);
    }
    change.rollback().expect("rolls back");
    large.world.clean();
    large.world.clean();
    assert!(large.empty_pages() <= 1 && large.pages().used <= used + 1, "{:?}", large.pages());
    large.model = Model::read(&large.world, &large.table);
    // Pages and extents go back when all that emptied them has ended; the first one stays.
    let change = large.begin();
    large.delete(&change);
    change.commit().expect("commits");
    large.world.clean();
    let after = large.pages();
    assert!(after.used <= 3 && after.reserved <= 18, "{after:?}");
    large.world.check("given back");
    let mut large = large.reopened();
    large.world.check("reopened");
    fill(&mut large, &mut random);
    assert!(large.pages().used <= before.used + 2, "{before:?}, then {:?}", large.pages());
    large.world.check("filled again");
}

/// Values of one byte each, read at every level while that and their length change, also by parts and back again: committed readers and
/// snapshots see no value in between, and dirty ones no error.
#[test]
fn readers_see_whole_values_while_parts_change() {
    for versions in [false, true] {
        let Some(mut large) = Large::new() else { return };
        let locks = Arc::clone(&large.world.locks);
        let database = large.world.database.writing().expect("writable").database_id;
        if versions {
            locks.versions.keep(database, Keeping { snapshot: true, ..Keeping::default() });
        }
        let mut random = Random(9);
        let change = large.begin();
        large.insert(&change, vec![0; 60_000], &mut random);
        change.commit().expect("commits");
        let mut levels = vec![ReadLevel::Uncommitted, ReadLevel::Committed];
        levels.extend(versions.then_some(ReadLevel::Snapshot));
        let (table, column) = (Arc::clone(&large.table), large.column);
        let over = AtomicBool::new(false);
        let reads = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for level in levels {
                let (table, locks, over, reads) = (&table, &locks, &over, &reads);
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        let owner = new_owner();
                        let snapshot = (level == ReadLevel::Snapshot).then(|| locks.versions.snapshot());
                        let context = ReadContext { owner, level, snapshot, ..ReadContext::default() };
                        let mut source = table.access.scan(&context, &[column]).expect("scans");
                        let ty = [table.columns[column].ty];
                        while let Some(batch) = source.next_batch().expect("reads") {
                            for value in (0..batch.len).filter_map(|i| bytes(&batch.row(i, &ty)[0])) {
                                let whole = value.windows(2).all(|w| w[0] == w[1]);
                                assert!(whole || level == ReadLevel::Uncommitted, "{level:?}: a mixture");
                                reads.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                        drop(source);
                        locks.release_all(owner);
                    }
                });
            }
            let mut length = 60_000;
            for n in 1..300u32 {
                let change = large.begin();
                let by = match n % 6 {
                    0 => 9000,
                    1 | 2 => 100,
                    3 => 0,
                    4 => -150,
                    _ => -8000,
                };
                let new = (length + by).max(20_000) as usize;
                large.update(&change, |v| {
                    v.resize(new, v[0]);
                    if n % 2 == 0 {
                        v.fill(n as u8);
                    }
                });
                if n % 5 == 0 {
                    change.rollback().expect("rolls back");
                } else {
                    change.commit().expect("commits");
                    length = new as i32;
                }
                if n % 7 == 0 {
                    large.world.clean();
                }
            }
            over.store(true, Ordering::Relaxed);
        });
        assert!(reads.into_inner() > 100);
        large.world.clean();
        large.empty_pages();
        large.world.check("read");
    }
}

/// After a crash the log tells which pages were emptied.
#[test]
fn pages_emptied_before_a_crash_are_given_back_after_it() {
    let Some(mut large) = Large::new() else { return };
    let mut random = Random(9);
    let change = large.begin();
    for _ in 0..10 {
        large.insert(&change, letters(50_000, &mut random), &mut random);
    }
    change.commit().expect("commits");
    let change = large.begin();
    large.delete(&change);
    change.commit().expect("commits");
    let before = large.pages();
    assert!(before.used > 60, "{before:?}");
    let disk = large.world.disk.crash(1);
    let Large { world, table, model, column } = large;
    let wrong_before = Arc::clone(&world.wrong_before);
    drop(world);
    let world = World { wrong_before, ..World::open(disk).expect("opens") };
    let table = world.tables().into_iter().find(|t| t.object_id == table.object_id).expect("there");
    let large = Large { world, table, model, column };
    large.world.clean();
    let after = large.pages();
    assert!(after.used <= 3, "{before:?} before, {after:?} after");
    large.world.check("after a crash");
}

/// Pages with ghost records and the bit that says so, both ways.
fn compare_ghosts(world: &World) -> usize {
    let source: Arc<dyn PageSource> =
        Arc::clone(world.database.writing().expect("writable").logged.pages()) as _;
    let mut reader = PfsReader::default();
    let (mut found, mut told) = (0, 0);
    for page in 0..source.page_count(1) {
        let page = holdfast_base::PageId::new(1, page);
        let byte = reader.byte(&*source, page).expect("a byte");
        if byte & pfs::ALLOCATED == 0 {
            continue;
        }
        let image = source.page(page).expect("reads");
        let view = PageView::new(&image);
        if matches!(view.page_type(), 1 | 2) {
            assert_eq!(byte & pfs::GHOSTS != 0, view.ghost_count() > 0, "page {page}");
            found += usize::from(view.ghost_count() > 0);
        }
        told += usize::from(byte & pfs::GHOSTS != 0);
    }
    let map = source.page(holdfast_base::PageId::new(1, 1)).expect("reads");
    // The map's own flag stays when the last such page leaves its table.
    assert!(told == 0 || PageView::new(&map).type_flags() & 1 != 0, "{told} pages");
    found
}

#[test]
fn the_pfs_tells_of_ghosts() {
    let Some((_, world)) = modern() else { return };
    let short = |t: &Arc<TableDef>| t.columns.iter().all(|c| !c.ty.is_max());
    let table = world.tables().into_iter().filter(short).max_by_key(|t| t.indexes.len()).expect("a table");
    let mut model = Model::read(&world, &table);
    let mut random = Random(3);
    model.insert_many(&world, &table, &mut random, 700, true);
    world.clean();
    model.delete_share(&world, &table, &mut random, 50);
    let before = compare_ghosts(&world);
    assert!(before > 5, "{before} pages");
    // Rows that come and go, splits that take ghosts along, and rollbacks.
    for round in 0..4 {
        model.change(&world, &table, &mut random, 60, round % 2 == 0);
        compare_ghosts(&world);
    }
    model.insert_many(&world, &table, &mut random, 400, false);
    assert!(compare_ghosts(&world) > 0);
    world.clean();
    compare_ghosts(&world);
    let world = world.reopened();
    compare_ghosts(&world);
    world.check("ghosts");
}

/// The copy in page 0 of the log file.
fn copy(world: &World) -> Vec<u8> {
    let file = world.disk.read_file(Path::new("/d/log.ldf")).expect("there");
    let mut page: PageBytes = file[..8192].try_into().expect("a page");
    holdfast_format::page::protection::verify(&page).expect("whole");
    holdfast_format::page::protection::restore_torn(&mut page).expect("whole");
    let view = PageView::new(&page);
    let start = view.slot_offset(1).expect("a copy");
    let length = usize::from(u16::from_le_bytes([page[start + 2], page[start + 3]]));
    page[start..start + length].to_vec()
}

fn boot(world: &World) -> Vec<u8> {
    let file = world.disk.read_file(Path::new("/d/data.mdf")).expect("there");
    let at = BOOT_PAGE.page as usize * 8192;
    let mut page: PageBytes = file[at..at + 8192].try_into().expect("a page");
    holdfast_format::page::protection::restore_torn(&mut page).expect("whole");
    let row = PageView::new(&page).require_record(0).expect("a row").to_vec();
    row[..usize::from(u16::from_le_bytes([row[2], row[3]]))].to_vec()
}

#[test]
fn the_log_file_has_the_boot_page_too() {
    let mut seen = 0;
    for (name, world) in World::genuine() {
        let checkpoint = || {
            let writing = world.database.writing().expect("writable");
            writing.logged.checkpoint().expect("goes");
        };
        checkpoint();
        let first = copy(&world);
        assert!(first == boot(&world), "{name}");
        checkpoint();
        assert!(copy(&world) == boot(&world) && copy(&world) != first, "{name}");
        // Torn between its sectors it is in nobody's way, and whole again with the next checkpoint.
        let mut torn = world.disk.read_file(Path::new("/d/log.ldf")).expect("there");
        torn[512 * 3..512 * 4].copy_from_slice(&[0x55; 512]);
        let data = world.disk.read_file(Path::new("/d/data.mdf")).expect("there");
        let Some(again) = World::first(&data, &torn) else { panic!("{name}: does not open") };
        let writing = again.database.writing().expect("writable");
        assert_eq!(writing.logged.log().with_writer(|w| w.file_ids().len()), 1, "{name}");
        writing.logged.checkpoint().expect("goes");
        assert!(copy(&again) == boot(&again), "{name}");
        seen += 1;
    }
    assert!(seen > 0 || World::files().is_empty());
}
