//! Uploaded images are reused as long as WeChat certainly keeps them.

use jiff::SignedDuration;
use store::{MEDIA_LIFE, MEDIA_REUSE, content_hash};

use crate::support::{APP_ID, Kit};

const A_MILLISECOND: SignedDuration = SignedDuration::from_millis(1);

#[tokio::test]
async fn upload_is_reused_for_sixty_hours() {
    let kit = Kit::start().await;
    let hash = content_hash(b"picture");
    assert_eq!(kit.table.media().media_by_content(APP_ID, &hash).await.unwrap(), None);
    kit.table.media().remember_media(APP_ID, &hash, "media-1").await.unwrap();
    assert_eq!(MEDIA_REUSE, SignedDuration::from_hours(60));

    for (wait, found) in [
        (SignedDuration::ZERO, Some("media-1")),
        (MEDIA_REUSE - A_MILLISECOND, Some("media-1")),
        (A_MILLISECOND, None),
        (SignedDuration::from_hours(24), None),
    ] {
        kit.advance(wait);
        assert_eq!(kit.table.media().media_by_content(APP_ID, &hash).await.unwrap().as_deref(), found, "after {wait}");
    }
    assert!(MEDIA_REUSE < MEDIA_LIFE);
}

#[tokio::test]
async fn upload_is_scoped_to_mini_program_and_content() {
    let kit = Kit::start().await;
    let hash = content_hash(b"picture");
    kit.table.media().remember_media(APP_ID, &hash, "media-1").await.unwrap();
    assert_eq!(kit.table.media().media_by_content("wx2", &hash).await.unwrap(), None);
    assert_eq!(kit.table.media().media_by_content(APP_ID, &content_hash(b"picture ")).await.unwrap(), None);
    assert_eq!(kit.table.media().media_uploaded_at("wx2", "media-1").await.unwrap(), None);
}

#[tokio::test]
async fn age_of_a_media_id_is_remembered() {
    let kit = Kit::start().await;
    let uploaded = kit.now();
    kit.table.media().remember_media(APP_ID, &content_hash(b"picture"), "media-1").await.unwrap();
    kit.advance(SignedDuration::from_hours(29 * 24));
    assert_eq!(kit.table.media().media_uploaded_at(APP_ID, "media-1").await.unwrap(), Some(uploaded));
    assert_eq!(kit.table.media().media_uploaded_at(APP_ID, "unknown media id").await.unwrap(), None);
    let end = (uploaded + SignedDuration::from_hours(30 * 24)).as_second().to_string();
    assert!(kit.items_of("media").await.iter().all(|item| item["ttl"].as_n() == Ok(&end)));
}

#[tokio::test]
async fn new_upload_replaces_the_old_one() {
    let kit = Kit::start().await;
    let hash = content_hash(b"picture");
    let first = kit.now();
    kit.table.media().remember_media(APP_ID, &hash, "media-1").await.unwrap();
    kit.advance(MEDIA_REUSE);
    kit.table.media().remember_media(APP_ID, &hash, "media-2").await.unwrap();
    assert_eq!(kit.table.media().media_by_content(APP_ID, &hash).await.unwrap().as_deref(), Some("media-2"));
    assert_eq!(kit.table.media().media_uploaded_at(APP_ID, "media-1").await.unwrap(), Some(first));
    assert_eq!(kit.table.media().media_uploaded_at(APP_ID, "media-2").await.unwrap(), Some(kit.now()));
}

#[test]
fn content_hash_is_sha_256() {
    // FIPS 180-2, appendix B.1.
    assert_eq!(content_hash(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
