//! Frames: pages of the team's own that a workbench shows beside a conversation.
//!
//! All frames are one item, which a page reads by one request. The key of each frame is an item of its own in another partition, so that
//! the function that serves the page cannot read keys, not even sealed.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    audit::{AuditAction, AuditDetail, AuditSubject, AuditSubjectKind},
    error::{Result, StoreError},
    handles::{FrameReader, Frames},
    item::{Attributes, Build, Read, bytes, n, s},
    keys,
    record::changed_fields,
    table::Table,
    transaction::built,
    vault::{Sealed, Vault},
};

/// The greatest number of frames.
pub const FRAMES_MAX: usize = 10;

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Frame {
    /// Its id.
    pub id: String,
    /// The name of its tab, at most 64 bytes.
    pub name: String,
    /// The address of its page, normalized, at most 2048 bytes.
    pub url: String,
    /// The mini programs whose conversations have it; all, where it is absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub app_ids: Vec<String>,
    /// The groups whose conversations have it; all, where it is absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub group_ids: Vec<String>,
}

impl Frame {
    /// A fresh id: a letter and 48 random bits.
    pub fn fresh_id() -> String {
        let unique = uuid::Uuid::now_v7().simple().to_string();
        format!("f{}", &unique[20..])
    }

    /// The origin of its page: scheme, host and port.
    pub fn origin(&self) -> &str {
        let host = self.url.find("://").map_or(0, |colon| colon + 3);
        let end = self.url[host..].find(['/', '?', '#']).map_or(self.url.len(), |path| host + path);
        &self.url[..end]
    }
}

/// All frames, as they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredFrames {
    /// The frames, in the order of their tabs.
    pub items: Vec<Frame>,
    version: u64,
}

/// A fresh key: 32 random bytes, written as 43 characters. The bytes of these characters are the key.
fn fresh_key() -> Result<SecretString> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|_| StoreError::Internal("no random bytes"))?;
    Ok(SecretString::from(BASE64_URL_SAFE_NO_PAD.encode(random)))
}

/// The place for which the key of a frame is sealed.
pub(crate) fn place(id: &str) -> String {
    format!("{}|{id}|secret", keys::FRAME_KEYS)
}

impl FrameReader {
    /// The frames. Eventually consistent: a change shows with one of the next pages.
    pub async fn frames(&self) -> Result<StoredFrames> {
        self.0.frames_with(false).await
    }
}

impl Frames {
    /// The frames.
    pub async fn frames(&self) -> Result<StoredFrames> {
        self.0.frames_with(true).await
    }

    /// Replaces the frames that are still as they were read, and makes keys for the new ones, which it returns with their ids.
    /// [`StoreError::Conflict`] when they have changed.
    pub async fn replace_frames(
        &self,
        vault: &Vault,
        seen: &StoredFrames,
        frames: &[Frame],
    ) -> Result<Vec<(String, SecretString)>> {
        let table = &self.0;
        let version = seen.version + 1;
        let item = Build::new(keys::FRAMES, keys::FRAMES.to_owned(), keys::FRAMES).set("version", n(version));
        let put = Put::builder().table_name(&table.name).set_item(Some(item.data(&frames)?.done()));
        let put = put.condition_expression("attribute_not_exists(pk) OR version = :seen");
        let put = put.expression_attribute_values(":seen", n(seen.version));
        let mut writes = vec![TransactWriteItem::builder().put(built(put.build())?).build()];
        let mut made = Vec::new();
        let has = |list: &[Frame], id: &str| list.iter().any(|frame| frame.id == id);
        for frame in frames.iter().filter(|frame| !has(&seen.items, &frame.id)) {
            let key = fresh_key()?;
            let sealed = vault.seal(&key, &place(&frame.id)).await?;
            writes.push(table.put_key(&frame.id, sealed, "attribute_not_exists(pk)")?);
            made.push((frame.id.clone(), key));
        }
        for gone in seen.items.iter().filter(|frame| !has(frames, &frame.id)) {
            let delete =
                Delete::builder().table_name(&table.name).key("pk", s(keys::FRAME_KEYS)).key("sk", s(&gone.id));
            writes.push(TransactWriteItem::builder().delete(built(delete.build())?).build());
        }
        let by_id = |list: &[Frame]| -> std::collections::BTreeMap<String, Frame> {
            list.iter().map(|frame| (frame.id.clone(), frame.clone())).collect()
        };
        let changed = changed_fields(&by_id(&seen.items), &by_id(frames));
        let subject = AuditSubject::new(AuditSubjectKind::Frame, "all");
        writes.extend(table.audit_of_change(AuditAction::FramesChanged, subject, AuditDetail::of_fields(changed))?);
        table.write_together(writes).await?;
        Ok(made)
    }

