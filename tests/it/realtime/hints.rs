//! What a page hears of.

use reqwest::Method;
use serde_json::{Value, json};

use super::{APP, agent, connections, shop};
use crate::open_conversation::text;
use crate::support::World;
use local::{Fault, TableFault};

const OTHER_APP: &str = "wx00000000000e0002";

#[tokio::test]
async fn assignee_hears_of_messages_in_both_directions_and_never_their_text() {
    let world = World::start().await;
    let (me, token) = agent(&world, "小林").await;
    let (binding, _) = shop(&world, APP, &[&me]).await;
    let mut page = world.page(&token).await;
    let visitor = world.visitor(&binding, "o-1");
    visitor.writes("这件还有货吗 secret-text").await;
    let cid = visitor.cid().await;
    let heard = page.heard().await;
    let inbound = visitor.messages().await[0]["id"].clone();
    assert!(heard.contains(&json!({ "v": 1, "type": "message", "cid": cid, "message_id": inbound })), "{heard:?}");
    assert!(heard.contains(&json!({ "v": 1, "type": "conversation", "cid": cid })), "{heard:?}");
    assert!(heard.contains(&json!({ "v": 1, "type": "duty", "agent_id": me })), "{heard:?}");
    assert!(!json!(heard).to_string().contains("secret-text"), "{heard:?}");
    let path = format!("/api/conversations/{cid}/messages");
    let said = world.call(Some(&token), Method::POST, &path, Some(&text("有货"))).await.expect(201).text("id");
    world.settle().await;
    let expected = json!({ "v": 1, "type": "message", "cid": cid, "message_id": said });
    let heard = page.heard().await;
    assert!(heard.contains(&expected), "{heard:?}");
    let path = format!("/api/conversations/{cid}/close");
    world.call(Some(&token), Method::POST, &path, None).await.expect(200);
    world.settle().await;
    assert_eq!(page.heard_of(&cid).await, ["conversation"], "the agent who had it last hears of the end");
}

#[tokio::test]
async fn several_changes_of_one_thing_are_one_hint() {
    let world = World::start().await;
    let (me, token) = agent(&world, "小林").await;
    let (binding, _) = shop(&world, APP, &[&me]).await;
    let visitor = world.visitor(&binding, "o-1");
    visitor.writes("在吗").await;
    let cid = visitor.cid().await;
    let mut page = world.page(&token).await;
    // Claimed, sent and settled: three changes of one message in one batch.
    let path = format!("/api/conversations/{cid}/messages");
    let said = world.call(Some(&token), Method::POST, &path, Some(&text("在的"))).await.expect(201).text("id");
    world.settle().await;
    let heard = page.heard().await;
    let of_message = heard.iter().filter(|hint| hint["message_id"] == said.as_str()).count();
    assert_eq!(of_message, 1, "{heard:?}");
}

/// The types of the hints about a conversation that each of these pages has heard.
macro_rules! heard_of {
    ($cid:expr, $($page:expr),+) => { [$($page.heard_of($cid).await),+] };
}

