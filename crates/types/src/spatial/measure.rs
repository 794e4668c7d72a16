//! Measures and relations of planar shapes, and distances on the ellipsoid.
//!
//! Invariants
//! 1. A relation is decided by where points lie: the vertices, and the middles of the pieces into which the other shape cuts
//!    the lines. Coordinates are compared as they are, without a tolerance.
//! 2. [`geodesic`] is Vincenty's inverse formula on the reference ellipsoid; points nearly opposite each other do not converge
//!    and give `None`.
//!
//! Evidence: OGC Simple Features (relations); T. Vincenty, Survey Review 23 (1975).

use super::geometry::{Coord, Geometry};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    Inside,
    Boundary,
    Outside,
}

fn cross(o: Coord, a: Coord, b: Coord) -> f64 {
    (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x)
}

fn between(a: Coord, b: Coord, p: Coord) -> bool {
    p.x >= a.x.min(b.x) && p.x <= a.x.max(b.x) && p.y >= a.y.min(b.y) && p.y <= a.y.max(b.y)
}

fn on_segment(a: Coord, b: Coord, p: Coord) -> bool {
    cross(a, b, p) == 0.0 && between(a, b, p)
}

fn ring_area(ring: &[Coord]) -> f64 {
    ring.windows(2).map(|w| w[0].x * w[1].y - w[1].x * w[0].y).sum::<f64>() / 2.0
}

fn in_ring(ring: &[Coord], p: Coord) -> Where {
    let mut inside = false;
    for w in ring.windows(2) {
        let (a, b) = (w[0], w[1]);
        if on_segment(a, b, p) {
            return Where::Boundary;
        }
        if (a.y > p.y) != (b.y > p.y) {
            let x = a.x + (p.y - a.y) / (b.y - a.y) * (b.x - a.x);
            if p.x < x {
                inside = !inside;
            }
        }
    }
    if inside { Where::Inside } else { Where::Outside }
}

/// Where a point lies with respect to a shape.
pub fn locate(g: &Geometry, p: Coord) -> Where {
    match g {
        Geometry::Point(c) => match c {
            Some(c) if c.same_place(&p) => Where::Inside,
            _ => Where::Outside,
        },
        Geometry::Line(l) => {
            if !l.windows(2).any(|w| on_segment(w[0], w[1], p)) {
                return Where::Outside;
            }
            let ends = [l[0], l[l.len() - 1]];
            let closed = ends[0].same_place(&ends[1]);
            if !closed && ends.iter().any(|e| e.same_place(&p)) { Where::Boundary } else { Where::Inside }
        }
        Geometry::Polygon(rings) => {
            let Some((outer, holes)) = rings.split_first() else { return Where::Outside };
            let at = in_ring(outer, p);
            if at != Where::Inside {
                return at;
            }
            for hole in holes {
                match in_ring(hole, p) {
                    Where::Inside => return Where::Outside,
                    Where::Boundary => return Where::Boundary,
                    Where::Outside => {}
                }
            }
            Where::Inside
        }
        Geometry::Collection(_, parts) => {
            let found: Vec<Where> = parts.iter().map(|g| locate(g, p)).collect();
            if found.contains(&Where::Inside) {
                Where::Inside
            } else if found.contains(&Where::Boundary) {
                Where::Boundary
            } else {
                Where::Outside
            }
        }
    }
}

/// Area of polygons.
pub fn area(g: &Geometry) -> f64 {
    g.parts()
        .into_iter()
        .map(|p| match p {
            Geometry::Polygon(rings) => rings
                .iter()
                .enumerate()
                .map(|(i, r)| if i == 0 { ring_area(r).abs() } else { -ring_area(r).abs() })
                .sum(),
            _ => 0.0,
        })
        .sum()
}

/// Length of lines and rings.
pub fn length(g: &Geometry) -> f64 {
    g.segments().iter().map(|(a, b)| (a.x - b.x).hypot(a.y - b.y)).sum()
}

/// Centre of gravity of polygons; `None` without area.
pub fn centroid(g: &Geometry) -> Option<Coord> {
    let (mut x, mut y, mut total) = (0.0, 0.0, 0.0);
    for part in g.parts() {
        let Geometry::Polygon(rings) = part else { continue };
        for (i, ring) in rings.iter().enumerate() {
            // Holes take away, whichever way they turn.
            let sign = ring_area(ring).signum() * if i == 0 { 1.0 } else { -1.0 };
            for w in ring.windows(2) {
                let c = (w[0].x * w[1].y - w[1].x * w[0].y) * sign;
                x += (w[0].x + w[1].x) * c;
                y += (w[0].y + w[1].y) * c;
                total += c;
            }
        }
    }
    (total != 0.0).then(|| Coord::new(x / (3.0 * total), y / (3.0 * total)))
}

