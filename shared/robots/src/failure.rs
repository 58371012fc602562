//! Errors of requests to robots.

use crate::refusal::Refusal;

/// Why a robot gave no answer. Contains no key, no address and no text of the conversation but what the robot's own error
/// message quotes, which [`Refusal`] bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The complete response did not arrive within the deadline.
    #[error("the robot did not answer in time")]
    Timeout,
    /// There was no connection, or it was closed early.
    #[error("the robot cannot be reached")]
    Unreachable,
    /// The HTTP status was not 2xx, or the response is an error. Redirects are not followed.
    #[error(transparent)]
    Refused(Refusal),
    /// The response has more than [`MAX_BODY`](crate::MAX_BODY) bytes.
    #[error("the robot's answer is too large")]
    TooLarge,
    /// The response does not follow the protocol, or the model did not write the JSON that it was asked for.
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
    pub fn code(&self) -> &'static str {
        match self {
            Self::Timeout => "robot.timeout",
            Self::Unreachable => "robot.unreachable",
            Self::Refused(_) => "robot.refused",
            Self::TooLarge => "robot.too_large",
            Self::Malformed => "robot.malformed",
            Self::Address => "robot.bad_address",
            Self::NotPublic => "robot.address_not_public",
            Self::Secret => "robot.bad_secret",
        }
    }

    /// Whether the server fails whatever it is asked. A model that writes something else, and a server that refuses the content
    /// of a request, fail by what the visitor wrote.
    pub fn is_of_server(&self) -> bool {
        match self {
            Self::Refused(refusal) => !matches!(refusal.status, 400 | 413 | 422),
            Self::TooLarge | Self::Malformed => false,
            Self::Timeout | Self::Unreachable | Self::Address | Self::NotPublic | Self::Secret => true,
        }
    }

    /// The HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// The robot's own words about a refusal: see [`Refusal::message`].
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.message.as_deref(),
            _ => None,
        }
    }
}
