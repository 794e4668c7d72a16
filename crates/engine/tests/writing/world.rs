//! A genuine database on a simulated disk, open for changes, and a model of its rows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use holdfast_base::world::Clock;
use holdfast_disk::{Disk, SimulatedDisk};
use holdfast_engine::access::{BOOKMARK, KeyRange, ReadContext};
use holdfast_engine::catalog::{IndexDef, IndexKind, TableDef};
use holdfast_engine::check::check;
use holdfast_engine::database::{DatabaseCatalog, StoredDatabase};
use holdfast_engine::ddl::CatalogWriter;
use holdfast_engine::ddl::index::{ClusteredKey, NewIndex, Placement, clustered_key, table_columns};
use holdfast_engine::ddl::table::NewColumn;
use holdfast_engine::decision::Decisions;
use holdfast_engine::instance::OnlineDatabase;
use holdfast_engine::lock::{LockManager, LockWait};
use holdfast_engine::stored::key;
use holdfast_engine::transaction::{Transaction, new_owner};
use holdfast_engine::write::{NewRow, RowState, RowUpdate, WriteContext, counts, ghost};
use holdfast_format::PageSource;
use holdfast_format::catalog::unit_type;
use holdfast_storage::PageCache;
use holdfast_storage::recovery::database::Outcomes;
use holdfast_storage::write::LoggedDatabase;
use holdfast_storage::write::open::Files;
use holdfast_types::{DateTime, SqlType, TypeId, Value};

pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n.max(1)
    }
}

struct NoTime;
impl Clock for NoTime {
    fn now_utc(&self) -> Duration {
        Duration::from_secs(1_700_000_000)
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
    fn local_offset_minutes(&self, _: Duration) -> i32 {
        0
    }
}

/// An open database.
pub struct World {
    pub disk: SimulatedDisk,
    pub database: StoredDatabase,
    pub locks: Arc<LockManager>,
    /// Units whose counts were wrong when the genuine file came: some are, after upgrades.
    pub wrong_before: Arc<BTreeSet<u64>>,
}

fn paths(directory: &Path) -> [PathBuf; 3] {
    ["data.mdf", "log.ldf", "data.journal"].map(|name| directory.join(name))
}

impl World {
    /// Opens what is on a disk; `None` when it does not open.
    pub fn open(disk: SimulatedDisk) -> Result<World, String> {
        World::open_as(disk, 5, Path::new("/d"), Arc::default(), None)
    }

    /// The same for one of several databases on a disk.
    pub fn open_as(
        disk: SimulatedDisk,
        id: i32,
        directory: &Path,
        locks: Arc<LockManager>,
        decisions: Option<&Arc<Decisions>>,
    ) -> Result<World, String> {
        let [data, log, journal] = paths(directory);
        let journal = if disk.exists(&journal) { disk.open(&journal, true) } else { disk.create(&journal) };
        let files = Files {
            data: BTreeMap::from([(1, disk.open(&data, true).map_err(|e| e.to_string())?)]),
            log: BTreeMap::from([(2, disk.open(&log, true).map_err(|e| e.to_string())?)]),
            journal: Some(journal.map_err(|e| e.to_string())?),
            outcomes: decisions.map(|d| Arc::clone(d) as Arc<dyn Outcomes>),
        };
        let cache = PageCache::new(64 << 20);
        let (logged, _, losers) =
            LoggedDatabase::open_early(files, &cache, Arc::new(NoTime), 2000).map_err(|e| e.to_string())?;
        let paths = [(1, data), (2, log)];
        let database = StoredDatabase::open_writable(id, "t", logged, losers, &paths, Arc::clone(&locks))
            .map_err(|e| e.to_string())?;
        if let Some(decisions) = decisions {
            database.writing().expect("writable").decide_with(Arc::clone(decisions));
            decisions.settled_in(id);
        }
        Ok(World { disk, database, locks, wrong_before: Arc::default() })
    }

    /// Opens files for the first time.
    pub fn first(data: &[u8], log: &[u8]) -> Option<World> {
        let mut world = World::open(Self::disk(data, log)).ok()?;
        world.wrong_before = Arc::new(world.wrong_counts().expect("countable").into_keys().collect());
        Some(world)
    }

    /// Every pair of data and log file of the corpus.
    pub fn genuine() -> Vec<(String, World)> {
        let mut out = Vec::new();
        for (name, data, logs) in Self::files() {
            // Files that do not belong together do not open.
            if let Some(world) = logs.iter().find_map(|log| World::first(&data, log)) {
                out.push((name, world));
            }
        }
        out
    }

