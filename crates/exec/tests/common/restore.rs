//! RESTORE against an instance of its own, without a server.
#![allow(dead_code)]

use std::path::Path;
use std::sync::Arc;

use holdfast_disk::RealDisk;
use holdfast_engine::instance::{Instance, InstanceOptions, StoredOpener};
use holdfast_exec::collect::Collected;
use holdfast_exec::restore::RestoreRequest;
use holdfast_exec::restore::database::{Surroundings, restore};
use holdfast_exec::session::CancelFlag;
use holdfast_storage::PageCache;
use holdfast_types::SqlError;

/// The SID of who restores.
pub const RESTORER: [u8; 16] = [7; 16];

pub fn instance(dir: &Path) -> Arc<Instance> {
    let opener = StoredOpener::new(Arc::new(RealDisk), PageCache::new(32 << 20));
    Instance::open(InstanceOptions::new(dir), Arc::new(opener), &mut |m| panic!("{m}")).expect("opens")
}

/// Its errors, and what it answered.
pub fn run(instance: &Arc<Instance>, request: &RestoreRequest) -> (Result<(), Vec<SqlError>>, Collected) {
    let mut sink = Collected::new();
    let cancel = CancelFlag::new();
    let around = Surroundings {
        instance,
        cancel: &cancel,
        session_database: 1,
        in_use: &|_| false,
        workers: 2,
        clock: &holdfast_base::world::SystemClock::new(0),
        progress: &|_| (),
        restorer: Some(RESTORER.to_vec()),
    };
    (restore(request, &around, &mut sink), sink)
}
