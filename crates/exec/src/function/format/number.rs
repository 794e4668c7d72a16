//! Numbers by format string.

use holdfast_types::{SqlType, Value};

use super::culture::Culture;

/// A number as decimal digits: `digits` with the decimal point before position `point`.
pub struct Number {
    negative: bool,
    digits: Vec<u8>,
    point: i32,
    integer: bool,
    /// Significant digits of a float (15) or real (7).
    float: Option<usize>,
}

impl Number {
    /// `None` for values that are no numbers.
    pub fn of(v: &Value, ty: &SqlType) -> Option<Number> {
        let exact = |mantissa: i128, scale: i32, integer: bool| {
            let digits: Vec<u8> = mantissa.unsigned_abs().to_string().bytes().map(|b| b - b'0').collect();
            let point = digits.len() as i32 - scale;
            Number { negative: mantissa < 0, digits, point, integer, float: None }
        };
        Some(match v {
            Value::TinyInt(n) => exact(i128::from(*n), 0, true),
            Value::SmallInt(n) => exact(i128::from(*n), 0, true),
            Value::Int(n) => exact(i128::from(*n), 0, true),
            Value::BigInt(n) => exact(i128::from(*n), 0, true),
            Value::Decimal(d) => {
                let d = d.rescale(ty.scale).unwrap_or(*d);
                exact(d.mantissa, i32::from(d.scale), false)
            }
            Value::Money(n) => exact(i128::from(*n), 4, false),
            Value::SmallMoney(n) => exact(i128::from(*n), 4, false),
            Value::Float(f) => Self::of_float(*f, 15)?,
            Value::Real(f) => Self::of_float(f64::from(*f), 7)?,
            _ => return None,
        })
    }

    fn of_float(f: f64, significant: usize) -> Option<Number> {
        let text = format!("{:.*e}", significant - 1, f.abs());
        let (mantissa, exponent) = text.split_once('e')?;
        let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
        let exponent: i32 = exponent.parse().ok()?;
        Some(Number {
            negative: f < 0.0,
            digits,
            point: exponent + 1,
            integer: false,
            float: Some(significant),
        })
    }

    fn is_zero(&self) -> bool {
        self.digits.iter().all(|d| *d == 0)
    }

    /// Digits before and after the point, rounded to `places` half away from zero.
    fn fixed(&self, places: usize) -> (String, String) {
        let keep = self.point + places as i32;
        let mut digits = self.digits.clone();
        let mut point = self.point;
        if keep < 0 {
            digits.clear();
        } else if (keep as usize) < digits.len() {
            let up = digits[keep as usize] >= 5;
            digits.truncate(keep as usize);
            if up {
                let mut i = digits.len();
                loop {
                    if i == 0 {
                        digits.insert(0, 1);
                        point += 1;
                        break;
                    }
                    i -= 1;
                    if digits[i] == 9 {
                        digits[i] = 0;
                    } else {
                        digits[i] += 1;
                        break;
                    }
                }
            }
        }
        let at = |i: i32| usize::try_from(i).ok().and_then(|i| digits.get(i)).copied().unwrap_or(0);
        let whole: String = (0..point.max(0)).map(|i| char::from(b'0' + at(i))).collect();
        let whole = whole.trim_start_matches('0');
        let fraction = (0..places as i32).map(|i| char::from(b'0' + at(point + i))).collect();
        (if whole.is_empty() { "0".to_owned() } else { whole.to_owned() }, fraction)
    }

    fn scaled(&self, power: i32) -> Number {
        Number { digits: self.digits.clone(), point: self.point + power, ..*self }
    }

    /// Mantissa with `places` digits behind the first, and exponent.
    fn scientific(&self, places: usize) -> (String, String, i32) {
        let first = self.digits.iter().position(|d| *d != 0).unwrap_or(0);
        let exponent = if self.is_zero() { 0 } else { self.point - 1 - first as i32 };
        let (whole, fraction) = self.scaled(-exponent).fixed(places);
        if whole.len() > 1 {
            return (
                whole[..1].to_owned(),
                format!("{}{fraction}", &whole[1..])[..places].to_owned(),
                exponent + 1,
            );
        }
        (whole, fraction, exponent)
    }
}

