//! SQL logins: names with salted PBKDF2-HMAC-SHA512 hashes in one private file.
//!
//! File `security/logins`, one line each: `name TAB iterations TAB salt(hex) TAB hash(hex)`; the first line names the format.
//!
//! Invariants
//! 1. Verification takes the same work for unknown names; hashes are compared in constant time.
//! 2. A correct password is remembered as a keyed digest for the life of the process, so that connection pools do not pay the
//!    derivation at every login; the key never leaves memory.
//! 3. Repeated failures from one address are answered ever more slowly, up to [`DELAY_MAX`].

use std::collections::HashMap;
use std::fmt::Write;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::{constant_time, hmac, pbkdf2};
use parking_lot::Mutex;
use thiserror::Error;

use super::{private_dir, write_private};

const FORMAT: &str = "holdfast-logins 1";
const ITERATIONS: u32 = 210_000;
const SALT: usize = 16;
const HASH: usize = 64;
/// Longest wait before a refusal.
pub const DELAY_MAX: Duration = Duration::from_secs(5);
/// Addresses whose failures are remembered.
const ADDRESSES_MAX: usize = 4096;
/// Failures older than this are forgotten.
const FORGET: Duration = Duration::from_secs(600);

#[derive(Debug, Error)]
pub enum LoginError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path}: line {line} is not a login")]
    Format { path: PathBuf, line: usize },
    #[error(
        "the password is too weak: it needs at least 8 characters, at most 128, of three of these kinds: \
         upper-case letters, lower-case letters, digits, other characters"
    )]
    Weak,
    #[error("no random numbers")]
    Random,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoginVerdict {
    Accepted,
    Refused,
}

#[derive(Clone)]
struct Entry {
    /// As created; names compare without case.
    name: String,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

struct Failures {
    count: u32,
    last: Instant,
}

pub struct LoginStore {
    path: PathBuf,
    entries: Mutex<HashMap<String, Entry>>,
    /// Keyed digests of passwords that were right, by folded name.
    known: Mutex<HashMap<String, hmac::Tag>>,
    key: hmac::Key,
    failures: Mutex<HashMap<IpAddr, Failures>>,
    /// Stands in for unknown names.
    dummy: Entry,
}

fn derive(password: &str, salt: &[u8], iterations: NonZeroU32) -> [u8; HASH] {
    let mut out = [0u8; HASH];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, iterations, salt, password.as_bytes(), &mut out);
    out
}

fn random<const N: usize>() -> Result<[u8; N], LoginError> {
    let mut out = [0u8; N];
    SystemRandom::new().fill(&mut out).map_err(|_| LoginError::Random)?;
    Ok(out)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}

/// SQL Server's password policy: length and three of four kinds, without the name in it.
pub fn is_strong(name: &str, password: &str) -> bool {
    let length = password.chars().count();
    if !(8..=128).contains(&length) {
        return false;
    }
    if name.chars().count() >= 3 && password.to_lowercase().contains(&name.to_lowercase()) {
        return false;
    }
    let kinds = [
        password.chars().any(char::is_uppercase),
        password.chars().any(char::is_lowercase),
        password.chars().any(|c| c.is_ascii_digit()),
        password.chars().any(|c| !c.is_alphanumeric()),
    ];
    kinds.iter().filter(|k| **k).count() >= 3
}

/// A random password that satisfies the policy.
pub fn generate_password() -> Result<String, LoginError> {
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
        if is_strong("sa", &out) && out.contains(|c: char| c.is_ascii_digit()) {
            return Ok(out);
        }
    }
}

impl LoginStore {
    /// Reads the file; an absent one is an empty store.
    pub fn open(data_dir: &Path) -> Result<Self, LoginError> {
        let dir = data_dir.join("security");
        private_dir(&dir).map_err(|source| LoginError::File { path: dir.clone(), source })?;
        let path = dir.join("logins");
        let text = match std::fs::read_to_string(&path) {
            Ok(t) => t,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(LoginError::File { path, source }),
        };
        let mut entries = HashMap::new();
        for (number, line) in text.lines().enumerate() {
            if number == 0 && line == FORMAT || line.is_empty() {
                continue;
            }
            let entry =
                parse(line).ok_or_else(|| LoginError::Format { path: path.clone(), line: number + 1 })?;
            entries.insert(entry.name.to_lowercase(), entry);
        }
        let salt = random::<SALT>()?.to_vec();
        let iterations = NonZeroU32::new(ITERATIONS).ok_or(LoginError::Random)?;
        Ok(LoginStore {
            path,
            entries: Mutex::new(entries),
            known: Mutex::new(HashMap::new()),
            key: hmac::Key::new(hmac::HMAC_SHA512, &random::<64>()?),
            failures: Mutex::new(HashMap::new()),
            dummy: Entry { name: String::new(), iterations, salt, hash: random::<HASH>()?.to_vec() },
        })
    }

    pub fn contains(&self, name: &str) -> bool {
        self.entries.lock().contains_key(&name.to_lowercase())
    }

