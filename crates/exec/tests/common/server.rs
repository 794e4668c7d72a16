//! An instance over a directory whose sessions share one host, and its lock manager to look at.

use std::path::Path;
use std::sync::Arc;

use holdfast_base::world::SystemClock;
use holdfast_disk::RealDisk;
use holdfast_engine::instance::{Instance, InstanceOptions, StoredOpener};
use holdfast_engine::lock::LockManager;
use holdfast_exec::host::Host;
use holdfast_exec::procedure::{InstanceAdministration, InstanceSession, InstanceSessions};
use holdfast_exec::session::LoginInfo;
use holdfast_storage::PageCache;

pub struct Server {
    pub sessions: Arc<InstanceSessions>,
    pub locks: Arc<LockManager>,
}

impl Server {
    pub fn new(dir: &Path) -> Server {
        let opener = StoredOpener::new(Arc::new(RealDisk), PageCache::new(64 << 20));
        let instance =
            Instance::open(InstanceOptions::new(dir), Arc::new(opener), &mut |m| panic!("{m}")).unwrap();
        let locks = Arc::clone(&instance.locks);
        let host = Host::open(instance, Arc::new(SystemClock::new(0))).unwrap();
        Server { sessions: InstanceSessions::new(host, Arc::new(InstanceAdministration)), locks }
    }

    pub fn session(&self, database: &str) -> InstanceSession {
        let login = LoginInfo { login: "sa".into(), database: database.into(), ..LoginInfo::default() };
        self.sessions.open_session(login).unwrap()
    }
}
