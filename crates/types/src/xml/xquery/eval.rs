//! Evaluation of parsed queries over a document.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{
    Arithmetic, Axis, Clause, Compare, Constructor, Content, Expr, ITEMS_MAX, NameTest, NodeTest, Query,
    Step, error,
};
use crate::base64::{base64, unbase64};
use crate::xml::document::{Document, NodeId, NodeKind, escape};
use crate::{SqlError, SqlResult};

/// An atomic value. Untyped is what nodes of untyped xml hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Atom {
    Untyped(String),
    String(String),
    Integer(i64),
    Double(f64),
    Boolean(bool),
    /// xs:hexBinary.
    Hex(Vec<u8>),
    /// xs:base64Binary, which binary values of SQL are.
    Base64(Vec<u8>),
}

impl Atom {
    /// The bytes of a binary value, and of a text that is cast to xs:base64Binary; `None`: it is not of that form.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Atom::Hex(b) | Atom::Base64(b) => Some(b.clone()),
            Atom::Untyped(s) | Atom::String(s) => unbase64(s),
            Atom::Integer(_) | Atom::Double(_) | Atom::Boolean(_) => None,
        }
    }

    pub fn text(&self) -> String {
        match self {
            Atom::Untyped(s) | Atom::String(s) => s.clone(),
            Atom::Integer(n) => n.to_string(),
            Atom::Double(f) => number_text(*f),
            Atom::Boolean(b) => b.to_string(),
            Atom::Hex(b) => b.iter().map(|x| format!("{x:02X}")).collect(),
            Atom::Base64(b) => base64(b, false),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Atom::Untyped(s) | Atom::String(s) => s.trim().parse().ok(),
            Atom::Integer(n) => Some(*n as f64),
            Atom::Double(f) => Some(*f),
            Atom::Boolean(b) => Some(f64::from(u8::from(*b))),
            Atom::Hex(_) | Atom::Base64(_) => None,
        }
    }

    fn is_numeric(&self) -> bool {
        matches!(self, Atom::Integer(_) | Atom::Double(_))
    }
}

fn number_text(f: f64) -> String {
    if f.is_nan() {
        return "NaN".into();
    }
    if f.is_infinite() {
        return if f > 0.0 { "INF" } else { "-INF" }.into();
    }
    if f == 0.0 || (1e-6..1e15).contains(&f.abs()) {
        return f.to_string();
    }
    format!("{f:E}")
}

#[derive(Clone, Debug)]
pub enum Item {
    Node(Arc<Document>, NodeId),
    Atom(Atom),
}

pub type Sequence = Vec<Item>;

impl Item {
    pub fn atomize(&self) -> Atom {
        match self {
            Item::Node(d, id) => Atom::Untyped(d.string_value(*id)),
            Item::Atom(a) => a.clone(),
        }
    }

    fn order(&self, other: &Item) -> Ordering {
        match (self, other) {
            (Item::Node(a, x), Item::Node(b, y)) => Arc::as_ptr(a).cmp(&Arc::as_ptr(b)).then(x.cmp(y)),
            (Item::Node(..), Item::Atom(_)) => Ordering::Less,
            (Item::Atom(_), Item::Node(..)) => Ordering::Greater,
            _ => Ordering::Equal,
        }
    }
}

#[derive(Clone)]
struct Scope<'a> {
    item: Option<Item>,
    position: usize,
    size: usize,
    variables: Vec<(&'a str, Arc<Sequence>)>,
}

struct Evaluator<'a> {
    method: &'a str,
    sql: &'a [Option<Atom>],
}

impl Query {
    /// Runs the query with `context` as the context item; `sql` holds the values of [`Query::sql_references`], `None` for NULL.
    pub fn run(&self, context: (Arc<Document>, NodeId), sql: &[Option<Atom>]) -> SqlResult<Sequence> {
        let scope = Scope {
            item: Some(Item::Node(context.0, context.1)),
            position: 1,
            size: 1,
            variables: Vec::new(),
        };
        Evaluator { method: &self.method, sql }.eval(&self.body, &scope)
    }
}

