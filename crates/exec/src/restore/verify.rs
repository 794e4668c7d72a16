//! RESTORE VERIFYONLY: the set is complete, every byte of its data can be read and decompressed, checksums and page numbers
//! are right.

use holdfast_backup::checksum::StreamChecksum;
use holdfast_backup::data::{Place, extents};
use holdfast_backup::{BackupError, BackupSet, Source};
use holdfast_types::SqlError;

use super::errors::message;

/// Reads a whole set. `progress` is told the bytes of pages read so far and may stop the work with an error.
///
/// # Errors
/// The message for the first thing found wrong; 3187 when CHECKSUM is asked for and the set has none.
pub fn verify(
    set: &BackupSet,
    checksum: Option<bool>,
    progress: &mut dyn FnMut(u64) -> Result<(), SqlError>,
) -> Result<(), SqlError> {
    let configuration = set.require_complete().map_err(|e| message(&e))?;
    set.require_plain().map_err(|e| message(&e))?;
    let has_checksums = configuration.set.has(holdfast_backup::config::flags::CHECKSUMS);
    if checksum == Some(true) && !has_checksums {
        return Err(SqlError::new(3187, &[]));
    }
    let check = checksum != Some(false);
    let mut done = 0u64;
    for pass in 0..set.passes() {
        for source in set.pages(pass) {
            read_stream(&source, true, check, &mut |n| {
                done += n;
                progress(done)
            })?;
        }
    }
    for (_, source) in set.log() {
        if let Some(source) = source {
            read_stream(&source, false, check, &mut |_| Ok(()))?;
        }
    }
    Ok(())
}

/// Reads one stream to its end, checking its checksum and, for pages, that every extent names its place.
fn read_stream(
    source: &Source,
    pages: bool,
    check: bool,
    progress: &mut dyn FnMut(u64) -> Result<(), SqlError>,
) -> Result<(), SqlError> {
    let mut reader = source.reader();
    let mut sum = StreamChecksum::default();
    let mut data = Vec::new();
    while let Some(batch) = reader.next_batch(Vec::new()).map_err(|e| message(&e))? {
        let offset = batch.offset;
        batch.unpack(&mut data).map_err(|e| message(&e))?;
        if check && source.stream.checksum.is_some() {
            sum.update(&data);
        }
        if pages {
            for extent in extents(&data, offset) {
                if extent.place == Place::Unknown && extent.bytes.first() != Some(&0) {
                    let device = source.device.name().clone();
                    return Err(message(&BackupError::LostExtent { device, offset: extent.offset }));
                }
            }
        }
        progress(data.len() as u64)?;
    }
    if check
        && let Some(stored) = source.stream.checksum
        && stored != sum.value()
    {
        return Err(SqlError::new(3189, &[]));
    }
    Ok(())
}
