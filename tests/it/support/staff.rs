//! Who answers: groups, agents, robots, and what is set for a mini program.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ADMIN, Answer, Binding, World};

impl World {
    /// Makes a group, an agent, a merchant, a robot or a calendar; gives back its id.
    pub(crate) async fn make(&self, kind: &str, settings: &Value) -> String {
        self.post(&format!("/api/{kind}"), settings).await.expect(201).text("id")
    }

    /// Changes some of its settings.
    pub(crate) async fn change(&self, kind: &str, id: &str, settings: &Value) -> Answer {
        self.patch(&format!("/api/{kind}/{id}"), settings).await.expect(200)
    }

    /// An agent who is online.
    pub(crate) async fn agent(&self, name: &str, capacity: u32) -> String {
        let id = self.make("agents", &json!({ "name": name, "capacity": capacity })).await;
        self.status(&id, "online").await;
        id
    }

    /// What an agent says of themselves.
    pub(crate) async fn status(&self, agent: &str, status: &str) -> Value {
        let path = format!("/api/agents/{agent}/status");
        self.call(Some(ADMIN), Method::PUT, &path, Some(&json!({ "status": status }))).await.expect(200).body
    }

    /// The workbenches of these agents are open.
    pub(crate) async fn heartbeat(&self, agents: &[&str]) {
        for agent in agents {
            self.post(&format!("/api/agents/{agent}/heartbeat"), &json!({})).await.expect(204);
        }
    }

    /// Minutes go by with every tick in each, and the workbenches of these agents stay open.
    pub(crate) async fn minutes_with(&self, minutes: u32, agents: &[&str]) {
        for _ in 0..minutes {
            self.heartbeat(agents).await;
            self.minutes(1).await;
        }
    }

    /// A group of these agents.
    pub(crate) async fn group(&self, members: &[&str]) -> String {
        self.make("groups", &json!({ "name": "客服组", "members": members })).await
    }

    /// A robot that answers by its questions: id, title, answer.
    pub(crate) async fn faq(&self, questions: &[(&str, &str, &str)]) -> String {
        let robot = self.make("robots", &json!({ "name": "小助手", "kind": "faq" })).await;
        self.teach(&robot, questions).await;
        robot
    }

    /// Gives a robot these questions as well.
    pub(crate) async fn teach(&self, robot: &str, questions: &[(&str, &str, &str)]) {
        for (id, title, answer) in questions {
            let question = json!({ "id": id, "title": title, "answer": answer });
            self.post(&format!("/api/robots/{robot}/questions"), &question).await.expect(201);
        }
    }

    /// How visitors of a mini program are received from now on.
    pub(crate) async fn receive(&self, binding: &Binding, reception: Value) {
        let path = format!("/api/bindings/{}", binding.app_id);
        self.patch(&path, &json!({ "reception": reception })).await.expect(200);
    }

    /// A conversation as the API shows it.
    pub(crate) async fn shown(&self, cid: &str) -> Value {
        self.get(&format!("/api/conversations/{cid}")).await.expect(200).body
    }

    /// What happened in a conversation, oldest first.
    pub(crate) async fn events(&self, cid: &str) -> Vec<Value> {
        self.list(&format!("/api/conversations/{cid}/events")).await
    }

    /// The kinds of what happened in a conversation, oldest first.
    pub(crate) async fn event_types(&self, cid: &str) -> Vec<String> {
        let events = self.events(cid).await;
        events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    /// The latest event of a kind in a conversation.
    pub(crate) async fn event(&self, cid: &str, kind: &str) -> Value {
        let events = self.events(cid).await;
        let found = events.iter().rev().find(|event| event["type"] == kind);
        found.cloned().unwrap_or_else(|| panic!("no {kind} in {events:?}"))
    }

    /// An agent takes a conversation by hand.
    pub(crate) async fn claim(&self, cid: &str, agent: &str) -> Answer {
        self.post(&format!("/api/conversations/{cid}/claim"), &json!({ "agent_id": agent })).await
    }

    /// An agent's conversations at present.
    pub(crate) async fn load(&self, agent: &str) -> u64 {
        self.get(&format!("/api/agents/{agent}")).await.expect(200).body["duty"]["load"].as_u64().unwrap()
    }
}
