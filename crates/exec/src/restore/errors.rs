//! Backup errors as the messages SQL Server answers with.

use holdfast_backup::BackupError;
use holdfast_types::SqlError;

/// The message for an error of the backup layer. What the message's text has no room for (offset, what was wrong) follows in
/// brackets, because a reader of a damaged file needs it.
pub fn message(error: &BackupError) -> SqlError {
    let number = error.message_number();
    let device = error.device().unwrap_or("").to_owned();
    let detail = error.to_string();
    let with_detail = |mut e: SqlError| {
        e.message = format!("{} [{detail}]", e.message);
        e
    };
    match error {
        BackupError::Read { reason, .. } => SqlError::new(3203, &[&device, reason]),
        BackupError::Write { reason, .. } => SqlError::new(3202, &[&device, reason]),
        BackupError::Truncated { .. } => {
            with_detail(SqlError::new(3203, &[&device, &"38(Reached the end of the file.)"]))
        }
        BackupError::MissingFamilies { families, provided, .. } => SqlError::new(3132, &[families, provided]),
        BackupError::SameFamily { other, family, .. } => SqlError::new(3227, &[&device, family, other]),
        BackupError::NoSuchSet { position, .. } => SqlError::new(4038, &[position, &device]),
        BackupError::Encrypted { thumbprint, .. } => {
            let hex: String =
                thumbprint.iter().flatten().map(|b| format!("{b:02X}")).collect::<Vec<_>>().concat();
            SqlError::new(33111, &[&"certificate", &format!("0x{hex}")])
        }
        BackupError::Page { database, file, page } => SqlError::new(3183, &[file, page, database]),
        BackupError::PasswordProtected { .. } => SqlError::new(3279, &[]),
        BackupError::Empty { .. } => SqlError::new(3254, &[&device]),
        _ => with_detail(SqlError::new(number, &[&device])),
    }
}
