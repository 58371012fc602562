//! Reasons to withhold an answer of a language model.

use serde::{Deserialize, Serialize};

/// Why an answer of a language model is not sent to the visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// It cites none of the given passages.
    #[error("it cites no source")]
    NoSource,
    /// It has a link, a host's name or an e-mail address that its sources do not have.
    #[error("it has a link that its sources do not have")]
    Link,
    /// It has markup that its sources do not have.
    #[error("it has markup that its sources do not have")]
    Markup,
    /// It has a telephone number or an account of a messenger that its sources do not have.
    #[error("it has a contact that its sources do not have")]
    Contact,
    /// It has a number that its sources do not have.
    #[error("it has a number that its sources do not have")]
    Number,
    /// It makes a commitment that its sources do not make.
    #[error("it makes a commitment that its sources do not make")]
    Commitment,
    /// It affirms what its sources deny, or denies what they affirm.
    #[error("it contradicts its sources")]
    Contradiction,
    /// It asks for a password, a verification code, a card number or a transfer of money.
    #[error("it asks for a secret or for money")]
    Secret,
    /// It repeats the rules that the model was given.
    #[error("it repeats its instructions")]
    Instructions,
    /// It has little content in common with its sources.
    #[error("it has little to do with its sources")]
    Unrelated,
}
