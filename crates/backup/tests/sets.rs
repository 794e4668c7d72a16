//! Stripes, chains and the RESTORE … ONLY rows on genuine files.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use holdfast_backup::chain::{Link, best_sequence};
use holdfast_backup::data::{Place, extents};
use holdfast_backup::rows;
use holdfast_backup::{BackupError, BackupKind, Device, Media, MediaSet};
use holdfast_testkit::{CorpusFile, corpus};

fn media(f: &CorpusFile) -> Arc<Media> {
    Arc::new(Media::open(Device::from_bytes(f.name(), f.read())).unwrap_or_else(|e| panic!("{e}")))
}

fn backups() -> Vec<CorpusFile> {
    corpus().into_iter().filter(|f| !matches!(f.column("kind"), "mdf" | "ldf")).collect()
}

#[test]
fn stripes_come_together_and_gaps_are_named() {
    let all: Vec<_> = backups().iter().map(media).collect();
    let (mut striped, mut incomplete) = (0, 0);
    for group in MediaSet::group(all) {
        let given = group.media.len() as u16;
        for set in group.sets() {
            if set.missing_families().is_empty() {
                striped += usize::from(set.family_count > 1);
                let configuration = set.require_complete().unwrap_or_else(|e| panic!("{e}"));
                check_extents(&set, configuration);
            } else {
                incomplete += 1;
                let e = set.require_complete().expect_err("a stripe is missing");
                assert_eq!(e.message_number(), 3132);
                assert_eq!(given + group.missing_families().len() as u16, group.family_count);
            }
        }
        if group.media.len() > 1 {
            let mut twice: Vec<_> = group.media.clone();
            twice.push(group.media[0].clone());
            assert!(matches!(MediaSet::assemble(twice), Err(BackupError::SameFamily { .. })));
        }
    }
    if holdfast_testkit::corpus_dir().is_some() {
        assert!(striped >= 5 && incomplete >= 2, "{striped} striped, {incomplete} incomplete");
    }
}

/// The union of the members' extents has no duplicates within a pass and the length that the header tells.
fn check_extents(set: &holdfast_backup::BackupSet, configuration: &holdfast_backup::Configuration) {
    let mut first_pass = 0u64;
    for pass in 0..set.passes() {
        let mut seen = HashSet::new();
        for source in set.pages(pass) {
            let mut reader = source.reader();
            let mut out = Vec::new();
            while let Some(batch) = reader.next_batch(Vec::new()).unwrap_or_else(|e| panic!("{e}")) {
                let offset = batch.offset;
                batch.unpack(&mut out).unwrap_or_else(|e| panic!("{e}"));
                for e in extents(&out, offset) {
                    match e.place {
                        Place::At(file, page) => assert!(seen.insert((file, page)), "{file}:{page} twice"),
                        Place::Filler => {}
                        Place::Unknown => panic!("an extent without a place"),
                    }
                }
            }
        }
        if pass == 0 {
            first_pass = seen.len() as u64 * 65_536;
        }
    }
    let head = set.head();
    let told: u64 = configuration.data_files().map(|f| rows::file_backup_size(head, f)).sum();
    assert_eq!(first_pass, told, "{}", set.media().device.name());
    for (vlf, source) in set.log() {
        assert_eq!(source.is_some(), vlf.end > vlf.start, "{}", set.media().device.name());
    }
}

#[test]
fn chains_of_the_corpus_fit() {
    let mut groups: BTreeMap<String, Vec<CorpusFile>> = BTreeMap::new();
    for f in backups() {
        groups.entry(f.column("group").to_owned()).or_default().push(f);
    }
    let mut checked = 0;
    for (name, files) in groups.iter().filter(|(n, _)| n.starts_with("chain")) {
        let sets: Vec<_> =
            MediaSet::group(files.iter().map(media)).into_iter().flat_map(|g| g.sets()).collect();
        let links: Vec<Link> = sets.iter().filter_map(Link::of).collect();
        if links.len() < 3 || !links.iter().any(|l| l.kind == BackupKind::Full) {
            continue;
        }
        let steps = best_sequence(&links);
        assert!(steps.len() >= 2, "{name}: {steps:?} of {links:?}");
        let furthest = links.iter().map(|l| l.last).max();
        assert_eq!(steps.last().map(|&i| links[i].last), furthest, "{name}");
        checked += 1;
    }
    assert!(checked >= 2 || holdfast_testkit::corpus_dir().is_none(), "{checked}");
}

#[test]
fn rows_have_every_column() {
    for f in backups() {
        let m = media(&f);
        assert_eq!(rows::label_row(&m).len(), rows::LABEL_COLUMNS.len());
        for row in rows::header_rows(&m, 2).unwrap_or_else(|e| panic!("{e}")) {
            assert_eq!(row.len(), rows::HEADER_COLUMNS.len());
        }
        for set in &m.sets {
            for row in rows::file_list_rows(&m, set).unwrap_or_else(|e| panic!("{e}")) {
                assert_eq!(row.len(), rows::FILE_LIST_COLUMNS.len());
            }
        }
    }
    for (major, count) in [(10, 52), (11, 53), (15, 56), (16, 59)] {
        assert_eq!(rows::columns_for(&rows::HEADER_COLUMNS, major).len(), count);
    }
}

#[test]
fn a_media_password_is_asked_for() {
    for f in backups().iter().filter(|f| f.column("flags").contains("PASSWORD")) {
        let m = media(f);
        assert_eq!(m.check_password(None).map_err(|e| e.message_number()), Err(3279));
        assert!(m.check_password(Some("wrong")).is_err());
        assert!(m.check_password(Some("dbatools")).is_ok());
    }
}
