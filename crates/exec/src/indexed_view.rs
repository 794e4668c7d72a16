//! What the text of an indexed view computes, and what keeps a view from being indexed.
//!
//! Invariants
//! 1. A view that passes [`check`] is a sum over the rows of each table that it names: what a change of one table adds or takes
//!    away depends on those rows and on the other tables alone. Maintaining it row by row rests on that.
//! 2. Whatever is not known to be allowed is refused.
//!
//! Evidence: T-SQL reference, "Create indexed views"; the texts of sys.messages. Their numbers are those that servers answer
//! with, which from 10102 on are one less than in the published list.

use std::sync::Arc;

use holdfast_engine::catalog::{ModuleDef, TableDef};
use holdfast_tsql::ParseOptions;
use holdfast_tsql::ast::expression::{Expr, ExprKind, FunctionCall, NiladicFunction, SetQuantifier};
use holdfast_tsql::ast::query::{
    GroupItem, JoinKind, NamedTable, Query, QueryBody, Select, SelectItem, TableKind, TableRef,
};
use holdfast_tsql::ast::{CreateView, Ddl, Ident, StatementKind};
use holdfast_types::{NameOrder, SqlError, SqlResult};

/// What a column of an indexed view is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A value of a row, or what rows are grouped by.
    Value,
    /// COUNT_BIG(*): the group is there as long as this is not 0.
    Rows,
    /// Another COUNT_BIG, or a SUM.
    Sum,
}

/// The columns of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pub grouped: bool,
    pub roles: Vec<Role>,
}

impl Shape {
    /// # Errors
    /// The text is not that of a view that can be indexed.
    pub fn of(view: &ModuleDef) -> SqlResult<Shape> {
        let text = parse(view)?;
        let select = plain_select(&text.query).ok_or_else(|| not_indexable(view))?;
        let grouped = select.group_by.is_some();
        let mut roles = Vec::with_capacity(select.items.len());
        for item in &select.items {
            let SelectItem::Expr { expr, .. } = item else { return Err(not_indexable(view)) };
            roles.push(match aggregate(expr) {
                Some(("COUNT_BIG", f)) if f.star => Role::Rows,
                Some(_) => Role::Sum,
                None => Role::Value,
            });
        }
        if grouped != roles.contains(&Role::Rows) || !grouped && roles.contains(&Role::Sum) {
            return Err(not_indexable(view));
        }
        Ok(Shape { grouped, roles })
    }
}

fn not_indexable(view: &ModuleDef) -> SqlError {
    SqlError::not_supported(format!("Keeping the rows of the view '{}.{}'", view.schema_name, view.name))
}

/// The statement that made a view.
///
/// # Errors
/// 4413.
pub fn parse(view: &ModuleDef) -> SqlResult<CreateView> {
    let options = ParseOptions { quoted_identifier: view.quoted_identifier };
    let unreadable = || SqlError::new(4413, &[&view.name]);
    let batch = holdfast_tsql::parse_batch(&view.text, &options).map_err(|_| unreadable())?;
    let found = batch.statements.into_iter().find_map(|s| match s.kind {
        StatementKind::Ddl(d) => match *d {
            Ddl::CreateView(v) => Some(*v),
            _ => None,
        },
        _ => None,
    });
    found.ok_or_else(unreadable)
}

/// The one SELECT that a query is.
pub fn plain_select(query: &Query) -> Option<&Select> {
    match &query.body {
        QueryBody::Select(s) => Some(s),
        QueryBody::Paren(q) => plain_select(q),
        _ => None,
    }
}

/// An expression without the parentheses around it.
fn bare(e: &Expr) -> &Expr {
    match &e.kind {
        ExprKind::Paren(inner) => bare(inner),
        _ => e,
    }
}

const AGGREGATES: [&str; 17] = [
    "APPROX_COUNT_DISTINCT",
    "AVG",
    "CHECKSUM_AGG",
    "COUNT",
    "COUNT_BIG",
    "GROUPING",
    "GROUPING_ID",
    "MAX",
    "MIN",
    "STDEV",
    "STDEVP",
    "STRING_AGG",
    "SUM",
    "VAR",
    "VARP",
    "JSON_ARRAYAGG",
    "JSON_OBJECTAGG",
];

