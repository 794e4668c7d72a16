//! Tables and their columns in the catalog.
//!
//! Invariants
//! 1. A dropped column keeps its place in records: its place in the rowset stays, marked, under an id from 0x0400_0001 on.
//! 2. An added column comes behind all others in records; records that end before it have NULL there.

use holdfast_format::record::layout::xtype;
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId, Value};

use super::index::{NewIndex, Placement, TableColumn, base_specs};
use super::layout::{Kind, MAX_ROW, RowsetColumn, fixed_size, is_large, lay_out, packed_type, precision};
use super::object::{NewObject, bits};
use super::rows::{CatalogWriter, Cell, FIRST_OF_2008, FIRST_OF_2012};
use super::rowset_columns::Figures;
use super::temporal::RowBound;

/// Bits of syscolpars.status.
pub mod column_bits {
    pub const NOT_NULL: i64 = 1;
    pub const PADDED: i64 = 2;
    pub const IDENTITY: i64 = 4;
    pub const ROW_GUID: i64 = 8;
    pub const COMPUTED: i64 = 0x10;
    pub const NOT_FOR_REPLICATION: i64 = 0x80;
    pub const OUTPUT: i64 = 0x200;
    pub const SPARSE: i64 = 0x0100_0000;
    pub const COLUMN_SET: i64 = 0x0200_0000;
    /// Of a parameter that is a cursor: documented (published definition of sys.parameters), no genuine sample.
    pub const CURSOR: i64 = 0x400;
    pub const READ_ONLY: i64 = 0x40_0000;
    pub const HIDDEN: i64 = 0x2000;
    pub const XML_DOCUMENT: i64 = 0x800;
    pub const ROW_START: i64 = 0x1000_0000;
    pub const ROW_END: i64 = 0x2000_0000;
}

/// xtype of table types and of parameters that have one.
pub const TABLE_TYPE: i32 = 243;

/// First id of a dropped column.
const DROPPED: i64 = 0x0400_0001;

/// A column to be entered.
#[derive(Clone, Debug)]
pub struct NewColumn {
    pub name: String,
    pub ty: SqlType,
    /// Id of the declared type: the storage type's, or that of an alias or CLR type.
    pub user_type: i32,
    pub nullable: bool,
    /// Seed and increment, of the column's type.
    pub identity: Option<(Value, Value)>,
    pub not_for_replication: bool,
    pub row_guid: bool,
    pub sparse: bool,
    pub column_set: bool,
    /// Text with parentheses, and whether the value is stored.
    pub computed: Option<(String, bool)>,
    /// Columns that the computed text names.
    pub computed_from: Vec<i32>,
    /// Functions that it calls.
    pub computed_by: Vec<i32>,
    pub ansi_padding: bool,
    /// GENERATED ALWAYS AS ROW START or END.
    pub generated: Option<RowBound>,
    pub hidden: bool,
    /// Schema collection of a typed xml column, and whether it takes documents only.
    pub xml_collection: Option<(i32, bool)>,
}

impl NewColumn {
    /// A column of which nothing but name, type and nullability is said.
    pub fn plain(name: &str, ty: SqlType, user_type: i32, nullable: bool) -> Self {
        NewColumn {
            name: name.to_owned(),
            ty,
            user_type,
            nullable,
            identity: None,
            not_for_replication: false,
            row_guid: false,
            sparse: false,
            column_set: false,
            computed: None,
            computed_from: Vec::new(),
            computed_by: Vec::new(),
            ansi_padding: true,
            generated: None,
            hidden: false,
            xml_collection: None,
        }
    }

    fn status(&self) -> i64 {
        let padded = matches!(
            self.ty.id,
            TypeId::Char
                | TypeId::VarChar
                | TypeId::NChar
                | TypeId::NVarChar
                | TypeId::Binary
                | TypeId::VarBinary
        ) && self.ansi_padding;
        let not_null = if self.nullable { 0 } else { column_bits::NOT_NULL };
        not_null
            | if padded { column_bits::PADDED } else { 0 }
            | if self.identity.is_some() { column_bits::IDENTITY } else { 0 }
            | if self.row_guid { column_bits::ROW_GUID } else { 0 }
            | if self.computed.is_some() { column_bits::COMPUTED } else { 0 }
            | if self.not_for_replication { column_bits::NOT_FOR_REPLICATION } else { 0 }
            | if self.sparse { column_bits::SPARSE } else { 0 }
            | if self.column_set { column_bits::COLUMN_SET } else { 0 }
            | if self.hidden { column_bits::HIDDEN } else { 0 }
            | if self.xml_collection.is_some_and(|x| x.1) { column_bits::XML_DOCUMENT } else { 0 }
            | self.generated.map_or(0, RowBound::bit)
    }

