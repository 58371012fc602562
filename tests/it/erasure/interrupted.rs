//! An erasure that is stopped, that takes long, and that others write beside.

use local::{Fault, TableFault};
use reqwest::Method;
use serde_json::{Value, json};

use super::{exported, kind, path, with_any};
use crate::{
    open_conversation::{OpenConversation, text},
    pictures,
    routing::visitor_identity::{secret, signed},
    support::{Binding, TABLE, World},
};

const APP: &str = "wx00000000000000e4";
const HELLO: &str = "您好，请说";

/// A visitor with a person, a closed conversation, images of both sides, an idempotent request, and an open conversation. The picture
/// of the agent is WeChat's own and shared by all of them.
async fn visitor<'a>(world: &'a World, binding: &'a Binding, key: &str, openid: &str) -> OpenConversation<'a> {
    let visitor = world.visitor(binding, openid);
    visitor.enters(&signed(key, &format!("member-{openid}"), world.now().as_second())).await;
    visitor.writes("在吗").await;
    let cid = visitor.cid().await;
    let first = OpenConversation { world, cid: cid.clone(), uid: String::new(), visitor };
    first.post_once(&format!("key-{openid}"), &text("在的")).await.expect(201);
    let picture = json!({ "url": format!("{}/phone/cover.png", world.bundle.wechat_url()) });
    first.post(&json!({ "type": "image", "image": picture })).await.expect(201);
    let photo = pictures::base64(&pictures::jpeg(openid));
    first.visitor.pushes("image", json!({ "media_base64": photo })).await;
    world.settle().await;
    world.post(&format!("/api/conversations/{cid}/close"), &json!({})).await.expect(200);
    world.advance(5);
    world.open_conversation(binding, openid).await
}

/// The items of a visitor, but for those of the audit log.
async fn left_over(world: &World, openid: &str, cids: &[&str]) -> Vec<Value> {
    let named: Vec<String> = [format!("{openid}\""), format!("key-{openid}")]
        .into_iter()
        .chain(cids.iter().map(|cid| (*cid).to_owned()))
        .collect();
    let mut found = with_any(&world.all_items().await, &named);
    found.retain(|item| kind(item) != "audit");
    found
}

#[tokio::test]
async fn erasure_that_is_stopped_anywhere_is_completed_by_the_tick() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let key = secret(&world, &binding).await;
    let (mut kills, mut running) = (0, 0);
    for awaits in 0..400 {
        let openid = format!("o-{awaits}");
        let chat = visitor(&world, &binding, &key, &openid).await;
        world.bundle.kill_next("DeskApi", awaits).unwrap();
        world.unchecked(Method::DELETE, &path(APP, &openid), None).await;
        let was_killed = world.bundle.kills("DeskApi").unwrap() > kills;
        kills = world.bundle.kills("DeskApi").unwrap();
        let begun = world.items("erasure").await.len();
        running += begun;
        world.run_minutes(2).await;
        let left = left_over(&world, &openid, &[&chat.cid]).await;
        if begun == 1 || !was_killed {
            assert_eq!(left, Vec::<Value>::new(), "killed after {awaits} awaits");
            assert_eq!(world.items("erasure").await, Vec::<Value>::new());
            assert_eq!(world.bundle.object_keys(), [""; 0], "killed after {awaits} awaits");
            let erased = world.items("idempotency").await.len();
            assert_eq!(erased, 0, "{awaits}");
        } else if left.is_empty() {
            // Killed after the end.
        } else {
            // Killed before it began: nothing has happened.
            world.delete(&path(APP, &openid)).await.expect(204);
            assert_eq!(left_over(&world, &openid, &[&chat.cid]).await, Vec::<Value>::new());
        }
        if !was_killed {
            assert!(running >= 5, "only {running} were killed on their way");
            let entries = world.list("/api/audit").await;
            let count = |action: &str| entries.iter().filter(|entry| entry["action"] == action).count();
            assert_eq!(count("visitor.erasure_begun"), usize::try_from(awaits).unwrap() + 1);
            assert_eq!(count("visitor.erased"), usize::try_from(awaits).unwrap() + 1);
            assert_eq!(world.bundle.dead_letters(), []);
            return;
        }
    }
    panic!("still killed");
}

/// Begins an erasure, which then stops.
async fn begin(world: &World, openid: &str) {
    for awaits in 0..200 {
        world.bundle.kill_next("DeskApi", awaits).unwrap();
        world.unchecked(Method::DELETE, &path(APP, openid), None).await;
        if world.items("erasure").await.len() == 1 {
            return;
        }
    }
    panic!("not begun");
}

