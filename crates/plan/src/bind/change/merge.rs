//! MERGE.

use std::sync::Arc;

use holdfast_tsql::ast::{
    Expr as AstExpr, ExprKind as AstKind, Merge, MergeAction as AstAction, MergeWhen as AstWhen,
};
use holdfast_types::{SqlError, SqlResult, SqlType, Value};

use super::super::from::make_nullable;
use super::super::{Clause, at};
use super::output::{Visible, nullable};
use super::target::{Named, target_ref};
use super::{Binder, Draft, Source, err};
use crate::access::AccessKind;
use crate::change::{
    Action, BoundChange, ChangeKind, InsertRows, MergeAction, MergeClause, MergeWhen, TargetTable,
};
use crate::expr::Expr;
use crate::logical::{Col, LogicalPlan};
use crate::physical::JoinKind;

impl Binder<'_> {
    pub fn bind_merge(&mut self, m: &Merge) -> SqlResult<BoundChange> {
        self.with_ctes(m.with.as_ref(), |b| b.bind_merge_inner(m))
    }

    fn bind_merge_inner(&mut self, m: &Merge) -> SqlResult<BoundChange> {
        check_clauses(m)?;
        let label = Self::target_name(&m.target);
        self.levels.push(super::Level { is_select: true, ..super::Level::default() });
        self.changing = true;
        let own = target_ref(&m.target, m.alias.as_ref()).and_then(|r| self.bind_table_ref(&r));
        self.changing = false;
        let source = self.bind_table_ref(&m.source);
        self.levels.pop();
        let (own, source) = (own?, source?);
        let target_scope = own.sources[0].clone();
        let visible = own.plan.output_set();
        let mut assigned = Vec::new();
        let mut places = Vec::new();
        for c in &m.clauses {
            if let AstAction::Update(list) = &c.action {
                for parts in list.iter().filter_map(super::update::assigned_column) {
                    let at = self.source_column(&target_scope, parts)?;
                    assigned.push(target_scope.columns[at].col.id);
                    places.push(at);
                }
            }
        }
        let does = |f: fn(&AstAction) -> bool| m.clauses.iter().any(|c| f(&c.action));
        let mut actions = Vec::new();
        if does(|a| matches!(a, AstAction::Insert { .. })) {
            actions.push((Action::Insert, AccessKind::Insert));
        }
        if does(|a| matches!(a, AstAction::Update(_))) {
            actions.push((Action::Update, AccessKind::Update));
        }
        if does(|a| matches!(a, AstAction::Delete)) {
            actions.push((Action::Delete, AccessKind::Delete));
        }
        let mut own = own;
        let view = self.triggered_view(m, &actions)?;
        let found = match &view {
            Some(_) => None,
            None => Some(self.base_of(&target_scope, &visible, &assigned, &label)?),
        };
        for (action, kind) in &actions {
            let set: &[usize] = if *action == Action::Update { &places } else { &[] };
            self.note_change(*kind, &target_scope, set, found.as_ref());
        }
        // Rows of a view have no bookmark: a mark tells that there is one.
        let (target, old, bookmark) = match (view, found) {
            (Some(view), _) => {
                if view.is_partitioned_view() {
                    super::partitioned_view::lock_for_update(&mut own.plan);
                }
                let mark = self.new_col(SqlType::INT, true);
                own.plan = own.plan.extend(vec![(mark.id, Expr::literal(Value::Int(1), SqlType::INT))]);
                (view, target_scope.columns.iter().map(|c| c.col).collect(), mark)
            }
            (None, Some(found)) => {
                let mut target = self.bind_target_table(&found.table, found.catalog.as_ref(), false)?;
                if let Ok(Named::View(view, catalog)) = self.named_target(&m.target) {
                    self.add_check_option(&view, &catalog, &mut target)?;
                }
                (target, found.columns, found.bookmark)
            }
            (None, None) => return Err(SqlError::new(4403, &[&label])),
        };
        all_or_none(&target, &actions, &label)?;
        let target = Arc::new(target);

        let both: Vec<Source> = own.sources.iter().chain(&source.sources).cloned().collect();
        let on = self.in_level(both, |b| {
            b.set_clause(Clause::On);
            b.bind_condition(&m.on)
        })?;
        let by_target = m.clauses.iter().any(|c| c.when == AstWhen::NotMatchedByTarget);
        let by_source = m.clauses.iter().any(|c| c.when == AstWhen::NotMatchedBySource);
        let kind = match (by_target, by_source) {
            (true, true) => JoinKind::Full,
            (true, false) => JoinKind::Right,
            (false, true) => JoinKind::Left,
            (false, false) => JoinKind::Inner,
        };
        // A column that no source row has as NULL tells whether there was one.
        let marker = self.new_col(SqlType::INT, true);
        let marked = source.plan.extend(vec![(marker.id, Expr::literal(Value::Int(1), SqlType::INT))]);
        let plan = LogicalPlan::Join {
            kind,
            left: Box::new(own.plan),
            right: Box::new(marked),
            predicate: Some(on),
            algorithm: None,
        };
        let mut target_sources = own.sources;
        let mut other_sources = source.sources;
        if by_target {
            make_nullable(&mut target_sources);
        }
        if by_source {
            make_nullable(&mut other_sources);
        }
        let columns: Vec<Col> = if by_target { nullable(&old) } else { old };
        let bookmark = Col { nullable: true, ..bookmark };
        let target_scope = target_sources[0].clone();
        let mut clauses = Vec::with_capacity(m.clauses.len());
        for c in &m.clauses {
            let (when, sources): (MergeWhen, Vec<Source>) = match c.when {
                AstWhen::Matched => {
                    (MergeWhen::Matched, target_sources.iter().chain(&other_sources).cloned().collect())
                }
                AstWhen::NotMatchedByTarget => (MergeWhen::NotMatchedByTarget, other_sources.clone()),
                AstWhen::NotMatchedBySource => (MergeWhen::NotMatchedBySource, target_sources.clone()),
            };
            let condition = match &c.condition {
                Some(e) => Some(self.in_level(sources.clone(), |b| {
                    b.set_clause(Clause::Where);
                    b.bind_condition(e)
                })?),
                None => None,
            };
            let action = match &c.action {
                AstAction::Delete => MergeAction::Delete,
                AstAction::Update(list) => {
                    MergeAction::Update(self.bind_set(list, &target, &columns, &target_scope, &sources)?)
                }
                AstAction::Insert { columns: names, values } => {
                    let rows = self.merge_insert(&target, names, values.as_deref(), &sources)?;
                    MergeAction::Insert(rows)
                }
            };
            clauses.push(MergeClause { when, condition, action });
        }
        let limit = match &m.top {
            Some(t) if t.percent => return Err(SqlError::not_supported("MERGE TOP … PERCENT")),
            Some(t) => {
                let n = self.in_level(Vec::new(), |b| b.bind_count(&t.count));
                Some(at(t.count.span, n)?)
            }
            None => None,
        };
        let visible = Visible { inserted: true, deleted: true, action: true };
        let output = self.bind_output(&m.output, &target, visible, &other_sources)?;
        self.finish_change(Draft {
            kind: ChangeKind::Merge { clauses, marker: 0, limit },
            target,
            plan,
            bookmark: Some(bookmark),
            old: columns.into_iter().map(Some).collect(),
            marker: Some(marker),
            output: output.clauses,
            output_columns: output.columns,
            current_of: None,
            reads_target: true,
        })
    }

    /// The view that stands for itself as the target, since INSTEAD OF triggers take what the statement does.
    fn triggered_view(
        &mut self,
        m: &Merge,
        actions: &[(Action, AccessKind)],
    ) -> SqlResult<Option<TargetTable>> {
        let label = Self::target_name(&m.target);
        if self.ctes.iter().any(|c| self.same(&c.table.name.text, &label)) {
            return Ok(None);
        }
        let Ok(Named::View(view, catalog)) = self.named_target(&m.target) else { return Ok(None) };
        let target = self.view_target(&view, &catalog)?;
        let taken = actions.iter().any(|(a, _)| target.instead_of(*a).is_some());
        Ok(taken.then_some(target))
    }

    fn merge_insert(
        &mut self,
        target: &TargetTable,
        names: &[Vec<holdfast_tsql::ast::Ident>],
        values: Option<&[AstExpr]>,
        sources: &[Source],
    ) -> SqlResult<InsertRows> {
        let Some(values) = values else {
            return Ok(InsertRows { values: Vec::new(), identity_given: false });
        };
        let ordinals = self.insert_columns(target, names, None)?;
        if ordinals.len() != values.len() {
            let number = match (names.is_empty(), ordinals.len() > values.len()) {
                (true, _) => 213,
                (false, true) => 109,
                (false, false) => 110,
            };
            return Err(SqlError::new(number, &[]));
        }
        let mut out = Vec::with_capacity(values.len());
        for (e, &o) in values.iter().zip(&ordinals) {
            let value = if matches!(e.kind, AstKind::Default) {
                self.default_of(target, o)?
            } else if Some(o) == target.row_version {
                return err(e.span, 273, &[]);
            } else {
                self.check_generated(target, o, e.span)?;
                let t = self.in_level(sources.to_vec(), |b| b.bind(e))?;
                self.assign(t, target.table.columns[o].ty).map_err(|x| x.at_line(e.span.line))?
            };
            out.push((o, value));
        }
        let identity_given = ordinals.iter().any(|o| Some(*o) == target.identity);
        Ok(InsertRows { values: out, identity_given })
    }
}

