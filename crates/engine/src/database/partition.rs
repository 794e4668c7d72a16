//! Partition functions and schemes as the catalog has them, and how a table's heap and indexes are spread by them.
//!
//! Invariants
//! 1. Boundary values ascend, are of the function's type, and none is there twice; NULL comes before all others.
//! 2. Partitions are numbered from 0 here and from 1 in the catalog and in statements.
//! 3. What is not understood (a data space that is no scheme, fewer rowsets than partitions) gives no [`Spread`]; the table is then
//!    read and not changed.
//!
//! Evidence: docs/format/catalog.md, "Partitions".

use std::cmp::Ordering;
use std::ops::RangeInclusive;
use std::sync::Arc;

use holdfast_format::FormatError;
use holdfast_types::{SqlType, Value};

use super::DatabaseCatalog;
use super::rows::sql_type;
use crate::access::{Bound, KeyRange};
use crate::decode::variant;
use crate::stored::key::compare;

/// Class of partition functions in sysclsobjs, of their parameter in systypedsubobjs, of their boundaries in sysobjvalues.
pub const FUNCTION: i32 = 30;
/// Class of data spaces in sysclsobjs: filegroups and schemes.
pub const DATA_SPACE: i32 = 31;
/// Classes of syssingleobjrefs: the data space of an index; of a scheme its function and (by destination) its filegroups.
pub const INDEX_SPACE: i32 = 7;
pub const SCHEME_FUNCTION: i32 = 30;
pub const SCHEME_SPACE: i32 = 31;
/// Type of a scheme among the data spaces.
pub const SCHEME_TYPE: &str = "PS";
/// Bit of a function's status: boundaries belong to the partition behind them.
pub const RIGHT: i64 = 1;

/// A partition function.
#[derive(Clone, Debug)]
pub struct PartitionFunction {
    pub id: i32,
    pub name: Arc<str>,
    pub ty: SqlType,
    pub right: bool,
    pub values: Vec<Value>,
}

impl PartitionFunction {
    pub fn partitions(&self) -> usize {
        self.values.len() + 1
    }

    /// The partition of a value of the function's type.
    pub fn partition_of(&self, value: &Value) -> usize {
        self.values.partition_point(|boundary| {
            let order = compare(&self.ty, boundary, value);
            order == Ordering::Less || (self.right && order == Ordering::Equal)
        })
    }

    /// The boundary that is equal to a value.
    pub fn boundary_at(&self, value: &Value) -> Result<usize, usize> {
        self.values.binary_search_by(|b| compare(&self.ty, b, value))
    }

    /// Partitions that can hold values of a column between two bounds; bounds count as included.
    fn between(&self, low: Option<&Value>, high: Option<&Value>) -> RangeInclusive<usize> {
        let first = low.map_or(0, |v| self.partition_of(v));
        first..=high.map_or(self.values.len(), |v| self.partition_of(v))
    }
}

/// A partition scheme: where the partitions of a function lie.
#[derive(Clone, Debug)]
pub struct PartitionScheme {
    pub id: i32,
    pub name: Arc<str>,
    pub function: i32,
    /// Filegroup of each partition.
    pub groups: Vec<i16>,
    /// For the next partition that a split makes.
    pub next_used: Option<i16>,
}

/// How a table or index is partitioned.
#[derive(Clone, Debug)]
pub struct Spread {
    pub function: Arc<PartitionFunction>,
    pub scheme: Arc<PartitionScheme>,
    pub column_id: i32,
}

/// A partitioned table's rows: by which column, and in which rowset of the heap or clustered index each partition is.
#[derive(Debug)]
pub struct Partitioned {
    pub function: Arc<PartitionFunction>,
    /// Position among the table's columns.
    pub ordinal: usize,
    pub rowsets: Vec<u64>,
}

impl Partitioned {
    /// The rowset of the heap or clustered index that a row with this value is in.
    pub fn rowset_of(&self, value: &Value) -> u64 {
        self.rowsets.get(self.function.partition_of(value)).copied().unwrap_or(0)
    }

