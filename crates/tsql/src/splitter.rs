//! Splits a script at GO lines, as sqlcmd and Management Studio do.
//!
//! Invariants
//! 1. GO counts only when it is alone on its line, apart from blanks, a count and a comment, and when the line does not
//!    begin inside a string, a delimited identifier or a block comment.

/// One batch of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptBatch<'a> {
    pub text: &'a str,
    /// 1-based line of the script at which the batch begins.
    pub line: u32,
    /// How often to run it (`GO 5`).
    pub count: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Code,
    String,
    Bracket,
    Quote,
    Comment(u32),
}

/// The batches of `script`; batches of blanks only are left out.
pub fn split_batches(script: &str) -> Vec<ScriptBatch<'_>> {
    let mut out = Vec::new();
    let mut state = State::Code;
    let (mut start, mut start_line) = (0, 1);
    let mut offset = 0;
    for (i, line) in script.split_inclusive('\n').enumerate() {
        let number = i as u32 + 1;
        if state == State::Code
            && let Some(count) = go_line(line)
        {
            push(&mut out, &script[start..offset], start_line, count);
            start = offset + line.len();
            start_line = number + 1;
        } else {
            state = scan(line, state);
        }
        offset += line.len();
    }
    push(&mut out, &script[start..], start_line, 1);
    out
}

fn push<'a>(out: &mut Vec<ScriptBatch<'a>>, text: &'a str, line: u32, count: u32) {
    if !text.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}').is_empty() && count > 0 {
        out.push(ScriptBatch { text, line, count });
    }
}

/// The count of a GO line, `None` for any other line.
fn go_line(line: &str) -> Option<u32> {
    let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
    let rest = line.get(..2).filter(|w| w.eq_ignore_ascii_case("go")).map(|_| &line[2..])?;
    if rest.chars().next().is_some_and(|c| !c.is_whitespace() && !rest.starts_with("--") && c != ';') {
        return None;
    }
    let rest = rest.split("--").next().unwrap_or("").trim().trim_end_matches(';').trim();
    if rest.is_empty() { Some(1) } else { rest.parse().ok() }
}

/// The state at the end of a line.
fn scan(line: &str, mut state: State) -> State {
    let bytes = line.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let (c, next) = (bytes[i], bytes.get(i + 1).copied().unwrap_or(0));
        match state {
            State::Code => match (c, next) {
                (b'-', b'-') => return state,
                (b'/', b'*') => {
                    state = State::Comment(1);
                    i += 1;
                }
                (b'\'', _) => state = State::String,
                (b'[', _) => state = State::Bracket,
                (b'"', _) => state = State::Quote,
                _ => {}
            },
            State::String if c == b'\'' => state = State::Code,
            State::Bracket if c == b']' => state = State::Code,
            State::Quote if c == b'"' => state = State::Code,
            State::Comment(depth) => match (c, next) {
                (b'*', b'/') => {
                    state = if depth == 1 { State::Code } else { State::Comment(depth - 1) };
                    i += 1;
                }
                (b'/', b'*') => {
                    state = State::Comment(depth + 1);
                    i += 1;
                }
                _ => {}
            },
            _ => {}
        }
        i += 1;
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_in_strings_and_comments_does_not_split() {
        let script = "select 'a\nGO\n'\n/*\ngo\n*/\ngo 3 -- thrice\nselect 2\n  GO  \n\ngo\nselect [x\ngo\n]";
        let b = split_batches(script);
        assert_eq!(b.len(), 3);
        assert_eq!((b[0].line, b[0].count), (1, 3));
        assert_eq!((b[1].text.trim(), b[1].line, b[1].count), ("select 2", 8, 1));
        assert_eq!(b[2].line, 12);
    }

    #[test]
    fn goto_is_no_go() {
        assert_eq!(split_batches("goto x\nx:\nGO;\nselect 1").len(), 2);
    }
}
