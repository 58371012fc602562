//! The rules of a service desk: pure functions, without I/O and without a clock.
//!
//! | Module | Rule |
//! |---|---|
//! | [`settings`] | what an admin sets for a mini program: who answers first, what is said by itself |
//! | [`calendar`] | when a group works: weekly hours, holidays, make-up days |
//! | [`staff`] | groups and agents, and who of a group is next |
//! | [`merchant`] | which groups a merchant of a platform has |
//! | [`routing`] | which group or agent a conversation goes to, level by level |
//! | [`robot`] | what a robot is |
//! | [`faq`] | which of the known questions a visitor means |
//! | [`handover`] | when a visitor wants a person |
//! | [`quota`] | how many replies WeChat still grants |
//! | [`turn`] | what comes of a robot's turn |
//! | [`held`] | how held texts go out together |
//! | [`policy`] | which caller may do what to which conversation, visitor or setting |
//! | [`reception`] | what happens next when something has come in |

pub mod calendar;
pub mod faq;
pub mod handover;
pub mod held;
pub mod merchant;
pub mod policy;
pub mod quota;
pub mod reception;
pub mod robot;
pub mod routing;
pub mod settings;
pub mod staff;
pub mod turn;

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field, with dots for what lies inside of another.
    pub field: String,
    /// What it must be.
    pub detail: String,
}

impl Fault {
    /// A fault.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into() }
    }
}
