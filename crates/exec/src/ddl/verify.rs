//! Existing rows against check and foreign key constraints, when a constraint is added or enabled WITH CHECK.
//!
//! Invariants
//! 1. Constraints are read from the catalog, so that new and old ones are verified in one way.
//! 2. A row that does not obey is 547, which names what an INSERT of that row would: the referenced table of a foreign key.

use std::sync::Arc;

use holdfast_engine::catalog::TableDef;
use holdfast_tsql::ast::StatementKind;
use holdfast_types::{SqlError, Value};

use super::Definition;
use super::lower::bracketed;
use crate::procedure::run::Fail;

fn full_name(database: &str, table: &TableDef) -> String {
    format!("{}.{}.{}", bracketed(database), bracketed(&table.schema_name), bracketed(&table.name))
}

fn column_name(table: &TableDef, id: i32) -> Option<Arc<str>> {
    table.columns.iter().find(|c| c.column_id == id).map(|c| Arc::clone(&c.name))
}

/// What a constraint asks for: the rows that do not obey it, and how the message tells of it.
struct Question {
    query: String,
    kind: &'static str,
    name: Arc<str>,
    /// Table and column that the message names.
    table: Arc<TableDef>,
    column: Option<String>,
}

impl Definition<'_, '_> {
    /// Ids of a table's check and foreign key constraints.
    pub fn constraint_ids(&self, table: i32) -> Result<Vec<i32>, Fail> {
        let catalog = self.catalog()?;
        let of =
            |o: &&holdfast_engine::database::ObjectRow| o.parent_id == table && matches!(&*o.kind, "C" | "F");
        Ok(catalog.objects().into_iter().filter(of).map(|o| o.id).collect())
    }

    /// Verifies the constraints `ids` of a table on the rows it has.
    pub fn verify(&mut self, table: i32, ids: &[i32]) -> Result<(), Fail> {
        for q in self.questions(table, ids)? {
            if self.any_row(&q.query)? {
                let column = q.column.map(|c| format!(", column '{c}'")).unwrap_or_default();
                let text = format!(
                    "The ALTER TABLE statement conflicted with the {} constraint \"{}\". The conflict occurred in database \"{}\", table \"{}.{}\"{column}.",
                    q.kind, q.name, self.database.name, q.table.schema_name, q.table.name
                );
                return Err(SqlError::with_text(547, 16, text).state(0).into());
            }
        }
        Ok(())
    }

    fn questions(&self, table: i32, ids: &[i32]) -> Result<Vec<Question>, Fail> {
        let catalog = self.catalog()?;

        let Some(here) = catalog.table(table)? else { return Ok(Vec::new()) };
        let mut out = Vec::new();
        for check in catalog.constraints("C").map_err(|e| holdfast_engine::page_error(&e))? {
            if !ids.contains(&check.object_id) {
                continue;
            }
            let query = format!(
                "select top 1 1 from {} where not ({})",
                full_name(&self.database.name, &here),
                check.text
            );
            let column = column_name(&here, check.column_id).map(|n| n.to_string());
            out.push(Question { query, kind: "CHECK", name: check.name, table: Arc::clone(&here), column });
        }
        for key in catalog.foreign_keys().map_err(|e| holdfast_engine::page_error(&e))? {
            if !ids.contains(&key.object_id) {
                continue;
            }
            let Some(there) = catalog.table(key.referenced_table_id)? else { continue };
            let names: Option<Vec<(String, Arc<str>)>> = key
                .columns
                .iter()
                .map(|&(h, t)| Some((bracketed(&column_name(&here, h)?), column_name(&there, t)?)))
                .collect();
            let names = names.unwrap_or_default();
            let set: Vec<String> = names.iter().map(|(h, _)| format!("c.{h} is not null")).collect();
            let pairs: Vec<String> =
                names.iter().map(|(h, t)| format!("p.{} = c.{h}", bracketed(t))).collect();
            let query = format!(
                "select top 1 1 from {} c where {} and not exists (select 1 from {} p where {})",
                full_name(&self.database.name, &here),
                set.join(" and "),
                full_name(&self.database.name, &there),
                pairs.join(" and ")
            );
            let kind =
                if key.referenced_table_id == table { "FOREIGN KEY SAME TABLE" } else { "FOREIGN KEY" };
            let column = match &*names {
                [(_, t)] => Some(t.to_string()),
                _ => None,
            };
            out.push(Question { query, kind, name: key.name, table: there, column });
        }
        Ok(out)
    }

    /// Whether a query made of text gives a row.
    pub fn any_row(&mut self, text: &str) -> Result<bool, Fail> {
        Ok(!self.rows_by_query(text)?.is_empty())
    }

    /// The rows of a query made of text.
    pub fn rows_by_query(&mut self, text: &str) -> Result<Vec<Vec<Value>>, Fail> {
        let bound = self.bound_query(text)?;
        let (_, rows) = self.runner.rows_of(&bound, self.scope)?;
        Ok(rows)
    }

    /// The same as it is now, and as it stays until the transaction ends.
    pub fn current_rows_by_query(&mut self, text: &str) -> Result<Vec<Vec<Value>>, Fail> {
        let bound = self.bound_query(text)?;
        let owner = self.transaction.owner();
        let context = self.runner.serializable_context(self.scope, owner, self.wait.clone());
        Ok(self.runner.rows_under(&bound, &context)?)
    }

    fn bound_query(&mut self, text: &str) -> Result<Arc<holdfast_plan::BoundQuery>, Fail> {
        let Some(StatementKind::Select(select)) = parsed(text) else {
            return Err(SqlError::new(102, &[&text]).into());
        };
        // The new snapshot is what the query is to see.
        if let Some(now) = self.runner.session.host.database_by_id(self.database.id) {
            let mut state = self.runner.session.state.lock();
            if state.database.id == now.id {
                state.database = now;
            }
        }
        self.runner.bind_fresh(&select, self.scope)
    }
}

fn parsed(text: &str) -> Option<StatementKind> {
    let batch = holdfast_tsql::parse_batch(text, &Default::default()).ok()?;
    batch.statements.into_iter().next().map(|s| s.kind)
}
