//! What a robot knows: its questions and answers, one item each.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, Put, Select, TransactWriteItem};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{Result, StoreError},
    inbox::{built, cancelled_at},
    item::{Attributes, Build, Read, s},
    keys,
    record::Kind,
    table::{Page, SERVICE, Table},
};

/// How many questions a robot may have: they are searched in memory, by a function with 256 MB.
pub const QUESTIONS_MAX: i32 = 1000;

/// Writes of one transaction, less the one that counts the change (DynamoDB, "TransactWriteItems": 100).
const AT_ONCE: usize = 99;

/// A fresh id. Ids sort in the order in which they were made.
pub fn fresh_question_id() -> String {
    format!("q{}", uuid::Uuid::now_v7().simple())
}

impl Table {
    /// Keeps a question of a robot's, or another in its place, and counts the change at once: whoever has the robot in
    /// memory must not miss it. [`StoreError::NotFound`] when there is no such robot.
    pub async fn put_question<T: Serialize>(&self, robot: &str, id: &str, question: &T) -> Result<()> {
        let put = self.question_put(item(robot, id, question)?)?;
        self.known(robot, vec![put]).await.map(drop)
    }

    /// Puts these questions in place of all that a robot has; those that stay as they are cost nothing. Each hundred is
    /// one transaction: whoever is stopped in between repeats the whole. [`StoreError::NotFound`] when there is no
    /// such robot.
    pub async fn replace_questions<T: Serialize>(&self, robot: &str, questions: &[(String, T)]) -> Result<()> {
        let pk = keys::record(Kind::Robot.as_str(), robot);
        let key = |item: &Attributes| item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
        let had = self.partition(pk, keys::QUESTION_PREFIX, i32::MAX).await?;
        let mut had: HashMap<String, Attributes> = had.into_iter().map(|item| (key(&item), item)).collect();
        let mut writes = Vec::new();
        for (id, question) in questions {
            let item = item(robot, id, question)?;
            if had.remove(&key(&item)).as_ref() != Some(&item) {
                writes.push(self.question_put(item)?);
            }
        }
        for sk in had.keys() {
            writes.push(TransactWriteItem::builder().delete(built(self.question_delete(robot, sk).build())?).build());
        }
        for writes in writes.chunks(AT_ONCE) {
            self.known(robot, writes.to_vec()).await?;
        }
        Ok(())
    }

    /// How many questions a robot has.
    pub async fn count_questions(&self, robot: &str) -> Result<usize> {
        let (mut count, mut from) = (0, None);
        loop {
            let query = self
                .client
                .query()
                .table_name(&self.name)
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

    fn question_put(&self, item: Attributes) -> Result<TransactWriteItem> {
        let put = Put::builder().table_name(&self.name).set_item(Some(item));
        Ok(TransactWriteItem::builder().put(built(put.build())?).build())
    }

    fn question_delete(&self, robot: &str, sk: &str) -> aws_sdk_dynamodb::types::builders::DeleteBuilder {
        let delete = Delete::builder().table_name(&self.name);
        delete.key("pk", s(keys::record(Kind::Robot.as_str(), robot))).key("sk", s(sk))
    }

    /// One question.
    pub async fn question<T: DeserializeOwned>(&self, robot: &str, id: &str) -> Result<Option<T>> {
        let item = self.get(keys::record(Kind::Robot.as_str(), robot), &keys::question(id), true).await?;
        item.as_ref().map(read).transpose()
    }

    /// Takes a question away and counts the change; `false` when there was none. [`StoreError::NotFound`] when there is
    /// no such robot.
    pub async fn delete_question(&self, robot: &str, id: &str) -> Result<bool> {
        let delete = self.question_delete(robot, &keys::question(id)).condition_expression("attribute_exists(pk)");
        self.known(robot, vec![TransactWriteItem::builder().delete(built(delete.build())?).build()]).await
    }

    /// Changes what a robot knows; `false` when the first change's own condition did not hold.
    async fn known(&self, robot: &str, mut writes: Vec<TransactWriteItem>) -> Result<bool> {
        writes.push(self.touch_write(Kind::Robot, robot)?);
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(true),
            Err(error) => match cancelled_at(&error) {
                Some(0) => Ok(false),
                Some(usize::MAX) => Err(StoreError::Conflict),
                Some(_) => Err(StoreError::NotFound(Kind::Robot.as_str())),
                None => Err(StoreError::from_sdk(SERVICE, &error)),
            },
        }
    }

    /// A robot's questions, by page.
    pub async fn questions<T: DeserializeOwned>(
        &self,
        robot: &str,
        cursor: Option<&str>,
        limit: i32,
    ) -> Result<Page<T>> {
        let pk = keys::record(Kind::Robot.as_str(), robot);
        let page = self.page(pk, keys::QUESTION_PREFIX, cursor, limit).await?;
        Ok(Page { items: page.items.iter().map(read).collect::<Result<_>>()?, cursor: page.cursor })
    }

    /// All that a robot knows, up to [`QUESTIONS_MAX`] questions.
    pub async fn knowledge<T: DeserializeOwned>(&self, robot: &str) -> Result<Vec<T>> {
        let pk = keys::record(Kind::Robot.as_str(), robot);
        let items = self.partition(pk, keys::QUESTION_PREFIX, QUESTIONS_MAX).await?;
        items.iter().map(read).collect()
    }
}

fn item(robot: &str, id: &str, question: &impl Serialize) -> Result<Attributes> {
    let item = Build::new(keys::QUESTION, keys::record(Kind::Robot.as_str(), robot), keys::question(id));
    Ok(item.set("id", s(id)).data(question)?.done())
}

fn read<T: DeserializeOwned>(item: &Attributes) -> Result<T> {
    Read { kind: keys::QUESTION, item }.data()
}
