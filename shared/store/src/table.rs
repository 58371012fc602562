//! The handle on the table and the reads that the other modules share.

mod pages;

use std::sync::Arc;

use aws_sdk_dynamodb::{
    Client, Config,
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, KeysAndAttributes},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    audit::AuditActor,
    clock::SharedClock,
    error::{Cause, Result, StoreError},
    item::{Attributes, s},
    keys,
    objects::Objects,
    retention::Retention,
    retry::Backoff,
    transaction::UnwrittenRequests,
};

pub(crate) const SERVICE: &str = "DynamoDB";

/// Keys of one `BatchGetItem` (API reference: 100).
const BATCH_MAX: usize = 100;
/// How often a batch is read until all its keys are processed: about 2 seconds with the longest pauses.
const BATCH_ATTEMPTS: u32 = 6;
/// How long an unreadable item is postponed.
const UNREADABLE: SignedDuration = SignedDuration::from_hours(1);

/// The one table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
    pub(crate) clock: SharedClock,
    pub(crate) retention: Retention,
    /// The person whose changes this handle makes; see [`SettingsWriter::by`](crate::SettingsWriter::by).
    pub(crate) actor: Option<Arc<AuditActor>>,
    objects: Option<Objects>,
    backoff: Backoff,
}

/// How current a read is (DynamoDB developer guide, "DynamoDB read consistency").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadConsistency {
    /// It may miss writes of the last moment, and costs half as much.
    Eventual,
    /// It has every write that succeeded before it.
    Strong,
}

/// One page of a list. `cursor` asks for the next page; it is absent on the last.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Page<T> {
    /// The items, in the order that the list promises.
    pub items: Vec<T>,
    /// Where the next page begins.
    pub cursor: Option<String>,
}

/// A key that the index `due` holds.
pub(crate) struct IndexedKey {
    pub(crate) pk: String,
    pub(crate) sk: String,
    /// When it is due, as its sort key in the index.
    pub(crate) due: String,
}

impl Table {
    /// The table with this name, and a client of its own with this configuration. Writes that conflict with a running transaction
    /// and throttled transactions are repeated as often as its retry configuration allows.
    #[expect(clippy::needless_pass_by_value, reason = "a caller has no other use for its configuration")]
    pub fn new(config: Config, name: impl Into<String>, clock: SharedClock) -> Self {
        let config = config.to_builder().retry_classifier(UnwrittenRequests).build();
        Self {
            client: Client::from_conf(config),
            name: name.into(),
            clock,
            retention: Retention::default(),
            actor: None,
            objects: None,
            backoff: Backoff::default(),
        }
    }

    /// The same table whose items are kept for these periods.
    #[must_use]
    pub fn with_retention(self, retention: Retention) -> Self {
        Self { retention, ..self }
    }

    /// The same table with the bucket of pictures.
    #[must_use]
    pub fn with_objects(self, objects: Objects) -> Self {
        Self { objects: Some(objects), ..self }
    }

    /// The bucket of pictures, which a function has that keeps or erases pictures.
    pub(crate) fn objects(&self) -> Result<&Objects> {
        self.objects.as_ref().ok_or(StoreError::Internal("the function has no bucket of pictures"))
    }

    /// The same table for what a person changes.
    pub(crate) fn acting(&self, actor: Arc<AuditActor>) -> Self {
        Self { actor: Some(actor), ..self.clone() }
    }

    /// The same table with other pauses between the attempts of a read-decide-write cycle.
    #[must_use]
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// The pauses between the attempts of a read-decide-write cycle.
    pub fn backoff(&self) -> &Backoff {
        &self.backoff
    }

    /// The clock that this table stamps its items with.
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// Opens the connection to DynamoDB by reading an item that does not exist, so that the first event finds
    /// name resolution, TCP and TLS done.
    pub async fn prime(&self, key_like: &str) -> Result<()> {
        self.get(key_like.to_owned(), "prime", false).await.map(drop)
    }

