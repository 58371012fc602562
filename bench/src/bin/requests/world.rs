//! A desk of some size, whose functions are called one record at a time and counted.

use std::{collections::BTreeMap, sync::Arc};

use bench::{Desk, Error, Result, Stream, attribute};
use jiff::{SignedDuration, Timestamp};
use local::Streams;
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use store::ManualClock;
use tokio::net::TcpListener;

use crate::{
    callback::Callback,
    functions::{Call, Functions},
    meter::Meter,
};

/// The mini program whose group has room.
pub(crate) const FREE: &str = "wx00000000000000a1";
/// The mini program whose group has none, and in whose queue visitors wait.
pub(crate) const BUSY: &str = "wx00000000000000b1";
/// Another of that kind, so that not all wait in one queue.
const ELSEWHERE: &str = "wx00000000000000c1";
/// The mini program whose robot answers.
pub(crate) const ROBOT: &str = "wx00000000000000d1";

/// Members of a group that a decision concerns.
pub(crate) const MEMBERS: usize = 10;
/// How many wait elsewhere.
const WAIT_ELSEWHERE: usize = 5;
/// What visitors write: forty characters, as one writes on a phone.
pub(crate) const TEXT: &str = "你好，我昨天下午下的单到现在还没有看到物流信息，请帮我查一下什么时候能发货，谢谢";
/// What the robot knows.
const KNOWLEDGE: &str = include_str!("../../../../shared/desk/tests/faq/knowledge.json");

/// What there is beside what a decision concerns.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Size {
    /// Conversations that wait.
    pub(crate) waiting: usize,
    /// Agents who are online in groups of their own, and as many groups.
    pub(crate) bystanders: usize,
}

/// A desk that stands still until it is told to go on.
pub(crate) struct World {
    desk: Desk,
    functions: Arc<Functions>,
    clock: Arc<ManualClock>,
    stream: Stream,
    _callback: Callback,
    agents: Vec<String>,
    /// Conversations that an agent has, by openid.
    assigned: BTreeMap<String, Held>,
    /// What happened since [`World::forget`].
    events: Vec<(String, Value)>,
    /// The titles of what the robot knows.
    titles: Vec<String>,
}

/// A conversation that an agent has.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// Its id.
    pub(crate) cid: String,
    /// Whose it is.
    pub(crate) agent: String,
}

impl World {
    /// Sets everything up and lets so many wait.
    pub(crate) async fn of(size: Size) -> Result<Self> {
        let beginning = Timestamp::from_second(1_772_438_400).map_err(|error| Error::Other(error.to_string()))?;
        let clock = Arc::new(ManualClock::new(beginning));
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
        for (app_id, group) in [FREE, BUSY, ELSEWHERE].into_iter().zip(&groups) {
            desk.bind(app_id, Some(&callback_url), json!({ "group_id": group })).await?;
        }
        let (robot, titles) = robot(&desk).await?;
        let reception = json!({ "mode": "robot_first", "robot_id": robot, "group_id": groups.first() });
        desk.bind(ROBOT, Some(&callback_url), reception).await?;
        for _ in 0..size.bystanders {
            let agent = desk.agent(5).await?;
            desk.group(std::slice::from_ref(&agent)).await?;
            agents.push(agent);
        }

        let functions = Box::pin(Functions::start(desk.bundle.template(), meter, Arc::clone(&clock))).await?;
        let functions = Arc::new(functions);
        let callback = Callback::serve(listener, Arc::clone(&functions));
        let (assigned, events) = (BTreeMap::new(), Vec::new());
        let mut world = Self { desk, functions, clock, stream, _callback: callback, agents, assigned, events, titles };
        world.settle().await?;
        Ok(world)
    }

    /// Lets so many wait, most of them for the busy group, whose agents have no room left then.
    pub(crate) async fn fill(&mut self, waiting: usize) -> Result<()> {
        for number in 0..=MEMBERS {
            let app_id = if number == MEMBERS { ELSEWHERE } else { BUSY };
            self.writes(app_id, &format!("oTALK{number:04}-0123456789abcdefgh")).await?;
        }
        self.forget();
        for number in 0..waiting {
            let app_id = if number < WAIT_ELSEWHERE { ELSEWHERE } else { BUSY };
            self.desk.write(app_id, &format!("oWAIT{number:04}-0123456789abcdefgh"), TEXT).await?;
        }
        self.settle().await?;
        let queued = self.events.iter().filter(|(kind, _)| kind == "conversation.queued").count();
        if queued == waiting { Ok(()) } else { Err(Error::Other(format!("{queued} wait instead of {waiting}"))) }
    }

    /// The functions and their meter.
    pub(crate) fn functions(&self) -> &Functions {
        &self.functions
    }

    /// Time goes by.
    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Every agent says once more that they are online, which a heartbeat does not: the clock looks at them later then.
    pub(crate) async fn all_present(&mut self) -> Result<()> {
        for agent in &self.agents {
            self.desk.online(agent).await?;
        }
        self.settle().await
    }

