//! What a visitor writes in quick succession is one turn.

use serde_json::{Value, json};

use crate::shop::{FALLBACK, Shop};
use crate::support::{Elsewhere, Visitor, World, inserted, push::text_document};

async fn shop(world: &World, own: &Elsewhere) -> Shop {
    let robot = json!({ "name": "自研", "kind": "webhook", "url": own.url, "fallback": FALLBACK });
    let robot = world.make("robots", &robot).await;
    world.shop_with(&robot, 5, json!({ "mode": "robot_first" })).await
}

/// What the robot was asked, turn by turn.
fn turns(own: &Elsewhere) -> Vec<String> {
    own.asked().iter().map(|asked| asked.json()["data"]["text"].as_str().unwrap().to_owned()).collect()
}

/// Whether the phone shows that somebody is typing.
async fn sees_typing(world: &World, visitor: &Visitor<'_>) -> bool {
    let path = format!("/sim/visitors/{}/messages?app_id={}", visitor.openid, visitor.app_id);
    world.sim_get(&path).await.expect(200).body["typing"].as_bool().unwrap()
}

/// The robot thinks about what has come so far, and meanwhile the visitor goes on.
async fn goes_on(world: &World, own: &Elsewhere, after: i64, visitor: &Visitor<'_>, text: &str) {
    let times = own.asked().len() + 1;
    tokio::join!(world.settle(), async {
        own.was_asked(times).await;
        world.advance(after);
        visitor.text(text).await;
        let event = inserted(&world.items("inbound").await);
        world.bundle.invoke("Reception", event).await.unwrap();
        own.goes_on();
    });
}

#[tokio::test]
async fn rapid_messages_are_answered_once_and_together() {
    let world = World::start().await;
    let own = Elsewhere::start().await;
    let shop = shop(&world, &own).await;
    let visitor = shop.visitor(&world, "o-1");
    own.says(&json!({ "text": "在的。" }));
    for text in ["你好", "我想问一下", "什么时候发货"] {
        visitor.text(text).await;
    }
    world.settle().await;
    assert_eq!(turns(&own), ["你好\n我想问一下\n什么时候发货"]);
    assert_eq!(visitor.phone_texts().await, ["在的。"]);
    world.minutes_with(5, &[&shop.agent]).await;
    assert_eq!((turns(&own).len(), visitor.phone().await.len()), (1, 1));
}

#[tokio::test]
async fn what_comes_while_it_thinks_is_answered_with_the_rest() {
    let world = World::start().await;
    let own = Elsewhere::start().await;
    let shop = shop(&world, &own).await;
    let visitor = shop.visitor(&world, "o-1");
    own.says_later(&json!({ "text": "答得太早。" }));
    own.says(&json!({ "text": "一起答。" }));
    visitor.text("你好").await;
    goes_on(&world, &own, 3, &visitor, "什么时候发货").await;
    assert_eq!(turns(&own), ["你好", "你好\n什么时候发货"]);
    assert_eq!(visitor.phone_texts().await, ["一起答。"], "the first answer was for half of it");
}

#[tokio::test]
async fn a_visitor_who_does_not_stop_gets_an_answer_to_what_they_wrote_first() {
    let world = World::start().await;
    let own = Elsewhere::start().await;
    let shop = shop(&world, &own).await;
    let visitor = shop.visitor(&world, "o-1");
    own.says_later(&json!({ "text": "先答。" }));
    own.says(&json!({ "text": "再答。" }));
    visitor.text("你好").await;
    goes_on(&world, &own, 11, &visitor, "什么时候发货").await;
    assert_eq!(visitor.phone_texts().await, ["先答。", "再答。"]);
    assert_eq!(turns(&own), ["你好", "什么时候发货"]);
    let history: Vec<Value> = own.asked()[1].json()["data"]["history"].as_array().unwrap().clone();
    assert_eq!(history[0], json!({ "from": "visitor", "text": "你好" }), "{history:?}");
}

