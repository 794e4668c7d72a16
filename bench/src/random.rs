//! Random numbers for loads: the same for the same client in every run.

/// Xorshift.
pub struct Random(u64);

impl Random {
    pub fn new(client: u64) -> Self {
        Random(client.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// From 0 to `n` - 1.
    pub fn below(&mut self, n: i32) -> i32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as i32
    }
}
