//! A language model that is dead, slow, or talks too much.

use serde_json::json;
use tokio::net::TcpListener;

use super::chat::shop;
use crate::shop::{FALLBACK, SHIPPING};
use crate::support::{Elsewhere, World, answered, completion};

#[tokio::test]
async fn a_dead_one_is_the_fallback() {
    let world = World::start().await;
    // A port that nobody listens at.
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let shop = shop(&world, &url, json!({})).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says(SHIPPING).await;
    assert_eq!(visitor.phone_texts().await, [FALLBACK]);
    let answered = world.event(&visitor.cid().await, "robot.answered").await;
    assert_eq!(
        (&answered["data"]["answer"], &answered["data"]["failure"]),
        (&json!("failed"), &json!("robot.unreachable"))
    );
    assert_eq!(world.bundle.dead_letters(), [], "it is an answer like any other");
}

#[tokio::test]
async fn one_that_answers_an_error_or_rubbish_is_the_fallback() {
    let world = World::start().await;
    let model = Elsewhere::start().await;
    let shop = shop(&world, &model.url, json!({})).await;
    let visitor = shop.visitor(&world, "o-1");
    let rubbish = [
        (500, String::new(), "robot.refused"),
        (429, "{\"error\":{\"message\":\"slow down\"}}".to_owned(), "robot.refused"),
        (401, "{}".to_owned(), "robot.refused"),
        (302, String::new(), "robot.refused"),
        (200, "<html>".to_owned(), "robot.malformed"),
        (200, "{\"choices\":[]}".to_owned(), "robot.malformed"),
        (200, "x".repeat(70_000), "robot.too_large"),
    ];
    for (number, (status, body, failure)) in rubbish.iter().enumerate() {
        model.answers(*status, body);
        visitor.says(&format!("{number} 多久发货")).await;
        assert_eq!(visitor.phone_texts().await, vec![FALLBACK; number + 1], "{status} {failure}");
        let answered = world.event(&visitor.cid().await, "robot.answered").await;
        assert_eq!(answered["data"]["failure"], *failure);
    }
    assert_eq!(model.asked().len(), rubbish.len(), "nothing is asked twice");
}

/// The one test here that waits for the clock on the wall: a second.
#[tokio::test]
async fn a_slow_one_is_the_fallback_in_time() {
    let world = World::start().await;
    let model = Elsewhere::start().await;
    let shop = shop(&world, &model.url, json!({ "deadline_seconds": 1 })).await;
    let visitor = shop.visitor(&world, "o-1");
    model.is_silent();
    let begun = std::time::Instant::now();
    visitor.says(SHIPPING).await;
    assert_eq!(visitor.phone_texts().await, [FALLBACK]);
    assert!(begun.elapsed().as_secs() < 15, "{:?}", begun.elapsed());
    let failed = world.event(&visitor.cid().await, "robot.answered").await;
    assert_eq!(failed["data"]["failure"], "robot.timeout");
    // The next turn is asked like the first.
    model.says(&answered("48小时内发出。", &[1]));
    visitor.says(SHIPPING).await;
    assert_eq!(visitor.last_text().await, "48小时内发出。");
}

#[tokio::test]
async fn an_answer_of_10_kb_is_cut_to_one_message_at_the_end_of_a_sentence() {
    let world = World::start().await;
    let model = Elsewhere::start().await;
    let shop = shop(&world, &model.url, json!({})).await;
    let visitor = shop.visitor(&world, "o-1");
    let sentence = "付款后48小时内发出，请您放心。";
    let long = sentence.repeat(10_000 / sentence.len() + 1);
    assert!(long.len() >= 10_000);
    model.says(&answered(&long, &[1]));
    visitor.says(SHIPPING).await;
    let texts = visitor.phone_texts().await;
    assert_eq!(texts.len(), 1, "it takes one of the few replies");
    assert!(texts[0].len() <= 2048 && texts[0].len() > 1900, "{}", texts[0].len());
    assert!(texts[0].ends_with("请您放心。") && long.starts_with(&texts[0]), "{}", texts[0]);
    assert_eq!(visitor.phone().await[0]["is_ai_msg"], true);
    assert_eq!(visitor.conversation().await["quota"]["replies_left"], 4);

    // Without the form that was asked for it is rubbish of whatever length.
    model.says(&completion(&long));
    visitor.says("多久发货呢").await;
    assert_eq!(visitor.last_text().await, FALLBACK);
}
