//! The queue of robot turns.

use local::{Fault, TableFault};
use serde_json::{Value, json};

use crate::service_desk::{POSTAGE, POSTAGE_ANSWER, SHIPPING, SHIPPING_ANSWER, ServiceDesk};
use crate::support::{SDK_ATTEMPTS, StubServer, World};

async fn faq_desk(world: &World) -> ServiceDesk {
    world.service_desk(5, json!({ "mode": "robot_first" })).await
}

#[tokio::test]
async fn turn_that_the_queue_does_not_accept_is_sent_again() {
    for fault in [Fault::RefuseFirstEntry, Fault::ThrottleRequests, Fault::CloseBefore, Fault::CloseAfter] {
        let world = World::start().await;
        let desk = faq_desk(&world).await;
        let (one, other) = (desk.visitor(&world, "o-1"), desk.visitor(&world, "o-2"));
        one.text(SHIPPING).await;
        other.text(POSTAGE).await;
        let times = if fault == Fault::RefuseFirstEntry { 1 } else { SDK_ATTEMPTS };
        world.bundle.table_faults().add(TableFault::new(fault).function("FanOut").times(times));
        world.settle().await;
        assert_eq!(world.bundle.table_faults().left(), 0, "{fault:?}");
        assert_eq!(one.received_texts().await, [SHIPPING_ANSWER], "{fault:?}");
        assert_eq!(other.received_texts().await, [POSTAGE_ANSWER], "{fault:?}");
        assert_eq!(world.bundle.dead_letters(), [], "{fault:?}");
    }
}

#[tokio::test]
async fn turn_that_never_reaches_the_queue_is_answered_after_the_tick() {
    let world = World::start().await;
    let desk = faq_desk(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.text(SHIPPING).await;
    world.bundle.table_faults().add(TableFault::new(Fault::ThrottleRequests).function("FanOut").times(1000));
    world.settle().await;
    world.bundle.table_faults().clear();
    assert_eq!(visitor.received().await.len(), 0);
    assert_eq!(world.bundle.dead_letters()[0].queue, "StreamDeadLetters");
    world.run_minutes_online(2, &[&desk.agent]).await;
    assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER]);
}

#[tokio::test]
async fn slow_model_holds_up_no_other_conversation() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let robot = json!({ "name": "自研", "kind": "webhook", "url": model.url });
    let robot = world.create("robots", &robot).await;
    let desk = world.service_desk_with(&robot, 5, json!({ "mode": "robot_first" })).await;
    let (slow, quick) = (desk.visitor(&world, "o-1"), desk.visitor(&world, "o-2"));
    model.respond_json_when_released(&json!({ "text": "慢。" }));
    model.respond_json(&json!({ "text": "快。" }));
    slow.text("你好").await;
    tokio::join!(world.settle(), async {
        model.wait_for_requests(1).await;
        quick.text("在吗").await;
        tokio::join!(world.settle(), async {
            model.wait_for_requests(2).await;
            model.release_response();
        });
    });
    assert_eq!(quick.received_texts().await, ["快。"]);
    assert_eq!(slow.received_texts().await, ["慢。"]);
}

#[tokio::test]
async fn message_during_an_answer_starts_no_second_one_beside_it() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let robot = json!({ "name": "自研", "kind": "webhook", "url": model.url });
    let robot = world.create("robots", &robot).await;
    let desk = world.service_desk_with(&robot, 5, json!({ "mode": "robot_first" })).await;
    let visitor = desk.visitor(&world, "o-1");
    model.respond_json_when_released(&json!({ "text": "先答。" }));
    model.respond_json(&json!({ "text": "一起答。" }));
    visitor.text("你好").await;
    tokio::join!(world.settle(), async {
        model.wait_for_requests(1).await;
        visitor.text("什么时候发货").await;
        // Everything but the open invocation is done when the second drain waits for it.
        tokio::join!(world.settle(), async {
            while world.items("conversation").await[0]["data"]["S"].as_str().unwrap().matches("-m").count() < 3 {
                tokio::task::yield_now().await;
            }
            assert_eq!(model.requests().len(), 1, "one model call at a time for a conversation");
            model.release_response();
        });
    });
    assert_eq!(visitor.received_texts().await, ["一起答。"]);
    assert_eq!(model.requests().len(), 2);
}

#[tokio::test]
async fn turn_that_fails_each_time_goes_to_the_dead_letter_queue() {
    let world = World::start().await;
    let desk = faq_desk(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    let mut robot = world.items("robot").await.remove(0);
    let readable = robot.clone();
    robot["data"] = json!({ "S": "{\"of\": \"a later version\"}" });
    world.put_item(&robot).await;
    visitor.text(SHIPPING).await;
    for _ in 0..3 {
        world.settle().await;
        assert_eq!(world.bundle.dead_letters(), []);
        world.advance(900);
    }
    world.settle().await;
    let [letter] = &world.bundle.dead_letters()[..] else { panic!("{:?}", world.bundle.dead_letters()) };
    assert_eq!((letter.queue.as_str(), letter.function.as_str()), ("QueueDeadLetters", "Robot"));
    assert_eq!(letter.message["cid"], json!(visitor.cid().await));

    // The tick shows the turn again, so that it is answered when it can be.
    world.put_item(&readable).await;
    world.run_minutes_online(2, &[&desk.agent]).await;
    assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER]);
}

#[tokio::test]
async fn message_that_is_no_turn_is_reported_and_stops_no_other() {
    let world = World::start().await;
    let desk = faq_desk(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.text(SHIPPING).await;
    let inbound = crate::support::inserted(&world.items("inbound").await);
    world.bundle.invoke("Reception", inbound).await.unwrap();
    let cid = visitor.cid().await;
    let event = crate::support::queued(&[Value::Null, json!({ "cid": cid }), json!({ "cid": "c-unknown" })]);
    let answer = world.bundle.invoke("Robot", event.clone()).await.unwrap();
    let failed = &event["Records"][0]["messageId"];
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": failed }] }));
    assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER]);
}
