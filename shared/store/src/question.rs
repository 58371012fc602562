//! The questions and answers of a robot, one item each.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, Select, TransactWriteItem};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    audit::{AuditAction, AuditDetail, AuditSubject, AuditSubjectKind},
    error::{Result, StoreError},
    handles::{SettingsReader, SettingsWriter},
    item::{Attributes, Build, Read, s},
    keys,
    record::changed_fields,
    resource::Kind,
    table::{Page, SERVICE, Table},
    transaction::built,
};

/// The greatest number of questions of a robot: they are searched in memory, by a function with 256 MB.
pub const QUESTIONS_MAX: i32 = 1000;

/// Writes of one transaction, less the one that counts the change and an entry of the audit log (DynamoDB, "TransactWriteItems":
/// 100).
const AT_ONCE: usize = 98;

/// Write units of one transaction at most. All questions of a robot are in one partition, which takes 1000 units a second
/// (DynamoDB, "Partitions and data distribution").
const UNITS_AT_ONCE: u32 = 400;

/// Write units a second while many questions are written. The rest of the partition's units is for single changes.
const UNITS_PER_SECOND: u32 = 800;

/// The condition that a question is still as it was read.
const UNCHANGED: &str = "#data = :seen";

/// A question as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredQuestion<T> {
    /// The question.
    pub question: T,
    /// The stored text, which tells whether another editor has changed the question.
    data: String,
}

/// A fresh id. Ids sort in the order of creation.
pub fn fresh_question_id() -> String {
    format!("q{}", uuid::Uuid::now_v7().simple())
}

impl SettingsWriter {
    /// Adds a question to a robot. [`StoreError::Conflict`] when the robot has one with this id already,
    /// [`StoreError::NotFound`] when there is no such robot.
    pub async fn create_question<T: Serialize>(&self, robot: &str, id: &str, question: &T) -> Result<()> {
        let put = self.0.question_put(item(robot, id, question)?, None)?;
        let audit = self.audit(AuditAction::QuestionCreated, robot, id, [])?;
        self.0.write_questions(robot, vec![put], audit).await
    }

    /// Replaces a question that is still as it was read. [`StoreError::Conflict`] when another editor has changed or
    /// deleted it, [`StoreError::NotFound`] when there is no such robot.
    pub async fn change_question<T, U: Serialize>(
        &self,
        robot: &str,
        id: &str,
        seen: &StoredQuestion<T>,
        question: &U,
    ) -> Result<()> {
        let put = self.0.question_put(item(robot, id, question)?, Some(s(&seen.data)))?;
        let old: Value = serde_json::from_str(&seen.data).unwrap_or_default();
        let new = serde_json::to_value(question).unwrap_or_default();
        let audit = self.audit(AuditAction::QuestionChanged, robot, id, changed_fields(&old, &new))?;
        self.0.write_questions(robot, vec![put], audit).await
    }

    /// Replaces all questions of a robot; those that stay as they are are not written. At most 98 writes are one transaction,
    /// so after an error some may be written, and the caller repeats the whole. Pauses between the transactions, so that the
    /// robot's partition is not throttled: 1000 questions of 1 kB take three seconds. [`StoreError::Conflict`] when another
    /// editor has changed one of the questions meanwhile, [`StoreError::NotFound`] when there is no such robot.
    pub async fn replace_questions<T: Serialize>(&self, robot: &str, questions: &[(String, T)]) -> Result<()> {
        let subject = AuditSubject::new(AuditSubjectKind::Robot, robot);
        let detail = AuditDetail { count: Some(questions.len() as u64), ..AuditDetail::default() };
        let audit = self.0.audit_of_change(AuditAction::QuestionsReplaced, subject, detail)?;
        self.write_all_questions(robot, questions, audit).await
    }

    /// Deletes all questions of a robot that is deleted next; the audit log has an entry about the robot only. Fails as
    /// [`replace_questions`](Self::replace_questions) does.
    pub async fn delete_questions(&self, robot: &str) -> Result<()> {
        self.write_all_questions::<Value>(robot, &[], None).await
    }

