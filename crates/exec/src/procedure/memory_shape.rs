//! From the definition of a table variable or temporary table to what such a table is made of.
//!
//! Invariants
//! 1. Defaults, checks and computed columns keep the text they were written with, as stored tables do.
//! 2. The clustered index has id 1, the others count from 2; foreign keys of temporary tables are not enforced, as SQL Server
//!    has it.

use std::sync::Arc;

use holdfast_engine::catalog::{
    ColumnDef, ConstraintDef, IdentityDef, IndexDef, IndexKey, IndexKind, TableRules,
};
use holdfast_tsql::ast::{
    self, ConstraintKind, CreateIndex, IndexColumn, InlineIndex, Setting, TableDefinition,
};
use holdfast_types::{NameOrder, SqlError, SqlResult, SqlType, TypeId, Value};

use super::memory_table::MemoryShape;
use super::unit::TypeScope;
use crate::ddl::table::check_row_size;

/// Indexes being collected.
#[derive(Default)]
struct Indexes {
    list: Vec<IndexDef>,
    ignore_duplicates: Vec<i32>,
}

impl Indexes {
    fn add(&mut self, table: &str, mut index: IndexDef, clustered: bool, ignore: bool) -> SqlResult<()> {
        let taken = self.list.iter().any(|i| i.kind == IndexKind::Clustered);
        if clustered && taken {
            return Err(SqlError::new(8112, &[&table]));
        }
        if ignore && !index.unique {
            return Err(SqlError::new(1916, &[&"nonunique", &"ignore_dup_key"]).state(4));
        }
        index.kind = if clustered { IndexKind::Clustered } else { IndexKind::Nonclustered };
        index.index_id =
            if clustered { 1 } else { self.list.iter().map(|i| i.index_id).max().unwrap_or(1).max(1) + 1 };
        if ignore {
            self.ignore_duplicates.push(index.index_id);
        }
        self.list.push(index);
        Ok(())
    }
}

fn set(options: &[Setting], name: &str) -> bool {
    options.iter().any(|s| {
        s.name == name
            && match &s.value {
                None => true,
                Some(e) => matches!(&e.kind, ast::ExprKind::Literal(ast::Literal::String { value, .. }) if value.eq_ignore_ascii_case("ON")),
            }
    })
}

fn keys(names: NameOrder, columns: &[ColumnDef], list: &[IndexColumn]) -> SqlResult<Vec<IndexKey>> {
    list.iter()
        .map(|c| {
            let ordinal = columns.iter().position(|x| names.same(&x.name, &c.name.text));
            match ordinal {
                Some(ordinal) => Ok(IndexKey { ordinal, descending: c.descending }),
                None => {
                    let text =
                        format!("Column name '{}' does not exist in the target table or view.", c.name.text);
                    Err(SqlError::with_text(1911, 16, text).at_line(c.name.span.line))
                }
            }
        })
        .collect()
}

fn index(name: Option<Arc<str>>, unique: bool, keys: Vec<IndexKey>) -> IndexDef {
    IndexDef {
        index_id: 0,
        name,
        kind: IndexKind::Nonclustered,
        unique,
        primary_key: false,
        unique_constraint: false,
        ignore_duplicates: false,
        disabled: false,
        keys,
        included: Vec::new(),
        filter: None,
        statistics: None,
    }
}

