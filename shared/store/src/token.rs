//! Access tokens and the lease under which one function renews one token.

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use aws_sdk_dynamodb::types::ReturnValue;

use crate::{
    binding::CredentialProblem,
    error::{Result, StoreError},
    handles::{AccessTokens, TokenSchedule},
    item::{Attributes, Read, at, bytes, json, n, s},
    keys,
    table::{SERVICE, Table},
    vault::{Sealed, Vault},
};

/// How long one renewal may take before another function may try. Longer than the call to WeChat with its
/// timeout, so that a live holder never loses it.
pub const LEASE: SignedDuration = SignedDuration::from_secs(15);

/// The stored access token of a binding.
#[derive(Debug, Clone)]
pub struct StoredToken {
    /// The sealed token; absent before the first renewal and after a change of the credentials.
    pub value: Option<Sealed>,
    /// When it expires, as WeChat said.
    pub expires_at: Timestamp,
    /// Counts renewals; a caller names the version that WeChat refused.
    pub version: u64,
    /// Failed renewals in a row.
    pub failures: u32,
    /// The earliest next attempt, after WeChat refused the credentials.
    pub retry_at: Option<Timestamp>,
    /// Until when a function has the lease to renew it.
    pub lease_until: Option<Timestamp>,
}

/// The right to renew one token.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The mini program's AppID.
    pub app_id: String,
    /// Version that the lease was taken at.
    pub version: u64,
    /// Failed renewals in a row before this one.
    pub failures: u32,
    owner: String,
}

pub(crate) fn place(app_id: &str) -> String {
    format!("{}|{}|value", keys::binding(app_id), keys::TOKEN)
}

impl AccessTokens {
    /// The access token of a binding.
    pub async fn token(&self, app_id: &str) -> Result<Option<StoredToken>> {
        let item = self.0.get(keys::binding(app_id), keys::TOKEN, true).await?;
        item.map(|item| read(app_id, &item)).transpose()
    }

