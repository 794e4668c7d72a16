//! Storage forms that no genuine file of the corpus has, written and read back: compressed rows, sparse columns, row
//! overflow, columns added later. They prove that reader and writer agree, not that either is what SQL Server does.

use holdfast_base::{PAGE_SIZE, PageId, Rid};
use holdfast_engine::decode::column::{ColumnPlan, Target};
use holdfast_engine::stored::scan::fill_page;
use holdfast_format::page::{PageEditor, PageHeader};
use holdfast_format::record::compressed::{self, CdValue};
use holdfast_format::record::layout::column_status;
use holdfast_format::record::writer::{RecordShape, build};
use holdfast_format::record::{Field, PhysicalColumn, RowLayout, sparse};
use holdfast_format::{MemoryPages, PageSource, PageType, PageView, lob};
use holdfast_types::{CollationId, SqlType, TypeId, Value};

fn column(id: i32, ti: u32, offset: u32, status: u32) -> PhysicalColumn {
    let mut c = PhysicalColumn { column_id: id, physical_id: id, status, ..PhysicalColumn::default() };
    c.set_type(ti);
    c.set_placement(offset, if offset == 0 { 0 } else { id as u32 }, 0);
    c
}

fn types() -> Vec<SqlType> {
    vec![
        SqlType::INT,
        SqlType::decimal(10, 2),
        SqlType::varchar(8000, CollationId::SERVER_DEFAULT),
        SqlType::nvarchar(50, CollationId::SERVER_DEFAULT),
    ]
}

fn read(source: &MemoryPages, layout: &RowLayout, types: &[SqlType], missing: &[Value]) -> Vec<Vec<Value>> {
    let plans: Vec<ColumnPlan> = types
        .iter()
        .enumerate()
        .map(|(i, ty)| ColumnPlan {
            ty: *ty,
            position: Some(i),
            missing: missing.get(i).cloned().unwrap_or_default(),
            bookmark: None,
        })
        .collect();
    let mut targets: Vec<Target> = types.iter().map(|t| Target::new(t, 8)).collect();
    let page = source.page(PageId::new(1, 1)).expect("page");
    let rows = fill_page(source, PageView::new(&page), layout, &plans, &mut targets).expect("reads");
    let columns: Vec<_> = targets.into_iter().map(Target::finish).collect();
    (0..rows).map(|r| columns.iter().zip(types).map(|(c, t)| c.value(r, t)).collect()).collect()
}

fn page_of(records: &[Vec<u8>], id: PageId, kind: PageType) -> [u8; PAGE_SIZE] {
    let mut page = [0u8; PAGE_SIZE];
    let mut editor = PageEditor::format(&mut page, &PageHeader::new(id, kind, 1 << 56 | 5 << 16, 8));
    for (slot, record) in records.iter().enumerate() {
        editor.insert(slot as u16, record).expect("fits");
    }
    page
}

#[test]
fn row_compressed_rows_read_like_plain_ones() {
    let columns = vec![
        column(1, 56, 4, 0),
        column(2, 0x02_0A_6A, 8, 0),
        column(3, 0x1F40A7, 0xFFFF, 0),
        column(4, 0x64E7, 0xFFFE, 0),
    ];
    let layout = RowLayout::new(columns, 1);
    let mut records = Vec::new();
    let mut wanted = Vec::new();
    for i in 0..50i32 {
        let plain_int = (i * 37 - 500).to_le_bytes();
        let mut plain_decimal = Vec::new();
        holdfast_format::record::number::encode_decimal(i128::from(i) * 1001 - 7, 9, &mut plain_decimal);
        let text = "x".repeat(i as usize);
        let wide: Vec<u8> = "né".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let small: Vec<Vec<u8>> = [&plain_int[..], &plain_decimal, text.as_bytes(), &wide]
            .iter()
            .zip(&layout.columns)
            .map(|(v, c)| compressed::shrink(c, v).expect("shrinks"))
            .collect();
        let values: Vec<CdValue<'_>> = small
            .iter()
            .enumerate()
            .map(|(c, v)| if c == 3 && i % 3 == 0 { CdValue::Null } else { CdValue::Bytes(v) })
            .collect();
        records.push(compressed::build(0, &values).expect("builds"));
        wanted.push(vec![
            Value::Int(i * 37 - 500),
            Value::Decimal(holdfast_types::Decimal::new(i128::from(i) * 1001 - 7, 2)),
            Value::string(&text),
            if i % 3 == 0 { Value::Null } else { Value::string("né") },
        ]);
    }
    let mut source = MemoryPages::new();
    source.set(PageId::new(1, 1), page_of(&records, PageId::new(1, 1), PageType::Data));
    assert_eq!(read(&source, &layout, &types(), &[]), wanted);
}

