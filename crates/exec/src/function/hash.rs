//! Hashes, checksums, GUIDs, base64.
//!
//! Invariants
//! 1. CHECKSUM gives equal values for values that compare equal; its numbers for strings are this server's own.
//! 2. GUIDs and random bytes come from the query's generator, which the session seeds from the world's entropy.
//! 3. What NEWSEQUENTIALID answers ascends, in the order of uniqueidentifier, as long as the server runs.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use holdfast_base::sha1::sha1;
use holdfast_plan::function::FunctionId;
use holdfast_types::base64::{base64, unbase64};
use holdfast_types::{SqlError, SqlResult, SqlString, SqlType, Value};

use super::{Call, gzip, not_yet};
use crate::expression::arithmetic::integer_value;
use crate::expression::collate;
use crate::operator::sort_key::encode_value;

/// Invariant 3: a number that counts, behind bytes that are this process's own.
fn next_sequential(random: &dyn Fn() -> u64) -> [u8; 16] {
    static RUN: OnceLock<([u8; 8], AtomicU64)> = OnceLock::new();
    // The lower half of the numbers is left to count through.
    let (node, count) =
        RUN.get_or_init(|| (random().to_le_bytes(), AtomicU64::new(random() & 0x7fff_ffff_ffff)));
    let [_, _, number @ ..] = count.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let mut g = [0u8; 16];
    // As uniqueidentifiers are ordered: the last six bytes, then two by two, the first four last.
    g[..4].copy_from_slice(&number[2..]);
    g[4..6].copy_from_slice(&number[..2]);
    g[7] = 0x11;
    g[8..].copy_from_slice(node);
    g[8] = (g[8] & 0x3f) | 0x80;
    g
}

pub fn call(c: &Call<'_>) -> SqlResult<Value> {
    let a = c.args;
    Ok(match c.function {
        FunctionId::NewSequentialId => Value::Guid(next_sequential(&|| c.ctx.query.next_random())),
        FunctionId::NewId => {
            let mut g = [0u8; 16];
            g[..8].copy_from_slice(&c.ctx.query.next_random().to_le_bytes());
            g[8..].copy_from_slice(&c.ctx.query.next_random().to_le_bytes());
            g[7] = (g[7] & 0x0f) | 0x40;
            g[8] = (g[8] & 0x3f) | 0x80;
            Value::Guid(g)
        }
        FunctionId::NextValueFor => super::sequence::next_value(c)?,
        FunctionId::PwdCompare | FunctionId::PwdEncrypt => return super::system::call(c),
        FunctionId::HashBytes => {
            let Value::String(algorithm) = &a[0] else { return Ok(Value::Null) };
            let bytes = bytes_of(&a[1], &c.types[1]);
            let digest = match algorithm.to_text().to_ascii_uppercase().as_str() {
                "MD5" => md5(&bytes).to_vec(),
                "SHA" | "SHA1" => sha1(&bytes).to_vec(),
                "SHA2_256" => sha256(&bytes).to_vec(),
                "SHA2_512" => sha512(&bytes).to_vec(),
                "MD2" | "MD4" => {
                    return Err(SqlError::not_supported(format!("The hash algorithm {algorithm}")));
                }
                _ => return Ok(Value::Null),
            };
            Value::Binary(digest.into())
        }
        FunctionId::Checksum => {
            let mut sum = 0u32;
            for (v, t) in a.iter().zip(c.types) {
                sum = sum.rotate_left(4) ^ one_checksum(v, t)?;
            }
            Value::Int(sum as i32)
        }
        FunctionId::BinaryChecksum => {
            let mut sum = 0u32;
            for (v, t) in a.iter().zip(c.types) {
                sum = match integer_value(v) {
                    Some(n) if !matches!(v, Value::BigInt(_)) => sum.rotate_left(4) ^ n as u32,
                    _ => bytes_of(v, t).iter().fold(sum, |s, &b| s.rotate_left(4) ^ u32::from(b)),
                };
            }
            Value::Int(sum as i32)
        }
        FunctionId::VarBinToHexStr => match &a[0] {
            Value::Binary(b) => Value::String(SqlString::from(hex(b, true))),
            _ => Value::Null,
        },
        // With 0x or not, bytes, first byte from 1, how many (0: all).
        FunctionId::VarBinToHexSubstring => {
            let number = |at: usize| a.get(at).and_then(integer_value).and_then(|n| usize::try_from(n).ok());
            let (Some(Value::Binary(b)), Some(from), Some(count)) = (a.get(1), number(2), number(3)) else {
                return Ok(Value::Null);
            };
            let Some(rest) = from.checked_sub(1).and_then(|n| b.get(n..)).filter(|r| !r.is_empty()) else {
                return Ok(Value::Null);
            };
            let part = if count == 0 { rest } else { &rest[..count.min(rest.len())] };
            Value::String(SqlString::from(hex(part, number(0) == Some(1))))
        }
        FunctionId::CryptGenRandom => {
            let n = integer_value(&a[0]).unwrap_or(0);
            if !(1..=8000).contains(&n) {
                return Ok(Value::Null);
            }
            let mut bytes = vec![0u8; n as usize];
            let random = SystemRandom::new().fill(&mut bytes);
            random.map_err(|_| SqlError::with_text(701, 17, "The system gives no random numbers."))?;
            Value::Binary(bytes.into())
        }
        FunctionId::Compress => Value::Binary(gzip::compress(&bytes_of(&a[0], &c.types[0]))?.into()),
        FunctionId::Decompress => match &a[0] {
            Value::Binary(b) => Value::Binary(gzip::decompress(b, c.ctx.query.budget())?.into()),
            _ => Value::Null,
        },
        FunctionId::Base64Encode => match &a[0] {
            Value::Binary(b) => {
                let url = a.get(1).and_then(integer_value).is_some_and(|n| n != 0);
                Value::String(SqlString::from(base64(b, url)))
            }
            _ => Value::Null,
        },
        FunctionId::Base64Decode => match &a[0] {
            Value::String(s) => {
                Value::Binary(unbase64(&s.to_text()).ok_or_else(|| SqlError::new(9803, &[&"base64"]))?.into())
            }
            _ => Value::Null,
        },
        other => return Err(not_yet(other)),
    })
}

