//! Every genuine backup file of the corpus is read completely: structure, metadata against the manifest, every stream
//! checksum and every page's own protection.

use holdfast_backup::checksum::{PageProtection, StreamChecksum, check_page};
use holdfast_backup::config::flags;
use holdfast_backup::data::{EXTENT, Place, extents};
use holdfast_backup::{BatchReader, Device, Media};
use holdfast_base::{Lsn, PAGE_SIZE};
use holdfast_testkit::{CorpusFile, corpus};

fn backups() -> impl Iterator<Item = CorpusFile> {
    corpus().into_iter().filter(|f| !matches!(f.column("kind"), "mdf" | "ldf"))
}

fn open(f: &CorpusFile) -> Media {
    let m = Media::open(Device::from_bytes(f.name(), f.read())).unwrap_or_else(|e| panic!("{e}"));
    assert!(m.problem.is_none(), "{}: {:?}", f.name(), m.problem);
    m
}

#[test]
fn metadata_agrees_with_the_manifest() {
    for f in backups() {
        let m = open(&f);
        let name = f.name();
        assert_eq!(m.is_compressed(), f.column("compressed") == "yes", "{name}");
        assert_eq!(m.sets.len().to_string(), f.column("sets"), "{name}");
        assert_eq!(
            format!("{}/{}", m.label.family_sequence, m.label.family_count),
            f.column("family"),
            "{name}"
        );
        assert_eq!(m.label.software_name(), "Microsoft SQL Server");
        assert_eq!(m.label.password_digest.is_some(), f.column("flags").contains("PASSWORD"), "{name}");
        let set = m.sets.first().expect("a set");
        assert!(m.sets.iter().all(|s| s.complete));
        let last = m.sets.last().expect("a set");
        let map = last.map.as_ref().expect("map");
        assert_eq!(map.entries.len(), m.sets.len(), "{name}");
        for (entry, set) in map.entries.iter().zip(&m.sets) {
            assert_eq!((entry.offset, entry.position), (set.offset, set.start.position), "{name}");
            assert_eq!((&entry.name, &entry.user), (&set.start.name, &set.start.user), "{name}");
        }
        let info = set.info().expect("configuration");
        assert_eq!(info.database_name, f.column("database"), "{name}");
        assert_eq!(info.database_version.to_string(), f.column("db_version"), "{name}");
        // With two passes the manifest holds the LSNs of the first, which the leading configuration names.
        let leading = &set.leading.as_ref().expect("leading configuration").set;
        let either = |column: &str, a: Lsn, b: Lsn| {
            assert!([a, b].iter().any(|l| l.to_string() == f.column(column)), "{name}: {column} {a} {b}");
        };
        either("first_lsn", info.first_lsn, leading.first_lsn);
        either("last_lsn", info.last_lsn, leading.last_lsn);
        either("checkpoint_lsn", info.checkpoint_lsn, leading.checkpoint_lsn);
        assert_eq!(info.database_backup_lsn.to_string(), f.column("database_backup_lsn"), "{name}");
        // The manifest was written from the start date for some files.
        let dates = [info.finish_date.to_string(), info.start_date.to_string()];
        assert!(dates.iter().any(|d| d == f.column("finished")), "{name}: {dates:?}");
        assert_eq!(info.has(flags::CHECKSUMS), f.column("flags").contains("WITH_CHECKSUM"), "{name}");
        let files = set.configuration().expect("configuration").files.len();
        assert_eq!(files.to_string(), f.column("files"), "{name}");
    }
}

#[test]
fn pages_and_log_are_read_and_checked() {
    let (mut pages, mut sums, mut records) = (0, 0, 0);
    for f in backups() {
        let m = open(&f);
        let name = f.name();
        for set in &m.sets {
            let logs: Vec<_> = set.vlfs.iter().filter_map(|v| v.stream).collect();
            for stream in set.pages.iter().copied().chain(logs) {
                let is_log = stream.kind == holdfast_backup::media::BulkKind::Log;
                let mut reader = BatchReader::new(&m.device, stream);
                let (mut total, mut out, mut sum) = (0u64, Vec::new(), StreamChecksum::default());
                let mut last = None;
                while let Some(batch) = reader.next_batch(Vec::new()).unwrap_or_else(|e| panic!("{e}")) {
                    let offset = batch.offset;
                    records += 1;
                    batch.unpack(&mut out).unwrap_or_else(|e| panic!("{e}"));
                    assert_eq!(offset, total);
                    total += out.len() as u64;
                    sum.update(&out);
                    if is_log {
                        continue;
                    }
                    for e in extents(&out, offset) {
                        assert_eq!(e.bytes.len(), EXTENT);
                        match e.place {
                            Place::Filler => {}
                            Place::Unknown => panic!("{name}: extent at {} has no place", e.offset),
                            Place::At(file, page) => {
                                assert!(last < Some((file, page)), "{name}: order");
                                last = Some((file, page));
                                for p in e.bytes.chunks(PAGE_SIZE) {
                                    match check_page(p) {
                                        PageProtection::Good => pages += 1,
                                        PageProtection::None => {}
                                        // Unallocated pages may be anything; the first one of an extent is not.
                                        bad => assert!(
                                            p[0] != 1 || !set.complete,
                                            "{name} {file}:{page} {bad:?}"
                                        ),
                                    }
                                }
                            }
                        }
                    }
                }
                assert_eq!(total, stream.length, "{name}");
                if let Some(stored) = stream.checksum {
                    assert_eq!(sum.value(), stored, "{name}");
                    sums += 1;
                }
            }
        }
    }
    if holdfast_testkit::corpus_dir().is_some() {
        assert!(pages > 5_000 && sums > 10 && records > 50, "{pages} pages, {sums} sums, {records} batches");
    }
}
