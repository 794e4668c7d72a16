//! Genuine scripts parse whole; mutated ones give an error or a tree, never a panic.

use holdfast_tsql::splitter::split_batches;
use holdfast_tsql::{ParseOptions, parse_batch};

fn scripts() -> Vec<(String, String)> {
    let Some(dir) = holdfast_testkit::corpus_dir() else { return Vec::new() };
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir.join("ground_truth")).expect("ground_truth is readable") {
        let path = entry.expect("entry").path();
        if path.extension().is_some_and(|e| e == "sql") {
            let bytes = std::fs::read(&path).expect("script is readable");
            let text = if bytes.starts_with(&[0xFF, 0xFE]) {
                let units: Vec<u16> =
                    bytes[2..].chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
                String::from_utf16_lossy(&units)
            } else {
                String::from_utf8_lossy(&bytes).into_owned()
            };
            out.push((path.display().to_string(), text));
        }
    }
    out
}

#[test]
fn genuine_scripts_parse() {
    // The scripts switch quoted identifiers off for some batches, as their SET statements say.
    for (name, text) in scripts() {
        let mut quoted = true;
        let mut count = 0;
        for batch in split_batches(&text) {
            match parse_batch(batch.text, &ParseOptions { quoted_identifier: quoted }) {
                Ok(_) => count += 1,
                Err(e) => panic!(
                    "{name} batch at line {}: {}\n{}",
                    batch.line,
                    e[0],
                    &batch.text[..batch.text.len().min(400)]
                ),
            }
            let lower = batch.text.to_ascii_lowercase();
            if lower.contains("set quoted_identifier off") {
                quoted = false;
            } else if lower.contains("set quoted_identifier on") {
                quoted = true;
            }
        }
        assert!(count > 10, "{name}: {count} batches");
    }
}

/// A small deterministic generator.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % below.max(1)
    }
}

#[test]
fn mutated_scripts_never_panic() {
    let mut random = Random(7);
    for (_, text) in scripts() {
        let batches = split_batches(&text);
        for _ in 0..600 {
            let batch = &batches[random.next(batches.len())];
            let cut = batch.text.char_indices().map(|(i, _)| i).take(3000).last().unwrap_or(0);
            let mut chars: Vec<char> = batch.text[..cut].chars().collect();
            for _ in 0..=random.next(4) {
                let at = random.next(chars.len());
                if chars.is_empty() {
                    break;
                }
                match random.next(4) {
                    0 => {
                        chars.remove(at);
                    }
                    1 => chars.insert(
                        at,
                        ['(', ')', '\'', '[', ',', ';', '*', '@', '.', '\u{FFFF}'][random.next(10)],
                    ),
                    2 => chars.truncate(at),
                    _ => {
                        let other = random.next(chars.len());
                        chars.swap(at, other);
                    }
                }
            }
            let mutated: String = chars.into_iter().collect();
            let quoted_identifier = random.next(2) == 0;
            let _ = parse_batch(&mutated, &ParseOptions { quoted_identifier });
        }
    }
}

/// Deep texts give error 191 on a stack as the server's threads have it (16 MB), and long flat ones parse.
#[test]
fn depth_is_bounded() {
    std::thread::Builder::new().stack_size(16 << 20).spawn(depths).unwrap().join().unwrap();
}

fn depths() {
    let parse = |text: &str| parse_batch(text, &ParseOptions::default()).map_err(|e| e[0].number).err();
    for (open, close) in [
        ("(", ")"),
        ("case when 1=1 then ", " end"),
        ("(select ", ")"),
        ("abs(", ")"),
        ("- ", ""),
        ("cast(", " as int)"),
    ] {
        let deep = |n: usize| format!("select {}1{}", open.repeat(n), close.repeat(n));
        assert_eq!(parse(&deep(15)), None, "{open}");
        assert_eq!(parse(&deep(5_000)), Some(191), "{open}");
    }
    assert_eq!(parse(&format!("{}select 1{}", "begin ".repeat(3000), " end".repeat(3000))), Some(191));
    assert_eq!(parse(&format!("{}select 1", "if 1=1 ".repeat(3000))), Some(191));
    assert_eq!(parse(&format!("select * from {}t{}", "(".repeat(3000), ")".repeat(3000))), Some(191));
    assert_eq!(parse(&format!("if 1=1 select 1 {}", "else if 1=1 select 2 ".repeat(500))), None);
    assert_eq!(parse(&format!("select 1 where 1=1 {}", "or 1=1 ".repeat(20_000))), None);
    assert_eq!(parse(&format!("select 1 where 1 in (1{})", ",1".repeat(50_000))), None);
    assert_eq!(parse(&format!("select 1{}", "+1".repeat(4000))), None);
    // A statement may have many chains, but not one in the other without end.
    assert_eq!(parse(&format!("select 1{}", format!(", 1{}", "+1".repeat(100)).repeat(200))), None);
    let within =
        |n: usize| format!("select {}1{}", "(".repeat(n), format!("{})", "+1".repeat(100)).repeat(n));
    assert_eq!((parse(&within(30)), parse(&within(60))), (None, Some(191)));
    assert_eq!(parse(&format!("select 1{}", "+1".repeat(9000))), Some(191));
}