/// Functions whose result depends on their arguments alone.
const DETERMINISTIC: [&str; 88] = [
    "ABS",
    "ACOS",
    "ASCII",
    "ASIN",
    "ATAN",
    "ATN2",
    "BINARY_CHECKSUM",
    "BIT_COUNT",
    "CEILING",
    "CHAR",
    "CHARINDEX",
    "CHECKSUM",
    "CHOOSE",
    "CONCAT",
    "CONCAT_WS",
    "COS",
    "COT",
    "DATALENGTH",
    "DATEADD",
    "DATEDIFF",
    "DATEDIFF_BIG",
    "DATEFROMPARTS",
    "DATEPART",
    "DATETIME2FROMPARTS",
    "DATETIMEFROMPARTS",
    "DATETIMEOFFSETFROMPARTS",
    "DATETRUNC",
    "DATE_BUCKET",
    "DAY",
    "DEGREES",
    "DIFFERENCE",
    "EOMONTH",
    "EXP",
    "FLOOR",
    "GET_BIT",
    "GREATEST",
    "HASHBYTES",
    "ISJSON",
    "ISNULL",
    "ISNUMERIC",
    "JSON_MODIFY",
    "JSON_PATH_EXISTS",
    "JSON_QUERY",
    "JSON_VALUE",
    "LEAST",
    "LEFT",
    "LEFT_SHIFT",
    "LEN",
    "LOG",
    "LOG10",
    "LOWER",
    "LTRIM",
    "MONTH",
    "NCHAR",
    "PARSENAME",
    "PATINDEX",
    "PI",
    "POWER",
    "QUOTENAME",
    "RADIANS",
    "REPLACE",
    "REPLICATE",
    "REVERSE",
    "RIGHT",
    "RIGHT_SHIFT",
    "ROUND",
    "RTRIM",
    "SET_BIT",
    "SIGN",
    "SIN",
    "SMALLDATETIMEFROMPARTS",
    "SOUNDEX",
    "SPACE",
    "SQRT",
    "SQUARE",
    "STR",
    "STRING_ESCAPE",
    "STUFF",
    "SUBSTRING",
    "SWITCHOFFSET",
    "TAN",
    "TIMEFROMPARTS",
    "TODATETIMEOFFSET",
    "TRANSLATE",
    "TRIM",
    "UNICODE",
    "UPPER",
    "YEAR",
];

/// Parts of a date that SET DATEFIRST decides.
const BY_FIRST_DAY: [&str; 6] = ["DW", "W", "WEEK", "WEEKDAY", "WK", "WW"];

fn simple_name(f: &FunctionCall) -> Option<String> {
    f.name.is_simple().then(|| f.name.name.text.to_ascii_uppercase())
}

/// Whether a built-in function's result depends on its arguments alone.
fn is_deterministic(name: &str, f: &FunctionCall) -> bool {
    let part = || match &f.arguments.first()?.kind {
        ExprKind::Column(p) => p.last().map(|p| p.text.to_ascii_uppercase()),
        _ => None,
    };
    match name {
        "DATEPART" | "DATETRUNC" => part().is_some_and(|p| !BY_FIRST_DAY.contains(&p.as_str())),
        _ => DETERMINISTIC.contains(&name),
    }
}

/// The aggregate that an expression is as a whole.
fn aggregate(e: &Expr) -> Option<(&'static str, &FunctionCall)> {
    let ExprKind::Function(f) = &bare(e).kind else { return None };
    let name = simple_name(f).filter(|_| f.over.is_none())?;
    AGGREGATES.iter().find(|a| **a == name).map(|a| (*a, &**f))
}

/// What decides whether something that the view sums may be NULL: expressions of which none may be. (An arithmetic expression
/// counts as one that may be NULL everywhere else, because it may overflow.)
pub fn summed(select: &Select) -> Vec<&Expr> {
    let items = select.items.iter().filter_map(|i| match i {
        SelectItem::Expr { expr, .. } => aggregate(expr),
        _ => None,
    });
    let mut out = Vec::new();
    for argument in items.filter(|(name, _)| *name == "SUM").filter_map(|(_, f)| f.arguments.first()) {
        deciding(argument, &mut out);
    }
    out
}

