//! XPRESS Huffman encoder: a hash-chain matcher, a length-limited canonical code and the bit writer.
//!
//! Invariants
//! 1. The code table holds exactly the symbols used plus symbol 256, which is always written last (end mark).
//! 2. The bit writer keeps two reserved word positions, so that the interleaved length bytes fall where a 32-bit window
//!    expects them.
//! 3. Matches are 3 to 65,538 bytes long and reach back at most 65,535 bytes inside the piece.
//!
//! Evidence: tokens of genuine records written again with their own code lengths give the same bytes (corpus test).

use super::PIECE;

/// One decoded step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Token {
    Literal(u8),
    /// `length` ≥ 3, `offset` ≥ 1.
    Match {
        length: u32,
        offset: u32,
    },
}

impl Token {
    fn symbol(self) -> usize {
        match self {
            Token::Literal(b) => usize::from(b),
            Token::Match { length, offset } => {
                256 + 16 * (offset.max(1).ilog2() as usize) + (length.saturating_sub(3) as usize).min(15)
            }
        }
    }
}

const SYMBOLS: usize = 512;
const END_MARK: usize = 256;
const MAX_BITS: u8 = 15;

struct BitWriter {
    out: Vec<u8>,
    first: usize,
    second: usize,
    free: u32,
    word: u32,
}

impl BitWriter {
    fn new(mut out: Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        BitWriter { out, first: start, second: start + 2, free: 16, word: 0 }
    }

    fn store(&mut self, at: usize, word: u32) {
        self.out[at..at + 2].copy_from_slice(&(word as u16).to_le_bytes());
    }

    /// `count` ≤ 16 bits of `value`.
    fn put(&mut self, count: u32, value: u32) {
        if self.free >= count {
            self.free -= count;
            self.word = self.word << count | value;
            return;
        }
        let left = count - self.free;
        let word = self.word << self.free | value >> left;
        self.store(self.first, word);
        self.first = self.second;
        self.second = self.out.len();
        self.out.extend_from_slice(&[0; 2]);
        self.free = 16 - left;
        self.word = value & ((1 << left) - 1);
    }

    fn finish(mut self) -> Vec<u8> {
        let word = self.word << self.free;
        self.store(self.first, word);
        self.store(self.second, 0);
        self.out
    }
}

/// Canonical codes for the lengths.
fn codes(lengths: &[u8; SYMBOLS]) -> [u16; SYMBOLS] {
    let mut count = [0u16; 17];
    for &l in lengths {
        count[usize::from(l.min(16))] += 1;
    }
    count[0] = 0;
    let mut next = [0u16; 17];
    let mut code = 0u16;
    for l in 1..16 {
        code = code.wrapping_add(count[l - 1]) << 1;
        next[l] = code;
    }
    let mut out = [0u16; SYMBOLS];
    for (symbol, &l) in lengths.iter().enumerate() {
        if l != 0 {
            out[symbol] = next[usize::from(l)];
            next[usize::from(l)] = next[usize::from(l)].wrapping_add(1);
        }
    }
    out
}

/// Writes `tokens` with the code of the given lengths (which must cover every token's symbol and the end mark).
pub fn encode_tokens(tokens: &[Token], lengths: &[u8; SYMBOLS]) -> Vec<u8> {
    let codes = codes(lengths);
    let mut out = Vec::with_capacity(300 + tokens.len());
    out.extend(lengths.as_chunks::<2>().0.iter().map(|p| p[0] & 15 | p[1] << 4));
    let mut w = BitWriter::new(out);
    for &token in tokens {
        let symbol = token.symbol();
        w.put(u32::from(lengths[symbol]), u32::from(codes[symbol]));
        if let Token::Match { length, offset } = token {
            let extra = length.saturating_sub(3);
            if extra >= 15 {
                if extra - 15 < 255 {
                    w.out.push((extra - 15) as u8);
                } else {
                    w.out.push(255);
                    w.out.extend_from_slice(&(extra as u16).to_le_bytes());
                }
            }
            let bits = offset.max(1).ilog2();
            w.put(bits, offset & ((1 << bits) - 1));
        }
    }
    w.put(u32::from(lengths[END_MARK]), u32::from(codes[END_MARK]));
    w.finish()
}

/// Code lengths of at most 15 bits for the given counts; symbols with count 0 get none. At least two must be used.
fn code_lengths(counts: &[u32; SYMBOLS]) -> [u8; SYMBOLS] {
    let mut weights = *counts;
    loop {
        let lengths = huffman(&weights);
        if lengths.iter().all(|&l| l <= MAX_BITS) {
            return lengths;
        }
        // Flattening the weights shortens the longest codes; equal weights of 512 symbols need 9 bits.
        for w in weights.iter_mut().filter(|w| **w > 0) {
            *w = *w / 2 + 1;
        }
    }
}

