//! A robot's questions, and the version by which caches notice every change.

use std::{
    future::ready,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Backoff, Kind, Sleep, StoreError};

use crate::support::{Kit, cancelled};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Question {
    title: String,
    answer: String,
}

fn question(title: &str) -> Question {
    Question { title: title.to_owned(), answer: format!("答：{title} 🙂") }
}

async fn robot(kit: &Kit) -> String {
    let record = kit.table.settings_writer().new_record_of(Kind::Robot, json!({}), Vec::new());
    kit.table.settings_writer().create_record(&record, None).await.unwrap();
    record.id
}

async fn version(kit: &Kit, robot: &str) -> u64 {
    kit.table.settings().record_of(Kind::Robot, robot).await.unwrap().unwrap().version
}

/// Creates a question, or changes the existing one.
async fn put(kit: &Kit, robot: &str, id: &str, question: &Question) -> Result<(), StoreError> {
    match kit.table.settings().question::<Question>(robot, id).await? {
        Some(seen) => kit.table.settings_writer().change_question(robot, id, &seen, question).await,
        None => kit.table.settings_writer().create_question(robot, id, question).await,
    }
}

async fn known(kit: &Kit, robot: &str) -> Vec<Question> {
    kit.table.settings().knowledge(robot).await.unwrap()
}

#[tokio::test]
async fn question_is_created_changed_and_deleted() {
    let kit = Kit::start().await;
    let robot = robot(&kit).await;
    let one =
        async || kit.table.settings().question::<Question>(&robot, "q1").await.unwrap().map(|stored| stored.question);
    assert_eq!(one().await, None);
    for title in ["退款多久到账", "怎么退款"] {
        put(&kit, &robot, "q1", &question(title)).await.unwrap();
        assert_eq!(one().await, Some(question(title)));
        assert_eq!(known(&kit, &robot).await, [question(title)]);
    }
    assert!(kit.table.settings_writer().delete_question(&robot, "q1").await.unwrap());
    assert!(!kit.table.settings_writer().delete_question(&robot, "q1").await.unwrap());
    assert_eq!((one().await, known(&kit, &robot).await), (None, Vec::new()));
}

#[tokio::test]
async fn every_change_of_a_question_increments_the_robot_version() {
    let kit = Kit::start().await;
    let [robot, other] = [robot(&kit).await, robot(&kit).await];
    let seen = kit.table.settings().record_of(Kind::Robot, &robot).await.unwrap().unwrap();
    kit.advance(jiff::SignedDuration::from_secs(1));
    put(&kit, &robot, "q1", &question("one")).await.unwrap();
    assert_eq!(version(&kit, &robot).await, 1);
    put(&kit, &robot, "q1", &question("another")).await.unwrap();
    kit.table.settings_writer().delete_question(&robot, "q1").await.unwrap();
    assert_eq!(version(&kit, &robot).await, 3);
    put(&kit, &robot, "q2", &question("two")).await.unwrap();
    let now = kit.table.settings().record_of(Kind::Robot, &robot).await.unwrap().unwrap();
    assert_eq!((now.version, now.updated_at, now.settings), (4, kit.now(), json!({})));
    assert_eq!(version(&kit, &other).await, 0);
    // A change of settings that were read earlier does not overwrite the counted version.
    let late = kit.table.settings_writer().change_record(&seen, json!({ "name": "late" }), Vec::new(), None).await;
    assert!(matches!(late, Err(StoreError::Conflict)));
}

#[tokio::test]
async fn question_and_robot_version_are_written_in_one_transaction() {
    let kit = Kit::start().await;
    let robot = robot(&kit).await;
    put(&kit, &robot, "q1", &question("one")).await.unwrap();
    let before = kit.items().await;
    // A concurrent transaction is incrementing the version.
    let held = cancelled(&["None", "TransactionConflict"]);
    kit.wire.fail("TransactWriteItems", 5, &held);
    let put = self::put(&kit, &robot, "q2", &question("two")).await;
    assert!(matches!(put, Err(StoreError::TransactionConflict)), "{put:?}");
    kit.wire.fail("TransactWriteItems", 5, &held);
    let deleted = kit.table.settings_writer().delete_question(&robot, "q1").await;
    assert!(matches!(deleted, Err(StoreError::TransactionConflict)), "{deleted:?}");
    assert_eq!(kit.items().await, before);
    kit.wire.fail("TransactWriteItems", 4, &held);
    assert!(kit.table.settings_writer().delete_question(&robot, "q1").await.unwrap(), "the fifth attempt is written");
    assert_eq!(kit.wire.calls("PutItem") + kit.wire.calls("DeleteItem") + kit.wire.calls("UpdateItem"), 0);
}

