//! Mini program cards to a visitor (智齿, 小程序卡片对接文档 §4.2).

use serde_json::{Value, json};

use crate::open_conversation::{OpenConversation, fields, problem};
use crate::support::World;

const APP: &str = "wx0000000000000ca1";
const SEND: &str = "/cgi-bin/message/custom/send";
const UPLOAD: &str = "/cgi-bin/media/upload";

/// The URL of a picture.
fn picture(world: &World) -> String {
    format!("{}/phone/cover.png", world.bundle.wechat_url())
}

/// The covers of the cards on the phone, oldest first.
async fn covers(chat: &OpenConversation<'_>) -> Vec<String> {
    let phone = chat.visitor.received().await;
    let cards = phone.iter().filter(|item| item["msgtype"] == "miniprogrampage");
    cards.map(|card| card["miniprogrampage"]["thumb_media_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn card_from_the_workbench_iframe_is_delivered_unchanged() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let media_id = chat.upload_cover(&picture(&world)).await;
    let card = json!({
        "cid": chat.cid,
        "uid": chat.uid,
        "msgType": 26,
        "miniPage": {
            "headimg": "https://img.sobot.com/console/common/face/admin.png",
            "name": "小程序名字",
            "thumbUrl": "https://ss1.baidu.com/6ONXsjip0QIZ8tyhnq/it/u=1667994205,255365672&fm=5",
            "title": "小程序标题",
            "pagepath": "pages/index/index",
            "thumbMediaId": media_id,
        },
    });
    world.reset_wechat_calls().await;
    let sent = chat.send_card(&card).await.expect(201);
    assert_eq!((&sent.body["type"], &sent.body["state"]), (&json!("miniprogrampage"), &json!("sent")));
    assert_eq!((world.sim_calls(SEND).await, world.sim_calls(UPLOAD).await), (1, 0), "the media id is used as it is");
    let kept = chat.message(&sent.text("id")).await;
    let page = &kept["miniprogrampage"];
    for (field, posted) in [
        ("title", "title"),
        ("pagepath", "pagepath"),
        ("thumb_media_id", "thumbMediaId"),
        ("thumb_url", "thumbUrl"),
        ("headimg", "headimg"),
        ("name", "name"),
    ] {
        assert_eq!(page[field], card["miniPage"][posted], "{field}");
    }

    let phone = chat.visitor.received().await;
    assert_eq!(phone.len(), 2);
    let shown = &phone[1]["miniprogrampage"];
    assert_eq!((&shown["title"], &shown["pagepath"]), (&json!("小程序标题"), &json!("pages/index/index")));
    assert_eq!((&shown["thumb_media_id"], &shown["appid"]), (&json!(media_id), &json!(APP)));

    // As pages post it: no ids, the type as text, a query in the path, special characters in the title.
    let other = json!({
        "msgType": "26",
        "miniPage": { "title": "特价 \"咖啡\" <b>🙂", "pagepath": "/pages/item/item?id=7&from=客服", "thumbMediaId": media_id },
        "source": "crm",
    });
    chat.send_card(&other).await.expect(201);
    let phone = chat.visitor.received().await;
    let shown = &phone[2]["miniprogrampage"];
    assert_eq!((&shown["title"], &shown["pagepath"]), (&other["miniPage"]["title"], &other["miniPage"]["pagepath"]));
}

#[tokio::test]
async fn cover_is_uploaded_once_and_again_before_it_expires() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let address = picture(&world);
    chat.send_card(&chat.card_with_cover_at(&address)).await.expect(201);
    chat.send_card(&chat.card_with_cover_at(&address)).await.expect(201);
    // The same picture at another URL, sent by the other function.
    let elsewhere = format!("{address}?size=large");
    chat.post(&json!({ "type": "image", "image": { "url": elsewhere } })).await.expect(201);
    assert_eq!(world.sim_calls(UPLOAD).await, 1);

    world.advance(60 * 3600 - 1);
    chat.visitor.text("三天内").await;
    world.settle().await;
    chat.send_card(&chat.card_with_cover_at(&address)).await.expect(201);
    assert_eq!(world.sim_calls(UPLOAD).await, 1, "for 60 hours");
    world.advance(1);
    chat.send_card(&chat.card_with_cover_at(&address)).await.expect(201);
    assert_eq!(world.sim_calls(UPLOAD).await, 2, "and no longer");
    let covers = covers(&chat).await;
    assert_eq!((&covers[0], &covers[1]), (&covers[1], &covers[2]));
    assert_ne!(covers[2], covers[3]);

    // Media belong to one mini program.
    let other = world.bind("wx0000000000000ca2").await;
    let other = world.open_conversation(&other, "o-1").await;
    other.send_card(&other.card_with_cover_at(&address)).await.expect(201);
    assert_eq!(world.sim_calls(UPLOAD).await, 3);
}

#[tokio::test]
async fn refused_media_id_falls_back_to_the_cover_url() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let mut card = chat.card_with_media_id("nI3DlJZsXd7h0JVZ-LklyzjWtZY4Q-lNAacBe50Chl0k9Zs5PR_p2_jV2na2o3_P");
    card["miniPage"]["thumbUrl"] = json!(picture(&world));
    let sent = chat.send_card(&card).await.expect(201);
    assert_eq!(sent.body["state"], "sent");
    assert_eq!((world.sim_calls(SEND).await, world.sim_calls(UPLOAD).await), (2, 1));
    assert_eq!(covers(&chat).await.len(), 1);

    // The same for a cached media id.
    world.sim_fault(&json!({ "path": SEND, "errcode": 40007 })).await;
    chat.send_card(&chat.card_with_cover_at(&picture(&world))).await.expect(201);
    assert_eq!(world.sim_calls(UPLOAD).await, 2);
    assert_eq!(covers(&chat).await.len(), 2);

    // Once only.
    world.reset_wechat_calls().await;
    world.sim_fault(&json!({ "path": SEND, "errcode": 40007, "times": 9 })).await;
    let refused = chat.send_card(&chat.card_with_cover_at(&picture(&world))).await;
    assert_eq!(problem(&refused), (422, "wechat.invalid_media", Some(40007)));
    assert_eq!((world.sim_calls(SEND).await, world.sim_calls(UPLOAD).await), (2, 1));
}

