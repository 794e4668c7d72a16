//! The principals of the server: logins, server roles, their members, server permissions, in one private file.
//!
//! Invariants
//! 1. `security/logins` is written whole to a file beside it, synced, renamed over the old one, and the directory synced,
//!    before a change is seen by anybody: a crash leaves the old or the new file. One that cannot be read stops the start.
//! 2. Login `sa` (principal 1, SID 0x01) is always there and always in `sysadmin`; without a password nobody can log in as it.
//! 3. `version` counts the changes; what was derived from another version is derived again.
//! 4. Verification takes the same work for names that do not exist. A password that was right is remembered as a keyed digest for the life of
//!    the process, so that connection pools do not pay the derivation at every login; the key never leaves memory.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::{constant_time, hmac};
use holdfast_disk::{private_directory, write_private};
use holdfast_types::{DateTime, NameOrder, SqlError, SqlResult};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::password::{PasswordHash, random};

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path}: {reason}")]
    Format { path: PathBuf, reason: String },
    #[error("no random numbers")]
    Random,
}

/// First id that a login or role of a user gets.
const FIRST_ID: i32 = 257;
/// Ids of fixed principals.
pub const SA: i32 = 1;
pub const PUBLIC: i32 = 2;
pub const SYSADMIN: i32 = 3;

/// Fixed server roles: id, name.
pub const FIXED_ROLES: &[(i32, &str)] = &[
    (PUBLIC, "public"),
    (SYSADMIN, "sysadmin"),
    (4, "securityadmin"),
    (5, "serveradmin"),
    (6, "setupadmin"),
    (7, "processadmin"),
    (8, "diskadmin"),
    (9, "dbcreator"),
    (10, "bulkadmin"),
];

/// Adds the roles that `id` is in, however deeply; `members`: (role, member).
pub fn add_roles(members: &[(i32, i32)], id: i32, found: &mut Vec<i32>) {
    let mut next = vec![id];
    while let Some(member) = next.pop() {
        for (role, _) in members.iter().filter(|m| m.1 == member) {
            if !found.contains(role) {
                found.push(*role);
                next.push(*role);
            }
        }
    }
}

/// Class of a permission on the server itself, and on a login or role.
pub const ON_SERVER: u8 = 100;
pub const ON_PRINCIPAL: u8 = 101;

/// A login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub id: i32,
    pub name: String,
    #[serde(with = "hexadecimal")]
    pub sid: Vec<u8>,
    #[serde(with = "hash")]
    pub password: Option<PasswordHash>,
    pub disabled: bool,
    pub default_database: String,
    pub default_language: String,
    pub check_policy: bool,
    pub check_expiration: bool,
    pub must_change: bool,
    #[serde(with = "moment")]
    pub created: DateTime,
    #[serde(with = "moment")]
    pub modified: DateTime,
    #[serde(with = "moment")]
    pub password_set: DateTime,
}

/// A server role that somebody made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerRole {
    pub id: i32,
    pub name: String,
    #[serde(with = "hexadecimal")]
    pub sid: Vec<u8>,
    pub owner: i32,
    #[serde(with = "moment")]
    pub created: DateTime,
    #[serde(with = "moment")]
    pub modified: DateTime,
}

/// A permission at the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerPermission {
    pub class: u8,
    /// 0 for the server.
    pub major: i32,
    pub grantee: i32,
    pub grantor: i32,
    /// Its letters, without blanks.
    pub code: String,
    /// G, W or D.
    pub state: char,
}

/// Everything there is at one moment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principals {
    /// Layout of the file.
    version: u32,
    pub logins: Vec<Login>,
    pub roles: Vec<ServerRole>,
    /// Role and member.
    pub members: Vec<(i32, i32)>,
    pub permissions: Vec<ServerPermission>,
}

const VERSION: u32 = 2;
/// The first line of files of layout 1: a name, rounds, salt and hash a line.
const OLD_FORMAT: &str = "holdfast-logins 1";

