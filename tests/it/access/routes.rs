//! Every route, role and kind of conversation, with the expected answer.
//!
//! The routes come from the routers, so a new route fails these tests until it has a row.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    open_conversation::{OpenConversation, text},
    support::{ADMIN, Answer, Binding, World},
};

const APP: &str = "wx0000000000000ac7";
const OTHER_APP: &str = "wx0000000000000ac8";

/// Rows are the routes of one conversation. Columns are the caller and the agent who has the conversation: their own one,
/// none (it waits in the caller's group), a colleague of the group, or an agent of another group. Cells are statuses, or
/// codes of conflicts without their first part.
const CONVERSATIONS: &str = "
    route                                       admin:colleague admin:stranger supervisor:own supervisor:waiting supervisor:colleague supervisor:stranger agent:own agent:waiting  agent:colleague agent:stranger integrator:colleague integrator:stranger
    GET    /api/conversations/{cid}             200             200            200            200                200                  404                 200       200            200             404            200                  404
    GET    /api/conversations/{cid}/messages    200             200            200            200                200                  404                 200       200            200             404            200                  404
    GET    /api/conversations/{cid}/events      200             200            200            200                200                  404                 200       200            200             404            200                  404
    POST   /api/conversations/{cid}/messages    taken           taken          201            201                taken                404                 201       201            taken           404            taken                404
    POST   /api/conversations/{cid}/uploads     taken           taken          201            201                taken                404                 201       201            taken           404            taken                404
    GET    /api/conversations/{cid}/messages/{id}/media 404     404            404            404                404                  404                 404       404            404             404            404                  404
    POST   /api/conversations/{cid}/cards       taken           taken          201            201                taken                404                 201       201            taken           404            taken                404
    POST   /api/conversations/{cid}/typing      taken           taken          204            204                taken                404                 204       204            taken           404            taken                404
    DELETE /api/conversations/{cid}/messages/{id} not_held      not_held       not_held       not_held           not_held             404                 not_held  not_assigned   taken           404            not_held             404
    POST   /api/conversations/{cid}/frame-context 201           201            201            201                201                  404                 201       201            201             404            403                  403
    POST   /api/conversations/{cid}/claim       taken           taken          200            200                taken                404                 200       200            taken           404            403                  403
    POST   /api/conversations/{cid}/accept      taken           taken          200            not_assigned       taken                404                 200       not_assigned   taken           404            403                  403
    POST   /api/conversations/{cid}/read        200             200            200            not_assigned       taken                404                 200       not_assigned   taken           404            403                  403
    POST   /api/conversations/{cid}/transfer    200             200            200            200                200                  404                 200       not_assigned   taken           404            403                  403
    POST   /api/conversations/{cid}/close       200             200            200            200                200                  404                 200       not_assigned   taken           404            403                  403
";