fn grouped(whole: &str, separator: &str) -> String {
    let mut out = String::new();
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push_str(separator);
        }
        out.push(c);
    }
    out
}

fn with_fraction(whole: String, fraction: &str, c: &Culture) -> String {
    if fraction.is_empty() { whole } else { format!("{whole}{}{fraction}", c.decimal) }
}

fn exponent_text(e: i32, least: usize, plus: bool) -> String {
    let sign = if e < 0 {
        "-"
    } else if plus {
        "+"
    } else {
        ""
    };
    format!("{sign}{:0least$}", e.unsigned_abs())
}

/// The general form: no zeros at the end, scientific when the exponent is large.
fn general(n: &Number, precision: Option<usize>, upper: bool, c: &Culture) -> String {
    let sign = if n.negative && !n.is_zero() { "-" } else { "" };
    let significant = precision.filter(|p| *p > 0).or(n.float);
    let exact_decimal = significant.is_none();
    if exact_decimal {
        let places = (n.digits.len() as i32 - n.point).max(0) as usize;
        let (whole, fraction) = n.fixed(places);
        return format!("{sign}{}", with_fraction(whole, &fraction, c));
    }
    let significant = significant.unwrap_or(15);
    let (first, rest, exponent) = n.scientific(significant - 1);
    if exponent >= significant as i32 || exponent < -5 {
        let rest = rest.trim_end_matches('0');
        let e = if upper { "E" } else { "e" };
        return format!("{sign}{}{e}{}", with_fraction(first, rest, c), exponent_text(exponent, 2, true));
    }
    let places = (significant as i32 - 1 - exponent).max(0) as usize;
    let (whole, fraction) = n.fixed(places);
    format!("{sign}{}", with_fraction(whole, fraction.trim_end_matches('0'), c))
}

/// Formats a number; `None` when the format is not one for it.
pub fn format(n: &Number, format: &str, c: &Culture) -> Option<String> {
    let mut letters = format.chars();
    let Some(first) = letters.next() else { return Some(general(n, None, true, c)) };
    let rest = letters.as_str();
    let is_standard =
        first.is_ascii_alphabetic() && rest.len() <= 2 && rest.bytes().all(|b| b.is_ascii_digit());
    if !is_standard {
        return custom(n, format, c);
    }
    let precision: Option<usize> = rest.parse().ok();
    let signed = |text: String, zero: bool| if n.negative && !zero { format!("-{text}") } else { text };
    let zero = |w: &str, f: &str| w.bytes().chain(f.bytes()).all(|b| b == b'0');
    Some(match first {
        'C' | 'c' => {
            let (whole, fraction) = n.fixed(precision.unwrap_or(2));
            let none = zero(&whole, &fraction);
            let text = with_fraction(grouped(&whole, c.group), &fraction, c);
            let pattern = if n.negative && !none { c.currency_negative } else { c.currency_positive };
            pattern.replace('n', "\u{1}").replace('$', c.currency).replace('\u{1}', &text)
        }
        'N' | 'n' => {
            let (whole, fraction) = n.fixed(precision.unwrap_or(2));
            let none = zero(&whole, &fraction);
            signed(with_fraction(grouped(&whole, c.group), &fraction, c), none)
        }
        'F' | 'f' => {
            let (whole, fraction) = n.fixed(precision.unwrap_or(2));
            let none = zero(&whole, &fraction);
            signed(with_fraction(whole, &fraction, c), none)
        }
        'P' | 'p' => {
            let (whole, fraction) = n.scaled(2).fixed(precision.unwrap_or(2));
            let none = zero(&whole, &fraction);
            let text = with_fraction(grouped(&whole, c.group), &fraction, c);
            signed(c.percent.replace('n', &text), none)
        }
        'D' | 'd' if n.integer => {
            let (whole, _) = n.fixed(0);
            signed(format!("{whole:0>width$}", width = precision.unwrap_or(1)), n.is_zero())
        }
        'E' | 'e' => {
            let (whole, fraction, exponent) = n.scientific(precision.unwrap_or(6));
            let text = with_fraction(whole, &fraction, c);
            signed(format!("{text}{first}{}", exponent_text(exponent, 3, true)), n.is_zero())
        }
        'G' | 'g' => general(n, precision, first == 'G', c),
        'R' | 'r' if n.float.is_some() => general(n, None, true, c),
        'X' | 'x' if n.integer => {
            let (whole, _) = n.fixed(0);
            let magnitude: i128 = whole.parse().ok()?;
            let value = if n.negative { -magnitude } else { magnitude } as i64;
            let value = if let Ok(v) = i32::try_from(value) { u64::from(v as u32) } else { value as u64 };
            let width = precision.unwrap_or(1);
            if first == 'X' { format!("{value:0width$X}") } else { format!("{value:0width$x}") }
        }
        _ => return None,
    })
}

