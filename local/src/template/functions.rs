//! `AWS::Serverless::Function`: package, environment variables and permissions.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::intrinsics::{Resolver, plain};
use super::{Result, Template, TemplateError, events};
use crate::iam::Statement;

/// A Lambda function.
#[derive(Debug)]
pub struct Function {
    /// The logical id, as `MessageIngress`.
    pub id: String,
    /// The package with its code: the last part of `CodeUri`, as `message-ingress`.
    pub package: String,
    /// The timeout of an invocation.
    pub timeout: Duration,
    /// The environment variables of the template.
    pub environment: BTreeMap<String, String>,
    /// Its IAM statements.
    pub statements: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    code_uri: String,
    timeout: u64,
    #[serde(default)]
    environment: Environment,
    #[serde(default)]
    policies: Vec<Policy>,
    #[serde(default)]
    events: BTreeMap<String, Value>,
    #[serde(default)]
    event_invoke_config: events::EventInvokeConfig,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    variables: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    statement: Vec<Value>,
}

/// `Globals.Function`: the defaults of all functions.
pub(super) struct Globals(Value);

impl Globals {
    pub(super) fn read(document: &Value, resolver: &Resolver<'_>) -> Result<Self> {
        let globals = resolver.resolve(&document["Globals"]["Function"]);
        Ok(Self(globals.map_err(|error| error.within("Globals.Function"))?.unwrap_or_default()))
    }

    /// Merges the properties of a function into the defaults as SAM does: maps are merged, lists are concatenated, other values are
    /// replaced.
    fn merge(&self, own: Value) -> Value {
        fn merge(global: &Value, own: Value) -> Value {
            match (global, own) {
                (Value::Object(global), Value::Object(mut own)) => {
                    for (key, value) in global {
                        let merged = match own.remove(key) {
                            Some(own) => merge(value, own),
                            None => value.clone(),
                        };
                        own.insert(key.clone(), merged);
                    }
                    Value::Object(own)
                }
                (Value::Array(global), Value::Array(own)) => Value::Array(global.iter().cloned().chain(own).collect()),
                (_, own) => own,
            }
        }
        merge(&self.0, own)
    }
}

/// Reads a function and its events.
pub(super) fn read(id: &str, properties: Value, globals: &Globals, template: &mut Template) -> Result<()> {
    let properties: Properties =
        serde_json::from_value(globals.merge(properties)).map_err(|error| TemplateError::new(error.to_string()))?;

    let package = properties.code_uri.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    let mut environment = BTreeMap::new();
    for (name, value) in properties.environment.variables {
        let value = plain(&value).ok_or_else(|| TemplateError::new(format!("{name} is not a string")))?;
        environment.insert(name, value);
    }
    let statements = properties.policies.iter().flat_map(|policy| &policy.statement);
    let statements = statements
        .map(|statement| Statement::parse(statement).map_err(|error| TemplateError::new(error.to_string())))
        .collect::<Result<_>>()?;

    for (name, event) in &properties.events {
        events::read(id, name, event, &properties.event_invoke_config, template).map_err(|error| error.within(name))?;
    }
    let timeout = Duration::from_secs(properties.timeout);
    let function = Function { id: id.to_owned(), package, timeout, environment, statements };
    template.functions.insert(id.to_owned(), function);
    Ok(())
}
