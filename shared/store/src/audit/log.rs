//! Reads the log.

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};

use super::{AuditAction, AuditEntry, NewAudit};
use crate::{
    error::{Result, StoreError},
    handles::AuditLog,
    item::{Attributes, Read},
    keys,
    table::{Page, SERVICE, Table},
};

/// How many times a page reads all shards of a month at most. A page that ends by it may have fewer entries than its limit.
const ROUNDS: u32 = 24;

/// No entry is older: the log did not exist before.
const FIRST_MONTH: Date = Date::constant(2026, 1, 1);

/// How far the clock of the function that wrote an entry may be ahead.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Which entries to read.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
    /// With this action.
    pub action: Option<AuditAction>,
    /// By the token with this id, or by a token of the agent with this id.
    pub actor: Option<String>,
    /// About this mini program.
    pub app_id: Option<String>,
}

impl AuditFilter {
    fn matches(&self, entry: &AuditEntry) -> bool {
        let is_actor =
            |id: &String| entry.actor.token_id == *id || entry.actor.agent_id.as_ref().is_some_and(|agent| agent == id);
        self.action.is_none_or(|action| action == entry.action)
            && self.actor.as_ref().is_none_or(is_actor)
            && self.app_id.as_ref().is_none_or(|app_id| entry.app_id.as_ref() == Some(app_id))
    }
}

/// Entries of a month before a position, the newest first, each with its sort key.
struct Found {
    entries: Vec<(String, AuditEntry)>,
    /// Whether the month has older ones.
    more: bool,
}

impl AuditLog {
    /// Writes an entry about something that changes nothing else.
    pub async fn record(&self, new: &NewAudit) -> Result<()> {
        let put = self.0.client.put_item().table_name(&self.0.name).set_item(Some(self.0.audit_item(new)?));
        let answer = put.condition_expression("attribute_not_exists(pk)").send().await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            // The id is a fresh one, so the answer to the first try of this call was lost.
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Entries, the newest first. A page may have fewer than `limit` and still have a cursor.
    pub async fn entries(&self, filter: &AuditFilter, cursor: Option<&str>, limit: i32) -> Result<Page<AuditEntry>> {
        let now = self.0.clock.now();
        let newest = filter.to.unwrap_or(Timestamp::MAX).min(now + CLOCK_SKEW);
        let mut before = keys::instant(newest);
        if let Some(position) = cursor.map(position).transpose()? {
            before = before.min(position);
        }
        let floor = self.floor(filter, now)?;
        let mut month = month_of(&before)?;
        let wanted = usize::try_from(limit).unwrap_or_default();
        let mut items = Vec::new();
        for _ in 0..ROUNDS {
            let found = self.0.audit_before(month, &floor, &before, limit).await?;
            for (sk, entry) in found.entries {
                before = sk;
                if filter.matches(&entry) {
                    items.push(entry);
                }
                if items.len() == wanted {
                    return Ok(Page { items, cursor: Some(keys::cursor(&before)) });
                }
            }
            if !found.more {
                before = keys::instant(start_of(month)?);
                if before <= floor {
                    return Ok(Page { items, cursor: None });
                }
                month = month.saturating_sub(1.month());
            }
        }
        Ok(Page { items, cursor: Some(keys::cursor(&before)) })
    }

    /// The smallest sort key that a page reads.
    fn floor(&self, filter: &AuditFilter, now: Timestamp) -> Result<String> {
        let kept_since = self.0.retention.audit.start(now).unwrap_or(Timestamp::MIN);
        let from = filter.from.unwrap_or(Timestamp::MIN).max(kept_since).max(start_of(FIRST_MONTH)?);
        Ok(keys::instant(from))
    }
}

/// The first day of the month of a sort key.
fn month_of(position: &str) -> Result<Date> {
    let millis = position.split('#').next().unwrap_or_default().parse().map_err(|_| StoreError::Cursor)?;
    let at = Timestamp::from_millisecond(millis).map_err(|_| StoreError::Cursor)?;
    Ok(at.to_zoned(TimeZone::UTC).date().first_of_month())
}

fn start_of(month: Date) -> Result<Timestamp> {
    let start = month.to_zoned(TimeZone::UTC).map_err(|_| StoreError::Internal("a month has no beginning"))?;
    Ok(start.timestamp())
}

/// The position that a cursor stands for: a time in milliseconds, or the sort key of an entry.
fn position(cursor: &str) -> Result<String> {
    let text = keys::from_cursor(cursor)?;
    let millis = text.split('#').next().unwrap_or_default();
    let is_position = millis.len() == 13 && millis.bytes().all(|digit| digit.is_ascii_digit());
    if is_position { Ok(text) } else { Err(StoreError::Cursor) }
}

impl Table {
    /// The entries of a month from `floor` to before `before`, at most `limit`.
    async fn audit_before(&self, month: Date, floor: &str, before: &str, limit: i32) -> Result<Found> {
        if floor >= before {
            return Ok(Found { entries: Vec::new(), more: false });
        }
        let shards = keys::audit_shards(month);
        let pages = try_join_all(shards.map(|shard| self.audit_shard_before(shard, floor, before, limit))).await?;
        let mut more = pages.iter().any(|(_, more)| *more);
        let mut entries: Vec<_> = pages.into_iter().flat_map(|(entries, _)| entries).collect();
        entries.sort_by(|(one, _), (other, _)| other.cmp(one));
        let limit = usize::try_from(limit).unwrap_or_default();
        more |= entries.len() > limit;
        entries.truncate(limit);
        Ok(Found { entries, more })
    }

    async fn audit_shard_before(
        &self,
        shard: String,
        floor: &str,
        before: &str,
        limit: i32,
    ) -> Result<(Vec<(String, AuditEntry)>, bool)> {
        // The range has both of its ends; the entry at the position itself was on the page before.
        let query = self.between(&shard, floor, before).scan_index_forward(false).limit(limit.saturating_add(1));
        let answer = query.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        let more = answer.last_evaluated_key.is_some();
        let read = |item: Attributes| {
            let read = Read { kind: keys::AUDIT, item: &item };
            Ok((read.owned("sk")?, read.data::<AuditEntry>()?))
        };
        let entries = answer.items.unwrap_or_default().into_iter().map(read).collect::<Result<Vec<_>>>()?;
        Ok((entries.into_iter().filter(|(sk, _)| sk != before).collect(), more))
    }
}
