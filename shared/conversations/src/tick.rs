//! What falls due by the clock: queues to look at, waits that are over, conversations that idle, agents who are gone.

use desk::routing::{self, Facts, Outcome, Plan, Target};
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::{Committed, Conversation, DUE_SHARDS, Entry, Queue, Result, Stage};

use crate::{
    Conversations, DECISIONS,
    assignment::{Leaving, Way},
    decision::{Decision, Speaker, ends_after},
    plan::{Known, kept_plan, target_of},
};

/// Items of one partition that one tick looks at.
const PER_LOOK: i32 = 100;

/// What a tick has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct TickReport {
    /// Conversations that were assigned from queues.
    pub assigned: u32,
    /// Conversations that were looked at.
    pub looked_at: u32,
    /// Agents who were found gone.
    pub gone: u32,
    /// Things that failed; the next tick meets them again.
    pub failed: u32,
}

impl Conversations {
    /// Does what is due. One thing that fails does not hold up the others.
    pub async fn tick(&self) -> Result<TickReport> {
        let mut report = TickReport::default();
        for duty in self.table.watched_agents(PER_LOOK).await? {
            let gone = duty.gone_at() <= self.table.clock().now();
            let done = if gone { Box::pin(self.gone(&duty)).await } else { Ok(true) };
            match done {
                Ok(true) => {
                    report.gone += u32::from(gone);
                    self.table.watch_agent_again(&duty, gone).await?;
                }
                Ok(false) => report.failed += 1,
                Err(error) => {
                    tracing::error!(agent_id = duty.agent_id, %error, "an agent who is gone was not taken off duty");
                    report.failed += 1;
                }
            }
        }
        for shard in 0..DUE_SHARDS {
            for conversation in self.table.due_conversations(shard, PER_LOOK).await? {
                report.looked_at += 1;
                if let Err(error) = Box::pin(self.process_due(&conversation)).await {
                    tracing::error!(cid = conversation.cid, %error, "a conversation that is due was not looked at");
                    report.failed += 1;
                }
            }
        }
        for queue in self.table.watched_queues(PER_LOOK).await? {
            let done = match self.drain(std::slice::from_ref(&queue)).await {
                Ok(assigned) => {
                    report.assigned += assigned;
                    Box::pin(self.reroute_unstaffed(&queue)).await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                tracing::error!(queue = queue.name(), %error, "a queue was not drained");
                report.failed += 1;
            }
            let empty = self.table.waiting(&queue, 1).await?.is_empty();
            self.table.watch_again(&queue, empty).await?;
        }
        Ok(report)
    }

    /// Those who wait for people who have all gone home go where they would go if they came now. A heartbeat that is
    /// late by less than the grace sends nobody away.
    async fn reroute_unstaffed(&self, queue: &Queue) -> Result<()> {
        let now = self.table.clock().now();
        let Some(target) = target_of(queue) else {
            return Ok(());
        };
        let waiting = self.table.waiting(queue, PER_LOOK).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let mut facts = self.facts(&target, now).await?;
        // Whoever stands in a full queue keeps their place in it.
        if let Facts::Group { waiting, .. } | Facts::Agent { waiting, .. } = &mut facts {
            *waiting = 0;
        }
        let members = match &facts {
            Facts::Group { open: true, group, .. } => group.members.clone(),
            Facts::Group { .. } | Facts::Missing => Vec::new(),
            Facts::Agent { agent, .. } => vec![agent.id.clone()],
        };
        if self.table.duties(&members).await?.iter().any(|duty| duty.gone_at() > now && duty.status != "offline") {
            return Ok(());
        }
        for entry in waiting {
            Box::pin(self.reroute_one(queue, &entry, &target, &facts)).await?;
        }
        Ok(())
    }

    async fn reroute_one(&self, queue: &Queue, entry: &Entry, target: &Target, facts: &Facts) -> Result<()> {
        let waits = |conversation: &Conversation| match &conversation.stage {
            Stage::Queued(waiting) => waiting.place == entry.place && waiting.queue == queue.name(),
            _ => false,
        };
        let Some(conversation) = self.table.conversation(&entry.cid).await?.filter(waits) else {
            return Ok(());
        };
        let since = conversation.waiting().map_or(conversation.created_at, |waiting| waiting.since);
        let mut decision = self.decision(conversation).await?;
        let plan = plan_of(&decision);
        let mut known = Known::from([(target.clone(), facts.clone())]);
        let routed = self.route(&plan, routing::Mode::Full, decision.now, &mut known).await?;
        if matches!(&routed.outcome, Outcome::Queue { target: same, .. } if same == target) {
            return Ok(());
        }
        let because = json!({ "nobody_there": queue.name() });
        decision.event("conversation.overflowed", because.clone());
        let way = Way { plan: &plan, known: &known, robot_id: None, since, tell: true, because };
        let joined = self.move_on(&mut decision, &routed, way).await?;
        if let Committed::Now(_) = decision.commit(&self.table).await? {
            self.send_all(&decision).await?;
            self.after(joined, None).await?;
        }
        // Whoever was faster has moved it; if not, the next tick does.
        Ok(())
    }

    /// Looks at a conversation that is due.
    async fn process_due(&self, due: &Conversation) -> Result<()> {
        let mut lost_races = 0;
        for _ in 0..DECISIONS {
            let Some(conversation) = self.table.conversation(&due.cid).await?.filter(Conversation::is_open) else {
                return Ok(());
            };
            let last = self.table.last_said_at(&conversation.thread()).await?;
            let freed = conversation.assignee().map(ToOwned::to_owned);
            let mut decision = self.decision(conversation).await?.lost_races(lost_races);
            if let Some(after) = &mut decision.after {
                // Set anew by what follows.
                after.next_check_at = None;
                if let Some(last) = last {
                    after.active_at = after.active_at.max(last);
                    // Somebody has said something since the warning: the next silence has one of its own.
                    after.warned_at = after.warned_at.filter(|warned| last <= *warned);
                }
            }
            let (queue, ended) = self.due(&mut decision).await?;
            match decision.commit(&self.table).await? {
                Committed::Now(_) => {
                    self.send_all(&decision).await?;
                    return self.after(queue, freed.filter(|_| ended)).await;
                }
                Committed::Agent => lost_races += 1,
                _ => {}
            }
        }
        Ok(())
    }

    /// What is due in the decision's conversation; whether it has ended.
    async fn due(&self, decision: &mut Decision<'_>) -> Result<(Option<Queue>, bool)> {
        let now = decision.now;
        let Some(after) = decision.after.clone() else {
            return Ok((None, false));
        };
        let minutes = |minutes: u32| SignedDuration::from_mins(i64::from(minutes));
        let quiet = now.duration_since(after.active_at);
        let idle = decision.reception.idle.clone();
        if quiet >= minutes(ends_after(&after, &decision.reception)) {
            let text = decision.reception.prompts.closed.clone();
            decision.say("closed", &text, Speaker::Prompt);
            Self::end(decision, "idle", None);
            return Ok((None, true));
        }
        if let Stage::Queued(waiting) = &after.stage
            && waiting.until.is_some_and(|until| until <= now)
        {
            return Ok((self.waited_too_long(decision, &after).await?, false));
        }
        if let Some(Stage::Robot(robot)) = decision.after.as_mut().map(|after| &mut after.stage)
            && let Some(turn) = &mut robot.turn
            && turn.answering_until.is_none_or(|until| until <= now)
        {
            // Writing it shows it to the stream once more.
            turn.answering_until = None;
        }
        if let Some(warn) = idle.warn_after_minutes
            && after.warned_at.is_none()
            && quiet >= minutes(warn)
            && matches!(after.stage, Stage::Assigned(_) | Stage::Robot(_))
        {
            if let Some(after) = &mut decision.after {
                after.warned_at = Some(now);
            }
            let text = decision.reception.prompts.idle_warning.clone();
            decision.say("idle", &text, Speaker::Prompt);
            decision.event("conversation.idle", Value::Null);
        }
        Ok((None, false))
    }

    /// The conversation moves on to the next level that can take it, or to leaving a message.
    async fn waited_too_long(&self, decision: &mut Decision<'_>, after: &Conversation) -> Result<Option<Queue>> {
        let Some(waiting) = after.waiting() else {
            return Ok(None);
        };
        let seconds = decision.now.duration_since(waiting.since).as_secs();
        let because = json!({ "waited_seconds": seconds });
        let plan = plan_of(decision);
        let rest = routing::plan_after_wait(&plan, waiting.level);
        decision.event("conversation.overflowed", because.clone());
        if rest.levels.is_empty() {
            Self::leave_message(decision, waiting.level, Leaving::WaitedTooLong, &because, &Value::Null);
            return Ok(None);
        }
        let mut known = Known::new();
        let routed = self.route(&rest, routing::Mode::Full, decision.now, &mut known).await?;
        let since = waiting.since;
        // They have waited there already, and are not sent back when everybody here goes home.
        let way = Way { plan: &rest, known: &known, robot_id: None, since, tell: true, because };
        self.move_on(decision, &routed, way).await
    }
}

/// Where a conversation was planned to go.
fn plan_of(decision: &Decision<'_>) -> Plan {
    let planned = decision.before.as_ref().and_then(kept_plan);
    planned.unwrap_or_else(|| Plan::new(Vec::new(), None, decision.reception.after_hours))
}
