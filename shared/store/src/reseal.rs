//! Sealing again: after a rotation of the secret, everything that is sealed under an older version is sealed under the current
//! one, so that older versions may go.
//!
//! The tick pages through the bindings, the robots and the keys of frames. How far it has come is one item, so that a tick goes on where the one
//! before stopped, and a tick with nothing to do reads that item only.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Result, StoreError},
    frames,
    handles::Resealing,
    item::{AttributeChanges, Attributes, Build, Read, bytes, n, s},
    keys, push_credentials, record,
    resource::Kind,
    table::SERVICE,
    token,
    transaction::built,
    vault::{RECHECK, Sealed, Vault},
};

/// How long after a new version was seen sealing again begins. By then no function seals under the version before (they read
/// the current version again every [`RECHECK`] and run for a minute at most), and after an upgrade of Kefu all functions know
/// the format. So one pass finds everything.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_secs(RECHECK.as_secs() + 300);

/// Items of one page, and pages of one tick.
const PAGE: i32 = 25;
const PAGES_MAX: u32 = 8;

/// The attributes of a binding that are sealed.
const CREDENTIALS: [&str; 5] =
    ["session_from_secret", "app_secret", "token", "encoding_aes_key", "previous_encoding_aes_key"];

/// What a tick has sealed again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ResealReport {
    /// Values that were sealed again.
    pub resealed: u32,
    /// Values that no version of the secret opens. They are left as they are; an access token is renewed.
    pub unreadable: u32,
    /// Items that failed. A later pass takes them up.
    pub failed: u32,
}

/// What is paged through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum List {
    Bindings,
    Robots,
    FrameKeys,
}

/// How far sealing again has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Progress {
    /// The key that everything is sealed under.
    key: String,
    /// When this key was first seen.
    since: Timestamp,
    /// What is being paged through; nothing when all is done.
    list: Option<List>,
    cursor: Option<String>,
    /// Items of this pass that failed.
    failed: u32,
}

impl Progress {
    fn new(key: String, since: Timestamp) -> Self {
        Self { key, since, list: Some(List::Bindings), cursor: None, failed: 0 }
    }

    /// Goes on to the next page, the next list, or the next pass if an item of this one failed.
    fn advance(&mut self, cursor: Option<String>) {
        if cursor.is_none() {
            self.list = match self.list {
                Some(List::Bindings) => Some(List::Robots),
                Some(List::Robots) => Some(List::FrameKeys),
                _ if self.failed > 0 => Some(List::Bindings),
                _ => None,
            };
            if !matches!(self.list, Some(List::Robots | List::FrameKeys)) {
                self.failed = 0;
            }
        }
        self.cursor = cursor;
    }
}

impl Resealing {
    /// Goes on with sealing again: at most 200 bindings, robots or keys of frames. Does nothing when all is done.
    pub async fn reseal(&self, vault: &Vault) -> Result<ResealReport> {
        let mut report = ResealReport::default();
        let key = vault.current_id().await?;
        let now = self.0.clock.now();
        let (mut progress, mut version) = match self.progress().await? {
            Some((progress, version)) if progress.key == key => (progress, version),
            other => {
                let seen = other.map_or(0, |(_, version)| version);
                self.save(&Progress::new(key, now), seen).await?;
                return Ok(report);
            }
        };
        if now < progress.since + SETTLED_AFTER {
            return Ok(report);
        }
        for _ in 0..PAGES_MAX {
            let Some(list) = progress.list else { break };
            let failed = report.failed;
            let cursor = self.reseal_page(vault, list, progress.cursor.as_deref(), &mut report).await?;
            progress.failed += report.failed - failed;
            progress.advance(cursor);
            if !self.save(&progress, version).await? {
                break; // Another tick is at it.
            }
            version += 1;
            if progress.list == Some(List::Bindings) && progress.cursor.is_none() {
                break; // What failed is due again at the next tick.
            }
        }
        Ok(report)
    }

    async fn progress(&self) -> Result<Option<(Progress, u64)>> {
        let item = self.0.get(keys::VAULT.to_owned(), keys::RESEAL, true).await?;
        let Some(item) = item else { return Ok(None) };
        let read = Read { kind: keys::RESEAL, item: &item };
        Ok(Some((read.data()?, read.opt_n("version")?.unwrap_or(0))))
    }

