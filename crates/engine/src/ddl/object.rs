//! Objects: ids, names, rows of sysschobjs.
//!
//! Evidence: ids rise by 16,000,057 modulo 2^31. From 706 on the next one stands in the catalogue ([`crate::write::object_id`]);
//! servers take twenty at a time, so that genuine values are ahead of the last object by up to twenty steps.

use holdfast_types::{SqlError, SqlResult, SqlType, Value};

use super::module::trigger_event;
use super::rows::{Base, CatalogWriter, Cell, Found};
use super::temporal::{HISTORY_REFERENCE, PERIOD_VALUE};
use crate::catalog::Catalog;
use crate::lock::LockMode;
use crate::write::definitions::Name;
use crate::write::object_id;
use crate::write::writing::failure;

/// Distance of object ids.
const STEP: i64 = 16_000_057;
/// First user object of a new database of version 706.
const FIRST: i64 = 245_575_913;

/// Bits of sysschobjs.status.
pub mod bits {
    pub const SYSTEM_NAMED: i64 = 4;
    pub const TABLE: i64 = 0xE_0000;
    pub const SCHEMA_BOUND: i64 = 0x2_0000;
    pub const ANSI_NULLS: i64 = 0x4_0000;
    pub const QUOTED_IDENTIFIER: i64 = 0x8_0000;
    pub const DATABASE_COLLATION: i64 = 0x10_0000;
    pub const NULL_ON_NULL: i64 = 0x20_0000;
    pub const RECOMPILE: i64 = 0x40_0000;
    pub const DISABLED: i64 = 0x100;
    pub const NOT_FOR_REPLICATION: i64 = 0x200;
    pub const NOT_TRUSTED: i64 = 0x400;
    pub const CHECK_OPTION: i64 = 0x400;
    /// Of a trigger.
    pub const INSTEAD_OF: i64 = 0x400;
    /// Of a table: values of MAX types, xml and CLR types lie on pages of their own, however short.
    pub const LARGE_OUT_OF_ROW: i64 = 0x200_0000;
    /// Of a table, see [`super::Escalation`].
    pub const ESCALATION: i64 = 0x3000_0000;
}

/// LOCK_ESCALATION of a table, numbered as in sys.tables: bits 28 and 29 of its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escalation {
    Table = 0,
    Disable = 1,
    Auto = 2,
}

impl Escalation {
    const ALL: [(Escalation, &'static str); 3] =
        [(Escalation::Table, "TABLE"), (Escalation::Disable, "DISABLE"), (Escalation::Auto, "AUTO")];

    /// By an object's status; `None` for a number without meaning.
    pub fn of(status: i64) -> Option<Self> {
        let number = (status & bits::ESCALATION) >> 28;
        Self::ALL.iter().map(|e| e.0).find(|e| *e as i64 == number)
    }

    /// As the statement writes it.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|e| e.1.eq_ignore_ascii_case(word)).map(|e| e.0)
    }

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|e| e.0 == self).map_or("", |e| e.1)
    }

    /// In an object's status.
    pub const fn bits(self) -> i64 {
        (self as i64) << 28
    }
}

/// Name class of a database's own triggers: they share no names with objects of schemas (docs/format/catalog.md: assumed).
const NAMES_OF_DATABASE_TRIGGERS: i32 = 10;
/// The same of triggers ON ALL SERVER, which lie in master (assumed: no genuine sample).
const NAMES_OF_SERVER_TRIGGERS: i32 = 20;
/// Class of the server as what a trigger stands below (sys.server_triggers.parent_class, documented).
pub const CLASS_OF_SERVER: i32 = 100;

/// What an object stands below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    Object,
    Database,
    Server,
}

/// An object to be entered.
#[derive(Clone, Copy, Debug)]
pub struct NewObject<'a> {
    pub name: &'a str,
    pub schema_id: i32,
    /// Two letters, blank-padded.
    pub kind: &'a str,
    pub parent_id: i32,
    pub status: i64,
    pub intprop: i32,
}

