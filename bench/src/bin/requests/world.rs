//! A desk of a given size, whose functions get one stream record at a time.

use std::{collections::BTreeMap, sync::Arc};

use bench::{Desk, Error, Result, Stream, attribute, events};
use desk::conversation::EventKind;
use jiff::{SignedDuration, Timestamp};
use local::{Streams, template::QueueMapping};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use store::{Event, ManualClock};
use tokio::net::TcpListener;

use crate::{
    callback::Callback,
    functions::{Call, Functions},
    meter::{Meter, SentMessage},
};

/// The mini program whose group has free agents.
pub(crate) const WITH_FREE_AGENTS: &str = "wx00000000000000a1";
/// The mini program whose group has no free agents and most of the waiting visitors.
pub(crate) const WITH_QUEUE: &str = "wx00000000000000b1";
/// Another mini program with waiting visitors, so that there are two queues.
const WITH_OTHER_QUEUE: &str = "wx00000000000000c1";
/// The mini program with a robot.
pub(crate) const WITH_ROBOT: &str = "wx00000000000000d1";

/// Number of agents in a group that receives visitors.
pub(crate) const MEMBERS: usize = 10;
/// Number of waiting visitors in the other queue.
const IN_OTHER_QUEUE: usize = 5;
/// The text of a message: 40 characters.
pub(crate) const TEXT: &str = "你好，我昨天下午下的单到现在还没有看到物流信息，请帮我查一下什么时候能发货，谢谢";
/// The questions of the robot.
const KNOWLEDGE: &str = include_str!("../../../../shared/desk/tests/faq/knowledge.json");

/// The size of a desk.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Size {
    /// Number of waiting conversations.
    pub(crate) waiting: usize,
    /// Number of online agents, each in a group of its own, that receive no visitors.
    pub(crate) bystanders: usize,
}

/// A desk whose streams, schedules and clock advance only through its methods.
pub(crate) struct World {
    desk: Desk,
    functions: Arc<Functions>,
    clock: Arc<ManualClock>,
    stream: Stream,
    _callback: Callback,
    agents: Vec<String>,
    /// Conversations with an assignee, by openid.
    assigned: BTreeMap<String, AssignedConversation>,
    /// Events since the last [`World::clear_events`].
    events: Vec<(EventKind, Value)>,
    /// The titles of the robot's questions.
    titles: Vec<String>,
}

/// A conversation with an assignee.
#[derive(Debug, Clone)]
pub(crate) struct AssignedConversation {
    /// The conversation's id.
    pub(crate) cid: String,
    /// The assignee's id.
    pub(crate) agent: String,
}

impl World {
    /// Starts a bundle with agents, groups, bindings and a robot.
    pub(crate) async fn start(size: Size) -> Result<Self> {
        let start = Timestamp::from_second(1_772_438_400).map_err(|error| Error::Other(error.to_string()))?;
        let clock = Arc::new(ManualClock::new(start));
        let desk = Desk::start(clock.clone(), Streams::Manual).await?;
        let meter = Meter::start(desk.bundle.aws_url()).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let callback_url = format!("http://{}", listener.local_addr()?);
        let stream = Stream::of(&desk).await?;

        let mut agents = Vec::new();
        let mut groups = Vec::new();
        for (members, capacity) in [(MEMBERS, 100), (MEMBERS, 1), (1, 1)] {
            let from = agents.len();
            for _ in 0..members {
                agents.push(desk.agent(capacity).await?);
            }
            groups.push(desk.group(&agents[from..]).await?);
        }
        for (app_id, group) in [WITH_FREE_AGENTS, WITH_QUEUE, WITH_OTHER_QUEUE].into_iter().zip(&groups) {
            desk.bind(app_id, Some(&callback_url), json!({ "group_id": group })).await?;
        }
        let (robot, titles) = create_robot(&desk).await?;
        let reception = json!({ "mode": "robot_first", "robot_id": robot, "group_id": groups.first() });
        desk.bind(WITH_ROBOT, Some(&callback_url), reception).await?;
        for _ in 0..size.bystanders {
            let agent = desk.agent(5).await?;
            desk.group(std::slice::from_ref(&agent)).await?;
            agents.push(agent);
        }

        let functions = Box::pin(Functions::start(&desk.bundle, meter, Arc::clone(&clock))).await?;
        let functions = Arc::new(functions);
        let callback = Callback::serve(listener, Arc::clone(&functions));
        let (assigned, events) = (BTreeMap::new(), Vec::new());
        let mut world = Self { desk, functions, clock, stream, _callback: callback, agents, assigned, events, titles };
        world.drain_stream().await?;
        Ok(world)
    }

