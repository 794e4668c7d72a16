//! Methods of geometry and geography that look at the shape: construction, measures, relations, parts.
//!
//! Invariants
//! 1. Values of different SRIDs have no relation and no distance: the answer is NULL, as SQL Server gives it.
//! 2. geography measures only what the ellipsoid formula covers: points and lines. The rest answers that it is not supported.

use holdfast_plan::function::{MethodId, SpatialOp};
use holdfast_types::spatial::geometry::{Collection, Coord, Geometry, GeometryError, decode, encode, parse};
use holdfast_types::spatial::measure;
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId, Value};

use crate::expression::arithmetic::integer_value;

fn failed(ty: &SqlType, e: &GeometryError) -> SqlError {
    match e {
        GeometryError::Curve => SqlError::not_supported("A curve in this method"),
        // The message's own text ends with a full stop.
        other => SqlError::new(6522, &[&ty.id.name(), &other.to_string().trim_end_matches('.')]),
    }
}

fn text(v: Option<&Value>) -> Option<String> {
    match v {
        Some(Value::String(s)) => Some(s.to_text()),
        _ => None,
    }
}

fn number(v: Option<&Value>) -> Option<f64> {
    match v? {
        Value::Float(f) => Some(*f),
        Value::Real(f) => Some(f64::from(*f)),
        Value::Decimal(d) => d.to_string().parse().ok(),
        Value::Money(m) => Some(*m as f64 / 10_000.0),
        Value::SmallMoney(m) => Some(f64::from(*m) / 10_000.0),
        other => integer_value(other).map(|n| n as f64),
    }
}

fn argument(ty: &SqlType, number: u32, text: &str) -> SqlError {
    failed(ty, &GeometryError::Argument(number, text.to_owned()))
}

fn stored(srid: i32, g: &Geometry, ty: &SqlType) -> SqlResult<Value> {
    let geography = ty.id == TypeId::Geography;
    if geography && let Some(p) = g.points().iter().find(|p| p.y.abs() > 90.0 || p.x.abs() > 15_069.0) {
        return Err(if p.y.abs() > 90.0 {
            argument(ty, 24_201, "Latitude values must be between -90 and 90 degrees.")
        } else {
            argument(ty, 24_202, "Longitude values must be between -15069 and 15069 degrees.")
        });
    }
    Ok(Value::binary(&encode(srid, g, geography, measure::is_valid(g))))
}

/// The static constructors: STGeomFromText and its kin, Parse, Point.
pub fn construct(method: MethodId, ty: &SqlType, args: &[Value]) -> SqlResult<Value> {
    let default = if ty.id == TypeId::Geography { 4326 } else { 0 };
    if method == MethodId::Point {
        let [a, b] = [number(args.first()), number(args.get(1))];
        let (Some(a), Some(b), Some(srid)) = (a, b, args.get(2).and_then(integer_value)) else {
            return Ok(Value::Null);
        };
        // geography has latitude first.
        let (x, y) = if ty.id == TypeId::Geography { (b, a) } else { (a, b) };
        return stored(srid as i32, &Geometry::Point(Some(Coord::new(x, y))), ty);
    }
    let Some(wkt) = text(args.first()) else { return Ok(Value::Null) };
    if wkt.trim().eq_ignore_ascii_case("NULL") {
        return Ok(Value::Null);
    }
    let srid = match args.get(1) {
        None => default,
        Some(v) => match integer_value(v).and_then(|n| i32::try_from(n).ok()) {
            Some(n) => n,
            None => return Ok(Value::Null),
        },
    };
    let g = parse(&wkt).map_err(|e| failed(ty, &e))?;
    stored(srid, &g, ty)
}

fn along(g: &Geometry, srid: i32) -> SqlResult<f64> {
    let axes = axes(srid)?;
    let segments = g.segments();
    let lengths: Option<Vec<f64>> = segments.iter().map(|(a, b)| measure::geodesic(*a, *b, axes)).collect();
    lengths
        .map(|l| l.iter().sum())
        .ok_or_else(|| SqlError::not_supported("The length between points nearly opposite on the globe"))
}

fn axes(srid: i32) -> SqlResult<(f64, f64)> {
    measure::ellipsoid(srid)
        .ok_or_else(|| SqlError::not_supported(format!("Measuring in the spatial reference system {srid}")))
}

/// Shortest distance between sets of points.
fn on_ellipsoid(a: &Geometry, b: &Geometry, srid: i32) -> SqlResult<Value> {
    if a.is_empty() || b.is_empty() {
        return Ok(Value::Null);
    }
    if a.dimension() > 0 || b.dimension() > 0 {
        return Err(SqlError::not_supported("STDistance of geography lines and areas"));
    }
    let axes = axes(srid)?;
    let mut least = f64::INFINITY;
    for p in a.points() {
        for q in b.points() {
            let d = measure::geodesic(p, q, axes).ok_or_else(|| {
                SqlError::not_supported("The distance of points nearly opposite on the globe")
            })?;
            least = least.min(d);
        }
    }
    Ok(Value::Float(least))
}