    /// Data files of the corpus with the log files that may belong to them.
    pub fn files() -> Vec<(String, Vec<u8>, Vec<Vec<u8>>)> {
        let corpus = holdfast_testkit::corpus();
        let mut out = Vec::new();
        for data in corpus.iter().filter(|f| f.column("kind") == "mdf") {
            let version = &data.name()[..4];
            let logs = corpus.iter().filter(|f| f.column("kind") == "ldf" && f.name().starts_with(version));
            out.push((data.name().to_owned(), data.read(), logs.map(|f| f.read()).collect()));
        }
        out
    }

    /// A disk that holds these files.
    pub fn disk(data: &[u8], log: &[u8]) -> SimulatedDisk {
        let disk = SimulatedDisk::new();
        World::put(&disk, Path::new("/d"), data, log);
        disk
    }

    /// Puts them there.
    pub fn put(disk: &SimulatedDisk, directory: &Path, data: &[u8], log: &[u8]) {
        let [data_path, log_path, journal] = paths(directory);
        for (path, bytes) in [(data_path, data), (log_path, log), (journal, &[])] {
            let file = disk.create(&path).expect("created");
            if !bytes.is_empty() {
                file.write_at(0, bytes).expect("written");
            }
            file.sync().expect("synced");
        }
        disk.sync_directory(directory).expect("synced");
    }

    /// The same files opened anew, after everything was written.
    pub fn reopened(self) -> World {
        OnlineDatabase::close(&self.database).expect("closes");
        let disk = self.disk.clone();
        let wrong_before = Arc::clone(&self.wrong_before);
        drop(self);
        World { wrong_before, ..World::open(disk).expect("opens again") }
    }

    /// User tables whose rows can be changed.
    pub fn tables(&self) -> Vec<Arc<TableDef>> {
        let all = self.database.stored_catalog().user_tables().expect("tables");
        let writable = |t: &Arc<TableDef>| {
            let Some(writer) = t.access.writer() else { return false };
            let transaction = Transaction::with_locks(new_owner(), Arc::clone(&self.locks));
            writer.insert(WriteContext { transaction: &transaction, wait: &LockWait::default() }, &[]).is_ok()
        };
        all.into_iter().filter(writable).collect()
    }

    /// Gives every table that can be changed three sparse columns. Answers how many.
    pub fn add_sparse(&self) -> usize {
        let collation = holdfast_types::CollationId::SERVER_DEFAULT;
        let types = [SqlType::INT, SqlType::BIT, SqlType::varchar(-1, collation)];
        let sparse = |(n, ty): (usize, SqlType)| {
            let column = NewColumn::plain(&format!("sparse_{n}"), ty, i32::from(ty.id.xtype()), true);
            NewColumn { sparse: true, ..column }
        };
        self.add_columns(&types.into_iter().enumerate().map(sparse).collect::<Vec<_>>())
    }

    /// Gives every table that can be changed a column for large values.
    pub fn add_large(&self) -> usize {
        let ty = SqlType::binary(TypeId::VarBinary, -1);
        self.add_columns(&[NewColumn::plain("large_value", ty, i32::from(ty.id.xtype()), true)])
    }

    fn add_columns(&self, columns: &[NewColumn]) -> usize {
        let tables = self.tables();
        for table in &tables {
            let transaction = Transaction::with_locks(new_owner(), Arc::clone(&self.locks));
            let wait = LockWait::default();
            let write = WriteContext { transaction: &transaction, wait: &wait };
            {
                let writer = CatalogWriter::new(self.database.stored_catalog(), write, DateTime::default());
                for column in columns {
                    writer.append_column(table.object_id, column).expect("a column");
                }
            }
            transaction.commit().expect("commits");
            self.database.refresh().expect("refreshes");
        }
        tables.len()
    }

