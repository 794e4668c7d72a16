//! Where each physical column of a rowset lies, compiled once from `sysrscols`.
//!
//! Invariants
//! 1. `RowLayout::columns` is in physical order (`hbcolid`), which is the column order of compressed records and the order
//!    of null bits.
//! 2. `size` of a fixed column comes from its type; a column whose offset is positive always has a size above 0.

/// Status bits of `sysrscols.status`.
pub mod column_status {
    pub const DROPPED: u32 = 2;
    pub const DESCENDING: u32 = 8;
    pub const UNIQUIFIER: u32 = 0x10;
    pub const FILESTREAM: u32 = 0x20;
    pub const NOT_NULL: u32 = 0x80;
    pub const SPARSE: u32 = 0x100;
}

/// Storage type numbers (`xtype`).
pub mod xtype {
    pub const IMAGE: u8 = 34;
    pub const TEXT: u8 = 35;
    pub const GUID: u8 = 36;
    pub const DATE: u8 = 40;
    pub const TIME: u8 = 41;
    pub const DATETIME2: u8 = 42;
    pub const DATETIMEOFFSET: u8 = 43;
    pub const TINYINT: u8 = 48;
    pub const SMALLINT: u8 = 52;
    pub const INT: u8 = 56;
    pub const SMALLDATETIME: u8 = 58;
    pub const REAL: u8 = 59;
    pub const MONEY: u8 = 60;
    pub const DATETIME: u8 = 61;
    pub const FLOAT: u8 = 62;
    pub const VARIANT: u8 = 98;
    pub const NTEXT: u8 = 99;
    pub const BIT: u8 = 104;
    pub const DECIMAL: u8 = 106;
    pub const NUMERIC: u8 = 108;
    pub const SMALLMONEY: u8 = 122;
    pub const BIGINT: u8 = 127;
    pub const VARBINARY: u8 = 165;
    pub const VARCHAR: u8 = 167;
    pub const BINARY: u8 = 173;
    pub const CHAR: u8 = 175;
    pub const ROWVERSION: u8 = 189;
    pub const NVARCHAR: u8 = 231;
    pub const NCHAR: u8 = 239;
    pub const CLR: u8 = 240;
    pub const XML: u8 = 241;
    pub const JSON: u8 = 244;
}

/// Place of a column in one kind of record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Placement {
    /// > 0 byte offset; < 0 minus the variable column's ordinal from 1; 0 not in this kind of record.
    pub offset: i16,
    /// Bytes of a fixed column; 0 for a variable one.
    pub size: u16,
    /// From 1; 0 = no null bit.
    pub null_bit: u16,
    /// Bit position of a bit column.
    pub bit: u8,
    pub is_bit: bool,
}

/// A physical column.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PhysicalColumn {
    /// Logical column id; 0 uniquifier; ≥ 67108865 dropped.
    pub column_id: i32,
    /// Physical ordinal from 1.
    pub physical_id: i32,
    pub xtype: u8,
    /// Declared length in bytes of character and binary types (0 = MAX); 0 for other types.
    pub length: u16,
    pub precision: u8,
    pub scale: u8,
    /// Collation id of character types.
    pub collation: u32,
    /// Position in the key from 1; 0 not in the key.
    pub key_ordinal: i16,
    /// See [`column_status`].
    pub status: u32,
    pub leaf: Placement,
    pub internal: Placement,
}

impl PhysicalColumn {
    pub const fn is_dropped(&self) -> bool {
        self.status & column_status::DROPPED != 0
    }
    pub const fn is_descending(&self) -> bool {
        self.status & column_status::DESCENDING != 0
    }
    pub const fn is_uniquifier(&self) -> bool {
        self.status & column_status::UNIQUIFIER != 0
    }
    pub const fn is_sparse(&self) -> bool {
        self.status & column_status::SPARSE != 0
    }
    pub const fn is_not_null(&self) -> bool {
        self.status & column_status::NOT_NULL != 0
    }

    /// A MAX, xml, CLR-without-length or text type: the value may be kept on pages of its own.
    pub const fn is_large(&self) -> bool {
        matches!(self.xtype, xtype::IMAGE | xtype::TEXT | xtype::NTEXT | xtype::XML | xtype::JSON)
            || (self.length == 0
                && matches!(self.xtype, xtype::VARBINARY | xtype::VARCHAR | xtype::NVARCHAR | xtype::CLR))
    }

    /// Fills type fields from the packed `sysrscols.ti`.
    pub fn set_type(&mut self, ti: u32) {
        let (kind, length, precision, scale) = unpack_type(ti);
        self.xtype = kind;
        self.length = length;
        self.precision = precision;
        self.scale = scale;
    }

