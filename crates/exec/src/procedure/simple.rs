//! Simple parameterization: texts that differ in the values of one short statement share a unit, so that clients that write
//! values into their texts (pymssql, FreeTDS's and PHP's drivers, scripts of INSERTs) are not parsed and planned anew each time.
//!
//! Invariants
//! 1. A text shares a unit only where every literal of it stands for a value of its own: compared with all columns of a unique
//!    index (SELECT, UPDATE, DELETE), assigned (UPDATE) or entered (INSERT … VALUES of one row) in a base table. Then no plan
//!    depends on the value. Whatever else has literals (select lists, hints, TOP, ORDER BY) is planned by its own text.
//! 2. The types are the literals' own (a decimal's digits are part of what texts have in common), strings as long as their type allows: what a literal may be compared with or stored in,
//!    such a value may, too, with the same errors. Columns whose values keep the type they came in (sql_variant) are left out.
//! 3. Positions and lines stay those of the text, as far as they are told: a parameter has the line of its literal, and literals
//!    with line breaks are left out.
//!
//! 4. Names without a schema mean what they mean to who looks in dbo first; whoever looks elsewhere plans by his own text.
//!
//! Source: product documentation, "Simple parameterization" (which statements). The types are this server's own choice: nothing of
//! what a statement answers shows them.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, IndexKind, ObjectDef, TableDef};
use holdfast_plan::ParamId;
use holdfast_tsql::ParseOptions;
use holdfast_tsql::ast::{
    Assignment, BinaryOp, ComparisonOp, DmlTarget, Expr, ExprKind, Ident, InsertSource, Literal, ObjectName,
    QueryBody, SelectItem, Statement, StatementKind, TableKind, TableRef,
};
use holdfast_types::{Decimal, NameOrder, TypeId, Value};

use super::cache::UnitKey;
use super::load::parse_parameters;
use super::run::{Runner, Scope};
use super::state::option;
use super::unit::{TypeScope, Unit, layout, undeclared};
use crate::host::HostDatabase;

/// Longer texts are planned by themselves.
const MAX_TEXT: usize = 2000;
const MAX_LITERALS: usize = 64;
/// Begins the key of units that are shared, so that no declaration of parameters is one.
const MARK: &str = "simple:";

/// A text with names in the place of its literals.
struct Template {
    text: String,
    /// Declarations of the names, in order.
    declarations: String,
    values: Vec<Value>,
}

/// Replaces literals by `@0`, `@1` …; `None` for texts that hold anything else than words, names, operators, and literals
/// that are integers, decimals or strings.
fn template(text: &str, quoted_identifier: bool) -> Option<Template> {
    let bytes = text.as_bytes();
    let first = bytes.get(..6)?;
    let known = [&b"select"[..], b"insert", b"update", b"delete"];
    if bytes.len() > MAX_TEXT || !known.iter().any(|k| first.eq_ignore_ascii_case(k)) {
        return None;
    }
    let mut out = Template {
        text: String::with_capacity(text.len() + 16),
        declarations: String::from(MARK),
        values: Vec::new(),
    };
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        let start = at;
        match b {
            b'\'' => {
                at = string_end(bytes, at)?;
                out.string(text.get(start + 1..at - 1)?, false)?;
                continue;
            }
            b'N' | b'n' if bytes.get(at + 1) == Some(&b'\'') => {
                at = string_end(bytes, at + 1)?;
                out.string(text.get(start + 2..at - 1)?, true)?;
                continue;
            }
            b'0'..=b'9' => {
                while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                    at += 1;
                }
                if bytes.get(at) == Some(&b'.') {
                    at += 1;
                    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                        at += 1;
                    }
                }
                let ends = |b: &u8| {
                    !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'#' | b'@' | b'$') || *b > 127)
                };
                if !bytes.get(at).is_none_or(ends) {
                    return None;
                }
                out.number(text.get(start..at)?)?;
                continue;
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'#' | b'$');
                while bytes.get(at).is_some_and(part) {
                    at += 1;
                }
                if bytes.get(at).is_some_and(|b| *b > 127) {
                    return None;
                }
            }
            b'[' => at += bytes[at..].iter().position(|b| *b == b']')? + 1,
            b'"' if quoted_identifier => at += bytes[at + 1..].iter().position(|b| *b == b'"')? + 2,
            b'.' if bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => return None,
            b'-' if bytes.get(at + 1) == Some(&b'-') => return None,
            b'/' if bytes.get(at + 1) == Some(&b'*') => return None,
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b'(' | b')' | b'.' | b'*' | b'=' | b'<' | b'>' | b'!'
            | b'+' | b'-' => at += 1,
            b';' if text[at + 1..].trim_ascii().is_empty() => at += 1,
            _ => return None,
        }
        out.text.push_str(text.get(start..at)?);
    }
    (!out.values.is_empty()).then_some(out)
}

