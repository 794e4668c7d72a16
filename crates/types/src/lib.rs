//! SQL values as SQL Server defines them: types, values, decimal and date arithmetic, conversions with styles, strings,
//! collations and code pages, messages. Knows nothing of pages, plans or sockets.
//!
//! Module map: [`sql_type`] what a type is, [`value`] one value, [`string`] UTF-16 strings, [`decimal`], [`datetime`],
//! [`error`] and [`messages`] what a statement answers when it fails, [`batch`] columns of values.
#![forbid(unsafe_code)]

pub mod batch;
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
pub use datetime::{Date, DateTime, DateTime2, DateTimeOffset, SmallDateTime, Time};
pub use decimal::Decimal;
pub use error::{SqlError, SqlResult};
pub use sql_type::{CollationId, SqlType, TypeId};
pub use string::SqlString;
pub use value::{Guid, Value, Variant};
