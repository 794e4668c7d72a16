//! Base64 (RFC 4648): the text of binary values in XML, JSON and BASE64_ENCODE.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64, with padding unless `url` asks for the form for addresses.
pub fn base64(bytes: &[u8], url: bool) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    let sign = |n: u32| {
        let c = ALPHABET[(n & 63) as usize] as char;
        match c {
            '+' if url => '-',
            '/' if url => '_',
            c => c,
        }
    };
    for chunk in bytes.chunks(3) {
        let b = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let n = b(0) << 16 | b(1) << 8 | b(2);
        for k in 0..4 {
            if k <= chunk.len() {
                out.push(sign(n >> (18 - 6 * k)));
            } else if !url {
                out.push('=');
            }
        }
    }
    out
}

/// Reads either form of base64, blanks and missing padding allowed; `None` for any other character.
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut n, mut bits) = (0u32, 0);
    for c in text.bytes().filter(|c| !c.is_ascii_whitespace()) {
        if c == b'=' {
            break;
        }
        let c = match c {
            b'-' => b'+',
            b'_' => b'/',
            c => c,
        };
        let v = ALPHABET.iter().position(|&a| a == c)? as u32;
        n = n << 6 | v;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((n >> bits) as u8);
        }
    }
    Some(out)
}