/// Rows are all other routes, columns are roles. `ok` is any answer but 401 and 403: the operation was permitted, whatever
/// came of an empty body and an unknown id. The integrator has all scopes.
const OTHERS: &str = "
    route                                                   admin supervisor agent integrator
    GET    /api/openapi.json                                ok    ok         ok    ok
    GET    /api/me                                          ok    ok         ok    ok
    GET    /api/conversations                               ok    ok         ok    ok
    GET    /api/conversations/counts                        ok    ok         ok    ok
    GET    /api/bindings                                    ok    ok         403   ok
    POST   /api/bindings                                    ok    403        403   403
    GET    /api/bindings/{app_id}                           ok    ok         403   ok
    PATCH  /api/bindings/{app_id}                           ok    403        403   403
    DELETE /api/bindings/{app_id}                           ok    403        403   403
    GET    /api/bindings/{app_id}/health                    ok    ok         403   ok
    POST   /api/bindings/{app_id}/session-from-secret       ok    403        403   403
    GET    /api/bindings/{app_id}/visitors/{openid}         ok    ok         ok    ok
    GET    /api/bindings/{app_id}/visitors/{openid}/conversations ok ok     ok    ok
    GET    /api/bindings/{app_id}/visitors/{openid}/messages ok   403        403   ok
    PATCH  /api/bindings/{app_id}/visitors/{openid}         ok    ok         ok    403
    GET    /api/bindings/{app_id}/visitors/{openid}/notes   ok    ok         ok    403
    POST   /api/bindings/{app_id}/visitors/{openid}/notes   ok    ok         ok    403
    DELETE /api/bindings/{app_id}/visitors/{openid}/notes/{id} ok ok         ok    403
    DELETE /api/bindings/{app_id}/visitors/{openid}         ok    403        403   403
    GET    /api/bindings/{app_id}/visitors/{openid}/export  ok    403        403   403
    GET    /api/groups                                      ok    ok         ok    403
    GET    /api/groups/{id}                                 ok    ok         ok    403
    POST   /api/groups                                      ok    403        403   403
    PATCH  /api/groups/{id}                                 ok    ok         403   403
    DELETE /api/groups/{id}                                 ok    403        403   403
    GET    /api/frames                                      ok    ok         ok    403
    PUT    /api/frames                                      ok    403        403   403
    POST   /api/frames/{id}/key                             ok    403        403   403
    GET    /api/quick-replies                               ok    ok         ok    403
    GET    /api/quick-replies/{id}                          ok    ok         ok    403
    POST   /api/quick-replies                               ok    ok         ok    403
    PATCH  /api/quick-replies/{id}                          ok    ok         ok    403
    DELETE /api/quick-replies/{id}                          ok    ok         ok    403
    GET    /api/agents                                      ok    ok         ok    403
    GET    /api/agents/{id}                                 ok    ok         ok    403
    POST   /api/agents                                      ok    403        403   403
    PATCH  /api/agents/{id}                                 ok    403        403   403
    DELETE /api/agents/{id}                                 ok    403        403   403
    PUT    /api/agents/{id}/status                          ok    403        403   403
    POST   /api/agents/{id}/heartbeat                       ok    403        403   403
    GET    /api/merchants                                   ok    ok         403   403
    GET    /api/merchants/{id}                              ok    ok         403   403
    POST   /api/merchants                                   ok    403        403   403
    PATCH  /api/merchants/{id}                              ok    403        403   403
    DELETE /api/merchants/{id}                              ok    403        403   403
    GET    /api/robots                                      ok    ok         403   403
    GET    /api/robots/{id}                                 ok    ok         403   403
    POST   /api/robots                                      ok    403        403   403
    PATCH  /api/robots/{id}                                 ok    403        403   403
    DELETE /api/robots/{id}                                 ok    403        403   403
    POST   /api/robots/{id}/try                             ok    ok         403   403
    GET    /api/robots/{id}/questions                       ok    ok         403   403
    POST   /api/robots/{id}/questions                       ok    403        403   403
    PUT    /api/robots/{id}/questions                       ok    403        403   403
    GET    /api/robots/{id}/questions/{question_id}         ok    ok         403   403
    PATCH  /api/robots/{id}/questions/{question_id}         ok    403        403   403
    DELETE /api/robots/{id}/questions/{question_id}         ok    403        403   403
    GET    /api/calendars                                   ok    ok         403   403
    GET    /api/calendars/{id}                              ok    ok         403   403
    POST   /api/calendars                                   ok    403        403   403
    PATCH  /api/calendars/{id}                              ok    ok         403   403
    DELETE /api/calendars/{id}                              ok    403        403   403
    POST   /api/routing/simulate                            ok    ok         ok    403
    POST   /api/session-from/build                          ok    ok         ok    403
    POST   /api/session-from/parse                          ok    ok         ok    403
    GET    /api/access-tokens                               ok    403        403   403
    POST   /api/access-tokens                               ok    403        403   403
    DELETE /api/access-tokens/bootstrap                     ok    403        403   403
    DELETE /api/access-tokens/{id}                          ok    403        403   403
    POST   /api/access-tokens/{id}/rotate                   ok    403        403   403
    POST   /api/access-tokens/{id}/sign-in-code             ok    403        403   403
    POST   /api/agents/{id}/sign-in-code                    ok    403        403   403
    POST   /api/sign-in                                     ok    ok         ok    ok
    POST   /api/realtime/ticket                             403   403        403   403
    GET    /api/sessions                                    ok    ok         ok    403
    DELETE /api/sessions/{id}                               ok    ok         ok    403
    DELETE /api/sessions                                    ok    ok         ok    403
    GET    /api/audit                                       ok    403        403   403
