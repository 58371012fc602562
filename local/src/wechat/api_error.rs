//! Errors of WeChat's API: HTTP 200 with an `errcode`, an `errmsg` and the `rid` of the request.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::random;

pub(super) const INVALID_CREDENTIAL: i64 = 40001;
pub(super) const INVALID_OPENID: i64 = 40003;
pub(super) const INVALID_MEDIA_TYPE: i64 = 40004;
pub(super) const INVALID_FILE_TYPE: i64 = 40005;
pub(super) const INVALID_MEDIA_SIZE: i64 = 40006;
pub(super) const INVALID_MEDIA_ID: i64 = 40007;
pub(super) const INVALID_APP_ID: i64 = 40013;
pub(super) const INVALID_ACCESS_TOKEN: i64 = 40014;
pub(super) const TOKEN_EXPIRED: i64 = 42001;
pub(super) const DAILY_LIMIT: i64 = 45009;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) errcode: i64,
    errmsg: String,
}

impl ApiError {
    /// An error with its own `errmsg`.
    pub(super) fn new(errcode: i64, errmsg: impl Into<String>) -> Self {
        Self { errcode, errmsg: errmsg.into() }
    }
}

impl From<i64> for ApiError {
    fn from(errcode: i64) -> Self {
        Self::new(errcode, message(errcode))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let rid = format!("{}-{}-{}", random::hex::<4>(), random::hex::<4>(), random::hex::<4>());
        Json(json!({ "errcode": self.errcode, "errmsg": format!("{} rid: {rid}", self.errmsg) })).into_response()
    }
}

/// The `errmsg` of an errcode.
pub(super) fn message(errcode: i64) -> &'static str {
    match errcode {
        -1 => "system error",
        40001 => {
            "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r"
        }
        40002 => "invalid grant_type",
        40003 => "invalid openid",
        40004 => "invalid media type",
        40005 => "invalid file type",
        40006 => "invalid media size",
        40007 => "invalid media_id",
        40008 => "invalid message type",
        40013 => "invalid appid",
        40014 => "invalid access_token",
        40033 => "invalid charset. please check your request, if include \\uxxxx will create fail!",
        40066 => "invalid url",
        40097 => "invalid args",
        40101 => "missing parameter",
        40125 => "invalid appsecret, view more at http://t.cn/RAEkdVq",
        40164 => "invalid ip, not in whitelist",
        40165 => "invalid weapp pagepath",
        40243 => "appsecret is frozen",
        41001 => "access_token missing",
        41002 => "appid missing",
        41004 => "appsecret missing",
        41005 => "media data missing",
        41006 => "media_id missing",
        42001 => "access_token expired",
        43001 => "require GET method",
        43002 => "require POST method",
        44002 => "empty post data",
        44004 => "empty content",
        45002 => "content size out of limit",
        45009 => "reach max api daily quota limit",
        45011 => "api minute-quota reach limit, must slower, retry next minute",
        45015 => "response out of time limit or subscription is canceled",
        45047 => "out of response count limit",
        45072 => "command not support",
        45080 => "it has not exchanged message with the user in the last 30 seconds",
        45081 => "it is typing already",
        45162 => "invalid message type for this account",
        47001 => "data format error",
        48001 => "api unauthorized",
        61007 => "api is unauthorized to component",
        _ => "error",
    }
}