    /// Writes every table that can be changed anew with ROW (1) or PAGE (2) compression, its indexes likewise.
    pub fn compress(&self, level: u8) {
        for table in self.tables() {
            let model = Model::read(self, &table);
            let transaction = Transaction::with_locks(new_owner(), Arc::clone(&self.locks));
            let wait = LockWait::default();
            let write = WriteContext { transaction: &transaction, wait: &wait };
            let columns = table_columns(&table);
            let key = clustered_key(&table);
            {
                let catalog = self.database.stored_catalog();
                let writer = CatalogWriter::new(Arc::clone(&catalog), write, DateTime::default());
                for i in table.indexes.iter().filter(|i| !i.disabled) {
                    let id = |ordinal: usize| table.columns[ordinal].column_id;
                    let place =
                        Placement { compression: level, ..writer.placement_of(table.object_id, i.index_id) };
                    let index = NewIndex {
                        clustered: i.kind == IndexKind::Clustered,
                        unique: i.unique,
                        primary_key: i.primary_key,
                        unique_constraint: i.unique_constraint,
                        keys: i.keys.iter().map(|k| (id(k.ordinal), k.descending)).collect(),
                        included: i.included.iter().map(|&o| id(o)).collect(),
                        ..NewIndex::named("", place)
                    };
                    let (object, id) = (table.object_id, i.index_id);
                    match i.kind {
                        IndexKind::Heap | IndexKind::Clustered => {
                            writer.replace_base(object, id, &columns, &index, key.as_ref())
                        }
                        IndexKind::Nonclustered => {
                            writer.replace_rowset(object, id, &columns, &index, key.as_ref())
                        }
                        _ => Ok(()),
                    }
                    .expect("new rowsets");
                }
            }
            self.database.refresh().expect("refreshes");
            let table = self.database.stored_catalog().table(table.object_id).expect("table").expect("there");
            let writer = table.access.writer().expect("writable");
            for row in &model.rows {
                let values = model.whole(&table, row);
                writer
                    .insert(write, &[NewRow { values, outside_indexes: Vec::new() }])
                    .unwrap_or_else(|e| panic!("{}: {e:?}", table.name));
            }
            transaction.commit().expect("commits");
        }
    }

    /// Gives every table that can be changed an index that includes all columns that may be included, so that entries have large
    /// values on pages of their own. Answers how many.
    pub fn include(&self) -> usize {
        let mut made = 0;
        // Sparse columns and their like cannot be told of an entry's.
        for table in self.tables().into_iter().filter(|t| !t.columns.iter().any(|c| c.is_sparse)) {
            let model = Model::read(self, &table);
            let is_text =
                |o: usize| matches!(table.columns[o].ty.id, TypeId::Text | TypeId::NText | TypeId::Image);
            let keyed = |o: &&usize| table.columns[**o].ty.id == TypeId::Int;
            let Some(&key) = model.stored.iter().find(keyed) else { continue };
            let located =
                table.indexes.iter().filter(|i| i.kind == IndexKind::Clustered).flat_map(|i| &i.keys);
            let located: Vec<usize> = located.map(|k| k.ordinal).collect();
            let included: Vec<i32> = model
                .stored
                .iter()
                .filter(|o| **o != key && !is_text(**o) && !located.contains(o))
                .map(|&o| table.columns[o].column_id)
                .collect();
            let transaction = Transaction::with_locks(new_owner(), Arc::clone(&self.locks));
            let wait = LockWait::default();
            let write = WriteContext { transaction: &transaction, wait: &wait };
            let id = {
                let writer = CatalogWriter::new(self.database.stored_catalog(), write, DateTime::default());
                let index = NewIndex {
                    keys: vec![(table.columns[key].column_id, false)],
                    included,
                    ..NewIndex::named("including", Placement::on(1))
                };
                let (columns, clustered) = (table_columns(&table), clustered_key(&table));
                writer.add_index(table.object_id, &columns, &index, clustered.as_ref()).expect("index")
            };
            self.database.refresh().expect("refreshes");
            let table = self.database.stored_catalog().table(table.object_id).expect("table").expect("there");
            self.fill_index(&table, write, id, 0).unwrap_or_else(|e| panic!("{}: {e:?}", table.name));
            transaction.commit().expect("commits");
            made += 1;
        }
        made
    }

    /// Spreads every table over partitions that has a column for it: clustered ones by the first column of their key, their
    /// nonclustered indexes partitioned likewise where they may be, else as they are; heaps by their first column. Answers how
    /// many.
    pub fn partition(&self, right: bool) -> usize {
        self.tables().iter().filter(|t| self.partition_table(t, right)).count()
    }

