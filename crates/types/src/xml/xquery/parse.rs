//! The XQuery parser: recursive descent over characters, since what a `<` or a `*` means depends on the place.

use super::update::{Action, Part, Place};
use super::{
    Arithmetic, Axis, Clause, Compare, Constructor, Content, Expr, NESTING_MAX, NameTest, NodeTest, Step,
    error,
};
use crate::SqlResult;

pub struct Parser<'a> {
    source: &'a str,
    at: usize,
    method: &'a str,
    namespaces: Vec<(String, String)>,
    sql: Vec<(bool, String)>,
    depth: usize,
}

const PREDEFINED: &[(&str, &str)] = &[
    ("xs", "http://www.w3.org/2001/XMLSchema"),
    ("xsi", "http://www.w3.org/2001/XMLSchema-instance"),
    ("xdt", "http://www.w3.org/2004/07/xpath-datatypes"),
    ("fn", "http://www.w3.org/2004/07/xpath-functions"),
    ("sql", "http://schemas.microsoft.com/sqlserver/2004/sqltypes"),
    ("xml", "http://www.w3.org/XML/1998/namespace"),
];

/// Functions with the least and the greatest number of arguments.
const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("count", 1, 1),
    ("sum", 1, 1),
    ("avg", 1, 1),
    ("min", 1, 1),
    ("max", 1, 1),
    ("not", 1, 1),
    ("true", 0, 0),
    ("false", 0, 0),
    ("boolean", 1, 1),
    ("empty", 1, 1),
    ("exists", 1, 1),
    ("position", 0, 0),
    ("last", 0, 0),
    ("string", 0, 1),
    ("data", 1, 1),
    ("number", 0, 1),
    ("local-name", 0, 1),
    ("namespace-uri", 0, 1),
    ("concat", 2, 255),
    ("contains", 2, 2),
    ("substring", 2, 3),
    ("string-length", 0, 1),
    ("upper-case", 1, 1),
    ("lower-case", 1, 1),
    ("distinct-values", 1, 1),
    ("round", 1, 1),
    ("ceiling", 1, 1),
    ("floor", 1, 1),
];

/// Constructor functions `xs:name(value)` and targets of casts.
const TYPES: &[&str] = &[
    "string",
    "boolean",
    "int",
    "integer",
    "long",
    "short",
    "byte",
    "decimal",
    "double",
    "float",
    "date",
    "dateTime",
    "time",
    "unsignedInt",
    "unsignedLong",
    "unsignedShort",
    "unsignedByte",
    "nonNegativeInteger",
    "positiveInteger",
    "hexBinary",
    "base64Binary",
];

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

impl<'a> Parser<'a> {
    pub fn new(source: &'a str, method: &'a str, namespaces: &[(String, String)]) -> Self {
        Parser { source, at: 0, method, namespaces: namespaces.to_vec(), sql: Vec::new(), depth: 0 }
    }

    pub fn query(mut self) -> SqlResult<(Expr, Vec<(bool, String)>)> {
        self.prolog()?;
        let body = self.expr()?;
        self.space()?;
        if !self.rest().is_empty() {
            let found: String = self.rest().chars().take_while(|c| !c.is_whitespace()).collect();
            let text =
                format!("No more tokens expected at the end of the XQuery expression. Found '{found}'.");
            return Err(error(self.method, 2370, &text));
        }
        Ok((body, self.sql))
    }

