//! Those who wait go to those who are free.
//!
//! When an office opens, many drain the same queue at once. Each looks at who waits and who is free and deals (`deal`):
//! the first in line to the best agent, the next to the next. Then it takes what falls to the agent it drains for, and
//! looks again. As all of them deal alike, twenty at once take twenty different conversations, nobody runs ahead of the
//! others, and those who are served are the first in line. What falls to others is left to them as long as they move;
//! what nobody takes up is assigned to them by whoever sees it.

mod matching;

use std::collections::HashMap;

use channel::RetryPolicy;
use desk::{routing::Facts, settings::Reception};
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use store::{Assign, Committed, Conversation, Queue, Result, Stage, Thread};

use self::matching::{Card, Desks, Line, assigned, deal, has_room};
use crate::{
    Conversations,
    decision::Decision,
    plan::{agent_facts, reception, target_of},
};

/// Those in front of a queue whom one look sees: as many agents can come at once and each find one of their own.
const SEEN: i32 = 50;

/// How often a drain looks, or is too late, without assigning anybody, before it leaves the rest to those who are faster.
const MISSES: u32 = 30;

/// Sends at once.
const SENDS: usize = 8;

/// How much a drain does at most; the minute tick does the rest.
struct Bounds {
    assignments: u32,
    time: SignedDuration,
}

/// By the tick, and after a message.
const AT_LEISURE: Bounds = Bounds { assignments: 500, time: SignedDuration::from_secs(45) };

/// While somebody waits for an answer: all that one agent can have.
const IN_A_REQUEST: Bounds = Bounds { assignments: 100, time: SignedDuration::from_secs(5) };

/// What a drain has read and keeps while it lasts.
#[derive(Default)]
struct Reading {
    lines: Vec<Line>,
    desks: Desks,
    receptions: HashMap<String, Reception>,
    /// What the assigned are told, when all are.
    said: Vec<(Thread, String)>,
}

/// The next step of a drain.
enum Step {
    Take(Card),
    LookAgain,
    End,
}

impl Conversations {
    /// Assigns those who wait in these queues, the longest waiting first, as long as somebody is free for them.
    pub async fn drain(&self, queues: &[Queue]) -> Result<u32> {
        self.share_out(queues, None, &AT_LEISURE).await
    }

    /// The same, as much of it as a request has time for.
    pub async fn begin_drain(&self, queues: &[Queue]) -> Result<u32> {
        self.share_out(queues, None, &IN_A_REQUEST).await
    }

    /// Everything that an agent who has become free can take, as far as nobody else is to have it.
    pub async fn drain_for(&self, agent: &str) -> Result<u32> {
        let mut queues = vec![Queue::Agent(agent.to_owned())];
        queues.extend(self.table.groups_of(agent).await?.into_iter().map(Queue::Group));
        self.share_out(&queues, Some(agent), &IN_A_REQUEST).await
    }

    async fn share_out(&self, queues: &[Queue], agent: Option<&str>, bounds: &Bounds) -> Result<u32> {
        let begin = self.table.clock().now();
        let until = begin.checked_add(bounds.time).unwrap_or(Timestamp::MAX);
        let line = |queue: &Queue| Line { queue: queue.clone(), entries: Vec::new(), read_to: None };
        let mut reading = Reading { lines: queues.iter().map(line).collect(), ..Reading::default() };
        let done = self.assign_all(&mut reading, agent, bounds.assignments, until).await;
        // Sending one takes longer than assigning ten; what is not sent now, the next tick sends.
        let said = stream::iter(reading.said).take_while(|_| async { self.table.clock().now() < until });
        let send = |(thread, id): (Thread, String)| async move {
            if let Err(error) = self.channel.deliver(&thread, &id, RetryPolicy::Retry).await {
                tracing::error!(app_id = thread.app_id, id, %error, "a visitor was not told who has them");
            }
        };
        said.for_each_concurrent(SENDS, send).await;
        done
    }