    /// Assigns conversations until two groups are at capacity, then adds `waiting` conversations to their queues.
    pub(crate) async fn fill_queues(&mut self, waiting: usize) -> Result<()> {
        for number in 0..=MEMBERS {
            let app_id = if number == MEMBERS { WITH_OTHER_QUEUE } else { WITH_QUEUE };
            self.send_message(app_id, &format!("oTALK{number:04}-0123456789abcdefgh")).await?;
        }
        self.clear_events();
        for number in 0..waiting {
            let app_id = if number < IN_OTHER_QUEUE { WITH_OTHER_QUEUE } else { WITH_QUEUE };
            self.desk.send_text(app_id, &format!("oWAIT{number:04}-0123456789abcdefgh"), TEXT).await?;
        }
        self.drain_stream().await?;
        let queued = self.events.iter().filter(|(kind, _)| *kind == EventKind::Queued).count();
        if queued == waiting {
            Ok(())
        } else {
            Err(Error::Other(format!("{queued} conversations wait, not {waiting}")))
        }
    }

    /// The functions and their meter.
    pub(crate) fn functions(&self) -> &Functions {
        &self.functions
    }

    /// Advances the clock.
    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Advances the clock until the functions have dropped the settings in memory.
    pub(crate) fn forget_settings(&self) {
        self.clock.advance(conversations::SETTINGS_LIFE);
    }

    /// Sets every agent online again, which postpones the check of their presence.
    pub(crate) async fn renew_presence(&mut self) -> Result<()> {
        for agent in &self.agents {
            self.desk.online(agent).await?;
        }
        self.drain_stream().await
    }

    /// Sends [`TEXT`] of a visitor and processes it.
    pub(crate) async fn send_message(&mut self, app_id: &str, openid: &str) -> Result<()> {
        self.send_text(app_id, openid, TEXT).await
    }

    /// Sends a text of a visitor and processes it.
    pub(crate) async fn send_text(&mut self, app_id: &str, openid: &str, text: &str) -> Result<()> {
        self.desk.send_text(app_id, openid, text).await?;
        self.drain_stream().await
    }