/// The text of a sequence as query() gives it: nodes as xml, neighbouring atomic values with a blank between.
pub fn serialize(method: &str, sequence: &[Item]) -> SqlResult<String> {
    let mut out = String::new();
    let mut after_atom = false;
    for item in sequence {
        match item {
            Item::Node(d, id) => {
                if d.get(*id).kind == NodeKind::Attribute {
                    let text = "Attribute may not appear outside of an element";
                    return Err(error(method, 2396, text));
                }
                d.write(*id, &mut out);
                after_atom = false;
            }
            Item::Atom(a) => {
                if after_atom {
                    out.push(' ');
                }
                escape(&a.text(), false, &mut out);
                after_atom = true;
            }
        }
    }
    Ok(out)
}

fn holds(op: Compare, o: Ordering) -> bool {
    match op {
        Compare::Eq => o.is_eq(),
        Compare::Ne => o.is_ne(),
        Compare::Lt => o.is_lt(),
        Compare::Le => o.is_le(),
        Compare::Gt => o.is_gt(),
        Compare::Ge => o.is_ge(),
    }
}

/// Compares two atoms; `None` when they have no order (NaN, a text that is no number).
fn compare(a: &Atom, b: &Atom) -> Option<Ordering> {
    if let (Atom::Integer(x), Atom::Integer(y)) = (a, b) {
        return Some(x.cmp(y));
    }
    if a.is_numeric() || b.is_numeric() {
        return a.number()?.partial_cmp(&b.number()?);
    }
    if let (Atom::Boolean(x), _) | (_, Atom::Boolean(x)) = (a, b) {
        let other = if matches!(a, Atom::Boolean(_)) { b } else { a };
        let y = match other {
            Atom::Boolean(y) => *y,
            o => matches!(o.text().trim(), "true" | "1"),
        };
        let (l, r) = if matches!(a, Atom::Boolean(_)) { (*x, y) } else { (y, *x) };
        return Some(l.cmp(&r));
    }
    Some(a.text().cmp(&b.text()))
}

impl<'a> Evaluator<'a> {
    fn fail(&self, text: &str) -> SqlError {
        error(self.method, 2374, text)
    }

    fn boolean(&self, s: &[Item]) -> SqlResult<bool> {
        Ok(match s {
            [] => false,
            [Item::Node(..), ..] => true,
            [Item::Atom(a)] => match a {
                Atom::Boolean(b) => *b,
                Atom::Integer(n) => *n != 0,
                Atom::Double(f) => *f != 0.0 && !f.is_nan(),
                Atom::String(t) | Atom::Untyped(t) => !t.is_empty(),
                Atom::Hex(b) | Atom::Base64(b) => !b.is_empty(),
            },
            _ => return Err(self.fail("A node or a single value is required here.")),
        })
    }

    fn truth(&self, e: &'a Expr, scope: &Scope<'a>) -> SqlResult<bool> {
        let s = self.eval(e, scope)?;
        self.boolean(&s)
    }

    /// The one atomic value of an expression, or none.
    fn atom(&self, e: &'a Expr, scope: &Scope<'a>) -> SqlResult<Option<Atom>> {
        Ok(self.eval(e, scope)?.first().map(Item::atomize))
    }

    fn text(&self, e: Option<&'a Expr>, scope: &Scope<'a>) -> SqlResult<String> {
        Ok(match e {
            Some(e) => self.atom(e, scope)?.map_or(String::new(), |a| a.text()),
            None => scope.item.as_ref().map_or(String::new(), |i| i.atomize().text()),
        })
    }

