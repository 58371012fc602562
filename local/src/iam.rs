//! IAM policy statements and their evaluation.

use serde::Deserialize;
use serde_json::Value;
use wildmatch::WildMatch;

/// A policy statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    allow: bool,
    actions: Vec<String>,
    resources: Vec<String>,
    /// The patterns of the `dynamodb:LeadingKeys` condition, if there is one.
    leading_keys: Option<Vec<String>>,
}

/// A statement that is invalid, or not supported here.
#[derive(Debug, thiserror::Error)]
#[error("IAM statement: {0}")]
pub struct StatementError(String);

/// An action on a resource whose permission is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// The action, as `dynamodb:PutItem`.
    pub action: String,
    /// The ARN of the resource.
    pub resource: String,
    /// The partition keys in the request.
    pub leading_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    effect: String,
    action: OneOrMany,
    resource: OneOrMany,
    #[serde(default)]
    condition: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Vec<String> {
    fn from(value: OneOrMany) -> Self {
        match value {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        }
    }
}

impl Statement {
    /// Parses a statement whose references are resolved.
    pub fn parse(value: &Value) -> Result<Self, StatementError> {
        let document = Document::deserialize(value).map_err(|error| StatementError(error.to_string()))?;
        let mut leading_keys = None;
        for (operator, keys) in &document.condition {
            if operator != "ForAllValues:StringLike" {
                return Err(StatementError(format!("condition operator {operator} is not supported")));
            }
            for (key, patterns) in keys.as_object().into_iter().flatten() {
                if key != "dynamodb:LeadingKeys" {
                    return Err(StatementError(format!("condition key {key} is not supported")));
                }
                let patterns =
                    OneOrMany::deserialize(patterns).map_err(|error| StatementError(format!("{key}: {error}")))?;
                leading_keys = Some(patterns.into());
            }
        }
        Ok(Self {
            allow: match document.effect.as_str() {
                "Allow" => true,
                "Deny" => false,
                effect => return Err(StatementError(format!("effect {effect}"))),
            },
            actions: document.action.into(),
            resources: document.resource.into(),
            leading_keys,
        })
    }

    fn applies(&self, request: &AuthorizationRequest) -> bool {
        // Actions are not case-sensitive; resources and keys are.
        let action = request.action.to_ascii_lowercase();
        self.actions.iter().any(|pattern| matches_wildcards(&pattern.to_ascii_lowercase(), &action))
            && self.resources.iter().any(|pattern| matches_wildcards(pattern, &request.resource))
            // ForAllValues is true if the request has no keys.
            && self.leading_keys.as_ref().is_none_or(|patterns| {
                request.leading_keys.iter().all(|key| patterns.iter().any(|pattern| matches_wildcards(pattern, key)))
            })
    }
}

/// Whether the statements allow a request: at least one allows it, and none denies it.
pub fn is_allowed(statements: &[Statement], request: &AuthorizationRequest) -> bool {
    let mut applying = statements.iter().filter(|statement| statement.applies(request)).peekable();
    applying.peek().is_some() && applying.all(|statement| statement.allow)
}

/// Matches IAM's wildcards: `*` is any number of characters, `?` is one character.
fn matches_wildcards(pattern: &str, text: &str) -> bool {
    WildMatch::new(pattern).matches(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TABLE: &str = "arn:aws:dynamodb:local:000000000000:table/kefu-Table";

    fn request(action: &str, resource: &str, keys: &[&str]) -> AuthorizationRequest {
        AuthorizationRequest {
            action: action.to_owned(),
            resource: resource.to_owned(),
            leading_keys: keys.iter().map(|&key| key.to_owned()).collect(),
        }
    }

    fn statements(values: &[Value]) -> Vec<Statement> {
        values.iter().map(|value| Statement::parse(value).unwrap()).collect()
    }

    #[test]
    fn unlisted_action_or_resource_is_not_allowed() {
        let list = statements(&[
            json!({"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": TABLE}),
        ]);
        assert!(is_allowed(&list, &request("dynamodb:PutItem", TABLE, &["a"])));
        assert!(!is_allowed(&list, &request("dynamodb:DeleteItem", TABLE, &["a"])));
        assert!(!is_allowed(
            &list,
            &request("dynamodb:GetItem", "arn:aws:dynamodb:local:000000000000:table/other", &["a"])
        ));
        assert!(!is_allowed(&[], &request("dynamodb:GetItem", TABLE, &[])));
    }

    #[test]
    fn statement_for_a_table_does_not_allow_its_index() {
        let list = statements(&[json!({"Effect": "Allow", "Action": "dynamodb:Query", "Resource": TABLE})]);
        assert!(is_allowed(&list, &request("dynamodb:Query", TABLE, &["a"])));
        assert!(!is_allowed(&list, &request("dynamodb:Query", &format!("{TABLE}/index/due"), &["a"])));
    }

    #[test]
    fn deny_overrides_allow() {
        let list = statements(&[
            json!({"Effect": "Allow", "Action": "dynamodb:*", "Resource": TABLE}),
            json!({"Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": TABLE}),
        ]);
        assert!(is_allowed(&list, &request("dynamodb:GetItem", TABLE, &[])));
        assert!(!is_allowed(&list, &request("dynamodb:DeleteItem", TABLE, &[])));
    }

    #[test]
    fn request_with_a_leading_key_that_does_not_match_is_not_allowed() {
        let list = statements(&[json!({
            "Effect": "Allow", "Action": "dynamodb:BatchGetItem", "Resource": TABLE,
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["binding#*", "access#??"]}},
        })]);
        let allowed = |keys: &[&str]| is_allowed(&list, &request("dynamodb:BatchGetItem", TABLE, keys));
        assert!(allowed(&["binding#wx1", "access#ab"]));
        assert!(!allowed(&["binding#wx1", "thread#wx1#o"]));
        assert!(!allowed(&["access#abc"]));
        assert!(allowed(&[]), "ForAllValues is true without values");
    }

    #[test]
    fn unsupported_statement_is_an_error() {
        for condition in [
            json!({"StringEquals": {"dynamodb:LeadingKeys": ["a"]}}),
            json!({"ForAllValues:StringLike": {"dynamodb:Attributes": ["a"]}}),
        ] {
            let statement = json!({"Effect": "Allow", "Action": "a:b", "Resource": "c", "Condition": condition});
            assert!(Statement::parse(&statement).is_err());
        }
        assert!(Statement::parse(&json!({"Effect": "Allow", "NotAction": "a:b", "Resource": "c"})).is_err());
    }

    #[test]
    fn wildcards_match_any_number_or_one_character() {
        for (pattern, text, expected) in [
            ("binding#*", "binding#", true),
            ("binding#*", "binding", false),
            ("*a*b", "xaxxb", true),
            ("*a*b", "xaxxbc", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
        ] {
            assert_eq!(matches_wildcards(pattern, text), expected, "{pattern} {text}");
        }
    }
}