impl Principals {
    pub fn login(&self, name: &str) -> Option<&Login> {
        self.logins.iter().find(|l| same(&l.name, name))
    }

    pub fn login_mut(&mut self, name: &str) -> Option<&mut Login> {
        self.logins.iter_mut().find(|l| same(&l.name, name))
    }

    pub fn login_of_sid(&self, sid: &[u8]) -> Option<&Login> {
        self.logins.iter().find(|l| l.sid == sid)
    }

    /// Id of a role, fixed or not.
    pub fn role(&self, name: &str) -> Option<i32> {
        let fixed = FIXED_ROLES.iter().find(|r| same(r.1, name)).map(|r| r.0);
        fixed.or_else(|| self.roles.iter().find(|r| same(&r.name, name)).map(|r| r.id))
    }

    /// Id of a login or role.
    pub fn principal(&self, name: &str) -> Option<i32> {
        self.login(name).map(|l| l.id).or_else(|| self.role(name))
    }

    pub fn name_of(&self, id: i32) -> Option<&str> {
        let login = self.logins.iter().find(|l| l.id == id).map(|l| l.name.as_str());
        let role = || self.roles.iter().find(|r| r.id == id).map(|r| r.name.as_str());
        let fixed = || FIXED_ROLES.iter().find(|r| r.0 == id).map(|r| r.1);
        login.or_else(role).or_else(fixed)
    }

    pub fn free_id(&self) -> i32 {
        let used = self.logins.iter().map(|l| l.id).chain(self.roles.iter().map(|r| r.id));
        used.max().unwrap_or(0).max(FIRST_ID - 1) + 1
    }

    /// The roles a principal is in, however deeply, `public` among them.
    pub fn roles_of(&self, id: i32) -> Vec<i32> {
        let mut found = vec![PUBLIC];
        if id == SA {
            found.push(SYSADMIN);
        }
        add_roles(&self.members, id, &mut found);
        found
    }

    /// Sets a permission; `None` takes it away.
    pub fn set_permission(&mut self, p: ServerPermission, set: bool) {
        self.permissions
            .retain(|o| (o.class, o.major, o.grantee, &o.code) != (p.class, p.major, p.grantee, &p.code));
        if set {
            self.permissions.push(p);
        }
    }

    /// Forgets everything about a principal that goes away.
    pub fn forget(&mut self, id: i32) {
        self.logins.retain(|l| l.id != id);
        self.roles.retain(|r| r.id != id);
        self.members.retain(|m| m.0 != id && m.1 != id);
        self.permissions.retain(|p| p.grantee != id && !(p.class == ON_PRINCIPAL && p.major == id));
    }

    /// Takes back what became of `before` when it became `after`; what others have changed since stays.
    pub fn take_back(&mut self, before: &Principals, after: &Principals) {
        fn restore<T: Clone + PartialEq>(
            now: &mut Vec<T>,
            before: &[T],
            after: &[T],
            same: impl Fn(&T, &T) -> bool,
        ) {
            for old in before.iter().filter(|old| !after.contains(old)) {
                // It was changed or removed.
                match now.iter_mut().find(|n| same(n, old)) {
                    Some(place) => place.clone_from(old),
                    None => now.push(old.clone()),
                }
            }
            for new in after.iter().filter(|new| !before.iter().any(|old| same(old, new))) {
                now.retain(|n| !same(n, new));
            }
        }
        restore(&mut self.logins, &before.logins, &after.logins, |a, b| a.id == b.id);
        restore(&mut self.roles, &before.roles, &after.roles, |a, b| a.id == b.id);
        restore(&mut self.members, &before.members, &after.members, |a, b| a == b);
        restore(&mut self.permissions, &before.permissions, &after.permissions, |a, b| {
            (a.class, a.major, a.grantee, &a.code) == (b.class, b.major, b.grantee, &b.code)
        });
    }

