//! What a function may do: its IAM statements, evaluated as AWS evaluates them.

use serde::Deserialize;
use serde_json::Value;

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    allow: bool,
    actions: Vec<String>,
    resources: Vec<String>,
    /// Patterns for every partition key that the request names; none where any will do.
    leading_keys: Option<Vec<String>>,
}

/// A statement that this evaluator does not understand; to pass over it would permit or forbid at random.
#[derive(Debug, thiserror::Error)]
#[error("IAM statement: {0}")]
pub struct StatementError(String);

/// One thing that a request asks to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// As `dynamodb:PutItem`.
    pub action: String,
    /// The ARN it is done to.
    pub resource: String,
    /// The partition keys that the request names, as strings.
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
    /// Reads a statement whose references are resolved.
    pub fn read(value: &Value) -> Result<Self, StatementError> {
        let document = Document::deserialize(value).map_err(|error| StatementError(error.to_string()))?;
        let mut leading_keys = None;
        for (operator, keys) in &document.condition {
            if operator != "ForAllValues:StringLike" {
                return Err(StatementError(format!("condition {operator} is not known here")));
            }
            for (key, patterns) in keys.as_object().into_iter().flatten() {
                if key != "dynamodb:LeadingKeys" {
                    return Err(StatementError(format!("condition key {key} is not known here")));
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

    fn applies(&self, demand: &Demand) -> bool {
        // Action names are compared without case, everything else with it.
        let action = demand.action.to_ascii_lowercase();
        self.actions.iter().any(|pattern| like(&pattern.to_ascii_lowercase(), &action))
            && self.resources.iter().any(|pattern| like(pattern, &demand.resource))
            // ForAllValues holds where the request names no key at all.
            && self.leading_keys.as_ref().is_none_or(|patterns| {
                demand.leading_keys.iter().all(|key| patterns.iter().any(|pattern| like(pattern, key)))
            })
    }
}

/// Whether the statements permit what is asked: one allows it and none denies it.
pub fn permits(statements: &[Statement], demand: &Demand) -> bool {
    let mut applying = statements.iter().filter(|statement| statement.applies(demand)).peekable();
    applying.peek().is_some() && applying.all(|statement| statement.allow)
}

/// IAM's wildcards: `*` is any run of characters, `?` any one.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on from when the last `*` has to take one character more.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TABLE: &str = "arn:aws:dynamodb:local:000000000000:table/kefu-Table";

    fn demand(action: &str, resource: &str, keys: &[&str]) -> Demand {
        Demand {
            action: action.to_owned(),
            resource: resource.to_owned(),
            leading_keys: keys.iter().map(|&key| key.to_owned()).collect(),
        }
    }

    fn statements(values: &[Value]) -> Vec<Statement> {
        values.iter().map(|value| Statement::read(value).unwrap()).collect()
    }

    #[test]
    fn what_is_listed_is_allowed_and_nothing_else() {
        let list = statements(&[
            json!({"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": TABLE}),
        ]);
        assert!(permits(&list, &demand("dynamodb:PutItem", TABLE, &["a"])));
        assert!(!permits(&list, &demand("dynamodb:DeleteItem", TABLE, &["a"])));
        assert!(!permits(
            &list,
            &demand("dynamodb:GetItem", "arn:aws:dynamodb:local:000000000000:table/other", &["a"])
        ));
        assert!(!permits(&[], &demand("dynamodb:GetItem", TABLE, &[])));
    }

    #[test]
    fn an_index_is_a_resource_of_its_own() {
        let list = statements(&[json!({"Effect": "Allow", "Action": "dynamodb:Query", "Resource": TABLE})]);
        assert!(permits(&list, &demand("dynamodb:Query", TABLE, &["a"])));
        assert!(!permits(&list, &demand("dynamodb:Query", &format!("{TABLE}/index/due"), &["a"])));
    }

    #[test]
    fn a_denial_wins() {
        let list = statements(&[
            json!({"Effect": "Allow", "Action": "dynamodb:*", "Resource": TABLE}),
            json!({"Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": TABLE}),
        ]);
        assert!(permits(&list, &demand("dynamodb:GetItem", TABLE, &[])));
        assert!(!permits(&list, &demand("dynamodb:DeleteItem", TABLE, &[])));
    }

    #[test]
    fn every_leading_key_has_to_match() {
        let list = statements(&[json!({
            "Effect": "Allow", "Action": "dynamodb:BatchGetItem", "Resource": TABLE,
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["binding#*", "access#??"]}},
        })]);
        let ask = |keys: &[&str]| permits(&list, &demand("dynamodb:BatchGetItem", TABLE, keys));
        assert!(ask(&["binding#wx1", "access#ab"]));
        assert!(!ask(&["binding#wx1", "thread#wx1#o"]));
        assert!(!ask(&["access#abc"]));
        assert!(ask(&[]), "ForAllValues holds for no values");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for condition in [
            json!({"StringEquals": {"dynamodb:LeadingKeys": ["a"]}}),
            json!({"ForAllValues:StringLike": {"dynamodb:Attributes": ["a"]}}),
        ] {
            let statement = json!({"Effect": "Allow", "Action": "a:b", "Resource": "c", "Condition": condition});
            assert!(Statement::read(&statement).is_err());
        }
        assert!(Statement::read(&json!({"Effect": "Allow", "NotAction": "a:b", "Resource": "c"})).is_err());
    }

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("binding#*", "binding#", true),
            ("binding#*", "binding", false),
            ("*a*b", "xaxxb", true),
            ("*a*b", "xaxxbc", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern} {text}");
        }
    }
}
