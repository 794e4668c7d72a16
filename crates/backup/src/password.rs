//! Media and set passwords: the MD5 of the password's UTF-16LE bytes stands in the header. It protects nothing (the data is
//! plain); it is compared because a server that restores such a set asks for it.
//!
//! Evidence: the one corpus file with a media password accepts the word it was made with (test).

/// MD5 (RFC 1321) of a short input.
fn md5(input: &[u8]) -> [u8; 16] {
    const TURNS: [u32; 16] = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
    let mut state = [0x6745_2301u32, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476];
    let mut message = input.to_vec();
    message.push(0x80);
    message.resize((message.len() + 8).next_multiple_of(64) - 8, 0);
    message.extend_from_slice(&(input.len() as u64 * 8).to_le_bytes());
    for chunk in message.as_chunks::<64>().0 {
        let mut words = [0u32; 16];
        for (w, b) in words.iter_mut().zip(chunk.as_chunks::<4>().0) {
            *w = u32::from_le_bytes(*b);
        }
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64usize {
            let (mixed, index) = match i / 16 {
                0 => (b & c | !b & d, i),
                1 => (d & b | !d & c, (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), 7 * i % 16),
            };
            // The table of RFC 1321: the integer part of 2^32 |sin(i + 1)|.
            let constant = (((i + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(mixed).wrapping_add(constant).wrapping_add(words[index]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(TURNS[i / 16 * 4 + i % 4]));
        }
        for (s, v) in state.iter_mut().zip([a, b, c, d]) {
            *s = s.wrapping_add(v);
        }
    }
    let mut out = [0; 16];
    for (o, s) in out.chunks_mut(4).zip(state) {
        o.copy_from_slice(&s.to_le_bytes());
    }
    out
}

/// Whether `given` is the password whose digest is stored; without a stored digest anything is.
pub fn accepts(digest: Option<&[u8; 16]>, given: Option<&str>) -> bool {
    match (digest, given) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(d), Some(p)) => *d == md5(&crate::block::utf16(p)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        let hex = |b: [u8; 16]| b.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex(md5(b"")), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex(md5(b"abc")), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hex(md5(&[b'1'; 80])), hex(md5("1".repeat(80).as_bytes())));
        assert!(accepts(None, None) && !accepts(Some(&[0; 16]), None));
    }
}
