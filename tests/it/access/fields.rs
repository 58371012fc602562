//! Every operation that takes a body, as every person: each field in turn has a value that no caller has a reason to send.
//!
//! A person who may not use the operation is refused, whatever the body is. For one who may, a value is either refused, or it
//! is one that the description of the API allows. What is refused changes nothing.

mod examples;
mod places;
mod values;

use reqwest::Method;
use serde_json::{Value, json};

use self::values::{hostile_bodies, hostile_values};
pub(crate) use self::{
    examples::{Ids, example},
    places::{Place, body_schema, places},
};
use crate::support::{ADMIN, Answer, World};

const APP: &str = "wx0000000000000ac3";
const OTHER_APP: &str = "wx0000000000000ac4";
const SCOPES: [&str; 5] = ["bindings:read", "conversations:read", "messages:write", "tokens:read", "webhooks"];

/// An operation that takes a body in JSON.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) schema: Value,
    method: Method,
}

/// The operations of the description that take a body, and the description.
pub(crate) async fn operations(world: &World) -> (Vec<Operation>, Value) {
    let described = world.get("/api/openapi.json").await.expect(200).body;
    let mut all = Vec::new();
    for item in described["paths"].as_object().unwrap().values() {
        for (method, operation) in item.as_object().unwrap() {
            if let Some(schema) = body_schema(&described, operation) {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                let method = method.to_uppercase().parse().unwrap();
                all.push(Operation { id, schema, method });
            }
        }
    }
    (all, described)
}

/// Who calls.
#[derive(Clone, Copy, PartialEq)]
enum Person {
    Stranger,
    Agent,
    AgentOfAnotherGroup,
    Supervisor,
    SupervisorOfAnotherGroup,
    Integrator,
    IntegratorOfAnotherMiniProgram,
    Admin,
}

/// The world of a person: what the examples refer to, and the person's token.
struct Desk<'a> {
    world: &'a World,
    ids: Ids<'a>,
    token: Option<String>,
    /// The agent of the person, who has the conversation.
    agent: Option<String>,
    visitors: u32,
}

impl<'a> Desk<'a> {
    async fn new(world: &'a World, person: Person) -> Self {
        let (agent, outsider) = (world.agent("我", 100).await, world.agent("别人", 100).await);
        let ids = Ids::create(world, APP).await;
        world.bind(OTHER_APP).await;
        let group = world.group(&[&agent]).await;
        world.group(&[&outsider]).await;
        world.set_reception(&ids.binding, json!({ "mode": "agents_only", "group_id": group })).await;
        // An agent who is busy keeps what they have and gets nothing by themselves.
        for agent in [&agent, &outsider, &ids.agent] {
            world.set_status(agent, "busy").await;
        }
        let of = |role: &str, agent: &str| json!({ "role": role, "name": "x", "agent_id": agent });
        let integrator = |app: &str| json!({ "role": "integrator", "name": "x", "scopes": SCOPES, "app_ids": [app] });
        let asked = match person {
            Person::Stranger | Person::Admin => None,
            Person::Agent => Some(of("agent", &agent)),
            Person::AgentOfAnotherGroup => Some(of("agent", &outsider)),
            Person::Supervisor => Some(of("supervisor", &agent)),
            Person::SupervisorOfAnotherGroup => Some(of("supervisor", &outsider)),
            Person::Integrator => Some(integrator(APP)),
            Person::IntegratorOfAnotherMiniProgram => Some(integrator(OTHER_APP)),
        };
        let token = match asked {
            Some(asked) => Some(world.post("/api/access-tokens", &asked).await.expect(201).text("token")),
            None => (person == Person::Admin).then(|| ADMIN.to_owned()),
        };
        let agent = matches!(person, Person::Agent | Person::Supervisor).then_some(agent);
        let mut desk = Self { world, ids, token, agent, visitors: 0 };
        if let Some(agent) = &desk.agent {
            desk.ids.claimant.clone_from(agent);
        }
        desk.renew_conversation().await;
        // The first call records when the token was last used.
        desk.call(Method::GET, "/api/me", "").await;
        desk
    }

    /// Opens another conversation of the binding's group. The person has it, or it waits.
    async fn renew_conversation(&mut self) {
        // Room for the next one.
        let close = format!("/api/conversations/{}/close", self.ids.cid);
        self.world.call(Some(ADMIN), Method::POST, &close, None).await.expect(200);
        self.visitors += 1;
        self.ids.openid = format!("o-{}", self.visitors);
        self.ids.cid = self.world.open_conversation(&self.ids.binding, &self.ids.openid).await.cid;
        if let Some(agent) = &self.agent {
            self.world.claim(&self.ids.cid, agent).await.expect(200);
        }
        let messages = self.world.list(&format!("/api/conversations/{}/messages", self.ids.cid)).await;
        messages[0]["id"].as_str().unwrap().clone_into(&mut self.ids.message);
    }

