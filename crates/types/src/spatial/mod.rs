//! geometry and geography: stored bytes to well-known text (STAsText) and SRID.
//!
//! i32 SRID, u8 version (1, 2 with arcs), u8 properties (1 Z, 2 M, 4 valid, 8 single point, 0x10 single segment), then either
//! one or two points, or counts and arrays of points, Z, M, figures (u8 attribute, u32 first point) and shapes
//! (i32 parent, i32 first figure, u8 type). geography stores latitude before longitude; text has longitude first.
//!
//! Invariants
//! 1. Counts are checked against the input before anything is allocated; nesting is limited to [`DEPTH_MAX`].
//!
//! Evidence: [MS-SSCLRT].

pub mod geometry;
pub mod measure;

use holdfast_base::{ByteReader, Truncated};
use thiserror::Error;

/// Deepest nesting of collections.
const DEPTH_MAX: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SpatialError {
    #[error(transparent)]
    Truncated(#[from] Truncated),
    #[error("spatial value: {what} is not valid")]
    Invalid { what: &'static str },
}

type Result<T> = std::result::Result<T, SpatialError>;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    x: f64,
    y: f64,
    z: Option<f64>,
    m: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    parent: i32,
    figure: i32,
    kind: u8,
}

#[derive(Debug)]
struct Spatial {
    srid: i32,
    points: Vec<Point>,
    /// (attribute, first point).
    figures: Vec<(u8, u32)>,
    shapes: Vec<Shape>,
    segments: Vec<u8>,
}

/// The SRID of a stored value.
pub fn srid(bytes: &[u8]) -> Result<i32> {
    Ok(ByteReader::new(bytes).i32()?)
}

/// Well-known text with Z and M values.
pub fn to_wkt(bytes: &[u8], geography: bool) -> Result<String> {
    let s = read(bytes, geography)?;
    if s.srid == -1 && s.shapes.is_empty() {
        return Ok("NULL".to_owned());
    }
    let mut out = String::new();
    s.shape(0, true, 0, &mut out)?;
    if out.len() > 1 << 30 { Err(SpatialError::Invalid { what: "size" }) } else { Ok(out) }
}

fn count(r: &mut ByteReader<'_>, size: usize) -> Result<usize> {
    let n = r.u32()? as usize;
    if n.saturating_mul(size) > r.remaining() {
        return Err(SpatialError::Invalid { what: "count" });
    }
    Ok(n)
}

fn read(bytes: &[u8], geography: bool) -> Result<Spatial> {
    let mut r = ByteReader::new(bytes);
    let srid = r.i32()?;
    if srid == -1 && r.is_empty() {
        return Ok(Spatial { srid, points: vec![], figures: vec![], shapes: vec![], segments: vec![] });
    }
    let version = r.u8()?;
    if !(1..=2).contains(&version) {
        return Err(SpatialError::Invalid { what: "version" });
    }
    let properties = r.u8()?;
    let simple = match properties & 0x18 {
        0x08 => Some(1),
        0x10 => Some(2),
        0 => None,
        _ => return Err(SpatialError::Invalid { what: "properties" }),
    };
    let n = match simple {
        Some(n) => n,
        None => count(&mut r, 16)?,
    };
    let mut points = Vec::with_capacity(n.min(1 << 20));
    for _ in 0..n {
        let (a, b) = (r.f64()?, r.f64()?);
        let (x, y) = if geography { (b, a) } else { (a, b) };
        points.push(Point { x, y, z: None, m: None });
    }
    if properties & 1 != 0 {
        for p in &mut points {
            p.z = Some(r.f64()?);
        }
    }
    if properties & 2 != 0 {
        for p in &mut points {
            p.m = Some(r.f64()?);
        }
    }
    let mut s = Spatial { srid, points, figures: vec![], shapes: vec![], segments: vec![] };
    if let Some(n) = simple {
        s.figures.push((1, 0));
        s.shapes.push(Shape { parent: -1, figure: 0, kind: n as u8 });
        return Ok(s);
    }
    for _ in 0..count(&mut r, 5)? {
        s.figures.push((r.u8()?, r.u32()?));
    }
    for _ in 0..count(&mut r, 9)? {
        s.shapes.push(Shape { parent: r.i32()?, figure: r.i32()?, kind: r.u8()? });
    }
    if version == 2 && !r.is_empty() {
        for _ in 0..count(&mut r, 1)? {
            s.segments.push(r.u8()?);
        }
    }
    Ok(s)
}

impl Spatial {
    fn invalid<T>(what: &'static str) -> Result<T> {
        Err(SpatialError::Invalid { what })
    }

    fn shape(&self, index: usize, named: bool, depth: usize, out: &mut String) -> Result<()> {
        if depth > DEPTH_MAX {
            return Self::invalid("nesting");
        }
        let Some(shape) = self.shapes.get(index) else { return Self::invalid("shape") };
        let name = match shape.kind {
            1 => "POINT",
            2 => "LINESTRING",
            3 => "POLYGON",
            4 => "MULTIPOINT",
            5 => "MULTILINESTRING",
            6 => "MULTIPOLYGON",
            7 => "GEOMETRYCOLLECTION",
            8 => "CIRCULARSTRING",
            9 => "COMPOUNDCURVE",
            10 => "CURVEPOLYGON",
            11 => "FULLGLOBE",
            _ => return Self::invalid("shape type"),
        };
        if named {
            out.push_str(name);
            if shape.kind == 11 {
                return Ok(());
            }
            out.push(' ');
        }
        if matches!(shape.kind, 4..=7) {
            // Shapes come in depth-first order: children lie behind their parent.
            let children: Vec<usize> =
                (index + 1..self.shapes.len()).filter(|&c| self.shapes[c].parent == index as i32).collect();
            return self.list(&children, out, |s, c, out| s.shape(c, shape.kind == 7, depth + 1, out));
        }
        let figures: Vec<usize> = match usize::try_from(shape.figure) {
            Err(_) => Vec::new(),
            Ok(first) => {
                let end = self.shapes[index + 1..]
                    .iter()
                    .find_map(|s| usize::try_from(s.figure).ok())
                    .unwrap_or(self.figures.len());
                if first > end || end > self.figures.len() {
                    return Self::invalid("figure");
                }
                (first..end).collect()
            }
        };
        match shape.kind {
            3 | 10 => self.list(&figures, out, |s, f, out| {
                if shape.kind == 10 && s.figures[f].0 & 3 == 3 {
                    out.push_str("COMPOUNDCURVE ");
                    return s.compound(f, out);
                }
                if shape.kind == 10 && s.figures[f].0 == 2 {
                    out.push_str("CIRCULARSTRING ");
                }
                s.figure(f, out)
            }),
            9 => match figures.first() {
                Some(&f) => self.compound(f, out),
                None => {
                    out.push_str("EMPTY");
                    Ok(())
                }
            },
            _ => match figures.first() {
                Some(&f) => self.figure(f, out),
                None => {
                    out.push_str("EMPTY");
                    Ok(())
                }
            },
        }
    }

    fn list(
        &self,
        items: &[usize],
        out: &mut String,
        mut one: impl FnMut(&Self, usize, &mut String) -> Result<()>,
    ) -> Result<()> {
        if items.is_empty() {
            out.push_str("EMPTY");
            return Ok(());
        }
        out.push('(');
        for (i, &item) in items.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            one(self, item, out)?;
        }
        out.push(')');
        Ok(())
    }

    fn figure_points(&self, figure: usize) -> Result<&[Point]> {
        let start = self.figures.get(figure).map_or(0, |f| f.1 as usize);
        let end = self.figures.get(figure + 1).map_or(self.points.len(), |f| f.1 as usize);
        match self.points.get(start..end) {
            Some(p) => Ok(p),
            None => Self::invalid("figure"),
        }
    }

    fn figure(&self, figure: usize, out: &mut String) -> Result<()> {
        points(self.figure_points(figure)?, out);
        Ok(())
    }

    /// Arcs and lines of a composite figure: segment types 0 line, 1 arc, 2 first line, 3 first arc.
    fn compound(&self, figure: usize, out: &mut String) -> Result<()> {
        let p = self.figure_points(figure)?;
        let mut parts: Vec<(bool, usize, usize)> = Vec::new();
        let mut at = 0;
        for &s in &self.segments {
            let arc = s & 1 == 1;
            let step = if arc { 2 } else { 1 };
            if at + step >= p.len() {
                break;
            }
            match parts.last_mut() {
                Some(last) if s < 2 && last.0 == arc => last.2 = at + step,
                _ => parts.push((arc, at, at + step)),
            }
            at += step;
        }
        if parts.is_empty() {
            return self.figure(figure, out);
        }
        out.push('(');
        for (i, &(arc, from, to)) in parts.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            if arc {
                out.push_str("CIRCULARSTRING ");
            }
            points(&p[from..=to], out);
        }
        out.push(')');
        Ok(())
    }
}

