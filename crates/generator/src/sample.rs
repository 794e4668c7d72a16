//! The sample database: a small shop with one table of every type. And the big table of benchmarks.

use std::sync::Arc;

use crate::Result;
use crate::database::Database;
use crate::fixed::Identity;
use crate::table::{Column, Table, Ty, column, nullable};
use crate::value::{Stored, datetime, latin1, utf16};

/// 2026-01-01 00:00:00.
const CREATED: i64 = 1_767_225_600;
/// Days from 0001-01-01 to 2026-01-01.
const DAY_2026: u32 = 739_616;

/// A cheap, well-mixed number for row `i` and purpose `k`.
fn mix(i: u64, k: u64) -> u64 {
    let mut z = i.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ k.wrapping_mul(0xD1B5_4A32_D192_ED03);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

fn pick<'a>(list: &[&'a str], i: u64, k: u64) -> &'a str {
    list[(mix(i, k) % list.len() as u64) as usize]
}

fn int(v: u64) -> Stored {
    Some((v as i32).to_le_bytes().to_vec())
}

fn text(s: &str) -> Stored {
    Some(utf16(s))
}

fn money(units: u64) -> Stored {
    Some((units as i64).to_le_bytes().to_vec())
}

/// date: days since 0001-01-01 in three bytes.
fn date(days: u32) -> Stored {
    Some(days.to_le_bytes()[..3].to_vec())
}

/// time(7) then date.
fn datetime2(days: u32, ticks: u64) -> Vec<u8> {
    [&ticks.to_le_bytes()[..5], &days.to_le_bytes()[..3]].concat()
}

/// decimal of at most 19 digits in 9 bytes.
fn decimal9(v: i64) -> Stored {
    let sign = u8::from(v >= 0);
    Some([&[sign][..], &v.unsigned_abs().to_le_bytes()].concat())
}

const FIRST: [&str; 12] =
    ["Ada", "Björn", "Chloé", "Dmitri", "Elif", "Femi", "Grace", "Hana", "Ivo", "Jasper", "Keiko", "Łucja"];
const LAST: [&str; 12] = [
    "Almeida",
    "Brandt",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Fischer",
    "García",
    "Horvat",
    "Ito",
    "Jensen",
    "Kowalski",
    "Lindqvist",
];
const CITY: [&str; 10] =
    ["Lisboa", "München", "Madrid", "Lyon", "Oslo", "Wien", "Zürich", "Ljubljana", "大阪", "København"];
const THING: [&str; 10] =
    ["anchor", "bollard", "cleat", "fender", "halyard", "jib", "keel", "lantern", "mast", "oar"];
const KIND: [&str; 6] = ["brass", "galvanised", "oak", "rope", "spare", "titanium"];

fn table(
    name: &str,
    columns: Vec<Column>,
    count: u64,
    rows: impl Fn(u64) -> Vec<Stored> + Send + Sync + 'static,
) -> Table {
    Table {
        name: name.to_owned(),
        columns,
        identity: true,
        references: Vec::new(),
        compression: 0,
        row_count: count,
        rows: Arc::new(rows),
    }
}

fn customers(count: u64) -> Table {
    let columns = vec![
        column("CustomerID", Ty::Int),
        column("Name", Ty::NVarChar(80)),
        column("City", Ty::NVarChar(60)),
        nullable("Email", Ty::VarChar(120)),
        column("Since", Ty::Date),
        column("IsActive", Ty::Bit),
    ];
    table("Customers", columns, count, |i| {
        let name = format!("{} {}", pick(&FIRST, i, 1), pick(&LAST, i, 2));
        let mail = (!mix(i, 3).is_multiple_of(7)).then(|| latin1(&format!("customer{}@example.com", i + 1)));
        let since = date(DAY_2026 - (mix(i, 4) % 3000) as u32);
        vec![
            int(i + 1),
            text(&name),
            text(pick(&CITY, i, 5)),
            mail,
            since,
            Some(vec![u8::from(!mix(i, 6).is_multiple_of(9))]),
        ]
    })
}