#[tokio::test]
async fn refused_media_id_without_cover_url_is_an_error() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let refused = chat.send_card(&chat.card_with_media_id("unknown")).await;
    assert_eq!(problem(&refused), (422, "wechat.invalid_media", Some(40007)));
    assert!(refused.text("detail").contains("Upload it again"), "{}", refused.raw);
    let kept = chat.message(&refused.text("message_id")).await;
    assert_eq!((&kept["state"], &kept["failure"]["code"]), (&json!("failed"), &json!("wechat.invalid_media")));
    assert_eq!(chat.visitor.received().await, Vec::<Value>::new());

    let mut card = chat.card_with_media_id("unknown");
    card["miniPage"]["thumbUrl"] = json!(format!("{}/phone/no-such.png", world.bundle.wechat_url()));
    let refused = chat.send_card(&card).await;
    assert_eq!(problem(&refused), (422, "picture.refused", None));
    assert!(refused.text("detail").contains("404"), "{}", refused.raw);
}

#[tokio::test]
async fn media_id_older_than_three_days_is_refused_without_a_call() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let old = chat.upload_cover(&picture(&world)).await;
    world.advance(72 * 3600 - 1);
    chat.visitor.text("三天").await;
    world.settle().await;
    chat.send_card(&chat.card_with_media_id(&old)).await.expect(201);
    world.advance(1);
    world.reset_wechat_calls().await;

    let kept = chat.messages().await;
    let refused = chat.send_card(&chat.card_with_media_id(&old)).await;
    assert_eq!((problem(&refused).0, fields(&refused)), (422, vec!["miniPage.thumbMediaId"]));
    assert!(refused.text("detail").contains("three days"), "{}", refused.raw);
    assert_eq!(chat.messages().await, kept, "nothing was stored");
    assert_eq!(world.sim_calls(SEND).await, 0);

    let mut card = chat.card_with_media_id(&old);
    card["miniPage"]["thumbUrl"] = json!(picture(&world));
    chat.send_card(&card).await.expect(201);
    assert_eq!((world.sim_calls(SEND).await, world.sim_calls(UPLOAD).await), (1, 1));
    assert_ne!(covers(&chat).await.pop().unwrap(), old);
}

#[tokio::test]
async fn failed_upload_is_reported_and_nothing_is_stored() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for (mut fault, code, errcode) in [
        (json!({ "errcode": -1 }), "wechat.busy", Some(-1)),
        (json!({ "errcode": 45009 }), "wechat.daily_quota_used", Some(45009)),
        (json!({ "errcode": 40001, "times": 2 }), "wechat.access_token_rejected", Some(40001)),
        (json!({ "html": true }), "wechat.answer_unreadable", None),
        (json!({ "break_off": "after" }), "wechat.broken_off", None),
    ] {
        fault["path"] = json!(UPLOAD);
        world.sim_fault(&fault).await;
        assert_eq!(
            problem(&chat.send_card(&chat.card_with_cover_at(&picture(&world))).await),
            (502, code, errcode),
            "{fault}"
        );
    }
    assert_eq!(chat.messages().await.len(), 1);
    assert_eq!(world.sim_calls(SEND).await, 0);
    chat.send_card(&chat.card_with_cover_at(&picture(&world))).await.expect(201);
}