    fn eval(&self, e: &'a Expr, scope: &Scope<'a>) -> SqlResult<Sequence> {
        let flag = |b: bool| Ok(vec![Item::Atom(Atom::Boolean(b))]);
        match e {
            Expr::String(s) => Ok(vec![Item::Atom(Atom::String(s.clone()))]),
            Expr::Integer(n) => Ok(vec![Item::Atom(Atom::Integer(*n))]),
            Expr::Double(f) => Ok(vec![Item::Atom(Atom::Double(*f))]),
            Expr::Variable(name) => match scope.variables.iter().rev().find(|v| v.0 == name) {
                Some((_, v)) => Ok(v.as_ref().clone()),
                None => {
                    Err(error(self.method, 2226, &format!("There is no variable '${name}' in the query")))
                }
            },
            Expr::Sql(n) => {
                Ok(self.sql.get(*n).cloned().flatten().map(Item::Atom).into_iter().collect::<Vec<_>>())
            }
            Expr::Context => Ok(scope.item.iter().cloned().collect()),
            Expr::Sequence(list) => {
                let mut out = Vec::new();
                for x in list {
                    out.extend(self.eval(x, scope)?);
                }
                self.bounded(out)
            }
            Expr::Or(list) => {
                for x in list {
                    if self.truth(x, scope)? {
                        return flag(true);
                    }
                }
                flag(false)
            }
            Expr::And(list) => {
                for x in list {
                    if !self.truth(x, scope)? {
                        return flag(false);
                    }
                }
                flag(true)
            }
            Expr::General(op, a, b) => {
                let (a, b) = (self.eval(a, scope)?, self.eval(b, scope)?);
                let right: Vec<Atom> = b.iter().map(Item::atomize).collect();
                for x in &a {
                    let x = x.atomize();
                    for y in &right {
                        let found = match compare(&x, y) {
                            Some(o) => holds(*op, o),
                            None => *op == Compare::Ne,
                        };
                        if found {
                            return flag(true);
                        }
                    }
                }
                flag(false)
            }
            Expr::Value(op, a, b) => match (self.atom(a, scope)?, self.atom(b, scope)?) {
                (Some(x), Some(y)) => flag(compare(&x, &y).is_some_and(|o| holds(*op, o))),
                _ => Ok(Vec::new()),
            },
            Expr::Order(op, a, b) => {
                let (a, b) = (self.eval(a, scope)?, self.eval(b, scope)?);
                match (a.first(), b.first()) {
                    (Some(x), Some(y)) => flag(holds(*op, x.order(y))),
                    _ => Ok(Vec::new()),
                }
            }
            Expr::Math(op, a, b) => self.math(*op, self.atom(a, scope)?, self.atom(b, scope)?),
            Expr::Negate(x) => match self.atom(x, scope)? {
                None => Ok(Vec::new()),
                Some(Atom::Integer(n)) => Ok(vec![Item::Atom(Atom::Integer(n.wrapping_neg()))]),
                Some(a) => Ok(vec![Item::Atom(Atom::Double(-a.number().unwrap_or(f64::NAN)))]),
            },
            Expr::Union(a, b) => {
                let mut out = self.eval(a, scope)?;
                out.extend(self.eval(b, scope)?);
                Ok(ordered(out))
            }
            Expr::If(c, a, b) => self.eval(if self.truth(c, scope)? { a } else { b }, scope),
            Expr::Quantified { every, bindings, satisfies } => {
                flag(self.quantified(*every, bindings, satisfies, scope)?)
            }
            Expr::Flwor { clauses, result } => self.flwor(clauses, result, scope),
            Expr::Call { function, arguments } => self.call(function, arguments, scope),
            Expr::Path { root, steps } => self.path(*root, steps, scope),
            Expr::Element(c) => {
                let mut source = String::new();
                self.construct(c, scope, &mut source)?;
                let d = Document::parse(&source).map_err(|e| e.to_sql())?;
                let id = d.get(0).children.first().copied().unwrap_or(0);
                Ok(vec![Item::Node(Arc::new(d), id)])
            }
            Expr::InstanceOf(x, name) => {
                let s = self.eval(x, scope)?;
                flag(match (s.as_slice(), name.as_str()) {
                    ([Item::Node(d, id)], "element") => d.get(*id).kind == NodeKind::Element,
                    ([Item::Node(d, id)], "attribute") => d.get(*id).kind == NodeKind::Attribute,
                    ([Item::Node(d, id)], "text") => d.get(*id).kind == NodeKind::Text,
                    ([Item::Node(..)], "node") | ([_], "item") => true,
                    ([Item::Atom(Atom::Integer(_))], "integer" | "decimal" | "int") => true,
                    ([Item::Atom(Atom::Double(_))], "double" | "decimal" | "float") => true,
                    ([Item::Atom(Atom::String(_))], "string") => true,
                    ([Item::Atom(Atom::Boolean(_))], "boolean") => true,
                    ([Item::Atom(Atom::Hex(_))], "hexBinary") => true,
                    ([Item::Atom(Atom::Base64(_))], "base64Binary") => true,
                    ([Item::Atom(Atom::Untyped(_))], "untypedAtomic") => true,
                    _ => false,
                })
            }
        }
    }

    fn bounded(&self, s: Sequence) -> SqlResult<Sequence> {
        if s.len() > ITEMS_MAX { Err(self.fail("The sequence is too long.")) } else { Ok(s) }
    }

