//! CloudFormation's intrinsic functions.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Result, TemplateError};

/// The region of the local bundle. It does not exist in AWS, so that a client without the local endpoint reaches no real account.
pub(crate) const REGION: &str = "local";
/// The account id of the local bundle.
pub(crate) const ACCOUNT: &str = "000000000000";
const STACK: &str = "kefu";

/// Resolves the references of a template.
pub(super) struct Resolver<'a> {
    document: &'a Value,
    resources: &'a Map<String, Value>,
    parameters: BTreeMap<&'a str, Parameter>,
}

/// A parameter of the template.
struct Parameter {
    value: String,
    is_number: bool,
}

/// The ARN of a function.
pub(crate) fn function_arn(id: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-{id}")
}

/// The logical id in an ARN or physical name that this resolver created.
pub(super) fn logical_id(physical: &str) -> Result<&str> {
    physical
        .rsplit_once(&format!("{STACK}-"))
        .map(|(_, id)| id.split('/').next().unwrap_or(id))
        .ok_or_else(|| TemplateError::new(format!("{physical} is not a resource of this template")))
}

impl<'a> Resolver<'a> {
    pub(super) fn new(document: &'a Value, given: &BTreeMap<String, String>) -> Result<Self> {
        let resources = document["Resources"].as_object().ok_or_else(|| TemplateError::new("no Resources"))?;
        let mut parameters = BTreeMap::new();
        for (name, definition) in document["Parameters"].as_object().into_iter().flatten() {
            let value = given.get(name).cloned().or_else(|| plain(&definition["Default"]));
            let value = value.ok_or_else(|| TemplateError::new(format!("parameter {name} has no value")))?;
            let is_number = definition["Type"] == "Number";
            parameters.insert(name.as_str(), Parameter { value, is_number });
        }
        if let Some(unknown) = given.keys().find(|name| !parameters.contains_key(name.as_str())) {
            return Err(TemplateError::new(format!("there is no parameter {unknown}")));
        }
        Ok(Self { document, resources, parameters })
    }

