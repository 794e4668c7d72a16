//! The bytes of each block, up to its first stream. Offsets in docs/format/backup.md.

use holdfast_base::ByteWriter;

use crate::block::{BLOCK_HEADER, BlockHeader, BlockKind, utf16};
use crate::config::Layout;
use crate::date::MtfDate;
use crate::label::MediaLabel;
use crate::media::{SetMapEntry, SetStart, Vlf, VolumeInfo};

const VENDOR: u16 = 0x1200;

/// A block being laid out: header, fixed part, strings behind it.
struct Block {
    kind: BlockKind,
    attributes: u32,
    logical: u64,
    control: u32,
    bytes: Vec<u8>,
}

impl Block {
    fn new(kind: BlockKind, attributes: u32, fixed: usize) -> Self {
        Block { kind, attributes, logical: 0, control: 0, bytes: vec![0; fixed] }
    }

    fn at(mut self, logical: u64, control: u32) -> Self {
        (self.logical, self.control) = (logical, control);
        self
    }

    fn put(&mut self, offset: usize, value: &[u8]) -> &mut Self {
        self.bytes[offset..offset + value.len()].copy_from_slice(value);
        self
    }

    fn u16(&mut self, offset: usize, v: u16) -> &mut Self {
        self.put(offset, &v.to_le_bytes())
    }

    fn u32(&mut self, offset: usize, v: u32) -> &mut Self {
        self.put(offset, &v.to_le_bytes())
    }

    fn u64(&mut self, offset: usize, v: u64) -> &mut Self {
        self.put(offset, &v.to_le_bytes())
    }

    /// Appends data and points at it; nothing for empty data, unless `always` keeps the place.
    fn pointed(&mut self, pointer: usize, data: &[u8], always: bool) -> &mut Self {
        if !data.is_empty() || always {
            let offset = self.bytes.len() as u16;
            self.u16(pointer, data.len() as u16).u16(pointer + 2, offset);
            self.bytes.extend_from_slice(data);
        }
        self
    }

    fn string(&mut self, pointer: usize, s: &str) -> &mut Self {
        self.pointed(pointer, &utf16(s), false)
    }

    fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        let header = BlockHeader {
            kind: self.kind,
            attributes: self.attributes,
            first_stream: self.bytes.len() as u16,
            format_logical_address: self.logical,
            control_block: self.control,
        };
        let mut w = ByteWriter::new();
        header.write(&mut w);
        self.bytes[..BLOCK_HEADER].copy_from_slice(&w.buf);
        self.bytes
    }
}

pub fn tape(l: &MediaLabel) -> Vec<u8> {
    let mut b = Block::new(BlockKind::Tape, 0x0003_0000, 94);
    b.u32(52, l.family_id).u32(56, l.attributes).u16(60, l.media_sequence);
    b.u16(62, if l.password_digest.is_some() { 5 } else { 0 });
    b.u16(64, (l.block_size / 512) as u16).u16(66, 3).u16(84, 1024).u16(86, l.vendor);
    b.put(88, &l.date.to_bytes()).put(93, &[l.mtf_major]);
    b.string(68, &l.name).string(72, &l.description);
    b.pointed(76, l.password_digest.as_ref().map_or(&[], |d| d.as_slice()), false);
    b.string(80, &l.software);
    b.finish()
}

pub fn raid(l: &MediaLabel) -> Vec<u8> {
    let mut w = ByteWriter::new();
    w.bytes(&l.media_set).u32(0xF000_00AD).u16(l.family_count).u16(l.mirror_count).u16(l.family_sequence);
    w.u16(0).u16(l.mirror_index).u16(1);
    w.buf
}

/// `earlier` in file order; as many of the newest as fit are listed, newest first.
pub fn filemark(earlier: &[u64], block_size: u64, layout: &Layout, after_data: bool) -> Vec<u8> {
    let old = layout.filemark_array < 72;
    let size = block_size as usize;
    let attributes = match (old, after_data) {
        (true, _) => 0,
        (false, false) => 0x8000_0000,
        (false, true) => 0x8004_0000,
    };
    let header = BlockHeader {
        kind: BlockKind::FileMark,
        attributes,
        first_stream: block_size as u16,
        format_logical_address: 0,
        control_block: 0,
    };
    let mut w = ByteWriter::new();
    header.write(&mut w);
    let capacity = (size - layout.filemark_array) / 8;
    let used = earlier.len().min(capacity);
    w.u32(capacity as u32).u32(used as u32);
    if !old {
        w.u32(layout.filemark_array as u32).u64(0);
    }
    for position in earlier.iter().rev().take(capacity) {
        w.u64(*position);
    }
    w.buf.resize(size, 0);
    w.buf
}

