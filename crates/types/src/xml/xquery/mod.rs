//! XQuery as the xml methods value(), query(), exist() and nodes() take it: paths, predicates, operators, FLWOR,
//! quantifiers, constructors and the function library of the documented subset, on untyped xml.
//!
//! Invariants
//! 1. [`Query::parse`] finds every error that needs no data; both the binder and the executor call it.
//! 2. Nesting of expressions is bounded by [`NESTING_MAX`], values that loops build by [`ITEMS_MAX`].
//! 3. Names are compared as namespace and local name; an unprefixed element test means the default element namespace.
//!
//! Evidence: the XQuery reference of the product's documentation; error numbers as its examples show them.

mod eval;
mod parse;
mod update;

use crate::{SqlError, SqlResult};

pub use eval::{Atom, Item, Sequence, serialize};
pub use update::Update;

/// Deepest nesting of an expression.
pub const NESTING_MAX: usize = 100;

/// Most items a sequence may hold.
pub const ITEMS_MAX: usize = 10_000_000;

/// A name as a test or a constructor needs it; `None` stands for `*`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NameTest {
    pub uri: Option<String>,
    pub local: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NodeTest {
    Name(NameTest),
    Node,
    Text,
    Comment,
    Instruction(Option<String>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Axis {
    Child,
    Descendant,
    DescendantOrSelf,
    Attribute,
    SelfNode,
    Parent,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Axis {
        axis: Axis,
        test: NodeTest,
        predicates: Vec<Expr>,
    },
    /// A primary expression with predicates as a step.
    Filter {
        expr: Expr,
        predicates: Vec<Expr>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Clause {
    For {
        variable: String,
        source: Expr,
    },
    Let {
        variable: String,
        value: Expr,
    },
    Where(Expr),
    /// Keys with "descending".
    OrderBy(Vec<(Expr, bool)>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Text(String),
    Expr(Expr),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Constructor {
    pub name: String,
    pub attributes: Vec<(String, Vec<Content>)>,
    pub content: Vec<Content>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    String(String),
    Integer(i64),
    Double(f64),
    Variable(String),
    /// sql:variable or sql:column: position among the values the caller gives.
    Sql(usize),
    Context,
    Sequence(Vec<Expr>),
    Or(Vec<Expr>),
    And(Vec<Expr>),
    /// General comparison (`=`): some pair of items compares so.
    General(Compare, Box<Expr>, Box<Expr>),
    /// Value comparison (`eq`).
    Value(Compare, Box<Expr>, Box<Expr>),
    /// `is`, `<<`, `>>` as Eq, Lt, Gt.
    Order(Compare, Box<Expr>, Box<Expr>),
    Math(Arithmetic, Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
    Union(Box<Expr>, Box<Expr>),
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    Quantified {
        every: bool,
        bindings: Vec<(String, Expr)>,
        satisfies: Box<Expr>,
    },
    Flwor {
        clauses: Vec<Clause>,
        result: Box<Expr>,
    },
    Call {
        function: String,
        arguments: Vec<Expr>,
    },
    /// `root`: the path begins at the document node.
    Path {
        root: bool,
        steps: Vec<Step>,
    },
    Element(Box<Constructor>),
    InstanceOf(Box<Expr>, String),
}

/// A parsed query of one xml method.
#[derive(Clone, Debug)]
pub struct Query {
    body: Expr,
    method: String,
    /// What sql:variable and sql:column name, in order of [`Expr::Sql`]: (is a variable, name).
    sql: Vec<(bool, String)>,
}

impl Query {
    /// Parses a query for `method` (`value`, `query`, `exist`, `nodes`); `namespaces` come from WITH XMLNAMESPACES,
    /// an empty prefix is the default element namespace.
    pub fn parse(source: &str, method: &str, namespaces: &[(String, String)]) -> SqlResult<Query> {
        let (body, sql) = parse::Parser::new(source, method, namespaces).query()?;
        Ok(Query { body, method: method.to_owned(), sql })
    }

    /// sql:variable and sql:column references in the order in which their values are to be given.
    pub fn sql_references(&self) -> &[(bool, String)] {
        &self.sql
    }

    /// At most one item, whatever the data; value() demands it.
    pub fn is_singleton(&self) -> bool {
        singleton(&self.body)
    }

    /// The error for a value() that is not a singleton.
    pub fn singleton_error(&self) -> SqlError {
        let what =
            "'value()' requires a singleton (or empty sequence), found operand of type 'xdt:untypedAtomic *'";
        error(&self.method, 2389, what)
    }
}

pub(crate) fn error(method: &str, number: i32, text: &str) -> SqlError {
    SqlError::with_text(number, 16, format!("XQuery [{method}()]: {text}"))
}

/// One node by position, which makes any step a singleton.
fn positional(predicates: &[Expr]) -> bool {
    predicates.iter().any(|p| match p {
        Expr::Integer(_) => true,
        Expr::Call { function, .. } => function == "last",
        _ => false,
    })
}

fn singleton(e: &Expr) -> bool {
    match e {
        Expr::Sequence(list) => list.len() <= 1 && list.iter().all(singleton),
        Expr::Union(..) | Expr::Flwor { .. } | Expr::Variable(_) => false,
        Expr::If(_, a, b) => singleton(a) && singleton(b),
        Expr::Call { function, arguments } => match function.as_str() {
            "data" => arguments.first().is_none_or(singleton),
            "distinct-values" => false,
            _ => true,
        },
        Expr::Path { steps, .. } => steps.iter().all(|s| match s {
            Step::Axis { axis, predicates, test } => {
                let one = match axis {
                    Axis::SelfNode | Axis::Parent => true,
                    Axis::Attribute => {
                        matches!(test, NodeTest::Name(NameTest { local: Some(_), uri: Some(_) }))
                    }
                    _ => false,
                };
                one || positional(predicates)
            }
            Step::Filter { expr, predicates } => singleton(expr) || positional(predicates),
        }),
        _ => true,
    }
}
