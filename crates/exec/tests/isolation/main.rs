//! The specifications of `tests/isolation`: sessions and steps in given orders, each with a transcript (`*.out`) of what every
//! step answers, and which steps wait for whom.
//!
//! `UPDATE_EXPECT=1` writes the transcripts anew (read the difference before keeping it); `HOLDFAST_ISOLATION=text` runs only
//! specifications whose name contains the text.

mod run;
#[path = "../common/server.rs"]
mod server;
mod spec;
#[allow(dead_code)]
#[path = "../common/transcript.rs"]
mod transcript;
mod uncommitted;

use std::path::{Path, PathBuf};

#[test]
fn every_specification_answers_its_transcript() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/isolation");
    let filter = std::env::var("HOLDFAST_ISOLATION").unwrap_or_default();
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&root).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "spec") && p.to_string_lossy().contains(&filter));
    paths.sort();
    assert!(!paths.is_empty(), "no specifications in {}", root.display());
    let mut failures = Vec::new();
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        let spec = spec::Spec::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let found = run::run(&spec).unwrap_or_else(|| {
            panic!("{}: its setup needs a statement that is not supported", path.display())
        });
        let out = path.with_extension("out");
        if update {
            std::fs::write(&out, &found).unwrap();
            continue;
        }
        let expected = std::fs::read_to_string(&out).unwrap_or_default();
        if expected != found {
            let at = expected.lines().zip(found.lines()).position(|(e, f)| e != f);
            let at = at.unwrap_or_else(|| expected.lines().count().min(found.lines().count()));
            let show = |text: &str| text.lines().skip(at).take(4).collect::<Vec<_>>().join("\n");
            let context: Vec<&str> = found.lines().take(at).skip(at.saturating_sub(8)).collect();
            failures.push(format!(
                "{} line {}:\n{}\n--- expected\n{}\n--- found\n{}",
                path.display(),
                at + 1,
                context.join("\n"),
                show(&expected),
                show(&found)
            ));
        }
    }
    assert!(failures.is_empty(), "{} of {} differ\n{}", failures.len(), paths.len(), failures.join("\n\n"));
}

/// KILL of a session that waits, and of one that is idle in a transaction.
#[test]
fn killed_sessions_let_go_of_their_locks() {
    use holdfast_exec::session::{RequestEnd, SqlSession};
    const TAKE: &str =
        "begin transaction; declare @r int; exec @r = sp_getapplock 'x', 'Exclusive'; select @r";

    let dir = tempfile::tempdir().unwrap();
    let server = server::Server::new(dir.path());
    let mut killer = server.session("master");
    let mut idle = server.session("master");
    assert_eq!(run::answer(&mut idle, TAKE), " int\n0\n(1 row)\n");
    let mut waiting = server.session("master");
    let id = waiting.session_id();
    let thread = std::thread::spawn(move || {
        let mut told = transcript::Transcript::default();
        let end = waiting.execute_batch(TAKE, &mut told);
        (end, waiting, told.text)
    });
    while !server.locks.session_waits(id) {
        std::thread::yield_now();
    }
    // Asking how far a rollback is ends nobody.
    let status = run::answer(&mut killer, &format!("kill {id} with statusonly"));
    assert!(status.contains("Msg 6120, Level 16, State 1"), "{status}");
    let status = run::answer(&mut killer, "kill 32000 with statusonly");
    assert!(status.contains("Msg 6106, Level 16, State 1"), "{status}");
    assert!(server.locks.session_waits(id));
    run::answer(&mut killer, &format!("kill {id}"));
    let (end, mut killed, told) = thread.join().unwrap();
    assert_eq!(end, RequestEnd::Disconnect);
    assert!(told.contains("Msg 596, Level 21, State 1, Line 1"), "{told}");
    // The other still holds its lock, until it is killed too.
    let free = "select applock_test('public', 'x', 'Exclusive', 'Session')";
    assert_eq!(run::answer(&mut killer, free), " smallint\n0\n(1 row)\n");
    run::answer(&mut killer, &format!("kill {}", idle.session_id()));
    assert_eq!(run::answer(&mut killer, free), " smallint\n1\n(1 row)\n");
    // Nothing runs in them any more.
    for session in [&mut idle, &mut killed] {
        let end = session.execute_batch("select 1", &mut transcript::Transcript::default());
        assert_eq!(end, RequestEnd::Disconnect);
    }
}
