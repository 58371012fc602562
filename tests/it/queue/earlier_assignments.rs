//! Conversations that an earlier version assigned: it wrote an item for each, and did not list them in the agent's duty.

use serde_json::{Value, json};

use crate::service_desk::assigned_to;
use crate::support::World;

/// Rewrites the items of an agent's conversations as an earlier version leaves them.
async fn rewrite_as_an_earlier_version(world: &World, agent: &str) {
    let pk = format!("agent#{agent}");
    let mut duty = world.partition(&pk).await.into_iter().find(|item| item["sk"]["S"] == "duty").unwrap();
    let set = duty.as_object_mut().unwrap().remove("conversations").unwrap();
    world.put_item(&duty).await;
    for entry in set["SS"].as_array().unwrap() {
        let (_, cid) = entry.as_str().unwrap().split_once('#').unwrap();
        let sk = format!("conversation#{}", entry.as_str().unwrap());
        let item = json!({ "kind": { "S": "assignment" }, "pk": { "S": pk }, "sk": { "S": sk }, "cid": { "S": cid } });
        world.put_item(&item).await;
        let mut conversation = world.partition(&format!("conversation#{cid}")).await.remove(0);
        let mut data: Value = serde_json::from_str(conversation["data"]["S"].as_str().unwrap()).unwrap();
        assert_eq!(data.as_object_mut().unwrap().remove("in_duty"), Some(true.into()));
        conversation["data"]["S"] = data.to_string().into();
        world.put_item(&conversation).await;
    }
}

#[tokio::test]
async fn conversations_of_an_earlier_version_are_listed_and_closed_and_counted() {
    let world = World::start().await;
    let desk = world.service_desk(4, json!({ "mode": "agents_only" })).await;
    let (agent, mut cids) = (&desk.agent, Vec::new());
    for openid in ["o-1", "o-2", "o-3"] {
        world.run_minutes_online(1, &[agent]).await;
        let visitor = desk.visitor(&world, openid);
        visitor.writes("在吗").await;
        assert_eq!(visitor.stage_and_agent().await, assigned_to(agent));
        cids.push(visitor.cid().await);
    }
    rewrite_as_an_earlier_version(&world, agent).await;
    let list = async || {
        let (mut cids, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/conversations?view=mine&agent_id={agent}&limit=2{cursor}");
            let page = world.get(&path).await.expect(200).body;
            let items = page["items"].as_array().unwrap().iter();
            cids.extend(items.map(|conversation| conversation["cid"].as_str().unwrap().to_owned()));
            match page["cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return cids,
            }
        }
    };
    assert_eq!((list().await, world.load(agent).await), (cids.clone(), 3));

    desk.visitor(&world, "o-1").writes("结束会话").await;
    assert_eq!((list().await, world.load(agent).await), (cids[1..].to_vec(), 2));
    world.post(&format!("/api/conversations/{}/close", cids[1]), &json!({})).await.expect(200);
    assert_eq!((list().await, world.load(agent).await), (cids[2..].to_vec(), 1));
    assert_eq!(world.items("assignment").await.len(), 1);

    // The tick checks the agent at the time of the heartbeat that was expected.
    world.run_minutes_online(6, &[agent]).await;
    assert_eq!(world.items("assignment").await.len(), 0);
    assert_eq!((list().await, world.load(agent).await), (cids[2..].to_vec(), 1));
    desk.visitor(&world, "o-3").writes("结束会话").await;
    assert_eq!((list().await.len(), world.load(agent).await), (0, 0));
}
