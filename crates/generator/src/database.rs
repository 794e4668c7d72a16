//! Puts a database together: catalogue and user tables to pages, then the fixed pages and allocation maps.
//!
//! Invariants
//! 1. The same input gives the same bytes.
//! 2. Large tables are not held in memory: their leaf pages are made when they are asked for.

use std::collections::{BTreeMap, HashMap};

use holdfast_base::{Lsn, PAGE_SIZE, PageId};
use holdfast_format::page::edit::PageEditor;
use holdfast_format::page::protection::stamp_checksum;
use holdfast_format::page::{PageBytes, PageType};
use holdfast_format::record::layout::{PhysicalColumn, RowLayout};
use holdfast_format::record::writer::RecordShape;

use crate::fixed::{self, BootFacts, HeaderFacts, Identity};
use crate::space::{FILE, Space, Style, Unit};
use crate::table::{Numbers, Placed, Table};
use crate::template::{Template, Version};
use crate::tree::{Builder, Built, Leaf, PAGE_BODY, Pages, Row, format_page, record};
use crate::value::{NameOrder, Stored, compare, from_text, latin_order};
use crate::{GeneratorError, Result};

/// LSN of the checkpoint that a new database's log begins with.
pub const CHECKPOINT: Lsn = Lsn::new(33, 16, 1);
/// Tables with more rows are generated page by page while writing.
const STREAMED_ROWS: u64 = 50_000;
/// Simple recovery, page checksums.
pub const STATUS: u32 = 0x0001_0008;

/// A file to be made.
#[derive(Clone, Debug)]
pub struct FileSpec {
    pub id: u16,
    pub log: bool,
    /// 0 for a log file.
    pub filegroup: u16,
    pub logical_name: String,
    pub physical_name: String,
    pub guid: [u8; 16],
    /// Pages.
    pub size: u32,
    /// Pages; `None` unlimited (2 TiB for a log file).
    pub max_size: Option<u32>,
    /// Pages or percent.
    pub growth: u32,
    pub percent: bool,
}

/// What a new database is to be.
pub struct NewDatabase {
    pub version: Version,
    pub identity: Identity,
    pub collation: u32,
    /// Order of names under that collation.
    pub name_order: NameOrder,
    pub status: u32,
    pub compatibility: u16,
    pub database_id: u16,
    /// The primary data file first.
    pub files: Vec<FileSpec>,
    /// Filegroups besides PRIMARY: id, name, whether it is the default one.
    pub filegroups: Vec<(u16, String, bool)>,
    /// A full backup of it is written at once: differentials are based on that.
    pub backed_up: bool,
}

impl NewDatabase {
    /// What the sample backup holds.
    pub fn sample(identity: Identity) -> Self {
        let file = |id, log, suffix: &str, extension: &str, guid, max_size| FileSpec {
            id,
            log,
            filegroup: u16::from(!log),
            logical_name: format!("{}{suffix}", identity.name),
            physical_name: format!("{}{suffix}.{extension}", identity.name),
            guid,
            size: LOG_PAGES,
            max_size,
            growth: 8192,
            percent: false,
        };
        let files = vec![
            file(1, false, "", "mdf", identity.data_file, None),
            file(2, true, "_log", "ldf", identity.log_file, None),
        ];
        NewDatabase {
            version: Version::V904,
            collation: Version::V904.template_collation(),
            name_order: latin_order(),
            status: STATUS,
            compatibility: 150,
            database_id: 5,
            files,
            filegroups: Vec::new(),
            backed_up: true,
            identity,
        }
    }
}

/// A rowset of the catalogue.
struct Rowset {
    id: i64,
    object: i32,
    index: i32,
    minleaf: u16,
    layout: RowLayout,
}

/// The leaf level of a large table.
struct Streamed {
    table: Table,
    layout: RowLayout,
    unit: u64,
    minleaf: u16,
    rows_per_page: u64,
    leaf_count: u64,
    extents: Vec<u32>,
}

pub struct Database {
    pub identity: Identity,
    pages: Pages,
    streamed: Vec<Streamed>,
    /// First pages of the extents a full backup holds.
    pub backup_extents: Vec<u32>,
    /// Pages of the data file.
    pub file_pages: u32,
}

