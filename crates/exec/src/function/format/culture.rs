//! Cultures: separators, currency and date patterns.
//!
//! Evidence: the culture data that .NET documents for Windows; rows are limited to the languages of sys.syslanguages.

use holdfast_types::datetime::{DateOrder, Language};
use holdfast_types::{SqlType, TypeId};

pub struct Culture {
    /// Lower case.
    pub name: &'static str,
    language: &'static str,
    pub decimal: &'static str,
    pub group: &'static str,
    pub currency: &'static str,
    /// `$` currency, `n` number.
    pub currency_positive: &'static str,
    pub currency_negative: &'static str,
    pub percent: &'static str,
    pub short_date: &'static str,
    pub long_date: &'static str,
    pub short_time: &'static str,
    pub long_time: &'static str,
    pub month_day: &'static str,
    pub year_month: &'static str,
    pub date_separator: &'static str,
    pub am: &'static str,
    pub pm: &'static str,
}

macro_rules! cultures {
    ($($name:literal $language:literal $decimal:literal $group:literal $currency:literal $positive:literal $negative:literal
       $percent:literal $short_date:literal $long_date:literal $short_time:literal $long_time:literal $month_day:literal
       $year_month:literal $separator:literal $am:literal $pm:literal;)*) => {
        static CULTURES: &[Culture] = &[$(Culture {
            name: $name, language: $language, decimal: $decimal, group: $group, currency: $currency,
            currency_positive: $positive, currency_negative: $negative, percent: $percent, short_date: $short_date,
            long_date: $long_date, short_time: $short_time, long_time: $long_time, month_day: $month_day,
            year_month: $year_month, date_separator: $separator, am: $am, pm: $pm,
        }),*];
    };
}

