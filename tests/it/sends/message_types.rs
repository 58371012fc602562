//! Message types: delivery and validation.

use serde_json::{Value, json};

use super::{APP, SEND, sim_fault};
use crate::open_conversation::{fields, problem, text};
use crate::support::World;

#[tokio::test]
async fn text_is_delivered_unchanged() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for (number, content) in [
        "您好,请问有什么可以帮您?",
        "一行\n两行\n\t三行",
        "👩‍👩‍👧‍👦 🇨🇳 👍🏽 𠮷",
        r#"<a href="http://example.com" data-miniprogram-appid="wx0000000000000d01">去看看</a>"#,
        r#"他说:"好" \ / ' & < > %00 \u4f60 \n"#,
        " 前后有空格 ",
        "零\u{200b}宽",
        "x",
    ]
    .into_iter()
    .enumerate()
    {
        let chat = world.open_conversation(&binding, &format!("o-{number}")).await;
        let sent = chat.send_text(content).await.expect(201);
        assert_eq!((&sent.body["state"], &sent.body["text"]["content"]), (&json!("sent"), &json!(content)));
        assert_eq!((&sent.body["direction"], &sent.body["type"]), (&json!("out"), &json!("text")));
        assert_eq!((&sent.body["cid"], &sent.body["author"]["role"]), (&json!(chat.cid), &json!("admin")));
        assert_eq!(chat.visitor.received_texts().await, [content]);
        assert_eq!(chat.message(&sent.text("id")).await, sent.body);
    }
}

#[tokio::test]
async fn line_breaks_of_office_programs_become_line_breaks_and_other_controls_are_not_sent() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for (written, sent) in [
        ("一\u{b}二", "一\n二"),
        ("一\u{c}二\u{2028}三\u{2029}四\u{85}五\r\n六", "一\n二\n三\n四\n五\n六"),
        ("\u{feff}一\u{0}二\u{7f}三\u{9f}\t四", "一二三\t四"),
    ] {
        let answer = chat.send_text(written).await.expect(201);
        assert_eq!(answer.body["text"]["content"], written, "the message is kept as it was written");
        assert_eq!(chat.visitor.received_texts().await.last().unwrap(), sent);
    }
    let link = json!({ "title": "标\u{b}题\n二\u{7f}", "description": "一\u{b}二\n三", "url": "https://example.com/" });
    chat.post(&json!({ "type": "link", "link": link })).await.expect(201);
    let shown = chat.visitor.received().await[3]["link"].clone();
    assert_eq!((&shown["title"], &shown["description"]), (&json!("标 题 二"), &json!("一 二\n三")));
    for blank in ["\u{0}\u{7f}", "\u{feff}\u{200b}", "\u{b}\u{2028}"] {
        let refused = chat.send_text(blank).await;
        assert_eq!((problem(&refused).0, fields(&refused)), (422, vec!["text.content"]), "{blank:?}");
    }
}

#[tokio::test]
async fn long_text_is_divided_at_borders_and_not_within_links() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let address = format!("https://shop.example/{}", "p".repeat(82));
    let link = format!("<a href=\"{address}\">查看 退货</a>");
    for (number, (content, expected)) in [
        (format!("请打开{}{address}", "说".repeat(659)), vec![format!("请打开{}", "说".repeat(659)), address.clone()]),
        (format!("{}{link}好", "说".repeat(660)), vec!["说".repeat(660), format!("{link}好")]),
        (format!("{}👨‍👩‍👧‍👦", "说".repeat(680)), vec!["说".repeat(680), "👨‍👩‍👧‍👦".to_owned()]),
        (
            format!("{}。{}", "一".repeat(400), "二".repeat(400)),
            vec![format!("{}。", "一".repeat(400)), "二".repeat(400)],
        ),
        (format!("{}\n\n{}", "一".repeat(600), "二".repeat(100)), vec!["一".repeat(600), "二".repeat(100)]),
        (format!("{}\u{b}{}", "一".repeat(600), "二".repeat(100)), vec!["一".repeat(600), "二".repeat(100)]),
    ]
    .into_iter()
    .enumerate()
    {
        let chat = world.open_conversation(&binding, &format!("o-{number}")).await;
        chat.send_text(&content).await.expect(201);
        assert_eq!(chat.visitor.received_texts().await, expected, "{number}");
        let quota = &world.conversation(&chat.cid).await["quota"];
        assert_eq!(quota["replies_left"], 5 - expected.len(), "{quota}");
    }
}