fn points(p: &[Point], out: &mut String) {
    if p.is_empty() {
        out.push_str("EMPTY");
        return;
    }
    out.push('(');
    for (i, p) in p.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_str(&format!("{} {}", number(p.x), number(p.y)));
        let known = |v: Option<f64>| v.filter(|v| !v.is_nan());
        match (known(p.z), known(p.m)) {
            (Some(z), Some(m)) => out.push_str(&format!(" {} {}", number(z), number(m))),
            (Some(z), None) => out.push_str(&format!(" {}", number(z))),
            (None, Some(m)) => out.push_str(&format!(" NULL {}", number(m))),
            (None, None) => {}
        }
    }
    out.push(')');
}

/// A coordinate as the CLR's round-trip format has it: 15 digits where they suffice, else 17; an exponent from 1E+15 on and
/// below 1E-05.
fn number(v: f64) -> String {
    let short = format!("{v:.14e}");
    let text = if short.parse() == Ok(v) { short } else { format!("{v:.16e}") };
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa =
        if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    if (-4..15).contains(&exponent) {
        let digits = mantissa.chars().filter(char::is_ascii_digit).count() as i32;
        return format!("{v:.*}", (digits - 1 - exponent).max(0) as usize);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}E{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_base::ByteWriter;

    #[test]
    fn coordinates_are_written_as_the_clr_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (-122.349, "-122.349"),
            (100.0, "100"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e14, "100000000000000"),
            (1e15, "1E+15"),
            (1.5e300, "1.5E+300"),
            (0.00001, "1E-05"),
            (0.0001, "0.0001"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
        ] {
            assert_eq!(number(value), text);
            assert!(number(value).parse::<f64>() == Ok(value));
        }
    }

    fn polygon() -> Vec<u8> {
        let mut w = ByteWriter::new();
        w.i32(0).u8(1).u8(4).u32(5);
        for (x, y) in [(0.0, 0.0), (1.0, 0.0), (1.0, 1.5), (0.0, 1.0), (0.0, 0.0)] {
            w.f64(x).f64(y);
        }
        w.u32(1).u8(2).u32(0).u32(1).i32(-1).i32(0).u8(3);
        w.buf
    }

    #[test]
    fn texts() {
        let mut w = ByteWriter::new();
        w.i32(4326).u8(1).u8(0x0C).f64(47.5).f64(-122.25);
        assert_eq!(to_wkt(&w.buf, true).unwrap(), "POINT (-122.25 47.5)");
        assert_eq!(srid(&w.buf), Ok(4326));
        assert_eq!(to_wkt(&polygon(), false).unwrap(), "POLYGON ((0 0, 1 0, 1 1.5, 0 1, 0 0))");
    }

    #[test]
    fn mutations_never_panic() {
        let good = polygon();
        for at in 0..good.len() {
            let _ = to_wkt(&good[..at], false);
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                let _ = to_wkt(&bad, true);
            }
        }
    }
}
