//! The catalog of one database, read once from its base tables into the shapes that system views share.
//!
//! Invariants
//! 1. Objects are the rows of sysschobjs; `system` marks those shipped with the server (ids below 100, but for those of
//!    temporary tables in dbo, which are negative and far away).
//! 2. Everything is sorted by id, as the base tables are.
//!
//! Evidence: meanings of status bits and reference classes in docs/format/catalog.md (verified on genuine files where so
//! marked).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use holdfast_format::module_text::{self, TextPlace};
use holdfast_types::{CollationId, DateTime, NameKey, NameOrder, SqlResult, SqlType, TypeId, Value};

use holdfast_engine::ddl::module::trigger_event;
use holdfast_engine::ddl::object::CLASS_OF_SERVER;
use holdfast_engine::ddl::table::column_bits;
use holdfast_engine::ddl::temporal::{HISTORY_REFERENCE, PERIOD_VALUE};

use super::source::{BaseRow, BaseRows};

/// Fixed schema ids.
pub const SCHEMA_DBO: i32 = 1;
pub const SCHEMA_INFORMATION_SCHEMA: i32 = 3;
pub const SCHEMA_SYS: i32 = 4;

/// Ids at or below this are temporary tables' where the schema is dbo; system objects, in sys, have any negative id.
pub const TEMPORARY_ID: i32 = -1_000_000_000;

/// A row of sysschobjs.
#[derive(Clone, Debug)]
pub struct Object {
    pub id: i32,
    pub name: Arc<str>,
    pub schema_id: i32,
    pub status: i32,
    /// Two letters, trimmed (`U`, `PK`, `FN` …).
    pub kind: Arc<str>,
    pub parent_id: i32,
    /// A trigger of the database itself.
    pub on_database: bool,
    /// A trigger ON ALL SERVER (in master only).
    pub on_server: bool,
    pub intprop: i32,
    pub created: DateTime,
    pub modified: DateTime,
    pub system: bool,
    /// A table or view of master or msdb that the server computes: shipped, and listed with the users' own.
    pub computed: bool,
}

impl Object {
    /// Whether it is an object of a schema: triggers of databases and of the server are not.
    pub fn has_schema(&self) -> bool {
        !self.on_database && !self.on_server
    }

    pub fn type_desc(&self) -> &'static str {
        match &*self.kind {
            "U" => "USER_TABLE",
            "S" => "SYSTEM_TABLE",
            "IT" => "INTERNAL_TABLE",
            "V" => "VIEW",
            "P" => "SQL_STORED_PROCEDURE",
            "FN" => "SQL_SCALAR_FUNCTION",
            "IF" => "SQL_INLINE_TABLE_VALUED_FUNCTION",
            "TF" => "SQL_TABLE_VALUED_FUNCTION",
            "FS" => "CLR_SCALAR_FUNCTION",
            "FT" => "CLR_TABLE_VALUED_FUNCTION",
            "AF" => "AGGREGATE_FUNCTION",
            "PC" => "CLR_STORED_PROCEDURE",
            "TA" => "CLR_TRIGGER",
            "TR" => "SQL_TRIGGER",
            "PK" => "PRIMARY_KEY_CONSTRAINT",
            "UQ" => "UNIQUE_CONSTRAINT",
            "F" => "FOREIGN_KEY_CONSTRAINT",
            "C" => "CHECK_CONSTRAINT",
            "D" => "DEFAULT_CONSTRAINT",
            "SN" => "SYNONYM",
            "SO" => "SEQUENCE_OBJECT",
            "SQ" => "SERVICE_QUEUE",
            "TT" => "TYPE_TABLE",
            "R" => "RULE",
            "X" => "EXTENDED_STORED_PROCEDURE",
            "ET" => "EXTERNAL_TABLE",
            _ => "UNKNOWN",
        }
    }

    pub fn is_procedure(&self) -> bool {
        matches!(&*self.kind, "P" | "PC" | "X")
    }

    /// Whether it stands in sys.objects and its kin.
    pub fn is_listed(&self) -> bool {
        !self.system || self.computed
    }

    pub fn status_bit(&self, bit: i32) -> bool {
        self.status & bit != 0
    }

    /// Views, procedures, functions, triggers, rules, defaults of CREATE DEFAULT: what has a module text.
    pub fn is_module(&self) -> bool {
        matches!(&*self.kind, "V" | "P" | "FN" | "IF" | "TF" | "TR" | "R")
            || (&*self.kind == "D" && self.parent_id == 0)
    }
}