/// The smallest rectangle along the axes; a point or line where it has no area.
pub fn envelope(g: &Geometry) -> Geometry {
    let points = g.points();
    let Some(first) = points.first() else {
        return Geometry::Collection(super::geometry::Collection::Any, vec![]);
    };
    let (mut low, mut high) = (*first, *first);
    for p in &points {
        low = Coord::new(low.x.min(p.x), low.y.min(p.y));
        high = Coord::new(high.x.max(p.x), high.y.max(p.y));
    }
    if low.same_place(&high) {
        return Geometry::Point(Some(Coord::new(low.x, low.y)));
    }
    if low.x == high.x || low.y == high.y {
        return Geometry::Line(vec![Coord::new(low.x, low.y), high]);
    }
    let corner = Coord::new;
    Geometry::Polygon(vec![vec![
        corner(low.x, low.y),
        corner(high.x, low.y),
        corner(high.x, high.y),
        corner(low.x, high.y),
        corner(low.x, low.y),
    ]])
}

/// Whether two segments share a point.
fn meet(a: (Coord, Coord), b: (Coord, Coord)) -> bool {
    let (d1, d2) = (cross(b.0, b.1, a.0), cross(b.0, b.1, a.1));
    let (d3, d4) = (cross(a.0, a.1, b.0), cross(a.0, a.1, b.1));
    let opposite = |x: f64, y: f64| (x > 0.0 && y < 0.0) || (x < 0.0 && y > 0.0);
    (opposite(d1, d2) && opposite(d3, d4))
        || on_segment(b.0, b.1, a.0)
        || on_segment(b.0, b.1, a.1)
        || on_segment(a.0, a.1, b.0)
        || on_segment(a.0, a.1, b.1)
}

/// Whether the shapes share a point.
pub fn intersects(a: &Geometry, b: &Geometry) -> bool {
    let touches = |g: &Geometry, points: &[Coord]| points.iter().any(|p| locate(g, *p) != Where::Outside);
    if touches(a, &b.points()) || touches(b, &a.points()) {
        return true;
    }
    let others = b.segments();
    a.segments().iter().any(|s| others.iter().any(|o| meet(*s, *o)))
}

/// Points that stand for every piece into which `cuts` cut the lines of a shape: its vertices and the middles of the pieces.
fn samples(g: &Geometry, cuts: &[(Coord, Coord)]) -> Vec<Coord> {
    let mut out = g.points();
    for (a, b) in g.segments() {
        let mut at = vec![0.0, 1.0];
        for (c, d) in cuts {
            let (dx, dy) = (b.x - a.x, b.y - a.y);
            let (ex, ey) = (d.x - c.x, d.y - c.y);
            let turn = dx * ey - dy * ex;
            if turn != 0.0 {
                at.push(((c.x - a.x) * ey - (c.y - a.y) * ex) / turn);
            } else {
                let square = dx * dx + dy * dy;
                at.extend([c, d].map(|p| ((p.x - a.x) * dx + (p.y - a.y) * dy) / square));
            }
        }
        at.retain(|t| (0.0..=1.0).contains(t));
        at.sort_by(f64::total_cmp);
        for w in at.windows(2) {
            if w[1] > w[0] {
                let t = (w[0] + w[1]) / 2.0;
                out.push(Coord::new(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t));
            }
        }
    }
    out
}

/// Whether no point of `b` lies outside `a`.
pub fn covers(a: &Geometry, b: &Geometry) -> bool {
    if b.is_empty() || a.dimension() < b.dimension() {
        return false;
    }
    let all_in = samples(b, &a.segments()).iter().all(|p| locate(a, *p) != Where::Outside);
    // A hole of `a` may lie in the middle of an area of `b`.
    let no_hole = b.dimension() < 2
        || samples(a, &b.segments())
            .iter()
            .all(|p| locate(b, *p) != Where::Inside || locate(a, *p) == Where::Inside);
    all_in && no_hole
}

/// STContains: `a` covers `b`, and their interiors meet.
pub fn contains(a: &Geometry, b: &Geometry) -> bool {
    if !covers(a, b) {
        return false;
    }
    // An area within an area always shares interior points; others need one that shows it.
    b.dimension() == 2
        || samples(b, &a.segments())
            .iter()
            .any(|p| locate(a, *p) == Where::Inside && locate(b, *p) == Where::Inside)
}

