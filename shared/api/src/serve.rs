//! From Lambda to the router and back.

use axum::{
    Router,
    body::{Bytes, to_bytes},
};
use lambda_http::{Body, Request, Response, Service};

/// Passes a request to the router.
///
/// `lambda_http` can run a router by itself, but then it decides by the content type whether an answer is text, with the
/// tables of forty character encodings, 150 kB of the binary. Every answer of the API is JSON, hence text.
pub async fn serve(router: &Router, request: Request) -> Response<Body> {
    let request = request.map(|body| match body {
        Body::Text(text) => axum::body::Body::from(text),
        Body::Binary(bytes) => axum::body::Body::from(bytes),
        _ => axum::body::Body::empty(),
    });
    let Ok(response) = router.clone().call(request).await;
    let (parts, body) = response.into_parts();
    // The body is in memory already.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_else(|error| {
        tracing::error!(%error, "an answer could not be read");
        Bytes::new()
    });
    let body = match String::from_utf8(body.into()) {
        Ok(text) if text.is_empty() => Body::Empty,
        Ok(text) => Body::Text(text),
        Err(error) => Body::Binary(error.into_bytes()),
    };
    Response::from_parts(parts, body)
}
