//! Temporary media (新增临时素材, 获取临时素材): images that WeChat stores for three days.

use std::fmt;

use reqwest::{
    header::CONTENT_TYPE,
    multipart::{Form, Part},
};
use serde::Deserialize;

use super::{Api, ApiError, transport};

/// The largest file that is downloaded, in bytes. WeChat's limit for uploads.
pub const MAX_DOWNLOAD: usize = 10 * 1024 * 1024;

/// An uploaded image.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Media {
    /// The id to send the image by, any number of times.
    pub media_id: String,
    /// The time of the upload in seconds since 1970 in UTC. The media is valid for three days from then.
    #[serde(default)]
    pub created_at: i64,
}

/// A downloaded file.
#[derive(Clone, PartialEq, Eq)]
pub struct Download {
    /// WeChat's `Content-Type`.
    pub content_type: Option<String>,
    /// The file.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("content_type", &self.content_type)
            .field("length", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Api {
    /// `POST /cgi-bin/media/upload?type=image`. Uploads a PNG, JPEG or GIF. WeChat's page gives a limit of 2 MB in one place and of 10 MB
    /// in another.
    pub async fn upload_image(
        &self,
        access_token: &str,
        filename: &str,
        content_type: &str,
        bytes: Vec<u8>,
    ) -> Result<Media, ApiError> {
        let part = Part::bytes(bytes).file_name(filename.to_owned()).mime_str(content_type)?;
        let url = self.url("/cgi-bin/media/upload", &[("access_token", access_token), ("type", "image")]);
        let request = self.http.post(url).multipart(Form::new().part("media", part));
        self.call(request, &[access_token]).await
    }

    /// `GET /cgi-bin/media/get`. Downloads an image of at most [`MAX_DOWNLOAD`] bytes.
    pub async fn get_media(&self, access_token: &str, media_id: &str) -> Result<Download, ApiError> {
        let url = self.url("/cgi-bin/media/get", &[("access_token", access_token), ("media_id", media_id)]);
        let mut response = self.get(url).send().await?;
        let bytes = transport::read(&mut response, MAX_DOWNLOAD).await?;
        let content_type =
            response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        // A refusal is JSON, with that content type or `text/plain`; no image begins with a brace.
        let is_text = content_type.as_deref().is_some_and(|kind| kind.contains("json") || kind.starts_with("text/"));
        if is_text || bytes.first() == Some(&b'{') || !response.status().is_success() {
            transport::check_errcode(response.status().as_u16(), &bytes, &[access_token])?;
            return Err(transport::unreadable(&response, "not a file"));
        }
        Ok(Download { content_type, bytes })
    }
}