pub fn set_start(s: &SetStart, offset: u64) -> Vec<u8> {
    let mut b = Block::new(BlockKind::SetStart, 0, 122);
    b.u32(52, s.attributes).u16(56, if s.password_digest.is_some() { 5 } else { 0 });
    b.u16(60, VENDOR).u16(62, s.position).u64(80, offset);
    b.put(88, &s.write_date.to_bytes());
    b.put(93, &[s.software_major, s.software_minor, s.time_zone as u8, 0, 2]);
    b.put(100, &s.set_guid).put(116, &s.expiration.to_bytes());
    b.string(64, &s.name).string(68, &s.description);
    b.pointed(72, s.password_digest.as_ref().map_or(&[], |d| d.as_slice()), false);
    b.string(76, &s.user);
    b.finish()
}

pub fn volume(v: &VolumeInfo, date: MtfDate, logical: u64, control: u32) -> Vec<u8> {
    let mut b = Block::new(BlockKind::Volume, 0, 73).at(logical, control);
    b.u32(52, 2).put(68, &date.to_bytes());
    b.string(56, &v.device).pointed(60, &utf16(&v.volume), true).string(64, &v.machine);
    b.finish()
}

pub fn configuration(letters: &[u8; 4], logical: u64, control: u32) -> Vec<u8> {
    Block::new(BlockKind::from_letters(*letters), 0, 56).at(logical, control).finish()
}

pub fn data(logical: u64, control: u32) -> Vec<u8> {
    let mut b = Block::new(BlockKind::Data, 0, 60).at(logical, control);
    b.u16(58, 1);
    b.finish()
}

pub fn log(v: &Vlf, layout: &Layout, logical: u64, control: u32) -> Vec<u8> {
    let mut b = Block::new(BlockKind::Log, 0, 92 + layout.vlf_description).at(logical, control);
    b.u16(58, 1).u64(60, v.start).u64(68, v.end).u16(76, v.file);
    b.u16(80, layout.vlf_description as u16).u16(82, 92);
    b.u32(92, v.sequence).u64(96, v.size).u64(104, v.offset).u16(112, v.file);
    b.put(114, &[v.parity, v.undefined]).put(116, &v.create_lsn.to_bytes()).u16(126, v.version);
    b.finish()
}

/// The second end of set names the first one's position.
pub fn set_end(s: &SetStart, first: u64) -> Vec<u8> {
    let mut b = Block::new(BlockKind::SetEnd, 0, 85);
    b.u32(52, s.attributes & !2).u64(60, first).u16(78, s.position).put(80, &s.write_date.to_bytes());
    b.finish()
}

pub fn set_map(family_id: u32, entries: &[SetMapEntry]) -> Vec<u8> {
    let mut w = ByteWriter::new();
    w.u32(family_id).u16(entries.len() as u16).u16(0);
    for e in entries {
        w.bytes(&map_entry(e)).bytes(&map_volume(e));
    }
    w.buf
}

/// Appends the strings and sets their pointers inside an entry; an empty string has none.
fn entry_strings(w: &mut ByteWriter, strings: [(usize, &str); 3]) {
    for (pointer, s) in strings {
        let s = utf16(s);
        if !s.is_empty() {
            let offset = w.len() as u16;
            w.patch_u16(pointer, s.len() as u16);
            w.patch_u16(pointer + 2, offset);
            w.bytes(&s);
        }
    }
    let length = w.len() as u16;
    w.patch_u16(0, length);
}

fn map_entry(e: &SetMapEntry) -> Vec<u8> {
    let mut w = ByteWriter::new();
    w.u16(0).u16(1).u32(0).u32(e.attributes).u64(e.offset).u64(0).u16(0).u16(e.position).u64(0);
    w.u32(0).u32(0).u32(0).u64(e.size).u16(1).u16(0).zeros(16);
    w.bytes(&e.date.to_bytes()).i8(e.time_zone).u8(14).u8(1).u8(2).u8(0).u8(2).u8(0);
    entry_strings(&mut w, [(64, &e.name), (72, &e.description), (76, &e.user)]);
    w.buf
}

fn map_volume(e: &SetMapEntry) -> Vec<u8> {
    let mut w = ByteWriter::new();
    w.u16(0)
        .bytes(b"VOLB")
        .u16(1)
        .u32(0)
        .u64(1)
        .u64(0)
        .u32(0)
        .u8(14)
        .u8(1)
        .u8(2)
        .u8(0)
        .u32(2)
        .zeros(12)
        .u32(0);
    w.bytes(&e.date.to_bytes()).u8(0);
    entry_strings(&mut w, [(40, &e.volume.device), (44, &e.volume.volume), (48, &e.volume.machine)]);
    w.buf
}
