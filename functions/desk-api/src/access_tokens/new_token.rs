//! A request for an access token: read and checked.

use std::collections::BTreeSet;

use api::{FieldError, Problem};
use desk::{
    policy::{AppIds, Grant, Role, Scope},
    staff::is_display_name,
};
use jiff::Timestamp;
use serde::Deserialize;
use store::{Kind, NewApiToken};
use utoipa::ToSchema;
use wechat::is_app_id;

use crate::{lookup, services::Services};

/// How many groups or mini programs a token names at most. API Gateway passes an authorizer's context of a few kilobytes.
const NAMED_MAX: usize = 50;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccessToken {
    role: Role,
    /// The holder's name.
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    /// The agent that the holder works as; not for integrators. An agent's or supervisor's token without one gets an agent
    /// of its own when it first needs one.
    #[schema(max_length = 100)]
    agent_id: Option<String>,
    /// Only for supervisors: the groups that they supervise, at most 50. If missing, the groups that their agent is a
    /// member of.
    #[schema(max_items = 50)]
    group_ids: Option<BTreeSet<String>>,
    /// Only for integrators, who need at least one: what they may do.
    scopes: Option<BTreeSet<Scope>>,
    /// Only for integrators: the AppIDs of the mini programs that the scopes hold for, at most 50. If missing, all mini
    /// programs.
    #[schema(max_items = 50)]
    app_ids: Option<BTreeSet<String>>,
    /// When the token expires; without a value it does not expire.
    expires_at: Option<Timestamp>,
}

impl NewAccessToken {
    /// The token to create; every field that does not fit its role is an error.
    pub(super) fn validated(self, now: Timestamp) -> Result<NewApiToken, Problem> {
        let mut wrong = Vec::new();
        let mut must = |right: bool, field: &str, detail: &str| {
            if !right {
                wrong.push(FieldError::new(field, detail));
            }
        };
        let role = self.role;
        let name = self.name.trim().to_owned();
        must(is_display_name(&name), "name", "must have 1 to 60 characters on one line");
        must(self.agent_id.is_none() || role != Role::Integrator, "agent_id", "is not for integrators");
        must(self.group_ids.is_none() || role == Role::Supervisor, "group_ids", "is for supervisors only");
        must(self.scopes.is_none() || role == Role::Integrator, "scopes", "is for integrators only");
        must(self.app_ids.is_none() || role == Role::Integrator, "app_ids", "is for integrators only");
        let group_ids = self.group_ids.unwrap_or_default();
        must(group_ids.len() <= NAMED_MAX, "group_ids", "must be at most 50");
        let scopes = self.scopes.unwrap_or_default();
        must(!scopes.is_empty() || role != Role::Integrator, "scopes", "must have at least one scope");
        if let Some(app_ids) = &self.app_ids {
            let fit = (1..=NAMED_MAX).contains(&app_ids.len()) && app_ids.iter().all(|app_id| is_app_id(app_id));
            must(fit, "app_ids", "must be 1 to 50 AppIDs");
        }
        must(self.expires_at.is_none_or(|end| end > now), "expires_at", "must be in the future");
        if !wrong.is_empty() {
            return Err(Problem::invalid(wrong));
        }
        let grant = match role {
            Role::Admin => Grant::Admin,
            Role::Supervisor => Grant::Supervisor { group_ids },
            Role::Agent => Grant::Agent,
            Role::Integrator => Grant::Integrator { scopes, app_ids: AppIds::from(self.app_ids) },
        };
        Ok(NewApiToken { agent_id: self.agent_id, expires_at: self.expires_at, ..NewApiToken::new(grant, name) })
    }
}

/// Requires that the groups and mini programs exist that a token names.
pub(super) async fn must_exist(services: &Services, grant: &Grant) -> Result<(), Problem> {
    match grant {
        Grant::Supervisor { group_ids } => {
            for id in group_ids {
                if !lookup::exists(services, Kind::Group, id).await? {
                    return Err(Problem::invalid_field("group_ids", "must be ids of groups"));
                }
            }
        }
        Grant::Integrator { app_ids: AppIds::Named(named), .. } => {
            for app_id in named {
                if services.store.bindings.binding(app_id).await?.is_none() {
                    return Err(Problem::invalid_field("app_ids", "must be AppIDs of bound mini programs"));
                }
            }
        }
        Grant::Admin | Grant::Agent | Grant::Integrator { app_ids: AppIds::All, .. } => {}
    }
    Ok(())
}
