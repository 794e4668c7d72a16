//! XPRESS Huffman (MS-XCA LZ77+Huffman) decoder for one block.
//!
//! Layout: 256 bytes of 4-bit code lengths (symbol 2i low nibble, 2i+1 high), then the bit stream of 16-bit little-endian
//! words, bits from the top, with extra length bytes interleaved at the position that a decoder with a 32-bit window has
//! reached. Symbols below 256 are literals; 256 + 16·b + l is a match with b offset bits and length code l.
//!
//! Invariants
//! 1. The code is complete (fills the code space), else the block is refused: then every 15-bit pattern is a symbol.
//! 2. The window here is 64 bits wide; before an interleaved byte is read, words fetched ahead of what a 32-bit window
//!    would hold are given back. With n valid bits here, the 32-bit window holds 16 + n mod 16.
//! 3. Bits past the end read as zero, so damaged input ends by filling the output or by an error, never by hanging.
//!
//! Evidence: all compressed corpus files decode to pages with good checksums.

/// Why a block does not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    Truncated,
    BadCode,
    OffsetOutside,
    LengthOutside,
}

impl DecodeError {
    pub fn text(self) -> &'static str {
        match self {
            DecodeError::Truncated => "it is too short for its code table",
            DecodeError::BadCode => "its code table is not a complete code",
            DecodeError::OffsetOutside => "a match reaches before its start",
            DecodeError::LengthOutside => "a match reaches past its end",
        }
    }
}

const SYMBOLS: usize = 512;
const MAX_LENGTH: usize = 15;
/// Bits looked up at once. Longer codes go through the canonical limits.
const ROOT_BITS: u32 = 11;

/// Entry: bits 0..9 first symbol, 10..14 total code length, 15 two literals, 16..23 second literal,
/// 24..28 length of the first code alone. 0 = code longer than ROOT_BITS.
type Entry = u32;
const PAIR: u32 = 1 << 15;

struct Table {
    root: [Entry; 1 << ROOT_BITS],
    /// First 16-bit left-aligned code that is longer than the given length.
    limit: [u32; MAX_LENGTH + 2],
    /// Index into `sorted` of a length's first symbol, minus that length's first code.
    base: [i32; MAX_LENGTH + 1],
    sorted: [u16; SYMBOLS],
}

impl Table {
    fn build(lengths: &[u8; 256]) -> Result<Self, DecodeError> {
        let mut count = [0u32; MAX_LENGTH + 1];
        for &b in lengths {
            count[usize::from(b & 15)] += 1;
            count[usize::from(b >> 4)] += 1;
        }
        count[0] = 0;
        let mut t = Table {
            root: [0; 1 << ROOT_BITS],
            limit: [0; MAX_LENGTH + 2],
            base: [0; MAX_LENGTH + 1],
            sorted: [0; SYMBOLS],
        };
        let (mut code, mut index) = (0u32, 0u32);
        let mut next = [0u32; MAX_LENGTH + 1];
        for length in 1..=MAX_LENGTH {
            code <<= 1;
            next[length] = index;
            t.base[length] = index as i32 - code as i32;
            code += count[length];
            index += count[length];
            t.limit[length] = code << (16 - length);
        }
        t.limit[MAX_LENGTH + 1] = u32::MAX;
        // Invariant 1.
        if code != 1 << MAX_LENGTH {
            return Err(DecodeError::BadCode);
        }
        for symbol in 0..SYMBOLS {
            let b = lengths[symbol / 2];
            let length = usize::from(if symbol % 2 == 0 { b & 15 } else { b >> 4 });
            if length != 0 {
                let slot = next[length];
                next[length] += 1;
                t.sorted[slot as usize] = symbol as u16;
            }
        }
        t.fill_root(&count);
        Ok(t)
    }

    fn fill_root(&mut self, count: &[u32; MAX_LENGTH + 1]) {
        let (mut at, mut index) = (0usize, 0usize);
        for (length, &used) in count.iter().enumerate().take(ROOT_BITS as usize + 1).skip(1) {
            let span = 1usize << (ROOT_BITS as usize - length);
            for _ in 0..used {
                let symbol = u32::from(self.sorted[index]);
                index += 1;
                let entry = symbol | (length as u32) << 10 | (length as u32) << 24;
                self.root[at..at + span].fill(entry);
                at += span;
            }
        }
        // Two literals whose codes fit together become one step.
        let singles = self.root;
        for (pattern, entry) in self.root.iter_mut().enumerate() {
            let first = singles[pattern];
            let length = first >> 24 & 31;
            if first == 0 || first & 0x3FF > 255 || length >= ROOT_BITS {
                continue;
            }
            let rest = singles[pattern << length & ((1 << ROOT_BITS) - 1)];
            let second = rest >> 24 & 31;
            if rest != 0 && rest & 0x3FF < 256 && length + second <= ROOT_BITS {
                *entry = first & 0x3FF | (length + second) << 10 | PAIR | (rest & 0xFF) << 16 | length << 24;
            }
        }
    }

    /// A code longer than ROOT_BITS: (symbol, length) for the next 16 bits.
    #[cold]
    fn long(&self, bits: u32) -> (u32, u32) {
        let mut length = ROOT_BITS as usize + 1;
        while length < MAX_LENGTH && bits >= self.limit[length] {
            length += 1;
        }
        let index = (bits >> (16 - length)) as i32 + self.base[length];
        // A complete code always lands inside; the mask only keeps the index provably in range.
        (u32::from(self.sorted[index as usize & (SYMBOLS - 1)]), length as u32)
    }
}

