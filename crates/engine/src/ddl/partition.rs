//! Partition functions and schemes in the catalog.
//!
//! Invariants
//! 1. Boundaries stand in sysobjvalues from 1 on in ascending order; destinations of a scheme from 1 on, one per partition and
//!    one more for the filegroup to be used next.
//!
//! Evidence: docs/format/catalog.md, "Partitions" (assumed where it says so).

use holdfast_types::{SqlResult, SqlType, TypeId, Value};

use super::index::{ClusteredKey, NewIndex, Placement, TableColumn, base_specs, index_specs};
use super::layout::precision;
use super::layout::{Kind, lay_out};
use super::rows::{CatalogWriter, Cell};
use crate::database::partition::{
    DATA_SPACE, FUNCTION, INDEX_SPACE, PartitionFunction, PartitionScheme, SCHEME_FUNCTION, SCHEME_SPACE,
    SCHEME_TYPE,
};

/// First ids that servers give.
const FIRST_FUNCTION: i64 = 65_536;
const FIRST_SCHEME: i64 = 65_601;

impl CatalogWriter<'_> {
    fn next_class_id(&self, class: i32, first: i64) -> SqlResult<i32> {
        self.hold_ids("sysclsobjs")?;
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

    /// Enters the rowset of one more partition (number from 1) of a heap (index id 0), clustered index (1) or nonclustered one.
    pub fn add_partition(
        &self,
        object: i32,
        id: i32,
        columns: &[TableColumn],
        index: &NewIndex,
        clustered: Option<&ClusteredKey>,
        number: i32,
        place: &Placement,
    ) -> SqlResult<()> {
        let (kind, specs) = match id {
            0 => (Kind::Heap, base_specs(columns, None)),
            1 => (Kind::Clustered, base_specs(columns, clustered)),
            _ => (Kind::Nonclustered, index_specs(columns, index, clustered)),
        };
        let shape = lay_out(kind, &specs, self.catalog.version());
        let rowset =
            self.add_rowset(object, id, number, kind, index.unique, &shape, index.fill_factor, place)?;
        self.first_partition(object, id, number, rowset)
    }

    /// Gives a rowset to a partition (from 1) of a heap or index.
    pub fn place_rowset(&self, rowset: i64, object: i32, index: i32, number: i32) -> SqlResult<()> {
        self.update("sysrowsets", &[rowset], &|_, _| true, &|_, _| {
            vec![("idmajor", object.into()), ("idminor", index.into()), ("numpart", number.into())]
        })?;
        self.move_hobt(rowset, object)?;
        self.first_partition(object, index, number, rowset)
    }

    /// An index names its first rowset.
    fn first_partition(&self, object: i32, index: i32, number: i32, rowset: i64) -> SqlResult<()> {
        if number != 1 {
            return Ok(());
        }
        let key = [i64::from(object), i64::from(index)];
        self.update("sysidxstats", &key, &|_, _| true, &|_, _| vec![("rowset", Cell::Int(rowset))])
            .map(|_| ())
    }

    /// Gives the columns of a rowset the ids that they have in the table it goes to.
    pub fn rename_rowset_columns(&self, rowset: i64, ids: &[(i32, i32)]) -> SqlResult<()> {
        // By way of ids that no column has, so that none is in the way of another.
        const ASIDE: i64 = 0x3000_0000;
        for (old, new) in ids.iter().filter(|(old, new)| old != new) {
            self.renumber_rowset_column(rowset, i64::from(*old), ASIDE + i64::from(*new), false)?;
        }
        for (_, new) in ids.iter().filter(|(old, new)| old != new) {
            self.renumber_rowset_column(rowset, ASIDE + i64::from(*new), i64::from(*new), false)?;
        }
        Ok(())
    }

    /// Rowset and number (from 1) of each partition of a heap or index, in order.
    pub fn partitions_of(&self, object: i32, index: i32) -> Vec<(i64, i32)> {
        let all = self.catalog.storage().rowsets_of(object);
        let mut out: Vec<(i64, i32)> = all
            .filter(|r| r.index_id == index)
            .map(|r| (i64::try_from(r.id).unwrap_or(0), r.partition.max(1)))
            .collect();
        out.sort_by_key(|p| p.1);
        out
    }

    /// Ties an index (0: the heap) to the scheme it lies on.
    pub(super) fn place_on_scheme(&self, object: i32, index: i32, scheme: i32) -> SqlResult<()> {
        self.add_reference(INDEX_SPACE, (object, index), (scheme, 0))
    }
}
