//! Batch reads whose keys DynamoDB leaves unprocessed, which under load can last.

use serde_json::json;
use store::StoreError;

use crate::support::{Fault, Item, Kit, s};

/// A response that leaves every key unprocessed.
fn unprocessed(kit: &Kit, item: &Item) -> Fault {
    let keys = json!([{ "pk": { "S": s(item, "pk") }, "sk": { "S": s(item, "sk") } }]);
    let body = json!({ "Responses": {}, "UnprocessedKeys": { kit.name.as_str(): { "Keys": keys } } });
    Fault::Answer(200, body.to_string())
}

async fn agent(kit: &Kit) -> Item {
    kit.table.settings_writer().set_capacity("a1", "Lin", 3).await.unwrap();
    kit.items_of("duty").await.remove(0)
}

#[tokio::test]
async fn unprocessed_keys_are_read_again() {
    let kit = Kit::start().await;
    let item = agent(&kit).await;
    kit.wire.fail("BatchGetItem", 2, &unprocessed(&kit, &item));
    let duties = kit.table.staff().duties(&["a1".to_owned()]).await.unwrap();
    assert_eq!(duties.len(), 1);
    assert_eq!(kit.wire.calls("BatchGetItem"), 3);
}

#[tokio::test]
async fn keys_that_stay_unprocessed_are_an_error_after_a_bounded_number_of_calls() {
    let kit = Kit::start().await;
    let item = agent(&kit).await;
    kit.wire.fail("BatchGetItem", 100, &unprocessed(&kit, &item));
    let begun = std::time::Instant::now();
    let duties = kit.table.staff().duties(&["a1".to_owned()]).await;
    assert!(matches!(&duties, Err(StoreError::Unavailable { code, .. }) if code == "UnprocessedKeys"), "{duties:?}");
    assert!(kit.wire.calls("BatchGetItem") <= 8, "{} calls", kit.wire.calls("BatchGetItem"));
    assert!(begun.elapsed() > std::time::Duration::from_millis(100), "there is a pause between the calls");
}