    async fn assign_all(
        &self,
        reading: &mut Reading,
        agent: Option<&str>,
        at_most: u32,
        until: Timestamp,
    ) -> Result<u32> {
        let (mut made, mut misses, mut known) = (0, 0, false);
        // How it was a look ago, and the card that comes first now if nobody else is at it.
        let (mut earlier, mut expected) = (Desks::default(), None);
        while made < at_most && misses < MISSES && self.table.clock().now() < until {
            if !known {
                earlier = self.read(reading).await?;
            }
            match reading.step(agent, &earlier, &mut expected, self.table.clock().now()) {
                Step::End => break,
                Step::LookAgain => {
                    misses += 1;
                    known = false;
                }
                Step::Take(card) => {
                    if self.take(&card, reading).await? {
                        made += 1;
                        expected = reading.first(self.table.clock().now());
                        // Whoever drains for an agent gives way to others who come meanwhile.
                        known = agent.is_none() || expected.is_none();
                    } else {
                        misses += 1;
                        expected = Some(card);
                        known = false;
                    }
                    // The front of the line is served; others may stand behind it for whom somebody is free.
                    known &= expected.is_some() || !(reading.is_cut() && has_room(&reading.desks));
                }
            }
        }
        Ok(made)
    }

    /// Reads who waits, and then who is free: whoever is dealt to is among the first as many as there is room for.
    /// Gives back what was known before.
    async fn read(&self, reading: &mut Reading) -> Result<Desks> {
        for line in &mut reading.lines {
            line.entries = self.table.waiting(&line.queue, SEEN).await?;
            let is_cut = line.entries.len() >= usize::try_from(SEEN).unwrap_or(usize::MAX);
            line.read_to = line.entries.last().filter(|_| is_cut).map(|entry| entry.place.clone());
        }
        // Whoever comes to an empty queue is seen to by whoever puts them there.
        reading.lines.retain(|line| !line.entries.is_empty());
        let earlier = std::mem::take(&mut reading.desks);
        for line in &reading.lines {
            let now = self.table.clock().now();
            let Some(target) = target_of(&line.queue) else {
                continue;
            };
            let facts = match earlier.get(&line.queue) {
                Some(Facts::Group { group, open, waiting, .. }) => {
                    let duties = self.table.duties(&group.members).await?;
                    let members = duties.iter().map(|duty| agent_facts(duty, now)).collect();
                    Facts::Group { group: group.clone(), members, open: *open, waiting: *waiting }
                }
                _ => self.facts(&target, now).await?,
            };
            reading.desks.insert(line.queue.clone(), facts);
        }
        Ok(earlier)
    }

    /// Carries a card out; `false` when somebody else was faster.
    async fn take(&self, card: &Card, reading: &mut Reading) -> Result<bool> {
        let Card { queue, entry, agent } = card;
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
        let mut decision = Decision::new(thread.clone(), reception, visitor, Some(conversation), now);
        decision.assign = Assign::Auto { at_most: Some(agent.load) };
        let group = match queue {
            Queue::Group(id) => Some(id.clone()),
            _ => None,
        };
        self.assign(&mut decision, &agent.id, group, true, json!({ "waited_seconds": waited })).await?;
        let Committed::Now(_) = decision.commit(&self.table).await? else {
            return Ok(false);
        };
        reading.said.extend(decision.sends().map(|id| (thread.clone(), id.to_owned())));
        for line in reading.lines.iter_mut().filter(|line| line.queue == *queue) {
            line.entries.retain(|waiting| waiting != entry);
        }
        assigned(&mut reading.desks, &agent.id, now);
        Ok(true)
    }
}

impl Reading {
    /// What is to be done by what was read.
    fn step(&self, agent: Option<&str>, earlier: &Desks, expected: &mut Option<Card>, now: Timestamp) -> Step {
        let cards = deal(&self.lines, &self.desks, agent, now);
        let Some(first) = cards.first() else {
            return Step::End;
        };
        let Some(agent) = agent else {
            return Step::Take(first.clone());
        };
        let falls = |card: &&Card| card.agent.id == agent;
        let own = cards.last().filter(falls);
        if let Some(own) = own
            // Others have perhaps got some of these since the lines were read. It falls to this agent for certain if
            // it does by the loads of before, too.
            && (cards.len() == 1 || deal(&self.lines, earlier, Some(agent), now).last().is_some_and(|card| falls(&card)))
        {
            return Step::Take(own.clone());
        }
        let is_first_look = expected.is_none();
        if expected.as_ref().is_some_and(|expected| expected.is_still(first)) {
            // Nobody moves.
            return Step::Take(first.clone());
        }
        *expected = Some(first.clone());
        if own.is_none() && !is_first_look { Step::End } else { Step::LookAgain }
    }

    /// The card that comes first.
    fn first(&self, now: Timestamp) -> Option<Card> {
        deal(&self.lines, &self.desks, None, now).pop()
    }

    /// Whether there may be more who wait than were read.
    fn is_cut(&self) -> bool {
        self.lines.iter().any(|line| line.read_to.is_some())
    }
}
