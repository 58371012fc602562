//! The resources that admins set up: groups, agents, merchants, robots, calendars. All are stored alike: settings, a version,
//! and aliases.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    audit::{AuditDetail, AuditSubject, ResourceChange},
    error::{Result, StoreError},
    handles::{Lists, SettingsReader, SettingsWriter},
    item::{Attributes, Build, Read, at, bytes, json, n, s, shown_name},
    keys,
    resource::{Kind, Resource},
    table::{Page, Table},
    transaction::built,
    vault::{Sealed, Vault},
};

/// The longest alias, in bytes: 100 characters of any script.
const ALIAS_MAX: usize = 400;

/// A stored resource, with settings of its kind or, where only the request names the kind, with settings as JSON.
#[derive(Debug, Clone)]
pub struct Record<T> {
    /// The kind, which never changes.
    pub kind: Kind,
    /// The id, which never changes.
    pub id: String,
    /// The settings.
    pub settings: T,
    /// Its aliases: other names, unique within the kind.
    pub aliases: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts the changes.
    pub version: u64,
    /// A sealed credential, such as the key of a model's API.
    pub secret: Option<Sealed>,
}

/// The result of writing a resource.
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    /// It is stored.
    Now,
    /// One of the aliases belongs to another resource of the kind. Nothing was written.
    AliasTaken,
}

impl SettingsWriter {
    /// Stores a new resource. `secret` is sealed with it. [`StoreError::Conflict`] when the id is taken.
    pub async fn create_record<T: Serialize>(
        &self,
        record: &Record<T>,
        secret: Option<(&Vault, &SecretString)>,
    ) -> Result<Written> {
        let sealed = self.0.sealed(record, secret).await?;
        let also = self.0.audit_of_record(record, ResourceChange::Created, [])?.into_iter().collect();
        self.0.write_record(record, None, &[], sealed, also).await?.ok_or(StoreError::Conflict)
    }

    /// A new resource with a fresh id, not yet stored.
    pub fn new_record<T: Resource>(&self, settings: T, aliases: Vec<String>) -> Record<T> {
        self.fresh_record(T::KIND, settings, aliases)
    }

    /// The same with settings as JSON.
    pub fn new_record_of(&self, kind: Kind, settings: Value, aliases: Vec<String>) -> Record<Value> {
        self.fresh_record(kind, settings, aliases)
    }

    fn fresh_record<T>(&self, kind: Kind, settings: T, aliases: Vec<String>) -> Record<T> {
        let now = self.0.clock.now();
        Record {
            kind,
            id: kind.fresh_id(),
            settings,
            aliases,
            created_at: now,
            updated_at: now,
            version: 0,
            secret: None,
        }
    }

    /// Replaces the settings of a resource that is still as it was read. [`StoreError::Conflict`] when it is not.
    pub async fn change_record<T: Serialize>(
        &self,
        seen: &Record<T>,
        settings: T,
        aliases: Vec<String>,
        secret: Option<(&Vault, &SecretString)>,
    ) -> Result<(Record<T>, Written)> {
        let (record, written) = self.0.change_record_and(seen, settings, aliases, secret, Vec::new()).await?;
        Ok((record, written.ok_or(StoreError::Conflict)?))
    }

    /// Deletes a resource that is still as it was read, with its aliases. [`StoreError::Conflict`] when it is not.
    pub async fn delete_record<T>(&self, seen: &Record<T>) -> Result<()> {
        let mut writes = self.0.delete_writes(seen)?;
        writes.extend(self.0.audit_of_record(seen, ResourceChange::Deleted, [])?);
        self.0.write_together(writes).await
    }
}

impl SettingsReader {
    /// The resource with this id.
    pub async fn record<T: Resource>(&self, id: &str) -> Result<Option<Record<T>>> {
        self.read_record(T::KIND, id).await
    }

    /// The same with settings as JSON.
    pub async fn record_of(&self, kind: Kind, id: &str) -> Result<Option<Record<Value>>> {
        self.read_record(kind, id).await
    }

    async fn read_record<T: DeserializeOwned>(&self, kind: Kind, id: &str) -> Result<Option<Record<T>>> {
        let item = self.0.get(keys::record(kind.as_str(), id), kind.as_str(), true).await?;
        item.as_ref().map(|item| read(kind, item)).transpose()
    }

