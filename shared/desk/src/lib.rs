//! The rules of a service desk: pure functions, without I/O and without a clock.
//!
//! | Module | Rule |
//! |---|---|
//! | [`settings`] | reception settings of a binding: mode, prompts, handover rules, idle timeouts |
//! | [`calendar`] | working hours: weekly hours, holidays, make-up days |
//! | [`staff`] | groups and agents, and the order in which free agents are assigned |
//! | [`allow`] | which robots, groups and agents a `session-from` may name |
//! | [`merchant`] | merchants of a platform and their routing levels |
//! | [`routing`] | the group or agent that a conversation goes to, level by level |
//! | [`reception`] | the next step when a message or an event arrives |
//! | [`handover`] | whether a visitor asks for a person or ends the conversation |
//! | [`robot`] | settings of a robot |
//! | [`faq`] | the known question that a visitor asks |
//! | [`numerals`] | the value of Chinese numerals and English number words |
//! | [`turn`] | the result of a robot's turn |
//! | [`limits`] | limits on what one visitor and one mini program may use, and blocked visitors |
//! | [`quota`] | the number of replies that WeChat still grants |
//! | [`policy`] | which caller may do what to which conversation, visitor or setting |
//! | [`hint`] | who is told of a change, and how |
//! | [`held`] | how held texts are merged into messages |
//! | [`conversation`] | the roles and reasons that are stored with a conversation |

pub mod allow;
pub mod calendar;
pub mod conversation;
pub mod faq;
pub mod handover;
pub mod held;
pub mod hint;
pub mod limits;
pub mod merchant;
pub mod numerals;
pub mod policy;
pub mod quota;
pub mod reception;
pub mod robot;
pub mod routing;
pub mod settings;
pub mod staff;
pub mod turn;

/// An invalid field of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The path of the field, such as `idle.warn_after_minutes` or `weekly[0].days`.
    pub field: String,
    /// The constraint that the value violates, such as `must be 1 to 1440`.
    pub detail: String,
}

impl Fault {
    /// Creates a fault.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into() }
    }
}