/// A row of syscolpars: a column (`number` 0) or a parameter (`number` 1).
#[derive(Clone, Debug)]
pub struct ColumnRow {
    pub object_id: i32,
    pub number: i32,
    pub column_id: i32,
    pub name: Arc<str>,
    pub xtype: u8,
    pub user_type: i32,
    pub length: i32,
    pub precision: u8,
    pub scale: u8,
    pub collation: u32,
    pub status: i32,
    pub xml_collection: i32,
    pub default_id: i32,
    pub rule_id: i32,
    pub identity: Option<Arc<[u8]>>,
}

impl ColumnRow {
    pub fn nullable(&self) -> bool {
        self.status & 1 == 0
    }
    pub fn is_identity(&self) -> bool {
        self.status & 4 != 0
    }
    /// 1 GENERATED ALWAYS AS ROW START, 2 AS ROW END, else 0.
    pub fn generated(&self) -> i32 {
        match i64::from(self.status) & (column_bits::ROW_START | column_bits::ROW_END) {
            column_bits::ROW_START => 1,
            column_bits::ROW_END => 2,
            _ => 0,
        }
    }
    pub fn is_computed(&self) -> bool {
        self.status & 0x10 != 0
    }
    pub fn sql_type(&self) -> SqlType {
        let id = type_id(self.xtype, self.user_type);
        SqlType {
            id,
            length: self.length,
            precision: self.precision,
            scale: self.scale,
            collation: CollationId(self.collation),
        }
    }

    /// (last value, increment, seed) of an identity column; the last is `None` when nothing was generated yet.
    /// Layout: three values in the column's own width and encoding, then a flag byte (docs/format/catalog.md).
    pub fn identity_values(&self) -> Option<(Option<i128>, i128, i128)> {
        let b = self.identity.as_deref()?;
        let width = (b.len().checked_sub(1)?) / 3;
        if width == 0 || b.len() < width * 3 + 1 {
            return None;
        }
        let part = |i: usize| number(&b[i * width..(i + 1) * width], self.xtype);
        let unused = b[width * 3] & 1 != 0;
        Some(((!unused).then(|| part(0)), part(1), part(2)))
    }
}

/// A stored integer or decimal(p,0).
fn number(bytes: &[u8], xtype: u8) -> i128 {
    let decimal = matches!(xtype, 106 | 108);
    let (negative, magnitude) = if decimal { (bytes[0] == 0, &bytes[1..]) } else { (false, bytes) };
    let mut raw = [0u8; 16];
    let n = magnitude.len().min(16);
    raw[..n].copy_from_slice(&magnitude[..n]);
    let value = i128::from_le_bytes(raw);
    match (decimal, n) {
        (true, _) => {
            if negative {
                -value
            } else {
                value
            }
        }
        (false, 1) => value,
        (false, n) => {
            let shift = 128 - 8 * n as u32;
            (value << shift) >> shift
        }
    }
}

/// Type identity from storage type and user type id.
pub fn type_id(xtype: u8, user_type: i32) -> TypeId {
    match xtype {
        34 => TypeId::Image,
        35 => TypeId::Text,
        36 => TypeId::UniqueIdentifier,
        40 => TypeId::Date,
        41 => TypeId::Time,
        42 => TypeId::DateTime2,
        43 => TypeId::DateTimeOffset,
        48 => TypeId::TinyInt,
        52 => TypeId::SmallInt,
        56 => TypeId::Int,
        58 => TypeId::SmallDateTime,
        59 => TypeId::Real,
        60 => TypeId::Money,
        61 => TypeId::DateTime,
        62 => TypeId::Float,
        98 => TypeId::SqlVariant,
        99 => TypeId::NText,
        104 => TypeId::Bit,
        106 => TypeId::Decimal,
        108 => TypeId::Numeric,
        122 => TypeId::SmallMoney,
        127 => TypeId::BigInt,
        165 => TypeId::VarBinary,
        167 => TypeId::VarChar,
        173 => TypeId::Binary,
        175 => TypeId::Char,
        189 => TypeId::RowVersion,
        231 => TypeId::NVarChar,
        239 => TypeId::NChar,
        240 => match user_type {
            128 => TypeId::HierarchyId,
            129 => TypeId::Geometry,
            130 => TypeId::Geography,
            _ => TypeId::Clr,
        },
        241 => TypeId::Xml,
        244 => TypeId::Json,
        _ => TypeId::VarBinary,
    }
}