#[rustfmt::skip]
cultures! {
    "en-us" "us_english" "." "," "$" "$n" "($n)" "n%" "M/d/yyyy" "dddd, MMMM d, yyyy" "h:mm tt" "h:mm:ss tt" "MMMM d" "MMMM yyyy" "/" "AM" "PM";
    "en-gb" "British" "." "," "£" "$n" "-$n" "n%" "dd/MM/yyyy" "dd MMMM yyyy" "HH:mm" "HH:mm:ss" "d MMMM" "MMMM yyyy" "/" "AM" "PM";
    "en-au" "British" "." "," "$" "$n" "-$n" "n%" "d/MM/yyyy" "dddd, d MMMM yyyy" "h:mm tt" "h:mm:ss tt" "d MMMM" "MMMM yyyy" "/" "AM" "PM";
    "en-ca" "us_english" "." "," "$" "$n" "-$n" "n%" "yyyy-MM-dd" "MMMM d, yyyy" "h:mm tt" "h:mm:ss tt" "MMMM d" "MMMM yyyy" "-" "AM" "PM";
    "en-in" "British" "." "," "₹" "$ n" "$ -n" "n%" "dd-MM-yyyy" "dd MMMM yyyy" "HH:mm" "HH:mm:ss" "d MMMM" "MMMM yyyy" "-" "AM" "PM";
    "de-de" "Deutsch" "," "." "€" "n $" "-n $" "n %" "dd.MM.yyyy" "dddd, d. MMMM yyyy" "HH:mm" "HH:mm:ss" "d. MMMM" "MMMM yyyy" "." "" "";
    "de-at" "Deutsch" "," "." "€" "$ n" "-$ n" "n %" "dd.MM.yyyy" "dddd, d. MMMM yyyy" "HH:mm" "HH:mm:ss" "d. MMMM" "MMMM yyyy" "." "" "";
    "de-ch" "Deutsch" "." "’" "CHF" "$ n" "$-n" "n%" "dd.MM.yyyy" "dddd, d. MMMM yyyy" "HH:mm" "HH:mm:ss" "d. MMMM" "MMMM yyyy" "." "" "";
    "fr-fr" "Français" "," "\u{a0}" "€" "n $" "-n $" "n %" "dd/MM/yyyy" "dddd d MMMM yyyy" "HH:mm" "HH:mm:ss" "d MMMM" "MMMM yyyy" "/" "" "";
    "fr-ca" "Français" "," "\u{a0}" "$" "n $" "(n $)" "n %" "yyyy-MM-dd" "d MMMM yyyy" "HH:mm" "HH:mm:ss" "d MMMM" "MMMM, yyyy" "-" "" "";
    "es-es" "Español" "," "." "€" "n $" "-n $" "n %" "dd/MM/yyyy" "dddd, d' de 'MMMM' de 'yyyy" "H:mm" "H:mm:ss" "d' de 'MMMM" "MMMM' de 'yyyy" "/" "" "";
    "es-mx" "Español" "." "," "$" "$n" "-$n" "n%" "dd/MM/yyyy" "dddd, d' de 'MMMM' de 'yyyy" "hh:mm tt" "hh:mm:ss tt" "d' de 'MMMM" "MMMM' de 'yyyy" "/" "a. m." "p. m.";
    "it-it" "Italiano" "," "." "€" "n $" "-n $" "n%" "dd/MM/yyyy" "dddd d MMMM yyyy" "HH:mm" "HH:mm:ss" "d MMMM" "MMMM yyyy" "/" "" "";
    "nl-nl" "Nederlands" "," "." "€" "$ n" "$ -n" "n%" "d-M-yyyy" "dddd d MMMM yyyy" "HH:mm" "HH:mm:ss" "d MMMM" "MMMM yyyy" "-" "" "";
    "da-dk" "Dansk" "," "." "kr." "n $" "-n $" "n %" "dd-MM-yyyy" "d. MMMM yyyy" "HH:mm" "HH:mm:ss" "d. MMMM" "MMMM yyyy" "-" "" "";
    "nb-no" "Norsk" "," "\u{a0}" "kr" "$ n" "$ -n" "n %" "dd.MM.yyyy" "dddd d. MMMM yyyy" "HH:mm" "HH:mm:ss" "d. MMMM" "MMMM yyyy" "." "" "";
    "fi-fi" "Suomi" "," "\u{a0}" "€" "n $" "-n $" "n %" "d.M.yyyy" "dddd d. MMMM yyyy" "H.mm" "H.mm.ss" "d. MMMM" "MMMM yyyy" "." "" "";
    "sv-se" "Svenska" "," "\u{a0}" "kr" "n $" "-n $" "n %" "yyyy-MM-dd" "'den 'd MMMM yyyy" "HH:mm" "HH:mm:ss" "'den 'd MMMM" "MMMM yyyy" "-" "" "";
    "pl-pl" "polski" "," "\u{a0}" "zł" "n $" "-n $" "n%" "dd.MM.yyyy" "dddd, d MMMM yyyy" "HH:mm" "HH:mm:ss" "d MMMM" "MMMM yyyy" "." "" "";
    "pt-br" "Português (Brasil)" "," "." "R$" "$ n" "-$ n" "n%" "dd/MM/yyyy" "dddd, d' de 'MMMM' de 'yyyy" "HH:mm" "HH:mm:ss" "d' de 'MMMM" "MMMM' de 'yyyy" "/" "" "";
    "pt-pt" "Português" "," "\u{a0}" "€" "n $" "-n $" "n%" "dd/MM/yyyy" "d' de 'MMMM' de 'yyyy" "HH:mm" "HH:mm:ss" "d' de 'MMMM" "MMMM' de 'yyyy" "/" "" "";
    "ru-ru" "русский" "," "\u{a0}" "₽" "n $" "-n $" "n%" "dd.MM.yyyy" "d MMMM yyyy 'г.'" "H:mm" "H:mm:ss" "d MMMM" "MMMM yyyy" "." "" "";
    "tr-tr" "Türkçe" "," "." "₺" "$n" "-$n" "%n" "d.MM.yyyy" "d MMMM yyyy dddd" "HH:mm" "HH:mm:ss" "d MMMM" "MMMM yyyy" "." "ÖÖ" "ÖS";
}

/// Languages stand for a culture too: `FORMAT(x, 'd', 'de')`.
const NEUTRAL: &[(&str, &str)] = &[
    ("en", "en-us"),
    ("de", "de-de"),
    ("fr", "fr-fr"),
    ("es", "es-es"),
    ("it", "it-it"),
    ("nl", "nl-nl"),
    ("da", "da-dk"),
    ("no", "nb-no"),
    ("nb", "nb-no"),
    ("fi", "fi-fi"),
    ("sv", "sv-se"),
    ("pl", "pl-pl"),
    ("pt", "pt-br"),
    ("ru", "ru-ru"),
    ("tr", "tr-tr"),
];

