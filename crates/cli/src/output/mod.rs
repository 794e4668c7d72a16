//! Tables, sizes and identifiers for a terminal, shared by the subcommands.

mod progress;
mod table;

pub use progress::Progress;
pub use table::{Align, Table};

/// Prints to standard output; a reader that has gone away ends the output, not the program.
pub fn outln(text: &str) -> std::io::Result<()> {
    use std::io::Write;
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Opens a file that can be read at any place; a pipe would wait for a writer.
pub fn open_file(path: &std::path::Path) -> std::io::Result<std::fs::File> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(std::io::Error::other("is a directory"));
    }
    if !metadata.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    std::fs::File::open(path)
}

/// A GUID in its usual text form; the first three groups are stored little-endian.
pub fn guid(g: &[u8; 16]) -> String {
    let a = u32::from_le_bytes([g[0], g[1], g[2], g[3]]);
    let b = u16::from_le_bytes([g[4], g[5]]);
    let c = u16::from_le_bytes([g[6], g[7]]);
    let rest: String = g[10..].iter().map(|b| format!("{b:02X}")).collect();
    format!("{a:08X}-{b:04X}-{c:04X}-{:02X}{:02X}-{rest}", g[8], g[9])
}

/// Bytes in binary units, three significant digits.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 100.0 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// Product name of an internal database version.
pub fn release(database_version: u16) -> &'static str {
    match database_version {
        0..=538 => "before 2000",
        539..=610 => "2000",
        611..=654 => "2005",
        655..=659 => "2008",
        660..=661 => "2008 R2",
        662..=706 => "2012",
        707..=782 => "2014",
        783..=852 => "2016",
        853..=869 => "2017",
        870..=904 => "2019",
        905..=957 => "2022",
        958..=998 => "2025",
        _ => "newer than 2025",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!(size(512), "512 B");
        assert_eq!(size(3 << 20), "3.0 MiB");
        let g = [0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 8, 9, 10, 11, 12, 13, 14, 15];
        assert_eq!(guid(&g), "00112233-4455-6677-0809-0A0B0C0D0E0F");
    }
}