fn huffman(weights: &[u32; SYMBOLS]) -> [u8; SYMBOLS] {
    let mut leaves: Vec<(u32, usize)> =
        weights.iter().enumerate().filter(|(_, w)| **w > 0).map(|(s, w)| (*w, s)).collect();
    leaves.sort_unstable();
    let n = leaves.len();
    let mut lengths = [0u8; SYMBOLS];
    if n < 2 {
        for (_, s) in leaves {
            lengths[s] = 1;
        }
        return lengths;
    }
    // Two queues: sorted leaves and inner nodes, which come out in order by themselves.
    let mut weight: Vec<u32> = leaves.iter().map(|l| l.0).collect();
    let mut parent = vec![0usize; 2 * n - 1];
    let (mut leaf, mut inner) = (0, n);
    for node in n..2 * n - 1 {
        let mut total = 0;
        for _ in 0..2 {
            let take_leaf = leaf < n && (inner >= weight.len() || weight[leaf] <= weight[inner]);
            let taken = if take_leaf { &mut leaf } else { &mut inner };
            total += weight[*taken];
            parent[*taken] = node;
            *taken += 1;
        }
        weight.push(total);
    }
    let mut depth = vec![0u8; 2 * n - 1];
    for node in (0..2 * n - 2).rev() {
        depth[node] = depth[parent[node]].saturating_add(1);
    }
    for (i, (_, s)) in leaves.iter().enumerate() {
        lengths[*s] = depth[i];
    }
    lengths
}

/// Reusable compressor: the matcher's tables live here.
pub struct Encoder {
    head: Vec<u16>,
    previous: Vec<u16>,
    tokens: Vec<Token>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

const HASH_BITS: u32 = 14;
const CHAIN: usize = 12;
const NONE: u16 = u16::MAX;

impl Encoder {
    pub fn new() -> Self {
        Encoder { head: vec![NONE; 1 << HASH_BITS], previous: vec![NONE; PIECE], tokens: Vec::new() }
    }

    /// Compresses one piece of 1 to 65,536 bytes. The caller checks that the result fits its record (u16 length).
    pub fn compress(&mut self, input: &[u8]) -> Vec<u8> {
        self.tokens.clear();
        self.head.fill(NONE);
        let input = &input[..input.len().min(PIECE)];
        let mut at = 0;
        while at < input.len() {
            match self.find(input, at) {
                Some((length, offset)) => {
                    self.tokens.push(Token::Match { length: length as u32, offset: offset as u32 });
                    // Long runs need no entry for each of their bytes.
                    for i in (at + 1..at + length).take(32) {
                        self.insert(input, i);
                    }
                    at += length;
                }
                None => {
                    self.tokens.push(Token::Literal(input[at]));
                    at += 1;
                }
            }
        }
        let mut counts = [0u32; SYMBOLS];
        counts[END_MARK] = 1;
        for t in &self.tokens {
            counts[t.symbol()] += 1;
        }
        encode_tokens(&self.tokens, &code_lengths(&counts))
    }

    fn slot(input: &[u8], at: usize) -> Option<usize> {
        let b = input.get(at..at + 4)?;
        let v = u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        Some((v.wrapping_mul(0x9E37_79B1) >> (32 - HASH_BITS)) as usize)
    }

    fn insert(&mut self, input: &[u8], at: usize) {
        // The last position equals the "none" mark; it can never be a match's source with room left anyway.
        if let Some(slot) = Self::slot(input, at) {
            self.previous[at] = self.head[slot];
            self.head[slot] = at as u16;
        }
    }

    /// The longest match at `at`, after which `at` itself is entered.
    fn find(&mut self, input: &[u8], at: usize) -> Option<(usize, usize)> {
        let slot = Self::slot(input, at)?;
        let mut candidate = self.head[slot];
        let limit = input.len() - at;
        let (mut best, mut offset) = (3, 0);
        for _ in 0..CHAIN {
            if candidate == NONE {
                break;
            }
            let from = usize::from(candidate);
            if best < limit && input[from + best] == input[at + best] {
                let length = input[from..].iter().zip(&input[at..]).take_while(|(a, b)| a == b).count();
                if length > best {
                    (best, offset) = (length, at - from);
                    if length >= 256 {
                        break;
                    }
                }
            }
            candidate = self.previous[from];
        }
        self.previous[at] = self.head[slot];
        self.head[slot] = at as u16;
        (offset != 0).then_some((best, offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compress::decompress;

    #[test]
    fn compresses_and_comes_back() {
        let mut s = 7u32;
        let mut noise = || {
            s = s.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (s >> 24) as u8
        };
        let mut e = Encoder::new();
        let random: Vec<u8> = (0..65_536).map(|_| noise()).collect();
        let text: Vec<u8> =
            (0..65_536).map(|i| b"the quick brown fox "[i % 20] ^ u8::from(i % 997 == 0)).collect();
        let skewed: Vec<u8> = (0..65_536).map(|_| noise() & noise() & noise() & noise()).collect();
        for input in [random.as_slice(), &text, &skewed, &[0; 65_536], &random[..512], &[1, 2, 3], &[9]] {
            let packed = e.compress(input);
            let mut out = vec![0; input.len()];
            decompress(&packed, &mut out).expect("decodes");
            assert!(out == input, "{} bytes", input.len());
        }
        assert!(e.compress(&[0; 65_536]).len() < 300);
    }
}
