//! RESTORE as a statement of a session: what others see of it while it runs, devices, where files go.

#[path = "common/answers.rs"]
mod answers;

use std::path::PathBuf;
use std::sync::Arc;

use answers::{answers, open, session, sessions};
use holdfast_exec::procedure::InstanceSessions;
use holdfast_exec::session::{
    Done, EnvironmentChange, RequestEnd, ResultColumn, ResultSink, SinkResult, SqlSession,
};
use holdfast_types::{Batch, SqlError, SqlType, Value};

fn backup(name: &str) -> Option<PathBuf> {
    let found = holdfast_testkit::corpus().into_iter().find(|f| f.name().starts_with(name))?;
    Some(std::fs::canonicalize(found.path).unwrap())
}

/// Looks at the running requests whenever a message of progress comes.
struct Watching {
    sessions: Arc<InstanceSessions>,
    seen: Vec<String>,
}

impl ResultSink for Watching {
    fn columns(&mut self, _: &[ResultColumn]) -> SinkResult {
        Ok(())
    }
    fn rows(&mut self, _: &Batch) -> SinkResult {
        Ok(())
    }
    fn done(&mut self, _: Done) -> SinkResult {
        Ok(())
    }
    fn message(&mut self, message: &SqlError) -> SinkResult {
        assert!(message.severity <= 10, "{message:?}");
        if message.number == 3211 {
            let query = "select command, cast(percent_complete as int) from sys.dm_exec_requests where command like 'RESTORE%'";
            self.seen.extend(answers(&mut open(&self.sessions), query));
        }
        Ok(())
    }
    fn environment(&mut self, _: EnvironmentChange) -> SinkResult {
        Ok(())
    }
    fn return_status(&mut self, _: i32) -> SinkResult {
        Ok(())
    }
    fn return_value(&mut self, _: u16, _: &str, _: &SqlType, _: &Value) -> SinkResult {
        Ok(())
    }
    fn flush(&mut self) -> SinkResult {
        Ok(())
    }
}

#[test]
fn others_see_what_is_restored_and_how_far() {
    let (Some(full), Some(log)) =
        (backup("852_full_RestoreTimeClean_"), backup("852_log_RestoreTimeClean-1_"))
    else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut sink = Watching { sessions: sessions(dir.path()), seen: Vec::new() };
    let mut restoring = open(&sink.sessions);
    let steps = format!(
        "restore database x from disk = '{}' with norecovery, stats = 1; restore log x from disk = '{}' with stats",
        full.display(),
        log.display()
    );
    assert_eq!(restoring.execute_batch(&steps, &mut sink), RequestEnd::Finished);
    assert!(sink.seen.contains(&"RESTORE DATABASE|100".to_owned()), "{:?}", sink.seen);
    assert!(sink.seen.iter().any(|s| s.starts_with("RESTORE LOG|")), "{:?}", sink.seen);
    let query =
        "select command, cast(percent_complete as int) from sys.dm_exec_requests where session_id = @@spid";
    assert_eq!(answers(&mut restoring, query), ["SELECT|0"]);
}

#[test]
fn devices_are_counted_and_found_as_windows_names_them() {
    let Some(path) = backup("706_full_pubs") else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut s = session(dir.path());
    let many = vec!["disk = 'x.bak'"; 65].join(", ");
    let found = answers(&mut s, &format!("restore verifyonly from {many}"));
    assert!(found[0].starts_with("!3205:1:") && found[0].contains("only 64 are allowed"), "{found:?}");
    std::fs::copy(path, dir.path().join("backup/pubs.bak")).unwrap();
    for name in [r"C:\old\pubs.bak", "C:/old/pubs.bak", r"old\pubs.bak", r"\\host\share\pubs.bak", "pubs.bak"]
    {
        let found = answers(&mut s, &format!("restore verifyonly from disk = '{name}'"));
        assert_eq!(found, ["#3262:The backup set on file 1 is valid."], "{name}");
    }
}

#[test]
fn verifyonly_looks_at_where_files_would_go() {
    let Some(path) = backup("706_full_pubs") else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut s = session(dir.path());
    let verify = |with: &str| format!("restore verifyonly from disk = '{}' with {with}", path.display());
    let target = dir.path().join("data/x.mdf");
    let fine = answers(&mut s, &verify(&format!("move 'pubs' to '{}'", target.display())));
    assert_eq!(fine, ["#3262:The backup set on file 1 is valid."]);
    let unknown = answers(&mut s, &verify("move 'nothing' to 'x.mdf'"));
    assert!(unknown[0].starts_with("!3234:") && unknown[1].starts_with("!3013:"), "{unknown:?}");
    let nowhere = answers(&mut s, &verify("move 'pubs' to '/no such folder/x.mdf'"));
    assert_eq!(nowhere.len(), 3, "{nowhere:?}");
    assert!(nowhere[0].starts_with("#3181:") && nowhere[1].starts_with("#5133:"), "{nowhere:?}");
    assert_eq!(nowhere[2], "#3262:The backup set on file 1 is valid.");
}

#[test]
fn names_that_a_backup_pads_lose_their_blanks() {
    let Some(path) = backup("661_full_SQL2008-locations-FULL") else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut s = session(dir.path());
    let told = answers(&mut s, &format!("restore database x from disk = '{}'", path.display()));
    assert!(told.iter().all(|t| t.starts_with('#')), "{told:?}");
    let names: Vec<String> = (std::fs::read_dir(dir.path().join("data")).unwrap())
        .map(|f| f.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.contains(&"locations.mdf".to_owned()), "{names:?}");
    assert!(names.iter().all(|n| !n.contains(' ')), "{names:?}");
}
