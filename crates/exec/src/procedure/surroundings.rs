//! What statements run in: the context that their expressions and operators see.
//!
//! Invariants
//! 1. Every statement has a context of its own: its time, what it reads and locks, its random numbers.
//! 2. Expressions that look at nothing but variables and settings ([`holdfast_plan::expr::Expr::is_plain`]) share one for as long as the
//!    settings stay: assignments and conditions of procedures are too many to make a context for each.

use std::sync::Arc;

use holdfast_engine::lock::{LockOwner, LockWait};
use holdfast_engine::transaction::Transaction as OpenTransaction;
use holdfast_types::DateTimeOffset;
use parking_lot::Mutex;

use super::function_call::FunctionRunner;
use super::run::{Runner, Scope, next_run};
use super::state::SharedSession;
use crate::context::{ExecContext, ModuleRunner, QueryContext, SessionInfo};
use crate::host::configuration;
use crate::operator::placed::Place;

/// What a runner's statements have in common.
#[derive(Default)]
pub struct Surroundings {
    /// Runs functions for statements at a level of calls, of scopes without cursors.
    functions: Mutex<Option<(u32, Arc<dyn ModuleRunner>)>>,
    /// Changes that are parts of one statement are under way: none of them is for good yet.
    pub parts: bool,
    /// Statistics are being made: what that reads asks for none.
    pub keeping_statistics: bool,
    /// Where plain expressions are evaluated.
    plain: Mutex<Option<Arc<QueryContext>>>,
}

impl Runner<'_> {
    /// The context of a statement that begins now.
    pub fn context(&self, scope: &Scope) -> ExecContext {
        ExecContext::new(self.query_context(scope), Arc::clone(&scope.frame))
    }

    /// The context of an expression: that of a statement unless it is plain.
    pub fn context_of(&self, plain: bool, scope: &Scope) -> ExecContext {
        if !plain {
            return self.context(scope);
        }
        let mut kept = self.surroundings.plain.lock();
        let state = self.session.state.lock();
        let query = match kept.as_ref().filter(|q| q.settings == state.settings) {
            Some(query) => Arc::clone(query),
            None => {
                drop(state);
                let query = self.query_context(scope);
                *kept = Some(Arc::clone(&query));
                query
            }
        };
        ExecContext::new(query, Arc::clone(&scope.frame))
    }

    fn functions(&self, scope: &Scope) -> Arc<dyn ModuleRunner> {
        let make = || {
            Arc::new(FunctionRunner {
                session: Arc::clone(&self.session),
                shared: Arc::clone(&self.shared),
                temporary: Arc::clone(&self.temporary),
                cursors: Arc::clone(&self.cursors),
                level: self.level,
                local_cursors: {
                    // -2: a variable that refers to none.
                    let unset = scope.unit.layout.cursors.iter().map(|name| (name.clone(), -2));
                    unset.chain(scope.cursors.iter().map(|(name, c)| (name.clone(), c.status()))).collect()
                },
            })
        };
        if !scope.cursors.is_empty() || !scope.unit.layout.cursors.is_empty() {
            return make();
        }
        let mut kept = self.surroundings.functions.lock();
        match &*kept {
            Some((level, functions)) if *level == self.level => Arc::clone(functions),
            _ => {
                let made: Arc<dyn ModuleRunner> = make();
                *kept = Some((self.level, Arc::clone(&made)));
                made
            }
        }
    }

    /// For a plan that begins at a place; outside a transaction `held` keeps its locks.
    pub fn context_at(
        &self,
        scope: &Scope,
        place: Place,
        held: Option<&Arc<OpenTransaction>>,
    ) -> ExecContext {
        self.context_held(scope, held).at(place)
    }

    /// As `context`; outside a transaction `held` keeps the locks.
    pub fn context_held(&self, scope: &Scope, held: Option<&Arc<OpenTransaction>>) -> ExecContext {
        let mut query = self.new_query_context(scope);
        if let Some(held) = held.filter(|_| self.session.open_transaction().is_none()) {
            let held = Arc::clone(held);
            query = query.with_own(Box::new(move || Arc::clone(&held)));
        }
        ExecContext::new(Arc::new(query), Arc::clone(&scope.frame))
    }

    pub fn query_context(&self, scope: &Scope) -> Arc<QueryContext> {
        Arc::new(self.new_query_context(scope))
    }

    /// Reads what is there now, and keeps it so until the transaction of `owner` ends, whatever the session's level is.
    pub fn serializable_context(&self, scope: &Scope, owner: LockOwner, wait: LockWait) -> ExecContext {
        let mut query = self.new_query_context(scope);
        query.read_serializable(owner, wait);
        ExecContext::new(Arc::new(query), Arc::clone(&scope.frame))
    }

    fn new_query_context(&self, scope: &Scope) -> QueryContext {
        let session = &self.session;
        let info: Arc<dyn SessionInfo> = Arc::clone(session) as Arc<dyn SessionInfo>;
        let (now, read) = (now(session), session.read_context());
        // 100 ns since the first day: a day has less than 2^40 of them.
        let ticks = (now.utc.date.0 as u64) << 40 | now.utc.time.0;
        let seed = ticks ^ next_run().wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (settings, profile) = {
            let state = session.state.lock();
            (state.settings.clone(), state.statistics.profile.clone())
        };
        let mut context = QueryContext::with_parts(info, settings, now, session.cancel.clone(), read)
            .with_modules(self.functions(scope))
            .with_memory(session.host.settings.query_memory(), Arc::clone(&session.host.spill_directory))
            .with_seed(seed);
        context.profile = profile;
        let degree = session.host.settings.in_use(configuration::MAX_DEGREE_OF_PARALLELISM);
        if let Some(degree) = usize::try_from(degree).ok().filter(|d| *d > 0) {
            context.workers = context.workers.min(degree);
        }
        if session.open_transaction().is_none() {
            let session = Arc::clone(session);
            context = context.with_own(Box::new(move || session.new_transaction()));
        }
        context
    }
}

/// Local time with its offset.
pub fn now(session: &SharedSession) -> DateTimeOffset {
    let clock = &session.host.clock;
    let utc = clock.now_utc();
    let offset = clock.local_offset_minutes(utc);
    let ticks = utc.as_nanos() / 100;
    let day = 864_000_000_000u128;
    // Days from 0001-01-01 to 1970-01-01.
    let days = 719_162 + i32::try_from(ticks / day).unwrap_or(0);
    DateTimeOffset {
        utc: holdfast_types::DateTime2 {
            date: holdfast_types::Date(days),
            time: holdfast_types::Time((ticks % day) as u64),
        },
        offset_minutes: i16::try_from(offset).unwrap_or(0),
    }
}