/// The position behind the string that begins at `at`; one with line breaks in it is none of ours.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = at + 1;
    loop {
        end += bytes.get(end..)?.iter().position(|b| *b == b'\'')? + 1;
        if bytes.get(end) != Some(&b'\'') {
            break;
        }
        end += 1;
    }
    let plain = !bytes[at + 1..end].iter().any(|b| matches!(b, b'\n' | b'\r' | b'\\'));
    plain.then_some(end)
}

impl Template {
    fn literal(&mut self, ty: &str, value: Value) -> Option<()> {
        use std::fmt::Write;
        let n = self.values.len();
        if n == MAX_LITERALS {
            return None;
        }
        let comma = if n == 0 { "" } else { "," };
        write!(self.declarations, "{comma}@{n} {ty}").ok()?;
        write!(self.text, "@{n}").ok()?;
        self.values.push(value);
        Some(())
    }

    /// An int, or a decimal of the digits that are written.
    fn number(&mut self, text: &str) -> Option<()> {
        if let Ok(value) = text.parse() {
            return self.literal("int", Value::Int(value));
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let (whole, scale) = (whole.trim_start_matches('0'), fraction.len());
        let precision = (whole.len() + scale).max(1);
        if precision > 38 {
            return None;
        }
        let mantissa: i128 = format!("0{whole}{fraction}").parse().ok()?;
        let value = Value::Decimal(Decimal::new(mantissa, scale as u8));
        self.literal(&format!("numeric({precision},{scale})"), value)
    }

    /// `content`: as it stands between the quotes.
    fn string(&mut self, content: &str, national: bool) -> Option<()> {
        if !national && !content.is_ascii() {
            // What becomes of it depends on a code page.
            return None;
        }
        self.literal(
            if national { "nvarchar(4000)" } else { "varchar(8000)" },
            Value::string(&content.replace("''", "'")),
        )
    }
}

/// What a statement does with its literals.
struct Uses<'a> {
    names: NameOrder,
    table: &'a TableDef,
    values: &'a [Value],
    /// Literals in places that invariant 1 allows.
    literals: usize,
    /// Ordinals of columns that are compared with one.
    compared: Vec<usize>,
}

fn is_literal(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Variable(_) => true,
        ExprKind::Paren(inner) => is_literal(inner),
        ExprKind::Unary { operand, .. } => is_literal(operand),
        _ => false,
    }
}

