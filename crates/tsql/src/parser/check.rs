//! What can be wrong with a batch that parses, without a catalog: labels, loops, duplicate variables, RETURN values.

use std::collections::{HashMap, HashSet};

use super::error;
use crate::Span;
use crate::ast::{
    Batch, CreateFunction, Ddl, FunctionReturns, Ident, ModuleBody, Parameter, Statement, StatementKind,
};
use crate::error::SyntaxError;

/// What kind of text the statements stand in; decides about RETURN with a value.
#[derive(Clone, Copy, PartialEq)]
enum Scope {
    Batch,
    Procedure,
    Function,
    Trigger,
}

pub(super) fn check_batch(batch: &Batch) -> Vec<SyntaxError> {
    let mut errors = Vec::new();
    check_scope(&batch.statements, &[], Scope::Batch, &mut errors);
    errors
}

struct Walk<'a> {
    scope: Scope,
    variables: HashSet<String>,
    /// The TRY and CATCH blocks around each label and GOTO, outermost first.
    labels: HashMap<String, Vec<u32>>,
    gotos: Vec<(&'a Ident, Vec<u32>)>,
    /// Those around the statement that is looked at, and how many there were.
    inside: Vec<u32>,
    blocks: u32,
    errors: &'a mut Vec<SyntaxError>,
}

fn check_scope(
    statements: &[Statement],
    parameters: &[Parameter],
    scope: Scope,
    errors: &mut Vec<SyntaxError>,
) {
    let mut walk = Walk {
        scope,
        variables: HashSet::new(),
        labels: HashMap::new(),
        gotos: Vec::new(),
        inside: Vec::new(),
        blocks: 0,
        errors,
    };
    for p in parameters {
        walk.declare(&p.name, p.span);
    }
    for s in statements {
        walk.statement(s, 0);
    }
    let Walk { gotos, labels, errors, .. } = walk;
    for (goto, inside) in gotos {
        let text = match labels.get(&goto.text.to_lowercase()) {
            Some(around) if inside.starts_with(around) => continue,
            Some(_) => {
                let text = "GOTO cannot be used to jump into a TRY or CATCH scope.";
                errors.push(*error(1026, 15, 1, goto.span, text.to_owned()));
                continue;
            }
            None => format!(
                "A GOTO statement references the label '{}' but the label has not been declared.",
                goto.text
            ),
        };
        errors.push(*error(133, 15, 1, goto.span, text));
    }
}

impl<'a> Walk<'a> {
    fn report(&mut self, number: i32, span: Span, text: String) {
        self.errors.push(*error(number, 15, 1, span, text));
    }

    fn declare(&mut self, name: &str, span: Span) {
        if !self.variables.insert(name.to_lowercase()) {
            let text = format!(
                "The variable name '{name}' has already been declared. Variable names must be unique within a query batch \
                 or stored procedure."
            );
            self.report(134, span, text);
        }
    }

    fn statement(&mut self, s: &'a Statement, loops: u32) {
        match &s.kind {
            StatementKind::Block(list) => list.iter().for_each(|s| self.statement(s, loops)),
            StatementKind::If { then, otherwise, .. } => {
                self.statement(then, loops);
                if let Some(o) = otherwise {
                    self.statement(o, loops);
                }
            }
            StatementKind::While { body, .. } => self.statement(body, loops + 1),
            StatementKind::TryCatch { body, handler } => {
                for block in [body, handler] {
                    self.blocks += 1;
                    self.inside.push(self.blocks);
                    block.iter().for_each(|s| self.statement(s, loops));
                    self.inside.pop();
                }
            }
            StatementKind::Break if loops == 0 => {
                let text = "Cannot use a BREAK statement outside the scope of a WHILE statement.";
                self.report(135, s.span, text.to_owned());
            }
            StatementKind::Continue if loops == 0 => {
                let text = "Cannot use a CONTINUE statement outside the scope of a WHILE statement.";
                self.report(136, s.span, text.to_owned());
            }
            StatementKind::Declare(list) => list.iter().for_each(|d| self.declare(&d.name, d.span)),
            StatementKind::Return(Some(_)) if matches!(self.scope, Scope::Batch | Scope::Trigger) => {
                let text = "A RETURN statement with a return value cannot be used in this context.";
                self.report(178, s.span, text.to_owned());
            }
            StatementKind::Goto(label) => self.gotos.push((label, self.inside.clone())),
            StatementKind::Label(label)
                if self.labels.insert(label.text.to_lowercase(), self.inside.clone()).is_some() =>
            {
                let text = format!(
                    "The label '{}' has already been declared. Label names must be unique within a query batch or \
                         stored procedure.",
                    label.text
                );
                self.report(132, label.span, text);
            }
            StatementKind::Ddl(ddl) => self.module(ddl),
            _ => {}
        }
    }

    fn module(&mut self, ddl: &'a Ddl) {
        let (parameters, statements, scope): (&[Parameter], &[Statement], Scope) = match ddl {
            Ddl::CreateProcedure(p) => match &p.body {
                ModuleBody::Statements(s) => (&p.parameters, s, Scope::Procedure),
                ModuleBody::External(_) => return,
            },
            Ddl::CreateFunction(f) => match function_body(f) {
                Some(s) => (&f.parameters, s, Scope::Function),
                None => return,
            },
            Ddl::CreateTrigger(t) => match &t.body {
                ModuleBody::Statements(s) => (&[], s, Scope::Trigger),
                ModuleBody::External(_) => return,
            },
            _ => return,
        };
        check_scope(statements, parameters, scope, self.errors);
    }
}

fn function_body(f: &CreateFunction) -> Option<&[Statement]> {
    match &f.returns {
        FunctionReturns::Scalar { body: ModuleBody::Statements(s), .. } => Some(s),
        FunctionReturns::Table { body, .. } => Some(body),
        _ => None,
    }
}
