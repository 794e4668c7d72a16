//! Password hashes and the password policy.
//!
//! Forms, as bytes (`sys.sql_logins.password_hash`, `WITH PASSWORD = 0x… HASHED`):
//! `0x0200`, salt (4), SHA-512 of the password in UTF-16LE followed by the salt (64): SQL Server from 2012 on.
//! `0x0100`, salt (4), SHA-1 of the same (20), in old ones a second one of the upper-case password: SQL Server 2000 to 2008.
//! `0x4846`, rounds (4, big-endian), salt (16), PBKDF2-HMAC-SHA512 of the password in UTF-8 (64): Holdfast's own.
//!
//! Invariants
//! 1. A password in clear is only ever turned into the own form; the others are kept when they come as hashes.
//! 2. Hashes are compared in constant time.
//!
//! Evidence: documentation of PWDENCRYPT and `sys.sql_logins`; published examples of 0x0100 and 0x0200 (in the test below).

use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, pbkdf2};
use holdfast_types::SqlError;

const OWN: [u8; 2] = [0x48, 0x46];
const SHA512: [u8; 2] = [2, 0];
const SHA1: [u8; 2] = [1, 0];
const ROUNDS: u32 = 210_000;
const SALT: usize = 16;
const HASH: usize = 64;
/// Of SQL Server's forms.
const SQL_SALT: usize = 4;
const SHA1_HASH: usize = 20;

/// A stored hash in one of the forms above.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Vec<u8>);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

fn utf16(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn salted(algorithm: &'static digest::Algorithm, password: &str, salt: &[u8]) -> digest::Digest {
    let mut context = digest::Context::new(algorithm);
    context.update(&utf16(password));
    context.update(salt);
    context.finish()
}

/// Random bytes of the operating system. (aws-lc's own generator first gathers entropy from the processor's jitter, which takes a start of the
/// server longer than everything else.)
///
/// # Errors
/// When the system has none.
pub fn random<const N: usize>() -> Result<[u8; N], SqlError> {
    let mut out = [0u8; N];
    getrandom::fill(&mut out).map_err(|_| SqlError::with_text(845, 17, "No random numbers."))?;
    Ok(out)
}

impl PasswordHash {
    /// The own form of a password.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn of(password: &str) -> Result<Self, SqlError> {
        let salt = random::<SALT>()?;
        let rounds = NonZeroU32::new(ROUNDS).unwrap_or(NonZeroU32::MIN);
        Ok(Self::own(rounds, &salt, &Self::derive(password, &salt, rounds)))
    }

    /// The own form from its parts.
    pub fn own(rounds: NonZeroU32, salt: &[u8], hash: &[u8]) -> Self {
        PasswordHash([&OWN[..], &rounds.get().to_be_bytes(), salt, hash].concat())
    }

    fn derive(password: &str, salt: &[u8], rounds: NonZeroU32) -> [u8; HASH] {
        let mut out = [0u8; HASH];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, rounds, salt, password.as_bytes(), &mut out);
        out
    }

    /// One that nobody's password has, for names that do not exist: checking it costs what checking a real one costs.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn nobody() -> Result<Self, SqlError> {
        let rounds = NonZeroU32::new(ROUNDS).unwrap_or(NonZeroU32::MIN);
        Ok(Self::own(rounds, &random::<SALT>()?, &random::<HASH>()?))
    }

    /// SQL Server's form of a password (PWDENCRYPT).
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn sql_server(password: &str) -> Result<Self, SqlError> {
        let salt = random::<SQL_SALT>()?;
        let hash = salted(&digest::SHA512, password, &salt);
        Ok(PasswordHash([&SHA512[..], &salt, hash.as_ref()].concat()))
    }

    /// Bytes in one of the forms; `None` when they are in none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let fits = match bytes.get(..2)? {
            b if b == OWN => bytes.len() == 2 + 4 + SALT + HASH && bytes[2..6] != [0; 4],
            b if b == SHA512 => bytes.len() == 2 + SQL_SALT + HASH,
            b if b == SHA1 => {
                let rest = bytes.len().wrapping_sub(2 + SQL_SALT);
                rest == SHA1_HASH || rest == 2 * SHA1_HASH
            }
            _ => false,
        };
        fits.then(|| PasswordHash(bytes.to_vec()))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn verify(&self, password: &str) -> bool {
        let (form, rest) = self.0.split_at(2);
        let same = |a: &[u8], b: &[u8]| constant_time::verify_slices_are_equal(a, b).is_ok();
        if form == OWN {
            let (rounds, rest) = rest.split_at(4);
            let (salt, hash) = rest.split_at(SALT);
            let rounds = u32::from_be_bytes([rounds[0], rounds[1], rounds[2], rounds[3]]);
            let Some(rounds) = NonZeroU32::new(rounds) else { return false };
            return pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA512, rounds, salt, password.as_bytes(), hash)
                .is_ok();
        }
        let (salt, hash) = rest.split_at(SQL_SALT);
        if form == SHA512 {
            return same(salted(&digest::SHA512, password, salt).as_ref(), hash);
        }
        // The second hash of the old form is of the upper-case password and proves less.
        let first = &hash[..SHA1_HASH];
        same(salted(&digest::SHA1_FOR_LEGACY_USE_ONLY, password, salt).as_ref(), first)
    }
}

