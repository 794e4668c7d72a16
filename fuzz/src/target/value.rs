//! Single values: types' stored forms, xml, spatial values, hierarchyid, compressed records.

use holdfast_format::record::compressed::{self, CdRecord};
use holdfast_format::record::layout::PhysicalColumn;
use holdfast_format::record::page_compression::CompressionInfo;
use holdfast_format::record::{number, scsu, sparse};
use holdfast_types::storage_form::decode_value;
use holdfast_types::{CollationId, SqlType, TypeId, canonical, hierarchyid, spatial, variant, xml};

use crate::Target;

pub fn targets() -> Vec<Target> {
    vec![
        Target {
            name: "xml",
            what: "binary xml to text, text to binary xml",
            seeds: xml_values,
            run: xml_value,
            changes: 6,
        },
        Target {
            name: "spatial",
            what: "spatial values to text",
            seeds: spatial_values,
            run: spatial_value,
            changes: 5,
        },
        Target {
            name: "value",
            what: "stored forms of every type, sql_variant and hierarchyid",
            seeds: values,
            run: value,
            changes: 4,
        },
        Target {
            name: "compressed",
            what: "ROW and PAGE compressed records",
            seeds: compressed_records,
            run: compressed_record,
            changes: 5,
        },
    ]
}

fn xml_values() -> Vec<Vec<u8>> {
    let texts = [
        "<a/>",
        "<r xmlns=\"urn:x\" xmlns:p=\"urn:y\"><p:e a=\"1\" p:b=\"2\">text &amp; more</p:e><!--c--><?pi data?></r>",
        "<a><b><c><d>1</d><d>2</d></c></b></a>",
    ];
    texts.iter().filter_map(|t| xml::encode_text(&t.encode_utf16().collect::<Vec<_>>()).ok()).collect()
}

fn xml_value(data: &[u8]) {
    let _ = xml::binary::decode_to_units(data);
    let units: Vec<u16> = data.chunks_exact(2).map(|p| u16::from_le_bytes([p[0], p[1]])).collect();
    let _ = xml::encode_text(&units);
    let text = String::from_utf8_lossy(data);
    if let Ok(stored) = xml::encode_text(&text.encode_utf16().collect::<Vec<_>>()) {
        // What was written must read.
        assert!(
            xml::binary::decode_to_units(&stored).is_ok(),
            "xml that was written does not read: {text:?}"
        );
    }
}

fn spatial_values() -> Vec<Vec<u8>> {
    let point = |properties: u8, numbers: &[f64]| {
        let mut v = 4326i32.to_le_bytes().to_vec();
        v.extend([1, properties]);
        v.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
        v
    };
    let mut polygon = 0i32.to_le_bytes().to_vec();
    polygon.extend([1, 4]);
    polygon.extend(5u32.to_le_bytes());
    for (x, y) in [(0.0f64, 0.0f64), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0), (0.0, 0.0)] {
        polygon.extend(x.to_le_bytes());
        polygon.extend(y.to_le_bytes());
    }
    polygon.extend(1u32.to_le_bytes());
    polygon.extend([2, 0, 0, 0, 0]);
    polygon.extend(1u32.to_le_bytes());
    polygon.extend([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 3]);
    vec![
        point(0x0C, &[47.6, -122.3]),
        point(0x0F, &[1.0, 2.0, 3.0, 4.0]),
        point(0x14, &[0.0, 0.0, 1.0, 1.0]),
        polygon,
    ]
}

fn spatial_value(data: &[u8]) {
    for geography in [false, true] {
        if let Ok(text) = spatial::to_wkt(data, geography) {
            assert!(text.len() <= 64 + data.len() * 24, "text without proportion");
        }
    }
    let _ = spatial::srid(data);
}