    fn partition_table(&self, table: &TableDef, right: bool) -> bool {
        let model = Model::read(self, table);
        let clustered = table.indexes.iter().find(|i| i.kind == IndexKind::Clustered);
        let ordinal = clustered.and_then(|i| i.keys.first()).map_or(0, |k| k.ordinal);
        let column = &table.columns[ordinal];
        let odd = table.indexes.iter().any(|i| {
            let foreign = matches!(i.kind, IndexKind::Xml | IndexKind::Spatial | IndexKind::Columnstore);
            let has = i.keys.iter().any(|k| k.ordinal == ordinal);
            foreign || i.disabled || i.filter.is_some() || (clustered.is_none() && i.unique && !has)
        });
        let plain = matches!(
            column.ty.id,
            TypeId::Int
                | TypeId::SmallInt
                | TypeId::NVarChar
                | TypeId::VarChar
                | TypeId::NChar
                | TypeId::Char
        );
        if odd || !plain || column.ty.is_max() || column.computed.is_some() {
            return false;
        }
        let place = model.stored.iter().position(|o| *o == ordinal).expect("stored");
        let mut values: Vec<Value> =
            model.rows.iter().map(|r| r[place].clone()).filter(|v| !v.is_null()).collect();
        values.sort_by(|a, b| key::compare(&column.ty, a, b));
        values.dedup_by(|a, b| key::compare(&column.ty, a, b).is_eq());
        let boundaries: Vec<Value> =
            (1..4).filter_map(|n| values.get(values.len() * n / 4).cloned()).collect();
        let mut boundaries = boundaries;
        boundaries.dedup_by(|a, b| key::compare(&column.ty, a, b).is_eq());
        let transaction = Transaction::with_locks(new_owner(), Arc::clone(&self.locks));
        let wait = LockWait::default();
        let write = WriteContext { transaction: &transaction, wait: &wait };
        let name = format!("p{}", table.object_id);
        {
            let writer = CatalogWriter::new(self.database.stored_catalog(), write, DateTime::default());
            let user_type = i32::from(column.ty.id.xtype());
            let function = writer
                .add_partition_function(&name, &column.ty, user_type, right, &boundaries)
                .expect("function");
            writer
                .add_partition_scheme(&name, function, &vec![1; boundaries.len() + 1], Some(1))
                .expect("scheme");
        }
        self.database.refresh().expect("refreshes");
        let catalog = self.database.stored_catalog();
        let schemes = catalog.partition_schemes().expect("schemes");
        let scheme = schemes.iter().find(|s| *s.name == *name).expect("the scheme");
        let spread = Placement::spread(scheme, column.column_id);
        let columns = table_columns(table);
        {
            let writer = CatalogWriter::new(Arc::clone(&catalog), write, DateTime::default());
            let id = |ordinal: usize| table.columns[ordinal].column_id;
            let mut key = None;
            // Statistics are listed as heaps are.
            let real = |i: &&IndexDef| i.kind != IndexKind::Heap || i.index_id == 0;
            let mut all: Vec<_> = table.indexes.iter().filter(real).collect();
            all.sort_by_key(|i| i.index_id);
            for i in all {
                let has = i.keys.iter().any(|k| k.ordinal == ordinal);
                let index = NewIndex {
                    name: i.name.as_deref().unwrap_or("").to_owned(),
                    clustered: i.kind == IndexKind::Clustered,
                    unique: i.unique,
                    primary_key: i.primary_key,
                    unique_constraint: i.unique_constraint,
                    keys: i.keys.iter().map(|k| (id(k.ordinal), k.descending)).collect(),
                    included: i.included.iter().map(|&o| id(o)).collect(),
                    filter: None,
                    fill_factor: 0,
                    padded: false,
                    ignore_duplicates: i.ignore_duplicates,
                    no_recompute: false,
                    no_row_locks: false,
                    no_page_locks: false,
                    place: if i.unique && !has { Placement::on(1) } else { spread.clone() },
                };
                writer.remove_index(table.object_id, i.index_id).expect("removed");
                match i.kind {
                    IndexKind::Heap => {
                        writer.add_heap(table.object_id, &columns, &spread).expect("heap");
                    }
                    _ => {
                        let made =
                            writer.add_index(table.object_id, &columns, &index, key.as_ref()).expect("index");
                        assert_eq!(made, i.index_id, "{}", table.name);
                    }
                }
                if i.kind == IndexKind::Clustered {
                    key = Some(ClusteredKey::of(&index));
                }
            }
        }
        self.database.refresh().expect("refreshes");
        let table = self.database.stored_catalog().table(table.object_id).expect("table").expect("there");
        assert_eq!(table.access.partitioned_by().map(|by| by.rowsets.len()), Some(boundaries.len() + 1));
        let writer = table.access.writer().expect("writable");
        for row in &model.rows {
            let values = model.whole(&table, row);
            writer
                .insert(write, &[NewRow { values, outside_indexes: Vec::new() }])
                .unwrap_or_else(|e| panic!("{}: {e:?}", table.name));
        }
        transaction.commit().expect("commits");
        true
    }

