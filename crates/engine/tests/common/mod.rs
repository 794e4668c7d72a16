//! Genuine databases as pages in memory: raw data files, and the pages of full backups as they were copied (the log of a
//! backup is not applied, so one taken under load may be between two states).

#![allow(dead_code)]

use std::sync::Arc;

use holdfast_backup::{Device, Media, MediaSet, Place, data::extents};
use holdfast_base::{PAGE_SIZE, PageId};
use holdfast_format::file_header::FileHeader;
use holdfast_format::page::protection;
use holdfast_format::{MemoryPages, PageSource};

/// Raw data files.
pub fn data_files() -> Vec<(String, MemoryPages)> {
    holdfast_testkit::corpus()
        .iter()
        .filter(|f| f.column("kind") == "mdf")
        .map(|f| (f.name().to_owned(), MemoryPages::from_file(&f.read())))
        .collect()
}

/// Page images out of every complete full backup, and the raw data files.
pub fn all_databases() -> Vec<(String, MemoryPages)> {
    let files: Vec<_> =
        holdfast_testkit::corpus().into_iter().filter(|f| f.column("kind") == "full").collect();
    let media: Vec<Arc<Media>> = files
        .iter()
        .filter_map(|f| Media::open(Device::from_bytes(f.name(), f.read())).ok().map(Arc::new))
        .collect();
    let mut out = data_files();
    for group in MediaSet::group(media) {
        for set in group.sets() {
            if set.require_complete().is_err() || set.passes() == 0 {
                continue;
            }
            let mut pages = MemoryPages::new();
            for pass in 0..set.passes() {
                for source in set.pages(pass) {
                    let mut reader = source.reader();
                    let mut data = Vec::new();
                    while let Some(batch) = reader.next_batch(Vec::new()).expect("batch") {
                        batch.unpack(&mut data).expect("unpacks");
                        for extent in extents(&data, batch.offset) {
                            let Place::At(file, first) = extent.place else { continue };
                            for (i, bytes) in extent.bytes.chunks_exact(PAGE_SIZE).enumerate() {
                                let mut page: [u8; PAGE_SIZE] = bytes.try_into().expect("a page");
                                let _ = protection::restore_torn(&mut page);
                                pages.set(PageId::new(file, first + i as u32), page);
                            }
                        }
                    }
                }
            }
            for file in pages.files() {
                let Ok(page) = pages.page(PageId::new(file, 0)) else { continue };
                if let Ok(header) = FileHeader::read(&page)
                    && header.size > pages.page_count(file)
                {
                    pages.set(PageId::new(file, header.size - 1), [0; PAGE_SIZE]);
                }
            }
            let name = set.members()[0].media.device.name().to_string();
            out.push((name, pages));
        }
    }
    out
}