#[tokio::test]
async fn each_hears_of_what_they_may_see_alone() {
    let world = World::start().await;
    let ((me, my_token), (colleague, colleague_token)) = (agent(&world, "我").await, agent(&world, "同事").await);
    let ((stranger, stranger_token), (lead, _)) = (agent(&world, "别人").await, agent(&world, "主管").await);
    for id in [&me, &colleague, &stranger, &lead] {
        world.set_status(id, "busy").await;
    }
    let (binding, group) = shop(&world, APP, &[&me, &colleague, &lead]).await;
    let (other_binding, other_group) = shop(&world, OTHER_APP, &[&stranger]).await;
    let asked = json!({ "role": "supervisor", "name": "主管", "agent_id": lead });
    let supervisor = world.post("/api/access-tokens", &asked).await.expect(201).text("id");
    let supervisor = world.token_session(&supervisor).await.0;
    let admin = world.token_session("bootstrap").await.0;
    let (mut mine, mut colleagues) = (world.page(&my_token).await, world.page(&colleague_token).await);
    let (mut strangers, mut leads) = (world.page(&stranger_token).await, world.page(&supervisor).await);
    let mut admins = world.page(&admin).await;

    // It waits: those who serve the group, their supervisor and admins hear of it.
    let visitor = world.visitor(&binding, "o-1");
    visitor.writes("在吗").await;
    let cid = visitor.cid().await;
    let queue = json!({ "v": 1, "type": "queue", "group_id": group });
    let both = ["conversation", "message"].map(str::to_owned).to_vec();
    for page in [&mut mine, &mut colleagues, &mut leads, &mut admins] {
        let heard = page.heard().await;
        assert!(heard.contains(&queue) && json!(heard).to_string().contains(&cid), "{heard:?}");
    }
    assert_eq!(strangers.heard().await, Vec::<Value>::new());

    // An agent has it: a colleague hears that the queue has changed, and nothing of the conversation.
    world.call(Some(&my_token), Method::POST, &format!("/api/conversations/{cid}/claim"), None).await.expect(200);
    world.settle().await;
    let heard = colleagues.heard().await;
    assert!(heard.contains(&queue) && !json!(heard).to_string().contains(&cid), "{heard:?}");
    mine.heard().await;
    leads.heard().await;
    admins.heard().await;
    visitor.writes("还在吗").await;
    assert_eq!(
        heard_of!(&cid, mine, colleagues, strangers, leads, admins),
        [both.clone(), vec![], vec![], both.clone(), both.clone()]
    );

    // A conversation of the other group.
    let other = world.visitor(&other_binding, "o-2");
    other.writes("在吗").await;
    let other_cid = other.cid().await;
    assert_eq!(
        heard_of!(&other_cid, mine, colleagues, strangers, leads, admins),
        [vec![], vec![], both.clone(), vec![], both.clone()]
    );
    let _ = other_group;

    // It changes hands: who had it hears of their duty, and of the conversation no more.
    world.set_status(&stranger, "online").await;
    world.settle().await;
    for page in [&mut mine, &mut strangers, &mut leads, &mut admins] {
        page.heard().await;
    }
    let to = json!({ "agent_id": stranger });
    world.post(&format!("/api/conversations/{cid}/transfer"), &to).await.expect(200);
    world.settle().await;
    let heard = mine.heard().await;
    assert!(heard.contains(&json!({ "v": 1, "type": "duty", "agent_id": me })), "{heard:?}");
    assert!(!strangers.heard_of(&cid).await.is_empty());
    visitor.writes("好").await;
    assert_eq!(mine.heard_of(&cid).await, Vec::<String>::new());
}

#[tokio::test]
async fn heartbeat_is_no_change_of_a_duty() {
    let world = World::start().await;
    let (me, token) = agent(&world, "小林").await;
    let mut page = world.page(&token).await;
    world.settle().await;
    page.heard().await;
    world.advance(30);
    world.heartbeat(&[&me]).await;
    world.settle().await;
    assert_eq!(page.heard().await, Vec::<Value>::new());
    world.set_status(&me, "away").await;
    world.settle().await;
    assert_eq!(page.heard().await, [json!({ "v": 1, "type": "duty", "agent_id": me })]);
}

#[tokio::test]
async fn agent_who_is_disabled_hears_of_nothing_more() {
    let world = World::start().await;
    let (me, token) = agent(&world, "小林").await;
    let (binding, group) = shop(&world, APP, &[&me]).await;
    let page = world.page(&token).await;
    world.update("groups", &group, &json!({ "members": [] })).await;
    world.set_status(&me, "offline").await;
    world.patch(&format!("/api/agents/{me}"), &json!({ "disabled": true })).await.expect(200);
    assert_eq!(connections(&world).await.len(), 0);
    world.bundle.reset_request_counts();
    world.visitor(&binding, "o-1").writes("在吗").await;
    assert_eq!(world.calls("FanOut", "PostToConnection"), 0);
    drop(page);
}

