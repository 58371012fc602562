//! The events of a WebSocket API, as far as the function needs them (API Gateway developer guide, "Set up a WebSocket API
//! integration request").

use std::collections::HashMap;

use serde::Deserialize;

/// An event.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    pub(crate) request_context: RequestContext,
    /// Only of a connection that begins or ends.
    headers: Option<HashMap<String, String>>,
    /// Only of a connection that begins.
    query_string_parameters: Option<HashMap<String, String>>,
    /// Only of a message.
    pub(crate) body: Option<String>,
    #[serde(default)]
    pub(crate) is_base64_encoded: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestContext {
    pub(crate) event_type: EventType,
    pub(crate) connection_id: String,
}

/// What has happened. The gateway says it; the route of a message can be chosen by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum EventType {
    Connect,
    Disconnect,
    Message,
}

impl Event {
    /// The value of a header, whose name is in lower case here and as the client wrote it in the event.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.as_ref()?.iter();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query_string_parameters.as_ref()?.get(name).map(String::as_str)
    }
}
