//! The well-known install scripts give databases that are equal, property by property and row by row, to the genuine ones of the
//! same samples: Northwind (655, attached) and pubs (706, restored). Chinook's genuine backup is of version 998, which no
//! restore here takes, so its script is only run.
//!
//! What differs is listed beside each test with the reason; any other difference fails.

#[path = "common/transcript.rs"]
#[allow(dead_code)]
mod transcript;

use std::collections::BTreeSet;
use std::path::Path;

use holdfast_exec::collect::Collected;
use holdfast_exec::procedure::InstanceSession;
use holdfast_exec::session::SqlSession;
use holdfast_tsql::splitter::split_batches;
use holdfast_types::conversion::canonical_text;

/// Properties by what they are of.
const PROPERTIES: &[(&str, &str)] = &[
    (
        "object",
        "select schema_name(o.schema_id), o.name, o.type, object_name(o.parent_object_id) from sys.objects o
         where o.is_ms_shipped = 0",
    ),
    (
        "column",
        "select object_name(c.object_id), c.column_id, c.name, type_name(c.user_type_id), type_name(c.system_type_id), c.max_length,
           c.precision, c.scale, c.is_nullable, c.is_identity, c.is_computed, c.is_rowguidcol, c.is_ansi_padded, c.collation_name,
           i.seed_value, i.increment_value, i.last_value, object_name(c.default_object_id), m.definition, m.is_persisted
         from sys.columns c join sys.objects o on o.object_id = c.object_id and o.is_ms_shipped = 0
         left join sys.identity_columns i on i.object_id = c.object_id and i.column_id = c.column_id
         left join sys.computed_columns m on m.object_id = c.object_id and m.column_id = c.column_id",
    ),
    (
        "index",
        "select object_name(i.object_id), i.index_id, i.name, i.type_desc, i.is_unique, i.is_primary_key, i.is_unique_constraint,
           i.fill_factor, i.is_padded, i.is_disabled, i.ignore_dup_key, i.allow_row_locks, i.allow_page_locks, i.filter_definition
         from sys.indexes i join sys.objects o on o.object_id = i.object_id and o.type = 'U' and o.is_ms_shipped = 0",
    ),
    (
        "index column",
        "select object_name(c.object_id), c.index_id, c.index_column_id, c.key_ordinal, col_name(c.object_id, c.column_id),
           c.is_descending_key, c.is_included_column
         from sys.index_columns c join sys.indexes i on i.object_id = c.object_id and i.index_id = c.index_id
         join sys.objects o on o.object_id = c.object_id and o.type = 'U' and o.is_ms_shipped = 0",
    ),
    (
        "foreign key",
        "select k.name, object_name(k.parent_object_id), object_name(k.referenced_object_id), k.delete_referential_action_desc,
           k.update_referential_action_desc, k.is_disabled, k.is_not_trusted, k.is_not_for_replication, k.is_system_named
         from sys.foreign_keys k",
    ),
    (
        "foreign key column",
        "select object_name(c.constraint_object_id), c.constraint_column_id, col_name(c.parent_object_id, c.parent_column_id),
           col_name(c.referenced_object_id, c.referenced_column_id) from sys.foreign_key_columns c",
    ),
    (
        "check",
        "select object_name(c.parent_object_id), c.name, c.definition, col_name(c.parent_object_id, c.parent_column_id), c.is_disabled,
           c.is_not_trusted, c.is_system_named from sys.check_constraints c",
    ),
    (
        "default",
        "select object_name(d.parent_object_id), d.name, d.definition, col_name(d.parent_object_id, d.parent_column_id),
           d.is_system_named from sys.default_constraints d",
    ),
    (
        "module",
        "select object_name(m.object_id), m.definition, m.uses_ansi_nulls, m.uses_quoted_identifier, m.is_schema_bound
         from sys.sql_modules m join sys.objects o on o.object_id = m.object_id and o.is_ms_shipped = 0",
    ),
    (
        "parameter",
        "select object_name(p.object_id), p.parameter_id, p.name, type_name(p.user_type_id), p.max_length, p.precision, p.scale, p.is_output
         from sys.parameters p join sys.objects o on o.object_id = p.object_id and o.is_ms_shipped = 0",
    ),
    (
        "type",
        "select t.name, type_name(t.system_type_id), t.max_length, t.precision, t.scale, t.is_nullable from sys.types t
         where t.is_user_defined = 1",
    ),
];