    /// A login with its CONNECT SQL.
    pub fn add(&mut self, login: Login) {
        let code = "COSQ".to_owned();
        let connect =
            ServerPermission { class: ON_SERVER, major: 0, grantee: login.id, grantor: SA, code, state: 'G' };
        self.set_permission(connect, true);
        self.logins.push(login);
    }
}

/// Names of logins and server roles are compared as the instance does.
pub fn same(a: &str, b: &str) -> bool {
    NameOrder::instance().same(a, b)
}

/// What a password was found to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoginVerdict {
    Accepted,
    /// There is no such login.
    Unknown,
    WrongPassword,
    /// The rest is said only to who knows the password.
    Disabled,
    MustChange,
}

/// The open file.
pub struct LoginStore {
    path: PathBuf,
    now: RwLock<Arc<Principals>>,
    version: AtomicU64,
    /// Held while a change is made.
    changing: Mutex<()>,
    /// Keyed digests of passwords that were right, by login and the hash they were right for.
    known: Mutex<HashMap<i32, (PasswordHash, hmac::Tag)>>,
    key: hmac::Key,
    nobody: PasswordHash,
}

impl LoginStore {
    /// Reads the file of a data directory; an absent one holds `sa` alone, without a password.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn open(data_directory: &Path) -> Result<Self, StoreError> {
        let directory = data_directory.join("security");
        private_directory(&directory)
            .map_err(|source| StoreError::File { path: directory.clone(), source })?;
        let path = directory.join("logins");
        let text = match std::fs::read_to_string(&path) {
            Ok(t) => Some(t),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => return Err(StoreError::File { path, source }),
        };
        let format = |reason: String| StoreError::Format { path: path.clone(), reason };
        // A file that is there and empty is a damaged one: logins are not forgotten silently.
        let mut found = match &text {
            None => Principals { version: VERSION, ..Principals::default() },
            Some(t) if t.starts_with(OLD_FORMAT) => {
                old_file(t).map_err(|line| format(format!("line {line} is not a login")))?
            }
            Some(t) => serde_json::from_str(t).map_err(|e| format(e.to_string()))?,
        };
        if found.version != VERSION {
            return Err(format(format!("layout {} is not known to this build", found.version)));
        }
        if !found.logins.iter().any(|l| l.id == SA) {
            found.add(Login { check_policy: true, ..new_login(SA, "sa", vec![1]) });
        }
        let key = random::<64>().map_err(|_| StoreError::Random)?;
        Ok(LoginStore {
            path,
            now: RwLock::new(Arc::new(found)),
            version: AtomicU64::new(1),
            changing: Mutex::new(()),
            known: Mutex::new(HashMap::new()),
            key: hmac::Key::new(hmac::HMAC_SHA512, &key),
            nobody: PasswordHash::nobody().map_err(|_| StoreError::Random)?,
        })
    }

    pub fn read(&self) -> Arc<Principals> {
        Arc::clone(&self.now.read())
    }

    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Whether somebody can log in under that name.
    pub fn has_password(&self, name: &str) -> bool {
        self.read().login(name).is_some_and(|l| l.password.is_some())
    }

    /// Changes what there is, all or nothing (invariant 1).
    ///
    /// # Errors
    /// Those of `f`; 3634 when the file cannot be written.
    pub fn change<T>(&self, f: impl FnOnce(&mut Principals) -> SqlResult<T>) -> SqlResult<T> {
        self.change_knowing(f).map(|(out, _)| out)
    }

    /// The same; answers what there was before and after, too.
    pub fn change_knowing<T>(
        &self,
        f: impl FnOnce(&mut Principals) -> SqlResult<T>,
    ) -> SqlResult<(T, (Arc<Principals>, Arc<Principals>))> {
        let _alone = self.changing.lock();
        let before = self.read();
        let mut changed = Principals::clone(&before);
        let out = f(&mut changed)?;
        let written = serde_json::to_vec_pretty(&changed)
            .map_err(std::io::Error::other)
            .and_then(|bytes| write_private(&self.path, &bytes));
        written.map_err(|e| SqlError::new(3634, &[&e, &"writing", &self.path.display()]))?;
        let changed = Arc::new(changed);
        *self.now.write() = Arc::clone(&changed);
        self.version.fetch_add(1, Ordering::AcqRel);
        Ok((out, (before, changed)))
    }

    /// Sets a login's password under the policy. Takes tens of milliseconds.
    ///
    /// # Errors
    /// 15116 to 15118; 15151 when there is no such login.
    pub fn set_password(&self, name: &str, password: &str) -> SqlResult<()> {
        super::password::check_policy(name, password)?;
        let hash = PasswordHash::of(password)?;
        self.change(|p| {
            let login =
                p.login_mut(name).ok_or_else(|| SqlError::new(15151, &[&"alter", &"login", &name]))?;
            login.password = Some(hash);
            login.must_change = false;
            Ok(())
        })
    }

    /// Whether the password is the login's. Takes tens of milliseconds the first time; call it on a blocking thread.
    pub fn verify(&self, name: &str, password: &str) -> LoginVerdict {
        let principals = self.read();
        let login = principals.login(name);
        let hash = login.and_then(|l| l.password.clone());
        let tag = hmac::sign(&self.key, password.as_bytes());
        let right = match (login, &hash) {
            (Some(login), Some(hash)) => {
                let remembered = self.known.lock().get(&login.id).is_some_and(|(h, known)| {
                    h == hash && constant_time::verify_slices_are_equal(known.as_ref(), tag.as_ref()).is_ok()
                });
                let right = remembered || hash.verify(password);
                if right && !remembered {
                    self.known.lock().insert(login.id, (hash.clone(), tag));
                }
                right
            }
            _ => {
                self.nobody.verify(password);
                false
            }
        };
        match login {
            None => LoginVerdict::Unknown,
            Some(_) if !right => LoginVerdict::WrongPassword,
            Some(l) if l.disabled => LoginVerdict::Disabled,
            Some(l) if l.must_change => LoginVerdict::MustChange,
            Some(_) => LoginVerdict::Accepted,
        }
    }
}

