//! System procedures that change the catalog: their arguments, and which there are.

use std::sync::Arc;

use holdfast_tsql::Span;
use holdfast_types::{SqlError, SqlType, Value};

use super::{Definition, bound};
use crate::host::HostDatabase;
use crate::procedure::call::Argument;
use crate::procedure::run::{Fail, Runner, Scope};
use crate::procedure::unit::{Layout, Unit};

/// Arguments by parameter, with their types.
pub struct Arguments(pub Vec<Option<(Value, SqlType)>>);

impl Arguments {
    /// A text; empty and NULL are `None`.
    pub fn text(&self, place: usize) -> Option<String> {
        match self.0.get(place) {
            Some(Some((Value::String(s), _))) => Some(s.to_text()).filter(|t| !t.is_empty()),
            _ => None,
        }
    }

    pub fn value(&self, place: usize) -> (Value, SqlType) {
        self.0.get(place).cloned().flatten().unwrap_or((Value::Null, SqlType::NULL))
    }
}

/// A procedure: parameters in order, how many of them must be given, what it does.
pub struct Procedure {
    name: &'static str,
    parameters: &'static [&'static str],
    required: usize,
    run: fn(&mut Definition<'_, '_>, &Arguments) -> Result<(), Fail>,
}

const LEVELS: &[&str] = &[
    "@name",
    "@value",
    "@level0type",
    "@level0name",
    "@level1type",
    "@level1name",
    "@level2type",
    "@level2name",
];
const LEVELS_ONLY: &[&str] =
    &["@name", "@level0type", "@level0name", "@level1type", "@level1name", "@level2type", "@level2name"];

const PROCEDURES: &[Procedure] = &[
    Procedure {
        name: "sp_rename",
        parameters: &["@objname", "@newname", "@objtype"],
        required: 2,
        run: |work, a| work.rename(a),
    },
    Procedure {
        name: "sp_addextendedproperty",
        parameters: LEVELS,
        required: 1,
        run: |work, a| work.add_property(a),
    },
    Procedure {
        name: "sp_updateextendedproperty",
        parameters: LEVELS,
        required: 1,
        run: |work, a| work.update_property(a),
    },
    Procedure {
        name: "sp_dropextendedproperty",
        parameters: LEVELS_ONLY,
        required: 1,
        run: |work, a| work.drop_property(a),
    },
    Procedure {
        name: "sp_bindefault",
        parameters: &["@defname", "@objname", "@futureonly"],
        required: 2,
        run: |work, a| work.bind(a, &bound::DEFAULT),
    },
    Procedure {
        name: "sp_bindrule",
        parameters: &["@rulename", "@objname", "@futureonly"],
        required: 2,
        run: |work, a| work.bind(a, &bound::RULE),
    },
    Procedure {
        name: "sp_unbindefault",
        parameters: &["@objname", "@futureonly"],
        required: 1,
        run: |work, a| work.unbind(a, &bound::DEFAULT),
    },
    Procedure {
        name: "sp_unbindrule",
        parameters: &["@objname", "@futureonly"],
        required: 1,
        run: |work, a| work.unbind(a, &bound::RULE),
    },
    Procedure {
        name: "sp_settriggerorder",
        parameters: &["@triggername", "@order", "@stmttype", "@namespace"],
        required: 3,
        run: |work, a| work.set_trigger_order(a),
    },
];

/// A procedure by its name in lower case.
pub fn find(name: &str) -> Option<&'static Procedure> {
    PROCEDURES.iter().find(|p| p.name == name)
}

/// Which argument each parameter gets.
pub fn places(name: &str, parameters: &[&str], arguments: &[Argument]) -> Result<Vec<Option<usize>>, Fail> {
    let mut out = vec![None; parameters.len()];
    for (i, a) in arguments.iter().enumerate() {
        let at = match &a.name {
            Some(n) => parameters.iter().position(|p| p.eq_ignore_ascii_case(n)),
            None => (i < parameters.len()).then_some(i),
        };
        match (at, &a.name) {
            (Some(at), _) => out[at] = Some(i),
            (None, Some(n)) => {
                let text = format!("{n} is not a parameter for procedure {name}.");
                return Err(SqlError::with_text(8145, 16, text).into());
            }
            (None, None) => {
                let text = format!("Procedure or function {name} has too many arguments specified.");
                return Err(SqlError::with_text(8144, 16, text).state(2).into());
            }
        }
    }
    Ok(out)
}

impl Runner<'_> {
    pub fn run_definition(
        &mut self,
        procedure: &Procedure,
        arguments: &[Argument],
        database: &Arc<HostDatabase>,
        span: Span,
    ) -> Result<(), Fail> {
        let places = places(procedure.name, procedure.parameters, arguments)?;
        let value = |i: usize| arguments[i].value.clone().map(|v| (v, arguments[i].ty));
        let values = places.iter().map(|p| p.and_then(value)).collect();
        if let Some(i) = places.iter().take(procedure.required).position(Option::is_none) {
            let text = format!(
                "Procedure or function '{}' expects parameter '{}', which was not supplied.",
                procedure.name, procedure.parameters[i]
            );
            return Err(SqlError::with_text(201, 16, text).state(4).into());
        }
        self.may_redefine(database)?;
        // The events that it makes tell the statement that called it.
        let (text, span) = match &self.command {
            Some((unit, of)) => (Arc::clone(&unit.text), *of),
            None => (Arc::from(""), span),
        };
        let scope = Scope::new(Unit::new(&text, Vec::new(), Vec::new(), Layout::default()));
        self.look_again();
        let result = self.defining(database, span, &scope, |work| (procedure.run)(work, &Arguments(values)));
        result.map_err(|f| match f {
            Fail::Error(mut e) => {
                procedure.name.clone_into(&mut e.procedure);
                Fail::Error(e)
            }
            other => other,
        })
    }
}
