//! Every view, function and reading procedure of every corpus database answers: none may fail with an error that says that the
//! server lacks something or misread the module.
//!
//! Arguments are NULL, then the text '1'. An error that genuine data or NULL arguments may raise is fine; those
//! that tell of a gap of the server are not ([`is_gap`]).

#[allow(dead_code)]
#[path = "common/transcript.rs"]
mod transcript;

use holdfast_exec::collect::Collected;
use holdfast_exec::procedure::InstanceSession;
use holdfast_exec::session::SqlSession;
use holdfast_types::{SqlError, Value};

/// Statements that change something: a procedure that holds one is not run here.
const WRITING: &[&str] = &[
    "insert",
    "update",
    "delete",
    "merge",
    "create",
    "alter",
    "drop",
    "truncate",
    "backup",
    "restore",
    "grant",
    "deny",
    "revoke",
    "shutdown",
    "kill",
    "reconfigure",
    "xp_",
    "sp_oa",
];

/// Known: COMPUTE left the language with version 2012 and is refused as it is there; computed columns that no page holds.
const KNOWN: &[&str] = &["keyword 'COMPUTE'", "Reading the computed column"];

/// What a module of the corpus is refused for, rightly or because it is not there yet.
const KNOWN_REFUSED: &[&str] = &["keyword 'COMPUTE'", "is not supported yet"];

fn is_gap(e: &SqlError) -> bool {
    if KNOWN.iter().any(|k| e.message.contains(k)) {
        return false;
    }
    matches!(
        e.number,
        40_517
            | 40_518
            | 8624
            | 102
            | 156
            | 195
            | 207
            | 208
            | 209
            | 4104
            | 4121
            | 8120
            | 147
            | 243
            | 2812
            | 206
            | 529
            | 402
    ) || e.message.strip_prefix("Error ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn rows(session: &mut InstanceSession, query: &str) -> Vec<Vec<String>> {
    let mut sink = Collected::new();
    session.execute_batch(query, &mut sink);
    assert!(sink.errors().is_empty(), "{query}: {:?}", sink.errors());
    let text = |v: &Value| match v {
        Value::String(s) => s.to_text(),
        Value::Null => String::new(),
        other => format!("{other:?}"),
    };
    sink.results.iter().flat_map(|r| &r.rows).map(|r| r.iter().map(text).collect()).collect()
}

fn run(session: &mut InstanceSession, database: &str, query: &str, findings: &mut Vec<String>) {
    let mut sink = Collected::new();
    let ran = || session.execute_batch(query, &mut sink);
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(ran)).is_err() {
        findings.push(format!("{database}: {query}: panic"));
        return;
    }
    for e in sink.errors().into_iter().filter(|e| is_gap(e)) {
        findings.push(format!("{database}: {query}: {e}"));
    }
}

/// Whether a module's text holds a word of a statement that writes.
fn writes(text: &str) -> bool {
    let lower = text.to_lowercase();
    // The module's own CREATE and its name are no statements.
    let body = lower.split_once(" as").map_or(lower.as_str(), |b| b.1);
    WRITING.iter().any(|w| {
        body.match_indices(w).any(|(i, _)| {
            let before = body[..i].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
        })
    })
}

fn modules(session: &mut InstanceSession, database: &str, findings: &mut Vec<String>) -> usize {
    let list = rows(
        session,
        "select quotename(schema_name(o.schema_id)) + '.' + quotename(o.name), rtrim(o.type), m.definition, \
         cast((select count(*) from sys.parameters p where p.object_id = o.object_id and p.parameter_id > 0) as nvarchar(10)) \
         from sys.objects o left join sys.sql_modules m on m.object_id = o.object_id \
         where o.is_ms_shipped = 0 and o.type in ('V', 'P', 'FN', 'IF', 'TF') order by 1",
    );
    for module in &list {
        let [name, kind, definition, parameters] = module.as_slice() else { continue };
        let count: usize = parameters.parse().unwrap_or(0);
        for argument in ["NULL", "'1'"] {
            let arguments = vec![argument; count].join(", ");
            let query = match kind.as_str() {
                "V" => format!("select top 1000 * from {name}"),
                "FN" => format!("select {name}({arguments})"),
                "IF" | "TF" => format!("select top 1000 * from {name}({arguments})"),
                _ if writes(definition) => continue,
                _ => format!("exec {name} {arguments}"),
            };
            run(session, database, &query, findings);
            if count == 0 {
                break;
            }
        }
    }
    for table in rows(
        session,
        "select quotename(schema_name(schema_id)) + '.' + quotename(name) from sys.tables order by 1",
    ) {
        run(session, database, &format!("select top 10 * from {}", table[0]), findings);
    }
    list.len()
}

