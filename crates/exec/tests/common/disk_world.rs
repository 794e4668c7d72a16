//! A server whose database lies on a simulated disk, and what power loss leaves of it.
#![allow(dead_code)]

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use holdfast_base::world::SystemClock;
use holdfast_disk::{Disk, Fault, Operation, SimulatedDisk};
use holdfast_engine::instance::{Instance, InstanceOptions, StoredOpener};
use holdfast_exec::collect::Collected;
use holdfast_exec::host::Host;
use holdfast_exec::procedure::{InstanceAdministration, InstanceSession, InstanceSessions};
use holdfast_exec::session::{LoginInfo, SqlSession};
use holdfast_storage::PageCache;

/// A server on a simulated disk.
pub struct World {
    pub disk: SimulatedDisk,
    pub session: InstanceSession,
    pub dir: tempfile::TempDir,
}

impl World {
    pub fn open(disk: SimulatedDisk, dir: tempfile::TempDir) -> (World, Vec<String>) {
        // The smallest cache: pages are read again and again.
        let opener = StoredOpener::new(Arc::new(disk.clone()), PageCache::new(1)).untended();
        let mut said = Vec::new();
        let options = InstanceOptions::new(dir.path());
        let instance = Instance::open(options, Arc::new(opener), &mut |m| said.push(m.to_owned())).unwrap();
        let host = Host::open(instance, Arc::new(SystemClock::new(0))).unwrap();
        let sessions = InstanceSessions::new(host, Arc::new(InstanceAdministration));
        let session =
            sessions.open_session(LoginInfo { login: "sa".into(), ..LoginInfo::default() }).unwrap();
        (World { disk, session, dir }, said)
    }

    /// With a database D, whose files are as given.
    pub fn new(files: &str) -> World {
        let dir = tempfile::tempdir().unwrap();
        let mut world = World::open(SimulatedDisk::new(), dir).0;
        world.fine(&format!("create database D {files}"));
        world.fine("use D");
        world
    }

    /// With a database D of a data file and its log.
    pub fn of_files(data: &[u8], log: &[u8]) -> World {
        let dir = tempfile::tempdir().unwrap();
        let disk = SimulatedDisk::new();
        for (name, bytes) in [("/old.mdf", data), ("/old.ldf", log)] {
            let file = disk.create(Path::new(name)).unwrap();
            file.write_at(0, bytes).unwrap();
            file.sync().unwrap();
        }
        disk.sync_directory(Path::new("/")).unwrap();
        let mut world = World::open(disk, dir).0;
        world.fine("create database D on (filename = '/old.mdf'), (filename = '/old.ldf') for attach");
        world.fine("use D");
        world
    }

    /// What power loss leaves, opened.
    pub fn crashed(self, seed: u64) -> World {
        let World { disk, session, dir } = self;
        drop(session);
        let (mut world, said) = World::open(disk.crash(seed), dir);
        assert!(said.is_empty(), "{said:?}");
        world.fine("use D");
        world
    }

    pub fn run(&mut self, batch: &str) -> (Vec<String>, Vec<(i32, u8, String)>) {
        let mut sink = Collected::new();
        self.session.execute_batch(batch, &mut sink);
        let rows = sink.results.iter().flat_map(|r| {
            r.rows.iter().map(|row| row.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join("|"))
        });
        let errors = sink.errors().iter().map(|e| (e.number, e.state, e.message.clone())).collect();
        (rows.collect(), errors)
    }

    #[track_caller]
    pub fn fine(&mut self, batch: &str) -> Vec<String> {
        let (rows, errors) = self.run(batch);
        assert!(errors.is_empty(), "{batch}: {errors:?}");
        rows
    }

    /// The first error of a batch that must fail.
    #[track_caller]
    pub fn refused(&mut self, batch: &str) -> (i32, u8, String) {
        let (_, errors) = self.run(batch);
        errors.first().cloned().unwrap_or_else(|| panic!("{batch} was not refused"))
    }

    #[track_caller]
    pub fn number(&mut self, query: &str) -> i64 {
        let rows = self.fine(query);
        let digits: String = rows[0].chars().filter(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_else(|_| panic!("{query}: {rows:?}"))
    }

    /// Nothing is wrong with the database.
    #[track_caller]
    pub fn check(&mut self) {
        let (_, errors) = self.run("dbcc checkdb (D) with no_infomsgs");
        assert!(errors.is_empty(), "{errors:?}");
    }

    /// Makes chosen operations on files whose name ends so fail.
    pub fn fail(&self, ending: &'static str, operation: Operation, kind: ErrorKind) {
        let fault: Fault = Arc::new(move |path: &Path, o, _| {
            (o == operation && path.to_string_lossy().ends_with(ending)).then_some(kind)
        });
        self.disk.set_fault(Some(fault));
    }

    pub fn heal(&self) {
        self.disk.set_fault(None);
    }

    /// Power loss of several kinds: `rows` are there each time, and nothing is wrong.
    #[track_caller]
    pub fn survives(mut self, table: &str, rows: i64) -> World {
        self.check();
        for seed in 0..4 {
            self = self.crashed(seed);
            assert_eq!(self.number(&format!("select count(*) from {table}")), rows);
            self.check();
        }
        self
    }
}