    /// Sends a request of an agent to the API. An error if its status is not 2xx.
    pub(crate) async fn agent_request(
        &self,
        agent: &str,
        function: &str,
        path: &str,
        cid: &str,
        body: &Value,
    ) -> Result<()> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let caller = json!({ "role": "agent", "token_id": "bench", "name": "客服", "agent_id": agent });
        let call = Call { function, path, parameter: Some(("cid", cid)), query: "", body: &body, caller };
        match self.functions.call(&call).await? {
            (200..=299, _) => Ok(()),
            (status, body) => Err(Error::Other(format!("{path}: {status} {body}"))),
        }
    }

    /// Fires every schedule once.
    pub(crate) async fn fire_schedules(&self) -> Result<()> {
        for schedule in &self.desk.bundle.template().schedules {
            self.functions.invoke(&schedule.function, schedule.input.clone()).await?;
        }
        Ok(())
    }

    /// Delivers the records of the stream and the messages of the queues to the functions until there are no new ones.
    pub(crate) async fn drain_stream(&mut self) -> Result<()> {
        loop {
            let records = self.stream.next().await?;
            let messages = self.functions.meter().take_messages();
            if records.is_empty() && messages.is_empty() {
                return Ok(());
            }
            let template = self.desk.bundle.template();
            for SentMessage { queue, body } in messages {
                let is_its = |mapping: &&QueueMapping| {
                    template.queues.get(&mapping.queue).is_some_and(|known| known.url == queue)
                };
                let Some(mapping) = template.queue_mappings.iter().find(is_its) else { continue };
                let message = json!({ "messageId": "bench", "body": body, "eventSource": "aws:sqs" });
                self.functions.invoke(&mapping.function, json!({ "Records": [message] })).await?;
            }
            for record in &records {
                self.record_events(record);
            }
            for mapping in &self.desk.bundle.template().event_source_mappings {
                let matching = records.iter().filter(|record| {
                    mapping.filters.is_empty() || mapping.filters.iter().any(|filter| filter.matches(record))
                });
                let matching: Vec<&Value> = matching.collect();
                for batch in matching.chunks(mapping.batch_size.max(1)) {
                    self.functions.invoke(&mapping.function, json!({ "Records": batch })).await?;
                }
            }
        }
    }

    fn record_events(&mut self, record: &Value) {
        let openid = attribute(record, "openid");
        for Event { kind, data, .. } in events(record) {
            match (&kind, data["agent_id"].as_str()) {
                (EventKind::Assigned, Some(agent)) => {
                    let conversation =
                        AssignedConversation { cid: attribute(record, "cid").to_owned(), agent: agent.to_owned() };
                    self.assigned.insert(openid.to_owned(), conversation);
                }
                (EventKind::Closed, _) => drop(self.assigned.remove(openid)),
                _ => {}
            }
            self.events.push((kind, data));
        }
    }

    /// Clears the list of events.
    pub(crate) fn clear_events(&mut self) {
        self.events.clear();
    }

    /// The data of the only event of this kind. An error if there is none, or more than one.
    pub(crate) fn single_event(&self, kind: &EventKind) -> Result<&Value> {
        let mut found = self.events.iter().filter(|(known, _)| known == kind);
        match (found.next(), found.next()) {
            (Some((_, data)), None) => Ok(data),
            _ => Err(Error::Other(format!("expected one {kind:?}, got {:?}", self.events))),
        }
    }

    /// The first conversation with an assignee whose openid starts with `prefix`.
    pub(crate) fn assigned(&self, prefix: &str) -> Result<AssignedConversation> {
        let mut found = self.assigned.iter().filter(|(openid, _)| openid.starts_with(prefix));
        let found = found.next().map(|(_, conversation)| conversation.clone());
        found.ok_or_else(|| Error::Other(format!("no assigned conversation of a visitor {prefix}…")))
    }

    /// The id of an agent who is online and below capacity.
    pub(crate) fn free_agent(&self) -> Result<&str> {
        self.agents.first().map(String::as_str).ok_or_else(|| Error::Other("no agents".to_owned()))
    }

    /// The title of one of the robot's questions; another one for each number.
    pub(crate) fn question(&self, number: usize) -> &str {
        self.titles.get(number % self.titles.len().max(1)).map_or("", String::as_str)
    }

    /// The URL of a picture for a card.
    pub(crate) fn picture_url(&self) -> String {
        format!("{}/phone/cover.png", self.desk.bundle.wechat_url())
    }
}

/// Creates a robot with the questions of a shop and returns its id and their titles.
async fn create_robot(desk: &Desk) -> Result<(String, Vec<String>)> {
    let robot = desk.create("robots", &json!({ "name": "小助手", "kind": "faq" })).await?;
    let mut titles = Vec::new();
    for question in serde_json::from_str::<Vec<Value>>(KNOWLEDGE)? {
        let body = json!({
            "title": question["title"], "variants": question["variants"], "answer": question["answer"],
        });
        desk.api(Method::POST, &format!("/api/robots/{robot}/questions"), Some(&body)).await?;
        titles.extend(question["title"].as_str().map(ToOwned::to_owned));
    }
    Ok((robot, titles))
}
