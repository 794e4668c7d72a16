//! Tokens: what a server's answer consists of. Writing is one function or method per token; reading is [`TokenReader`].
//!
//! Module map: [`columns`] COLMETADATA, [`message`] INFO and ERROR, [`environment`] ENVCHANGE, [`done`] the DONE family,
//! [`login`] LOGINACK and FEATUREEXTACK, [`output`] RETURNSTATUS, RETURNVALUE, ORDER and the rest, [`read`] all of them back.

pub mod columns;
pub mod done;
pub mod environment;
pub mod login;
pub mod message;
pub mod output;
pub mod read;

pub use columns::{
    ColumnMeta, ColumnOrigin, column_flags, write_column_origins, write_columns, write_table_names,
};
pub use done::{DoneToken, done_status, write_done};
pub use environment::{Environment, write_environment};
pub use login::{LoginAck, write_feature_ack, write_login_ack};
pub use message::{ServerMessage, write_message};
pub use output::{ReturnValue, write_order, write_return_status, write_return_value, write_session_state};
pub use read::{Token, TokenReader};

/// Token bytes.
pub mod code {
    pub const TVP_ROW: u8 = 0x01;
    pub const ALT_METADATA: u8 = 0x88;
    pub const ALT_ROW: u8 = 0xD3;
    pub const COL_METADATA: u8 = 0x81;
    pub const COL_INFO: u8 = 0xA5;
    pub const TAB_NAME: u8 = 0xA4;
    pub const DATA_CLASSIFICATION: u8 = 0xA3;
    pub const DONE: u8 = 0xFD;
    pub const DONE_PROC: u8 = 0xFE;
    pub const DONE_IN_PROC: u8 = 0xFF;
    pub const ENV_CHANGE: u8 = 0xE3;
    pub const ERROR: u8 = 0xAA;
    pub const INFO: u8 = 0xAB;
    pub const FEATURE_EXT_ACK: u8 = 0xAE;
    pub const FED_AUTH_INFO: u8 = 0xEE;
    pub const LOGIN_ACK: u8 = 0xAD;
    pub const NBC_ROW: u8 = 0xD2;
    pub const OFFSET: u8 = 0x78;
    pub const ORDER: u8 = 0xA9;
    pub const RETURN_STATUS: u8 = 0x79;
    pub const RETURN_VALUE: u8 = 0xAC;
    pub const ROW: u8 = 0xD1;
    pub const SESSION_STATE: u8 = 0xE4;
    pub const SSPI: u8 = 0xED;
}
