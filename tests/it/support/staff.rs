//! Groups, agents, robots, and the reception settings of a mini program.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ADMIN, Answer, Binding, World};

impl World {
    /// Creates a group, agent, merchant, robot or calendar and returns its id.
    pub(crate) async fn create(&self, kind: &str, settings: &Value) -> String {
        self.post(&format!("/api/{kind}"), settings).await.expect(201).text("id")
    }

    /// Changes some settings of a record, and moves the clock until the change takes effect.
    pub(crate) async fn update(&self, kind: &str, id: &str, settings: &Value) -> Answer {
        let changed = self.patch(&format!("/api/{kind}/{id}"), settings).await.expect(200);
        self.forget_settings();
        changed
    }

    /// Creates an agent and sets them online.
    pub(crate) async fn agent(&self, name: &str, capacity: u32) -> String {
        let id = self.create("agents", &json!({ "name": name, "capacity": capacity })).await;
        self.set_status(&id, "online").await;
        id
    }

    /// Sets an agent's status and returns the duty.
    pub(crate) async fn set_status(&self, agent: &str, status: &str) -> Value {
        let path = format!("/api/agents/{agent}/status");
        self.call(Some(ADMIN), Method::PUT, &path, Some(&json!({ "status": status }))).await.expect(200).body
    }

    /// Sends a heartbeat for each agent.
    pub(crate) async fn heartbeat(&self, agents: &[&str]) {
        for agent in agents {
            self.post(&format!("/api/agents/{agent}/heartbeat"), &json!({})).await.expect(204);
        }
    }

    /// Moves the clock minute by minute, fires every tick, and sends heartbeats for these agents.
    pub(crate) async fn run_minutes_online(&self, minutes: u32, agents: &[&str]) {
        for _ in 0..minutes {
            self.heartbeat(agents).await;
            self.run_minutes(1).await;
        }
    }

    /// Creates a group of these agents.
    pub(crate) async fn group(&self, members: &[&str]) -> String {
        self.create("groups", &json!({ "name": "客服组", "members": members })).await
    }

    /// Creates an FAQ robot with these questions: id, title, answer.
    pub(crate) async fn faq_robot(&self, questions: &[(&str, &str, &str)]) -> String {
        let robot = self.create("robots", &json!({ "name": "小助手", "kind": "faq" })).await;
        self.add_questions(&robot, questions).await;
        robot
    }

    /// Adds questions to a robot.
    pub(crate) async fn add_questions(&self, robot: &str, questions: &[(&str, &str, &str)]) {
        for (id, title, answer) in questions {
            let question = json!({ "id": id, "title": title, "answer": answer });
            self.post(&format!("/api/robots/{robot}/questions"), &question).await.expect(201);
        }
    }

    /// Changes the reception settings of a binding, and moves the clock until the change takes effect.
    pub(crate) async fn set_reception(&self, binding: &Binding, reception: Value) {
        let path = format!("/api/bindings/{}", binding.app_id);
        self.patch(&path, &json!({ "reception": reception })).await.expect(200);
        self.forget_settings();
    }

    /// A conversation as the API returns it.
    pub(crate) async fn conversation(&self, cid: &str) -> Value {
        self.get(&format!("/api/conversations/{cid}")).await.expect(200).body
    }

    /// The events of a conversation, oldest first.
    pub(crate) async fn events(&self, cid: &str) -> Vec<Value> {
        self.list(&format!("/api/conversations/{cid}/events")).await
    }

    /// The event types of a conversation, oldest first.
    pub(crate) async fn event_types(&self, cid: &str) -> Vec<String> {
        let events = self.events(cid).await;
        events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    /// The latest event of a type in a conversation.
    pub(crate) async fn event(&self, cid: &str, kind: &str) -> Value {
        let events = self.events(cid).await;
        let found = events.iter().rev().find(|event| event["type"] == kind);
        found.cloned().unwrap_or_else(|| panic!("no {kind} in {events:?}"))
    }

    /// Claims a conversation for an agent.
    pub(crate) async fn claim(&self, cid: &str, agent: &str) -> Answer {
        self.post(&format!("/api/conversations/{cid}/claim"), &json!({ "agent_id": agent })).await
    }

    /// The number of an agent's conversations.
    pub(crate) async fn load(&self, agent: &str) -> u64 {
        self.get(&format!("/api/agents/{agent}")).await.expect(200).body["duty"]["load"].as_u64().unwrap()
    }
}
