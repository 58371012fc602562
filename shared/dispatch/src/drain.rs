//! Those who wait go to those who are free.

use std::collections::{BTreeMap, HashMap};

use desk::{
    routing::{Facts, Target},
    settings::Reception,
    staff::{AgentFacts, in_order},
};
use serde_json::json;
use store::{Assign, Committed, Conversation, Entry, Queue, Result, Stage};

use crate::{
    Dispatch,
    plan::{reception, target_of},
    scene::Scene,
};

/// Assignments that one drain makes at most; the minute tick makes the others.
const AT_ONCE: u32 = 500;

/// How often a drain meets somebody faster before it leaves the rest to them.
const MISSES: u32 = 50;

/// What a drain has read and keeps while it lasts.
#[derive(Default)]
struct Reading {
    heads: HashMap<Queue, Option<Entry>>,
    facts: BTreeMap<Target, Facts>,
    receptions: HashMap<String, Reception>,
}

impl Dispatch {
    /// Assigns those who wait in these queues, the longest waiting first, as long as somebody is free for them.
    /// Several may drain at once: each takes the head of a queue, and only one of them gets it.
    pub async fn drain(&self, queues: &[Queue]) -> Result<u32> {
        let mut reading = Reading::default();
        let (mut assigned, mut misses) = (0, 0);
        while assigned < AT_ONCE && misses < MISSES {
            let Some((queue, entry, agent)) = self.next(queues, &mut reading).await? else {
                break;
            };
            if self.take(&queue, &entry, &agent, &mut reading).await? {
                assigned += 1;
                reading.heads.remove(&queue);
            } else {
                misses += 1;
                reading.heads.clear();
                reading.facts.clear();
            }
        }
        Ok(assigned)
    }

    /// Everything that an agent who has become free can take.
    pub async fn drain_for(&self, agent: &str) -> Result<u32> {
        let mut queues = vec![Queue::Agent(agent.to_owned())];
        queues.extend(self.table.groups_of(agent).await?.into_iter().map(Queue::Group));
        self.drain(&queues).await
    }

    /// Who is next, and for whom: of the heads of the queues the one that has waited longest and has somebody free.
    async fn next(&self, queues: &[Queue], reading: &mut Reading) -> Result<Option<(Queue, Entry, AgentFacts)>> {
        let now = self.table.clock().now();
        let mut heads = Vec::new();
        for queue in queues {
            if !reading.heads.contains_key(queue) {
                reading.heads.insert(queue.clone(), self.table.waiting(queue, 1).await?.pop());
            }
            if let Some(entry) = reading.heads.get(queue).cloned().flatten() {
                heads.push((entry, queue));
            }
        }
        heads.sort_by(|(one, _), (other, _)| one.place.cmp(&other.place));
        for (entry, queue) in heads {
            let Some(target) = target_of(queue) else {
                continue;
            };
            if !reading.facts.contains_key(&target) {
                let facts = self.facts(&target, now).await?;
                reading.facts.insert(target.clone(), facts);
            }
            let free = match &reading.facts[&target] {
                Facts::Group { open: false, .. } | Facts::Missing => None,
                Facts::Group { group, members, .. } => in_order(group.strategy, members, None)
                    .first()
                    .and_then(|id| members.iter().find(|member| member.id == *id))
                    .cloned(),
                Facts::Agent { agent, .. } => Some(agent.clone()).filter(AgentFacts::is_free),
            };
            if let Some(agent) = free {
                return Ok(Some((queue.clone(), entry, agent)));
            }
        }
        Ok(None)
    }

    /// Assigns one; `false` when somebody else was faster.
    async fn take(&self, queue: &Queue, entry: &Entry, agent: &AgentFacts, reading: &mut Reading) -> Result<bool> {
        let now = self.table.clock().now();
        let waits = |conversation: &Conversation| match &conversation.stage {
            Stage::Queued(waiting) => waiting.place == entry.place && waiting.queue == queue.name(),
            _ => false,
        };
        let Some(conversation) = self.table.conversation(&entry.cid).await?.filter(waits) else {
            return Ok(false);
        };
        let thread = conversation.thread();
        let visitor = self.table.visitor(&thread).await?;
        if !reading.receptions.contains_key(&thread.app_id) {
            let binding = self.table.binding(&thread.app_id).await?;
            reading.receptions.insert(thread.app_id.clone(), reception(binding.as_ref()));
        }
        let reception = reading.receptions[&thread.app_id].clone();
        let waited = conversation.waiting().map_or(0, |waiting| now.duration_since(waiting.since).as_secs());
        let mut scene = Scene::new(thread.clone(), reception, visitor, Some(conversation), now);
        scene.assign = Assign::Auto { load: agent.load };
        let group = match queue {
            Queue::Group(id) => Some(id.clone()),
            _ => None,
        };
        self.assign(&mut scene, &agent.id, group, true, json!({ "waited_seconds": waited })).await?;
        let Committed::Now(_) = scene.commit(&self.table).await? else {
            return Ok(false);
        };
        for facts in reading.facts.values_mut() {
            let known: Vec<&mut AgentFacts> = match facts {
                Facts::Group { members, .. } => members.iter_mut().collect(),
                Facts::Agent { agent, .. } => vec![agent],
                Facts::Missing => Vec::new(),
            };
            for known in known.into_iter().filter(|known| known.id == agent.id) {
                known.load += 1;
                known.last_assigned_at = Some(now);
            }
        }
        self.send_all(&scene).await?;
        Ok(true)
    }
}