#[tokio::test]
async fn long_text_is_split_at_characters_and_sent_in_order() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let alphabet: String = ('a'..='z').cycle().take(2048).collect();
    for (number, (content, parts)) in [
        (alphabet.clone(), 1),
        (format!("{alphabet}终"), 2),
        ("客服".repeat(500), 2),
        (format!("x{}", "服".repeat(1500)), 3),
        (format!("ab{}", "🙂".repeat(1500)), 3),
        (format!("{}一二三四五六七八九十", "字".repeat(3400)), 5),
    ]
    .into_iter()
    .enumerate()
    {
        let chat = world.open_conversation(&binding, &format!("o-{number}")).await;
        assert_eq!(chat.send_text(&content).await.expect(201).body["state"], "sent");
        let received = chat.visitor.received_texts().await;
        assert_eq!(received.len(), parts, "{number}");
        assert!(received.iter().all(|part| part.len() <= 2048), "{number}");
        assert_eq!(received.concat(), content, "{number}");
        let kept = chat.messages().await;
        assert_eq!((kept.len(), &kept[1]["text"]["content"]), (2, &json!(content)), "it is one message");
    }
}

#[tokio::test]
async fn invalid_message_is_refused_by_field_and_not_stored() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let link = |field: &str, value: Value| {
        let mut link = json!({ "title": "T", "description": "D", "url": "https://example.com/" });
        link[field] = value;
        json!({ "type": "link", "link": link })
    };
    for (message, expected) in [
        (text(""), "text.content"),
        (text(" \n\t"), "text.content"),
        (text(&"服".repeat(3414)), "text.content"),
        (json!({ "type": "text" }), "text"),
        (json!({ "type": "text", "text": { "content": "x" }, "image": { "media_id": "x" } }), "text"),
        (json!({ "type": "text", "text": {} }), "text.content"),
        (json!({ "type": "text", "text": { "content": 5 } }), "text.content"),
        (json!({ "type": "text", "text": { "content": "x", "bold": true } }), "text.bold"),
        (json!({ "type": "image", "image": {} }), "image"),
        (json!({ "type": "image", "image": { "media_id": "x", "url": "https://example.com/a.png" } }), "image"),
        (json!({ "type": "image", "image": { "media_id": "x".repeat(2049) } }), "image"),
        (link("title", json!("")), "link.title"),
        (link("title", json!("题".repeat(171))), "link.title"),
        (link("description", json!("题".repeat(171))), "link.description"),
        (link("url", json!("javascript:alert(1)")), "link.url"),
        (link("url", json!("example.com")), "link.url"),
        (link("url", json!("")), "link.url"),
        (link("thumb_url", json!("data:image/png;base64,AAAA")), "link.thumb_url"),
        (json!({ "type": "miniprogrampage", "miniprogrampage": {} }), "miniprogrampage"),
        (json!({ "type": "miniprogrampage" }), "type"),
        (json!({ "type": "voice" }), "type"),
        (json!({ "text": { "content": "x" } }), "type"),
    ] {
        let answer = chat.post(&message).await;
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![expected]), "{message}");
    }
    assert_eq!(world.items("outbound").await, Vec::<Value>::new());
    assert_eq!(world.sim_calls(SEND).await, 0);
    // Five messages are the limit per visitor message.
    chat.send_text(&"服".repeat(3410)).await.expect(201);
}

