//! CREATE TYPE … AS TABLE: the type, and a table object of kind TT that holds its columns, keys and checks.
//!
//! Evidence: documented: sys.table_types gives `type_table_object_id`; the object is named TT_, the type's name, eight
//! hexadecimal digits and stands in schema sys; the type has system type 243 and refers to it by class 36. The digits are assumed
//! to be the object's id.

use holdfast_engine::ddl::index::Placement;
use holdfast_tsql::ast::{ConstraintKind, Setting, TableDefinition};
use holdfast_types::SqlError;

use super::Definition;
use super::constraint::{Declared, Target};
use crate::procedure::run::Fail;

/// Schema of the objects behind table types.
const SYS: i32 = 4;

impl Definition<'_, '_> {
    pub fn create_table_type(
        &mut self,
        schema: i32,
        name: &str,
        definition: &TableDefinition,
        options: &[Setting],
    ) -> Result<(), Fail> {
        if let Some(o) = options.first() {
            return Err(SqlError::not_supported(format!("CREATE TYPE AS TABLE WITH {}", o.name)).into());
        }
        if definition.period.is_some() {
            return Err(SqlError::new(13572, &[]).into());
        }
        let declared = Declared::of(definition);
        if declared.0.iter().any(|s| matches!(s.kind, ConstraintKind::ForeignKey { .. })) {
            return Err(SqlError::new(102, &[&"FOREIGN"]).into());
        }
        if let Some(named) = declared.0.iter().find_map(|s| s.name) {
            return Err(SqlError::new(102, &[&named.text]).into());
        }
        let columns = self.columns(name, definition)?;
        let object = self.writer()?.next_object_id()?;
        let table = format!("TT_{}_{object:08X}", name.chars().take(110).collect::<String>());
        let mut target = Target {
            object,
            schema_id: SYS,
            name: table.clone(),
            known: Self::known_of(&columns),
            clustered: None,
            place: Placement::on(1),
            keys: Vec::new(),
        };
        let keys = self.plan_keys(&declared, &mut target)?;
        let clustered = match keys.iter().find(|k| k.index.clustered).map(|k| k.index.clone()) {
            Some(c) => Some(c),
            None => self.inline_clustered(definition, &target)?,
        };
        self.write_table(object, "TT", SYS, &table, &columns, clustered.as_ref(), &Placement::on(1))?;
        self.write_keys(&keys, &columns, &target)?;
        self.inline_indexes(definition, &columns, &mut target, &keys)?;
        self.other_constraints(&declared, &target, &columns, true)?;
        self.writer()?.add_table_type(schema, name, object)?;
        Ok(())
    }
}
