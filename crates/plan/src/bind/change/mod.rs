//! Statements that change rows: their targets, new values and OUTPUT clauses.
//!
//! Module map: [`target`] which table a name or view comes down to, [`rules`] what a table asks of its rows, [`insert`],
//! [`update`] (and DELETE), [`merge`], [`output`], [`partitioned_view`] changes of UNION ALL views.

mod insert;
mod merge;
mod output;
mod partitioned_view;
mod rules;
mod target;
mod update;

use std::sync::Arc;

use holdfast_types::{SqlError, SqlResult, SqlType, TypeId};

use super::{Binder, Coerce, Level, ScopeColumn, Source, Typed, err};
use crate::access::{AccessKind, Accesses};
use crate::build::Builder;
use crate::change::{BoundChange, BoundOutput, ChangeKind, SetItem, SetValue, TargetTable};
use crate::cost::Estimator;
use crate::expr::{Expr, ExprKind};
use crate::logical::{Col, ColumnId, LogicalPlan};
use crate::placed::place;
use crate::rules::{rewrite, rewrite_expr};

/// A bound change before its plan is built: expressions over column ids.
struct Draft {
    kind: ChangeKind,
    target: Arc<TargetTable>,
    plan: LogicalPlan,
    bookmark: Option<Col>,
    /// The target's columns as read, those that somebody asks for.
    old: Vec<Option<Col>>,
    /// Column that tells whether a MERGE row has a source.
    marker: Option<Col>,
    output: Vec<BoundOutput>,
    /// Columns of OUTPUT's rows before the plan's own: deleted, inserted, action.
    output_columns: Vec<ColumnId>,
    current_of: Option<(String, bool)>,
    reads_target: bool,
}

impl Binder<'_> {
    /// Converts as an assignment to a column does (invariant 2 of `change`).
    fn assign(&mut self, t: Typed, ty: SqlType) -> SqlResult<Expr> {
        let to = assigned_type(&t.e, ty);
        self.coerce_to(t, to)
    }

    /// Runs `f` in a select level that sees these sources.
    fn in_level<T>(
        &mut self,
        sources: Vec<Source>,
        f: impl FnOnce(&mut Self) -> SqlResult<T>,
    ) -> SqlResult<T> {
        self.levels.push(Level { is_select: true, sources, ..Level::default() });
        let height = self.levels.len();
        let result = f(self);
        self.levels.truncate(height);
        let level = self.levels.pop().unwrap_or_default();
        let result = result?;
        if level.grouped || !level.aggregates.is_empty() {
            return Err(SqlError::with_text(
                157,
                15,
                "An aggregate may not appear in the set list of an UPDATE statement.",
            ));
        }
        if !level.windows.is_empty() {
            return Err(SqlError::new(4108, &[]));
        }
        Ok(result)
    }

    /// Builds the plan and puts positions where column ids were.
    fn finish_change(&mut self, mut draft: Draft) -> SqlResult<BoundChange> {
        let mut ids: Vec<ColumnId> = Vec::new();
        ids.extend(draft.bookmark.iter().map(|c| c.id));
        ids.extend(draft.old.iter().flatten().map(|c| c.id));
        ids.extend(draft.marker.iter().map(|c| c.id));
        for_each_expr(&mut draft.kind, &mut |e| e.columns(&mut ids));
        let mut beyond = Vec::new();
        for o in &draft.output {
            o.exprs.iter().for_each(|e| e.columns(&mut beyond));
        }
        ids.extend(beyond.into_iter().filter(|c| !draft.output_columns.contains(c)));
        let mut seen = std::collections::HashSet::new();
        ids.retain(|id| seen.insert(*id));
        let cx = self.cx;
        if let Some(d) = &mut self.deduction {
            d.plan(&mut draft.plan);
            for_each_expr(&mut draft.kind, &mut |e| d.expr(e));
            draft.output.iter().flat_map(|o| &o.exprs).for_each(|e| d.expr(e));
        }
        let mut logical = rewrite(draft.plan, cx);
        let mut estimator = Estimator::default();
        estimator.learn(&mut logical);
        let mut builder = Builder::new(cx, estimator, self.next_slot);
        let mut plan = builder.build_exact(&logical, &ids, &[])?;
        let row_index = draft.target.table.access.row_index();
        let placed = draft.current_of.is_some()
            && row_index.is_some_and(|index| place(&mut plan, &draft.target.table, index));
        let position = |id: ColumnId| ids.iter().position(|i| *i == id);
        let mut failure = None;
        let mut place_in = |builder: &mut Builder<'_>, e: &mut Expr, ids: &[ColumnId]| {
            let mut learned = rewrite_expr(std::mem::replace(e, Expr::null()), cx);
            builder.estimator.learn_expr(&mut learned);
            match builder.place(&learned, ids) {
                Ok(placed) => *e = placed,
                Err(x) => failure = Some(x),
            }
        };
        for_each_expr(&mut draft.kind, &mut |e| place_in(&mut builder, e, &ids));
        let mut over = draft.output_columns.clone();
        over.extend(&ids);
        for e in draft.output.iter_mut().flat_map(|o| &mut o.exprs) {
            place_in(&mut builder, e, &over);
        }
        if let Some(e) = failure {
            return Err(e);
        }
        if let ChangeKind::Merge { marker, .. } = &mut draft.kind {
            *marker = draft.marker.and_then(|c| position(c.id)).unwrap_or_default();
        }
        let mut accesses = std::mem::take(&mut self.accesses);
        accesses.retain(|a| !a.columns_only || !a.columns.is_empty());
        Ok(BoundChange {
            bookmark: draft.bookmark.and_then(|c| position(c.id)),
            old: draft.old.iter().map(|c| c.and_then(|c| position(c.id))).collect(),
            kind: draft.kind,
            target: draft.target,
            plan,
            reads_target: draft.reads_target,
            output: draft.output,
            current_of: draft.current_of,
            placed,
            dependencies: std::mem::take(&mut self.dependencies),
            sizes: std::mem::take(&mut self.sizes),
            accesses: Accesses::new(accesses),
            course: Default::default(),
        })
    }

    /// 13536: a value for a column GENERATED ALWAYS.
    fn check_generated(
        &self,
        target: &TargetTable,
        ordinal: usize,
        span: holdfast_tsql::Span,
    ) -> SqlResult<()> {
        if target.table.temporal.generates(ordinal) {
            return err(span, 13536, &[&target.full_name]);
        }
        Ok(())
    }

    /// Scope columns of a row of the target, under fresh ids.
    fn row_columns(&mut self, target: &TargetTable, nullable: bool) -> (Vec<Col>, Vec<ScopeColumn>) {
        // Reading a changed row's columns is reading the table.
        let table = &target.table;
        let id = (table.database_id, table.object_id);
        let outer = std::mem::replace(&mut self.through, self.target_through);
        let access = self.note(AccessKind::Select, id, &table.schema_name, &table.name);
        self.through = outer;
        if let Some(a) = access.and_then(|a| self.accesses.get_mut(a)) {
            a.columns_only = true;
        }
        let mut cols = Vec::with_capacity(target.table.columns.len());
        let mut scope = Vec::with_capacity(target.table.columns.len());
        for c in &target.table.columns {
            let col = self.new_col(c.ty, c.nullable || nullable);
            cols.push(col);
            scope.push(ScopeColumn {
                name: c.name.clone(),
                col,
                coerce: Coerce::Implicit,
                meta: None,
                hidden: c.is_hidden,
                origin: access.map(|a| (a, c.column_id)),
            });
        }
        (cols, scope)
    }
}