    async fn write_all_questions<T: Serialize>(
        &self,
        robot: &str,
        questions: &[(String, T)],
        mut audit: Option<TransactWriteItem>,
    ) -> Result<()> {
        let pk = keys::record(Kind::Robot.as_str(), robot);
        let key = |item: &Attributes| item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
        let had = self.0.partition(pk, keys::QUESTION_PREFIX, i32::MAX).await?;
        let mut had: HashMap<String, Attributes> = had.into_iter().map(|item| (key(&item), item)).collect();
        let mut writes = Vec::new();
        for (id, question) in questions {
            let item = item(robot, id, question)?;
            let seen = had.remove(&key(&item));
            if seen.as_ref() != Some(&item) {
                let units = units(&item).max(seen.as_ref().map_or(0, units));
                let write = self.0.question_put(item, seen.and_then(|mut seen| seen.remove("data")))?;
                writes.push(QuestionWrite { units, write });
            }
        }
        for (sk, mut seen) in had {
            let units = units(&seen);
            let delete = self.0.question_delete(robot, &sk);
            let delete = match seen.remove("data") {
                Some(data) => delete
                    .condition_expression(UNCHANGED)
                    .expression_attribute_names("#data", "data")
                    .expression_attribute_values(":seen", data),
                None => delete,
            };
            writes.push(QuestionWrite {
                units,
                write: TransactWriteItem::builder().delete(built(delete.build())?).build(),
            });
        }
        let mut pause = Duration::ZERO;
        for chunk in chunks(writes) {
            if !pause.is_zero() {
                self.0.backoff().pause_for(pause).await;
            }
            pause = Duration::from_secs(1) * chunk.iter().map(|write| write.units).sum() / UNITS_PER_SECOND;
            // The entry is written with the first change: from then on the questions are being replaced.
            let writes = chunk.into_iter().map(|write| write.write).collect();
            self.0.write_questions(robot, writes, audit.take()).await?;
        }
        Ok(())
    }

    /// Deletes a question; `false` when there is none.
    pub async fn delete_question(&self, robot: &str, id: &str) -> Result<bool> {
        let delete = self.0.question_delete(robot, &keys::question(id)).condition_expression("attribute_exists(pk)");
        let delete = TransactWriteItem::builder().delete(built(delete.build())?).build();
        let mut writes = vec![delete, self.0.touch_write(Kind::Robot, robot)?];
        writes.extend(self.audit(AuditAction::QuestionDeleted, robot, id, [])?);
        match self.0.transact(writes).await? {
            None => Ok(true),
            Some(0) => Ok(false),
            Some(_) => Err(StoreError::NotFound(Kind::Robot.as_str())),
        }
    }

    fn audit(
        &self,
        action: AuditAction,
        robot: &str,
        id: &str,
        fields: impl IntoIterator<Item = String>,
    ) -> Result<Option<TransactWriteItem>> {
        let detail = AuditDetail { robot_id: Some(robot.to_owned()), ..AuditDetail::of_fields(fields) };
        self.0.audit_of_change(action, AuditSubject::new(AuditSubjectKind::Question, id), detail)
    }
}

