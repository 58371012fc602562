//! Bindings: the mini programs that this stack serves.

mod change;
mod signing;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use desk::settings::Reception;
use jiff::Timestamp;
use secrecy::SecretString;

pub use self::{change::BindingChange, signing::SigningSecret};
use crate::{
    audit::{AuditAction, AuditDetail, AuditSubject, AuditSubjectKind},
    error::{Result, StoreError},
    handles::{BindingList, BindingReader, BindingWriter, CallbackVerifier},
    item::{Attributes, Build, Read, at, bytes, json, n, s},
    keys,
    push_credentials::{self, SealedPushCredentials, place},
    queue::Queue,
    queue_watch::uses_queue_write,
    table::{Page, SERVICE, Table},
    transaction::built,
    vault::{Sealed, Vault},
};

/// How a mini program is bound: 开发者授权, by AppID and AppSecret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BindingMode {
    /// 开发者授权: by AppID and AppSecret.
    Developer,
}

/// The state of a binding. `unverified`: WeChat has not yet checked the callback URL; `verified`: it has;
/// `credentials_refused`: WeChat refuses the AppID, the AppSecret or the address of this deployment, see `problem`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BindingStatus {
    /// WeChat has not yet checked the callback URL.
    Unverified,
    /// WeChat has checked the callback URL (消息推送配置 was submitted).
    Verified,
    /// WeChat refuses the AppID, the AppSecret or our address; see the problem.
    CredentialsRefused,
}

/// Why WeChat gives this binding no access token.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CredentialProblem {
    /// Stable code, such as `wechat.credentials_refused`.
    pub code: String,
    /// WeChat's errcode, such as 40125.
    pub errcode: i64,
    /// What it means and what to do, in words.
    pub reason: String,
    /// The time of the first refusal.
    pub since: Timestamp,
}

/// A bound mini program. The credentials are sealed; [`Vault::open`] opens them.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The mini program's AppID.
    pub app_id: String,
    /// The display name.
    pub name: String,
    /// How it is bound.
    pub mode: BindingMode,
    /// The automatic reply to a visitor's message until a person has replied; none when absent.
    pub auto_reply: Option<String>,
    /// When WeChat's GET check last succeeded for the current token.
    pub verified_at: Option<Timestamp>,
    /// Why WeChat gives no access token, if it does not.
    pub problem: Option<CredentialProblem>,
    /// When it was bound.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub updated_at: Timestamp,
    /// Counts changes of the settings.
    pub version: u64,
    /// The stored settings of [`reception`](Self::reception).
    stored_reception: Option<String>,
    /// Sealed secret that `session-from` is signed with, if one was made.
    pub session_from_secret: Option<Sealed>,
    /// The signer of this secret, if it has one of its own. See [`signer`](Self::signer).
    stored_signer: Option<String>,
    /// Sealed AppSecret.
    pub app_secret: Sealed,
    /// Sealed push Token.
    pub token: Sealed,
    /// Sealed EncodingAESKey.
    pub encoding_aes_key: Sealed,
    /// Sealed EncodingAESKey before the last change.
    pub previous_encoding_aes_key: Option<Sealed>,
}

impl Binding {
    /// How visitors are received; the defaults where nothing was set.
    ///
    /// [`StoreError::Corrupt`] when a later version wrote the settings. They are parsed here and not with the binding,
    /// so that pushes are received and tokens renewed all the same.
    pub fn reception(&self) -> Result<Reception> {
        let Some(text) = &self.stored_reception else {
            return Ok(Reception::default());
        };
        let settings: Option<Reception> = serde_json::from_str(text).map_err(|_| StoreError::Corrupt {
            item: keys::BINDING,
            key: keys::binding(&self.app_id),
            what: "reception".to_owned(),
        })?;
        Ok(settings.unwrap_or_default())
    }

    /// The state of the binding.
    pub fn status(&self) -> BindingStatus {
        match (&self.problem, self.verified_at) {
            (Some(_), _) => BindingStatus::CredentialsRefused,
            (None, Some(_)) => BindingStatus::Verified,
            (None, None) => BindingStatus::Unverified,
        }
    }
}

