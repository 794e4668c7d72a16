//! Expressions, scalar and boolean in one tree. The parser guarantees that a boolean node ([`Expr::is_boolean`]) stands
//! only where a condition is allowed, and a scalar node only where a value is.
//!
//! Invariants
//! 1. Chains of AND and of OR are flat (`And(vec)`, `Or(vec)` hold two or more operands), so that depth is bounded by
//!    nesting, not by length. Other left-associative chains are left-deep and bounded by the parser's depth limit.

use crate::Span;
use crate::ast::name::{Ident, ObjectName};
use crate::ast::query::{OrderItem, Query};
use crate::ast::types::DataType;

#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Literal(Literal),
    /// `@x`, with the @, as written.
    Variable(String),
    /// `@@rowcount`, with both @, as written.
    GlobalVariable(String),
    /// `a`, `t.a`, `dbo.t.a`, `db.dbo.t.a`, also `$action` etc. as [`ExprKind::PseudoColumn`].
    Column(Vec<Ident>),
    /// `[t.]$identity`, `$rowguid`, `$action`, `$node_id`, `$edge_id`, `$from_id`, `$to_id`, `$cuid`.
    PseudoColumn {
        qualifier: Vec<Ident>,
        name: PseudoColumn,
    },
    /// `[db.]$partition.function(x)`.
    PartitionFunction {
        database: Option<Ident>,
        function: Ident,
        argument: Box<Expr>,
    },
    /// The keyword DEFAULT where a value may be it (VALUES, SET c = DEFAULT, EXEC arguments, function arguments).
    Default,
    Unary {
        op: UnaryOp,
        operand: Box<Expr>,
    },
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// Parentheses as written; they carry no meaning of their own.
    Paren(Box<Expr>),
    /// `CASE x WHEN v THEN r … ELSE e END`.
    SimpleCase {
        input: Box<Expr>,
        whens: Vec<When>,
        otherwise: Option<Box<Expr>>,
    },
    /// `CASE WHEN condition THEN r … ELSE e END`.
    SearchedCase {
        whens: Vec<When>,
        otherwise: Option<Box<Expr>>,
    },
    /// CAST, TRY_CAST.
    Cast {
        value: Box<Expr>,
        data_type: DataType,
        is_try: bool,
    },
    /// CONVERT, TRY_CONVERT.
    Convert {
        data_type: DataType,
        value: Box<Expr>,
        style: Option<Box<Expr>>,
        is_try: bool,
    },
    /// PARSE, TRY_PARSE.
    Parse {
        value: Box<Expr>,
        data_type: DataType,
        culture: Option<Box<Expr>>,
        is_try: bool,
    },
    Coalesce(Vec<Expr>),
    NullIf(Box<Expr>, Box<Expr>),
    /// `IIF(condition, a, b)`.
    Iif {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    /// All other functions, built in or user-defined, aggregates and window functions.
    Function(Box<FunctionCall>),
    /// Parameterless functions without parentheses.
    Niladic(NiladicFunction),
    /// `target.method(arguments)` where the target cannot be a mere name: `@x.value('…', 'int')`, `(expr).query(…)`,
    /// `c.nodes('…').value(…)`. `a.b.method(…)` whose receiver is a name is a `Function` with a multi-part name: only the
    /// binder can tell a method of column `a.b` from function `b.method` of database `a`.
    Method {
        target: Box<Expr>,
        method: Ident,
        arguments: Vec<Expr>,
    },
    /// `target.Property` of a CLR value behind something that is not a name: `@g.Lat`, `@g.STStartPoint().Long`.
    Property {
        target: Box<Expr>,
        property: Ident,
    },
    /// `hierarchyid::GetRoot()`, `geography::Null` (no parentheses: `arguments` is `None`).
    StaticMember {
        data_type: ObjectName,
        member: Ident,
        arguments: Option<Vec<Expr>>,
    },
    AtTimeZone {
        value: Box<Expr>,
        zone: Box<Expr>,
    },
    Collate {
        value: Box<Expr>,
        collation: Ident,
    },
    /// A scalar subquery.
    Subquery(Box<Query>),
    /// `NEXT VALUE FOR s [OVER (ORDER BY …)]`.
    NextValueFor {
        sequence: ObjectName,
        over: Option<Box<OverClause>>,
    },
    /// `{fn name(args)}`: the inner function; kept to report positions well.
    OdbcFunction(Box<Expr>),
    /// `CURRENT OF cursor` in a WHERE clause (boolean).
    CurrentOf {
        cursor: Ident,
        global: bool,
    },

    // Boolean nodes.
    Comparison {
        op: ComparisonOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    IsNull {
        value: Box<Expr>,
        negated: bool,
    },
    /// `a IS [NOT] DISTINCT FROM b`.
    IsDistinctFrom {
        left: Box<Expr>,
        right: Box<Expr>,
        negated: bool,
    },
    Between {
        value: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
    },
    InList {
        value: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    InSubquery {
        value: Box<Expr>,
        query: Box<Query>,
        negated: bool,
    },
    Like {
        value: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<Box<Expr>>,
        negated: bool,
    },
    Exists(Box<Query>),
    /// `x > ALL (SELECT …)`, `= ANY`, `= SOME`.
    Quantified {
        op: ComparisonOp,
        left: Box<Expr>,
        quantifier: Quantifier,
        query: Box<Query>,
    },
    /// `CONTAINS(…)`, `FREETEXT(…)`.
    FullText {
        freetext: bool,
        columns: FullTextColumns,
        condition: Box<Expr>,
        language: Option<Box<Expr>>,
    },
    /// `UPDATE(column)` in a trigger.
    UpdatedColumn(Ident),
    /// `MATCH(a-(e)->b)` of graph tables, as text.
    GraphMatch(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Null,
    /// Digits only; int when it fits, else numeric.
    Integer(String),
    /// Digits with a point: numeric of just that precision and scale.
    Decimal(String),
    /// With an exponent: float.
    Float(String),
    /// After the currency sign; thousands separators removed, sign included.
    Money(String),
    /// `0x…`; an odd number of digits has had a zero put in front.
    Binary(Vec<u8>),
    /// `'…'` or, with `national`, `N'…'`.
    String {
        value: String,
        national: bool,
    },
    /// `{d '…'}`, `{t '…'}`, `{ts '…'}`.
    OdbcDateTime(String),
    /// `{guid '…'}`.
    OdbcGuid(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PseudoColumn {
    Action,
    Identity,
    RowGuid,
    NodeId,
    EdgeId,
    FromId,
    ToId,
    Cuid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    Plus,
    Minus,
    /// `~`
    BitNot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    /// `||`
    Concat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparisonOp {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `*=` of compatibility level 80: never produced, listed so that the error can name it.
    OuterLeft,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    All,
    /// ANY and SOME.
    Any,
}

#[derive(Clone, Debug, PartialEq)]
pub struct When {
    pub when: Expr,
    pub then: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NiladicFunction {
    CurrentTimestamp,
    CurrentDate,
    CurrentUser,
    SessionUser,
    SystemUser,
    User,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FullTextColumns {
    All,
    List(Vec<Vec<Ident>>),
    Property { column: Vec<Ident>, property: Box<Expr> },
}

/// A function call. `DATEADD(day, …)`: the date part is an ordinary one-part column reference.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionCall {
    pub name: ObjectName,
    pub arguments: Vec<Expr>,
    /// `COUNT(*)`.
    pub star: bool,
    /// `COUNT(DISTINCT x)`, `SUM(ALL x)`.
    pub quantifier: Option<SetQuantifier>,
    /// `TRIM(LEADING ' ' FROM x)`: arguments are `[characters, x]` or `[x]`.
    pub trim: Option<TrimSide>,
    /// `WITHIN GROUP (ORDER BY …)`.
    pub within_group: Vec<OrderItem>,
    pub nulls: Option<NullTreatment>,
    pub over: Option<OverClause>,
    /// JSON_OBJECT/JSON_ARRAY: `NULL ON NULL` (true), `ABSENT ON NULL` (false).
    pub null_on_null: Option<bool>,
    /// JSON_OBJECT('a': 1): `arguments` alternate key, value.
    pub key_value: bool,
}

impl FunctionCall {
    /// `name(arguments)` without anything else.
    pub fn plain(name: ObjectName, arguments: Vec<Expr>) -> Self {
        FunctionCall {
            name,
            arguments,
            star: false,
            quantifier: None,
            trim: None,
            within_group: Vec::new(),
            nulls: None,
            over: None,
            null_on_null: None,
            key_value: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetQuantifier {
    All,
    Distinct,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimSide {
    Both,
    Leading,
    Trailing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullTreatment {
    Ignore,
    Respect,
}

/// `OVER (…)` or `OVER name`; also the body of a WINDOW clause entry.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct OverClause {
    /// `OVER w` or `OVER (w …)`.
    pub window: Option<Ident>,
    pub partition_by: Vec<Expr>,
    pub order_by: Vec<OrderItem>,
    pub frame: Option<Frame>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// RANGE instead of ROWS.
    pub range: bool,
    pub start: FrameBound,
    /// `None` = CURRENT ROW (short form).
    pub end: Option<FrameBound>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(Box<Expr>),
    CurrentRow,
    Following(Box<Expr>),
    UnboundedFollowing,
}

impl Expr {
    pub fn new(kind: ExprKind, span: Span) -> Self {
        Expr { kind, span }
    }

    /// The expression without its outer parentheses.
    pub fn unparen(&self) -> &Expr {
        let mut e = self;
        while let ExprKind::Paren(inner) = &e.kind {
            e = inner;
        }
        e
    }

    /// True for conditions, false for values.
    pub fn is_boolean(&self) -> bool {
        matches!(
            self.unparen().kind,
            ExprKind::Comparison { .. }
                | ExprKind::And(_)
                | ExprKind::Or(_)
                | ExprKind::Not(_)
                | ExprKind::IsNull { .. }
                | ExprKind::IsDistinctFrom { .. }
                | ExprKind::Between { .. }
                | ExprKind::InList { .. }
                | ExprKind::InSubquery { .. }
                | ExprKind::Like { .. }
                | ExprKind::Exists(_)
                | ExprKind::Quantified { .. }
                | ExprKind::FullText { .. }
                | ExprKind::UpdatedColumn(_)
                | ExprKind::GraphMatch(_)
                | ExprKind::CurrentOf { .. }
        )
    }

    /// A bare integer literal that fits, with an optional sign.
    pub fn as_integer(&self) -> Option<i64> {
        match &self.unparen().kind {
            ExprKind::Literal(Literal::Integer(d)) => d.parse().ok(),
            ExprKind::Unary { op: UnaryOp::Minus, operand } => match &operand.unparen().kind {
                // The lowest number has no positive counterpart.
                ExprKind::Literal(Literal::Integer(d)) => format!("-{d}").parse().ok(),
                _ => operand.as_integer().and_then(i64::checked_neg),
            },
            ExprKind::Unary { op: UnaryOp::Plus, operand } => operand.as_integer(),
            _ => None,
        }
    }
}
