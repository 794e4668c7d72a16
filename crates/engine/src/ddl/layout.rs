//! Where the columns of a new rowset lie in its records, and the figures of sysrowsets.
//!
//! Evidence: rows of genuine 706 databases; compared with one genuine table (tests/create_database.rs); the install scripts'
//! tables read and check clean (exec's tests/definition.rs); tables of genuine databases of 2005 made again beside themselves
//! (exec's tests/old_versions.rs).
//!
//! Rules: fixed columns ascend from 4 (data) or 1 (index) in physical order; bits share a byte, eight each; variable columns count
//! −1, −2 …; null bits are the physical ordinals. Key columns have a second place for the levels above the leaves. Before 2012
//! rows of indexes have null bits only where one of their columns may be NULL.

use holdfast_types::{SqlType, TypeId};

/// First version whose index rows always have null bits, and whose figures leave room for the way back in every heap.
pub const FIRST_WITH_ALL_NULL_BITS: u16 = 706;
/// Before that no index row above the leaves counts as shorter.
const LEAST_INTERNAL: i32 = 15;

/// A column of a rowset, in physical order.
#[derive(Clone, Debug)]
pub struct PhysicalSpec {
    /// Id in the table (rscolid); 0 for a uniquifier; in a nonclustered index its ordinal.
    pub column_id: i32,
    pub ty: SqlType,
    pub nullable: bool,
    pub sparse: bool,
    /// 1…; 0: not part of the key.
    pub key_ordinal: i16,
    pub descending: bool,
    pub uniquifier: bool,
}

/// A row of sysrscols; in 2005 a row of sysrowsetcolumns and one of syshobtcolumns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsetColumn {
    pub column_id: i32,
    pub physical_id: i32,
    pub ti: u32,
    /// Bytes (−1: MAX), precision and scale as syscolpars has them; 2005 keeps them instead of `ti`.
    pub length: i32,
    pub precision: u8,
    pub scale: u8,
    pub collation: u32,
    pub key_ordinal: i16,
    pub max_in_row: i16,
    pub status: u32,
    pub offset: i32,
    pub null_bit: i32,
    pub bit_position: i16,
}

/// What sysrowsets and sysrscols say of a rowset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowsetShape {
    pub columns: Vec<RowsetColumn>,
    pub max_null_bit: i16,
    pub max_leaf: i32,
    pub max_internal: i16,
    pub min_leaf: i16,
    pub min_internal: i16,
    pub has_large: bool,
    /// Index rows have null bits (those above the leaves, too).
    pub index_null_bits: bool,
}

/// Rowsets whose rows may get longer have a unit for what does not fit in the row.
pub const MAX_ROW: i64 = 8060;

impl RowsetShape {
    /// Rows may have to leave variable columns out of the row.
    pub fn has_overflow(&self) -> bool {
        i64::from(self.max_leaf) > MAX_ROW
    }
}

/// Which kind of rowset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Heap,
    Clustered,
    Nonclustered,
}

/// Packed type of sysrscols: storage type with length, precision, scale.
pub fn packed_type(ty: &SqlType) -> u32 {
    let x = u32::from(ty.id.xtype());
    match ty.id {
        TypeId::Char
        | TypeId::VarChar
        | TypeId::NChar
        | TypeId::NVarChar
        | TypeId::Binary
        | TypeId::VarBinary => x | u32::try_from(ty.length).unwrap_or(0) << 8,
        // Text pointers carry their own length.
        TypeId::Text | TypeId::NText | TypeId::Image => x | 16 << 8,
        TypeId::Decimal | TypeId::Numeric => x | u32::from(ty.precision) << 8 | u32::from(ty.scale) << 16,
        TypeId::Time | TypeId::DateTime2 | TypeId::DateTimeOffset => x | u32::from(ty.scale) << 8,
        _ => x,
    }
}

/// Bytes of a fixed-length type; `None` for a variable one.
pub fn fixed_size(ty: &SqlType) -> Option<i32> {
    match ty.id {
        TypeId::VarChar
        | TypeId::NVarChar
        | TypeId::VarBinary
        | TypeId::Text
        | TypeId::NText
        | TypeId::Image
        | TypeId::SqlVariant
        | TypeId::Xml
        | TypeId::Json
        | TypeId::HierarchyId
        | TypeId::Geometry
        | TypeId::Geography
        | TypeId::Clr
        | TypeId::Vector => None,
        TypeId::Decimal | TypeId::Numeric => Some(holdfast_types::sql_type::decimal_length(ty.precision)),
        TypeId::Date => Some(3),
        _ => Some(ty.length),
    }
}