fn deciding<'e>(e: &'e Expr, out: &mut Vec<&'e Expr>) {
    use ExprKind as K;
    match &e.kind {
        K::Literal(holdfast_tsql::ast::expression::Literal::Null) => out.push(e),
        K::Literal(_) => {}
        K::Paren(inner) => deciding(inner, out),
        K::Unary { operand, .. } => deciding(operand, out),
        K::Cast { value, is_try: false, .. } | K::Convert { value, is_try: false, .. } => {
            deciding(value, out)
        }
        K::Binary { left, right, .. } => {
            deciding(left, out);
            deciding(right, out);
        }
        K::Iif { then, otherwise, .. } => {
            deciding(then, out);
            deciding(otherwise, out);
        }
        K::SimpleCase { whens, otherwise: Some(otherwise), .. }
        | K::SearchedCase { whens, otherwise: Some(otherwise) } => {
            whens.iter().for_each(|w| deciding(&w.then, out));
            deciding(otherwise, out);
        }
        K::Function(f) if simple_name(f).as_deref() == Some("ISNULL") && f.arguments.len() == 2 => {
            deciding(&f.arguments[1], out);
        }
        _ => out.push(e),
    }
}

/// The expressions inside one; queries in it are not entered.
fn children(e: &Expr) -> Vec<&Expr> {
    use ExprKind as K;
    match &e.kind {
        K::PartitionFunction { argument, .. } => vec![argument],
        K::Unary { operand, .. } => vec![operand],
        K::Binary { left, right, .. }
        | K::Comparison { left, right, .. }
        | K::IsDistinctFrom { left, right, .. }
        | K::NullIf(left, right) => vec![left, right],
        K::Paren(inner) | K::OdbcFunction(inner) | K::Not(inner) => vec![inner],
        K::SimpleCase { input, whens, otherwise } => {
            let mut out: Vec<&Expr> = vec![input];
            out.extend(whens.iter().flat_map(|w| [&w.when, &w.then]));
            out.extend(otherwise.as_deref());
            out
        }
        K::SearchedCase { whens, otherwise } => {
            let mut out: Vec<&Expr> = whens.iter().flat_map(|w| [&w.when, &w.then]).collect();
            out.extend(otherwise.as_deref());
            out
        }
        K::Cast { value, .. } | K::Collate { value, .. } | K::IsNull { value, .. } => vec![value],
        K::Convert { value, style, .. } => std::iter::once(&**value).chain(style.as_deref()).collect(),
        K::Parse { value, culture, .. } => std::iter::once(&**value).chain(culture.as_deref()).collect(),
        K::Coalesce(list) | K::And(list) | K::Or(list) => list.iter().collect(),
        K::Iif { condition, then, otherwise } => vec![condition, then, otherwise],
        K::Function(f) => f.arguments.iter().collect(),
        K::Method { target, arguments, .. } => std::iter::once(&**target).chain(arguments).collect(),
        K::Property { target, .. } => vec![target],
        K::StaticMember { arguments, .. } => arguments.iter().flatten().collect(),
        K::AtTimeZone { value, zone } => vec![value, zone],
        K::Between { value, low, high, .. } => vec![value, low, high],
        K::InList { value, list, .. } => std::iter::once(&**value).chain(list).collect(),
        K::Like { value, pattern, escape, .. } => {
            let mut out: Vec<&Expr> = vec![value, pattern];
            out.extend(escape.as_deref());
            out
        }
        _ => Vec::new(),
    }
}

/// Whether an expression over the columns of a row has the same value whenever it is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Steady {
    Always,
    Never,
    /// When the user-defined functions of these schemas and names are. (A method of a column reads like one.)
    AsModules(Vec<(Option<String>, String)>),
}

/// What an expression's value depends on besides its columns.
pub fn steadiness(e: &Expr) -> Steady {
    use ExprKind as K;
    let own = match &e.kind {
        K::Subquery(_) | K::InSubquery { .. } | K::Exists(_) | K::Quantified { .. } | K::FullText { .. } => {
            Steady::Never
        }
        K::GlobalVariable(_) | K::Niladic(_) | K::NextValueFor { .. } | K::AtTimeZone { .. } => Steady::Never,
        K::Parse { .. } => Steady::Never,
        K::Convert { data_type, value, style: None, .. } | K::Cast { data_type, value, .. }
            if is_moment(data_type.builtin()) && is_text(value) =>
        {
            Steady::Never
        }
        K::Function(f) => match simple_name(f) {
            Some(n) if is_deterministic(&n, f) => Steady::Always,
            Some(_) => Steady::Never,
            None => {
                let schema = f.name.schema.as_ref().map(|s| s.text.clone());
                Steady::AsModules(vec![(schema, f.name.name.text.clone())])
            }
        },
        _ => Steady::Always,
    };
    let inner = children(e).into_iter().map(steadiness);
    inner.fold(own, |a, b| match (a, b) {
        (Steady::Never, _) | (_, Steady::Never) => Steady::Never,
        (Steady::Always, other) | (other, Steady::Always) => other,
        (Steady::AsModules(mut all), Steady::AsModules(more)) => {
            all.extend(more);
            Steady::AsModules(all)
        }
    })
}