/// A row of sysscalartypes.
#[derive(Clone, Debug)]
pub struct TypeRow {
    pub id: i32,
    pub schema_id: i32,
    pub name: Arc<str>,
    pub xtype: u8,
    pub length: i32,
    pub precision: u8,
    pub scale: u8,
    pub collation: u32,
    pub status: i32,
    /// The default and the rule that are bound to it.
    pub default_id: i32,
    pub rule_id: i32,
}

/// A row of sysidxstats.
#[derive(Clone, Debug)]
pub struct IndexRow {
    pub object_id: i32,
    pub index_id: i32,
    pub name: Option<Arc<str>>,
    pub status: i32,
    pub fill_factor: u8,
    pub kind: u8,
    pub rowset: i64,
}

impl IndexRow {
    pub fn is_index(&self) -> bool {
        self.index_id == 0 || self.status & 1 != 0
    }
    pub fn has(&self, bit: i32) -> bool {
        self.status & bit != 0
    }
}

/// A row of sysiscols.
#[derive(Clone, Debug)]
pub struct IndexColumnRow {
    pub object_id: i32,
    pub index_id: i32,
    pub position: i32,
    pub status: i32,
    pub column_id: i32,
    pub key_ordinal: u8,
    pub partition_ordinal: u8,
}

/// A row of syssingleobjrefs.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    pub class: i32,
    pub dependent: i32,
    pub dependent_sub: i32,
    pub independent: i32,
    pub independent_sub: i32,
}

/// Everything the views share.
#[derive(Debug, Default)]
pub struct CatalogModel {
    /// How names in the database are compared.
    pub names: NameOrder,
    pub objects: Vec<Object>,
    by_id: HashMap<i32, usize>,
    by_name: HashMap<(i32, NameKey), usize>,
    pub columns: Vec<ColumnRow>,
    pub types: Vec<TypeRow>,
    pub indexes: Vec<IndexRow>,
    pub index_columns: Vec<IndexColumnRow>,
    pub references: Vec<Reference>,
    /// (id, name, owner principal id).
    pub schemas: Vec<(i32, Arc<str>, i32)>,
    /// (valclass, object, sub-object) → text.
    texts: HashMap<(i32, i32, i32), Arc<str>>,
    /// Modules WITH ENCRYPTION.
    encrypted: HashSet<i32>,
    /// What triggers are for: (trigger, event, first or last).
    pub trigger_events: Vec<(i32, i32, i32)>,
    /// Periods: (table, start column, end column).
    pub periods: Vec<(i32, i32, i32)>,
}

