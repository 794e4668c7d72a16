//! Binder and optimiser: from a parsed query to a physical plan. Knows the catalog's definitions and statistics, never rows.
//!
//! Module map: [`context`] what binding needs from the session, [`expr`] bound expressions, [`function`] built-in functions,
//! [`physical`] the operators' tree that the executor runs, [`logical`] the tree the rules work on.
#![forbid(unsafe_code)]

mod bind;
mod build;
pub mod context;
mod cost;
mod entry;
pub mod explain;
pub mod expr;
pub mod function;
pub mod logical;
pub mod physical;
mod rules;
pub mod typing;

pub use bind::resolve_type;
pub use context::{BindContext, BindSettings, ConstantEvaluator, NameResolver, VariableInfo};
pub use entry::{bind_condition, bind_expression, bind_query};
pub use expr::{Expr, ExprKind, ParamId};
pub use physical::{BoundQuery, PhysicalOp, PhysicalPlan};
