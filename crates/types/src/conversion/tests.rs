//! Conversions as the T-SQL reference's examples and SQL Server's messages have them.

use super::*;
use crate::{CollationId, Date, DateTime, DateTime2, Decimal, Time};

const C: CollationId = CollationId::SERVER_DEFAULT;

fn with(v: Value, from: SqlType, to: SqlType, style: Option<i32>) -> SqlResult<Value> {
    convert(&v, &from, &to, style, &ConvertContext::default(), Mode::Explicit)
}

fn text(v: Value, from: SqlType, style: i32) -> String {
    match with(v, from, SqlType::varchar(60, C), Some(style)).unwrap() {
        Value::String(s) => s.to_text(),
        other => panic!("{other:?}"),
    }
}

fn from_string(s: &str, to: SqlType) -> SqlResult<Value> {
    with(Value::string(s), SqlType::varchar(100, C), to, None)
}

fn number(r: SqlResult<Value>) -> i32 {
    r.unwrap_err().number
}

#[test]
fn date_styles() {
    // 2024-04-05 13:02:03.123
    let v = DateTime::from_datetime2(DateTime2 {
        date: Date::from_ymd(2024, 4, 5).unwrap(),
        time: Time::from_hms(13, 2, 3, 1_230_000),
    })
    .unwrap();
    for (style, expected) in [
        (0, "Apr  5 2024  1:02PM"),
        (1, "04/05/24"),
        (101, "04/05/2024"),
        (102, "2024.04.05"),
        (103, "05/04/2024"),
        (4, "05.04.24"),
        (105, "05-04-2024"),
        (106, "05 Apr 2024"),
        (107, "Apr 05, 2024"),
        (108, "13:02:03"),
        (9, "Apr  5 2024  1:02:03:123PM"),
        (10, "04-05-24"),
        (111, "2024/04/05"),
        (12, "240405"),
        (112, "20240405"),
        (113, "05 Apr 2024 13:02:03:123"),
        (114, "13:02:03:123"),
        (120, "2024-04-05 13:02:03"),
        (121, "2024-04-05 13:02:03.123"),
        (126, "2024-04-05T13:02:03.123"),
        (22, "04/05/24  1:02:03 PM"),
        (131, "26/09/1445  1:02:03:123PM"),
    ] {
        assert_eq!(text(Value::DateTime(v), SqlType::DATETIME, style), expected, "style {style}");
    }
    let d = Value::Date(Date::from_ymd(2024, 4, 5).unwrap());
    assert_eq!(text(d.clone(), SqlType::DATE, 121), "2024-04-05");
    assert_eq!(number(with(d, SqlType::DATE, SqlType::varchar(20, C), Some(108))), 8114);
    let e = with(Value::DateTime(v), SqlType::DATETIME, SqlType::varchar(20, C), Some(99)).unwrap_err();
    assert_eq!(
        e.message,
        "99 is not a valid style number when converting from datetime to a character string."
    );
    let t = Value::Time(Time::from_hms(13, 2, 3, 1_234_567));
    assert_eq!(text(t.clone(), SqlType::time(7), 121), "13:02:03.1234567");
    assert_eq!(text(t, SqlType::time(7), 100), "1:02PM");
}

#[test]
fn numbers_to_text() {
    let m = Value::Money(12_345_678_950);
    assert_eq!(text(m.clone(), SqlType::MONEY, 0), "1234567.90");
    assert_eq!(text(m.clone(), SqlType::MONEY, 1), "1,234,567.90");
    assert_eq!(text(m.clone(), SqlType::MONEY, 2), "1234567.8950");
    assert_eq!(number(with(m, SqlType::MONEY, SqlType::varchar(3, C), None)), 234);
    for (v, expected) in [
        (123_456.0, "123456"),
        (1_234_567.0, "1.23457e+006"),
        (0.0001, "0.0001"),
        (0.000_01, "1e-005"),
        (-1.5, "-1.5"),
        (0.0, "0"),
    ] {
        assert_eq!(text(Value::Float(v), SqlType::FLOAT, 0), expected);
    }
    assert_eq!(text(Value::Float(1.5), SqlType::FLOAT, 1), "1.5000000e+000");
    assert_eq!(text(Value::Float(1.5), SqlType::FLOAT, 2), "1.500000000000000e+000");
    assert_eq!(text(Value::Float(1.5), SqlType::FLOAT, 3), "1.5000000000000000e+000");
    assert_eq!(with(Value::Int(1234), SqlType::INT, SqlType::varchar(3, C), None), Ok(Value::string("*")));
    assert_eq!(number(with(Value::Int(1234), SqlType::INT, SqlType::nvarchar(3, C), None)), 8115);
    let padded = with(Value::Int(5), SqlType::INT, SqlType::character(TypeId::Char, 4, C), None);
    assert_eq!(padded, Ok(Value::string("5   ")));
}

