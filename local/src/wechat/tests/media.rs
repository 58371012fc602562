use jiff::SignedDuration;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{Bench, OPENID, OTHER, text};
use crate::wechat::phone::COVER;

async fn upload(bench: &Bench, token: &str, kind: &str, form: Form) -> Value {
    let url = bench.url(&format!("/cgi-bin/media/upload?access_token={token}&type={kind}"));
    bench.http.post(url).multipart(form).send().await.unwrap().json().await.unwrap()
}

fn file(name: &'static str, bytes: Vec<u8>) -> Form {
    Form::new().part(name, Part::bytes(bytes).file_name("a.png"))
}

#[tokio::test]
async fn image_expires_after_three_days_and_belongs_to_its_mini_program() {
    let bench = Bench::ready().await;
    bench.perform("text", json!({ "content": "在吗" })).await;
    let token = bench.token().await;
    let kept = upload(&bench, &token, "image", file("media", COVER.to_vec())).await;
    assert_eq!((&kept["type"], &kept["created_at"]), (&json!("image"), &json!(1_750_000_000)));
    let media_id = text(&kept["media_id"]);
    let card = json!({ "touser": OPENID, "msgtype": "miniprogrampage",
        "miniprogrampage": { "title": "T", "pagepath": "p", "thumb_media_id": media_id } });
    let send = async |token: &str| bench.call("/cgi-bin/message/custom/send", token, card.clone()).await;
    assert_eq!(send(&token).await, 0);
    let url = text(&bench.received().await[0]["miniprogrampage"]["thumb_url"]);
    assert_eq!(bench.http.get(&url).send().await.unwrap().bytes().await.unwrap(), COVER);

    let other = text(&bench.stable(OTHER, "s").await["access_token"]);
    let get = async |token: &str| {
        let path = format!("/cgi-bin/media/get?access_token={token}&media_id={media_id}");
        bench.http.get(bench.url(&path)).send().await.unwrap()
    };
    assert_eq!(get(&other).await.json::<Value>().await.unwrap()["errcode"], 40007);
    let answer = get(&token).await;
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"picture.png\"");
    assert_eq!(answer.bytes().await.unwrap(), COVER);

    bench.advance(SignedDuration::from_hours(72) - SignedDuration::from_secs(1));
    bench.perform("text", json!({ "content": "还在吗" })).await;
    let token = bench.token().await;
    assert_eq!(send(&token).await, 0);
    bench.advance(SignedDuration::from_secs(1));
    assert_eq!(send(&token).await, 40007);
    assert_eq!(get(&token).await.json::<Value>().await.unwrap()["errcode"], 40007);
    assert_eq!(bench.http.get(&url).send().await.unwrap().status(), 200, "the phone keeps what it has shown");
}

#[tokio::test]
async fn upload_that_is_not_a_valid_image_is_refused() {
    let bench = Bench::ready().await;
    let token = bench.token().await;
    let png = |length: usize| {
        let mut bytes = COVER.to_vec();
        bytes.resize(length, 0);
        bytes
    };
    let limit = 2 * 1024 * 1024;
    let cases = [
        (0, "image", file("media", png(limit))),
        (40006, "image", file("media", png(limit + 1))),
        (40005, "image", file("media", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec())),
        (41005, "image", file("picture", COVER.to_vec())),
        (41005, "image", file("media", Vec::new())),
        (41005, "image", Form::new().text("media", "no file name")),
        (40004, "video", file("media", COVER.to_vec())),
    ];
    for (errcode, kind, form) in cases {
        assert_eq!(super::code(&upload(&bench, &token, kind, form).await), errcode);
    }
    assert_eq!(super::code(&upload(&bench, "", "image", file("media", COVER.to_vec())).await), 41001);
}