    fn math(&self, op: Arithmetic, a: Option<Atom>, b: Option<Atom>) -> SqlResult<Sequence> {
        let (Some(a), Some(b)) = (a, b) else { return Ok(Vec::new()) };
        if let (Atom::Integer(x), Atom::Integer(y)) = (&a, &b) {
            let exact = match op {
                Arithmetic::Add => x.checked_add(*y),
                Arithmetic::Subtract => x.checked_sub(*y),
                Arithmetic::Multiply => x.checked_mul(*y),
                Arithmetic::Divide if *y != 0 && x % y == 0 => x.checked_div(*y),
                Arithmetic::Modulo if *y != 0 => x.checked_rem(*y),
                _ => None,
            };
            if let Some(n) = exact {
                return Ok(vec![Item::Atom(Atom::Integer(n))]);
            }
        }
        let (x, y) = (a.number().unwrap_or(f64::NAN), b.number().unwrap_or(f64::NAN));
        let f = match op {
            Arithmetic::Add => x + y,
            Arithmetic::Subtract => x - y,
            Arithmetic::Multiply => x * y,
            Arithmetic::Divide => x / y,
            Arithmetic::Modulo => x % y,
        };
        // Division by zero and values that are no numbers give the empty sequence, as a dynamic error does here.
        Ok(if f.is_finite() { vec![Item::Atom(Atom::Double(f))] } else { Vec::new() })
    }

    fn quantified(
        &self,
        every: bool,
        bindings: &'a [(String, Expr)],
        satisfies: &'a Expr,
        scope: &Scope<'a>,
    ) -> SqlResult<bool> {
        let Some(((name, source), rest)) = bindings.split_first() else {
            return self.truth(satisfies, scope);
        };
        for item in self.eval(source, scope)? {
            let mut inner = scope.clone();
            inner.variables.push((name, Arc::new(vec![item])));
            if self.quantified(every, rest, satisfies, &inner)? != every {
                return Ok(!every);
            }
        }
        Ok(every)
    }

    fn flwor(&self, clauses: &'a [Clause], result: &'a Expr, scope: &Scope<'a>) -> SqlResult<Sequence> {
        let mut tuples = vec![scope.clone()];
        for clause in clauses {
            match clause {
                Clause::For { variable, source } => {
                    let mut next = Vec::new();
                    for t in tuples {
                        for item in self.eval(source, &t)? {
                            let mut inner = t.clone();
                            inner.variables.push((variable, Arc::new(vec![item])));
                            next.push(inner);
                        }
                        if next.len() > ITEMS_MAX / 10 {
                            return Err(self.fail("The sequence is too long."));
                        }
                    }
                    tuples = next;
                }
                Clause::Let { variable, value } => {
                    for t in &mut tuples {
                        let v = self.eval(value, t)?;
                        t.variables.push((variable, Arc::new(v)));
                    }
                }
                Clause::Where(condition) => {
                    let mut kept = Vec::new();
                    for t in tuples {
                        if self.truth(condition, &t)? {
                            kept.push(t);
                        }
                    }
                    tuples = kept;
                }
                Clause::OrderBy(keys) => {
                    let mut keyed = Vec::with_capacity(tuples.len());
                    for t in tuples {
                        let k = keys.iter().map(|(e, _)| self.atom(e, &t)).collect::<SqlResult<Vec<_>>>()?;
                        keyed.push((k, t));
                    }
                    keyed.sort_by(|a, b| {
                        for (i, (_, descending)) in keys.iter().enumerate() {
                            let o = match (&a.0[i], &b.0[i]) {
                                (Some(x), Some(y)) => compare(x, y).unwrap_or(Ordering::Equal),
                                (None, Some(_)) => Ordering::Less,
                                (Some(_), None) => Ordering::Greater,
                                (None, None) => Ordering::Equal,
                            };
                            let o = if *descending { o.reverse() } else { o };
                            if o.is_ne() {
                                return o;
                            }
                        }
                        Ordering::Equal
                    });
                    tuples = keyed.into_iter().map(|k| k.1).collect();
                }
            }
        }
        let mut out = Vec::new();
        for t in &tuples {
            out.extend(self.eval(result, t)?);
        }
        self.bounded(out)
    }

