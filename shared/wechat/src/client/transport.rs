//! Requests and responses of WeChat's API.

use reqwest::{RequestBuilder, Response, Url, header::CONTENT_TYPE};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Api, ApiError};
use crate::ErrCode;

/// The largest JSON response that is read, in bytes. WeChat's largest ones list 500 accounts.
const MAX_RESPONSE: usize = 256 * 1024;
const MAX_ERRMSG: usize = 300;

/// The return code in a response. A successful token call omits both fields.
#[derive(Deserialize)]
struct ErrorFields {
    #[serde(default)]
    errcode: i64,
    #[serde(default)]
    errmsg: String,
}

impl Api {
    /// Sends a POST request with JSON. `serde_json` writes raw UTF-8. WeChat shows `\u` escapes to the visitor as they are, or
    /// refuses them with 40033.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        secrets: &[&str],
        query: &[(&str, &str)],
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        let body =
            serde_json::to_vec(body).map_err(|_| ApiError::NotSent("the request has no JSON form".to_owned()))?;
        let request = self.http.post(self.url(path, query)).header(CONTENT_TYPE, "application/json").body(body);
        self.call(request, secrets).await
    }

    pub(super) fn get(&self, url: Url) -> RequestBuilder {
        self.http.get(url)
    }

    /// Sends a request and parses the JSON response. `secrets` are removed from WeChat's message.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        secrets: &[&str],
    ) -> Result<T, ApiError> {
        let mut response = request.send().await?;
        let body = read(&mut response, MAX_RESPONSE).await?;
        check_errcode(response.status().as_u16(), &body, secrets)?;
        serde_json::from_slice(&body).map_err(|_| unreadable(&response, "fields are missing"))
    }
}

/// Reads a body of at most `limit` bytes.
pub(super) async fn read(response: &mut Response, limit: usize) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Err(unreadable(response, "too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Fails unless the response is a JSON object with HTTP status 2xx and without an `errcode` other than 0.
pub(super) fn check_errcode(status: u16, body: &[u8], secrets: &[&str]) -> Result<(), ApiError> {
    // Serde deserializes a struct from a list too.
    let object = body.trim_ascii_start().starts_with(b"{");
    let Some(fields) = object.then(|| serde_json::from_slice::<ErrorFields>(body).ok()).flatten() else {
        return Err(ApiError::Unreadable { status, reason: "not WeChat's JSON" });
    };
    if fields.errcode != 0 {
        return Err(refused(fields, secrets));
    }
    if (200..300).contains(&status) { Ok(()) } else { Err(ApiError::Unreadable { status, reason: "an HTTP error" }) }
}

pub(super) fn unreadable(response: &Response, reason: &'static str) -> ApiError {
    ApiError::Unreadable { status: response.status().as_u16(), reason }
}

fn refused(fields: ErrorFields, secrets: &[&str]) -> ApiError {
    let mut errmsg = fields.errmsg;
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        errmsg = errmsg.replace(secret, "…");
    }
    errmsg.retain(|character| !character.is_control());
    let rid = errmsg.rfind("rid:").map(|at| {
        let rid = errmsg[at + 4..].trim().chars().take(64).collect();
        errmsg.truncate(at);
        rid
    });
    errmsg.truncate(errmsg.floor_char_boundary(MAX_ERRMSG));
    errmsg.truncate(errmsg.trim_end_matches([' ', ',']).len());
    ApiError::Refused { errcode: ErrCode(fields.errcode), errmsg, rid }
}
