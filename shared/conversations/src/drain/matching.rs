//! Who of those that wait falls to whom: the longest waiting to the best of those who are free for them, and so on.

use std::collections::HashMap;

use desk::{
    routing::Facts,
    staff::{AgentFacts, rank_free_agents},
};
use jiff::{SignedDuration, Timestamp};
use store::{Entry, Queue};

/// Whoever has handed a conversation on to a group is not given it back for so long, as long as anybody else of the
/// group is on duty. After that the visitor has waited long enough.
const NOT_BACK: SignedDuration = SignedDuration::from_mins(5);

/// What is known of each queue in which somebody waits.
pub(super) type Desks = HashMap<Queue, Facts>;

/// Who waits in a queue, the first of them.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) queue: Queue,
    pub(super) entries: Vec<Entry>,
    /// The last place that was read, if others may stand behind it.
    pub(super) read_to: Option<String>,
}

/// One who waits, and to whom they fall.
#[derive(Debug, Clone)]
pub(super) struct Card {
    pub(super) queue: Queue,
    pub(super) entry: Entry,
    pub(super) agent: AgentFacts,
}

impl Card {
    /// Whether neither who waits nor the agent has moved. When exactly the agent last got one is not known to whoever
    /// gave it to them.
    pub(super) fn is_still(&self, other: &Self) -> bool {
        self.entry == other.entry && self.agent.id == other.agent.id && self.agent.load == other.agent.load
    }
}

/// Deals until somebody falls to `last`; without one, the first card alone. All who deal from the same facts deal the
/// same, and it makes no difference to the rest of the deal in which order its cards are carried out.
pub(super) fn deal(lines: &[Line], desks: &Desks, last: Option<&str>, now: Timestamp) -> Vec<Card> {
    let mut desks = desks.clone();
    // Where a line was not read to its end, whoever follows in another may have to wait for the rest of it.
    let read_to = lines.iter().filter_map(|line| line.read_to.as_ref()).min();
    let mut waiting: Vec<(&Entry, &Queue)> = lines
        .iter()
        .flat_map(|line| line.entries.iter().map(move |entry| (entry, &line.queue)))
        .filter(|(entry, _)| read_to.is_none_or(|to| entry.place <= *to))
        .collect();
    waiting.sort_by(|(one, _), (other, _)| one.place.cmp(&other.place));
    let mut cards = Vec::new();
    for (entry, queue) in waiting {
        let Some(agent) = desks.get(queue).and_then(|facts| best(facts, entry, now)) else {
            continue;
        };
        assigned(&mut desks, &agent.id, now);
        let ends = last.is_none_or(|last| agent.id == last);
        cards.push(Card { queue: queue.clone(), entry: entry.clone(), agent });
        if ends {
            break;
        }
    }
    cards
}

/// The best of those who are free for somebody who waits.
fn best(facts: &Facts, entry: &Entry, now: Timestamp) -> Option<AgentFacts> {
    match facts {
        Facts::Group { open: false, .. } | Facts::Missing => None,
        Facts::Group { group, members, .. } => {
            let lately = entry.handed_on.as_ref().filter(|(_, at)| now.duration_since(*at) < NOT_BACK);
            let by = lately.map(|(by, _)| by);
            let others = members.iter().any(|member| Some(&member.id) != by && member.is_on_duty());
            let passed_over = by.filter(|_| others);
            let free = rank_free_agents(group.strategy, members, None);
            let id = free.into_iter().find(|id| Some(id) != passed_over)?;
            members.iter().find(|member| member.id == id).cloned()
        }
        Facts::Agent { agent, .. } => Some(agent.clone()).filter(AgentFacts::is_free),
    }
}

/// Whether anybody is free.
pub(super) fn has_room(desks: &Desks) -> bool {
    desks.values().any(|facts| match facts {
        Facts::Group { members, open, .. } => *open && members.iter().any(AgentFacts::is_free),
        Facts::Agent { agent, .. } => agent.is_free(),
        Facts::Missing => false,
    })
}

/// Notes that an agent has one more, wherever they are known.
pub(super) fn assigned(desks: &mut Desks, agent: &str, now: Timestamp) {
    for facts in desks.values_mut() {
        let known = match facts {
            Facts::Group { members, .. } => members.iter_mut().find(|member| member.id == agent),
            Facts::Agent { agent: known, .. } => Some(known).filter(|known| known.id == agent),
            Facts::Missing => None,
        };
        if let Some(known) = known {
            known.add_load(1, now);
        }
    }
}