#[test]
fn overflow_sparse_and_added_columns() {
    let columns = vec![
        column(1, 56, 4, 0),
        column(2, 0x1F40A7, 0xFFFF, 0),
        column(3, 56, 0, column_status::SPARSE),
        column(4, 56, 8, 0),
    ];
    let layout = RowLayout::new(columns, 0);
    let target = Rid { page: PageId::new(1, 2), slot: 0 };
    let pointer = lob::Pointer::Inline {
        row_overflow: true,
        level: 0,
        unused: 0,
        update_sequence: 1,
        id: 77,
        links: vec![lob::Link { end: 5000, target }],
    };
    // The writer's layout has the sparse vector as a variable column of its own and does not know column 4 yet.
    let mut vector_column = column(3, 0x1F40A5, 0xFFFE, 0);
    vector_column.leaf.null_bit = 0;
    let old = RowLayout::new(vec![column(1, 56, 4, 0), column(2, 0x1F40A7, 0xFFFF, 0), vector_column], 0);
    let vector = sparse::build(&[(3, Field::Bytes(&42i32.to_le_bytes()))]).expect("builds").expect("a value");
    let id = 7i32.to_le_bytes();
    let fields = [Field::Bytes(&id), Field::Complex(&pointer.encode()), Field::Complex(&vector)];
    let record = build(&old, &fields, RecordShape::Data).expect("builds");
    let mut source = MemoryPages::new();
    source.set(PageId::new(1, 1), page_of(&[record], PageId::new(1, 1), PageType::Data));
    let piece = lob::build_data(77 << 16, &vec![b'q'; 5000]);
    source.set(PageId::new(1, 2), page_of(&[piece], PageId::new(1, 2), PageType::TextMix));
    let types =
        [SqlType::INT, SqlType::varchar(8000, CollationId::SERVER_DEFAULT), SqlType::INT, SqlType::INT];
    let rows = read(&source, &layout, &types, &[Value::Null, Value::Null, Value::Null, Value::Int(99)]);
    assert_eq!(rows, [[Value::Int(7), Value::string(&"q".repeat(5000)), Value::Int(42), Value::Int(99)]]);
    assert_eq!(TypeId::Int.xtype(), 56);
}

#[test]
fn rows_of_one_shape_read_like_rows_of_several() {
    let columns = vec![
        column(1, 56, 4, 0),
        column(2, 0x02_0A_6A, 8, 0),
        column(3, 0x1F40A7, 0xFFFF, 0),
        column(4, 0x64E7, 0xFFFE, 0),
    ];
    let layout = RowLayout::new(columns.clone(), 0);
    let (mut records, mut wanted) = (Vec::new(), Vec::new());
    for i in 0..60i32 {
        let id = (i * 37 - 500).to_le_bytes();
        let mut amount = Vec::new();
        holdfast_format::record::number::encode_decimal(i128::from(i) * 1001 - 7000, 9, &mut amount);
        let text = "x".repeat((i % 7) as usize);
        let wide: Vec<u8> = "né".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let fields = [
            if i % 5 == 1 { Field::Null } else { Field::Bytes(&id) },
            if i % 4 == 2 { Field::Null } else { Field::Bytes(&amount) },
            if i % 6 == 3 { Field::Null } else { Field::Bytes(text.as_bytes()) },
            if i % 3 == 0 { Field::Null } else { Field::Bytes(&wide) },
        ];
        records.push(build(&layout, &fields, RecordShape::Data).expect("builds"));
        let or_null = |null: bool, v: Value| if null { Value::Null } else { v };
        let decimal = holdfast_types::Decimal::new(i128::from(i) * 1001 - 7000, 2);
        wanted.push(vec![
            or_null(i % 5 == 1, Value::Int(i * 37 - 500)),
            or_null(i % 4 == 2, Value::Decimal(decimal)),
            or_null(i % 6 == 3, Value::string(&text)),
            or_null(i % 3 == 0, Value::string("né")),
        ]);
    }
    let at = PageId::new(1, 1);
    let mut source = MemoryPages::new();
    source.set(at, page_of(&records, at, PageType::Data));
    assert_eq!(read(&source, &layout, &types(), &[]), wanted);
    // A row from before the last two columns were added sends the whole page the general way.
    let old = RowLayout::new(columns[..2].to_vec(), 0);
    let mut amount = Vec::new();
    holdfast_format::record::number::encode_decimal(5, 9, &mut amount);
    let fields = [Field::Bytes(&[9, 0, 0, 0]), Field::Bytes(&amount)];
    records.push(build(&old, &fields, RecordShape::Data).expect("builds"));
    let missing = [Value::Null, Value::Null, Value::string("later"), Value::Null];
    wanted.push(vec![
        Value::Int(9),
        Value::Decimal(holdfast_types::Decimal::new(5, 2)),
        Value::string("later"),
        Value::Null,
    ]);
    source.set(at, page_of(&records, at, PageType::Data));
    assert_eq!(read(&source, &layout, &types(), &missing), wanted);
    // Rows that end in the middle of the page's slot array are an error, not a panic.
    let mut page = page_of(&records, at, PageType::Data);
    page[8190..8192].copy_from_slice(&8185u16.to_le_bytes());
    source.set(at, page);
    let plans = [ColumnPlan { ty: SqlType::INT, position: Some(0), missing: Value::Null, bookmark: None }];
    let image = source.page(at).expect("page");
    let mut targets = [Target::new(&SqlType::INT, 8)];
    assert!(fill_page(&source, PageView::new(&image), &layout, &plans, &mut targets).is_err());
}
