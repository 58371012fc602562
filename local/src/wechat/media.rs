//! Temporary media: `/cgi-bin/media/upload` and `/cgi-bin/media/get`. They expire after three days.

use axum::Json;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, Request};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;

use super::api::Call;
use super::api_error::{self, ApiError};
use super::random;
use super::state::{Sim, WeChatState};

const LIFETIME: SignedDuration = SignedDuration::from_hours(72);
/// The largest image, in bytes.
const MAX_IMAGE: usize = 2 * 1024 * 1024;

/// One temporary file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Media {
    app_id: String,
    created_at: Timestamp,
    content_type: String,
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    bytes: Bytes,
}

impl Media {
    /// The content type of a picture, from its first bytes.
    pub(super) fn content_type(bytes: &[u8]) -> Option<&'static str> {
        match bytes {
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
            [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
            _ => None,
        }
    }
}

/// The picture. It does not expire for the phone.
impl IntoResponse for Media {
    fn into_response(self) -> Response {
        let kind =
            HeaderValue::from_str(&self.content_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
        ([(CONTENT_TYPE, kind)], self.bytes).into_response()
    }
}

impl WeChatState {
    /// Stores a file of a mini program and returns its media id.
    pub(super) fn store_media(&mut self, app_id: &str, content_type: &str, bytes: Bytes, now: Timestamp) -> String {
        let id = random::word(64);
        let media = Media { app_id: app_id.to_owned(), created_at: now, content_type: content_type.to_owned(), bytes };
        self.media.insert(id.clone(), media);
        id
    }

    /// The file, if it belongs to the mini program and has not expired.
    pub(super) fn media(&self, app_id: &str, media_id: &str, now: Timestamp) -> Result<&Media, ApiError> {
        let found = self.media.get(media_id).filter(|media| media.app_id == app_id);
        let fresh = found.filter(|media| now.duration_since(media.created_at) < LIFETIME);
        fresh.ok_or_else(|| api_error::INVALID_MEDIA_ID.into())
    }
}

/// `POST /cgi-bin/media/upload?access_token=…&type=image`: one part `media` with a file name.
pub(super) async fn upload(sim: &Sim, call: &Call) -> Result<Response, ApiError> {
    let app_id = sim.read(|state| state.authenticate(call.query("access_token"), sim.now()))?;
    if call.query("type") != Some("image") {
        return Err(api_error::INVALID_MEDIA_TYPE.into());
    }
    let mut request = Request::new(axum::body::Body::from(call.body.clone()));
    *request.headers_mut() = call.headers.clone();
    // The size of the body is limited before. The size of an image is checked below.
    DefaultBodyLimit::disable().apply(&mut request);
    let missing = || ApiError::from(41005);
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| missing())?;
    let bytes = loop {
        let part = parts.next_field().await.map_err(|_| missing())?.ok_or_else(missing)?;
        if part.name() == Some("media") && part.file_name().is_some() {
            break part.bytes().await.map_err(|_| missing())?;
        }
    };
    if bytes.is_empty() {
        return Err(missing());
    }
    if bytes.len() > MAX_IMAGE {
        return Err(api_error::INVALID_MEDIA_SIZE.into());
    }
    let kind = Media::content_type(&bytes).ok_or(api_error::INVALID_FILE_TYPE)?;
    let (media_id, now) = sim.update(|state, now| (state.store_media(&app_id, kind, bytes, now), now));
    Ok(Json(json!({ "type": "image", "media_id": media_id, "created_at": now.as_second() })).into_response())
}

/// `GET /cgi-bin/media/get?access_token=…&media_id=…`.
pub(super) fn get(sim: &Sim, call: &Call) -> Result<Response, ApiError> {
    let now = sim.now();
    sim.read(|state| {
        let app_id = state.authenticate(call.query("access_token"), now)?;
        let media = state.media(&app_id, call.query("media_id").ok_or(41006)?, now)?.clone();
        let name = media.content_type.replace("image/", "picture.").replace("jpeg", "jpg");
        let mut response = media.into_response();
        if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
            response.headers_mut().insert(CONTENT_DISPOSITION, value);
        }
        Ok(response)
    })
}

fn to_base64<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
    let text = String::deserialize(from)?;
    STANDARD.decode(text).map(Bytes::from).map_err(serde::de::Error::custom)
}
