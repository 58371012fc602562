//! The kinds of resources that admins set up.

use desk::{
    calendar::Calendar,
    merchant::Merchant,
    robot::Robot,
    staff::{Agent, Group},
};
use serde::{Serialize, de::DeserializeOwned};

/// The kind of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 技能组.
    Group,
    /// 客服.
    Agent,
    /// A merchant of a platform.
    Merchant,
    /// 机器人.
    Robot,
    /// Working hours.
    Calendar,
}

impl Kind {
    /// The name, with which its keys begin.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Agent => "agent",
            Self::Merchant => "merchant",
            Self::Robot => "robot",
            Self::Calendar => "calendar",
        }
    }

    /// A fresh id: a letter for the kind and 48 random bits. Short, because `session-from` has room for 1000 characters.
    pub fn fresh_id(self) -> String {
        let unique = uuid::Uuid::now_v7().simple().to_string();
        format!("{}{}", &self.as_str()[..1], &unique[20..])
    }

    /// Whether this is an id that [`fresh_id`](Self::fresh_id) could have made.
    pub fn is_id(self, text: &str) -> bool {
        let digits = text.strip_prefix(&self.as_str()[..1]).unwrap_or_default();
        digits.len() == 12 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    pub(crate) fn list(self) -> String {
        format!("{}s", self.as_str())
    }
}

/// The settings of one kind of resource.
pub trait Resource: Serialize + DeserializeOwned {
    /// The kind.
    const KIND: Kind;
}

impl Resource for Group {
    const KIND: Kind = Kind::Group;
}

impl Resource for Agent {
    const KIND: Kind = Kind::Agent;
}

impl Resource for Merchant {
    const KIND: Kind = Kind::Merchant;
}

impl Resource for Robot {
    const KIND: Kind = Kind::Robot;
}

impl Resource for Calendar {
    const KIND: Kind = Kind::Calendar;
}