impl SettingsReader {
    /// How many questions a robot has.
    pub async fn count_questions(&self, robot: &str) -> Result<usize> {
        let (mut count, mut from) = (0, None);
        loop {
            let query = self
                .0
                .client
                .query()
                .table_name(&self.0.name)
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":pk", s(keys::record(Kind::Robot.as_str(), robot)))
                .expression_attribute_values(":prefix", s(keys::QUESTION_PREFIX))
                .select(Select::Count)
                .set_exclusive_start_key(from);
            let answer = query.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
            count += usize::try_from(answer.count).unwrap_or(0);
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(count);
            }
        }
    }

    /// One question, as [`SettingsWriter::change_question`] takes it.
    pub async fn question<T: DeserializeOwned>(&self, robot: &str, id: &str) -> Result<Option<StoredQuestion<T>>> {
        let item = self.0.get(keys::record(Kind::Robot.as_str(), robot), &keys::question(id), true).await?;
        let stored = |item: &Attributes| {
            let data = Read { kind: keys::QUESTION, item }.owned("data")?;
            Ok(StoredQuestion { question: read(item)?, data })
        };
        item.as_ref().map(stored).transpose()
    }

    /// A robot's questions, by page.
    pub async fn questions<T: DeserializeOwned>(
        &self,
        robot: &str,
        cursor: Option<&str>,
        limit: i32,
    ) -> Result<Page<T>> {
        let pk = keys::record(Kind::Robot.as_str(), robot);
        let page = self.0.page(pk, keys::QUESTION_PREFIX, cursor, limit).await?;
        Ok(Page { items: page.items.iter().map(read).collect::<Result<_>>()?, cursor: page.cursor })
    }

    /// All questions of a robot, up to [`QUESTIONS_MAX`].
    pub async fn knowledge<T: DeserializeOwned>(&self, robot: &str) -> Result<Vec<T>> {
        let pk = keys::record(Kind::Robot.as_str(), robot);
        let items = self.0.partition(pk, keys::QUESTION_PREFIX, QUESTIONS_MAX).await?;
        items.iter().map(read).collect()
    }
}

impl Table {
    /// Puts a question that is new, or in place of one whose data is still `seen`.
    fn question_put(&self, item: Attributes, seen: Option<AttributeValue>) -> Result<TransactWriteItem> {
        let put = Put::builder().table_name(&self.name).set_item(Some(item));
        let put = match seen {
            Some(seen) => put
                .condition_expression(UNCHANGED)
                .expression_attribute_names("#data", "data")
                .expression_attribute_values(":seen", seen),
            None => put.condition_expression("attribute_not_exists(pk)"),
        };
        Ok(TransactWriteItem::builder().put(built(put.build())?).build())
    }

    fn question_delete(&self, robot: &str, sk: &str) -> aws_sdk_dynamodb::types::builders::DeleteBuilder {
        let delete = Delete::builder().table_name(&self.name);
        delete.key("pk", s(keys::record(Kind::Robot.as_str(), robot))).key("sk", s(sk))
    }

    /// Writes questions and counts the change with the robot in one transaction: a function that has the robot in memory
    /// must not miss it.
    async fn write_questions(
        &self,
        robot: &str,
        mut writes: Vec<TransactWriteItem>,
        audit: Option<TransactWriteItem>,
    ) -> Result<()> {
        let touch = writes.len();
        writes.push(self.touch_write(Kind::Robot, robot)?);
        writes.extend(audit);
        match self.transact(writes).await? {
            None => Ok(()),
            Some(place) if place == touch => Err(StoreError::NotFound(Kind::Robot.as_str())),
            Some(_) => Err(StoreError::Conflict),
        }
    }
}

/// A write of a question, with the write units that it takes in a transaction.
struct QuestionWrite {
    units: u32,
    write: TransactWriteItem,
}

/// Two units for each kilobyte (DynamoDB, "Read and write operations": transactional writes).
fn units(item: &Attributes) -> u32 {
    let size = |value: &AttributeValue| value.as_s().map_or(0, String::len);
    let bytes: usize = item.iter().map(|(name, value)| name.len() + size(value)).sum();
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX / 2) * 2
}

/// The writes in their order, as many together as one transaction takes.
fn chunks(writes: Vec<QuestionWrite>) -> Vec<Vec<QuestionWrite>> {
    let mut chunks: Vec<Vec<QuestionWrite>> = Vec::new();
    let mut units = 0;
    for write in writes {
        units += write.units;
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < AT_ONCE && units <= UNITS_AT_ONCE => chunk.push(write),
            _ => {
                units = write.units;
                chunks.push(vec![write]);
            }
        }
    }
    chunks
}

fn item(robot: &str, id: &str, question: &impl Serialize) -> Result<Attributes> {
    let item = Build::new(keys::QUESTION, keys::record(Kind::Robot.as_str(), robot), keys::question(id));
    Ok(item.set("id", s(id)).data(question)?.done())
}

fn read<T: DeserializeOwned>(item: &Attributes) -> Result<T> {
    Read { kind: keys::QUESTION, item }.data()
}
