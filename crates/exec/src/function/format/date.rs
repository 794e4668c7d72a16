//! Dates and times by format string.

use holdfast_types::Time;
use holdfast_types::datetime::calendar::Moment;

use super::culture::Culture;

/// The pattern that a standard (one-letter) format stands for.
fn standard(letter: char, c: &Culture) -> Option<String> {
    Some(match letter {
        'd' => c.short_date.to_owned(),
        'D' => c.long_date.to_owned(),
        't' => c.short_time.to_owned(),
        'T' => c.long_time.to_owned(),
        'f' => format!("{} {}", c.long_date, c.short_time),
        'F' => format!("{} {}", c.long_date, c.long_time),
        'g' => format!("{} {}", c.short_date, c.short_time),
        'G' => format!("{} {}", c.short_date, c.long_time),
        'M' | 'm' => c.month_day.to_owned(),
        'Y' | 'y' => c.year_month.to_owned(),
        's' => "yyyy'-'MM'-'dd'T'HH':'mm':'ss".to_owned(),
        'u' => "yyyy'-'MM'-'dd HH':'mm':'ss'Z'".to_owned(),
        'U' => format!("{} {}", c.long_date, c.long_time),
        _ => return None,
    })
}

/// A date, time or both; `None` when the format is not one.
pub fn moment(m: Moment, with_offset: bool, format: &str, c: &Culture) -> Option<String> {
    let mut letters = format.chars();
    let pattern = match (letters.next(), letters.next()) {
        (None, _) => standard('G', c)? + if with_offset { " zzz" } else { "" },
        (Some('o' | 'O'), None) => {
            let zone = if with_offset { "zzz" } else { "" };
            format!("yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffff{zone}")
        }
        (Some('r' | 'R'), None) => {
            let english = Culture::by_name("en-us")?;
            return custom(m, "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'", english);
        }
        (Some(l), None) => standard(l, c)?,
        (Some('%'), Some(_)) => format[1..].to_owned(),
        _ => format.to_owned(),
    };
    custom(m, &pattern, c)
}

fn offset(minutes: i16, digits: usize) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let m = minutes.unsigned_abs();
    match digits {
        1 => format!("{sign}{}", m / 60),
        2 => format!("{sign}{:02}", m / 60),
        _ => format!("{sign}{:02}:{:02}", m / 60, m % 60),
    }
}

/// Fraction digits: `f` always, `F` without zeros at the end (and without the point before them).
fn fraction(ticks: u64, count: usize, optional: bool, out: &mut String) -> Option<()> {
    if count > 7 {
        return None;
    }
    let digits: String = format!("{ticks:07}").chars().take(count).collect();
    if optional {
        let short = digits.trim_end_matches('0');
        if short.is_empty() && out.ends_with('.') {
            out.pop();
        }
        out.push_str(short);
    } else {
        out.push_str(&digits);
    }
    Some(())
}

