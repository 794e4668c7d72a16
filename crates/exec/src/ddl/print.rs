//! Expressions of constraints, defaults and computed columns as the catalog stores them: names in brackets, numbers in
//! parentheses, no blanks around operators, IN and BETWEEN written out (IN of a filter is kept).
//!
//! Evidence: texts of genuine databases that were made with the scripts at hand (pubs: `[au_id] like '…'`, `[max_lvl]<=(250)`,
//! `IN ('a','b')` as `[c]='b' OR [c]='a'`); filters as scripts that tools made of databases show them (`([n] IN ((1), (2)))`).
//!
//! Invariants
//! 1. What is printed parses to an expression of the same value.
//! 2. A form that is not known here is taken over as written.

use holdfast_tsql::ast::{
    BinaryOp, ComparisonOp, DataType, Expr, ExprKind, Literal, NiladicFunction, ObjectName, TypeArgument,
    UnaryOp, When,
};
use holdfast_types::NameOrder;

/// How strongly the outermost operator of a text binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Binding {
    Or,
    And,
    Not,
    Comparison,
    Add,
    Multiply,
    Unary,
    Primary,
}

/// The text of a constraint, default or computed column, with its outer parentheses.
pub fn stored_text(e: &Expr, source: &str) -> String {
    format!("({})", Printer { source, filter: false }.print(e).0)
}

/// The text of a filter, with its outer parentheses.
pub fn stored_filter(e: &Expr, source: &str) -> String {
    format!("({})", Printer { source, filter: true }.print(e).0)
}

/// Names of columns that an expression mentions, in order of appearance.
pub fn columns_of(names: NameOrder, e: &Expr) -> Vec<String> {
    let mut out = Vec::new();
    collect(names, e, &mut out);
    out
}

fn collect(names: NameOrder, e: &Expr, out: &mut Vec<String>) {
    let mut add = |name: &str| {
        if !out.iter().any(|n: &String| names.same(n, name)) {
            out.push(name.to_owned());
        }
    };
    match &e.kind {
        ExprKind::Column(parts) => {
            if let Some(last) = parts.last() {
                add(&last.text);
            }
        }
        ExprKind::Unary { operand: x, .. }
        | ExprKind::Paren(x)
        | ExprKind::Not(x)
        | ExprKind::Cast { value: x, .. }
        | ExprKind::Collate { value: x, .. }
        | ExprKind::IsNull { value: x, .. }
        | ExprKind::OdbcFunction(x) => collect(names, x, out),
        ExprKind::Binary { left, right, .. }
        | ExprKind::Comparison { left, right, .. }
        | ExprKind::IsDistinctFrom { left, right, .. } => {
            collect(names, left, out);
            collect(names, right, out);
        }
        ExprKind::NullIf(left, right) => {
            collect(names, left, out);
            collect(names, right, out);
        }
        ExprKind::AtTimeZone { value, zone } => {
            collect(names, value, out);
            collect(names, zone, out);
        }
        ExprKind::And(list) | ExprKind::Or(list) | ExprKind::Coalesce(list) => {
            list.iter().for_each(|x| collect(names, x, out));
        }
        ExprKind::Between { value, low, high, .. } => {
            [value, low, high].iter().for_each(|x| collect(names, x, out))
        }
        ExprKind::InList { value, list, .. } => {
            collect(names, value, out);
            list.iter().for_each(|x| collect(names, x, out));
        }
        ExprKind::Like { value, pattern, escape, .. } => {
            collect(names, value, out);
            collect(names, pattern, out);
            escape.iter().for_each(|x| collect(names, x, out));
        }
        ExprKind::SimpleCase { input, whens, otherwise } => {
            collect(names, input, out);
            collect_whens(names, whens, otherwise.as_deref(), out);
        }
        ExprKind::SearchedCase { whens, otherwise } => collect_whens(names, whens, otherwise.as_deref(), out),
        ExprKind::Convert { value, style, .. } => {
            collect(names, value, out);
            style.iter().for_each(|x| collect(names, x, out));
        }
        ExprKind::Parse { value, .. } => collect(names, value, out),
        ExprKind::Iif { condition, then, otherwise } => {
            [condition, then, otherwise].iter().for_each(|x| collect(names, x, out));
        }
        ExprKind::Function(f) => {
            // datepart(year, …): the first argument is a word, not a column.
            let skip = usize::from(takes_date_part(&f.name.name.text));
            f.arguments.iter().skip(skip).for_each(|x| collect(names, x, out));
        }
        ExprKind::Method { target, arguments, .. } => {
            collect(names, target, out);
            arguments.iter().for_each(|x| collect(names, x, out));
        }
        ExprKind::Property { target, .. } => collect(names, target, out),
        _ => {}
    }
}

