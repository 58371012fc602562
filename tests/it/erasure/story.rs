//! All that can be stored of a visitor.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    cover_fetch::gallery::gallery,
    open_conversation::{OpenConversation, text},
    routing::visitor_identity::{secret, signed},
    service_desk::{SHIPPING, ServiceDesk},
    support::World,
};

/// A mini program with a robot, and a group of two agents.
pub(super) struct Desk {
    service: ServiceDesk,
    colleague: String,
    secret: String,
}

impl Desk {
    pub(super) async fn new(world: &World) -> Self {
        let desk = world.service_desk(50, json!({ "mode": "robot_first" })).await;
        let colleague = world.agent("小李", 50).await;
        world.update("groups", &desk.group, &json!({ "members": [desk.agent, colleague] })).await;
        let secret = secret(world, &desk.binding).await;
        Self { service: desk, colleague, secret }
    }

    pub(super) fn app_id(&self) -> &str {
        &self.service.binding.app_id
    }

    /// Names, tags and stars a visitor, and writes two notes about them.
    async fn note(&self, world: &World, openid: &str, name: &str) {
        let path = format!("/api/bindings/{}/visitors/{openid}", self.app_id());
        let (remark, tag) = (format!("remark-{name}"), format!("tag-{name}"));
        let marks = json!({ "remark_name": remark, "tags": [tag], "starred": true });
        world.patch(&path, &marks).await.expect(200);
        for number in 0..2 {
            let note = json!({ "text": format!("note-{name}-{number}") });
            world.post(&format!("{path}/notes"), &note).await.expect(201);
        }
    }

    /// A visitor goes through robot, queue, assignment, transfer, a held text, a card, an image, an idempotent request, notes,
    /// pictures of both sides and a left message, which is open at the end. Returns every text that names them.
    pub(super) async fn visit(&self, world: &World, name: &str, picture: &str) -> Vec<String> {
        let openid = format!("o-{name}-openid");
        let visitor = self.service.visitor(world, &openid);
        let agents = [self.service.agent.as_str(), self.colleague.as_str()];
        let partnerid = format!("member-{name}");
        let person = signed(&self.secret, &partnerid, world.now().as_second());
        visitor.enters(&person.replacen("sobot||", &format!("sobot|nick-{name}||"), 1)).await;
        visitor.writes(SHIPPING).await;
        for agent in agents {
            world.set_status(agent, "busy").await;
        }
        visitor.writes("转人工").await;
        assert_eq!(visitor.stage().await, "queued");
        world.set_status(agents[0], "online").await;
        let cid = visitor.cid().await;
        assert_eq!(visitor.agent().await.as_deref(), Some(agents[0]));
        let transfer = json!({ "agent_id": agents[1] });
        world.post(&format!("/api/conversations/{cid}/transfer"), &transfer).await.expect(200);

        let uid = visitor.conversation().await["uid"].as_str().unwrap().to_owned();
        let chat = OpenConversation { world, visitor, cid: cid.clone(), uid: uid.clone() };
        let photo = crate::pictures::base64(&crate::pictures::jpeg(name));
        let image = json!({ "pic_url": format!("https://mmbiz.example/{name}.png"), "media_base64": photo });
        chat.visitor.pushes("image", image).await;
        world.settle().await;
        let token = world.agent_token(agents[1]).await;
        let (messages, cards) = (chat.messages_path(), chat.cards_path());
        let post = async |path: &str, body: &Value| world.call(Some(&token), Method::POST, path, Some(body)).await;
        let once = world.request(Some(&token), Method::POST, &messages, Some(&text("您好")));
        once.header("idempotency-key", format!("key-{name}")).send().await.expect(201);
        let uploads = format!("/api/conversations/{cid}/uploads");
        let uploaded =
            crate::pictures::upload(world, &token, &uploads, &crate::pictures::jpeg(&format!("{name}-2"))).await;
        let uploaded = uploaded.expect(201).text("media_id");
        let image = json!({ "type": "image", "image": { "url": gallery(world, picture) } });
        let image = post(&messages, &image).await.expect(201);
        post(&cards, &chat.card_with_cover_at(&gallery(world, "full.png"))).await.expect(201);
        post(&messages, &text("第四条")).await.expect(201);
        post(&messages, &text("第五条")).await.expect(201);
        assert_eq!(post(&messages, &text("等您回来再说")).await.body["state"], "held");
        world
            .post(&format!("/api/conversations/{cid}/close"), &json!({ "summary": { "who": name } }))
            .await
            .expect(200);

        for agent in agents {
            world.set_status(agent, "offline").await;
        }
        let visitor = self.service.visitor(world, &openid);
        visitor.writes("转人工").await;
        assert_eq!(visitor.stage().await, "left_message");
        let second = visitor.cid().await;
        for agent in agents {
            world.set_status(agent, "online").await;
        }
        self.note(world, &openid, name).await;
        let ids = visitor.messages().await.into_iter().map(|message| message["id"].as_str().unwrap().to_owned());
        let media_id = image.body["image"]["media_id"].as_str().unwrap().to_owned();
        let named = [openid, uid, cid, second, partnerid, format!("nick-{name}"), media_id, uploaded];
        let noted = ["remark", "tag", "note"].map(|kind| format!("{kind}-{name}"));
        named.into_iter().chain(ids).chain(noted).collect()
    }
}

/// The `cid` of every item.
pub(super) fn cids(items: &[Value]) -> Vec<&str> {
    items.iter().filter_map(|item| item["cid"].as_str()).collect()
}