/// A binding to create.
#[derive(Debug)]
pub struct NewBinding {
    /// The mini program's AppID.
    pub app_id: String,
    /// A display name.
    pub name: String,
    /// The AppSecret.
    pub app_secret: SecretString,
    /// The push Token.
    pub token: SecretString,
    /// The EncodingAESKey.
    pub encoding_aes_key: SecretString,
    /// See [`Binding::auto_reply`].
    pub auto_reply: Option<String>,
    /// See [`Binding::reception`]; the defaults when absent.
    pub reception: Option<Reception>,
}

impl BindingWriter {
    /// Stores a new binding. [`StoreError::Conflict`] when the mini program is bound already.
    pub async fn create_binding(&self, vault: &Vault, new: NewBinding) -> Result<Binding> {
        let now = self.0.clock.now();
        let sealed = |secret, name| vault_seal(vault, &new.app_id, secret, name);
        let item = Build::new(keys::BINDING, keys::binding(&new.app_id), keys::BINDING)
            .set("lists_pk", s(keys::LIST_BINDINGS))
            .set("lists_sk", s(&new.app_id))
            .set("app_id", s(&new.app_id))
            .set("name", s(&new.name))
            .maybe("auto_reply", new.auto_reply.as_ref().map(s))
            .maybe("reception", new.reception.as_ref().map(json).transpose()?)
            .set("app_secret", sealed(&new.app_secret, "app_secret").await?)
            .set("token", sealed(&new.token, "token").await?)
            .set("encoding_aes_key", sealed(&new.encoding_aes_key, "encoding_aes_key").await?)
            .set("created_at", at(now))
            .set("updated_at", at(now))
            .set("version", n(1))
            .done();
        let put = Put::builder().table_name(&self.0.name).set_item(Some(item.clone()));
        let put = built(put.condition_expression("attribute_not_exists(pk)").build())?;
        let mut writes =
            vec![TransactWriteItem::builder().put(put).build(), self.put_push_credentials(&new.app_id, &item)?];
        writes.extend(self.uses_group(&new.app_id, new.reception.as_ref())?);
        writes.extend(self.audit(AuditAction::BindingCreated, &new.app_id, AuditDetail::default())?);
        match self.0.write_together(writes).await {
            // The answer to the first try of this very call may have been lost.
            Err(StoreError::Conflict) if self.0.is_stored(&item).await? => {}
            answer => answer?,
        }
        read(&item)
    }

    /// Changes a binding that is still as it was read; [`StoreError::Conflict`] when it is not.
    pub async fn change_binding(&self, vault: &Vault, binding: &Binding, change: BindingChange) -> Result<Binding> {
        let mut changes = change.sealed(vault, binding).await?;
        changes.set("version", n(binding.version + 1));
        changes.set("updated_at", at(self.0.clock.now()));
        let update = Update::builder()
            .table_name(&self.0.name)
            .key("pk", s(keys::binding(&binding.app_id)))
            .key("sk", s(keys::BINDING))
            .update_expression(changes.expression())
            .set_expression_attribute_names(Some(changes.names()))
            .set_expression_attribute_values(Some(changes.values()))
            .condition_expression("attribute_exists(pk) AND version = :seen")
            .expression_attribute_values(":seen", n(binding.version));
        let mut credentials = push_credentials::attributes(binding);
        changes.apply(&mut credentials);
        let mut writes = vec![
            TransactWriteItem::builder().update(built(update.build())?).build(),
            self.put_push_credentials(&binding.app_id, &credentials)?,
        ];
        writes.extend(self.uses_group(&binding.app_id, change.reception.as_ref().and_then(Option::as_ref))?);
        let detail = AuditDetail::of_fields(change.fields());
        writes.extend(self.audit(AuditAction::BindingChanged, &binding.app_id, detail)?);
        let written = match self.0.write_together(writes).await {
            Ok(()) => true,
            // The answer to the first try of this very call may have been lost.
            Err(StoreError::Conflict) => false,
            Err(error) => return Err(error),
        };
        let item = self.0.get(keys::binding(&binding.app_id), keys::BINDING, true).await?;
        let item = item.filter(|item| written || changes.are_in(item)).ok_or(StoreError::Conflict)?;
        read(&item)
    }

    /// Enters the mini program into the watch of its group's queue, so that no other takes more than its share of it.
    fn uses_group(&self, app_id: &str, reception: Option<&Reception>) -> Result<Option<TransactWriteItem>> {
        let group = reception.and_then(|reception| reception.group_id.clone());
        group.map(|group| uses_queue_write(&self.0.name, &Queue::Group(group), app_id)).transpose()
    }