";

struct Table {
    columns: Vec<&'static str>,
    rows: Vec<(Method, &'static str, Vec<&'static str>)>,
}

impl Table {
    fn read(text: &'static str) -> Self {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let columns = lines.next().unwrap().split_whitespace().skip(1).collect();
        let row = |line: &'static str| {
            let mut cells = line.split_whitespace();
            let (method, path) = (cells.next().unwrap(), cells.next().unwrap());
            (method.parse().unwrap(), path, cells.collect::<Vec<_>>())
        };
        let table = Self { columns, rows: lines.map(row).collect() };
        for (method, path, cells) in &table.rows {
            assert_eq!(cells.len(), table.columns.len(), "{method} {path}");
        }
        table
    }
}

#[test]
fn every_route_has_a_row() {
    let mounted: BTreeSet<String> = desk_api::routes()
        .into_iter()
        .chain(card_send::routes())
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    let mut rows = BTreeSet::new();
    for table in [CONVERSATIONS, OTHERS] {
        for (method, path, _) in Table::read(table).rows {
            assert!(rows.insert(format!("{method} {path}")), "{method} {path} has two rows");
        }
    }
    let missing: Vec<_> = mounted.difference(&rows).collect();
    assert_eq!(missing, Vec::<&String>::new(), "routes without a row");
    let gone: Vec<_> = rows.difference(&mounted).collect();
    assert_eq!(gone, Vec::<&String>::new(), "rows without a route");
}

/// Two groups, their agents, and a token of each role.
struct Staff<'a> {
    world: &'a World,
    bindings: [Binding; 2],
    /// The caller's agent, a colleague of the same group, an agent of the other group, the supervisor's agent.
    agents: [String; 4],
    tokens: [(&'static str, String); 4],
    /// A frame of every conversation.
    frame: String,
}

impl<'a> Staff<'a> {
    async fn new(world: &'a World) -> Self {
        let mut agents = Vec::new();
        for name in ["我", "同事", "别人", "主管"] {
            let id = world.agent(name, 100).await;
            // Busy agents are on duty, so conversations wait, and take what an admin gives them.
            world.set_status(&id, "busy").await;
            agents.push(id);
        }
        let [me, colleague, stranger, lead] = <[String; 4]>::try_from(agents).unwrap();
        let group = async |members: &[&str]| {
            world.create("groups", &json!({ "name": "组", "members": members, "max_queue": 1000 })).await
        };
        let (own, other) = (group(&[&me, &colleague, &lead]).await, group(&[&stranger]).await);
        let bindings = [world.bind(APP).await, world.bind(OTHER_APP).await];
        for (binding, group) in bindings.iter().zip([&own, &other]) {
            world.set_reception(binding, json!({ "mode": "agents_only", "group_id": group })).await;
        }
        let scopes = ["bindings:read", "conversations:read", "messages:write", "tokens:read", "webhooks"];
        let token = async |asked: Value| world.post("/api/access-tokens", &asked).await.expect(201).text("token");
        let tokens = [
            ("admin", ADMIN.to_owned()),
            ("supervisor", token(json!({ "role": "supervisor", "name": "主管", "agent_id": lead })).await),
            ("agent", token(json!({ "role": "agent", "name": "我", "agent_id": me })).await),
            (
                "integrator",
                token(json!({ "role": "integrator", "name": "系统", "scopes": scopes, "app_ids": [APP] })).await,
            ),
        ];
        let frames = json!({ "items": [{ "name": "订单", "url": "https://shop.example/" }] });
        let frames = world.call(Some(ADMIN), Method::PUT, "/api/frames", Some(&frames)).await.expect(200);
        let frame = frames.body["items"][0]["id"].as_str().unwrap().to_owned();
        Self { world, bindings, agents: [me, colleague, stranger, lead], tokens, frame }
    }

    fn token(&self, role: &str) -> &str {
        &self.tokens.iter().find(|(name, _)| *name == role).unwrap().1
    }

    /// A fresh conversation of this kind for a caller of this role.
    async fn chat(&self, role: &str, kind: &str, openid: &str) -> OpenConversation<'_> {
        let [me, colleague, stranger, lead] = &self.agents;
        let chat = self.world.open_conversation(&self.bindings[usize::from(kind == "stranger")], openid).await;
        let assignee = match kind {
            "own" if role == "supervisor" => Some(lead),
            "own" => Some(me),
            "colleague" => Some(colleague),
            "stranger" => Some(stranger),
            _ => None,
        };
        if let Some(agent) = assignee {
            self.world.claim(&chat.cid, agent).await.expect(200);
        }
        chat
    }
}