/// The text of a module as ALTER, where its CREATE is found.
fn altered(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    for (at, word) in lower.match_indices("create") {
        let rest = lower[at + word.len()..].trim_start();
        let kind = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
        if ["proc", "procedure", "view", "function", "trigger"].contains(&kind) {
            return Some(format!("{}ALTER{}", text.get(..at)?, text.get(at + word.len()..)?));
        }
    }
    None
}

/// Invariant of the tests below: what SQL Server created is not refused.
fn alter_all(session: &mut InstanceSession, database: &str, findings: &mut Vec<String>) -> usize {
    let list = rows(
        session,
        "select m.definition, cast(m.uses_ansi_nulls as nvarchar(1)), cast(m.uses_quoted_identifier as nvarchar(1)) \
         from sys.objects o join sys.sql_modules m on m.object_id = o.object_id \
         where o.is_ms_shipped = 0 and m.definition is not null order by o.object_id",
    );
    for module in &list {
        let [definition, nulls, quoted] = module.as_slice() else { continue };
        let Some(text) = altered(definition) else { continue };
        let set = |n: &str| if n == "1" { "on" } else { "off" };
        let options = format!("set ansi_nulls {}; set quoted_identifier {}", set(nulls), set(quoted));
        session.execute_batch(&options, &mut Collected::new());
        let mut sink = Collected::new();
        session.execute_batch(&text, &mut sink);
        let errors = sink.errors();
        if !errors.is_empty() && !KNOWN_REFUSED.iter().any(|k| errors[0].message.contains(k)) {
            let first = text.lines().take(60).collect::<Vec<_>>().join("\n");
            findings.push(format!("{database}: {errors:?}\n{first}\n"));
        }
    }
    session.execute_batch("set ansi_nulls on; set quoted_identifier on", &mut Collected::new());
    list.len()
}

#[test]
fn modules_of_the_corpus_pass_alter() {
    each_database(alter_all);
}

#[test]
fn modules_of_the_corpus_answer() {
    each_database(modules);
}

/// Restores every whole backup of the corpus; `f` answers how many modules it saw.
fn each_database(f: impl Fn(&mut InstanceSession, &str, &mut Vec<String>) -> usize) {
    let mut findings = Vec::new();
    let mut seen = 0;
    let dir = tempfile::tempdir().unwrap();
    let mut session =
        transcript::sessions(dir.path(), None).open_session(transcript::login("sa", "")).unwrap();
    for file in holdfast_testkit::corpus() {
        let whole =
            file.column("kind") == "full" && !file.name().contains("of2") && !file.name().contains("of3");
        if !whole {
            continue;
        }
        let path = std::fs::canonicalize(&file.path).unwrap();
        let mut sink = Collected::new();
        let restore = format!("restore database m from disk = '{}' with replace", path.display());
        session.execute_batch(&restore, &mut sink);
        if !sink.errors().is_empty() {
            // What may be refused is a matter of the restore tests; here it is only said.
            eprintln!("not restored: {}: {:?}", file.name(), sink.errors());
            continue;
        }
        session.execute_batch("use m", &mut Collected::new());
        seen += f(&mut session, file.name(), &mut findings);
        session.execute_batch("use master; drop database m", &mut Collected::new());
    }
    eprintln!("{seen} modules");
    assert!(findings.is_empty(), "{} findings\n{}", findings.len(), findings.join("\n"));
}
