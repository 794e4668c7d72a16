//! Scripting variables: `-v name=value`, `:setvar name value`, `$(name)` in batches and directives.
//!
//! Invariants
//! 1. Names are compared without case. An undefined one is an error that names it; a script is not run with a hole in it.
//! 2. Environment variables are found too, behind the shell's own.

use std::collections::BTreeMap;

#[derive(Default)]
pub struct Variables {
    values: BTreeMap<String, String>,
    /// -x: `$(…)` is text.
    pub disabled: bool,
}

impl Variables {
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_lowercase(), value.to_owned());
    }

    pub fn unset(&mut self, name: &str) {
        self.values.remove(&name.to_lowercase());
    }

    pub fn get(&self, name: &str) -> Option<String> {
        self.values.get(&name.to_lowercase()).cloned().or_else(|| std::env::var(name).ok())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.values.iter()
    }

    /// `-v`'s `name=value`; the value may be quoted.
    pub fn assign(&mut self, text: &str) -> Result<(), String> {
        let (name, value) = text.split_once('=').ok_or_else(|| format!("-v {text}: write name=value"))?;
        self.set(name.trim(), unquoted(value.trim()));
        Ok(())
    }

    /// The text with its variables put in.
    pub fn expand(&self, text: &str) -> Result<String, String> {
        if self.disabled || !text.contains("$(") {
            return Ok(text.to_owned());
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("$(") {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let name = from[2..].split(')').next().unwrap_or("");
            let is_name = !name.is_empty()
                && from.len() > 2 + name.len()
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '#' | '@'));
            if is_name {
                let value = self.get(name);
                out.push_str(&value.ok_or_else(|| format!("'{name}' scripting variable not defined."))?);
                rest = &from[3 + name.len()..];
            } else {
                out.push_str("$(");
                rest = &from[2..];
            }
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// Without one pair of double quotes.
pub fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_or_missed() {
        let mut v = Variables::default();
        v.assign("Table=dbo.t").expect("well formed");
        v.assign("x=\"a b\"").expect("well formed");
        assert!(v.assign("alone").is_err());
        assert_eq!(
            v.expand("select * from $(table) where c = '$(X)'").as_deref(),
            Ok("select * from dbo.t where c = 'a b'")
        );
        assert_eq!(
            v.expand("$(nowhere_to_be_found)"),
            Err("'nowhere_to_be_found' scripting variable not defined.".into())
        );
        assert_eq!(v.expand("$(a b) $( $(").as_deref(), Ok("$(a b) $( $("));
        v.disabled = true;
        assert_eq!(v.expand("$(table)").as_deref(), Ok("$(table)"));
    }
}