    /// Fills placements from the packed `sysrscols.offset`, `nullbit`, `bitpos`; the type must be set already.
    pub fn set_placement(&mut self, offset: u32, null_bit: u32, bit: u16) {
        let size = fixed_size(self.xtype, self.length, self.precision, self.scale);
        let is_bit = self.xtype == xtype::BIT;
        let place = |offset: i16, null_bit: u16, bit: u8| Placement {
            offset,
            size: if offset > 0 { size } else { 0 },
            null_bit,
            bit,
            is_bit,
        };
        self.leaf = place(offset as u16 as i16, null_bit as u16, bit as u8);
        self.internal = place((offset >> 16) as u16 as i16, (null_bit >> 16) as u16, (bit >> 8) as u8);
    }
}

/// (xtype, length in bytes, precision, scale) of a packed type.
pub const fn unpack_type(ti: u32) -> (u8, u16, u8, u8) {
    let kind = ti as u8;
    match kind {
        xtype::DECIMAL | xtype::NUMERIC => (kind, 0, (ti >> 8) as u8, (ti >> 16) as u8),
        xtype::TIME | xtype::DATETIME2 | xtype::DATETIMEOFFSET => (kind, 0, 0, (ti >> 8) as u8),
        _ => (kind, (ti >> 8) as u16, 0, 0),
    }
}

/// Storage bytes of decimal(p).
pub const fn decimal_size(precision: u8) -> u16 {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

/// Storage bytes of time(s).
pub const fn time_size(scale: u8) -> u16 {
    match scale {
        0..=2 => 3,
        3 | 4 => 4,
        _ => 5,
    }
}

/// Bytes of a type in the fixed part of a record.
pub const fn fixed_size(kind: u8, length: u16, precision: u8, scale: u8) -> u16 {
    match kind {
        xtype::BIT | xtype::TINYINT => 1,
        xtype::SMALLINT => 2,
        xtype::DATE => 3,
        xtype::INT | xtype::REAL | xtype::SMALLDATETIME | xtype::SMALLMONEY => 4,
        xtype::BIGINT | xtype::FLOAT | xtype::MONEY | xtype::DATETIME | xtype::ROWVERSION => 8,
        xtype::GUID | xtype::TEXT | xtype::NTEXT | xtype::IMAGE => 16,
        xtype::DECIMAL | xtype::NUMERIC => decimal_size(precision),
        xtype::TIME => time_size(scale),
        xtype::DATETIME2 => time_size(scale) + 3,
        xtype::DATETIMEOFFSET => time_size(scale) + 5,
        _ => length,
    }
}

/// The physical columns of one rowset.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RowLayout {
    pub columns: Vec<PhysicalColumn>,
    /// `sysrowsets.cmprlevel`: 0 none, 1 ROW, 2 PAGE.
    pub compression: u8,
}

impl RowLayout {
    /// Takes the columns in any order.
    pub fn new(mut columns: Vec<PhysicalColumn>, compression: u8) -> Self {
        columns.sort_by_key(|c| c.physical_id);
        RowLayout { columns, compression }
    }

    /// Position in `columns` of the logical column.
    pub fn position_of(&self, column_id: i32) -> Option<usize> {
        self.columns.iter().position(|c| c.column_id == column_id && !c.is_dropped())
    }

    /// Positions of the key columns in key order (uniquifier and locator included where they are part of the key).
    pub fn key_positions(&self) -> Vec<usize> {
        let mut keys: Vec<usize> =
            (0..self.columns.len()).filter(|&i| self.columns[i].key_ordinal > 0).collect();
        keys.sort_by_key(|&i| self.columns[i].key_ordinal);
        keys
    }

    pub fn has_sparse(&self) -> bool {
        self.columns.iter().any(PhysicalColumn::is_sparse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_types() {
        assert_eq!(unpack_type(0x32A7), (167, 50, 0, 0));
        assert_eq!(unpack_type(0x1F40A5), (165, 8000, 0, 0));
        assert_eq!(unpack_type(0x06_12_6A), (106, 0, 18, 6));
        assert_eq!(unpack_type(0x072A), (42, 0, 0, 7));
        assert_eq!(fixed_size(42, 0, 0, 7), 8);
    }

    #[test]
    fn packed_placement() {
        let mut c = PhysicalColumn::default();
        c.set_type(56);
        c.set_placement(65540, 65537, 0);
        assert_eq!((c.leaf.offset, c.leaf.null_bit, c.internal.offset, c.internal.null_bit), (4, 1, 1, 1));
        c.set_placement(65534, 3, 0);
        assert_eq!((c.leaf.offset, c.internal.offset), (-2, 0));
    }
}
