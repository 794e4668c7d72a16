//! Whether a function or view answers the same for the same rows at all times: IsDeterministic of OBJECTPROPERTY.
//!
//! Invariants
//! 1. Only what is bound to its schema can be.
//! 2. What is not known to be deterministic is said not to be: conversions to and from dates without a style, for one.
//! 3. Every object is looked at once, however often it is called; one that calls itself is not known to be.
//!
//! Evidence: T-SQL reference, "Deterministic and nondeterministic functions".

use std::collections::HashMap;

use holdfast_plan::function::{Volatility, find};
use holdfast_tsql::ParseOptions;
use holdfast_tsql::ast::walk::{Met, walk_query, walk_statements};
use holdfast_tsql::ast::{Ddl, ExprKind, FunctionReturns, ModuleBody, ObjectName, StatementKind};

use crate::system_view::model::{CatalogModel, Object};

/// Functions may call each other this deep before they are given up.
const DEPTH: u32 = 32;

/// Whether the object's text, and what it calls, depends on nothing but rows and arguments.
pub fn is_deterministic(model: &CatalogModel, o: &Object) -> bool {
    look_at(model, o, 0, &mut HashMap::new())
}

/// `known`: the objects that were looked at, and those that are being (invariant 3).
fn look_at(model: &CatalogModel, o: &Object, depth: u32, known: &mut HashMap<i32, bool>) -> bool {
    if depth > DEPTH || !o.status_bit(0x2_0000) {
        return false;
    }
    if let Some(answer) = known.get(&o.id) {
        return *answer;
    }
    known.insert(o.id, false);
    let answer = is_steady(model, o, depth, known);
    known.insert(o.id, answer);
    answer
}

fn is_steady(model: &CatalogModel, o: &Object, depth: u32, known: &mut HashMap<i32, bool>) -> bool {
    let Some(text) = model.hidden_text(o.id) else { return false };
    let options = ParseOptions { quoted_identifier: o.status_bit(0x8_0000) };
    let Ok(batch) = holdfast_tsql::parse_batch(&text, &options) else { return false };
    let Some(StatementKind::Ddl(definition)) = batch.statements.first().map(|s| &s.kind) else {
        return false;
    };
    let mut steady = true;
    let mut see = |met: Met<'_>| {
        steady = steady
            && match met {
                Met::Call(call) => match find(&call.name.name.text).filter(|_| call.name.is_simple()) {
                    Some(built_in) => built_in.volatility == Volatility::Pure,
                    // Aggregates of the server; what is called with a schema is a function of the database.
                    None if call.name.is_simple() => true,
                    None => called(model, &call.name, depth, known),
                },
                Met::Rows(name) => called(model, name, depth, known),
                Met::TableFunction(name) => name.is_simple() || called(model, name, depth, known),
                Met::Procedure(_) | Met::Sequence(_) => false,
                Met::Expr(e) => match &e.kind {
                    ExprKind::GlobalVariable(_) | ExprKind::Parse { .. } => false,
                    ExprKind::Cast { data_type, .. } => !is_temporal(data_type.builtin()),
                    ExprKind::Convert { data_type, style, .. } => {
                        style.is_some() || !is_temporal(data_type.builtin())
                    }
                    _ => true,
                },
                _ => true,
            };
    };
    match &**definition {
        Ddl::CreateView(v) => walk_query(&v.query, &mut see),
        Ddl::CreateFunction(f) => match &f.returns {
            FunctionReturns::Scalar { body: ModuleBody::Statements(list), .. }
            | FunctionReturns::Table { body: list, .. } => walk_statements(list, &mut see),
            FunctionReturns::Inline(q) => walk_query(q, &mut see),
            _ => return false,
        },
        _ => return false,
    }
    steady
}

fn is_temporal(ty: Option<&str>) -> bool {
    let types = ["date", "time", "datetime", "smalldatetime", "datetime2", "datetimeoffset"];
    ty.is_some_and(|t| types.contains(&t))
}

/// Tables are; views and functions when their texts are.
fn called(model: &CatalogModel, name: &ObjectName, depth: u32, known: &mut HashMap<i32, bool>) -> bool {
    let schema = name.schema.as_ref().map_or("dbo", |s| s.text.as_str());
    let named = |o: &&Object| {
        model.names.same(&o.name, &name.name.text)
            && model.names.same(&model.schema_name(o.schema_id), schema)
    };
    match model.user_objects().find(named) {
        Some(o) if &*o.kind == "U" => true,
        Some(o) => look_at(model, o, depth + 1, known),
        None => false,
    }
}
