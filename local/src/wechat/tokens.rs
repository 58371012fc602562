//! The access tokens of a mini program, issued by `/cgi-bin/stable_token` and `/cgi-bin/token`.
//!
//! Tokens of both kinds are valid for 7200 s and independent of each other. `stable_token` returns the same token until five
//! minutes before its end, then a new one, while both are valid. `token` returns a new token each time; the previous one stays
//! valid for five minutes.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{api_error, random};

const LIFE: SignedDuration = SignedDuration::from_secs(7200);
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
const FORCE_PAUSE: SignedDuration = SignedDuration::from_secs(30);
const FORCE_PER_DAY: usize = 20;
/// The number of stored tokens. An old token gets "expired" instead of "invalid" while it is stored.
const STORED_TOKENS: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    Stable,
    Plain,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Issued {
    value: String,
    kind: Kind,
    expires_at: Timestamp,
    /// The errcode of calls with this token if it is revoked.
    #[serde(rename = "void")]
    revoked: Option<i64>,
}

/// A token and its remaining time in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) access_token: String,
    pub(super) expires_in: i64,
}

/// The tokens of a mini program.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Tokens {
    issued: Vec<Issued>,
    forced: Vec<Timestamp>,
}

impl Tokens {
    /// `stable_token`. `force` revokes the previous token, at most 20 times a day, and has no effect twice within 30 s.
    pub(super) fn stable(&mut self, now: Timestamp, force: bool) -> Result<Grant, i64> {
        self.forced.retain(|at| now.duration_since(*at) < SignedDuration::from_hours(24));
        let force = force && self.forced.last().is_none_or(|last| now.duration_since(*last) >= FORCE_PAUSE);
        if force {
            if self.forced.len() >= FORCE_PER_DAY {
                return Err(api_error::DAILY_LIMIT);
            }
            self.forced.push(now);
            self.revoke_kind(Kind::Stable, api_error::INVALID_CREDENTIAL);
        }
        let current = self.issued.iter().rev().find(|token| token.kind == Kind::Stable);
        if let Some(token) = current.filter(|token| token.revoked.is_none()) {
            let left = token.expires_at.duration_since(now);
            if left > OVERLAP {
                return Ok(Grant { access_token: token.value.clone(), expires_in: left.as_secs() });
            }
        }
        Ok(self.issue(Kind::Stable, now))
    }

    /// `token`: always returns a new token.
    pub(super) fn plain(&mut self, now: Timestamp) -> Grant {
        let overlap = later(now, OVERLAP);
        for token in self.issued.iter_mut().filter(|token| token.kind == Kind::Plain) {
            token.expires_at = token.expires_at.min(overlap);
        }
        self.issue(Kind::Plain, now)
    }

    /// Whether the token is valid, or its errcode; `None` if it was not issued here.
    pub(super) fn check(&self, value: &str, now: Timestamp) -> Option<Result<(), i64>> {
        let token = self.issued.iter().find(|token| token.value == value)?;
        Some(match token.revoked {
            Some(errcode) => Err(errcode),
            None if now >= token.expires_at => Err(api_error::TOKEN_EXPIRED),
            None => Ok(()),
        })
    }

    /// Revokes all tokens. Calls with them get `errcode`.
    pub(super) fn revoke_all(&mut self, errcode: i64) {
        self.revoke_kind(Kind::Stable, errcode);
        self.revoke_kind(Kind::Plain, errcode);
    }

    /// The number of valid tokens.
    pub(super) fn valid(&self, now: Timestamp) -> usize {
        self.issued.iter().filter(|token| token.revoked.is_none() && now < token.expires_at).count()
    }

    fn revoke_kind(&mut self, kind: Kind, errcode: i64) {
        for token in self.issued.iter_mut().filter(|token| token.kind == kind && token.revoked.is_none()) {
            token.revoked = Some(errcode);
        }
    }

    fn issue(&mut self, kind: Kind, now: Timestamp) -> Grant {
        // WeChat's tokens have a number at the start.
        let value = format!("86_{}", random::word(133));
        self.issued.push(Issued { value: value.clone(), kind, expires_at: later(now, LIFE), revoked: None });
        let surplus = self.issued.len().saturating_sub(STORED_TOKENS);
        self.issued.drain(..surplus);
        Grant { access_token: value, expires_in: LIFE.as_secs() }
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}
