//! The TDS protocol (versions 7.1 to 7.4 and 8.0) without I/O: bytes in, values out, and back. Both sides are here, so that
//! the server, the shell and the tests speak through one codec.
//!
//! Module map: [`packet`] framing of messages, [`prelogin`], [`login`] the LOGIN7 record, [`collation`] collations and code
//! pages on the wire, [`type_info`] how a type is described, [`value`] how values travel (single values, and whole column
//! batches as rows), [`token`] what a server answers, [`request`] what a client asks, [`client`] reading an answer.
//!
//! Invariants
//! 1. Nothing here panics on bytes from the wire; lengths are checked against the input before anything is allocated.
//! 2. No socket, no clock, no runtime.
//!
//! Evidence: MS-TDS; each message exchanged with FreeTDS, tedious, the Microsoft drivers and others (tests/clients).
#![forbid(unsafe_code)]

pub mod client;
pub mod collation;
pub mod error;
pub mod login;
pub mod packet;
pub mod prelogin;
pub mod request;
pub mod token;
pub mod type_info;
pub mod value;
pub mod wire;

pub use error::TdsError;

/// A protocol version as LOGIN7 carries it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TdsVersion {
    V7_0,
    V7_1,
    V7_2,
    V7_3,
    V7_4,
    V8_0,
}

impl TdsVersion {
    /// From LOGIN7's field. Unknown newer numbers are answered with 7.4, as servers do; `None` below 7.0.
    pub fn from_login(number: u32) -> Option<Self> {
        Some(match number {
            0x0800_0000 => TdsVersion::V8_0,
            n if n >> 24 >= 0x74 => TdsVersion::V7_4,
            n if n >> 24 == 0x73 => TdsVersion::V7_3,
            n if n >> 24 == 0x72 => TdsVersion::V7_2,
            n if n >> 24 == 0x71 => TdsVersion::V7_1,
            // The oldest clients of the 7.1 family wrote the number without its high digit's meaning.
            n if n >> 24 == 0x70 => TdsVersion::V7_0,
            _ => return None,
        })
    }

    /// The number LOGIN7 carries (little-endian there, big-endian in LOGINACK).
    pub const fn number(self) -> u32 {
        match self {
            TdsVersion::V7_0 => 0x7000_0000,
            TdsVersion::V7_1 => 0x7100_0001,
            TdsVersion::V7_2 => 0x7209_0002,
            TdsVersion::V7_3 => 0x730B_0003,
            TdsVersion::V7_4 => 0x7400_0004,
            TdsVersion::V8_0 => 0x0800_0000,
        }
    }

    /// 7.2 and later: MAX types, xml, 8-byte row counts, ALL_HEADERS, 4-byte user types.
    pub fn has_72(self) -> bool {
        self >= TdsVersion::V7_2
    }

    /// 7.3 and later: date, time, datetime2, datetimeoffset, table-valued parameters, NBCROW.
    pub fn has_73(self) -> bool {
        self >= TdsVersion::V7_3
    }

    /// 7.4 and later: feature extensions, session state.
    pub fn has_74(self) -> bool {
        self >= TdsVersion::V7_4
    }
}