#[test]
fn text_to_numbers() {
    assert_eq!(from_string(" -12 ", SqlType::INT), Ok(Value::Int(-12)));
    assert_eq!(from_string("", SqlType::INT), Ok(Value::Int(0)));
    let e = from_string("abc", SqlType::INT).unwrap_err();
    assert_eq!(e.message, "Conversion failed when converting the varchar value 'abc' to data type int.");
    assert_eq!(number(from_string("1.5", SqlType::INT)), 245);
    assert_eq!(number(from_string("99999999999", SqlType::INT)), 248);
    assert_eq!(number(from_string("300", SqlType::TINYINT)), 244);
    assert_eq!(number(from_string("x", SqlType::BIGINT)), 8114);
    assert_eq!(number(from_string("", SqlType::decimal(5, 2))), 8114);
    assert_eq!(from_string("1.005", SqlType::decimal(5, 2)), Ok(Value::Decimal(Decimal::new(101, 2))));
    assert_eq!(number(from_string("1000", SqlType::decimal(5, 2))), 8115);
    assert_eq!(from_string("-$1,234.5", SqlType::MONEY), Ok(Value::Money(-12_345_000)));
    assert_eq!(number(from_string("1x", SqlType::MONEY)), 235);
    assert_eq!(from_string("1.5e3", SqlType::FLOAT), Ok(Value::Float(1500.0)));
    assert_eq!(number(from_string("nan", SqlType::FLOAT)), 8114);
    assert_eq!(from_string("TRUE", SqlType::BIT), Ok(Value::Bit(true)));
    assert_eq!(number(from_string("x", SqlType::DATE)), 241);
    assert_eq!(number(from_string("2024-02-30", SqlType::DATETIME)), 242);
    assert_eq!(number(from_string("x", SqlType::SMALLDATETIME)), 295);
    assert_eq!(number(from_string("x", SqlType::GUID)), 8169);
}

#[test]
fn numbers_to_numbers() {
    let to = |v, from, to| with(v, from, to, None);
    assert_eq!(
        to(Value::Decimal(Decimal::new(-19, 1)), SqlType::decimal(5, 1), SqlType::INT),
        Ok(Value::Int(-1))
    );
    assert_eq!(to(Value::Float(1.9), SqlType::FLOAT, SqlType::INT), Ok(Value::Int(1)));
    assert_eq!(to(Value::Money(15_000), SqlType::MONEY, SqlType::INT), Ok(Value::Int(2)));
    assert_eq!(number(to(Value::Int(300), SqlType::INT, SqlType::TINYINT)), 220);
    assert_eq!(number(to(Value::Float(1e10), SqlType::FLOAT, SqlType::INT)), 232);
    assert_eq!(number(to(Value::BigInt(1 << 40), SqlType::BIGINT, SqlType::INT)), 8115);
    assert_eq!(number(to(Value::Int(1), SqlType::INT, SqlType::DATE)), 529);
    let implicit = |from: SqlType, to: SqlType| check(&from, &to, Mode::Implicit).map_err(|e| e.number);
    assert_eq!(implicit(SqlType::INT, SqlType::DATE), Err(206));
    assert_eq!(implicit(SqlType::DATETIME, SqlType::INT), Err(257));
    assert_eq!(implicit(SqlType::VARIANT, SqlType::INT), Err(257));
    assert_eq!(implicit(SqlType::varchar(1, C), SqlType::INT), Ok(()));
    let noon = Value::DateTime(DateTime { days: 1, ticks: 12_960_000 });
    assert_eq!(to(noon.clone(), SqlType::DATETIME, SqlType::FLOAT), Ok(Value::Float(1.5)));
    assert_eq!(to(noon, SqlType::DATETIME, SqlType::INT), Ok(Value::Int(2)));
}