impl Uses<'_> {
    fn column(&self, e: &Expr) -> Option<usize> {
        match &e.kind {
            ExprKind::Column(name) => self.named(name.last()?),
            ExprKind::Paren(inner) => self.column(inner),
            _ => None,
        }
    }

    fn named(&self, name: &Ident) -> Option<usize> {
        self.table.columns.iter().position(|c| self.names.same(&c.name, &name.text))
    }

    /// `column = literal`, and such with AND between them.
    fn filter(&mut self, e: &Expr) -> Option<()> {
        match &e.kind {
            ExprKind::And(list) => list.iter().try_for_each(|e| self.filter(e)),
            ExprKind::Paren(inner) => self.filter(inner),
            ExprKind::Comparison { op: ComparisonOp::Equal, left, right } => {
                let (column, value) = match self.column(left) {
                    Some(c) => (c, right),
                    None => (self.column(right)?, left),
                };
                // A whole number compared with a decimal would be converted for each row.
                let whole = self.table.columns.get(column)?.ty.id.is_integer();
                if whole && self.values.iter().any(|v| matches!(v, Value::Decimal(_))) {
                    return None;
                }
                self.compared.push(column);
                self.value(value)
            }
            _ => None,
        }
    }

    /// A literal, with a sign or not.
    fn value(&mut self, e: &Expr) -> Option<()> {
        is_literal(e).then(|| self.literals += 1)
    }

    /// What a column is set to or gets: a literal, NULL, DEFAULT, a column, or a sum of a column and a literal.
    fn assigned(&mut self, e: &Expr) -> Option<()> {
        match &e.kind {
            ExprKind::Literal(Literal::Null) | ExprKind::Default => Some(()),
            // Sums of exact numbers take their precision from how the literal is written.
            ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Subtract, left, right } => {
                let ty = self.table.columns.get(self.column(left)?)?.ty.id;
                let keeps = matches!(ty, TypeId::TinyInt | TypeId::SmallInt | TypeId::Int | TypeId::BigInt);
                keeps.then(|| self.value(right))?
            }
            _ if self.column(e).is_some() => Some(()),
            _ => self.value(e),
        }
    }

    /// Whether all columns of a unique index are compared: one row at most, by a seek.
    fn finds_one(&self) -> bool {
        self.table.indexes.iter().any(|i| {
            i.unique
                && !i.disabled
                && i.filter.is_none()
                && matches!(i.kind, IndexKind::Clustered | IndexKind::Nonclustered)
                && !i.keys.is_empty()
                && i.keys.iter().all(|k| self.compared.contains(&k.ordinal))
        })
    }

    fn is_one(&mut self, statement: &StatementKind) -> Option<()> {
        match statement {
            StatementKind::Select(s) => {
                let QueryBody::Select(select) = &s.query.body else { return None };
                for item in &select.items {
                    match item {
                        SelectItem::Wildcard { .. } => {}
                        SelectItem::Expr { expr, .. } => drop(self.column(expr)?),
                        SelectItem::Assign { .. } => return None,
                    }
                }
                self.filter(select.filter.as_ref()?)?;
                self.finds_one().then_some(())
            }
            StatementKind::Update(u) => {
                for a in &u.assignments {
                    let Assignment::Column { column, value, .. } = a else { return None };
                    self.named(column.last()?)?;
                    self.assigned(value)?;
                }
                self.filter(u.filter.as_ref()?)?;
                self.finds_one().then_some(())
            }
            StatementKind::Delete(d) => {
                self.filter(d.filter.as_ref()?)?;
                self.finds_one().then_some(())
            }
            StatementKind::Insert(i) => {
                let InsertSource::Values(rows) = &i.source else { return None };
                let [row] = rows.as_slice() else { return None };
                row.iter().try_for_each(|e| match &e.kind {
                    ExprKind::Literal(Literal::Null) | ExprKind::Default | ExprKind::Niladic(_) => Some(()),
                    // getdate(), newid() and such: no literal in it.
                    ExprKind::Function(f) if f.arguments.is_empty() && f.over.is_none() => Some(()),
                    _ => self.value(e),
                })
            }
            _ => None,
        }
    }
}

/// The one table of a statement that has no clause whose plan a value could change.
fn table_of(statement: &StatementKind) -> Option<&ObjectName> {
    let target = |t: &'_ DmlTarget| matches!(t, DmlTarget::Named { hints, .. } if hints.is_empty());
    match statement {
        StatementKind::Select(s) => {
            let (q, none) = (&s.query, s.options.is_empty());
            let plain = q.with.is_none() && q.order_by.is_empty() && q.offset.is_none() && q.fetch.is_none();
            let QueryBody::Select(c) = &q.body else { return None };
            let simple = !c.distinct
                && c.top.is_none()
                && c.into.is_none()
                && c.group_by.is_none()
                && c.having.is_none()
                && c.windows.is_empty();
            let [TableRef { kind: TableKind::Named(t), .. }] = c.from.as_slice() else { return None };
            let bare = t.hints.is_empty() && t.sample.is_none() && t.system_time.is_none() && !t.for_path;
            (none && plain && q.for_clause.is_none() && simple && bare && t.columns.is_empty())
                .then_some(&t.name)
        }
        StatementKind::Insert(i) => {
            let bare = i.with.is_none() && i.top.is_none() && i.output.is_empty() && i.options.is_empty();
            named(&i.target).filter(|_| bare && target(&i.target))
        }
        StatementKind::Update(u) => {
            let bare = u.with.is_none() && u.top.is_none() && u.output.is_empty() && u.options.is_empty();
            named(&u.target).filter(|_| bare && u.from.is_empty() && target(&u.target))
        }
        StatementKind::Delete(d) => {
            let bare = d.with.is_none() && d.top.is_none() && d.output.is_empty() && d.options.is_empty();
            named(&d.target).filter(|_| bare && d.from.is_empty() && target(&d.target))
        }
        _ => None,
    }
}

fn named(target: &DmlTarget) -> Option<&ObjectName> {
    match target {
        DmlTarget::Named { name, .. } => Some(name),
        _ => None,
    }
}

