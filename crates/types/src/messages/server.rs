//! Messages about the server's own settings: options, user messages, devices, linked servers, files.

use super::Message;

#[rustfmt::skip]
pub const MESSAGES: &[Message] = &[
    (524, 16, "A trigger returned a resultset and the server option 'disallow results from triggers' is true."),
    (574, 16, "%ls statement cannot be used inside a user transaction."),
    (2732, 16, "Error number %ld is invalid. The number must be from %ld through %ld and it cannot be 50000."),
    (2778, 16, "Only System Administrator can specify WITH LOG option for %ls command."),
    (5807, 16, "Recovery intervals above %d minutes not recommended. Use the RECONFIGURE WITH OVERRIDE statement to force this configuration."),
    (5808, 16, "Ad hoc update to system catalogs is not supported."),
    (7202, 11, "Could not find server '%.*ls' in sys.servers. Verify that the correct server name was specified. If necessary, execute the stored procedure sp_addlinkedserver to add the server to sys.servers."),
    (15012, 16, "The device '%s' does not exist. Use sys.backup_devices to show available devices."),
    (15026, 16, "Logical device '%s' already exists."),
    (15028, 16, "The server '%s' already exists."),
    (15040, 16, "User-defined error messages must have an ID greater than 50000."),
    (15041, 16, "User-defined error messages must have a severity level between 1 and 25."),
    (15042, 16, "The @with_log parameter value must be 'true' or 'false'."),
    (15043, 16, "You must specify 'REPLACE' to overwrite an existing message."),
    (15044, 16, "The type, '%s', is an unknown backup device type. Use the type 'disk' or 'tape'."),
    (15061, 16, "The add device request was denied. A physical device named \"%s\" already exists. Only one backup device may refer to any physical device name."),
    (15071, 16, "Usage: sp_addmessage <msgnum>,<severity>,<msgtext> [,<language> [,FALSE | TRUE [,REPLACE]]]"),
    (15124, 16, "The configuration option '%s' is not unique."),
    (15129, 16, "'%d' is not a valid value for configuration option '%s'."),
    (15176, 16, "The only valid @parameter value is 'WITH_LOG'."),
    (15177, 16, "Usage:  sp_dropmessage <msg number> [,<language> | 'ALL']"),
    (15178, 16, "Cannot drop a message with an ID less than 50,000."),
    (15179, 16, "The message number %u or specified language version does not exist."),
    (15190, 16, "There are still remote logins or linked logins for the server '%s'."),
    (15279, 16, "You must add the us_english version of this message before you can add the '%s' version."),
    (15280, 16, "All localized versions of this message must be dropped before the us_english version can be dropped."),
    (15304, 16, "The severity level of the '%s' version of this message must be the same as the severity level (%ld) of the us_english version."),
    (15388, 11, "There is no user table matching the input name '%s' in the current database or you do not have permission to access the table."),
    (15457, 10, "Configuration option '%ls' changed from %ld to %ld. Run the RECONFIGURE statement to install."),
    (15471, 10, "The text for object '%ls' is encrypted."),
    (18054, 16, "Error %d, severity %d, state %d was raised, but no message with that error number was found in sys.messages. If error is larger than 50000, make sure the user-defined message is added using sp_addmessage."),
];
