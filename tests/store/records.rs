//! Records configured by admins: groups, agents, merchants, robots and calendars, each with a version.

use std::collections::BTreeSet;

use desk::staff::Group;
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::{ExposeSecret, Kind, Record, StoreError, Written};

use crate::support::{Fault, Kit, concurrently, secret};

const KINDS: [Kind; 5] = [Kind::Group, Kind::Agent, Kind::Merchant, Kind::Robot, Kind::Calendar];

async fn made(kit: &Kit, kind: Kind, name: &str) -> Record<Value> {
    let record = kit.table.settings_writer().new_record_of(kind, json!({ "name": name }), Vec::new());
    assert_eq!(kit.table.settings_writer().create_record(&record, None).await.unwrap(), Written::Now);
    record
}

async fn stored_record(kit: &Kit, kind: Kind, id: &str) -> Option<Record<Value>> {
    kit.table.settings().record_of(kind, id).await.unwrap()
}

/// The comparable parts of a record.
fn parts(record: &Record<Value>) -> impl PartialEq + std::fmt::Debug + '_ {
    (&record.id, &record.settings, &record.aliases, record.created_at, record.updated_at, record.version)
}

#[tokio::test]
async fn settings_are_read_as_they_were_written() {
    let kit = Kit::start().await;
    for kind in KINDS {
        let settings = json!({ "name": "茶馆 🙂", "members": ["a1"], "max_queue": 100, "calendar_id": null });
        let record =
            kit.table.settings_writer().new_record_of(kind, settings, vec!["4711".to_owned(), "组/2".to_owned()]);
        assert_eq!((record.version, record.created_at, record.updated_at), (0, kit.now(), kit.now()));
        assert!(stored_record(&kit, kind, &record.id).await.is_none(), "not stored yet");
        assert_eq!(kit.table.settings_writer().create_record(&record, None).await.unwrap(), Written::Now);
        let read = stored_record(&kit, kind, &record.id).await.unwrap();
        assert_eq!(parts(&read), parts(&record));
        assert!(read.secret.is_none());
    }
}

#[tokio::test]
async fn change_increments_the_version_and_keeps_the_id() {
    let kit = Kit::start().await;
    let mut seen = made(&kit, Kind::Group, "one").await;
    let made_at = kit.now();
    for version in 1..4 {
        kit.advance(SignedDuration::from_secs(1));
        let settings = json!({ "name": format!("version {version}") });
        let (next, written) =
            kit.table.settings_writer().change_record(&seen, settings.clone(), Vec::new(), None).await.unwrap();
        assert_eq!(written, Written::Now);
        assert_eq!((next.version, &next.settings, &next.id), (version, &settings, &seen.id));
        assert_eq!((next.created_at, next.updated_at), (made_at, kit.now()));
        let read = stored_record(&kit, Kind::Group, &seen.id).await.unwrap();
        assert_eq!(parts(&read), parts(&next));
        seen = read;
    }
    assert_eq!(kit.items().await.len(), 1);
}

