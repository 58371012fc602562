//! The push credentials of the bindings. Each binding has them in its own item; a copy of all is in one partition, which
//! `message-ingress` reads during init with one query. Lambda starts at most a thousand environments of a function in ten
//! seconds, whose queries take a few hundred of the 3000 read units a second of the partition.
//!
//! The copy is written in the transaction that writes the binding. Bindings of versions before the copy have none until
//! they are changed; their item is read when the first push arrives.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};

use crate::{
    binding::Binding,
    error::Result,
    handles::{BindingWriter, PushCredentialReader},
    item::{Attributes, Build, Read, bytes, s},
    keys,
    transaction::built,
    vault::Sealed,
};

const TOKEN: &str = "token";
const KEY: &str = "encoding_aes_key";
const PREVIOUS_KEY: &str = "previous_encoding_aes_key";

/// What opens the pushes for one mini program, sealed.
#[derive(Debug, Clone)]
pub struct SealedPushCredentials {
    /// The mini program's AppID.
    pub app_id: String,
    /// Sealed push Token.
    pub token: Sealed,
    /// Sealed EncodingAESKey.
    pub encoding_aes_key: Sealed,
    /// Sealed EncodingAESKey before the last change.
    pub previous_encoding_aes_key: Option<Sealed>,
}

impl SealedPushCredentials {
    /// Reads a binding or its copy, which have the same attributes, sealed for the same place.
    pub(crate) fn read(kind: &'static str, item: &Attributes) -> Result<Self> {
        let read = Read { kind, item };
        let app_id = read.owned("app_id")?;
        let must = |name| sealed(&read, &app_id, name)?.ok_or_else(|| read.corrupt(name));
        Ok(Self {
            token: must(TOKEN)?,
            encoding_aes_key: must(KEY)?,
            previous_encoding_aes_key: sealed(&read, &app_id, PREVIOUS_KEY)?,
            app_id,
        })
    }
}

/// The place that an attribute of a binding is sealed for.
pub(crate) fn place(app_id: &str, attribute: &str) -> String {
    format!("{}|{}|{attribute}", keys::binding(app_id), keys::BINDING)
}

/// A sealed attribute of a binding or of its copy.
pub(crate) fn sealed(read: &Read<'_>, app_id: &str, attribute: &str) -> Result<Option<Sealed>> {
    Ok(read.opt_bytes(attribute)?.map(|blob| Sealed { blob, place: place(app_id, attribute) }))
}

/// The attributes of a binding that the copy has.
pub(crate) fn attributes(binding: &Binding) -> Attributes {
    let sealed = |sealed: &Sealed| bytes(sealed.blob.clone());
    Build::default()
        .set(TOKEN, sealed(&binding.token))
        .set(KEY, sealed(&binding.encoding_aes_key))
        .maybe(PREVIOUS_KEY, binding.previous_encoding_aes_key.as_ref().map(sealed))
        .done()
}

impl PushCredentialReader {
    /// The push credentials of a mini program. `None` when it is not bound.
    pub async fn push_credentials(&self, app_id: &str) -> Result<Option<SealedPushCredentials>> {
        let item = self.0.get(keys::binding(app_id), keys::BINDING, true).await?;
        item.map(|item| SealedPushCredentials::read(keys::BINDING, &item)).transpose()
    }

    /// The push credentials of the first bindings in the order of their AppIDs, at most `limit`. Leaves out what is
    /// unreadable and bindings that have no copy.
    pub async fn first_push_credentials(&self, limit: i32) -> Result<Vec<SealedPushCredentials>> {
        let items = self.0.partition(keys::CALLBACKS.to_owned(), "", limit).await?;
        Ok(items.iter().filter_map(|item| SealedPushCredentials::read(keys::CALLBACK, item).ok()).collect())
    }
}

impl BindingWriter {
    /// Writes the copy for a binding with these attributes.
    pub(crate) fn put_push_credentials(&self, app_id: &str, binding: &Attributes) -> Result<TransactWriteItem> {
        let attribute = |name: &str| binding.get(name).cloned();
        let item = Build::new(keys::CALLBACK, keys::CALLBACKS.to_owned(), app_id)
            .set("app_id", s(app_id))
            .maybe(TOKEN, attribute(TOKEN))
            .maybe(KEY, attribute(KEY))
            .maybe(PREVIOUS_KEY, attribute(PREVIOUS_KEY))
            .done();
        let put = Put::builder().table_name(&self.0.name).set_item(Some(item));
        Ok(TransactWriteItem::builder().put(built(put.build())?).build())
    }

    /// Deletes the copy.
    pub(crate) fn delete_push_credentials(&self, app_id: &str) -> Result<TransactWriteItem> {
        let delete = Delete::builder().table_name(&self.0.name).key("pk", s(keys::CALLBACKS)).key("sk", s(app_id));
        Ok(TransactWriteItem::builder().delete(built(delete.build())?).build())
    }
}
