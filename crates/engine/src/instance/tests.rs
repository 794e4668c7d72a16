//! The list of databases survives restarts and never shows a half-restored database as ONLINE.

use std::sync::Arc;

use super::*;

/// Opens everything as an empty database, except names that begin with `bad`.
struct Opener;

impl DatabaseOpener for Opener {
    fn open(&self, id: i32, name: &str, _files: &[FileRecord]) -> Result<Arc<dyn OnlineDatabase>, String> {
        if name.starts_with("bad") {
            return Err("its first page is damaged".into());
        }
        Ok(Arc::new(SystemDatabase::new(id, name, CollationId::SERVER_DEFAULT)))
    }

    fn locks(&self) -> Arc<LockManager> {
        Arc::default()
    }
}

fn open(dir: &Path) -> (Arc<Instance>, Vec<String>) {
    let mut said = Vec::new();
    let options = InstanceOptions::new(dir);
    let instance = Instance::open(options, Arc::new(Opener), &mut |s| said.push(s.to_owned())).unwrap();
    (instance, said)
}

fn file(name: &str) -> Vec<FileRecord> {
    vec![FileRecord { file_id: 1, is_log: false, logical_name: name.into(), path: name.into() }]
}

#[test]
fn a_restore_is_listed_before_and_after() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (instance, _) = open(dir.path());
        assert_eq!(instance.databases().len(), 4);
        assert_eq!(instance.begin_restore("Shop", file("a.mdf"), None).unwrap().id, 5);
        assert_eq!(instance.online("SHOP").err().map(|e| e.number), Some(927));
    }
    {
        // Stopped in the middle: still RESTORING.
        let (instance, _) = open(dir.path());
        assert_eq!(instance.online("shop").err().map(|e| e.number), Some(927));
        instance.finish_restore("shop").unwrap();
        assert!(instance.online("Shop").is_ok());
        assert_eq!(instance.user_of_file(Path::new("a.mdf")).as_deref(), Some("Shop"));
    }
    let (instance, _) = open(dir.path());
    assert!(instance.online("sHop").is_ok());
    instance.remove("shop").unwrap();
    let (instance, _) = open(dir.path());
    assert_eq!(instance.online("shop").err().map(|e| e.number), Some(911));
}

#[test]
fn a_database_that_does_not_open_stays_listed_and_the_others_start() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (instance, _) = open(dir.path());
        for name in ["bad one", "good"] {
            instance.begin_restore(name, file(name), None).unwrap();
            let _ = instance.finish_restore(name);
        }
        let mut state = StateFile::open(dir.path()).unwrap();
        let mut record = state.records()[0].clone();
        record.restoring = false;
        state.put(record).unwrap();
    }
    let (instance, said) = open(dir.path());
    assert_eq!(said.len(), 1);
    assert_eq!(instance.online("bad one").err().map(|e| e.number), Some(945));
    assert!(instance.online("good").is_ok());
}

#[test]
fn a_damaged_state_file_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("instance.json"), b"{").unwrap();
    let options = InstanceOptions::new(dir.path());
    let error = Instance::open(options, Arc::new(Opener), &mut |_| {}).err().unwrap();
    assert!(error.to_string().contains("instance.json"), "{error}");
}

#[test]
fn a_database_is_had_as_a_whole_by_one_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let (instance, _) = open(dir.path());
    let one = instance.occupy("Shop").expect("nobody has it");
    // As databases are found: blanks at the end and the width of letters make no other name.
    assert!(["SHOP", "shop", "Shop ", "\u{FF33}hop"].iter().all(|n| instance.occupy(n).is_none()));
    assert!(instance.is_occupied("shop") && instance.occupy("other").is_some());
    drop(one);
    assert!(!instance.is_occupied("shop") && instance.occupy("shop").is_some());
}
