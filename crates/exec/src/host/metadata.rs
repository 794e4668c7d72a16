//! What OBJECT_ID, COL_NAME, OBJECTPROPERTY, INDEXPROPERTY and their kin ask of a database, answered from its catalog model.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ObjectDef};
use holdfast_types::{SqlResult, Value};

use super::database::HostDatabase;
use crate::ddl::view_index::can_be_indexed;
use crate::system_view::model::{CatalogModel, ColumnRow, IndexRow, Object};
use crate::system_view::{self, ViewSource};

impl HostDatabase {
    /// An object by schema and name; an empty schema tries `default_schema`, then dbo, then sys.
    pub fn find_object(&self, schema: &str, name: &str, default_schema: &str) -> SqlResult<Option<Object>> {
        let model = self.model()?;
        let find = |schema: &str| -> Option<Object> {
            let id = model.schema_id(schema)?;
            model.object_named(id, name).cloned().or_else(|| self.system_view_object(&model, schema, name))
        };
        if !schema.is_empty() {
            return Ok(find(schema));
        }
        let old = || name.get(..3).filter(|p| model.names.same(p, "sys")).and_then(|_| find("sys"));
        Ok(find(default_schema).or_else(|| find("dbo")).or_else(old))
    }

    /// A system view that the database's own catalog does not list (before 2012).
    fn system_view_object(&self, model: &CatalogModel, schema: &str, name: &str) -> Option<Object> {
        let view = system_view::named(model.names, schema, name)?;
        Some(Object {
            id: system_view::object_id(model, view.name),
            name: view.name.split_once('.').map_or(view.name, |x| x.1).into(),
            schema_id: model.schema_id(schema)?,
            status: 1,
            kind: "V".into(),
            parent_id: 0,
            on_database: false,
            on_server: false,
            intprop: 0,
            created: Default::default(),
            modified: Default::default(),
            system: true,
            computed: false,
        })
    }

    pub fn find_object_id(&self, id: i32) -> SqlResult<Option<Object>> {
        let model = self.model()?;
        if let Some(o) = model.object(id) {
            return Ok(Some(o.clone()));
        }
        let view = system_view::all().find(|v| system_view::object_id(&model, v.name) == id);
        Ok(view.and_then(|v| {
            let (schema, name) = v.name.split_once('.')?;
            self.system_view_object(&model, schema, name)
        }))
    }

    /// A system procedure that a name without schema or under dbo means, too, or one of the old views. Procedures that cannot be
    /// called here are none, though the catalogue of a database may list them.
    pub fn find_shipped(&self, schema: &str, name: &str) -> SqlResult<Option<Object>> {
        let names = self.names();
        if !schema.is_empty() && !names.same(schema, "dbo") {
            return Ok(None);
        }
        let found = self.find_object("sys", name, "sys")?;
        Ok(found.filter(|o| match &*o.kind {
            "V" => system_view::is_compatibility_view(names, "sys", name),
            _ => o.is_procedure(),
        }))
    }

    /// Columns of an object; those of a system view as it declares them.
    pub fn object_columns(&self, id: i32) -> SqlResult<Vec<ColumnRow>> {
        let model = self.model()?;
        let stored = model.columns_of(id);
        if !stored.is_empty() || id > 0 {
            return Ok(stored.to_vec());
        }
        let view = system_view::all().find(|v| system_view::object_id(&model, v.name) == id);
        let collation = self.database().collation;
        Ok(view.map(|v| system_view::declared_columns(v, id, collation)).unwrap_or_default())
    }

