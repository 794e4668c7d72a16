//! Rows of genuine tables and indexes, decoded to fields and built again: the built record decodes to the same fields, and
//! is the same bytes wherever the genuine one is in canonical form.

use holdfast_base::PageId;
use holdfast_format::catalog::{SystemTables, unit_type};
use holdfast_format::record::fixed_var::set_in_place;
use holdfast_format::record::row::RowKind;
use holdfast_format::record::writer::{RecordShape, build};
use holdfast_format::record::{Field, FixedVar, PageRows, Row, status};
use holdfast_format::{MemoryPages, PageView, btree};

#[test]
fn built_rows_equal_genuine_ones() {
    let (mut equal, mut different) = (0u64, 0u64);
    for file in holdfast_testkit::corpus().iter().filter(|f| f.column("kind") == "mdf") {
        let source = MemoryPages::from_file(&file.read());
        let tables = SystemTables::open(&source).expect("catalog");
        for rowset in tables.rowsets.iter().filter(|r| r.index_id > 0) {
            let (Some(unit), Some(layout)) =
                (tables.unit(rowset.id, unit_type::IN_ROW), tables.layout(rowset.id))
            else {
                continue;
            };
            if layout.has_sparse() || unit.root.is_null() {
                continue;
            }
            let shape = if rowset.index_id == 1 { RecordShape::Data } else { RecordShape::IndexLeaf };
            for page in btree::leaves(&source, unit.root, rowset.index_id == 1).expect("leaves") {
                let (at, page) = page.expect("leaf");
                check_page(at, PageView::new(&page), layout, shape, &mut equal, &mut different);
            }
        }
    }
    eprintln!("{equal} records equal, {different} decode equal but are not canonical");
    assert!(equal + different == 0 || equal > 4 * different, "{equal} {different}");
}

fn check_page(
    at: PageId,
    view: PageView<'_>,
    layout: &holdfast_format::record::RowLayout,
    shape: RecordShape,
    equal: &mut u64,
    different: &mut u64,
) {
    let rows = PageRows::new(view).expect("rows");
    for slot in 0..rows.len() {
        let Some(row) = rows.row(slot).expect("row") else { continue };
        let Row::Plain(record) = &row else { continue };
        if row.kind() != RowKind::Row || record.status() & status::VERSION_TAG != 0 {
            continue;
        }
        let fields: Vec<Field<'_>> =
            layout.columns.iter().map(|c| record.field(&c.leaf).expect("field")).collect();
        if fields.contains(&Field::Missing) {
            continue;
        }
        let built = build(layout, &fields, shape).unwrap_or_else(|e| panic!("{at} {slot}: {e}"));
        let again = if shape == RecordShape::Data {
            FixedVar::parse_data(&built)
        } else {
            FixedVar::parse_index(&built, view.pminlen())
        };
        let again = again.unwrap_or_else(|e| panic!("{at} {slot}: {e}"));
        for (column, field) in layout.columns.iter().zip(&fields) {
            assert_eq!(again.field(&column.leaf).expect("field"), *field, "{at} slot {slot} {column:?}");
        }
        if built == record.bytes() {
            *equal += 1
        } else {
            *different += 1
        }
        if shape == RecordShape::Data && built == record.bytes() {
            check_in_place(layout, &fields, &built, &format!("{at} slot {slot}"));
        }
    }
}

/// Each column set where it stands, to another value of its length and to NULL: the record of the new fields, or nothing is changed.
fn check_in_place(
    layout: &holdfast_format::record::RowLayout,
    fields: &[Field<'_>],
    record: &[u8],
    at: &str,
) {
    for (n, column) in layout.columns.iter().enumerate() {
        let other: Vec<u8> = match fields[n] {
            Field::Bytes(bytes) => bytes.iter().map(|b| b ^ 0x55).collect(),
            _ => vec![0x55; usize::from(column.leaf.size)],
        };
        for value in [Some(other.as_slice()), None, Some(&[1; 3][..])] {
            let mut set = record.to_vec();
            let done = set_in_place(&mut set, &column.leaf, value).expect("parses");
            if done {
                let mut new = fields.to_vec();
                new[n] = value.map_or(Field::Null, Field::Bytes);
                let built = build(layout, &new, RecordShape::Data).expect("builds");
                assert_eq!(set, built, "{at} {column:?} {value:?}");
            } else {
                assert_eq!(set, record, "{at} {column:?} {value:?}");
            }
            let fixed = column.leaf.offset > 0 && !column.leaf.is_bit && column.leaf.null_bit > 0;
            let fits = value.is_none_or(|v| v.len() == usize::from(column.leaf.size));
            assert!(done || !fixed || !fits, "{at} {column:?}: a fixed column");
        }
    }
}
