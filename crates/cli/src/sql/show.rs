//! Answers on a terminal: aligned tables, row counts, messages.

use holdfast_tds::token::Token;
use holdfast_types::canonical::canonical_text;
use holdfast_types::{SqlType, Value};

/// Rows whose widths decide the layout of a table; further ones are printed as they come.
const SAMPLE_ROWS: usize = 500;
/// Widest column of an aligned table, in characters.
const WIDTH_MAX: usize = 256;

#[derive(Default)]
pub struct Show {
    separator: Option<String>,
    columns: Vec<(String, SqlType)>,
    rows: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
    open: bool,
    count: u64,
    pub errors: u64,
}

impl Show {
    pub fn new(separator: Option<String>) -> Self {
        Show { separator, ..Show::default() }
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
                    self.errors += 1;
                    let procedure = if m.procedure.is_empty() {
                        String::new()
                    } else {
                        format!(", Procedure {}", m.procedure)
                    };
                    eprintln!(
                        "Msg {}, Level {}, State {}, Server {}{procedure}, Line {}\n{}",
                        m.number, m.class, m.state, m.server, m.line, m.text
                    );
                } else {
                    println!("{}", m.text);
                }
            }
            Token::Done(d) => {
                let counted = d.status & 0x10 != 0;
                let (was_open, seen) = (self.open, self.count);
                self.end();
                if counted || was_open {
                    let rows = if counted { d.rows } else { seen };
                    println!("\n({rows} row{} affected)", if rows == 1 { "" } else { "s" });
                }
            }
            _ => {}
        }
    }

    fn row(&mut self, values: &[Value]) {
        self.count += 1;
        let cells: Vec<String> = values
            .iter()
            .zip(&self.columns)
            .map(|(v, (_, ty))| {
                canonical_text(v, ty).unwrap_or_else(|| "NULL".into()).replace(['\r', '\n'], " ")
            })
            .collect();
        if self.widths.is_some() {
            self.line(&cells);
            return;
        }
        self.rows.push(cells);
        if self.rows.len() >= SAMPLE_ROWS {
            self.head();
        }
    }

    /// Prints the heading and the rows kept so far.
    fn head(&mut self) {
        let widths = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, (name, _))| {
                let cells = self.rows.iter().map(|r| r[i].chars().count());
                cells.chain([name.chars().count(), 1]).max().unwrap_or(1).min(WIDTH_MAX)
            })
            .collect::<Vec<_>>();
        self.widths = Some(widths.clone());
        let names: Vec<String> = self.columns.iter().map(|c| c.0.clone()).collect();
        self.line(&names);
        self.line(&widths.iter().map(|w| "-".repeat(*w)).collect::<Vec<_>>());
        for row in std::mem::take(&mut self.rows) {
            self.line(&row);
        }
    }

    fn line(&self, cells: &[String]) {
        if let Some(separator) = &self.separator {
            println!("{}", cells.join(separator));
            return;
        }
        let empty = Vec::new();
        let widths = self.widths.as_ref().unwrap_or(&empty);
        let padded: Vec<String> = cells
            .iter()
            .zip(widths)
            .zip(&self.columns)
            .map(|((cell, width), (_, ty))| {
                let fill = " ".repeat(width.saturating_sub(cell.chars().count()));
                if ty.id.is_numeric() { format!("{fill}{cell}") } else { format!("{cell}{fill}") }
            })
            .collect();
        println!("{}", padded.join(" ").trim_end());
    }

    /// Ends an open result set.
    pub fn end(&mut self) {
        if self.open && self.widths.is_none() {
            self.head();
        }
        self.open = false;
        self.widths = None;
        self.columns.clear();
        self.count = 0;
    }
}
