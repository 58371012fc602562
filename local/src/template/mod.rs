//! `template.yaml`, read as CloudFormation and SAM would.
//!
//! One source says what there is: routes, authorizer, table, streams, schedules, variables and permissions are
//! taken from the template and from nowhere else. What this reader does not understand is an error, never a guess.

mod events;
mod functions;
mod intrinsics;
mod stream;
mod tables;
mod yaml;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

pub use events::{Authorizer, Route, Schedule};
pub use functions::Function;
pub(crate) use intrinsics::{ACCOUNT, REGION, function_arn};
pub use stream::StreamMapping;
pub use tables::TableDefinition;

use intrinsics::Resolver;

/// The deployment that this build of `local` serves.
const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The template cannot be read, or says what `local` does not know.
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

/// A result of reading the template.
pub type Result<T> = std::result::Result<T, TemplateError>;

/// What the template deploys, every reference resolved.
#[derive(Debug)]
pub struct Template {
    /// The functions, by logical id.
    pub functions: BTreeMap<String, Function>,
    /// The routes of the HTTP API, most specific first.
    pub routes: Vec<Route>,
    /// Which functions read which stream.
    pub streams: Vec<StreamMapping>,
    /// Which functions are woken by time.
    pub schedules: Vec<Schedule>,
    /// The tables, by logical id.
    pub tables: BTreeMap<String, TableDefinition>,
    /// The secrets, by logical id.
    pub secrets: BTreeMap<String, SecretDefinition>,
}

/// A secret that the deployment generates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretDefinition {
    /// Its ARN, as functions get it.
    pub arn: String,
    /// How many characters to generate.
    pub length: usize,
}

impl Template {
    /// The template that this build was made with; see [`Template::read`].
    pub fn deployed(parameters: &BTreeMap<String, String>) -> Result<Self> {
        // The text never changes, and dozens of bundles in one process need not parse it each.
        static DOCUMENT: OnceLock<Value> = OnceLock::new();
        let document = if let Some(document) = DOCUMENT.get() {
            document
        } else {
            let document = yaml::read(TEMPLATE)?;
            DOCUMENT.get_or_init(|| document)
        };
        Self::of(document, parameters)
    }

    /// Reads a template.
    ///
    /// `parameters` stand in for the parameters of those names; the others take their defaults, and one without a
    /// default is an error.
    pub fn read(text: &str, parameters: &BTreeMap<String, String>) -> Result<Self> {
        Self::of(&yaml::read(text)?, parameters)
    }

    fn of(document: &Value, parameters: &BTreeMap<String, String>) -> Result<Self> {
        let resolver = Resolver::new(document, parameters)?;

        let mut template = Self {
            functions: BTreeMap::new(),
            routes: Vec::new(),
            streams: Vec::new(),
            schedules: Vec::new(),
            tables: BTreeMap::new(),
            secrets: BTreeMap::new(),
        };
        let globals = functions::Globals::read(document, &resolver)?;
        for (id, resource) in resolver.resources() {
            let kind = resource["Type"].as_str().unwrap_or_default();
            let place = format!("{id} ({kind})");
            // Every resource is resolved, those that nothing here emulates too: a reference to nothing is found here.
            let properties = resolver.resolve(&resource["Properties"]).map_err(|error| error.within(&place))?;
            let properties = properties.unwrap_or_default();
            match kind {
                "AWS::Serverless::Function" => functions::read(id, properties, &globals, &mut template),
                "AWS::DynamoDB::Table" => tables::read(id, properties, &mut template),
                "AWS::SecretsManager::Secret" => read_secret(id, &properties, &resolver, &mut template),
                "AWS::Serverless::HttpApi" | "AWS::SQS::Queue" | "AWS::Logs::LogGroup" | "AWS::CloudWatch::Alarm" => {
                    Ok(())
                }
                _ => Err(TemplateError::new("a type of resource that has no local counterpart")),
            }
            .map_err(|error| error.within(&place))?;
        }
        for (name, output) in document["Outputs"].as_object().into_iter().flatten() {
            resolver.resolve(output).map_err(|error| error.within(&format!("Outputs.{name}")))?;
        }
        events::authorize(&mut template.routes, &resolver)?;
        template.routes.sort_by_key(Route::specificity);
        Ok(template)
    }
}

fn read_secret(id: &str, properties: &Value, resolver: &Resolver<'_>, template: &mut Template) -> Result<()> {
    let generate = &properties["GenerateSecretString"];
    if generate.get("SecretStringTemplate").is_some() || generate["ExcludePunctuation"] != Value::Bool(true) {
        return Err(TemplateError::new("only plain secrets of letters and digits are generated here"));
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