fn custom(m: Moment, pattern: &str, c: &Culture) -> Option<String> {
    let (date, ticks) = (m.local.date.parts(), m.local.time.0);
    let seconds = ticks / 10_000_000;
    let (hour, minute, second, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60, ticks % 10_000_000);
    let language = c.language().0;
    // .NET writes these names small in most languages; the session languages write some of them with a capital.
    let name = |n: &str| if c.capitals() { n.to_owned() } else { n.to_lowercase() };
    let weekday = name(language.days[m.local.date.weekday() as usize]);
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = String::new();
    let mut i = 0;
    while i < chars.len() {
        let ch = chars[i];
        let n = chars[i..].iter().take_while(|x| **x == ch).count();
        match ch {
            'd' => match n {
                1 => out.push_str(&date.day.to_string()),
                2 => out.push_str(&format!("{:02}", date.day)),
                3 => {
                    let short: String = weekday.chars().take(short_day(c)).collect();
                    out.push_str(&short);
                }
                _ => out.push_str(&weekday),
            },
            'M' => {
                let at = date.month as usize - 1;
                match n {
                    1 => out.push_str(&date.month.to_string()),
                    2 => out.push_str(&format!("{:02}", date.month)),
                    3 => out.push_str(&name(language.short_months[at])),
                    _ => out.push_str(&name(language.months[at])),
                }
            }
            'y' => match n {
                1 => out.push_str(&(date.year % 100).to_string()),
                2 => out.push_str(&format!("{:02}", date.year % 100)),
                n => out.push_str(&format!("{:0n$}", date.year)),
            },
            'h' | 'H' => {
                let h = if ch == 'h' { (hour + 11) % 12 + 1 } else { hour };
                out.push_str(&if n == 1 { h.to_string() } else { format!("{h:02}") });
            }
            'm' | 's' => {
                let v = if ch == 'm' { minute } else { second };
                out.push_str(&if n == 1 { v.to_string() } else { format!("{v:02}") });
            }
            'f' | 'F' => fraction(rest, n, ch == 'F', &mut out)?,
            't' => {
                let mark = if hour < 12 { c.am } else { c.pm };
                out.extend(mark.chars().take(if n == 1 { 1 } else { usize::MAX }));
            }
            'z' => out.push_str(&offset(m.offset_minutes, n)),
            'K' => {}
            'g' => out.push_str(if c.name.starts_with("en") { "A.D." } else { "n. Chr." }),
            ':' => out.push_str(&":".repeat(n)),
            '/' => out.push_str(&c.date_separator.repeat(n)),
            '\\' => {
                out.push(*chars.get(i + 1)?);
                i += 2;
                continue;
            }
            '\'' | '"' => {
                let end = chars[i + 1..].iter().position(|x| *x == ch)?;
                out.extend(&chars[i + 1..i + 1 + end]);
                i += end + 2;
                continue;
            }
            '%' => {
                i += 1;
                continue;
            }
            other => {
                out.push(other);
                i += 1;
                continue;
            }
        }
        i += n;
    }
    Some(out)
}

/// Letters of a short weekday name.
fn short_day(c: &Culture) -> usize {
    match &c.name[..2] {
        "en" | "it" | "tr" => 3,
        "de" | "nl" | "ru" | "fi" => 2,
        _ => 3,
    }
}

/// A time as .NET's TimeSpan: every other character has to be quoted or escaped.
pub fn time_span(t: Time, format: &str) -> Option<String> {
    let ticks = t.0;
    let seconds = ticks / 10_000_000;
    let (hour, minute, second, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60, ticks % 10_000_000);
    let fraction_text = |digits: &str| if rest == 0 { String::new() } else { format!(".{digits}") };
    match format {
        "" | "c" | "t" | "T" => {
            return Some(format!(
                "{hour:02}:{minute:02}:{second:02}{}",
                fraction_text(&format!("{rest:07}"))
            ));
        }
        "g" => {
            let short = format!("{rest:07}");
            return Some(format!(
                "{hour}:{minute:02}:{second:02}{}",
                fraction_text(short.trim_end_matches('0'))
            ));
        }
        "G" => return Some(format!("0:{hour:02}:{minute:02}:{second:02}.{rest:07}")),
        f if f.chars().count() == 1 => return None,
        _ => {}
    }
    let chars: Vec<char> = format.trim_start_matches('%').chars().collect();
    let mut out = String::new();
    let mut i = 0;
    while i < chars.len() {
        let ch = chars[i];
        let n = chars[i..].iter().take_while(|x| **x == ch).count();
        let two = |v: u64| match n {
            1 => Some(v.to_string()),
            2 => Some(format!("{v:02}")),
            _ => None,
        };
        match ch {
            'h' => out.push_str(&two(hour)?),
            'm' => out.push_str(&two(minute)?),
            's' => out.push_str(&two(second)?),
            'd' => out.push_str(&"0".repeat(n.min(8))),
            'f' | 'F' => fraction(rest, n, ch == 'F', &mut out)?,
            '\\' => {
                out.push(*chars.get(i + 1)?);
                i += 2;
                continue;
            }
            '\'' | '"' => {
                let end = chars[i + 1..].iter().position(|x| *x == ch)?;
                out.extend(&chars[i + 1..i + 1 + end]);
                i += end + 2;
                continue;
            }
            _ => return None,
        }
        i += n;
    }
    Some(out)
}