#[tokio::test]
async fn change_of_a_changed_record_is_a_conflict() {
    let kit = Kit::start().await;
    let old = made(&kit, Kind::Agent, "one").await;
    kit.table.settings_writer().change_record(&old, json!({ "name": "two" }), Vec::new(), None).await.unwrap();
    let before = kit.items().await;
    let late = kit.table.settings_writer().change_record(&old, json!({}), vec!["alias".to_owned()], None).await;
    assert!(matches!(late, Err(StoreError::Conflict)));
    assert!(matches!(kit.table.settings_writer().delete_record(&old).await, Err(StoreError::Conflict)));
    let again = kit.table.settings_writer().create_record(&old, None).await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn writes_to_a_deleted_record_do_not_recreate_it() {
    let kit = Kit::start().await;
    let [gone, other] = [made(&kit, Kind::Robot, "one").await, made(&kit, Kind::Robot, "two").await];
    kit.table.settings_writer().delete_record(&gone).await.unwrap();
    assert!(stored_record(&kit, Kind::Robot, &gone.id).await.is_none());
    assert!(matches!(kit.table.settings_writer().delete_record(&gone).await, Err(StoreError::Conflict)));
    let late = kit.table.settings_writer().change_record(&gone, json!({}), Vec::new(), None).await;
    assert!(matches!(late, Err(StoreError::Conflict)));
    let touched = kit.table.settings_writer().create_question(&gone.id, "q1", &json!({})).await;
    assert!(matches!(touched, Err(StoreError::NotFound("robot"))), "{touched:?}");
    let left = kit.table.lists().records_of(Kind::Robot, None, 10).await.unwrap();
    assert_eq!(left.items.iter().map(|record| &record.id).collect::<Vec<_>>(), [&other.id]);
}

#[tokio::test]
async fn records_of_a_kind_are_listed_in_the_order_of_creation() {
    let kit = Kit::start().await;
    let mut ids = Vec::new();
    for number in 0..7 {
        kit.advance(SignedDuration::from_millis(1));
        ids.push(made(&kit, Kind::Group, &format!("group {number}")).await.id);
        made(&kit, Kind::Calendar, &format!("calendar {number}")).await;
    }
    // A change does not affect the order.
    let second = stored_record(&kit, Kind::Group, &ids[1]).await.unwrap();
    kit.table.settings_writer().change_record(&second, json!({ "name": "changed" }), Vec::new(), None).await.unwrap();
    for limit in [1, 2, 3, 7, 100] {
        let (mut listed, mut cursor) = (Vec::new(), None);
        loop {
            let page = kit.table.lists().records_of(Kind::Group, cursor.as_deref(), limit).await.unwrap();
            assert!(page.items.len() <= usize::try_from(limit).unwrap());
            listed.extend(page.items.into_iter().map(|record| record.id));
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(listed, ids, "by {limit}");
    }
    assert!(kit.table.lists().records_of(Kind::Agent, None, 10).await.unwrap().items.is_empty());
    let strange = kit.table.lists().records_of(Kind::Group, Some("eA"), 10).await;
    assert!(matches!(strange, Err(StoreError::Cursor)), "{strange:?}");
}

#[test]
fn fresh_id_is_short_and_begins_with_the_kind() {
    let mut ids = BTreeSet::new();
    for kind in KINDS {
        for _ in 0..200 {
            let id = kind.fresh_id();
            assert_eq!(id.len(), 13);
            for other in KINDS {
                assert_eq!(other.is_id(&id), other == kind, "{id}");
            }
            assert!(ids.insert(id));
        }
    }
    for no_id in ["", "g", "g0123456789a", "g0123456789abc", "g0123456789aG", "g0123456789aB", "技0123456789ab"] {
        assert!(!Kind::Group.is_id(no_id), "{no_id}");
    }
    assert!(Kind::Group.is_id("g0123456789ab"));
}

#[tokio::test]
async fn lost_answer_creates_one_record() {
    let kit = Kit::start().await;
    let record = kit.table.settings_writer().new_record_of(Kind::Merchant, json!({}), vec!["m-1".to_owned()]);
    kit.wire.fail("TransactWriteItems", 1, &Fault::LostAnswer);
    // DynamoDB recognises the retry by its ClientRequestToken; an emulator that does not reports a conflict.
    let made = kit.table.settings_writer().create_record(&record, None).await;
    assert!(matches!(made, Ok(Written::Now) | Err(StoreError::Conflict)), "{made:?}");
    assert_eq!((kit.items_of("merchant").await.len(), kit.items_of("alias").await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_ten_concurrent_changes_succeeds() {
    let kit = Kit::start().await;
    let seen = made(&kit, Kind::Group, "one").await;
    let written = concurrently(10, |number| {
        let (table, seen) = (kit.table.clone(), seen.clone());
        async move {
            table.settings_writer().change_record(&seen, json!({ "name": number }), Vec::new(), None).await.is_ok()
        }
    });
    let written = written.await;
    let won = written.iter().position(|written| *written).unwrap();
    assert_eq!(written.iter().filter(|written| **written).count(), 1);
    let now = stored_record(&kit, Kind::Group, &seen.id).await.unwrap();
    assert_eq!((now.settings, now.version), (json!({ "name": won }), 1));
}

#[tokio::test]
async fn secret_of_a_record_is_sealed() {
    let kit = Kit::start().await;
    let record = kit.table.settings_writer().new_record_of(Kind::Robot, json!({ "name": "chat" }), Vec::new());
    let [first, second] = ["planted-model-key", "planted-new-model-key"].map(secret);
    kit.table.settings_writer().create_record(&record, Some((&kit.vault, &first))).await.unwrap();
    let opened = async |record: &Record<Value>| {
        kit.vault.open(record.secret.as_ref().unwrap()).await.unwrap().expose_secret().to_owned()
    };
    let read = stored_record(&kit, Kind::Robot, &record.id).await.unwrap();
    assert_eq!(opened(&read).await, "planted-model-key");

    // A change that omits the secret keeps it.
    let (kept_secret, _) =
        kit.table.settings_writer().change_record(&read, json!({ "name": "other" }), Vec::new(), None).await.unwrap();
    assert_eq!(opened(&kept_secret).await, "planted-model-key");
    let read = stored_record(&kit, Kind::Robot, &record.id).await.unwrap();
    assert_eq!(opened(&read).await, "planted-model-key");

    let writer = kit.table.settings_writer();
    let change = writer.change_record(&read, json!({}), Vec::new(), Some((&kit.vault, &second)));
    let (changed, _) = change.await.unwrap();
    assert_eq!(opened(&changed).await, "planted-new-model-key");
    let read = stored_record(&kit, Kind::Robot, &record.id).await.unwrap();
    assert_eq!(opened(&read).await, "planted-new-model-key");
    assert!(!format!("{read:?} {changed:?}").contains("planted"));

    for item in kit.items().await {
        for value in item.values() {
            let bytes = value.as_b().map(|bytes| bytes.as_ref().to_vec());
            let text = value.as_s().map(|text| text.clone().into_bytes());
            let bytes = bytes.or(text).unwrap_or_default();
            assert!(!bytes.windows("planted".len()).any(|window| window == b"planted"), "{item:?}");
        }
    }
}

#[tokio::test]
async fn secret_moved_to_another_record_does_not_open() {
    let kit = Kit::start().await;
    let [one, two] = ["one", "two"]
        .map(|name| kit.table.settings_writer().new_record_of(Kind::Robot, json!({ "name": name }), Vec::new()));
    kit.table.settings_writer().create_record(&one, Some((&kit.vault, &secret("planted")))).await.unwrap();
    kit.table.settings_writer().create_record(&two, None).await.unwrap();
    let items = kit.items_of("robot").await;
    let find = |id: &str| items.iter().find(|item| item["id"].as_s().unwrap() == id).unwrap();
    let mut moved = find(&two.id).clone();
    moved.insert("secret".to_owned(), find(&one.id)["secret"].clone());
    kit.write(moved).await;
    let read = stored_record(&kit, Kind::Robot, &two.id).await.unwrap();
    let opened = kit.vault.open(&read.secret.unwrap()).await;
    assert!(matches!(opened, Err(StoreError::Sealed)), "{opened:?}");
}

#[tokio::test]
async fn settings_of_a_later_version_are_an_error() {
    let kit = Kit::start().await;
    let settings = json!({ "name": "one", "field_of_a_later_version": true });
    let record = kit.table.settings_writer().new_record_of(Kind::Group, settings, Vec::new());
    kit.table.settings_writer().create_record(&record, None).await.unwrap();
    let read = kit.table.settings().record::<Group>(&record.id).await;
    assert!(matches!(&read, Err(StoreError::Corrupt { item: "group", what, .. }) if what == "data"), "{read:?}");
}
