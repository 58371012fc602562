//! Pushes and checks that cannot be verified cause a bounded number of reads.

use serde_json::json;

use super::{APP, Refusing, assert_refused};
use crate::support::push::{Push, sign, text_document};
use crate::support::{Answer, Binding, World};

/// The same push at the callback of another mini program.
fn at(push: &Push, app_id: &str) -> Push {
    Push { url: push.url.replace(APP, app_id), ..push.clone() }
}

/// A check of a callback URL, signed with the token of a binding.
async fn check(world: &World, binding: &Binding, app_id: &str) -> Answer {
    let timestamp = world.now().as_second().to_string();
    let signature = sign(&[&binding.token, &timestamp, "2"]);
    let query = [("signature", signature.as_str()), ("timestamp", &timestamp), ("nonce", "2"), ("echostr", "8765")];
    world.check(&binding.callback_url.replace(APP, app_id), &query).await
}

#[tokio::test]
async fn unknown_or_invalid_appid_is_refused() {
    let refusing = Refusing::start().await;
    let bases = [
        "wx00000000000000ff",
        "wx",
        "abc",
        "WX00000000000000A1",
        "wx00000000000000a1%20",
        "binding%23wx00000000000000a1",
        "%00",
    ];
    for app_id in bases {
        let url = refusing.binding.callback_url.replace(APP, app_id);
        refusing.refuses(app_id, &Push { url, ..refusing.push.clone() }).await;
    }
    refusing.assert_nothing_stored().await;
}

#[tokio::test]
async fn refused_pushes_of_a_binding_cause_ten_reads_per_second() {
    let refusing = Refusing::start().await;
    assert_eq!(refusing.world.deliver(&refusing.push).await.status, 200);
    refusing.world.bundle.reset_request_counts();
    let spoiled = refusing.push.clone().with("msg_signature", "0");
    for reads in [10, 20] {
        for _ in 0..100 {
            refusing.refuses("rubbish", &spoiled).await;
        }
        assert_eq!(refusing.world.calls("MessageIngress", "GetItem"), reads);
        refusing.world.advance(1);
    }
}

#[tokio::test]
async fn unknown_appid_is_read_once_in_ten_seconds() {
    let refusing = Refusing::start().await;
    let push = at(&refusing.push, "wx00000000000000ff");
    refusing.world.bundle.reset_request_counts();
    for reads in [1, 2] {
        for _ in 0..200 {
            refusing.refuses("unknown", &push).await;
        }
        assert_eq!(refusing.world.calls("MessageIngress", "GetItem"), reads);
        refusing.world.advance(10);
    }
}

#[tokio::test]
async fn many_unknown_appids_cause_bounded_reads_and_do_not_delay_known_ones() {
    let refusing = Refusing::start().await;
    let world = &refusing.world;
    assert_eq!(world.deliver(&refusing.push).await.status, 200);
    world.bundle.reset_request_counts();
    for second in 1..=2 {
        let mut statuses = Vec::new();
        for number in 0..600 {
            let answer = world.deliver(&at(&refusing.push, &format!("wx{second:08}{number:08}"))).await;
            if answer.status == 403 {
                assert_refused("unknown", &answer);
            } else {
                assert_eq!((answer.status, answer.raw.as_str()), (500, "try again"));
            }
            statuses.push(answer.status);
        }
        assert_eq!(statuses.iter().filter(|status| **status == 403).count(), 50, "WeChat delivers the others again");
        assert_eq!(world.calls("MessageIngress", "GetItem"), 50 * second);
        world.advance(1);
    }
    // Its credentials are read again after a minute, also where no read is left for unknown AppIDs.
    world.advance(60);
    for number in 0..51 {
        world.deliver(&at(&refusing.push, &format!("wx{number:016}"))).await;
    }
    let genuine = Push::new(&refusing.binding, &text_document("oPUSH-visitor", 1_772_438_500, 2, "x"));
    assert_eq!(world.deliver(&genuine).await.status, 200);
}

#[tokio::test]
async fn push_for_a_new_binding_is_stored_ten_seconds_after_a_miss() {
    let world = World::start().await;
    let first = world.bind("wx00000000000000b2").await;
    let early = Binding { callback_url: first.callback_url.replace(&first.app_id, APP), ..first.clone() };
    assert_refused("not bound", &world.deliver(&Push::new(&early, &text_document("o-1", 1, 1, "x"))).await);
    let binding = world.bind(APP).await;
    world.advance(10);
    let answer = world.deliver(&Push::new(&binding, &text_document("o-1", 1, 1, "x"))).await;
    assert_eq!((answer.status, answer.raw.as_str()), (200, "success"));
}

#[tokio::test]
async fn callback_check_works_right_after_the_binding_and_its_reads_are_bounded() {
    let world = World::start().await;
    let other = world.bind("wx00000000000000b2").await;
    let absent = Binding { callback_url: other.callback_url.replace(&other.app_id, APP), ..other };
    assert_refused("not bound", &check(&world, &absent, APP).await);
    let body = json!({ "name": "a", "app_id": APP, "app_secret": "s3cret", "token": absent.token });
    world.post("/api/bindings", &body).await.expect(201);
    assert_eq!(check(&world, &absent, APP).await.raw, "8765");

    world.advance(1);
    world.bundle.reset_request_counts();
    let stranger = Binding { token: "another".to_owned(), ..absent.clone() };
    let mut statuses = Vec::new();
    for number in 0..100 {
        let (by, app_id) =
            if number % 2 == 0 { (&absent, format!("wx{number:016}")) } else { (&stranger, APP.to_owned()) };
        statuses.push(check(&world, by, &app_id).await.status);
    }
    assert_eq!((statuses[..50].to_vec(), statuses[50..].to_vec()), (vec![403; 50], vec![500; 50]));
    assert_eq!(world.calls("CallbackVerify", "GetItem"), 50);
    world.advance(1);
    assert_eq!(check(&world, &absent, APP).await.raw, "8765");
}
