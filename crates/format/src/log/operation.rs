//! Operation (LOP) and context (LCX) numbers with their public names.
//!
//! Invariants
//! 1. The tables are ascending, so that look-ups may be binary.
//! 2. [`Operation::is_page_operation`] is what decides whether a record carries a page header; nothing else does.
//!
//! Evidence: names and numbers from public log readers; those that occur in the corpus are checked by content.

use std::fmt;

/// The operation byte of a record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation(pub u8);

/// The context byte of a record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Context(pub u8);

macro_rules! numbers {
    ($module:ident, $kind:ident, $table:ident, $prefix:literal: $($name:ident = $number:literal),* $(,)?) => {
        #[doc = concat!("Constants of [`", stringify!($kind), "`](super::", stringify!($kind), ").")]
        pub mod $module {
            use super::$kind;
            $(pub const $name: $kind = $kind($number);)*
        }
        const $table: &[(u8, &str)] = &[$(($number, concat!($prefix, stringify!($name)))),*];
    };
}

numbers! { operation, Operation, OPERATIONS, "LOP_":
    NULL = 0, FORMAT_PAGE = 1, INSERT_ROWS = 2, DELETE_ROWS = 3, MODIFY_ROW = 4, MODIFY_HEADER = 5, MODIFY_COLUMNS = 6,
    SET_BITS = 7, SET_MASK_BITS = 8, DELTA_SYSIND = 9, SET_FREE_SPACE = 10, DELETE_SPLIT = 11, UNDO_DELETE_SPLIT = 12,
    EXPUNGE_ROWS = 13, FILE_HDR_MODIFY = 16, CLEAR_GAM_BITS = 17, COUNT_DELTA = 18, ROOT_CHANGE = 19, COMPRESSION_INFO = 20,
    ENCRYPT_PAGE = 21, INSYSXACT = 22, REMOVE_VERSION_INFO = 126, BEGIN_XACT = 128, COMMIT_XACT = 129, ABORT_XACT = 130,
    PREP_XACT = 131, MARK_SAVEPOINT = 132, FORGET_XACT = 133, CREATE_FILE = 134, DROP_FILE = 135, MARK_DDL = 136,
    HOBT_DDL = 137, IDENT_NEWVAL = 138, IDENT_SENTVAL = 139, HOBT_DELTA = 140, LOCK_XACT = 141, CREATE_STREAMFILE = 142,
    MIGRATE_LOCKS = 143, DROP_STREAMFILE = 144, FS_DOWNLEVEL_OP = 145, MODIFY_STREAMFILE_HDR = 146, BP_DBVER = 148,
    COPY_VERSION_INFO = 149, BEGIN_CKPT = 150, XACT_CKPT = 152, END_CKPT = 153, BUF_WRITE = 154, BEGIN_RECOVERY = 160,
    END_RECOVERY = 161, TENANT_LOG = 162, FEDTM_INFO = 166, CREATE_INDEX = 173, DROP_INDEX = 174, CREATE_ALLOCCHAIN = 176,
    CREATE_FTCAT = 180, DROP_FTCAT = 181, REPL_COMMAND = 200, BEGIN_UPDATE = 201, END_UPDATE = 202, TEXT_POINTER = 203,
    TEXT_INFO_BEGIN = 204, TEXT_INFO_END = 205, REPL_NOOP = 206, TEXT_VALUE = 207, SHRINK_NOOP = 211,
    FILESTREAM_INFO_BEGIN = 212, FILESTREAM_INFO_END = 213, BULK_EXT_ALLOCATION = 214, SECURITY_OP = 215,
    PAGE_REENCRYPT = 216, CREATE_PHYSICAL_FILE = 217, RANGE_INSERT = 220, INVALIDATE_CACHE = 221, CSI_ROWGROUP = 223,
    HK = 230, HK_CHECKPOINT = 231, HK_CHAINED = 232, SEREPL_MSG = 240,
}

numbers! { context, Context, CONTEXTS, "LCX_":
    NULL = 0, HEAP = 1, CLUSTERED = 2, INDEX_LEAF = 3, INDEX_INTERIOR = 4, TEXT_MIX = 5, TEXT_TREE = 6, DIAGNOSTICS = 7,
    GAM = 8, SGAM = 9, IAM = 10, PFS = 11, IDENTITY_VALUE = 12, OBJECT_ID = 13, NONSYS_SPLIT = 14, FILE_HEADER = 17,
    SCHEMA_VERSION = 18, MARK_AS_GHOST = 19, BOOT_PAGE = 20, SYSCONFIG_PAGE = 21, BOOT_PAGE_CKPT = 23, DIFF_MAP = 24,
    ML_MAP = 25, REMOVE_VERSION_INFO = 26, DBCC_FORMATTED = 27, UNLINKED_REORG_PAGE = 28, BULK_OPERATION_PAGE = 29,
    TRACKED_XDES = 30, ENCRYPT_UNALLOC_PAGE = 31, SORT_PAGE = 32, WORK_FILE_PAGE = 33, RESTORE_BAD_UNALLOC_PAGE = 34,
}

fn name_in(table: &'static [(u8, &'static str)], number: u8) -> Option<&'static str> {
    table.binary_search_by_key(&number, |&(n, _)| n).ok().and_then(|at| table.get(at)).map(|&(_, name)| name)
}

impl Operation {
    /// The public name, `None` for a number that no source lists.
    pub fn name(self) -> Option<&'static str> {
        name_in(OPERATIONS, self.0)
    }

    /// Whether records of this operation carry the page header (page, slot, page LSN before the change).
    pub const fn is_page_operation(self) -> bool {
        matches!(self.0, 1..=22 | 126)
    }

    /// Whether records of this operation carry the row header and elements.
    pub const fn is_row_operation(self) -> bool {
        matches!(self.0, 2..=6 | 13 | 16 | 17)
    }

    /// Whether a redo may pass over records of this operation: they are known to touch no page.
    pub const fn touches_no_page(self) -> bool {
        matches!(self.0, 0 | 128..=133 | 136..=141 | 143 | 148..=154 | 160 | 161 | 166 | 176 | 200..=207 | 211 | 221)
    }
}

impl Context {
    pub fn name(self) -> Option<&'static str> {
        name_in(CONTEXTS, self.0)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "LOP_{}", self.0),
        }
    }
}
impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "LCX_{}", self.0),
        }
    }
}
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_ascend_and_answer() {
        assert!(OPERATIONS.windows(2).all(|w| w[0].0 < w[1].0));
        assert!(CONTEXTS.windows(2).all(|w| w[0].0 < w[1].0));
        assert_eq!(operation::INSERT_ROWS.to_string(), "LOP_INSERT_ROWS");
        assert_eq!(Operation(99).to_string(), "LOP_99");
        assert_eq!(context::MARK_AS_GHOST.to_string(), "LCX_MARK_AS_GHOST");
    }
}
