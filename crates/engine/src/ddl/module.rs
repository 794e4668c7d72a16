//! Views, procedures, functions, triggers, synonyms, sequences, types in the catalog.

use holdfast_types::{SqlResult, SqlType, TypeId, Value};

use super::object::{Below, NewObject, bits};
use super::rows::{CatalogWriter, Cell, FIRST_OF_2008, FIRST_OF_2012};
use super::table::{NewColumn, column_bits};
use crate::write::sequence::{self, SequenceSpec};

/// Reference class: a table type's table.
const TYPE_TABLE: i32 = 36;

/// Rows of sysobjvalues that say what a trigger is for: one per event, with its number as sub-object.
pub mod trigger_event {
    pub const CLASS: i64 = 70;
    pub const VALUE_NUMBER: i64 = 1;
    /// The trigger that fires before all others, and the one after all others (docs/format/catalog.md: assumed).
    pub const FIRST: i32 = 1;
    pub const LAST: i32 = 2;
}

/// A parameter to be entered.
#[derive(Clone, Debug)]
pub struct NewParameter {
    /// With the @; empty for a return value.
    pub name: String,
    pub ty: SqlType,
    pub user_type: i32,
    pub output: bool,
    pub read_only: bool,
    /// CURSOR VARYING.
    pub cursor: bool,
}

/// A module to be entered.
#[derive(Clone, Debug)]
pub struct NewModule {
    pub name: String,
    pub schema_id: i32,
    /// `V `, `P `, `FN`, `IF`, `TF`, `TR`.
    pub kind: &'static str,
    /// Table of a trigger.
    pub parent_id: i32,
    pub status: i64,
    /// The whole statement.
    pub text: String,
    /// WITH ENCRYPTION.
    pub encrypted: bool,
    /// Columns of a view or table function.
    pub columns: Vec<NewColumn>,
    pub parameters: Vec<NewParameter>,
    /// Columns of a view that are the identity column of the one table behind it. (Genuine views have the column's bit, and no
    /// values with it.)
    pub identity_columns: Vec<i32>,
    /// Schema-bound dependencies: (object, column).
    pub depends_on: Vec<(i32, i32)>,
    /// What the text of a module that is not bound to it names.
    pub names: Vec<NamedReference>,
    /// What the names were when the module was made: object, column (0: the object itself) and bits of [`reference_use`].
    pub uses: Vec<(i32, i32, i64)>,
    /// A trigger ON ALL SERVER.
    pub on_server: bool,
    /// Numbers of the events that a trigger is for.
    pub events: Vec<i32>,
}

/// A name in a module's text: a row of `syssoftobjrefs` (docs/format/catalog.md).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedReference {
    pub server: Option<String>,
    pub database: Option<String>,
    pub schema: Option<String>,
    pub name: String,
    /// It may be a method of a column as well as a function.
    pub ambiguous: bool,
}

/// Status of rows of class 0 of `sysmultiobjrefs`.
pub mod reference_use {
    /// `*` names the column.
    pub const SELECT_ALL: i64 = 1;
    pub const UPDATED: i64 = 2;
    pub const SELECTED: i64 = 4;
}

/// `syssoftobjrefs.status` of a name that may be a method.
pub const AMBIGUOUS: i64 = 4;

/// `depclass` and `indepclass` of objects in `syssoftobjrefs`.
const OBJECT: i32 = 1;

fn optional(part: &Option<String>) -> Cell<'_> {
    part.as_deref().map_or(Cell::Null, Cell::from)
}

