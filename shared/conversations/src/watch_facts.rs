//! The facts by which it is decided who is told of a change: those of permissions, read by as few requests as possible.

use std::{collections::BTreeSet, sync::Arc};

use desk::{
    policy::{ConversationFacts, Holder},
    staff::{Group, Visibility},
};
use store::{Conversation, ConversationReader, Record, Result, Table, ThreadReader};

use crate::{
    permissions::{facts, holder, last_agent, own_groups},
    reception_settings::reception,
    settings_cache::SettingsCache,
};

/// Reads the facts. Settings are those of at most [`SETTINGS_LIFE`](crate::SETTINGS_LIFE) ago. Cheap to clone.
#[derive(Debug, Clone)]
pub struct WatchFacts {
    settings: Arc<SettingsCache>,
    threads: ThreadReader,
    conversations: ConversationReader,
}

/// A group, as far as its members matter.
#[derive(Debug, Clone)]
pub struct WatchedGroup(Arc<Record<Group>>);

impl WatchedGroup {
    /// Which conversations of each other the members read, if the agent is one of them.
    pub fn visibility_for(&self, agent: &str) -> Option<Visibility> {
        let group = &self.0.settings;
        group.members.iter().any(|member| member == agent).then_some(group.visibility)
    }
}

impl WatchFacts {
    /// The facts that are kept in this table.
    pub fn new(table: &Table) -> Self {
        let settings = Arc::new(SettingsCache::new(table));
        Self { settings, threads: table.threads(), conversations: table.conversations() }
    }

    /// These conversations; those that are gone are left out. Without ids it makes no request.
    pub async fn conversations(&self, cids: &[String]) -> Result<Vec<Conversation>> {
        if cids.is_empty() { Ok(Vec::new()) } else { self.conversations.conversations_of(cids).await }
    }

    /// A conversation, as far as permissions go. Of a closed one, the agent who had it last counts.
    pub async fn conversation(&self, conversation: &Conversation) -> Result<ConversationFacts> {
        let groups = match own_groups(conversation) {
            Some(groups) => groups,
            None => self.groups_of_binding(&conversation.app_id).await?,
        };
        let holder = if let Some(holder) = holder(conversation) {
            holder
        } else {
            let visitor = self.threads.visitor(&conversation.thread()).await?;
            Holder::Closed { last_agent: last_agent(conversation, &visitor), visitor_is_with: None }
        };
        Ok(facts(conversation, groups, holder))
    }

    /// A group.
    pub async fn group(&self, id: &str) -> Result<Option<WatchedGroup>> {
        Ok(self.settings.group(id).await?.map(WatchedGroup))
    }

    async fn groups_of_binding(&self, app_id: &str) -> Result<BTreeSet<String>> {
        let binding = self.settings.binding(app_id).await?;
        Ok(reception(binding.as_deref())?.group_id.into_iter().collect())
    }
}