fn hex(bytes: &[u8], prefix: bool) -> String {
    let mut s = String::with_capacity(bytes.len() * 2 + 2);
    s.push_str(if prefix { "0x" } else { "" });
    for x in bytes {
        s.push_str(&format!("{x:02x}"));
    }
    s
}

/// The bytes of a string or binary value as it is stored.
fn bytes_of(v: &Value, ty: &SqlType) -> Vec<u8> {
    match v {
        Value::Binary(b) => b.to_vec(),
        Value::String(s) if ty.id.is_unicode() => s.to_utf16le(),
        Value::String(s) => collate::encode(ty.collation, s.units()),
        Value::BigInt(x) => x.to_le_bytes().to_vec(),
        Value::Guid(g) => g.to_vec(),
        _ => {
            let mut key = Vec::new();
            // Any other type: its normalised key, which is the same for equal values.
            let _ = encode_value(v, ty, &mut key);
            key
        }
    }
}

fn one_checksum(v: &Value, ty: &SqlType) -> SqlResult<u32> {
    Ok(match v {
        Value::Null => 0x7fff_ffff,
        Value::Bit(_) | Value::TinyInt(_) | Value::SmallInt(_) | Value::Int(_) => {
            integer_value(v).unwrap_or(0) as u32
        }
        _ => {
            let mut key = Vec::new();
            encode_value(v, ty, &mut key)?;
            key.iter().fold(0x811c_9dc5u32, |h, &b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193))
        }
    })
}

/// Message padding of the MD and SHA families: 0x80, zeros, length in bits.
fn padded(data: &[u8], block: usize, length_bytes: usize, big_endian: bool) -> Vec<u8> {
    let mut m = data.to_vec();
    m.push(0x80);
    while m.len() % block != block - length_bytes {
        m.push(0);
    }
    let bits = (data.len() as u128) * 8;
    if big_endian {
        m.extend_from_slice(&bits.to_be_bytes()[16 - length_bytes..]);
    } else {
        m.extend_from_slice(&bits.to_le_bytes()[..length_bytes]);
    }
    m
}