pub fn equals(a: &Geometry, b: &Geometry) -> bool {
    (a.is_empty() && b.is_empty()) || (covers(a, b) && covers(b, a))
}

fn from_segment(p: Coord, (a, b): (Coord, Coord)) -> f64 {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let square = dx * dx + dy * dy;
    let t =
        if square == 0.0 { 0.0 } else { (((p.x - a.x) * dx + (p.y - a.y) * dy) / square).clamp(0.0, 1.0) };
    (p.x - a.x - dx * t).hypot(p.y - a.y - dy * t)
}

/// Shortest distance; `None` when one of them is empty.
pub fn distance(a: &Geometry, b: &Geometry) -> Option<f64> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    if intersects(a, b) {
        return Some(0.0);
    }
    let one_way = |g: &Geometry, h: &Geometry| {
        let segments = h.segments();
        let points = h.points();
        g.points()
            .into_iter()
            .flat_map(|p| {
                let to_points = points.iter().map(move |q| (p.x - q.x).hypot(p.y - q.y));
                let to_segments = segments.iter().map(move |s| from_segment(p, *s));
                to_points.chain(to_segments).collect::<Vec<f64>>()
            })
            .fold(f64::INFINITY, f64::min)
    };
    Some(one_way(a, b).min(one_way(b, a)))
}

/// The smallest convex shape around all points.
pub fn convex_hull(g: &Geometry) -> Geometry {
    let mut points: Vec<Coord> = g.points().into_iter().map(|p| Coord::new(p.x, p.y)).collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    points.dedup_by(|a, b| a.same_place(b));
    match points.as_slice() {
        [] => return Geometry::Collection(super::geometry::Collection::Any, vec![]),
        [one] => return Geometry::Point(Some(*one)),
        _ => {}
    }
    let chain = |points: &mut dyn Iterator<Item = Coord>| {
        let mut out: Vec<Coord> = Vec::new();
        for p in points {
            while out.len() >= 2 && cross(out[out.len() - 2], out[out.len() - 1], p) <= 0.0 {
                out.pop();
            }
            out.push(p);
        }
        out
    };
    let mut hull = chain(&mut points.iter().copied());
    let upper = chain(&mut points.iter().rev().copied());
    hull.pop();
    hull.extend(upper);
    if hull.len() <= 3 {
        return Geometry::Line(vec![points[0], points[points.len() - 1]]);
    }
    Geometry::Polygon(vec![hull])
}

/// Whether lines and rings do what their kind asks: rings do not cross themselves or each other.
pub fn is_valid(g: &Geometry) -> bool {
    g.parts().into_iter().all(|p| match p {
        Geometry::Polygon(rings) => {
            let all: Vec<(usize, usize, usize, (Coord, Coord))> = rings
                .iter()
                .enumerate()
                .flat_map(|(r, ring)| {
                    let n = ring.len().saturating_sub(1);
                    ring.windows(2).enumerate().map(move |(i, w)| (r, i, n, (w[0], w[1])))
                })
                .collect();
            all.iter().enumerate().all(|(k, (r, i, n, s))| {
                all[k + 1..].iter().all(|(q, j, _, t)| {
                    let neighbours = r == q && (j - i == 1 || (*i == 0 && *j + 1 == *n));
                    neighbours || !meet(*s, *t)
                })
            })
        }
        _ => true,
    })
}

/// Semi-axes of the ellipsoids behind the usual geographic reference systems.
pub fn ellipsoid(srid: i32) -> Option<(f64, f64)> {
    match srid {
        4326 | 4979 => Some((6_378_137.0, 6_356_752.314_245_179)),
        4269 | 4258 | 4283 | 4167 => Some((6_378_137.0, 6_356_752.314_140_356)),
        _ => None,
    }
}

