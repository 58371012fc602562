//! Pictures of a visitor's conversations: those that they send, and those that are uploaded to be sent to them. Their bytes are objects
//! of a bucket; see [`Objects`](crate::Objects).
//!
//! What the table knows of an object is written before the object, so that an erasure, which reads the table, leaves none. An object
//! that was written while its item was deleted is deleted again by its writer.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;

use crate::{
    error::{Result, StoreError},
    handles::Pictures,
    item::{Attributes, Build, Read, at, n, s},
    keys,
    marks::ATTEMPTS,
    objects::Object,
    retry::Attempted,
    table::{SERVICE, Table},
    thread::Thread,
    transaction::{Transacted, built},
};

/// A picture that was uploaded for a visitor.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Upload {
    /// WeChat's id, by which it is sent.
    pub media_id: String,
    /// Its type, by its first bytes.
    pub content_type: String,
    /// How many bytes it has.
    pub size: u64,
    /// When it was uploaded.
    pub uploaded_at: Timestamp,
}

/// A message of a visitor whose picture is to be kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PictureRef {
    /// The visitor's thread.
    #[serde(flatten)]
    pub thread: Thread,
    /// The id of the message.
    pub picture: String,
}

impl PictureRef {
    /// The picture that a record of the table's stream asks to keep: that of a message in a conversation. `None` for any other image, and
    /// for one whose picture is kept.
    pub fn from_image<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let is_new = attribute("kind") == Some("inbound")
            && attribute("type") == Some("image")
            && attribute("cid").is_some()
            && attribute(SIZE).is_none();
        let thread = is_new.then(|| Some(Thread::new(attribute("app_id")?, attribute("openid")?)))??;
        let picture = attribute("sk")?.strip_prefix(keys::MESSAGE_PREFIX)?.to_owned();
        Some(Self { thread, picture })
    }
}

/// The attribute of a message whose picture is kept: how many bytes it has.
pub(crate) const SIZE: &str = "picture_size";

impl Thread {
    /// The key of the object with the picture of a message from the visitor.
    pub fn picture_of_message(&self, id: &str) -> String {
        format!("{}/{}", self.uid(), keys::short_hash(&["message", id]))
    }

    /// The key of the object with the picture that was uploaded under this media id.
    pub fn picture_of_media(&self, media_id: &str) -> String {
        format!("{}/{}", self.uid(), keys::short_hash(&["media", media_id]))
    }
}

impl Pictures {
    /// Stores the bytes of a picture; see [`Thread::picture_of_message`] and [`Thread::picture_of_media`].
    pub async fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        self.0.objects()?.put(key, bytes).await
    }

    /// The bytes of a picture, at most `max`.
    pub async fn get(&self, key: &str, max: usize) -> Result<Object> {
        self.0.objects()?.get(key, max).await
    }

    /// Deletes the bytes of a picture.
    pub async fn delete(&self, key: &str) -> Result<()> {
        self.0.objects()?.delete(key).await
    }

    /// Notes that the picture of a visitor's message is kept. `false` where the message is gone.
    pub async fn note_kept(&self, picture: &PictureRef, size: usize) -> Result<bool> {
        let update = self.0.client.update_item().table_name(&self.0.name);
        let update = update.key("pk", s(picture.thread.pk())).key("sk", s(keys::message(&picture.picture)));
        let update = update.update_expression("SET #size = :size").condition_expression("attribute_exists(pk)");
        let update = update.expression_attribute_names("#size", SIZE).expression_attribute_values(":size", n(size));
        match update.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Notes an upload for a visitor. `false` where nothing is stored of them, or they are being erased.
    pub async fn note_upload(&self, thread: &Thread, upload: &Upload) -> Result<bool> {
        let table = &self.0;
        let attempt = |_| async move {
            let Some(visitor) = table.visitor_notes().noted_visitor(thread).await? else {
                return Ok(Attempted::Done(false));
            };
            let put = Put::builder().table_name(&table.name).set_item(Some(upload.item(table, thread)));
            let put = TransactWriteItem::builder().put(built(put.build())?).build();
            Ok(match table.write_with_visitor(thread, &visitor, put).await? {
                Transacted::Written => Attempted::Done(true),
                Transacted::ConditionFailed(_) | Transacted::InConflict(_) => Attempted::Conflict,
            })
        };
        table.backoff().retry_on_conflict(ATTEMPTS, attempt).await
    }

    /// Whether an upload is noted.
    pub async fn has_upload(&self, thread: &Thread, media_id: &str) -> Result<bool> {
        Ok(self.0.get(thread.pk(), &keys::upload(media_id), true).await?.is_some())
    }

    /// All uploads for a visitor, in no order.
    pub async fn uploads(&self, thread: &Thread) -> Result<Vec<Upload>> {
        let items = self.0.partition(thread.pk(), keys::UPLOAD_PREFIX, i32::MAX).await?;
        items.iter().map(Upload::read).collect()
    }
}

impl Upload {
    fn item(&self, table: &Table, thread: &Thread) -> Attributes {
        Build::new(keys::UPLOAD, thread.pk(), keys::upload(&self.media_id))
            .set("media_id", s(&self.media_id))
            .set("content_type", s(&self.content_type))
            .set(SIZE, n(self.size))
            .set("uploaded_at", at(self.uploaded_at))
            .maybe("ttl", table.retention.messages.ttl(self.uploaded_at))
            .done()
    }

    fn read(item: &Attributes) -> Result<Self> {
        let read = Read { kind: keys::UPLOAD, item };
        Ok(Self {
            media_id: read.owned("media_id")?,
            content_type: read.owned("content_type")?,
            size: read.opt_n(SIZE)?.ok_or_else(|| read.corrupt(SIZE))?,
            uploaded_at: read.at("uploaded_at")?,
        })
    }
}
