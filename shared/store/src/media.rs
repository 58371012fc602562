//! Temporary media uploaded to WeChat, found by content.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::{
    error::{Result, StoreError},
    handles::MediaUploads,
    item::{Build, Read, at, n, s},
    keys,
    table::SERVICE,
};

/// How long an uploaded image is reused. WeChat stores temporary media for three days (新增临时素材); the difference leaves
/// time for a card that is sent late.
pub const MEDIA_REUSE: SignedDuration = SignedDuration::from_hours(60);

/// How long an upload is remembered, so that an expired media id is recognised.
const MEDIA_REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long WeChat stores temporary media (新增临时素材).
pub const MEDIA_LIFE: SignedDuration = SignedDuration::from_hours(72);

/// Longest media id, in bytes, that is part of a key. WeChat's have 64 characters.
pub const MEDIA_ID_MAX: usize = 512;

/// SHA-256 of an image, in hexadecimal.
pub fn content_hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl MediaUploads {
    /// The media id under which this image was uploaded within [`MEDIA_REUSE`].
    pub async fn media_by_content(&self, app_id: &str, hash: &str) -> Result<Option<String>> {
        let Some(item) = self.0.get(keys::media(app_id), &keys::media_content(hash), false).await? else {
            return Ok(None);
        };
        let read = Read { kind: "media", item: &item };
        let fresh = self.0.clock.now() < read.at("uploaded_at")? + MEDIA_REUSE;
        if fresh { read.owned("media_id").map(Some) } else { Ok(None) }
    }

    /// When this media id was uploaded; `None` when it was not uploaded here.
    pub async fn media_uploaded_at(&self, app_id: &str, media_id: &str) -> Result<Option<Timestamp>> {
        let item = self.0.get(keys::media(app_id), &keys::media_id(media_id), false).await?;
        item.map(|item| Read { kind: "media", item: &item }.at("uploaded_at")).transpose()
    }

    /// Stores an upload under its content and under its media id.
    pub async fn remember_media(&self, app_id: &str, hash: &str, media_id: &str) -> Result<()> {
        let now = self.0.clock.now();
        for sk in [keys::media_content(hash), keys::media_id(media_id)] {
            let item = Build::new("media", keys::media(app_id), sk)
                .set("hash", s(hash))
                .set("media_id", s(media_id))
                .set("uploaded_at", at(now))
                .set("ttl", n((now + MEDIA_REMEMBERED).as_second()))
                .done();
            let answer = self.0.client.put_item().table_name(&self.0.name).set_item(Some(item)).send().await;
            answer.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        }
        Ok(())
    }
}