/// One section of a custom format: literals are kept apart from placeholders.
#[derive(Clone, PartialEq)]
enum Part {
    Zero,
    Digit,
    Point,
    Literal(String),
    /// Least digits of the exponent, whether a plus sign is shown, the letter.
    Exponent(usize, bool, char),
}

struct Section {
    parts: Vec<Part>,
    grouping: bool,
    power: i32,
}

fn sections(format: &str) -> Option<Vec<Section>> {
    let mut all = Vec::new();
    let mut current = Section { parts: Vec::new(), grouping: false, power: 0 };
    let chars: Vec<char> = format.chars().collect();
    let mut commas = 0;
    let mut seen_point = false;
    let mut i = 0;
    let literal = |parts: &mut Vec<Part>, text: &str| match parts.last_mut() {
        Some(Part::Literal(l)) => l.push_str(text),
        _ => parts.push(Part::Literal(text.to_owned())),
    };
    while i < chars.len() {
        let ch = chars[i];
        i += 1;
        match ch {
            '0' | '#' => {
                if commas > 0 && !seen_point {
                    current.grouping = true;
                }
                commas = 0;
                current.parts.push(if ch == '0' { Part::Zero } else { Part::Digit });
            }
            ',' => {
                if !seen_point && current.parts.iter().any(|p| matches!(p, Part::Zero | Part::Digit)) {
                    commas += 1;
                }
            }
            '.' => {
                current.power -= 3 * std::mem::take(&mut commas);
                if !seen_point {
                    current.parts.push(Part::Point);
                }
                seen_point = true;
            }
            '%' => {
                current.power += 2;
                literal(&mut current.parts, "%");
            }
            '‰' => {
                current.power += 3;
                literal(&mut current.parts, "‰");
            }
            'E' | 'e' => {
                let mut j = i;
                let plus = chars.get(j) == Some(&'+');
                if plus || chars.get(j) == Some(&'-') {
                    j += 1;
                }
                let zeros = chars[j.min(chars.len())..].iter().take_while(|c| **c == '0').count();
                if zeros > 0 {
                    current.parts.push(Part::Exponent(zeros, plus, ch));
                    i = j + zeros;
                } else {
                    literal(&mut current.parts, &ch.to_string());
                }
            }
            '\\' => {
                if let Some(c) = chars.get(i) {
                    literal(&mut current.parts, &c.to_string());
                    i += 1;
                }
            }
            '\'' | '"' => {
                let end = chars[i..].iter().position(|c| *c == ch).unwrap_or(chars.len() - i);
                literal(&mut current.parts, &chars[i..i + end].iter().collect::<String>());
                i += end + 1;
            }
            ';' => {
                current.power -= 3 * std::mem::take(&mut commas);
                let next = Section { parts: Vec::new(), grouping: false, power: 0 };
                all.push(std::mem::replace(&mut current, next));
                seen_point = false;
            }
            other => literal(&mut current.parts, &other.to_string()),
        }
    }
    current.power -= 3 * commas;
    all.push(current);
    (all.len() <= 3).then_some(all)
}