fn layouts(t: &Template) -> Result<HashMap<i64, RowLayout>> {
    let mut columns: HashMap<i64, Vec<PhysicalColumn>> = HashMap::new();
    for row in &t.table("sysrscols")?.rows {
        let n = |at| Template::number(row, at);
        let mut c = PhysicalColumn {
            column_id: n(1) as i32,
            physical_id: n(2) as i32,
            collation: n(5) as u32,
            key_ordinal: n(6) as i16,
            status: n(8) as u32,
            ..PhysicalColumn::default()
        };
        c.set_type(n(4) as u32);
        c.set_placement(n(9) as u32, n(10) as u32, n(11) as u16);
        columns.entry(n(0)).or_default().push(c);
    }
    Ok(columns.into_iter().map(|(id, c)| (id, RowLayout::new(c, 0))).collect())
}

fn rowsets(t: &Template) -> Result<Vec<Rowset>> {
    let mut layouts = layouts(t)?;
    let table = t.table("sysrowsets")?;
    let at = |name: &str| {
        table.position(name).ok_or_else(|| GeneratorError::Template(format!("no column {name}")))
    };
    let (object, index, minleaf) = (at("idmajor")?, at("idminor")?, at("minleaf")?);
    let compression = at("cmprlevel")?;
    let each = table.rows.iter().map(|row| {
        let mut layout = layouts.remove(&Template::number(row, 0)).unwrap_or_default();
        layout.compression = Template::number(row, compression) as u8;
        Rowset {
            id: Template::number(row, 0),
            object: Template::number(row, object) as i32,
            index: Template::number(row, index) as i32,
            minleaf: Template::number(row, minleaf) as u16,
            layout,
        }
    });
    Ok(each.collect())
}

/// Column ids of an index, keys first, then the clustered key as locator.
fn index_columns(t: &Template, object: i32, index: i32) -> Result<Vec<i32>> {
    let mut keys: Vec<(i32, i64, i32)> = Vec::new();
    for row in &t.table("sysiscols")?.rows {
        let n = |at| Template::number(row, at);
        if n(0) == i64::from(object) && (n(1) == i64::from(index) || n(1) == 1) {
            keys.push((if n(1) == 1 { 1 } else { 0 }, n(2), n(4) as i32));
        }
    }
    keys.sort_unstable();
    let mut out: Vec<i32> = Vec::new();
    for (_, _, id) in keys {
        if !out.contains(&id) {
            out.push(id);
        }
    }
    Ok(out)
}

/// Rows of a base table in the physical order of its base rowset, with the column id of each.
fn base_rows(t: &Template, object: i32, layout: &RowLayout, collation: u32) -> Result<Vec<Row>> {
    let Some(table) = t.tables.iter().find(|b| b.id == object) else { return Ok(Vec::new()) };
    let mut names: HashMap<i32, &str> = HashMap::new();
    let columns = t.table("syscolpars")?;
    for row in columns.rows.iter().filter(|r| Template::number(r, 0) == i64::from(object)) {
        names.insert(Template::number(row, 2) as i32, row[3].as_deref().unwrap_or(""));
    }
    let mut positions = Vec::new();
    for c in &layout.columns {
        let name = names.get(&c.column_id).copied().unwrap_or("");
        positions.push(table.position(name));
    }
    let mut out = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        let mut cells: Row = Vec::with_capacity(positions.len());
        for (column, at) in layout.columns.iter().zip(&positions) {
            let text = at.and_then(|i| row[i].as_deref());
            cells.push(text.map(|s| from_text(column, s, collation)).transpose()?);
        }
        out.push(cells);
    }
    Ok(out)
}

