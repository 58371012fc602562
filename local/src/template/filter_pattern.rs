//! Filter patterns of event source mappings (AWS Lambda developer guide, "Control which events Lambda sends to your function").

use serde_json::{Map, Value};

/// A filter pattern: an object with the structure of a record, whose leaves are lists of rules.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterPattern(Map<String, Value>);

/// A filter pattern that is invalid, or not supported here.
#[derive(Debug, thiserror::Error)]
#[error("filter pattern: {0}")]
pub struct FilterPatternError(String);

impl FilterPattern {
    /// Parses a pattern.
    pub fn parse(text: &str) -> Result<Self, FilterPatternError> {
        let value: Value = serde_json::from_str(text).map_err(|error| FilterPatternError(error.to_string()))?;
        let Value::Object(pattern) = value else {
            return Err(FilterPatternError("not an object".to_owned()));
        };
        check(&pattern)?;
        Ok(Self(pattern))
    }

    /// Whether a record matches.
    pub fn matches(&self, record: &Value) -> bool {
        matches(&self.0, record)
    }
}

fn check(pattern: &Map<String, Value>) -> Result<(), FilterPatternError> {
    pattern.iter().try_for_each(|(name, value)| match value {
        Value::Object(inner) => check(inner),
        Value::Array(rules) => rules.iter().try_for_each(|rule| match rule {
            Value::Object(rule) if rule.len() == 1 => match rule.iter().next() {
                Some((kind, Value::Bool(_))) if kind == "exists" => Ok(()),
                Some((kind, Value::String(_))) if kind == "prefix" => Ok(()),
                Some((kind, Value::Array(_))) if kind == "anything-but" => Ok(()),
                _ => Err(FilterPatternError(format!("{name}: the rule {rule:?} is not supported here"))),
            },
            Value::Object(_) | Value::Array(_) => Err(FilterPatternError(format!("{name}: {rule} is not a rule"))),
            _ => Ok(()),
        }),
        _ => Err(FilterPatternError(format!("{name}: expected a list of rules"))),
    })
}

fn matches(pattern: &Map<String, Value>, value: &Value) -> bool {
    pattern.iter().all(|(name, expected)| {
        let found = value.get(name);
        match expected {
            Value::Object(inner) => matches(inner, found.unwrap_or(&Value::Null)),
            Value::Array(rules) => rules.iter().any(|rule| matches_rule(rule, found)),
            _ => false,
        }
    })
}

fn matches_rule(rule: &Value, found: Option<&Value>) -> bool {
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
    fn record_matches_if_every_field_matches_one_of_its_rules() {
        let pattern = FilterPattern::parse(
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
    fn rules_exists_prefix_anything_but_and_null() {
        let matches = |rule: &str, record: Value| {
            FilterPattern::parse(&format!(r#"{{"a": [{rule}]}}"#)).unwrap().matches(&record)
        };
        assert!(matches(r#"{"exists": false}"#, json!({})));
        assert!(!matches(r#"{"exists": false}"#, json!({"a": 1})));
        assert!(matches(r#"{"prefix": "x"}"#, json!({"a": "xy"})));
        assert!(!matches(r#"{"prefix": "x"}"#, json!({"a": "y"})));
        assert!(matches(r#"{"anything-but": ["x"]}"#, json!({"a": "y"})));
        assert!(!matches(r#"{"anything-but": ["x"]}"#, json!({"a": "x"})));
        assert!(matches("null", json!({"a": null})));
    }

    #[test]
    fn unsupported_pattern_is_an_error() {
        for pattern in ["[]", r#"{"a": "x"}"#, r#"{"a": [{"numeric": [">", 1]}]}"#, r#"{"a": [[1]]}"#] {
            assert!(FilterPattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