    /// Moves a boundary in the catalogue up by one and no row with it; the partition behind it began with a row.
    pub fn move_boundary(&self) -> bool {
        let catalog = self.database.stored_catalog();
        for f in catalog.partition_functions().expect("functions") {
            let mut values = f.values.clone();
            let Some(Value::Int(first)) = values.first().cloned() else { continue };
            if matches!(values.get(1), Some(Value::Int(second)) if *second <= first + 1) {
                continue;
            }
            values[0] = Value::Int(first + 1);
            let transaction = Transaction::with_locks(new_owner(), Arc::clone(&self.locks));
            let wait = LockWait::default();
            let write = WriteContext { transaction: &transaction, wait: &wait };
            let writer = CatalogWriter::new(Arc::clone(&catalog), write, DateTime::default());
            writer.set_boundaries(&f, &values).expect("set");
            transaction.commit().expect("commits");
            return true;
        }
        false
    }

    pub fn clean(&self) -> u64 {
        ghost::clean(self.database.writing().expect("writable")).expect("cleans")
    }

    /// The checker finds nothing in what is on disk after a checkpoint.
    pub fn check(&self, name: &str) {
        if let Err(what) = self.checked() {
            panic!("{name}: {what}");
        }
    }

    pub fn checked(&self) -> Result<(), String> {
        let writing = self.database.writing().expect("writable");
        writing.logged.checkpoint().map_err(|e| format!("checkpoint: {e}"))?;
        let source: Arc<dyn PageSource> = Arc::clone(writing.logged.pages()) as Arc<dyn PageSource>;
        let report = check(&source, &mut |_, _| {});
        if report.is_clean() {
            return self.page_counts();
        }
        Err(format!("{:#?}", &report.findings[..report.findings.len().min(10)]))
    }
}

impl World {
    /// The catalogue says how many pages the maps have; of user tables (the files' own system tables may have come otherwise).
    fn page_counts(&self) -> Result<(), String> {
        let wrong: Vec<String> = self
            .wrong_counts()?
            .into_iter()
            .filter(|(id, _)| !self.wrong_before.contains(id))
            .map(|w| w.1)
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }

    fn wrong_counts(&self) -> Result<BTreeMap<u64, String>, String> {
        let mut wrong = BTreeMap::new();
        let writing = self.database.writing().expect("writable");
        let source: Arc<dyn PageSource> = Arc::clone(writing.logged.pages()) as Arc<dyn PageSource>;
        let catalog = DatabaseCatalog::open(5, None, Arc::clone(&source)).map_err(|e| e.to_string())?;
        let tables = catalog.storage();
        let user: Vec<i32> =
            catalog.user_tables().map_err(|e| e.to_string())?.iter().map(|t| t.object_id).collect();
        for unit in &tables.units {
            let Some(rowset) = tables.rowsets.iter().find(|r| r.id == unit.owner) else { continue };
            if !user.contains(&rowset.object_id) {
                continue;
            }
            let found = counts::pages(&*source, unit.first_iam).map_err(|e| e.to_string())?;
            let says = (unit.used_pages, unit.reserved_pages);
            if says != (found.used, found.reserved) {
                let text = format!(
                    "unit {:x} of object {} index {}: used, reserved {says:?}, the maps have {found:?}",
                    unit.id, rowset.object_id, rowset.index_id
                );
                wrong.insert(unit.id, text);
            }
            if unit.kind == unit_type::IN_ROW && !unit.first_iam.is_null() {
                let upper = match rowset.index_id {
                    0 => 0,
                    i => counts::upper_pages(&*source, unit.root, i == 1).map_err(|e| e.to_string())?,
                };
                let data = found.used - found.maps - upper;
                if unit.data_pages != data {
                    let says = unit.data_pages;
                    wrong.insert(
                        unit.id,
                        format!(
                            "unit {:x} of object {} index {}: {says} data pages, {data} are there, root {}",
                            unit.id, rowset.object_id, rowset.index_id, unit.root
                        ),
                    );
                }
            }
        }
        Ok(wrong)
    }
}

/// Rows of a table as they must be: all stored columns, as text for comparing.
pub struct Model {
    pub rows: Vec<Vec<Value>>,
    pub stored: Vec<usize>,
}

pub fn text(row: &[Value]) -> String {
    format!("{row:?}")
}

impl Model {
    fn stored_columns(table: &TableDef) -> Vec<usize> {
        (0..table.columns.len())
            .filter(|&i| table.columns[i].computed.is_none() || table.columns[i].persisted)
            .collect()
    }