    /// OBJECTPROPERTY and OBJECTPROPERTYEX; `None` for a property that is not known.
    pub fn object_property(&self, o: &Object, property: &str) -> SqlResult<Option<Value>> {
        let model = self.model()?;
        let kind = &*o.kind;
        let flag = |b: bool| Some(Value::Int(i32::from(b)));
        let indexes = || model.indexes_of(o.id).iter().filter(|i| i.is_index());
        let children =
            |kinds: &[&str]| model.user_objects().any(|c| c.parent_id == o.id && kinds.contains(&&*c.kind));
        let columns = || model.columns_of(o.id).iter();
        let table = kind == "U";
        // Numbers of events in sys.trigger_events.
        const INSERT: i32 = 1;
        const UPDATE: i32 = 2;
        const DELETE: i32 = 3;
        let fires = |trigger: i32, event: i32| {
            model.trigger_events.iter().any(|&(t, e, _)| t == trigger && e == event)
        };
        let triggers =
            || model.user_objects().filter(|c| c.parent_id == o.id && &*c.kind == "TR").map(|c| c.id);
        let has_trigger = |event: i32| triggers().any(|t| fires(t, event));
        let is_instead_of = |trigger: i32| {
            let text = model.hidden_text(trigger).unwrap_or_else(|| Arc::from("")).to_uppercase();
            let words: Vec<&str> = text.split_whitespace().collect();
            words.windows(2).any(|w| w == ["INSTEAD", "OF"])
        };
        Ok(match property.to_lowercase().as_str() {
            "istable" => flag(matches!(kind, "U" | "S" | "IT")),
            "isusertable" => flag(table),
            "issystemtable" => flag(kind == "S"),
            "isview" => flag(kind == "V"),
            "isprocedure" => flag(matches!(kind, "P" | "PC")),
            "isextendedproc" => flag(kind == "X"),
            "isscalarfunction" => flag(matches!(kind, "FN" | "FS")),
            "isinlinefunction" => flag(kind == "IF"),
            "istablefunction" => flag(matches!(kind, "IF" | "TF" | "FT")),
            "istrigger" => flag(matches!(kind, "TR" | "TA")),
            "isconstraint" => flag(matches!(kind, "PK" | "UQ" | "F" | "C" | "D")),
            "isprimarykey" => flag(kind == "PK"),
            "isuniquecnst" => flag(kind == "UQ"),
            "isforeignkey" => flag(kind == "F"),
            "ischeckcnst" => flag(kind == "C"),
            "isdefaultcnst" => flag(kind == "D" && o.parent_id != 0),
            "isdefault" => flag(kind == "D" && o.parent_id == 0),
            "isrule" => flag(kind == "R"),
            "isqueue" => flag(kind == "SQ"),
            "issequence" => flag(kind == "SO"),
            "ismsshipped" => flag(o.system || o.status_bit(1)),
            "isencrypted" => flag(model.is_encrypted(o.id)),
            "isschemabound" => flag(o.is_module() && o.status_bit(0x20000)),
            "isdeterministic" => match kind {
                "FN" | "IF" | "TF" | "V" => flag(super::determinism::is_deterministic(&model, o)),
                _ => None,
            },
            "issystemverified" | "isexecuted" | "isreplproc" => flag(false),
            "isindexable" => match self.object(&model.schema_name(o.schema_id), &o.name) {
                Some(ObjectDef::View(v)) if o.status_bit(0x20000) => flag(can_be_indexed(&v, self)),
                _ => flag(table),
            },
            "isindexed" => flag(indexes().any(|i| i.index_id > 0)),
            "execisansinullson" | "isansinullson" => flag(!o.is_module() || o.status_bit(0x40000)),
            "execisquotedidenton" | "isquotedidenton" => flag(!o.is_module() || o.status_bit(0x80000)),
            "execisstartup" => flag(o.status & crate::procedure::startup::STARTUP as i32 != 0),
            "execiswithnativecompilation" => flag(false),
            "execisinserttrigger" => flag(fires(o.id, INSERT)),
            "execisupdatetrigger" => flag(fires(o.id, UPDATE)),
            "execisdeletetrigger" => flag(fires(o.id, DELETE)),
            "execistriggerdisabled" => flag(o.status_bit(0x100)),
            "execisinsteadoftrigger" => flag(is_instead_of(o.id)),
            "execisaftertrigger" => flag(!is_instead_of(o.id)),
            "ownerid" => Some(Value::Int(1)),
            "schemaid" => Some(Value::Int(o.schema_id)),
            "basetype" => Some(Value::string(kind)),
            "tablehasprimarykey" => flag(table && children(&["PK"])),
            "tablehasuniquecnst" => flag(table && children(&["UQ"])),
            "tablehasforeignkey" => flag(table && children(&["F"])),
            "tablehascheckcnst" => flag(table && children(&["C"])),
            "tablehasdefaultcnst" => flag(table && children(&["D"])),
            "tablehasforeignref" => flag(model.of_kind(&["F"]).any(|f| model.foreign_key(f.id).0 == o.id)),
            "tablehasindex" => flag(indexes().any(|i| i.index_id > 0)),
            "tablehasclustindex" => flag(indexes().any(|i| i.index_id == 1)),
            "tablehasnonclustindex" => flag(indexes().any(|i| i.index_id > 1)),
            "tablehasidentity" => flag(columns().any(ColumnRow::is_identity)),
            "tablehastextimage" => flag(columns().any(|c| matches!(c.xtype, 34 | 35 | 99))),
            "tablehastimestamp" => flag(columns().any(|c| c.xtype == 189)),
            "tablehasrowguidcol" => flag(columns().any(|c| c.status & 8 != 0)),
            "tablehascolumnset" => flag(columns().any(|c| c.status & 0x0200_0000 != 0)),
            "tablehasvardecimalstorageformat"
            | "tableisfake"
            | "tableislockedonbulkload"
            | "tableismemoryoptimized"
            | "tablehasactivefulltextindex"
            | "tablefulltextcatalogid"
            | "tableispinned" => flag(false),
            "tabletemporaltype" => Some(Value::Int(model.temporal_type(o.id).0)),
            "hasinserttrigger" | "tablehasinserttrigger" => flag(has_trigger(INSERT)),
            "hasupdatetrigger" | "tablehasupdatetrigger" => flag(has_trigger(UPDATE)),
            "hasdeletetrigger" | "tablehasdeletetrigger" => flag(has_trigger(DELETE)),
            "hasaftertrigger" | "tablehasaftertrigger" => flag(triggers().any(|t| !is_instead_of(t))),
            "hasinsteadoftrigger" | "tablehasinsteadoftrigger" => flag(triggers().any(is_instead_of)),
            "tabletextinrowlimit" => flag(false),
            "cardinality" => {
                let rowsets = self.base_rows("sysrowsets")?;
                let rows = rowsets
                    .iter()
                    .find(|r| r.int("idmajor") == o.id && r.int("idminor") <= 1)
                    .map_or(0, |r| r.integer("rcrows"));
                Some(Value::BigInt(rows))
            }
            "cnstisdisabled" => flag(o.status_bit(0x100)),
            "cnstisnotrepl" => flag(o.status_bit(0x200)),
            "cnstisnottrusted" => flag(o.status_bit(0x400)),
            "cnstiscolumn" => flag(o.intprop != 0),
            "cnstisclustkey" | "cnstisnonclustkey" => {
                let clustered = model.key_index(o) == 1;
                flag(clustered == property.eq_ignore_ascii_case("CnstIsClustKey"))
            }
            "cnstisdeletecascade" => flag((o.status >> 14) & 3 == 1),
            "cnstisupdatecascade" => flag((o.status >> 12) & 3 == 1),
            _ => None,
        })
    }

