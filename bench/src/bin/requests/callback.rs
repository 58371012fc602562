//! The callback that the simulated WeChat pushes to. It passes each push to the metered `message-ingress`.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use bench::Result;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};

use crate::functions::{Call, Functions};

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Callback {
    _server: JoinSet<()>,
}

impl Callback {
    /// Serves the listener.
    pub(crate) fn serve(listener: TcpListener, functions: Arc<Functions>) -> Self {
        let mut server = JoinSet::new();
        server.spawn(async move {
            let router = Router::new().route("/callback/{app_id}", post(push)).with_state(functions);
            // The task ends when the set is dropped.
            let _ = axum::serve(listener, router).await;
        });
        Self { _server: server }
    }
}

async fn push(
    State(functions): State<Arc<Functions>>,
    Path(app_id): Path<String>,
    RawQuery(query): RawQuery,
    body: String,
) -> Response {
    match deliver(&functions, &app_id, &query.unwrap_or_default(), &body).await {
        Ok((status, body)) => (StatusCode::from_u16(status).unwrap_or_default(), body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn deliver(functions: &Functions, app_id: &str, query: &str, body: &str) -> Result<(u16, String)> {
    let path = format!("/callback/{app_id}");
    let call = Call {
        function: "MessageIngress",
        path: &path,
        parameter: Some(("app_id", app_id)),
        query,
        body,
        caller: Value::Null,
    };
    functions.call(&call).await
}
