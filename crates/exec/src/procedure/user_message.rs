//! sp_addmessage, sp_altermessage, sp_dropmessage: messages with numbers above 50000, in several languages.
//!
//! Invariants
//! 1. A message has a us_english version before any other, as long as any other; all versions have its severity.
//!
//! Evidence: the documentation of the three procedures; the texts of sys.messages.

use holdfast_types::SqlError;
use holdfast_types::datetime::Language;

use super::run::{Fail, Runner};
use super::server_procedure::{Given, ServerProcedure};
use crate::host::server_settings::{US_ENGLISH, UserMessage};

pub const PROCEDURES: &[ServerProcedure] = &[
    ServerProcedure {
        name: "sp_addmessage",
        parameters: &["@msgnum", "@severity", "@msgtext", "@lang", "@with_log", "@replace"],
        required: 0,
        run: |runner, given| runner.add_message(given),
    },
    ServerProcedure {
        name: "sp_altermessage",
        parameters: &["@message_id", "@parameter", "@parameter_value"],
        required: 3,
        run: |runner, given| runner.alter_message(given),
    },
    ServerProcedure {
        name: "sp_dropmessage",
        parameters: &["@msgnum", "@lang"],
        required: 0,
        run: |runner, given| runner.drop_message(given),
    },
];

/// Last number of the server's own messages and of RAISERROR with a text.
const RESERVED: i32 = 50_000;
const TEXT_MAX: usize = 255;

/// The locale under which messages of a language are kept: those of British English are us_english's.
pub fn message_language(language: Language) -> i32 {
    if language.0.lcid == 2057 { US_ENGLISH } else { language.0.lcid as i32 }
}

fn language_named(name: &str) -> Result<Language, Fail> {
    Language::from_name(name).ok_or_else(|| SqlError::new(15033, &[&name]).into())
}

fn with_log(value: Option<String>) -> Result<bool, Fail> {
    match value.map(|v| v.trim().to_lowercase()).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(SqlError::new(15042, &[]).into()),
    }
}

impl Runner<'_> {
    /// The language that a call names, or the session's.
    fn language_of(&self, given: &Given<'_>, place: usize) -> Result<Language, Fail> {
        match given.text(place) {
            Some(name) => language_named(&name),
            None => Ok(self.session.state.lock().settings.conversion_language),
        }
    }

    fn add_message(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        let (Some(number), Some(severity), Some(text)) = (given.int(0)?, given.int(1)?, given.text(2)) else {
            return Err(SqlError::new(15071, &[]).into());
        };
        self.need_settings()?;
        if number <= RESERVED {
            return Err(SqlError::new(15040, &[]).into());
        }
        let severity = match u8::try_from(severity) {
            Ok(n @ 1..=25) => n,
            _ => return Err(SqlError::new(15041, &[]).into()),
        };
        let logged = with_log(given.text(4))?;
        let language = self.language_of(given, 3)?;
        let code = message_language(language);
        let replace = match given.text(5).map(|r| r.trim().to_lowercase()).as_deref() {
            None => false,
            Some("replace") => true,
            Some(_) => return Err(SqlError::new(15043, &[]).into()),
        };
        let text: String = text.chars().take(TEXT_MAX).collect();
        self.session.host.settings.change(|s| {
            let there = s.message(number, code).is_some();
            if there && !replace {
                return Err(SqlError::new(15043, &[]));
            }
            if code != US_ENGLISH {
                let Some(english) = s.message(number, US_ENGLISH) else {
                    return Err(SqlError::new(15279, &[&language.0.name]));
                };
                if english.severity != severity {
                    return Err(SqlError::new(15304, &[&language.0.name, &english.severity]));
                }
            }
            s.messages.retain(|m| (m.number, m.language) != (number, code));
            s.messages.push(UserMessage { number, language: code, severity, logged, text });
            // Invariant 1, when us_english's version is replaced.
            for m in s.messages.iter_mut().filter(|m| m.number == number) {
                m.severity = severity;
                m.logged = logged;
            }
            s.messages.sort_by_key(|m| (m.number, m.language));
            Ok(())
        })?;
        Ok(0)
    }

    fn alter_message(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        let number = given.int(0)?.unwrap_or(0);
        self.need_settings()?;
        if given.text(1).is_none_or(|p| !p.trim().eq_ignore_ascii_case("with_log")) {
            return Err(SqlError::new(15176, &[]).into());
        }
        let value = given.text(2).ok_or_else(|| SqlError::new(15042, &[]))?;
        let logged = with_log(Some(value))?;
        let own = holdfast_types::messages::lookup(number);
        self.session.host.settings.change(|s| {
            let mut known = false;
            for m in s.messages.iter_mut().filter(|m| m.number == number) {
                m.logged = logged;
                known = true;
            }
            if own.is_some() {
                s.logging.insert(number, logged);
                known = true;
            }
            if known { Ok(()) } else { Err(SqlError::new(15179, &[&number])) }
        })?;
        Ok(0)
    }

    fn drop_message(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        let Some(number) = given.int(0)? else { return Err(SqlError::new(15177, &[]).into()) };
        self.need_settings()?;
        if number < RESERVED {
            return Err(SqlError::new(15178, &[]).into());
        }
        let all = given.text(1).is_some_and(|l| l.trim().eq_ignore_ascii_case("all"));
        let code = if all { US_ENGLISH } else { message_language(self.language_of(given, 1)?) };
        self.session.host.settings.change(|s| {
            if s.message(number, code).is_none() {
                return Err(SqlError::new(15179, &[&number]));
            }
            let others = s.messages.iter().any(|m| m.number == number && m.language != US_ENGLISH);
            if code == US_ENGLISH && !all && others {
                return Err(SqlError::new(15280, &[]));
            }
            s.messages.retain(|m| m.number != number || !all && m.language != code);
            Ok(())
        })?;
        Ok(0)
    }
}
