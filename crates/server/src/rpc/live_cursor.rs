//! Server cursors that see later changes: the session's cursors ([`holdfast_exec::server_cursor`]) under handles.
//!
//! Invariants
//! 1. A handle's cursor is one of the session, called API_CURSOR and the handle's number as SQL Server calls them.
//! 2. What the session says when it opens one goes to the client; 16945 follows when it is not open then.
//! 3. FORWARD_ONLY stays what the client is told whatever moves under it.

use holdfast_exec::server_cursor::{
    BlockFetch, CursorConcurrency, CursorModel, CursorState, CursorWish, fetched_columns,
};
use holdfast_exec::session::{Done, DoneKind, RequestEnd, ResultSink, SqlSession};
use holdfast_types::SqlError;

use super::cursor::{Cursor, Cursors, Opening, Wish, concurrency, fetch, not_a_fetch, scroll};
use super::forward::{Forward, Quiet};
use super::prepared::{ended, values};
use super::{Outcome, end_call};

/// A cursor of the session.
pub struct Live {
    pub name: String,
}

/// Whether a client asks for a cursor that sees changes or makes them.
pub fn is_wanted(wish: &Wish) -> bool {
    match wish.scroll & 0x1F {
        scroll::KEYSET | scroll::DYNAMIC => true,
        scroll::FORWARD_ONLY => concurrency_of(wish) != concurrency::READ_ONLY,
        _ => false,
    }
}

/// The concurrency asked for; OPTIMISTIC unless the client says another.
pub fn concurrency_of(wish: &Wish) -> i32 {
    match wish.concurrency & 0xF {
        c @ (concurrency::READ_ONLY | concurrency::SCROLL_LOCKS | concurrency::OPTIMISTIC_VALUES) => c,
        _ => concurrency::OPTIMISTIC,
    }
}

/// What a cursor has become, in the numbers of scrollopt and ccopt.
fn granted(wish: &Wish, state: &CursorState) -> (i32, i32) {
    let model = match state.model {
        _ if wish.scroll & 0x1F == scroll::FORWARD_ONLY => scroll::FORWARD_ONLY,
        CursorModel::Keyset => scroll::KEYSET,
        CursorModel::Dynamic => scroll::DYNAMIC,
        CursorModel::Static => scroll::STATIC,
    };
    let concurrency = match (state.concurrency, concurrency_of(wish)) {
        (CursorConcurrency::ReadOnly, _) => concurrency::READ_ONLY,
        (CursorConcurrency::ScrollLocks, _) => concurrency::SCROLL_LOCKS,
        (_, concurrency::OPTIMISTIC_VALUES) => concurrency::OPTIMISTIC_VALUES,
        _ => concurrency::OPTIMISTIC,
    };
    (model, concurrency)
}

/// 16945.
fn not_declared() -> SqlError {
    SqlError::with_text(16_945, 16, "The cursor was not declared.")
}

/// 16917: closed under its handle, by the end of a transaction say.
pub fn not_open() -> SqlError {
    SqlError::with_text(16_917, 16, "Cursor is not open.")
}