    fn path(&self, root: bool, steps: &'a [Step], scope: &Scope<'a>) -> SqlResult<Sequence> {
        let mut current: Sequence = scope.item.iter().cloned().collect();
        if root {
            current = current
                .into_iter()
                .filter_map(|i| match i {
                    Item::Node(d, _) => Some(Item::Node(d, 0)),
                    Item::Atom(_) => None,
                })
                .collect();
        }
        for (i, step) in steps.iter().enumerate() {
            // A first step that is a primary expression is evaluated once, whatever the context holds.
            if let (0, false, Step::Filter { expr, predicates }) = (i, root, step) {
                let found = self.eval(expr, scope)?;
                current = self.filter(found, predicates, scope)?;
                continue;
            }
            let mut next = Vec::new();
            let size = current.len();
            for (k, item) in current.into_iter().enumerate() {
                match step {
                    Step::Axis { axis, test, predicates } => {
                        let Item::Node(d, id) = &item else {
                            return Err(self.fail("A node or set of nodes is required for '/'."));
                        };
                        let found = self.axis(d, *id, *axis, test);
                        next.extend(self.filter(found, predicates, scope)?);
                    }
                    Step::Filter { expr, predicates } => {
                        let inner = Scope {
                            item: Some(item),
                            position: k + 1,
                            size,
                            variables: scope.variables.clone(),
                        };
                        let found = self.eval(expr, &inner)?;
                        next.extend(self.filter(found, predicates, &inner)?);
                    }
                }
            }
            current = self.bounded(ordered(next))?;
        }
        Ok(current)
    }

    fn filter(&self, mut list: Sequence, predicates: &'a [Expr], scope: &Scope<'a>) -> SqlResult<Sequence> {
        for p in predicates {
            if let Expr::Integer(n) = p {
                let at = usize::try_from(*n).ok().and_then(|n| n.checked_sub(1));
                list = at.and_then(|i| list.get(i).cloned()).into_iter().collect();
                continue;
            }
            let size = list.len();
            let mut kept = Vec::new();
            for (i, item) in list.into_iter().enumerate() {
                let inner = Scope {
                    item: Some(item.clone()),
                    position: i + 1,
                    size,
                    variables: scope.variables.clone(),
                };
                let value = self.eval(p, &inner)?;
                let keep = match value.as_slice() {
                    [Item::Atom(a)] if a.is_numeric() => a.number() == Some((i + 1) as f64),
                    other => self.boolean(other)?,
                };
                if keep {
                    kept.push(item);
                }
            }
            list = kept;
        }
        Ok(list)
    }

    fn axis(&self, d: &Arc<Document>, id: NodeId, axis: Axis, test: &NodeTest) -> Sequence {
        let node = d.get(id);
        let mut out = Vec::new();
        let mut take = |n: NodeId, attribute: bool| {
            if matches(d, n, test, attribute) {
                out.push(Item::Node(d.clone(), n));
            }
        };
        match axis {
            Axis::Child => node.children.iter().for_each(|&c| take(c, false)),
            Axis::Attribute => node.attributes.iter().for_each(|&a| take(a, true)),
            Axis::SelfNode => take(id, false),
            Axis::Parent => {
                if id != 0 {
                    take(node.parent, false);
                }
            }
            Axis::Descendant | Axis::DescendantOrSelf => {
                if axis == Axis::DescendantOrSelf {
                    take(id, false);
                }
                let mut stack: Vec<NodeId> = node.children.iter().rev().copied().collect();
                while let Some(n) = stack.pop() {
                    take(n, false);
                    stack.extend(d.get(n).children.iter().rev());
                }
            }
        }
        out
    }

    fn construct(&self, c: &'a Constructor, scope: &Scope<'a>, out: &mut String) -> SqlResult<()> {
        out.push('<');
        out.push_str(&c.name);
        for (name, parts) in &c.attributes {
            let mut value = String::new();
            for p in parts {
                match p {
                    Content::Text(t) => value.push_str(t),
                    Content::Expr(e) => {
                        let atoms: Vec<String> =
                            self.eval(e, scope)?.iter().map(|i| i.atomize().text()).collect();
                        value.push_str(&atoms.join(" "));
                    }
                }
            }
            out.push_str(&format!(" {name}=\""));
            escape(&value, true, out);
            out.push('"');
        }
        // Attribute nodes at the beginning of the content become attributes of the element.
        let mut body = String::new();
        for p in &c.content {
            match p {
                Content::Text(t) => escape(t, false, &mut body),
                Content::Expr(Expr::Element(inner)) => self.construct(inner, scope, &mut body)?,
                Content::Expr(e) => {
                    let mut rest = Vec::new();
                    for item in self.eval(e, scope)? {
                        match &item {
                            Item::Node(d, id)
                                if d.get(*id).kind == NodeKind::Attribute && body.is_empty() =>
                            {
                                let a = d.get(*id);
                                out.push_str(&format!(" {}=\"", a.local));
                                escape(&a.value, true, out);
                                out.push('"');
                            }
                            _ => rest.push(item),
                        }
                    }
                    body.push_str(&serialize(self.method, &rest)?);
                }
            }
        }
        if body.is_empty() {
            out.push_str("/>");
        } else {
            out.push('>');
            out.push_str(&body);
            out.push_str(&format!("</{}>", c.name));
        }
        Ok(())
    }