/// A login with the usual settings and no password.
pub fn new_login(id: i32, name: &str, sid: Vec<u8>) -> Login {
    Login {
        id,
        name: name.to_owned(),
        sid,
        password: None,
        disabled: false,
        default_database: "master".to_owned(),
        default_language: "us_english".to_owned(),
        check_policy: false,
        check_expiration: false,
        must_change: false,
        created: DateTime::default(),
        modified: DateTime::default(),
        password_set: DateTime::default(),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Layout 1, in which only `sa` could be; the number of the first bad line otherwise.
fn old_file(text: &str) -> Result<Principals, usize> {
    let mut out = Principals { version: VERSION, ..Principals::default() };
    for (number, line) in text.lines().enumerate().skip(1).filter(|l| !l.1.is_empty()) {
        let parse = || -> Option<Login> {
            let mut parts = line.split('\t');
            let name = parts.next().filter(|n| !n.is_empty())?;
            let rounds: NonZeroU32 = parts.next()?.parse().ok()?;
            let (salt, hash) = (unhex(parts.next()?)?, unhex(parts.next()?)?);
            let own = PasswordHash::own(rounds, &salt, &hash);
            let password = Some(PasswordHash::from_bytes(own.as_bytes())?);
            let sa = same(name, "sa").then(|| new_login(SA, "sa", vec![1]))?;
            parts.next().is_none().then_some(Login { password, check_policy: true, ..sa })
        };
        out.add(parse().ok_or(number + 1)?);
    }
    Ok(out)
}

mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&super::hex(bytes))
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(d)?;
        super::unhex(&text).ok_or_else(|| serde::de::Error::custom("not hexadecimal"))
    }
}

