//! Names, titles and addresses that people and visitors give.

use serde_json::{Value, json};

use crate::open_conversation::{fields, problem};
use crate::support::World;

const APP: &str = "wx0000000000000ad7";

/// Characters that are not shown, or change how what follows is shown.
const MISLEADING: [&str; 6] =
    ["\u{202e}gnp", "\u{2066}小王\u{2069}", "小\u{200b}王", "小\u{200d}王", "小\u{7f}王", "\u{3164}"];

#[tokio::test]
async fn name_with_invisible_characters_is_refused() {
    let world = World::start().await;
    let group = world.group(&[]).await;
    for name in MISLEADING {
        for (path, mut body) in [
            ("/api/agents", json!({ "capacity": 3 })),
            ("/api/groups", json!({ "members": [], "strategy": "least_load" })),
            ("/api/robots", json!({ "kind": "faq" })),
            ("/api/merchants", json!({ "customer_code": "shop-7", "group_id": group })),
            ("/api/access-tokens", json!({ "role": "agent" })),
            ("/api/bindings", json!({ "app_id": APP, "app_secret": "0123456789abcdef0123456789abcdef" })),
        ] {
            body["name"] = json!(name);
            let refused = world.post(path, &body).await;
            assert_eq!(problem(&refused).0, 422, "{path} {name:?}: {}", refused.raw);
            assert!(fields(&refused).contains(&"name"), "{path} {name:?}: {}", refused.raw);
        }
    }
    let agent = json!({ "name": "王👨‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿", "capacity": 3 });
    assert_eq!(world.post("/api/agents", &agent).await.expect(201).body["name"], agent["name"]);
}

#[tokio::test]
async fn misleading_title_or_address_of_a_link_or_card_is_refused() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let link = |field: &str, value: &str| {
        let mut link = json!({ "title": "T", "url": "https://example.com/" });
        link[field] = json!(value);
        json!({ "type": "link", "link": link })
    };
    let card = |field: &str, value: &str| {
        let mut card = chat.card_with_media_id("media");
        card["miniPage"][field] = json!(value);
        card
    };
    for address in [
        "http://example.com/",
        "https://user@example.com/",
        "https://localhost/",
        "https://intranet/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://metadata.google.internal/",
        "https://exam\nple.com/",
        "https://example.com/\u{0}",
        "//example.com/",
    ] {
        for field in ["url", "thumb_url"] {
            let refused = chat.post(&link(field, address)).await;
            assert_eq!((problem(&refused).0, fields(&refused)), (422, vec![&*format!("link.{field}")]), "{address}");
        }
        let refused = chat.send_card(&card("headimg", address)).await;
        assert_eq!((problem(&refused).0, fields(&refused)), (422, vec!["miniPage.headimg"]), "{address}");
    }
    for title in ["\u{202e}gnp", "小\u{200b}王"] {
        assert_eq!(fields(&chat.post(&link("title", title)).await), ["link.title"], "{title:?}");
        assert_eq!(fields(&chat.send_card(&card("title", title)).await), ["miniPage.title"], "{title:?}");
        assert_eq!(fields(&chat.send_card(&card("name", title)).await), ["miniPage.name"], "{title:?}");
    }
    assert_eq!(world.items("outbound").await, Vec::<Value>::new());
    let sent = chat.post(&link("url", "https://Example.COM:443/a")).await.expect(201);
    assert_eq!(sent.body["link"]["url"], "https://example.com/a");
}

#[tokio::test]
async fn nickname_and_avatar_of_a_visitor_are_cleaned() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for (number, (nickname, avatar, shown)) in [
        (
            "\u{202e}小\u{200b}李",
            "http://thirdwx.qlogo.cn/mmopen/a/132",
            ("小李", json!("https://thirdwx.qlogo.cn/mmopen/a/132")),
        ),
        ("👨‍👩‍👧‍👦", "https://a.example/b", ("👨‍👩‍👧‍👦", json!("https://a.example/b"))),
        ("小李", "http://a.example/b", ("小李", Value::Null)),
        ("小李", "https://169.254.169.254/latest", ("小李", Value::Null)),
        ("小李", "https://localhost/a", ("小李", Value::Null)),
    ]
    .into_iter()
    .enumerate()
    {
        let visitor = world.visitor(&binding, &format!("o-{number}"));
        visitor.enters(&format!("sobot|{nickname}|{avatar}")).await;
        visitor.writes("在吗").await;
        let profile = visitor.conversation().await["visitor"].clone();
        assert_eq!((&profile["nickname"], &profile["avatar"]), (&json!(shown.0), &shown.1), "{nickname:?} {avatar}");
    }
}

#[tokio::test]
async fn names_that_an_earlier_version_stored_are_cleaned_when_they_are_read() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let visitor = world.visitor(&binding, "o-1");
    visitor.enters("sobot|小李|https://a.example/b").await;
    visitor.writes("在吗").await;
    let agent = world.agent("小王", 3).await;
    for (kind, clean, stored) in [
        ("visitor", "小李", "\u{202e}小李"),
        ("visitor", "https://a.example/b", "http://wx.qlogo.cn/c"),
        ("agent", "小王", "小\u{200b}王 "),
    ] {
        for mut item in world.items(kind).await {
            let Some(data) = item["data"]["S"].as_str().filter(|data| data.contains(clean)) else { continue };
            item["data"]["S"] = json!(data.replace(clean, stored));
            world.put_item(&item).await;
        }
    }
    let profile = visitor.conversation().await["visitor"].clone();
    assert_eq!((&profile["nickname"], &profile["avatar"]), (&json!("小李"), &json!("https://wx.qlogo.cn/c")));
    assert_eq!(world.get(&format!("/api/agents/{agent}")).await.expect(200).body["name"], "小王");
}
