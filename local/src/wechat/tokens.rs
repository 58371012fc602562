//! Access tokens of one mini program, as `/cgi-bin/stable_token` and `/cgi-bin/token` hand them out.
//!
//! Both kinds live for 7200 s and know nothing of each other. `stable_token` answers with the same token while it lives and
//! makes a new one in its last five minutes, during which both are valid; `token` makes a new one each time and
//! leaves the one before five minutes.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{random, refusal};

const LIFE: SignedDuration = SignedDuration::from_secs(7200);
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
const FORCE_PAUSE: SignedDuration = SignedDuration::from_secs(30);
const FORCE_PER_DAY: usize = 20;
/// How many tokens are remembered, so that an old one is called expired and not unknown.
const REMEMBERED: usize = 64;

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
    /// The errcode that calls with it get, once it is void.
    void: Option<i64>,
}

/// A token and the seconds it has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) access_token: String,
    pub(super) expires_in: i64,
}

/// All tokens of a mini program.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Tokens {
    issued: Vec<Issued>,
    forced: Vec<Timestamp>,
}

impl Tokens {
    /// `stable_token`. With `force` the token before is void at once, but at most 20 times a day and not twice in 30 s.
    pub(super) fn stable(&mut self, now: Timestamp, force: bool) -> Result<Grant, i64> {
        self.forced.retain(|at| now.duration_since(*at) < SignedDuration::from_hours(24));
        let force = force && self.forced.last().is_none_or(|last| now.duration_since(*last) >= FORCE_PAUSE);
        if force {
            if self.forced.len() >= FORCE_PER_DAY {
                return Err(refusal::DAILY_LIMIT);
            }
            self.forced.push(now);
            self.void_kind(Kind::Stable, refusal::INVALID_CREDENTIAL);
        }
        let current = self.issued.iter().rev().find(|token| token.kind == Kind::Stable);
        if let Some(token) = current.filter(|token| token.void.is_none()) {
            let left = token.expires_at.duration_since(now);
            if left > OVERLAP {
                return Ok(Grant { access_token: token.value.clone(), expires_in: left.as_secs() });
            }
        }
        Ok(self.issue(Kind::Stable, now))
    }

    /// `token`: always a new one.
    pub(super) fn plain(&mut self, now: Timestamp) -> Grant {
        let overlap = later(now, OVERLAP);
        for token in self.issued.iter_mut().filter(|token| token.kind == Kind::Plain) {
            token.expires_at = token.expires_at.min(overlap);
        }
        self.issue(Kind::Plain, now)
    }

    /// Whether `value` was issued here, and if so the errcode that stands against it.
    pub(super) fn check(&self, value: &str, now: Timestamp) -> Option<Result<(), i64>> {
        let token = self.issued.iter().find(|token| token.value == value)?;
        Some(match token.void {
            Some(errcode) => Err(errcode),
            None if now >= token.expires_at => Err(refusal::TOKEN_EXPIRED),
            None => Ok(()),
        })
    }

    /// Makes every token void; calls with them answer `errcode`.
    pub(super) fn void(&mut self, errcode: i64) {
        self.void_kind(Kind::Stable, errcode);
        self.void_kind(Kind::Plain, errcode);
    }

    /// How many tokens would be accepted now.
    pub(super) fn valid(&self, now: Timestamp) -> usize {
        self.issued.iter().filter(|token| token.void.is_none() && now < token.expires_at).count()
    }

    fn void_kind(&mut self, kind: Kind, errcode: i64) {
        for token in self.issued.iter_mut().filter(|token| token.kind == kind && token.void.is_none()) {
            token.void = Some(errcode);
        }
    }

    fn issue(&mut self, kind: Kind, now: Timestamp) -> Grant {
        // The number in front is WeChat's own habit; it keeps the token from looking like a media id.
        let value = format!("86_{}", random::word(133));
        self.issued.push(Issued { value: value.clone(), kind, expires_at: later(now, LIFE), void: None });
        let surplus = self.issued.len().saturating_sub(REMEMBERED);
        self.issued.drain(..surplus);
        Grant { access_token: value, expires_in: LIFE.as_secs() }
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}
