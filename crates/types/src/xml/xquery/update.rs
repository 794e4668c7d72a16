//! XML DML as modify() takes it: insert, delete, replace value of.
//!
//! Invariants
//! 1. The document given stays as it is; the changed one is written from a copy.
//! 2. A target that is not there changes nothing; static errors are found by [`Update::parse`].
//!
//! Evidence: "XML data modification language" of the product's documentation.

use std::sync::Arc;

use super::parse::Parser;
use super::{Atom, Axis, Expr, Item, NodeTest, Query, Sequence, Step, error, singleton};
use crate::SqlResult;
use crate::xml::document::{Document, NodeId, NodeKind};

const METHOD: &str = "modify";

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    First,
    Last,
    Before,
    After,
}

/// What is to be inserted.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Nodes(Expr),
    /// `attribute name { value }`
    Attribute(String, Expr),
    /// `text { value }`
    Text(Expr),
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Insert { parts: Vec<Part>, place: Place, target: Expr },
    Delete(Expr),
    Replace { target: Expr, value: Expr },
}

/// A parsed modification.
#[derive(Clone, Debug)]
pub struct Update {
    action: Action,
    sql: Vec<(bool, String)>,
}

/// How messages name what a path finds.
fn described(e: &Expr, mark: &str) -> String {
    let last = match e {
        Expr::Path { steps, .. } => steps.last(),
        _ => None,
    };
    match last {
        Some(Step::Axis { axis, test: NodeTest::Name(n), .. }) => {
            let kind = if *axis == Axis::Attribute { "attribute" } else { "element" };
            let ty = if *axis == Axis::Attribute { "xdt:untypedAtomic" } else { "xdt:untyped" };
            format!("{kind}({},{ty}) {mark}", n.local.as_deref().unwrap_or("*"))
        }
        Some(Step::Axis { test: NodeTest::Text, .. }) => format!("text {mark}"),
        _ => format!("node() {mark}"),
    }
}

/// Replacing the content of an element needs a type that untyped xml does not give.
fn ends_in_element(e: &Expr) -> bool {
    let last = match e {
        Expr::Path { steps, .. } => steps.last(),
        _ => None,
    };
    match last {
        Some(Step::Axis { axis, test: NodeTest::Name(_), .. }) => *axis != Axis::Attribute,
        Some(Step::Filter { expr, .. }) => ends_in_element(expr),
        _ => false,
    }
}

impl Update {
    pub fn parse(source: &str, namespaces: &[(String, String)]) -> SqlResult<Update> {
        let (action, sql) = Parser::new(source, METHOD, namespaces).update()?;
        match &action {
            Action::Insert { target, .. } if !singleton(target) => {
                let text = format!(
                    "The target of 'insert' must be a single node, found '{}'",
                    described(target, "*")
                );
                return Err(error(METHOD, 2226, &text));
            }
            Action::Replace { target, .. } if !singleton(target) => {
                let text = format!(
                    "The target of 'replace' must be at most one node, found '{}'",
                    described(target, "*")
                );
                return Err(error(METHOD, 2337, &text));
            }
            _ => {}
        }
        Ok(Update { action, sql })
    }

    /// 2356 for what only xml with a schema collection allows: to replace the content of an element.
    pub fn untyped_error(&self) -> Option<crate::SqlError> {
        let Action::Replace { target, .. } = &self.action else { return None };
        ends_in_element(target).then(|| {
            let text = format!(
                "The target of 'replace value of' must be a non-metadata attribute or an element with simple typed content, found '{}'",
                described(target, "?")
            );
            error(METHOD, 2356, &text)
        })
    }

    /// As [`Query::sql_references`].
    pub fn sql_references(&self) -> &[(bool, String)] {
        &self.sql
    }

