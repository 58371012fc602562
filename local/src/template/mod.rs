//! Reads `template.yaml` as CloudFormation and SAM do.
//!
//! Routes, authorizer, table, event source mappings, schedules, environment variables and permissions all come from the template.
//! Anything that this reader does not support is an error.

mod event_source_mapping;
mod events;
mod filter_pattern;
mod functions;
mod intrinsics;
mod queues;
mod tables;
mod websocket;
mod yaml;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

pub use event_source_mapping::EventSourceMapping;
pub use events::{Authorizer, Route, Schedule};
pub use filter_pattern::{FilterPattern, FilterPatternError};
pub use functions::Function;
pub(crate) use intrinsics::{ACCOUNT, REGION, function_arn};
pub use queues::{QueueDefinition, QueueMapping, Redrive};
pub use tables::TableDefinition;
pub use websocket::{WebSocketApi, WebSocketRoute};

use intrinsics::Resolver;

/// The text of the template.
const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The template is invalid, or uses a feature that `local` does not support.
#[derive(Debug, thiserror::Error)]
#[error("template.yaml: {0}")]
pub struct TemplateError(String);

impl TemplateError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    fn within(self, place: &str) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

/// The result of reading the template.
pub type Result<T> = std::result::Result<T, TemplateError>;

/// The resources of the template, with all references resolved.
#[derive(Debug)]
pub struct Template {
    /// The functions, by logical id.
    pub functions: BTreeMap<String, Function>,
    /// The routes of the HTTP API, most specific first.
    pub routes: Vec<Route>,
    /// The event source mappings of table streams.
    pub event_source_mappings: Vec<EventSourceMapping>,
    /// The event source mappings of queues.
    pub queue_mappings: Vec<QueueMapping>,
    /// The queues, by logical id.
    pub queues: BTreeMap<String, QueueDefinition>,
    /// The schedules.
    pub schedules: Vec<Schedule>,
    /// The tables, by logical id.
    pub tables: BTreeMap<String, TableDefinition>,
    /// The secrets, by logical id.
    pub secrets: BTreeMap<String, SecretDefinition>,
    /// The WebSocket API.
    pub web_socket_api: Option<WebSocketApi>,
}

/// A generated secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretDefinition {
    /// The ARN.
    pub arn: String,
    /// The number of characters.
    pub length: usize,
}

impl Template {
    /// The template of this repository, compiled into the binary; see [`Template::read`].
    pub fn deployed(parameters: &BTreeMap<String, String>) -> Result<Self> {
        // Parsed once, because tests start many bundles in one process.
        static DOCUMENT: OnceLock<Value> = OnceLock::new();
        let document = if let Some(document) = DOCUMENT.get() {
            document
        } else {
            let document = yaml::parse(TEMPLATE)?;
            DOCUMENT.get_or_init(|| document)
        };
        Self::of(document, parameters)
    }

    /// Reads a template.
    ///
    /// `parameters` are the values of the template's parameters. Missing ones get their default; one without a default is an
    /// error.
    pub fn read(text: &str, parameters: &BTreeMap<String, String>) -> Result<Self> {
        Self::of(&yaml::parse(text)?, parameters)
    }

    fn of(document: &Value, parameters: &BTreeMap<String, String>) -> Result<Self> {
        let resolver = Resolver::new(document, parameters)?;

        let mut template = Self {
            functions: BTreeMap::new(),
            routes: Vec::new(),
            event_source_mappings: Vec::new(),
            queue_mappings: Vec::new(),
            queues: BTreeMap::new(),
            schedules: Vec::new(),
            tables: BTreeMap::new(),
            secrets: BTreeMap::new(),
            web_socket_api: None,
        };
        let mut web_socket = websocket::Parts::default();
        let globals = functions::Globals::read(document, &resolver)?;
        for (id, resource) in resolver.resources() {
            let kind = resource["Type"].as_str().unwrap_or_default();
            let place = format!("{id} ({kind})");
            // All resources are resolved, including those that are not emulated, so that every invalid reference is found.
            let properties = resolver.resolve(&resource["Properties"]).map_err(|error| error.within(&place))?;
            let properties = properties.unwrap_or_default();
            match kind {
                "AWS::Serverless::Function" => functions::read(id, properties, &globals, &mut template),
                "AWS::DynamoDB::Table" => tables::read(id, properties, &mut template),
                "AWS::SecretsManager::Secret" => read_secret(id, &properties, &resolver, &mut template),
                "AWS::SQS::Queue" => queues::read(id, properties, &resolver, &mut template),
                "AWS::Serverless::HttpApi"
                // The endpoint of S3 takes any bucket that a function has a permission for.
                | "AWS::S3::Bucket"
                | "AWS::S3::BucketPolicy"
                | "AWS::Lambda::Permission"
                | "AWS::Logs::LogGroup"
                | "AWS::CloudWatch::Alarm" => Ok(()),
                _ if kind.starts_with("AWS::ApiGatewayV2::") => {
                    web_socket.read(id, kind.trim_start_matches("AWS::ApiGatewayV2::"), properties)
                }
                _ => Err(TemplateError::new("a resource type that has no local counterpart")),
            }
            .map_err(|error| error.within(&place))?;
        }
        for (name, output) in document["Outputs"].as_object().into_iter().flatten() {
            resolver.resolve(output).map_err(|error| error.within(&format!("Outputs.{name}")))?;
        }
        template.web_socket_api = web_socket.join()?;
        queues::check_mappings(&template)?;
        events::resolve_authorizers(&mut template.routes, &resolver)?;
        template.routes.sort_by_key(Route::specificity);
        Ok(template)
    }
}

fn read_secret(id: &str, properties: &Value, resolver: &Resolver<'_>, template: &mut Template) -> Result<()> {
    let generate = &properties["GenerateSecretString"];
    if generate.get("SecretStringTemplate").is_some() || generate["ExcludePunctuation"] != Value::Bool(true) {
        return Err(TemplateError::new("only secrets of letters and digits are supported"));
    }
    let length = generate["PasswordLength"]
        .as_u64()
        .and_then(|length| usize::try_from(length).ok())
        .ok_or_else(|| TemplateError::new("PasswordLength is missing"))?;
    let arn = resolver.reference(id)?;
    template.secrets.insert(id.to_owned(), SecretDefinition { arn, length });
    Ok(())
}

#[cfg(test)]
mod tests;
