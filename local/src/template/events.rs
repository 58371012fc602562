//! What wakes a function: routes, schedules, and with `stream` what a table's stream tells.

use std::cmp::Reverse;
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::intrinsics::{Resolver, logical_id};
use super::stream::DynamoDb;
use super::{Result, Template, TemplateError};

/// A route of the HTTP API.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its method; none for `ANY`.
    pub method: Option<Method>,
    /// Its path with `{name}` and `{name+}`.
    pub path: String,
    /// The logical id of the function behind it.
    pub function: String,
    /// Who is asked first whether the caller may.
    pub authorizer: Option<Authorizer>,
}

/// A function that decides who may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorizer {
    /// The name that routes call it by.
    pub name: String,
    /// Its logical id; empty until the API's list of authorizers has been read.
    pub function: String,
    /// The headers without which a call is refused unasked, in lower case.
    pub headers: Vec<String>,
}

impl Route {
    /// The name that API Gateway gives the route, as `POST /callback/{app_id}`.
    pub fn key(&self) -> String {
        format!("{} {}", self.method.as_ref().map_or("ANY", Method::as_str), self.path)
    }

    /// The order in which routes are tried: exact before `{name}` before `{name+}`, a method before `ANY`.
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>
    pub(crate) fn specificity(&self) -> (Vec<u8>, Reverse<usize>, bool) {
        let ranks: Vec<u8> =
            self.path.split('/').map(|part| u8::from(part.starts_with('{')) + u8::from(part.ends_with("+}"))).collect();
        let length = ranks.len();
        (ranks, Reverse(length), self.method.is_none())
    }
}

/// A function that is woken by time.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The function's logical id and the event's name, as `Reception/Tick`.
    pub name: String,
    /// The logical id of the function.
    pub function: String,
    /// How often.
    pub every: Duration,
    /// The event it gets.
    pub input: Value,
    /// How often a failed invocation is tried again.
    pub retries: u32,
    /// The logical id of the queue for what failed for good.
    pub dead_letters: Option<String>,
}

/// What becomes of an asynchronous invocation that fails.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct EventInvokeConfig {
    maximum_retry_attempts: u32,
    destination_config: Destinations,
}

impl Default for EventInvokeConfig {
    fn default() -> Self {
        // Lambda's own.
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
    pub(super) fn dead_letters(&self) -> Result<Option<String>> {
        self.on_failure.as_ref().map(|queue| logical_id(&queue.destination).map(str::to_owned)).transpose()
    }
}

#[derive(Deserialize)]
#[serde(tag = "Type", content = "Properties")]
enum Event {
    HttpApi(HttpApi),
    #[serde(rename = "DynamoDB")]
    Stream(DynamoDb),
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
                method => Some(method.parse().map_err(|_| TemplateError::new(format!("{method} is no method")))?),
            };
            let authorizer = route.auth.filter(|auth| auth.authorizer != "NONE");
            let authorizer = authorizer.map(|auth| Authorizer {
                name: auth.authorizer,
                function: String::new(),
                headers: Vec::new(),
            });
            template.routes.push(Route { method, path: route.path, function, authorizer });
        }
        Event::Stream(stream) => template.streams.push(stream.mapping(name, function)?),
        Event::ScheduleV2(schedule) => {
            let input = match &schedule.input {
                Some(text) => serde_json::from_str(text).map_err(|error| TemplateError::new(error.to_string()))?,
                None => json!({}),
            };
            template.schedules.push(Schedule {
                name,
                function,
                every: rate(&schedule.schedule_expression)?,
                input,
                retries: asynchronous.maximum_retry_attempts,
                dead_letters: asynchronous.destination_config.dead_letters()?,
            });
        }
    }
    Ok(())
}

/// `rate(1 minute)`; the other forms of a schedule have no local counterpart.
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

/// Fills in the routes' authorizers from the API that declares them.
pub(super) fn authorize(routes: &mut [Route], resolver: &Resolver<'_>) -> Result<()> {
    let mut declared = Vec::new();
    for (id, resource) in resolver.resources().filter(|(_, resource)| resource["Type"] == "AWS::Serverless::HttpApi") {
        let auth = resolver.resolve(&resource["Properties"]["Auth"])?.unwrap_or_default();
        if auth.get("DefaultAuthorizer").is_some() {
            return Err(TemplateError::new(format!("{id}: each route names its own authorizer here")));
        }
        for (name, authorizer) in auth["Authorizers"].as_object().into_iter().flatten() {
            let function = logical_id(authorizer["FunctionArn"].as_str().unwrap_or_default())?.to_owned();
            let headers = authorizer["Identity"]["Headers"].as_array().into_iter().flatten();
            let headers = headers.filter_map(Value::as_str).map(str::to_ascii_lowercase).collect();
            declared.push(Authorizer { name: name.clone(), function, headers });
        }
    }
    for route in routes {
        let key = route.key();
        if let Some(wanted) = &mut route.authorizer {
            let found = declared.iter().find(|declared| declared.name == wanted.name);
            *wanted = found
                .cloned()
                .ok_or_else(|| TemplateError::new(format!("{key}: there is no authorizer {}", wanted.name)))?;
        }
    }
    Ok(())
}