    /// Acquires the lease to renew the token at `version` (0 when there is none).
    /// `None` when another function has the lease or has renewed the token.
    pub async fn lease_token(&self, app_id: &str, version: u64) -> Result<Option<Lease>> {
        let now = self.0.clock.now();
        let owner = uuid::Uuid::now_v7().to_string();
        let answer = self
            .0
            .token_update(app_id)
            .update_expression(
                "SET kind = :kind, lease_owner = :owner, lease_until = :until, \
                 version = if_not_exists(version, :zero), expires_at = if_not_exists(expires_at, :zero)",
            )
            .condition_expression(
                "(attribute_not_exists(lease_until) OR lease_until <= :now) \
                 AND (attribute_not_exists(version) OR version = :version)",
            )
            .expression_attribute_values(":kind", s(keys::TOKEN))
            .expression_attribute_values(":owner", s(&owner))
            .expression_attribute_values(":until", at(now + LEASE))
            .expression_attribute_values(":now", at(now))
            .expression_attribute_values(":version", n(version))
            .expression_attribute_values(":zero", n(0))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(answer) => {
                let kept = read(app_id, &answer.attributes.unwrap_or_default())?;
                Ok(Some(Lease { app_id: app_id.to_owned(), version: kept.version, failures: kept.failures, owner }))
            }
            // The answer to the first try of this call may have been lost: read whose lease it is.
            Err(StoreError::Conflict) => {
                let item = self.0.get(keys::binding(app_id), keys::TOKEN, true).await?;
                let Some(item) = item else { return Ok(None) };
                if (Read { kind: keys::TOKEN, item: &item }).opt_s("lease_owner")? != Some(owner.as_str()) {
                    return Ok(None);
                }
                let StoredToken { version, failures, .. } = read(app_id, &item)?;
                Ok(Some(Lease { app_id: app_id.to_owned(), version, failures, owner }))
            }
            Err(error) => Err(error),
        }
    }

    /// Stores a renewed token and ends the lease. The schedule renews it at `renew_at`.
    /// [`StoreError::Conflict`] when the lease was lost: the other holder's token counts.
    pub async fn renew_token(
        &self,
        vault: &Vault,
        lease: &Lease,
        value: &SecretString,
        expires_at: Timestamp,
        renew_at: Timestamp,
    ) -> Result<u64> {
        let sealed = vault.seal(value, &place(&lease.app_id)).await?;
        let answer = self
            .0
            .token_update(&lease.app_id)
            .update_expression(
                "SET #value = :value, expires_at = :expires, version = :next, due_pk = :due, due_sk = :renew \
                 REMOVE lease_owner, lease_until, failures, retry_at",
            )
            .condition_expression("lease_owner = :owner")
            .expression_attribute_names("#value", "value")
            .expression_attribute_values(":value", bytes(sealed.clone()))
            .expression_attribute_values(":expires", at(expires_at))
            .expression_attribute_values(":next", n(lease.version + 1))
            .expression_attribute_values(":due", s(keys::DUE_TOKENS))
            .expression_attribute_values(":renew", s(keys::instant(renew_at)))
            .expression_attribute_values(":owner", s(&lease.owner))
            .send()
            .await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) => Ok(lease.version + 1),
            // The answer to the first try of this very call may have been lost. No two sealed values are equal.
            Err(StoreError::Conflict) => match self.token(&lease.app_id).await? {
                Some(StoredToken { value: Some(value), .. }) if value.blob == sealed => Ok(lease.version + 1),
                _ => Err(StoreError::Conflict),
            },
            Err(error) => Err(error),
        }
    }

    /// Ends the lease without a token; the schedule and the readers try again from `retry_at`.
    /// With `hold_readers` readers wait until then, too: WeChat refused the credentials themselves.
    pub async fn token_failed(&self, lease: &Lease, retry_at: Timestamp, hold_readers: bool) -> Result<()> {
        let hold = if hold_readers { "retry_at = :retry, " } else { "" };
        let mut update = self
            .0
            .token_update(&lease.app_id)
            .update_expression(format!(
                "SET {hold}failures = :failures, due_pk = :due, due_sk = :renew REMOVE lease_owner, lease_until"
            ))
            .condition_expression("lease_owner = :owner")
            .expression_attribute_values(":failures", n(lease.failures.saturating_add(1)))
            .expression_attribute_values(":due", s(keys::DUE_TOKENS))
            .expression_attribute_values(":renew", s(keys::instant(retry_at)))
            .expression_attribute_values(":owner", s(&lease.owner));
        if hold_readers {
            update = update.expression_attribute_values(":retry", at(retry_at));
        }
        match update.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Drops the token and its lease after the credentials have changed, so that it is renewed at once.
    pub async fn reset_token(&self, app_id: &str) -> Result<()> {
        let now = self.0.clock.now();
        let answer = self
            .0
            .token_update(app_id)
            .update_expression(
                "SET due_pk = :due, due_sk = :now REMOVE #value, failures, retry_at, lease_owner, lease_until",
            )
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#value", "value")
            .expression_attribute_values(":due", s(keys::DUE_TOKENS))
            .expression_attribute_values(":now", s(keys::instant(now)))
            .send()
            .await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Removes the token of a deleted binding from the schedule.
    pub async fn unschedule_token(&self, app_id: &str) -> Result<()> {
        let update = self.0.token_update(app_id).update_expression("REMOVE due_pk, due_sk, lease_owner, lease_until");
        match update.condition_expression("attribute_exists(pk)").send().await {
            Ok(_) => Ok(()),
            Err(error) => match StoreError::from_sdk(SERVICE, &error) {
                StoreError::Conflict => Ok(()),
                error => Err(error),
            },
        }
    }

    /// Records why WeChat gives no access token, or (with `None`) that it does again. Does nothing when the binding was
    /// deleted.
    pub async fn set_credential_problem(&self, app_id: &str, problem: Option<&CredentialProblem>) -> Result<()> {
        match problem {
            Some(problem) => self.0.touch_binding(app_id, "SET problem = :value", json(problem)?).await,
            None => self.0.touch_binding(app_id, "REMOVE problem", n(0)).await,
        }
    }
}

impl TokenSchedule {
    /// The AppIDs whose tokens fall due, the most overdue first.
    pub async fn due_tokens(&self, limit: i32) -> Result<Vec<String>> {
        let found = self.0.due_keys(keys::DUE_TOKENS, self.0.clock.now(), Some(limit)).await?;
        Ok(found.into_iter().filter_map(|key| key.pk.strip_prefix("binding#").map(ToOwned::to_owned)).collect())
    }
}

impl Table {
    fn token_update(
        &self,
        app_id: &str,
    ) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.name);
        update.key("pk", s(keys::binding(app_id))).key("sk", s(keys::TOKEN))
    }
}

fn read(app_id: &str, item: &Attributes) -> Result<StoredToken> {
    let read = Read { kind: keys::TOKEN, item };
    Ok(StoredToken {
        value: read.opt_bytes("value")?.map(|blob| Sealed { blob, place: place(app_id) }),
        expires_at: read.opt_at("expires_at")?.unwrap_or(Timestamp::UNIX_EPOCH),
        version: read.opt_n("version")?.unwrap_or(0),
        failures: read.opt_n("failures")?.unwrap_or(0),
        retry_at: read.opt_at("retry_at")?,
        lease_until: read.opt_at("lease_until")?,
    })
}
