//! The events of a function: routes, schedules and event source mappings.

use std::cmp::Reverse;
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::event_source_mapping::DynamoDbEvent;
use super::intrinsics::{Resolver, logical_id};
use super::queues::SqsEvent;
use super::{Result, Template, TemplateError};

/// A route of the HTTP API.
#[derive(Debug, Clone)]
pub struct Route {
    /// The method; `None` for `ANY`.
    pub method: Option<Method>,
    /// The path with `{name}` and `{name+}`.
    pub path: String,
    /// The logical id of the function.
    pub function: String,
    /// The authorizer.
    pub authorizer: Option<Authorizer>,
}

/// A Lambda authorizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorizer {
    /// The name that routes refer to.
    pub name: String,
    /// The logical id of the function; empty until the authorizers of the API have been read.
    pub function: String,
    /// The identity sources: headers, in lower case. A request without one of them is refused without an invocation.
    pub headers: Vec<String>,
    /// How long its answer to a request counts for the same identity sources.
    pub ttl: Duration,
}

impl Route {
    /// The route key, as `POST /callback/{app_id}`.
    pub fn key(&self) -> String {
        format!("{} {}", self.method.as_ref().map_or("ANY", Method::as_str), self.path)
    }

    /// The sort key of routes: an exact segment before `{name}` before `{name+}`, a method before `ANY` (API Gateway developer guide,
    /// "Create routes for HTTP APIs").
    pub(crate) fn specificity(&self) -> (Vec<u8>, Reverse<usize>, bool) {
        let ranks: Vec<u8> =
            self.path.split('/').map(|part| u8::from(part.starts_with('{')) + u8::from(part.ends_with("+}"))).collect();
        let length = ranks.len();
        (ranks, Reverse(length), self.method.is_none())
    }
}

/// A schedule of EventBridge Scheduler.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The function's logical id and the event's name, as `Reception/Tick`.
    pub name: String,
    /// The logical id of the function.
    pub function: String,
    /// The interval.
    pub interval: Duration,
    /// The event.
    pub input: Value,
    /// The most retries of a failed invocation.
    pub max_retries: u32,
    /// The logical id of the queue for discarded events.
    pub dead_letter_queue: Option<String>,
}

/// The handling of failed asynchronous invocations.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct EventInvokeConfig {
    maximum_retry_attempts: u32,
    destination_config: Destinations,
}

impl Default for EventInvokeConfig {
    fn default() -> Self {
        // Lambda's default.
        Self { maximum_retry_attempts: 2, destination_config: Destinations::default() }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Destinations {
    on_failure: Option<Destination>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    destination: String,
}

impl Destinations {
    pub(super) fn dead_letter_queue(&self) -> Result<Option<String>> {
        self.on_failure.as_ref().map(|queue| logical_id(&queue.destination).map(str::to_owned)).transpose()
    }
}

#[derive(Deserialize)]
#[serde(tag = "Type", content = "Properties")]
enum Event {
    HttpApi(HttpApi),
    #[serde(rename = "DynamoDB")]
    DynamoDb(DynamoDbEvent),
    #[serde(rename = "SQS")]
    Sqs(SqsEvent),
    ScheduleV2(ScheduleV2),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HttpApi {
    method: String,
    path: String,
    auth: Option<Auth>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Auth {
    authorizer: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScheduleV2 {
    schedule_expression: String,
    input: Option<String>,
}

/// Reads one event of a function into the template.
pub(super) fn read(
    function: &str,
    name: &str,
    event: &Value,
    asynchronous: &EventInvokeConfig,
    template: &mut Template,
) -> Result<()> {
    let event = Event::deserialize(event).map_err(|error| TemplateError::new(error.to_string()))?;
    let name = format!("{function}/{name}");
    let function = function.to_owned();
    match event {
        Event::HttpApi(route) => {
            let method = match route.method.to_ascii_uppercase().as_str() {
                "ANY" => None,
                method => Some(method.parse().map_err(|_| TemplateError::new(format!("{method} is not a method")))?),
            };
            let authorizer = route.auth.filter(|auth| auth.authorizer != "NONE");
            let authorizer = authorizer.map(|auth| Authorizer {
                name: auth.authorizer,
                function: String::new(),
                headers: Vec::new(),
                ttl: Duration::ZERO,
            });
            template.routes.push(Route { method, path: route.path, function, authorizer });
        }
        Event::DynamoDb(event) => template.event_source_mappings.push(event.into_mapping(name, function)?),
        Event::Sqs(event) => template.queue_mappings.push(event.into_mapping(name, function)?),
        Event::ScheduleV2(schedule) => {
            let input = match &schedule.input {
                Some(text) => serde_json::from_str(text).map_err(|error| TemplateError::new(error.to_string()))?,
                None => json!({}),
            };
            template.schedules.push(Schedule {
                name,
                function,
                interval: rate(&schedule.schedule_expression)?,
                input,
                max_retries: asynchronous.maximum_retry_attempts,
                dead_letter_queue: asynchronous.destination_config.dead_letter_queue()?,
            });
        }
    }
    Ok(())
}

/// Parses `rate(1 minute)`. Other schedule expressions are not supported here.
fn rate(expression: &str) -> Result<Duration> {
    let unknown = || TemplateError::new(format!("{expression} is not rate(N minutes|hours|days)"));
    let inner = expression.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(unknown)?;
    let (count, unit) = inner.split_once(' ').ok_or_else(unknown)?;
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 60 * 60,
        "day" => 24 * 60 * 60,
        _ => return Err(unknown()),
    };
    let count: u64 = count.parse().map_err(|_| unknown())?;
    Ok(Duration::from_secs(count * seconds))
}

/// Completes the authorizers of the routes from their declaration in the API.
pub(super) fn resolve_authorizers(routes: &mut [Route], resolver: &Resolver<'_>) -> Result<()> {
    let mut declared = Vec::new();
    for (id, resource) in resolver.resources().filter(|(_, resource)| resource["Type"] == "AWS::Serverless::HttpApi") {
        let auth = resolver.resolve(&resource["Properties"]["Auth"])?.unwrap_or_default();
        if auth.get("DefaultAuthorizer").is_some() {
            return Err(TemplateError::new(format!("{id}: DefaultAuthorizer is not supported here")));
        }
        for (name, authorizer) in auth["Authorizers"].as_object().into_iter().flatten() {
            let function = logical_id(authorizer["FunctionArn"].as_str().unwrap_or_default())?.to_owned();
            let headers = authorizer["Identity"]["Headers"].as_array().into_iter().flatten();
            let headers = headers.filter_map(Value::as_str).map(str::to_ascii_lowercase).collect();
            let ttl = Duration::from_secs(authorizer["Identity"]["ReauthorizeEvery"].as_u64().unwrap_or_default());
            declared.push(Authorizer { name: name.clone(), function, headers, ttl });
        }
    }
    for route in routes {
        let key = route.key();
        if let Some(authorizer) = &mut route.authorizer {
            let found = declared.iter().find(|declared| declared.name == authorizer.name);
            *authorizer = found
                .cloned()
                .ok_or_else(|| TemplateError::new(format!("{key}: there is no authorizer {}", authorizer.name)))?;
        }
    }
    Ok(())
}
