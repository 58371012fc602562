//! Keeps the pictures of visitors: WeChat has a picture for three days (获取临时素材), the conversation for as long as its messages.

use channel::{Channel, ImageKind, TokenError};
use jiff::Timestamp;
use store::{
    Direction, MEDIA_LIFE, Message, Object, PictureRef, Pictures, SharedClock, StoreError, Table, Thread, ThreadReader,
    Upload,
};

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its type, by its first bytes.
    pub kind: ImageKind,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The message is gone or has no picture, WeChat has it no more, or it is no image.
    #[error("there is no picture")]
    None,
    /// It is larger than the caller takes.
    #[error("the picture is too large")]
    TooLarge,
    /// The table or the bucket cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// WeChat cannot be asked, or does not give it now.
    #[error(transparent)]
    WeChat(TokenError),
}

/// The pictures of conversations. Cheap to clone.
#[derive(Debug, Clone)]
pub struct KeptPictures {
    threads: ThreadReader,
    pictures: Pictures,
    channel: Channel,
    clock: SharedClock,
}

impl KeptPictures {
    /// The pictures of a table that has their bucket.
    pub fn new(table: &Table, channel: Channel) -> Self {
        Self { threads: table.threads(), pictures: table.pictures(), channel, clock: table.clock().clone() }
    }

    /// The uploads that are noted for a visitor.
    pub async fn uploads(&self, thread: &Thread) -> Result<Vec<Upload>, StoreError> {
        self.pictures.uploads(thread).await
    }

    /// Keeps the picture of a visitor's message, and returns it. To repeat it has the same effect.
    #[tracing::instrument(skip_all, fields(app_id = picture.thread.app_id, uid = picture.thread.uid(), id = picture.picture))]
    pub async fn keep(&self, picture: &PictureRef) -> Result<Picture, PictureError> {
        let (thread, id) = (&picture.thread, &picture.picture);
        let message = self.threads.message(thread, id).await?.ok_or(PictureError::None)?;
        let media_id = media_id(&message).filter(|_| message.direction == Direction::In).ok_or(PictureError::None)?;
        let found =
            self.at_wechat(&thread.app_id, &media_id, message.received_at.unwrap_or(message.created_at)).await?;
        // The note is written before the object, so that an erasure finds every object.
        if !self.pictures.note_kept(picture, found.bytes.len()).await? {
            return Err(PictureError::None);
        }
        let key = thread.picture_of_message(id);
        self.pictures.put(&key, &found.bytes).await?;
        if self.threads.message(thread, id).await?.is_none() {
            self.pictures.delete(&key).await?;
            return Err(PictureError::None);
        }
        Ok(found)
    }

    /// The picture of a message of at most `max` bytes: the one that is kept, or that of WeChat, which is then kept if it is the
    /// visitor's.
    pub async fn of_message(&self, message: &Message, max: usize) -> Result<Picture, PictureError> {
        let thread = &message.thread;
        let media_id = media_id(message).ok_or(PictureError::None)?;
        let is_visitors = message.direction == Direction::In;
        let key = if is_visitors { thread.picture_of_message(&message.id) } else { thread.picture_of_media(&media_id) };
        let found = match self.pictures.get(&key, max).await? {
            Object::Bytes(bytes) => Picture { kind: ImageKind::of(&bytes).ok_or(PictureError::None)?, bytes },
            Object::TooLarge => return Err(PictureError::TooLarge),
            Object::Missing if is_visitors => {
                let picture = PictureRef { thread: thread.clone(), picture: message.id.clone() };
                Box::pin(self.keep(&picture)).await?
            }
            Object::Missing => self.at_wechat(&thread.app_id, &media_id, message.created_at).await?,
        };
        if found.bytes.len() > max { Err(PictureError::TooLarge) } else { Ok(found) }
    }

    /// Uploads a picture to WeChat, to be sent to a visitor, and keeps it. `None` where nothing is stored of the visitor, or they
    /// are being erased.
    pub async fn upload(
        &self,
        thread: &Thread,
        kind: ImageKind,
        bytes: Vec<u8>,
    ) -> Result<Option<Upload>, PictureError> {
        let uploaded = self.channel.upload_picture(&thread.app_id, kind, bytes.clone()).await;
        let media_id = uploaded.map_err(PictureError::WeChat)?;
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let content_type = kind.content_type().to_owned();
        let upload = Upload { media_id, content_type, size, uploaded_at: self.clock.now() };
        if !self.pictures.note_upload(thread, &upload).await? {
            return Ok(None);
        }
        let key = thread.picture_of_media(&upload.media_id);
        self.pictures.put(&key, &bytes).await?;
        if !self.pictures.has_upload(thread, &upload.media_id).await? {
            self.pictures.delete(&key).await?;
            return Ok(None);
        }
        Ok(Some(upload))
    }

    /// A picture that WeChat has had since this time.
    async fn at_wechat(&self, app_id: &str, media_id: &str, since: Timestamp) -> Result<Picture, PictureError> {
        if self.clock.now().duration_since(since) > MEDIA_LIFE {
            return Err(PictureError::None);
        }
        let found = self.channel.download_picture(app_id, media_id).await;
        let bytes = found.map_err(PictureError::WeChat)?.ok_or(PictureError::None)?;
        let kind = ImageKind::of(&bytes).ok_or(PictureError::None)?;
        Ok(Picture { kind, bytes })
    }
}

/// The media id of a message's picture, or of the cover of a card.
fn media_id(message: &Message) -> Option<String> {
    let field = match message.kind.as_str() {
        "image" => "media_id",
        "miniprogrampage" => "thumb_media_id",
        _ => return None,
    };
    let media_id = message.content.get(field)?.as_str()?;
    (!media_id.is_empty()).then(|| media_id.to_owned())
}
