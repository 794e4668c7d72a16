//! What a statement that changes rows must obey beyond columns and indexes: checks, foreign keys both ways, triggers.
//!
//! Invariants
//! 1. Texts are as stored; binding and running them belongs to the layers above.

use std::sync::Arc;

use super::ModuleDef;

/// What happens to referencing rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReferentialAction {
    NoAction,
    Cascade,
    SetNull,
    SetDefault,
}

impl ReferentialAction {
    pub(crate) const fn from_bits(bits: u32) -> Self {
        match bits & 3 {
            1 => ReferentialAction::Cascade,
            2 => ReferentialAction::SetNull,
            3 => ReferentialAction::SetDefault,
            _ => ReferentialAction::NoAction,
        }
    }
}

/// A foreign key.
#[derive(Clone, Debug)]
pub struct ForeignKeyDef {
    pub object_id: i32,
    pub name: Arc<str>,
    pub table_id: i32,
    pub referenced_table_id: i32,
    /// (column id here, column id there), in order.
    pub columns: Vec<(i32, i32)>,
    pub on_update: ReferentialAction,
    pub on_delete: ReferentialAction,
    pub disabled: bool,
    pub not_trusted: bool,
    pub not_for_replication: bool,
    pub system_named: bool,
}

/// A check or default constraint.
#[derive(Clone, Debug)]
pub struct ConstraintDef {
    pub object_id: i32,
    pub name: Arc<str>,
    pub table_id: i32,
    /// Column id; 0 for a table-level check.
    pub column_id: i32,
    pub text: Arc<str>,
    pub disabled: bool,
    pub not_trusted: bool,
    pub not_for_replication: bool,
    pub system_named: bool,
}

/// A trigger on a table or view, or on the database.
#[derive(Clone, Debug)]
pub struct TriggerDef {
    pub module: Arc<ModuleDef>,
    pub disabled: bool,
    /// Numbers of the events for which it fires before all others, and after all others.
    pub first: Vec<i32>,
    pub last: Vec<i32>,
}

impl TriggerDef {
    /// Where it stands among the triggers of an event.
    pub fn place(&self, event: i32) -> u8 {
        match (self.first.contains(&event), self.last.contains(&event)) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        }
    }
}

/// Rules of one table or view.
#[derive(Clone, Debug, Default)]
pub struct TableRules {
    pub checks: Vec<ConstraintDef>,
    /// Keys of this table that reference others.
    pub foreign_keys: Vec<Arc<ForeignKeyDef>>,
    /// Keys that reference this table.
    pub referencing: Vec<Arc<ForeignKeyDef>>,
    pub triggers: Vec<TriggerDef>,
    /// Rules of CREATE RULE that are bound to columns: column id, name and text.
    pub bound: Vec<(i32, Arc<str>, Arc<str>)>,
}
