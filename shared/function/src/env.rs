//! A function's settings, from its environment variables.

use std::collections::BTreeMap;

use store::{Retention, RetentionPeriod};

/// Environment variables: those of the process in Lambda, or a map, because `local` runs all functions in one process.
#[derive(Debug, Clone, Default)]
pub struct Env {
    variables: BTreeMap<String, String>,
    is_local: bool,
}

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
    /// The same variables in the bundle on one machine, where the functions may call addresses of this machine, by http
    /// too, and where the table recovers from throttling at once. No environment variable can have this effect.
    #[must_use]
    pub fn local(self) -> Self {
        Self { is_local: true, ..self }
    }

    /// Whether this is the bundle on one machine.
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    /// Which addresses may be reached by URLs from outside.
    #[cfg(feature = "channel")]
    pub fn reach(&self) -> channel::Reach {
        if self.is_local { channel::Reach::Local } else { channel::Reach::Public }
    }

    /// The variables of this process, without names and values that are not Unicode.
    pub fn from_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        std::env::vars_os().filter_map(text).collect()
    }

    /// The value of a variable. `None` where it is not set or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A reader of settings that collects the errors.
    pub fn settings(&self) -> Settings<'_> {
        Settings { env: self, wrong: Vec::new() }
    }
}

impl FromIterator<(String, String)> for Env {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self { variables: variables.into_iter().collect(), is_local: false }
    }
}

/// Reads settings and collects their errors, so that one start shows all of them.
#[derive(Debug)]
pub struct Settings<'a> {
    pub(crate) env: &'a Env,
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

    /// How long items are kept: the required settings `MESSAGE_RETENTION_DAYS`, `CONVERSATION_RETENTION_DAYS`,
    /// `VISITOR_RETENTION_DAYS` and `AUDIT_RETENTION_DAYS`, each 0 for ever or at least 30.
    pub fn retention(&mut self) -> Retention {
        let mut period = |name: &str| {
            let parse = |value: &str| {
                let period = value.parse().ok().and_then(RetentionPeriod::of_days);
                period.ok_or_else(|| format!("is neither 0 nor {} days or more", RetentionPeriod::MIN_DAYS))
            };
            self.parsed(name, parse).unwrap_or_default()
        };
        Retention {
            messages: period("MESSAGE_RETENTION_DAYS"),
            conversations: period("CONVERSATION_RETENTION_DAYS"),
            visitors: period("VISITOR_RETENTION_DAYS"),
            audit: period("AUDIT_RETENTION_DAYS"),
        }
    }

    /// The value of a required setting that is an https URL. In the bundle on one machine it may be http.
    pub fn https_url(&mut self, name: &str) -> String {
        let http_is_allowed = self.env.is_local;
        let parse = |value: &str| {
            let valid = value.starts_with("https://") || (http_is_allowed && value.starts_with("http://"));
            if valid { Ok(value.to_owned()) } else { Err("is not an https address".to_owned()) }
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

    #[test]
    fn retention_of_a_few_days_is_refused() {
        let days = ["0", "30", "29", "x"];
        let names = ["MESSAGE", "CONVERSATION", "VISITOR", "AUDIT"].map(|of| format!("{of}_RETENTION_DAYS"));
        let env: Env = names.into_iter().zip(days.map(str::to_owned)).collect();
        let mut settings = env.settings();
        let retention = settings.retention();
        assert!(retention.messages.is_forever());
        assert_eq!(Some(retention.conversations), RetentionPeriod::of_days(30));
        assert_eq!(
            settings.done().unwrap_err().to_string(),
            "settings: VISITOR_RETENTION_DAYS is neither 0 nor 30 days or more; \
             AUDIT_RETENTION_DAYS is neither 0 nor 30 days or more"
        );
    }

    #[test]
    fn http_url_is_refused_outside_of_the_local_bundle() {
        let env: Env = [("URL".to_owned(), "http://127.0.0.1:3001".to_owned())].into_iter().collect();
        let mut settings = env.settings();
        assert_eq!(settings.https_url("URL"), "");
        assert_eq!(settings.done().unwrap_err().to_string(), "settings: URL is not an https address");
        let env = env.local();
        let mut settings = env.settings();
        assert_eq!(settings.https_url("URL"), "http://127.0.0.1:3001");
        assert!(settings.done().is_ok());
    }
}