    fn scan(table: &TableDef, columns: &[usize]) -> Vec<Vec<Value>> {
        let types: Vec<SqlType> = columns
            .iter()
            .map(
                |&c| if c == BOOKMARK { holdfast_engine::access::BOOKMARK_TYPE } else { table.columns[c].ty },
            )
            .collect();
        let mut source = table.access.scan(&ReadContext::unlocked(), columns).expect("scan");
        let mut out = Vec::new();
        while let Some(batch) = source.next_batch().expect("batch") {
            out.extend((0..batch.len).map(|i| batch.row(i, &types)));
        }
        out
    }

    pub fn read(_world: &World, table: &TableDef) -> Model {
        let stored = Self::stored_columns(table);
        Model { rows: Self::scan(table, &stored), stored }
    }

    pub fn whole(&self, table: &TableDef, row: &[Value]) -> Vec<Value> {
        let mut out = vec![Value::Null; table.columns.len()];
        for (value, &at) in row.iter().zip(&self.stored) {
            out[at] = value.clone();
        }
        out
    }

    /// Rows with their bookmarks.
    pub fn marked(&self, table: &TableDef) -> Vec<(Vec<Value>, Vec<u8>)> {
        let mut columns = self.stored.clone();
        columns.push(BOOKMARK);
        Self::scan(table, &columns)
            .into_iter()
            .map(|mut r| {
                let Some(Value::Binary(mark)) = r.pop() else { panic!("no bookmark") };
                (r, mark.to_vec())
            })
            .collect()
    }

    /// A row like one of those there, with other keys.
    pub fn invent(&self, table: &TableDef, random: &mut Random, ordered: bool) -> Vec<Value> {
        self.invent_with(table, random, ordered.then_some(self.rows.len() as u64))
    }

    /// The same with a number that what can be made of a number is made of.
    pub fn invent_with(&self, table: &TableDef, random: &mut Random, number: Option<u64>) -> Vec<Value> {
        let template = self.rows.get(random.below(self.rows.len())).cloned();
        self.stored
            .iter()
            .enumerate()
            .map(|(i, &c)| {
                let column = &table.columns[c];
                let key = table.indexes.iter().any(|x| x.keys.iter().any(|k| k.ordinal == c));
                let old = template.as_ref().map(|t| t[i].clone());
                if !key
                    && let Some(old) = old
                    && random.below(3) > 0
                {
                    return old;
                }
                if column.nullable && !key && random.below(5) == 0 {
                    return Value::Null;
                }
                let n = number.unwrap_or_else(|| random.next());
                invent(&column.ty, random, n)
            })
            .collect()
    }

    /// One transaction of `count` random changes.
    pub fn change(
        &mut self,
        world: &World,
        table: &Arc<TableDef>,
        random: &mut Random,
        count: usize,
        commit: bool,
    ) {
        let transaction = Transaction::with_locks(new_owner(), Arc::clone(&world.locks));
        let before = self.rows.clone();
        self.change_within(&transaction, table, random, count);
        if commit {
            transaction.commit().expect("commits");
        } else {
            transaction.rollback().expect("rolls back");
            self.rows = before;
        }
    }

