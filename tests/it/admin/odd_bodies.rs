//! Bodies, headers and limits that no caller has a reason to send, taken from the description of the API.

use reqwest::Method;

use crate::access::fields::{Ids, Place, example, operations, places};
use crate::open_conversation::problem;
use crate::support::{ADMIN, World};

const APP: &str = "wx0000000000000ad2";

#[tokio::test]
async fn every_text_of_a_body_names_its_limit() {
    let world = World::start().await;
    let (operations, described) = operations(&world).await;
    let mut without = Vec::new();
    for operation in &operations {
        let texts = places(&described, &operation.schema).into_iter().filter(Place::is_text_of_an_object);
        without
            .extend(texts.filter(|place| !place.has_limit()).map(|place| format!("{} {}", operation.id, place.name())));
    }
    assert_eq!(without, [""; 0]);
}

#[tokio::test]
async fn odd_idempotency_key_is_refused_and_stores_nothing() {
    let world = World::start().await;
    let ids = Ids::create(&world, APP).await;
    let before = world.all_items().await;
    let long = "k".repeat(256);
    for operation in ["sendMessage", "sendCard"] {
        let (path, bodies) = example(&ids, operation);
        for key in ["", &long, "密钥", "\u{202e}k", "k\tk"] {
            let request = world.request(Some(ADMIN), Method::POST, &path, Some(&bodies[0]));
            let answer = request.header("idempotency-key", key).send().await;
            assert_eq!(problem(&answer), (422, "invalid", None), "{operation} {key:?}");
        }
    }
    assert_eq!(world.all_items().await, before);
}

#[tokio::test]
async fn odd_limit_of_any_list_is_refused() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let cid = world.open_conversation(&binding, "o-limit").await.cid;
    let robot = world.faq_robot(&[]).await;
    for path in [
        "/api/access-tokens".to_owned(),
        "/api/agents".to_owned(),
        "/api/bindings".to_owned(),
        format!("/api/bindings/{APP}/visitors/o-limit/messages"),
        "/api/calendars".to_owned(),
        "/api/conversations".to_owned(),
        format!("/api/conversations/{cid}/events"),
        format!("/api/conversations/{cid}/messages"),
        "/api/groups".to_owned(),
        "/api/merchants".to_owned(),
        "/api/robots".to_owned(),
        format!("/api/robots/{robot}/questions"),
    ] {
        world.get(&format!("{path}?limit=100")).await.expect(200);
        for odd in ["", "0", "101", "-1", "1.5", "1e2", "9223372036854775808", "x", "\u{661}", "1&limit=2"] {
            let answer = world.get(&format!("{path}?limit={odd}")).await;
            assert_eq!(problem(&answer), (422, "invalid", None), "{path} {odd}");
        }
        for odd in ["x", "~", "AAAA", "_____", "-", &"A".repeat(1000)] {
            let answer = world.get(&format!("{path}?cursor={odd}")).await;
            assert!(answer.status < 500, "{path} {odd}: {}", answer.raw);
        }
    }
}
