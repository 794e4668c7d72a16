//! RESTORE DATABASE over the corpus: every complete full backup (stripes put together) comes online, every table reads, and
//! row counts agree with the catalog; differentials follow their full; refusals have SQL Server's numbers.

#[path = "common/restore.rs"]
mod common;

use holdfast_engine::access::ReadContext;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use holdfast_disk::RealDisk;
use holdfast_engine::DatabaseCatalog;
use holdfast_engine::instance::{Instance, InstanceOptions, StoredOpener};
use holdfast_exec::restore::request::NamedDevice;
use holdfast_exec::restore::{RecoveryOption, RestoreRequest, RestoreVerb};
use holdfast_storage::PageCache;
use holdfast_types::SqlError;

use common::{instance, run};

fn request(name: &str, paths: &[PathBuf]) -> RestoreRequest {
    let name_of = |p: &PathBuf| std::fs::canonicalize(p).unwrap().display().to_string();
    let devices = paths.iter().map(|p| NamedDevice { name: name_of(p), logical: false }).collect();
    let secret = paths.iter().any(|p| name_of(p).contains("passwd"));
    RestoreRequest {
        media_password: secret.then(|| "dbatools".to_owned()),
        ..RestoreRequest::of(RestoreVerb::Database(name.to_owned()), devices)
    }
}

/// Sets of devices that make up complete full backups, by group name and members.
fn full_backups() -> Vec<(String, Vec<PathBuf>)> {
    let mut stripes: BTreeMap<String, Vec<(String, PathBuf)>> = BTreeMap::new();
    let mut out = Vec::new();
    for f in holdfast_testkit::corpus().into_iter().filter(|f| f.column("kind") == "full") {
        if f.column("family").ends_with("/1") {
            out.push((f.name().to_owned(), vec![f.path.clone()]));
        } else {
            let key = format!("{}|{}", f.column("group"), f.column("first_lsn"));
            stripes.entry(key).or_default().push((f.column("family").to_owned(), f.path.clone()));
        }
    }
    for (key, members) in stripes {
        let wanted: usize = members[0].0.split('/').nth(1).unwrap().parse().unwrap();
        if members.len() == wanted {
            out.push((key, members.into_iter().map(|m| m.1).collect()));
        }
    }
    out
}

/// Reads every user table and compares the number of rows with the catalog's.
fn read_everything(name: &str, instance: &Arc<Instance>, database: &str) -> (usize, u64) {
    let entry = instance.find(database).unwrap();
    let files: Vec<_> = entry.files.read().clone();
    let cache = PageCache::new(16 << 20);
    let data = files
        .iter()
        .filter(|f| !f.is_log)
        .map(|f| (f.file_id, holdfast_disk::Disk::open(&RealDisk, &f.path, false).unwrap()))
        .collect();
    let catalog = DatabaseCatalog::open(entry.id, Some(database), cache.attach(data).unwrap()).unwrap();
    let (mut tables, mut rows) = (0, 0);
    for table in catalog.user_tables().unwrap() {
        let ordinals: Vec<usize> =
            (0..table.columns.len()).filter(|&i| table.columns[i].computed.is_none()).collect();
        let mut scan = table
            .access
            .scan(&ReadContext::unlocked(), &ordinals)
            .unwrap_or_else(|e| panic!("{name}: {}: {e}", table.name));
        let mut count = 0;
        while let Some(batch) = scan.next_batch().unwrap_or_else(|e| panic!("{name}: {}: {e}", table.name)) {
            count += batch.len as u64;
        }
        assert_eq!(count, table.row_count, "{name}: rows of {}", table.name);
        tables += 1;
        rows += count;
    }
    (tables, rows)
}

#[test]
fn every_full_backup_comes_online_and_reads() {
    let backups = full_backups();
    assert!(backups.len() > 15 || holdfast_testkit::corpus_dir().is_none());
    for (name, paths) in backups {
        let dir = tempfile::tempdir().unwrap();
        let instance = instance(dir.path());
        let (result, sink) = run(&instance, &request("restored", &paths));
        result.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(sink.messages.last().map(|m| m.number), Some(3014), "{name}");
        let owner = instance.online("restored").unwrap().properties().owner_sid;
        assert_eq!(owner, common::RESTORER, "{name}");
        let (tables, _) = read_everything(&name, &instance, "restored");
        assert!(tables > 0 || name.contains("TestFull") || name.contains("multi"), "{name}");
        // A second start finds it again.
        drop(instance);
        let again = self::instance(dir.path());
        assert!(again.online("Restored").is_ok(), "{name}");
    }
}