#[tokio::test]
async fn change_of_a_question_that_another_editor_changed_is_a_conflict() {
    let kit = Kit::start().await;
    let robot = robot(&kit).await;
    put(&kit, &robot, "q1", &question("one")).await.unwrap();
    let seen = kit.table.settings().question::<Question>(&robot, "q1").await.unwrap().unwrap();
    kit.table.settings_writer().change_question(&robot, "q1", &seen, &question("first editor")).await.unwrap();
    let before = kit.items().await;
    let second = kit.table.settings_writer().change_question(&robot, "q1", &seen, &question("second editor")).await;
    assert!(matches!(second, Err(StoreError::Conflict)), "{second:?}");
    let created = kit.table.settings_writer().create_question(&robot, "q1", &question("third editor")).await;
    assert!(matches!(created, Err(StoreError::Conflict)), "{created:?}");
    assert_eq!(kit.items().await, before);

    kit.table.settings_writer().delete_question(&robot, "q1").await.unwrap();
    let late = kit.table.settings_writer().change_question(&robot, "q1", &seen, &question("fourth editor")).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
    assert!(known(&kit, &robot).await.is_empty());
}

#[tokio::test]
async fn replacement_that_meets_another_editor_is_a_conflict() {
    let kit = Kit::start().await;
    let robot = robot(&kit).await;
    for id in ["q1", "q2"] {
        put(&kit, &robot, id, &question(id)).await.unwrap();
    }
    // In each round another editor writes between the read and the write of a replacement.
    let [first, second] = ["of one", "of the other"].map(|title| [title.to_owned()]);
    let (one, other) = tokio::join!(replaced(&kit, &robot, &first), replaced(&kit, &robot, &second));
    let outcomes = [one.is_ok(), other.is_ok()];
    let left = known(&kit, &robot).await;
    assert!(outcomes.contains(&true), "{one:?} {other:?}");
    assert_eq!(left.len(), 1, "{outcomes:?}: {left:?}");
}

#[tokio::test]
async fn question_of_an_unknown_robot_is_refused() {
    let kit = Kit::start().await;
    let put = self::put(&kit, "r0123456789ab", "q1", &question("one")).await;
    assert!(matches!(put, Err(StoreError::NotFound("robot"))), "{put:?}");
    assert!(!kit.table.settings_writer().delete_question("r0123456789ab", "q1").await.unwrap());
    assert!(kit.items().await.is_empty());
    assert!(known(&kit, "r0123456789ab").await.is_empty());
}

#[tokio::test]
async fn questions_of_a_robot_are_paged() {
    let kit = Kit::start().await;
    let [robot, other] = [robot(&kit).await, robot(&kit).await];
    put(&kit, &other, "q0", &question("of the other")).await.unwrap();
    let titles: Vec<_> = (0..7).map(|number| format!("q{number}")).collect();
    for title in titles.iter().rev() {
        put(&kit, &robot, title, &question(title)).await.unwrap();
    }
    let all: Vec<_> = titles.iter().map(|title| question(title)).collect();
    for limit in [1, 3, 7, 100] {
        let (mut listed, mut cursor) = (Vec::new(), None);
        loop {
            let page = kit.table.settings().questions::<Question>(&robot, cursor.as_deref(), limit).await.unwrap();
            assert!(page.items.len() <= usize::try_from(limit).unwrap());
            listed.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(listed, all, "by {limit}");
    }
    assert_eq!(known(&kit, &robot).await, all);
    let strange = kit.table.settings().questions::<Question>(&robot, Some("fg"), 10).await;
    assert!(matches!(strange, Err(StoreError::Cursor)), "{strange:?}");
}

/// Records the pauses and does not wait.
#[derive(Debug, Clone, Default)]
struct RecordedPauses(Arc<Mutex<Vec<Duration>>>);

impl Sleep for RecordedPauses {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.lock().unwrap().push(duration);
        Box::pin(ready(()))
    }
}

/// Replaces the questions of a robot; returns the pauses between the transactions.
async fn replace_all(kit: &Kit, robot: &str, questions: &[(String, Question)]) -> Result<Vec<Duration>, StoreError> {
    let pauses = RecordedPauses::default();
    let table = kit.table.clone().with_backoff(Backoff::new(fastrand::Rng::with_seed(1), pauses.clone()));
    table.settings_writer().replace_questions(robot, questions).await?;
    Ok(std::mem::take(&mut *pauses.0.lock().unwrap()))
}

async fn replaced(kit: &Kit, robot: &str, titles: &[String]) -> Result<Vec<Duration>, StoreError> {
    let questions: Vec<_> = titles.iter().map(|title| (format!("q-{title}"), question(title))).collect();
    replace_all(kit, robot, &questions).await
}