    /// Makes a new key for a frame in place of the one before, and returns it. [`StoreError::Conflict`] when the frame has been
    /// deleted.
    pub async fn rotate_key(&self, vault: &Vault, id: &str) -> Result<SecretString> {
        let key = fresh_key()?;
        let sealed = vault.seal(&key, &place(id)).await?;
        let mut writes = vec![self.0.put_key(id, sealed, "attribute_exists(pk)")?];
        let subject = AuditSubject::new(AuditSubjectKind::Frame, id);
        writes.extend(self.0.audit_of_change(AuditAction::FrameKeyRotated, subject, AuditDetail::default())?);
        self.0.write_together(writes).await?;
        Ok(key)
    }

    /// The key of a frame; `None` where there is none.
    pub async fn key(&self, vault: &Vault, id: &str) -> Result<Option<SecretString>> {
        let Some(item) = self.0.get(keys::FRAME_KEYS.to_owned(), id, true).await? else { return Ok(None) };
        let read = Read { kind: keys::FRAME_KEY, item: &item };
        let blob = read.opt_bytes("secret")?.ok_or_else(|| read.corrupt("secret"))?;
        vault.open(&Sealed { blob, place: place(id) }).await.map(Some)
    }
}

impl Table {
    async fn frames_with(&self, consistent: bool) -> Result<StoredFrames> {
        let Some(item) = self.get(keys::FRAMES.to_owned(), keys::FRAMES, consistent).await? else {
            return Ok(StoredFrames::default());
        };
        let read = Read { kind: keys::FRAMES, item: &item };
        Ok(StoredFrames { items: read.data()?, version: read.opt_n("version")?.unwrap_or(0) })
    }

    fn put_key(&self, id: &str, sealed: Vec<u8>, condition: &str) -> Result<TransactWriteItem> {
        let item: Attributes = Build::new(keys::FRAME_KEY, keys::FRAME_KEYS.to_owned(), id)
            .set("id", s(id))
            .set("secret", bytes(sealed))
            .done();
        let put = Put::builder().table_name(&self.name).set_item(Some(item)).condition_expression(condition);
        Ok(TransactWriteItem::builder().put(built(put.build())?).build())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn origin_is_what_stands_before_the_path() {
        for (url, origin) in [
            ("https://shop.example/orders?x=https://a", "https://shop.example"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("https://shop.example:8443?x", "https://shop.example:8443"),
        ] {
            let (id, name, url) = (Frame::fresh_id(), String::new(), url.to_owned());
            let frame = Frame { id, name, url, app_ids: Vec::new(), group_ids: Vec::new() };
            assert_eq!(frame.origin(), origin);
            assert_eq!(frame.id.len(), 13);
        }
    }

    #[test]
    fn key_is_43_characters_and_another_one_each_time() {
        let (one, other) = (fresh_key().unwrap(), fresh_key().unwrap());
        assert_eq!(one.expose_secret().len(), 43);
        assert_ne!(one.expose_secret(), other.expose_secret());
    }
}