impl Cursors {
    /// Opens a cursor of the session and answers the call.
    pub(super) fn open_live(
        &mut self,
        session: &mut dyn SqlSession,
        call: &Opening<'_>,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let Opening { statement, wish, request, .. } = *call;
        let handle = self.next_handle();
        let live = Live { name: format!("api_cursor{handle:016x}") };
        let scroll = wish.scroll & 0x1F;
        let asked = CursorWish {
            name: live.name.clone(),
            model: if scroll == scroll::KEYSET { CursorModel::Keyset } else { CursorModel::Dynamic },
            concurrency: match concurrency_of(wish) {
                concurrency::READ_ONLY => CursorConcurrency::ReadOnly,
                concurrency::SCROLL_LOCKS => CursorConcurrency::ScrollLocks,
                _ => CursorConcurrency::Optimistic,
            },
            forward_only: scroll == scroll::FORWARD_ONLY,
        };
        let mut quiet = Quiet::new(sink);
        let given = values(statement, request, wish.first);
        let end = match session.cursors() {
            Some(cursors) => cursors.open_cursor(&asked, statement, given, wish.first, &mut quiet),
            None => return not_declared().into(),
        };
        if end != RequestEnd::Finished {
            return Outcome::Done(end);
        }
        let Some(state) = live.state(session) else { return not_declared().into() };
        let (model, concurrency) = granted(wish, &state);
        let rows = i32::try_from(state.rows).unwrap_or(-1);
        if wish.scroll & scroll::AUTO_FETCH == 0 {
            let mut answer = || {
                let columns = fetched_columns(&state.columns);
                match state.concurrency {
                    CursorConcurrency::ReadOnly => sink.columns(&columns)?,
                    _ => sink.changeable_columns(&columns)?,
                }
                sink.origins(&state.origins)?;
                sink.done(Done { kind: DoneKind::InProc, rows: Some(0), error: false, command: 0xC1 })?;
                sink.return_status(0)?;
                call.tell([handle, model, concurrency, rows], sink)?;
                end_call(sink, false)
            };
            let told = answer();
            self.open.insert(handle, Cursor::Live(live));
            return ended(told, RequestEnd::Finished);
        }
        let count = u64::try_from(wish.rows.max(1)).unwrap_or(1);
        let mut forward = Forward::new(sink).with_origins(state.origins.clone());
        let end = match session.cursors() {
            Some(cursors) => cursors.fetch_block(&live.name, BlockFetch::Next, count, &mut forward),
            None => return not_declared().into(),
        };
        let fetched = live.state(session).map_or(0, |s| s.fetched as u64);
        let all = fetched < count || u64::try_from(state.rows).is_ok_and(|rows| rows <= fetched);
        if end != RequestEnd::Finished || forward.failed() {
            live.close(session);
            return match end {
                RequestEnd::Finished => ended(forward.finish(|_| Ok(())), end),
                end => Outcome::Done(end),
            };
        }
        let handle = if wish.scroll & scroll::AUTO_CLOSE != 0 && all {
            live.close(session);
            0
        } else {
            self.open.insert(handle, Cursor::Live(live));
            handle
        };
        ended(forward.finish(|sink| call.tell([handle, model, concurrency, rows], sink)), end)
    }
}

impl Live {
    pub fn state(&self, session: &mut dyn SqlSession) -> Option<CursorState> {
        session.cursors()?.cursor_state(&self.name)
    }

    /// What INFO answers: where it stands and how many rows it has.
    pub fn position(&self, session: &mut dyn SqlSession) -> (i64, i64) {
        self.state(session).map_or((0, 0), |s| (s.position, s.rows))
    }

    pub fn fetch(
        &self,
        session: &mut dyn SqlSession,
        kind: i32,
        row: i64,
        count: i64,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let how = match kind & 0x0FFF & !fetch::SKIP_CHECKS {
            fetch::FIRST => BlockFetch::First,
            fetch::NEXT => BlockFetch::Next,
            fetch::PREVIOUS => BlockFetch::Previous { adjusted: true },
            fetch::PREVIOUS_NO_ADJUST => BlockFetch::Previous { adjusted: false },
            fetch::LAST => BlockFetch::Last,
            fetch::ABSOLUTE => BlockFetch::Absolute(row),
            fetch::RELATIVE => BlockFetch::Relative(row),
            fetch::REFRESH => BlockFetch::Refresh,
            other => return not_a_fetch(other).into(),
        };
        let count = u64::try_from(count).unwrap_or(0);
        match session.cursors() {
            Some(cursors) => Outcome::Done(cursors.fetch_block(&self.name, how, count, sink)),
            None => not_open().into(),
        }
    }

    pub fn name(&self, session: &mut dyn SqlSession, name: &str) -> Result<(), SqlError> {
        match session.cursors() {
            Some(cursors) => cursors.name_cursor(&self.name, name),
            None => Err(not_open()),
        }
    }

    pub fn close(&self, session: &mut dyn SqlSession) {
        if let Some(cursors) = session.cursors() {
            cursors.close_cursor(&self.name);
        }
    }
}