    pub(crate) async fn get(&self, pk: String, sk: &str, consistent: bool) -> Result<Option<Attributes>> {
        let request = self.client.get_item().table_name(&self.name).key("pk", s(pk)).key("sk", s(sk));
        let answer = request.consistent_read(consistent).send().await;
        answer.map(|found| found.item).map_err(|error| StoreError::from_sdk(SERVICE, &error))
    }

    /// Writes a new item; [`StoreError::Conflict`] when another one is.
    pub(crate) async fn create(&self, item: Attributes) -> Result<()> {
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item.clone()));
        let answer = put.condition_expression("attribute_not_exists(pk)").send().await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            // The answer to the first try of this very call may have been lost.
            Err(StoreError::Conflict) if self.is_stored(&item).await? => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Whether the stored item is exactly this one. After a refused condition this means that the refused write is the
    /// repetition of one that succeeded and whose answer was lost.
    pub(crate) async fn is_stored(&self, item: &Attributes) -> Result<bool> {
        let key = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
        Ok(self.get(key("pk"), &key("sk"), true).await?.as_ref() == Some(item))
    }

    fn beginning_with(&self, pk: &str, prefix: &str) -> QueryFluentBuilder {
        self.between(pk, if prefix.is_empty() { " " } else { prefix }, &format!("{prefix}~"))
    }

    pub(crate) fn between(&self, pk: &str, from: &str, to: &str) -> QueryFluentBuilder {
        let query = self.client.query().table_name(&self.name).consistent_read(true);
        query
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", s(pk))
            .expression_attribute_values(":from", s(from))
            .expression_attribute_values(":to", s(to))
    }

    /// The items of a partition whose sort key begins with `prefix`, at most `limit`.
    pub(crate) async fn partition(&self, pk: String, prefix: &str, limit: i32) -> Result<Vec<Attributes>> {
        read_all(&self.beginning_with(&pk, prefix), limit).await
    }

    /// The items of a partition whose sort key is `from`, `to` or between them.
    pub(crate) async fn range(&self, pk: &str, from: &str, to: &str) -> Result<Vec<Attributes>> {
        read_all(&self.between(pk, from, to), i32::MAX).await
    }

    /// Reads items by key, each once, in the order of the keys; missing ones are left out.
    pub(crate) async fn get_all(&self, keys: &[(String, String)]) -> Result<Vec<Attributes>> {
        self.get_many(keys, false).await
    }

    /// The same, with consistent reads.
    pub(crate) async fn get_all_consistent(&self, keys: &[(String, String)]) -> Result<Vec<Attributes>> {
        self.get_many(keys, true).await
    }

    pub(crate) async fn get_many(&self, keys: &[(String, String)], consistent: bool) -> Result<Vec<Attributes>> {
        let mut found = Vec::with_capacity(keys.len());
        // DynamoDB refuses a batch that names a key twice.
        let mut once: Vec<_> = keys.iter().collect();
        once.sort_unstable();
        once.dedup();
        for chunk in once.chunks(BATCH_MAX) {
            let key =
                |(pk, sk): &&(String, String)| Attributes::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))]);
            found.extend(self.get_batch(chunk.iter().map(key).collect(), consistent).await?);
        }
        let place = |item: &Attributes| {
            let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
            keys.iter().position(|(pk, sk)| *pk == text("pk") && *sk == text("sk"))
        };
        found.sort_by_key(place);
        Ok(found)
    }

    /// Reads one batch. Keys that DynamoDB leaves unprocessed, because the table is throttled or the answer is larger than
    /// 16 MB, are read again after a pause (API reference, `BatchGetItem`).
    async fn get_batch(&self, mut keys: Vec<Attributes>, consistent: bool) -> Result<Vec<Attributes>> {
        let mut found = Vec::with_capacity(keys.len());
        for attempt in 1..=BATCH_ATTEMPTS {
            let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(consistent).build();
            let wanted = wanted.map_err(|_| StoreError::Internal("a batch has no keys"))?;
            let answer = self.client.batch_get_item().request_items(&self.name, wanted).send().await;
            let answer = answer.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
            found.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
            let left = answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.name));
            keys = left.map(|left| left.keys).unwrap_or_default();
            if keys.is_empty() {
                return Ok(found);
            }
            self.backoff.pause_throttled(attempt).await;
        }
        Err(StoreError::Unavailable {
            service: SERVICE,
            code: "UnprocessedKeys".to_owned(),
            cause: Cause::new("keys of a batch stayed unprocessed"),
        })
    }

    /// One page of the `lists` index: the keys of the items, and where the next page begins.
    pub(crate) async fn list_keys(
        &self,
        list: &str,
        cursor: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<(String, String)>, Option<String>)> {
        let mut query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name("lists")
            .key_condition_expression("lists_pk = :list")
            .expression_attribute_values(":list", s(list))
            .limit(limit);
        if let Some(cursor) = cursor {
            let from = crate::keys::from_cursor(cursor)?;
            let [pk, sk, lists_sk] = from.split('\n').collect::<Vec<_>>()[..] else {
                return Err(StoreError::Cursor);
            };
            if [pk, sk, lists_sk].contains(&"") {
                return Err(StoreError::Cursor);
            }
            query = query
                .exclusive_start_key("pk", s(pk))
                .exclusive_start_key("sk", s(sk))
                .exclusive_start_key("lists_pk", s(list))
                .exclusive_start_key("lists_sk", s(lists_sk));
        }
        let answer = query.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        let text = |item: &Attributes, name: &str| {
            item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
        };
        let next = answer.last_evaluated_key.map(|last| {
            crate::keys::cursor(&[text(&last, "pk"), text(&last, "sk"), text(&last, "lists_sk")].join("\n"))
        });
        let items = answer.items.unwrap_or_default();
        Ok((items.iter().map(|item| (text(item, "pk"), text(item, "sk"))).collect(), next))
    }

    /// Postpones a due item that this version cannot read by [`UNREADABLE`].
    pub(crate) async fn postpone_unreadable(&self, pk: String, sk: &str) -> Result<()> {
        let later = keys::instant(self.clock.now() + UNREADABLE);
        let update = self.client.update_item().table_name(&self.name).key("pk", s(pk)).key("sk", s(sk));
        let update = update.update_expression("SET due_sk = :later").condition_expression("attribute_exists(due_pk)");
        match update.expression_attribute_values(":later", s(later)).send().await {
            Ok(_) => Ok(()),
            Err(error) => match StoreError::from_sdk(SERVICE, &error) {
                StoreError::Conflict | StoreError::TransactionConflict => Ok(()),
                error => Err(error),
            },
        }
    }

    /// The keys of what is due in one partition of the `due` index, the most overdue first; without a limit, as many as one
    /// query returns.
    pub(crate) async fn due_keys(&self, due: &str, until: Timestamp, limit: Option<i32>) -> Result<Vec<IndexedKey>> {
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .index_name("due")
            .key_condition_expression("due_pk = :due AND due_sk <= :until")
            .expression_attribute_values(":due", s(due))
            .expression_attribute_values(":until", s(keys::due_until(until)))
            .set_limit(limit)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        let items = answer.items.unwrap_or_default();
        let key = |mut item: Attributes| match (item.remove("pk"), item.remove("sk"), item.remove("due_sk")) {
            (Some(AttributeValue::S(pk)), Some(AttributeValue::S(sk)), Some(AttributeValue::S(due))) => {
                Some(IndexedKey { pk, sk, due })
            }
            _ => None,
        };
        Ok(items.into_iter().filter_map(key).collect())
    }
}

/// What a query finds, at most `limit` items.
async fn read_all(query: &QueryFluentBuilder, limit: i32) -> Result<Vec<Attributes>> {
    let mut items = Vec::new();
    let mut from = None;
    let limit = usize::try_from(limit).unwrap_or(0);
    while items.len() < limit {
        let rest = i32::try_from(limit - items.len()).unwrap_or(i32::MAX);
        let answer = query.clone().limit(rest).set_exclusive_start_key(from).send().await;
        let answer = answer.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        items.extend(answer.items.unwrap_or_default());
        from = answer.last_evaluated_key;
        if from.is_none() {
            break;
        }
    }
    Ok(items)
}
