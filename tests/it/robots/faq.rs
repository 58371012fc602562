//! A robot that answers by its questions: directly, with a choice, or not.

use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{FALLBACK, QUESTIONS, SHIPPING, SHIPPING_ANSWER, UNKNOWN};
use crate::support::{ADMIN, World};

#[tokio::test]
async fn it_answers_what_is_meant_offers_what_may_be_and_says_when_it_does_not_know() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first" })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("请问下单后多久发货呀").await;
    visitor.says("退货").await;
    let choice = "您是不是想问：\n1. 怎么申请退货？\n2. 退货运费谁承担？\n回复数字查看答案，回复 0 转人工";
    visitor.says("2").await;
    visitor.says(UNKNOWN).await;
    let said = [SHIPPING_ANSWER, choice, "退货运费由我们承担。", FALLBACK];
    assert_eq!(visitor.phone_texts().await, said);

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
    // Its own words are not a model's.
    assert!(visitor.phone().await.iter().all(|item| item.get("is_ai_msg").is_none()));
}

#[tokio::test]
async fn a_choice_is_picked_in_many_ways_and_only_once() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first", "handover": { "after_repeats": 0 } })).await;
    for (number, pick) in ["1", "１", "①", "一", "第一个", "选1", "1。"].into_iter().enumerate() {
        let visitor = shop.visitor(&world, &format!("o-{number}"));
        visitor.says("退货").await;
        visitor.says(pick).await;
        assert_eq!(visitor.last_text().await, "在订单详情里点“申请售后”。", "{pick}");
    }
    let visitor = shop.visitor(&world, "o-more");
    visitor.says("退货").await;
    visitor.says("7").await;
    assert_eq!(visitor.last_text().await, FALLBACK, "there is no seventh");
    visitor.says("退货").await;
    visitor.says(SHIPPING).await;
    assert_eq!(visitor.last_text().await, SHIPPING_ANSWER, "nobody has to pick");
    visitor.says("1").await;
    assert_eq!(visitor.last_text().await, FALLBACK, "the choice is over");
}

#[tokio::test]
async fn it_knows_at_once_what_it_was_taught_and_no_more_what_was_taken_away() {
    let world = World::start().await;
    let shop =
        world.shop(5, json!({ "mode": "robot_first", "handover": { "after_misses": 0, "after_repeats": 0 } })).await;
    let visitor = shop.visitor(&world, "o-1");
    let asks = async |text: &str| {
        visitor.says(text).await;
        visitor.last_text().await
    };
    let question = "你们在哪里开店？";
    assert_eq!(asks(question).await, FALLBACK);
    world.teach(&shop.robot, &[("where", question, "在昆明。")]).await;
    assert_eq!(asks(question).await, "在昆明。");
    let path = format!("/api/robots/{}/questions/where", shop.robot);
    world.patch(&path, &json!({ "answer": "在大理。", "variants": ["店铺地址"] })).await.expect(200);
    assert_eq!(asks(question).await, "在大理。");
    assert_eq!(asks("店铺地址").await, "在大理。");
    world.patch(&path, &json!({ "disabled": true })).await.expect(200);
    assert_eq!(asks(question).await, FALLBACK);
    world.patch(&path, &json!({ "disabled": false })).await.expect(200);
    assert_eq!(asks(question).await, "在大理。");
    world.delete(&path).await.expect(204);
    assert_eq!(asks(question).await, FALLBACK);
    world.change("robots", &shop.robot, &json!({ "fallback": "不知道。" })).await;
    assert_eq!(asks(question).await, "不知道。");
}

#[tokio::test]
async fn what_it_says_unless_told_otherwise_promises_nobody() {
    for mode in ["robot_only", "robot_first"] {
        let world = World::start().await;
        let robot = world.make("robots", &json!({ "name": "小助手", "kind": "faq" })).await;
        world.teach(&robot, &QUESTIONS).await;
        let shop = world.shop_with(&robot, 5, json!({ "mode": mode })).await;
        world.status(&shop.agent, "offline").await;
        let visitor = shop.visitor(&world, "o-1");
        visitor.says(UNKNOWN).await;
        let said = visitor.last_text().await;
        assert_eq!(said, "抱歉，这个问题我还没学会。您可以换个说法再问问我。", "{mode}");
    }
}

#[tokio::test]
async fn all_it_knows_may_be_replaced_and_tried_before_a_visitor_does() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first" })).await;
    let path = format!("/api/robots/{}/questions", shop.robot);
    let questions = json!({ "questions": [{ "id": "cat", "title": "店里有猫吗？", "answer": "有两只。" }] });
    world.call(Some(ADMIN), Method::PUT, &path, Some(&questions)).await.expect(200);
    assert_eq!(world.list(&path).await.iter().map(|it| it["id"].clone()).collect::<Vec<_>>(), ["cat"]);
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("店里有猫吗").await;
    visitor.says(SHIPPING).await;
    assert_eq!(visitor.phone_texts().await, ["有两只。", FALLBACK]);
    let tried = world.post(&format!("/api/robots/{}/try", shop.robot), &json!({ "text": "有猫吗" })).await.expect(200);
    assert!(tried.raw.contains("cat"), "{}", tried.raw);
}

#[tokio::test]
async fn what_is_no_text_is_a_turn_that_it_does_not_know() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first" })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.does("image", json!({})).await;
    world.settle().await;
    assert_eq!(visitor.phone_texts().await, [FALLBACK]);
    // A picture along with words is about the words.
    world.advance(5);
    visitor.does("image", json!({})).await;
    visitor.text(SHIPPING).await;
    world.settle().await;
    let texts: Vec<Value> = visitor.phone_texts().await.into_iter().map(Value::from).collect();
    assert_eq!(texts, [FALLBACK, SHIPPING_ANSWER]);
    // Nor is a picture a question about pictures.
    world.teach(&shop.robot, &[("color", "实物和图片有色差吗？", "图片均为实拍。")]).await;
    world.advance(5);
    visitor.does("image", json!({})).await;
    world.settle().await;
    assert_eq!(visitor.last_text().await, FALLBACK);
}