    fn call(&self, function: &'a str, arguments: &'a [Expr], scope: &Scope<'a>) -> SqlResult<Sequence> {
        let one = |a: Atom| Ok(vec![Item::Atom(a)]);
        let first = arguments.first();
        if let Some(target) = function.strip_prefix("xs:") {
            let Some(a) = first.map_or(Ok(None), |e| self.atom(e, scope))? else { return Ok(Vec::new()) };
            return Ok(cast(&a, target).map(Item::Atom).into_iter().collect());
        }
        let node = || -> SqlResult<Option<Item>> {
            match first {
                Some(e) => Ok(self.eval(e, scope)?.into_iter().next()),
                None => Ok(scope.item.clone()),
            }
        };
        let numbers = |s: Sequence| -> Vec<Atom> { s.iter().map(Item::atomize).collect() };
        match function {
            "true" => one(Atom::Boolean(true)),
            "false" => one(Atom::Boolean(false)),
            "position" => one(Atom::Integer(scope.position as i64)),
            "last" => one(Atom::Integer(scope.size as i64)),
            "local-name" => one(Atom::String(match node()? {
                Some(Item::Node(d, id)) => d.get(id).local.to_string(),
                _ => String::new(),
            })),
            "namespace-uri" => one(Atom::String(match node()? {
                Some(Item::Node(d, id)) => d.get(id).uri.to_string(),
                _ => String::new(),
            })),
            "string" => match first {
                None => one(Atom::String(self.text(None, scope)?)),
                Some(e) => one(Atom::String(self.atom(e, scope)?.map_or(String::new(), |a| a.text()))),
            },
            "number" => {
                let a = node()?.map(|i| i.atomize());
                Ok(a.and_then(|a| a.number()).map(|f| Item::Atom(Atom::Double(f))).into_iter().collect())
            }
            "concat" => {
                let mut out = String::new();
                for e in arguments {
                    out.push_str(&self.text(Some(e), scope)?);
                }
                one(Atom::String(out))
            }
            "contains" => {
                let (a, b) = (self.text(first, scope)?, self.text(arguments.get(1), scope)?);
                one(Atom::Boolean(a.contains(&b)))
            }
            "string-length" => one(Atom::Integer(self.text(first, scope)?.encode_utf16().count() as i64)),
            "upper-case" => one(Atom::String(self.text(first, scope)?.to_uppercase())),
            "lower-case" => one(Atom::String(self.text(first, scope)?.to_lowercase())),
            "substring" => {
                let text: Vec<char> = self.text(first, scope)?.chars().collect();
                let at = |i: usize| -> SqlResult<f64> {
                    Ok(match arguments.get(i) {
                        Some(e) => self.atom(e, scope)?.and_then(|a| a.number()).unwrap_or(f64::NAN).round(),
                        None => f64::INFINITY,
                    })
                };
                let (start, length) = (at(1)?, at(2)?);
                let kept = text.iter().enumerate().filter(|(i, _)| {
                    let p = (*i + 1) as f64;
                    p >= start && p < start + length
                });
                one(Atom::String(kept.map(|(_, c)| *c).collect()))
            }
            _ => {
                let s = first.map_or(Ok(Vec::new()), |e| self.eval(e, scope))?;
                match function {
                    "count" => one(Atom::Integer(s.len() as i64)),
                    "not" => one(Atom::Boolean(!self.boolean(&s)?)),
                    "boolean" => one(Atom::Boolean(self.boolean(&s)?)),
                    "empty" => one(Atom::Boolean(s.is_empty())),
                    "exists" => one(Atom::Boolean(!s.is_empty())),
                    "data" => Ok(s.iter().map(|i| Item::Atom(i.atomize())).collect()),
                    "distinct-values" => {
                        let mut out: Vec<Atom> = Vec::new();
                        for a in s.iter().map(Item::atomize) {
                            if !out.iter().any(|o| compare(o, &a) == Some(Ordering::Equal)) {
                                out.push(a);
                            }
                        }
                        Ok(out.into_iter().map(Item::Atom).collect())
                    }
                    "sum" | "avg" => {
                        let list = numbers(s);
                        if list.is_empty() {
                            return if function == "sum" { one(Atom::Integer(0)) } else { Ok(Vec::new()) };
                        }
                        let exact = list.iter().try_fold(0i64, |n, a| match a {
                            Atom::Integer(x) => n.checked_add(*x),
                            _ => None,
                        });
                        if let (Some(n), "sum") = (exact, function) {
                            return one(Atom::Integer(n));
                        }
                        let total: f64 = list.iter().map(|a| a.number().unwrap_or(f64::NAN)).sum();
                        one(Atom::Double(if function == "sum" { total } else { total / list.len() as f64 }))
                    }
                    "min" | "max" => {
                        // Untyped values are compared as numbers.
                        let list = numbers(s).into_iter().map(|a| match a {
                            Atom::Untyped(t) => {
                                t.trim().parse().map(Atom::Double).unwrap_or(Atom::Double(f64::NAN))
                            }
                            other => other,
                        });
                        let want = if function == "min" { Ordering::Less } else { Ordering::Greater };
                        let best =
                            list.reduce(|best, a| if compare(&a, &best) == Some(want) { a } else { best });
                        Ok(best.map(Item::Atom).into_iter().collect())
                    }
                    "round" | "ceiling" | "floor" => {
                        let Some(a) = s.first().map(Item::atomize) else { return Ok(Vec::new()) };
                        if matches!(a, Atom::Integer(_)) {
                            return one(a);
                        }
                        let f = a.number().unwrap_or(f64::NAN);
                        one(Atom::Double(match function {
                            "round" => (f + 0.5).floor(),
                            "ceiling" => f.ceil(),
                            _ => f.floor(),
                        }))
                    }
                    _ => Err(self.fail(&format!("The function '{function}' is not there."))),
                }
            }
        }
    }
}

