//! Bindings: the mini programs that this stack serves.

use jiff::Timestamp;
use secrecy::SecretString;

use crate::{
    error::{Result, StoreError},
    item::{Attributes, Build, Read, at, bytes, n, s},
    keys,
    table::{Page, SERVICE, Table},
    vault::{Sealed, Vault},
};

/// How a mini program is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BindingMode {
    /// 开发者授权: by AppID and AppSecret.
    Developer,
}

/// Where a binding stands, as an admin sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
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
    /// Since when.
    pub since: Timestamp,
}

/// A bound mini program. The credentials are sealed; [`Vault::open`] opens them.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The mini program's AppID.
    pub app_id: String,
    /// The name the admin gave it.
    pub name: String,
    /// How it is bound.
    pub mode: BindingMode,
    /// What is sent in answer to a visitor as long as no person has replied; nothing when absent.
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
    /// How visitors are received; the form is that of the rule that reads it. Null where nothing was set.
    pub reception: serde_json::Value,
    /// Sealed secret that `session-from` is signed with, if one was made.
    pub session_from_secret: Option<Sealed>,
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
    /// Where the binding stands.
    pub fn status(&self) -> BindingStatus {
        match (&self.problem, self.verified_at) {
            (Some(_), _) => BindingStatus::CredentialsRefused,
            (None, Some(_)) => BindingStatus::Verified,
            (None, None) => BindingStatus::Unverified,
        }
    }
}

/// What it takes to bind a mini program.
#[derive(Debug)]
pub struct NewBinding {
    /// The mini program's AppID.
    pub app_id: String,
    /// A name for people.
    pub name: String,
    /// The AppSecret.
    pub app_secret: SecretString,
    /// The push Token.
    pub token: SecretString,
    /// The EncodingAESKey.
    pub encoding_aes_key: SecretString,
    /// See [`Binding::auto_reply`].
    pub auto_reply: Option<String>,
    /// See [`Binding::reception`].
    pub reception: serde_json::Value,
}

/// A change of a binding; what is `None` stays as it is.
#[derive(Debug, Default)]
pub struct BindingChange {
    /// A new name.
    pub name: Option<String>,
    /// A new automatic reply; `Some(None)` takes it away.
    pub auto_reply: Option<Option<String>>,
    /// Other settings of reception.
    pub reception: Option<serde_json::Value>,
    /// A new secret to sign `session-from` with.
    pub session_from_secret: Option<SecretString>,
    /// A new AppSecret; it clears the credential problem.
    pub app_secret: Option<SecretString>,
    /// A new push Token; WeChat has to verify again.
    pub token: Option<SecretString>,
    /// A new EncodingAESKey; the one before it stays valid as the previous.
    pub encoding_aes_key: Option<SecretString>,
}

fn place(app_id: &str, attribute: &str) -> String {
    format!("{}|{}|{attribute}", keys::binding(app_id), keys::BINDING)
}

impl Table {
    /// Keeps a new binding. [`StoreError::Conflict`] when the mini program is bound already.
    pub async fn create_binding(&self, vault: &Vault, new: NewBinding) -> Result<Binding> {
        let now = self.clock.now();
        let sealed = |secret, name| vault_seal(vault, &new.app_id, secret, name);
        let item = Build::new(keys::BINDING, keys::binding(&new.app_id), keys::BINDING)
            .set("lists_pk", s(keys::LIST_BINDINGS))
            .set("lists_sk", s(&new.app_id))
            .set("app_id", s(&new.app_id))
            .set("name", s(&new.name))
            .maybe("auto_reply", new.auto_reply.as_ref().map(s))
            .maybe("reception", (!new.reception.is_null()).then(|| s(new.reception.to_string())))
            .set("app_secret", sealed(&new.app_secret, "app_secret").await?)
            .set("token", sealed(&new.token, "token").await?)
            .set("encoding_aes_key", sealed(&new.encoding_aes_key, "encoding_aes_key").await?)
            .set("created_at", at(now))
            .set("updated_at", at(now))
            .set("version", n(1))
            .done();
        self.create(item.clone()).await?;
        read(&item)
    }

    /// The binding of a mini program.
    pub async fn binding(&self, app_id: &str) -> Result<Option<Binding>> {
        let item = self.get(keys::binding(app_id), keys::BINDING, true).await?;
        item.as_ref().map(read).transpose()
    }

    /// Bindings in the order of their AppIDs.
    pub async fn bindings(&self, cursor: Option<&str>, limit: i32) -> Result<Page<Binding>> {
        let (found, cursor) = self.list_keys(keys::LIST_BINDINGS, false, cursor, limit).await?;
        let items = self.get_all(&found).await?.iter().map(read).collect::<Result<_>>()?;
        Ok(Page { items, cursor })
    }

