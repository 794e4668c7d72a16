//! Rows of `master.dbo.spt_values`: names for numbers that old catalog views show, and the numbers from 0 that scripts count with.
//!
//! Invariants
//! 1. A type is here with all its rows or not at all. Not here: options of servers, remote logins, syskeys, roles, languages and
//!    other numbers of before 2000 (`A`, `F`, `F_U`, `G`, `J`, `K`, `O`, `R`, `SFL`, `SRV`, `DBR`, `LNG`).
//!
//! Evidence: numbers as documented for sysdatabases.status and category, sysindexes.status, syslockinfo, sysprotects, sysdevices.status
//! and @@OPTIONS; names as scripts that join this table rely on them; numbers and names compared with a public copy of
//! the script that fills the table on a server (2005).

use holdfast_types::Value;

use super::row;

/// Type, then number and name of each row.
type Names = (&'static str, &'static [(i32, &'static str)]);

const NAMES: &[Names] = &[
    ("B", &[(-1, "YES OR NO"), (0, "no"), (1, "yes"), (2, "none")]),
    (
        "D",
        &[
            (0, "DATABASE STATUS"),
            (0x1, "autoclose"),
            (0x4, "select into/bulkcopy"),
            (0x8, "trunc. log on chkpt."),
            (0x10, "torn page detection"),
            (0x20, "loading"),
            (0x40, "pre recovery"),
            (0x80, "recovering"),
            (0x100, "not recovered"),
            (0x200, "offline"),
            (0x400, "read only"),
            (0x800, "dbo use only"),
            (0x1000, "single user"),
            (0x8000, "emergency mode"),
            (0x4_0000, "missing files"),
            (4_202_013, "ALL SETTABLE OPTIONS"),
            (0x40_0000, "autoshrink"),
            (0x4000_0000, "cleanly shutdown"),
        ],
    ),
    (
        "D2",
        &[
            (0, "DATABASE OPTIONS"),
            (0x400, "db chaining"),
            (0x800, "numeric roundabort"),
            (0x1000, "arithabort"),
            (0x2000, "ANSI padding"),
            (0x4000, "ANSI null default"),
            (0x1_0000, "concat null yields null"),
            (0x2_0000, "recursive triggers"),
            (0x10_0000, "default to local cursor"),
            (0x80_0000, "quoted identifier"),
            (0x100_0000, "auto create statistics"),
            (0x200_0000, "cursor close on commit"),
            (0x400_0000, "ANSI nulls"),
            (0x1000_0000, "ANSI warnings"),
            (0x2000_0000, "full text enabled"),
            (0x4000_0000, "auto update statistics"),
            (1_469_283_328, "ALL SETTABLE OPTIONS"),
        ],
    ),
    (
        "DC",
        &[
            (0, "DATABASE CATEGORY"),
            (1, "published"),
            (2, "subscribed"),
            (4, "merge publish"),
            (7, "ALL SETTABLE OPTIONS"),
            (16, "Distributed"),
        ],
    ),
    (
        "I",
        &[
            (0, "INDEX TYPES"),
            (0, "nonclustered"),
            (0x1, "ignore duplicate keys"),
            (0x2, "unique"),
            (0x4, "ignore duplicate rows"),
            (0x10, "clustered"),
            (0x20, "hypothetical"),
            (0x40, "statistics"),
            (0x800, "primary key"),
            (0x1000, "unique key"),
            (0x80_0000, "auto create"),
            (0x100_0000, "stats no recompute"),
        ],
    ),
    (
        "L",
        &[
            (0, "LOCK TYPES"),
            (1, "NULL"),
            (2, "Sch-S"),
            (3, "Sch-M"),
            (4, "S"),
            (5, "U"),
            (6, "X"),
            (7, "IS"),
            (8, "IU"),
            (9, "IX"),
            (10, "SIU"),
            (11, "SIX"),
            (12, "UIX"),
            (13, "BU"),
            (14, "RangeS-S"),
            (15, "RangeS-U"),
            (16, "RangeIn-Null"),
            (17, "RangeIn-S"),
            (18, "RangeIn-U"),
            (19, "RangeIn-X"),
            (20, "RangeX-S"),
            (21, "RangeX-U"),
            (22, "RangeX-X"),
        ],
    ),
    ("LO", &[(0, "LOCK OWNER"), (1, "Xact"), (2, "Crsr"), (3, "Sess"), (4, "STWS"), (5, "XTWS"), (6, "WFR")]),
    (
        "LR",
        &[
            (0, "LOCK RESOURCES"),
            (1, "NUL"),
            (2, "DB"),
            (3, "FIL"),
            (5, "TAB"),
            (6, "PAG"),
            (7, "KEY"),
            (8, "EXT"),
            (9, "RID"),
            (10, "APP"),
            (11, "MD"),
            (12, "HBT"),
            (13, "AU"),
        ],
    ),
    ("LS", &[(0, "LOCK REQ STATUS"), (1, "GRANT"), (2, "CNVT"), (3, "WAIT"), (4, "RELN"), (5, "BLCKN")]),
    (
        "SOP",
        &[
            (0, "@@OPTIONS"),
            (0x1, "disable_def_cnst_check"),
            (0x2, "implicit_transactions"),
            (0x4, "cursor_close_on_commit"),
            (0x8, "ansi_warnings"),
            (0x10, "ansi_padding"),
            (0x20, "ansi_nulls"),
            (0x40, "arithabort"),
            (0x80, "arithignore"),
            (0x100, "quoted_identifier"),
            (0x200, "nocount"),
            (0x400, "ansi_null_dflt_on"),
            (0x800, "ansi_null_dflt_off"),
            (0x1000, "concat_null_yields_null"),
            (0x2000, "numeric_roundabort"),
            (0x4000, "xact_abort"),
        ],
    ),
    (
        "T",
        &[
            (0, "SYSPROTECTS.ACTION"),
            (26, "References"),
            (178, "Create Function"),
            (193, "Select"),
            (195, "Insert"),
            (196, "Delete"),
            (197, "Update"),
            (198, "Create Table"),
            (203, "Create Database"),
            (204, "Grant_WGO"),
            (205, "Grant"),
            (206, "Deny"),
            (207, "Create View"),
            (222, "Create Procedure"),
            (224, "Execute"),
            (228, "Backup Database"),
            (233, "Create Default"),
            (235, "Backup Transaction"),
            (236, "Create Rule"),
        ],
    ),
    (
        "V",
        &[
            (0, "SYSDEVICES STATUS"),
            (1, "default disk"),
            (2, "physical disk"),
            (4, "logical disk"),
            (16, "backup device"),
            (32, "serial writes"),
            (4096, "read only"),
            (8192, "deferred"),
        ],
    ),
];

/// Of two values rather than one: these rows have 0 and 1 in `low` and `high`.
const BETWEEN_0_AND_1: &[(&str, i32)] =
    &[("D", 0x200), ("I", 0x800), ("I", 0x1000), ("V", 4096), ("V", 8192)];

/// What the server runs on; `low` of number 1 is the size of a page.
const HOST: &[(i32, &str, i32)] = &[
    (0, "SQLSERVER HOST TYPE", 0),
    (1, "WINDOWS/NT", 8192),
    (2, "int high bit", i32::MIN),
    (3, "int4 high byte", 1),
];

/// Kinds of objects: two letters, a colon, words.
const OBJECTS: &[&str] = &[
    "AF: aggregate function",
    "AP: application",
    "C : check cns",
    "D : default (maybe cns)",
    "EN: event notification",
    "F : foreign key cns",
    "FN: scalar function",
    "FS: assembly scalar function",
    "FT: assembly table function",
    "IF: inline function",
    "IS: inline scalar function",
    "IT: internal table",
    "L : log",
    "P : stored procedure",
    "PC : assembly stored procedure",
    "PK: primary key cns",
    "R : rule",
    "RF: replication filter proc",
    "S : system table",
    "SN: synonym",
    "SQ: queue",
    "TA: assembly trigger",
    "TF: table function",
    "TR: trigger",
    "U : user table",
    "UQ: unique key cns",
    "V : view",
    "X : extended stored proc",
];

/// All rows, by type and number, as the table's clustered key has them.
pub fn rows() -> Vec<Vec<Value>> {
    let full = |kind: &str| format!("{kind:<3}");
    let mut rows: Vec<Vec<Value>> = Vec::new();
    let mut host: Vec<Vec<Value>> =
        HOST.iter().map(|h| row![h.1, h.0, full("E"), h.2, Value::Null, 0]).collect();
    let mut objects: Vec<Vec<Value>> = OBJECTS.iter().map(|o| row![*o, -1, "O9T", 0, 0, 0]).collect();
    objects.push(row!["sysobjects.type, reports", 0, "O9T", 0, 0, 0]);
    // Byte and bit of the place in a bit map, for columns_updated() and the like.
    let mut places: Vec<Vec<Value>> =
        (0..2048).map(|n: i32| row![Value::Null, n, full("P"), n / 8 + 1, 1 << (n % 8), 0]).collect();
    for (kind, names) in NAMES {
        // Before the types that follow these in order.
        if *kind > "E" {
            rows.append(&mut host);
        }
        if *kind > "P" {
            rows.append(&mut objects);
            rows.append(&mut places);
        }
        for (number, name) in *names {
            let two = BETWEEN_0_AND_1.contains(&(kind, *number)).then_some((0, 1));
            let status = i32::from(*kind == "SOP" && *number != 0);
            rows.push(row![*name, *number, full(kind), two.map(|t| t.0), two.map(|t| t.1), status]);
        }
    }
    rows
}
