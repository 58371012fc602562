//! Uploads of pictures as WeChat's temporary media (新增临时素材).

use store::{MEDIA_LIFE, content_hash};

use crate::{
    Channel,
    error::{MediaError, TokenError},
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
        let hash = content_hash(&image.bytes);
        let known = self.store.media.media_by_content(app_id, &hash).await.map_err(TokenError::from)?;
        if let Some(known) = known.filter(|known| Some(known.as_str()) != refused) {
            return Ok(known);
        }
        let name = image.file_name();
        let media = self
            .with_token(app_id, |token| {
                let bytes = image.bytes.clone();
                async move { self.api.upload_image(token.value(), name, image.content_type, bytes).await }
            })
            .await?;
        self.store.media.remember_media(app_id, &hash, &media.media_id).await.map_err(TokenError::from)?;
        Ok(media.media_id)
    }
}
