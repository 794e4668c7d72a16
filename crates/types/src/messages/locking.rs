//! Messages of locks and of transactions that see row versions.

use super::Message;

#[rustfmt::skip]
pub const MESSAGES: &[Message] = &[
    (1205, 13, "Transaction (Process ID %d) was deadlocked on %.*ls resources with another process and has been chosen as the deadlock victim. Rerun the transaction."),
    (1222, 16, "Lock request time out period exceeded."),
    (1223, 16, "Cannot release the application lock (Database Principal: '%ls', Resource: '%ls') because it is not currently held."),
    (1224, 16, "An invalid application lock resource was passed to %ls."),
    (1225, 16, "An invalid application lock mode was passed to %ls."),
    (1226, 16, "An invalid application lock owner was passed to %ls."),
    (1227, 16, "An invalid application lock time-out was passed to %ls."),
    (1230, 16, "An invalid database principal was passed to %ls."),
    (3951, 16, "Transaction failed in database '%.*ls' because the statement was run under snapshot isolation but the transaction did not start in snapshot isolation. You cannot change the isolation level of the transaction to snapshot after the transaction has started unless the transaction was originally started under snapshot isolation level."),
    (3952, 16, "Snapshot isolation transaction failed accessing database '%.*ls' because snapshot isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot isolation."),
    (3961, 16, "Snapshot isolation transaction failed in database '%.*ls' because the object accessed by the statement has been modified by a DDL statement in another concurrent transaction since the start of this transaction.  It is disallowed because the metadata is not versioned. A concurrent update to metadata can lead to inconsistency if mixed with snapshot isolation."),
    (3960, 16, "Snapshot isolation transaction aborted due to update conflict. You cannot use snapshot isolation to access table '%.*ls' directly or indirectly in database '%.*ls' to update, delete, or insert the row that has been modified or deleted by another transaction. Retry the transaction or change the isolation level for the update/delete statement."),
];
