//! Converts a function's answer into the HTTP response.

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

/// The response; `None` if the answer does not have the format that API Gateway requires.
pub(super) fn response(answer: &Value) -> Option<Response> {
    let Some(status) = answer.get("statusCode") else {
        // API Gateway uses an answer without a status code as the body of a response with status 200.
        let mut response = Response::new(Body::from(answer.to_string()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return Some(response);
    };
    let status = StatusCode::from_u16(u16::try_from(status.as_u64()?).ok()?).ok()?;
    let text = answer["body"].as_str().unwrap_or_default();
    let body = match answer["isBase64Encoded"].as_bool() {
        Some(true) => Body::from(STANDARD.decode(text).ok()?),
        _ => Body::from(text.to_owned()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        headers.insert(name, HeaderValue::from_str(value.as_str()?).ok()?);
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn answer_becomes_a_response() {
        let answer = json!({
            "statusCode": 201, "headers": {"content-type": "text/plain"}, "cookies": ["a=1", "b=2"],
            "body": "5a6i", "isBase64Encoded": true,
        });
        let response = response(&answer).unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["content-type"], "text/plain");
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
        assert_eq!(to_bytes(response.into_body(), 100).await.unwrap(), "客".as_bytes());
    }

    #[test]
    fn malformed_answer_is_an_error() {
        assert!(response(&json!({"statusCode": 99})).is_none());
        assert!(response(&json!({"statusCode": 200, "headers": {"a b": "c"}})).is_none());
        assert!(response(&json!({"statusCode": 200, "body": "?", "isBase64Encoded": true})).is_none());
        assert_eq!(response(&json!({"ok": true})).unwrap().status(), 200);
    }
}