/// A request to a route of a conversation with a body that it takes.
async fn request(staff: &Staff<'_>, chat: &OpenConversation<'_>, token: &str, method: &Method, path: &str) -> Answer {
    let world = staff.world;
    let message = chat.messages().await[0]["id"].as_str().unwrap().to_owned();
    let body = match path.rsplit('/').next().unwrap() {
        "messages" if *method == Method::POST => Some(text("您好")),
        "cards" => Some(chat.card_with_cover_at(&format!("{}/phone/cover.png", world.bundle.wechat_url()))),
        "typing" => Some(json!({ "typing": true })),
        "frame-context" => Some(json!({ "frame_id": staff.frame })),
        "read" => Some(json!({ "up_to": message })),
        "transfer" => Some(json!({ "agent_id": staff.agents[3] })),
        _ => None,
    };
    let upload = path.ends_with("/uploads");
    let path = path.replace("{cid}", &chat.cid).replace("{id}", &message);
    if upload {
        return crate::pictures::upload(world, token, &path, crate::pictures::PNG).await;
    }
    world.call(Some(token), method.clone(), &path, body.as_ref()).await
}

/// An answer as a cell names it.
fn cell(answer: &Answer) -> String {
    match (answer.status, answer.body["code"].as_str()) {
        (409, Some(code)) => code.rsplit('.').next().unwrap().to_owned(),
        (status, _) => status.to_string(),
    }
}

#[tokio::test]
async fn every_route_of_a_conversation_by_role_and_relation() {
    let world = World::start().await;
    let staff = Staff::new(&world).await;
    let table = Table::read(CONVERSATIONS);
    let mut wrong = Vec::new();
    for (row, (method, path, cells)) in table.rows.iter().enumerate() {
        for (column, (name, expected)) in table.columns.iter().zip(cells).enumerate() {
            let (role, kind) = name.split_once(':').unwrap();
            let chat = staff.chat(role, kind, &format!("o-{row}-{column}")).await;
            let answer = request(&staff, &chat, staff.token(role), method, path).await;
            if cell(&answer) != *expected {
                wrong.push(format!("{method} {path} {name}: {} instead of {expected}", answer.raw));
            }
            // Room for the next one.
            world
                .call(Some(ADMIN), Method::POST, &format!("/api/conversations/{}/close", chat.cid), None)
                .await
                .expect(200);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_other_route_by_role() {
    let world = World::start().await;
    let staff = Staff::new(&world).await;
    let chat = staff.chat("agent", "own", "o-1").await;
    let table = Table::read(OTHERS);
    let mut wrong = Vec::new();
    for (method, path, cells) in &table.rows {
        let kind = path.split('/').nth(2).unwrap();
        let id = match kind {
            "groups" | "agents" | "merchants" | "robots" | "calendars" => format!("{}000000000000", &kind[..1]),
            _ => "0".repeat(32),
        };
        let concrete = path.replace("{app_id}", APP).replace("{openid}", &chat.visitor.openid);
        let concrete = concrete.replace("{id}", &id).replace("{question_id}", "q");
        // The bindings stay for the rows after this one.
        let body = if path.ends_with("/status") { json!({ "status": "online" }) } else { json!({}) };
        let body = (*method != Method::GET && *method != Method::DELETE).then_some(body);
        for (role, expected) in table.columns.iter().zip(cells) {
            if (method, *role) == (&Method::DELETE, "admin") && path.contains("{app_id}") {
                continue;
            }
            let answer = world.call(Some(staff.token(role)), method.clone(), &concrete, body.as_ref()).await;
            let found = if matches!(answer.status, 401 | 403) { answer.status.to_string() } else { "ok".to_owned() };
            if found != *expected {
                wrong.push(format!("{method} {path} as {role}: {} instead of {expected}", answer.raw));
            }
            assert!(answer.status < 500, "{method} {path} as {role}: {}", answer.raw);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