pub fn call(op: SpatialOp, v: &Value, ty: &SqlType, args: &[Value]) -> SqlResult<Value> {
    let Value::Binary(bytes) = v else { return Ok(Value::Null) };
    let geography = ty.id == TypeId::Geography;
    let shape = |b: &[u8]| decode(b, geography).map_err(|e| failed(ty, &e));
    let (srid, g) = shape(bytes)?;
    let int = |n: usize| Value::Int(i32::try_from(n).unwrap_or(i32::MAX));
    // 1-based positions; below 1 is an error, beyond the end NULL.
    let position = || -> SqlResult<Option<usize>> {
        match args.first().and_then(integer_value) {
            Some(n) if n < 1 => Err(argument(
                ty,
                24_105,
                "The index passed to the method is less than 1. The number must be greater than or equal to 1 and should be less than or equal to the number of elements.",
            )),
            Some(n) => Ok(usize::try_from(n - 1).ok()),
            None => Ok(None),
        }
    };
    let part = |g: Option<Geometry>| match g {
        Some(g) => stored(srid, &g, ty),
        None => Ok(Value::Null),
    };
    let point = |p: Option<Coord>| part(p.map(|p| Geometry::Point(Some(p))));
    let other = || -> SqlResult<Option<Geometry>> {
        match args.first() {
            Some(Value::Binary(b)) => {
                let (other_srid, h) = shape(b)?;
                Ok((other_srid == srid).then_some(h))
            }
            _ => Ok(None),
        }
    };
    let related = |f: &dyn Fn(&Geometry, &Geometry) -> bool| -> SqlResult<Value> {
        Ok(other()?.map_or(Value::Null, |h| Value::Bit(f(&g, &h))))
    };
    use SpatialOp as S;
    match op {
        S::Area => Ok(Value::Float(measure::area(&g))),
        S::Length if geography => along(&g, srid).map(Value::Float),
        S::Length => Ok(Value::Float(measure::length(&g))),
        S::Distance => match other()? {
            None => Ok(Value::Null),
            Some(h) if geography => on_ellipsoid(&g, &h, srid),
            Some(h) => Ok(measure::distance(&g, &h).map_or(Value::Null, Value::Float)),
        },
        S::Contains => related(&measure::contains),
        S::Within => related(&|a, b| measure::contains(b, a)),
        S::Intersects => related(&measure::intersects),
        S::Disjoint => related(&|a, b| !measure::intersects(a, b)),
        S::Equals => related(&measure::equals),
        S::Centroid => point(measure::centroid(&g)),
        S::Envelope => part(Some(measure::envelope(&g))),
        S::ConvexHull => part(Some(measure::convex_hull(&g))),
        S::IsValid => Ok(Value::Bit(measure::is_valid(&g))),
        S::MakeValid if measure::is_valid(&g) => Ok(v.clone()),
        S::MakeValid => Err(SqlError::not_supported("MakeValid of a shape that is not valid")),
        S::IsClosed => {
            let closed = !g.is_empty()
                && g.parts().iter().all(|p| match p {
                    Geometry::Line(l) => l.first().zip(l.last()).is_some_and(|(a, b)| a.same_place(b)),
                    Geometry::Point(_) => false,
                    _ => true,
                });
            Ok(Value::Bit(closed))
        }
        S::Dimension => Ok(Value::Int(g.dimension())),
        S::NumPoints => Ok(int(g.points().len())),
        S::PointN => point(position()?.and_then(|n| g.points().get(n).copied())),
        S::StartPoint => point(line(&g).and_then(|l| l.first().copied())),
        S::EndPoint => point(line(&g).and_then(|l| l.last().copied())),
        S::NumGeometries => Ok(int(members(&g).len())),
        S::GeometryN => part(position()?.and_then(|n| members(&g).get(n).map(|g| (*g).clone()))),
        S::NumInteriorRing => Ok(match &g {
            Geometry::Polygon(rings) => int(rings.len().saturating_sub(1)),
            _ => Value::Null,
        }),
        S::ExteriorRing => part(match &g {
            Geometry::Polygon(rings) => rings.first().map(|r| Geometry::Line(r.clone())),
            _ => None,
        }),
        S::InteriorRingN => {
            let n = position()?;
            part(match (&g, n) {
                (Geometry::Polygon(rings), Some(n)) => rings.get(n + 1).map(|r| Geometry::Line(r.clone())),
                _ => None,
            })
        }
    }
}

/// Points of a line; those of a point are its own start and end.
fn line(g: &Geometry) -> Option<Vec<Coord>> {
    match g {
        Geometry::Line(l) => Some(l.clone()),
        Geometry::Point(Some(p)) => Some(vec![*p]),
        _ => None,
    }
}

/// Members of a collection; a simple shape is its own only one.
fn members(g: &Geometry) -> Vec<&Geometry> {
    match g {
        Geometry::Collection(
            Collection::Points | Collection::Lines | Collection::Polygons | Collection::Any,
            parts,
        ) => parts.iter().collect(),
        g if g.is_empty() => Vec::new(),
        g => vec![g],
    }
}