#[tokio::test]
async fn invalid_card_fields_are_named_and_nothing_is_stored() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let other = world.open_conversation(&binding, "o-2").await;
    let media_id = other.upload_cover(&picture(&world)).await;
    let with = |pointer: &str, value: Value| {
        let mut card = chat.card_with_media_id(&media_id);
        card[pointer] = value;
        card
    };
    let page = |field: &str, value: Value| {
        let mut card = chat.card_with_media_id(&media_id);
        card["miniPage"][field] = value;
        card
    };
    let kept = world.items("outbound").await.len();
    world.reset_wechat_calls().await;
    for (card, field) in [
        (with("cid", json!(other.cid)), "cid"),
        (with("cid", json!("")), "cid"),
        (with("uid", json!(other.uid)), "uid"),
        (with("uid", json!("o-1")), "uid"),
        (with("msgType", json!(25)), "msgType"),
        (with("msgType", json!("text")), "msgType"),
        (with("msgType", Value::Null), "msgType"),
        (with("miniPage", Value::Null), "miniPage"),
        (with("miniPage", json!("x")), "miniPage"),
        (page("title", json!("")), "miniPage.title"),
        (page("title", json!("  ")), "miniPage.title"),
        (page("title", json!("题".repeat(65))), "miniPage.title"),
        (page("title", json!(7)), "miniPage.title"),
        (page("pagepath", json!("https://example.com/")), "miniPage.pagepath"),
        (page("pagepath", json!("//example.com/")), "miniPage.pagepath"),
        (page("pagepath", json!("pages/in dex")), "miniPage.pagepath"),
        (page("pagepath", json!("pages/index\n")), "miniPage.pagepath"),
        (page("pagepath", json!("p".repeat(1025))), "miniPage.pagepath"),
        (page("thumbMediaId", json!("")), "miniPage.thumbUrl"),
        (page("thumbMediaId", json!("m".repeat(2049))), "miniPage.thumbMediaId"),
        (page("thumbUrl", json!("u".repeat(2049))), "miniPage.thumbUrl"),
        (page("headimg", json!("h".repeat(2049))), "miniPage.headimg"),
        (page("name", json!("n".repeat(2049))), "miniPage.name"),
    ] {
        let answer = chat.send_card(&card).await;
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![field]), "{card}");
    }
    let all = json!({ "cid": "x", "msgType": 1, "miniPage": { "title": "", "pagepath": "a b" } });
    let answer = chat.send_card(&all).await.expect(422);
    assert_eq!(fields(&answer), ["cid", "msgType", "miniPage.title", "miniPage.pagepath", "miniPage.thumbUrl"]);
    assert_eq!(world.items("outbound").await.len(), kept);
    assert_eq!((world.sim_calls(SEND).await, world.sim_calls(UPLOAD).await), (0, 0));
}

#[tokio::test]
async fn card_uses_quota_and_fails_like_other_messages() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let media_id = chat.upload_cover(&picture(&world)).await;
    let card = chat.card_with_media_id(&media_id);
    let once = async |key: &str| world.post_once(key, &chat.cards_path(), &card).await;
    let first = once("k-1").await.expect(201);
    assert_eq!(once("k-1").await.expect(201).body, first.body);
    assert_eq!(covers(&chat).await.len(), 2);
    let reused = world.post_once("k-1", &chat.cards_path(), &chat.card_with_cover_at(&picture(&world))).await;
    assert_eq!(problem(&reused), (422, "idempotency.key_reused", None));

    world.sim_fault(&json!({ "path": SEND, "break_off": "after" })).await;
    let unknown = once("k-2").await.expect(202);
    assert_eq!(unknown.body["state"], "unknown");
    assert_eq!(once("k-2").await.expect(202).body, unknown.body);
    for _ in 0..2 {
        chat.send_card(&card).await.expect(201);
    }
    assert_eq!(covers(&chat).await.len(), 5);
    // Without replies left, no call is made.
    let calls = world.sim_calls(SEND).await;
    assert_eq!(problem(&chat.send_card(&card).await), (409, "quota.exhausted", None));
    world.advance(48 * 3600);
    assert_eq!(problem(&chat.send_card(&card).await), (409, "quota.window_closed", None));
    assert_eq!(world.sim_calls(SEND).await, calls);
    // A refusal by WeChat is returned. Cards are not held.
    for (errcode, code) in [(45047, "wechat.reply_limit_reached"), (45015, "wechat.reply_window_closed")] {
        chat.visitor.writes("还在吗").await;
        world.sim_fault(&json!({ "path": SEND, "errcode": errcode })).await;
        assert_eq!(problem(&chat.send_card(&card).await), (409, code, Some(errcode)));
    }
}
