//! Blocks: the rows that a client of the API fetches together from a cursor, which are its fetch buffer until the next fetch.
//!
//! Invariants
//! 1. The buffer's rows stay at the cursor with their keys and bookmarks; WHERE CURRENT OF means the chosen one, the first unless a client
//!    chose another. A FETCH of T-SQL ends the buffer.
//! 2. NEXT goes on behind the block's last row and PREVIOUS before its first one.
//! 3. A block of a keyset has its missing rows, too; of a dynamic cursor only when it is read again.
//! 4. What a client inserts through a keyset cursor over one table becomes its last row.
//! 5. A fetch that fails leaves the buffer as it was.
//!
//! Source: sp_cursorfetch as documented; of rows before the first or behind the last one there are none, as for T-SQL's cursors.

use std::sync::Arc;

use holdfast_engine::transaction::Transaction as OpenTransaction;
use holdfast_types::{Batch, SqlError, SqlResult, SqlType, Value};

use super::browse::column_origins;
use super::call::Returned;
use super::cursor::{
    Cursor, Keyed, MISSING, Open, OpenRows, SCROLL_LOCKS, empty_buffer, in_use, missing, model, no_absolute,
    not_open,
};
use super::cursor_dynamic::DynamicBlock;
use super::query::SELECT;
use super::run::{Fail, Runner, Scope};
use super::unit::Unit;
use crate::server_cursor::{BlockFetch, fetched_columns, fetched_origins};
use crate::session::{Origins, ResultColumn};

/// Rows that are sent together.
const STEP: usize = 512;

/// ROWSTAT.
const FETCHED: i32 = 1;
const GONE: i32 = 2;

/// The rows of a cursor's last fetch.
pub struct Block {
    rows: BlockRows,
    /// From 0.
    chosen: usize,
}

enum BlockRows {
    /// Of a cursor whose rows OPEN has copied.
    Kept(KeptBlock),
    Dynamic(DynamicBlock),
}

#[derive(Default)]
struct KeptBlock {
    /// Of the rows, from 0.
    places: Vec<usize>,
    missing: Vec<bool>,
    /// Number of the first row (0: it stands before the first), and the one that NEXT begins with.
    begin: i64,
    end: i64,
}

impl Block {
    fn missing(&self) -> &[bool] {
        match &self.rows {
            BlockRows::Kept(b) => &b.missing,
            BlockRows::Dynamic(b) => &b.missing,
        }
    }

    pub fn len(&self) -> usize {
        self.missing().len()
    }

    pub fn stands_at_hole(&self) -> bool {
        self.missing().get(self.chosen).is_some_and(|m| *m)
    }

    /// The chosen row, with what comes after the client's columns.
    pub fn row(&self, all: &OpenRows) -> SqlResult<Option<Vec<Value>>> {
        if self.chosen >= self.len() {
            return Ok(None);
        }
        match (&self.rows, all) {
            (BlockRows::Kept(b), OpenRows::Kept { rows, .. }) => rows.get(b.places[self.chosen]),
            (BlockRows::Dynamic(b), _) => b.rows.get(self.chosen),
            _ => Ok(None),
        }
    }

    /// The chosen row has another bookmark now.
    pub fn set_bookmark(&mut self, all: &mut OpenRows, column: usize, bookmark: &[u8]) -> SqlResult<()> {
        let Some(mut row) = self.row(all)? else { return Ok(()) };
        row[column] = Value::binary(bookmark);
        match (&mut self.rows, all) {
            (BlockRows::Kept(b), OpenRows::Kept { rows, .. }) => rows.set(b.places[self.chosen], &row),
            (BlockRows::Dynamic(b), _) => b.rows.set(self.chosen, &row),
            _ => Ok(()),
        }
    }

    fn into_dynamic(self) -> Option<DynamicBlock> {
        match self.rows {
            BlockRows::Dynamic(b) => Some(b),
            BlockRows::Kept(_) => None,
        }
    }

