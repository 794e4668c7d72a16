//! Published order examples, language tables, and keys against comparison.

use super::*;

fn units(s: &str) -> Vec<u16> {
    s.encode_utf16().collect()
}

fn collation(name: &str) -> &'static Collation {
    get(CollationId::from_name(name).unwrap())
}

fn sorted(name: &str, words: &[&str]) -> Vec<String> {
    let c = collation(name);
    let mut w: Vec<Vec<u16>> = words.iter().map(|s| units(s)).collect();
    w.sort_by(|a, b| c.compare(a, b));
    w.iter().map(|s| String::from_utf16(s).unwrap()).collect()
}

fn equal(name: &str, a: &str, b: &str) -> bool {
    let c = collation(name);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    c.sort_key(&units(a), &mut x);
    c.sort_key(&units(b), &mut y);
    let e = c.equals(&units(a), &units(b));
    assert_eq!(x == y, e, "{a} {b}");
    e
}

const CI: &str = "Latin1_General_CI_AS";

#[test]
fn published_word_sort_examples() {
    assert_eq!(sorted(CI, &["car-s", "cars", "car's", "carps"]), ["carps", "cars", "car's", "car-s"]);
    let list = ["co_op", "coat", "comb", "coop", "co-op", "cork", "went", "were", "we're"];
    let mut shuffled = list;
    shuffled.reverse();
    assert_eq!(sorted(CI, &shuffled), list);
}

#[test]
fn sensitivity() {
    assert!(equal(CI, "ABC", "abc  "));
    assert!(!equal(CI, "resume", "résumé"));
    assert!(equal("Latin1_General_CI_AI", "resume", "Résumé"));
    assert!(!equal("Latin1_General_CS_AS", "ABC", "abc"));
    assert_eq!(sorted("Latin1_General_CS_AS", &["B", "a", "A", "b"]), ["a", "A", "b", "B"]);
    assert!(equal(CI, "straße", "strasse"));
    assert!(equal(CI, "æ", "ae"));
    assert!(equal(CI, "é", "e\u{301}"));
    assert!(equal(CI, "ア", "あ"));
    assert!(!equal("Japanese_CI_AS_KS", "ア", "あ"));
    assert!(equal(CI, "Ａ", "a"));
    assert!(!equal("Latin1_General_CI_AS_WS", "Ａ", "A"));
    assert!(equal(CI, "", "   "));
    assert!(!equal(CI, "coop", "co-op"));
}

#[test]
fn languages() {
    assert_eq!(sorted("Turkish_CI_AS", &["i", "ı", "I", "İ", "j", "h"])[0], "h");
    assert!(!equal("Turkish_CI_AS", "I", "i"));
    assert!(equal("Turkish_CI_AS", "ı", "I"));
    assert_eq!(sorted("Polish_CI_AS", &["ó", "p", "oz", "o"]), ["o", "oz", "ó", "p"]);
    assert_eq!(sorted("Traditional_Spanish_CI_AS", &["d", "ch", "cz"]), ["cz", "ch", "d"]);
    assert_eq!(sorted("Modern_Spanish_CI_AS", &["o", "ñ", "nz"]), ["nz", "ñ", "o"]);
    assert_eq!(sorted("Danish_Norwegian_CI_AS", &["aa", "å", "z", "ø", "æ", "b"])[..4], ["b", "z", "æ", "ø"]);
    assert_eq!(sorted("Czech_CI_AS", &["i", "ch", "h", "cz"]), ["cz", "h", "ch", "i"]);
    assert_eq!(sorted("Finnish_Swedish_CI_AS", &["ö", "å", "z", "ä"]), ["z", "å", "ä", "ö"]);
    assert_eq!(sorted("Hungarian_CI_AS", &["d", "cs", "cz"]), ["cz", "cs", "d"]);
    assert_eq!(sorted("German_PhoneBook_CI_AS", &["ad", "ä", "af"]), ["ad", "ä", "af"]);
}

#[test]
fn binary_orders() {
    assert_eq!(sorted("Latin1_General_BIN2", &["a", "B", "b", "A"]), ["A", "B", "a", "b"]);
    assert!(equal("Latin1_General_BIN2", "a", "a "));
    // BIN compares bytes after the first unit: U+0100 has low byte 0.
    assert_eq!(sorted("Latin1_General_BIN", &["a\u{61}", "a\u{100}"]), ["a\u{100}", "aa"]);
    assert_eq!(sorted("Latin1_General_BIN2", &["a\u{61}", "a\u{100}"]), ["aa", "a\u{100}"]);
}

#[test]
fn sql_collations_order_varchar_by_their_own_table() {
    let id = CollationId::SERVER_DEFAULT;
    let varchar = of(&SqlType::varchar(10, id));
    let nvarchar = of(&SqlType::nvarchar(10, id));
    let (hyphen, plain) = (units("a-c"), units("ab"));
    assert_eq!(nvarchar.compare(&hyphen, &plain), Ordering::Greater);
    assert_eq!(varchar.compare(&hyphen, &plain), Ordering::Less);
    assert!(varchar.equals(&units("ABC "), &units("abc")));
    assert!(!varchar.equals(&units("resume"), &units("résumé")));
    assert!(varchar.compare(&units("'"), &units("0")).is_lt());
    assert_eq!(varchar.id(), id);
}

#[test]
fn keys_order_as_comparison_does() {
    let words = [
        "", "a", "A", "á", "Á", "ab", "a-b", "a'b", "-ab", "b", "ae", "æ", "ß", "ss", "0", "10", "²", "2",
        "_", "#x", "x#", "é", "e\u{301}", "z", "ñ", "コ", "こ", "ー", "コー", "日", "本", "가", "😀",
        "\u{E000}", "\t", "a\tb", "ch", "cz", "dzs", "ddzs", "I", "i", "ı", "İ",
    ];
    for name in [
        CI,
        "Latin1_General_CS_AS",
        "Latin1_General_CI_AI",
        "Turkish_CI_AS",
        "Hungarian_CS_AS",
        "French_CS_AS",
        "Japanese_CI_AS",
        "Chinese_PRC_CI_AS",
        "Korean_Wansung_CI_AS",
        "Latin1_General_BIN2",
        "Latin1_General_BIN",
        "Thai_CI_AS",
        "Danish_Norwegian_CS_AS",
        "SQL_Latin1_General_CP1_CI_AS",
    ] {
        for c in [collation(name), get(CollationId(CollationId::from_name(name).unwrap().0 | VARCHAR_MARK))] {
            for a in words {
                for b in words {
                    let (mut x, mut y) = (Vec::new(), Vec::new());
                    c.sort_key(&units(a), &mut x);
                    c.sort_key(&units(b), &mut y);
                    assert_eq!(c.compare(&units(a), &units(b)), x.cmp(&y), "{name}: {a:?} {b:?}");
                }
            }
        }
    }
}

#[test]
fn searching_and_casing() {
    let c = collation(CI);
    assert_eq!(c.find(&units("Hello World"), &units("WORLD"), 0), Some((6, 5)));
    assert_eq!(c.find(&units("Hello"), &units("x"), 0), None);
    assert!(c.starts_with(&units("Hello"), &units("hE")));
    assert!(!c.equal_exact(&units("a"), &units("a ")));
    assert_eq!(c.to_upper(&units("straße ÿı")), units("STRAßE Ÿı"));
    assert_eq!(collation("Turkish_CI_AS").to_upper(&units("iı")), units("İI"));
    assert_eq!(c.to_lower(&units("ÀŸΑ")), units("àÿα"));
}
