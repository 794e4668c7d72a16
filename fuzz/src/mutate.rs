//! Changing bytes: flips, noise, extreme numbers, cuts, copies from elsewhere in the input. The sequence follows from the
//! random state alone.

/// xorshift64*.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.number() % n.max(1) as u64) as usize
    }
}

const EXTREMES: [u64; 12] =
    [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 40, u64::MAX];

/// A changed copy of `seed`; `changes` at most.
pub fn mutate(seed: &[u8], changes: usize, random: &mut Random) -> Vec<u8> {
    let mut out = seed.to_vec();
    for _ in 0..=random.below(changes) {
        if out.is_empty() {
            out.push(random.number() as u8);
        }
        // Headers stand at the front and slot arrays behind: half of the changes go there.
        let at = match random.below(4) {
            0 => random.below(out.len().min(256)),
            1 => out.len() - 1 - random.below(out.len().min(128)),
            _ => random.below(out.len()),
        };
        match random.below(10) {
            0 | 1 => out[at] ^= 1 << random.below(8),
            2 | 3 => out[at] = random.number() as u8,
            4 | 5 => {
                let value = EXTREMES[random.below(EXTREMES.len())].to_le_bytes();
                let width = [1, 2, 4, 8][random.below(4)].min(out.len() - at);
                out[at..at + width].copy_from_slice(&value[..width]);
            }
            6 => {
                let width = [2, 4][random.below(2)].min(out.len() - at);
                let mut word = [0u8; 4];
                word[..width].copy_from_slice(&out[at..at + width]);
                let moved = u32::from_le_bytes(word).wrapping_add(random.below(9) as u32).wrapping_sub(4);
                out[at..at + width].copy_from_slice(&moved.to_le_bytes()[..width]);
            }
            7 => {
                let (from, to) = (random.below(out.len()), at);
                let length = random.below(64).min(out.len() - from).min(out.len() - to);
                out.copy_within(from..from + length, to);
            }
            8 if random.below(4) == 0 => out.truncate(at),
            8 => {
                let end = (at + 1 + random.below(16)).min(out.len());
                out[at..end].fill([0, 0xFF][random.below(2)]);
            }
            _ if out.len() < 1 << 16 => {
                if random.below(2) == 0 {
                    out.remove(at);
                } else {
                    let part = out[at..(at + 1 + random.below(16)).min(out.len())].to_vec();
                    out.splice(at..at, part);
                }
            }
            _ => out[at] = 0,
        }
    }
    out
}
