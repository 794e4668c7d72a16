//! OUTPUT and OUTPUT … INTO.

use std::sync::Arc;

use holdfast_tsql::ast::{DmlTarget, Ident, OutputClause};
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId};

use super::super::Clause;
use super::target::{Named, cannot_change};
use super::{Binder, Source, Typed, named_twice};
use crate::change::{BoundOutput, OutputInto, TargetTable};
use crate::expr::ExprKind;
use crate::logical::{Col, ColumnId};
use crate::physical::ResultColumnInfo;

/// Bound OUTPUT clauses and the ids of the columns their rows have before the plan's.
pub(super) struct Outputs {
    pub clauses: Vec<BoundOutput>,
    pub columns: Vec<ColumnId>,
}

/// Which pseudo-tables an OUTPUT clause sees.
#[derive(Clone, Copy)]
pub(super) struct Visible {
    pub inserted: bool,
    pub deleted: bool,
    pub action: bool,
}

impl Binder<'_> {
    /// `others`: the sources of FROM besides the target.
    pub(super) fn bind_output(
        &mut self,
        clauses: &[OutputClause],
        target: &TargetTable,
        visible: Visible,
        others: &[Source],
    ) -> SqlResult<Outputs> {
        let (deleted, deleted_scope) = self.row_columns(target, visible.inserted);
        let (inserted, inserted_scope) = self.row_columns(target, visible.deleted);
        let action = self.new_col(SqlType::nvarchar(10, self.collation()), false);
        let mut columns: Vec<ColumnId> = deleted.iter().map(|c| c.id).collect();
        columns.extend(inserted.iter().map(|c| c.id));
        columns.push(action.id);
        let mut sources = Vec::new();
        let named = |name: &str, columns| Source {
            name: Some(name.into()),
            aliased: true,
            columns,
            ..Source::default()
        };
        if visible.deleted {
            sources.push(named("deleted", deleted_scope));
        }
        if visible.inserted {
            sources.push(named("inserted", inserted_scope));
        }
        sources.extend(others.iter().cloned());
        let mut out = Vec::with_capacity(clauses.len());
        for c in clauses {
            self.action = visible.action.then_some(action);
            let bound = self.in_level(sources.clone(), |b| {
                b.set_clause(Clause::Other);
                b.output_clause(c)
            });
            self.action = None;
            out.push(bound?);
        }
        Ok(Outputs { clauses: out, columns })
    }

    fn output_clause(&mut self, c: &OutputClause) -> SqlResult<BoundOutput> {
        let items = self.bind_items(&c.items)?;
        let mut columns = Vec::with_capacity(items.len());
        let mut typed = Vec::with_capacity(items.len());
        for i in items {
            if i.assign.is_some() {
                return Err(SqlError::with_text(102, 15, "Incorrect syntax near '='."));
            }
            let mut t = i.typed;
            if t.e.any(&|x| matches!(x.kind, ExprKind::Subquery(_))) {
                let text = "Subqueries are not allowed in the OUTPUT clause.";
                return Err(SqlError::with_text(10705, 16, text));
            }
            let untyped = t.e.ty.id == TypeId::Null;
            // As an INSERT's values: a bare NULL goes into every type.
            if untyped && c.into.is_none() {
                t.e.ty = SqlType::INT;
            }
            columns.push(ResultColumnInfo {
                name: i.name.unwrap_or_else(|| "".into()),
                ty: if untyped { SqlType::INT } else { t.e.ty },
                nullable: t.e.nullable,
                identity: false,
                computed: false,
                updatable: false,
                user_type: None,
                source: None,
            });
            typed.push(t);
        }
        let (exprs, into) = match &c.into {
            None => (typed.into_iter().map(|t| t.e).collect(), None),
            Some((target, names)) => {
                let (into, exprs) = self.output_into(target, names, typed)?;
                (exprs, Some(into))
            }
        };
        Ok(BoundOutput { columns, exprs, into })
    }

    fn output_into(
        &mut self,
        target: &DmlTarget,
        names: &[Ident],
        values: Vec<Typed>,
    ) -> SqlResult<(OutputInto, Vec<crate::expr::Expr>)> {
        let Named::Table(table, catalog) = self.named_target(target)? else {
            return Err(SqlError::not_supported("OUTPUT INTO a view"));
        };
        if table.access.writer().is_none() {
            return Err(cannot_change(&table, catalog.as_ref()));
        }
        // What the rest of the statement reads of its own target does not go this way.
        let own = self.target_through;
        self.note_insert(&table);
        self.target_through = own;
        let bound = self.bind_target_table(&table, catalog.as_ref(), false)?;
        if table.temporal.history_of.is_some() {
            return Err(SqlError::new(13559, &[&bound.full_name]));
        }
        let refuse = |number: i32, text: &str| {
            let text = format!("The target table '{}' of the OUTPUT INTO clause cannot {text}.", table.name);
            Err(SqlError::with_text(number, 16, text))
        };
        if bound.triggers.iter().any(|t| !t.def.disabled) {
            return refuse(331, "have any enabled triggers");
        }
        if !bound.rules.foreign_keys.is_empty() || !bound.rules.referencing.is_empty() {
            return refuse(332, "be on either side of a (primary key, foreign key) relationship");
        }
        if !bound.checks.is_empty() {
            return refuse(333, "have any enabled check constraints or any enabled rules");
        }
        let ordinals = if names.is_empty() {
            let all: Vec<usize> = insertable(&bound);
            if all.len() != values.len() {
                return Err(SqlError::new(213, &[]));
            }
            all
        } else {
            let mut list: Vec<usize> = Vec::with_capacity(names.len());
            for n in names {
                let at = table.columns.iter().position(|c| self.same(&c.name, &n.text));
                let Some(at) = at else { return super::err(n.span, 207, &[&n.text]) };
                if list.contains(&at) {
                    return named_twice(n.span, &n.text);
                }
                list.push(at);
            }
            if list.len() != values.len() {
                return Err(SqlError::new(if list.len() > values.len() { 120 } else { 121 }, &[]));
            }
            list
        };
        let mut exprs = Vec::with_capacity(values.len());
        for (v, &o) in values.into_iter().zip(&ordinals) {
            exprs.push(self.assign(v, table.columns[o].ty)?);
        }
        Ok((OutputInto { target: Arc::new(bound), ordinals }, exprs))
    }
}

/// Ordinals that an INSERT without a column list gives values for.
pub(super) fn insertable(target: &TargetTable) -> Vec<usize> {
    let columns = &target.table.columns;
    (0..columns.len())
        .filter(|&i| columns[i].identity.is_none() && columns[i].computed.is_none() && !columns[i].is_hidden)
        .collect()
}

/// Columns under other ids, nullable: the null-extended side of a join.
pub(super) fn nullable(columns: &[Col]) -> Vec<Col> {
    columns.iter().map(|c| Col { nullable: true, ..*c }).collect()
}
