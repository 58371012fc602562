//! A function's settings: its environment variables, read once and complained about all at once.

use std::collections::BTreeMap;

/// Environment variables. In Lambda they are the process's own; the local bundle runs every function in one
/// process and hands each its own.
#[derive(Debug, Clone, Default)]
pub struct Env(BTreeMap<String, String>);

/// Why a function cannot start.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StartError {
    /// Settings that are absent or unusable, every one of them named.
    #[error("settings: {}", .0.join("; "))]
    Settings(Vec<String>),
    /// The TLS trust store could not be built.
    #[error("TLS: {0}")]
    Tls(String),
}

impl Env {
    /// The variables of this process. Names or values that are not Unicode are left out.
    pub fn from_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// The value of a variable; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Begins to read settings.
    pub fn settings(&self) -> Settings<'_> {
        Settings { env: self, wrong: Vec::new() }
    }
}

impl FromIterator<(String, String)> for Env {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// Reads settings and remembers what is wrong with them, so that a beginner is told everything in one go.
#[derive(Debug)]
pub struct Settings<'a> {
    env: &'a Env,
    wrong: Vec<String>,
}

impl<'a> Settings<'a> {
    /// A setting that must be there.
    pub fn text(&mut self, name: &str) -> String {
        self.parsed(name, |value| Ok(value.to_owned())).unwrap_or_default()
    }

    /// A setting that must be there and in a certain form; `parse` says in words what is wrong.
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

    /// A setting that must be there: a SHA-256 in lower-case hexadecimal.
    pub fn sha256(&mut self, name: &str) -> String {
        let parse = |value: &str| {
            let right = value.len() == 64 && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            if right { Ok(value.to_owned()) } else { Err("is not a SHA-256 in lower-case hexadecimal".to_owned()) }
        };
        self.parsed(name, parse).unwrap_or_default()
    }

    /// Ends the reading and gives the variables back; the error names everything that is missing or wrong.
    pub fn done(self) -> Result<&'a Env, StartError> {
        if self.wrong.is_empty() { Ok(self.env) } else { Err(StartError::Settings(self.wrong)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_setting_is_named_at_once() {
        let env: Env = [("A".to_owned(), String::new()), ("C".to_owned(), "x".to_owned())].into_iter().collect();
        let mut settings = env.settings();
        settings.text("A");
        settings.text("B");
        settings.parsed("C", |_| Err::<(), _>("is not a number".to_owned()));
        let error = settings.done().unwrap_err();
        assert_eq!(error.to_string(), "settings: A is missing; B is missing; C is not a number");
    }
}