    /// The id that an id or an alias names. A name longer than any alias is not looked up: it comes from outside, and
    /// DynamoDB refuses a key of more than 2048 bytes.
    pub async fn resolve(&self, kind: Kind, named: &str) -> Result<Option<String>> {
        if named.len() > ALIAS_MAX {
            return Ok(None);
        }
        if kind.is_id(named) && self.0.get(keys::record(kind.as_str(), named), kind.as_str(), true).await?.is_some() {
            return Ok(Some(named.to_owned()));
        }
        let item = self.0.get(keys::alias(kind.as_str(), named), keys::ALIAS, true).await?;
        item.map(|item| Read { kind: keys::ALIAS, item: &item }.owned("id")).transpose()
    }
}

impl Lists {
    /// The resources of a kind, by page, in the order of creation.
    pub async fn records<T: Resource>(&self, cursor: Option<&str>, limit: i32) -> Result<Page<Record<T>>> {
        self.page_of_records(T::KIND, cursor, limit).await
    }

    /// The same with settings as JSON.
    pub async fn records_of(&self, kind: Kind, cursor: Option<&str>, limit: i32) -> Result<Page<Record<Value>>> {
        self.page_of_records(kind, cursor, limit).await
    }

    async fn page_of_records<T: DeserializeOwned>(
        &self,
        kind: Kind,
        cursor: Option<&str>,
        limit: i32,
    ) -> Result<Page<Record<T>>> {
        let (found, cursor) = self.0.list_keys(&kind.list(), cursor, limit).await?;
        let items = self.0.get_all(&found).await?.iter().map(|item| read(kind, item)).collect::<Result<_>>()?;
        Ok(Page { items, cursor })
    }
}

impl Table {
    /// The same together with other writes. The result is `None` when a condition of these does not hold.
    pub(crate) async fn change_record_and<T: Serialize>(
        &self,
        seen: &Record<T>,
        settings: T,
        aliases: Vec<String>,
        secret: Option<(&Vault, &SecretString)>,
        mut also: Vec<TransactWriteItem>,
    ) -> Result<(Record<T>, Option<Written>)> {
        let mut changed = changed_fields(&seen.settings, &settings);
        changed.extend(secret.map(|_| "secret".to_owned()));
        also.extend(self.audit_of_record(seen, ResourceChange::Changed, changed)?);
        let sealed = match self.sealed(seen, secret).await? {
            Some(sealed) => Some(sealed),
            None => seen.secret.as_ref().map(|sealed| sealed.blob.clone()),
        };
        let next = Record {
            kind: seen.kind,
            id: seen.id.clone(),
            settings,
            aliases,
            created_at: seen.created_at,
            updated_at: self.clock.now(),
            version: seen.version + 1,
            secret: sealed.clone().map(|blob| Sealed { blob, place: place(seen.kind, &seen.id) }),
        };
        let written = self.write_record(&next, Some(seen.version), &seen.aliases, sealed, also).await?;
        Ok((next, written))
    }

    /// The entry of the audit log about a change of a resource, if a person makes it.
    pub(crate) fn audit_of_record<T>(
        &self,
        record: &Record<T>,
        change: ResourceChange,
        fields: impl IntoIterator<Item = String>,
    ) -> Result<Option<TransactWriteItem>> {
        let subject = AuditSubject::new(record.kind.audit_subject(), &record.id);
        self.audit_of_change(record.kind.audit_action(change), subject, AuditDetail::of_fields(fields))
    }

    async fn sealed<T>(&self, record: &Record<T>, secret: Option<(&Vault, &SecretString)>) -> Result<Option<Vec<u8>>> {
        match secret {
            Some((vault, secret)) => vault.seal(secret, &place(record.kind, &record.id)).await.map(Some),
            None => Ok(None),
        }
    }

