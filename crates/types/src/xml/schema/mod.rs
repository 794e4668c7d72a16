//! XML schema collections: their components as the catalogue keeps them, schema documents read into components, values
//! checked against them.
//!
//! Module map: [`builtin`] the types every collection has, [`read`] schema documents into components, [`group`] content models,
//! [`simple`] values of simple types, [`pattern`] the pattern facet, [`validate`] whole values.
//!
//! Invariants
//! 1. A collection is its components and nothing else: what a document says that they cannot hold is refused when it is read.
//! 2. Walking components and values is bounded by [`super::DEPTH_MAX`]; components of any content are walked without panic.
//!
//! Evidence: kinds, symbol spaces and the rest of the letters from the documentation of sys.xml_schema_components and its kin;
//! how they lie in rows: docs/format/catalog.md, "XML schema collections".

pub mod builtin;
mod group;
pub mod pattern;
mod read;
mod simple;
mod validate;

use std::collections::HashMap;

/// First id of a component, and of a collection, that is not built in.
pub const FIRST_ID: i32 = 65_536;
/// `maxOccurs="unbounded"` as it is stored.
pub const UNBOUNDED: i32 = i32::MAX;

/// Letters of `sys.xml_schema_components.kind`.
pub mod kind {
    pub const SIMPLE: char = 'S';
    pub const LIST: char = 'L';
    pub const UNION: char = 'U';
    /// A complex type with simple content.
    pub const COMPLEX_SIMPLE: char = 'C';
    pub const COMPLEX: char = 'K';
    pub const ELEMENT: char = 'E';
    pub const GROUP: char = 'M';
    pub const WILDCARD: char = 'W';
    pub const ATTRIBUTE: char = 'A';
    pub const ATTRIBUTE_WILDCARD: char = 'V';
}

/// Letters of `symbol_space`.
pub mod space {
    pub const ELEMENT: char = 'E';
    pub const TYPE: char = 'T';
    pub const GROUP: char = 'M';
    pub const ATTRIBUTE: char = 'A';
    pub const WILDCARD: char = 'N';
}

/// Bits of `status`, which mean something else for each kind.
pub mod status {
    /// Elements and attributes.
    pub const FIXED: i32 = 1;
    pub const ELEMENT_ABSTRACT: i32 = 2;
    pub const NILLABLE: i32 = 4;
    pub const ELEMENT_QUALIFIED: i32 = 16;
    pub const ATTRIBUTE_QUALIFIED: i32 = 2;
    pub const TYPE_ABSTRACT: i32 = 1;
    pub const MIXED: i32 = 2;
    /// A wildcard: the namespaces are those it does not take.
    pub const DISALLOWS: i32 = 1;
}

/// A component inside another, in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub placed: i32,
    pub least: i32,
    pub most: i32,
    pub status: i32,
    pub default: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// Two letters, as `sys.xml_schema_facets` has them.
    pub kind: String,
    pub fixed: bool,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    pub id: i32,
    /// Ordinal, from 1, of its namespace in the collection.
    pub namespace: i32,
    pub qualified: bool,
    /// Empty for what has no name.
    pub name: String,
    pub space: char,
    /// The component within which the name is unique; 0 for global ones.
    pub scope: i32,
    pub kind: char,
    /// N none, X extension, R restriction.
    pub derivation: char,
    pub status: i32,
    /// Compositor of a group (A, C, S), processing of a wildcard (S, L, P), or `'\0'`.
    pub detail: char,
    pub default: Option<String>,
    /// The component it stands in; 0 for none.
    pub parent: i32,
    /// The type it is derived from; 0 for none.
    pub base: i32,
    /// Namespaces of a wildcard.
    pub namespaces: Vec<String>,
    pub placed: Vec<Placement>,
    pub facets: Vec<Facet>,
}

/// The components of a collection.
#[derive(Clone, Debug, Default)]
pub struct Collection {
    /// Target namespaces; the one at `i` has ordinal `i + 1`.
    pub namespaces: Vec<String>,
    components: Vec<Component>,
    by_id: HashMap<i32, usize>,
    /// Global components by symbol space, namespace ordinal and name.
    globals: HashMap<(char, i32, String), i32>,
}