    /// The column as rowsets need it.
    pub fn physical(&self, column_id: i32) -> TableColumn {
        TableColumn {
            column_id,
            ty: self.ty,
            nullable: self.nullable,
            sparse: self.sparse,
            computed: self.computed.as_ref().is_some_and(|(_, persisted)| !persisted),
        }
    }
}

/// Most bytes of a column that lie in the row, as syscolpars has them.
pub(super) fn in_row(ty: &SqlType) -> i64 {
    match ty.id {
        TypeId::Text | TypeId::NText | TypeId::Image => 16,
        _ if ty.is_max() || is_large(ty) => 8000,
        _ => i64::from(ty.length),
    }
}

/// Last value, increment and seed in the column's own encoding, and the mark that nothing was given yet.
fn identity_bytes(ty: &SqlType, seed: &Value, increment: &Value) -> SqlResult<Vec<u8>> {
    let bytes = |v: &Value| -> SqlResult<Vec<u8>> {
        Ok(crate::write::row::stored(ty, v)?.bytes.unwrap_or_default().into_vec())
    };
    Ok([bytes(seed)?, bytes(increment)?, bytes(seed)?, vec![1]].concat())
}

const fn kind_of(index: i32) -> Kind {
    if index == 0 { Kind::Heap } else { Kind::Clustered }
}

/// Types of columns that came with 2008.
fn is_of_2008(id: TypeId) -> bool {
    matches!(
        id,
        TypeId::Date
            | TypeId::Time
            | TypeId::DateTime2
            | TypeId::DateTimeOffset
            | TypeId::HierarchyId
            | TypeId::Geometry
            | TypeId::Geography
    )
}

