//! Every genuine data file opens, every table reads, row counts agree, and seeks return what scans return.

mod common;

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use holdfast_engine::DatabaseCatalog;
use holdfast_engine::access::{Bound, KeyRange, ReadContext};
use holdfast_engine::catalog::{Catalog, IndexKind, ObjectDef, TableDef};
use holdfast_types::{SqlType, Value};

fn databases() -> Vec<(String, Arc<DatabaseCatalog>)> {
    static OPEN: OnceLock<Vec<(String, Arc<DatabaseCatalog>)>> = OnceLock::new();
    let open = OPEN.get_or_init(|| {
        common::all_databases()
            .into_iter()
            .map(|(name, pages)| {
                let catalog = DatabaseCatalog::open(5, None, Arc::new(pages));
                let catalog = catalog.unwrap_or_else(|e| panic!("{name}: {e}"));
                (name, catalog)
            })
            .collect()
    });
    open.clone()
}

fn stored_columns(table: &TableDef) -> Vec<usize> {
    (0..table.columns.len())
        .filter(|&i| table.columns[i].computed.is_none() || table.columns[i].persisted)
        .collect()
}

fn rows(table: &TableDef, columns: &[usize]) -> Vec<Vec<Value>> {
    let types: Vec<SqlType> = columns.iter().map(|&c| table.columns[c].ty).collect();
    let mut source =
        table.access.scan(&ReadContext::unlocked(), columns).unwrap_or_else(|e| panic!("{table:?}: {e}"));
    let mut out = Vec::new();
    while let Some(batch) = source.next_batch().unwrap_or_else(|e| panic!("{table:?}: {e}")) {
        out.extend((0..batch.len).map(|i| batch.row(i, &types)));
    }
    out
}

#[test]
fn every_table_of_every_database_reads_with_its_row_count() {
    let mut total = 0;
    for (name, catalog) in databases() {
        for object in catalog.objects() {
            if !matches!(&*object.kind, "U" | "S" | "IT") {
                continue;
            }
            let Some(table) = catalog.table(object.id).expect("definition") else { continue };
            let found = rows(&table, &stored_columns(&table));
            assert_eq!(found.len() as u64, table.row_count, "{name} {table:?}");
            let parallel: usize = table
                .access
                .parallel_scan(&ReadContext::unlocked(), &[], 4)
                .expect("parallel scan")
                .into_iter()
                .map(|mut s| {
                    let mut n = 0;
                    while let Some(b) = s.next_batch().expect("batch") {
                        n += b.len;
                    }
                    n
                })
                .sum();
            assert_eq!(parallel, found.len(), "{name} {table:?}");
            total += found.len();
        }
    }
    assert!(total == 0 || total > 20_000, "{total}");
}

#[test]
fn northwind_reads_as_installed() {
    let Some((_, catalog)) = databases().into_iter().find(|(n, _)| n.contains("NORTHWND")) else { return };
    let Some(ObjectDef::Table(products)) = catalog.object("", "products") else { panic!("Products") };
    assert_eq!(products.row_count, 77);
    let found = rows(&products, &[0, 1, 5]);
    assert_eq!(found[0], [Value::Int(1), Value::string("Chai"), Value::Money(180_000)]);
    let Some(ObjectDef::Table(details)) = catalog.object("dbo", "Order Details") else {
        panic!("Order Details")
    };
    assert_eq!(details.row_count, 2155);
    // The counts of Microsoft's public install script.
    for (name, rows) in [
        ("Customers", 91),
        ("Orders", 830),
        ("Employees", 9),
        ("Categories", 8),
        ("Suppliers", 29),
        ("Shippers", 3),
        ("Region", 4),
        ("Territories", 53),
        ("EmployeeTerritories", 49),
    ] {
        let Some(ObjectDef::Table(table)) = catalog.object("dbo", name) else { panic!("{name}") };
        assert_eq!(table.row_count, rows, "{name}");
    }
    let Some(ObjectDef::View(view)) = catalog.object("dbo", "Invoices") else { panic!("Invoices") };
    assert!(view.text.to_lowercase().contains("create view"), "{}", view.text);
    let Some(ObjectDef::Table(employees)) = catalog.object("dbo", "Employees") else { panic!("Employees") };
    assert!(employees.columns[0].identity.is_some());
    assert!(!rows(&employees, &(0..employees.columns.len()).collect::<Vec<_>>()).is_empty());
}

