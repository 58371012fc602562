//! The rule that matches waiting conversations with free agents: the longest waiting conversation gets the best agent who
//! is free for it, then the next one, and so on.

use std::collections::HashMap;

use desk::{
    routing::Facts,
    staff::{AgentFacts, rank_free_agents},
};
use jiff::{SignedDuration, Timestamp};
use store::{Entry, Queue};

/// How long an agent who transferred a conversation to a group does not get it back, while another agent of the group is
/// on duty.
const NOT_BACK_TO_SENDER: SignedDuration = SignedDuration::from_mins(5);

/// The facts about the target of each queue.
pub(super) type FactsByQueue = HashMap<Queue, Facts>;

/// The first entries of a queue.
#[derive(Debug, Clone)]
pub(super) struct QueueHead {
    /// The queue.
    pub(super) queue: Queue,
    /// Its first entries.
    pub(super) entries: Vec<Entry>,
    /// The last place that was read, if more entries may follow.
    pub(super) read_to: Option<String>,
}

/// A waiting conversation and the agent that it is matched with.
#[derive(Debug, Clone)]
pub(super) struct Match {
    /// The conversation's queue.
    pub(super) queue: Queue,
    /// The conversation's entry.
    pub(super) entry: Entry,
    /// The agent, with the load before this match.
    pub(super) agent: AgentFacts,
}

impl Match {
    /// Whether neither the entry nor the agent has changed. The time of the agent's last assignment is left out: a drain
    /// knows it only approximately for its own assignments.
    pub(super) fn is_unchanged(&self, other: &Self) -> bool {
        self.entry == other.entry && self.agent.id == other.agent.id && self.agent.load == other.agent.load
    }
}

/// The matches up to the first one of `last_agent`; only the first match without one. The same facts give the same
/// matches everywhere, and the order in which they are written does not change the later ones.
pub(super) fn match_waiting(
    heads: &[QueueHead],
    facts: &FactsByQueue,
    last_agent: Option<&str>,
    now: Timestamp,
) -> Vec<Match> {
    let mut facts = facts.clone();
    // Entries of other queues after this place may have to wait for entries that were not read.
    let read_to = heads.iter().filter_map(|head| head.read_to.as_ref()).min();
    let mut waiting: Vec<(&Entry, &Queue)> = heads
        .iter()
        .flat_map(|head| head.entries.iter().map(move |entry| (entry, &head.queue)))
        .filter(|(entry, _)| read_to.is_none_or(|to| entry.place <= *to))
        .collect();
    waiting.sort_by(|(one, _), (other, _)| one.place.cmp(&other.place));
    let mut matches = Vec::new();
    for (entry, queue) in waiting {
        let Some(agent) = facts.get(queue).and_then(|facts| best_agent(facts, entry, now)) else {
            continue;
        };
        note_assignment(&mut facts, &agent.id, now);
        let is_last = last_agent.is_none_or(|last| agent.id == last);
        matches.push(Match { queue: queue.clone(), entry: entry.clone(), agent });
        if is_last {
            break;
        }
    }
    matches
}

/// The best agent who is free for an entry.
fn best_agent(facts: &Facts, entry: &Entry, now: Timestamp) -> Option<AgentFacts> {
    match facts {
        Facts::Group { open: false, .. } | Facts::Missing => None,
        Facts::Group { group, members, .. } => {
            let recent = entry.handed_on.as_ref().filter(|(_, at)| now.duration_since(*at) < NOT_BACK_TO_SENDER);
            let sender = recent.map(|(sender, _)| sender);
            let others = members.iter().any(|member| Some(&member.id) != sender && member.is_on_duty());
            let excluded = sender.filter(|_| others);
            let free = rank_free_agents(group.strategy, members, None);
            let id = free.into_iter().find(|id| Some(id) != excluded)?;
            members.iter().find(|member| member.id == id).cloned()
        }
        Facts::Agent { agent, .. } => Some(agent.clone()).filter(AgentFacts::is_free),
    }
}

/// Whether any agent is free.
pub(super) fn has_free_agent(facts: &Facts) -> bool {
    match facts {
        Facts::Group { members, open, .. } => *open && members.iter().any(AgentFacts::is_free),
        Facts::Agent { agent, .. } => agent.is_free(),
        Facts::Missing => false,
    }
}

/// Counts one more conversation of an agent, in every queue that they serve.
pub(super) fn note_assignment(facts: &mut FactsByQueue, agent: &str, now: Timestamp) {
    for facts in facts.values_mut() {
        let found = match facts {
            Facts::Group { members, .. } => members.iter_mut().find(|member| member.id == agent),
            Facts::Agent { agent: found, .. } => Some(found).filter(|found| found.id == agent),
            Facts::Missing => None,
        };
        if let Some(found) = found {
            found.add_assigned(now);
        }
    }
}