/// Who is asked what a view's names stand for.
pub trait Objects {
    /// The object behind a name in FROM: its id, and the table if it is one.
    fn object(&self, name: &NamedTable) -> SqlResult<(i32, Option<Arc<TableDef>>)>;
}

/// A table in FROM, as columns name it.
struct Met {
    schema: String,
    /// Its alias, or its own name.
    name: String,
    aliased: bool,
    table: Arc<TableDef>,
}

/// What an index on a view is refused for.
pub struct Check<'c> {
    /// `database.schema.view`.
    pub view: &'c str,
    pub database: &'c str,
    pub objects: &'c dyn Objects,
    /// Tables met.
    met: Vec<Met>,
    order: NameOrder,
}

impl<'c> Check<'c> {
    pub fn new(view: &'c str, database: &'c str, order: NameOrder, objects: &'c dyn Objects) -> Self {
        Check { view, database, objects, met: Vec::new(), order }
    }

    fn no(&self, number: i32) -> SqlError {
        SqlError::new(number, &[&"index", &self.view])
    }

    fn names(&self, number: i32, what: &str) -> SqlError {
        SqlError::new(number, &[&"index", &self.view, &what])
    }

    /// Whether the rows of a query can be kept; `index` is the one to be made.
    ///
    /// # Errors
    /// What keeps it from being indexed.
    pub fn query(&mut self, query: &Query, source: &str, index: &str) -> SqlResult<()> {
        if let Some(table) = query.with.as_ref().and_then(|w| w.tables.first()) {
            return Err(self.names(10137, &table.name.text));
        }
        let select = match &query.body {
            QueryBody::Select(s) => s,
            QueryBody::Paren(q) => return self.query(q, source, index),
            QueryBody::Set { .. } => return Err(self.no(10116)),
            QueryBody::Values(_) => return Err(self.no(10106)),
        };
        if select.distinct {
            return Err(self.no(10100));
        }
        if select.top.is_some() || query.offset.is_some() || query.fetch.is_some() {
            return Err(self.no(10101));
        }
        for t in &select.from {
            self.table(t)?;
        }
        if select.from.is_empty() {
            return Err(SqlError::not_supported("An index on a view without a table"));
        }
        if select.having.is_some() {
            return Err(self.no(10121));
        }
        for item in &select.items {
            match item {
                SelectItem::Expr { expr, .. } => self.expression(expr)?,
                SelectItem::Wildcard { .. } => return Err(self.no(10117)),
                SelectItem::Assign { .. } => return Err(self.no(10106)),
            }
        }
        if let Some(filter) = &select.filter {
            self.expression(filter)?;
        }
        self.groups(select, source, index)
    }

    fn groups(&self, select: &Select, source: &str, index: &str) -> SqlResult<()> {
        let items = || {
            select.items.iter().filter_map(|i| match i {
                SelectItem::Expr { expr, .. } => Some(expr),
                _ => None,
            })
        };
        let Some(group) = &select.group_by else {
            return match items().any(has_aggregate) {
                true => Err(SqlError::not_supported("An index on a view of one group without GROUP BY")),
                false => Ok(()),
            };
        };
        if group.all {
            return Err(self.no(10118));
        }
        let mut keys = Vec::new();
        for item in &group.items {
            match item {
                GroupItem::Expr(e) if group.with.is_none() => {
                    self.expression(e)?;
                    keys.push(self.text_of(e, source));
                }
                _ => return Err(self.no(10119)),
            }
        }
        if !items().any(|e| matches!(aggregate(e), Some(("COUNT_BIG", f)) if f.star)) {
            return Err(self.no(10138));
        }
        let named = |number: i32| SqlError::new(number, &[&index, &self.view]);
        let mut shown = Vec::new();
        for e in items().filter(|e| aggregate(e).is_none()) {
            let text = self.text_of(e, source);
            if !keys.contains(&text) {
                return Err(named(8668));
            }
            shown.push(text);
        }
        match keys.iter().all(|k| shown.contains(k)) {
            true => Ok(()),
            false => Err(named(8660)),
        }
    }

