//! The binary's `inspect`, `verify` and `sample` on genuine and damaged files: exit codes and the place of each finding.

use std::path::Path;
use std::process::{Command, Output};

use holdfast_testkit::corpus;

fn holdfast(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_holdfast")).args(args).output().expect("runs")
}

fn code(o: &Output) -> i32 {
    o.status.code().unwrap_or(-1)
}

fn text(o: &Output) -> String {
    String::from_utf8_lossy(&o.stdout).into_owned()
}

fn path(p: &Path) -> &str {
    p.to_str().expect("UTF-8 path")
}

#[test]
fn sample_is_good_and_damage_is_found_where_it_is() {
    let dir = tempfile::tempdir().expect("folder");
    let file = dir.path().join("harbour.bak");
    assert_eq!(code(&holdfast(&["sample", "--checksum", "--out", path(&file)])), 0);
    let verified = holdfast(&["verify", path(&file)]);
    assert_eq!(code(&verified), 0, "{}", text(&verified));
    let mut bytes = std::fs::read(&file).expect("reads");
    // One bit of a page in the middle of the data.
    let at = bytes.len() / 2 / 8192 * 8192 + 300;
    bytes[at] ^= 4;
    std::fs::write(&file, &bytes).expect("writes");
    let damaged = holdfast(&["verify", path(&file)]);
    assert_eq!(code(&damaged), 1);
    let out = text(&damaged);
    assert!(out.contains(": page (1:") && out.contains("offset") && out.contains("checksum"), "{out}");
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&file, &bytes).expect("writes");
    assert_eq!(code(&holdfast(&["verify", path(&file)])), 1);
    std::fs::write(&file, b"this is not a backup, whatever its name says").expect("writes");
    assert_eq!(code(&holdfast(&["verify", path(&file)])), 2);
    assert_eq!(code(&holdfast(&["inspect", path(&file)])), 2);
    assert_eq!(code(&holdfast(&["inspect", path(&dir.path().join("absent.bak"))])), 2);
}

#[test]
fn damage_of_a_log_file_is_found_where_it_is() {
    let named = |name: &str| corpus().into_iter().find(|f| f.name() == name);
    let Some(data) = named("706_mdf_MvcMusicStore_asdeoz_82269f.mdf") else { return };
    let Some(log) = named("706_ldf_MvcMusicStore-log_asdeoz_01346d.ldf") else { return };
    let Some(other) = named("852_ldf_Database1-log_lidorduk_6f35d3.ldf") else { return };
    let good = holdfast(&["verify", path(&data.path), path(&log.path)]);
    assert_eq!(code(&good), 0, "{}", text(&good));
    let foreign = holdfast(&["verify", path(&data.path), path(&other.path)]);
    assert!(text(&foreign).contains("belongs to none"), "{}", text(&foreign));
    let dir = tempfile::tempdir().expect("folder");
    let copy = dir.path().join("copy.ldf");
    let bytes = log.read();
    // The header page, a block's middle, and all behind the first VLF's header.
    for (what, at) in [("header page", 200), ("block", 16384 + 700)] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 16;
        std::fs::write(&copy, &damaged).expect("writes");
        let o = holdfast(&["verify", path(&copy)]);
        assert!(code(&o) == 1 && text(&o).contains("offset"), "{what}: {}", text(&o));
    }
    let mut emptied = bytes.clone();
    emptied[16384..].fill(0);
    std::fs::write(&copy, &emptied).expect("writes");
    let o = holdfast(&["verify", path(&data.path), path(&copy)]);
    assert!(code(&o) == 1 && text(&o).contains("up to the checkpoint"), "{}", text(&o));
}

#[test]
fn every_complete_corpus_file_is_good() {
    let files = corpus();
    let whole: Vec<&str> = files
        .iter()
        .filter(|f| f.column("family") != "1/2" || f.column("db_version") == "661")
        .filter(|f| f.column("db_version") != "957" || f.column("family") == "1/1")
        .filter(|f| !f.name().starts_with("998"))
        .map(|f| path(&f.path))
        .collect();
    if whole.is_empty() {
        return;
    }
    let mut args = vec!["verify"];
    args.extend(&whole);
    let o = holdfast(&args);
    assert_eq!(code(&o), 0, "{}", text(&o));
    let mut args = vec!["inspect", "--json"];
    args.extend(&whole);
    let o = holdfast(&args);
    assert_eq!(code(&o), 0);
    let report: serde_json::Value = serde_json::from_slice(&o.stdout).expect("JSON");
    let sets: usize = report["media_sets"]
        .as_array()
        .expect("list")
        .iter()
        .map(|m| m["sets"].as_array().map_or(0, Vec::len))
        .sum();
    assert!(sets > 40, "{sets}");
}