    /// A visitor writes, and what comes of it happens.
    pub(crate) async fn writes(&mut self, app_id: &str, openid: &str) -> Result<()> {
        self.writes_text(app_id, openid, TEXT).await
    }

    /// The same with another text.
    pub(crate) async fn writes_text(&mut self, app_id: &str, openid: &str, text: &str) -> Result<()> {
        self.desk.write(app_id, openid, text).await?;
        self.settle().await
    }

    /// An agent asks the API for something; it must succeed.
    pub(crate) async fn asks(&self, agent: &str, function: &str, path: &str, cid: &str, body: &Value) -> Result<()> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let caller = json!({ "role": "agent", "token_id": "bench", "name": "客服", "agent_id": agent });
        let call = Call { function, path, parameter: Some(("cid", cid)), query: "", body: &body, caller };
        match self.functions.call(&call).await? {
            (200..=299, _) => Ok(()),
            (status, body) => Err(Error::Other(format!("{path}: {status} {body}"))),
        }
    }

    /// Every schedule fires once.
    pub(crate) async fn minute(&self) -> Result<()> {
        for schedule in &self.desk.bundle.template().schedules {
            self.functions.wake(&schedule.function, schedule.input.clone()).await?;
        }
        Ok(())
    }

    /// Delivers what waits in the stream, and what comes of it, until nothing is left.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        loop {
            let records = self.stream.next().await?;
            if records.is_empty() {
                return Ok(());
            }
            for record in &records {
                self.note(record);
            }
            for mapping in &self.desk.bundle.template().streams {
                let wanted = records.iter().filter(|record| {
                    mapping.patterns.is_empty() || mapping.patterns.iter().any(|pattern| pattern.matches(record))
                });
                let wanted: Vec<&Value> = wanted.collect();
                for batch in wanted.chunks(mapping.batch_size.max(1)) {
                    self.functions.wake(&mapping.function, json!({ "Records": batch })).await?;
                }
            }
        }
    }

    fn note(&mut self, record: &Value) {
        if attribute(record, "kind") != "event" {
            return;
        }
        let (kind, openid) = (attribute(record, "type"), attribute(record, "openid"));
        let data: Value = serde_json::from_str(attribute(record, "data")).unwrap_or_default();
        match (kind, data["agent_id"].as_str()) {
            ("conversation.assigned", Some(agent)) => {
                let held = Held { cid: attribute(record, "cid").to_owned(), agent: agent.to_owned() };
                self.assigned.insert(openid.to_owned(), held);
            }
            ("conversation.closed", _) => drop(self.assigned.remove(openid)),
            _ => {}
        }
        self.events.push((kind.to_owned(), data));
    }

    /// Forgets what happened.
    pub(crate) fn forget(&mut self) {
        self.events.clear();
    }

    /// An event of this kind must have happened, exactly once.
    pub(crate) fn happened(&self, kind: &str) -> Result<&Value> {
        let mut found = self.events.iter().filter(|(known, _)| known == kind);
        match (found.next(), found.next()) {
            (Some((_, data)), None) => Ok(data),
            _ => Err(Error::Other(format!("instead of one {kind} there was {:?}", self.events))),
        }
    }

    /// The conversation of the first visitor whose openid begins so and whom an agent has.
    pub(crate) fn held(&self, prefix: &str) -> Result<Held> {
        let mut found = self.assigned.iter().filter(|(openid, _)| openid.starts_with(prefix));
        let found = found.next().map(|(_, held)| held.clone());
        found.ok_or_else(|| Error::Other(format!("no agent has a visitor {prefix}…")))
    }

    /// Somebody who is online and has room.
    pub(crate) fn an_agent(&self) -> Result<&str> {
        self.agents.first().map(String::as_str).ok_or_else(|| Error::Other("nobody is there".to_owned()))
    }

    /// A question that the robot knows, always another one.
    pub(crate) fn question(&self, number: usize) -> &str {
        self.titles.get(number % self.titles.len().max(1)).map_or("", String::as_str)
    }

    /// A picture for a card.
    pub(crate) fn picture(&self) -> String {
        format!("{}/phone/cover.png", self.desk.bundle.wechat_url())
    }
}

/// A robot that knows what a shop is asked; its id, and the titles.
async fn robot(desk: &Desk) -> Result<(String, Vec<String>)> {
    let robot = desk.make("robots", &json!({ "name": "小助手", "kind": "faq" })).await?;
    let mut titles = Vec::new();
    for question in serde_json::from_str::<Vec<Value>>(KNOWLEDGE)? {
        let asked = json!({
            "title": question["title"], "variants": question["variants"], "answer": question["answer"],
        });
        desk.api(Method::POST, &format!("/api/robots/{robot}/questions"), Some(&asked)).await?;
        titles.extend(question["title"].as_str().map(ToOwned::to_owned));
    }
    Ok((robot, titles))
}
