//! Texts made ready to run: batches, texts with parameters, modules; found in the cache when they came before.

use std::sync::Arc;

use holdfast_engine::catalog::Catalog;
use holdfast_tsql::ParseOptions;
use holdfast_tsql::ast::{Ddl, ModuleBody, Parameter, StatementKind};
use holdfast_types::SqlError;

use super::cache::{UnitCache, UnitKey};
use super::run::{Fail, Runner};
use super::state::option;
use super::unit::{Layout, TypeScope, Unit, layout, names_types, syntax_error, undeclared};
use crate::host::HostDatabase;

impl Runner<'_> {
    /// Parses a text with parameters, or finds it in the cache.
    pub fn load_batch(&mut self, text: &Arc<str>, parameters: &Arc<str>) -> Result<Arc<Unit>, Vec<SqlError>> {
        self.session.take_present();
        let database = self.session.current_database();
        let options = self.session.state.lock().settings.options;
        let key = UnitKey {
            text: Arc::clone(text),
            parameters: Arc::clone(parameters),
            options: options & option::QUOTED_IDENTIFIER,
            database: Arc::as_ptr(&database) as usize,
        };
        if let Some(unit) = self.shared.units.find(&key) {
            return Ok(unit);
        }
        let quoted = ParseOptions { quoted_identifier: options & option::QUOTED_IDENTIFIER != 0 };
        let batch = holdfast_tsql::parse_batch(text, &quoted)
            .map_err(|v| v.into_iter().map(syntax_error).collect::<Vec<_>>())?;
        let list = parse_parameters(parameters)?;
        let layout = self.session.settled(|watch| {
            self.session.take_present();
            let database = self.session.current_database();
            let collation = database.default_collation();
            let catalog = watch.over(database, &self.session);
            let schema = self.session.default_schema();
            let types = TypeScope { catalog, collation, schema, text };
            layout(&list, &batch.statements, &types, Layout::default())
        });
        let line = |e: SqlError| e.at_line(batch.statements.first().map_or(1, |s| s.span.line));
        let layout = layout.map_err(line).and_then(|l| l).map_err(|e| vec![e])?;
        let errors = undeclared(&batch.uses, &layout);
        if !errors.is_empty() {
            return Err(errors);
        }
        // What a type means to a transaction that has defined something is no affair of others.
        let own = self.session.definer().is_some() && names_types(&list, &batch.statements);
        let unit = Unit::new(text, list, batch.statements, layout);
        if !own {
            self.shared.units.keep(key, &unit);
        }
        Ok(unit)
    }
}

/// `@a int, @b nvarchar(10) OUTPUT` as parameters.
pub fn parse_parameters(text: &str) -> Result<Vec<Parameter>, Vec<SqlError>> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let whole = format!("CREATE PROCEDURE p {text}\nAS RETURN");
    let batch = holdfast_tsql::parse_batch(&whole, &ParseOptions::default())
        .map_err(|v| v.into_iter().map(syntax_error).collect::<Vec<_>>())?;
    match batch.statements.into_iter().next().map(|s| s.kind) {
        Some(StatementKind::Ddl(d)) => match *d {
            Ddl::CreateProcedure(p) => Ok(p.parameters),
            _ => Err(vec![SqlError::new(102, &[&"@"])]),
        },
        _ => Err(vec![SqlError::new(102, &[&"@"])]),
    }
}

/// The parameters and statements of CREATE PROCEDURE. `place`: the database of its types, the one it runs in, and what tells it from
/// the same text elsewhere. `schema`: its own.
pub(super) fn load_text(
    text: &Arc<str>,
    options: &ParseOptions,
    place: (&Arc<HostDatabase>, &Arc<HostDatabase>, &str),
    schema: &Arc<str>,
    units: &UnitCache,
) -> Result<Arc<Unit>, Fail> {
    let (types, database, of) = place;
    let key = UnitKey {
        text: Arc::clone(text),
        parameters: if &**schema == "dbo" { of.into() } else { format!("{of}\u{1}{schema}").into() },
        options: i32::from(options.quoted_identifier),
        database: Arc::as_ptr(database) as usize,
    };
    if let Some(unit) = units.find(&key) {
        return Ok(unit);
    }
    let batch = holdfast_tsql::parse_batch(text, options).map_err(|mut v| {
        if v.is_empty() { SqlError::new(102, &[&""]) } else { syntax_error(v.swap_remove(0)) }
    })?;
    let statement = batch.statements.into_iter().next().map(|s| s.kind);
    let Some(StatementKind::Ddl(d)) = statement else {
        return Err(SqlError::not_supported("This kind of procedure").into());
    };
    let Ddl::CreateProcedure(p) = *d else {
        return Err(SqlError::not_supported("This kind of procedure").into());
    };
    let ModuleBody::Statements(statements) = p.body else {
        return Err(SqlError::not_supported("A procedure of an assembly").into());
    };
    let types = TypeScope {
        catalog: Arc::clone(types) as Arc<dyn Catalog>,
        collation: types.default_collation(),
        schema: Arc::clone(schema),
        text,
    };
    let layout = layout(&p.parameters, &statements, &types, Layout::default())?;
    let unit = Unit::of_module(text, p.parameters, statements, layout, p.options.execute_as);
    units.keep(key, &unit);
    Ok(unit)
}
