//! Methods of hierarchyid, geometry, geography and xml values.
//!
//! Invariants
//! 1. A NULL value gives NULL; damaged bytes are error 6522, as SQL Server answers for CLR types.

use holdfast_plan::expr::Expr;
use holdfast_plan::function::MethodId;
use holdfast_types::batch::ColumnBuilder;
use holdfast_types::{Batch, SqlError, SqlResult, SqlString, SqlType, TypeId, Value, hierarchyid, spatial};

use crate::context::ExecContext;
use crate::expression::arithmetic::integer_value;
use crate::expression::evaluate;
use crate::expression::vector::Vector;

pub fn call(
    method: MethodId,
    operand: &Expr,
    args: &[Expr],
    ty: &SqlType,
    batch: &Batch,
    ctx: &ExecContext,
) -> SqlResult<Vector> {
    let subject = evaluate(operand, batch, ctx)?;
    let vectors: Vec<Vector> = args.iter().map(|a| evaluate(a, batch, ctx)).collect::<SqlResult<_>>()?;
    let is_static = matches!(
        method,
        MethodId::Parse | MethodId::HierarchyGetRoot | MethodId::StGeomFromText | MethodId::Point
    );
    let xml = match method {
        MethodId::XmlValue | MethodId::XmlQuery | MethodId::XmlExist => {
            let text = vectors.first().zip(args.first()).map_or(Value::Null, |(v, a)| v.value(0, &a.ty));
            Some(super::xml::Method::new(method, &text)?)
        }
        _ => None,
    };
    let update = match method {
        MethodId::XmlModify => {
            let text = vectors.first().zip(args.first()).map_or(Value::Null, |(v, a)| v.value(0, &a.ty));
            Some(super::xml::Modification::new(&text)?)
        }
        _ => None,
    };
    let one = |row: usize| -> SqlResult<Value> {
        let v = subject.value(row, &operand.ty);
        if v.is_null() && !is_static {
            return Ok(Value::Null);
        }
        let values: Vec<Value> = vectors.iter().zip(args).map(|(x, a)| x.value(row, &a.ty)).collect();
        if let Some(xml) = &xml {
            let sql: Vec<(Value, SqlType)> =
                values.into_iter().zip(args).map(|(v, a)| (v, a.ty)).skip(1).collect();
            return xml.call(&v, &sql, ty, ctx);
        }
        if let Some(update) = &update {
            let sql: Vec<(Value, SqlType)> =
                values.into_iter().zip(args).map(|(v, a)| (v, a.ty)).skip(1).collect();
            return update.call(&v, &sql, ctx);
        }
        value(method, &v, &operand.ty, &values)
    };
    if subject.is_const() && vectors.iter().all(Vector::is_const) {
        return Ok(Vector::Const(one(0)?));
    }
    let mut out = ColumnBuilder::new(*ty, batch.len);
    for row in 0..batch.len {
        out.push(&one(row)?)?;
    }
    Ok(Vector::column(out.finish()))
}

fn failed(what: &str, e: impl std::fmt::Display) -> SqlError {
    SqlError::new(6522, &[&what, &e])
}

fn text(v: Option<&Value>) -> Option<String> {
    match v {
        Some(Value::String(s)) => Some(s.to_text()),
        _ => None,
    }
}

/// The numbers between the slashes of a hierarchyid's text.
fn labels(path: &str) -> Vec<&str> {
    path.split('/').filter(|p| !p.is_empty()).collect()
}