fn collect_whens(names: NameOrder, whens: &[When], otherwise: Option<&Expr>, out: &mut Vec<String>) {
    for w in whens {
        collect(names, &w.when, out);
        collect(names, &w.then, out);
    }
    otherwise.into_iter().for_each(|x| collect(names, x, out));
}

fn takes_date_part(function: &str) -> bool {
    ["datepart", "datename", "dateadd", "datediff", "datediff_big", "datetrunc", "date_bucket"]
        .iter()
        .any(|f| function.eq_ignore_ascii_case(f))
}

fn quoted(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

fn name_text(n: &ObjectName) -> String {
    let parts = [n.server.as_ref(), n.database.as_ref(), n.schema.as_ref(), Some(&n.name)];
    parts.into_iter().flatten().map(|p| quoted(&p.text)).collect::<Vec<_>>().join(".")
}

fn type_text(t: &DataType) -> String {
    let name = match t.builtin() {
        Some(b) => quoted(b),
        None => name_text(&t.name),
    };
    if t.arguments.is_empty() {
        return name;
    }
    let each = t.arguments.iter().map(|a| match a {
        TypeArgument::Number(n) => n.to_string(),
        TypeArgument::Max => "max".to_owned(),
    });
    format!("{name}({})", each.collect::<Vec<_>>().join(","))
}

struct Printer<'a> {
    source: &'a str,
    /// Filters of indexes and statistics keep IN: their grammar has no OR.
    filter: bool,
}