fn run(session: &mut InstanceSession, batch: &str) -> Vec<String> {
    let mut sink = Collected::new();
    session.execute_batch(batch, &mut sink);
    assert!(sink.errors().is_empty(), "{:?}: {batch}", sink.errors());
    let mut out = Vec::new();
    for result in &sink.results {
        for row in &result.rows {
            let cells: Vec<String> = row
                .iter()
                .zip(&result.columns)
                .map(|(v, c)| canonical_text(v, &c.ty).unwrap_or_else(|| "NULL".into()))
                .collect();
            out.push(cells.join("|"));
        }
    }
    out
}

/// Keys without a name of their own end with sixteen hexadecimal digits that no two servers give alike, other constraints with
/// the eight of their object id.
fn without_salt(row: &str) -> String {
    let cut = |cell: &'_ str| -> Option<usize> {
        let digits = match cell.get(..4)? {
            "PK__" | "UQ__" => 16,
            "CK__" | "DF__" | "FK__" => 8,
            _ => return None,
        };
        let at = cell.len().checked_sub(digits)?;
        let tail = cell.get(at..)?;
        tail.bytes().all(|b| b.is_ascii_hexdigit()).then_some(at)
    };
    let cells: Vec<&str> = row.split('|').map(|c| cut(c).map_or(c, |at| &c[..at])).collect();
    cells.join("|").replace("\r\n", "\n")
}

/// Everything about a database: `kind: row`.
fn describe(session: &mut InstanceSession, database: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    run(session, &format!("use [{database}]"));
    for (kind, query) in PROPERTIES {
        for row in run(session, query) {
            all.insert(format!("{kind}: {}", without_salt(&row)));
        }
    }
    let tables = run(
        session,
        "select quotename(schema_name(schema_id)) + '.' + quotename(name) from sys.tables where is_ms_shipped = 0",
    );
    for table in tables {
        let mut counts = std::collections::BTreeMap::<String, usize>::new();
        for row in run(session, &format!("select * from {table}")) {
            *counts.entry(row).or_default() += 1;
        }
        all.extend(
            counts.into_iter().map(|(row, n)| format!("row of {table} x{n}: {}", row.replace("\r\n", "\n"))),
        );
    }
    all
}

fn install(session: &mut InstanceSession, script: &Path) {
    let bytes = std::fs::read(script).unwrap();
    // Scripts from before Unicode are in the code page of their time.
    let text =
        String::from_utf8(bytes).unwrap_or_else(|e| e.as_bytes().iter().map(|b| char::from(*b)).collect());
    for batch in split_batches(&text) {
        let mut sink = Collected::new();
        session.execute_batch(batch.text, &mut sink);
        assert!(sink.errors().is_empty(), "{:?}: {}", sink.errors(), batch.text);
    }
}

/// Differences but those that `expected` knows: `+` only here, `-` only in the genuine database.
#[track_caller]
fn compare(ours: &BTreeSet<String>, genuine: &BTreeSet<String>, expected: &dyn Fn(&str) -> bool) {
    assert!(genuine.len() > 400, "{}", genuine.len());
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>, mark: &str| -> Vec<String> {
        a.difference(b).map(|l| format!("{mark} {l}")).filter(|l| !expected(l)).collect()
    };
    let mut all = only(ours, genuine, "+");
    all.extend(only(genuine, ours, "-"));
    let shown: Vec<String> = all
        .iter()
        .take(60)
        .map(|l| {
            let n = l.chars().count();
            l.chars().take(200).chain(" … ".chars()).chain(l.chars().skip(n.saturating_sub(300))).collect()
        })
        .collect();
    assert!(all.is_empty(), "{} differences\n{}", all.len(), shown.join("\n"));
}