/// Distance in metres between two points given in degrees (x longitude, y latitude).
pub fn geodesic(p: Coord, q: Coord, (a, b): (f64, f64)) -> Option<f64> {
    if p.same_place(&q) {
        return Some(0.0);
    }
    let f = (a - b) / a;
    let u1 = ((1.0 - f) * p.y.to_radians().tan()).atan();
    let u2 = ((1.0 - f) * q.y.to_radians().tan()).atan();
    let l = (q.x - p.x).to_radians();
    let (s1, c1, s2, c2) = (u1.sin(), u1.cos(), u2.sin(), u2.cos());
    let mut lambda = l;
    for _ in 0..200 {
        let (sl, cl) = (lambda.sin(), lambda.cos());
        let sin_sigma = ((c2 * sl).powi(2) + (c1 * s2 - s1 * c2 * cl).powi(2)).sqrt();
        if sin_sigma == 0.0 {
            return Some(0.0);
        }
        let cos_sigma = s1 * s2 + c1 * c2 * cl;
        let sigma = sin_sigma.atan2(cos_sigma);
        let sin_alpha = c1 * c2 * sl / sin_sigma;
        let cos2_alpha = 1.0 - sin_alpha * sin_alpha;
        let cos_2m = if cos2_alpha == 0.0 { 0.0 } else { cos_sigma - 2.0 * s1 * s2 / cos2_alpha };
        let c = f / 16.0 * cos2_alpha * (4.0 + f * (4.0 - 3.0 * cos2_alpha));
        let before = lambda;
        lambda = l
            + (1.0 - c)
                * f
                * sin_alpha
                * (sigma + c * sin_sigma * (cos_2m + c * cos_sigma * (-1.0 + 2.0 * cos_2m * cos_2m)));
        if (lambda - before).abs() < 1e-13 {
            let u = cos2_alpha * (a * a - b * b) / (b * b);
            let big_a = 1.0 + u / 16384.0 * (4096.0 + u * (-768.0 + u * (320.0 - 175.0 * u)));
            let big_b = u / 1024.0 * (256.0 + u * (-128.0 + u * (74.0 - 47.0 * u)));
            let delta = big_b
                * sin_sigma
                * (cos_2m
                    + big_b / 4.0
                        * (cos_sigma * (-1.0 + 2.0 * cos_2m * cos_2m)
                            - big_b / 6.0
                                * cos_2m
                                * (-3.0 + 4.0 * sin_sigma * sin_sigma)
                                * (-3.0 + 4.0 * cos_2m * cos_2m)));
            return Some(b * big_a * (sigma - delta));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::geometry::parse;
    use super::*;

    fn g(text: &str) -> Geometry {
        parse(text).unwrap()
    }

    #[test]
    fn measures() {
        let square = g("POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 1 2, 2 2, 2 1, 1 1))");
        assert_eq!(area(&square), 15.0);
        assert_eq!(length(&square), 20.0);
        assert_eq!(centroid(&g("POLYGON ((0 0, 0 3, 3 3, 3 0, 0 0))")), Some(Coord::new(1.5, 1.5)));
        assert_eq!(distance(&g("POINT (0 0)"), &g("POINT (3 4)")), Some(5.0));
        assert_eq!(distance(&square, &g("POINT (7 8)")), Some(5.0));
        assert_eq!(distance(&square, &g("POINT (1.5 1.5)")), Some(0.5));
        assert_eq!(distance(&g("LINESTRING (0 0, 0 9)"), &g("LINESTRING (2 4, 5 4)")), Some(2.0));
    }

    #[test]
    fn relations() {
        let square = g("POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))");
        let holed = g("POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (3 3, 3 6, 6 6, 6 3, 3 3))");
        assert!(contains(&square, &g("POINT (1 1)")));
        assert!(!contains(&square, &g("POINT (0 0)")), "a corner is not inside");
        assert!(intersects(&square, &g("POINT (0 0)")));
        assert!(contains(&square, &g("LINESTRING (0 0, 4 4)")));
        assert!(!contains(&square, &g("LINESTRING (0 0, 4 0)")), "an edge is boundary only");
        assert!(!contains(&holed, &g("POLYGON ((2 2, 7 2, 7 7, 2 7, 2 2))")), "the hole is missing");
        assert!(contains(&holed, &g("POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))")));
        assert!(equals(&square, &g("POLYGON ((4 4, 0 4, 0 0, 4 0, 4 4))")));
        assert!(equals(&g("LINESTRING (0 0, 2 2)"), &g("LINESTRING (2 2, 1 1, 0 0)")));
        assert!(intersects(&g("LINESTRING (0 0, 2 2)"), &g("LINESTRING (0 2, 2 0)")));
        assert!(!intersects(&square, &g("POINT (5 5)")));
        assert!(!is_valid(&g("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))")), "a bow tie");
        assert!(is_valid(&holed));
    }

    #[test]
    fn distances_on_the_ellipsoid() {
        // One degree along the equator, and a quarter of a meridian, of WGS 84.
        let wgs = ellipsoid(4326).unwrap();
        let degree = geodesic(Coord::new(0.0, 0.0), Coord::new(1.0, 0.0), wgs).unwrap();
        assert!((degree - 111_319.490_793).abs() < 1e-3, "{degree}");
        let quarter = geodesic(Coord::new(0.0, 0.0), Coord::new(0.0, 90.0), wgs).unwrap();
        assert!((quarter - 10_001_965.729).abs() < 1e-2, "{quarter}");
    }
}
