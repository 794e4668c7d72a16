//! CREATE and ALTER SEQUENCE, sp_sequence_get_range.

use holdfast_engine::write::sequence::{SequenceSpec, number, value};
use holdfast_tsql::ast::{Expr, ExprKind, Literal, ObjectName, Sequence, UnaryOp};
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId, Value};

use super::{Definition, shown};
use crate::procedure::call::{Argument, Returned};
use crate::procedure::run::{Fail, Runner};
use crate::security::model::Securable;

/// A whole number, as wide as decimal(38, 0).
fn whole(e: &Expr) -> Option<i128> {
    match &e.unparen().kind {
        ExprKind::Literal(Literal::Integer(d) | Literal::Decimal(d)) => {
            d.trim_end_matches('.').parse::<i128>().ok()
        }
        ExprKind::Unary { op: UnaryOp::Minus, operand } => whole(operand)?.checked_neg(),
        ExprKind::Unary { op: UnaryOp::Plus, operand } => whole(operand),
        _ => None,
    }
}

/// Least and greatest value of a type.
fn bounds(ty: &SqlType) -> (i128, i128) {
    match ty.id {
        TypeId::TinyInt => (0, i128::from(u8::MAX)),
        TypeId::SmallInt => (i16::MIN.into(), i16::MAX.into()),
        TypeId::Int => (i32::MIN.into(), i32::MAX.into()),
        TypeId::BigInt => (i64::MIN.into(), i64::MAX.into()),
        _ => {
            let most = 10i128.checked_pow(u32::from(ty.precision)).map_or(i128::MAX, |n| n - 1);
            (-most, most)
        }
    }
}

/// A number of the statement that the sequence's type can hold.
fn argument(e: &Expr, words: &str, ty: &SqlType) -> SqlResult<i128> {
    let n = whole(e).filter(|n| value(ty, *n).is_some());
    n.ok_or_else(|| SqlError::new(11708, &[&words, &words]))
}

fn check(spec: &SequenceSpec, name: &str) -> SqlResult<()> {
    if spec.increment == 0 {
        return Err(SqlError::new(11700, &[&name]));
    }
    if spec.min >= spec.max {
        return Err(SqlError::new(11705, &[&name]));
    }
    if spec.increment.unsigned_abs() > spec.max.abs_diff(spec.min) {
        return Err(SqlError::new(11701, &[&name]));
    }
    if !(spec.min..=spec.max).contains(&spec.start) || !(spec.min..=spec.max).contains(&spec.first) {
        return Err(SqlError::new(11703, &[&name]));
    }
    Ok(())
}

/// CACHE, NO CACHE; `None` when nothing is said.
fn cache(s: &Sequence, name: &str) -> SqlResult<Option<Option<u32>>> {
    Ok(match &s.cache {
        None => None,
        Some(None) => Some(None),
        Some(Some(None)) => Some(Some(0)),
        Some(Some(Some(e))) => {
            let n = e.as_integer().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
            Some(Some(n.ok_or_else(|| SqlError::new(11706, &[&name]))?))
        }
    })
}

impl Definition<'_, '_> {
    pub fn create_sequence(&mut self, s: &Sequence) -> Result<(), Fail> {
        let name = shown(&s.name);
        if s.restart {
            return Err(SqlError::new(11709, &[]).into());
        }
        let schema = self.schema_of(&s.name)?;
        self.writer()?.check_free(schema, &s.name.name.text)?;
        let ty = match &s.data_type {
            Some(dt) => self.resolve(dt)?.0,
            None => SqlType::BIGINT,
        };
        let fits = ty.id.is_integer() || matches!(ty.id, TypeId::Decimal | TypeId::Numeric) && ty.scale == 0;
        if !fits || ty.id == TypeId::Bit {
            return Err(SqlError::new(11702, &[&name]).into());
        }
        let (least, most) = bounds(&ty);
        let bound = |e: &Option<Option<Expr>>, words: &str, otherwise: i128| match e {
            Some(Some(e)) => argument(e, words, &ty),
            _ => Ok(otherwise),
        };
        let increment = s.increment.as_ref().map_or(Ok(1), |e| argument(e, "INCREMENT BY", &ty))?;
        let (min, max) = (bound(&s.min, "MINVALUE", least)?, bound(&s.max, "MAXVALUE", most)?);
        let start = match &s.start {
            Some(e) => argument(e, "START WITH", &ty)?,
            None if increment < 0 => max,
            None => min,
        };
        let cache = cache(s, &name)?.unwrap_or(Some(0));
        let cycle = s.cycle.unwrap_or(false);
        let spec = SequenceSpec { ty, start, first: start, increment, min, max, cycle, cache };
        check(&spec, &name)?;
        let id = self.writer()?.add_sequence(schema, &s.name.name.text, &spec)?;
        Ok(self.lock(id)?)
    }

