//! SQL values as SQL Server defines them: types, values, decimal and date arithmetic, conversions with styles, strings,
//! collations and code pages, messages. Knows nothing of pages, plans or sockets.
//!
//! | question | where |
//! |---|---|
//! | what a type is; one value; columns of values | [`sql_type`], [`value`], [`batch`] |
//! | stored bytes to value and back | [`storage_form::decode_value`], [`storage_form::decode_into`], [`storage_form::encode_value`] |
//! | CAST, CONVERT, implicit conversions | [`conversion::convert`], [`conversion::check`], [`conversion::conversion_kind`] |
//! | text of dumps | [`conversion::canonical_text`] |
//! | decimal operators and their result types | [`decimal::result_type`], [`decimal::add`] … |
//! | date functions | [`datetime::part`]; reading literals: [`datetime::parse`] |
//! | order, equality, hashing of values | [`compare::compare`], [`compare::hash_key`] |
//! | order of strings, sort keys, upper and lower case | [`collation::of`] (by type), [`collation::get`] (by id) |
//! | collation names, code pages, TDS bytes | methods of [`CollationId`] in [`collation::id`]; [`code_page`] |
//! | special types | [`xml`], [`variant`], [`hierarchyid`], [`spatial`] |
//! | errors and messages | [`error`], [`messages`] |
#![forbid(unsafe_code)]

pub mod base64;
pub mod batch;
pub mod canonical;
pub mod code_page;
pub mod collation;
pub mod compare;
pub mod conversion;
pub mod datetime;
pub mod decimal;
pub mod error;
pub mod hierarchyid;
pub mod messages;
pub mod spatial;
pub mod sql_type;
pub mod storage_form;
pub mod string;
pub mod value;
pub mod variant;
pub mod xml;

pub use batch::{Batch, Column, ColumnData};
pub use code_page::CodePage;
pub use collation::{NameKey, NameOrder};
pub use datetime::{Date, DateTime, DateTime2, DateTimeOffset, SmallDateTime, Time};
pub use decimal::Decimal;
pub use error::{SqlError, SqlResult};
pub use sql_type::{CollationId, SqlType, TypeId};
pub use string::SqlString;
pub use value::{Guid, Value, Variant};
