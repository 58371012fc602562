//! `AWS::ApiGatewayV2`: the WebSocket API with its routes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::intrinsics::logical_id;
use super::{Result, TemplateError};

/// A WebSocket API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSocketApi {
    /// The logical id.
    pub id: String,
    /// The stage, which is the path of the address.
    pub stage: String,
    /// The routes by their keys, such as `$connect`.
    pub routes: BTreeMap<String, WebSocketRoute>,
    /// The field of a message's body by whose value the route is chosen, such as `type` of `$request.body.type`.
    route_field: String,
}

/// A route of a WebSocket API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSocketRoute {
    /// The logical id of the function.
    pub function: String,
    /// Whether the body of the function's answer is sent to the client: the route has a route response.
    pub answers: bool,
}

impl WebSocketApi {
    /// The path of the address by which clients connect.
    pub fn path(&self) -> String {
        format!("/{}", self.stage)
    }

    /// The key and the route of a message: the one that the message names, or else `$default`.
    pub(crate) fn route_of(&self, body: &str) -> (&str, Option<&WebSocketRoute>) {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let named = body[&self.route_field].as_str().filter(|named| !named.starts_with('$'));
        let found = named.and_then(|named| self.routes.get_key_value(named));
        let found = found.or_else(|| self.routes.get_key_value("$default"));
        found.map_or(("$default", None), |(key, route)| (key, Some(route)))
    }
}

/// The resources of `AWS::ApiGatewayV2`, until they are joined.
#[derive(Debug, Default)]
pub(super) struct Parts {
    apis: BTreeMap<String, Api>,
    /// The functions of the integrations.
    integrations: BTreeMap<String, String>,
    routes: BTreeMap<String, Route>,
    /// The routes that have a route response.
    answering: Vec<String>,
    stages: Vec<Stage>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Api {
    protocol_type: String,
    route_selection_expression: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Integration {
    integration_type: String,
    integration_uri: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Route {
    api_id: String,
    #[serde(rename = "RouteKey")]
    key: String,
    target: String,
    #[serde(default, rename = "RouteResponseSelectionExpression")]
    response_selection_expression: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RouteResponse {
    route_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stage {
    api_id: String,
    stage_name: String,
}

fn parse<T: for<'de> Deserialize<'de>>(properties: Value) -> Result<T> {
    serde_json::from_value(properties).map_err(|error| TemplateError::new(error.to_string()))
}

impl Parts {
    /// Reads a resource of this kind, such as `Route`.
    pub(super) fn read(&mut self, id: &str, kind: &str, properties: Value) -> Result<()> {
        match kind {
            "Api" => {
                let api: Api = parse(properties)?;
                if api.protocol_type != "WEBSOCKET" {
                    return Err(TemplateError::new("only a WebSocket API is supported here"));
                }
                self.apis.insert(id.to_owned(), api);
            }
            "Integration" => {
                let integration: Integration = parse(properties)?;
                if integration.integration_type != "AWS_PROXY" {
                    return Err(TemplateError::new("only an integration of type AWS_PROXY is supported here"));
                }
                self.integrations.insert(id.to_owned(), logical_id(&integration.integration_uri)?.to_owned());
            }
            "Route" => drop(self.routes.insert(id.to_owned(), parse(properties)?)),
            "RouteResponse" => {
                let response: RouteResponse = parse(properties)?;
                self.answering.push(logical_id(&response.route_id)?.to_owned());
            }
            "Stage" => self.stages.push(parse(properties)?),
            _ => return Err(TemplateError::new("a resource type that has no local counterpart")),
        }
        Ok(())
    }

    /// The API that the resources make; `None` if there is none.
    pub(super) fn join(self) -> Result<Option<WebSocketApi>> {
        let Some((id, api)) = self.apis.iter().next() else {
            return Ok(None);
        };
        let physical = id.to_lowercase();
        let expression = &api.route_selection_expression;
        let route_field = expression.strip_prefix("$request.body.").map(str::to_owned);
        let route_field =
            route_field.ok_or_else(|| TemplateError::new(format!("{expression} is not supported here")))?;
        let stage = self.stages.iter().find(|stage| stage.api_id == physical);
        let stage = stage.ok_or_else(|| TemplateError::new(format!("{id} has no stage")))?.stage_name.clone();
        let mut routes = BTreeMap::new();
        for (route_id, route) in self.routes.iter().filter(|(_, route)| route.api_id == physical) {
            let integration = route.target.strip_prefix("integrations/").map(logical_id).transpose()?;
            let function = integration.and_then(|integration| self.integrations.get(integration));
            let function = function.ok_or_else(|| TemplateError::new(format!("{route_id} has no integration")))?;
            let answers = route.response_selection_expression.is_some() && self.answering.contains(route_id);
            routes.insert(route.key.clone(), WebSocketRoute { function: function.clone(), answers });
        }
        Ok(Some(WebSocketApi { id: id.clone(), stage, routes, route_field }))
    }
}
