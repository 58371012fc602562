//! Permissions: which caller may do what to which conversation, visitor or setting.
//!
//! | Module | Content |
//! |---|---|
//! | `caller` | who calls: an admin, a supervisor, an agent, an integrator |
//! | `action` | what they ask for |
//! | `subject` | the facts about what they ask it for |
//! | `rules` | [`may`]: the decision |
//!
//! Everything that no rule allows is refused.

mod action;
mod caller;
mod rules;
mod subject;

pub use action::Action;
pub use caller::{AppIds, Caller, Grant, Groups, Member, Role, Scope, TokenHolder};
pub use rules::{Relation, Verdict, may, may_ever, relation};
pub use subject::{ConversationFacts, GroupChange, Holder, Subject, VisitorFacts};