fn value(method: MethodId, v: &Value, ty: &SqlType, args: &[Value]) -> SqlResult<Value> {
    let bytes: &[u8] = match v {
        Value::Binary(b) => b,
        _ => &[],
    };
    let hierarchy = |b: &[u8]| hierarchyid::to_text(b).map_err(|e| failed("hierarchyid", e));
    let from_path = |p: &str| -> SqlResult<Value> {
        hierarchyid::from_text(p).map(|b| Value::binary(&b)).map_err(|e| failed("hierarchyid", e))
    };
    let string = |s: String| Value::String(SqlString::from(s));
    Ok(match (method, ty.id) {
        (MethodId::ToText, TypeId::HierarchyId) => string(hierarchy(bytes)?),
        (
            MethodId::ToText | MethodId::StAsText | MethodId::AsTextZm,
            TypeId::Geometry | TypeId::Geography,
        ) => string(spatial::to_wkt(bytes, ty.id == TypeId::Geography).map_err(|e| failed(ty.id.name(), e))?),
        (MethodId::StGeomFromText | MethodId::Point, _) => super::spatial::construct(method, ty, args)?,
        (MethodId::Parse, TypeId::Geometry | TypeId::Geography) => {
            super::spatial::construct(method, ty, args)?
        }
        (MethodId::Spatial(op), _) => super::spatial::call(op, v, ty, args)?,
        (MethodId::HierarchyGetDescendant, _) => {
            let child = |v: Option<&Value>| match v {
                Some(Value::Binary(b)) => hierarchy(b).map(Some),
                _ => Ok(None),
            };
            let (first, second) = (child(args.first())?, child(args.get(1))?);
            let path = hierarchyid::descendant(&hierarchy(bytes)?, first.as_deref(), second.as_deref())
                .map_err(|e| failed("hierarchyid", e))?;
            from_path(&path)?
        }
        (MethodId::StSrid, _) => Value::Int(spatial::srid(bytes).map_err(|e| failed(ty.id.name(), e))?),
        (MethodId::Parse, _) if ty.id == TypeId::HierarchyId => match text(args.first()) {
            Some(t) => from_path(&t)?,
            None => Value::Null,
        },
        (MethodId::HierarchyGetRoot, _) => from_path("/")?,
        (MethodId::HierarchyGetLevel, _) => {
            Value::SmallInt(hierarchyid::level(bytes).map_err(|e| failed("hierarchyid", e))? as i16)
        }
        (MethodId::HierarchyGetAncestor, _) => {
            let path = hierarchy(bytes)?;
            let parts = labels(&path);
            match args.first().and_then(integer_value).and_then(|n| usize::try_from(n).ok()) {
                Some(n) if n <= parts.len() => {
                    let kept = &parts[..parts.len() - n];
                    from_path(&if kept.is_empty() {
                        "/".to_string()
                    } else {
                        format!("/{}/", kept.join("/"))
                    })?
                }
                _ => Value::Null,
            }
        }
        (MethodId::HierarchyIsDescendantOf, _) => match args.first() {
            Some(Value::Binary(parent)) => {
                let (own, other) = (hierarchy(bytes)?, hierarchy(parent)?);
                Value::Bit(labels(&own).starts_with(&labels(&other)))
            }
            _ => Value::Null,
        },
        (MethodId::HierarchyGetReparentedValue, _) => match (args.first(), args.get(1)) {
            (Some(Value::Binary(from)), Some(Value::Binary(to))) => {
                let (own, from, to) = (hierarchy(bytes)?, hierarchy(from)?, hierarchy(to)?);
                match labels(&own).strip_prefix(&labels(&from)[..]) {
                    Some(rest) => {
                        let all: Vec<&str> = labels(&to).into_iter().chain(rest.iter().copied()).collect();
                        from_path(&if all.is_empty() {
                            "/".to_string()
                        } else {
                            format!("/{}/", all.join("/"))
                        })?
                    }
                    None => Value::Null,
                }
            }
            _ => Value::Null,
        },
        // What the well-known text itself shows.
        (MethodId::StX | MethodId::StY | MethodId::Lat | MethodId::Long | MethodId::Z | MethodId::M, _) => {
            let wkt =
                spatial::to_wkt(bytes, ty.id == TypeId::Geography).map_err(|e| failed(ty.id.name(), e))?;
            let inner = wkt.strip_prefix("POINT").and_then(|r| r.trim().strip_prefix('('));
            let Some(inner) = inner.and_then(|r| r.strip_suffix(')')) else { return Ok(Value::Null) };
            let at = match method {
                MethodId::StX | MethodId::Long => 0,
                MethodId::StY | MethodId::Lat => 1,
                MethodId::Z => 2,
                _ => 3,
            };
            inner.split_whitespace().nth(at).and_then(|n| n.parse().ok()).map_or(Value::Null, Value::Float)
        }
        (MethodId::StGeometryType, _) => {
            let wkt =
                spatial::to_wkt(bytes, ty.id == TypeId::Geography).map_err(|e| failed(ty.id.name(), e))?;
            let name = wkt.split([' ', '(']).next().unwrap_or_default();
            string(
                match name {
                    "POINT" => "Point",
                    "LINESTRING" => "LineString",
                    "POLYGON" => "Polygon",
                    "MULTIPOINT" => "MultiPoint",
                    "MULTILINESTRING" => "MultiLineString",
                    "MULTIPOLYGON" => "MultiPolygon",
                    "GEOMETRYCOLLECTION" => "GeometryCollection",
                    "CIRCULARSTRING" => "CircularString",
                    "COMPOUNDCURVE" => "CompoundCurve",
                    "CURVEPOLYGON" => "CurvePolygon",
                    other => other,
                }
                .to_string(),
            )
        }
        (MethodId::StIsEmpty, _) => {
            let wkt =
                spatial::to_wkt(bytes, ty.id == TypeId::Geography).map_err(|e| failed(ty.id.name(), e))?;
            Value::Bit(wkt.ends_with("EMPTY"))
        }
        _ => return Err(SqlError::not_supported(format!("The method {method:?} of {}", ty.id.name()))),
    })
}