    /// Random changes within a transaction.
    pub fn change_within(
        &mut self,
        transaction: &Transaction,
        table: &Arc<TableDef>,
        random: &mut Random,
        count: usize,
    ) {
        let writer = table.access.writer().expect("writable");
        let wait = LockWait::default();
        let write = WriteContext { transaction, wait: &wait };
        for _ in 0..count {
            let savepoint = transaction.savepoint();
            match random.below(4) {
                0 | 1 => {
                    let row = self.invent(table, random, false);
                    let new = NewRow { values: self.whole(table, &row), outside_indexes: Vec::new() };
                    match writer.insert(write, &[new]) {
                        Ok(_) => self.rows.push(row),
                        Err(e) => {
                            expected(&e);
                            transaction.rollback_to(&savepoint).expect("rolls back");
                        }
                    }
                }
                2 => {
                    let marked = self.marked(table);
                    if marked.is_empty() {
                        continue;
                    }
                    let (old, mark) = &marked[random.below(marked.len())];
                    let mut row = self.invent(table, random, false);
                    let mut changed: Vec<usize> = Vec::new();
                    for (i, value) in row.iter_mut().enumerate() {
                        if random.below(2) == 0 {
                            *value = old[i].clone();
                        } else {
                            changed.push(self.stored[i]);
                        }
                    }
                    assert_eq!(writer.lock(write, mark).expect("locks"), RowState::Unchanged);
                    let update = RowUpdate {
                        bookmark: mark.clone(),
                        row: NewRow { values: self.whole(table, &row), outside_indexes: Vec::new() },
                        old: Vec::new(),
                    };
                    match writer.update(write, &[update], &changed) {
                        Ok(()) => {
                            let at =
                                self.rows.iter().position(|r| text(r) == text(old)).expect("in the model");
                            self.rows[at] = row;
                        }
                        Err(e) => {
                            expected(&e);
                            transaction.rollback_to(&savepoint).expect("rolls back");
                        }
                    }
                }
                _ => {
                    let marked = self.marked(table);
                    if marked.is_empty() {
                        continue;
                    }
                    let (old, mark) = &marked[random.below(marked.len())];
                    assert_eq!(writer.lock(write, mark).expect("locks"), RowState::Unchanged);
                    writer.delete(write, std::slice::from_ref(mark), &[]).expect("deletes");
                    let at = self.rows.iter().position(|r| text(r) == text(old)).expect("in the model");
                    self.rows.swap_remove(at);
                }
            }
        }
    }

    pub fn insert_many(
        &mut self,
        world: &World,
        table: &Arc<TableDef>,
        random: &mut Random,
        count: usize,
        ordered: bool,
    ) {
        let writer = table.access.writer().expect("writable");
        let transaction = Transaction::with_locks(new_owner(), Arc::clone(&world.locks));
        let wait = LockWait::default();
        let write = WriteContext { transaction: &transaction, wait: &wait };
        for _ in 0..count {
            let row = self.invent(table, random, ordered);
            let savepoint = transaction.savepoint();
            let new = NewRow { values: self.whole(table, &row), outside_indexes: Vec::new() };
            match writer.insert(write, &[new]) {
                Ok(_) => self.rows.push(row),
                Err(e) => {
                    expected(&e);
                    transaction.rollback_to(&savepoint).expect("rolls back");
                }
            }
        }
        transaction.commit().expect("commits");
    }

    pub fn delete_share(
        &mut self,
        world: &World,
        table: &Arc<TableDef>,
        random: &mut Random,
        percent: usize,
    ) {
        let writer = table.access.writer().expect("writable");
        let transaction = Transaction::with_locks(new_owner(), Arc::clone(&world.locks));
        let wait = LockWait::default();
        let write = WriteContext { transaction: &transaction, wait: &wait };
        let mut kept = Vec::new();
        for (row, mark) in self.marked(table) {
            if random.below(100) < percent {
                assert_eq!(writer.lock(write, &mark).expect("locks"), RowState::Unchanged);
                writer.delete(write, &[mark], &[]).expect("deletes");
            } else {
                kept.push(row);
            }
        }
        transaction.commit().expect("commits");
        self.rows = kept;
    }

    pub fn sorted(&self) -> Vec<String> {
        let mut all: Vec<String> = self.rows.iter().map(|r| text(r)).collect();
        all.sort();
        all
    }

    pub fn compare(&self, world: &World, table: &Arc<TableDef>, name: &str) {
        let found = Model::read(world, table).sorted();
        let wanted = self.sorted();
        assert_eq!(found.len(), wanted.len(), "{name}: {}: number of rows", table.name);
        for (a, b) in found.iter().zip(&wanted) {
            assert_eq!(a, b, "{name}: {}", table.name);
        }
        assert!(self.indexes_agree(world, table), "{name}: {}", table.name);
    }