    /// Creates the login or changes its password, and saves the file.
    pub fn set_password(&self, name: &str, password: &str) -> Result<(), LoginError> {
        if !is_strong(name, password) {
            return Err(LoginError::Weak);
        }
        let salt = random::<SALT>()?.to_vec();
        let iterations = NonZeroU32::new(ITERATIONS).ok_or(LoginError::Random)?;
        let hash = derive(password, &salt, iterations).to_vec();
        let folded = name.to_lowercase();
        let mut entries = self.entries.lock();
        let mut changed = entries.clone();
        changed.insert(folded.clone(), Entry { name: name.to_owned(), iterations, salt, hash });
        self.save(&changed)?;
        *entries = changed;
        self.known.lock().remove(&folded);
        Ok(())
    }

    fn save(&self, entries: &HashMap<String, Entry>) -> Result<(), LoginError> {
        let mut text = format!("{FORMAT}\n");
        let mut sorted: Vec<&Entry> = entries.values().collect();
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        for e in sorted {
            let _ = writeln!(text, "{}\t{}\t{}\t{}", e.name, e.iterations, hex(&e.salt), hex(&e.hash));
        }
        write_private(&self.path, text.as_bytes())
            .map_err(|source| LoginError::File { path: self.path.clone(), source })
    }

    /// Takes tens of milliseconds the first time; call it on a blocking thread.
    pub fn verify(&self, name: &str, password: &str) -> LoginVerdict {
        let folded = name.to_lowercase();
        let tag = hmac::sign(&self.key, password.as_bytes());
        let remembered = self.known.lock().get(&folded).is_some_and(|known| {
            constant_time::verify_slices_are_equal(known.as_ref(), tag.as_ref()).is_ok()
        });
        if remembered {
            return LoginVerdict::Accepted;
        }
        let entry = self.entries.lock().get(&folded).cloned();
        let found = entry.is_some();
        let entry = entry.unwrap_or_else(|| self.dummy.clone());
        let right = pbkdf2::verify(
            pbkdf2::PBKDF2_HMAC_SHA512,
            entry.iterations,
            &entry.salt,
            password.as_bytes(),
            &entry.hash,
        )
        .is_ok();
        if right && found {
            self.known.lock().insert(folded, tag);
            LoginVerdict::Accepted
        } else {
            LoginVerdict::Refused
        }
    }

    /// Notes a failure and says how long to wait before answering.
    pub fn failed(&self, address: IpAddr) -> Duration {
        let now = Instant::now();
        let mut failures = self.failures.lock();
        if failures.len() >= ADDRESSES_MAX {
            failures.retain(|_, f| now.duration_since(f.last) < FORGET);
            if failures.len() >= ADDRESSES_MAX {
                return DELAY_MAX;
            }
        }
        let f = failures.entry(address).or_insert(Failures { count: 0, last: now });
        if now.duration_since(f.last) >= FORGET {
            f.count = 0;
        }
        f.count = f.count.saturating_add(1);
        f.last = now;
        Duration::from_millis(100 << f.count.saturating_sub(1).min(6)).min(DELAY_MAX)
    }

    pub fn succeeded(&self, address: IpAddr) {
        self.failures.lock().remove(&address);
    }
}

fn parse(line: &str) -> Option<Entry> {
    let mut parts = line.split('\t');
    let name = parts.next()?.to_owned();
    let iterations = parts.next()?.parse().ok()?;
    let salt = unhex(parts.next()?)?;
    let hash = unhex(parts.next()?)?;
    (parts.next().is_none() && !name.is_empty() && hash.len() == HASH).then_some(Entry {
        name,
        iterations,
        salt,
        hash,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy() {
        assert!(is_strong("sa", "Passw0rd!"));
        assert!(is_strong("sa", "abcdEFGH1"));
        assert!(!is_strong("sa", "short1!"));
        assert!(!is_strong("sa", "alllowercase1"));
        assert!(!is_strong("peter", "xPeter123!"));
        assert!(is_strong("sa", &generate_password().unwrap()));
    }

    #[test]
    fn stored_and_verified() {
        let dir = std::env::temp_dir().join(format!("holdfast-logins-{}", std::process::id()));
        let store = LoginStore::open(&dir).unwrap();
        assert!(matches!(store.set_password("sa", "weak"), Err(LoginError::Weak)));
        store.set_password("sa", "Str0ng-one").unwrap();
        let store = LoginStore::open(&dir).unwrap();
        assert_eq!(store.verify("SA", "Str0ng-one"), LoginVerdict::Accepted);
        assert_eq!(store.verify("SA", "Str0ng-one"), LoginVerdict::Accepted);
        assert_eq!(store.verify("sa", "Str0ng-onE"), LoginVerdict::Refused);
        assert_eq!(store.verify("nobody", "Str0ng-one"), LoginVerdict::Refused);
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir.join("security/logins")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn failures_slow_down() {
        let dir = std::env::temp_dir().join(format!("holdfast-failures-{}", std::process::id()));
        let store = LoginStore::open(&dir).unwrap();
        let a = IpAddr::from([127, 0, 0, 1]);
        let first = store.failed(a);
        let mut last = first;
        for _ in 0..20 {
            last = store.failed(a);
        }
        assert!(first < last && last <= DELAY_MAX);
        store.succeeded(a);
        assert_eq!(store.failed(a), first);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
