//! An `faq` robot: direct answers, options, fallback.

use reqwest::Method;
use serde_json::{Value, json};

use crate::open_conversation::problem;
use crate::service_desk::{FALLBACK, QUESTIONS, SHIPPING, SHIPPING_ANSWER, UNKNOWN};
use crate::support::{ADMIN, World};

#[tokio::test]
async fn faq_robot_answers_offers_options_or_sends_the_fallback() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("请问下单后多久发货呀").await;
    visitor.writes("退货").await;
    let choice = "您是不是想问：\n1. 怎么申请退货？\n2. 退货运费谁承担？\n回复数字查看答案，回复 0 转人工";
    visitor.writes("2").await;
    visitor.writes(UNKNOWN).await;
    let said = [SHIPPING_ANSWER, choice, "退货运费由我们承担。", FALLBACK];
    assert_eq!(visitor.received_texts().await, said);

    let events = world.events(&visitor.cid().await).await;
    let answers: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "robot.answered")
        .map(|event| (event["data"]["answer"].clone(), event["data"]["sources"].clone()))
        .collect();
    let expected = [
        ("direct", json!(["ship-time"])),
        ("choice", json!(["return", "return-fee"])),
        ("direct", json!(["return-fee"])),
        ("unknown", json!([])),
    ];
    assert_eq!(answers, expected.map(|(answer, sources)| (json!(answer), sources)));
    // FAQ answers are not labelled as AI-generated.
    assert!(visitor.received().await.iter().all(|item| item.get("is_ai_msg").is_none()));
}

#[tokio::test]
async fn option_can_be_chosen_in_several_ways_and_once() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first", "handover": { "after_repeats": 0 } })).await;
    for (number, pick) in ["1", "１", "①", "一", "第一个", "选1", "1。"].into_iter().enumerate() {
        let visitor = desk.visitor(&world, &format!("o-{number}"));
        visitor.writes("退货").await;
        visitor.writes(pick).await;
        assert_eq!(visitor.last_text().await, "在订单详情里点“申请售后”。", "{pick}");
    }
    let visitor = desk.visitor(&world, "o-more");
    visitor.writes("退货").await;
    visitor.writes("7").await;
    assert_eq!(visitor.last_text().await, FALLBACK, "there is no seventh");
    visitor.writes("退货").await;
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.last_text().await, SHIPPING_ANSWER, "no option has to be chosen");
    visitor.writes("1").await;
    assert_eq!(visitor.last_text().await, FALLBACK, "the choice is over");
}

#[tokio::test]
async fn question_changes_take_effect_within_ten_seconds() {
    let world = World::start().await;
    let desk = world
        .service_desk(5, json!({ "mode": "robot_first", "handover": { "after_misses": 0, "after_repeats": 0 } }))
        .await;
    let visitor = desk.visitor(&world, "o-1");
    let asks = async |text: &str| {
        world.forget_settings();
        visitor.writes(text).await;
        visitor.last_text().await
    };
    let question = "你们在哪里开店？";
    assert_eq!(asks(question).await, FALLBACK);
    world.add_questions(&desk.robot, &[("where", question, "在昆明。")]).await;
    assert_eq!(asks(question).await, "在昆明。");
    let path = format!("/api/robots/{}/questions/where", desk.robot);
    world.patch(&path, &json!({ "answer": "在大理。", "variants": ["店铺地址"] })).await.expect(200);
    assert_eq!(asks(question).await, "在大理。");
    assert_eq!(asks("店铺地址").await, "在大理。");
    world.patch(&path, &json!({ "disabled": true })).await.expect(200);
    assert_eq!(asks(question).await, FALLBACK);
    world.patch(&path, &json!({ "disabled": false })).await.expect(200);
    assert_eq!(asks(question).await, "在大理。");
    world.delete(&path).await.expect(204);
    assert_eq!(asks(question).await, FALLBACK);
    world.update("robots", &desk.robot, &json!({ "fallback": "不知道。" })).await;
    assert_eq!(asks(question).await, "不知道。");
}

#[tokio::test]
async fn two_editors_of_a_question_at_once_lose_no_change() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    let path = format!("/api/robots/{}/questions/return", desk.robot);
    for round in 0..10 {
        let (answer, variant) = (format!("answer {round}"), json!([format!("variant {round}")]));
        let (by_one, by_other) = (json!({ "answer": answer }), json!({ "variants": variant }));
        let (one, other) = tokio::join!(world.patch(&path, &by_one), world.patch(&path, &by_other));
        let kept = world.get(&path).await.expect(200).body;
        for (change, field, value) in [(&one, "answer", json!(answer)), (&other, "variants", variant)] {
            match change.status {
                200 => assert_eq!(kept[field], value, "{field} of round {round} is lost"),
                _ => assert_eq!(problem(change), (409, "conflict", None)),
            }
        }
    }
}

#[tokio::test]
async fn default_fallback_does_not_promise_an_agent() {
    for mode in ["robot_only", "robot_first"] {
        let world = World::start().await;
        let robot = world.create("robots", &json!({ "name": "小助手", "kind": "faq" })).await;
        world.add_questions(&robot, &QUESTIONS).await;
        let desk = world.service_desk_with(&robot, 5, json!({ "mode": mode })).await;
        world.set_status(&desk.agent, "offline").await;
        let visitor = desk.visitor(&world, "o-1");
        visitor.writes(UNKNOWN).await;
        let said = visitor.last_text().await;
        assert_eq!(said, "抱歉，这个问题我还没学会。您可以换个说法再问问我。", "{mode}");
    }
}

#[tokio::test]
async fn questions_can_be_replaced_and_tried_out() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    let path = format!("/api/robots/{}/questions", desk.robot);
    let questions = json!({ "questions": [{ "id": "cat", "title": "店里有猫吗？", "answer": "有两只。" }] });
    world.call(Some(ADMIN), Method::PUT, &path, Some(&questions)).await.expect(200);
    assert_eq!(world.list(&path).await.iter().map(|it| it["id"].clone()).collect::<Vec<_>>(), ["cat"]);
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("店里有猫吗").await;
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.received_texts().await, ["有两只。", FALLBACK]);
    let tried = world.post(&format!("/api/robots/{}/try", desk.robot), &json!({ "text": "有猫吗" })).await.expect(200);
    assert!(tried.raw.contains("cat"), "{}", tried.raw);
}

#[tokio::test]
async fn non_text_message_is_a_miss() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.pushes("image", json!({})).await;
    world.settle().await;
    assert_eq!(visitor.received_texts().await, [FALLBACK]);
    // A picture with text is matched by its text.
    world.advance(5);
    visitor.pushes("image", json!({})).await;
    visitor.text(SHIPPING).await;
    world.settle().await;
    let texts: Vec<Value> = visitor.received_texts().await.into_iter().map(Value::from).collect();
    assert_eq!(texts, [FALLBACK, SHIPPING_ANSWER]);
    // A picture alone matches no question.
    world.add_questions(&desk.robot, &[("color", "实物和图片有色差吗？", "图片均为实拍。")]).await;
    world.advance(5);
    visitor.pushes("image", json!({})).await;
    world.settle().await;
    assert_eq!(visitor.last_text().await, FALLBACK);
}