fn products(count: u64) -> Table {
    let columns = vec![
        column("ProductID", Ty::Int),
        column("Name", Ty::NVarChar(80)),
        column("Price", Ty::Money),
        column("Weight", Ty::Decimal(18, 3)),
        nullable("Discontinued", Ty::DateTime2),
    ];
    table("Products", columns, count, |i| {
        let name = format!("{} {} no. {}", pick(&KIND, i, 1), pick(&THING, i, 2), i + 1);
        let gone = mix(i, 3).is_multiple_of(8).then(|| datetime2(DAY_2026 - 40, 36_000 * 12_345_678));
        vec![
            int(i + 1),
            text(&name),
            money(10_000 + mix(i, 4) % 5_000_000),
            decimal9((mix(i, 5) % 90_000) as i64),
            gone,
        ]
    })
}

fn orders(count: u64, customers: u64) -> Table {
    let columns = vec![
        column("OrderID", Ty::Int),
        column("CustomerID", Ty::Int),
        column("Ordered", Ty::DateTime),
        nullable("Shipped", Ty::Date),
        nullable("Note", Ty::NVarChar(200)),
    ];
    let mut t = table("Orders", columns, count, move |i| {
        let day = (mix(i, 1) % 900) as u32;
        // 1900-01-01 is day 693595 since 0001-01-01.
        let ordered = datetime((DAY_2026 - 900 + day) as i32 - 693_595, (mix(i, 2) % 25_920_000) as u32);
        let shipped = if mix(i, 3).is_multiple_of(10) { None } else { date(DAY_2026 - 900 + day + 2) };
        let note = mix(i, 4).is_multiple_of(5).then(|| utf16("Leave it with the harbour master."));
        vec![int(i + 1), int(mix(i, 5) % customers + 1), Some(ordered), shipped, note]
    });
    t.references = vec![(2, "Customers".to_owned())];
    t
}

fn order_lines(count: u64, orders: u64, products: u64) -> Table {
    let columns = vec![
        column("OrderLineID", Ty::Int),
        column("OrderID", Ty::Int),
        column("ProductID", Ty::Int),
        column("Quantity", Ty::SmallInt),
        column("UnitPrice", Ty::Money),
        column("Discount", Ty::Real),
    ];
    let mut t = table("OrderLines", columns, count, move |i| {
        let quantity = (mix(i, 3) % 20 + 1) as i16;
        let discount = (mix(i, 5) % 4) as f32 * 0.05;
        vec![
            int(i + 1),
            int(mix(i, 1) % orders + 1),
            int(mix(i, 2) % products + 1),
            Some(quantity.to_le_bytes().to_vec()),
            money(10_000 + mix(i, 4) % 5_000_000),
            Some(discount.to_le_bytes().to_vec()),
        ]
    });
    t.references = vec![(2, "Orders".to_owned()), (3, "Products".to_owned())];
    t
}

/// One column of each type; some rows are NULL everywhere.
fn types(name: &str, count: u64, compression: u8) -> Table {
    let list = [
        ("ABit", Ty::Bit),
        ("ATinyInt", Ty::TinyInt),
        ("ASmallInt", Ty::SmallInt),
        ("ABigInt", Ty::BigInt),
        ("ADecimal", Ty::Decimal(19, 4)),
        ("AMoney", Ty::Money),
        ("AFloat", Ty::Float),
        ("AReal", Ty::Real),
        ("ADate", Ty::Date),
        ("ATime", Ty::Time7),
        ("ADateTime2", Ty::DateTime2),
        ("ADateTime", Ty::DateTime),
        ("ADateTimeOffset", Ty::DateTimeOffset),
        ("AGuid", Ty::UniqueIdentifier),
        ("AChar", Ty::Char(10)),
        ("AVarChar", Ty::VarChar(50)),
        ("ANChar", Ty::NChar(10)),
        ("ANVarChar", Ty::NVarChar(50)),
        ("ABinary", Ty::Binary(8)),
        ("AVarBinary", Ty::VarBinary(50)),
    ];
    let mut columns = vec![column("ID", Ty::Int)];
    columns.extend(list.iter().map(|(n, t)| nullable(n, *t)));
    let rows = move |i: u64| {
        let mut row = vec![int(i + 1)];
        row.extend(list.iter().map(|(_, t)| if i % 10 == 9 { None } else { value_of(*t, i) }));
        row
    };
    Table { compression, ..table(name, columns, count, rows) }
}

