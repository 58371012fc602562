//! Temporary media.

use serde_json::json;
use wechat::{
    Action, ApiError, ErrCode, Outcome,
    client::{Download, MAX_DOWNLOAD},
};
use wiremock::{Request, ResponseTemplate};

use crate::{ACCESS_TOKEN, server_with_response};

#[tokio::test]
async fn image_upload_is_multipart_with_content_length() {
    let answer = json!({"type": "image", "media_id": "media-0001", "created_at": 1_750_000_010});
    let (server, api) = server_with_response(ResponseTemplate::new(200).set_body_json(answer)).await;
    let media = api.upload_image(ACCESS_TOKEN, "cover.png", "image/png", b"\x89PNG".to_vec()).await.unwrap();
    assert_eq!((media.media_id.as_str(), media.created_at), ("media-0001", 1_750_000_010));
    let request = server.received_requests().await.unwrap().remove(0);
    assert_eq!(request.url.path(), "/cgi-bin/media/upload");
    assert_eq!(
        request.url.query_pairs().collect::<Vec<_>>(),
        [("access_token".into(), ACCESS_TOKEN.into()), ("type".into(), "image".into())]
    );
    let body = String::from_utf8_lossy(&request.body);
    assert!(body.contains("name=\"media\"; filename=\"cover.png\""), "{body}");
    assert!(body.contains("Content-Type: image/png\r\n\r\n"), "{body}");
    // WeChat does not accept a chunked upload.
    assert_eq!(request.headers["content-length"], body_length(&request));

    let (_server, api) =
        server_with_response(ResponseTemplate::new(200).set_body_json(json!({"errcode": 40004}))).await;
    let error = api.upload_image(ACCESS_TOKEN, "x", "image/png", Vec::new()).await.unwrap_err();
    assert_eq!(error.action(), Action::Reupload);
    let error = api.upload_image(ACCESS_TOKEN, "x", "not a type", Vec::new()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Definite);
}

fn body_length(request: &Request) -> String {
    request.body.len().to_string()
}

#[tokio::test]
async fn media_download_returns_file_or_refusal() {
    let (server, api) =
        server_with_response(ResponseTemplate::new(200).set_body_raw(b"\xff\xd8\xff".to_vec(), "image/jpeg")).await;
    let file = api.get_media(ACCESS_TOKEN, "media/0001").await.unwrap();
    assert!(file == Download { content_type: Some("image/jpeg".to_owned()), bytes: b"\xff\xd8\xff".to_vec() });
    let request = server.received_requests().await.unwrap().remove(0);
    assert_eq!(request.url.path(), "/cgi-bin/media/get");
    assert_eq!(request.url.query_pairs().nth(1).unwrap().1, "media/0001");

    let refusal = json!({"errcode": 40007, "errmsg": "invalid media_id"}).to_string();
    for kind in ["application/json; encoding=utf-8", "text/plain", "image/jpeg"] {
        let (_server, api) = server_with_response(ResponseTemplate::new(200).set_body_raw(refusal.clone(), kind)).await;
        assert_eq!(api.get_media(ACCESS_TOKEN, "m").await.unwrap_err().errcode(), Some(ErrCode::INVALID_MEDIA));
    }
    for answer in [
        ResponseTemplate::new(200).set_body_raw("<html>", "text/html"),
        ResponseTemplate::new(404).set_body_raw(b"\xff\xd8".to_vec(), "image/jpeg"),
        ResponseTemplate::new(200).set_body_json(json!({"video_url": "https://example.invalid/v"})),
        ResponseTemplate::new(200).set_body_raw(vec![0xff; MAX_DOWNLOAD + 1], "image/jpeg"),
    ] {
        let (_server, api) = server_with_response(answer).await;
        assert!(matches!(api.get_media(ACCESS_TOKEN, "m").await.unwrap_err(), ApiError::Unreadable { .. }));
    }
}