impl Collection {
    pub fn new(namespaces: Vec<String>, components: Vec<Component>) -> Self {
        let mut out = Collection { namespaces, ..Collection::default() };
        components.into_iter().for_each(|c| out.push(c));
        out
    }

    fn push(&mut self, c: Component) {
        self.by_id.insert(c.id, self.components.len());
        if c.scope == 0 && !c.name.is_empty() {
            self.globals.insert((c.space, c.namespace, c.name.clone()), c.id);
        }
        self.components.push(c);
    }

    pub fn components(&self) -> &[Component] {
        &self.components
    }

    pub fn get(&self, id: i32) -> Option<&Component> {
        self.by_id.get(&id).and_then(|i| self.components.get(*i))
    }

    fn get_mut(&mut self, id: i32) -> Option<&mut Component> {
        self.by_id.get(&id).and_then(|i| self.components.get_mut(*i))
    }

    /// The ordinal of a namespace; 0 for one that no schema of the collection has.
    pub fn namespace_ordinal(&self, uri: &str) -> i32 {
        self.namespaces.iter().position(|n| n == uri).map_or(0, |i| i as i32 + 1)
    }

    pub fn namespace_of(&self, c: &Component) -> &str {
        let at = usize::try_from(c.namespace).ok().and_then(|n| n.checked_sub(1));
        at.and_then(|i| self.namespaces.get(i)).map_or("", String::as_str)
    }

    /// Whether values can be checked by all of it: every type is there and of a kind, with bits and facets, that are known here.
    pub fn is_understood(&self) -> bool {
        let known = |id: i32| {
            self.get(id).is_some()
                || builtin::type_name(id).is_some()
                || builtin::ATTRIBUTES.iter().any(|a| a.1 == id)
        };
        self.components.iter().all(|c| {
            let bits = match c.kind {
                kind::ELEMENT => {
                    status::FIXED | status::ELEMENT_ABSTRACT | status::NILLABLE | status::ELEMENT_QUALIFIED
                }
                kind::ATTRIBUTE => status::FIXED | status::ATTRIBUTE_QUALIFIED,
                kind::COMPLEX | kind::COMPLEX_SIMPLE => status::TYPE_ABSTRACT | status::MIXED,
                kind::WILDCARD | kind::ATTRIBUTE_WILDCARD => status::DISALLOWS,
                kind::SIMPLE | kind::LIST | kind::UNION | kind::GROUP => 0,
                _ => return false,
            };
            let facets = c.facets.iter().all(|f| match f.kind.as_str() {
                "PT" => pattern::Pattern::read(&f.value).is_some(),
                "LG" | "LN" | "LX" | "DT" | "DF" | "EU" | "IN" | "IX" | "EN" | "EX" | "WS" => true,
                _ => false,
            });
            c.status & !bits == 0
                && c.derivation != 'S'
                && facets
                && (c.base == 0 || known(c.base))
                && c.placed.iter().all(|p| known(p.placed))
        })
    }

    /// Whether it takes content that it does not know all of, which further schemas could make wrong.
    pub fn is_lax(&self) -> bool {
        self.components.iter().any(|c| match c.kind {
            kind::WILDCARD | kind::ATTRIBUTE_WILDCARD => c.detail == 'L',
            kind::ELEMENT => c.placed.iter().any(|p| p.placed == builtin::ANY_TYPE),
            _ => false,
        })
    }

    /// A global component.
    pub fn global(&self, space: char, uri: &str, name: &str) -> Option<&Component> {
        let key = (space, self.namespace_ordinal(uri), name.to_owned());
        self.globals.get(&key).and_then(|id| self.get(*id))
    }
}

/// A name as messages of validation show it.
fn expanded(uri: &str, local: &str) -> String {
    if uri.is_empty() { local.to_owned() } else { format!("{{{uri}}}{local}") }
}

#[cfg(test)]
mod tests {
    use super::{Collection, FIRST_ID};

    fn schema(body: &str, more: &str) -> Collection {
        let text = format!("<x:schema xmlns:x='http://www.w3.org/2001/XMLSchema' {more}>{body}</x:schema>");
        Collection::default().with_schemas(&text, 0).unwrap_or_else(|e| panic!("{e:?}"))
    }

