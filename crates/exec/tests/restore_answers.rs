//! HEADERONLY, FILELISTONLY, LABELONLY and VERIFYONLY over every genuine backup of the corpus.

use std::path::Path;

use holdfast_exec::restore::request::NamedDevice;
use holdfast_exec::restore::{RestoreRequest, RestoreVerb, answers, devices, verify};
use holdfast_types::{CollationId, Value};

/// The media password of the one corpus file that has one.
const MEDIA_PASSWORD: &str = "dbatools";

fn request(verb: RestoreVerb, path: &Path) -> RestoreRequest {
    let devices = vec![NamedDevice { name: path.display().to_string(), logical: false }];
    RestoreRequest { media_password: password_of(path), ..RestoreRequest::of(verb, devices) }
}

fn password_of(path: &Path) -> Option<String> {
    path.to_string_lossy().contains("passwd").then(|| MEDIA_PASSWORD.to_owned())
}

fn text(v: &Value) -> String {
    match v {
        Value::String(s) => s.to_text(),
        other => format!("{other:?}"),
    }
}

#[test]
fn every_backup_answers_and_agrees_with_the_manifest() {
    let mut seen = 0;
    for file in holdfast_testkit::corpus() {
        if !matches!(file.column("kind"), "full" | "diff" | "log") {
            continue;
        }
        let path = std::fs::canonicalize(&file.path).unwrap();
        let header = request(RestoreVerb::HeaderOnly, &path);
        let media = devices::open(&header.devices[0], &header, Path::new("/")).unwrap();
        let collation = CollationId::SERVER_DEFAULT;
        let (columns, rows) = answers::answer(&header, &media, 16, collation, &|_, _| None).unwrap();
        assert_eq!(columns.len(), 59);
        assert_eq!(rows.len().to_string(), file.column("sets"), "{}", file.name());
        assert_eq!(text(&rows[0][9]), file.column("database"), "{}", file.name());
        let (columns, _) = answers::answer(&header, &media, 15, collation, &|_, _| None).unwrap();
        assert_eq!(columns.len(), 56);
        let list = request(RestoreVerb::FileListOnly, &path);
        let (columns, rows) = answers::answer(&list, &media, 15, collation, &|_, _| None).unwrap();
        assert_eq!(columns.len(), 22);
        assert_eq!(rows.len().to_string(), file.column("files"), "{}", file.name());
        let label = request(RestoreVerb::LabelOnly, &path);
        assert_eq!(answers::answer(&label, &media, 15, collation, &|_, _| None).unwrap().1.len(), 1);
        seen += 1;
    }
    assert!(seen > 30 || holdfast_testkit::corpus_dir().is_none());
}

#[test]
fn every_complete_set_verifies_and_a_lone_stripe_does_not() {
    for file in holdfast_testkit::corpus() {
        if !matches!(file.column("kind"), "full" | "diff" | "log") {
            continue;
        }
        let path = std::fs::canonicalize(&file.path).unwrap();
        let named = request(RestoreVerb::VerifyOnly, &path);
        let media = devices::open_set(&named, Path::new("/")).unwrap();
        let set = media.set(1).unwrap();
        let result = verify::verify(&set, None, &mut |_| Ok(()));
        if file.column("family").ends_with("/1") {
            result.unwrap_or_else(|e| panic!("{}: {e}", file.name()));
        } else {
            assert_eq!(result.unwrap_err().number, 3132, "{}", file.name());
        }
    }
}

#[test]
fn a_file_that_is_no_backup_is_refused_with_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let cases: [(&str, &[u8], i32); 3] =
        [("empty", b"", 3254), ("text", b"not a backup at all", 3242), ("none", b"", 3201)];
    for (name, bytes, number) in cases {
        if number != 3201 {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
        let device = NamedDevice { name: name.to_owned(), logical: false };
        let statement = RestoreRequest::of(RestoreVerb::LabelOnly, Vec::new());
        let error = devices::open(&device, &statement, dir.path()).unwrap_err();
        assert_eq!(error.number, number, "{name}: {error}");
    }
}