impl CatalogWriter<'_> {
    /// Enters a module. Answers its id.
    pub fn add_module(&self, new: &NewModule) -> SqlResult<i32> {
        let id = self.next_object_id()?;
        let object = NewObject {
            name: &new.name,
            schema_id: new.schema_id,
            kind: new.kind,
            parent_id: new.parent_id,
            status: new.status,
            intprop: 0,
        };
        if new.on_server {
            self.add_object_below(id, &object, Below::Server)?;
        } else {
            self.add_object(id, &object)?;
        }
        self.add_module_body(id, new)?;
        Ok(id)
    }

    /// Replaces text, columns and parameters of a module; id, name, permissions and creation date stay.
    pub fn replace_module(&self, id: i32, new: &NewModule) -> SqlResult<()> {
        let key = i64::from(id);
        self.delete_all("syscolpars", &[key])?;
        for class in [1, trigger_event::CLASS] {
            self.delete_all("sysobjvalues", &[class, key])?;
        }
        for class in [0, 1] {
            self.delete_all("sysmultiobjrefs", &[class, key])?;
        }
        self.delete_all("syssoftobjrefs", &[OBJECT.into(), key])?;
        let (status, now) = (new.status, self.now);
        let (kind, parent) = (new.kind, new.parent_id);
        self.update("sysschobjs", &[key], &|_, _| true, &|b, r| {
            let kept = if kind == "TR" { b.int(r, "status") & bits::DISABLED } else { 0 };
            vec![
                ("status", Cell::Int(status | kept)),
                ("pid", parent.into()),
                ("modified", Cell::Moment(now)),
            ]
        })?;
        self.add_module_body(id, new)
    }

    fn add_module_body(&self, id: i32, new: &NewModule) -> SqlResult<()> {
        for (i, c) in new.columns.iter().enumerate() {
            let not_null = if c.nullable { 0 } else { column_bits::NOT_NULL };
            let padded = if matches!(
                c.ty.id,
                holdfast_types::TypeId::Char
                    | holdfast_types::TypeId::VarChar
                    | holdfast_types::TypeId::NChar
                    | holdfast_types::TypeId::NVarChar
                    | holdfast_types::TypeId::Binary
                    | holdfast_types::TypeId::VarBinary
            ) {
                column_bits::PADDED
            } else {
                0
            };
            let place = i as i32 + 1;
            let identity = if new.identity_columns.contains(&place) { column_bits::IDENTITY } else { 0 };
            self.add_column_row(id, 0, place, Some(&c.name), c, not_null | padded | identity)?;
        }
        let mut place = 1;
        for p in &new.parameters {
            let status = if p.output { column_bits::OUTPUT } else { 0 }
                | if p.read_only { column_bits::READ_ONLY } else { 0 }
                | if p.cursor { column_bits::CURSOR } else { 0 };
            let column = NewColumn::plain("", p.ty, p.user_type, true);
            if p.name.is_empty() {
                self.add_column_row(id, 1, 0, None, &column, status)?;
            } else {
                self.add_column_row(id, 1, place, Some(&p.name), &column, status)?;
                place += 1;
            }
        }
        // Procedures have their text under the procedure's number.
        let number = i32::from(new.kind == "P ");
        if new.encrypted {
            self.add_encrypted_text(id, number, &new.text)?;
        } else {
            self.add_text(1, id, number, &new.text)?;
        }
        for (object, column) in &new.depends_on {
            self.add_dependency(1, id, (*object, *column))?;
        }
        for (object, column, status) in &new.uses {
            self.add_multi_reference(0, id, (*object, *column), *status)?;
        }
        // 2005 keeps what the names meant, and not the names.
        let names = if self.has("syssoftobjrefs") { &new.names[..] } else { &[] };
        for (i, n) in names.iter().enumerate() {
            self.insert(
                "syssoftobjrefs",
                &[
                    ("depclass", OBJECT.into()),
                    ("depid", id.into()),
                    ("indepclass", OBJECT.into()),
                    ("indepname", n.name.as_str().into()),
                    ("indepschema", optional(&n.schema)),
                    ("indepdb", optional(&n.database)),
                    ("indepserver", optional(&n.server)),
                    ("number", (i as i32 + 1).into()),
                    ("status", (if n.ambiguous { AMBIGUOUS } else { 0 }).into()),
                ],
            )?;
        }
        for event in &new.events {
            self.insert(
                "sysobjvalues",
                &[
                    ("valclass", trigger_event::CLASS.into()),
                    ("objid", id.into()),
                    ("subobjid", (*event).into()),
                    ("valnum", trigger_event::VALUE_NUMBER.into()),
                    ("value", Cell::Variant(SqlType::INT, Value::Int(0))),
                ],
            )?;
        }
        Ok(())
    }

    /// Makes a trigger the first or last for an event, or neither. Answers whether it is for that event.
    pub fn set_trigger_order(&self, id: i32, event: i32, order: i32) -> SqlResult<bool> {
        let key = [trigger_event::CLASS, id.into(), event.into()];
        let changed = self.update("sysobjvalues", &key, &|_, _| true, &|_, _| {
            vec![("value", Cell::Variant(SqlType::INT, Value::Int(order)))]
        })?;
        Ok(changed > 0)
    }

    /// Enters a synonym.
    pub fn add_synonym(&self, schema_id: i32, name: &str, target: &str) -> SqlResult<i32> {
        let id = self.next_object_id()?;
        let new = NewObject { name, schema_id, kind: "SN", parent_id: 0, status: 0, intprop: 0 };
        self.add_object(id, &new)?;
        let ty = SqlType::nvarchar(target.encode_utf16().count() as i32, self.collation());
        self.insert(
            "sysobjvalues",
            &[
                ("valclass", 4.into()),
                ("objid", id.into()),
                ("subobjid", 0.into()),
                ("valnum", 0.into()),
                ("value", Cell::Variant(ty, Value::string(target))),
            ],
        )?;
        Ok(id)
    }

    fn collation(&self) -> holdfast_types::CollationId {
        crate::catalog::Catalog::default_collation(&*self.catalog)
    }

    /// Enters an alias type. Answers its id.
    pub fn add_alias_type(&self, schema_id: i32, name: &str, ty: &SqlType, nullable: bool) -> SqlResult<i32> {
        self.require_type(ty)?;
        self.hold_ids("sysscalartypes")?;
        let id = (self.highest("sysscalartypes")?.max(256) + 1) as i32;
        let column = NewColumn::plain("", *ty, id, true);
        let (prec, scale) = (column.ty.precision, column.ty.scale);
        self.insert(
            "sysscalartypes",
            &[
                ("id", id.into()),
                ("schid", schema_id.into()),
                ("name", name.into()),
                ("xtype", i32::from(ty.id.xtype()).into()),
                ("length", ty.length.into()),
                ("prec", i32::from(prec).into()),
                ("scale", i32::from(scale).into()),
                ("collationid", i64::from(ty.collation.0).into()),
                ("status", i64::from(!nullable).into()),
                ("created", Cell::Moment(self.now)),
                ("modified", Cell::Moment(self.now)),
                ("dflt", 0.into()),
                ("chk", 0.into()),
            ],
        )?;
        Ok(id)
    }

    /// Enters a table type over the table object `table`. Answers its id.
    pub fn add_table_type(&self, schema_id: i32, name: &str, table: i32) -> SqlResult<i32> {
        self.require(FIRST_OF_2008, "A table type")?;
        self.hold_ids("sysscalartypes")?;
        let id = (self.highest("sysscalartypes")?.max(256) + 1) as i32;
        self.insert(
            "sysscalartypes",
            &[
                ("id", id.into()),
                ("schid", schema_id.into()),
                ("name", name.into()),
                ("xtype", super::table::TABLE_TYPE.into()),
                ("length", (-1).into()),
                ("prec", 0.into()),
                ("scale", 0.into()),
                ("collationid", 0.into()),
                ("status", 1.into()),
                ("created", Cell::Moment(self.now)),
                ("modified", Cell::Moment(self.now)),
                ("dflt", 0.into()),
                ("chk", 0.into()),
            ],
        )?;
        self.add_reference(TYPE_TABLE, (id, 0), (table, 0))?;
        Ok(id)
    }

    /// Removes a type and, when it is one of a table, that.
    pub fn remove_type(&self, id: i32, table: Option<i32>) -> SqlResult<()> {
        let key = i64::from(id);
        self.delete_all("sysscalartypes", &[key])?;
        self.delete_all("sysxprops", &[6, key])?;
        self.delete_all("sysprivs", &[6, key])?;
        self.delete_all("syssingleobjrefs", &[TYPE_TABLE.into(), key])?;
        if let Some(table) = table {
            self.delete_all("sysxprops", &[8, table.into()])?;
            self.remove_table(table)?;
        }
        Ok(())
    }

    fn sequence_bits(spec: &SequenceSpec) -> (i64, i32) {
        let status = if spec.cycle { sequence::CYCLES } else { 0 }
            | if spec.cache.is_some() { sequence::CACHED } else { 0 };
        (status, spec.cache.map_or(0, |n| i32::try_from(n).unwrap_or(i32::MAX)))
    }

    fn sequence_value(spec: &SequenceSpec, last: Option<i128>) -> SqlResult<Cell<'static>> {
        let bytes = spec.encode(last)?;
        let ty = SqlType::binary(TypeId::VarBinary, bytes.len() as i32);
        Ok(Cell::Variant(ty, Value::Binary(bytes.into())))
    }

    /// Enters a sequence. Answers its id.
    pub fn add_sequence(&self, schema_id: i32, name: &str, spec: &SequenceSpec) -> SqlResult<i32> {
        self.require(FIRST_OF_2012, "A sequence")?;
        let id = self.next_object_id()?;
        let (status, intprop) = Self::sequence_bits(spec);
        self.add_object(id, &NewObject { name, schema_id, kind: "SO", parent_id: 0, status, intprop })?;
        self.insert(
            "sysobjvalues",
            &[
                ("valclass", sequence::CLASS.into()),
                ("objid", id.into()),
                ("subobjid", 0.into()),
                ("valnum", spec.value_number().into()),
                ("value", Self::sequence_value(spec, None)?),
            ],
        )?;
        if let Some(writing) = self.catalog.writing() {
            writing.sequences.note_changed(id, self.write.transaction.owner());
        }
        Ok(id)
    }

    /// Writes the value last given of a sequence that the transaction itself has changed.
    pub fn set_sequence_value(&self, id: i32, spec: &SequenceSpec, last: i128) -> SqlResult<()> {
        let key = [sequence::CLASS, id.into(), 0, spec.value_number().into()];
        let value = Self::sequence_value(spec, Some(last))?;
        self.update("sysobjvalues", &key, &|_, _| true, &|_, _| vec![("value", value.clone())]).map(|_| ())
    }

    /// Makes a sequence another; the type stays. `last`: the value last given.
    pub fn alter_sequence(&self, id: i32, spec: &SequenceSpec, last: Option<i128>) -> SqlResult<()> {
        let key = [sequence::CLASS, id.into(), 0, spec.value_number().into()];
        let value = Self::sequence_value(spec, last)?;
        self.update("sysobjvalues", &key, &|_, _| true, &|_, _| vec![("value", value.clone())])?;
        let (status, intprop) = Self::sequence_bits(spec);
        let now = self.now;
        self.update("sysschobjs", &[id.into()], &|_, _| true, &|_, _| {
            vec![("status", status.into()), ("intprop", intprop.into()), ("modified", Cell::Moment(now))]
        })?;
        if let Some(writing) = self.catalog.writing() {
            writing.sequences.note_changed(id, self.write.transaction.owner());
        }
        Ok(())
    }

    /// Whether a column or parameter has the type.
    pub fn type_is_used(&self, id: i32) -> SqlResult<Option<i32>> {
        let base = self.base("syscolpars")?;
        let rows = self.rows("syscolpars", &[])?;
        Ok(rows.iter().find(|r| base.int(r, "utype") == i64::from(id)).map(|r| base.int(r, "id") as i32))
    }
}