    fn of_dynamic(block: DynamicBlock) -> Self {
        Block { rows: BlockRows::Dynamic(block), chosen: 0 }
    }
}

impl Open {
    /// The number of the row that the buffer begins with, as [`crate::server_cursor::CursorState::position`] has it.
    pub(super) fn block_position(&self) -> i64 {
        match (&self.block, &self.rows) {
            (Some(Block { rows: BlockRows::Kept(b), .. }), OpenRows::Kept { rows, .. }) => {
                if b.begin > rows.len() as i64 { -1 } else { b.begin }
            }
            (_, OpenRows::Kept { rows, position, .. }) => {
                if *position > rows.len() {
                    -1
                } else {
                    *position as i64
                }
            }
            (_, OpenRows::Dynamic(d)) => d.as_ref().map_or(0, |d| d.side()),
        }
    }

    /// Has WHERE CURRENT OF mean a row of the buffer, from 1.
    pub(super) fn choose(&mut self, row: usize) -> SqlResult<()> {
        let Some(block) = self.block.as_mut().filter(|b| b.len() > 0) else { return Err(empty_buffer()) };
        match row.checked_sub(1).filter(|at| *at < block.len()) {
            Some(at) => block.chosen = at,
            None => return Err(not_in_buffer()),
        }
        Ok(())
    }
}

/// 16930.
fn not_in_buffer() -> SqlError {
    SqlError::with_text(16_930, 16, "The requested row is not in the fetch buffer.")
}

/// Sends fetched rows with ROWSTAT.
struct Sending {
    /// Of the client's columns and ROWSTAT.
    types: Vec<SqlType>,
    waiting: Vec<Vec<Value>>,
    sent: u64,
}

impl Sending {
    /// `None`: the row is missing.
    fn row(&mut self, runner: &mut Runner<'_>, row: Option<Vec<Value>>) -> Result<(), Fail> {
        let width = self.types.len() - 1;
        let status = if row.is_some() { FETCHED } else { GONE };
        let mut values = row.unwrap_or_else(|| vec![Value::Null; width]);
        values.truncate(width);
        values.push(Value::Int(status));
        self.waiting.push(values);
        self.sent += 1;
        if self.waiting.len() >= STEP { self.hand_over(runner) } else { Ok(()) }
    }

    fn hand_over(&mut self, runner: &mut Runner<'_>) -> Result<(), Fail> {
        if !self.waiting.is_empty() {
            runner.sink.rows(&Batch::from_rows(&self.types, &self.waiting)?)?;
            self.waiting.clear();
        }
        Ok(())
    }
}

/// Rows that an INSERT has put into a table, in the order of its columns; whether they have stayed is another question.
pub struct Watched {
    pub table: (i32, i32),
    pub rows: Vec<Vec<Value>>,
}

/// The client's columns of an open cursor: rows can turn out to be missing.
pub fn client_columns(columns: &[ResultColumn]) -> Vec<ResultColumn> {
    columns.iter().map(|c| ResultColumn { nullable: true, ..c.clone() }).collect()
}