/// 5316: INSTEAD OF triggers take all that the statement does, or nothing.
fn all_or_none(target: &TargetTable, actions: &[(Action, AccessKind)], label: &str) -> SqlResult<()> {
    let taken = actions.iter().filter(|(a, _)| target.instead_of(*a).is_some()).count();
    if taken == 0 || taken == actions.len() {
        return Ok(());
    }
    let text = format!(
        "The target '{label}' of the MERGE statement has an INSTEAD OF trigger on some, but not all, of the actions specified in the MERGE statement. In a MERGE statement, if any action has an enabled INSTEAD OF trigger on the target, then all actions must have enabled INSTEAD OF triggers."
    );
    Err(SqlError::with_text(5316, 16, text))
}

/// Which clauses may stand together.
fn check_clauses(m: &Merge) -> SqlResult<()> {
    for when in [AstWhen::Matched, AstWhen::NotMatchedByTarget, AstWhen::NotMatchedBySource] {
        let same: Vec<_> = m.clauses.iter().filter(|c| c.when == when).collect();
        let word = match when {
            AstWhen::Matched => "WHEN MATCHED",
            AstWhen::NotMatchedByTarget => "WHEN NOT MATCHED",
            AstWhen::NotMatchedBySource => "WHEN NOT MATCHED BY SOURCE",
        };
        for c in &same {
            let fits = match (&c.action, when) {
                (AstAction::Insert { .. }, w) => w == AstWhen::NotMatchedByTarget,
                (_, w) => w != AstWhen::NotMatchedByTarget,
            };
            if !fits {
                let what = match c.action {
                    AstAction::Insert { .. } => Action::Insert,
                    AstAction::Update(_) => Action::Update,
                    AstAction::Delete => Action::Delete,
                };
                let text = format!(
                    "An action of type '{}' is not allowed in the '{word}' clause of a MERGE statement.",
                    what.word()
                );
                return Err(SqlError::with_text(10_711, 15, text));
            }
        }
        if same.len() > 1 && when == AstWhen::NotMatchedByTarget {
            let text = "An action of type 'INSERT' cannot appear more than once in a 'WHEN NOT MATCHED' clause of a MERGE statement.";
            return Err(SqlError::with_text(10_714, 15, text));
        }
        if same.len() > 1 {
            if same[0].condition.is_none() {
                let text = format!(
                    "In a MERGE statement, a '{word}' clause with a search condition cannot appear after a '{word}' clause with no search condition."
                );
                return Err(SqlError::with_text(5324, 15, text));
            }
            let updates = same.iter().filter(|c| matches!(c.action, AstAction::Update(_))).count();
            if updates != 1 || same.len() > 2 {
                let what = if updates > 1 { "UPDATE" } else { "DELETE" };
                let text = format!(
                    "An action of type '{what}' cannot appear more than once in a '{word}' clause of a MERGE statement."
                );
                return Err(SqlError::with_text(10_714, 15, text));
            }
        }
    }
    Ok(())
}
