//! What a drain has read of its queues and agents, and what follows from it.

use desk::routing::Facts;
use jiff::Timestamp;
use store::{Queue, Result, Thread};

use super::matching::{FactsByQueue, Match, QueueHead, has_free_agent, match_waiting, note_assignment};
use crate::handles::Handles;
use crate::routing::{Router, agent_facts, target_of};

/// How many entries of a queue are read: so many conversations can be assigned at once. A drain ends when its agent gets none of
/// them.
const HEAD_LENGTH: i32 = 100;

/// The queues and agents as last read.
#[derive(Default)]
pub(super) struct Snapshot {
    heads: Vec<QueueHead>,
    facts: FactsByQueue,
    /// The messages to send once all assignments are written.
    pub(super) sends: Vec<UnsentMessage>,
}

/// A message that goes with an assignment and is stored with it.
pub(super) struct UnsentMessage {
    pub(super) thread: Thread,
    pub(super) cid: String,
    pub(super) id: String,
}

/// The next step of a drain.
pub(super) enum NextStep {
    /// Write this match.
    Assign(Box<Match>),
    /// Other drains are at work: read again.
    ReadAgain,
    /// Nothing is left for this drain.
    End,
}

impl Snapshot {
    /// A snapshot of these queues that is not read yet.
    pub(super) fn new(queues: &[Queue]) -> Self {
        let head = |queue: &Queue| QueueHead { queue: queue.clone(), entries: Vec::new(), read_to: None };
        Self { heads: queues.iter().map(head).collect(), ..Self::default() }
    }

    /// Reads the entries, and then the agents: the agents that the first entries are matched with are then at least as
    /// current as the entries. Returns the facts as they were before. Queues that are empty are not read again, because
    /// what joins an empty queue is drained by the function that put it there.
    pub(super) async fn read(&mut self, store: &Handles, router: &Router) -> Result<FactsByQueue> {
        for head in &mut self.heads {
            head.entries = store.queues.waiting(&head.queue, HEAD_LENGTH).await?;
            let is_cut = head.entries.len() >= usize::try_from(HEAD_LENGTH).unwrap_or(usize::MAX);
            head.read_to = head.entries.last().filter(|_| is_cut).map(|entry| entry.place.clone());
        }
        self.heads.retain(|head| !head.entries.is_empty());
        let earlier = std::mem::take(&mut self.facts);
        for head in &self.heads {
            let now = store.clock.now();
            let Some(target) = target_of(&head.queue) else {
                continue;
            };
            let facts = match earlier.get(&head.queue) {
                Some(Facts::Group { group, open, waiting, of_mini_program, .. }) => {
                    let duties = store.staff.duties(&group.members).await?;
                    let members = duties.iter().map(|duty| agent_facts(duty, now)).collect();
                    let (group, open, waiting) = (group.clone(), *open, *waiting);
                    Facts::Group { group, members, open, waiting, of_mini_program: *of_mini_program }
                }
                _ => router.staff(&target).await?.facts,
            };
            self.facts.insert(head.queue.clone(), facts);
        }
        Ok(earlier)
    }

    /// What to do next. `agent` is the agent that is drained for, `expected` the match that was the first at the last read.
    pub(super) fn next_step(
        &self,
        agent: Option<&str>,
        earlier: &FactsByQueue,
        expected: &mut Option<Match>,
        now: Timestamp,
    ) -> NextStep {
        let matches = match_waiting(&self.heads, &self.facts, agent, now);
        let Some(first) = matches.first() else {
            return NextStep::End;
        };
        let Some(agent) = agent else {
            return NextStep::Assign(Box::new(first.clone()));
        };
        let is_own = |found: &&Match| found.agent.id == agent;
        let own = matches.last().filter(is_own);
        if let Some(own) = own
            // Other drains may have assigned some of the earlier matches since the entries were read. The match is certain
            // if it follows from the earlier loads, too.
            && (matches.len() == 1
                || match_waiting(&self.heads, earlier, Some(agent), now).last().is_some_and(|found| is_own(&found)))
        {
            return NextStep::Assign(Box::new(own.clone()));
        }
        let is_first_read = expected.is_none();
        if expected.as_ref().is_some_and(|expected| expected.is_unchanged(first)) {
            // No other drain makes progress.
            return NextStep::Assign(Box::new(first.clone()));
        }
        *expected = Some(first.clone());
        if own.is_none() && !is_first_read { NextStep::End } else { NextStep::ReadAgain }
    }

    /// The first match.
    pub(super) fn first_match(&self, now: Timestamp) -> Option<Match> {
        match_waiting(&self.heads, &self.facts, None, now).pop()
    }

    /// Takes a written match out of the snapshot.
    pub(super) fn assigned(&mut self, found: &Match, now: Timestamp) {
        for head in self.heads.iter_mut().filter(|head| head.queue == found.queue) {
            head.entries.retain(|entry| *entry != found.entry);
        }
        note_assignment(&mut self.facts, &found.agent.id, now);
    }

    /// The queues in which conversations may wait for a free agent; those that were not read yet are among them.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = &Queue> {
        let unfinished = |head: &&QueueHead| match self.facts.get(&head.queue) {
            Some(facts) => (!head.entries.is_empty() || head.read_to.is_some()) && has_free_agent(facts),
            None => true,
        };
        self.heads.iter().filter(unfinished).map(|head| &head.queue)
    }

    /// Whether entries that were not read may have a free agent.
    pub(super) fn may_have_more(&self) -> bool {
        self.heads.iter().any(|head| head.read_to.is_some()) && self.facts.values().any(has_free_agent)
    }
}
