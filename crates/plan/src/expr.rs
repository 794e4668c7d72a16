//! Bound expressions: every node has its type and nullability, every conversion is written out.
//!
//! Invariants
//! 1. Operands of arithmetic, bit and comparison nodes already have the type the operation works in ([`ExprKind::Convert`]
//!    nodes were put in where the sources differ). For decimal arithmetic the operands keep their own precision and scale
//!    and `ty` of the node is the result's; for string concatenation both sides are of one character family.
//! 2. Both sides of a comparison, LIKE or IN have the same collation in `ty.collation`; that is the one to compare by.
//! 3. `Column(n)` is a position in the operator's input row in a physical plan. (Inside the planner it is a column id.)
//! 4. Boolean nodes (`Compare`, `And`, `Or`, `Not`, `IsNull`, `Like`, `InList`, `Exists`, `Quantified`, `BoolLiteral`) have type bit and may
//!    yield unknown (NULL); they appear only as predicates, in CASE conditions and under other boolean nodes.
//! 5. Depth is limited by the parser's nesting limit, long AND/OR/concatenation chains by [`MAX_DEPTH`].

use std::sync::Arc;

use holdfast_engine::catalog::{ModuleDef, TableDef};
use holdfast_types::{SqlType, TypeId, Value};

use crate::function::{FunctionId, MethodId};
use crate::logical::LogicalPlan;
use crate::physical::PhysicalPlan;

/// Deepest expression the binder makes; deeper ones answer 191.
pub const MAX_DEPTH: usize = 400;

/// A slot of the statement's parameter frame: local variables, values handed from an outer row to an inner plan, hidden constants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ParamId(pub u32);

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub ty: SqlType,
    pub nullable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnaryOp {
    Negate,
    /// `~`
    BitNot,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    BitAnd,
    BitOr,
    BitXor,
    /// String or binary `+`; NULL if either side is NULL.
    Concat,
    /// `<<` and `>>` of 2022.
    ShiftLeft,
    ShiftRight,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CompareOp {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// IS NOT DISTINCT FROM: NULL equals NULL, never unknown.
    NotDistinct,
    /// IS DISTINCT FROM.
    Distinct,
}

impl CompareOp {
    /// `a op b` ⇔ `b op.swap() a`.
    pub fn swap(self) -> Self {
        match self {
            CompareOp::Less => CompareOp::Greater,
            CompareOp::LessOrEqual => CompareOp::GreaterOrEqual,
            CompareOp::Greater => CompareOp::Less,
            CompareOp::GreaterOrEqual => CompareOp::LessOrEqual,
            other => other,
        }
    }

    /// `NOT (a op b)` ⇔ `a op.negate() b` (also in three-valued logic).
    pub fn negate(self) -> Self {
        match self {
            CompareOp::Equal => CompareOp::NotEqual,
            CompareOp::NotEqual => CompareOp::Equal,
            CompareOp::Less => CompareOp::GreaterOrEqual,
            CompareOp::LessOrEqual => CompareOp::Greater,
            CompareOp::Greater => CompareOp::LessOrEqual,
            CompareOp::GreaterOrEqual => CompareOp::Less,
            CompareOp::NotDistinct => CompareOp::Distinct,
            CompareOp::Distinct => CompareOp::NotDistinct,
        }
    }

    pub fn symbol(self) -> &'static str {
        match self {
            CompareOp::Equal => "=",
            CompareOp::NotEqual => "<>",
            CompareOp::Less => "<",
            CompareOp::LessOrEqual => "<=",
            CompareOp::Greater => ">",
            CompareOp::GreaterOrEqual => ">=",
            CompareOp::NotDistinct => "IS NOT DISTINCT FROM",
            CompareOp::Distinct => "IS DISTINCT FROM",
        }
    }
}

/// How a conversion came about and what a failure does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ConvertMode {
    /// Put in by the binder. Fails with the same errors, but truncates strings as assignment and comparison do.
    Implicit,
    /// CAST or CONVERT.
    Explicit,
    /// TRY_CAST or TRY_CONVERT: NULL when it fails.
    Try,
    /// A bound of a seek in an index whose key has a narrower type than what it is compared with.
    Edge(Edge),
}

