//! The renewal lease of a killed function ends, and another function takes over.

use super::{APP, LIFE, token_item};
use crate::support::World;

#[tokio::test]
async fn renewal_is_taken_over_when_the_lease_of_a_killed_function_ends() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let mut leases = 0;
    for awaits in 0.. {
        // Due and not yet expired.
        while token_item(&world).await["due_sk"]["S"].as_str().unwrap()
            > format!("{:013}", world.now().as_millisecond()).as_str()
        {
            world.advance(30);
        }
        let (kills, version) =
            (world.bundle.kills("TokenRefresh").unwrap(), token_item(&world).await["version"].clone());
        world.bundle.kill_next("TokenRefresh", awaits).unwrap();
        // A killed function returns no answer.
        let _ = world.bundle.tick("TokenRefresh").await;
        if world.bundle.kills("TokenRefresh").unwrap() == kills {
            break;
        }
        let token = token_item(&world).await;
        if token.get("lease_owner").is_some() {
            leases += 1;
            world.reset_wechat_calls().await;
            world.tick("TokenRefresh").await;
            assert_eq!(world.token_calls().await, 0, "{awaits}: no other renewal during the lease");
            chat.visitor.text("在吗").await;
            world.settle().await;
            world.bundle.end_environments().await;
            chat.send_text("旧的还能用").await.expect(201);
            assert_eq!(world.token_calls().await, 0, "{awaits}");
            world.advance(16);
        }
        world.tick("TokenRefresh").await;
        let renewed = token_item(&world).await;
        assert_ne!(renewed["version"], version, "{awaits}");
        assert_eq!(renewed.get("lease_owner"), None, "{awaits}");
    }
    assert!(leases > 0, "it was never killed while it held the lease");
}

#[tokio::test]
async fn reader_takes_over_the_renewal_of_an_expired_token() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    world.advance(LIFE);
    for awaits in 0.. {
        world.bundle.kill_next("TokenRefresh", awaits).unwrap();
        assert!(world.bundle.tick("TokenRefresh").await.is_err(), "it renewed the token before it held the lease");
        if token_item(&world).await.get("lease_owner").is_some() {
            break;
        }
    }
    world.reset_wechat_calls().await;
    let waits = chat.send_text("等到了");
    let time = async {
        // The reader has found the lease taken.
        while world.calls("DeskApi", "UpdateItem") < 2 {
            tokio::task::yield_now().await;
        }
        world.advance(16);
    };
    world.bundle.reset_request_counts();
    let (answer, ()) = tokio::join!(waits, time);
    answer.expect(201);
    assert_eq!(world.token_calls().await, 1);
}
