//! How asking a robot fails.

/// Why a robot gave no answer. Holds no key, no address and nothing of what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failure {
    /// No complete answer within the deadline.
    #[error("the robot did not answer in time")]
    Timeout,
    /// No connection, or it broke off.
    #[error("the robot cannot be reached")]
    Unreachable,
    /// It answered with an HTTP status that is no success. A redirect is one of them.
    #[error("the robot answered with HTTP {0}")]
    Status(u16),
    /// It answered with more than [`MAX_BODY`](crate::MAX_BODY) bytes.
    #[error("the robot's answer is too large")]
    TooLarge,
    /// It answered with something that is not the answer of its protocol.
    #[error("the robot's answer cannot be read")]
    Malformed,
    /// Its address is not one that it may have: not https, or with a user's name. Nothing was sent.
    #[error("the robot's address is not an https address")]
    Address,
    /// Its address, or one that its name has, is not on the public internet. Nothing was sent.
    #[error("the robot's address is not on the public internet")]
    NotPublic,
    /// Its API key does not fit into a header, or its secret is not one of Standard Webhooks. Nothing was sent.
    #[error("the robot's key or secret cannot be used")]
    Secret,
}

impl Failure {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Timeout => "robot.timeout",
            Self::Unreachable => "robot.unreachable",
            Self::Status(_) => "robot.refused",
            Self::TooLarge => "robot.too_large",
            Self::Malformed => "robot.malformed",
            Self::Address => "robot.bad_address",
            Self::NotPublic => "robot.address_not_public",
            Self::Secret => "robot.bad_secret",
        }
    }
}
