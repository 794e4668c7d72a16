//! XML schema collections in the catalogue.
//!
//! Invariants
//! 1. Every name is entered once in sysqnames and stays there when what uses it goes, as servers have it.
//!
//! Evidence: docs/format/catalog.md, "XML schema collections" (assumed where it says so).

use std::collections::{BTreeSet, HashMap};

use holdfast_types::xml::schema::{Collection, FIRST_ID};
use holdfast_types::{SqlError, SqlResult};

use super::rows::{CatalogWriter, Cell};
use crate::database::xml_schema::{BASE, COLLECTION, NAMES, NAMESPACE, PARENT, WILDCARD};

/// The hash of a name in sysqnames: seven bits on, round, for each UTF-16 unit.
#[must_use]
pub fn name_hash(name: &str) -> i32 {
    name.encode_utf16().fold(0u32, |h, unit| h.rotate_left(7) ^ u32::from(unit)) as i32
}

impl CatalogWriter<'_> {
    /// The first id that no component has.
    pub fn next_xml_component(&self) -> SqlResult<i32> {
        self.hold_ids("sysxmlcomponent")?;
        Ok(i32::try_from((self.highest("sysxmlcomponent")? + 1).max(i64::from(FIRST_ID))).unwrap_or(i32::MAX))
    }

    /// Enters a collection without anything in it. Answers its id.
    ///
    /// # Errors
    /// 6348 when the name is taken.
    pub fn add_xml_collection(&self, schema_id: i32, name: &str) -> SqlResult<i32> {
        self.hold_ids("sysnsobjs")?;
        let base = self.base("sysnsobjs")?;
        let rows = self.rows("sysnsobjs", &[COLLECTION.into()])?;
        let last = rows.iter().map(|r| base.int(r, "id")).max().unwrap_or(0);
        let id = i32::try_from((last + 1).max(i64::from(FIRST_ID))).unwrap_or(i32::MAX);
        self.insert(
            "sysnsobjs",
            &[
                ("class", COLLECTION.into()),
                ("id", id.into()),
                ("name", name.into()),
                ("nsid", schema_id.into()),
                ("status", 0.into()),
                ("intprop", 0.into()),
                ("created", Cell::Moment(self.now)),
                ("modified", Cell::Moment(self.now)),
            ],
        )
        .map_err(|e| match e.number {
            2601 | 2627 => SqlError::new(6348, &[&name]),
            _ => e,
        })?;
        Ok(id)
    }

    /// The id of a name, entered when it is not there yet.
    fn xml_name(&self, name: &str, known: &mut HashMap<String, i32>) -> SqlResult<i32> {
        if let Some(id) = known.get(name) {
            return Ok(*id);
        }
        let hash = name_hash(name);
        let base = self.base("sysqnames")?;
        let found = self.rows("sysqnames", &[0, hash.into()])?;
        let id = match found.iter().find(|r| base.text(r, "name") == name) {
            Some(row) => base.int(row, "nid") as i32,
            None => {
                self.hold_ids("sysqnames")?;
                let all = self.rows("sysqnames", &[])?;
                let last = all.iter().map(|r| base.int(r, "nid")).max().unwrap_or(0);
                let id = i32::try_from(last + 1).unwrap_or(i32::MAX);
                let cells =
                    [("qid", 0.into()), ("hash", hash.into()), ("nid", id.into()), ("name", name.into())];
                self.insert("sysqnames", &cells)?;
                id
            }
        };
        known.insert(name.to_owned(), id);
        Ok(id)
    }

    fn add_multiple(&self, class: i32, from: i32, to: i32) -> SqlResult<()> {
        self.insert(
            "sysmultiobjrefs",
            &[
                ("class", class.into()),
                ("depid", from.into()),
                ("depsubid", 0.into()),
                ("indepid", to.into()),
                ("indepsubid", 0.into()),
                ("status", 0.into()),
            ],
        )
    }

    /// Enters what `new` has beyond `old`, which is what collection `id` has.
    pub fn extend_xml_collection(&self, id: i32, old: &Collection, new: &Collection) -> SqlResult<()> {
        let mut known = HashMap::new();
        let mut used = BTreeSet::new();
        for (at, uri) in new.namespaces.iter().enumerate().skip(old.namespaces.len()) {
            let name = self.xml_name(uri, &mut known)?;
            self.add_reference(NAMESPACE, (id, at as i32 + 1), (name, 0))?;
        }
        for c in new.components().iter().skip(old.components().len()) {
            let name = if c.name.is_empty() { 0 } else { self.xml_name(&c.name, &mut known)? };
            if name != 0 {
                used.insert(name);
            }
            let text = |s: &Option<String>| s.clone().map_or(Cell::Null, Cell::Owned);
            self.insert(
                "sysxmlcomponent",
                &[
                    ("id", c.id.into()),
                    ("xsdid", id.into()),
                    ("uriord", c.namespace.into()),
                    ("qual", i32::from(c.qualified).into()),
                    ("nameid", name.into()),
                    ("symspace", Cell::Owned(c.space.to_string())),
                    ("nmscope", c.scope.into()),
                    ("kind", Cell::Owned(c.kind.to_string())),
                    ("deriv", Cell::Owned(c.derivation.to_string())),
                    ("status", c.status.into()),
                    ("enum", Cell::Owned(c.detail.to_string())),
                    ("defval", text(&c.default)),
                ],
            )?;
            if c.parent != 0 {
                self.add_reference(PARENT, (c.id, 0), (c.parent, 0))?;
            }
            if c.base != 0 {
                self.add_reference(BASE, (c.id, 0), (c.base, 0))?;
            }
            for uri in &c.namespaces {
                let uri = self.xml_name(uri, &mut known)?;
                self.add_multiple(WILDCARD, c.id, uri)?;
            }
            for (at, p) in c.placed.iter().enumerate() {
                self.insert(
                    "sysxmlplacement",
                    &[
                        ("placingid", c.id.into()),
                        ("ordinal", (at as i32 + 1).into()),
                        ("placedid", p.placed.into()),
                        ("status", p.status.into()),
                        ("minoccur", p.least.into()),
                        ("maxoccur", p.most.into()),
                        ("defval", text(&p.default)),
                    ],
                )?;
            }
            for (at, f) in c.facets.iter().enumerate() {
                self.insert(
                    "sysxmlfacet",
                    &[
                        ("compid", c.id.into()),
                        ("ord", (at as i32 + 1).into()),
                        ("kind", Cell::Owned(f.kind.clone())),
                        ("status", i32::from(f.fixed).into()),
                        ("dflt", Cell::Owned(f.value.clone())),
                    ],
                )?;
            }
        }
        let base = self.base("sysmultiobjrefs")?;
        let before = self.rows("sysmultiobjrefs", &[NAMES.into(), id.into()])?;
        for row in &before {
            used.remove(&(base.int(row, "indepid") as i32));
        }
        used.into_iter().try_for_each(|name| self.add_multiple(NAMES, id, name))
    }

    /// Notes that a collection was altered.
    pub fn touch_xml_collection(&self, id: i32) -> SqlResult<()> {
        let now = self.now;
        self.update("sysnsobjs", &[COLLECTION.into(), id.into()], &|_, _| true, &|_, _| {
            vec![("modified", Cell::Moment(now))]
        })
        .map(|_| ())
    }

    pub fn remove_xml_collection(&self, id: i32, content: &Collection) -> SqlResult<()> {
        for c in content.components() {
            let key = i64::from(c.id);
            self.delete_all("sysxmlcomponent", &[key])?;
            self.delete_all("sysxmlplacement", &[key])?;
            self.delete_all("sysxmlfacet", &[key])?;
            self.delete_all("syssingleobjrefs", &[PARENT.into(), key])?;
            self.delete_all("syssingleobjrefs", &[BASE.into(), key])?;
            self.delete_all("sysmultiobjrefs", &[WILDCARD.into(), key])?;
        }
        self.delete_all("sysmultiobjrefs", &[NAMES.into(), id.into()])?;
        self.delete_all("syssingleobjrefs", &[NAMESPACE.into(), id.into()])?;
        self.delete_all("sysxprops", &[10, id.into()])?;
        self.delete_all("sysprivs", &[10, id.into()])?;
        self.delete_all("sysnsobjs", &[COLLECTION.into(), id.into()])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::name_hash;

    /// Pairs of sysqnames in genuine databases.
    #[test]
    fn names_hash_as_in_genuine_rows() {
        let rows = [
            ("QName", 433_616_608),
            ("Name", 165_181_157),
            ("http://www.w3.org/1999/xhtml", 1_014_059_124),
            ("ProductModelName", -95_814_406),
            ("Description", -44_192_365),
            ("", 0),
        ];
        for (name, hash) in rows {
            assert_eq!(name_hash(name), hash, "{name}");
        }
    }
}
