//! Who owns a database that was restored: who restores one that was not there, also over the steps of a sequence and restarts of
//! the server; a database that is replaced keeps its owner.

#[path = "common/answers.rs"]
mod answers;

use std::path::{Path, PathBuf};

use answers::{answers, check, open, sessions};
use holdfast_exec::procedure::InstanceSessions;
use holdfast_exec::session::LoginInfo;

fn backup(name: &str) -> Option<PathBuf> {
    let found = holdfast_testkit::corpus().into_iter().find(|f| f.name().starts_with(name))?;
    Some(std::fs::canonicalize(found.path).unwrap())
}

/// Answers of a batch that `login` sends.
fn said(sessions: &InstanceSessions, login: &str, batch: &str) -> Vec<String> {
    let login = LoginInfo { login: login.into(), ..LoginInfo::default() };
    let mut session = sessions.open_session(login).unwrap();
    answers(&mut session, batch)
}

#[track_caller]
fn fine(sessions: &InstanceSessions, login: &str, batch: &str) {
    let found = said(sessions, login, batch);
    assert!(found.iter().all(|a| a.starts_with('#')), "{batch}: {found:?}");
}

fn owner(dir: &Path, name: &str) -> Vec<String> {
    let query = format!("select suser_sname(owner_sid) from sys.databases where name = '{name}'");
    answers(&mut open(&sessions(dir)), &query)
}

#[test]
fn who_restores_owns_what_is_new() {
    let Some(path) = backup("706_full_pubs") else { return };
    let (path, dir) = (path.display(), tempfile::tempdir().unwrap());
    {
        let sessions = sessions(dir.path());
        fine(
            &sessions,
            "sa",
            "create login maker with password = 'Str0ng!pass'; create login other with password = 'Str0ng!pass'; \
             alter server role dbcreator add member maker",
        );
        fine(&sessions, "maker", &format!("restore database x from disk = '{path}'"));
        let mine = said(&sessions, "maker", "use x; select user_name(), is_member('db_owner')");
        assert!(mine.contains(&"dbo|1".to_owned()), "{mine:?}");
        let not_mine = said(&sessions, "other", "use x");
        assert!(not_mine.iter().any(|a| a.starts_with("!916:")), "{not_mine:?}");
        // The name comes in a variable, and the steps from two logins with a restart between them.
        fine(
            &sessions,
            "maker",
            &format!("declare @n sysname = N'y'; restore database @n from disk = '{path}' with norecovery"),
        );
        fine(&sessions, "sa", &format!("restore database z from disk = '{path}'"));
    }
    {
        let sessions = sessions(dir.path());
        fine(&sessions, "sa", "restore database y with recovery");
    }
    for (name, login) in [("x", "maker"), ("y", "maker"), ("z", "sa")] {
        assert_eq!(owner(dir.path(), name), [login], "{name}");
        let mut session = open(&sessions(dir.path()));
        check(&mut session, &format!("dbcc checkdb ({name}) with no_infomsgs"), &[]);
    }
}

#[test]
fn what_is_replaced_keeps_its_owner() {
    let (Some(path), Some(other)) = (backup("706_full_pubs"), backup("904_full_ITI")) else { return };
    let dir = tempfile::tempdir().unwrap();
    {
        let sessions = sessions(dir.path());
        fine(
            &sessions,
            "sa",
            "create login keeper with password = 'Str0ng!pass'; create login maker with password = 'Str0ng!pass'; \
             alter server role dbcreator add member maker; create database x; \
             alter authorization on database::x to keeper; create database y; alter authorization on database::y to keeper; \
             alter database y set offline",
        );
        for name in ["x", "y"] {
            let restore =
                format!("restore database {name} from disk = '{}' with replace, norecovery", path.display());
            fine(&sessions, "maker", &restore);
        }
        // Begun again with another one. The owner goes on with a sequence, too.
        let again = format!("restore database x from disk = '{}' with replace, norecovery", other.display());
        fine(&sessions, "maker", &again);
        fine(&sessions, "keeper", "restore database x with recovery");
        fine(&sessions, "sa", "restore database y with recovery");
    }
    for name in ["x", "y"] {
        assert_eq!(owner(dir.path(), name), ["keeper"], "{name}");
    }
}

#[test]
fn a_read_only_database_has_an_owner_all_the_same() {
    let Some(path) = backup("706_full_pubs") else { return };
    let dir = tempfile::tempdir().unwrap();
    let sessions = sessions(dir.path());
    fine(&sessions, "sa", &format!("restore database x from disk = '{}' with norecovery", path.display()));
    // As a backup of a read-only database leaves it.
    set_read_only(dir.path());
    fine(&sessions, "sa", "restore database x with recovery");
    let mut session = open(&sessions);
    check(
        &mut session,
        "select is_read_only, suser_sname(owner_sid) from sys.databases where name = 'x'",
        &["1|sa"],
    );
}

/// Sets the bit of the boot page in the restored file.
fn set_read_only(dir: &Path) {
    use std::os::unix::fs::FileExt;
    let files = std::fs::read_dir(dir.join("data")).unwrap().map(|f| f.unwrap().path());
    let primary =
        files.into_iter().find(|f| f.extension().is_some_and(|e| e.eq_ignore_ascii_case("mdf"))).unwrap();
    let file = std::fs::OpenOptions::new().read(true).write(true).open(primary).unwrap();
    let mut page = Box::new([0u8; 8192]);
    file.read_exact_at(page.as_mut(), 9 * 8192).unwrap();
    let mut boot = holdfast_format::boot::BootPage::read(&page).unwrap();
    boot.status |= 0x400;
    boot.write(&mut page).unwrap();
    holdfast_format::page::protection::stamp_checksum(&mut page);
    file.write_all_at(page.as_ref(), 9 * 8192).unwrap();
}
