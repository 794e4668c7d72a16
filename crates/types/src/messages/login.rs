//! Messages of connecting and of the protocol's own procedures.

use super::Message;

#[rustfmt::skip]
pub const MESSAGES: &[Message] = &[
    (4002, 16, "The incoming tabular data stream (TDS) protocol stream is incorrect. The stream ended unexpectedly."),
    (5701, 10, "Changed database context to '%.*ls'."),
    (5703, 10, "Changed language setting to %.*ls."),
    (8179, 16, "Could not find prepared statement with handle %d."),
    (8146, 16, "Procedure %.*ls has no parameters and arguments were supplied."),
    (16916, 16, "A cursor with the name '%.*ls' does not exist."),
    (16909, 16, "%ls: The cursor identifier value provided (%x) is not valid."),
    (16937, 16, "A server cursor cannot be opened on the given statement or statements. Use a default result set or client cursor."),
    (16954, 10, "Executing SQL directly; no cursor."),
    (17809, 20, "Could not connect because the maximum number of '%ld' user connections has already been reached."),
    (18452, 14, "Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication."),
    (18456, 14, "Login failed for user '%.*ls'."),
];
