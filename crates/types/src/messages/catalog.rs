//! Messages of catalog and help procedures.

use super::Message;

#[rustfmt::skip]
pub const MESSAGES: &[Message] = &[
    (2561, 16, "Parameter %d is incorrect for this statement."),
    (15004, 16, "Name cannot be NULL."),
    (15015, 16, "The server '%s' does not exist. Use sp_helpserver to show available servers."),
    (14138, 16, "%ls is an invalid option."),
    (15323, 16, "The selected index does not exist on table '%s'."),
    (17000, 16, "Usage: sp_autostats <table_name> [, {ON|OFF} [, <index_name>] ]"),
    (15009, 16, "The object '%s' does not exist in database '%s' or is invalid for this operation."),
    (15010, 16, "The database '%s' does not exist. Supply a valid database name. To see available databases, use sys.databases."),
    (15123, 16, "The configuration option '%s' does not exist, or it may be an advanced option."),
    (15197, 16, "There is no text for object '%s'."),
    (15198, 16, "The name supplied (%s) is not a user, role, or aliased login."),
    (15234, 16, "Objects of this type have no space allocated."),
    (15250, 16, "The database name component of the object qualifier must be the name of the current database."),
    (15251, 16, "Invalid '%s' specified. It must be %s."),
    (15252, 16, "The primary or foreign key table name must be given."),
    (15305, 16, "The @TriggerType parameter value must be 'insert', 'update', or 'delete'."),
    (15325, 16, "The current database does not contain a %s named '%ls'."),
    (15409, 11, "'%s' is not a role."),
    (15412, 16, "'%s' is not a known fixed role."),
    (15469, 10, "No constraints are defined on object '%ls', or you do not have permissions."),
    (15470, 10, "No foreign keys reference table '%ls', or you do not have permissions on referencing tables."),
    (15472, 10, "The object '%ls' does not have any indexes, or you do not have permissions."),
    (15574, 10, "This object does not have any statistics."),
    (15575, 10, "This object does not have any statistics or indexes."),
    (15645, 16, "Column '%s' does not exist."),
    (15646, 16, "Column '%s' is not a computed column."),
    (15622, 10, "No permission to access database '%s'."),
    (15647, 10, "No views with schema binding reference table '%s'."),
];