#[test]
fn binary() {
    let b = |n| SqlType::binary(TypeId::VarBinary, n);
    assert_eq!(with(Value::Int(258), SqlType::INT, b(8), None), Ok(Value::binary(&[0, 0, 1, 2])));
    let fixed = SqlType::binary(TypeId::Binary, 2);
    assert_eq!(with(Value::Int(258), SqlType::INT, fixed, None), Ok(Value::binary(&[1, 2])));
    assert_eq!(with(Value::binary(&[1, 2]), b(2), SqlType::INT, None), Ok(Value::Int(258)));
    assert_eq!(text(Value::binary(&[0xAB, 1]), b(2), 1), "0xAB01");
    assert_eq!(text(Value::binary(b"Az"), b(2), 0), "Az");
    let hex = with(Value::string("0xAB01"), SqlType::varchar(10, C), b(8), Some(1));
    assert_eq!(hex, Ok(Value::binary(&[0xAB, 1])));
    assert_eq!(number(with(Value::string("0xAB0"), SqlType::varchar(10, C), b(8), Some(1))), 8114);
    let g = from_string("6F9619FF-8B86-D011-B42D-00C04FC964FF", SqlType::GUID).unwrap();
    assert_eq!(text(g.clone(), SqlType::GUID, 0), "6F9619FF-8B86-D011-B42D-00C04FC964FF");
    assert_eq!(canonical_text(&g, &SqlType::GUID).unwrap(), "6F9619FF-8B86-D011-B42D-00C04FC964FF");
}

#[test]
fn strings_follow_the_code_page() {
    let s = Value::string("aāж");
    let v = with(s, SqlType::nvarchar(10, C), SqlType::varchar(10, C), None);
    assert_eq!(v, Ok(Value::string("aa?")));
    let cut = with(Value::string("abcdef"), SqlType::varchar(10, C), SqlType::varchar(3, C), None);
    assert_eq!(cut, Ok(Value::string("abc")));
    assert!(would_truncate(&SqlString::from("abcd"), &SqlType::varchar(3, C)));
    assert!(!would_truncate(&SqlString::from("abc  "), &SqlType::varchar(3, C)));
}

#[test]
fn canonical() {
    let t = |v: Value, ty: SqlType| canonical_text(&v, &ty).unwrap();
    assert_eq!(t(Value::Float(1.5), SqlType::FLOAT), "1.5e0");
    assert_eq!(t(Value::Float(-0.0), SqlType::FLOAT), "-0e0");
    assert_eq!(t(Value::Real(f32::NAN), SqlType::REAL), "nan");
    assert_eq!(t(Value::Money(-5), SqlType::MONEY), "-0.0005");
    assert_eq!(
        t(Value::DateTime(DateTime { days: 0, ticks: 2 }), SqlType::DATETIME),
        "1900-01-01 00:00:00.007"
    );
    let v = Value::Variant(
        Variant { ty: SqlType::numeric(5, 2), value: Value::Decimal(Decimal::new(150, 2)) }.into(),
    );
    assert_eq!(t(v, SqlType::VARIANT), "numeric(5,2):1.50");
}

/// Management Studio's literals of dates and times end in zero bytes that are no part of the value.
#[test]
fn scripted_binary_literals_are_padded() {
    let cast = |bytes: &[u8], to: SqlType| {
        let from = SqlType::binary(TypeId::VarBinary, bytes.len() as i32);
        with(Value::binary(bytes), from, to, None)
            .map(|v| crate::conversion::canonical_text(&v, &to).unwrap_or_default())
    };
    assert_eq!(cast(&[0x5B, 0x95, 0x0A, 0x00], SqlType::DATE).unwrap(), "1900-01-01");
    assert!(cast(&[0x5B, 0x95, 0x0A, 0x01], SqlType::DATE).is_err());
    let noon = [7, 0, 0xE0, 0x34, 0x95, 0x64, 0, 0];
    assert_eq!(cast(&noon, SqlType::time(7)).unwrap(), "12:00:00.0000000");
    let moment = [7, 0, 0xE0, 0x34, 0x95, 0x64, 0x5B, 0x95, 0x0A, 0];
    assert_eq!(cast(&moment, SqlType::datetime2(7)).unwrap(), "1900-01-01 12:00:00.0000000");
}
