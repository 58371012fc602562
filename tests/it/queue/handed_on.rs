//! Whoever hands a conversation on to their own group does not get it back while another may take it.

use serde_json::{Value, json};

use crate::desk::problem;
use crate::shop::{Shop, with};
use crate::support::{Answer, World};

/// A shop of 小王 and 小李, who take one conversation each; `o-1` is with one of them and `o-2` with the other.
struct Pair {
    shop: Shop,
    wang: String,
    li: String,
}

async fn both_busy(world: &World) -> Pair {
    let shop = world.shop(1, json!({ "mode": "agents_only" })).await;
    let (wang, li) = (shop.agent.clone(), world.agent("小李", 1).await);
    shop.visitor(world, "o-1").says("在吗").await;
    world.change("groups", &shop.group, &json!({ "members": [wang, li], "after_hours": "queue" })).await;
    shop.visitor(world, "o-2").says("在吗").await;
    assert_eq!(shop.visitor(world, "o-1").with_whom().await, with(&wang));
    assert_eq!(shop.visitor(world, "o-2").with_whom().await, with(&li));
    Pair { shop, wang, li }
}

/// `o-1` goes to the group.
async fn hand_on(world: &World, shop: &Shop) -> Answer {
    let cid = shop.visitor(world, "o-1").cid().await;
    let to: Value = json!({ "group_id": shop.group });
    world.post(&format!("/api/conversations/{cid}/transfer"), &to).await
}

#[tokio::test]
async fn it_waits_for_a_colleague_and_whoever_gave_it_away_gets_the_next() {
    let world = World::start().await;
    let Pair { shop, wang, li } = both_busy(&world).await;
    let (handed, colleagues) = (shop.visitor(&world, "o-1"), shop.visitor(&world, "o-2"));
    let answer = hand_on(&world, &shop).await.expect(200);
    assert_eq!(answer.body["stage"], "queued");
    assert_eq!((handed.stage().await.as_str(), world.load(&wang).await), ("queued", 0));
    // Nor does a tick give it back, nor their going and coming.
    world.minutes_with(2, &[&wang, &li]).await;
    world.status(&wang, "busy").await;
    world.status(&wang, "online").await;
    assert_eq!(handed.stage().await, "queued");
    let next = shop.visitor(&world, "o-3");
    next.says("在吗").await;
    assert_eq!(next.with_whom().await, with(&wang), "nobody waits while somebody is free for them");
    assert_eq!(handed.stage().await, "queued");
    colleagues.says("结束会话").await;
    assert_eq!(handed.with_whom().await, with(&li));
    let kinds = world.event_types(&handed.cid().await).await;
    let expected =
        ["created", "assigned", "transferred", "queued", "assigned"].map(|kind| format!("conversation.{kind}"));
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn the_next_in_line_goes_to_whoever_gave_it_away() {
    let world = World::start().await;
    let Pair { shop, wang, .. } = both_busy(&world).await;
    let next = shop.visitor(&world, "o-3");
    next.says("在吗").await;
    assert_eq!(next.stage().await, "queued");
    hand_on(&world, &shop).await.expect(200);
    assert_eq!(next.with_whom().await, with(&wang));
    assert_eq!(shop.visitor(&world, "o-1").stage().await, "queued");
}

#[tokio::test]
async fn after_five_minutes_the_visitor_has_waited_long_enough() {
    let world = World::start().await;
    let Pair { shop, wang, li } = both_busy(&world).await;
    hand_on(&world, &shop).await.expect(200);
    let handed = shop.visitor(&world, "o-1");
    world.minutes_with(4, &[&wang, &li]).await;
    assert_eq!(handed.stage().await, "queued");
    world.minutes_with(2, &[&wang, &li]).await;
    assert_eq!(handed.with_whom().await, with(&wang));
}

#[tokio::test]
async fn where_nobody_else_is_left_it_comes_back_and_where_nobody_else_is_it_stays() {
    let world = World::start().await;
    let Pair { shop, wang, li } = both_busy(&world).await;
    hand_on(&world, &shop).await.expect(200);
    let handed = shop.visitor(&world, "o-1");
    world.status(&li, "offline").await;
    world.minutes_with(1, &[&wang]).await;
    assert_eq!(handed.with_whom().await, with(&wang));

    let refused = hand_on(&world, &shop).await;
    assert_eq!(problem(&refused), (409, "group.unavailable", None));
    assert!(refused.text("detail").contains("nobody else"), "{}", refused.raw);
    assert_eq!(handed.with_whom().await, with(&wang));
}

#[tokio::test]
async fn another_group_may_give_it_to_them_again() {
    let world = World::start().await;
    let Pair { shop, wang, .. } = both_busy(&world).await;
    hand_on(&world, &shop).await.expect(200);
    let handed = shop.visitor(&world, "o-1");
    let other = world.group(&[&wang]).await;
    let path = format!("/api/conversations/{}/transfer", handed.cid().await);
    world.post(&path, &json!({ "group_id": other })).await.expect(200);
    assert_eq!(handed.with_whom().await, with(&wang));
}

#[tokio::test]
async fn a_colleague_who_is_busy_is_given_it_and_one_who_is_not_there_is_not() {
    let world = World::start().await;
    let Pair { shop, li, wang } = both_busy(&world).await;
    shop.visitor(&world, "o-2").says("结束会话").await;
    let handed = shop.visitor(&world, "o-1");
    let path = format!("/api/conversations/{}/transfer", handed.cid().await);
    for status in ["busy", "away", "online"] {
        world.status(&li, status).await;
        world.post(&path, &json!({ "agent_id": li })).await.expect(200);
        assert_eq!(handed.with_whom().await, with(&li), "{status}");
        world.post(&path, &json!({ "agent_id": wang })).await.expect(200);
    }
    world.status(&li, "offline").await;
    assert_eq!(problem(&world.post(&path, &json!({ "agent_id": li })).await), (409, "agent.offline", None));
    // They are away, and their workbench has not been heard from.
    world.status(&li, "away").await;
    world.advance(91);
    assert_eq!(problem(&world.post(&path, &json!({ "agent_id": li })).await), (409, "agent.offline", None));
    assert_eq!(handed.with_whom().await, with(&wang));
}