fn md5(data: &[u8]) -> [u8; 16] {
    const S: [u32; 16] = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
    let mut h: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded(data, 64, 8, false).chunks_exact(64) {
        let w: Vec<u32> =
            block.chunks_exact(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect();
        let [mut a, mut b, mut c, mut d] = h;
        for i in 0..64 {
            let (f, g) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            // floor(2^32 · |sin(i + 1)|)
            let k = (((i + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let t = a.wrapping_add(f).wrapping_add(k).wrapping_add(w[g]);
            (a, d, c, b) = (d, c, b, b.wrapping_add(t.rotate_left(S[i / 16 * 4 + i % 4])));
        }
        for (x, y) in h.iter_mut().zip([a, b, c, d]) {
            *x = x.wrapping_add(y);
        }
    }
    let mut out = [0u8; 16];
    for (o, x) in out.chunks_exact_mut(4).zip(h) {
        o.copy_from_slice(&x.to_le_bytes());
    }
    out
}

fn primes(n: usize) -> Vec<u64> {
    let mut out: Vec<u64> = Vec::with_capacity(n);
    let mut c = 2u64;
    while out.len() < n {
        if out.iter().all(|p| !c.is_multiple_of(*p)) {
            out.push(c);
        }
        c += 1;
    }
    out
}

/// The first 64 bits of the fraction of the `root`-th root of `p` (2 or 3), by integer search.
fn root_fraction(p: u64, root: u32) -> u64 {
    use ethnum::U256;
    // The largest x with x^root ≤ p · 2^(64·root); its low 64 bits are the fraction.
    let target = U256::from(p) << (64 * root);
    let (mut low, mut high) = (U256::ZERO, U256::ONE << 70u32);
    while low + 1 < high {
        let mid = (low + high) >> 1u32;
        // mid < 2^70, so the cube of it stays below 2^210.
        if mid.pow(root) <= target { low = mid } else { high = mid }
    }
    (low & U256::from(u64::MAX)).as_u64()
}

/// Round constants and initial state of SHA-2: fractions of the cube and square roots of the first primes.
fn constants() -> &'static (Vec<u64>, Vec<u64>) {
    static CONSTANTS: OnceLock<(Vec<u64>, Vec<u64>)> = OnceLock::new();
    CONSTANTS.get_or_init(|| {
        let p = primes(80);
        let k = p.iter().map(|&p| root_fraction(p, 3)).collect();
        (k, p[..8].iter().map(|&p| root_fraction(p, 2)).collect())
    })
}

fn sha256(data: &[u8]) -> [u8; 32] {
    let (k, h) = constants();
    let k: Vec<u32> = k[..64].iter().map(|x| (x >> 32) as u32).collect();
    let mut h: Vec<u32> = h.iter().map(|x| (x >> 32) as u32).collect();
    for block in padded(data, 64, 8, true).chunks_exact(64) {
        let mut w: Vec<u32> =
            block.chunks_exact(4).map(|c| u32::from_be_bytes([c[0], c[1], c[2], c[3]])).collect();
        for i in 16..64 {
            let (x, y) = (w[i - 15], w[i - 2]);
            let s0 = x.rotate_right(7) ^ x.rotate_right(18) ^ (x >> 3);
            let s1 = y.rotate_right(17) ^ y.rotate_right(19) ^ (y >> 10);
            w.push(w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1));
        }
        let mut v = h.clone();
        for i in 0..64 {
            let s1 = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
            let ch = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let t1 = v[7].wrapping_add(s1).wrapping_add(ch).wrapping_add(k[i]).wrapping_add(w[i]);
            let s0 = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
            let maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(t1);
            v[0] = t1.wrapping_add(s0).wrapping_add(maj);
        }
        for (x, y) in h.iter_mut().zip(v) {
            *x = x.wrapping_add(y);
        }
    }
    let mut out = [0u8; 32];
    for (o, x) in out.chunks_exact_mut(4).zip(h) {
        o.copy_from_slice(&x.to_be_bytes());
    }
    out
}

fn sha512(data: &[u8]) -> [u8; 64] {
    let (k, h) = constants();
    let mut h = h.clone();
    for block in padded(data, 128, 16, true).chunks_exact(128) {
        let mut w: Vec<u64> = block
            .chunks_exact(8)
            .map(|c| u64::from_be_bytes([c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]]))
            .collect();
        for i in 16..80 {
            let (x, y) = (w[i - 15], w[i - 2]);
            let s0 = x.rotate_right(1) ^ x.rotate_right(8) ^ (x >> 7);
            let s1 = y.rotate_right(19) ^ y.rotate_right(61) ^ (y >> 6);
            w.push(w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1));
        }
        let mut v = h.clone();
        for i in 0..80 {
            let s1 = v[4].rotate_right(14) ^ v[4].rotate_right(18) ^ v[4].rotate_right(41);
            let ch = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let t1 = v[7].wrapping_add(s1).wrapping_add(ch).wrapping_add(k[i]).wrapping_add(w[i]);
            let s0 = v[0].rotate_right(28) ^ v[0].rotate_right(34) ^ v[0].rotate_right(39);
            let maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(t1);
            v[0] = t1.wrapping_add(s0).wrapping_add(maj);
        }
        for (x, y) in h.iter_mut().zip(v) {
            *x = x.wrapping_add(y);
        }
    }
    let mut out = [0u8; 64];
    for (o, x) in out.chunks_exact_mut(8).zip(h) {
        o.copy_from_slice(&x.to_be_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(b: &[u8]) -> String {
        b.iter().map(|x| format!("{x:02x}")).collect()
    }

    #[test]
    fn digests_of_the_published_examples() {
        assert_eq!(hex(&md5(b"abc")), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hex(&md5(b"")), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex(&sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hex(&sha512(b"abc"))[..32], *"ddaf35a193617abacc417349ae204131");
    }

    #[test]
    fn base64_both_ways() {
        for s in ["", "f", "fo", "foo", "foob", "fooba", "foobar"] {
            assert_eq!(unbase64(&base64(s.as_bytes(), false)).unwrap(), s.as_bytes());
        }
        assert_eq!(base64(b"foob", false), "Zm9vYg==");
        assert_eq!(base64(&[0xff, 0xfe], true), "__4");
    }
}
