//! A function's settings, from its environment variables.

use std::collections::BTreeMap;

/// Environment variables: those of the process in Lambda, or a map, because `local` runs all functions in one process.
#[derive(Debug, Clone, Default)]
pub struct Env(BTreeMap<String, String>);

/// An error of a function's init.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StartError {
    /// All settings that are missing or invalid.
    #[error("settings: {}", .0.join("; "))]
    Settings(Vec<String>),
    /// The TLS trust store could not be built.
    #[error("TLS: {0}")]
    Tls(String),
}

impl Env {
    /// The variables of this process, without names and values that are not Unicode.
    pub fn from_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// The value of a variable. `None` where it is not set or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A reader of settings that collects the errors.
    pub fn settings(&self) -> Settings<'_> {
        Settings { env: self, wrong: Vec::new() }
    }
}

impl FromIterator<(String, String)> for Env {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// Reads settings and collects their errors, so that one start shows all of them.
#[derive(Debug)]
pub struct Settings<'a> {
    env: &'a Env,
    wrong: Vec<String>,
}

impl<'a> Settings<'a> {
    /// The value of a required setting; empty, with an error collected, where it is missing.
    pub fn text(&mut self, name: &str) -> String {
        self.parsed(name, |value| Ok(value.to_owned())).unwrap_or_default()
    }

    /// The parsed value of a required setting. An error of `parse` continues a sentence that begins with the setting's name.
    pub fn parsed<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match self.env.get(name).map(parse) {
            Some(Ok(value)) => Some(value),
            Some(Err(why)) => {
                self.wrong.push(format!("{name} {why}"));
                None
            }
            None => {
                self.wrong.push(format!("{name} is missing"));
                None
            }
        }
    }

    /// The value of a required setting that is a SHA-256 in lower-case hexadecimal.
    pub fn sha256(&mut self, name: &str) -> String {
        let parse = |value: &str| {
            let valid = value.len() == 64 && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            if valid { Ok(value.to_owned()) } else { Err("is not a SHA-256 in lower-case hexadecimal".to_owned()) }
        };
        self.parsed(name, parse).unwrap_or_default()
    }

    /// Returns the variables, or an error with all that is missing or invalid.
    pub fn done(self) -> Result<&'a Env, StartError> {
        if self.wrong.is_empty() { Ok(self.env) } else { Err(StartError::Settings(self.wrong)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_names_all_missing_and_invalid_settings() {
        let env: Env = [("A".to_owned(), String::new()), ("C".to_owned(), "x".to_owned())].into_iter().collect();
        let mut settings = env.settings();
        settings.text("A");
        settings.text("B");
        settings.parsed("C", |_| Err::<(), _>("is not a number".to_owned()));
        let error = settings.done().unwrap_err();
        assert_eq!(error.to_string(), "settings: A is missing; B is missing; C is not a number");
    }
}
