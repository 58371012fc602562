//! Reading and writing the attributes of an item.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use jiff::Timestamp;
use serde::{
    Serialize,
    de::{DeserializeOwned, IntoDeserializer, value::StrDeserializer},
};
use wechat::Name;

use crate::{
    error::{Result, StoreError},
    keys,
    thread::Thread,
};

pub(crate) type Attributes = HashMap<String, AttributeValue>;

pub(crate) fn s(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn n(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn bytes(value: Vec<u8>) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// A set of texts. DynamoDB has no empty sets.
pub(crate) fn set(values: impl IntoIterator<Item = impl Into<String>>) -> AttributeValue {
    AttributeValue::Ss(values.into_iter().map(Into::into).collect())
}

/// A time, in milliseconds since 1970.
pub(crate) fn at(value: Timestamp) -> AttributeValue {
    n(value.as_millisecond())
}

/// A value as JSON text.
pub(crate) fn json(value: &impl Serialize) -> Result<AttributeValue> {
    serde_json::to_string(value).map(s).map_err(|_| StoreError::Internal("a value does not serialise"))
}

/// A value of an enum, by its name; see [`Read::name`].
pub(crate) fn name(value: &impl Serialize) -> Result<AttributeValue> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(s(name)),
        _ => Err(StoreError::Internal("a value does not serialise as a name")),
    }
}

/// Builds an item.
#[derive(Default)]
pub(crate) struct Build(Attributes);

impl Build {
    pub(crate) fn new(kind: &str, pk: String, sk: impl Into<String>) -> Self {
        Self::default().set("kind", s(kind)).set("pk", s(pk)).set("sk", s(sk))
    }

    pub(crate) fn set(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn maybe(self, name: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    /// A whole value as JSON, for what is always read and written together.
    pub(crate) fn data(self, value: &impl Serialize) -> Result<Self> {
        Ok(self.set("data", json(value)?))
    }

    pub(crate) fn done(self) -> Attributes {
        self.0
    }
}

/// Attributes that an update sets and removes.
#[derive(Default)]
pub(crate) struct AttributeChanges {
    set: Vec<(&'static str, AttributeValue)>,
    remove: Vec<&'static str>,
}

impl AttributeChanges {
    pub(crate) fn set(&mut self, name: &'static str, value: AttributeValue) {
        self.set.push((name, value));
    }

    pub(crate) fn remove(&mut self, name: &'static str) {
        self.remove.push(name);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }

    /// How many attributes are set.
    pub(crate) fn len(&self) -> usize {
        self.set.len()
    }

    /// The names of the attributes that are set.
    pub(crate) fn set_names(&self) -> impl Iterator<Item = &'static str> {
        self.set.iter().map(|(name, _)| *name)
    }

    /// The update expression. Every name is a placeholder, since DynamoDB reserves words such as `name`.
    pub(crate) fn expression(&self) -> String {
        let set: Vec<_> = self.set.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
        let remove: Vec<_> = self.remove.iter().map(|name| format!("#{name}")).collect();
        let part = |word: &str, parts: &[String]| {
            if parts.is_empty() { String::new() } else { format!("{word} {} ", parts.join(", ")) }
        };
        part("SET", &set) + &part("REMOVE", &remove)
    }

    pub(crate) fn names(&self) -> HashMap<String, String> {
        let names = self.set.iter().map(|(name, _)| name).chain(&self.remove);
        names.map(|name| (format!("#{name}"), (*name).to_owned())).collect()
    }

    pub(crate) fn values(&self) -> Attributes {
        self.set.iter().map(|(name, value)| (format!(":{name}"), value.clone())).collect()
    }

    /// Makes the changes to an item.
    pub(crate) fn apply(&self, item: &mut Attributes) {
        item.extend(self.set.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        item.retain(|name, _| !self.remove.contains(&name.as_str()));
    }

    /// Whether an item is as these changes leave it.
    pub(crate) fn are_in(&self, item: &Attributes) -> bool {
        self.set.iter().all(|(name, value)| item.get(*name) == Some(value))
            && self.remove.iter().all(|name| !item.contains_key(*name))
    }
}

/// Reads an item; a missing or unreadable attribute is an error that names it.
pub(crate) struct Read<'a> {
    pub(crate) kind: &'static str,
    pub(crate) item: &'a Attributes,
}

impl<'a> Read<'a> {
    pub(crate) fn corrupt(&self, what: &str) -> StoreError {
        StoreError::Corrupt { item: self.kind, key: self.key(), what: what.to_owned() }
    }

    /// Names the item in a log: its keys, without an openid.
    fn key(&self) -> String {
        let opt = |name: &str| self.item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str);
        let text = |name: &str| opt(name).unwrap_or_default();
        let pk = match (opt("app_id"), opt("openid")) {
            (Some(app_id), Some(openid)) if text("pk").starts_with(keys::THREAD_PREFIX) => {
                format!("{}{app_id}#{}", keys::THREAD_PREFIX, Thread::new(app_id, openid).uid())
            }
            _ => text("pk").to_owned(),
        };
        format!("{pk}, {}", text("sk"))
    }

    /// An attribute that may be absent. One that is there and does not parse is an error.
    fn optional<T>(&self, name: &str, parse: impl FnOnce(&'a AttributeValue) -> Option<T>) -> Result<Option<T>> {
        self.item.get(name).map(|value| parse(value).ok_or_else(|| self.corrupt(name))).transpose()
    }

    pub(crate) fn opt_s(&self, name: &str) -> Result<Option<&'a str>> {
        self.optional(name, |value| value.as_s().ok().map(String::as_str))
    }

    pub(crate) fn opt_owned(&self, name: &str) -> Result<Option<String>> {
        Ok(self.opt_s(name)?.map(ToOwned::to_owned))
    }

    pub(crate) fn s(&self, name: &str) -> Result<&'a str> {
        self.opt_s(name)?.ok_or_else(|| self.corrupt(name))
    }

