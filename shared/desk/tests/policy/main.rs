//! Who may do what: every role, every relation, every action.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is its failure")]

mod conversations;
mod hints;
mod others;
mod properties;

use std::collections::BTreeSet;

use desk::{
    policy::{AppIds, Caller, ConversationFacts, Grant, Groups, Holder, Member, Scope, Verdict},
    staff::Visibility,
};

pub(crate) const APP: &str = "wx01";
pub(crate) const ME: &str = "a-me";

pub(crate) fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// The caller's agent: a member of `g-open`, whose members read each other's conversations, and of `g-closed`, whose
/// members do not.
pub(crate) fn member() -> Member {
    let groups = [("g-open", Visibility::Group), ("g-closed", Visibility::Own)];
    let groups: Groups = groups.into_iter().map(|(id, visibility)| (id.to_owned(), visibility)).collect();
    Member { agent_id: Some(ME.to_owned()), groups }
}

pub(crate) fn agent() -> Caller {
    Caller::new(&Grant::Agent, member())
}

/// A supervisor of `g-led`, who works as an agent of two other groups.
pub(crate) fn supervisor() -> Caller {
    Caller::new(&Grant::Supervisor { group_ids: set(&["g-led"]) }, member())
}

/// An admin without an agent.
pub(crate) fn admin() -> Caller {
    Caller::new(&Grant::Admin, Member::default())
}

pub(crate) fn integrator(scopes: &[Scope], app_ids: AppIds) -> Caller {
    let scopes = scopes.iter().copied().collect();
    Caller::new(&Grant::Integrator { scopes, app_ids }, Member::default())
}

pub(crate) fn conversation(holder: Holder, groups: &[&str]) -> ConversationFacts {
    ConversationFacts { app_id: APP.to_owned(), holder, group_ids: set(groups), routed_to: BTreeSet::new() }
}

pub(crate) fn with(agent: &str) -> Holder {
    Holder::Agent(agent.to_owned())
}

pub(crate) fn closed(last_agent: Option<&str>, visitor_is_with: Option<&str>) -> Holder {
    Holder::Closed {
        last_agent: last_agent.map(ToOwned::to_owned),
        visitor_is_with: visitor_is_with.map(ToOwned::to_owned),
    }
}

/// A verdict by its name in the tables.
pub(crate) fn verdict(name: &str) -> Verdict {
    match name {
        "allow" => Verdict::Allow,
        "claims" => Verdict::AllowAfterClaim,
        "in-place-of-robot" => Verdict::AllowInPlaceOfRobot,
        "claim-first" => Verdict::ClaimFirst,
        "taken" => Verdict::Taken,
        "hide" => Verdict::Hide,
        "refuse" => Verdict::Refuse,
        _ => panic!("no verdict is named {name}"),
    }
}