impl CatalogWriter<'_> {
    /// Refuses a type that the release does not have.
    pub(super) fn require_type(&self, ty: &SqlType) -> SqlResult<()> {
        if is_of_2008(ty.id) { self.require(FIRST_OF_2008, &format!("Type {ty}")) } else { Ok(()) }
    }

    /// Enters a column or (number 1) a parameter.
    pub fn add_column_row(
        &self,
        object: i32,
        number: i32,
        id: i32,
        name: Option<&str>,
        c: &NewColumn,
        status: i64,
    ) -> SqlResult<()> {
        self.require_type(&c.ty)?;
        if c.sparse || c.column_set {
            self.require(FIRST_OF_2008, "A sparse column")?;
        }
        let (prec, scale) = precision(&c.ty);
        let identity = match &c.identity {
            Some((seed, increment)) => Cell::Bytes(identity_bytes(&c.ty, seed, increment)?),
            None => Cell::Null,
        };
        let in_row = if number == 0 { in_row(&c.ty) } else { 0 };
        // A column begins with the default and the rule of its type.
        let (mut default, mut rule) = (0, 0);
        if number == 0 && c.user_type > 256 && c.computed.is_none() {
            let base = self.base("sysscalartypes")?;
            if let Some(t) = self.rows("sysscalartypes", &[c.user_type.into()])?.first() {
                (default, rule) = (base.int(t, "dflt"), base.int(t, "chk"));
            }
        }
        // A table-valued parameter is of no storage type.
        let table = status & column_bits::READ_ONLY != 0;
        let (xtype, length) =
            if table { (TABLE_TYPE, -1) } else { (i32::from(c.ty.id.xtype()), c.ty.length) };
        self.insert(
            "syscolpars",
            &[
                ("id", object.into()),
                ("number", number.into()),
                ("colid", id.into()),
                ("name", name.map_or(Cell::Null, Cell::Text)),
                ("xtype", xtype.into()),
                ("utype", c.user_type.into()),
                ("length", length.into()),
                ("prec", i32::from(prec).into()),
                ("scale", i32::from(scale).into()),
                ("collationid", i64::from(c.ty.collation.0).into()),
                ("status", status.into()),
                ("maxinrow", in_row.into()),
                ("xmlns", c.xml_collection.map_or(0, |x| x.0).into()),
                ("dflt", default.into()),
                ("chk", rule.into()),
                ("idtval", identity),
            ],
        )
    }

    fn add_column(&self, object: i32, id: i32, c: &NewColumn) -> SqlResult<()> {
        self.add_column_row(object, 0, id, Some(&c.name), c, c.status())?;
        if let Some((text, _)) = &c.computed {
            self.add_text(1, object, id, text)?;
            let columns = c.computed_from.iter().map(|from| (object, *from));
            for (of, from) in columns.chain(c.computed_by.iter().map(|by| (*by, 0))) {
                self.insert(
                    "sysmultiobjrefs",
                    &[
                        ("class", 1.into()),
                        ("depid", object.into()),
                        ("depsubid", id.into()),
                        ("indepid", of.into()),
                        ("indepsubid", from.into()),
                        ("status", 0.into()),
                    ],
                )?;
            }
        }
        Ok(())
    }

    /// Enters a table (`U `) or the table of a table type (`TT`) with its columns and its heap or clustered index. Column ids
    /// are 1, 2 … in order.
    pub fn add_table(
        &self,
        object: i32,
        kind: &str,
        schema_id: i32,
        name: &str,
        columns: &[NewColumn],
        clustered: Option<&NewIndex>,
        place: &Placement,
    ) -> SqlResult<()> {
        let count = columns.len() as i32;
        let new = NewObject { name, schema_id, kind, parent_id: 0, status: bits::TABLE, intprop: count };
        self.add_object(object, &new)?;
        for (i, c) in columns.iter().enumerate() {
            self.add_column(object, i as i32 + 1, c)?;
        }
        self.add_base(object, columns, clustered, place)
    }

    /// The heap or clustered index of a new table (or table type).
    pub fn add_base(
        &self,
        object: i32,
        columns: &[NewColumn],
        clustered: Option<&NewIndex>,
        place: &Placement,
    ) -> SqlResult<()> {
        let physical: Vec<TableColumn> =
            columns.iter().enumerate().map(|(i, c)| c.physical(i as i32 + 1)).collect();
        match clustered {
            Some(index) => {
                self.add_index(object, &physical, index, None)?;
            }
            None => {
                self.add_heap(object, &physical, place)?;
            }
        }
        // Before 2012 the row of the index tells.
        if self.catalog.version() >= FIRST_OF_2012 && physical.iter().any(|c| !c.computed && is_large(&c.ty))
        {
            let place = clustered.map_or(place, |index| &index.place);
            self.add_reference(8, (object, i32::from(clustered.is_some())), (place.space(), 0))?;
        }
        Ok(())
    }

    /// A heap of its own for a table without clustered index.
    pub fn add_heap(&self, object: i32, columns: &[TableColumn], place: &Placement) -> SqlResult<i64> {
        let shape = lay_out(Kind::Heap, &base_specs(columns, None), self.catalog.version());
        let rowset = self.add_rowsets(object, 0, Kind::Heap, false, &shape, 0, place)?;
        self.add_index_row(object, 0, None, 1, 0, 0, rowset, place.space(), shape.has_large)?;
        if let Some(partitions) = &place.partitions {
            self.place_on_scheme(object, 0, partitions.scheme)?;
            self.add_index_columns(object, 0, &[], &[], Some(partitions.column_id))?;
        }
        Ok(rowset)
    }

    /// Removes a table and all that hangs on it. Foreign keys of other tables are the caller's to check.
    pub fn remove_table(&self, object: i32) -> SqlResult<()> {
        let base = self.base("sysidxstats")?;
        for row in self.rows("sysidxstats", &[object.into()])? {
            self.remove_index(object, base.int(&row, "indid") as i32)?;
        }
        self.remove_children(object)?;
        self.remove_object(object)
    }

    /// Constraints and triggers of an object. Internal tables have gone with the indexes that they belong to.
    fn remove_children(&self, object: i32) -> SqlResult<()> {
        let children = self.catalog.objects().into_iter();
        let children = children.filter(|o| o.parent_id == object && &*o.kind != "IT");
        for child in children.map(|o| o.id).collect::<Vec<_>>() {
            self.remove_object(child)?;
        }
        Ok(())
    }

    /// Appends a column; answers its id.
    pub fn append_column(&self, object: i32, c: &NewColumn) -> SqlResult<i32> {
        let base = self.base("sysschobjs")?;
        let row = self.rows("sysschobjs", &[object.into()])?;
        let id = row.first().map_or(0, |r| base.int(r, "intprop")) as i32 + 1;
        self.add_column(object, id, c)?;
        let now = self.now;
        self.update("sysschobjs", &[object.into()], &|_, _| true, &|_, _| {
            vec![("intprop", id.into()), ("modified", Cell::Moment(now))]
        })?;
        let physical = c.physical(id);
        if !physical.computed {
            let name = row.first().map_or(String::new(), |r| base.text(r, "name"));
            for index in [0, 1] {
                for rowset in self.rowsets_of(object, index)? {
                    self.extend_rowset(&name, rowset, kind_of(index), &physical)?;
                }
            }
        }
        Ok(id)
    }

    /// Gives a rowset one more column behind the others.
    ///
    /// # Errors
    /// 1701 for `table`, when its rows would not fit into a page even with all variable columns empty.
    fn extend_rowset(&self, table: &str, rowset: i64, kind: Kind, c: &TableColumn) -> SqlResult<()> {
        let columns = self.rowset_columns(rowset)?;
        let physical = columns.iter().map(|c| c.physical_id).max().unwrap_or(0) as i32 + 1;
        let Figures { mut min_leaf, mut max_leaf } = self.rowset_figures(rowset)?;
        let variable = columns.iter().map(|c| -c.offset).filter(|n| *n > 0).max().unwrap_or(0);
        let mut bit = 0;
        let offset = match fixed_size(&c.ty) {
            _ if c.sparse => 0,
            None => {
                let first = if variable == 0 { 2 } else { 0 };
                let size = if matches!(c.ty.id, TypeId::Text | TypeId::NText | TypeId::Image) {
                    16
                } else if is_large(&c.ty) {
                    8000
                } else {
                    i64::from(c.ty.length)
                };
                max_leaf += first + 2 + size;
                -(variable + 1)
            }
            Some(_) if c.ty.id == TypeId::Bit => {
                // The last byte of bits takes one more when it has room.
                let bits = columns.iter().filter(|c| c.xtype == xtype::BIT && c.offset > 0);
                let last = bits.map(|c| (c.offset, c.bit)).max();
                match last {
                    Some((at, position)) if position < 7 => {
                        bit = position + 1;
                        at
                    }
                    _ => {
                        (min_leaf, max_leaf) = (min_leaf + 1, max_leaf + 1);
                        min_leaf - 1
                    }
                }
            }
            Some(size) => {
                min_leaf += i64::from(size);
                max_leaf += i64::from(size);
                min_leaf - i64::from(size)
            }
        };
        if (physical + 7) / 8 > (physical + 6) / 8 {
            max_leaf += 1;
        }
        // What the columns that went leave behind counts until the table is written anew.
        let overhead = 6 + i64::from(physical + 7) / 8;
        let least = min_leaf - 4 + overhead;
        if least > MAX_ROW {
            return Err(SqlError::new(1701, &[&table, &least, &overhead, &MAX_ROW]));
        }
        let large = c.ty.is_max() || matches!(c.ty.id, TypeId::Xml | TypeId::Geometry | TypeId::Geography);
        let (digits, scale) = precision(&c.ty);
        self.add_rowset_column(
            rowset,
            kind,
            &RowsetColumn {
                column_id: c.column_id,
                physical_id: physical,
                ti: packed_type(&c.ty),
                length: c.ty.length,
                precision: digits,
                scale,
                collation: if c.ty.id.is_character() { c.ty.collation.0 } else { 0 },
                key_ordinal: 0,
                max_in_row: if large { 8000 } else { 0 },
                status: if c.nullable { 0 } else { 0x80 } | if c.sparse { 0x100 } else { 0 },
                offset: i32::from(offset as i16) & 0xFFFF,
                null_bit: if c.sparse { 0 } else { physical },
                bit_position: bit as i16,
            },
        )?;
        self.set_rowset_figures(rowset, Figures { min_leaf, max_leaf }, Some(physical.into()))?;
        self.complete_units(rowset, max_leaf, is_large(&c.ty))
    }

    /// Removes a column of a table; it keeps its place in records.
    pub fn drop_column(&self, object: i32, column_id: i32) -> SqlResult<()> {
        let key = [i64::from(object), 0, i64::from(column_id)];
        self.delete_all("syscolpars", &key)?;
        self.delete_all("sysobjvalues", &[1, key[0], key[2]])?;
        self.delete("sysmultiobjrefs", &[1, key[0], key[2]], &|_, _| true)?;
        self.delete_all("sysxprops", &[1, key[0], key[2]])?;
        self.bury(object, column_id)?;
        self.touch(object)
    }

    /// Marks the physical column as dropped.
    fn bury(&self, object: i32, column_id: i32) -> SqlResult<()> {
        for index in [0, 1] {
            for rowset in self.rowsets_of(object, index)? {
                let columns = self.rowset_columns(rowset)?;
                let dropped = columns.iter().filter(|c| c.column_id >= DROPPED).count() as i64;
                self.renumber_rowset_column(rowset, column_id.into(), DROPPED + dropped, true)?;
            }
        }
        Ok(())
    }

    /// Changes a column's type or nullability in the catalog. With `replace` the column gets a new place in records, where its
    /// values are still to be written; otherwise records stay as they are.
    pub fn alter_column(&self, object: i32, column_id: i32, c: &NewColumn, replace: bool) -> SqlResult<()> {
        self.require_type(&c.ty)?;
        let key = [i64::from(object), 0, i64::from(column_id)];
        let (prec, scale) = precision(&c.ty);
        let (ty, user_type) = (c.ty, c.user_type);
        let kept = column_bits::IDENTITY | column_bits::ROW_GUID | column_bits::NOT_FOR_REPLICATION;
        let status = c.status();
        let identity = crate::database::tables::identity_column(&self.catalog, object)
            .filter(|i| i.column_id == column_id)
            .zip(self.catalog.writing())
            .map(|(i, writing)| writing.identities.retyped(object, &i, ty))
            .transpose()?;
        self.update("syscolpars", &key, &|_, _| true, &|b, r| {
            let mut cells = vec![
                ("xtype", i32::from(ty.id.xtype()).into()),
                ("utype", user_type.into()),
                ("length", ty.length.into()),
                ("prec", i32::from(prec).into()),
                ("scale", i32::from(scale).into()),
                ("collationid", Cell::Int(ty.collation.0.into())),
                ("maxinrow", Cell::Int(in_row(&ty))),
                ("status", Cell::Int(b.int(r, "status") & kept | status)),
            ];
            cells.extend(identity.as_ref().map(|image| ("idtval", Cell::Bytes(image.clone()))));
            cells
        })?;
        if replace {
            self.bury(object, column_id)?;
            let name = self.catalog.object_row(object).map_or("".into(), |o| o.name.clone());
            for index in [0, 1] {
                for rowset in self.rowsets_of(object, index)? {
                    self.extend_rowset(&name, rowset, kind_of(index), &c.physical(column_id))?;
                }
            }
            return self.touch(object);
        }
        for (rowset, physical) in self.positions_of(object, column_id)? {
            self.retype_rowset_column(rowset, physical, &ty, c.nullable)?;
        }
        self.touch(object)
    }

    /// Where a table's column stands in its rowsets: (rowset, physical id).
    fn positions_of(&self, object: i32, column_id: i32) -> SqlResult<Vec<(i64, i64)>> {
        let mut out = Vec::new();
        for index in [0, 1] {
            for rowset in self.rowsets_of(object, index)? {
                let columns = self.rowset_columns(rowset)?.into_iter();
                let found = columns.filter(|c| c.column_id == i64::from(column_id));
                out.extend(found.map(|c| (rowset, c.physical_id)));
            }
        }
        // In indexes columns go by their place.
        let Some(definition) = self.catalog.table(object)? else { return Ok(out) };
        let Some(row) = self.catalog.object_row(object) else { return Ok(out) };
        let stored = crate::database::tables::storage(&self.catalog, row).map_err(crate::error::damaged)?;
        let Some(ordinal) = definition.columns.iter().position(|c| c.column_id == column_id) else {
            return Ok(out);
        };
        for index in stored.indexes.iter().filter(|i| !i.clustered) {
            for access in &index.rowsets {
                if let Some(Some(position)) = access.positions.get(ordinal) {
                    out.push((access.rowset as i64, *position as i64 + 1));
                }
            }
        }
        Ok(out)
    }
}