    fn stored(body: &str, values: &[(&str, &str)]) {
        let collection = schema(body, "");
        for (value, expected) in values {
            let got = match collection.validate(value, false) {
                Ok(text) => text,
                Err(e) => format!("{}: {}", e.number, e.message),
            };
            assert_eq!(got, *expected, "{value}");
        }
    }

    #[test]
    fn values_are_stored_in_canonical_form() {
        let types = [
            ("decimal", "+05.50", "5.5"),
            ("decimal", "-0.0", "0"),
            ("int", " 007 ", "7"),
            ("boolean", "1", "true"),
            ("double", "1.0E2", "100"),
            ("double", "1000000", "1.0E6"),
            ("double", "0.0000005", "5.0E-7"),
            ("double", "0", "0.0E0"),
            ("double", "1234567890123456789", "1.23456789012346E18"),
            ("float", "1234567890123456789", "1.234568E18"),
            ("dateTime", "2020-01-02T24:00:00", "2020-01-03T00:00:00"),
            ("dateTime", "2020-01-02T03:04:05.100-00:00", "2020-01-02T03:04:05.1Z"),
            ("date", "2020-02-29+02:00", "2020-02-29+02:00"),
            ("time", "24:00:00", "00:00:00"),
            ("duration", "P0Y1M0DT0H5M6.50S", "P1MT5M6.5S"),
            ("duration", "P0Y", "PT0S"),
            ("hexBinary", "ab0c", "AB0C"),
            ("base64Binary", "YW Jj", "YWJj"),
            ("token", "  a  b ", "a b"),
            ("string", "  a  b ", "  a  b "),
        ];
        for (ty, value, canonical) in types {
            let body = format!("<x:element name='v' type='x:{ty}'/>");
            stored(&body, &[(&format!("<v>{value}</v>"), &format!("<v>{canonical}</v>"))]);
        }
        for (ty, value) in [
            ("int", "2147483648"),
            ("int", "1.0"),
            ("unsignedByte", "-1"),
            ("date", "2019-02-29"),
            ("dateTime", "2020-01-01"),
            ("boolean", "yes"),
            ("gYear", "99"),
            ("hexBinary", "abc"),
            ("duration", "P"),
            ("NCName", "a:b"),
            ("double", "inf"),
        ] {
            let body = format!("<x:element name='v' type='x:{ty}'/>");
            let expected =
                format!("6926: XML Validation: Invalid simple type value: '{value}'. Location: /*:v[1]");
            stored(&body, &[(&format!("<v>{value}</v>"), &expected)]);
        }
    }

    #[test]
    fn facets_lists_and_unions() {
        let body = "<x:simpleType name='code'><x:restriction base='x:string'><x:pattern value='[A-Z]{2}'/><x:pattern value='\\d'/></x:restriction></x:simpleType>\
             <x:simpleType name='percent'><x:restriction base='x:decimal'><x:minInclusive value='0'/><x:maxExclusive value='100.0'/><x:fractionDigits value='1'/></x:restriction></x:simpleType>\
             <x:simpleType name='list'><x:list itemType='x:int'/></x:simpleType>\
             <x:simpleType name='pair'><x:restriction base='list'><x:length value='2'/></x:restriction></x:simpleType>\
             <x:simpleType name='either'><x:union memberTypes='x:int code'/></x:simpleType>\
             <x:element name='c' type='code'/><x:element name='p' type='percent'/><x:element name='l' type='pair'/><x:element name='e' type='either'/>";
        stored(
            body,
            &[
                ("<c>AB</c>", "<c>AB</c>"),
                ("<c>7</c>", "<c>7</c>"),
                ("<c>ab</c>", "6926: XML Validation: Invalid simple type value: 'ab'. Location: /*:c[1]"),
                ("<p>99.50</p>", "<p>99.5</p>"),
                ("<p>100</p>", "6926: XML Validation: Invalid simple type value: '100'. Location: /*:p[1]"),
                ("<p>1.25</p>", "6926: XML Validation: Invalid simple type value: '1.25'. Location: /*:p[1]"),
                ("<l> 01 2 </l>", "<l>1 2</l>"),
                ("<l>1</l>", "6926: XML Validation: Invalid simple type value: '1'. Location: /*:l[1]"),
                ("<e>010</e>", "<e>10</e>"),
                ("<e>XY</e>", "<e>XY</e>"),
            ],
        );
    }