/// Whether the statements are one whose `count` literals are values of their own (invariant 1).
fn is_simple(statements: &[Statement], values: &[Value], database: &HostDatabase) -> bool {
    let [statement] = statements else { return false };
    let Some(name) = table_of(&statement.kind) else { return false };
    if name.server.is_some() || name.database.is_some() || name.name.text.starts_with('#') {
        return false;
    }
    let schema = name.schema.as_ref().map_or("dbo", |s| s.text.as_str());
    let Some(ObjectDef::Table(table)) = database.object(schema, &name.name.text) else { return false };
    if table.object_id < 0 || table.columns.iter().any(|c| c.ty.id == TypeId::SqlVariant) {
        return false;
    }
    // Plans over filtered indexes ask for the value.
    if table.indexes.iter().any(|i| i.filter.is_some()) {
        return false;
    }
    let names = Catalog::names(database);
    let mut uses = Uses { names, table: &table, values, literals: 0, compared: Vec::new() };
    uses.is_one(&statement.kind).is_some() && uses.literals == values.len()
}

impl Runner<'_> {
    /// The unit that a text shares with others like it, and the values that are its own.
    pub fn load_simple(&mut self, text: &str) -> Option<(Arc<Unit>, Vec<Value>)> {
        let quoted = {
            let state = self.session.state.lock();
            let plans = state.show_plan.is_some() || state.statistics.show_rows || state.statistics.show_xml;
            if plans || state.parse_only || state.names.is_some() {
                return None;
            }
            state.settings.options & option::QUOTED_IDENTIFIER
        };
        if &*self.session.default_schema() != "dbo" {
            return None;
        }
        let found = template(text, quoted != 0)?;
        self.session.take_present();
        let database = self.session.current_database();
        let key = UnitKey {
            text: found.text.into(),
            parameters: found.declarations.into(),
            options: quoted,
            database: Arc::as_ptr(&database) as usize,
        };
        let unit = match self.shared.units.find(&key) {
            Some(unit) => unit,
            None => {
                let unit = self.shared_unit(&key, &found.values, &database);
                // What is none is remembered, too.
                let unit = unit.unwrap_or_else(|| Unit::new("", Vec::new(), Vec::new(), Default::default()));
                self.shared.units.keep(key, &unit);
                unit
            }
        };
        (!unit.statements.is_empty()).then_some((unit, found.values))
    }

    fn shared_unit(
        &self,
        key: &UnitKey,
        values: &[Value],
        database: &Arc<HostDatabase>,
    ) -> Option<Arc<Unit>> {
        let options = ParseOptions { quoted_identifier: key.options != 0 };
        let batch = holdfast_tsql::parse_batch(&key.text, &options).ok()?;
        if !is_simple(&batch.statements, values, database) {
            return None;
        }
        let list = parse_parameters(key.parameters.strip_prefix(MARK)?).ok()?;
        let types = TypeScope {
            catalog: Arc::clone(database) as Arc<dyn Catalog>,
            collation: database.default_collation(),
            // Shared units are for who looks there.
            schema: "dbo".into(),
            text: &key.text,
        };
        let layout = layout(&list, &batch.statements, &types, Default::default()).ok()?;
        undeclared(&batch.uses, &layout)
            .is_empty()
            .then(|| Unit::new(&key.text, list, batch.statements, layout))
    }
}

/// Gives the parameters of a shared unit a text's values; they have the first places.
pub fn set_values(scope: &mut Scope, values: Vec<Value>) {
    for (n, value) in (0..).zip(values) {
        scope.set(ParamId(n), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_make_way_for_names() {
        let found = template("insert t(a) values (1, -2.50, 3000000000, 'it''s', N'x')", true).unwrap();
        assert_eq!(found.text, "insert t(a) values (@0, -@1, @2, @3, @4)");
        assert_eq!(
            found.declarations,
            "simple:@0 int,@1 numeric(3,2),@2 numeric(10,0),@3 varchar(8000),@4 nvarchar(4000)"
        );
        assert_eq!(found.values[1], Value::Decimal(Decimal::new(250, 2)));
        assert_eq!(found.values[3], Value::string("it's"));
    }

    #[test]
    fn other_texts_are_left() {
        for text in [
            "select a from t",
            "select 1e3",
            "select 1.2.3",
            "select 'a\nb'",
            "select 'a",
            "select 'a''",
            "select 1 -- one",
            "declare @a int = 1",
            "insert t values (12345678901234567890123456789012345678.9)",
        ] {
            assert!(template(text, true).is_none(), "{text}");
        }
    }
}
