//! Uploads of pictures as WeChat's temporary media (新增临时素材).

use store::{MEDIA_LIFE, content_hash};
use wechat::{ApiError, ErrCode};

use crate::{
    Channel,
    error::{MediaError, TokenError},
    image_kind::ImageKind,
};

impl Channel {
    /// The media id of a card's cover or of an image.
    ///
    /// `media_id` is used as it is, unless this system uploaded it more than three days ago. Otherwise the picture is
    /// downloaded from `address` and uploaded, unless the same bytes were uploaded in the last three days.
    #[tracing::instrument(skip_all, fields(app_id = app_id))]
    pub async fn cover_media_id(&self, app_id: &str, media_id: &str, address: &str) -> Result<String, MediaError> {
        if !media_id.is_empty() {
            let uploaded = self.store.media.media_uploaded_at(app_id, media_id).await.map_err(TokenError::from)?;
            let now = self.store.clock.now();
            if uploaded.is_none_or(|at| now < at + MEDIA_LIFE) {
                return Ok(media_id.to_owned());
            }
        }
        if address.is_empty() {
            return Err(MediaError::Missing);
        }
        self.upload(app_id, address, None).await
    }

    /// Uploads the picture at `address` again, after WeChat refused its media id `refused`.
    pub(crate) async fn upload_again(&self, app_id: &str, refused: &str, address: &str) -> Result<String, MediaError> {
        if address.is_empty() {
            return Err(MediaError::Missing);
        }
        self.upload(app_id, address, Some(refused)).await
    }

    async fn upload(&self, app_id: &str, address: &str, refused: Option<&str>) -> Result<String, MediaError> {
        let image = self.fetcher.image(address).await?;
        Ok(self.upload_unless_known(app_id, image.kind, image.bytes, refused).await?)
    }

    /// Uploads a picture, unless the same bytes were uploaded in the last days, and returns its media id.
    #[tracing::instrument(skip_all, fields(app_id = app_id))]
    pub async fn upload_picture(&self, app_id: &str, kind: ImageKind, bytes: Vec<u8>) -> Result<String, TokenError> {
        self.upload_unless_known(app_id, kind, bytes, None).await
    }

    async fn upload_unless_known(
        &self,
        app_id: &str,
        kind: ImageKind,
        bytes: Vec<u8>,
        refused: Option<&str>,
    ) -> Result<String, TokenError> {
        let hash = content_hash(&bytes);
        let known = self.store.media.media_by_content(app_id, &hash).await?;
        if let Some(known) = known.filter(|known| Some(known.as_str()) != refused) {
            return Ok(known);
        }
        let (name, content_type) = (kind.file_name(), kind.content_type());
        let media = self
            .with_token(app_id, |token| {
                let bytes = bytes.clone();
                async move { self.api.upload_image(token.value(), name, content_type, bytes).await }
            })
            .await?;
        self.store.media.remember_media(app_id, &hash, &media.media_id).await?;
        Ok(media.media_id)
    }

    /// Downloads a picture of at most 10 MB from WeChat; `None` where WeChat has none of this id, or none of that size.
    #[tracing::instrument(skip_all, fields(app_id = app_id))]
    pub async fn download_picture(&self, app_id: &str, media_id: &str) -> Result<Option<Vec<u8>>, TokenError> {
        let download =
            self.with_token(app_id, |token| async move { self.api.get_media(token.value(), media_id).await }).await;
        match download {
            Ok(download) => Ok(Some(download.bytes)),
            Err(TokenError::WeChat(
                ApiError::Refused { errcode: ErrCode::INVALID_MEDIA, .. }
                | ApiError::Unreadable { reason: "too large", .. },
            )) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
