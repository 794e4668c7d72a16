//! FOR XML EXPLICIT: every row is one element; its columns' names say which element, attribute or child they are.
//!
//! Invariants
//! 1. The first two columns are the element's tag number and that of its parent, which must be open (6833).
//! 2. An element without content ends as `<e/>`; whether it has content shows only with the next row.
//!
//! Evidence: T-SQL reference, "Use EXPLICIT mode with FOR XML".

use holdfast_types::{SqlError, SqlResult, SqlType, TypeId, Value};

use super::serialize::{Xml, name};
use crate::expression::arithmetic::integer_value;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Directive {
    None,
    Hide,
    Element,
    ElementXsiNil,
    Xml,
    XmlText,
    CData,
}

/// A column's name, taken apart.
#[derive(Debug)]
struct Part {
    element: String,
    tag: i64,
    attribute: String,
    directive: Directive,
}

fn part(column: &str) -> SqlResult<Part> {
    let invalid = || {
        let text = format!(
            "FOR XML EXPLICIT query contains the invalid column name '{column}'. Use the TAGNAME!TAGID!ATTRIBUTENAME[!..] format where TAGID is a positive integer."
        );
        SqlError::with_text(6802, 16, text)
    };
    let mut pieces = column.split('!');
    let element = pieces.next().filter(|e| !e.is_empty()).ok_or_else(invalid)?;
    let tag = pieces.next().and_then(|t| t.trim().parse().ok()).filter(|t| *t > 0).ok_or_else(invalid)?;
    let attribute = pieces.next().unwrap_or_default();
    let directive = match pieces.next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "id" | "idref" | "idrefs" => Directive::None,
        "hide" => Directive::Hide,
        "element" => Directive::Element,
        "elementxsinil" => Directive::ElementXsiNil,
        "xml" => Directive::Xml,
        "xmltext" => Directive::XmlText,
        "cdata" => Directive::CData,
        _ => return Err(invalid()),
    };
    if pieces.next().is_some() {
        return Err(invalid());
    }
    if directive == Directive::CData && !attribute.is_empty() {
        let text = format!("In the FOR XML EXPLICIT clause, CDATA attributes must be unnamed in '{column}'.");
        return Err(SqlError::with_text(6820, 16, text));
    }
    Ok(Part { element: name(element), tag, attribute: name(attribute), directive })
}

/// The elements that are open.
pub struct Explicit {
    parts: Vec<Part>,
    /// Tag and name.
    open: Vec<(i64, String)>,
    /// The innermost start tag has no `>` yet.
    pending: bool,
}

impl Explicit {
    pub fn new(columns: &[String]) -> SqlResult<Self> {
        if columns.len() < 3 {
            let text = "FOR XML EXPLICIT requires at least three columns, including the tag column, the parent column, and at least one data column.";
            return Err(SqlError::with_text(6801, 16, text));
        }
        for (at, wanted, number) in [(0, "tag", 6803), (1, "parent", 6804)] {
            if !columns[at].eq_ignore_ascii_case(wanted) {
                let (place, what) = if at == 0 { ("first", "TAG") } else { ("second", "PARENT") };
                let text = format!(
                    "FOR XML EXPLICIT requires the {place} column to hold {} named {what}.",
                    if at == 0 {
                        "positive integers that represent XML tag IDs, and be"
                    } else {
                        "NULL or nonnegative integers that represent XML parent tag IDs, and be"
                    }
                );
                return Err(SqlError::with_text(number, 16, text));
            }
        }
        let parts = columns[2..].iter().map(|c| part(c)).collect::<SqlResult<_>>()?;
        Ok(Explicit { parts, open: Vec::new(), pending: false })
    }

    fn close(&mut self, out: &mut Xml<'_>) {
        if let Some((_, element)) = self.open.pop() {
            if std::mem::take(&mut self.pending) {
                out.text("/>");
            } else {
                out.text(&format!("</{element}>"));
            }
        }
    }

    /// Everything that is open ends.
    pub fn finish(&mut self, out: &mut Xml<'_>) {
        while !self.open.is_empty() {
            self.close(out);
        }
    }

    fn content(&mut self, out: &mut Xml<'_>) {
        if std::mem::take(&mut self.pending) {
            out.text(">");
        }
    }

    pub fn row(&mut self, values: &[Value], types: &[SqlType], out: &mut Xml<'_>) -> SqlResult<()> {
        let Some(tag) = integer_value(&values[0]).filter(|t| *t > 0) else {
            let text = "FOR XML EXPLICIT requires the first column to hold positive integers that represent XML tag IDs.";
            return Err(SqlError::with_text(6803, 16, text));
        };
        let parent = integer_value(&values[1]).unwrap_or(0);
        match self.open.iter().rposition(|(t, _)| *t == parent) {
            Some(at) => {
                while self.open.len() > at + 1 {
                    self.close(out);
                }
            }
            None if parent == 0 => self.finish(out),
            None => {
                let text = format!(
                    "Parent tag ID {parent} is not among the open tags. FOR XML EXPLICIT requires parent tags to be opened first. Check the ordering of the result set."
                );
                return Err(SqlError::with_text(6833, 16, text));
            }
        }
        let Some(element) = self.parts.iter().find(|p| p.tag == tag).map(|p| p.element.clone()) else {
            return Err(SqlError::with_text(
                6806,
                16,
                format!("Undeclared tag ID {tag} is used in a FOR XML EXPLICIT query."),
            ));
        };
        self.content(out);
        out.text(&format!("<{element}"));
        self.open.push((tag, element));
        self.pending = true;
        let parts = std::mem::take(&mut self.parts);
        let mine = || parts.iter().enumerate().filter(|(_, p)| p.tag == tag);
        let result = (|| {
            for (i, p) in mine() {
                let (v, ty) = (&values[i + 2], &types[i + 2]);
                if p.directive == Directive::None
                    && !p.attribute.is_empty()
                    && ty.id != TypeId::Xml
                    && !v.is_null()
                {
                    out.attribute(&p.attribute, v, ty)?;
                }
            }
            for (i, p) in mine() {
                self.child(p, &values[i + 2], &types[i + 2], out)?;
            }
            Ok(())
        })();
        self.parts = parts;
        result
    }

    fn child(&mut self, p: &Part, v: &Value, ty: &SqlType, out: &mut Xml<'_>) -> SqlResult<()> {
        let attribute = p.directive == Directive::None && !p.attribute.is_empty() && ty.id != TypeId::Xml;
        if attribute || p.directive == Directive::Hide {
            return Ok(());
        }
        if v.is_null() {
            if p.directive == Directive::ElementXsiNil {
                self.content(out);
                out.text(&format!("<{} xsi:nil=\"true\"/>", p.attribute));
            }
            return Ok(());
        }
        self.content(out);
        let raw = matches!(p.directive, Directive::Xml | Directive::XmlText);
        if p.directive == Directive::CData {
            out.text("<![CDATA[");
            out.content(v, ty, true)?;
            out.text("]]>");
        } else if p.attribute.is_empty() {
            out.content(v, ty, raw)?;
        } else {
            out.text(&format!("<{}>", p.attribute));
            out.content(v, ty, raw)?;
            out.text(&format!("</{}>", p.attribute));
        }
        Ok(())
    }
}
