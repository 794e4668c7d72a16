//! Answers: aligned tables, row counts, messages; to standard output or a file.
//!
//! Invariants
//! 1. Errors stand among the results, as sqlcmd has them, unless they are sent elsewhere.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use holdfast_tds::token::Token;
use holdfast_types::canonical::canonical_text;
use holdfast_types::{SqlType, Value};

/// Rows whose widths decide the layout of a table; further ones are printed as they come.
const SAMPLE_ROWS: usize = 500;
/// Widest column of an aligned table, in characters.
const WIDTH_MAX: usize = 256;

/// How tables are laid out.
#[derive(Clone, Debug)]
pub struct Layout {
    pub separator: String,
    /// No blanks to fill a column.
    pub trim: bool,
    /// Rows between two headings; 0: one heading, below 0: none.
    pub headings: i64,
    pub width: Option<usize>,
    /// Errors go to standard error.
    pub errors_apart: bool,
    /// Messages do too.
    pub messages_apart: bool,
}

pub struct Show {
    layout: Layout,
    out: Box<dyn Write>,
    /// Where errors go when not to `out`.
    err: Option<Box<dyn Write>>,
    columns: Vec<(String, SqlType)>,
    rows: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
    open: bool,
    count: u64,
    pub errors: u64,
}

fn create(path: &Path) -> io::Result<Box<dyn Write>> {
    Ok(Box::new(BufWriter::new(File::create(path)?)))
}

impl Show {
    pub fn new(layout: Layout) -> Self {
        let err: Option<Box<dyn Write>> =
            layout.errors_apart.then(|| Box::new(io::stderr()) as Box<dyn Write>);
        Show {
            layout,
            out: Box::new(BufWriter::new(io::stdout())),
            err,
            columns: Vec::new(),
            rows: Vec::new(),
            widths: None,
            open: false,
            count: 0,
            errors: 0,
        }
    }

    pub fn write_to(&mut self, path: &Path) -> io::Result<()> {
        self.out = create(path)?;
        Ok(())
    }

    pub fn write_errors_to(&mut self, path: &Path) -> io::Result<()> {
        self.err = Some(create(path)?);
        Ok(())
    }

    pub fn write_to_stdout(&mut self, errors: bool) {
        if errors { self.err = None } else { self.out = Box::new(BufWriter::new(io::stdout())) }
    }

    pub fn write_to_stderr(&mut self, errors: bool) {
        if errors { self.err = Some(Box::new(io::stderr())) } else { self.out = Box::new(io::stderr()) }
    }