    pub(super) fn resources(&self) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        self.resources.iter().map(|(id, resource)| (id.as_str(), resource))
    }

    /// The value with all intrinsic functions resolved; `None` for `AWS::NoValue`.
    pub(super) fn resolve(&self, value: &Value) -> Result<Option<Value>> {
        match value {
            Value::Array(items) => {
                let items = items.iter().filter_map(|item| self.resolve(item).transpose());
                Ok(Some(Value::Array(items.collect::<Result<_>>()?)))
            }
            Value::Object(map) => {
                if let Some((name, argument)) = intrinsic(map) {
                    return self.call(name, argument);
                }
                let mut resolved = Map::new();
                for (key, item) in map {
                    if let Some(item) = self.resolve(item).map_err(|error| error.within(key))? {
                        resolved.insert(key.clone(), item);
                    }
                }
                Ok(Some(Value::Object(resolved)))
            }
            plain => Ok(Some(plain.clone())),
        }
    }

    /// The value of `!Ref name`.
    pub(super) fn reference(&self, name: &str) -> Result<String> {
        if let Some(parameter) = self.parameters.get(name) {
            return Ok(parameter.value.clone());
        }
        let pseudo = match name {
            "AWS::AccountId" => Some(ACCOUNT),
            "AWS::Partition" => Some("aws"),
            "AWS::Region" => Some(REGION),
            "AWS::StackName" => Some(STACK),
            "AWS::URLSuffix" => Some("amazonaws.com"),
            _ => None,
        };
        if let Some(value) = pseudo {
            return Ok(value.to_owned());
        }
        let unknown =
            || TemplateError::new(format!("Ref {name}: no such resource, or a type whose Ref is not supported here"));
        let kind = self.resources.get(name).and_then(|resource| resource["Type"].as_str()).ok_or_else(unknown)?;
        match kind {
            "AWS::DynamoDB::Table"
            | "AWS::Serverless::Function"
            | "AWS::S3::Bucket"
            | "AWS::Logs::LogGroup"
            | "AWS::ApiGatewayV2::Integration"
            | "AWS::ApiGatewayV2::Route" => Ok(format!("{STACK}-{name}")),
            "AWS::SecretsManager::Secret" => {
                Ok(format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{STACK}-{name}"))
            }
            "AWS::SQS::Queue" => Ok(format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{STACK}-{name}")),
            "AWS::Serverless::HttpApi" | "AWS::ApiGatewayV2::Api" => Ok(name.to_lowercase()),
            _ => Err(unknown()),
        }
    }

    /// The value of `!Ref name` as a property: a number where `name` is a parameter of type `Number`.
    fn referenced_value(&self, name: &str) -> Result<Value> {
        let text = self.reference(name)?;
        if !self.parameters.get(name).is_some_and(|parameter| parameter.is_number) {
            return Ok(Value::String(text));
        }
        let number =
            text.parse().map_err(|_| TemplateError::new(format!("parameter {name} is not a number: {text}")))?;
        Ok(Value::Number(number))
    }

    /// The value of `!GetAtt resource.attribute`.
    pub(super) fn attribute(&self, resource: &str, attribute: &str) -> Result<String> {
        let unknown = || TemplateError::new(format!("GetAtt {resource}.{attribute}: no such resource or attribute"));
        let kind = self.resources.get(resource).and_then(|value| value["Type"].as_str()).ok_or_else(unknown)?;
        let table = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{STACK}-{resource}");
        match (kind, attribute) {
            ("AWS::DynamoDB::Table", "Arn") => Ok(table),
            ("AWS::DynamoDB::Table", "StreamArn") => Ok(format!("{table}/stream/{REGION}")),
            ("AWS::Serverless::Function", "Arn") => Ok(function_arn(resource)),
            ("AWS::SQS::Queue", "Arn") => Ok(format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{STACK}-{resource}")),
            ("AWS::S3::Bucket", "Arn") => Ok(format!("arn:aws:s3:::{STACK}-{resource}")),
            ("AWS::SQS::Queue", "QueueName") => Ok(format!("{STACK}-{resource}")),
            ("AWS::Logs::LogGroup", "Arn") => {
                Ok(format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{STACK}-{resource}:*"))
            }
            _ => Err(unknown()),
        }
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Option<Value>> {
        let wrong = || TemplateError::new(format!("{name} with arguments it does not take: {argument}"));
        match (name, argument) {
            ("Ref", Value::String(target)) if target == "AWS::NoValue" => Ok(None),
            ("Ref", Value::String(target)) => self.referenced_value(target).map(Some),
            ("Fn::GetAtt", Value::Array(path)) => match path.as_slice() {
                [Value::String(resource), Value::String(attribute)] => {
                    self.attribute(resource, attribute).map(|value| Some(json!(value)))
                }
                _ => Err(wrong()),
            },
            ("Fn::Sub", Value::String(text)) => self.substitute(text).map(|value| Some(json!(value))),
            ("Fn::Join", Value::Array(arguments)) => match arguments.as_slice() {
                [Value::String(separator), parts] => {
                    let parts = self.resolve(parts)?.unwrap_or_default();
                    let parts = parts.as_array().ok_or_else(wrong)?.iter();
                    let parts: Option<Vec<String>> = parts.map(plain).collect();
                    Ok(Some(json!(parts.ok_or_else(wrong)?.join(separator))))
                }
                _ => Err(wrong()),
            },
            ("Fn::If", Value::Array(arguments)) => match arguments.as_slice() {
                [Value::String(condition), yes, no] => self.resolve(if self.condition(condition)? { yes } else { no }),
                _ => Err(wrong()),
            },
            _ => Err(TemplateError::new(format!("{name} is not supported here"))),
        }
    }

    fn substitute(&self, text: &str) -> Result<String> {
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) =
                after.split_once('}').ok_or_else(|| TemplateError::new(format!("unclosed ${{ in Sub: {text}")))?;
            result.push_str(before);
            if let Some(literal) = name.strip_prefix('!') {
                result.extend(["${", literal, "}"]);
            } else if let Some((resource, attribute)) = name.split_once('.') {
                result.push_str(&self.attribute(resource, attribute)?);
            } else {
                result.push_str(&self.reference(name)?);
            }
            rest = after;
        }
        result.push_str(rest);
        Ok(result)
    }

    fn condition(&self, name: &str) -> Result<bool> {
        let definition = self.document["Conditions"].get(name);
        self.truth(definition.ok_or_else(|| TemplateError::new(format!("there is no condition {name}")))?)
    }

    fn truth(&self, value: &Value) -> Result<bool> {
        let (name, argument) = value
            .as_object()
            .and_then(intrinsic)
            .ok_or_else(|| TemplateError::new(format!("not a condition: {value}")))?;
        let arguments = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        match (name, arguments) {
            ("Fn::Equals", [left, right]) => {
                // CloudFormation compares texts: the parameter 0 equals "0".
                let text = |value: &Value| Ok(self.resolve(value)?.as_ref().and_then(plain));
                Ok::<_, TemplateError>(text(left)? == text(right)?)
            }
            ("Fn::Not", [inner]) => self.truth(inner).map(|truth| !truth),
            ("Fn::And", inner) => inner.iter().try_fold(true, |so_far, one| Ok(so_far & self.truth(one)?)),
            ("Fn::Or", inner) => inner.iter().try_fold(false, |so_far, one| Ok(so_far | self.truth(one)?)),
            ("Condition", []) => self.condition(argument.as_str().unwrap_or_default()),
            _ => Err(TemplateError::new(format!("{name} is not a condition function"))),
        }
    }
}

/// The name and argument of an intrinsic function: an object whose only key is such a name.
fn intrinsic(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = map.iter().next().filter(|_| map.len() == 1)?;
    let known = name == "Ref" || name.starts_with("Fn::") || (name == "Condition" && argument.is_string());
    known.then_some((name.as_str(), argument))
}

/// The text of a scalar, as CloudFormation writes it into a string.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