    /// A sequence by name.
    fn sequence_id(&self, name: &ObjectName) -> Result<i32, Fail> {
        match self.find(name)? {
            Some((id, kind)) if kind == "SO" => Ok(id),
            Some(_) => Err(SqlError::new(11726, &[&shown(name)]).into()),
            None => Err(SqlError::new(15151, &[&"alter", &"sequence object", &shown(name)]).into()),
        }
    }

    pub fn alter_sequence(&mut self, s: &Sequence) -> Result<(), Fail> {
        let name = shown(&s.name);
        if s.data_type.is_some() {
            return Err(SqlError::new(11711, &[]).into());
        }
        if s.start.is_some() && !s.restart {
            return Err(SqlError::new(11710, &[&"START WITH"]).into());
        }
        let id = self.sequence_id(&s.name)?;
        self.lock(id)?;
        let (mut spec, mut last) = self.catalog()?.sequence_state(id)?;
        let ty = spec.ty;
        let (least, most) = bounds(&ty);
        if let Some(e) = &s.increment {
            spec.increment = argument(e, "INCREMENT BY", &ty)?;
        }
        match &s.min {
            Some(Some(e)) => spec.min = argument(e, "MINVALUE", &ty)?,
            Some(None) => spec.min = least,
            None => {}
        }
        match &s.max {
            Some(Some(e)) => spec.max = argument(e, "MAXVALUE", &ty)?,
            Some(None) => spec.max = most,
            None => {}
        }
        if let Some(cycle) = s.cycle {
            spec.cycle = cycle;
        }
        if let Some(cache) = cache(s, &name)? {
            spec.cache = cache;
        }
        if s.restart {
            last = None;
            spec.first = match &s.start {
                Some(e) => argument(e, "RESTART WITH", &ty)?,
                None => spec.start,
            };
            // A restart may leave the place where the sequence once began outside of its bounds.
            spec.start = if (spec.min..=spec.max).contains(&spec.start) { spec.start } else { spec.first };
        }
        check(&spec, &name)?;
        if let Some(n) = last.filter(|n| !(spec.min..=spec.max).contains(n)) {
            return Err(SqlError::new(11704, &[&n, &name]).into());
        }
        Ok(self.writer()?.alter_sequence(id, &spec, last)?)
    }
}

/// Parameters of sp_sequence_get_range.
const RANGE: &[&str] = &[
    "@sequence_name",
    "@range_size",
    "@range_first_value",
    "@range_last_value",
    "@range_cycle_count",
    "@sequence_increment",
    "@sequence_min_value",
    "@sequence_max_value",
];

impl Runner<'_> {
    /// sp_sequence_get_range.
    pub fn sequence_range(&mut self, arguments: &[Argument]) -> Result<Returned, Fail> {
        const NAME: &str = "sp_sequence_get_range";
        let places = super::procedure::places(NAME, RANGE, arguments)?;
        let given = |i: usize| places[i].and_then(|at| arguments[at].value.clone());
        let required =
            |i: usize| given(i).ok_or_else(|| Fail::Error(SqlError::new(201, &[&NAME, &RANGE[i]]).state(4)));
        let Value::String(text) = required(0)? else {
            return Err(SqlError::new(208, &[&"NULL"]).into());
        };
        let text = text.to_text();
        let name = holdfast_tsql::parse_object_name(&text).map_err(|_| SqlError::new(208, &[&text]))?;
        let count = number(&required(1)?).filter(|n| *n > 0);
        let count = count.ok_or_else(|| SqlError::new(11708, &[&"@range_size"]))?;
        let database = match &name.database {
            Some(d) => self.session.host.database(&d.text)?,
            None => self.session.current_database(),
        };
        use holdfast_engine::catalog::Catalog;
        let schema = name.schema.as_ref().map_or("dbo", |s| s.text.as_str());
        let found =
            database.sequence(schema, &name.name.text)?.ok_or_else(|| SqlError::new(208, &[&text]))?;
        let allowed = self.session.may(&database, Securable::Object(found.object_id), "UP")?;
        if !allowed {
            return Err(SqlError::new(229, &[&"UPDATE", &name.name.text, &database.name, &schema])
                .state(5)
                .into());
        }
        let range = self.session.give_sequence_values(database.id, found.object_id, count)?;
        let ty = range.spec.ty;
        let of_type = |n: i128| value(&ty, n).map_or((SqlType::NULL, Value::Null), |v| (ty, v));
        let cycles = Value::Int(i32::try_from(range.cycles).unwrap_or(i32::MAX));
        let answers = [
            (2, of_type(range.first)),
            (3, of_type(range.last)),
            (4, (SqlType::INT, cycles)),
            (5, of_type(range.spec.increment)),
            (6, of_type(range.spec.min)),
            (7, of_type(range.spec.max)),
        ];
        let outputs = answers
            .into_iter()
            .filter_map(|(i, (ty, v))| places[i].filter(|at| arguments[*at].output).map(|at| (at, ty, v)))
            .collect();
        Ok(Returned { outputs, ..Returned::status(0) })
    }
}