    async fn write_record<T: Serialize>(
        &self,
        record: &Record<T>,
        seen: Option<u64>,
        old_aliases: &[String],
        sealed: Option<Vec<u8>>,
        also: Vec<TransactWriteItem>,
    ) -> Result<Option<Written>> {
        let kind = record.kind;
        let item = Build::new(kind.as_str(), keys::record(kind.as_str(), &record.id), kind.as_str())
            .set("lists_pk", s(kind.list()))
            .set("lists_sk", s(format!("{}#{}", keys::instant(record.created_at), record.id)))
            .set("id", s(&record.id))
            .set("version", n(record.version))
            .set("created_at", at(record.created_at))
            .set("updated_at", at(record.updated_at))
            .set("aliases", json(&record.aliases)?)
            .maybe("secret", sealed.map(bytes))
            .data(&record.settings)?
            .done();
        let put = Put::builder().table_name(&self.name).set_item(Some(item));
        let put = match seen {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(seen) => put.condition_expression("version = :seen").expression_attribute_values(":seen", n(seen)),
        };
        let mut writes = vec![TransactWriteItem::builder().put(built(put.build())?).build()];
        for alias in record.aliases.iter().filter(|alias| !old_aliases.contains(alias)) {
            let item = Build::new(keys::ALIAS, keys::alias(kind.as_str(), alias), keys::ALIAS).set("id", s(&record.id));
            let put = Put::builder()
                .table_name(&self.name)
                .set_item(Some(item.done()))
                .condition_expression("attribute_not_exists(pk) OR id = :id")
                .expression_attribute_values(":id", s(&record.id));
            writes.push(TransactWriteItem::builder().put(built(put.build())?).build());
        }
        for alias in old_aliases.iter().filter(|alias| !record.aliases.contains(alias)) {
            writes.push(self.without_alias(kind, alias)?);
        }
        let own = writes.len();
        writes.extend(also);
        match self.transact(writes).await? {
            None => Ok(Some(Written::Now)),
            Some(0) => Err(StoreError::Conflict),
            Some(place) if place >= own => Ok(None),
            Some(_) => Ok(Some(Written::AliasTaken)),
        }
    }

    fn without_alias(&self, kind: Kind, alias: &str) -> Result<TransactWriteItem> {
        let delete = Delete::builder().table_name(&self.name);
        let delete = delete.key("pk", s(keys::alias(kind.as_str(), alias))).key("sk", s(keys::ALIAS));
        Ok(TransactWriteItem::builder().delete(built(delete.build())?).build())
    }

    /// The writes that take something away.
    pub(crate) fn delete_writes<T>(&self, seen: &Record<T>) -> Result<Vec<TransactWriteItem>> {
        let kind = seen.kind;
        let delete = Delete::builder()
            .table_name(&self.name)
            .key("pk", s(keys::record(kind.as_str(), &seen.id)))
            .key("sk", s(kind.as_str()))
            .condition_expression("version = :seen")
            .expression_attribute_values(":seen", n(seen.version));
        let mut writes = vec![TransactWriteItem::builder().delete(built(delete.build())?).build()];
        for alias in &seen.aliases {
            writes.push(self.without_alias(kind, alias)?);
        }
        Ok(writes)
    }

    /// Counts a change of what a robot knows, so that every function that has the robot in memory reads it again.
    pub(crate) fn touch_write(&self, kind: Kind, id: &str) -> Result<TransactWriteItem> {
        let update = Update::builder()
            .table_name(&self.name)
            .key("pk", s(keys::record(kind.as_str(), id)))
            .key("sk", s(kind.as_str()))
            .update_expression("SET updated_at = :now ADD version :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":now", at(self.clock.now()))
            .expression_attribute_values(":one", n(1));
        Ok(TransactWriteItem::builder().update(built(update.build())?).build())
    }
}

/// The names of the settings that differ.
pub(crate) fn changed_fields<T: Serialize>(old: &T, new: &T) -> BTreeSet<String> {
    let fields = |settings: &T| match serde_json::to_value(settings) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (old, new) = (fields(old), fields(new));
    old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name)).cloned().collect()
}

pub(crate) fn place(kind: Kind, id: &str) -> String {
    format!("{}|{}|secret", keys::record(kind.as_str(), id), kind.as_str())
}

fn read<T: DeserializeOwned>(kind: Kind, item: &Attributes) -> Result<Record<T>> {
    let read = Read { kind: kind.as_str(), item };
    let id = read.owned("id")?;
    let mut settings: Value = read.data()?;
    if let Some(Value::String(name)) = settings.get_mut("name") {
        *name = shown_name(name);
    }
    let settings = serde_json::from_value(settings).map_err(|_| read.corrupt("data"))?;
    Ok(Record {
        kind,
        settings,
        aliases: read.opt_json("aliases")?.unwrap_or_default(),
        created_at: read.at("created_at")?,
        updated_at: read.at("updated_at")?,
        version: read.opt_n("version")?.unwrap_or(0),
        secret: read.opt_bytes("secret")?.map(|blob| Sealed { blob, place: place(kind, &id) }),
        id,
    })
}
