//! XML schema collections as the catalogue has them.
//!
//! Invariants
//! 1. A collection whose rows are not understood (a component without its name, a type that is not there) is an error for whoever
//!    needs it, and stands in nobody's way otherwise.
//!
//! Evidence: docs/format/catalog.md, "XML schema collections".

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_format::FormatError;
use holdfast_format::catalog::base_table::BaseRow;
use holdfast_types::xml::schema::{Collection, Component, FIRST_ID, Facet, Placement};
use holdfast_types::{DateTime, SqlError, SqlResult, Value};

use super::DatabaseCatalog;

/// Class of collections in sysnsobjs.
pub const COLLECTION: i32 = 27;
/// Classes of syssingleobjrefs: name of a collection's namespace (by ordinal); what a component stands in; what a type is derived
/// from.
pub const NAMESPACE: i32 = 80;
pub const PARENT: i32 = 81;
pub const BASE: i32 = 82;
/// Classes of sysmultiobjrefs: namespaces of a wildcard, names that a collection uses.
pub const WILDCARD: i32 = 83;
pub const NAMES: i32 = 84;

/// A collection without what is in it.
#[derive(Clone, Debug)]
pub struct XmlCollection {
    pub id: i32,
    pub schema_id: i32,
    pub name: Arc<str>,
    pub created: DateTime,
    pub modified: DateTime,
}

/// The collection that values of an xml column have to fit.
#[derive(Clone, Debug)]
pub struct TypedXml {
    /// `None` when what the catalogue has of it is not understood: then no value can be taken.
    pub collection: Option<Arc<Collection>>,
    /// DOCUMENT: exactly one root.
    pub document: bool,
}

impl TypedXml {
    /// A value, as it is stored.
    ///
    /// # Errors
    /// 6901 to 6965 when it does not fit, 40517 when that cannot be told.
    pub fn check(&self, value: &Value) -> SqlResult<Value> {
        let Value::String(text) = value else { return Ok(value.clone()) };
        let Some(collection) = &self.collection else {
            return Err(SqlError::not_supported(
                "Changing a value of typed xml whose schema collection is not understood",
            ));
        };
        let stored = collection.validate(&text.to_text(), self.document)?;
        Ok(Value::string(&stored))
    }
}

fn letter(row: &BaseRow<'_>, column: &str) -> char {
    row.text(column).chars().next().unwrap_or('\0')
}

fn wrong(what: &'static str) -> FormatError {
    FormatError::catalog(what)
}

impl DatabaseCatalog {
    /// Collections in id order, that of the system (1) among them.
    pub fn xml_collections(&self) -> Result<Vec<XmlCollection>, FormatError> {
        let moment = |m: Option<holdfast_format::boot::StoredDateTime>| {
            m.map_or_else(DateTime::default, |m| DateTime { days: m.days, ticks: m.ticks })
        };
        let objects = self.base_table("sysnsobjs")?;
        let mut out: Vec<XmlCollection> = objects
            .iter()
            .filter(|r| r.int("class") == i64::from(COLLECTION))
            .map(|r| XmlCollection {
                id: r.i32("id"),
                schema_id: r.i32("nsid"),
                name: r.text("name").into(),
                created: moment(r.datetime("created")),
                modified: moment(r.datetime("modified")),
            })
            .collect();
        out.sort_by_key(|c| c.id);
        Ok(out)
    }

    /// Namespaces of a collection: ordinal and URI.
    pub fn xml_namespaces(&self, collection: i32) -> Result<Vec<(i32, String)>, FormatError> {
        let names = self.xml_names()?;
        let references = self.base_table("syssingleobjrefs")?;
        let mut out = Vec::new();
        for r in references
            .iter()
            .filter(|r| r.int("class") == i64::from(NAMESPACE) && r.i32("depid") == collection)
        {
            let uri = names
                .get(&r.i32("indepid"))
                .ok_or_else(|| wrong("a namespace of an XML schema has no name"))?;
            out.push((r.i32("depsubid"), uri.clone()));
        }
        out.sort_by_key(|n| n.0);
        Ok(out)
    }

    fn xml_names(&self) -> Result<HashMap<i32, String>, FormatError> {
        let names = self.base_table("sysqnames")?;
        Ok(names.iter().map(|r| (r.i32("nid"), r.text("name").to_owned())).collect())
    }

    /// What is in a collection; `None` when there is none of this id. Read once.
    pub fn xml_collection(&self, id: i32) -> Result<Option<Arc<Collection>>, FormatError> {
        if let Some(known) = self.xml.lock().get(&id) {
            return Ok(Some(Arc::clone(known)));
        }
        if id < FIRST_ID || !self.xml_collections()?.iter().any(|c| c.id == id) {
            return Ok(None);
        }
        let built = Arc::new(self.read_xml_collection(id)?);
        self.xml.lock().insert(id, Arc::clone(&built));
        Ok(Some(built))
    }