#[tokio::test]
async fn many_questions_are_written_no_faster_than_their_partition_takes() {
    let kit = Kit::start().await;
    let robot = robot(&kit).await;
    // Two units each: 196 in a transaction, at 800 a second.
    let small: Vec<_> = (0..250).map(|number| format!("{number:03}")).collect();
    assert_eq!(replaced(&kit, &robot, &small).await.unwrap(), [Duration::from_secs(196) / 800; 2]);
    // Eight units each, in place of the small ones: 50 in a transaction.
    let large = |title: &String| (format!("q-{title}"), question(&format!("{title}{}", "x".repeat(1700))));
    let pauses = replace_all(&kit, &robot, &small.iter().map(large).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(pauses, [Duration::from_millis(500); 4]);
    // As many for their deletion.
    assert_eq!(replaced(&kit, &robot, &[]).await.unwrap(), [Duration::from_millis(500); 4]);
    assert!(replaced(&kit, &robot, &small[..98]).await.unwrap().is_empty());
}

#[tokio::test]
async fn replacement_writes_changed_questions_only() {
    let kit = Kit::start().await;
    let [robot, other] = [robot(&kit).await, robot(&kit).await];
    put(&kit, &other, "q-000", &question("of the other")).await.unwrap();
    let titles: Vec<_> = (0..250).map(|number| format!("{number:03}")).collect();
    replaced(&kit, &robot, &titles).await.unwrap();
    assert_eq!(kit.table.settings().count_questions(&robot).await.unwrap(), 250);
    assert_eq!(known(&kit, &robot).await, titles.iter().map(|title| question(title)).collect::<Vec<_>>());
    // 250 questions need three transactions, each of which increments the version.
    assert_eq!(version(&kit, &robot).await, 3);

    let before = kit.wire.calls("TransactWriteItems");
    replaced(&kit, &robot, &titles).await.unwrap();
    assert_eq!(kit.wire.calls("TransactWriteItems"), before);
    // One question is removed, one added, one changed.
    let mut questions: Vec<_> = titles[1..].iter().map(|title| (format!("q-{title}"), question(title))).collect();
    questions[0].1 = question("changed");
    questions.push(("q-new".to_owned(), question("new")));
    replace_all(&kit, &robot, &questions).await.unwrap();
    assert_eq!((kit.wire.calls("TransactWriteItems"), version(&kit, &robot).await), (before + 1, 4));
    assert_eq!(known(&kit, &robot).await, questions.into_iter().map(|(_, question)| question).collect::<Vec<_>>());

    replaced(&kit, &robot, &[]).await.unwrap();
    assert!(known(&kit, &robot).await.is_empty());
    assert_eq!(kit.table.settings().count_questions(&robot).await.unwrap(), 0);
    assert_eq!(known(&kit, &other).await.len(), 1);
    let unknown = replaced(&kit, "r0123456789ab", &titles[..2]).await;
    assert!(matches!(unknown, Err(StoreError::NotFound("robot"))), "{unknown:?}");
    assert_eq!(kit.items_of("question").await.len(), 1);
}

#[test]
fn question_ids_sort_in_the_order_of_creation() {
    let ids: Vec<_> = (0..100).map(|_| store::fresh_question_id()).collect();
    assert!(ids.is_sorted());
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
}

#[tokio::test]
async fn questions_of_more_than_a_megabyte_are_all_read() {
    let kit = Kit::start().await;
    let robot = robot(&kit).await;
    let long = "字".repeat(30_000);
    for number in 0..15 {
        let question = Question { title: number.to_string(), answer: long.clone() };
        put(&kit, &robot, &format!("q{number:02}"), &question).await.unwrap();
    }
    let before = kit.wire.calls("Query");
    let titles: Vec<_> = known(&kit, &robot).await.into_iter().map(|question| question.title).collect();
    assert_eq!(titles, (0..15).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(kit.table.settings().count_questions(&robot).await.unwrap(), 15);
    assert!(kit.wire.calls("Query") > before + 1, "DynamoDB gives a megabyte at once");
}

#[tokio::test]
async fn question_of_a_later_version_is_an_error() {
    let kit = Kit::start().await;
    let robot = robot(&kit).await;
    kit.table.settings_writer().create_question(&robot, "q1", &json!({ "title": 7 })).await.unwrap();
    let read = kit.table.settings().question::<Question>(&robot, "q1").await;
    assert!(matches!(&read, Err(StoreError::Corrupt { item: "question", what, .. }) if what == "data"), "{read:?}");
}