/// Adds a connection of this session's holder that API Gateway does not have.
async fn add_dead_connection(world: &World) {
    let mut item = connections(world).await.remove(0);
    item["sk"]["S"] = json!("connection#dead");
    item["connection_id"]["S"] = json!("dead");
    world.put_item(&item).await;
    let version = world.items("connections_version").await.remove(0);
    let next = version["version"]["N"].as_str().unwrap().parse::<u64>().unwrap() + 1;
    let mut version = version;
    version["version"]["N"] = json!(next.to_string());
    world.put_item(&version).await;
}

#[tokio::test]
async fn dead_connection_is_deleted_and_nothing_is_lost() {
    let world = World::start().await;
    let (me, token) = agent(&world, "小林").await;
    let (binding, _) = shop(&world, APP, &[&me]).await;
    let mut page = world.page(&token).await;
    add_dead_connection(&world).await;
    assert_eq!(connections(&world).await.len(), 2);
    let visitor = world.visitor(&binding, "o-1");
    visitor.writes("在吗").await;
    let cid = visitor.cid().await;
    assert_eq!(page.heard_of(&cid).await, ["conversation", "message"]);
    assert_eq!(connections(&world).await.len(), 1);
    // Two batches at once may both find it dead.
    let deletes = world.calls("FanOut", "DeleteItem");
    assert!((1..=2).contains(&deletes), "{deletes}");
    visitor.writes("还在吗").await;
    assert_eq!(world.calls("FanOut", "DeleteItem"), deletes, "it is known to be dead");
    assert!(world.bundle.dead_letters().is_empty());
}

#[tokio::test]
async fn failing_hints_fail_no_batch_and_hold_up_no_robot() {
    let world = World::start().await;
    let (_, token) = agent(&world, "小林").await;
    let binding = world.bind(APP).await;
    let robot = world.faq_robot(&[("q", "营业时间", "九点到六点。")]).await;
    world.set_reception(&binding, json!({ "mode": "robot_only", "robot_id": robot })).await;
    let _page = world.page(&token).await;
    for operation in ["GetItem", "PostToConnection"] {
        let fault = TableFault::new(Fault::InternalError).function("FanOut").operation(operation).times(1000);
        world.bundle.table_faults().add(fault);
        let visitor = world.visitor(&binding, &format!("o-{operation}"));
        visitor.writes("营业时间").await;
        assert_eq!(visitor.last_text().await, "九点到六点。", "{operation}");
        world.bundle.table_faults().clear();
    }
    assert!(world.bundle.dead_letters().is_empty());
}

#[tokio::test]
async fn requests_per_batch_are_counted() {
    let world = World::start().await;
    let (me, token) = agent(&world, "小林").await;
    let (binding, _) = shop(&world, APP, &[&me]).await;
    let visitor = world.visitor(&binding, "o-1");
    visitor.writes("在吗").await;
    let counted = async |content: &str| {
        world.bundle.reset_request_counts();
        visitor.writes(content).await;
        let calls = |operation| world.calls("FanOut", operation);
        (calls("GetItem"), calls("Query"), calls("BatchGetItem"), calls("PostToConnection"))
    };
    let (reads, queries, batches, posts) = counted("没有人在").await;
    assert_eq!((queries, batches, posts), (0, 0, 0), "no page is connected, and that is known");
    let batches_of_a_message = reads;
    assert!(batches_of_a_message <= 2, "{reads}");
    let _page = world.page(&token).await;
    let (_, queries, _, posts) = counted("有人在了").await;
    assert!((1..=2).contains(&queries), "who has come is read once by each environment: {queries}");
    assert!(posts >= 2, "{posts}");
    let (reads, queries, batches, posts) = counted("又一条").await;
    assert_eq!(queries, 0);
    // The version for each batch; the group and the conversation are known or in the batch.
    assert!(reads <= batches_of_a_message + 1 && batches <= 1 && (2..=3).contains(&posts), "{reads} {batches} {posts}");
}

#[tokio::test]
async fn conversation_of_no_group_is_told_to_every_agent() {
    let world = World::start().await;
    let ((_, token), binding) = (agent(&world, "小林").await, world.bind(APP).await);
    let mut page = world.page(&token).await;
    let visitor = world.visitor(&binding, "o-1");
    visitor.writes("在吗").await;
    assert_eq!(page.heard_of(&visitor.cid().await).await, ["conversation", "message"]);
}