/// The same rows three times: plain, ROW compressed and PAGE compressed.
pub fn compressed(count: u64) -> Result<Database> {
    let tables = [types("Plain", count, 0), types("ByRow", count, 1), types("ByPage", count, 2)];
    Database::build(Identity::new("Compressed", 0x434F_4D50, CREATED), &tables)
}

fn value_of(ty: Ty, i: u64) -> Stored {
    let n = i as i64 - 50;
    let ticks = i * 8_640_000_001 % 864_000_000_000;
    let day = DAY_2026 + i as u32;
    Some(match ty {
        Ty::Bit => vec![(i % 2) as u8],
        Ty::TinyInt => vec![i as u8],
        Ty::SmallInt => (n as i16).wrapping_mul(300).to_le_bytes().to_vec(),
        Ty::Int => (n as i32).to_le_bytes().to_vec(),
        Ty::BigInt => (n * 10_000_000_000).to_le_bytes().to_vec(),
        Ty::Decimal(..) => return decimal9(n * 1_234_567),
        Ty::Money => (n * 99_999).to_le_bytes().to_vec(),
        Ty::Float => (n as f64 * 1.25).to_le_bytes().to_vec(),
        Ty::Real => (n as f32 * 0.5).to_le_bytes().to_vec(),
        Ty::Date => return date(day),
        Ty::Time7 => ticks.to_le_bytes()[..5].to_vec(),
        Ty::DateTime2 => datetime2(day, ticks),
        Ty::DateTime => datetime(day as i32 - 693_595, (i % 100 * 259_200) as u32),
        Ty::DateTimeOffset => [datetime2(day, ticks), 120i16.to_le_bytes().to_vec()].concat(),
        Ty::UniqueIdentifier => [mix(i, 1).to_le_bytes(), mix(i, 2).to_le_bytes()].concat(),
        Ty::Char(len) => {
            let mut b = latin1(&format!("c{i}"));
            b.resize(usize::from(len), b' ');
            b
        }
        Ty::VarChar(_) => latin1(&format!("varchar é {i}")),
        Ty::NChar(len) => utf16(&format!("{:<width$}", format!("ñ{i}"), width = usize::from(len))),
        Ty::NVarChar(_) => utf16(&format!("{} {i}", CITY[(i % 10) as usize])),
        Ty::Binary(_) => mix(i, 3).to_le_bytes().to_vec(),
        Ty::VarBinary(_) => mix(i, 4).to_le_bytes()[..1 + (i % 8) as usize].to_vec(),
    })
}

/// The sample: about 20,000 rows in a file of 8 MiB.
pub fn sample() -> Result<Database> {
    let tables = [
        customers(500),
        products(60),
        orders(5_000, 500),
        order_lines(15_000, 5_000, 60),
        types("EveryType", 100, 0),
    ];
    Database::build(Identity::new("Harbour", 0x484F_4C44_4641_5354, CREATED), &tables)
}

/// The shop with as many order lines as wanted: 43 bytes of values in each row.
pub fn big(order_lines_count: u64) -> Result<Database> {
    let orders_count = (order_lines_count / 4).clamp(1_000, 1 << 30);
    let customers_count = (orders_count / 20).max(100);
    let tables = [
        customers(customers_count),
        products(1_000),
        orders(orders_count, customers_count),
        order_lines(order_lines_count, orders_count, 1_000),
    ];
    Database::build(Identity::new("BigHarbour", order_lines_count, CREATED), &tables)
}