    /// The text of the document with the modification made.
    pub fn run(&self, document: &Arc<Document>, sql: &[Option<Atom>]) -> SqlResult<String> {
        let find = |e: &Expr| -> SqlResult<Sequence> {
            let query = Query { body: e.clone(), method: METHOD.to_owned(), sql: self.sql.clone() };
            query.run((Arc::clone(document), 0), sql)
        };
        let own = |s: &Sequence| -> Vec<NodeId> {
            let of_document = |i: &Item| match i {
                Item::Node(d, id) if Arc::ptr_eq(d, document) && *id != 0 => Some(*id),
                _ => None,
            };
            s.iter().filter_map(of_document).collect()
        };
        let text_of = |e: &Expr| -> SqlResult<String> {
            let words: Vec<String> = find(e)?.iter().map(|i| i.atomize().text()).collect();
            Ok(words.join(" "))
        };
        let mut new = Document::clone(document);
        match &self.action {
            Action::Delete(target) => {
                for id in own(&find(target)?) {
                    new.detach(id);
                }
            }
            Action::Replace { target, value } => {
                let value = text_of(value)?;
                match own(&find(target)?).first() {
                    Some(id) if new.get(*id).kind == NodeKind::Element => {
                        for child in new.get(*id).children.clone() {
                            new.detach(child);
                        }
                        let text = new.new_text(&value);
                        new.insert(*id, 0, &[text]);
                    }
                    Some(id) => new.set_value(*id, &value),
                    None => {}
                }
            }
            Action::Insert { parts, place, target } => {
                let found = find(target)?;
                let target = match found.first() {
                    Some(Item::Node(d, id)) if Arc::ptr_eq(d, document) => *id,
                    _ => return Ok(written(&new)),
                };
                let mut children = Vec::new();
                let element = match place {
                    Place::First | Place::Last => target,
                    Place::Before | Place::After => new.get(target).parent,
                };
                for part in parts {
                    match part {
                        Part::Attribute(name, value) => {
                            let value = text_of(value)?;
                            let there =
                                new.get(element).attributes.iter().any(|a| *new.get(*a).local == **name);
                            if there {
                                let text = format!(
                                    "XML well-formedness check: Duplicate attribute '{name}'. Rewrite your XQuery so it returns well-formed XML."
                                );
                                return Err(error(METHOD, 2394, &text));
                            }
                            new.add_attribute(element, name, &value);
                        }
                        Part::Text(value) => children.push(new.new_text(&text_of(value)?)),
                        Part::Nodes(e) => {
                            for item in find(e)? {
                                match item {
                                    Item::Node(d, id) => {
                                        if d.get(id).kind == NodeKind::Attribute {
                                            let a = d.get(id);
                                            new.add_attribute(element, &a.local, &a.value);
                                        } else {
                                            new.import(&d, id, &mut children);
                                        }
                                    }
                                    Item::Atom(a) => children.push(new.new_text(&a.text())),
                                }
                            }
                        }
                    }
                }
                let at = match place {
                    Place::First => 0,
                    Place::Last => new.get(element).children.len(),
                    Place::Before | Place::After => {
                        let at = new.get(element).children.iter().position(|c| *c == target);
                        at.map_or(0, |at| at + usize::from(*place == Place::After))
                    }
                };
                new.insert(element, at, &children);
            }
        }
        Ok(written(&new))
    }
}

fn written(d: &Document) -> String {
    let mut out = String::new();
    d.write(0, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modified(xml: &str, dml: &str) -> String {
        let d = Arc::new(Document::parse(xml).unwrap());
        Update::parse(dml, &[]).unwrap().run(&d, &[]).unwrap()
    }

    #[test]
    fn every_form_changes_what_it_names() {
        let x = "<r><i id=\"1\">a</i><i id=\"2\"/></r>";
        assert_eq!(modified(x, "insert <n/> into (/r)[1]"), "<r><i id=\"1\">a</i><i id=\"2\"/><n/></r>");
        assert_eq!(
            modified(x, "insert <n/> as first into (/r)[1]"),
            "<r><n/><i id=\"1\">a</i><i id=\"2\"/></r>"
        );
        assert_eq!(
            modified(x, "insert (<n/>,<m>x</m>) after (/r/i)[1]"),
            "<r><i id=\"1\">a</i><n/><m>x</m><i id=\"2\"/></r>"
        );
        assert_eq!(
            modified(x, "insert attribute k {\"v\"} into (/r/i)[2]"),
            "<r><i id=\"1\">a</i><i id=\"2\" k=\"v\"/></r>"
        );
        assert_eq!(
            modified(x, "insert text{\"t\"} before (/r/i)[1]"),
            "<r>t<i id=\"1\">a</i><i id=\"2\"/></r>"
        );
        assert_eq!(modified(x, "delete /r/i[@id=1]"), "<r><i id=\"2\"/></r>");
        assert_eq!(modified(x, "delete /r/i/@id"), "<r><i>a</i><i/></r>");
        assert_eq!(
            modified(x, "replace value of (/r/i/text())[1] with \"b\""),
            "<r><i id=\"1\">b</i><i id=\"2\"/></r>"
        );
        assert_eq!(
            modified(x, "replace value of (/r/i/@id)[2] with 2 + 1"),
            "<r><i id=\"1\">a</i><i id=\"3\"/></r>"
        );
        assert_eq!(modified(x, "replace value of (/r/i)[1] with 3"), "<r><i id=\"1\">3</i><i id=\"2\"/></r>");
        assert_eq!(modified(x, "delete /r/z"), x);
    }

    #[test]
    fn targets_that_may_be_several_are_refused() {
        let number = |dml: &str| Update::parse(dml, &[]).unwrap_err().number;
        assert_eq!(number("insert <n/> into /r"), 2226);
        assert_eq!(number("replace value of /r/i/text() with 1"), 2337);
        let of_element = Update::parse("replace value of (/r/i)[1] with 1", &[]).unwrap();
        assert_eq!(of_element.untyped_error().map(|e| e.number), Some(2356));
    }
}
