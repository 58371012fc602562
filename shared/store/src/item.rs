//! Reading and writing the attributes of an item.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use jiff::Timestamp;

use crate::error::{Result, StoreError};

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

/// A time, in milliseconds since 1970.
pub(crate) fn at(value: Timestamp) -> AttributeValue {
    n(value.as_millisecond())
}

/// An item being built.
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
    pub(crate) fn data(self, value: &impl serde::Serialize) -> Result<Self> {
        let text = serde_json::to_string(value).map_err(|_| StoreError::Internal("a value does not serialise"))?;
        Ok(self.set("data", s(text)))
    }

    pub(crate) fn done(self) -> Attributes {
        self.0
    }
}

/// An item being read; a missing or mistyped attribute is an error that names it.
pub(crate) struct Read<'a> {
    pub(crate) kind: &'static str,
    pub(crate) item: &'a Attributes,
}

impl<'a> Read<'a> {
    pub(crate) fn corrupt(&self, what: &str) -> StoreError {
        StoreError::Corrupt { item: self.kind, what: what.to_owned() }
    }

    pub(crate) fn opt_s(&self, name: &str) -> Option<&'a str> {
        self.item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
    }

    pub(crate) fn s(&self, name: &str) -> Result<&'a str> {
        self.opt_s(name).ok_or_else(|| self.corrupt(name))
    }

    pub(crate) fn owned(&self, name: &str) -> Result<String> {
        self.s(name).map(ToOwned::to_owned)
    }

    pub(crate) fn opt_n<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.item.get(name)?.as_n().ok()?.parse().ok()
    }

    pub(crate) fn opt_at(&self, name: &str) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.opt_n(name)?).ok()
    }

    pub(crate) fn at(&self, name: &str) -> Result<Timestamp> {
        self.opt_at(name).ok_or_else(|| self.corrupt(name))
    }

    pub(crate) fn opt_bytes(&self, name: &str) -> Option<Vec<u8>> {
        Some(self.item.get(name)?.as_b().ok()?.as_ref().to_vec())
    }

    pub(crate) fn data<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.s("data")?).map_err(|_| self.corrupt("data"))
    }

    pub(crate) fn json(&self, name: &str) -> Result<serde_json::Value> {
        serde_json::from_str(self.s(name)?).map_err(|_| self.corrupt(name))
    }
}
