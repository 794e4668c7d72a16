//! Collation precedence: where an expression's collation comes from, and what happens when two meet.
//!
//! Evidence: T-SQL reference, "Collation precedence".

use holdfast_types::{CollationId, SqlError, SqlResult};

use crate::expr::{ConvertMode, Expr, ExprKind};

/// Coercibility label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Coerce {
    /// Literals, variables, parameters, results without a better claim.
    Default,
    /// Columns.
    Implicit,
    /// COLLATE.
    Explicit,
    /// Two different implicit ones met.
    None(CollationId, CollationId),
}

/// A bound expression with its label.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub e: Expr,
    pub coerce: Coerce,
    /// JSON/XML text that FOR JSON embeds as it is.
    pub raw: bool,
}

impl Typed {
    pub fn new(e: Expr) -> Self {
        Typed { e, coerce: Coerce::Default, raw: false }
    }

    pub fn with(e: Expr, coerce: Coerce) -> Self {
        Typed { e, coerce, raw: false }
    }
}

/// Name of a collation for messages.
fn collation_name(c: CollationId) -> String {
    super::name::collation_name(c)
}

/// Collation and label of a result made from both. `operation` is set where a conflict is an error at once (comparisons).
pub(crate) fn merge(
    a: (CollationId, Coerce),
    b: (CollationId, Coerce),
    operation: Option<&str>,
) -> SqlResult<(CollationId, Coerce)> {
    if a.0.is_none() {
        return Ok(b);
    }
    if b.0.is_none() {
        return Ok(a);
    }
    let conflict = |x: CollationId, y: CollationId| {
        SqlError::new(468, &[&collation_name(y), &collation_name(x), &operation.unwrap_or("add").to_owned()])
    };
    match (a.1, b.1) {
        (Coerce::Explicit, Coerce::Explicit) if a.0 != b.0 => Err(conflict(a.0, b.0)),
        (Coerce::Explicit, _) => Ok(a),
        (_, Coerce::Explicit) => Ok(b),
        (Coerce::None(x, y), _) | (_, Coerce::None(x, y)) => match operation {
            Some(_) => Err(conflict(x, y)),
            None => Ok((a.0, Coerce::None(x, y))),
        },
        (Coerce::Implicit, Coerce::Implicit) if a.0 != b.0 => match operation {
            Some(_) => Err(conflict(a.0, b.0)),
            None => Ok((a.0, Coerce::None(a.0, b.0))),
        },
        (Coerce::Implicit, _) => Ok(a),
        (_, Coerce::Implicit) => Ok(b),
        (Coerce::Default, Coerce::Default) => Ok(a),
    }
}

/// Gives a character expression another collation.
pub(crate) fn relabel(mut e: Expr, collation: CollationId) -> Expr {
    if !e.ty.id.is_character() || e.ty.collation == collation || collation.is_none() {
        return e;
    }
    let mut ty = e.ty;
    ty.collation = collation;
    if e.ty.id.is_unicode() || matches!(e.kind, ExprKind::Literal(_) | ExprKind::Parameter(_)) {
        e.ty = ty;
        return e;
    }
    let nullable = e.nullable;
    Expr::new(
        ExprKind::Convert { operand: Box::new(e), style: None, mode: ConvertMode::Implicit },
        ty,
        nullable,
    )
}