    /// A modification instead of a query.
    pub(super) fn update(mut self) -> SqlResult<(Action, Vec<(bool, String)>)> {
        self.prolog()?;
        let action = if self.eat_word("insert")? {
            let mut parts = Vec::new();
            self.space()?;
            let before = self.at;
            let list = self.eat("(")? && {
                let first = self.computed()?;
                parts.extend(first);
                !parts.is_empty()
            };
            if list {
                while self.eat(",")? {
                    let part = match self.computed()? {
                        Some(part) => part,
                        None => Part::Nodes(self.single()?),
                    };
                    parts.push(part);
                }
                self.expect(")")?;
            } else {
                self.at = before;
                let part = match self.computed()? {
                    Some(part) => part,
                    None => Part::Nodes(self.single()?),
                };
                parts.push(part);
            }
            let place = if self.eat_word("as")? {
                let place = if self.eat_word("first")? {
                    Place::First
                } else if self.eat_word("last")? {
                    Place::Last
                } else {
                    return self.fail();
                };
                if !self.eat_word("into")? {
                    return self.fail();
                }
                place
            } else if self.eat_word("into")? {
                Place::Last
            } else if self.eat_word("before")? {
                Place::Before
            } else if self.eat_word("after")? {
                Place::After
            } else {
                return self.fail();
            };
            Action::Insert { parts, place, target: self.single()? }
        } else if self.eat_word("delete")? {
            Action::Delete(self.expr()?)
        } else if self.eat_word("replace")? {
            if !(self.eat_word("value")? && self.eat_word("of")?) {
                return self.fail();
            }
            let target = self.single()?;
            if !self.eat_word("with")? {
                return self.fail();
            }
            Action::Replace { target, value: self.single()? }
        } else {
            return self.fail();
        };
        self.space()?;
        if !self.rest().is_empty() {
            return self.fail();
        }
        Ok((action, self.sql))
    }

    /// `attribute name { … }` or `text { … }`.
    fn computed(&mut self) -> SqlResult<Option<Part>> {
        self.space()?;
        if self.word_then("text", "{")? {
            self.eat_word("text")?;
            return Ok(Some(Part::Text(self.enclosed()?)));
        }
        if self.word()? == "attribute" {
            self.eat_word("attribute")?;
            self.space()?;
            let name = self.ncname()?;
            return Ok(Some(Part::Attribute(name, self.enclosed()?)));
        }
        Ok(None)
    }

    fn enclosed(&mut self) -> SqlResult<Expr> {
        self.expect("{")?;
        let e = self.expr()?;
        self.expect("}")?;
        Ok(e)
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn fail<T>(&self) -> SqlResult<T> {
        let near: String = self.rest().chars().take_while(|c| !c.is_whitespace()).take(40).collect();
        let near = if near.is_empty() { "<eof>".to_owned() } else { near };
        Err(error(self.method, 2209, &format!("Syntax error near '{near}'")))
    }

    /// Skips blanks and `(: comments :)`.
    fn space(&mut self) -> SqlResult<()> {
        loop {
            let trimmed = self.rest().trim_start();
            self.at = self.source.len() - trimmed.len();
            if !trimmed.starts_with("(:") {
                return Ok(());
            }
            let mut depth = 0;
            loop {
                if self.rest().starts_with("(:") {
                    depth += 1;
                    self.at += 2;
                } else if self.rest().starts_with(":)") {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        break;
                    }
                } else {
                    match self.peek() {
                        Some(c) => self.at += c.len_utf8(),
                        None => return self.fail(),
                    }
                }
            }
        }
    }