#[tokio::test]
async fn image_and_link_are_delivered() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let address = format!("{}/phone/cover.png", world.bundle.wechat_url());
    let by_url = chat.post(&json!({ "type": "image", "image": { "url": address } })).await.expect(201);
    assert_eq!((&by_url.body["state"], &by_url.body["image"]["url"]), (&json!("sent"), &json!(address)));
    let media_id = by_url.body["image"]["media_id"].as_str().unwrap();
    chat.post(&json!({ "type": "image", "image": { "media_id": media_id } })).await.expect(201);
    let link = json!({
        "title": "云南咖啡 \"特价\"", "description": "第一行\n第二行", "url": "https://example.com/a?b=c&d=%E4%BD%A0",
        "thumb_url": "https://example.com/t.png",
    });
    chat.post(&json!({ "type": "link", "link": link })).await.expect(201);

    let phone = chat.visitor.received().await;
    assert_eq!(phone.len(), 3);
    assert_eq!((&phone[0]["image"]["media_id"], &phone[1]["image"]["media_id"]), (&json!(media_id), &json!(media_id)));
    assert_eq!(phone[2]["link"], link);
    // The phone shows the picture of the URL.
    let shown = phone[0]["image"]["url"].as_str().unwrap().strip_prefix(world.bundle.wechat_url()).unwrap();
    assert_eq!(world.sim_get(shown).await.expect(200).raw, world.sim_get("/phone/cover.png").await.expect(200).raw);
    assert_eq!(world.sim_calls("/cgi-bin/media/upload").await, 1);
}

#[tokio::test]
async fn expired_image_is_uploaded_again_from_its_url() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let address = format!("{}/phone/cover.png", world.bundle.wechat_url());
    chat.post(&json!({ "type": "image", "image": { "url": address } })).await.expect(201);
    sim_fault(&chat, json!({ "errcode": 40007 })).await;
    chat.post(&json!({ "type": "image", "image": { "url": address } })).await.expect(201);
    assert_eq!(world.sim_calls("/cgi-bin/media/upload").await, 2);
    let unknown = chat.post(&json!({ "type": "image", "image": { "media_id": "unknown" } })).await;
    assert_eq!(problem(&unknown), (422, "wechat.invalid_media", Some(40007)));
    assert_eq!(fields(&unknown), ["image.media_id"]);
    for errcode in [40004, 40007] {
        sim_fault(&chat, json!({ "errcode": errcode, "times": 2 })).await;
        let refused = chat.post(&json!({ "type": "image", "image": { "url": address } })).await;
        assert_eq!((problem(&refused).0, problem(&refused).2), (422, Some(errcode)));
        assert_eq!(fields(&refused), ["image.url"]);
    }
    assert_eq!(chat.visitor.received().await.len(), 2);
}

#[tokio::test]
async fn typing_indicator_reaches_the_phone() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let path = format!("/api/conversations/{}/typing", chat.cid);
    let shown = async || {
        let path = format!("/sim/visitors/o-1/messages?app_id={APP}");
        world.sim_get(&path).await.expect(200).body["typing"].as_bool().unwrap()
    };
    world.post(&path, &json!({ "typing": true })).await.expect(204);
    assert!(shown().await);
    // 45081: the indicator is shown already.
    world.post(&path, &json!({ "typing": true })).await.expect(204);
    assert_eq!(world.sim_calls("/cgi-bin/message/custom/typing").await, 2);
    world.post(&path, &json!({ "typing": false })).await.expect(204);
    assert!(!shown().await);
    // 45080: no message within the last 30 seconds.
    world.advance(31);
    world.post(&path, &json!({ "typing": true })).await.expect(204);
    assert!(!shown().await);

    sim_fault(&chat, json!({ "path": "/cgi-bin/message/custom/typing", "errcode": 48001 })).await;
    assert_eq!(
        problem(&world.post(&path, &json!({ "typing": true })).await),
        (502, "wechat.not_permitted", Some(48001))
    );
    for wrong in [json!({}), json!({ "typing": "yes" }), json!({ "typing": true, "x": 1 })] {
        assert_eq!(problem(&world.post(&path, &wrong).await).0, 422, "{wrong}");
    }
}
