//! What fn_helpcollations says of a collation, made of the parts of its name.
//!
//! Evidence: the documentation of the function and its examples.

use holdfast_types::CollationId;

/// Description of a collation.
pub fn description(name: &str, id: CollationId) -> String {
    let sql = name.starts_with("SQL_");
    let mut parts: Vec<&str> = name.trim_start_matches("SQL_").split('_').collect();
    let mut takes = |word: &str| {
        let found = parts.iter().skip(1).position(|p| *p == word);
        if let Some(at) = found {
            parts.remove(at + 1);
        }
        found.is_some()
    };
    let (code_points, binary) = (takes("BIN2"), takes("BIN"));
    let upper_case_first = takes("Pref");
    let case = if takes("CS") { "case-sensitive" } else { "case-insensitive" };
    takes("CI");
    let accent = if takes("AS") { "accent-sensitive" } else { "accent-insensitive" };
    takes("AI");
    let kana = if takes("KS") { "kanatype-sensitive" } else { "kanatype-insensitive" };
    let width = if takes("WS") { "width-sensitive" } else { "width-insensitive" };
    let supplementary = takes("SC");
    let variation = takes("VSS");
    let utf8 = takes("UTF8");
    let newest = name.contains("_140_");
    let base = if sql {
        // The name of the Windows collation whose rules Unicode data follow.
        let own: Vec<&str> = parts.iter().copied().take_while(|p| !is_code_page(p)).collect();
        match own.first() {
            Some(
                &("1xCompat" | "AltDiction" | "EBCDIC037" | "EBCDIC273" | "EBCDIC277" | "EBCDIC278"
                | "EBCDIC280" | "EBCDIC284" | "EBCDIC285" | "EBCDIC297"),
            )
            | None => "Latin1-General".to_owned(),
            _ => own.join("-"),
        }
    } else {
        parts.join("-")
    };
    let mut text = base;
    if code_points {
        text.push_str(", binary code point comparison sort");
    } else if binary {
        text.push_str(", binary sort");
    } else {
        for word in [case, accent, kana, width] {
            text.push_str(", ");
            text.push_str(word);
        }
        if supplementary || newest {
            text.push_str(", supplementary characters");
        }
        if newest {
            text.push_str(", variation selector ");
            text.push_str(if variation { "sensitive" } else { "insensitive" });
        }
    }
    if utf8 {
        text.push_str(", UTF8");
    }
    if sql {
        if upper_case_first {
            text.push_str(", uppercase preference");
        }
        let page = id.code_page_number();
        text.push_str(&format!(
            " for Unicode Data, SQL Server Sort Order {} on Code Page {page} for non-Unicode Data",
            id.0 >> 24
        ));
    }
    text
}

fn is_code_page(part: &str) -> bool {
    part.strip_prefix("CP").is_some_and(|n| n.chars().all(|c| c.is_ascii_digit()))
}
