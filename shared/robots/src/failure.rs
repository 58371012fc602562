//! Errors of requests to robots.

/// Why a robot gave no answer. Contains no key, no address and no text of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failure {
    /// The complete response did not arrive within the deadline.
    #[error("the robot did not answer in time")]
    Timeout,
    /// There was no connection, or it was closed early.
    #[error("the robot cannot be reached")]
    Unreachable,
    /// The HTTP status was not 2xx. Redirects are not followed.
    #[error("the robot answered with HTTP {0}")]
    Status(u16),
    /// The response has more than [`MAX_BODY`](crate::MAX_BODY) bytes.
    #[error("the robot's answer is too large")]
    TooLarge,
    /// The response does not follow the protocol.
    #[error("the robot's answer cannot be read")]
    Malformed,
    /// The address is not https or holds a user name or password. Nothing was sent.
    #[error("the robot's address is not an https address")]
    Address,
    /// The address, or one that its host name resolves to, is not on the public internet. Nothing was sent.
    #[error("the robot's address is not on the public internet")]
    NotPublic,
    /// The API key is not a valid header value, or the secret is not one of Standard Webhooks. Nothing was sent.
    #[error("the robot's key or secret cannot be used")]
    Secret,
}

impl Failure {
    /// The stable code of the error.
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
