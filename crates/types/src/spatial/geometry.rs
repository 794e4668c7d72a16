//! Spatial values as points, lines, polygons and collections of them: from and to stored bytes, from well-known text.
//!
//! Invariants
//! 1. Rings are closed (first point = last point); lines have at least two points; [`parse`] refuses others.
//! 2. Curves are read as text only; here they answer [`GeometryError::Curve`].
//!
//! Evidence: [MS-SSCLRT] for the bytes; OGC Simple Features for the text; error numbers as the product's documentation lists them.

use super::{DEPTH_MAX, Point as Stored, Shape, Spatial, SpatialError, read};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coord {
    pub x: f64,
    pub y: f64,
    pub z: Option<f64>,
    pub m: Option<f64>,
}

impl Coord {
    pub fn new(x: f64, y: f64) -> Self {
        Coord { x, y, z: None, m: None }
    }

    pub fn same_place(&self, other: &Coord) -> bool {
        self.x == other.x && self.y == other.y
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collection {
    Points,
    Lines,
    Polygons,
    Any,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Geometry {
    /// `None` = empty.
    Point(Option<Coord>),
    Line(Vec<Coord>),
    /// The exterior ring first.
    Polygon(Vec<Vec<Coord>>),
    Collection(Collection, Vec<Geometry>),
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GeometryError {
    #[error(transparent)]
    Stored(#[from] SpatialError),
    #[error("curves are not supported")]
    Curve,
    /// A number and text of the CLR types' own errors.
    #[error("System.FormatException: {0}: {1}")]
    Text(u32, String),
    #[error("System.ArgumentException: {0}: {1}")]
    Argument(u32, String),
}

type Result<T> = std::result::Result<T, GeometryError>;

/// Shape types of stored values.
mod kind {
    pub const POINT: u8 = 1;
    pub const LINE: u8 = 2;
    pub const POLYGON: u8 = 3;
    pub const POINTS: u8 = 4;
    pub const LINES: u8 = 5;
    pub const POLYGONS: u8 = 6;
    pub const ANY: u8 = 7;
}

/// SRID and shape of stored bytes.
pub fn decode(bytes: &[u8], geography: bool) -> Result<(i32, Geometry)> {
    let s = read(bytes, geography)?;
    let g = s.geometry(0, 0)?;
    Ok((s.srid, g))
}

impl Spatial {
    fn geometry(&self, index: usize, depth: usize) -> Result<Geometry> {
        if depth > DEPTH_MAX {
            return Err(SpatialError::Invalid { what: "nesting" }.into());
        }
        let shape = self.shapes.get(index).ok_or(SpatialError::Invalid { what: "shape" })?;
        let collection = match shape.kind {
            kind::POINTS => Some(Collection::Points),
            kind::LINES => Some(Collection::Lines),
            kind::POLYGONS => Some(Collection::Polygons),
            kind::ANY => Some(Collection::Any),
            _ => None,
        };
        if let Some(c) = collection {
            let parts = (index + 1..self.shapes.len())
                .filter(|&i| self.shapes[i].parent == index as i32)
                .map(|i| self.geometry(i, depth + 1))
                .collect::<Result<_>>()?;
            return Ok(Geometry::Collection(c, parts));
        }
        let figures = match usize::try_from(shape.figure) {
            Err(_) => 0..0,
            Ok(first) => {
                let next = self.shapes[index + 1..].iter().find_map(|s| usize::try_from(s.figure).ok());
                let end = next.unwrap_or(self.figures.len());
                if first > end || end > self.figures.len() {
                    return Err(SpatialError::Invalid { what: "figure" }.into());
                }
                first..end
            }
        };
        let mut rings = Vec::new();
        for f in figures {
            let points = self.figure_points(f)?;
            rings.push(points.iter().map(|p| Coord { x: p.x, y: p.y, z: p.z, m: p.m }).collect::<Vec<_>>());
        }
        match shape.kind {
            kind::POINT => Ok(Geometry::Point(rings.first().and_then(|r| r.first().copied()))),
            kind::LINE => Ok(Geometry::Line(rings.into_iter().next().unwrap_or_default())),
            kind::POLYGON => Ok(Geometry::Polygon(rings)),
            _ => Err(GeometryError::Curve),
        }
    }
}

/// Stored bytes of a shape.
pub fn encode(srid: i32, g: &Geometry, geography: bool, valid: bool) -> Vec<u8> {
    let mut s = Spatial { srid, points: vec![], figures: vec![], shapes: vec![], segments: vec![] };
    add(g, -1, &mut s);
    let has_z = s.points.iter().any(|p| p.z.is_some());
    let has_m = s.points.iter().any(|p| p.m.is_some());
    let simple = match (g, s.points.len()) {
        (Geometry::Point(Some(_)), 1) => 0x08,
        (Geometry::Line(_), 2) => 0x10,
        _ => 0,
    };
    let mut out = srid.to_le_bytes().to_vec();
    out.push(1);
    out.push(u8::from(has_z) | u8::from(has_m) << 1 | u8::from(valid) << 2 | simple);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    if simple == 0 {
        out.extend(count(s.points.len()));
    }
    for p in &s.points {
        let (a, b) = if geography { (p.y, p.x) } else { (p.x, p.y) };
        out.extend(a.to_le_bytes());
        out.extend(b.to_le_bytes());
    }
    if has_z {
        s.points.iter().for_each(|p| out.extend(p.z.unwrap_or(f64::NAN).to_le_bytes()));
    }
    if has_m {
        s.points.iter().for_each(|p| out.extend(p.m.unwrap_or(f64::NAN).to_le_bytes()));
    }
    if simple == 0 {
        out.extend(count(s.figures.len()));
        for (attribute, first) in &s.figures {
            out.push(*attribute);
            out.extend(first.to_le_bytes());
        }
        out.extend(count(s.shapes.len()));
        for shape in &s.shapes {
            out.extend(shape.parent.to_le_bytes());
            out.extend(shape.figure.to_le_bytes());
            out.push(shape.kind);
        }
    }
    out
}

fn add(g: &Geometry, parent: i32, s: &mut Spatial) {
    let index = s.shapes.len() as i32;
    let kind = match g {
        Geometry::Point(_) => kind::POINT,
        Geometry::Line(_) => kind::LINE,
        Geometry::Polygon(_) => kind::POLYGON,
        Geometry::Collection(Collection::Points, _) => kind::POINTS,
        Geometry::Collection(Collection::Lines, _) => kind::LINES,
        Geometry::Collection(Collection::Polygons, _) => kind::POLYGONS,
        Geometry::Collection(Collection::Any, _) => kind::ANY,
    };
    let first = s.figures.len();
    s.shapes.push(Shape { parent, figure: -1, kind });
    let mut figure = |attribute: u8, points: &[Coord]| {
        s.figures.push((attribute, s.points.len() as u32));
        s.points.extend(points.iter().map(|c| Stored { x: c.x, y: c.y, z: c.z, m: c.m }));
    };
    match g {
        Geometry::Point(Some(c)) => figure(1, &[*c]),
        Geometry::Line(points) if !points.is_empty() => figure(1, points),
        Geometry::Polygon(rings) => {
            for (i, ring) in rings.iter().enumerate() {
                figure(if i == 0 { 2 } else { 0 }, ring);
            }
        }
        Geometry::Collection(_, parts) => parts.iter().for_each(|p| add(p, index, s)),
        _ => {}
    }
    if s.figures.len() > first {
        s.shapes[index as usize].figure = first as i32;
    }
}

/// A shape from its well-known text.
pub fn parse(text: &str) -> Result<Geometry> {
    let mut p = Parser { text, at: 0 };
    let g = p.tagged(0)?;
    p.space();
    if p.at < text.len() {
        return Err(p.expected("end of input"));
    }
    Ok(g)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        let n = self.rest().len() - self.rest().trim_start().len();
        self.at += n;
    }

    fn expected(&self, what: &str) -> GeometryError {
        let found: String = self.rest().chars().take(20).collect();
        let text = format!("The expected input is {what}, but the actual input is \"{found}\".");
        GeometryError::Text(24141, text)
    }

    fn eat(&mut self, c: char) -> bool {
        self.space();
        let found = self.rest().starts_with(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn word(&mut self) -> String {
        self.space();
        let word: String = self.rest().chars().take_while(char::is_ascii_alphabetic).collect();
        self.at += word.len();
        word.to_ascii_uppercase()
    }

    fn empty(&mut self) -> bool {
        let before = self.at;
        let found = self.word() == "EMPTY";
        if !found {
            self.at = before;
        }
        found
    }

    fn number(&mut self) -> Result<f64> {
        self.space();
        let n: String =
            self.rest().chars().take_while(|c| c.is_ascii_digit() || "+-.eE".contains(*c)).collect();
        match n.parse::<f64>() {
            Ok(v) if v.is_finite() => {
                self.at += n.len();
                Ok(v)
            }
            _ => Err(self.expected("a number")),
        }
    }

    /// Z or M: a number, or NULL.
    fn optional(&mut self) -> Result<Option<Option<f64>>> {
        self.space();
        if self.rest().starts_with([',', ')']) || self.rest().is_empty() {
            return Ok(None);
        }
        let before = self.at;
        if self.word() == "NULL" {
            return Ok(Some(None));
        }
        self.at = before;
        Ok(Some(Some(self.number()?)))
    }

    fn coord(&mut self) -> Result<Coord> {
        let (x, y) = (self.number()?, self.number()?);
        let z = self.optional()?;
        let m = if z.is_some() { self.optional()? } else { None };
        Ok(Coord { x, y, z: z.flatten(), m: m.flatten() })
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        if self.empty() {
            return Ok(Vec::new());
        }
        if !self.eat('(') {
            return Err(self.expected("\"(\""));
        }
        let mut out = vec![one(self)?];
        while self.eat(',') {
            out.push(one(self)?);
        }
        if !self.eat(')') {
            return Err(self.expected("\")\""));
        }
        Ok(out)
    }

    fn point(&mut self) -> Result<Geometry> {
        let points = self.list(Self::coord)?;
        if points.len() > 1 {
            return Err(self.expected("\")\""));
        }
        Ok(Geometry::Point(points.first().copied()))
    }

    fn line(&mut self) -> Result<Geometry> {
        let points = self.list(Self::coord)?;
        let distinct = points.first().is_some_and(|f| points.iter().any(|p| !p.same_place(f)));
        if !points.is_empty() && !distinct {
            let text = "The LineString input is not valid because it does not have enough distinct points. A LineString must have at least two distinct points.";
            return Err(GeometryError::Text(24117, text.into()));
        }
        Ok(Geometry::Line(points))
    }

    fn polygon(&mut self) -> Result<Geometry> {
        let rings = self.list(|p| p.list(Self::coord))?;
        for ring in &rings {
            if ring.len() < 4 {
                let text = "The Polygon input is not valid because the ring does not have enough distinct points. Each ring of a polygon must contain at least three distinct points.";
                return Err(GeometryError::Text(24305, text.into()));
            }
            if !ring[0].same_place(&ring[ring.len() - 1]) {
                let text = "The Polygon input is not valid because the start and end points of the ring are not the same. Each ring of a polygon must have the same start and end points.";
                return Err(GeometryError::Text(24306, text.into()));
            }
        }
        Ok(Geometry::Polygon(rings))
    }

    fn tagged(&mut self, depth: usize) -> Result<Geometry> {
        if depth > DEPTH_MAX {
            return Err(SpatialError::Invalid { what: "nesting" }.into());
        }
        self.space();
        let label = self.word();
        Ok(match label.as_str() {
            "POINT" => self.point()?,
            "LINESTRING" => self.line()?,
            "POLYGON" => self.polygon()?,
            "MULTIPOINT" => {
                // The points of a multipoint may stand without their own parentheses.
                let one = |p: &mut Self| {
                    p.space();
                    if p.rest().starts_with('(')
                        || p.rest().get(..5).is_some_and(|e| e.eq_ignore_ascii_case("EMPTY"))
                    {
                        p.point()
                    } else {
                        Ok(Geometry::Point(Some(p.coord()?)))
                    }
                };
                Geometry::Collection(Collection::Points, self.list(one)?)
            }
            "MULTILINESTRING" => Geometry::Collection(Collection::Lines, self.list(Self::line)?),
            "MULTIPOLYGON" => Geometry::Collection(Collection::Polygons, self.list(Self::polygon)?),
            "GEOMETRYCOLLECTION" => {
                Geometry::Collection(Collection::Any, self.list(|p| p.tagged(depth + 1))?)
            }
            "CIRCULARSTRING" | "COMPOUNDCURVE" | "CURVEPOLYGON" | "FULLGLOBE" => {
                return Err(GeometryError::Curve);
            }
            _ => {
                let text = format!(
                    "The label {label} in the input well-known text (WKT) is not valid. Valid labels are POINT, LINESTRING, POLYGON, MULTIPOINT, MULTILINESTRING, MULTIPOLYGON, GEOMETRYCOLLECTION, CIRCULARSTRING, COMPOUNDCURVE, CURVEPOLYGON and FULLGLOBE (geography Data Type only)."
                );
                return Err(GeometryError::Text(24114, text));
            }
        })
    }
}

impl Geometry {
    /// All points in order.
    pub fn points(&self) -> Vec<Coord> {
        match self {
            Geometry::Point(p) => p.iter().copied().collect(),
            Geometry::Line(l) => l.clone(),
            Geometry::Polygon(rings) => rings.concat(),
            Geometry::Collection(_, parts) => parts.iter().flat_map(Geometry::points).collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.points().is_empty()
    }

    /// 0 points, 1 lines, 2 areas; -1 nothing.
    pub fn dimension(&self) -> i32 {
        match self {
            _ if self.is_empty() => -1,
            Geometry::Point(_) => 0,
            Geometry::Line(_) => 1,
            Geometry::Polygon(_) => 2,
            Geometry::Collection(_, parts) => parts.iter().map(Geometry::dimension).max().unwrap_or(-1),
        }
    }

    /// The simple shapes that it is made of.
    pub fn parts(&self) -> Vec<&Geometry> {
        match self {
            Geometry::Collection(_, parts) => parts.iter().flat_map(Geometry::parts).collect(),
            g => vec![g],
        }
    }

    /// Line segments of lines and rings.
    pub fn segments(&self) -> Vec<(Coord, Coord)> {
        let of = |l: &[Coord]| l.windows(2).map(|w| (w[0], w[1])).collect::<Vec<_>>();
        self.parts()
            .into_iter()
            .flat_map(|p| match p {
                Geometry::Line(l) => of(l),
                Geometry::Polygon(rings) => rings.iter().flat_map(|r| of(r)).collect(),
                _ => Vec::new(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spatial::to_wkt;

    #[test]
    fn texts_come_back_through_the_bytes() {
        for text in [
            "POINT (1 2)",
            "POINT (1 2 3 4)",
            "POINT EMPTY",
            "LINESTRING (0 0, 3 4)",
            "LINESTRING (0 0, 3 4, 5 5)",
            "POLYGON ((0 0, 0 3, 3 3, 3 0, 0 0), (1 1, 1 2, 2 2, 1 1))",
            "MULTIPOINT ((1 2), (3 4))",
            "MULTIPOLYGON (((0 0, 0 1, 1 1, 0 0)), ((5 5, 5 6, 6 6, 5 5)))",
            "GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (0 0, 1 1))",
        ] {
            let g = parse(text).unwrap();
            for geography in [false, true] {
                let bytes = encode(4326, &g, geography, true);
                assert_eq!(to_wkt(&bytes, geography).unwrap(), text);
                assert_eq!(decode(&bytes, geography).unwrap(), (4326, g.clone()));
            }
        }
        assert!(parse("POINT (1)").is_err());
        assert!(parse("LINESTRING (1 1)").is_err());
        assert!(parse("POLYGON ((0 0, 1 1, 2 2, 3 3))").is_err());
        assert!(parse("BLOB (1 1)").is_err());
        assert!(parse(&"GEOMETRYCOLLECTION (".repeat(5000)).is_err());
    }
}
