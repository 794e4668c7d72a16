//! Which conversions exist, and which of them happen without being asked for.
//!
//! Evidence: T-SQL reference, the conversion chart of "CAST and CONVERT".

use super::{Mode, message_name};
use crate::{SqlError, SqlResult, SqlType, TypeId};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConversionKind {
    Implicit,
    Explicit,
    NotAllowed,
}

use ConversionKind::{Explicit, Implicit, NotAllowed};

fn is_string(id: TypeId) -> bool {
    matches!(id, TypeId::Char | TypeId::VarChar | TypeId::NChar | TypeId::NVarChar)
}

fn is_udt(id: TypeId) -> bool {
    matches!(id, TypeId::HierarchyId | TypeId::Geometry | TypeId::Geography | TypeId::Clr)
}

fn is_number(id: TypeId) -> bool {
    id.is_numeric() || id == TypeId::Null
}

/// date, time, datetime2 and datetimeoffset: the types that convert to no number.
fn is_new_temporal(id: TypeId) -> bool {
    id.is_temporal() && !matches!(id, TypeId::DateTime | TypeId::SmallDateTime)
}

/// How a value of `from` becomes one of `to`.
pub fn conversion_kind(from: &SqlType, to: &SqlType) -> ConversionKind {
    use TypeId as T;
    let (a, b) = (from.id, to.id);
    if a == b || a == T::Null {
        return Implicit;
    }
    match (a, b) {
        (T::Clr, _) | (_, T::Clr) if is_udt(a) && is_udt(b) => NotAllowed,
        (_, T::SqlVariant) => {
            let excluded =
                matches!(a, T::Text | T::NText | T::Image | T::Xml | T::RowVersion | T::Json | T::Vector)
                    || is_udt(a)
                    || from.is_max();
            if excluded { NotAllowed } else { Implicit }
        }
        (T::SqlVariant, _) => {
            let excluded =
                matches!(b, T::Text | T::NText | T::Image | T::Xml | T::RowVersion | T::Json | T::Vector)
                    || is_udt(b);
            if excluded { NotAllowed } else { Explicit }
        }
        (T::Json | T::Vector, _) if is_string(b) => Implicit,
        (_, T::Json | T::Vector) if is_string(a) => Implicit,
        (T::Json | T::Vector, _) | (_, T::Json | T::Vector) => NotAllowed,
        (T::Xml, _) if is_string(b) || matches!(b, T::Binary | T::VarBinary) => Explicit,
        (T::Xml, _) => NotAllowed,
        (_, T::Xml) if is_string(a) || matches!(a, T::Binary | T::VarBinary) => Implicit,
        (T::Text | T::NText | T::Image, T::Xml) => Explicit,
        (_, T::Xml) => NotAllowed,
        _ if is_udt(a) => {
            if is_string(b) || matches!(b, T::Binary | T::VarBinary) {
                Explicit
            } else {
                NotAllowed
            }
        }
        _ if is_udt(b) => {
            if is_string(a) || matches!(a, T::Binary | T::VarBinary) {
                Implicit
            } else {
                NotAllowed
            }
        }
        (T::Text, _) => {
            if b == T::NText || is_string(b) {
                Implicit
            } else {
                NotAllowed
            }
        }
        (T::NText, _) => {
            if b == T::Text || is_string(b) {
                Implicit
            } else {
                NotAllowed
            }
        }
        (T::Image, _) => {
            if b.is_binary() {
                Implicit
            } else {
                NotAllowed
            }
        }
        (_, T::Text | T::NText) => {
            if is_string(a) {
                Implicit
            } else {
                NotAllowed
            }
        }
        (_, T::Image) => {
            if a.is_binary() || matches!(a, T::Char | T::VarChar) {
                Implicit
            } else {
                NotAllowed
            }
        }
        (T::UniqueIdentifier, _) => {
            if is_string(b) || matches!(b, T::Binary | T::VarBinary) {
                Implicit
            } else {
                NotAllowed
            }
        }
        (_, T::UniqueIdentifier) => {
            if is_string(a) || matches!(a, T::Binary | T::VarBinary) {
                Implicit
            } else {
                NotAllowed
            }
        }
        _ if is_string(a) => {
            if b.is_binary() {
                Explicit
            } else {
                Implicit
            }
        }
        _ if a.is_binary() => {
            if matches!(b, T::Real | T::Float) {
                NotAllowed
            } else if is_new_temporal(b) {
                if a == T::RowVersion { NotAllowed } else { Explicit }
            } else {
                Implicit
            }
        }
        _ if is_string(b) => Implicit,
        _ if b.is_binary() => {
            if a.is_temporal() {
                Explicit
            } else if matches!(a, T::Real | T::Float) && b == T::RowVersion {
                NotAllowed
            } else {
                Implicit
            }
        }
        (T::Date, T::Time) | (T::Time, T::Date) => NotAllowed,
        _ if a.is_temporal() && b.is_temporal() => Implicit,
        _ if a.is_temporal() => {
            if is_new_temporal(a) {
                NotAllowed
            } else {
                Explicit
            }
        }
        _ if b.is_temporal() => {
            if is_new_temporal(b) {
                NotAllowed
            } else {
                Implicit
            }
        }
        _ if is_number(a) && is_number(b) => Implicit,
        _ => NotAllowed,
    }
}

/// Errors 529, 206 and 257 of conversions that do not exist or must be asked for.
pub fn check(from: &SqlType, to: &SqlType, mode: Mode) -> SqlResult<()> {
    match (conversion_kind(from, to), mode) {
        (Implicit, _) | (Explicit, Mode::Explicit) => Ok(()),
        (Explicit, Mode::Implicit) => Err(SqlError::new(257, &[&message_name(from), &message_name(to)])),
        (NotAllowed, Mode::Explicit) => Err(SqlError::new(529, &[&message_name(from), &message_name(to)])),
        (NotAllowed, Mode::Implicit) => Err(SqlError::new(206, &[&message_name(from), &message_name(to)])),
    }
}