    pub(crate) fn owned(&self, name: &str) -> Result<String> {
        self.s(name).map(ToOwned::to_owned)
    }

    /// A set of texts; empty if it is absent.
    pub(crate) fn set(&self, name: &str) -> Result<BTreeSet<String>> {
        let set = self.optional(name, |value| value.as_ss().ok())?;
        Ok(set.into_iter().flatten().cloned().collect())
    }

    pub(crate) fn opt_n<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>> {
        self.optional(name, |value| value.as_n().ok()?.parse().ok())
    }

    pub(crate) fn opt_at(&self, name: &str) -> Result<Option<Timestamp>> {
        self.optional(name, |value| Timestamp::from_millisecond(value.as_n().ok()?.parse().ok()?).ok())
    }

    pub(crate) fn at(&self, name: &str) -> Result<Timestamp> {
        self.opt_at(name)?.ok_or_else(|| self.corrupt(name))
    }

    pub(crate) fn opt_bytes(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.optional(name, |value| value.as_b().ok().map(|bytes| bytes.as_ref().to_vec()))
    }

    /// A display name. One that an earlier version stored with control or format characters is shown without them.
    pub(crate) fn shown_name(&self, name: &str) -> Result<String> {
        self.s(name).map(shown_name)
    }

    pub(crate) fn data<T: DeserializeOwned>(&self) -> Result<T> {
        self.json("data")
    }

    /// A value stored as JSON text.
    pub(crate) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        serde_json::from_str(self.s(name)?).map_err(|_| self.corrupt(name))
    }

    /// The same, if the attribute is there.
    pub(crate) fn opt_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        if self.item.contains_key(name) { self.json(name).map(Some) } else { Ok(None) }
    }

    /// A value of an enum, stored by its name.
    pub(crate) fn name<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let text: StrDeserializer<'_, serde::de::value::Error> = self.s(name)?.into_deserializer();
        T::deserialize(text).map_err(|_| self.corrupt(name))
    }
}

/// The longest display name, in bytes. The border permits fewer.
const NAME_MAX: usize = 512;

/// A stored display name as it is shown. An id or a name of which nothing could be shown stays.
pub(crate) fn shown_name(stored: &str) -> String {
    Name::cleaned(stored, NAME_MAX).map_or_else(|| stored.to_owned(), String::from)
}
