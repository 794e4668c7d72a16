//! Binder and optimiser: from a parsed query to a physical plan. Knows the catalog's definitions and statistics, never rows.
//!
//! Module map: [`access`] what a statement does to which objects, [`change`] planned changes of rows, [`context`] what binding needs from the session, [`expr`] bound expressions, [`function`] built-in functions,
//! [`physical`] the operators' tree that the executor runs, [`logical`] the tree the rules work on.
#![forbid(unsafe_code)]

pub mod access;
mod bind;
mod build;
pub mod change;
pub mod context;
mod cost;
mod deduce;
mod determinism;
mod entry;
pub mod explain;
pub mod expr;
pub mod function;
pub mod logical;
pub mod physical;
mod placed;
mod rules;
pub mod showplan;
pub mod typing;

pub use bind::resolve_type;
pub use context::{BindContext, BindSettings, ConstantEvaluator, NameResolver, VariableInfo};
pub use deduce::{Inferred, infer_parameters};
pub use determinism::{Unsteady, unsteady};
pub use entry::{
    bind_condition, bind_cursor, bind_delete, bind_expression, bind_insert, bind_merge, bind_modify,
    bind_query, bind_target, bind_update, computed_type,
};
pub use expr::{Expr, ExprKind, ParamId};
pub use physical::{BoundQuery, PhysicalOp, PhysicalPlan};
pub use placed::bind_placed;