#[test]
fn northwind_is_the_genuine_one() {
    let Some(corpus) = holdfast_testkit::corpus_dir() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut session =
        transcript::sessions(dir.path(), None).open_session(transcript::login("sa", "")).unwrap();
    run(&mut session, "create database Ours");
    run(&mut session, "use Ours");
    install(&mut session, &corpus.join("ground_truth/instnwnd.sql"));
    let (data, log) = (dir.path().join("genuine.mdf"), dir.path().join("genuine.ldf"));
    std::fs::copy(corpus.join("655_mdf_NORTHWND_mikebrind_53c568.mdf"), &data).unwrap();
    std::fs::copy(corpus.join("655_ldf_NORTHWND-log_mikebrind_e984c4.ldf"), &log).unwrap();
    for file in [&data, &log] {
        let mut rights = std::fs::metadata(file).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut rights, 0o600);
        std::fs::set_permissions(file, rights).unwrap();
    }
    let attach = format!(
        "create database Genuine on (filename = '{}'), (filename = '{}') for attach",
        data.display(),
        log.display()
    );
    run(&mut session, &attach);
    let ours = describe(&mut session, "Ours");
    let genuine = describe(&mut session, "Genuine");
    // The genuine file was made in 2000: its checks and defaults stand as they were written, not as later servers write them
    // down; blank lines before CREATE VIEW, and a line break inside of an address, are not in this copy of the script.
    let plain = |all: BTreeSet<String>| -> BTreeSet<String> {
        let one = |l: String| {
            if l.starts_with("check: ") || l.starts_with("default: ") {
                l.replace([' ', '(', ')'], "").to_lowercase()
            } else if l.starts_with("module: ") {
                l.replacen("|\n\n", "|\n", 1)
            } else {
                l.replace("507 - 20th Ave. E.\nApt. 2A", "507 - 20th Ave. E.Apt. 2A")
            }
        };
        all.into_iter().map(one).collect()
    };
    compare(&plain(ours), &plain(genuine), &|_| false);
}

#[test]
fn pubs_is_the_genuine_one() {
    let Some(corpus) = holdfast_testkit::corpus_dir() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut session =
        transcript::sessions(dir.path(), None).open_session(transcript::login("sa", "")).unwrap();
    install(&mut session, &corpus.join("ground_truth/instpubs.sql"));
    assert!(transcript::restore(&mut session, "706_full_pubs_dwip-nandi", "Genuine"));
    let ours = describe(&mut session, "pubs");
    let genuine = describe(&mut session, "Genuine");
    let objects: BTreeSet<String> = ours
        .iter()
        .filter_map(|l| l.strip_prefix("object: dbo|")?.split_once('|').map(|(name, _)| name.to_owned()))
        .collect();
    // Whoever used the genuine database has made tables of his own: what is not about an object of the script is left out.
    let own: BTreeSet<String> = genuine
        .into_iter()
        .filter(|l| {
            let (kind, rest) = l.split_once(": ").unwrap_or(("", l));
            let of = match kind.strip_prefix("row of [dbo].[") {
                Some(table) => table.split(']').next(),
                None if kind == "object" => rest.split('|').nth(1),
                None if kind == "type" => return true,
                None => rest.split('|').next(),
            };
            of.is_some_and(|o| objects.contains(o))
        })
        .collect();
    // Two titles are dated by the day on which the script runs. This copy of the script has lost blanks at the ends of lines,
    // and the one letter that is not ASCII.
    let plain = |all: BTreeSet<String>| -> BTreeSet<String> {
        let one = |l: String| {
            let l: String = l.chars().filter(|c| c.is_ascii() && *c != '?').collect();
            let l = l.split_whitespace().collect::<Vec<_>>().join(" ");
            let today = l.contains("x1: MC3026|The Psych") || l.contains("x1: PC9999|Net Etiq");
            if today { l.rsplit_once('|').map_or(l.clone(), |(head, _)| head.to_owned()) } else { l }
        };
        all.into_iter().map(one).collect()
    };
    // Somebody has raised one price.
    compare(&plain(ours), &plain(own), &|l| l.contains("x1: BU2075|You Can Combat"));
}

#[test]
fn chinook_installs_unmodified() {
    let Some(corpus) = holdfast_testkit::corpus_dir() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut session =
        transcript::sessions(dir.path(), None).open_session(transcript::login("sa", "")).unwrap();
    install(&mut session, &corpus.join("ground_truth/Chinook_SqlServer.sql"));
    let found = describe(&mut session, "Chinook");
    let count = |kind: &str| found.iter().filter(|l| l.starts_with(kind)).count();
    assert_eq!((count("row of "), count("foreign key: ")), (15_607, 11));
}