/// The type a value gets on its way into a column.
fn assigned_type(e: &Expr, ty: SqlType) -> SqlType {
    let strings = e.ty.id.is_character() && ty.id.is_character();
    let bytes = e.ty.id.is_binary() && ty.id.is_binary();
    if (!strings && !bytes) || ty.is_max() || ty.char_length().is_none() {
        return ty;
    }
    let fits = matches!((e.ty.char_length(), ty.char_length()), (Some(a), Some(b)) if a <= b)
        // A literal shows its length in its type; bytes in another code page may take more room.
        && (e.ty.id.is_unicode() == ty.id.is_unicode() || bytes);
    if fits {
        return ty;
    }
    match ty.id {
        TypeId::Char | TypeId::VarChar => SqlType::varchar(-1, ty.collation),
        TypeId::NChar | TypeId::NVarChar => SqlType::nvarchar_max(ty.collation),
        TypeId::Binary | TypeId::VarBinary => SqlType::binary(TypeId::VarBinary, -1),
        _ => ty,
    }
}

fn for_each_expr(kind: &mut ChangeKind, f: &mut dyn FnMut(&mut Expr)) {
    fn items(list: &mut [SetItem], f: &mut dyn FnMut(&mut Expr)) {
        for i in list {
            match &mut i.value {
                SetValue::Expr(e) => f(e),
                SetValue::Write { value, offset, length } => {
                    f(value);
                    f(offset);
                    f(length);
                }
            }
        }
    }
    match kind {
        ChangeKind::Insert(rows) => rows.values.iter_mut().for_each(|(_, e)| f(e)),
        ChangeKind::InsertExternal { .. } | ChangeKind::Delete => {}
        ChangeKind::Update(list) => items(list, f),
        ChangeKind::Merge { clauses, limit, .. } => {
            for c in clauses {
                c.condition.iter_mut().for_each(&mut *f);
                match &mut c.action {
                    crate::change::MergeAction::Insert(rows) => {
                        rows.values.iter_mut().for_each(|(_, e)| f(e));
                    }
                    crate::change::MergeAction::Update(list) => items(list, f),
                    crate::change::MergeAction::Delete => {}
                }
            }
            limit.iter_mut().for_each(f);
        }
    }
}

/// Whether an expression stays the same column.
fn plain_column(e: &Expr) -> Option<ColumnId> {
    match e.kind {
        ExprKind::Column(id) => Some(id),
        _ => None,
    }
}

/// 264: a column named twice.
fn named_twice<T>(span: holdfast_tsql::Span, column: &str) -> SqlResult<T> {
    err(span, 264, &[&column])
}