    fn audit(&self, action: AuditAction, app_id: &str, detail: AuditDetail) -> Result<Option<TransactWriteItem>> {
        self.0.audit_of_change(action, AuditSubject::new(AuditSubjectKind::Binding, app_id), detail)
    }

    /// Deletes a binding and its access token. Messages and conversations stay. `false` when there is no such binding.
    pub async fn delete_binding(&self, app_id: &str) -> Result<bool> {
        let delete = |sk: &str| {
            let delete = Delete::builder().table_name(&self.0.name);
            delete.key("pk", s(keys::binding(app_id))).key("sk", s(sk))
        };
        let binding = delete(keys::BINDING).condition_expression("attribute_exists(pk)");
        let mut writes = [binding, delete(keys::TOKEN)]
            .into_iter()
            .map(|delete| Ok(TransactWriteItem::builder().delete(built(delete.build())?).build()))
            .collect::<Result<Vec<_>>>()?;
        writes.push(self.delete_push_credentials(app_id)?);
        writes.extend(self.audit(AuditAction::BindingDeleted, app_id, AuditDetail::default())?);
        // A transaction knows its own repetition by the `ClientRequestToken` that the SDK gives it.
        match self.0.transact(writes).await? {
            None => Ok(true),
            Some(0) => Ok(false),
            Some(_) => Err(StoreError::Conflict),
        }
    }
}

impl BindingReader {
    /// The binding of a mini program.
    pub async fn binding(&self, app_id: &str) -> Result<Option<Binding>> {
        let item = self.0.get(keys::binding(app_id), keys::BINDING, true).await?;
        item.as_ref().map(read).transpose()
    }
}

impl BindingList {
    /// Bindings in the order of their AppIDs.
    pub async fn bindings(&self, cursor: Option<&str>, limit: i32) -> Result<Page<Binding>> {
        let (found, cursor) = self.0.list_keys(keys::LIST_BINDINGS, cursor, limit).await?;
        let items = self.0.get_all(&found).await?.iter().map(read).collect::<Result<_>>()?;
        Ok(Page { items, cursor })
    }
}

impl CallbackVerifier {
    /// Records that WeChat's GET check succeeded now. Does nothing when the binding was deleted.
    pub async fn mark_verified(&self, app_id: &str) -> Result<()> {
        self.0.touch_binding(app_id, "SET verified_at = :value", at(self.0.clock.now())).await
    }
}

impl Table {
    pub(crate) async fn touch_binding(&self, app_id: &str, expression: &str, value: AttributeValue) -> Result<()> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", s(keys::binding(app_id)))
            .key("sk", s(keys::BINDING))
            .update_expression(expression)
            .condition_expression("attribute_exists(pk)");
        if expression.contains(":value") {
            update = update.expression_attribute_values(":value", value);
        }
        match update.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

async fn vault_seal(vault: &Vault, app_id: &str, secret: &SecretString, attribute: &str) -> Result<AttributeValue> {
    vault.seal(secret, &place(app_id, attribute)).await.map(bytes)
}

fn read(item: &Attributes) -> Result<Binding> {
    let read = Read { kind: keys::BINDING, item };
    let push = SealedPushCredentials::read(keys::BINDING, item)?;
    let sealed = |name| push_credentials::sealed(&read, &push.app_id, name);
    Ok(Binding {
        name: read.shown_name("name")?,
        mode: BindingMode::Developer,
        auto_reply: read.opt_owned("auto_reply")?,
        verified_at: read.opt_at("verified_at")?,
        problem: read.opt_json("problem")?,
        created_at: read.at("created_at")?,
        updated_at: read.at("updated_at")?,
        version: read.opt_n("version")?.unwrap_or(1),
        stored_reception: read.opt_owned("reception")?,
        session_from_secret: sealed("session_from_secret")?,
        stored_signer: read.opt_owned("session_from_signer")?,
        app_secret: sealed("app_secret")?.ok_or_else(|| read.corrupt("app_secret"))?,
        token: push.token,
        encoding_aes_key: push.encoding_aes_key,
        previous_encoding_aes_key: push.previous_encoding_aes_key,
        app_id: push.app_id,
    })
}