    /// INDEXPROPERTY.
    pub fn index_property(&self, object: i32, index: &str, property: &str) -> SqlResult<Option<Value>> {
        let model = self.model()?;
        let found: Option<&IndexRow> = model
            .indexes_of(object)
            .iter()
            .find(|i| i.name.as_deref().is_some_and(|n| model.names.same(n, index)));
        let Some(i) = found else { return Ok(None) };
        let flag = |b: bool| Some(Value::Int(i32::from(b)));
        Ok(match property.to_lowercase().as_str() {
            "indexid" => Some(Value::Int(i.index_id)),
            "isclustered" => flag(i.index_id == 1),
            "isunique" => flag(i.has(8)),
            "isdisabled" => flag(i.has(0x80)),
            "ishypothetical" => flag(i.has(0x100)),
            "ispadindex" => flag(i.has(0x10)),
            "isrowlockdisallowed" => flag(i.has(0x200)),
            "ispagelockdisallowed" => flag(i.has(0x400)),
            "isstatistics" => flag(!i.has(1)),
            "isautostatistics" => flag(i.has(0x2000)),
            "iscolumnstore" => flag(matches!(i.kind, 5 | 6)),
            "isfulltextkey" => flag(false),
            "indexfillfactor" => Some(Value::Int(i32::from(i.fill_factor))),
            "indexdepth" => None,
            _ => None,
        })
    }

    /// IDENT_CURRENT, IDENT_SEED, IDENT_INCR of a table.
    pub fn identity_of(&self, object: i32) -> SqlResult<Option<(Option<i128>, i128, i128)>> {
        let model = self.model()?;
        Ok(model.columns_of(object).iter().find(|c| c.is_identity()).and_then(ColumnRow::identity_values))
    }

    /// Name of a key column: INDEX_COL(table, index, key).
    pub fn index_column_name(&self, object: i32, index: i32, key: i32) -> SqlResult<Option<Arc<str>>> {
        let model = self.model()?;
        let found = model.index_columns_of(object, index).iter().find(|c| i32::from(c.key_ordinal) == key);
        Ok(found.and_then(|c| model.column(object, c.column_id)).map(|c| Arc::clone(&c.name)))
    }

    pub fn principal_id(&self, name: &str) -> SqlResult<Option<i32>> {
        let owners = self.base_rows("sysowners")?;
        Ok(owners.iter().find(|r| self.names().same(&r.text("name"), name)).map(|r| r.int("id")))
    }

    pub fn principal_name(&self, id: i32) -> SqlResult<Option<Arc<str>>> {
        let owners = self.base_rows("sysowners")?;
        Ok(owners.iter().find(|r| r.int("id") == id).map(|r| r.text("name")))
    }
}
