//! System procedures that change the catalog: their arguments, and which there are.

use std::sync::Arc;

use holdfast_engine::ddl::object::bits;
use holdfast_engine::instance::{MASTER, MODEL};
use holdfast_tsql::Span;
use holdfast_types::{NameOrder, SqlError, SqlType, Value};

use super::{Definition, bound};
use crate::host::HostDatabase;
use crate::procedure::call::Argument;
use crate::procedure::run::{Fail, Runner, Scope};
use crate::procedure::startup::STARTUP;
use crate::procedure::unit::{Layout, Unit};
use crate::system_view::ViewSource;

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
        name: "sp_ms_marksystemobject",
        parameters: &["@objname", "@namespace"],
        required: 1,
        run: |work, a| work.mark_system_object(a),
    },
    Procedure {
        name: "sp_tableoption",
        parameters: &["@TableNamePattern", "@OptionName", "@OptionValue"],
        required: 3,
        run: |work, a| work.set_table_option(a),
    },
    Procedure {
        name: "sp_procoption",
        parameters: &["@procname", "@optionname", "@optionvalue"],
        required: 3,
        run: |work, a| work.set_procedure_option(a),
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
            Some(n) => parameters.iter().position(|p| NameOrder::instance().same(p, n)),
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

impl Definition<'_, '_> {
    /// sp_procoption: a procedure of master runs when the server starts, or does not any more.
    fn set_procedure_option(&mut self, a: &Arguments) -> Result<(), Fail> {
        let refused = |number, text: &str| Err(SqlError::with_text(number, 16, text).into());
        if !self.runner.session.security.is_unrestricted() {
            return refused(15_247, "User does not have permission to perform this action.");
        }
        let option = a.text(1).unwrap_or_default().to_lowercase();
        let on = match a.text(2).unwrap_or_default().to_lowercase().as_str() {
            "on" | "true" => Some(true),
            "off" | "false" => Some(false),
            _ => None,
        };
        let Some(on) = on.filter(|_| option == "startup") else {
            return refused(
                15_600,
                "An invalid parameter or option was specified for procedure 'sys.sp_procoption'.",
            );
        };
        let name = a.text(0).unwrap_or_default();
        let parsed = holdfast_tsql::parse_object_name(&name).ok();
        let found = parsed.map(|n| self.find(&n)).transpose()?.flatten();
        let Some((id, _)) = found.filter(|(_, kind)| kind == "P") else {
            let text = format!("The stored procedure '{name}' does not exist.");
            return refused(15_388, &text);
        };
        if self.database.id != MASTER || self.catalog()?.object_row(id).is_some_and(|o| o.schema_id != 1) {
            return refused(
                15_398,
                "Only objects in the master database owned by dbo can have the startup setting changed.",
            );
        }
        if !self.database.model()?.parameters_of(id).is_empty() {
            return refused(
                15_399,
                "Could not change startup option because this option is restricted to objects that have no parameters.",
            );
        }
        self.lock(id)?;
        Ok(self.writer()?.set_status(id, if on { STARTUP } else { 0 }, if on { 0 } else { STARTUP })?)
    }
}

/// Bit of an object's status: shipped with the server.
const SHIPPED: i64 = 1;

impl Definition<'_, '_> {
    /// sp_MS_marksystemobject: what of the object is said to be the server's own. A procedure of master looks for names where it is
    /// called from then.
    fn mark_system_object(&mut self, a: &Arguments) -> Result<(), Fail> {
        let name = a.text(0).unwrap_or_default();
        let missing = || {
            let text = format!("Object '{name}' does not exist or is not a valid object for this operation.");
            SqlError::with_text(15_001, 16, text)
        };
        let parsed = holdfast_tsql::parse_object_name(&name).map_err(|_| missing())?;
        let (id, _) = self.find(&parsed)?.ok_or_else(missing)?;
        self.lock(id)?;
        Ok(self.writer()?.set_status(id, SHIPPED, 0)?)
    }
}

impl Definition<'_, '_> {
    /// sp_tableoption. What SQL Server 2005 and later take and do nothing with is taken; what has no place here is refused.
    fn set_table_option(&mut self, a: &Arguments) -> Result<(), Fail> {
        let (name, option) = (a.text(0).unwrap_or_default(), a.text(1).unwrap_or_default());
        let value = match a.value(2) {
            (Value::Null, _) => String::new(),
            (value, ty) => holdfast_types::conversion::canonical_text(&value, &ty).unwrap_or_default(),
        };
        let missing = || SqlError::new(15_388, &[&name]);
        let parsed = holdfast_tsql::parse_object_name(&name).map_err(|_| missing())?;
        let (id, kind) = self.find(&parsed)?.ok_or_else(missing)?;
        if kind != "U" {
            return Err(missing().into());
        }
        self.lock(id)?;
        let value = value.trim().to_ascii_lowercase();
        let wrong = || Fail::from(SqlError::new(15_600, &[&"sys.sp_tableoption"]));
        let switch = || match value.as_str() {
            "on" | "true" | "1" => Ok(true),
            "off" | "false" | "0" => Ok(false),
            _ => Err(wrong()),
        };
        let option = option.trim().to_ascii_lowercase();
        let on = match option.as_str() {
            "pintable" => return switch().map(|_| ()),
            "large value types out of row" => {
                let bit = bits::LARGE_OUT_OF_ROW;
                let (set, clear) = if switch()? { (bit, 0) } else { (0, bit) };
                return Ok(self.writer()?.set_status(id, set, clear)?);
            }
            "table lock on bulk load" | "vardecimal storage format" => switch()?,
            "text in row" => match value.parse::<i32>() {
                Ok(0) => false,
                Ok(24..=7000) => true,
                Ok(_) => return Err(wrong()),
                Err(_) => switch()?,
            },
            _ => return Err(wrong()),
        };
        if on {
            return Err(SqlError::not_supported(format!("Table option '{option}'")).into());
        }
        Ok(())
    }
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
        let copied = procedure.name == "sp_rename" || procedure.name.ends_with("extendedproperty");
        if database.id == MODEL && !copied {
            return Err(SqlError::not_supported(format!("{} in model", procedure.name)).into());
        }
        let arguments = Arguments(values);
        // Triggers of the server lie in master.
        let of_server = procedure.name == "sp_settriggerorder"
            && arguments.text(3).is_some_and(|n| n.eq_ignore_ascii_case("SERVER"));
        let master = if of_server { self.session.host.database_by_id(MASTER) } else { None };
        let database = master.as_ref().unwrap_or(database);
        if of_server && !self.session.security.has_server("CL") {
            return Err(SqlError::new(15247, &[]).into());
        }
        // These ask for what they change.
        let asks = copied || procedure.name == "sp_settriggerorder";
        if !asks {
            self.may_redefine(database)?;
        }
        // The events that it makes tell the statement that called it.
        let (text, span) = match &self.command {
            Some((unit, of)) => (Arc::clone(&unit.text), *of),
            None => (Arc::from(""), span),
        };
        let scope = Scope::new(
            Unit::new(&text, Vec::new(), Vec::new(), Layout::default()),
            &self.session.host.temporary_rows,
        );
        self.look_again();
        let run = |r: &mut Self| r.defining(database, span, &scope, |work| (procedure.run)(work, &arguments));
        let result = self.while_defined(run);
        result.map_err(|f| match f {
            Fail::Error(mut e) => {
                procedure.name.clone_into(&mut e.procedure);
                Fail::Error(e)
            }
            other => other,
        })
    }
}
