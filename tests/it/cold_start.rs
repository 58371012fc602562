//! What a new environment of `message-ingress` reads.

use crate::support::World;

const APP: &str = "wx00000000000000a1";

#[tokio::test]
async fn new_environment_reads_all_credentials_with_one_query() {
    let world = World::start().await;
    let others = ["wx00000000000000c1", "wx00000000000000c2"];
    let binding = world.bind(APP).await;
    for app_id in others {
        world.bind(app_id).await;
    }
    world.bundle.end_environments().await;
    world.bundle.reset_request_counts();
    world.visitor(&binding, "oCOLD-1").text("first").await;
    let calls = |operation| world.calls("MessageIngress", operation);
    assert_eq!((calls("Query"), calls("GetItem"), calls("BatchGetItem"), calls("PutItem")), (1, 0, 0, 1));
}

#[tokio::test]
async fn push_for_a_binding_of_an_earlier_version_is_received_by_a_new_environment() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let copy = world.items("callback").await.remove(0);
    world.remove_item(&copy).await;
    world.bundle.end_environments().await;
    world.bundle.reset_request_counts();
    world.visitor(&binding, "oCOLD-2").text("first").await;
    assert_eq!(world.items("inbound").await.len(), 1);
    assert_eq!(world.calls("MessageIngress", "GetItem"), 1);
}