/// A name for a constraint that was given none: as SQL Server's, kind, table and eight digits.
pub fn generated_name(kind: &str, table: &str, number: usize) -> Arc<str> {
    let mut hash = 0xcbf2_9ce4_8422_2325u64 ^ number as u64;
    for b in table.bytes() {
        hash = (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    }
    let table: String = table.chars().take(9).collect();
    format!("{kind}__{table}__{:016X}", hash).into()
}

/// Types of the columns that rows hold.
pub fn held(columns: &[ColumnDef]) -> Vec<SqlType> {
    columns.iter().filter(|c| c.computed.is_none() || c.persisted).map(|c| c.ty).collect()
}

impl TypeScope<'_> {
    /// Everything a TABLE variable or temporary table is made of.
    pub fn shape(&self, table: &str, definition: &TableDefinition) -> SqlResult<MemoryShape> {
        self.shape_onto(MemoryShape::default(), table, definition)
    }

    /// As `shape`, with what a table has already; the new columns come after its own.
    pub fn shape_onto(
        &self,
        from: MemoryShape,
        table: &str,
        definition: &TableDefinition,
    ) -> SqlResult<MemoryShape> {
        let MemoryShape { mut columns, indexes, rules, ignore_duplicates, mut default_names, type_object } =
            from;
        let first = columns.len();
        let last_id = columns.iter().map(|c| c.column_id).max().unwrap_or(0);
        let names = self.catalog.names();
        for (i, mut c) in self.plain_columns(definition)?.into_iter().enumerate() {
            if columns.iter().any(|k| names.same(&k.name, &c.name)) {
                return Err(SqlError::new(2705, &[&c.name, &table]));
            }
            c.column_id = last_id + i as i32 + 1;
            columns.push(c);
        }
        for (i, c) in definition.columns.iter().enumerate() {
            let Some(computed) = &c.computed else { continue };
            let text = computed.expr.span.text(self.text);
            let settings = holdfast_plan::BindSettings::default();
            let (ty, nullable) =
                holdfast_plan::computed_type(text, &columns, &self.catalog, self.collation, settings)
                    .map_err(|e| e.at_line(c.span.line))?;
            let column = &mut columns[first + i];
            column.ty = ty;
            column.nullable = nullable;
            column.computed = Some(text.into());
            column.persisted = computed.persisted;
        }
        let versions = columns.iter().filter(|c| c.ty.id == TypeId::RowVersion);
        if let Some(second) = versions.skip(1).last() {
            return Err(SqlError::new(2738, &[&table, &second.name]).state(2));
        }
        check_row_size(table, &held(&columns))?;
        let mut number = indexes.len() + rules.checks.len() + default_names.len();
        let mut indexes = Indexes { list: indexes, ignore_duplicates };
        let mut rules = TableRules::clone(&rules);
        let named = |name: Option<&ast::Ident>, kind: &str, number: usize| -> Arc<str> {
            name.map_or_else(|| generated_name(kind, table, number), |n| n.text.as_str().into())
        };
        let mut constraint =
            |name: Option<&ast::Ident>, kind: &ConstraintKind, column: Option<usize>| -> SqlResult<()> {
                number += 1;
                match kind {
                    ConstraintKind::Key { primary, clustered, columns: list, options, .. } => {
                        let keys = match column {
                            Some(ordinal) if list.is_empty() => vec![IndexKey { ordinal, descending: false }],
                            _ => keys(self.catalog.names(), &columns, list)?,
                        };
                        if *primary && indexes.list.iter().any(|i| i.primary_key) {
                            return Err(SqlError::new(1779, &[&table]));
                        }
                        let word = if *primary { "PK" } else { "UQ" };
                        let mut def = index(Some(named(name, word, number)), true, keys);
                        def.primary_key = *primary;
                        def.unique_constraint = !*primary;
                        let clustered = clustered.unwrap_or(
                            *primary && !indexes.list.iter().any(|i| i.kind == IndexKind::Clustered),
                        );
                        indexes.add(table, def, clustered, set(options, "IGNORE_DUP_KEY"))
                    }
                    ConstraintKind::Check { condition, .. } => {
                        rules.checks.push(ConstraintDef {
                            object_id: 0,
                            name: named(name, "CK", number),
                            table_id: 0,
                            column_id: column.map_or(0, |c| columns[c].column_id),
                            text: condition.span.text(self.text).into(),
                            disabled: false,
                            not_trusted: false,
                            not_for_replication: false,
                            system_named: name.is_none(),
                        });
                        Ok(())
                    }
                    ConstraintKind::Default { value, column: target, .. } => {
                        let ordinal = match (column, target) {
                            (None, Some(t)) => {
                                columns.iter().position(|c| self.catalog.names().same(&c.name, &t.text))
                            }
                            (at, _) => at,
                        };
                        let Some(ordinal) = ordinal else {
                            let column = target.as_ref().map_or("", |t| t.text.as_str());
                            return Err(SqlError::new(1752, &[&column, &table]));
                        };
                        let id = columns[ordinal].column_id;
                        if default_names.iter().any(|d| d.0 == id) {
                            return Err(SqlError::new(1781, &[]));
                        }
                        columns[ordinal].default = Some(value.span.text(self.text).into());
                        default_names.push((id, named(name, "DF", number)));
                        Ok(())
                    }
                    ConstraintKind::ForeignKey { .. } | ConstraintKind::Connection(_) => Ok(()),
                }
            };
        for (i, c) in definition.columns.iter().enumerate() {
            for k in &c.constraints {
                constraint(k.name.as_ref(), &k.kind, Some(first + i))?;
            }
        }
        for k in &definition.constraints {
            constraint(k.name.as_ref(), &k.kind, None)?;
        }
        for (i, c) in definition.columns.iter().enumerate() {
            if let Some(x) = &c.index {
                self.inline_index(table, x, Some(first + i), &columns, &mut indexes)?;
            }
        }
        for x in &definition.indexes {
            self.inline_index(table, x, None, &columns, &mut indexes)?;
        }
        let Indexes { list, ignore_duplicates } = indexes;
        Ok(MemoryShape {
            columns,
            indexes: list,
            rules: Arc::new(rules),
            ignore_duplicates,
            default_names,
            type_object,
        })
    }

    fn inline_index(
        &self,
        table: &str,
        x: &InlineIndex,
        column: Option<usize>,
        columns: &[ColumnDef],
        indexes: &mut Indexes,
    ) -> SqlResult<()> {
        if x.columnstore || x.hash {
            return Err(SqlError::not_supported("A columnstore or hash index of a temporary table"));
        }
        let keys = match column {
            Some(ordinal) if x.columns.is_empty() => vec![IndexKey { ordinal, descending: false }],
            _ => keys(self.catalog.names(), columns, &x.columns)?,
        };
        let mut def = index(Some(x.name.text.as_str().into()), x.unique, keys);
        def.filter = x.filter.as_ref().map(|f| f.span.text(self.text).into());
        indexes.add(table, def, x.clustered == Some(true), set(&x.options, "IGNORE_DUP_KEY"))
    }

    /// CREATE INDEX on a temporary table: its definition and whether it ignores duplicates.
    pub fn new_index(
        &self,
        c: &CreateIndex,
        columns: &[ColumnDef],
        existing: &[IndexDef],
    ) -> SqlResult<(IndexDef, bool)> {
        let mut indexes = Indexes {
            list: existing.iter().filter(|i| i.kind != IndexKind::Heap).cloned().collect(),
            ignore_duplicates: Vec::new(),
        };
        if existing
            .iter()
            .any(|i| i.name.as_deref().is_some_and(|n| self.catalog.names().same(n, &c.name.text)))
        {
            let text = format!(
                "The operation failed because an index or statistics with name '{}' already exists on table '{}'.",
                c.name.text, c.table
            );
            return Err(SqlError::with_text(1913, 16, text));
        }
        let mut def = index(
            Some(c.name.text.as_str().into()),
            c.unique,
            keys(self.catalog.names(), columns, &c.columns)?,
        );
        def.filter = c.filter.as_ref().map(|f| f.span.text(self.text).into());
        let ignore = set(&c.options, "IGNORE_DUP_KEY");
        indexes.add(&c.table.name.text, def, c.clustered == Some(true), ignore)?;
        match indexes.list.pop() {
            Some(def) => Ok((def, ignore)),
            None => Err(SqlError::not_supported("This index")),
        }
    }

    /// Columns without what computed ones compute.
    pub fn plain_columns(&self, definition: &TableDefinition) -> SqlResult<Vec<ColumnDef>> {
        if definition.period.is_some() {
            let line = definition.columns.first().map_or(0, |c| c.span.line);
            return Err(SqlError::new(13572, &[]).at_line(line));
        }
        if let Some(c) = definition.columns.iter().find(|c| c.generated.is_some()) {
            return Err(SqlError::new(13509, &[]).at_line(c.span.line));
        }
        let mut out = Vec::with_capacity(definition.columns.len());
        for (i, c) in definition.columns.iter().enumerate() {
            let (mut ty, nullable) = match &c.data_type {
                Some(dt) => self.resolve(dt).map_err(|e| super::unit::of_place(e, i + 1))?,
                None if c.computed.is_some() => (SqlType::INT, true),
                None => (SqlType::ROWVERSION, false),
            };
            if let Some(name) = &c.collation {
                let id = match name.text.to_ascii_uppercase().as_str() {
                    "DATABASE_DEFAULT" | "CATALOG_DEFAULT" => Some(self.catalog.default_collation()),
                    _ => holdfast_types::CollationId::from_name(&name.text),
                };
                let Some(id) = id else {
                    let text = format!("Invalid collation '{}'.", name.text);
                    return Err(SqlError::with_text(448, 16, text).at_line(c.span.line));
                };
                if ty.id.is_character() {
                    ty.collation = id;
                }
            }
            let key =
                c.constraints.iter().any(|k| matches!(k.kind, ConstraintKind::Key { primary: true, .. }))
                    || definition.constraints.iter().any(|k| match &k.kind {
                        ConstraintKind::Key { primary: true, columns, .. } => {
                            columns.iter().any(|x| x.name.is(&c.name.text))
                        }
                        _ => false,
                    });
            let default = c.constraints.iter().find_map(|k| match &k.kind {
                ConstraintKind::Default { value, .. } => Some(value.span.text(self.text).into()),
                _ => None,
            });
            let identity = c.identity.as_ref().map(|i| {
                let n = |e: &Option<ast::Expr>| e.as_ref().and_then(ast::Expr::as_integer).unwrap_or(1);
                IdentityDef {
                    seed: Value::BigInt(n(&i.seed)),
                    increment: Value::BigInt(n(&i.increment)),
                    last: None,
                }
            });
            let builtin = c.data_type.as_ref().is_none_or(|dt| dt.builtin().is_some());
            out.push(ColumnDef {
                name: c.name.text.as_str().into(),
                column_id: i as i32 + 1,
                ty,
                nullable: !key
                    && identity.is_none()
                    && ty.id != TypeId::RowVersion
                    && c.nullable.unwrap_or(nullable || builtin),
                user_type: None,
                identity,
                is_row_guid: c.rowguidcol,
                is_sparse: false,
                is_hidden: c.hidden,
                computed: None,
                persisted: false,
                default,
                typed_xml: match &c.data_type {
                    Some(dt) => self.typed_xml(dt)?,
                    None => None,
                },
            });
        }
        Ok(out)
    }
}
