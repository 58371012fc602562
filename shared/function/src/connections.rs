//! The open connections of the WebSocket API, to send to them and to close them.

use aws_sdk_apigatewaymanagement::{
    Client,
    error::SdkError,
    operation::{delete_connection::DeleteConnectionError, post_to_connection::PostToConnectionError},
    primitives::Blob,
};

/// What became of a message to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// API Gateway has taken it.
    Sent,
    /// The connection has ended.
    Gone,
    /// It was refused or not answered in time, which is logged.
    Failed,
}

/// The connections of the WebSocket API, by `@connections` (API Gateway developer guide, "Use @connections commands in your backend
/// service").
#[derive(Debug, Clone)]
pub struct Connections {
    client: Client,
}

impl Connections {
    /// The connections that this client reaches.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Sends a text to a connection.
    pub async fn post(&self, id: &str, text: &str) -> Delivery {
        let post = self.client.post_to_connection().connection_id(id).data(Blob::new(text));
        match post.send().await {
            Ok(_) => Delivery::Sent,
            Err(error) if error.as_service_error().is_some_and(PostToConnectionError::is_gone_exception) => {
                Delivery::Gone
            }
            Err(error) => failed(&error),
        }
    }

    /// Closes a connection.
    pub async fn close(&self, id: &str) -> Delivery {
        match self.client.delete_connection().connection_id(id).send().await {
            Ok(_) => Delivery::Sent,
            Err(error) if error.as_service_error().is_some_and(DeleteConnectionError::is_gone_exception) => {
                Delivery::Gone
            }
            Err(error) => failed(&error),
        }
    }
}

fn failed<E: std::error::Error + 'static, R: std::fmt::Debug + 'static>(error: &SdkError<E, R>) -> Delivery {
    tracing::warn!(error = %crate::http::chain(error), "a connection was not reached");
    Delivery::Failed
}