#[tokio::test]
async fn message_during_an_erasure_waits_and_makes_a_new_visitor() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let key = secret(&world, &binding).await;
    let chat = visitor(&world, &binding, &key, "o-1").await;
    let before = chat.visitor.received().await.len();
    begin(&world, "o-1").await;
    world.advance(5);
    chat.visitor.text("还在吗").await;
    chat.visitor.enter("sobot|新的").await;
    world.settle().await;
    assert_eq!(chat.visitor.received().await.len(), before, "it is not answered yet");
    let refused = chat.send_text("我在").await;
    assert!(matches!(refused.status, 404 | 409), "{}", refused.raw);

    world.run_minutes(4).await;
    assert_eq!(world.items("erasure").await, Vec::<Value>::new());
    assert_eq!(chat.visitor.last_text().await, HELLO);
    let texts: Vec<_> = chat.visitor.inbound().await.iter().map(|message| message["text"]["content"].clone()).collect();
    assert_eq!(texts, [Value::Null, json!("还在吗")], "the event and the message, and nothing from before");
    let conversation = chat.visitor.conversation().await;
    assert_ne!(conversation["cid"], chat.cid);
    let visitor = world.get(&path(APP, "o-1")).await.expect(200).body;
    assert_eq!((&visitor["nickname"], visitor.get("partnerid")), (&json!("新的"), None), "{visitor}");
    assert_eq!(world.items("person").await, Vec::<Value>::new());
}

#[tokio::test]
async fn repeated_request_goes_on_with_an_erasure() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let key = secret(&world, &binding).await;
    let chat = visitor(&world, &binding, &key, "o-1").await;
    begin(&world, "o-1").await;
    world.delete(&path(APP, "o-1")).await.expect(204);
    assert_eq!(left_over(&world, "o-1", &[&chat.cid]).await, Vec::<Value>::new());
    let begun = world.get("/api/audit?action=visitor.erasure_begun").await.expect(200);
    assert_eq!(begun.body["items"].as_array().unwrap().len(), 1);
    world.delete(&path(APP, "o-1")).await.expect(404);
}

#[tokio::test]
async fn long_thread_is_erased_over_several_requests_and_exported_over_several_pages() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let item = world.items("inbound").await.remove(0);
    for batch in 0..45 {
        let put = |number: usize| {
            let (mut item, second) = (item.clone(), 1_700_000_000 + batch * 25 + number);
            item["sk"] = json!({ "S": format!("message#{second}-m1") });
            item["created_at"] = json!({ "N": (second * 1000).to_string() });
            item["received_at"] = item["created_at"].clone();
            json!({ "PutRequest": { "Item": item } })
        };
        let batch = json!({ "RequestItems": { TABLE: (0..25).map(put).collect::<Vec<_>>() } });
        world.dynamodb(local::OWN_KEY, "BatchWriteItem", &batch).await.expect(200);
    }
    let export = exported(&world, &path(APP, "o-1")).await;
    assert_eq!(export.iter().filter(|item| item["kind"] == "message").count(), 1126);

    let running = world.delete(&path(APP, "o-1")).await.expect(202);
    assert_eq!(running.body, json!({ "uid": chat.uid, "state": "running" }));
    let rest = left_over(&world, "o-1", &[]).await.len();
    assert!((50..500).contains(&rest), "{rest} items are left");
    world.run_minutes(1).await;
    assert_eq!(left_over(&world, "o-1", &[&chat.cid]).await, Vec::<Value>::new());
}

#[tokio::test]
async fn send_in_flight_does_not_bring_the_visitor_back() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    // The claim, and the outcome.
    for skip in [0, 1] {
        let openid = format!("o-{skip}");
        let chat = world.open_conversation(&binding, &openid).await;
        let faults = world.bundle.table_faults();
        faults.add(TableFault::new(Fault::Hold).function("DeskApi").operation("UpdateItem").skip(skip));
        let erased = async {
            faults.held().await;
            let answer = world.delete(&path(APP, &openid)).await;
            faults.release();
            answer.expect(204);
        };
        let (said, ()) = tokio::join!(chat.send_text("我在"), erased);
        assert!(said.status < 500, "{}", said.raw);
        world.run_minutes(3).await;
        assert_eq!(left_over(&world, &openid, &[&chat.cid]).await, Vec::<Value>::new(), "{skip}");
    }
}

#[tokio::test]
async fn failing_erasure_is_postponed_and_completed_later() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let key = secret(&world, &binding).await;
    let chat = visitor(&world, &binding, &key, "o-1").await;
    begin(&world, "o-1").await;
    world.advance(31);
    let fault = TableFault::new(Fault::InternalError).function("Reception").operation("TransactWriteItems");
    world.bundle.table_faults().add(fault.times(1000));
    world.tick("Reception").await;
    world.bundle.table_faults().clear();
    assert_eq!(world.items("erasure").await[0]["failures"], json!({ "N": "1" }));
    world.run_minutes(3).await;
    assert_eq!(left_over(&world, "o-1", &[&chat.cid]).await, Vec::<Value>::new());
}
