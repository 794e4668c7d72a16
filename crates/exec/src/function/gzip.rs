//! COMPRESS and DECOMPRESS: gzip, as SQL Server writes it.
//!
//! Invariants
//! 1. What is unpacked is charged to the query's memory while it grows, so one small value cannot fill the memory. Afterwards it is
//!    a value like others, and those of a batch are not charged together.
//!
//! Evidence: the header that the documentation's examples show: no name, no time, extra flags 4, system 0.

use std::io::{Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use holdfast_types::{SqlError, SqlResult};

use crate::operator::spill::MemoryBudget;

/// Longest value of a varbinary(max).
const LONGEST: usize = i32::MAX as usize;

pub fn compress(bytes: &[u8]) -> SqlResult<Vec<u8>> {
    let failed = |e: std::io::Error| SqlError::with_text(701, 17, format!("COMPRESS failed: {e}."));
    let mut out = GzBuilder::new().operating_system(0).write(Vec::new(), Compression::fast());
    out.write_all(bytes).map_err(failed)?;
    out.finish().map_err(failed)
}

pub fn decompress(bytes: &[u8], budget: &MemoryBudget) -> SqlResult<Vec<u8>> {
    let mut source = MultiGzDecoder::new(bytes);
    let mut out = Vec::new();
    let mut part = vec![0u8; 64 * 1024];
    let mut taken = 0;
    let result = loop {
        match source.read(&mut part) {
            Ok(0) => break Ok(()),
            Ok(n) => {
                // Invariant 1.
                if out.len() + n > LONGEST || !budget.try_take(n) {
                    break Err(SqlError::new(701, &[&"default"]));
                }
                taken += n;
                out.extend_from_slice(&part[..n]);
            }
            Err(_) => break Err(SqlError::new(9803, &[&"varbinary"])),
        }
    };
    // From here on the value is its row's.
    budget.give_back(taken);
    result.map(|()| out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_there_and_back() {
        let budget = MemoryBudget::new(1 << 20, std::env::temp_dir());
        let packed = compress(&[b'a'; 1000]).unwrap();
        assert_eq!(packed[..10], [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 0]);
        assert_eq!(decompress(&packed, &budget).unwrap(), [b'a'; 1000]);
        assert_eq!(budget.used(), 0);
        assert_eq!(decompress(&packed[..20], &budget).unwrap_err().number, 9803);
        assert_eq!(decompress(b"no gzip", &budget).unwrap_err().number, 9803);
        // A value that unpacks to more than there is memory for.
        let bomb = compress(&vec![0u8; 8 << 20]).unwrap();
        assert_eq!(decompress(&bomb, &budget).unwrap_err().number, 701);
        assert_eq!(budget.used(), 0);
    }
}
