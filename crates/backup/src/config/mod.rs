//! MQCI: the configuration of a backup set. Chunks `4 letters, u32 length, body`: one SCIN (the set), then filegroups
//! (SFGI) and files (SFIN) in the order found; strings stand behind the fixed part, pointers count from the chunk's start.
//!
//! Invariants
//! 1. A field exists only when it lies inside the chunk's fixed part, whose length is the smallest string offset: that is
//!    how versions differ, and the only way (see [`Layout`]).
//! 2. The raw bytes are kept, so that a set can be written again as it was.
//!
//! Evidence: offsets verified on the corpus for 2005 to 2025; several filegroups are assumed to repeat SFGI, SFIN….

mod chunk;
mod file;
mod set;

use holdfast_base::ByteReader;

pub use chunk::{Chunk, ChunkWriter};
pub use file::{FileGroupInfo, FileInfo, FileKind, UNLIMITED};
pub use set::{BackupKind, Fork, RecoveryModel, SetInfo, flags};

/// Lengths that differ between releases, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// First software major version that writes it.
    pub from_major: u8,
    pub set_fixed: usize,
    pub filegroup_fixed: usize,
    pub file_fixed: usize,
    /// VLF description inside MSTL, from offset 92.
    pub vlf_description: usize,
    /// u16 at MSTL 126.
    pub vlf_version: u16,
    /// Offset of a filemark's position array.
    pub filemark_array: usize,
    /// SCIN 372 and 380, 384, 388.
    pub set_tail: [u32; 4],
    /// Data passes.
    pub passes: u8,
}

/// Newest last.
pub const LAYOUTS: &[Layout] = &[
    Layout {
        from_major: 9,
        set_fixed: 344,
        filegroup_fixed: 48,
        file_fixed: 400,
        vlf_description: 36,
        vlf_version: 2,
        filemark_array: 60,
        set_tail: [0; 4],
        passes: 1,
    },
    Layout {
        from_major: 10,
        set_fixed: 364,
        filegroup_fixed: 48,
        file_fixed: 1024,
        vlf_description: 500,
        vlf_version: 4,
        filemark_array: 72,
        set_tail: [0; 4],
        passes: 1,
    },
    Layout {
        from_major: 11,
        set_fixed: 400,
        filegroup_fixed: 224,
        file_fixed: 1028,
        vlf_description: 504,
        vlf_version: 5,
        filemark_array: 72,
        set_tail: [1, 0, 0, 0],
        passes: 1,
    },
    Layout {
        from_major: 15,
        set_fixed: 400,
        filegroup_fixed: 224,
        file_fixed: 1028,
        vlf_description: 504,
        vlf_version: 5,
        filemark_array: 72,
        set_tail: [1, 0, 0, 0],
        passes: 2,
    },
    Layout {
        from_major: 16,
        set_fixed: 400,
        filegroup_fixed: 224,
        file_fixed: 1028,
        vlf_description: 504,
        vlf_version: 5,
        filemark_array: 72,
        set_tail: [0, 1, 2, 3],
        passes: 2,
    },
];

impl Layout {
    /// Layout written by a software major version (9 = 2005 … 17 = 2025); older ones get the oldest known.
    pub fn for_major(major: u8) -> &'static Layout {
        LAYOUTS.iter().rev().find(|l| l.from_major <= major).unwrap_or(&LAYOUTS[0])
    }
}

/// The parsed configuration with its raw bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    pub raw: Vec<u8>,
    pub set: SetInfo,
    pub filegroups: Vec<FileGroupInfo>,
    pub files: Vec<FileInfo>,
}

impl Configuration {
    /// `Err` carries what is wrong and the offset inside the stream.
    pub fn parse(raw: Vec<u8>) -> Result<Self, (usize, String)> {
        let mut r = ByteReader::new(&raw);
        let mut set = None;
        let (mut filegroups, mut files) = (Vec::new(), Vec::new());
        while r.remaining() >= 8 {
            let start = r.position();
            let cut = |e: holdfast_base::Truncated| (start, e.to_string());
            let tag: [u8; 4] = r.array().map_err(cut)?;
            let length = r.u32().map_err(cut)? as usize;
            if length < 8 {
                return Err((start, format!("a configuration chunk of {length} bytes")));
            }
            r.skip(length - 8).map_err(cut)?;
            let chunk = Chunk::new(&raw[start..start + length]);
            let cut = |e: holdfast_base::Truncated| (start, e.to_string());
            match &tag {
                b"SCIN" if set.is_none() => set = Some(SetInfo::parse(&chunk).map_err(cut)?),
                b"SFGI" => filegroups.push(FileGroupInfo::parse(&chunk).map_err(cut)?),
                b"SFIN" => files.push(FileInfo::parse(&chunk).map_err(cut)?),
                // Features that no file at hand uses have chunks of their own; what they describe is not needed to read
                // the rest.
                _ => {}
            }
        }
        let set = set.ok_or((0, "no SCIN chunk".to_owned()))?;
        Ok(Configuration { set, filegroups, files, raw })
    }

    /// Name of a filegroup, `None` for the log's (0) and unknown ones.
    pub fn filegroup_name(&self, id: u32) -> Option<&str> {
        self.filegroups.iter().find(|g| g.id == id).map(|g| g.name.as_str())
    }

    pub fn data_files(&self) -> impl Iterator<Item = &FileInfo> {
        self.files.iter().filter(|f| f.kind == FileKind::Data)
    }
}