impl Printer<'_> {
    fn written(&self, e: &Expr) -> (String, Binding) {
        let text = self.source.get(e.span.start as usize..e.span.end as usize).unwrap_or("");
        (text.to_owned(), Binding::Or)
    }

    /// The text with parentheses where the outer operator binds more strongly.
    fn inside(&self, e: &Expr, least: Binding) -> String {
        let (text, binding) = self.print(e);
        if binding < least { format!("({text})") } else { text }
    }

    fn list(&self, list: &[Expr]) -> String {
        list.iter().map(|x| self.print(x).0).collect::<Vec<_>>().join(",")
    }

    fn literal(&self, l: &Literal) -> Option<String> {
        Some(match l {
            Literal::Null => "NULL".to_owned(),
            Literal::Integer(d) | Literal::Decimal(d) => format!("({d})"),
            Literal::Float(d) => format!("({})", d.to_lowercase()),
            Literal::Money(d) => format!("(${d})"),
            Literal::Binary(b) => b.iter().fold("0x".to_owned(), |s, x| format!("{s}{x:02X}")),
            Literal::String { value, national } => {
                format!("{}'{}'", if *national { "N" } else { "" }, value.replace('\'', "''"))
            }
            Literal::OdbcDateTime(_) | Literal::OdbcGuid(_) => return None,
        })
    }

    fn compare(&self, left: &Expr, op: &str, right: &Expr) -> String {
        format!("{}{op}{}", self.inside(left, Binding::Add), self.inside(right, Binding::Add))
    }

    fn case(&self, input: Option<&Expr>, whens: &[When], otherwise: Option<&Expr>) -> String {
        let mut s = "case".to_owned();
        if let Some(i) = input {
            s = format!("{s} {}", self.print(i).0);
        }
        for w in whens {
            s = format!("{s} when {} then {}", self.print(&w.when).0, self.print(&w.then).0);
        }
        if let Some(o) = otherwise {
            s = format!("{s} else {}", self.print(o).0);
        }
        format!("{s} end")
    }

    fn print(&self, e: &Expr) -> (String, Binding) {
        use Binding::{Add, And, Comparison, Multiply, Not, Or, Primary, Unary};
        match &e.kind {
            ExprKind::Literal(l) => match self.literal(l) {
                Some(text) => (text, Primary),
                None => self.written(e),
            },
            ExprKind::Column(parts) => {
                (parts.iter().map(|p| quoted(&p.text)).collect::<Vec<_>>().join("."), Primary)
            }
            ExprKind::Paren(x) => self.print(x),
            ExprKind::Unary { op, operand } => match (op, &operand.unparen().kind) {
                (UnaryOp::Minus, ExprKind::Literal(Literal::Integer(d) | Literal::Decimal(d))) => {
                    (format!("(-{d})"), Primary)
                }
                (UnaryOp::Plus, ExprKind::Literal(Literal::Integer(d) | Literal::Decimal(d))) => {
                    (format!("({d})"), Primary)
                }
                _ => {
                    let sign = match op {
                        UnaryOp::Plus => "+",
                        UnaryOp::Minus => "-",
                        UnaryOp::BitNot => "~",
                    };
                    (format!("{sign}{}", self.inside(operand, Unary)), Unary)
                }
            },
            ExprKind::Binary { op, left, right } => {
                let (sign, binding) = match op {
                    BinaryOp::Add => ("+", Add),
                    BinaryOp::Subtract => ("-", Add),
                    BinaryOp::BitAnd => ("&", Add),
                    BinaryOp::BitOr => ("|", Add),
                    BinaryOp::BitXor => ("^", Add),
                    BinaryOp::Concat => ("||", Add),
                    BinaryOp::ShiftLeft => ("<<", Add),
                    BinaryOp::ShiftRight => (">>", Add),
                    BinaryOp::Multiply => ("*", Multiply),
                    BinaryOp::Divide => ("/", Multiply),
                    BinaryOp::Modulo => ("%", Multiply),
                };
                // The right operand of equal rank keeps its parentheses: a-(b-c).
                let right_least = if binding == Add { Multiply } else { Unary };
                let text = format!("{}{sign}{}", self.inside(left, binding), self.inside(right, right_least));
                (text, binding)
            }
            ExprKind::Comparison { op, left, right } => {
                let sign = match op {
                    ComparisonOp::Equal => "=",
                    ComparisonOp::NotEqual => "<>",
                    ComparisonOp::Less => "<",
                    ComparisonOp::LessOrEqual => "<=",
                    ComparisonOp::Greater => ">",
                    ComparisonOp::GreaterOrEqual => ">=",
                    ComparisonOp::OuterLeft => "*=",
                };
                (self.compare(left, sign, right), Comparison)
            }
            ExprKind::And(list) => {
                (list.iter().map(|x| self.inside(x, And)).collect::<Vec<_>>().join(" AND "), And)
            }
            ExprKind::Or(list) => {
                (list.iter().map(|x| self.inside(x, Or)).collect::<Vec<_>>().join(" OR "), Or)
            }
            ExprKind::Not(x) => (format!("NOT {}", self.inside(x, Comparison)), Not),
            ExprKind::IsNull { value, negated } => {
                let word = if *negated { "IS NOT NULL" } else { "IS NULL" };
                (format!("{} {word}", self.inside(value, Add)), Comparison)
            }
            ExprKind::Between { value, low, high, negated } => {
                let both =
                    format!("{} AND {}", self.compare(value, ">=", low), self.compare(value, "<=", high));
                if *negated { (format!("NOT ({both})"), Not) } else { (both, And) }
            }
            ExprKind::InList { value, list, negated: false } if self.filter => {
                let each: Vec<String> = list.iter().map(|x| self.inside(x, Add)).collect();
                (format!("{} IN ({})", self.inside(value, Add), each.join(", ")), Comparison)
            }
            ExprKind::InList { value, list, negated } => {
                // The last of the list comes first.
                let each: Vec<String> = list.iter().rev().map(|x| self.compare(value, "=", x)).collect();
                let binding = if each.len() == 1 { Comparison } else { Or };
                let text = each.join(" OR ");
                if *negated { (format!("NOT ({text})"), Not) } else { (text, binding) }
            }
            ExprKind::Like { value, pattern, escape, negated } => {
                let mut text = format!("{} like {}", self.inside(value, Add), self.inside(pattern, Add));
                if let Some(x) = escape {
                    text = format!("{text} escape {}", self.print(x).0);
                }
                if *negated { (format!("NOT {text}"), Not) } else { (text, Comparison) }
            }
            ExprKind::SimpleCase { input, whens, otherwise } => {
                (self.case(Some(input), whens, otherwise.as_deref()), Primary)
            }
            ExprKind::SearchedCase { whens, otherwise } => {
                (self.case(None, whens, otherwise.as_deref()), Primary)
            }
            ExprKind::Iif { condition, then, otherwise } => {
                let text = format!(
                    "case when {} then {} else {} end",
                    self.print(condition).0,
                    self.print(then).0,
                    self.print(otherwise).0
                );
                (text, Primary)
            }
            ExprKind::Cast { value, data_type, is_try: false } => {
                (format!("CONVERT({},{})", type_text(data_type), self.print(value).0), Primary)
            }
            ExprKind::Convert { data_type, value, style, is_try } => {
                let style = style.as_ref().map_or(String::new(), |s| format!(",{}", self.print(s).0));
                let word = if *is_try { "TRY_CONVERT" } else { "CONVERT" };
                (format!("{word}({},{}{style})", type_text(data_type), self.print(value).0), Primary)
            }
            ExprKind::Coalesce(list) => (format!("coalesce({})", self.list(list)), Primary),
            ExprKind::NullIf(a, b) => (format!("nullif({},{})", self.print(a).0, self.print(b).0), Primary),
            ExprKind::Niladic(n) => {
                let text = match n {
                    NiladicFunction::CurrentTimestamp => "getdate()",
                    NiladicFunction::CurrentUser | NiladicFunction::User => "user_name()",
                    NiladicFunction::SessionUser => "user_name()",
                    NiladicFunction::SystemUser => "suser_sname()",
                    NiladicFunction::CurrentDate => "current_date",
                };
                (text.to_owned(), Primary)
            }
            ExprKind::Collate { value, collation } => {
                (format!("{} COLLATE {}", self.inside(value, Unary), collation.text), Unary)
            }
            ExprKind::NextValueFor { sequence, over: None } => {
                (format!("NEXT VALUE FOR {}", name_text(sequence)), Primary)
            }
            ExprKind::Function(f)
                if f.over.is_none()
                    && !f.star
                    && f.quantifier.is_none()
                    && f.trim.is_none()
                    && f.within_group.is_empty()
                    && !f.key_value
                    && f.null_on_null.is_none() =>
            {
                let name =
                    if f.name.is_simple() { f.name.name.text.to_lowercase() } else { name_text(&f.name) };
                let skip = usize::from(f.name.is_simple() && takes_date_part(&f.name.name.text));
                let mut parts: Vec<String> = Vec::new();
                for (i, a) in f.arguments.iter().enumerate() {
                    parts.push(match &a.kind {
                        ExprKind::Column(p) if i < skip => {
                            p.last().map_or(String::new(), |p| p.text.to_lowercase())
                        }
                        _ => self.print(a).0,
                    });
                }
                (format!("{name}({})", parts.join(",")), Primary)
            }
            _ => self.written(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> String {
        let batch = format!("select {source}");
        let parsed = holdfast_tsql::parse_batch(&format!("if {source} select 1"), &Default::default());
        let condition = parsed.ok().and_then(|b| match &b.statements.first()?.kind {
            holdfast_tsql::ast::StatementKind::If { condition, .. } => Some(condition.clone()),
            _ => None,
        });
        if let Some(e) = condition {
            return stored_text(&e, &format!("if {source} select 1"));
        }
        let parsed = holdfast_tsql::parse_batch(&batch, &Default::default()).expect("parses");
        let holdfast_tsql::ast::StatementKind::Select(s) = &parsed.statements[0].kind else { panic!() };
        let holdfast_tsql::ast::QueryBody::Select(s) = &s.query.body else { panic!() };
        let holdfast_tsql::ast::SelectItem::Expr { expr, .. } = &s.items[0] else { panic!() };
        stored_text(expr, &batch)
    }

    #[test]
    fn texts_are_the_servers() {
        for (written, stored) in [
            ("1", "((1))"),
            ("-1", "((-1))"),
            ("('New')", "('New')"),
            ("getdate()", "(getdate())"),
            ("GetDate()", "(getdate())"),
            ("CURRENT_TIMESTAMP", "(getdate())"),
            ("N'it''s'", "(N'it''s')"),
            ("min_lvl >= 10", "([min_lvl]>=(10))"),
            ("(Discount >= 0 and (Discount <= 1))", "([Discount]>=(0) AND [Discount]<=(1))"),
            (
                "pub_id in ('1389', '0736') OR pub_id LIKE '99[0-9][0-9]'",
                "([pub_id]='0736' OR [pub_id]='1389' OR [pub_id] like '99[0-9][0-9]')",
            ),
            ("a between 1 and 5", "([a]>=(1) AND [a]<=(5))"),
            (
                "(a + b) * 2 > 3 and (c = 1 or d is not null)",
                "(([a]+[b])*(2)>(3) AND ([c]=(1) OR [d] IS NOT NULL))",
            ),
            ("cast(a as varchar(10))", "(CONVERT([varchar](10),[a]))"),
            ("datepart(YEAR, d)", "(datepart(year,[d]))"),
            ("a - (b - c)", "([a]-([b]-[c]))"),
        ] {
            assert_eq!(text(written), stored, "{written}");
        }
    }
}