/// Which value of a key's type a seek begins or ends with, seen from a value of the type that the key is converted to for the
/// comparison. NULL where there is none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Edge {
    /// The one that is equal.
    Exact,
    /// The smallest that is equal or greater.
    AtLeast,
    /// The smallest that is greater.
    Above,
    /// The greatest that is equal or less.
    AtMost,
    /// The greatest that is less.
    Below,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Literal(Value),
    /// TRUE (`Some(true)`), FALSE or unknown, left by folding.
    BoolLiteral(Option<bool>),
    Column(usize),
    Parameter(ParamId),
    Unary {
        op: UnaryOp,
        operand: Box<Expr>,
    },
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Compare {
        op: CompareOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    IsNull {
        operand: Box<Expr>,
        negated: bool,
    },
    Like {
        operand: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<Box<Expr>>,
        negated: bool,
    },
    /// All of the operand's type and collation.
    InList {
        operand: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    /// Searched CASE (a simple CASE is turned into it); conditions are boolean, results of the node's type.
    Case {
        whens: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    /// First non-NULL; each operand evaluated at most once.
    Coalesce(Vec<Expr>),
    /// To the node's `ty`. A COLLATE clause is a conversion that changes only the collation (code page for varchar).
    Convert {
        operand: Box<Expr>,
        style: Option<Box<Expr>>,
        mode: ConvertMode,
    },
    /// A built-in function; the arguments were converted as its definition asks.
    Function {
        function: FunctionId,
        args: Vec<Expr>,
    },
    /// A user-defined scalar function, run by the procedure interpreter. Missing arguments are DEFAULT (`None`).
    UserFunction {
        module: Arc<ModuleDef>,
        args: Vec<Option<Expr>>,
    },
    /// A table variable as the argument of a user-defined function.
    Table(Arc<TableDef>),
    /// Method of an xml or CLR value (`x.value(…)`, `h.GetLevel()`); static methods have a NULL literal operand.
    Method {
        method: MethodId,
        operand: Box<Expr>,
        args: Vec<Expr>,
    },
    /// A subquery that was not turned into a join. Evaluated when reached: set the bindings from the current row, open the plan.
    Subquery(Box<Subquery>),
}

#[derive(Clone, Debug)]
pub struct Subquery {
    pub kind: SubqueryKind,
    pub plan: SubPlan,
    /// Slots to set (from the row at hand) before opening the plan. With none, the result is the same for every row of one
    /// execution and may be kept, unless `volatile`.
    pub bindings: Vec<Binding>,
    pub volatile: bool,
    /// The result depends on nothing but the bindings within one frame: no function that differs from call to call, no read that
    /// locks other than ordinary ones. Decided when the plan is built.
    pub steady: bool,
}

#[derive(Clone, Debug)]
pub enum SubqueryKind {
    /// The single column of the single row; NULL without a row, error 512 with more than one.
    Scalar,
    /// Boolean: at least one row.
    Exists,
    /// Boolean: `left op ANY/ALL (plan)`; IN is `= ANY`, NOT IN is NOT of it. `left` has the type of the plan's column.
    Quantified { left: Box<Expr>, op: CompareOp, all: bool },
}

/// The plan of a subquery at its stage: the planner works on the first, operators see only the second.
#[derive(Clone, Debug)]
pub enum SubPlan {
    Logical(Box<LogicalPlan>),
    Physical(Box<PhysicalPlan>),
}

/// `slot := value`, evaluated over the outer row.
#[derive(Clone, Debug)]
pub struct Binding {
    pub slot: ParamId,
    pub value: Expr,
}

impl Expr {
    pub fn new(kind: ExprKind, ty: SqlType, nullable: bool) -> Self {
        Expr { kind, ty, nullable }
    }

    pub fn literal(value: Value, ty: SqlType) -> Self {
        let nullable = value.is_null();
        Expr { kind: ExprKind::Literal(value), ty, nullable }
    }

    /// Whether the value depends on nothing but parameters and the session's settings: no functions, subqueries or methods.
    pub fn is_plain(&self) -> bool {
        let all = |list: &[Expr]| list.iter().all(Expr::is_plain);
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::BoolLiteral(_) | ExprKind::Parameter(_) => true,
            ExprKind::Unary { operand, .. } | ExprKind::IsNull { operand, .. } => operand.is_plain(),
            ExprKind::Binary { left, right, .. } | ExprKind::Compare { left, right, .. } => {
                left.is_plain() && right.is_plain()
            }
            ExprKind::And(list) | ExprKind::Or(list) | ExprKind::Coalesce(list) => all(list),
            ExprKind::Not(operand) => operand.is_plain(),
            ExprKind::InList { operand, list, .. } => operand.is_plain() && all(list),
            ExprKind::Case { whens, otherwise } => {
                whens.iter().all(|(when, then)| when.is_plain() && then.is_plain())
                    && otherwise.as_ref().is_none_or(|e| e.is_plain())
            }
            ExprKind::Convert { operand, style, .. } => {
                !matches!(
                    self.ty.id,
                    TypeId::Xml | TypeId::Clr | TypeId::HierarchyId | TypeId::Geometry | TypeId::Geography
                ) && operand.is_plain()
                    && style.as_ref().is_none_or(|e| e.is_plain())
            }
            ExprKind::Column(_)
            | ExprKind::Like { .. }
            | ExprKind::Function { .. }
            | ExprKind::UserFunction { .. }
            | ExprKind::Table(_)
            | ExprKind::Method { .. }
            | ExprKind::Subquery(_) => false,
        }
    }

    pub fn int(v: i32) -> Self {
        Expr::literal(Value::Int(v), SqlType::INT)
    }

    pub fn null() -> Self {
        Expr::literal(Value::Null, SqlType::NULL)
    }

    pub fn column(ordinal: usize, ty: SqlType, nullable: bool) -> Self {
        Expr { kind: ExprKind::Column(ordinal), ty, nullable }
    }

    pub fn boolean(kind: ExprKind, nullable: bool) -> Self {
        Expr { kind, ty: SqlType::BIT, nullable }
    }

    pub fn compare(op: CompareOp, left: Expr, right: Expr) -> Self {
        let distinct = matches!(op, CompareOp::Distinct | CompareOp::NotDistinct);
        let nullable = !distinct && (left.nullable || right.nullable);
        Expr::boolean(ExprKind::Compare { op, left: Box::new(left), right: Box::new(right) }, nullable)
    }

    /// Conjunction, flattened; one term stays itself, none is TRUE.
    pub fn and(terms: Vec<Expr>) -> Self {
        let mut flat = Vec::with_capacity(terms.len());
        for t in terms {
            match t.kind {
                ExprKind::And(inner) => flat.extend(inner),
                ExprKind::BoolLiteral(Some(true)) => {}
                _ => flat.push(t),
            }
        }
        match flat.len() {
            0 => Expr::boolean(ExprKind::BoolLiteral(Some(true)), false),
            1 => flat.remove(0),
            _ => {
                let nullable = flat.iter().any(|e| e.nullable);
                Expr::boolean(ExprKind::And(flat), nullable)
            }
        }
    }

    pub fn is_literal(&self) -> bool {
        matches!(self.kind, ExprKind::Literal(_))
    }

    /// Whether this is one of the boolean nodes of invariant 4.
    pub fn is_boolean(&self) -> bool {
        match &self.kind {
            ExprKind::BoolLiteral(_)
            | ExprKind::Compare { .. }
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::IsNull { .. }
            | ExprKind::Like { .. }
            | ExprKind::InList { .. } => true,
            ExprKind::Subquery(s) => !matches!(s.kind, SubqueryKind::Scalar),
            _ => false,
        }
    }

    /// Calls `f` on every direct child expression (not into the plans of subqueries).
    pub fn for_each_child<'a>(&'a self, f: &mut dyn FnMut(&'a Expr)) {
        match &self.kind {
            ExprKind::Literal(_)
            | ExprKind::BoolLiteral(_)
            | ExprKind::Column(_)
            | ExprKind::Table(_)
            | ExprKind::Parameter(_) => {}
            ExprKind::Unary { operand, .. } | ExprKind::Not(operand) | ExprKind::IsNull { operand, .. } => {
                f(operand)
            }
            ExprKind::Binary { left, right, .. } | ExprKind::Compare { left, right, .. } => {
                f(left);
                f(right);
            }
            ExprKind::And(v) | ExprKind::Or(v) | ExprKind::Coalesce(v) => v.iter().for_each(f),
            ExprKind::Like { operand, pattern, escape, .. } => {
                f(operand);
                f(pattern);
                if let Some(e) = escape {
                    f(e);
                }
            }
            ExprKind::InList { operand, list, .. } => {
                f(operand);
                list.iter().for_each(f);
            }
            ExprKind::Case { whens, otherwise } => {
                for (c, r) in whens {
                    f(c);
                    f(r);
                }
                if let Some(e) = otherwise {
                    f(e);
                }
            }
            ExprKind::Convert { operand, style, .. } => {
                f(operand);
                if let Some(s) = style {
                    f(s);
                }
            }
            ExprKind::Function { args, .. } => args.iter().for_each(f),
            ExprKind::UserFunction { args, .. } => args.iter().flatten().for_each(f),
            ExprKind::Method { operand, args, .. } => {
                f(operand);
                args.iter().for_each(f);
            }
            ExprKind::Subquery(s) => {
                for b in &s.bindings {
                    f(&b.value);
                }
                if let SubqueryKind::Quantified { left, .. } = &s.kind {
                    f(left);
                }
            }
        }
    }

    /// As [`Expr::for_each_child`], mutably.
    pub fn for_each_child_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match &mut self.kind {
            ExprKind::Literal(_)
            | ExprKind::BoolLiteral(_)
            | ExprKind::Column(_)
            | ExprKind::Table(_)
            | ExprKind::Parameter(_) => {}
            ExprKind::Unary { operand, .. } | ExprKind::Not(operand) | ExprKind::IsNull { operand, .. } => {
                f(operand)
            }
            ExprKind::Binary { left, right, .. } | ExprKind::Compare { left, right, .. } => {
                f(left);
                f(right);
            }
            ExprKind::And(v) | ExprKind::Or(v) | ExprKind::Coalesce(v) => v.iter_mut().for_each(f),
            ExprKind::Like { operand, pattern, escape, .. } => {
                f(operand);
                f(pattern);
                if let Some(e) = escape {
                    f(e);
                }
            }
            ExprKind::InList { operand, list, .. } => {
                f(operand);
                list.iter_mut().for_each(f);
            }
            ExprKind::Case { whens, otherwise } => {
                for (c, r) in whens {
                    f(c);
                    f(r);
                }
                if let Some(e) = otherwise {
                    f(e);
                }
            }
            ExprKind::Convert { operand, style, .. } => {
                f(operand);
                if let Some(s) = style {
                    f(s);
                }
            }
            ExprKind::Function { args, .. } => args.iter_mut().for_each(f),
            ExprKind::UserFunction { args, .. } => args.iter_mut().flatten().for_each(f),
            ExprKind::Method { operand, args, .. } => {
                f(operand);
                args.iter_mut().for_each(f);
            }
            ExprKind::Subquery(s) => {
                for b in &mut s.bindings {
                    f(&mut b.value);
                }
                if let SubqueryKind::Quantified { left, .. } = &mut s.kind {
                    f(left);
                }
            }
        }
    }

    /// Whether `f` holds for this node or any below it (not inside the plans of subqueries).
    pub fn any(&self, f: &dyn Fn(&Expr) -> bool) -> bool {
        if f(self) {
            return true;
        }
        let mut found = false;
        self.for_each_child(&mut |c| found = found || c.any(f));
        found
    }

    /// Rewrites bottom-up.
    pub fn rewrite(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.for_each_child_mut(&mut |c| c.rewrite(f));
        f(self);
    }

    /// Column ids (or ordinals) used here, bindings of subqueries included.
    pub fn columns(&self, out: &mut Vec<usize>) {
        if let ExprKind::Column(c) = self.kind {
            out.push(c);
        }
        self.for_each_child(&mut |c| c.columns(out));
    }
}