    /// Partitions that can hold rows of an index range; `keys` are the ordinals of the index's key columns and whether they descend.
    pub fn within(&self, keys: &[(Option<usize>, bool)], range: &KeyRange) -> RangeInclusive<usize> {
        fn of(bound: &Bound) -> &[Value] {
            match bound {
                Bound::Unbounded => &[],
                Bound::Included(v) | Bound::Excluded(v) => v,
            }
        }
        let all = 0..=self.function.values.len();
        let Some(at) = keys.iter().position(|(ordinal, _)| *ordinal == Some(self.ordinal)) else {
            return all;
        };
        let (low, high) = (of(&range.low), of(&range.high));
        // The column is bounded only where everything before it in the key is one value.
        let before = |b: &[Value]| b.get(..at).map(<[Value]>::to_vec);
        if at > 0 && (before(low).is_none() || before(low) != before(high)) {
            return all;
        }
        let (low, high) = (low.get(at), high.get(at));
        if keys.get(at).is_some_and(|k| k.1) {
            self.function.between(high, low)
        } else {
            self.function.between(low, high)
        }
    }
}

impl DatabaseCatalog {
    /// All partition functions. One that is not whole is being made, changed or dropped by somebody who holds its name, and is left out: a
    /// table that is placed by it has no placing then, which whoever reads it is told.
    pub fn partition_functions(&self) -> Result<Vec<Arc<PartitionFunction>>, FormatError> {
        let mut out = Vec::new();
        let objects = self.base_table("sysclsobjs")?;
        if !objects.iter().any(|r| r.int("class") == i64::from(FUNCTION)) {
            return Ok(out);
        }
        let (parameters, values) = (self.base_table("systypedsubobjs")?, self.base_table("sysobjvalues")?);
        for r in objects.iter().filter(|r| r.int("class") == i64::from(FUNCTION)) {
            let id = r.i32("id");
            let of = |p: &holdfast_format::catalog::base_table::BaseRow<'_>| {
                p.int("class") == i64::from(FUNCTION) && p.i32("idmajor") == id
            };
            let Some(p) = parameters.iter().find(of) else { continue };
            let ty = sql_type(
                p.int("xtype") as u8,
                p.i32("utype"),
                p.i32("length"),
                p.int("prec") as u8,
                p.int("scale") as u8,
                p.int("collationid") as u32,
            );
            let mut boundaries = Vec::new();
            for v in
                values.iter().filter(|v| v.int("valclass") == i64::from(FUNCTION) && v.i32("objid") == id)
            {
                let value = variant::inner(v.bytes("value"))
                    .map_err(|_| FormatError::catalog("a boundary of a partition function cannot be read"))?;
                boundaries.push((v.i32("subobjid"), value));
            }
            boundaries.sort_by_key(|b| b.0);
            let values: Vec<Value> = boundaries.into_iter().map(|b| b.1).collect();
            if values.windows(2).any(|w| compare(&ty, &w[0], &w[1]) != Ordering::Less) {
                continue;
            }
            let right = r.int("status") & RIGHT != 0;
            out.push(Arc::new(PartitionFunction { id, name: r.text("name").into(), ty, right, values }));
        }
        Ok(out)
    }

    /// All partition schemes.
    pub fn partition_schemes(&self) -> Result<Vec<Arc<PartitionScheme>>, FormatError> {
        let mut out = Vec::new();
        let functions = self.partition_functions()?;
        if functions.is_empty() {
            return Ok(out);
        }
        let (objects, references) = (self.base_table("sysclsobjs")?, self.base_table("syssingleobjrefs")?);
        for r in objects.iter().filter(|r| r.int("class") == i64::from(DATA_SPACE)) {
            if r.text("type").trim() != SCHEME_TYPE {
                continue;
            }
            let id = r.i32("id");
            let of = |class: i32| {
                references.iter().filter(move |x| x.int("class") == i64::from(class) && x.i32("depid") == id)
            };
            let Some(function) = of(SCHEME_FUNCTION).map(|x| x.i32("indepid")).next() else { continue };
            let Some(partitions) = functions.iter().find(|f| f.id == function).map(|f| f.partitions()) else {
                continue;
            };
            let mut spaces: Vec<(i32, i16)> =
                of(SCHEME_SPACE).map(|x| (x.i32("depsubid"), x.i32("indepid") as i16)).collect();
            spaces.sort_unstable();
            let mut groups: Vec<i16> = spaces.into_iter().map(|s| s.1).collect();
            if groups.len() < partitions {
                return Err(FormatError::catalog("a partition scheme has fewer filegroups than partitions"));
            }
            let next_used = groups.get(partitions).copied();
            groups.truncate(partitions);
            out.push(Arc::new(PartitionScheme {
                id,
                name: r.text("name").into(),
                function,
                groups,
                next_used,
            }));
        }
        Ok(out)
    }

    /// How an index (0: the heap) is partitioned; `None` when it is not, or not in a way that is understood.
    pub fn spread_of(&self, object_id: i32, index_id: i32) -> Result<Option<Spread>, FormatError> {
        let Some(column_id) = self.partition_column(object_id, index_id)? else { return Ok(None) };
        let references = self.base_table("syssingleobjrefs")?;
        let space = references.iter().find(|x| {
            x.int("class") == i64::from(INDEX_SPACE)
                && x.i32("depid") == object_id
                && x.i32("depsubid") == index_id
        });
        let Some(space) = space.map(|x| x.i32("indepid")) else { return Ok(None) };
        let Some(scheme) = self.partition_schemes()?.into_iter().find(|s| s.id == space) else {
            return Ok(None);
        };
        let functions = self.partition_functions()?;
        let function = functions.into_iter().find(|f| f.id == scheme.function);
        Ok(function.map(|function| Spread { function, scheme, column_id }))
    }

    /// The partitioning column of an index, by sysiscols.
    fn partition_column(&self, object_id: i32, index_id: i32) -> Result<Option<i32>, FormatError> {
        let (table, map) = self.catalogs.group(&self.store, "sysiscols", "idmajor")?;
        let mut rows = map.get(&i64::from(object_id)).into_iter().flatten().filter_map(|&i| table.row(i));
        Ok(rows.find(|r| r.i32("idminor") == index_id && r.int("tinyprop2") > 0).map(|r| r.i32("intprop")))
    }

    /// Heaps and indexes that lie on a scheme: (object, index).
    pub fn on_scheme(&self, scheme: i32) -> Result<Vec<(i32, i32)>, FormatError> {
        let references = self.base_table("syssingleobjrefs")?;
        Ok(references
            .iter()
            .filter(|x| x.int("class") == i64::from(INDEX_SPACE) && x.i32("indepid") == scheme)
            .map(|x| (x.i32("depid"), x.i32("depsubid")))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(right: bool, values: &[i32]) -> Arc<PartitionFunction> {
        let values = values.iter().map(|n| Value::Int(*n)).collect();
        Arc::new(PartitionFunction { id: 1, name: "f".into(), ty: SqlType::INT, right, values })
    }

    #[test]
    fn a_boundary_belongs_to_its_side() {
        for (right, expected) in [(false, [0, 0, 0, 1, 1, 2]), (true, [0, 0, 1, 1, 2, 2])] {
            let f = function(right, &[10, 20]);
            let found =
                [Value::Null, Value::Int(9), Value::Int(10), Value::Int(19), Value::Int(20), Value::Int(21)]
                    .map(|v| f.partition_of(&v));
            assert_eq!(found, expected, "right {right}");
        }
    }

    #[test]
    fn ranges_name_their_partitions() {
        let p = Partitioned { function: function(true, &[10, 20]), ordinal: 3, rowsets: vec![1, 2, 3] };
        let int = |n: i32| Value::Int(n);
        let of = |low: Vec<Value>, high: Vec<Value>| KeyRange {
            low: Bound::Included(low),
            high: Bound::Excluded(high),
        };
        let lead = [(Some(3), false)];
        assert_eq!(p.within(&lead, &KeyRange::all()), 0..=2);
        assert_eq!(p.within(&lead, &KeyRange::point(vec![int(10)])), 1..=1);
        assert_eq!(p.within(&lead, &of(vec![int(5)], vec![int(19)])), 0..=1);
        assert_eq!(p.within(&[(Some(3), true)], &of(vec![int(25)], vec![int(11)])), 1..=2);
        let second = [(Some(0), false), (Some(3), false)];
        assert_eq!(p.within(&second, &of(vec![int(7), int(12)], vec![int(7), int(13)])), 1..=1);
        assert_eq!(p.within(&second, &of(vec![int(7), int(12)], vec![int(8), int(13)])), 0..=2);
        assert_eq!(p.within(&second, &KeyRange::point(vec![int(7)])), 0..=2);
        assert_eq!(p.within(&[(Some(0), false)], &KeyRange::point(vec![int(7)])), 0..=2);
    }
}