#[tokio::test]
async fn what_comes_late_and_out_of_order_while_it_thinks_is_answered_too() {
    // WeChat repeats a push that was not acknowledged seconds later; another message is there by then.
    for (patient, turns_asked, heard) in [
        (true, vec!["什么时候发货", "你好\n什么时候发货"], vec!["一起答。"]),
        (false, vec!["什么时候发货", "你好"], vec!["先答。", "一起答。"]),
    ] {
        let world = World::start().await;
        let own = Elsewhere::start().await;
        let shop = shop(&world, &own).await;
        let visitor = shop.visitor(&world, "o-1");
        own.says_later(&json!({ "text": "先答。" }));
        own.says(&json!({ "text": "一起答。" }));
        let earlier = world.now().as_second();
        world.advance(5);
        visitor.text("什么时候发货").await;
        tokio::join!(world.settle(), async {
            own.was_asked(1).await;
            world.advance(if patient { 3 } else { 11 });
            let late = json!({ "document": text_document("o-1", earlier, 24_001, "你好") });
            visitor.does("raw", late).await;
            let event = inserted(&world.items("inbound").await);
            world.bundle.invoke("Reception", event).await.unwrap();
            own.goes_on();
        });
        assert_eq!(turns(&own), turns_asked, "patient: {patient}");
        assert_eq!(visitor.phone_texts().await, heard, "patient: {patient}");
    }
}

#[tokio::test]
async fn a_robot_that_is_gone_hands_over() {
    let world = World::start().await;
    let own = Elsewhere::start().await;
    let shop = shop(&world, &own).await;
    let visitor = shop.visitor(&world, "o-1");
    own.says(&json!({ "text": "在。" }));
    visitor.says("在吗").await;
    // Nothing of the settings can do this; a table that was restored can.
    let robot = world.items("robot").await.remove(0);
    world.remove_item(&robot).await;
    world.bundle.end_environments().await;
    visitor.says("怎么退货").await;
    assert_eq!(visitor.agent().await.as_deref(), Some(shop.agent.as_str()));
    world.status(&shop.agent, "offline").await;
    let other = shop.visitor(&world, "o-2");
    other.says("怎么退货").await;
    assert_eq!(other.stage().await, "left_message");
    assert_eq!(other.phone().await.len(), 1, "and that is told");
}

#[tokio::test]
async fn the_phone_shows_that_somebody_is_typing() {
    let world = World::start().await;
    let own = Elsewhere::start().await;
    let shop = shop(&world, &own).await;
    let visitor = shop.visitor(&world, "o-1");
    own.says_later(&json!({ "text": "在。" }));
    visitor.text("在吗").await;
    assert!(!sees_typing(&world, &visitor).await);
    tokio::join!(world.settle(), async {
        own.was_asked(1).await;
        assert!(sees_typing(&world, &visitor).await);
        own.goes_on();
    });
    assert!(!sees_typing(&world, &visitor).await, "the answer ends it");
    assert_eq!(visitor.phone_texts().await, ["在。"]);

    // Where WeChat does not allow it, the answer comes all the same.
    world.sim_fault(&json!({ "path": "/cgi-bin/message/custom/typing", "errcode": 48001 })).await;
    own.says(&json!({ "text": "还在。" }));
    visitor.says("还在吗").await;
    assert_eq!(visitor.last_text().await, "还在。");
}

#[tokio::test]
async fn a_robot_function_killed_anywhere_answers_in_the_end_and_once() {
    let world = World::start().await;
    let own = Elsewhere::start().await;
    let shop = shop(&world, &own).await;
    for awaits in 0.. {
        let visitor = shop.visitor(&world, &format!("o-{awaits}"));
        // Whoever is run again may ask again; the visitor hears one answer.
        for _ in 0..2 {
            own.says(&json!({ "text": "答。" }));
        }
        let kills = world.bundle.kills("Robot").unwrap();
        world.bundle.kill_next("Robot", awaits).unwrap();
        visitor.says("请问").await;
        let killed = world.bundle.kills("Robot").unwrap() > kills;
        world.minutes_with(4, &[&shop.agent]).await;
        let said = visitor.outbound().await;
        let shown = visitor.phone().await.len();
        assert_eq!(said.len(), 1, "{awaits}: {said:?}");
        let state = said[0]["state"].as_str().unwrap();
        assert!(matches!((state, shown), ("sent", 1) | ("unknown", 0 | 1)), "{awaits}: {state}, {shown} on the phone");
        assert_eq!(visitor.stage().await, "robot");
        if !killed {
            assert!(awaits >= 8, "only {awaits} awaits on the whole way");
            break;
        }
    }
}