impl CatalogModel {
    /// Reads the base tables through `rows` (name → rows; an absent table gives no rows). `family`: what keys of encrypted texts are made of.
    /// `computed`: what the server computes beside them.
    pub fn build(
        names: NameOrder,
        rows: &dyn Fn(&str) -> SqlResult<Arc<BaseRows>>,
        family: Option<[u8; 16]>,
        computed: &dyn Fn(&mut Vec<Object>, &mut Vec<ColumnRow>),
    ) -> SqlResult<Self> {
        let mut model = CatalogModel { names, ..CatalogModel::default() };
        for r in rows("sysschobjs")?.iter() {
            model.objects.push(object(&r));
        }
        computed(&mut model.objects, &mut model.columns);
        model.objects.sort_by_key(|o| o.id);
        for (i, o) in model.objects.iter().enumerate() {
            model.by_id.insert(o.id, i);
            if (o.parent_id == 0 || !o.system) && o.has_schema() {
                model.by_name.entry((o.schema_id, names.key(&o.name))).or_insert(i);
            }
        }
        model.columns.extend(rows("syscolpars")?.iter().map(|r| column(&r)));
        model.columns.sort_by_key(|c| (c.object_id, c.number, c.column_id));
        model.types = rows("sysscalartypes")?.iter().map(|r| scalar_type(&r)).collect();
        model.types.sort_by_key(|t| t.id);
        model.indexes = rows("sysidxstats")?.iter().map(|r| index(&r)).collect();
        model.indexes.sort_by_key(|i| (i.object_id, i.index_id));
        model.index_columns = rows("sysiscols")?.iter().map(|r| index_column(&r)).collect();
        model.index_columns.sort_by_key(|c| (c.object_id, c.index_id, c.position));
        model.references = rows("syssingleobjrefs")?
            .iter()
            .map(|r| Reference {
                class: r.int("class"),
                dependent: r.int("depid"),
                dependent_sub: r.int("depsubid"),
                independent: r.int("indepid"),
                independent_sub: r.int("indepsubid"),
            })
            .collect();
        for r in rows("sysclsobjs")?.iter().filter(|r| r.int("class") == 50) {
            let id = r.int("id");
            let owner = model
                .references
                .iter()
                .find(|x| x.class == 50 && x.dependent == id)
                .map_or(id, |x| x.independent);
            model.schemas.push((id, r.text("name"), owner));
        }
        model.schemas.sort_by_key(|s| s.0);
        for r in rows("sysobjvalues")?.iter() {
            let class = r.int("valclass");
            if i64::from(class) == trigger_event::CLASS {
                let order = match r.value("value") {
                    Value::Variant(v) => crate::procedure::raise::integer(&v.value).unwrap_or(0) as i32,
                    _ => 0,
                };
                model.trigger_events.push((r.int("objid"), r.int("subobjid"), order));
            }
            if i64::from(class) == PERIOD_VALUE {
                model.periods.push((r.int("objid"), r.int("subobjid"), r.int("valnum")));
            }
            let object = r.int("objid");
            if class == 1
                && let Some(family) = family
                && let Some(bytes) = r.bytes("imageval")
                && model.object(object).is_some_and(Object::is_module)
            {
                let place = TextPlace { family, object, number: r.int("subobjid") as i16 };
                let found = module_text::decode(bytes, text_form(&r), &place);
                if found.encrypted {
                    model.encrypted.insert(object);
                }
                model.texts.insert((class, object, r.int("subobjid")), found.text.into());
            } else if matches!(class, 1 | 2 | 4 | 66)
                && let Some(text) = text_value(&r)
            {
                model.texts.insert((class, r.int("objid"), r.int("subobjid")), text);
            }
        }
        Ok(model)
    }

    pub fn object(&self, id: i32) -> Option<&Object> {
        self.by_id.get(&id).map(|&i| &self.objects[i])
    }

    /// By schema and name.
    pub fn object_named(&self, schema_id: i32, name: &str) -> Option<&Object> {
        self.by_name.get(&(schema_id, self.names.key(name))).map(|&i| &self.objects[i])
    }

    pub fn system_object(&self, schema_id: i32, name: &str) -> Option<&Object> {
        self.object_named(schema_id, name).filter(|o| o.system)
    }