    /// A line of the shell's own. What cannot be written (a closed pipe) is not worth ending for.
    pub fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{text}");
        let _ = self.out.flush();
    }

    pub fn error(&mut self, text: &str) {
        self.errors += 1;
        match &mut self.err {
            Some(err) => {
                let _ = self.out.flush();
                let _ = writeln!(err, "{text}").and_then(|()| err.flush());
            }
            None => self.line(text),
        }
    }

    /// Tokens of a login: only errors are shown.
    pub fn quiet(&mut self, token: Token) {
        if let Token::Message(m) = &token
            && m.class > 10
        {
            self.token(token);
        }
    }

    pub fn token(&mut self, token: Token) {
        match token {
            Token::Columns(columns) => {
                self.end();
                self.columns = columns.into_iter().map(|c| (c.name, c.info.ty)).collect();
                self.open = true;
            }
            Token::Row(values) => self.row(&values),
            Token::Message(m) => {
                self.end();
                if m.class > 10 {
                    let procedure = if m.procedure.is_empty() {
                        String::new()
                    } else {
                        format!(", Procedure {}", m.procedure)
                    };
                    self.error(&format!(
                        "Msg {}, Level {}, State {}, Server {}{procedure}, Line {}\n{}",
                        m.number, m.class, m.state, m.server, m.line, m.text
                    ));
                } else if self.layout.messages_apart
                    && let Some(err) = &mut self.err
                {
                    let _ = writeln!(err, "{}", m.text).and_then(|()| err.flush());
                } else {
                    self.line(&m.text);
                }
            }
            Token::Done(d) => {
                self.end();
                // Under SET NOCOUNT ON there is no count to tell.
                if d.status & 0x10 != 0 {
                    let plural = if d.rows == 1 { "" } else { "s" };
                    self.line(&format!("\n({} row{plural} affected)", d.rows));
                }
            }
            _ => {}
        }
    }

    fn row(&mut self, values: &[Value]) {
        let cells: Vec<String> = values
            .iter()
            .zip(&self.columns)
            .map(|(v, (_, ty))| {
                let text = shown(v, ty).replace(['\r', '\n'], " ");
                if self.layout.trim { text.trim_end().to_owned() } else { text }
            })
            .collect();
        if self.widths.is_some() {
            self.table_row(&cells);
            return;
        }
        self.rows.push(cells);
        if self.rows.len() >= SAMPLE_ROWS {
            self.begin();
        }
    }

    /// Decides the widths, prints the rows kept so far.
    fn begin(&mut self) {
        let widths = self.columns.iter().enumerate().map(|(i, (name, _))| {
            let cells = self.rows.iter().map(|r| r[i].chars().count());
            cells.chain([name.chars().count(), 1]).max().unwrap_or(1).min(WIDTH_MAX)
        });
        self.widths = Some(widths.collect());
        if self.layout.headings == 0 {
            self.heading();
        }
        for row in std::mem::take(&mut self.rows) {
            self.table_row(&row);
        }
        if self.count == 0 && self.layout.headings > 0 {
            self.heading();
        }
    }

    fn heading(&mut self) {
        let names: Vec<String> = self.columns.iter().map(|c| c.0.clone()).collect();
        let widths = self.widths.clone().unwrap_or_default();
        let length = |i: usize, w: usize| if self.layout.trim { names[i].chars().count().max(1) } else { w };
        let dashes: Vec<String> = widths.iter().enumerate().map(|(i, w)| "-".repeat(length(i, *w))).collect();
        self.cells(&names);
        self.cells(&dashes);
    }

    fn table_row(&mut self, cells: &[String]) {
        let every = self.layout.headings;
        if every > 0 && self.count.is_multiple_of(every as u64) {
            if self.count > 0 {
                let _ = writeln!(self.out);
            }
            self.heading();
        }
        self.count += 1;
        self.cells(cells);
    }

    fn cells(&mut self, cells: &[String]) {
        let empty = Vec::new();
        let widths = self.widths.as_ref().unwrap_or(&empty);
        let text = if self.layout.trim {
            cells.join(&self.layout.separator)
        } else {
            let padded: Vec<String> = cells
                .iter()
                .zip(widths)
                .zip(&self.columns)
                .map(|((cell, width), (_, ty))| {
                    let fill = " ".repeat(width.saturating_sub(cell.chars().count()));
                    if ty.id.is_numeric() { format!("{fill}{cell}") } else { format!("{cell}{fill}") }
                })
                .collect();
            padded.join(&self.layout.separator).trim_end().to_owned()
        };
        match self.layout.width.filter(|&w| w > 0) {
            Some(width) => {
                let characters: Vec<char> = text.chars().collect();
                for part in characters.chunks(width) {
                    let _ = writeln!(self.out, "{}", part.iter().collect::<String>());
                }
            }
            None => {
                let _ = writeln!(self.out, "{text}");
            }
        }
    }

    /// Ends an open result set.
    pub fn end(&mut self) {
        if self.open && self.widths.is_none() {
            self.begin();
        }
        let _ = self.out.flush();
        self.open = false;
        self.widths = None;
        self.columns.clear();
        self.count = 0;
    }
}

/// A value as sqlcmd shows it: a variant as what it holds, floats with the digits that printf's %g gives.
fn shown(value: &Value, ty: &SqlType) -> String {
    match value {
        Value::Variant(v) => shown(&v.value, &v.ty),
        Value::Float(v) => general(*v, 17),
        Value::Real(v) => general(f64::from(*v), 8),
        other => canonical_text(other, ty).unwrap_or_else(|| "NULL".into()),
    }
}

/// A number in at most so many digits, without zeros at its end; with an exponent where it is very large or small.
fn general(v: f64, digits: usize) -> String {
    if !v.is_finite() {
        return v.to_string();
    }
    let scientific = format!("{v:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if power < -4 || power >= digits as i32 {
        let sign = if power < 0 { '-' } else { '+' };
        return format!("{}E{sign}{:02}", trimmed(mantissa), power.abs());
    }
    let decimals = usize::try_from(digits as i32 - 1 - power).unwrap_or(0);
    trimmed(&format!("{v:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_sqlcmd_shows_them() {
        assert_eq!(general(0.1, 17), "0.10000000000000001");
        assert_eq!(general(45_456.75, 17), "45456.75");
        assert_eq!(general(-2.0, 17), "-2");
        assert_eq!(general(0.0, 17), "0");
        assert_eq!(general(1e20, 17), "1E+20");
        assert_eq!(general(1.5e-7, 17), "1.4999999999999999E-07");
        assert_eq!(general(f64::from(0.1f32), 8), "0.1");
    }
}