    #[test]
    fn content_models() {
        let body = "<x:element name='r'><x:complexType><x:sequence><x:element name='a' type='x:int'/><x:element name='b' minOccurs='0' maxOccurs='2' type='x:string'/></x:sequence><x:attribute name='k' type='x:int' use='required'/><x:attribute name='d' type='x:int' default='07'/></x:complexType></x:element>\
             <x:element name='c'><x:complexType><x:choice maxOccurs='unbounded'><x:element name='a' type='x:int'/><x:sequence><x:element name='b' type='x:int'/><x:element name='c' type='x:int'/></x:sequence></x:choice></x:complexType></x:element>\
             <x:element name='l'><x:complexType><x:all><x:element name='a' type='x:int'/><x:element name='b' minOccurs='0' type='x:int'/></x:all></x:complexType></x:element>\
             <x:element name='w'><x:complexType mixed='true'><x:sequence><x:any processContents='skip' namespace='##other' minOccurs='0'/></x:sequence></x:complexType></x:element>";
        stored(
            body,
            &[
                ("<r k='1'><a>1</a></r>", "<r k=\"1\" d=\"7\"><a>1</a></r>"),
                (
                    "<r k='1' d='2'><a>1</a><zz/></r>",
                    "6965: XML Validation: Invalid content. Expected element(s): 'b'. Found: element 'zz' instead. Location: /*:r[1]/*:zz[1].",
                ),
                (
                    "<r k='1'/>",
                    "6908: XML Validation: Invalid content. Expected element(s): 'a'. Location: /*:r[1]",
                ),
                (
                    "<r k='1'><a>1</a><b/><b/><b/></r>",
                    "6923: XML Validation: Unexpected element(s): b. Location: /*:r[1]/*:b[3]",
                ),
                (
                    "<r><a>1</a></r>",
                    "6906: XML Validation: Required attribute 'k' is missing. Location: /*:r[1]",
                ),
                (
                    "<r k='1' q='2'><a>1</a></r>",
                    "6905: XML Validation: Attribute 'q' is not permitted in this context. Location: /*:r[1]/@*:q",
                ),
                (
                    "<r k='x'><a>1</a></r>",
                    "6926: XML Validation: Invalid simple type value: 'x'. Location: /*:r[1]/@*:k",
                ),
                (
                    "<r k='1'>t<a>1</a></r>",
                    "6909: XML Validation: Text node is not allowed at this location, the type was defined with element only content or with simple content. Location: /*:r[1]",
                ),
                ("<c><a>1</a><b>1</b><c>1</c><a>2</a></c>", "<c><a>1</a><b>1</b><c>1</c><a>2</a></c>"),
                (
                    "<c><b>1</b><a>1</a></c>",
                    "6965: XML Validation: Invalid content. Expected element(s): 'c'. Found: element 'a' instead. Location: /*:c[1]/*:a[1].",
                ),
                ("<l><b>1</b><a>1</a></l>", "<l><b>1</b><a>1</a></l>"),
                (
                    "<l><b>1</b></l>",
                    "6908: XML Validation: Invalid content. Expected element(s): 'a'. Location: /*:l[1]",
                ),
                ("<w>text <o xmlns='urn:o'><p/></o> text</w>", "<w>text <o xmlns='urn:o'><p/></o> text</w>"),
                (
                    "<w><o/></w>",
                    "6965: XML Validation: Invalid content. Expected element(s): '*'. Found: element 'o' instead. Location: /*:w[1]/*:o[1].",
                ),
                ("<q/>", "6913: XML Validation: Declaration not found for element 'q'. Location: /*:q[1]"),
                (
                    "text",
                    "6909: XML Validation: Text node is not allowed at this location, the type was defined with element only content or with simple content. Location: /",
                ),
            ],
        );
        let collection = schema(body, "");
        let number = |text: &str| collection.validate(text, true).map_err(|e| e.number);
        assert_eq!(number("<l><a>1</a></l><l><a>1</a></l>"), Err(6901));
        assert!(number("<l><a>1</a></l>").is_ok());
    }

