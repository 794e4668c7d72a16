//! Partition functions and schemes in the catalog.
//!
//! Invariants
//! 1. Boundaries stand in sysobjvalues from 1 on in ascending order; destinations of a scheme from 1 on, one per partition and
//!    one more for the filegroup to be used next.
//!
//! Evidence: docs/format/catalog.md, "Partitions" (assumed where it says so).

use holdfast_types::{SqlResult, SqlType, TypeId, Value};

use super::rows::{CatalogWriter, Cell};
use super::table::precision;
use crate::database::partition::{
    DATA_SPACE, FUNCTION, INDEX_SPACE, PartitionFunction, PartitionScheme, SCHEME_FUNCTION, SCHEME_SPACE,
    SCHEME_TYPE,
};

/// First ids that servers give.
const FIRST_FUNCTION: i64 = 65_536;
const FIRST_SCHEME: i64 = 65_601;

impl CatalogWriter<'_> {
    fn next_class_id(&self, class: i32, first: i64) -> SqlResult<i32> {
        let base = self.base("sysclsobjs")?;
        let rows = self.rows("sysclsobjs", &[class.into()])?;
        let last = rows.iter().map(|r| base.int(r, "id")).max().unwrap_or(0);
        Ok(i32::try_from((last + 1).max(first)).unwrap_or(i32::MAX))
    }

    fn add_class_object(
        &self,
        class: i32,
        id: i32,
        name: &str,
        kind: &str,
        status: i64,
        intprop: i32,
    ) -> SqlResult<()> {
        self.insert(
            "sysclsobjs",
            &[
                ("class", class.into()),
                ("id", id.into()),
                ("name", name.into()),
                ("status", status.into()),
                ("type", kind.into()),
                ("intprop", intprop.into()),
                ("created", Cell::Moment(self.now)),
                ("modified", Cell::Moment(self.now)),
            ],
        )
    }

    /// Enters a partition function; its values ascend. Answers its id.
    pub fn add_partition_function(
        &self,
        name: &str,
        ty: &SqlType,
        user_type: i32,
        right: bool,
        values: &[Value],
    ) -> SqlResult<i32> {
        let id = self.next_class_id(FUNCTION, FIRST_FUNCTION)?;
        let fanout = i32::try_from(values.len() + 1).unwrap_or(i32::MAX);
        self.add_class_object(FUNCTION, id, name, "R ", i64::from(right), fanout)?;
        let (precision, scale) = precision(ty);
        self.insert(
            "systypedsubobjs",
            &[
                ("class", FUNCTION.into()),
                ("idmajor", id.into()),
                ("subid", 1.into()),
                ("name", "".into()),
                ("xtype", i32::from(ty.id.xtype()).into()),
                ("utype", user_type.into()),
                ("length", ty.length.into()),
                ("prec", i32::from(precision).into()),
                ("scale", i32::from(scale).into()),
                ("collationid", i64::from(ty.collation.0).into()),
                ("status", 0.into()),
                ("intprop", 0.into()),
            ],
        )?;
        self.add_boundaries(id, ty, values)?;
        Ok(id)
    }

    fn add_boundaries(&self, id: i32, ty: &SqlType, values: &[Value]) -> SqlResult<()> {
        // A variant has no type for these two of its own.
        let inside = match ty.id {
            TypeId::RowVersion => SqlType::binary(TypeId::Binary, 8),
            _ => *ty,
        };
        for (n, value) in values.iter().enumerate() {
            let cell = if value.is_null() { Cell::Null } else { Cell::Variant(inside, value.clone()) };
            self.insert(
                "sysobjvalues",
                &[
                    ("valclass", FUNCTION.into()),
                    ("objid", id.into()),
                    ("subobjid", (n as i32 + 1).into()),
                    ("valnum", 0.into()),
                    ("value", cell),
                ],
            )?;
        }
        Ok(())
    }

    /// Gives a function other boundaries.
    pub fn set_boundaries(&self, function: &PartitionFunction, values: &[Value]) -> SqlResult<()> {
        self.delete_all("sysobjvalues", &[FUNCTION.into(), function.id.into()])?;
        self.add_boundaries(function.id, &function.ty, values)?;
        let (fanout, now) = (i32::try_from(values.len() + 1).unwrap_or(i32::MAX), self.now);
        self.update("sysclsobjs", &[FUNCTION.into(), function.id.into()], &|_, _| true, &|_, _| {
            vec![("intprop", fanout.into()), ("modified", Cell::Moment(now))]
        })
        .map(|_| ())
    }

    pub fn remove_partition_function(&self, id: i32) -> SqlResult<()> {
        let key = [i64::from(FUNCTION), i64::from(id)];
        self.delete_all("sysclsobjs", &key)?;
        self.delete_all("systypedsubobjs", &key)?;
        self.delete_all("sysobjvalues", &key)?;
        self.delete_all("sysxprops", &[21, id.into()])?;
        Ok(())
    }

    /// Enters a partition scheme. Answers its id.
    pub fn add_partition_scheme(
        &self,
        name: &str,
        function: i32,
        groups: &[i16],
        next_used: Option<i16>,
    ) -> SqlResult<i32> {
        let id = self.next_class_id(DATA_SPACE, FIRST_SCHEME)?;
        self.add_class_object(DATA_SPACE, id, name, SCHEME_TYPE, 0, 0)?;
        self.add_reference(SCHEME_FUNCTION, (id, 0), (function, 0))?;
        self.add_destinations(id, groups, next_used)?;
        Ok(id)
    }

    fn add_destinations(&self, id: i32, groups: &[i16], next_used: Option<i16>) -> SqlResult<()> {
        for (n, group) in groups.iter().chain(next_used.iter()).enumerate() {
            self.add_reference(SCHEME_SPACE, (id, n as i32 + 1), (i32::from(*group), 0))?;
        }
        Ok(())
    }

    /// Gives a scheme other filegroups.
    pub fn set_destinations(
        &self,
        scheme: &PartitionScheme,
        groups: &[i16],
        next_used: Option<i16>,
    ) -> SqlResult<()> {
        self.delete_all("syssingleobjrefs", &[SCHEME_SPACE.into(), scheme.id.into()])?;
        self.add_destinations(scheme.id, groups, next_used)?;
        let now = self.now;
        self.update("sysclsobjs", &[DATA_SPACE.into(), scheme.id.into()], &|_, _| true, &|_, _| {
            vec![("modified", Cell::Moment(now))]
        })
        .map(|_| ())
    }

    pub fn remove_partition_scheme(&self, id: i32) -> SqlResult<()> {
        self.delete_all("sysclsobjs", &[DATA_SPACE.into(), id.into()])?;
        self.delete_all("syssingleobjrefs", &[SCHEME_FUNCTION.into(), id.into()])?;
        self.delete_all("syssingleobjrefs", &[SCHEME_SPACE.into(), id.into()])?;
        self.delete_all("sysxprops", &[20, id.into()])?;
        Ok(())
    }

    /// Ties an index (0: the heap) to the scheme it lies on.
    pub(super) fn place_on_scheme(&self, object: i32, index: i32, scheme: i32) -> SqlResult<()> {
        self.add_reference(INDEX_SPACE, (object, index), (scheme, 0))
    }
}