    /// Every index yields the rows of the table.
    pub fn indexes_agree(&self, _world: &World, table: &Arc<TableDef>) -> bool {
        let types: Vec<SqlType> = self.stored.iter().map(|&c| table.columns[c].ty).collect();
        let wanted = self.sorted();
        for index in &table.indexes {
            if index.disabled
                || index.filter.is_some()
                || !matches!(index.kind, IndexKind::Clustered | IndexKind::Nonclustered)
            {
                continue;
            }
            let read = ReadContext::unlocked();
            let mut source =
                table.access.seek(&read, index.index_id, KeyRange::all(), &self.stored, false).expect("seek");
            let mut found = Vec::new();
            while let Some(batch) = source.next_batch().expect("batch") {
                found.extend((0..batch.len).map(|i| text(&batch.row(i, &types))));
            }
            found.sort();
            if found != wanted {
                eprintln!("index {:?}: {} rows, table {}", index.name, found.len(), wanted.len());
                return false;
            }
        }
        true
    }
}

/// Refusals that random rows may meet.
pub fn expected(error: &holdfast_types::SqlError) {
    assert!(matches!(error.number, 2601 | 2627 | 515 | 511 | 1946 | 8115), "{error}");
}

fn invent(ty: &SqlType, random: &mut Random, n: u64) -> Value {
    let letters = |length: usize, random: &mut Random| -> String {
        (0..length).map(|_| char::from(b'a' + random.below(26) as u8)).collect()
    };
    let length = usize::try_from(ty.length).unwrap_or(0);
    let unicode = matches!(ty.id, TypeId::NChar | TypeId::NVarChar);
    match ty.id {
        TypeId::Bit => Value::Bit(n.is_multiple_of(2)),
        TypeId::TinyInt => Value::TinyInt(n as u8),
        TypeId::SmallInt => Value::SmallInt(n as i16),
        TypeId::Int => Value::Int((n as i32) & 0x7FFF_FFFF),
        TypeId::BigInt => Value::BigInt(n as i64 & i64::MAX),
        TypeId::Money => Value::Money(n as i32 as i64),
        TypeId::SmallMoney => Value::SmallMoney(n as i32),
        TypeId::Real => Value::Real(n as u16 as f32),
        TypeId::Float => Value::Float(n as u32 as f64),
        TypeId::Decimal | TypeId::Numeric => Value::Decimal(holdfast_types::Decimal::new(
            i128::from(n % 10u64.pow(u32::from(ty.precision.min(9)))),
            ty.scale,
        )),
        TypeId::DateTime => {
            Value::DateTime(holdfast_types::DateTime { days: (n % 50_000) as i32, ticks: 300 })
        }
        TypeId::SmallDateTime => {
            Value::SmallDateTime(holdfast_types::SmallDateTime { days: n as u16, minutes: 5 })
        }
        TypeId::Char | TypeId::NChar => {
            let chars = if unicode { length / 2 } else { length };
            Value::String(letters(chars, random).as_str().into())
        }
        TypeId::VarChar | TypeId::NVarChar => {
            let most = if ty.length == 0 || ty.is_max() {
                20_000
            } else if unicode {
                length / 2
            } else {
                length
            };
            let n =
                if random.below(8) == 0 { random.below(most + 1) } else { random.below(most.min(30) + 1) };
            Value::String(letters(n, random).as_str().into())
        }
        TypeId::Text | TypeId::NText | TypeId::Xml => {
            let n = random.below(30_000);
            if ty.id == TypeId::Xml { Value::Null } else { Value::String(letters(n, random).as_str().into()) }
        }
        TypeId::Image => Value::Binary(letters(random.below(50_000), random).into_bytes().into()),
        TypeId::Binary => Value::Binary(letters(length, random).into_bytes().into()),
        TypeId::VarBinary => {
            let most = if ty.is_max() { 90_000 } else { length };
            Value::Binary(letters(random.below(most + 1), random).into_bytes().into())
        }
        TypeId::RowVersion => Value::Binary(n.to_be_bytes().to_vec().into()),
        TypeId::UniqueIdentifier => {
            let mut g = [0u8; 16];
            g[..8].copy_from_slice(&n.to_le_bytes());
            g[8..].copy_from_slice(&random.next().to_le_bytes());
            Value::Guid(g)
        }
        TypeId::DateTime2 => Value::DateTime2(holdfast_types::DateTime2 {
            date: holdfast_types::Date((n % 700_000) as i32),
            time: holdfast_types::Time(0),
        }),
        TypeId::Date => Value::Date(holdfast_types::Date((n % 700_000) as i32)),
        _ => Value::Null,
    }
}
