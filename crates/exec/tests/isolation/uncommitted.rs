//! A session that defines things anew and commits or takes that back, beside sessions that use them: nobody sees what was taken
//! back, and nobody sees something older than what he has seen.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::run::answer;
use crate::server::Server;

/// What readers ask; each answers the number of the round that has defined it.
const QUESTIONS: &[&str] = &[
    "exec p",
    "select n from w",
    "select dbo.f() as n",
    "select n from t",
    "declare @l l; select n from w",
    "select try_cast(substring(m.definition, charindex('/*', m.definition) + 2, 5) as int) as n \
     from sys.sql_modules m join sys.objects o on o.object_id = m.object_id where o.name = 'p'",
];

/// Rounds of the session that defines.
const ROUNDS: i32 = 60;

fn define(n: i32) -> [String; 5] {
    // The number stands in five characters, so that it can be cut out of the text.
    [
        format!("alter procedure p as /*{n:5}*/ select {n} as n"),
        format!("alter view w as select {n} as n"),
        format!("alter function f() returns int as begin return {n} end"),
        format!("drop table t; create table t (n int not null); insert into t values ({n})"),
        format!("drop type l; create type l as table (n{} int)", n.unsigned_abs()),
    ]
}

#[test]
fn nobody_sees_what_was_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(dir.path());
    answer(&mut server.session("master"), "create database names");
    let mut writer = server.session("names");
    for text in [
        "create procedure p as /*    0*/ select 0 as n",
        "create view w as select 0 as n",
        "create function f() returns int as begin return 0 end",
        "create table t (n int not null); insert into t values (0)",
        "create type l as table (n int)",
    ] {
        answer(&mut writer, text);
    }
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for first in 0..2 {
            let (server, over) = (&server, &over);
            scope.spawn(move || {
                let mut reader = server.session("names");
                let mut seen = vec![0; QUESTIONS.len()];
                let mut at = first;
                while !over.load(Ordering::SeqCst) {
                    at = (at + 1) % QUESTIONS.len();
                    let text = answer(&mut reader, QUESTIONS[at]);
                    let n = text.lines().nth(1).and_then(|l| l.parse::<i32>().ok());
                    let n = n.unwrap_or_else(|| panic!("{} answers\n{text}", QUESTIONS[at]));
                    assert!(n >= seen[at], "{} answers {n} after {}", QUESTIONS[at], seen[at]);
                    seen[at] = n;
                }
            });
        }
        for n in 1..=ROUNDS {
            let stays = n % 3 != 0;
            answer(&mut writer, "begin transaction");
            for text in define(if stays { n } else { -n }) {
                // ALTER comes first in its batch.
                let said = answer(&mut writer, &text);
                assert!(!said.contains("Msg"), "{text}\n{said}");
            }
            answer(&mut writer, if stays { "commit" } else { "rollback" });
        }
        over.store(true, Ordering::SeqCst);
    });
}
