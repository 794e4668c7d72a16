//! Objects that the server ships and that every database from 2012 on lists in its own catalogue: system views, procedures and
//! functions with their ids. For catalogues that do not list them: those of older databases and of system databases without files.
//!
//! Evidence: the rows of sysschobjs of a genuine new database (2019), as the generator carries them.

use std::sync::OnceLock;

use holdfast_generator::template::{Template, Version};
use holdfast_generator::value::days_since_1900;
use holdfast_types::DateTime;

/// A row of sysschobjs of the schemas sys and INFORMATION_SCHEMA.
pub struct Shipped {
    pub id: i32,
    pub name: String,
    pub schema_id: i32,
    /// Two letters, trimmed.
    pub kind: String,
    pub created: DateTime,
    pub modified: DateTime,
}

/// All of them but base tables and internal ones, which belong to a database.
pub fn objects() -> &'static [Shipped] {
    static OBJECTS: OnceLock<Vec<Shipped>> = OnceLock::new();
    OBJECTS.get_or_init(|| read().unwrap_or_default())
}

fn read() -> Option<Vec<Shipped>> {
    let template = Template::load(Version::V904).ok()?;
    let table = template.table("sysschobjs").ok()?;
    let at = |column: &str| table.position(column);
    let (id, name, schema) = (at("id")?, at("name")?, at("nsid")?);
    let (kind, created, modified) = (at("type")?, at("created")?, at("modified")?);
    let one = |row: &Vec<Option<String>>| {
        let text = |at: usize| row.get(at).and_then(|c| c.as_deref()).unwrap_or("");
        Some(Shipped {
            id: text(id).parse().ok().filter(|id| *id < 0)?,
            name: text(name).to_owned(),
            schema_id: text(schema).parse().ok().filter(|s| matches!(s, 3 | 4))?,
            kind: Some(text(kind).trim_end()).filter(|k| !matches!(*k, "S" | "IT"))?.to_owned(),
            created: moment(text(created)).unwrap_or_default(),
            modified: moment(text(modified)).unwrap_or_default(),
        })
    };
    Some(table.rows.iter().filter_map(one).collect())
}

/// `YYYY-MM-DD HH:MM:SS.mmm`
fn moment(text: &str) -> Option<DateTime> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let days = days_since_1900(number(0, 4)? as u16, number(5, 7)? as u8, number(8, 10)? as u8)?;
    let ms = ((number(11, 13)? * 60 + number(14, 16)?) * 60 + number(17, 19)?) * 1000 + number(20, 23)?;
    Some(DateTime { days, ticks: (ms * 3 + 5) / 10 })
}

#[cfg(test)]
mod tests {
    #[test]
    fn they_are_those_of_a_new_database() {
        let find = |name: &str| super::objects().iter().find(|o| o.name == name);
        let help = find("sp_help").expect("sp_help");
        assert_eq!((help.id, &*help.kind, help.schema_id), (-784_136_858, "P", 4));
        assert_eq!(find("objects").map(|o| &*o.kind), Some("V"));
        assert!(find("sysschobjs").is_none());
    }
}
