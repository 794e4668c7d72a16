//! PERIOD FOR SYSTEM_TIME and SYSTEM_VERSIONING in the catalog.
//!
//! Invariants
//! 1. A period is a row of sysobjvalues: sub-object the column where it starts, number the one where it ends, value its name.
//! 2. SYSTEM_VERSIONING is on while a reference leads from the history table to the current one.
//!
//! Evidence: the table Employees of the genuine database TSQLV4 (version 852); docs/format/catalog.md.

use holdfast_types::{SqlResult, SqlType, Value};

use super::rows::{CatalogWriter, Cell, FIRST_OF_2012};
use super::table::column_bits;

/// sysobjvalues.valclass of periods.
pub const PERIOD_VALUE: i64 = 113;
/// syssingleobjrefs.class of the reference from a history table to the table whose history it is.
pub const HISTORY_REFERENCE: i32 = 112;
/// The one name that periods have.
const PERIOD_NAME: &str = "SYSTEM_TIME";

/// What a column GENERATED ALWAYS holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowBound {
    Start,
    End,
}

impl RowBound {
    /// Its bit of syscolpars.status.
    pub fn bit(self) -> i64 {
        match self {
            RowBound::Start => column_bits::ROW_START,
            RowBound::End => column_bits::ROW_END,
        }
    }
}

impl CatalogWriter<'_> {
    fn column_status(&self, object: i32, column: i32, set: i64, clear: i64) -> SqlResult<()> {
        let key = [i64::from(object), 0, i64::from(column)];
        self.update("syscolpars", &key, &|_, _| true, &|b, r| {
            vec![("status", Cell::Int(b.int(r, "status") & !clear | set))]
        })
        .map(|_| ())
    }

    /// Enters the period of a table over two of its columns, which become GENERATED ALWAYS.
    pub fn add_period(&self, object: i32, start: i32, end: i32) -> SqlResult<()> {
        self.require(FIRST_OF_2012, "A period")?;
        for (column, bound) in [(start, RowBound::Start), (end, RowBound::End)] {
            self.column_status(object, column, bound.bit(), 0)?;
        }
        let collation = crate::catalog::Catalog::default_collation(&*self.catalog);
        let name = Cell::Variant(SqlType::nvarchar(256, collation), Value::string(PERIOD_NAME));
        self.insert(
            "sysobjvalues",
            &[
                ("valclass", PERIOD_VALUE.into()),
                ("objid", object.into()),
                ("subobjid", start.into()),
                ("valnum", end.into()),
                ("value", name),
                ("imageval", Cell::Null),
            ],
        )?;
        self.touch(object)
    }

    /// Removes the period; its columns become ordinary ones.
    pub fn drop_period(&self, object: i32, columns: [i32; 2]) -> SqlResult<()> {
        self.delete_all("sysobjvalues", &[PERIOD_VALUE, object.into()])?;
        for column in columns {
            let bits = column_bits::ROW_START | column_bits::ROW_END | column_bits::HIDDEN;
            self.column_status(object, column, 0, bits)?;
        }
        self.touch(object)
    }

    /// Sets or clears HIDDEN of a column.
    pub fn set_hidden(&self, object: i32, column: i32, hidden: bool) -> SqlResult<()> {
        let (set, clear) = if hidden { (column_bits::HIDDEN, 0) } else { (0, column_bits::HIDDEN) };
        self.column_status(object, column, set, clear)?;
        self.touch(object)
    }

    /// SYSTEM_VERSIONING = ON: `history` keeps the old rows of `object` from now on.
    pub fn set_history(&self, object: i32, history: i32) -> SqlResult<()> {
        self.add_reference(HISTORY_REFERENCE, (history, 0), (object, 0))?;
        self.touch(history)?;
        self.touch(object)
    }

    /// SYSTEM_VERSIONING = OFF: both are tables of their own.
    pub fn clear_history(&self, object: i32, history: i32) -> SqlResult<()> {
        self.delete_all("syssingleobjrefs", &[HISTORY_REFERENCE.into(), history.into()])?;
        self.touch(history)?;
        self.touch(object)
    }
}
