//! The access keys of the callers.

use sha2::{Digest, Sha256};

use crate::random;

/// The access keys of one start of a bundle: the name of the caller and a random text that only the bundle knows. It has no
/// `Debug`, so that the text does not get into a log.
#[derive(Clone)]
pub(crate) struct AccessKeys(String);

impl AccessKeys {
    /// New keys.
    pub(crate) fn generate() -> Self {
        Self(random::letters_and_digits(32))
    }

    /// The access key of a caller.
    pub(crate) fn of(&self, caller: &str) -> String {
        format!("{caller}-{}", self.0)
    }

    /// The caller that an access key belongs to; `None` if it is not a key of this start.
    pub(super) fn caller<'a>(&self, key: &'a str) -> Option<&'a str> {
        let (caller, secret) = key.rsplit_once('-')?;
        // Hashes, so that the time of the comparison tells nothing about the text.
        (Sha256::digest(secret) == Sha256::digest(&self.0)).then_some(caller)
    }
}
