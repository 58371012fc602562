//! The answers of authorizers, which API Gateway keeps for their time to live.
//!
//! API Gateway developer guide, "Control access to HTTP APIs with AWS Lambda authorizers": the key is the values of the identity
//! sources, so that one answer counts for all routes of the authorizer. A refusal is kept as well, an error is not.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

/// The name of the authorizer, and the values of its identity sources.
pub(super) type CacheKey = (String, Vec<String>);

/// The answer of an authorizer: the context for the function, or `None` for a refusal.
pub(super) type Authorization = Option<HashMap<String, Value>>;

/// The answers that still count.
#[derive(Debug, Default)]
pub(super) struct AuthorizerCache(Mutex<BTreeMap<CacheKey, (Authorization, Timestamp)>>);

impl AuthorizerCache {
    /// The answer that counts at this time.
    pub(super) fn get(&self, key: &CacheKey, now: Timestamp) -> Option<Authorization> {
        self.answers().get(key).filter(|(_, until)| *until > now).map(|(answer, _)| answer.clone())
    }

    /// Keeps an answer for its time to live.
    pub(super) fn put(&self, key: CacheKey, answer: Authorization, now: Timestamp, ttl: Duration) {
        let mut answers = self.answers();
        answers.retain(|_, (_, until)| *until > now);
        if let (false, Ok(until)) = (ttl.is_zero(), now.checked_add(ttl)) {
            answers.insert(key, (answer, until));
        }
    }

    fn answers(&self) -> MutexGuard<'_, BTreeMap<CacheKey, (Authorization, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_counts_until_its_time_to_live_ends() {
        let (cache, ttl) = (AuthorizerCache::default(), Duration::from_mins(1));
        let key = |token: &str| ("Access".to_owned(), vec![token.to_owned()]);
        let at = |second| Timestamp::from_second(second).unwrap();
        cache.put(key("a"), Some(HashMap::new()), at(0), ttl);
        cache.put(key("b"), None, at(0), ttl);
        assert_eq!(cache.get(&key("a"), at(59)), Some(Some(HashMap::new())));
        assert_eq!(cache.get(&key("b"), at(59)), Some(None));
        assert_eq!(cache.get(&key("c"), at(59)), None);
        assert_eq!(cache.get(&key("a"), at(60)), None);
        cache.put(key("c"), None, at(60), Duration::ZERO);
        assert_eq!(cache.get(&key("c"), at(60)), None);
        assert!(cache.answers().is_empty(), "expired answers are removed");
    }
}