    /// Sends a body. Also returns in what the answer differs from the description.
    async fn call(&self, method: Method, path: &str, body: &str) -> (Answer, Vec<String>) {
        let mut request = self.world.request(self.token.as_deref(), method, path, None);
        if !body.is_empty() {
            request = request.body(body.to_owned());
        }
        request.send_and_compare().await
    }

    /// Calls an operation, and opens another conversation when this one has changed.
    async fn try_body(&mut self, operation: &Operation, body: &str) -> (Answer, Vec<String>) {
        let (path, _) = example(&self.ids, &operation.id);
        let tried = self.call(operation.method.clone(), &path, body).await;
        if tried.0.status < 300 && path.starts_with("/api/conversations/") {
            self.renew_conversation().await;
        }
        tried
    }
}

/// The bodies of an operation that have one hostile value each, and hostile bodies as a whole.
fn hostile(described: &Value, operation: &Operation, ids: &Ids<'_>) -> Vec<String> {
    let (_, bodies) = example(ids, &operation.id);
    let mut all = hostile_bodies(&bodies[0]);
    for place in places(described, &operation.schema) {
        for value in hostile_values(&place) {
            // The first example that has the place, so that its other fields fit.
            let base = bodies.iter().find(|body| body.pointer(place.name()).is_some()).unwrap_or(&bodies[0]);
            if let Some(body) = place.with(base, value) {
                all.push(body.to_string());
            }
        }
    }
    all
}

/// Tries every hostile body of an operation. Returns what is wrong.
async fn faults_of(desk: &mut Desk<'_>, described: &Value, operation: &Operation) -> Vec<String> {
    let bodies = hostile(described, operation, &desk.ids);
    let valid = example(&desk.ids, &operation.id).1[0].to_string();
    let (permitted, mut wrong) = desk.try_body(operation, &valid).await;
    // The body is read first where what it is about decides, so an odd one may be refused as such.
    let is_refused = matches!(permitted.status, 401 | 403 | 404);
    if permitted.status >= 400 && !is_refused && operation.id != "createBinding" {
        wrong.push(format!("the example is refused: {}", permitted.raw));
    }
    let (mut refused, mut before) = (Vec::new(), desk.world.all_items().await);
    for body in &bodies {
        let (answer, faults) = desk.try_body(operation, body).await;
        wrong.extend(faults.into_iter().map(|fault| format!("{} {fault}", shown(body))));
        if answer.status >= 500 || is_refused && !matches!(answer.status, 400..=404 | 413 | 422) {
            wrong.push(format!("{}: {} and not {}", shown(body), answer.raw, permitted.status));
        }
        // What WeChat refuses is stored as a message that failed.
        let is_stored =
            answer.status < 300 || answer.body["code"].as_str().is_some_and(|code| code.starts_with("wechat."));
        if is_stored { before.clear() } else { refused.push(body) }
    }
    if before.is_empty() {
        // Some were accepted: the others once more, and alone.
        before = desk.world.all_items().await;
        for body in refused {
            desk.try_body(operation, body).await;
        }
    }
    if desk.world.all_items().await != before {
        wrong.push("a body that was refused changed the table".to_owned());
    }
    wrong.into_iter().map(|fault| format!("{} {fault}", operation.id)).collect()
}

/// The beginning of a body.
fn shown(body: &str) -> String {
    body.chars().take(300).collect()
}

async fn try_every_field_as(person: Person) {
    let world = World::start().await;
    let mut desk = Desk::new(&world, person).await;
    let (operations, described) = operations(&world).await;
    let mut wrong = Vec::new();
    for operation in &operations {
        wrong.extend(faults_of(&mut desk, &described, operation).await);
    }
    assert!(operations.len() > 30 && wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn every_field_as_a_stranger() {
    try_every_field_as(Person::Stranger).await;
}

#[tokio::test]
async fn every_field_as_an_agent() {
    try_every_field_as(Person::Agent).await;
}

#[tokio::test]
async fn every_field_as_an_agent_of_another_group() {
    try_every_field_as(Person::AgentOfAnotherGroup).await;
}

#[tokio::test]
async fn every_field_as_a_supervisor() {
    try_every_field_as(Person::Supervisor).await;
}

#[tokio::test]
async fn every_field_as_a_supervisor_of_another_group() {
    try_every_field_as(Person::SupervisorOfAnotherGroup).await;
}

#[tokio::test]
async fn every_field_as_an_integrator() {
    try_every_field_as(Person::Integrator).await;
}

#[tokio::test]
async fn every_field_as_an_integrator_of_another_mini_program() {
    try_every_field_as(Person::IntegratorOfAnotherMiniProgram).await;
}

#[tokio::test]
async fn every_field_as_an_admin() {
    try_every_field_as(Person::Admin).await;
}
