//! Filter patterns of an event source: which records a function gets.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html>

use serde_json::{Map, Value};

/// A pattern: an object of the record's own shape, whose leaves are lists of what is taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(Map<String, Value>);

/// A pattern that is not understood; to pass over it would deliver too much or too little.
#[derive(Debug, thiserror::Error)]
#[error("filter pattern: {0}")]
pub struct PatternError(String);

impl Pattern {
    /// Reads a pattern from its JSON.
    pub fn read(text: &str) -> Result<Self, PatternError> {
        let value: Value = serde_json::from_str(text).map_err(|error| PatternError(error.to_string()))?;
        let Value::Object(pattern) = value else {
            return Err(PatternError("not an object".to_owned()));
        };
        check(&pattern)?;
        Ok(Self(pattern))
    }

    /// Whether a record fits.
    pub fn matches(&self, record: &Value) -> bool {
        fits(&self.0, record)
    }
}

fn check(pattern: &Map<String, Value>) -> Result<(), PatternError> {
    pattern.iter().try_for_each(|(name, value)| match value {
        Value::Object(inner) => check(inner),
        Value::Array(rules) => rules.iter().try_for_each(|rule| match rule {
            Value::Object(rule) if rule.len() == 1 => match rule.iter().next() {
                Some((kind, Value::Bool(_))) if kind == "exists" => Ok(()),
                Some((kind, Value::String(_))) if kind == "prefix" => Ok(()),
                Some((kind, Value::Array(_))) if kind == "anything-but" => Ok(()),
                _ => Err(PatternError(format!("{name}: the rule {rule:?} has no local counterpart"))),
            },
            Value::Object(_) | Value::Array(_) => Err(PatternError(format!("{name}: {rule} is no rule"))),
            _ => Ok(()),
        }),
        _ => Err(PatternError(format!("{name}: a list of values is wanted"))),
    })
}

fn fits(pattern: &Map<String, Value>, value: &Value) -> bool {
    pattern.iter().all(|(name, wanted)| {
        let found = value.get(name);
        match wanted {
            Value::Object(inner) => fits(inner, found.unwrap_or(&Value::Null)),
            Value::Array(rules) => rules.iter().any(|rule| obeys(rule, found)),
            _ => false,
        }
    })
}

fn obeys(rule: &Value, found: Option<&Value>) -> bool {
    let Some((kind, argument)) = rule.as_object().and_then(|rule| rule.iter().next()) else {
        return found == Some(rule);
    };
    match (kind.as_str(), found) {
        ("exists", found) => argument.as_bool() == Some(found.is_some()),
        ("prefix", Some(Value::String(text))) => argument.as_str().is_some_and(|prefix| text.starts_with(prefix)),
        ("anything-but", Some(found)) => argument.as_array().is_some_and(|all| !all.contains(found)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_fits_when_every_field_is_in_its_list() {
        let pattern = Pattern::read(
            r#"{"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"kind": {"S": ["outbound"]}, "state": {"S": ["pending"]}}}}"#,
        )
        .unwrap();
        let record = |event: &str, kind: &str, state: &str| json!({"eventName": event, "dynamodb": {"NewImage": {"kind": {"S": kind}, "state": {"S": state}}}});
        assert!(pattern.matches(&record("INSERT", "outbound", "pending")));
        assert!(pattern.matches(&record("MODIFY", "outbound", "pending")));
        assert!(!pattern.matches(&record("REMOVE", "outbound", "pending")));
        assert!(!pattern.matches(&record("INSERT", "inbound", "pending")));
        assert!(!pattern.matches(&record("INSERT", "outbound", "sent")));
        assert!(!pattern.matches(&json!({"eventName": "INSERT", "dynamodb": {"Keys": {}}})));
    }

    #[test]
    fn rules() {
        let fits =
            |rule: &str, record: Value| Pattern::read(&format!(r#"{{"a": [{rule}]}}"#)).unwrap().matches(&record);
        assert!(fits(r#"{"exists": false}"#, json!({})));
        assert!(!fits(r#"{"exists": false}"#, json!({"a": 1})));
        assert!(fits(r#"{"prefix": "x"}"#, json!({"a": "xy"})));
        assert!(!fits(r#"{"prefix": "x"}"#, json!({"a": "y"})));
        assert!(fits(r#"{"anything-but": ["x"]}"#, json!({"a": "y"})));
        assert!(!fits(r#"{"anything-but": ["x"]}"#, json!({"a": "x"})));
        assert!(fits("null", json!({"a": null})));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for pattern in ["[]", r#"{"a": "x"}"#, r#"{"a": [{"numeric": [">", 1]}]}"#, r#"{"a": [[1]]}"#] {
            assert!(Pattern::read(pattern).is_err(), "{pattern}");
        }
    }
}