#[test]
fn seeks_return_what_scans_return() {
    let mut seeks = 0;
    let mut skipped = 0;
    // Base tables are much alike: those of one database of each version, and all user tables.
    let mut versions = HashSet::new();
    for (name, catalog) in databases() {
        let with_base_tables = versions.insert(catalog.version());
        for object in catalog.objects() {
            if &*object.kind != "U" && !(with_base_tables && &*object.kind == "S") {
                continue;
            }
            let Some(table) = catalog.table(object.id).expect("definition") else { continue };
            let columns = stored_columns(&table);
            let types: Vec<SqlType> = columns.iter().map(|&c| table.columns[c].ty).collect();
            let all = rows(&table, &columns);
            for index in &table.indexes {
                if index.kind == IndexKind::Heap {
                    continue;
                }
                if index.disabled {
                    skipped += 1;
                    continue;
                }
                // A filtered index does not hold every row; an index on a computed column has keys that a scan has not.
                if index.filter.is_some() || index.keys.iter().any(|k| !columns.contains(&k.ordinal)) {
                    continue;
                }
                let key_ordinals: Vec<usize> = index.keys.iter().map(|k| k.ordinal).collect();
                let run = |range: &KeyRange, backward: bool| -> Vec<Vec<Value>> {
                    // Walking a large table needs no look-ups: its keys are enough to compare.
                    let keys_only = matches!(range.low, Bound::Unbounded) && all.len() > 300;
                    let columns = if keys_only { &key_ordinals } else { &columns };
                    let types: Vec<SqlType> = columns.iter().map(|&c| table.columns[c].ty).collect();
                    let mut source = table
                        .access
                        .seek(&ReadContext::unlocked(), index.index_id, range.clone(), columns, backward)
                        .unwrap_or_else(|e| panic!("{name} {table:?} {index:?}: {e}"));
                    let mut out = Vec::new();
                    while let Some(batch) =
                        source.next_batch().unwrap_or_else(|e| panic!("{name} {table:?} {index:?}: {e}"))
                    {
                        out.extend((0..batch.len).map(|i| batch.row(i, &types)));
                    }
                    out
                };
                let forward = run(&KeyRange::all(), false);
                assert_eq!(forward.len(), all.len(), "{name} {table:?} {index:?}");
                let mut backward = run(&KeyRange::all(), true);
                backward.reverse();
                assert!(forward == backward, "{name} {table:?} {index:?}: backward differs");
                let place = |ordinal: usize| columns.iter().position(|&c| c == ordinal).expect("stored");
                let keys: Vec<usize> = index.keys.iter().map(|k| place(k.ordinal)).collect();
                let step = (all.len() / 3).max(1);
                for row in all.iter().step_by(step).take(3) {
                    for prefix in [1, keys.len()] {
                        let key: Vec<Value> = keys[..prefix].iter().map(|&k| row[k].clone()).collect();
                        let mut found = run(&KeyRange::point(key.clone()), false);
                        let mut wanted: Vec<&Vec<Value>> = all
                            .iter()
                            .filter(|r| {
                                keys[..prefix].iter().zip(&key).all(|(&k, v)| same(&r[k], v, &types[k]))
                            })
                            .collect();
                        let text = |r: &Vec<Value>| format!("{r:?}");
                        found.sort_by_key(text);
                        wanted.sort_by_key(|r| text(r));
                        assert!(
                            found.iter().eq(wanted.iter().copied()),
                            "{name} {table:?} {} {key:?}",
                            index.index_id
                        );
                        let count = |range: KeyRange, backward: bool| -> usize {
                            let source = table.access.seek(
                                &ReadContext::unlocked(),
                                index.index_id,
                                range,
                                &[],
                                backward,
                            );
                            let mut source = source.expect("seek");
                            let mut n = 0;
                            while let Some(batch) = source.next_batch().expect("batch") {
                                n += batch.len;
                            }
                            n
                        };
                        let below = count(
                            KeyRange { low: Bound::Unbounded, high: Bound::Excluded(key.clone()) },
                            false,
                        );
                        let above = count(
                            KeyRange { low: Bound::Excluded(key.clone()), high: Bound::Unbounded },
                            true,
                        );
                        assert_eq!(below + found.len() + above, all.len(), "{name} {table:?} {key:?}");
                        seeks += 1;
                    }
                }
            }
        }
    }
    eprintln!("{seeks} seeks, {skipped} indexes without a usable order");
}