    pub fn user_objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(|o| o.is_listed())
    }

    /// Objects of one of the kinds, without what only sys and INFORMATION_SCHEMA have.
    pub fn of_kind<'a>(&'a self, kinds: &'a [&'a str]) -> impl Iterator<Item = &'a Object> {
        self.user_objects().filter(move |o| kinds.contains(&&*o.kind))
    }

    pub fn schema_name(&self, id: i32) -> Arc<str> {
        self.schemas.iter().find(|s| s.0 == id).map_or_else(|| Arc::from(""), |s| Arc::clone(&s.1))
    }

    pub fn schema_id(&self, name: &str) -> Option<i32> {
        self.schemas.iter().find(|s| self.names.same(&s.1, name)).map(|s| s.0)
    }

    /// Columns of a table, view or table function, in column-id order.
    pub fn columns_of(&self, object_id: i32) -> &[ColumnRow] {
        self.column_rows(object_id, 0)
    }

    /// Parameters of a module; the return value has column id 0.
    pub fn parameters_of(&self, object_id: i32) -> &[ColumnRow] {
        self.column_rows(object_id, 1)
    }

    fn column_rows(&self, object_id: i32, number: i32) -> &[ColumnRow] {
        let low = self.columns.partition_point(|c| (c.object_id, c.number) < (object_id, number));
        let high = self.columns.partition_point(|c| (c.object_id, c.number) <= (object_id, number));
        &self.columns[low..high]
    }

    pub fn column(&self, object_id: i32, column_id: i32) -> Option<&ColumnRow> {
        self.columns_of(object_id).iter().find(|c| c.column_id == column_id)
    }

    pub fn indexes_of(&self, object_id: i32) -> &[IndexRow] {
        let low = self.indexes.partition_point(|i| i.object_id < object_id);
        let high = self.indexes.partition_point(|i| i.object_id <= object_id);
        &self.indexes[low..high]
    }

    pub fn index_columns_of(&self, object_id: i32, index_id: i32) -> &[IndexColumnRow] {
        let key = (object_id, index_id);
        let low = self.index_columns.partition_point(|c| (c.object_id, c.index_id) < key);
        let high = self.index_columns.partition_point(|c| (c.object_id, c.index_id) <= key);
        &self.index_columns[low..high]
    }

    pub fn type_row(&self, user_type: i32) -> Option<&TypeRow> {
        self.types.iter().find(|t| t.id == user_type)
    }

    pub fn type_name(&self, user_type: i32) -> Arc<str> {
        self.type_row(user_type).map_or_else(|| Arc::from(""), |t| Arc::clone(&t.name))
    }

    /// Source text of a module, default or check constraint; `None` when it is encrypted.
    pub fn text(&self, object_id: i32) -> Option<Arc<str>> {
        if self.is_encrypted(object_id) { None } else { self.hidden_text(object_id) }
    }

    /// Whether a module was made WITH ENCRYPTION.
    pub fn is_encrypted(&self, object_id: i32) -> bool {
        self.encrypted.contains(&object_id)
    }

    /// The text, also of an encrypted module: to look at, not to show.
    pub fn hidden_text(&self, object_id: i32) -> Option<Arc<str>> {
        [0, 1].iter().find_map(|sub| self.texts.get(&(1, object_id, *sub))).cloned()
    }

    /// Expression text of a computed column.
    pub fn computed_text(&self, object_id: i32, column_id: i32) -> Option<Arc<str>> {
        let find = |class| self.texts.get(&(class, object_id, column_id));
        find(2).or_else(|| find(1)).cloned()
    }

    /// Filter text of a filtered index.
    pub fn filter_text(&self, object_id: i32, index_id: i32) -> Option<Arc<str>> {
        self.texts.get(&(66, object_id, index_id)).cloned()
    }

    /// Target of a synonym as written.
    pub fn synonym_target(&self, object_id: i32) -> Option<Arc<str>> {
        self.texts.get(&(4, object_id, 0)).or_else(|| self.texts.get(&(1, object_id, 0))).cloned()
    }

    pub fn references_of(&self, class: i32, dependent: i32) -> impl Iterator<Item = &Reference> {
        self.references.iter().filter(move |r| r.class == class && r.dependent == dependent)
    }

    /// 2 and the history of a versioned table, 1 for a history, else 0.
    pub fn temporal_type(&self, table: i32) -> (i32, Option<i32>) {
        let mut of = self.references.iter().filter(|r| r.class == HISTORY_REFERENCE);
        let found = of.find(|r| r.dependent == table || r.independent == table);
        match found {
            Some(r) if r.independent == table => (2, Some(r.dependent)),
            Some(_) => (1, None),
            None => (0, None),
        }
    }

    /// (referenced table, its key index, [(parent column, referenced column)]) of a foreign key.
    pub fn foreign_key(&self, id: i32) -> (i32, i32, Vec<(i32, i32)>) {
        let target = self.references_of(27, id).next().copied();
        let mut parents: Vec<_> =
            self.references_of(28, id).map(|r| (r.dependent_sub, r.independent_sub)).collect();
        let mut referenced: Vec<_> =
            self.references_of(29, id).map(|r| (r.dependent_sub, r.independent_sub)).collect();
        parents.sort_unstable();
        referenced.sort_unstable();
        let pairs = parents.iter().zip(&referenced).map(|(p, r)| (p.1, r.1)).collect();
        (target.map_or(0, |t| t.independent), target.map_or(0, |t| t.independent_sub), pairs)
    }

    /// Index id behind a PRIMARY KEY or UNIQUE constraint.
    pub fn key_index(&self, constraint: &Object) -> i32 {
        self.references_of(93, constraint.id).next().map_or_else(
            || {
                self.indexes_of(constraint.parent_id)
                    .iter()
                    .find(|i| i.name.as_deref() == Some(&*constraint.name))
                    .map_or(0, |i| i.index_id)
            },
            |r| r.independent,
        )
    }
}

