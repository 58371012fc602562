//! Keeps the pictures of visitors, from the queue `Pictures`. A picture that could not be downloaded is delivered
//! again, for as long as WeChat has it.

use conversations::PictureError;
use function::{Deadline, http, trigger::batch_failures};
use jiff::SignedDuration;
use serde_json::Value;
use store::PictureRef;

use crate::Deps;

/// The time that one picture takes at most: a token, 5 seconds for WeChat, the bucket.
const ONE: SignedDuration = SignedDuration::from_secs(30);

/// Keeps the pictures of messages of the queue, each with the id of its message.
pub(crate) async fn keep(deps: &Deps, pictures: Vec<(&str, PictureRef)>, deadline: Deadline) -> Value {
    let mut failed = Vec::new();
    for (id, picture) in pictures {
        if !deadline.allows(ONE, deps.clock.now()) {
            failed.push(id);
            continue;
        }
        match deps.pictures.keep(&picture).await {
            Ok(_) => {}
            // A retry does not help.
            Err(error @ (PictureError::None | PictureError::TooLarge)) => {
                tracing::warn!(id = picture.picture, %error, "the picture of a visitor is not kept");
            }
            Err(error) => {
                tracing::error!(id = picture.picture, error = %http::chain(&error), "a picture is not kept yet");
                failed.push(id);
            }
        }
    }
    batch_failures(failed)
}