    /// Saves the progress if it is still at the version that was read. `false` when it is not.
    async fn save(&self, progress: &Progress, seen: u64) -> Result<bool> {
        let item = Build::new(keys::RESEAL, keys::VAULT.to_owned(), keys::RESEAL)
            .set("version", n(seen + 1))
            .data(progress)?
            .done();
        let put = self.0.client.put_item().table_name(&self.0.name).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk) OR version = :seen");
        match put.expression_attribute_values(":seen", n(seen)).send().await {
            Ok(_) => Ok(true),
            Err(error) => match StoreError::from_sdk(SERVICE, &error) {
                StoreError::Conflict => Ok(false),
                error => Err(error),
            },
        }
    }

    /// Seals a page again. Returns where the next one begins.
    async fn reseal_page(
        &self,
        vault: &Vault,
        list: List,
        cursor: Option<&str>,
        report: &mut ResealReport,
    ) -> Result<Option<String>> {
        let (items, cursor) = self.sealed_items(list, cursor).await?;
        for item in items {
            if let Err(error) = self.reseal_item(vault, &item, report).await {
                let pk = item.get("pk").and_then(|pk| pk.as_s().ok());
                tracing::error!(%error, pk, "sealed values were not sealed again");
                // A pass cannot mend what is unreadable.
                if !matches!(error, StoreError::Corrupt { .. }) {
                    report.failed += 1;
                }
            }
        }
        Ok(cursor)
    }

    /// A page of items with sealed values. The keys of frames are few: all are one page.
    async fn sealed_items(&self, list: List, cursor: Option<&str>) -> Result<(Vec<Attributes>, Option<String>)> {
        let of = match list {
            List::Bindings => keys::LIST_BINDINGS.to_owned(),
            List::Robots => Kind::Robot.list(),
            List::FrameKeys => return Ok((self.0.partition(keys::FRAME_KEYS.to_owned(), "", i32::MAX).await?, None)),
        };
        let (mut found, cursor) = self.0.list_keys(&of, cursor, PAGE).await?;
        if list == List::Bindings {
            found.extend(found.clone().into_iter().map(|(pk, _)| (pk, keys::TOKEN.to_owned())));
        }
        Ok((self.0.get_all_consistent(&found).await?, cursor))
    }

    async fn reseal_item(&self, vault: &Vault, item: &Attributes, report: &mut ResealReport) -> Result<()> {
        let read = Read { kind: keys::RESEAL, item };
        let pk = read.s("pk")?;
        let app_id = pk.strip_prefix(keys::binding("").as_str()).unwrap_or_default();
        let places: Vec<(&'static str, String)> = match read.s("sk")? {
            keys::BINDING => CREDENTIALS.map(|name| (name, push_credentials::place(app_id, name))).into(),
            keys::TOKEN => vec![("value", token::place(app_id))],
            id if pk == keys::FRAME_KEYS => vec![("secret", frames::place(id))],
            _ => vec![("secret", record::place(Kind::Robot, read.s("id")?))],
        };
        let mut changes = AttributeChanges::default();
        for (attribute, place) in places {
            let Some(blob) = read.opt_bytes(attribute)? else { continue };
            match vault.reseal(&Sealed { blob, place }).await {
                Ok(Some(blob)) => changes.set(attribute, bytes(blob)),
                Ok(None) => {}
                Err(StoreError::Sealed) => {
                    tracing::error!(pk, attribute, "a sealed value cannot be opened with any version of the secret");
                    report.unreadable += 1;
                    if read.s("sk")? == keys::TOKEN {
                        self.drop_token(item).await?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        self.write(app_id, item, &changes).await?;
        report.resealed += u32::try_from(changes.len()).unwrap_or(u32::MAX);
        Ok(())
    }

    /// Replaces sealed values that are still as they were read. Increments the version, so that a concurrent editor of the
    /// settings gets a conflict. The version of a token stays, because it counts renewals. A binding is written together with
    /// the copy of its push credentials.
    async fn write(&self, app_id: &str, item: &Attributes, changes: &AttributeChanges) -> Result<()> {
        let is = |sk: &str| item.get("sk") == Some(&s(sk));
        let count = if is(keys::TOKEN) { "" } else { "ADD version :one" };
        let seen: Vec<_> = changes.set_names().map(|name| (name, format!(":seen_{name}"))).collect();
        let conditions: Vec<_> = seen.iter().map(|(name, value)| format!("#{name} = {value}")).collect();
        let mut update = Update::builder()
            .table_name(&self.0.name)
            .set_key(Some(key(item)))
            .update_expression(changes.expression() + count)
            .condition_expression(conditions.join(" AND "))
            .set_expression_attribute_names(Some(changes.names()))
            .set_expression_attribute_values(Some(changes.values()));
        for (name, value) in seen {
            update = update.expression_attribute_values(value, item.get(name).cloned().unwrap_or_else(|| s("")));
        }
        if !count.is_empty() {
            update = update.expression_attribute_values(":one", n(1));
        }
        let mut writes = vec![TransactWriteItem::builder().update(built(update.build())?).build()];
        if is(keys::BINDING) {
            let mut binding = item.clone();
            changes.apply(&mut binding);
            writes.push(self.0.binding_writer().put_push_credentials(app_id, &binding)?);
        }
        self.0.write_together(writes).await
    }

    /// Drops a token that cannot be opened, so that the schedule renews it at once.
    async fn drop_token(&self, item: &Attributes) -> Result<()> {
        let now = keys::instant(self.0.clock.now());
        let update = self.0.client.update_item().table_name(&self.0.name).set_key(Some(key(item)));
        let update = update
            .update_expression("SET due_pk = :due, due_sk = :now REMOVE #value")
            .condition_expression("#value = :seen")
            .expression_attribute_names("#value", "value")
            .expression_attribute_values(":due", s(keys::DUE_TOKENS))
            .expression_attribute_values(":now", s(now))
            .expression_attribute_values(":seen", item.get("value").cloned().unwrap_or_else(|| s("")));
        match update.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn key(item: &Attributes) -> std::collections::HashMap<String, AttributeValue> {
    ["pk", "sk"].into_iter().filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect()
}