    #[test]
    fn derived_types_and_nil() {
        let body = "<x:complexType name='base'><x:sequence><x:element name='a' type='x:int'/></x:sequence></x:complexType>\
             <x:complexType name='more'><x:complexContent><x:extension base='t:base'><x:sequence><x:element name='b' type='x:int'/></x:sequence><x:attribute name='k' type='x:boolean'/></x:extension></x:complexContent></x:complexType>\
             <x:complexType name='price'><x:simpleContent><x:extension base='x:decimal'><x:attribute name='unit' fixed='EUR' type='x:string'/></x:extension></x:simpleContent></x:complexType>\
             <x:element name='r' type='t:base' nillable='true'/><x:element name='m' type='t:more'/><x:element name='p' type='t:price'/>";
        let collection = schema(body, "targetNamespace='urn:t' xmlns:t='urn:t'");
        let number = |text: &str| collection.validate(text, false).map_err(|e| e.number);
        let xsi = "xmlns:i='http://www.w3.org/2001/XMLSchema-instance' xmlns:t='urn:t'";
        assert!(number(&format!("<t:r {xsi}><a>1</a></t:r>")).is_ok());
        assert!(number(&format!("<t:r {xsi} i:type='t:more' k='1'><a>1</a><b>1</b></t:r>")).is_ok());
        assert_eq!(number(&format!("<t:m {xsi} i:type='t:base'><a>1</a></t:m>")), Err(6936));
        assert!(number(&format!("<t:r {xsi} i:nil='true'/>")).is_ok());
        assert_eq!(number(&format!("<t:m {xsi} i:nil='true'/>")), Err(6917));
        assert_eq!(number(&format!("<t:p {xsi} unit='USD'>1</t:p>")), Err(6921));
        assert_eq!(number(&format!("<t:p {xsi}>1<x/></t:p>")), Err(6912));
        assert_eq!(
            collection.validate(&format!("<t:p {xsi}>1.0</t:p>"), false).ok().as_deref(),
            Some(
                "<t:p xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:t=\"urn:t\" unit=\"EUR\">1</t:p>"
            )
        );
    }

    #[test]
    fn definitions_that_are_wrong_or_not_understood() {
        let cases = [
            ("<x:element name='a' type='b'/>", 2307),
            ("<x:element name='a' type='x:nothing'/>", 2308),
            ("<x:element name='a'/><x:element name='a'/>", 2302),
            ("<x:include schemaLocation='a.xsd'/>", 40_517),
            ("<x:element name='a' substitutionGroup='b'/><x:element name='b'/>", 40_517),
            ("<x:element name='a' type='x:ID'/>", 6995),
            (
                "<x:simpleType name='a'><x:restriction base='x:int'><x:enumeration value='x'/></x:restriction></x:simpleType>",
                6945,
            ),
            ("<x:simpleType name='a'><x:restriction base='a'/></x:simpleType>", 6953),
            (
                "<x:group name='g'><x:sequence><x:group ref='g'/></x:sequence></x:group><x:complexType name='t'><x:group ref='g'/></x:complexType>",
                6954,
            ),
            ("<x:complexType name='t'><x:sequence><x:all/></x:sequence></x:complexType>", 6958),
        ];
        for (body, number) in cases {
            let text = format!("<x:schema xmlns:x='http://www.w3.org/2001/XMLSchema'>{body}</x:schema>");
            let got = Collection::default().with_schemas(&text, FIRST_ID).map(|_| ()).map_err(|e| e.number);
            assert_eq!(got, Err(number), "{body}");
        }
        assert_eq!(
            Collection::default().with_schemas("<a/>", 0).map(|_| ()).map_err(|e| e.number),
            Err(2378)
        );
    }

    #[test]
    fn any_text_is_answered() {
        let source = "<x:schema xmlns:x='http://www.w3.org/2001/XMLSchema'><x:complexType name='t' mixed='1'><x:sequence><x:element name='a' type='t' minOccurs='0'/><x:any namespace='##other'/></x:sequence><x:attribute name='k' type='x:int'/></x:complexType><x:element name='r' type='t'/></x:schema>";
        for at in 0..source.len() {
            for with in ["", "<", "'", "x:"] {
                let mut text = source.to_owned();
                if !text.is_char_boundary(at) || !text.is_char_boundary(at + 1) {
                    continue;
                }
                text.replace_range(at..=at, with);
                if let Ok(c) = Collection::default().with_schemas(&text, 0) {
                    let _ = c.validate("<r k='1'><a><a/></a></r>", false);
                }
            }
        }
    }
}
