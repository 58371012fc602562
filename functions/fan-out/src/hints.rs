//! Tells browsers what has changed.
//!
//! Requests of a batch:
//!
//! - one read of the version of the connections, a small item;
//! - if the version has changed, one query of all connections;
//! - if there are connections, one batch read of the conversations that are not in the records, and reads of what permissions depend
//!   on: the groups of a conversation (kept for ten seconds) and the visitor of a closed conversation.

use std::{collections::HashMap, time::Duration};

use conversations::WatchFacts;
use desk::{
    hint::{Hint, hears_of_conversation, hears_of_duty, hears_of_queue},
    policy::{ConversationFacts, Groups},
};
use function::{Aws, CallLimits, Connections, Deadline, Delivery, Env, StartError, trigger::Record};
use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use store::{Connection, Result, SharedClock};

use crate::{changes::Changes, directory::Directory};

/// How long telling takes at most: the records after the batch wait for it.
const TELLING: Duration = Duration::from_secs(3);

/// How many connections are told at once.
const AT_ONCE: usize = 50;

/// Tells browsers what has changed.
#[derive(Debug, Clone)]
pub(crate) struct Hints {
    directory: Directory,
    facts: WatchFacts,
    connections: Connections,
    clock: SharedClock,
}

/// What permissions depend on, for the hints of a batch.
#[derive(Default)]
struct Known {
    conversations: HashMap<String, ConversationFacts>,
    /// The members of groups, by the groups' ids.
    members: HashMap<String, conversations::WatchedGroup>,
}

impl Hints {
    pub(crate) fn new(env: &Env, clock: &SharedClock) -> std::result::Result<Self, StartError> {
        let mut settings = env.settings();
        let (table, connections) = (settings.text("TABLE_NAME"), settings.text("CONNECTIONS_URL"));
        settings.done()?;
        let table = Aws::new(env, CallLimits::FiveSeconds)?.table(&table, clock.clone());
        Ok(Self {
            directory: Directory::new(table.connected(), clock.clone()),
            facts: WatchFacts::new(&table),
            connections: Aws::new(env, CallLimits::OneSecond)?.connections(&connections),
            clock: clock.clone(),
        })
    }

    /// Tells browsers what the records say. What fails is logged.
    pub(crate) async fn tell(&self, records: &[Record], deadline: Deadline) {
        let telling = SignedDuration::try_from(TELLING).unwrap_or_default();
        let changes = Changes::of(records);
        if changes.hints.is_empty() || !deadline.allows(telling, self.clock.now()) {
            return;
        }
        match tokio::time::timeout(TELLING, self.tell_changes(changes)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = %function::http::chain(&error), "browsers were not told of changes");
            }
            Err(_) => tracing::warn!("not all browsers were told of changes in time"),
        }
    }

    async fn tell_changes(&self, changes: Changes) -> Result<()> {
        let connections = self.directory.current().await?;
        if connections.is_empty() {
            return Ok(());
        }
        let (hints, known) = (changes.hints.clone(), self.known(changes).await?);
        let told = connections.into_iter().filter_map(|connection| {
            let texts: Vec<String> =
                hints.iter().filter(|hint| hears(&connection, hint, &known)).map(Hint::to_json).collect();
            (!texts.is_empty()).then_some((connection, texts))
        });
        stream::iter(told).for_each_concurrent(AT_ONCE, |(connection, texts)| self.post(connection, texts)).await;
        Ok(())
    }

    /// Posts hints to a connection, one after the other, as long as it takes them.
    async fn post(&self, connection: Connection, texts: Vec<String>) {
        for text in texts {
            match self.connections.post(&connection.id, &text).await {
                Delivery::Sent => {}
                Delivery::Gone => return self.directory.forget(&connection.id).await,
                Delivery::Failed => return,
            }
        }
    }

    /// Reads what the permissions of a batch depend on.
    async fn known(&self, mut changes: Changes) -> Result<Known> {
        for conversation in self.facts.conversations(&changes.missing()).await? {
            changes.conversations.insert(conversation.cid.clone(), conversation);
        }
        let mut known = Known::default();
        for (cid, conversation) in &changes.conversations {
            known.conversations.insert(cid.clone(), self.facts.conversation(conversation).await?);
        }
        let of_conversations = known.conversations.values().flat_map(|facts| facts.group_ids.iter().cloned());
        let of_queues = changes.hints.iter().filter_map(|hint| match hint {
            Hint::Queue { group_id } => Some(group_id.clone()),
            _ => None,
        });
        let mut groups: Vec<String> = of_conversations.chain(of_queues).collect();
        groups.sort();
        groups.dedup();
        for group in groups {
            if let Some(found) = self.facts.group(&group).await? {
                known.members.insert(group, found);
            }
        }
        Ok(known)
    }
}

/// Whether a connection gets a hint. Of the groups of an agent, those count that the hint is about.
fn hears(connection: &Connection, hint: &Hint, known: &Known) -> bool {
    let watcher = &connection.watcher;
    let groups_among = |ids: &mut dyn Iterator<Item = &String>| -> Groups {
        let agent = watcher.agent_id.as_deref();
        ids.filter_map(|id| Some((id.clone(), known.members.get(id)?.visibility_for(agent?)?))).collect()
    };
    match hint {
        Hint::Message { cid, .. } | Hint::Conversation { cid } => known.conversations.get(cid).is_some_and(|facts| {
            hears_of_conversation(&watcher.caller(groups_among(&mut facts.group_ids.iter())), facts)
        }),
        Hint::Queue { group_id } => {
            hears_of_queue(&watcher.caller(groups_among(&mut std::iter::once(group_id))), group_id)
        }
        Hint::Duty { agent_id } => hears_of_duty(&watcher.caller(Groups::new()), agent_id),
        Hint::SessionEnded => false,
    }
}