#[test]
fn messages_come_in_order_and_add_up() {
    let Some((_, paths)) = full_backups().into_iter().find(|b| b.0.contains("pubs")) else { return };
    let dir = tempfile::tempdir().unwrap();
    let instance = instance(dir.path());
    let mut wanted = request("pubs", &paths);
    wanted.stats = Some(25);
    let (result, sink) = run(&instance, &wanted);
    result.unwrap();
    let numbers: Vec<i32> =
        sink.messages.iter().map(|m| m.number).filter(|n| *n != 0 && *n != 3211).collect();
    assert_eq!(numbers, [4035, 4035, 3014]);
    let count = |m: &SqlError| -> u64 { m.message.split_whitespace().find_map(|w| w.parse().ok()).unwrap() };
    let files: u64 = sink.messages.iter().filter(|m| m.number == 4035).map(count).sum();
    assert_eq!(count(sink.messages.last().unwrap()), files);
    assert_eq!(sink.messages.iter().rfind(|m| m.number == 3211).unwrap().message, "100 percent processed.");
}

#[test]
fn refusals_have_their_numbers() {
    let Some((_, paths)) = full_backups().into_iter().find(|b| b.0.starts_with("904_full")) else { return };
    let dir = tempfile::tempdir().unwrap();
    let instance = instance(dir.path());
    let number = |r: &RestoreRequest| run(&instance, r).0.err().map(|e| e[0].number);
    // MOVE of a file that is not in the backup, to a folder that is not there, and a set that is not there.
    let mut r = request("a", &paths);
    r.moves = vec![("no such file".into(), "x.mdf".into())];
    assert_eq!(number(&r), Some(3234));
    let mut r = request("a", &paths);
    r.file = Some(9);
    assert_eq!(number(&r), Some(4038));
    assert!(instance.find("a").is_none(), "nothing is left of a refused restore");
    // A differential without its full.
    let diff: Vec<PathBuf> = holdfast_testkit::corpus()
        .into_iter()
        .filter(|f| f.column("kind") == "diff" && f.column("family") == "1/1")
        .map(|f| f.path)
        .take(1)
        .collect();
    assert_eq!(number(&request("a", &diff)), Some(3118));
    // Another database under the same name, and the wrong base.
    let mut r = request("a", &paths);
    r.recovery = RecoveryOption::NoRecovery;
    assert_eq!(number(&r), None);
    assert_eq!(instance.online("a").err().map(|e| e.number), Some(927));
    assert_eq!(number(&request("a", &diff)).map(|n| n == 3154 || n == 3136), Some(true));
    // Newer than the configured version.
    let opener = StoredOpener::new(Arc::new(RealDisk), PageCache::new(32 << 20));
    let mut options = InstanceOptions::new(tempfile::tempdir().unwrap().keep());
    options.database_version = 852;
    options.product_version = (13, 0, 4001, 0);
    let old = Instance::open(options, Arc::new(opener), &mut |_| {}).unwrap();
    let refused = run(&old, &request("a", &paths)).0.unwrap_err();
    assert_eq!(refused[0].number, 3169);
    assert!(
        refused[0].message.contains("904") && refused[0].message.contains("852"),
        "{}",
        refused[0].message
    );
    let _ = std::fs::remove_dir_all(&old.options.data_directory);
}

#[test]
fn a_replaced_database_needs_its_own_backup_or_replace() {
    let backups = full_backups();
    let find = |part: &str| backups.iter().find(|b| b.0.contains(part)).map(|b| b.1.clone());
    let (Some(a), Some(b)) = (find("pubs_dwip"), find("904_full_ITI")) else { return };
    let dir = tempfile::tempdir().unwrap();
    let instance = instance(dir.path());
    run(&instance, &request("x", &a)).0.unwrap();
    // The same database again is allowed when it is in simple recovery; another is not.
    let again = run(&instance, &request("x", &a)).0;
    let simple = instance.online("x").unwrap().properties().recovery_model == 3;
    assert_eq!(again.err().map(|e| e[0].number), (!simple).then_some(3159));
    assert_eq!(run(&instance, &request("x", &b)).0.unwrap_err()[0].number, 3154);
    let mut r = request("x", &b);
    r.replace = true;
    run(&instance, &r).0.unwrap();
    // Its own files and its page journal are there, nothing of the one before.
    let files = std::fs::read_dir(instance.data_directory()).unwrap().count();
    assert_eq!(
        files,
        1 + instance.find("x").unwrap().files.read().iter().filter(|f| f.path.exists()).count()
    );
    read_everything("x", &instance, "x");
}
