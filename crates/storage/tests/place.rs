//! Every complete full backup of the corpus is placed on the simulated disk; the files come out with the right size and a
//! boot page, every page in its place.

use std::path::PathBuf;
use std::sync::Arc;

use holdfast_backup::{BackupKind, BackupSet, Device, FileKind, Media, MediaSet};
use holdfast_disk::{Disk, SimulatedDisk};
use holdfast_storage::restore::{PlaceError, PlaceOptions, TargetFile, place_pages};

const OPTIONS: PlaceOptions =
    PlaceOptions { create: true, verify: true, continue_after_error: false, workers: 2 };

/// Complete full sets: single files, and stripes put together.
fn full_sets() -> Vec<(String, BackupSet)> {
    let media = holdfast_testkit::corpus()
        .into_iter()
        .filter(|f| f.column("kind") == "full")
        .map(|f| Media::open(Device::new(f.name(), Arc::new(f.read())).unwrap()).map(Arc::new).unwrap());
    let mut out = Vec::new();
    for set in MediaSet::group(media) {
        for s in set.sets() {
            if s.require_complete().is_ok() && s.info().is_some_and(|i| i.kind == BackupKind::Full) {
                out.push((s.media().device.name().to_string(), s));
            }
        }
    }
    out
}

fn targets(set: &BackupSet) -> Vec<TargetFile> {
    let files = &set.configuration().unwrap().files;
    files
        .iter()
        .filter(|f| f.kind == FileKind::Data)
        .map(|f| TargetFile {
            file_id: f.id as u16,
            path: PathBuf::from(format!("/d/{}.mdf", f.id)),
            size: f.size,
        })
        .collect()
}

#[test]
fn every_full_backup_is_placed() {
    let sets = full_sets();
    assert!(sets.len() >= 10 || holdfast_testkit::corpus_dir().is_none());
    for (name, set) in sets {
        let disk = SimulatedDisk::new();
        let files = targets(&set);
        let mut last = (0, 0);
        let placed = place_pages(&disk, &set, &files, OPTIONS, &mut |a, b| {
            last = (a, b);
            true
        })
        .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(last.0, last.1, "{name}: progress reaches the end");
        for f in &files {
            let file = disk.open(&f.path, false).unwrap();
            assert_eq!(file.length().unwrap(), f.size, "{name}");
            assert!(placed.pages[&f.file_id] > 0, "{name}");
            let mut page = vec![0u8; 8192];
            file.read_at(0, &mut page).unwrap();
            assert_eq!(page[1], 15, "{name}: page 0 is a file header");
            if f.file_id == 1 {
                file.read_at(9 * 8192, &mut page).unwrap();
                assert_eq!(page[1], 13, "{name}: page 9 is the boot page");
            }
        }
        assert!(placed.damaged.is_empty(), "{name}");
    }
}

#[test]
fn one_worker_and_four_place_the_same() {
    let Some((_, set)) = full_sets().pop() else { return };
    let mut images = Vec::new();
    for workers in [1, 4] {
        let disk = SimulatedDisk::new();
        place_pages(&disk, &set, &targets(&set), PlaceOptions { workers, ..OPTIONS }, &mut |_, _| true)
            .unwrap();
        images.push(disk.read_file(&targets(&set)[0].path).unwrap());
    }
    assert!(images[0] == images[1]);
}

#[test]
fn a_damaged_page_stops_the_work_and_is_named() {
    let Some(file) = holdfast_testkit::corpus().into_iter().find(|f| {
        f.column("kind") == "full"
            && f.column("compressed") == "no"
            && f.column("family") == "1/1"
            && f.column("db_version") == "852"
    }) else {
        return;
    };
    let mut bytes = file.read();
    let media = Media::open(Device::new("x", Arc::new(bytes.clone())).unwrap()).unwrap();
    let stream = media.sets[0].pages[0];
    // Some byte of the second page's record area.
    let at = stream.stored_start as usize + 8192 + 200;
    bytes[at] ^= 0x10;
    let media = Media::open(Device::new("x", Arc::new(bytes)).unwrap()).unwrap();
    let set = MediaSet::assemble(vec![Arc::new(media)]).unwrap().set(1).unwrap();
    let error =
        place_pages(&SimulatedDisk::new(), &set, &targets(&set), OPTIONS, &mut |_, _| true).unwrap_err();
    assert!(matches!(error, PlaceError::Page { .. }), "{error}");
    let go_on = PlaceOptions { continue_after_error: true, ..OPTIONS };
    let placed = place_pages(&SimulatedDisk::new(), &set, &targets(&set), go_on, &mut |_, _| true).unwrap();
    assert_eq!(placed.damaged.len(), 1);
}

#[test]
fn it_stops_when_told() {
    let Some((_, set)) = full_sets().pop() else { return };
    let error =
        place_pages(&SimulatedDisk::new(), &set, &targets(&set), OPTIONS, &mut |_, _| false).unwrap_err();
    assert!(matches!(error, PlaceError::Stopped), "{error}");
}
