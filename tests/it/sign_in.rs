//! Sign-in codes and sessions.

mod codes;
mod ends;
mod lists;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, World};

/// The `User-Agent` of the browser that signs in.
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0";

impl World {
    /// A sign-in code for this agent.
    pub(crate) async fn agent_code(&self, agent: &str) -> String {
        self.post(&format!("/api/agents/{agent}/sign-in-code"), &json!({})).await.expect(201).text("code")
    }

    /// A sign-in code for the token with this id, or for `bootstrap`.
    pub(crate) async fn token_code(&self, id: &str) -> String {
        self.post(&format!("/api/access-tokens/{id}/sign-in-code"), &json!({})).await.expect(201).text("code")
    }

    /// Exchanges a code.
    pub(crate) async fn redeem(&self, code: &str) -> Answer {
        let body = json!({ "code": code });
        let request = self.request(None, Method::POST, "/api/sign-in", Some(&body));
        request.header("user-agent", BROWSER).send().await
    }

    /// A session of this agent: its token and its id.
    pub(crate) async fn agent_session(&self, agent: &str) -> (String, String) {
        session(&self.redeem(&self.agent_code(agent).await).await.expect(200))
    }

    /// A session of the token with this id.
    pub(crate) async fn token_session(&self, id: &str) -> (String, String) {
        session(&self.redeem(&self.token_code(id).await).await.expect(200))
    }

    /// The status of a request with this token, once API Gateway has forgotten earlier answers of the authorizer.
    pub(crate) async fn status_of(&self, token: &str) -> u16 {
        self.forget_authorizations();
        self.call(Some(token), Method::GET, "/api/me", None).await.status
    }
}

fn session(answer: &Answer) -> (String, String) {
    (answer.text("token"), answer.body["session"]["id"].as_str().unwrap().to_owned())
}

/// A new agent, offline.
async fn agent(world: &World) -> String {
    world.create("agents", &json!({ "name": "小林" })).await
}

/// A new access token: its id and its secret.
async fn token(world: &World, asked: Value) -> (String, String) {
    let made = world.post("/api/access-tokens", &asked).await.expect(201);
    (made.text("id"), made.text("token"))
}

fn is_refused(answer: &Answer) -> bool {
    (answer.status, &answer.body["code"]) == (401, &json!("sign_in.invalid"))
}