    /// Which column of which table a reference stands for, as a word that no text is.
    fn column(&self, parts: &[Ident]) -> Option<String> {
        let (name, qualifier) = parts.split_last()?;
        let fits = |m: &Met| match qualifier {
            [] => true,
            [table] => self.order.same(&m.name, &table.text),
            [.., schema, table] => {
                !m.aliased
                    && self.order.same(&m.name, &table.text)
                    && self.order.same(&m.schema, &schema.text)
            }
        };
        self.met.iter().filter(|m| fits(m)).find_map(|m| {
            let column = m.table.columns.iter().find(|c| self.order.same(&c.name, &name.text))?;
            Some(format!("<{}.{}>", m.table.object_id, column.column_id))
        })
    }

    /// An expression as text that is equal for equal expressions, whichever way they name their columns.
    fn text_of(&self, e: &Expr, source: &str) -> String {
        let e = bare(e);
        let mut columns = Vec::new();
        columns_in(e, &mut columns);
        columns.sort_by_key(|c| c.span.start);
        let part = |from: u32, to: u32| source.get(from as usize..to as usize).unwrap_or("");
        let (mut out, mut at) = (String::new(), e.span.start);
        for c in columns {
            squeeze(part(at, c.span.start), &mut out);
            let ExprKind::Column(parts) = &c.kind else { continue };
            match self.column(parts) {
                Some(column) => out.push_str(&column),
                // The part of a date.
                None => squeeze(part(c.span.start, c.span.end), &mut out),
            }
            at = c.span.end;
        }
        squeeze(part(at, e.span.end), &mut out);
        out
    }

    fn table(&mut self, t: &TableRef) -> SqlResult<()> {
        use TableKind as T;
        let alias =
            |a: &Option<holdfast_tsql::ast::Ident>| a.as_ref().map_or("", |a| a.text.as_str()).to_owned();
        match &t.kind {
            T::Named(n) => {
                if n.sample.is_some() {
                    return Err(self.no(10102));
                }
                if !n.hints.is_empty() {
                    return Err(self.no(10140));
                }
                let (id, table) = self.objects.object(n)?;
                let schema = n.name.schema.as_ref().map_or("dbo", |s| s.text.as_str());
                let full = format!("{}.{schema}.{}", self.database, n.name.name.text);
                let Some(table) = table else { return Err(self.names(1937, &full)) };
                if self.met.iter().any(|m| m.table.object_id == id) {
                    return Err(self.names(1947, &full));
                }
                self.met.push(Met {
                    schema: schema.to_owned(),
                    name: n.alias.as_ref().map_or_else(|| n.name.name.text.clone(), |a| a.text.clone()),
                    aliased: n.alias.is_some(),
                    table,
                });
                match n.system_time {
                    Some(_) => Err(SqlError::not_supported("An index on a view with FOR SYSTEM_TIME")),
                    None => Ok(()),
                }
            }
            T::Join { kind: JoinKind::Inner | JoinKind::Cross, hint, left, right, on } => {
                if hint.is_some() {
                    return Err(self.no(10112));
                }
                self.table(left)?;
                self.table(right)?;
                on.as_ref().map_or(Ok(()), |e| self.expression(e))
            }
            T::Join { .. } => Err(self.no(10113)),
            T::Paren(inner) => self.table(inner),
            T::Apply { outer: true, .. } => Err(self.no(10110)),
            T::Apply { .. } => Err(self.no(10142)),
            T::Function { name, .. } if is_xml_method(&name.name.text) => Err(self.no(1985)),
            T::Function { name, .. } => Err(self.names(10129, &name.to_string())),
            T::Method { .. } => Err(self.no(1985)),
            T::Derived { alias: a, .. } | T::Values { alias: a, .. } => Err(self.names(10109, &alias(a))),
            T::Pivot(_) => Err(self.no(10114)),
            T::Unpivot(_) => Err(self.no(10115)),
            T::OpenXml { .. } => Err(self.no(10105)),
            T::OpenQuery { .. } | T::OpenRowset { .. } | T::OpenDataSource { .. } => Err(self.no(10103)),
            T::FullText { .. } => Err(self.no(10104)),
            _ => Err(self.no(10106)),
        }
    }