/// A cast to a schema type; a value that is not of the type gives the empty sequence.
fn cast(a: &Atom, target: &str) -> Option<Atom> {
    match target {
        "boolean" => match a.text().trim() {
            "true" | "1" => Some(Atom::Boolean(true)),
            "false" | "0" => Some(Atom::Boolean(false)),
            _ => None,
        },
        "string" | "date" | "dateTime" | "time" => Some(Atom::String(a.text())),
        "decimal" | "double" | "float" => a.number().map(Atom::Double),
        "base64Binary" => a.bytes().map(Atom::Base64),
        "hexBinary" => match a {
            Atom::Untyped(s) | Atom::String(s) => hex_bytes(s.trim()).map(Atom::Hex),
            other => other.bytes().map(Atom::Hex),
        },
        _ => match a {
            Atom::Double(f) => Some(Atom::Integer(f.trunc() as i64)),
            other => other.text().trim().parse().ok().map(Atom::Integer),
        },
    }
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    digits
        .filter(|d| d.len() % 2 == 0)
        .map(|d| d.chunks(2).map(|p| p.iter().fold(0, |n, x| n << 4 | x)).collect())
}

fn matches(d: &Document, id: NodeId, test: &NodeTest, attribute: bool) -> bool {
    let n = d.get(id);
    match test {
        NodeTest::Node => true,
        NodeTest::Text => n.kind == NodeKind::Text,
        NodeTest::Comment => n.kind == NodeKind::Comment,
        NodeTest::Instruction(target) => {
            n.kind == NodeKind::Instruction && target.as_deref().is_none_or(|t| t == &*n.local)
        }
        NodeTest::Name(NameTest { uri, local }) => {
            n.kind == if attribute { NodeKind::Attribute } else { NodeKind::Element }
                && local.as_deref().is_none_or(|l| l == &*n.local)
                && uri.as_deref().is_none_or(|u| u == &*n.uri)
        }
    }
}

/// Nodes in document order, each once; sequences of atomic values stay as they are.
fn ordered(mut s: Sequence) -> Sequence {
    if s.iter().all(|i| matches!(i, Item::Node(..))) {
        s.sort_by(Item::order);
        s.dedup_by(|a, b| a.order(b).is_eq());
    }
    s
}