/// Equality as the index has it.
fn same(a: &Value, b: &Value, ty: &SqlType) -> bool {
    holdfast_engine::stored::key::compare(ty, a, b) == std::cmp::Ordering::Equal
}

#[test]
fn schemas_are_scripted() {
    for (name, catalog) in databases() {
        let script = holdfast_engine::script::schema(&catalog).unwrap_or_else(|e| panic!("{name}: {e}"));
        let tables = catalog.user_tables().expect("tables").len();
        assert!(script.matches("CREATE TABLE ").count() >= tables, "{name}: {script}");
        if name.contains("NORTHWND") {
            assert!(
                script.contains("CONSTRAINT [FK_Orders_Customers] FOREIGN KEY ([CustomerID])"),
                "{script}"
            );
            assert!(script.contains("[ProductID] int IDENTITY(1,1) NOT NULL"), "{script}");
        }
        if name.contains("AdventureWorksLT") {
            assert!(script.contains("-- XML schema collection [SalesLT]."), "{script}");
        }
    }
}

#[test]
fn stored_statistics_add_up() {
    let (mut read, mut steps, mut exact) = (0, 0, 0);
    for (name, catalog) in databases() {
        for table in catalog.user_tables().expect("tables") {
            for index in &table.indexes {
                let Some(statistics) = &index.statistics else { continue };
                read += 1;
                steps += statistics.histogram.len();
                if statistics.histogram.is_empty() {
                    continue;
                }
                let sum: f64 = statistics.histogram.iter().map(|s| s.equal_rows + s.range_rows).sum();
                let ty = table.columns[index.keys[0].ordinal].ty;
                for pair in statistics.histogram.windows(2) {
                    if holdfast_engine::stored::key::is_comparable(&ty) {
                        let order =
                            holdfast_engine::stored::key::compare(&ty, &pair[0].high_key, &pair[1].high_key);
                        assert_eq!(order, std::cmp::Ordering::Less, "{name} {table:?} {index:?}");
                    }
                }
                assert!(
                    (sum - statistics.rows).abs() <= 0.01 * statistics.rows + 1.0,
                    "{name} {table:?} {index:?}"
                );
                exact += usize::from(sum == statistics.rows);
            }
        }
    }
    eprintln!("{read} statistics, {steps} steps, {exact} exact sums");
    assert!(read == 0 || read > 20, "{read}");
}

#[test]
fn statistics_blobs_are_built_again_with_the_same_bytes() {
    use holdfast_format::statistics::{CLASS, FORM, Statistics};
    let (mut whole, mut old) = (0, 0);
    for (name, catalog) in databases() {
        let values = catalog.base_table("sysobjvalues").expect("sysobjvalues");
        for row in values.iter().filter(|r| r.int("valclass") == CLASS) {
            let blob = row.bytes("imageval");
            if blob.is_empty() {
                continue;
            }
            let what = format!("{name} object {} statistics {}", row.i32("objid"), row.i32("subobjid"));
            let read = Statistics::parse(blob).unwrap_or_else(|| panic!("{what}"));
            let steps = read.steps.as_deref().unwrap_or_default();
            let sum: f32 = steps.iter().map(|s| s.equal_rows + s.range_rows).sum();
            if read.form != FORM {
                old += 1;
                continue;
            }
            whole += 1;
            assert!(read.build() == blob, "{what}: other bytes");
            assert_eq!(f64::from(sum + read.null_rows), read.rows as f64, "{what}");
        }
    }
    eprintln!("{whole} blobs, {old} of SQL Server 2000");
    assert!(whole == 0 || whole > 2000, "{whole}");
}