    fn read_xml_collection(&self, id: i32) -> Result<Collection, FormatError> {
        let names = self.xml_names()?;
        let mut namespaces = Vec::new();
        for (ordinal, uri) in self.xml_namespaces(id)? {
            if usize::try_from(ordinal).ok() != Some(namespaces.len() + 1) {
                return Err(wrong("namespaces of an XML schema are not numbered from 1"));
            }
            namespaces.push(uri);
        }
        let (singles, multiples) =
            (self.base_table("syssingleobjrefs")?, self.base_table("sysmultiobjrefs")?);
        let of = |class: i32| -> HashMap<i32, i32> {
            let rows = singles.iter().filter(|r| r.int("class") == i64::from(class));
            rows.map(|r| (r.i32("depid"), r.i32("indepid"))).collect()
        };
        let (parents, bases) = (of(PARENT), of(BASE));
        let (placements, facets) = (self.base_table("sysxmlplacement")?, self.base_table("sysxmlfacet")?);
        let mut components = Vec::new();
        for r in self.base_table("sysxmlcomponent")?.iter().filter(|r| r.i32("xsdid") == id) {
            let component = r.i32("id");
            let name = match r.i32("nameid") {
                0 => String::new(),
                n => {
                    names.get(&n).cloned().ok_or_else(|| wrong("a component of an XML schema has no name"))?
                }
            };
            let mut placed: Vec<(i32, Placement)> = placements
                .iter()
                .filter(|p| p.i32("placingid") == component)
                .map(|p| {
                    let placement = Placement {
                        placed: p.i32("placedid"),
                        least: p.i32("minoccur"),
                        most: p.i32("maxoccur"),
                        status: p.i32("status"),
                        default: (!p.value("defval").is_null()).then(|| p.text("defval").to_owned()),
                    };
                    (p.i32("ordinal"), placement)
                })
                .collect();
            placed.sort_by_key(|p| p.0);
            let mut own: Vec<(i32, Facet)> = facets
                .iter()
                .filter(|f| f.i32("compid") == component)
                .map(|f| {
                    let kind = f.text("kind").trim_end().to_owned();
                    (
                        f.i32("ord"),
                        Facet { kind, fixed: f.int("status") & 1 != 0, value: f.text("dflt").to_owned() },
                    )
                })
                .collect();
            own.sort_by_key(|f| f.0);
            let taken = multiples
                .iter()
                .filter(|m| m.int("class") == i64::from(WILDCARD) && m.i32("depid") == component)
                .map(|m| {
                    names
                        .get(&m.i32("indepid"))
                        .cloned()
                        .ok_or_else(|| wrong("a wildcard's namespace has no name"))
                });
            components.push(Component {
                id: component,
                namespace: r.i32("uriord"),
                qualified: r.int("qual") != 0,
                name,
                space: letter(&r, "symspace"),
                scope: r.i32("nmscope"),
                kind: letter(&r, "kind"),
                derivation: letter(&r, "deriv"),
                status: r.i32("status"),
                detail: letter(&r, "enum"),
                default: (!r.value("defval").is_null()).then(|| r.text("defval").to_owned()),
                parent: parents.get(&component).copied().unwrap_or(0),
                base: bases.get(&component).copied().unwrap_or(0),
                namespaces: taken.collect::<Result<_, _>>()?,
                placed: placed.into_iter().map(|p| p.1).collect(),
                facets: own.into_iter().map(|f| f.1).collect(),
            });
        }
        components.sort_by_key(|c| c.id);
        Ok(Collection::new(namespaces, components))
    }

    /// The id of a collection by name.
    pub fn xml_collection_named(&self, schema: &str, name: &str) -> Result<Option<i32>, FormatError> {
        let Some(schema) = self.schema_number(schema) else { return Ok(None) };
        let same = |c: &XmlCollection| c.schema_id == schema && self.names.same(&c.name, name);
        Ok(self.xml_collections()?.into_iter().find(same).map(|c| c.id))
    }

    /// What values of an xml column have to fit, by the collection's id; `None` for an untyped one.
    pub fn typed_xml_of(&self, collection: i32, document: bool) -> Option<Arc<TypedXml>> {
        if collection == 0 {
            return None;
        }
        let found = self.xml_collection(collection).ok().flatten();
        Some(Arc::new(TypedXml { collection: found.filter(|c| c.is_understood()), document }))
    }
}