impl Runner<'_> {
    fn cursor_of_client(&self, name: &str) -> Result<Cursor, Fail> {
        self.cursors.lock().get(name).cloned().ok_or_else(|| missing(name))
    }

    fn no_scope(&self) -> Scope {
        let unit = Unit::new("", Vec::new(), Vec::new(), Default::default());
        Scope::new(unit, &self.session.host.temporary_rows)
    }

    fn begin_sending(&mut self, columns: &[ResultColumn], changeable: bool) -> Result<Sending, Fail> {
        let all = fetched_columns(&client_columns(columns));
        match changeable {
            true => self.sink.changeable_columns(&all)?,
            false => self.sink.columns(&all)?,
        }
        // Microsoft's ODBC driver takes columns of which a fetch does not say this for computed ones.
        let tables = Vec::new();
        self.sink.origins(&Origins { tables, ..fetched_origins(column_origins(columns, &self.session)) })?;
        Ok(Sending { types: all.iter().map(|c| c.ty).collect(), waiting: Vec::new(), sent: 0 })
    }

    /// Fetches a block and answers its rows.
    pub(super) fn fetch_block(
        &mut self,
        name: &str,
        fetch: BlockFetch,
        count: u64,
    ) -> Result<Returned, Fail> {
        let cursor = self.cursor_of_client(name)?;
        self.begin_implicitly()?;
        self.session.state.lock().fetch_status = -1;
        let (columns, dynamic, locks, changeable) = {
            let mut c = cursor.0.lock();
            let changeable = c.changeable();
            let (forward, locks) = (c.forward_only, c.concurrency == SCROLL_LOCKS);
            let Some(open) = &mut c.open else { return Err(not_open().state(2).into()) };
            if open.model == model::DYNAMIC && matches!(fetch, BlockFetch::Absolute(_)) {
                return Err(no_absolute().into());
            }
            if forward && !matches!(fetch, BlockFetch::Next | BlockFetch::Refresh) {
                let text = format!(
                    "sp_cursorfetch: The fetch type {} cannot be used with forward only cursors.",
                    word(fetch)
                );
                return Err(SqlError::with_text(16_911, 16, text).into());
            }
            let dynamic = match &mut open.rows {
                OpenRows::Kept { .. } => None,
                OpenRows::Dynamic(d) => Some((d.take().ok_or_else(in_use)?, open.block.take())),
            };
            (Arc::clone(&open.columns), dynamic, locks, changeable)
        };
        let (sent, status) = match dynamic {
            None => {
                let held = locks.then(|| self.session.new_transaction());
                let mut sending = self.begin_sending(&columns, changeable)?;
                let block = self.fetch_kept_block(&cursor, fetch, count, held.as_ref(), &mut sending)?;
                sending.hand_over(self)?;
                let first = block.missing.first().copied();
                if let Some(open) = &mut cursor.0.lock().open {
                    if let OpenRows::Kept { position, hole, .. } = &mut open.rows {
                        (*position, *hole) = (block.begin.max(0) as usize, first.unwrap_or(false));
                    }
                    open.block = Some(Block { rows: BlockRows::Kept(block), chosen: 0 });
                    open.held = held;
                }
                (sending.sent, status(first))
            }
            Some((mut dynamic, last)) => {
                let last = last.and_then(Block::into_dynamic);
                let read = self.fetch_dynamic_block(&mut dynamic, last.as_ref(), fetch, count);
                let (block, read) = match read {
                    Ok(block) => (Some(block), Ok(())),
                    Err(fail) => (last, Err(fail)),
                };
                let rows = block.as_ref().map(|b| (b.rows.clone(), b.missing.clone()));
                if let Some(open) = &mut cursor.0.lock().open {
                    if let OpenRows::Dynamic(place) = &mut open.rows {
                        *place = Some(dynamic);
                    }
                    open.block = block.map(Block::of_dynamic);
                }
                read?;
                let mut sending = self.begin_sending(&columns, changeable)?;
                let (rows, missing) = rows.unwrap_or_else(|| (self.no_rows_of(&columns), Vec::new()));
                for (at, missing) in missing.iter().enumerate() {
                    let row = if *missing { None } else { rows.get(at)? };
                    sending.row(self, row)?;
                }
                sending.hand_over(self)?;
                (sending.sent, status(missing.first().copied()))
            }
        };
        {
            let mut c = cursor.0.lock();
            (c.fetch_status, c.last_operation) = (status, 2);
        }
        self.session.state.lock().fetch_status = status;
        self.counted(sent, SELECT, true)?;
        Ok(Returned::status(0))
    }

    /// Runs an INSERT of a client through a cursor; the rows come to stand at the end of a keyset.
    pub(super) fn insert_through(
        &mut self,
        name: &str,
        insert: impl FnOnce(&mut Self) -> Result<Returned, Fail>,
    ) -> Result<Returned, Fail> {
        let cursor = self.cursor_of_client(name)?;
        let keyset = match &cursor.0.lock().open {
            Some(Open { model: model::KEYSET, rows: OpenRows::Kept { keyset: Some(k), .. }, .. }) => {
                Some(Arc::clone(k))
            }
            _ => None,
        };
        let of_one = keyset.as_ref().and_then(|k| k.of_one.clone());
        let Some((table, key)) = of_one else { return insert(self) };
        self.watched = Some(Watched { table, rows: Vec::new() });
        let done = insert(self);
        let rows = self.watched.take().map_or_else(Vec::new, |w| w.rows);
        let returned = done?;
        let scope = self.no_scope();
        for row in rows {
            // The row is in the table, whether it can be read just now or not: that is no failure of the INSERT.
            if let Ok(Some(row)) = self.row_of_key(&cursor, &key, &row, &scope)
                && let Some(Open { rows: OpenRows::Kept { rows, .. }, .. }) = &mut cursor.0.lock().open
            {
                rows.append(&[row])?;
            }
        }
        Ok(returned)
    }

    /// A row of a keyset over one table by a row of that table.
    fn row_of_key(
        &mut self,
        cursor: &Cursor,
        key: &[usize],
        values: &[Value],
        scope: &Scope,
    ) -> Result<Option<Vec<Value>>, Fail> {
        let (keyed, width) = {
            let c = cursor.0.lock();
            let Some(Open { columns, rows: OpenRows::Kept { keyset: Some(k), .. }, .. }) = &c.open else {
                return Ok(None);
            };
            let mut row = vec![Value::Null; columns.len()];
            row.extend(key.iter().map(|at| values.get(*at).cloned().unwrap_or(Value::Null)));
            let (keyset, frame) = (Arc::clone(k), Arc::clone(&c.frame));
            (Keyed { keyset, frame, row, locks: None }, columns.len())
        };
        self.keyset_row(&keyed, width, scope)
    }

    fn no_rows_of(&self, columns: &[ResultColumn]) -> super::memory_table::RowList {
        let types: Vec<SqlType> = columns.iter().map(|c| c.ty).collect();
        super::memory_table::RowList::new(&types, &self.session.host.temporary_rows)
    }

    /// A block of rows that OPEN has copied, read anew where they have keys.
    fn fetch_kept_block(
        &mut self,
        cursor: &Cursor,
        fetch: BlockFetch,
        count: u64,
        locks: Option<&Arc<OpenTransaction>>,
        sending: &mut Sending,
    ) -> Result<KeptBlock, Fail> {
        let scope = self.no_scope();
        let (total, begin, end, passes, last) = {
            let c = cursor.0.lock();
            let Some(Open { model, rows: OpenRows::Kept { rows, position, keyset, .. }, block, .. }) =
                &c.open
            else {
                return Err(not_open().into());
            };
            let total = rows.len() as i64;
            let (begin, end, last) = match block {
                Some(Block { rows: BlockRows::Kept(b), .. }) => (b.begin, b.end, b.places.clone()),
                _ => (*position as i64, (*position as i64 + 1).min(total + 1), Vec::new()),
            };
            (total, begin, end, *model == model::DYNAMIC && keyset.is_some(), last)
        };
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        if fetch == BlockFetch::Refresh {
            let mut block = KeptBlock { begin, end, ..KeptBlock::default() };
            for place in last {
                let row = self.kept_row(cursor, place, &scope, locks, true)?;
                block.places.push(place);
                block.missing.push(row.is_none());
                sending.row(self, row)?;
            }
            return Ok(block);
        }
        let (start, count) = match fetch {
            BlockFetch::First if count == 0 => (0, 0),
            BlockFetch::First => (1, count),
            BlockFetch::Next | BlockFetch::Refresh => (end, count),
            BlockFetch::Previous { .. } if begin > 1 && count >= begin && !passes => match fetch {
                // A block that would begin before the first row begins with it.
                BlockFetch::Previous { adjusted: true } => (1, count),
                _ => (1, begin - 1),
            },
            BlockFetch::Previous { .. } => (begin.saturating_sub(count), count),
            BlockFetch::Last => ((total - count.min(total) + 1).max(1), count),
            BlockFetch::Absolute(n) if n < 0 => (total + n + 1, count),
            BlockFetch::Absolute(n) => (n, count),
            BlockFetch::Relative(n) => (begin.saturating_add(n), count),
        };
        let backward = matches!(fetch, BlockFetch::Previous { .. } | BlockFetch::Last) && passes && count > 0;
        if backward {
            let behind = if fetch == BlockFetch::Last { total } else { begin - 1 };
            let mut found = Vec::new();
            for place in (0..behind.max(0) as usize).rev() {
                if found.len() as i64 == count {
                    break;
                }
                if let Some(row) = self.kept_row(cursor, place, &scope, locks, true)? {
                    found.push((place, row));
                }
            }
            if found.is_empty() {
                return Ok(KeptBlock { end: 1, ..KeptBlock::default() });
            }
            let short = (found.len() as i64) < count;
            if !short || fetch != (BlockFetch::Previous { adjusted: true }) {
                let mut block = KeptBlock::default();
                for (place, row) in found.into_iter().rev() {
                    block.places.push(place);
                    block.missing.push(false);
                    sending.row(self, Some(row))?;
                }
                return Ok(block.bounded(total));
            }
        }
        let start = if backward { 1 } else { start };
        if start < 1 || total == 0 {
            return Ok(KeptBlock { end: 1, ..KeptBlock::default() });
        }
        let mut block =
            KeptBlock { begin: start.min(total + 1), end: start.min(total + 1), ..KeptBlock::default() };
        let mut next = start - 1;
        while next < total && (block.places.len() as i64) < count {
            let place = next as usize;
            next += 1;
            let row = self.kept_row(cursor, place, &scope, locks, true)?;
            if row.is_none() && passes {
                continue;
            }
            block.places.push(place);
            block.missing.push(row.is_none());
            sending.row(self, row)?;
        }
        if passes && block.places.is_empty() && count > 0 {
            return Ok(KeptBlock { begin: total + 1, end: total + 1, ..KeptBlock::default() });
        }
        Ok(block.bounded(total))
    }

    /// A copied row by its place, from 0, as it is now; `None`: it is missing. `store`: the copy becomes what was read.
    fn kept_row(
        &mut self,
        cursor: &Cursor,
        place: usize,
        scope: &Scope,
        locks: Option<&Arc<OpenTransaction>>,
        store: bool,
    ) -> Result<Option<Vec<Value>>, Fail> {
        let (row, keyed, width) = {
            let c = cursor.0.lock();
            let Some(Open { columns, rows: OpenRows::Kept { rows, keyset, .. }, .. }) = &c.open else {
                return Err(not_open().into());
            };
            let row = rows.get(place)?;
            let keyed = match (keyset, &row) {
                (Some(k), Some(row)) => Some(Keyed {
                    keyset: Arc::clone(k),
                    frame: Arc::clone(&c.frame),
                    row: row.clone(),
                    locks: locks.cloned(),
                }),
                _ => None,
            };
            (row, keyed, columns.len())
        };
        let Some(keyed) = keyed else { return Ok(row) };
        let row = self.keyset_row(&keyed, width, scope)?;
        if let (Some(now), true) = (&row, store)
            && let Some(Open { rows: OpenRows::Kept { rows, .. }, .. }) = &mut cursor.0.lock().open
        {
            rows.set(place, now)?;
        }
        Ok(row)
    }

    /// Reads rows of the buffer anew and answers them, or locks them.
    pub(super) fn reread_block(
        &mut self,
        name: &str,
        row: Option<usize>,
        lock: bool,
    ) -> Result<Returned, Fail> {
        let cursor = self.cursor_of_client(name)?;
        self.begin_implicitly()?;
        let (columns, mut block, dynamic, mut held) = {
            let mut c = cursor.0.lock();
            let Some(open) = &mut c.open else { return Err(not_open().into()) };
            let len = open.block.as_ref().map_or(0, Block::len);
            if len == 0 {
                return Err(empty_buffer().into());
            }
            if row.is_some_and(|row| !(1..=len).contains(&row)) {
                return Err(not_in_buffer().into());
            }
            let dynamic = match &mut open.rows {
                OpenRows::Kept { .. } => None,
                OpenRows::Dynamic(d) => Some(d.take().ok_or_else(in_use)?),
            };
            let Some(block) = open.block.take() else { return Err(empty_buffer().into()) };
            (Arc::clone(&open.columns), block, dynamic, open.held.clone())
        };
        let mut dynamic = dynamic;
        let chosen = match row {
            Some(row) => row - 1..row,
            None => 0..block.len(),
        };
        let done = self.reread(&cursor, &columns, &mut block, &mut dynamic, &mut held, chosen, lock);
        if let Some(open) = &mut cursor.0.lock().open {
            if let (OpenRows::Dynamic(place), Some(dynamic)) = (&mut open.rows, dynamic) {
                *place = Some(dynamic);
            }
            open.block = Some(block);
            open.held = held;
        }
        done?;
        Ok(Returned::status(0))
    }

    #[allow(clippy::too_many_arguments)]
    fn reread(
        &mut self,
        cursor: &Cursor,
        columns: &[ResultColumn],
        block: &mut Block,
        dynamic: &mut Option<Box<super::cursor_dynamic::Dynamic>>,
        held: &mut Option<Arc<OpenTransaction>>,
        chosen: std::ops::Range<usize>,
        lock: bool,
    ) -> Result<(), Fail> {
        let scope = self.no_scope();
        if lock && held.is_none() {
            *held = Some(self.session.new_transaction());
        }
        let changeable = cursor.0.lock().changeable();
        let mut sending = if lock { None } else { Some(self.begin_sending(columns, changeable)?) };
        for at in chosen {
            let row = match (&mut block.rows, &mut *dynamic) {
                (BlockRows::Kept(b), _) => {
                    let row = self.kept_row(cursor, b.places[at], &scope, held.as_ref(), !lock)?;
                    if !lock {
                        b.missing[at] = row.is_none();
                    }
                    row
                }
                (BlockRows::Dynamic(b), Some(d)) if lock => {
                    self.lock_dynamic(d, b, at)?;
                    None
                }
                (BlockRows::Dynamic(b), Some(d)) => {
                    let keeps = d.held();
                    self.refresh_dynamic(d, b, at, keeps.as_ref())?;
                    if b.missing[at] { None } else { b.rows.get(at)? }
                }
                (BlockRows::Dynamic(_), None) => None,
            };
            if let Some(sending) = &mut sending {
                sending.row(self, row)?;
            }
        }
        if let Some(mut sending) = sending {
            sending.hand_over(self)?;
            self.counted(sending.sent, SELECT, true)?;
        }
        Ok(())
    }
}

impl KeptBlock {
    /// With the bounds of its rows, of so many.
    fn bounded(mut self, total: i64) -> Self {
        if let (Some(first), Some(last)) = (self.places.first(), self.places.last()) {
            (self.begin, self.end) = (*first as i64 + 1, (*last as i64 + 2).min(total + 1));
        }
        self
    }
}

/// @@FETCH_STATUS of a block whose first row is missing or not.
fn status(first: Option<bool>) -> i32 {
    match first {
        Some(false) => 0,
        Some(true) => MISSING,
        None => -1,
    }
}

fn word(fetch: BlockFetch) -> &'static str {
    match fetch {
        BlockFetch::First => "first",
        BlockFetch::Next => "next",
        BlockFetch::Previous { .. } => "prior",
        BlockFetch::Last => "last",
        BlockFetch::Absolute(_) => "absolute",
        BlockFetch::Relative(_) => "relative",
        BlockFetch::Refresh => "refresh",
    }
}
