//! Items expire: the bundle deletes them by its clock, and reads what is left without them.

use serde_json::{Value, json};

use crate::support::{Binding, World};

const APP: &str = "wx00000000000000e1";
const HELLO: &str = "您好，请说";
/// The kinds of a visitor's items that expire each by itself.
const KINDS: [&str; 6] = ["inbound", "outbound", "visitor", "visitor_conversation", "conversation", "event"];

/// A visitor with a closed conversation. Returns its id.
async fn closed_conversation(world: &World, binding: &Binding, openid: &str) -> String {
    let visitor = world.visitor(binding, openid);
    visitor.enters("sobot|小林").await;
    visitor.writes("有货吗").await;
    visitor.agent_replies("有的").await.expect(201);
    let cid = visitor.cid().await;
    world.post(&format!("/api/conversations/{cid}/close"), &json!({})).await.expect(200);
    cid
}

#[tokio::test]
async fn closed_conversation_is_deleted_after_400_days() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    closed_conversation(&world, &binding, "o-1").await;
    for kind in KINDS {
        assert!(!world.items(kind).await.is_empty(), "{kind}");
    }
    world.advance(399 * 86_400);
    world.bundle.expire_items().unwrap();
    for kind in KINDS {
        assert!(!world.items(kind).await.is_empty(), "{kind} is deleted too early");
    }
    world.advance(2 * 86_400);
    world.bundle.expire_items().unwrap();
    for kind in KINDS {
        assert_eq!(world.items(kind).await, Vec::<Value>::new(), "{kind}");
    }
    // The visitor comes back.
    let visitor = world.visitor(&binding, "o-1");
    visitor.writes("还在吗").await;
    assert_eq!(visitor.last_text().await, HELLO);
    assert_eq!(visitor.conversations().await.len(), 1);
}

#[tokio::test]
async fn items_are_kept_while_their_conversation_is_open() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    world.set_reception(&binding, json!({ "mode": "agents_only" })).await;
    let visitor = world.visitor(&binding, "o-1");
    visitor.writes("有货吗").await;
    world.advance(500 * 86_400);
    world.bundle.expire_items().unwrap();
    assert_eq!(world.items("conversation").await.len(), 1);
    assert_eq!(world.items("visitor").await.len(), 1);
    assert_eq!(world.items("visitor_conversation").await.len(), 1);
}

#[tokio::test]
async fn any_combination_of_expired_items_is_read_without_an_error() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let mut wrong = Vec::new();
    for absent in 0..1_u32 << KINDS.len() {
        let openid = format!("o-{absent}");
        let cid = closed_conversation(&world, &binding, &openid).await;
        let own = |item: &&Value| item.to_string().contains(&format!("{openid}\"")) || item.to_string().contains(&cid);
        for (number, kind) in KINDS.iter().enumerate() {
            if absent & (1 << number) != 0 {
                for item in world.items(kind).await.iter().filter(own) {
                    world.remove_item(item).await;
                }
            }
        }
        let conversation = format!("/api/conversations/{cid}");
        let visitor = format!("/api/bindings/{APP}/visitors/{openid}");
        for path in [
            "/api/conversations".to_owned(),
            conversation.clone(),
            format!("{conversation}/messages"),
            format!("{conversation}/events"),
            visitor.clone(),
            format!("{visitor}/messages"),
        ] {
            let answer = world.get(&path).await;
            if !matches!(answer.status, 200 | 404) {
                wrong.push(format!("{absent:#b} {path}: {}", answer.raw));
            }
        }
        let say = json!({ "type": "text", "text": { "content": "还有别的问题吗" } });
        let said = world.post(&format!("{conversation}/messages"), &say).await;
        if said.status >= 500 {
            wrong.push(format!("{absent:#b} say: {}", said.raw));
        }
        let visitor = world.visitor(&binding, &openid);
        visitor.writes("你好").await;
        if visitor.last_text().await != HELLO {
            wrong.push(format!("{absent:#b}: the visitor was not answered"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(world.bundle.dead_letters(), []);
}
