//! XML text parser: well-formedness with namespaces, as the conversion to xml checks it. Fragments are allowed
//! (several roots, text at top level), DTDs are not (SQL Server wants style 2 for them).
//!
//! Invariants
//! 1. Iterative; at most [`super::DEPTH_MAX`] open elements.
//! 2. Text consisting only of white space between tags is dropped, as xml does by default (style 1 and
//!    `xml:space="preserve"` keep it).

use super::{DEPTH_MAX, XmlError};

/// What the parser finds, in document order. Names are split; `uri` is what the prefix stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    Start {
        prefix: &'a str,
        local: &'a str,
        uri: &'a str,
    },
    /// Namespace declarations come as prefix `xmlns` (or local `xmlns` without prefix).
    Attribute {
        prefix: &'a str,
        local: &'a str,
        uri: &'a str,
        value: &'a str,
    },
    End,
    Text(&'a str),
    Comment(&'a str),
    Instruction {
        target: &'a str,
        data: &'a str,
    },
}

const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

/// Parses `text`, dropping insignificant white space.
pub fn parse(text: &str, sink: impl FnMut(Event<'_>)) -> Result<(), XmlError> {
    parse_with(text, false, sink)
}

/// The text a SELECT shows after a conversion of `text` to xml.
pub fn normalize(units: &[u16], preserve_space: bool) -> Result<Vec<u16>, XmlError> {
    let text = String::from_utf16_lossy(units);
    let mut out: Vec<u16> = Vec::with_capacity(units.len());
    let mut open: Vec<String> = Vec::new();
    let mut in_tag = false;
    parse_with(&text, preserve_space, |event| {
        let push = |s: &str, out: &mut Vec<u16>| out.extend(s.encode_utf16());
        if in_tag && !matches!(event, Event::Attribute { .. } | Event::End) {
            push(">", &mut out);
            in_tag = false;
        }
        match event {
            Event::Start { prefix, local, .. } => {
                let name = join(prefix, local);
                push("<", &mut out);
                push(&name, &mut out);
                open.push(name);
                in_tag = true;
            }
            Event::Attribute { prefix, local, value, .. } => {
                push(" ", &mut out);
                push(&join(prefix, local), &mut out);
                push("=\"", &mut out);
                let value: Vec<u16> = value.encode_utf16().collect();
                super::binary::escape(&value, true, &mut out);
                push("\"", &mut out);
            }
            Event::End => {
                let name = open.pop().unwrap_or_default();
                if in_tag {
                    push("/>", &mut out);
                    in_tag = false;
                } else {
                    push("</", &mut out);
                    push(&name, &mut out);
                    push(">", &mut out);
                }
            }
            Event::Text(t) => {
                let t: Vec<u16> = t.encode_utf16().collect();
                super::binary::escape(&t, false, &mut out);
            }
            Event::Comment(t) => {
                push("<!--", &mut out);
                push(t, &mut out);
                push("-->", &mut out);
            }
            Event::Instruction { target, data } => {
                push("<?", &mut out);
                push(target, &mut out);
                if !data.is_empty() {
                    push(" ", &mut out);
                    push(data, &mut out);
                }
                push("?>", &mut out);
            }
        }
    })?;
    Ok(out)
}

fn join(prefix: &str, local: &str) -> String {
    if prefix.is_empty() { local.to_owned() } else { format!("{prefix}:{local}") }
}

struct Open<'a> {
    name: &'a str,
    /// Number of declarations in scope before this element.
    scope: usize,
    preserve: bool,
}

/// Parses `text`; `preserve` keeps white space between tags.
pub fn parse_with<'a>(
    text: &'a str,
    preserve: bool,
    mut sink: impl FnMut(Event<'_>),
) -> Result<(), XmlError> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut p = Parser { text, at: 0 };
    let mut open: Vec<Open<'a>> = Vec::new();
    let mut scope: Vec<(&'a str, String)> = Vec::new();
    if p.rest().starts_with("<?xml") && p.rest()[5..].starts_with(|c: char| c.is_ascii_whitespace()) {
        let end = p.rest().find("?>").ok_or_else(|| p.end())?;
        p.at += end + 2;
    }
    let mut run = String::new();
    let mut significant = false;
    loop {
        let rest = p.rest();
        if !rest.starts_with('<') && !rest.is_empty() {
            let n = rest.find('<').unwrap_or(rest.len());
            let raw = &rest[..n];
            if raw.contains("]]>") {
                return Err(p.fail(9422));
            }
            significant |= raw.chars().any(|c| !c.is_ascii_whitespace());
            p.unescape(raw, false, &mut run)?;
            p.at += n;
            continue;
        }
        if let Some(after) = rest.strip_prefix("<![CDATA[") {
            let n = after.find("]]>").ok_or_else(|| p.end())?;
            run.push_str(&after[..n].replace("\r\n", "\n"));
            significant = true;
            p.at += 9 + n + 3;
            continue;
        }
        if !run.is_empty() {
            if significant || preserve || open.last().is_some_and(|o| o.preserve) {
                sink(Event::Text(&run));
            }
            run.clear();
            significant = false;
        }
        if rest.is_empty() {
            return if open.is_empty() { Ok(()) } else { Err(p.end()) };
        }
        if let Some(after) = rest.strip_prefix("<!--") {
            let n = after.find("--").ok_or_else(|| p.end())?;
            if !after[n + 2..].starts_with('>') {
                return Err(p.fail(9422));
            }
            sink(Event::Comment(&after[..n]));
            p.at += 4 + n + 3;
        } else if rest.starts_with("<!") {
            return Err(p.fail(6359));
        } else if let Some(after) = rest.strip_prefix("<?") {
            let n = after.find("?>").ok_or_else(|| p.end())?;
            let body = &after[..n];
            let (target, data) = body.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((body, ""));
            if !is_name(target) || target.eq_ignore_ascii_case("xml") {
                return Err(p.fail(9438));
            }
            sink(Event::Instruction { target, data: data.trim_start() });
            p.at += 2 + n + 2;
        } else if rest.starts_with("</") {
            p.at += 2;
            let name = p.name()?;
            p.space();
            let element = open.pop().ok_or_else(|| p.fail(9436))?;
            if element.name != name {
                return Err(p.fail(9436));
            }
            p.expect(">", 9422)?;
            scope.truncate(element.scope);
            sink(Event::End);
        } else {
            p.at += 1;
            p.start(&mut open, &mut scope, &mut sink)?;
        }
    }
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn fail(&self, number: i32) -> XmlError {
        let before = &self.text[..self.at];
        let line = before.matches('\n').count() as u32 + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() as u32 + 1;
        XmlError::Syntax { number, line, character: column }
    }

    /// Unexpected end of input.
    fn end(&self) -> XmlError {
        Parser { text: self.text, at: self.text.len() }.fail(9400)
    }

    fn space(&mut self) -> bool {
        let n = self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
        self.at += n;
        n > 0
    }

    fn expect(&mut self, what: &str, number: i32) -> Result<(), XmlError> {
        if self.rest().is_empty() {
            return Err(self.end());
        }
        if !self.rest().starts_with(what) {
            return Err(self.fail(number));
        }
        self.at += what.len();
        Ok(())
    }

    fn name(&mut self) -> Result<&'a str, XmlError> {
        let rest = self.rest();
        if rest.is_empty() {
            return Err(self.end());
        }
        let n = rest.find(|c: char| !is_name_char(c)).unwrap_or(rest.len());
        let name = &rest[..n];
        if !is_name(name) {
            return Err(self.fail(9455));
        }
        if name.matches(':').count() > 1 || name.starts_with(':') || name.ends_with(':') {
            return Err(self.fail(9457));
        }
        self.at += n;
        Ok(name)
    }

    /// A start tag after its `<`.
    fn start(
        &mut self,
        open: &mut Vec<Open<'a>>,
        scope: &mut Vec<(&'a str, String)>,
        sink: &mut impl FnMut(Event<'_>),
    ) -> Result<(), XmlError> {
        let name = self.name()?;
        let mut attributes: Vec<(&'a str, String)> = Vec::new();
        let empty = loop {
            let spaced = self.space();
            if self.rest().starts_with('>') {
                self.at += 1;
                break false;
            }
            if self.rest().starts_with('/') {
                self.at += 1;
                self.expect(">", 9422)?;
                break true;
            }
            if !spaced && !self.rest().is_empty() {
                return Err(self.fail(9410));
            }
            let attribute = self.name()?;
            self.space();
            self.expect("=", 9412)?;
            self.space();
            let quote = match self.rest().chars().next() {
                Some(q @ ('"' | '\'')) => q,
                Some(_) => return Err(self.fail(9413)),
                None => return Err(self.end()),
            };
            self.at += 1;
            let n = self.rest().find(quote).ok_or_else(|| self.end())?;
            let raw = &self.rest()[..n];
            if raw.contains('<') {
                return Err(self.fail(9430));
            }
            let mut value = String::new();
            self.unescape(raw, true, &mut value)?;
            self.at += n + 1;
            if attributes.iter().any(|a| a.0 == attribute) {
                return Err(self.fail(9437));
            }
            attributes.push((attribute, value));
        };
        if open.len() >= DEPTH_MAX {
            return Err(self.fail(6335));
        }
        let before = scope.len();
        let mut preserve = open.last().is_some_and(|o| o.preserve);
        for (n, v) in &attributes {
            if *n == "xmlns" {
                scope.push(("", v.clone()));
            } else if let Some(p) = n.strip_prefix("xmlns:") {
                scope.push((p, v.clone()));
            } else if *n == "xml:space" {
                preserve = v == "preserve";
            }
        }
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        sink(Event::Start { prefix, local, uri: self.uri(scope, prefix)? });
        for (n, v) in &attributes {
            let (prefix, local) = n.split_once(':').unwrap_or(("", n));
            let uri = match prefix {
                _ if *n == "xmlns" => XMLNS,
                "" => "",
                "xmlns" => XMLNS,
                p => self.uri(scope, p)?,
            };
            sink(Event::Attribute { prefix, local, uri, value: v });
        }
        if empty {
            scope.truncate(before);
            sink(Event::End);
        } else {
            open.push(Open { name, scope: before, preserve });
        }
        Ok(())
    }

    fn uri<'s>(&self, scope: &'s [(&str, String)], prefix: &str) -> Result<&'s str, XmlError> {
        match scope.iter().rev().find(|s| s.0 == prefix) {
            Some(s) => Ok(&s.1),
            None if prefix.is_empty() => Ok(""),
            None if prefix == "xml" => Ok(XML),
            None => Err(self.fail(9459)),
        }
    }

    /// Resolves entities and character references; line ends become LF, and in attributes white space becomes a blank.
    fn unescape(&self, raw: &str, attribute: bool, out: &mut String) -> Result<(), XmlError> {
        let mut rest = raw;
        while let Some(c) = rest.chars().next() {
            let here = || {
                let at = self.at + (raw.len() - rest.len());
                Parser { text: self.text, at }
            };
            if c == '&' {
                let semicolon = rest.find(';').ok_or_else(|| here().fail(9411))?;
                let entity = &rest[1..semicolon];
                let c = match entity {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    "apos" => '\'',
                    _ => {
                        let digits = entity.strip_prefix('#').ok_or_else(|| here().fail(9448))?;
                        let code = match digits.strip_prefix('x') {
                            Some(hex) => u32::from_str_radix(hex, 16),
                            None => digits.parse(),
                        };
                        code.ok()
                            .and_then(char::from_u32)
                            .filter(|&c| is_xml_char(c))
                            .ok_or_else(|| here().fail(9420))?
                    }
                };
                out.push(c);
                rest = &rest[semicolon + 1..];
                continue;
            }
            if !is_xml_char(c) {
                return Err(here().fail(9420));
            }
            match c {
                '\r' => {
                    if !rest.starts_with("\r\n") {
                        out.push(if attribute { ' ' } else { '\n' });
                    }
                }
                '\n' | '\t' if attribute => out.push(' '),
                _ => out.push(c),
            }
            rest = &rest[c.len_utf8()..];
        }
        Ok(())
    }
}

fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '_' | ':' | '-' | '.' | '\u{B7}')
        || ('\u{300}'..='\u{36F}').contains(&c)
}

fn is_name(s: &str) -> bool {
    s.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == ':') && s.chars().all(is_name_char)
}