fn sort(layout: &RowLayout, rows: &mut [Row], order: &NameOrder) {
    let keys = layout.key_positions();
    rows.sort_by(|a, b| {
        keys.iter()
            .map(|&k| compare(&layout.columns[k], &a[k], &b[k], order))
            .find(|o| o.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
}

/// What sysallocunits gets to know of a unit.
struct UnitFacts {
    built: Built,
    iam: PageId,
    used: u64,
    reserved: u64,
}

struct Assembly {
    template: Template,
    space: Space,
    pages: Pages,
    streamed: Vec<Streamed>,
    /// Type 1 unit of each rowset.
    units: HashMap<i64, i64>,
    collation: u32,
    name_order: NameOrder,
}

const SYS_ALLOC_UNITS: i32 = 7;

impl Assembly {
    fn build_rowset(&mut self, rowset: &Rowset, base: Option<&Rowset>) -> Result<()> {
        let leaf = match rowset.index {
            0 => Leaf::Heap,
            1 => Leaf::Clustered,
            _ => Leaf::Nonclustered,
        };
        let base = base.unwrap_or(rowset);
        let mut rows = base_rows(&self.template, rowset.object, &base.layout, self.collation)?;
        if leaf == Leaf::Nonclustered {
            let wanted = index_columns(&self.template, rowset.object, rowset.index)?;
            let by_id: Vec<Option<usize>> = wanted.iter().map(|id| base.layout.position_of(*id)).collect();
            let order: Vec<Option<usize>> = rowset
                .layout
                .columns
                .iter()
                .map(|c| by_id.get((c.column_id - 1).max(0) as usize).copied().flatten())
                .collect();
            rows =
                rows.iter().map(|r| order.iter().map(|i| i.and_then(|i| r[i].clone())).collect()).collect();
        }
        if rows.is_empty() {
            return Ok(());
        }
        sort(&rowset.layout, &mut rows, &self.name_order);
        let mut unit = self.new_unit(rowset.id, Style::Mixed)?;
        let mut builder = Builder { space: &mut self.space, pages: &mut self.pages };
        let built = builder.build(&mut unit, &rowset.layout, leaf, rowset.minleaf, &rows)?;
        self.finish_unit(&unit, rowset.id, built)?;
        self.set_row_count(rowset.id, rows.len() as u64)
    }

    fn new_unit(&mut self, rowset: i64, style: Style) -> Result<Unit> {
        let missing = || GeneratorError::Template(format!("rowset {rowset} has no allocation unit"));
        let id = *self.units.get(&rowset).ok_or_else(missing)?;
        self.space.unit(id as u64, style)
    }

    fn set_row_count(&mut self, rowset: i64, count: u64) -> Result<()> {
        let table = self.template.table_mut("sysrowsets")?;
        let at = table.position("rcrows");
        let row = table.rows.iter_mut().find(|r| Template::number(r, 0) == rowset);
        if let (Some(row), Some(at)) = (row, at) {
            row[at] = Some(count.to_string());
        }
        Ok(())
    }

    fn finish_unit(&mut self, unit: &Unit, rowset: i64, built: Built) -> Result<()> {
        for (page, bytes) in self.space.iam_pages(unit)? {
            self.pages.insert(page, bytes);
        }
        let (used, reserved) = Space::counts(unit);
        let iam = PageId::new(FILE, unit.iam.first().copied().unwrap_or(0));
        let facts = UnitFacts { built, iam, used, reserved };
        let text = |p: PageId| p.to_bytes().iter().fold("0x".to_owned(), |s, b| format!("{s}{b:02X}"));
        let table = self.template.table_mut("sysallocunits")?;
        if let Some(row) =
            table.rows.iter_mut().find(|r| r[1].as_deref() == Some("1") && Template::number(r, 2) == rowset)
        {
            row[5] = Some(text(facts.built.first));
            row[6] = Some(text(facts.built.root));
            row[7] = Some(text(facts.iam));
            row[8] = Some(facts.used.to_string());
            row[9] = Some(facts.built.leaves.to_string());
            row[10] = Some(facts.reserved.to_string());
        }
        Ok(())
    }

    fn build_table(&mut self, table: &Table, placed: Placed, layout: &RowLayout) -> Result<()> {
        if table.row_count == 0 {
            return Ok(());
        }
        let mut unit = self.new_unit(placed.rowset, Style::Uniform)?;
        let built = if table.row_count <= STREAMED_ROWS || table.compression > 0 {
            let rows: Vec<Row> = (0..table.row_count).map(|i| (table.rows)(i)).collect();
            let mut builder = Builder { space: &mut self.space, pages: &mut self.pages };
            builder.build(&mut unit, layout, Leaf::Clustered, placed.minleaf, &rows)?
        } else {
            self.plan_streamed(table, placed, layout, &mut unit)?
        };
        self.finish_unit(&unit, placed.rowset, built)
    }

    /// Lays out the leaf pages of a large table without making them, and builds the levels above.
    fn plan_streamed(
        &mut self,
        table: &Table,
        placed: Placed,
        layout: &RowLayout,
        unit: &mut Unit,
    ) -> Result<Built> {
        let longest = layout
            .columns
            .iter()
            .filter(|c| c.leaf.offset < 0)
            .map(|c| usize::from(c.length) + 2)
            .sum::<usize>();
        let bitmap = 2 + layout.columns.len().div_ceil(8) + 2;
        let rows_per_page = (PAGE_BODY / (usize::from(placed.minleaf) + bitmap + longest + 2)).max(1) as u64;
        let leaf_count = table.row_count.div_ceil(rows_per_page);
        let mut children = Vec::new();
        for leaf in 0..leaf_count {
            let id = self.space.page(unit)?;
            children.push((id, (table.rows)(leaf * rows_per_page)));
        }
        let first = children.first().map_or(PageId::NULL, |c| c.0);
        let extents = unit.extents.clone();
        let mut builder = Builder { space: &mut self.space, pages: &mut self.pages };
        let root = builder.upper_levels(unit, layout, children)?;
        self.streamed.push(Streamed {
            table: table.clone(),
            layout: layout.clone(),
            unit: unit.id,
            minleaf: placed.minleaf,
            rows_per_page,
            leaf_count,
            extents,
        });
        Ok(Built { first, root, leaves: leaf_count })
    }
}

fn guid_text(g: &[u8; 16]) -> String {
    let h = |r: &[u8]| r.iter().fold(String::new(), |s, b| format!("{s}{b:02X}"));
    let turned = [g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6]];
    format!("{}-{}-{}-{}-{}", h(&turned[..4]), h(&turned[4..6]), h(&turned[6..]), h(&g[8..10]), h(&g[10..]))
}

/// Most pages of a log file: 2 TiB.
const LOG_LIMIT: i64 = 268_435_456;

/// Adds the rows that name the database's files and filegroups.
fn add_files(t: &mut Template, new: &NewDatabase, created: &str) -> Result<()> {
    for f in &new.files {
        let max = f.max_size.map_or(if f.log { LOG_LIMIT } else { -1 }, i64::from);
        let old_status = if f.log { 0x42 } else { 2 } | if f.percent { 0x10_0000 } else { 0 };
        t.add_row("sysfiles1", &[&old_status, &f.id, &f.logical_name, &f.physical_name])?;
        t.add(
            "sysprufiles",
            &[
                ("dbfragid", "1".into()),
                ("fileid", f.id.to_string()),
                ("grpid", f.filegroup.to_string()),
                ("status", if f.percent { "544" } else { "512" }.into()),
                ("filetype", u8::from(f.log).to_string()),
                ("filestate", "0".into()),
                ("size", f.size.to_string()),
                ("maxsize", max.to_string()),
                ("growth", f.growth.to_string()),
                ("lname", f.logical_name.clone()),
                ("pname", f.physical_name.clone()),
                ("fileguid", guid_text(&f.guid)),
                ("internalstatus", if f.log || new.version == Version::V706 { "0" } else { "4" }.into()),
                ("diffbasetime", "1900-01-01 00:00:00.000".into()),
                ("forkvc", "0".into()),
            ],
        )?;
    }
    for (id, name, default) in &new.filegroups {
        let status = i32::from(*default);
        t.add_row("sysclsobjs", &[&31, id, name, &status, &"FG", &0, &created, &created])?;
        t.add(
            "sysphfg",
            &[
                ("dbfragid", "1".into()),
                ("phfgid", id.to_string()),
                ("fgid", id.to_string()),
                ("type", "FG".into()),
                ("status", "0".into()),
                ("name", name.clone()),
            ],
        )?;
    }
    if new.filegroups.iter().any(|g| g.2) {
        let table = t.table_mut("sysclsobjs")?;
        let primary =
            |r: &&mut Vec<Option<String>>| r[0].as_deref() == Some("31") && r[1].as_deref() == Some("1");
        if let Some(row) = table.rows.iter_mut().find(primary) {
            row[3] = Some("0".into());
        }
    }
    // The moment of creation stands in the rows of the first data space and of dbo.
    let table = t.table_mut("sysclsobjs")?;
    for row in table.rows.iter_mut().filter(|r| r[0].as_deref() == Some("5")) {
        (row[6], row[7]) = (Some(created.to_owned()), Some(created.to_owned()));
    }
    t.set("sysowners", ("id", "1"), "modified", created)
}

/// Pages of the log file: 8 MiB.
pub const LOG_PAGES: u32 = 1024;

impl Database {
    /// The sample's kind of database, with tables.
    pub fn build(identity: Identity, tables: &[Table]) -> Result<Self> {
        Self::create(&NewDatabase::sample(identity), tables)
    }

    pub fn create(new: &NewDatabase, tables: &[Table]) -> Result<Self> {
        let mut template = Template::load(new.version)?;
        let created = holdfast_backup::MtfDate::from_unix(new.identity.created).to_string();
        let created = format!("{created}.000");
        add_files(&mut template, new, &created)?;
        template.set_collation(new.collation)?;
        let mut numbers = Numbers::after(&template, &created, new.collation)?;
        let mut placed = Vec::new();
        for table in tables {
            placed.push(table.place(&mut template, &mut numbers)?);
        }
        let ids: HashMap<&str, i32> =
            tables.iter().zip(&placed).map(|(t, p)| (t.name.as_str(), p.object)).collect();
        for (table, p) in tables.iter().zip(&placed) {
            table.place_references(&mut template, &mut numbers, p.object, &|name| ids.get(name).copied())?;
        }
        let units = template
            .table("sysallocunits")?
            .rows
            .iter()
            .filter(|r| r[1].as_deref() == Some("1"))
            .map(|r| (Template::number(r, 2), Template::number(r, 0)))
            .collect();
        let mut a = Assembly {
            template,
            space: Space::new(),
            pages: BTreeMap::new(),
            streamed: Vec::new(),
            units,
            collation: new.collation,
            name_order: new.name_order.clone(),
        };
        let all = rowsets(&a.template)?;
        // Row counts of the catalogue stand in sysrowsets, which is itself a table: they are known before it is built.
        for r in &all {
            let count = a.template.tables.iter().find(|t| t.id == r.object).map(|t| t.rows.len());
            if let Some(count) = count {
                a.set_row_count(r.id, count as u64)?;
            }
        }
        let base_of = |object: i32| all.iter().find(|r| r.object == object && r.index < 2);
        let base_tables: Vec<i32> = a.template.tables.iter().map(|t| t.id).collect();
        for r in all.iter().filter(|r| r.object != SYS_ALLOC_UNITS && base_tables.contains(&r.object)) {
            a.build_rowset(r, base_of(r.object))?;
        }
        for (table, p) in tables.iter().zip(&placed) {
            if let Some(r) = all.iter().find(|r| r.id == p.rowset) {
                a.build_table(table, *p, &r.layout)?;
            }
        }
        // sysallocunits names its own pages: built once to learn them, then again with what it learnt. Its records have
        // a fixed length, so the second build takes the same pages.
        let own: Vec<&Rowset> = all.iter().filter(|r| r.object == SYS_ALLOC_UNITS).collect();
        let space = a.space.clone();
        for r in &own {
            a.build_rowset(r, base_of(r.object))?;
        }
        a.space = space;
        for r in &own {
            a.build_rowset(r, base_of(r.object))?;
        }
        Self::finish(new, a, &numbers)
    }

    fn finish(new: &NewDatabase, mut a: Assembly, numbers: &Numbers) -> Result<Self> {
        let row = a.template.table("sysallocunits")?.rows.iter().find(|r| Template::number(r, 0) == 0x7_0000);
        let first = row.and_then(|r| r[5].as_deref()).unwrap_or("");
        let byte = |i: usize| {
            first.get(2 + 2 * i..4 + 2 * i).and_then(|s| u8::from_str_radix(s, 16).ok()).unwrap_or(0)
        };
        let first_sys_indexes = PageId::from_bytes([byte(0), byte(1), byte(2), byte(3), byte(4), byte(5)]);
        let facts = BootFacts {
            checkpoint: CHECKPOINT,
            collation: new.collation,
            first_sys_indexes,
            next_unit: (numbers.unit >> 16) as u64,
            status: new.status,
            database_id: new.database_id,
            compatibility: new.compatibility,
            backed_up: new.backed_up,
        };
        let identity = &new.identity;
        let primary = new.files.first().ok_or_else(|| GeneratorError::Template("no data file".into()))?;
        a.space.set_file_pages(primary.size);
        let file_pages = a.space.file_pages();
        let header = header_of(new, primary, file_pages);
        a.pages.insert(0, fixed::file_header(new.version, identity, &header)?);
        a.pages.insert(9, fixed::boot(new.version, identity, &facts)?);
        a.pages.extend(a.space.map_pages()?);
        for page in a.pages.values_mut() {
            stamp_checksum(page);
        }
        Ok(Database {
            identity: identity.clone(),
            pages: a.pages,
            streamed: a.streamed,
            backup_extents: a.space.backup_extents(),
            file_pages,
        })
    }

    /// Pages with content, by number, but those of large tables.
    pub fn pages(&self) -> impl Iterator<Item = (u32, &PageBytes)> {
        self.pages.iter().map(|(n, p)| (*n, p))
    }

    /// The bytes of a page; zeros where nothing was ever written.
    pub fn page(&self, number: u32) -> Result<PageBytes> {
        if let Some(page) = self.pages.get(&number) {
            return Ok(*page);
        }
        for s in &self.streamed {
            if let Some(page) = s.page(number)? {
                return Ok(page);
            }
        }
        Ok([0; PAGE_SIZE])
    }
}

fn header_of<'a>(new: &NewDatabase, f: &'a FileSpec, size: u32) -> HeaderFacts<'a> {
    HeaderFacts {
        file: f.id,
        filegroup: f.filegroup,
        logical_name: &f.logical_name,
        size,
        max_size: f.max_size.unwrap_or(u32::MAX),
        growth: f.growth,
        min_size: f.size,
        status: if f.percent { 0x20 } else { 0 },
        guid: f.guid,
        base: if new.backed_up { (CHECKPOINT, new.identity.backup_set) } else { (Lsn::ZERO, [0; 16]) },
    }
}