mod hash {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::PasswordHash;

    pub fn serialize<S: Serializer>(h: &Option<PasswordHash>, s: S) -> Result<S::Ok, S::Error> {
        match h {
            Some(h) => s.serialize_str(&super::hex(h.as_bytes())),
            None => s.serialize_none(),
        }
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<PasswordHash>, D::Error> {
        let Some(text) = Option::<String>::deserialize(d)? else { return Ok(None) };
        let hash = super::unhex(&text).and_then(|b| PasswordHash::from_bytes(&b));
        hash.map(Some).ok_or_else(|| serde::de::Error::custom("not a password hash"))
    }
}

/// Days since 1900 and ticks of 1/300 s.
mod moment {
    use holdfast_types::DateTime;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(m: &DateTime, s: S) -> Result<S::Ok, S::Error> {
        (m.days, m.ticks).serialize(s)
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<DateTime, D::Error> {
        let (days, ticks) = <(i32, u32)>::deserialize(d)?;
        Ok(DateTime { days, ticks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_and_verified() {
        let dir = tempfile::tempdir().unwrap();
        let store = LoginStore::open(dir.path()).unwrap();
        assert!(!store.has_password("sa"));
        assert_eq!(store.verify("sa", ""), LoginVerdict::WrongPassword);
        assert_eq!(store.set_password("sa", "weak").unwrap_err().number, 15116);
        store.set_password("sa", "Str0ng-one").unwrap();
        store
            .change(|p| {
                let hash = PasswordHash::sql_server("Other-0ne").ok();
                p.add(Login {
                    password: hash,
                    disabled: true,
                    ..new_login(p.free_id(), "Anna", vec![7; 16])
                });
                p.members.push((9, 257));
                Ok(())
            })
            .unwrap();
        let store = LoginStore::open(dir.path()).unwrap();
        assert_eq!(store.verify("SA", "Str0ng-one"), LoginVerdict::Accepted);
        assert_eq!(store.verify("SA", "Str0ng-one"), LoginVerdict::Accepted);
        assert_eq!(store.verify("sa", "Str0ng-onE"), LoginVerdict::WrongPassword);
        assert_eq!(store.verify("nobody", "Str0ng-one"), LoginVerdict::Unknown);
        assert_eq!(store.verify("anna", "Other-0ne"), LoginVerdict::Disabled);
        assert_eq!(store.verify("anna", "Other-0nE"), LoginVerdict::WrongPassword);
        let now = store.read();
        assert_eq!(now.roles_of(257), [PUBLIC, 9]);
        assert_eq!(now.roles_of(SA), [PUBLIC, SYSADMIN]);
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir.path().join("security/logins")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_change_that_fails_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = LoginStore::open(dir.path()).unwrap();
        let before = store.version();
        let failed: SqlResult<()> = store.change(|p| {
            p.logins.clear();
            Err(SqlError::new(15151, &[]))
        });
        assert!(failed.is_err() && store.version() == before && store.read().login("sa").is_some());
        assert!(!dir.path().join("security/logins").exists());
    }

    #[test]
    fn layout_1_is_read_and_nonsense_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("security")).unwrap();
        let file = dir.path().join("security/logins");
        let hash = PasswordHash::of("Str0ng-one").unwrap();
        let bytes = hash.as_bytes();
        let line = format!("{OLD_FORMAT}\nsa\t210000\t{}\t{}\n", hex(&bytes[6..22]), hex(&bytes[22..]));
        std::fs::write(&file, &line).unwrap();
        let store = LoginStore::open(dir.path()).unwrap();
        assert_eq!(store.verify("sa", "Str0ng-one"), LoginVerdict::Accepted);
        for bad in ["{}", "{\"version\":3}", "[", &line[..60], "sa\t1\t00\t00"] {
            std::fs::write(&file, bad).unwrap();
            assert!(LoginStore::open(dir.path()).is_err(), "{bad}");
        }
    }
}