/// Values may lie outside of the row.
pub fn is_large(ty: &SqlType) -> bool {
    ty.is_max()
        || matches!(
            ty.id,
            TypeId::Text | TypeId::NText | TypeId::Image | TypeId::Xml | TypeId::Geometry | TypeId::Geography
        )
}

/// Bytes that a variable column counts in maxleaf.
fn variable_size(ty: &SqlType) -> i32 {
    match ty.id {
        TypeId::Text | TypeId::NText | TypeId::Image => 16,
        TypeId::SqlVariant => 8016,
        _ if is_large(ty) => 8000,
        _ => ty.length,
    }
}

/// Precision and scale as syscolpars has them.
pub fn precision(ty: &SqlType) -> (u8, u8) {
    match ty.id {
        TypeId::Date => (10, 0),
        TypeId::Time => ([8, 10, 11, 12, 13, 14, 15, 16][usize::from(ty.scale.min(7))], ty.scale),
        TypeId::DateTime2 => ([19, 21, 22, 23, 24, 25, 26, 27][usize::from(ty.scale.min(7))], ty.scale),
        TypeId::DateTimeOffset => ([26, 28, 29, 30, 31, 32, 33, 34][usize::from(ty.scale.min(7))], ty.scale),
        _ => (ty.precision, ty.scale),
    }
}

/// Lays out a rowset of a database of a version.
pub fn lay_out(kind: Kind, specs: &[PhysicalSpec], version: u16) -> RowsetShape {
    let all_null_bits = version >= FIRST_WITH_ALL_NULL_BITS;
    let in_index_rows = |s: &&PhysicalSpec| kind == Kind::Nonclustered || s.key_ordinal > 0;
    let index_null_bits =
        kind != Kind::Heap && (all_null_bits || specs.iter().filter(in_index_rows).any(|s| s.nullable));
    let leaf_null_bits = kind != Kind::Nonclustered || index_null_bits;
    let mut shape = RowsetShape::default();
    let prologue = if kind == Kind::Nonclustered { 1 } else { 4 };
    let (mut fixed, mut variable, mut variable_bytes) = (prologue, 0i32, 0i32);
    let (mut bits, mut bit_at) = (8i16, 0i32);
    let mut leaf = Vec::with_capacity(specs.len());
    for s in specs {
        let mut position = 0;
        let size = if s.uniquifier { None } else { fixed_size(&s.ty) };
        leaf.push(match size {
            _ if s.sparse => (0, 0),
            None => {
                variable += 1;
                variable_bytes += 2 + if s.uniquifier { 4 } else { variable_size(&s.ty) };
                (-variable, 0)
            }
            Some(_) if s.ty.id == TypeId::Bit => {
                if bits == 8 {
                    (bits, bit_at) = (0, fixed);
                    fixed += 1;
                }
                position += bits;
                bits += 1;
                (bit_at, position)
            }
            Some(size) => {
                fixed += size;
                (fixed - size, 0)
            }
        });
    }
    // The levels above: key columns in key order.
    let mut keys: Vec<usize> = (0..specs.len()).filter(|&i| specs[i].key_ordinal > 0).collect();
    keys.sort_by_key(|&i| specs[i].key_ordinal);
    let mut internal = vec![(0i32, 0i32, 0i16); specs.len()];
    let (mut inner, mut inner_variable, mut inner_bytes) = (1, 0i32, 0i32);
    let (mut inner_bits, mut inner_bit_at) = (8i16, 0i32);
    let mut null_bit = 0;
    for &i in &keys {
        let s = &specs[i];
        if !s.uniquifier && index_null_bits {
            null_bit += 1;
        }
        let bit = if s.uniquifier { 0 } else { null_bit };
        internal[i] = match if s.uniquifier { None } else { fixed_size(&s.ty) } {
            None => {
                inner_variable += 1;
                inner_bytes += 2 + if s.uniquifier { 4 } else { variable_size(&s.ty) };
                (-inner_variable, bit, 0)
            }
            Some(_) if s.ty.id == TypeId::Bit => {
                if inner_bits == 8 {
                    (inner_bits, inner_bit_at) = (0, inner);
                    inner += 1;
                }
                inner_bits += 1;
                (inner_bit_at, bit, inner_bits - 1)
            }
            Some(size) => {
                inner += size;
                (inner - size, bit, 0)
            }
        };
    }
    for (i, s) in specs.iter().enumerate() {
        let physical = i as i32 + 1;
        let ((offset, bit), (inner_offset, inner_null, inner_bit)) = (leaf[i], internal[i]);
        let large = s.ty.is_max() || matches!(s.ty.id, TypeId::Xml | TypeId::Geometry | TypeId::Geography);
        shape.has_large |= is_large(&s.ty) && !s.uniquifier;
        let (digits, scale) = precision(&s.ty);
        shape.columns.push(RowsetColumn {
            column_id: s.column_id,
            physical_id: physical,
            ti: if s.uniquifier { 56 } else { packed_type(&s.ty) },
            length: s.ty.length,
            precision: digits,
            scale,
            collation: if s.ty.id.is_character() { s.ty.collation.0 } else { 0 },
            key_ordinal: s.key_ordinal,
            max_in_row: if large && !s.uniquifier { 8000 } else { 0 },
            status: if s.nullable { 0 } else { 0x80 }
                | if s.descending { 8 } else { 0 }
                | if s.uniquifier { 0x10 } else { 0 }
                | if s.sparse { 0x100 } else { 0 },
            offset: pack(offset, inner_offset),
            null_bit: pack(if leaf_null_bits && !s.sparse { physical } else { 0 }, inner_null),
            bit_position: bit | inner_bit << 8,
        });
    }
    let count = specs.len() as i32;
    let tail = if variable > 0 { 2 + variable_bytes } else { 0 };
    shape.index_null_bits = index_null_bits;
    shape.max_null_bit = if leaf_null_bits { count as i16 } else { 0 };
    shape.min_leaf = fixed as i16;
    shape.max_leaf = fixed + if leaf_null_bits { 2 + (count + 7) / 8 } else { 0 } + tail;
    match kind {
        // Room for the way back of a forwarded row.
        Kind::Heap => {
            shape.max_leaf += match variable {
                1.. => 12,
                _ if all_null_bits => 14,
                _ => 0,
            }
        }
        _ => {
            let minimum = inner + 6;
            let nulls = if index_null_bits { 2 + (null_bit + 7) / 8 } else { 0 };
            let rest = match inner_variable {
                1.. => 2 + inner_bytes,
                _ => i32::from(kind == Kind::Clustered && all_null_bits),
            };
            let least = if all_null_bits { 0 } else { LEAST_INTERNAL };
            shape.min_internal = minimum as i16;
            shape.max_internal = (minimum + nulls + rest).max(least) as i16;
        }
    }
    shape
}