    fn expression(&self, e: &Expr) -> SqlResult<()> {
        use ExprKind as K;
        let depends = |what: &str| self.names(1949, what);
        match &e.kind {
            K::Subquery(_) | K::InSubquery { .. } | K::Exists(_) | K::Quantified { .. } => {
                return Err(self.no(10127));
            }
            K::FullText { .. } => return Err(self.no(10128)),
            K::GlobalVariable(name) => return Err(depends(&name.to_ascii_lowercase())),
            K::Niladic(f) => {
                return Err(depends(match f {
                    NiladicFunction::CurrentTimestamp => "current_timestamp",
                    NiladicFunction::CurrentDate => "current_date",
                    NiladicFunction::CurrentUser => "current_user",
                    NiladicFunction::SessionUser => "session_user",
                    NiladicFunction::SystemUser => "system_user",
                    NiladicFunction::User => "user",
                }));
            }
            K::PartitionFunction { .. } => return Err(depends("$partition")),
            K::NextValueFor { .. } => return Err(depends("next value for")),
            K::AtTimeZone { .. } => return Err(depends("at time zone")),
            K::Parse { .. } => return Err(depends("parse")),
            K::Method { method, .. } if is_xml_method(&method.text) => return Err(self.no(1985)),
            K::Method { .. } | K::Property { .. } | K::StaticMember { .. } => {
                return Err(SqlError::not_supported("An index on a view with members of CLR types"));
            }
            K::Convert { data_type, value, style: None, .. } | K::Cast { data_type, value, .. }
                if is_moment(data_type.builtin()) && is_text(value) =>
            {
                return Err(self.no(1963));
            }
            K::Function(f) => self.function(f)?,
            _ => {}
        }
        children(e).into_iter().try_for_each(|c| self.expression(c))
    }

    fn function(&self, f: &FunctionCall) -> SqlResult<()> {
        if f.over.is_some() {
            return Err(self.no(10143));
        }
        let Some(name) = simple_name(f) else {
            if is_xml_method(&f.name.name.text) {
                return Err(self.no(1985));
            }
            return Err(SqlError::not_supported("An index on a view that calls a user-defined function"));
        };
        if AGGREGATES.contains(&name.as_str()) {
            return match (name.as_str(), f.quantifier) {
                ("COUNT", _) => Err(self.no(10136)),
                ("COUNT_BIG" | "SUM", Some(SetQuantifier::Distinct)) => Err(self.names(10126, &name)),
                // How many of them are not NULL: what is counted may be, so it stays a sum of what comes and goes.
                ("COUNT_BIG" | "SUM", _) => Ok(()),
                _ => Err(self.names(10125, &name)),
            };
        }
        if f.star {
            return Err(self.no(10117));
        }
        if !is_deterministic(&name, f) {
            return Err(self.names(1949, &name.to_ascii_lowercase()));
        }
        Ok(())
    }
}

fn is_moment(name: Option<&str>) -> bool {
    matches!(name, Some("datetime" | "smalldatetime" | "date" | "time" | "datetime2" | "datetimeoffset"))
}

fn is_text(e: &Expr) -> bool {
    matches!(&bare(e).kind, ExprKind::Literal(holdfast_tsql::ast::expression::Literal::String { .. }))
}

fn is_xml_method(name: &str) -> bool {
    ["value", "query", "exist", "nodes", "modify"].iter().any(|m| m.eq_ignore_ascii_case(name))
}

fn has_aggregate(e: &Expr) -> bool {
    let own = matches!(&e.kind, ExprKind::Function(f)
        if f.over.is_none() && simple_name(f).is_some_and(|n| AGGREGATES.contains(&n.as_str())));
    own || children(e).into_iter().any(has_aggregate)
}

/// The column references in an expression.
fn columns_in<'e>(e: &'e Expr, out: &mut Vec<&'e Expr>) {
    if matches!(e.kind, ExprKind::Column(_)) {
        out.push(e);
    }
    children(e).into_iter().for_each(|c| columns_in(c, out));
}

/// Adds text without the white space and the case that carry no meaning, which both do between apostrophes.
fn squeeze(text: &str, out: &mut String) {
    let mut literal = false;
    for c in text.chars() {
        literal ^= c == '\'';
        if literal {
            out.push(c);
        } else if !c.is_whitespace() {
            out.extend(c.to_lowercase());
        }
    }
}