impl Culture {
    pub fn by_name(name: &str) -> Option<&'static Culture> {
        let lower = name.to_ascii_lowercase();
        let full = NEUTRAL.iter().find(|n| n.0 == lower).map_or(lower.as_str(), |n| n.1);
        CULTURES.iter().find(|c| c.name == full)
    }

    pub fn of_language(language: Language) -> Option<&'static Culture> {
        CULTURES.iter().find(|c| c.language == language.0.name)
    }

    pub fn language(&self) -> Language {
        Language::from_name(self.language).unwrap_or_default()
    }

    /// Names of months and days begin with a capital.
    pub fn capitals(&self) -> bool {
        matches!(&self.name[..2], "en" | "de" | "tr")
    }

    pub fn date_order(&self) -> DateOrder {
        match self.short_date.chars().next() {
            Some('M') => DateOrder::Mdy,
            Some('y') => DateOrder::Ymd,
            _ => DateOrder::Dmy,
        }
    }

    /// A number of this culture with a full stop and nothing else; `None` when it is not one.
    pub fn plain_number(&self, source: &str, ty: &SqlType) -> Option<String> {
        let mut rest = source.trim();
        let mut negative = false;
        let money = matches!(ty.id, TypeId::Money | TypeId::SmallMoney);
        if let Some(inner) = rest.strip_prefix('(').and_then(|r| r.strip_suffix(')')) {
            negative = true;
            rest = inner.trim();
        }
        let strip = |t: &str| -> Option<String> {
            let c = self.currency;
            t.strip_prefix(c).or_else(|| t.strip_suffix(c)).map(|t| t.trim().to_owned())
        };
        let mut text = rest.to_owned();
        for _ in 0..2 {
            if let Some(t) = text.strip_prefix('-').or_else(|| text.strip_suffix('-')) {
                negative = !negative;
                text = t.trim().to_owned();
            } else if let Some(t) = text.strip_prefix('+') {
                text = t.trim().to_owned();
            }
            if money && let Some(t) = strip(&text) {
                text = t;
            }
        }
        let integer = matches!(ty.id, TypeId::TinyInt | TypeId::SmallInt | TypeId::Int | TypeId::BigInt);
        let mut out = String::from(if negative { "-" } else { "" });
        let (mut digits, mut fraction) = (0, false);
        let mut at = text.as_str();
        while let Some(c) = at.chars().next() {
            if c.is_ascii_digit() {
                digits += 1;
                out.push(c);
            } else if at.starts_with(self.decimal) && !fraction {
                fraction = true;
                out.push('.');
                at = &at[self.decimal.len()..];
                continue;
            } else if !fraction
                && digits > 0
                && (at.starts_with(self.group) || (self.group == "\u{a0}" && c == ' '))
            {
                at = &at[c.len_utf8()..];
                continue;
            } else if matches!(c, 'e' | 'E') && digits > 0 && !integer {
                out.push_str(at);
                return matches!(ty.id, TypeId::Float | TypeId::Real).then_some(out);
            } else {
                return None;
            }
            at = &at[c.len_utf8()..];
        }
        if integer && let Some((whole, rest)) = out.clone().split_once('.') {
            // An integer may have a fraction of zeros.
            if rest.bytes().any(|b| b != b'0') {
                return None;
            }
            out = whole.to_owned();
        }
        (digits > 0).then_some(out)
    }

    /// A date of this culture without names of weekdays, which say nothing.
    pub fn plain_date(&self, source: &str) -> String {
        let days = self.language().0.days;
        let is_day = |w: &str| {
            let w = w.trim_matches(',').to_lowercase();
            !w.is_empty()
                && days.iter().any(|d| {
                    let d = d.to_lowercase();
                    d == w || d.chars().take(3).collect::<String>() == w
                })
        };
        let words = source.split_whitespace().filter(|w| !is_day(w) && !w.eq_ignore_ascii_case("de"));
        words.collect::<Vec<_>>().join(" ")
    }
}
