//! ALTER DATABASE … MODIFY FILE: size, greatest size, growth, name and place of a file.
//!
//! Invariants
//! 1. A place (FILENAME) may be given while the database is offline or does not open, too; the rest needs it open.
//! 2. FILENAME counts from the next opening on, and a message says so.

use std::path::PathBuf;
use std::sync::Arc;

use holdfast_engine::database::DatabaseCatalog;
use holdfast_engine::ddl::CatalogWriter;
use holdfast_engine::instance::MSDB;
use holdfast_engine::instance::modify_file::{FileChange, change_row};
use holdfast_engine::write::WriteContext;
use holdfast_engine::write::writing::failure;
use holdfast_tsql::ast::FileDefinition;
use holdfast_types::{NameOrder, SqlError};

use super::alter_database::{Many, refused, said};
use super::database::{Reader, local_path};
use crate::procedure::administration::Call;

/// What page 0 and the catalogue have for the greatest size of a log file.
const LOG_UNLIMITED: i32 = 0x1000_0000;

fn one(e: SqlError) -> Vec<SqlError> {
    vec![e]
}

/// What the statement says.
#[derive(Default)]
struct Wanted {
    name: String,
    new_name: Option<String>,
    path: Option<PathBuf>,
    /// Pages.
    size: Option<u32>,
    max_size: Option<i32>,
    growth: Option<(u32, bool)>,
}

fn read(file: &FileDefinition, call: &mut Call<'_>) -> Many<Wanted> {
    let instance = Arc::clone(&call.session.host.instance);
    let mut reader = Reader { call };
    let mut out = Wanted::default();
    for s in &file.settings {
        let unit = s.unit.as_deref();
        match (s.name.as_str(), &s.value) {
            ("NAME", Some(v)) => out.name = reader.text(v).map_err(one)?,
            ("NEWNAME", Some(v)) => out.new_name = Some(reader.text(v).map_err(one)?),
            ("FILENAME", Some(v)) => out.path = Some(local_path(&instance, &reader.text(v).map_err(one)?)),
            ("SIZE", Some(v)) => {
                let pages = reader.pages(v, unit).map_err(one)?;
                out.size = Some(u32::try_from(pages).unwrap_or(u32::MAX).next_multiple_of(8));
            }
            ("MAXSIZE", Some(v)) => out.max_size = Some(reader.limit(v, unit).map_err(one)?),
            ("FILEGROWTH", Some(v)) if unit == Some("%") => {
                let n = reader.text(v).map_err(one)?;
                out.growth = Some((n.parse::<u32>().unwrap_or(0), true));
            }
            ("FILEGROWTH", Some(v)) => {
                let pages = reader.pages(v, unit).map_err(one)?;
                out.growth = Some((u32::try_from(pages).unwrap_or(u32::MAX), false));
            }
            (other, _) => return refused(&format!("MODIFY FILE with {other}")).map(|()| out),
        }
    }
    Ok(out)
}

/// Does it.
pub fn modify(name: &str, file: &FileDefinition, call: &mut Call<'_>) -> Many<()> {
    let mut wanted = read(file, call)?;
    let instance = Arc::clone(&call.session.host.instance);
    if let Some(path) = wanted.path.take() {
        let entry = instance.find(name).ok_or_else(|| one(SqlError::new(5011, &[&name])))?;
        if entry.id <= MSDB {
            return refused("MODIFY FILE with FILENAME in a system database");
        }
        instance.move_file(name, &wanted.name, path).map_err(one)?;
        let text = format!(
            "The file \"{}\" has been modified in the system catalog. The new path will be used the next time the database is started.",
            wanted.name
        );
        said(call, text)?;
        if wanted.size.is_none()
            && wanted.new_name.is_none()
            && wanted.max_size.is_none()
            && wanted.growth.is_none()
        {
            return Ok(());
        }
    }
    let online = instance.online(name).map_err(one)?;
    let catalog = online.stored().ok_or_else(|| one(SqlError::new(5058, &[&"FILE", &name])))?;
    let writing = catalog.writing().ok_or_else(|| one(SqlError::new(3906, &[&name])))?;
    let files = online.properties().files;
    let found = files.iter().find(|f| NameOrder::instance().same(&f.logical_name, &wanted.name));
    let found = found.ok_or_else(|| one(SqlError::new(5041, &[&wanted.name])))?;
    let id = u16::try_from(found.file_id).unwrap_or(0);
    let failed = |e| one(failure(&e));
    if let Some(pages) = wanted.size {
        if i64::from(pages) <= i64::from(found.size) {
            return Err(one(SqlError::new(5039, &[])));
        }
        if found.is_log {
            writing.logged.log().with_writer(|w| w.grow_to(id, pages)).map_err(failed)?;
        } else {
            let mut change = writing.logged.change().map_err(failed)?;
            change.grow_to(id, pages).map_err(failed)?;
        }
    }
    let mut max_size = wanted.max_size;
    if found.is_log && (max_size.is_some() || wanted.growth.is_some()) {
        max_size = max_size.map(|m| if m <= 0 { LOG_UNLIMITED } else { m });
        writing.logged.log().with_writer(|w| w.set_limits(id, max_size, wanted.growth)).map_err(failed)?;
    } else if max_size.is_some() || wanted.growth.is_some() {
        let mut change = writing.logged.change().map_err(failed)?;
        change.set_limits(id, max_size, wanted.growth).map_err(failed)?;
    }
    let now = online.properties();
    let size = now.files.iter().find(|f| f.file_id == found.file_id).map_or(found.size, |f| f.size);
    let change = FileChange { name: None, size: Some(size), max_size, growth: wanted.growth };
    list_file(found.file_id, &change, &catalog, call)?;
    drop(catalog);
    online.refresh().map_err(one)?;
    if let Some(new) = &wanted.new_name {
        let (transaction, now) = (call.session.new_transaction(), call.session.host.now());
        instance.rename_file(name, id, new, &transaction, now).map_err(one)?;
        said(call, format!("The file name '{new}' has been set."))?;
    }
    Ok(())
}

/// What the catalogue says of a file, in a transaction of its own.
pub(crate) fn list_file(
    file: i32,
    change: &FileChange,
    catalog: &Arc<DatabaseCatalog>,
    call: &Call<'_>,
) -> Many<()> {
    let transaction = call.session.new_transaction();
    let wait = call.session.lock_wait();
    let write = WriteContext { transaction: &transaction, wait: &wait };
    let writer = CatalogWriter::new(Arc::clone(catalog), write, call.session.host.now());
    match change_row(&writer, file, change) {
        Ok(()) => transaction.commit().map_err(one),
        Err(e) => {
            transaction.rollback().map_err(one)?;
            Err(one(e))
        }
    }
}