/// The policy behind CHECK_POLICY: eight characters of three kinds out of four, without the name in it.
///
/// # Errors
/// 15116 to 15118.
pub fn check_policy(name: &str, password: &str) -> Result<(), SqlError> {
    let length = password.chars().count();
    if length < 8 {
        return Err(SqlError::new(15116, &[]));
    }
    if length > 128 {
        return Err(SqlError::new(15117, &[]));
    }
    let holds_name = name.chars().count() >= 3 && password.to_lowercase().contains(&name.to_lowercase());
    let kinds = [
        password.chars().any(char::is_uppercase),
        password.chars().any(char::is_lowercase),
        password.chars().any(|c| c.is_ascii_digit()),
        password.chars().any(|c| !c.is_alphanumeric()),
    ];
    if holds_name || kinds.iter().filter(|k| **k).count() < 3 {
        return Err(SqlError::new(15118, &[]));
    }
    Ok(())
}

/// A random password that satisfies the policy.
///
/// # Errors
/// When there are no random numbers.
pub fn generate() -> Result<String, SqlError> {
    const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_";
    loop {
        let mut out = String::with_capacity(20);
        while out.len() < 20 {
            for b in random::<32>()? {
                // 59 letters out of 64 values: the rest is drawn again, so that all are equally likely.
                if let Some(&c) = ALPHABET.get(usize::from(b & 63)).filter(|_| out.len() < 20) {
                    out.push(char::from(c));
                }
            }
        }
        if check_policy("sa", &out).is_ok() && out.contains(|c: char| c.is_ascii_digit()) {
            return Ok(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy() {
        let number = |name: &str, password: &str| check_policy(name, password).err().map_or(0, |e| e.number);
        assert_eq!(number("sa", "Passw0rd!"), 0);
        assert_eq!(number("sa", "abcdEFGH1"), 0);
        assert_eq!(number("sa", "short1!"), 15116);
        assert_eq!(number("sa", "alllowercase1"), 15118);
        assert_eq!(number("peter", "xPeter123!"), 15118);
        assert_eq!(number("sa", &"aB1".repeat(50)), 15117);
        assert_eq!(number("sa", &generate().unwrap()), 0);
    }

    #[test]
    fn forms() {
        for hash in [PasswordHash::of("Pä$$w0rd").unwrap(), PasswordHash::sql_server("Pä$$w0rd").unwrap()] {
            let read = PasswordHash::from_bytes(hash.as_bytes()).unwrap();
            assert!(read.verify("Pä$$w0rd") && !read.verify("Pä$$w0rD") && !read.verify(""));
        }
        let unhex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
        };
        // Examples that a password checker publishes, of the password "hashcat".
        let old = unhex("010018102152f8f28c8499d8ef263c53f8be369d799f931b2fbe");
        let new = unhex(
            "02000102030434ea1b17802fd95ea6316bd61d2c94622ca3812793e8fb1672487b5c904a45a31b2ab4a78890d563d2fcf5663e46fe797d71550494be50cf4915d3f4d55ec375",
        );
        for bytes in [&old, &new] {
            let hash = PasswordHash::from_bytes(bytes).unwrap();
            assert!(hash.verify("hashcat") && !hash.verify("Hashcat"));
        }
        assert!(PasswordHash::from_bytes(&old[..20]).is_none());
        assert!(PasswordHash::from_bytes(&[3; 70]).is_none());
        assert!(PasswordHash::from_bytes(&[]).is_none());
    }
}