/// Leaf value in the low half, the one of the levels above in the high half.
fn pack(leaf: i32, internal: i32) -> i32 {
    (u32::from(leaf as i16 as u16) | u32::from(internal as i16 as u16) << 16) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_types::CollationId;

    fn spec(column_id: i32, ty: SqlType, nullable: bool, key_ordinal: i16) -> PhysicalSpec {
        PhysicalSpec {
            column_id,
            ty,
            nullable,
            sparse: false,
            key_ordinal,
            descending: false,
            uniquifier: false,
        }
    }

    /// `employee` of a genuine pubs: a clustered index that is not unique, over two variable columns and a fixed one.
    #[test]
    fn a_clustered_index_with_uniquifier() {
        let c = CollationId::SERVER_DEFAULT;
        let char_of = |n| SqlType::character(TypeId::Char, n, c);
        let specs = [
            PhysicalSpec { uniquifier: true, ..spec(0, SqlType::INT, false, 4) },
            spec(4, SqlType::varchar(30, c), false, 1),
            spec(2, SqlType::varchar(20, c), false, 2),
            spec(3, char_of(1), true, 3),
            spec(1, char_of(9), false, 0),
            spec(5, SqlType::SMALLINT, false, 0),
            spec(6, SqlType::TINYINT, true, 0),
            spec(7, char_of(4), false, 0),
            spec(8, SqlType::DATETIME, false, 0),
        ];
        let shape = lay_out(Kind::Clustered, &specs, 706);
        let found: Vec<_> = shape.columns.iter().map(|c| (c.ti, c.status, c.offset, c.null_bit)).collect();
        assert_eq!(
            found,
            [
                (56, 144, -131_073, 1),
                (7847, 128, -2, 65_538),
                (5287, 128, -65_539, 131_075),
                (431, 0, 65_540, 196_612),
                (2479, 128, 5, 5),
                (52, 128, 14, 6),
                (48, 0, 16, 7),
                (1199, 128, 17, 8),
                (61, 128, 21, 9),
            ]
        );
        let figures = (shape.max_leaf, shape.max_internal, shape.min_leaf, shape.min_internal);
        assert_eq!(figures, (95, 73, 29, 8));
    }
}
