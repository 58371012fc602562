//! How an item keeps a token.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use desk::policy::{AppIds, Grant, Role, Scope};
use jiff::{SignedDuration, Timestamp};

use super::ApiToken;
use crate::{
    error::Result,
    item::{Attributes, Build, Read, at, s},
    keys,
};

/// How long an expired token stays in the list.
const EXPIRED_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// When DynamoDB removes a token that ends then, in seconds since 1970.
pub(super) fn ttl(expires_at: Timestamp) -> AttributeValue {
    let end = expires_at.checked_add(EXPIRED_LIFE).unwrap_or(Timestamp::MAX);
    AttributeValue::N(end.as_second().to_string())
}

pub(super) fn write(token: &ApiToken, hash: &str) -> Attributes {
    let mut item = Build::new(keys::ACCESS, keys::access(hash), keys::ACCESS)
        .set("lists_pk", s(keys::LIST_ACCESS))
        .set("lists_sk", s(&token.id))
        .set("id", s(&token.id))
        .set("role", s(token.grant.role().as_str()))
        .set("name", s(&token.name))
        .maybe("agent_id", token.agent_id.as_ref().map(s))
        .maybe("expires_at", token.expires_at.map(at))
        .maybe("ttl", token.expires_at.map(ttl))
        .set("created_at", at(token.created_at));
    match &token.grant {
        Grant::Admin | Grant::Agent => {}
        Grant::Supervisor { group_ids } => item = item.maybe("group_ids", set(group_ids.iter().cloned())),
        Grant::Integrator { scopes, app_ids } => {
            item = item.maybe("scopes", set(scopes.iter().map(|scope| scope.as_str().to_owned())));
            if let AppIds::Named(named) = app_ids {
                // A list and no set: there are no empty sets, and none at all means all mini programs.
                let named = named.iter().map(s).collect();
                item = item.set("app_ids", AttributeValue::L(named));
            }
        }
    }
    item.done()
}

/// A string set; DynamoDB has no empty ones.
fn set(texts: impl Iterator<Item = String>) -> Option<AttributeValue> {
    let texts: Vec<String> = texts.collect();
    (!texts.is_empty()).then_some(AttributeValue::Ss(texts))
}

fn read_set(item: &Attributes, name: &str) -> BTreeSet<String> {
    item.get(name).and_then(|value| value.as_ss().ok()).into_iter().flatten().cloned().collect()
}

pub(super) fn read(item: &Attributes) -> Result<ApiToken> {
    let read = Read { kind: keys::ACCESS, item };
    let grant = match Role::named(read.s("role")?) {
        Some(Role::Admin) => Grant::Admin,
        Some(Role::Agent) => Grant::Agent,
        Some(Role::Supervisor) => Grant::Supervisor { group_ids: read_set(item, "group_ids") },
        Some(Role::Integrator) => {
            // A scope of a newer version is none of this one.
            let scopes = read_set(item, "scopes").iter().filter_map(|name| Scope::named(name)).collect();
            Grant::Integrator { scopes, app_ids: read_app_ids(&read)? }
        }
        None => return Err(read.corrupt("role")),
    };
    Ok(ApiToken {
        id: read.owned("id")?,
        grant,
        name: read.shown_name("name")?,
        agent_id: read.opt_owned("agent_id")?,
        created_at: read.at("created_at")?,
        expires_at: item.contains_key("expires_at").then(|| read.at("expires_at")).transpose()?,
        last_used_at: read.opt_at("last_used_at")?,
    })
}

/// Absent means all mini programs, so anything else that is there and unreadable is an error.
fn read_app_ids(read: &Read<'_>) -> Result<AppIds> {
    let Some(value) = read.item.get("app_ids") else {
        return Ok(AppIds::All);
    };
    let named = value.as_l().map_err(|_| read.corrupt("app_ids"))?;
    let named = named.iter().map(|id| id.as_s().cloned().map_err(|_| read.corrupt("app_ids")));
    Ok(AppIds::Named(named.collect::<Result<_>>()?))
}
