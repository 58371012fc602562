//! Agents and the stages of a conversation.

use desk::staff::AgentStatus;
use jiff::Timestamp;
use store::{Assigned, Conversation, Duty, Queue, RobotStage, Stage, Thread, Waiting, place};
use uuid::Uuid;

use super::{APP_ID, Decision, Kit};

impl Kit {
    /// Creates an online agent with this capacity.
    pub(crate) async fn online(&self, agent: &str, capacity: u32) -> Duty {
        self.table.settings_writer().set_capacity(agent, &format!("name of {agent}"), capacity).await.unwrap();
        self.table.duty_writer().set_status(agent, AgentStatus::Online, None).await.unwrap()
    }

    pub(crate) async fn duty(&self, agent: &str) -> Duty {
        self.table.staff().duty(agent).await.unwrap().unwrap()
    }

    pub(crate) async fn load(&self, agent: &str) -> u32 {
        self.duty(agent).await.load
    }

    /// A new conversation that joins a queue and leaves it at once.
    pub(crate) async fn passes_through(&self, queue: &Queue) {
        let thread = Thread::new(APP_ID, format!("o{}", Uuid::now_v7().simple()));
        let opened = self.opened(&thread, 0, 1).await;
        let joins = Decision::on(&self.table, &opened.cid).await.to(queued(queue, &opened, self.now()));
        self.written(joins).await;
        self.written(Decision::on(&self.table, &opened.cid).await.closed()).await;
    }

    /// The conversations that wait in a queue, first in line first.
    pub(crate) async fn waiting(&self, queue: &Queue) -> Vec<String> {
        let entries = self.table.queues().waiting(queue, 1000).await.unwrap();
        entries.into_iter().map(|entry| entry.cid).collect()
    }

    /// The conversations assigned to an agent, oldest first.
    pub(crate) async fn assigned_to(&self, agent: &str) -> Vec<String> {
        self.table.staff().assigned_to(agent, 1000).await.unwrap()
    }
}

pub(crate) fn group(id: &str) -> Queue {
    Queue::Group(id.to_owned())
}

/// The stage of a conversation assigned to an agent.
pub(crate) fn assigned(agent: &str, since: Timestamp) -> Stage {
    Stage::Assigned(Assigned { agent_id: agent.to_owned(), group_id: None, since, accepted_at: None })
}

/// A place in a queue without priority.
pub(crate) fn place_in(queue: &Queue, cid: &str, since: Timestamp) -> Waiting {
    let (queue, place) = (queue.name(), place(cid, since, 0));
    Waiting { queue, place, since, level: 1, until: None, told: false, handed_on_by: None }
}

/// The stage of a conversation that waits in a queue.
pub(crate) fn queued(queue: &Queue, conversation: &Conversation, since: Timestamp) -> Stage {
    Stage::Queued(place_in(queue, &conversation.cid, since))
}

/// The stage of a conversation with a robot that has nothing to answer.
pub(crate) fn robot() -> Stage {
    Stage::Robot(Box::new(RobotStage { robot_id: "r1".to_owned(), ..RobotStage::default() }))
}