/// The first byte picks the type, the rest is the value.
fn types() -> Vec<SqlType> {
    let c = CollationId::SERVER_DEFAULT;
    vec![
        SqlType::BIT,
        SqlType::TINYINT,
        SqlType::SMALLINT,
        SqlType::INT,
        SqlType::BIGINT,
        SqlType::decimal(38, 10),
        SqlType::numeric(9, 2),
        SqlType::MONEY,
        SqlType::SMALLMONEY,
        SqlType::REAL,
        SqlType::FLOAT,
        SqlType::DATE,
        SqlType::time(0),
        SqlType::time(7),
        SqlType::datetime2(3),
        SqlType::datetimeoffset(7),
        SqlType::DATETIME,
        SqlType::SMALLDATETIME,
        SqlType::character(TypeId::Char, 5, c),
        SqlType::varchar(50, c),
        SqlType::character(TypeId::VarChar, -1, CollationId(0x2B)),
        SqlType::nvarchar(50, c),
        SqlType::binary(TypeId::VarBinary, -1),
        SqlType::GUID,
        SqlType::ROWVERSION,
        SqlType::VARIANT,
        SqlType::XML,
        SqlType::HIERARCHYID,
        SqlType::GEOGRAPHY,
    ]
}

fn values() -> Vec<Vec<u8>> {
    (0..types().len() as u8)
        .flat_map(|i| {
            [vec![i; 1], vec![i, 1, 2, 3, 4, 5, 6, 7, 8], [vec![i], vec![0x38, 1, 5, 0, 0, 0]].concat()]
        })
        .collect()
}

fn value(data: &[u8]) {
    let Some((&pick, bytes)) = data.split_first() else { return };
    let types = types();
    let ty = types[usize::from(pick) % types.len()];
    if let Ok(v) = decode_value(&ty, bytes) {
        let _ = canonical::canonical_text(&v, &ty);
    }
    let _ = variant::decode(bytes);
    if let Ok(text) = hierarchyid::to_text(bytes) {
        let _ = hierarchyid::from_text(&text);
        let _ = hierarchyid::level(bytes);
    }
    let _ = hierarchyid::from_text(&String::from_utf8_lossy(bytes));
}

fn compressed_records() -> Vec<Vec<u8>> {
    let long = [9u8; 300];
    let values = [
        compressed::CdValue::Null,
        compressed::CdValue::Bytes(&[0x81]),
        compressed::CdValue::Bytes(&[]),
        compressed::CdValue::Bytes(&[1, 2, 3, 4]),
        compressed::CdValue::Bytes(&long),
    ];
    let many: Vec<_> = (0..70).map(|i| values[i % 5]).collect();
    let mut seeds: Vec<Vec<u8>> =
        [&values[..], &many].iter().filter_map(|v| compressed::build(0, v).ok()).collect();
    // A compression information structure: flags, count, dictionary offset, size, anchor, dictionary.
    let anchor = seeds[0].clone();
    let mut info = vec![6, 0, 0];
    info.extend((7 + anchor.len() as u16).to_le_bytes());
    let size = 7 + anchor.len() + 2 + 4 + 6;
    info.extend((size as u16).to_le_bytes());
    info.extend(&anchor);
    info.extend([2, 0, 9, 0, 12, 0, 1, 2, 3, 4, 5, 6]);
    seeds.push(info);
    seeds
}

fn compressed_record(data: &[u8]) {
    let mut slots = Vec::new();
    let _ = CdRecord::parse(data, &mut slots);
    if let Ok(info) = CompressionInfo::parse(data) {
        let mut out = Vec::new();
        let _ = info.resolve(1, data, &mut out);
    }
    let mut out = Vec::new();
    let _ = scsu::decode(data, &mut out);
    let _ = number::decode_excess(data);
    for scale in [0, 10, 38, 255] {
        let _ = number::decode_vardecimal(data, scale);
    }
    let _ = sparse::find(data, 2);
    for xtype in [
        34, 36, 40, 41, 42, 43, 48, 52, 56, 58, 59, 60, 61, 62, 98, 104, 106, 122, 127, 165, 173, 175, 189,
        231, 239,
    ] {
        let column =
            PhysicalColumn { xtype, length: 16, precision: 18, scale: 4, ..PhysicalColumn::default() };
        out.clear();
        let _ = compressed::expand(&column, data, &mut out);
        assert!(out.len() <= 64 + 16 * data.len(), "an expansion without proportion");
    }
}