/// The bit window: `n` valid bits at the top of `bits`, next word at `p`.
struct Window<'a> {
    input: &'a [u8],
    bits: u64,
    n: u32,
    p: usize,
}

impl Window<'_> {
    /// At least 33 valid bits afterwards.
    #[inline(always)]
    fn refill(&mut self) {
        if self.n > 32 {
            return;
        }
        let pair = match self.input.get(self.p..self.p + 4) {
            Some(b) => u32::from_le_bytes([b[0], b[1], b[2], b[3]]).rotate_left(16),
            None => self.tail(),
        };
        self.p += 4;
        self.bits |= u64::from(pair) << (32 - self.n);
        self.n += 32;
    }

    #[cold]
    fn tail(&self) -> u32 {
        let byte = |i: usize| u32::from(self.input.get(self.p + i).copied().unwrap_or(0));
        (byte(0) | byte(1) << 8) << 16 | byte(2) | byte(3) << 8
    }

    #[inline(always)]
    fn drop(&mut self, count: u32) {
        self.bits <<= count;
        self.n -= count;
    }

    /// Invariant 2: gives back words fetched too early.
    fn give_back(&mut self) {
        let kept = 16 + self.n % 16;
        if self.n > kept {
            self.p -= ((self.n - kept) / 8) as usize;
            self.n = kept;
            self.bits &= !(u64::MAX >> kept);
        }
    }

    fn byte(&mut self) -> u32 {
        let b = self.input.get(self.p).copied().unwrap_or(0);
        self.p += 1;
        u32::from(b)
    }
}

/// Decodes one block into `out`, whose length is the block's uncompressed length.
pub fn decompress(input: &[u8], out: &mut [u8]) -> Result<(), DecodeError> {
    let lengths: &[u8; 256] = input.first_chunk().ok_or(DecodeError::Truncated)?;
    let table = Table::build(lengths)?;
    let mut w = Window { input, bits: 0, n: 0, p: 256 };
    let mut at = 0usize;
    let end = out.len();
    while at < end {
        w.refill();
        let mut entry = table.root[(w.bits >> (64 - ROOT_BITS)) as usize];
        // Literals: up to three lookups of at most 11 bits fit into the 33 valid bits.
        if entry & PAIR != 0 && at + 8 <= end {
            w.drop(entry >> 10 & 31);
            out[at..at + 2].copy_from_slice(&[entry as u8, (entry >> 16) as u8]);
            at += 2;
            entry = table.root[(w.bits >> (64 - ROOT_BITS)) as usize];
            if entry & PAIR != 0 {
                w.drop(entry >> 10 & 31);
                out[at..at + 2].copy_from_slice(&[entry as u8, (entry >> 16) as u8]);
                at += 2;
                continue;
            }
            w.refill();
        }
        let (symbol, length) =
            if entry == 0 { table.long((w.bits >> 48) as u32) } else { (entry & 0x3FF, entry >> 24 & 31) };
        w.drop(length);
        if symbol < 256 {
            out[at] = symbol as u8;
            at += 1;
            continue;
        }
        let offset_bits = (symbol - 256) >> 4;
        let mut count = (symbol & 15) as usize;
        if count == 15 {
            count = long_length(&mut w);
            w.refill();
        }
        count += 3;
        // 33 valid bits less a code of 15 leave 18 for the offset's at most 15; `>> 1 >> 63 - b` allows b = 0.
        let offset = (1usize << offset_bits) | (w.bits >> 1 >> (63 - offset_bits)) as usize;
        w.drop(offset_bits);
        if offset > at {
            return Err(DecodeError::OffsetOutside);
        }
        if count > end - at {
            return Err(DecodeError::LengthOutside);
        }
        copy_match(out, at, offset, count);
        at += count;
    }
    Ok(())
}

/// Length beyond the symbol's own: bytes interleaved with the bit stream.
fn long_length(w: &mut Window<'_>) -> usize {
    w.give_back();
    let first = w.byte();
    if first != 255 {
        return first as usize + 15;
    }
    let word = w.byte() | w.byte() << 8;
    if word != 0 {
        return word as usize;
    }
    (w.byte() | w.byte() << 8 | w.byte() << 16 | w.byte() << 24) as usize
}

#[inline(always)]
fn copy_match(out: &mut [u8], at: usize, offset: usize, count: usize) {
    let from = at - offset;
    if offset >= 16 && count <= 16 && at + 16 <= out.len() {
        // The bytes after the match are written again by what follows.
        let mut chunk = [0u8; 16];
        chunk.copy_from_slice(&out[from..from + 16]);
        out[at..at + 16].copy_from_slice(&chunk);
    } else if offset >= count {
        out.copy_within(from..from + count, at);
    } else if offset == 1 {
        let b = out[from];
        out[at..at + count].fill(b);
    } else {
        // Overlapping: the copied part doubles each time.
        let mut done = 0;
        while done < count {
            let n = (count - done).min(offset + done);
            out.copy_within(from..from + n, at + done);
            done += n;
        }
    }
}
