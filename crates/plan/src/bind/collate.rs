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
    /// Two different implicit ones met in this operator; without a name where the result is never looked at.
    None(CollationId, CollationId, &'static str),
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

/// Where collations meet.
#[derive(Clone, Copy)]
pub(crate) enum Meeting<'a> {
    /// In an operation that has to decide: a conflict is an error at once.
    Decides(&'a str),
    /// In an operator whose result has no collation then.
    Makes(&'static str),
}

impl Coerce {
    /// 451 for a column of a result that has no collation.
    pub fn resolved(self, statement: &str, ordinal: usize) -> SqlResult<()> {
        match self {
            Coerce::None(x, y, operator) if !operator.is_empty() => {
                let (x, y) = (collation_name(x), collation_name(y));
                Err(SqlError::new(451, &[&y, &x, &operator, &statement, &ordinal]))
            }
            _ => Ok(()),
        }
    }
}

/// Collation and label of a result made from both.
pub(crate) fn merge(
    a: (CollationId, Coerce),
    b: (CollationId, Coerce),
    meeting: Meeting<'_>,
) -> SqlResult<(CollationId, Coerce)> {
    if a.0.is_none() {
        return Ok(b);
    }
    if b.0.is_none() {
        return Ok(a);
    }
    let operation = match meeting {
        Meeting::Decides(words) | Meeting::Makes(words) => words,
    };
    let conflict = |x: CollationId, y: CollationId| {
        let operation = if operation.is_empty() { "add" } else { operation };
        SqlError::new(468, &[&collation_name(y), &collation_name(x), &operation])
    };
    match (a.1, b.1) {
        (Coerce::Explicit, Coerce::Explicit) if a.0 != b.0 => Err(conflict(a.0, b.0)),
        (Coerce::Explicit, _) => Ok(a),
        (_, Coerce::Explicit) => Ok(b),
        (Coerce::None(x, y, by), _) | (_, Coerce::None(x, y, by)) => match meeting {
            Meeting::Decides(_) => Err(conflict(x, y)),
            Meeting::Makes(_) => Ok((a.0, Coerce::None(x, y, by))),
        },
        (Coerce::Implicit, Coerce::Implicit) if a.0 != b.0 => match meeting {
            Meeting::Decides(_) => Err(conflict(a.0, b.0)),
            Meeting::Makes(by) => Ok((a.0, Coerce::None(a.0, b.0, by))),
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