fn object(r: &BaseRow<'_>) -> Object {
    let id = r.int("id");
    let status = r.int("status");
    let schema_id = r.int("nsid");
    let temporary = id <= TEMPORARY_ID && schema_id == SCHEMA_DBO;
    Object {
        id,
        name: r.text("name"),
        schema_id,
        status,
        kind: r.text("type").trim_end().into(),
        parent_id: r.int("pid"),
        on_database: r.int("pclass") == 0 && r.text("type").trim_end() == "TR",
        on_server: r.int("pclass") == CLASS_OF_SERVER && r.text("type").trim_end() == "TR",
        intprop: r.int("intprop"),
        created: r.datetime("created"),
        modified: r.datetime("modified"),
        system: (id < 100 && !temporary) || r.text("type").trim_end() == "S",
        computed: false,
    }
}

fn column(r: &BaseRow<'_>) -> ColumnRow {
    ColumnRow {
        object_id: r.int("id"),
        number: r.int("number"),
        column_id: r.int("colid"),
        name: r.text("name"),
        xtype: r.int("xtype") as u8,
        user_type: r.int("utype"),
        length: r.int("length"),
        precision: r.int("prec") as u8,
        scale: r.int("scale") as u8,
        collation: r.int("collationid") as u32,
        status: r.int("status"),
        xml_collection: r.int("xmlns"),
        default_id: r.int("dflt"),
        rule_id: r.int("chk"),
        identity: r.bytes("idtval").map(Arc::from),
    }
}

fn scalar_type(r: &BaseRow<'_>) -> TypeRow {
    TypeRow {
        id: r.int("id"),
        schema_id: r.int("schid"),
        name: r.text("name"),
        xtype: r.int("xtype") as u8,
        length: r.int("length"),
        precision: r.int("prec") as u8,
        scale: r.int("scale") as u8,
        collation: r.int("collationid") as u32,
        status: r.int("status"),
        default_id: r.int("dflt"),
        rule_id: r.int("chk"),
    }
}

fn index(r: &BaseRow<'_>) -> IndexRow {
    IndexRow {
        object_id: r.int("id"),
        index_id: r.int("indid"),
        name: r.optional_text("name"),
        status: r.int("status"),
        fill_factor: r.int("fillfact") as u8,
        kind: r.int("type") as u8,
        rowset: r.integer("rowset"),
    }
}

fn index_column(r: &BaseRow<'_>) -> IndexColumnRow {
    IndexColumnRow {
        object_id: r.int("idmajor"),
        index_id: r.int("idminor"),
        position: r.int("subid"),
        status: r.int("status"),
        column_id: r.int("intprop"),
        key_ordinal: r.int("tinyprop1") as u8,
        partition_ordinal: r.int("tinyprop2") as u8,
    }
}

/// `value` of a row of sysobjvalues: 2 = one byte per character, 1 = UTF-16LE.
fn text_form(r: &BaseRow<'_>) -> i64 {
    match r.value("value") {
        Value::Variant(v) => crate::procedure::raise::integer(&v.value).unwrap_or(0),
        _ => 0,
    }
}

/// A text of sysobjvalues; a short one (a synonym's target) is a string inside the variant.
fn text_value(r: &BaseRow<'_>) -> Option<Arc<str>> {
    match (r.bytes("imageval"), r.value("value")) {
        (Some(bytes), _) => Some(module_text::plain(bytes, text_form(r)).into()),
        (None, Value::Variant(v)) => match &v.value {
            Value::String(s) => Some(s.to_text().into()),
            _ => None,
        },
        _ => None,
    }
}