/// The map pages of a data file that holds nothing yet.
pub fn empty_map_pages(file: u16, size: u32) -> Result<Pages> {
    let mut space = Space::of_file(file);
    space.set_file_pages(size);
    let mut pages = space.map_pages()?;
    for page in pages.values_mut() {
        stamp_checksum(page);
    }
    Ok(pages)
}

/// The pages of a data file that holds nothing yet: header and maps.
pub fn empty_data_file(new: &NewDatabase, file: &FileSpec) -> Result<Pages> {
    let mut space = Space::of_file(file.id);
    space.set_file_pages(file.size);
    let mut pages = space.map_pages()?;
    pages.insert(0, fixed::file_header(new.version, &new.identity, &header_of(new, file, file.size))?);
    for page in pages.values_mut() {
        stamp_checksum(page);
    }
    Ok(pages)
}

impl Streamed {
    fn id_of(&self, leaf: u64) -> PageId {
        let extent = self.extents.get((leaf / 8) as usize).copied().unwrap_or(0);
        PageId::new(FILE, extent + (leaf % 8) as u32)
    }

    fn page(&self, number: u32) -> Result<Option<PageBytes>> {
        let Ok(extent) = self.extents.binary_search(&(number & !7)) else { return Ok(None) };
        let leaf = extent as u64 * 8 + u64::from(number & 7);
        if leaf >= self.leaf_count {
            return Ok(None);
        }
        let id = self.id_of(leaf);
        let mut page = [0u8; PAGE_SIZE];
        format_page(&mut page, id, PageType::Data, 0, self.unit, self.minleaf);
        let mut editor = PageEditor::new(&mut page);
        let from = leaf * self.rows_per_page;
        let to = (from + self.rows_per_page).min(self.table.row_count);
        for (slot, i) in (from..to).enumerate() {
            let row: Vec<Stored> = (self.table.rows)(i);
            editor.insert(slot as u16, &record(&self.layout, &row, RecordShape::Data)?)?;
        }
        if leaf > 0 {
            page[8..14].copy_from_slice(&self.id_of(leaf - 1).to_bytes());
        }
        if leaf + 1 < self.leaf_count {
            page[16..22].copy_from_slice(&self.id_of(leaf + 1).to_bytes());
        }
        stamp_checksum(&mut page);
        Ok(Some(page))
    }
}