    /// Changes a binding that is still at `version`; [`StoreError::Conflict`] when it is not.
    pub async fn change_binding(&self, vault: &Vault, binding: &Binding, change: BindingChange) -> Result<Binding> {
        let mut set = vec!["version = version + :one".to_owned(), "updated_at = :now".to_owned()];
        let mut remove = Vec::new();
        let mut values = Attributes::from([
            (":one".to_owned(), n(1)),
            (":now".to_owned(), at(self.clock.now())),
            (":seen".to_owned(), n(binding.version)),
        ]);
        let mut put = |name: &str, value| {
            set.push(format!("#{name} = :{name}"));
            values.insert(format!(":{name}"), value);
        };
        let mut names = Vec::new();
        if let Some(name) = &change.name {
            put("name", s(name));
            names.push("name");
        }
        if let Some(reception) = &change.reception {
            put("reception", s(reception.to_string()));
            names.push("reception");
        }
        if let Some(secret) = &change.session_from_secret {
            put("session_from_secret", vault_seal(vault, &binding.app_id, secret, "session_from_secret").await?);
            names.push("session_from_secret");
        }
        match &change.auto_reply {
            Some(Some(text)) => {
                put("auto_reply", s(text));
                names.push("auto_reply");
            }
            Some(None) => remove.push("auto_reply"),
            None => {}
        }
        if let Some(secret) = &change.app_secret {
            put("app_secret", vault_seal(vault, &binding.app_id, secret, "app_secret").await?);
            names.push("app_secret");
            remove.push("problem");
        }
        if let Some(token) = &change.token {
            put("token", vault_seal(vault, &binding.app_id, token, "token").await?);
            names.push("token");
            remove.push("verified_at");
        }
        if let Some(key) = &change.encoding_aes_key {
            put("encoding_aes_key", vault_seal(vault, &binding.app_id, key, "encoding_aes_key").await?);
            let old = vault.open(&binding.encoding_aes_key).await?;
            put(
                "previous_encoding_aes_key",
                vault_seal(vault, &binding.app_id, &old, "previous_encoding_aes_key").await?,
            );
            names.extend(["encoding_aes_key", "previous_encoding_aes_key"]);
        }
        let mut expression = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            expression = format!("{expression} REMOVE {}", remove.join(", "));
        }
        let mut update = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", s(keys::binding(&binding.app_id)))
            .key("sk", s(keys::BINDING))
            .update_expression(expression)
            .condition_expression("attribute_exists(pk) AND version = :seen")
            .set_expression_attribute_values(Some(values))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew);
        for name in names {
            update = update.expression_attribute_names(format!("#{name}"), name);
        }
        let answer = update.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        read(&answer.attributes.unwrap_or_default())
    }

    /// Takes a binding away, with its access token. What visitors wrote stays. `false` when there was none.
    pub async fn delete_binding(&self, app_id: &str) -> Result<bool> {
        let delete = |sk: &str| {
            let request = self.client.delete_item().table_name(&self.name);
            request.key("pk", s(keys::binding(app_id))).key("sk", s(sk))
        };
        let old = delete(keys::BINDING).return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld).send().await;
        let old = old.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        delete(keys::TOKEN).send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        Ok(old.attributes.is_some())
    }

    /// Notes that WeChat's GET check succeeded now. A binding that is gone stays gone.
    pub async fn mark_verified(&self, app_id: &str) -> Result<()> {
        self.touch_binding(app_id, "SET verified_at = :value", at(self.clock.now())).await
    }

    /// Notes why WeChat gives no access token, or (with `None`) that it does again.
    pub async fn set_credential_problem(&self, app_id: &str, problem: Option<&CredentialProblem>) -> Result<()> {
        match problem {
            Some(problem) => {
                let text =
                    serde_json::to_string(problem).map_err(|_| StoreError::Internal("a value does not serialise"))?;
                self.touch_binding(app_id, "SET problem = :value", s(text)).await
            }
            None => self.touch_binding(app_id, "REMOVE problem", n(0)).await,
        }
    }

    async fn touch_binding(
        &self,
        app_id: &str,
        expression: &str,
        value: aws_sdk_dynamodb::types::AttributeValue,
    ) -> Result<()> {
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

async fn vault_seal(
    vault: &Vault,
    app_id: &str,
    secret: &SecretString,
    attribute: &str,
) -> Result<aws_sdk_dynamodb::types::AttributeValue> {
    vault.seal(secret, &place(app_id, attribute)).await.map(bytes)
}

fn read(item: &Attributes) -> Result<Binding> {
    let read = Read { kind: keys::BINDING, item };
    let app_id = read.owned("app_id")?;
    let sealed = |name: &str| read.opt_bytes(name).map(|blob| Sealed { blob, place: place(&app_id, name) });
    let must = |name: &str| sealed(name).ok_or_else(|| read.corrupt(name));
    Ok(Binding {
        name: read.owned("name")?,
        mode: BindingMode::Developer,
        auto_reply: read.opt_s("auto_reply").map(ToOwned::to_owned),
        verified_at: read.opt_at("verified_at"),
        problem: read.opt_s("problem").and_then(|text| serde_json::from_str(text).ok()),
        created_at: read.at("created_at")?,
        updated_at: read.at("updated_at")?,
        version: read.opt_n("version").unwrap_or(1),
        reception: read.opt_s("reception").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        session_from_secret: sealed("session_from_secret"),
        app_secret: must("app_secret")?,
        token: must("token")?,
        encoding_aes_key: must("encoding_aes_key")?,
        previous_encoding_aes_key: sealed("previous_encoding_aes_key"),
        app_id,
    })
}
