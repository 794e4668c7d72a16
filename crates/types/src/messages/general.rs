//! Messages of binding and execution.

use super::Message;

#[rustfmt::skip]
pub const MESSAGES: &[Message] = &[
    (102, 15, "Incorrect syntax near '%.*ls'."),
    (105, 15, "Unclosed quotation mark after the character string '%.*ls'."),
    (137, 15, "Must declare the scalar variable \"%.*ls\"."),
    (156, 15, "Incorrect syntax near the keyword '%.*ls'."),
    (207, 16, "Invalid column name '%.*ls'."),
    (208, 16, "Invalid object name '%.*ls'."),
    (209, 16, "Ambiguous column name '%.*ls'."),
    (220, 16, "Arithmetic overflow error for data type %ls, value = %ld."),
    (245, 16, "Conversion failed when converting the %ls value '%.*ls' to data type %ls."),
    (911, 16, "Database '%.*ls' does not exist. Make sure that the name is entered correctly."),
    (8134, 16, "Divide by zero error encountered."),
    (8115, 16, "Arithmetic overflow error converting %ls to data type %ls."),
];