fn custom(n: &Number, format: &str, c: &Culture) -> Option<String> {
    let list = sections(format)?;
    let places = |s: &Section| {
        s.parts
            .iter()
            .skip_while(|p| **p != Part::Point)
            .filter(|p| matches!(p, Part::Zero | Part::Digit))
            .count()
    };
    let rounds_to_zero = |s: &Section| {
        let (w, f) = n.scaled(s.power).fixed(places(s));
        w.bytes().chain(f.bytes()).all(|b| b == b'0')
    };
    let mut own_sign = false;
    let section = match list.as_slice() {
        [_, _, zero] if n.is_zero() || rounds_to_zero(&list[usize::from(n.negative)]) => zero,
        [_, negative, ..] if n.negative && !negative.parts.is_empty() => {
            own_sign = true;
            negative
        }
        [first, ..] => first,
        [] => return None,
    };
    if section.parts.is_empty() {
        return Some(if n.negative && !own_sign { "-".into() } else { String::new() });
    }
    let fraction_places = places(section);
    let exponent = section.parts.iter().find_map(|p| match p {
        Part::Exponent(least, plus, letter) => Some((*least, *plus, *letter)),
        _ => None,
    });
    let whole_places = section
        .parts
        .iter()
        .take_while(|p| !matches!(p, Part::Point | Part::Exponent(..)))
        .filter(|p| matches!(p, Part::Zero | Part::Digit))
        .count();
    let mut e = 0;
    let (whole, fraction) = if exponent.is_some() {
        let (_, _, exp) = n.scientific(whole_places.max(1) - 1 + fraction_places);
        e = exp - (whole_places.max(1) as i32 - 1);
        n.scaled(-e).fixed(fraction_places)
    } else {
        n.scaled(section.power).fixed(fraction_places)
    };
    let none = whole.bytes().chain(fraction.bytes()).all(|b| b == b'0');
    let whole = if whole == "0" { String::new() } else { whole };
    // Zeros are asked for from the first `0` on, up to the point; behind it up to the last `0`.
    let mut seen = 0;
    let mut first_zero = whole_places;
    let mut last_zero = 0;
    let mut behind = 0;
    let mut after = false;
    for p in &section.parts {
        match p {
            Part::Point => after = true,
            Part::Zero | Part::Digit if after => {
                behind += 1;
                if *p == Part::Zero {
                    last_zero = behind;
                }
            }
            Part::Zero | Part::Digit => {
                if *p == Part::Zero && first_zero == whole_places {
                    first_zero = seen;
                }
                seen += 1;
            }
            _ => {}
        }
    }
    let padded = format!("{whole:0>width$}", width = whole_places - first_zero);
    let kept = fraction.trim_end_matches('0').len().max(last_zero).min(fraction.len());
    let fraction = &fraction[..kept];
    let mut out = String::new();
    if n.negative && !own_sign && !none {
        out.push('-');
    }
    // Surplus digits stand at the first placeholder.
    let digits: Vec<char> = padded.chars().collect();
    let mut remaining = digits.len();
    let mut place = whole_places;
    let mut behind = 0;
    let mut after = false;
    for p in &section.parts {
        match p {
            Part::Literal(l) => out.push_str(l),
            Part::Point => {
                after = true;
                if !fraction.is_empty() {
                    out.push_str(c.decimal);
                }
            }
            Part::Exponent(least, plus, letter) => {
                out.push(*letter);
                out.push_str(&exponent_text(e, *least, *plus));
            }
            Part::Zero | Part::Digit if after => {
                out.extend(fraction[behind.min(fraction.len())..].chars().take(1));
                behind += 1;
            }
            Part::Zero | Part::Digit => {
                // Digits that belong at this place and, for the first one, all before it.
                while remaining >= place && remaining > 0 {
                    out.push(digits[digits.len() - remaining]);
                    remaining -= 1;
                    if section.grouping && remaining > 0 && remaining.is_multiple_of(3) {
                        out.push_str(c.group);
                    }
                }
                place -= 1;
            }
        }
    }
    Some(out)
}