impl CatalogWriter<'_> {
    /// The next object id.
    pub fn next_object_id(&self) -> SqlResult<i32> {
        let after = |id: i64| (id + STEP) % (1 << 31);
        // Older versions keep it in the boot page: go on after the latest object.
        let objects = self.catalog.objects();
        let latest = objects.iter().filter(|o| o.id > 100 && !o.system).max_by_key(|o| (o.created, o.id));
        let first = latest.map_or(FIRST, |o| after(i64::from(o.id)));
        for _ in 0..100_000 {
            let kept = match &self.catalog.store.writing {
                Some(writing) => object_id::take(writing, after).map_err(|e| failure(&e))?,
                None => None,
            };
            let id = kept.unwrap_or_else(|| self.catalog.store.live.reserve_object(first, after));
            if id > 100 && self.rows("sysschobjs", &[id])?.is_empty() {
                return Ok(id as i32);
            }
        }
        Err(SqlError::not_supported("A database with so many objects"))
    }

    /// The row of an object by name, as it stands when no other transaction is defining what has the name, or had it.
    ///
    /// # Errors
    /// Those of the wait for such a transaction.
    pub fn find_named(&self, schema_id: i32, name: &str) -> SqlResult<Option<Found>> {
        let looked_up = Name::Object(schema_id, self.catalog.names().key(name));
        let base = self.base("sysschobjs")?;
        let owner = self.write.transaction.owner();
        loop {
            let found = self.row_named(schema_id, name)?;
            let had = found.as_ref().map(|row| self.object_locked(&base, row));
            let Some(writing) = self.catalog.writing() else { return Ok(found) };
            match writing.definitions.unsettled(&writing.locks, owner, &looked_up, had) {
                Some(other) => {
                    writing.locks.wait_until_free(owner, &other, LockMode::SchS, self.write.wait)?;
                }
                None => return Ok(found),
            }
        }
    }

    fn row_named(&self, schema_id: i32, name: &str) -> SqlResult<Option<Found>> {
        let names = self.catalog.names();
        let base = self.base("sysschobjs")?;
        // Index 2: class, schema, name.
        let key = vec![Value::TinyInt(0), Value::Int(schema_id), Value::string(name)];
        let usable = base.definition.indexes.iter().any(|i| i.index_id == 2 && !i.disabled);
        let found = if usable {
            self.seek(&base, 2, crate::access::KeyRange::point(key))?
        } else {
            self.rows("sysschobjs", &[])?
        };
        let found = found.into_iter().find(|r| {
            base.int(r, "nsid") == i64::from(schema_id)
                && base.int(r, "nsclass") == 0
                && names.same(&base.text(r, "name"), name)
        });
        Ok(found)
    }

    /// 2714 when the name is taken.
    pub fn check_free(&self, schema_id: i32, name: &str) -> SqlResult<()> {
        match self.find_named(schema_id, name)? {
            Some(_) => Err(SqlError::new(2714, &[&name])),
            None => Ok(()),
        }
    }

    /// Enters an object. The id comes from [`CatalogWriter::next_object_id`].
    ///
    /// # Errors
    /// 2714 when another transaction has taken the name meanwhile.
    pub fn add_object(&self, id: i32, new: &NewObject<'_>) -> SqlResult<()> {
        let below = if new.kind == "TR" && new.parent_id == 0 { Below::Database } else { Below::Object };
        self.add_object_below(id, new, below)
    }

    /// The same for what may stand below the server.
    pub fn add_object_below(&self, id: i32, new: &NewObject<'_>, below: Below) -> SqlResult<()> {
        let (class, names) = match below {
            Below::Object => (1, 0),
            Below::Database => (0, NAMES_OF_DATABASE_TRIGGERS),
            Below::Server => (CLASS_OF_SERVER, NAMES_OF_SERVER_TRIGGERS),
        };
        self.insert(
            "sysschobjs",
            &[
                ("id", id.into()),
                ("name", new.name.into()),
                ("nsid", new.schema_id.into()),
                ("nsclass", names.into()),
                ("status", new.status.into()),
                ("type", new.kind.into()),
                ("pid", new.parent_id.into()),
                ("pclass", class.into()),
                ("intprop", new.intprop.into()),
                ("created", Cell::Moment(self.now)),
                ("modified", Cell::Moment(self.now)),
                ("status2", 0.into()),
            ],
        )
        .map_err(|e| match e.number {
            // Somebody else has entered it since the name was looked for.
            2601 => SqlError::new(2714, &[&new.name]).state(6),
            _ => e,
        })
    }

    /// Notes that an object was changed just now.
    pub fn touch(&self, id: i32) -> SqlResult<()> {
        let now = self.now;
        self.update("sysschobjs", &[id.into()], &|_, _| true, &|_, _| vec![("modified", Cell::Moment(now))])
            .map(|_| ())
    }

    /// Sets and clears status bits of an object.
    pub fn set_status(&self, id: i32, set: i64, clear: i64) -> SqlResult<()> {
        let now = self.now;
        self.update("sysschobjs", &[id.into()], &|_, _| true, &|b, r| {
            vec![("status", Cell::Int(b.int(r, "status") & !clear | set)), ("modified", Cell::Moment(now))]
        })
        .map(|_| ())
    }

    /// Source text of a module, constraint or default: one byte a character where all are below U+0100.
    pub fn add_text(&self, class: i64, object: i32, sub_object: i32, text: &str) -> SqlResult<()> {
        let single = text.chars().all(|c| u32::from(c) < 256);
        let bytes: Vec<u8> = if single {
            text.chars().map(|c| u32::from(c) as u8).collect()
        } else {
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        };
        let form = Value::Int(if single { 2 } else { 1 });
        self.insert(
            "sysobjvalues",
            &[
                ("valclass", class.into()),
                ("objid", object.into()),
                ("subobjid", sub_object.into()),
                ("valnum", 0.into()),
                ("value", Cell::Variant(SqlType::INT, form)),
                ("imageval", Cell::Bytes(bytes)),
            ],
        )
    }

    /// Source text of a module WITH ENCRYPTION.
    pub fn add_encrypted_text(&self, object: i32, number: i32, text: &str) -> SqlResult<()> {
        let mut bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let family = self.catalog.storage().boot.family_guid;
        holdfast_format::module_text::TextPlace { family, object, number: number as i16 }.apply(&mut bytes);
        self.insert(
            "sysobjvalues",
            &[
                ("valclass", 1.into()),
                ("objid", object.into()),
                ("subobjid", number.into()),
                ("valnum", 0.into()),
                ("value", Cell::Variant(SqlType::INT, Value::Int(1))),
                ("imageval", Cell::Bytes(bytes)),
            ],
        )
    }

    /// A reference to one thing.
    pub fn add_reference(&self, class: i32, dependent: (i32, i32), independent: (i32, i32)) -> SqlResult<()> {
        self.insert(
            "syssingleobjrefs",
            &[
                ("class", class.into()),
                ("depid", dependent.0.into()),
                ("depsubid", dependent.1.into()),
                ("indepid", independent.0.into()),
                ("indepsubid", independent.1.into()),
                ("status", 0.into()),
            ],
        )
    }

    /// A schema-bound dependency.
    pub fn add_dependency(&self, class: i32, dependent: i32, independent: (i32, i32)) -> SqlResult<()> {
        self.add_multi_reference(class, dependent, independent, 0)
    }

    /// One of several references of a class.
    pub fn add_multi_reference(
        &self,
        class: i32,
        dependent: i32,
        independent: (i32, i32),
        status: i64,
    ) -> SqlResult<()> {
        let entered = self.insert(
            "sysmultiobjrefs",
            &[
                ("class", class.into()),
                ("depid", dependent.into()),
                ("depsubid", 0.into()),
                ("indepid", independent.0.into()),
                ("indepsubid", independent.1.into()),
                ("status", status.into()),
            ],
        );
        match entered {
            // Somebody who was dropping what it refers to had removed it, and has been rolled back meanwhile.
            Err(e) if e.number == 2601 => {
                let key = [class, dependent, 0, independent.0, independent.1].map(i64::from);
                let put = |_: &Base, _: &Found| vec![("status", Cell::Int(status))];
                self.update("sysmultiobjrefs", &key, &|_, _| true, &put).map(|_| ())
            }
            other => other,
        }
    }

    /// Removes everything that belongs to an object itself: its row, texts, columns or parameters, references, permissions,
    /// extended properties.
    pub fn remove_object(&self, id: i32) -> SqlResult<()> {
        let key = i64::from(id);
        self.delete_all("sysschobjs", &[key])?;
        self.delete_all("syscolpars", &[key])?;
        for class in [1, 2, 4, 63, 66, trigger_event::CLASS, PERIOD_VALUE] {
            self.delete_all("sysobjvalues", &[class, key])?;
        }
        for class in [8, 22, 27, 28, 29, 36, 93, 97, HISTORY_REFERENCE.into()] {
            self.delete_all("syssingleobjrefs", &[class, key])?;
        }
        for class in [0, 1, 5] {
            self.delete_all("sysmultiobjrefs", &[class, key])?;
        }
        self.delete_all("syssoftobjrefs", &[1, key])?;
        // What other texts took it for is not so any more; their names stay.
        self.delete_by("sysmultiobjrefs", "indepid", key, &|b, r| b.int(r, "class") == 0)?;
        self.delete_all("sysprivs", &[1, key])?;
        self.delete_all("sysxprops", &[1, key])?;
        Ok(())
    }
}