    fn eat(&mut self, symbol: &str) -> SqlResult<bool> {
        self.space()?;
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len();
        }
        Ok(found)
    }

    fn expect(&mut self, symbol: &str) -> SqlResult<()> {
        if self.eat(symbol)? { Ok(()) } else { self.fail() }
    }

    /// The word at the cursor, without taking it.
    fn word(&mut self) -> SqlResult<&'a str> {
        self.space()?;
        let rest = self.rest();
        if !rest.starts_with(is_name_start) {
            return Ok("");
        }
        Ok(&rest[..rest.find(|c| !is_name_char(c)).unwrap_or(rest.len())])
    }

    fn eat_word(&mut self, word: &str) -> SqlResult<bool> {
        let found = self.word()? == word;
        if found {
            self.at += word.len();
        }
        Ok(found)
    }

    /// `word` followed by `next`: keywords are reserved only in their places.
    fn word_then(&mut self, word: &str, next: &str) -> SqlResult<bool> {
        if self.word()? != word {
            return Ok(false);
        }
        Ok(self.rest()[word.len()..].trim_start().starts_with(next))
    }

    fn ncname(&mut self) -> SqlResult<String> {
        let w = self.word()?;
        if w.is_empty() {
            return self.fail();
        }
        self.at += w.len();
        Ok(w.to_owned())
    }

    /// `name` or `prefix:name`, with no blanks inside.
    fn qname(&mut self) -> SqlResult<(Option<String>, String)> {
        let first = self.ncname()?;
        let rest = self.rest();
        if rest.starts_with(':') && rest[1..].starts_with(is_name_start) {
            self.at += 1;
            return Ok((Some(first), self.ncname()?));
        }
        Ok((None, first))
    }

    fn string(&mut self) -> SqlResult<String> {
        self.space()?;
        let Some(quote @ ('"' | '\'')) = self.peek() else { return self.fail() };
        self.at += 1;
        let mut out = String::new();
        loop {
            let Some(c) = self.peek() else { return self.fail() };
            self.at += c.len_utf8();
            if c == quote {
                if self.peek() != Some(quote) {
                    return Ok(out);
                }
                self.at += 1;
                out.push(quote);
            } else if c == '&' {
                out.push(self.reference()?);
            } else {
                out.push(c);
            }
        }
    }

    /// What follows `&` up to the semicolon.
    fn reference(&mut self) -> SqlResult<char> {
        let Some(end) = self.rest().find(';').filter(|n| *n <= 10) else { return self.fail() };
        let name = &self.rest()[..end];
        let c = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => name
                .strip_prefix("#x")
                .map_or_else(
                    || name.strip_prefix('#').and_then(|d| d.parse().ok()),
                    |h| u32::from_str_radix(h, 16).ok(),
                )
                .and_then(char::from_u32),
        };
        let Some(c) = c else { return self.fail() };
        self.at += end + 1;
        Ok(c)
    }

    fn prolog(&mut self) -> SqlResult<()> {
        while self.word_then("declare", "namespace")? || self.word_then("declare", "default")? {
            self.eat_word("declare")?;
            let prefix = if self.eat_word("namespace")? {
                let p = self.ncname()?;
                self.expect("=")?;
                p
            } else {
                self.eat_word("default")?;
                if !self.eat_word("element")? || !self.eat_word("namespace")? {
                    return self.fail();
                }
                self.eat("=")?;
                String::new()
            };
            let uri = self.string()?;
            self.expect(";")?;
            self.namespaces.retain(|n| n.0 != prefix);
            self.namespaces.push((prefix, uri));
        }
        Ok(())
    }

    fn uri_of(&self, prefix: &str) -> SqlResult<String> {
        let declared = self.namespaces.iter().rev().find(|n| n.0 == prefix).map(|n| n.1.as_str());
        let found = declared.or_else(|| PREDEFINED.iter().find(|p| p.0 == prefix).map(|p| p.1));
        match found {
            Some(uri) => Ok(uri.to_owned()),
            None if prefix.is_empty() => Ok(String::new()),
            None => {
                Err(error(self.method, 2229, &format!("The name \"{prefix}\" does not denote a namespace.")))
            }
        }
    }

    fn expr(&mut self) -> SqlResult<Expr> {
        let mut list = vec![self.single()?];
        while self.eat(",")? {
            list.push(self.single()?);
        }
        Ok(if list.len() == 1 { list.remove(0) } else { Expr::Sequence(list) })
    }

    fn single(&mut self) -> SqlResult<Expr> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(error(self.method, 2209, "The expression is nested too deeply."));
        }
        let e = if self.word_then("for", "$")? || self.word_then("let", "$")? {
            self.flwor()
        } else if self.word_then("some", "$")? || self.word_then("every", "$")? {
            self.quantified()
        } else if self.word_then("if", "(")? {
            self.eat_word("if")?;
            self.expect("(")?;
            let condition = self.expr()?;
            self.expect(")")?;
            if !self.eat_word("then")? {
                return self.fail();
            }
            let yes = self.single()?;
            if !self.eat_word("else")? {
                return self.fail();
            }
            let no = self.single()?;
            Ok(Expr::If(Box::new(condition), Box::new(yes), Box::new(no)))
        } else {
            self.or()
        };
        self.depth -= 1;
        e
    }

    fn variable(&mut self) -> SqlResult<String> {
        self.expect("$")?;
        let (prefix, local) = self.qname()?;
        Ok(prefix.map_or(local.clone(), |p| format!("{p}:{local}")))
    }

    fn flwor(&mut self) -> SqlResult<Expr> {
        let mut clauses = Vec::new();
        loop {
            if self.word_then("for", "$")? {
                self.eat_word("for")?;
                loop {
                    let variable = self.variable()?;
                    if !self.eat_word("in")? {
                        return self.fail();
                    }
                    clauses.push(Clause::For { variable, source: self.single()? });
                    if !self.eat(",")? {
                        break;
                    }
                }
            } else if self.word_then("let", "$")? {
                self.eat_word("let")?;
                loop {
                    let variable = self.variable()?;
                    self.expect(":=")?;
                    clauses.push(Clause::Let { variable, value: self.single()? });
                    if !self.eat(",")? {
                        break;
                    }
                }
            } else {
                break;
            }
        }
        if self.eat_word("where")? {
            clauses.push(Clause::Where(self.single()?));
        }
        if self.eat_word("order")? {
            if !self.eat_word("by")? {
                return self.fail();
            }
            let mut keys = Vec::new();
            loop {
                let key = self.single()?;
                let descending = self.eat_word("descending")?;
                if !descending {
                    self.eat_word("ascending")?;
                }
                keys.push((key, descending));
                if !self.eat(",")? {
                    break;
                }
            }
            clauses.push(Clause::OrderBy(keys));
        }
        if !self.eat_word("return")? {
            return self.fail();
        }
        Ok(Expr::Flwor { clauses, result: Box::new(self.single()?) })
    }

    fn quantified(&mut self) -> SqlResult<Expr> {
        let every = self.ncname()? == "every";
        let mut bindings = Vec::new();
        loop {
            let variable = self.variable()?;
            if !self.eat_word("in")? {
                return self.fail();
            }
            bindings.push((variable, self.single()?));
            if !self.eat(",")? {
                break;
            }
        }
        if !self.eat_word("satisfies")? {
            return self.fail();
        }
        Ok(Expr::Quantified { every, bindings, satisfies: Box::new(self.single()?) })
    }

    fn or(&mut self) -> SqlResult<Expr> {
        let mut list = vec![self.and()?];
        while self.eat_word("or")? {
            list.push(self.and()?);
        }
        Ok(if list.len() == 1 { list.remove(0) } else { Expr::Or(list) })
    }

    fn and(&mut self) -> SqlResult<Expr> {
        let mut list = vec![self.comparison()?];
        while self.eat_word("and")? {
            list.push(self.comparison()?);
        }
        Ok(if list.len() == 1 { list.remove(0) } else { Expr::And(list) })
    }

    fn comparison(&mut self) -> SqlResult<Expr> {
        let left = self.additive()?;
        self.space()?;
        let symbols = [
            ("<<", Compare::Lt, true),
            (">>", Compare::Gt, true),
            ("!=", Compare::Ne, false),
            ("<=", Compare::Le, false),
            (">=", Compare::Ge, false),
            ("=", Compare::Eq, false),
            ("<", Compare::Lt, false),
            (">", Compare::Gt, false),
        ];
        for (symbol, op, order) in symbols {
            if self.eat(symbol)? {
                let right = Box::new(self.additive()?);
                let left = Box::new(left);
                return Ok(if order { Expr::Order(op, left, right) } else { Expr::General(op, left, right) });
            }
        }
        let words = [
            ("eq", Compare::Eq),
            ("ne", Compare::Ne),
            ("lt", Compare::Lt),
            ("le", Compare::Le),
            ("gt", Compare::Gt),
            ("ge", Compare::Ge),
        ];
        for (word, op) in words {
            if self.eat_word(word)? {
                return Ok(Expr::Value(op, Box::new(left), Box::new(self.additive()?)));
            }
        }
        if self.eat_word("is")? {
            return Ok(Expr::Order(Compare::Eq, Box::new(left), Box::new(self.additive()?)));
        }
        Ok(left)
    }

    fn additive(&mut self) -> SqlResult<Expr> {
        let mut left = self.multiplicative()?;
        loop {
            let op = if self.eat("+")? {
                Arithmetic::Add
            } else if self.eat("-")? {
                Arithmetic::Subtract
            } else {
                return Ok(left);
            };
            left = Expr::Math(op, Box::new(left), Box::new(self.multiplicative()?));
        }
    }

    fn multiplicative(&mut self) -> SqlResult<Expr> {
        let mut left = self.union()?;
        loop {
            let op = if self.eat("*")? {
                Arithmetic::Multiply
            } else if self.eat_word("div")? {
                Arithmetic::Divide
            } else if self.eat_word("mod")? {
                Arithmetic::Modulo
            } else {
                return Ok(left);
            };
            left = Expr::Math(op, Box::new(left), Box::new(self.union()?));
        }
    }

    fn union(&mut self) -> SqlResult<Expr> {
        let mut left = self.typed()?;
        while self.eat("|")? || self.eat_word("union")? {
            left = Expr::Union(Box::new(left), Box::new(self.typed()?));
        }
        Ok(left)
    }

    /// `cast as` and `instance of` behind a unary expression.
    fn typed(&mut self) -> SqlResult<Expr> {
        let e = self.unary()?;
        if self.word_then("cast", "as")? {
            self.eat_word("cast")?;
            self.eat_word("as")?;
            let name = self.type_name()?;
            self.eat("?")?;
            return Ok(Expr::Call { function: format!("xs:{name}"), arguments: vec![e] });
        }
        if self.word_then("instance", "of")? {
            self.eat_word("instance")?;
            self.eat_word("of")?;
            let (_, local) = self.qname()?;
            if self.eat("(")? {
                self.expect(")")?;
            }
            let _ = self.eat("?")? || self.eat("*")? || self.eat("+")?;
            return Ok(Expr::InstanceOf(Box::new(e), local));
        }
        Ok(e)
    }

    fn type_name(&mut self) -> SqlResult<String> {
        let (_, local) = self.qname()?;
        if TYPES.contains(&local.as_str()) { Ok(local) } else { self.fail() }
    }

    fn unary(&mut self) -> SqlResult<Expr> {
        let mut negative = false;
        loop {
            if self.eat("-")? {
                negative = !negative;
            } else if !self.eat("+")? {
                break;
            }
        }
        let e = self.path()?;
        Ok(if negative { Expr::Negate(Box::new(e)) } else { e })
    }

    fn path(&mut self) -> SqlResult<Expr> {
        let any =
            || Step::Axis { axis: Axis::DescendantOrSelf, test: NodeTest::Node, predicates: Vec::new() };
        let mut steps = Vec::new();
        let mut root = false;
        if self.eat("//")? {
            root = true;
            steps.push(any());
        } else if self.eat("/")? {
            root = true;
            self.space()?;
            let begins = self.peek().is_some_and(|c| is_name_start(c) || matches!(c, '@' | '*' | '.' | '('));
            if !begins {
                return Ok(Expr::Path { root, steps });
            }
        }
        loop {
            steps.push(self.step()?);
            if self.eat("//")? {
                steps.push(any());
            } else if !self.eat("/")? {
                break;
            }
        }
        if !root
            && steps.len() == 1
            && matches!(&steps[0], Step::Filter { predicates, .. } if predicates.is_empty())
            && let Some(Step::Filter { expr, .. }) = steps.pop()
        {
            return Ok(expr);
        }
        Ok(Expr::Path { root, steps })
    }

    fn predicates(&mut self) -> SqlResult<Vec<Expr>> {
        let mut out = Vec::new();
        while self.eat("[")? {
            out.push(self.expr()?);
            if !self.eat("]")? {
                return Err(error(self.method, 2205, "\"]\" was expected."));
            }
        }
        Ok(out)
    }

    fn step(&mut self) -> SqlResult<Step> {
        self.space()?;
        if self.eat("..")? {
            let predicates = self.predicates()?;
            return Ok(Step::Axis { axis: Axis::Parent, test: NodeTest::Node, predicates });
        }
        if self.eat("@")? {
            let test = self.node_test(true)?;
            let predicates = self.predicates()?;
            return Ok(Step::Axis { axis: Axis::Attribute, test, predicates });
        }
        for (name, axis) in [
            ("child", Axis::Child),
            ("descendant-or-self", Axis::DescendantOrSelf),
            ("descendant", Axis::Descendant),
            ("attribute", Axis::Attribute),
            ("self", Axis::SelfNode),
            ("parent", Axis::Parent),
        ] {
            if self.word_then(name, "::")? {
                self.eat_word(name)?;
                self.expect("::")?;
                let test = self.node_test(axis == Axis::Attribute)?;
                let predicates = self.predicates()?;
                return Ok(Step::Axis { axis, test, predicates });
            }
        }
        let primary = match self.peek() {
            Some('$' | '(' | '"' | '\'' | '<') => true,
            Some(c) if c.is_ascii_digit() => true,
            Some('.') => true,
            Some(c) if is_name_start(c) => self.at_call(),
            _ => false,
        };
        if primary {
            let expr = self.primary()?;
            let predicates = self.predicates()?;
            return Ok(Step::Filter { expr, predicates });
        }
        let test = self.node_test(false)?;
        let predicates = self.predicates()?;
        Ok(Step::Axis { axis: Axis::Child, test, predicates })
    }

    /// A function call and not a name test or a kind test begins here.
    fn at_call(&self) -> bool {
        let rest = self.rest();
        let n = rest.find(|c| !is_name_char(c) && c != ':').unwrap_or(rest.len());
        let name = &rest[..n];
        rest[n..].trim_start().starts_with('(')
            && !matches!(name, "text" | "node" | "comment" | "processing-instruction")
    }

    fn node_test(&mut self, attribute: bool) -> SqlResult<NodeTest> {
        if self.eat("*")? {
            if self.rest().starts_with(':') {
                self.at += 1;
                let local = self.ncname()?;
                return Ok(NodeTest::Name(NameTest { uri: None, local: Some(local) }));
            }
            return Ok(NodeTest::Name(NameTest { uri: None, local: None }));
        }
        for (kind, test) in
            [("text", NodeTest::Text), ("node", NodeTest::Node), ("comment", NodeTest::Comment)]
        {
            if self.word_then(kind, "(")? {
                self.eat_word(kind)?;
                self.expect("(")?;
                self.expect(")")?;
                return Ok(test);
            }
        }
        if self.word_then("processing-instruction", "(")? {
            self.eat_word("processing-instruction")?;
            self.expect("(")?;
            self.space()?;
            let target = if self.rest().starts_with(')') { None } else { Some(self.string()?) };
            self.expect(")")?;
            return Ok(NodeTest::Instruction(target));
        }
        let first = self.ncname()?;
        if self.rest().starts_with(":*") {
            self.at += 2;
            return Ok(NodeTest::Name(NameTest { uri: Some(self.uri_of(&first)?), local: None }));
        }
        if self.rest().starts_with(':') && self.rest()[1..].starts_with(is_name_start) {
            self.at += 1;
            let uri = self.uri_of(&first)?;
            let local = self.ncname()?;
            return Ok(NodeTest::Name(NameTest { uri: Some(uri), local: Some(local) }));
        }
        // The default element namespace does not hold for attributes.
        let uri = if attribute { String::new() } else { self.uri_of("")? };
        Ok(NodeTest::Name(NameTest { uri: Some(uri), local: Some(first) }))
    }

    fn primary(&mut self) -> SqlResult<Expr> {
        self.space()?;
        match self.peek() {
            Some('$') => Ok(Expr::Variable(self.variable()?)),
            Some('(') => {
                self.at += 1;
                if self.eat(")")? {
                    return Ok(Expr::Sequence(Vec::new()));
                }
                let e = self.expr()?;
                self.expect(")")?;
                Ok(e)
            }
            Some('"' | '\'') => Ok(Expr::String(self.string()?)),
            Some('<') => self.constructor(),
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            _ => self.call(),
        }
    }

    fn number(&mut self) -> SqlResult<Expr> {
        let rest = self.rest();
        let mut n = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let plain = n;
        if rest[n..].starts_with(['e', 'E']) {
            let after = &rest[n + 1..];
            let sign = usize::from(after.starts_with(['+', '-']));
            let digits = after[sign..].find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len() - sign);
            if digits > 0 {
                n += 1 + sign + digits;
            }
        }
        let text = &rest[..n];
        if text == "." {
            self.at += 1;
            return Ok(Expr::Context);
        }
        let value = if n == plain && !text.contains('.') {
            text.parse().map(Expr::Integer).ok()
        } else {
            text.parse().map(Expr::Double).ok()
        };
        match value {
            Some(e) => {
                self.at += n;
                Ok(e)
            }
            None => self.fail(),
        }
    }

    fn call(&mut self) -> SqlResult<Expr> {
        let (prefix, local) = self.qname()?;
        self.expect("(")?;
        if prefix.as_deref() == Some("sql") && (local == "variable" || local == "column") {
            let name = self.string()?;
            self.expect(")")?;
            let reference = (local == "variable", name);
            let at = self.sql.iter().position(|r| *r == reference).unwrap_or_else(|| {
                self.sql.push(reference);
                self.sql.len() - 1
            });
            return Ok(Expr::Sql(at));
        }
        let mut arguments = Vec::new();
        if !self.eat(")")? {
            arguments.push(self.single()?);
            while self.eat(",")? {
                arguments.push(self.single()?);
            }
            self.expect(")")?;
        }
        let unknown = |name: &str| {
            error(
                self.method,
                2395,
                &format!("There is no function '{{http://www.w3.org/2004/07/xpath-functions}}:{name}()'"),
            )
        };
        match prefix.as_deref() {
            Some("xs" | "xdt") if TYPES.contains(&local.as_str()) && arguments.len() == 1 => {
                Ok(Expr::Call { function: format!("xs:{local}"), arguments })
            }
            None | Some("fn") => match FUNCTIONS.iter().find(|f| f.0 == local) {
                Some((_, min, max)) if (*min..=*max).contains(&arguments.len()) => {
                    Ok(Expr::Call { function: local, arguments })
                }
                Some(_) => Err(error(
                    self.method,
                    2209,
                    &format!("Wrong number of arguments of function '{local}()'"),
                )),
                None => Err(unknown(&local)),
            },
            Some(_) => Err(unknown(&local)),
        }
    }

    /// A direct element constructor; `{ … }` are expressions inside it.
    fn constructor(&mut self) -> SqlResult<Expr> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(error(self.method, 2209, "The expression is nested too deeply."));
        }
        self.at += 1;
        if !self.rest().starts_with(is_name_start) {
            return self.fail();
        }
        let (prefix, local) = self.qname()?;
        let name = prefix.map_or(local.clone(), |p| format!("{p}:{local}"));
        let mut attributes = Vec::new();
        loop {
            self.at = self.source.len() - self.rest().trim_start().len();
            if self.rest().starts_with("/>") {
                self.at += 2;
                self.depth -= 1;
                return Ok(Expr::Element(Box::new(Constructor { name, attributes, content: Vec::new() })));
            }
            if self.rest().starts_with('>') {
                self.at += 1;
                break;
            }
            let (prefix, local) = self.qname()?;
            let attribute = prefix.map_or(local.clone(), |p| format!("{p}:{local}"));
            self.expect("=")?;
            self.space()?;
            let Some(quote @ ('"' | '\'')) = self.peek() else { return self.fail() };
            self.at += 1;
            let value = self.content(Some(quote))?;
            attributes.push((attribute, value));
        }
        let content = self.content(None)?;
        let close = format!("</{name}");
        if !self.rest().starts_with(&close) {
            return self.fail();
        }
        self.at += close.len();
        self.expect(">")?;
        self.depth -= 1;
        Ok(Expr::Element(Box::new(Constructor { name, attributes, content })))
    }

    /// Up to the closing quote (taken) or the closing tag (left).
    fn content(&mut self, quote: Option<char>) -> SqlResult<Vec<Content>> {
        let mut out = Vec::new();
        let mut text = String::new();
        // White space between tags and braces is no content.
        let flush = |text: &mut String, out: &mut Vec<Content>| {
            if !text.is_empty() && (quote.is_some() || !text.trim().is_empty()) {
                out.push(Content::Text(std::mem::take(text)));
            }
            text.clear();
        };
        loop {
            let Some(c) = self.peek() else { return self.fail() };
            if Some(c) == quote {
                self.at += 1;
                flush(&mut text, &mut out);
                return Ok(out);
            }
            if quote.is_none() && self.rest().starts_with("</") {
                flush(&mut text, &mut out);
                return Ok(out);
            }
            if quote.is_none() && c == '<' {
                flush(&mut text, &mut out);
                out.push(Content::Expr(self.constructor()?));
                continue;
            }
            self.at += c.len_utf8();
            match c {
                '{' if self.rest().starts_with('{') => {
                    self.at += 1;
                    text.push('{');
                }
                '}' if self.rest().starts_with('}') => {
                    self.at += 1;
                    text.push('}');
                }
                '{' => {
                    flush(&mut text, &mut out);
                    out.push(Content::Expr(self.expr()?));
                    self.expect("}")?;
                }
                '&' => text.push(self.reference()?),
                c => text.push(c),
            }
        }
    }
}
