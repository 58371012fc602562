//! Frames: pages of the team's own beside a conversation. List and replace them, make their keys, and sign what a page learns of the
//! conversation.

mod address;
mod context;

use std::collections::BTreeSet;

use ::conversations::groups_of;
use api::{Caller, Created, Json, Path, Permitted, Problem, Routes, State, operation};
use desk::policy::Action;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{ExposeSecret, FRAMES_MAX, Frame, Kind};
use utoipa::ToSchema;
use wechat::{Name, is_app_id};

use crate::{
    frames::context::{Claims, Signed},
    host::Host,
    lookup,
    parameters::{ConversationPath, IdPath},
    services::{Acting, Services},
};

/// The longest name, in bytes.
const NAME_MAX: usize = 64;
/// The greatest number of mini programs and of groups that a frame is limited to.
const LIMITED_TO_MAX: usize = 50;

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes
        .allow(Action::ReadFrames)
        .route(operation!(list))
        .allow(Action::ManageSettings)
        .route(operation!(replace))
        .route(operation!(rotate_key))
        .allow(Action::OpenFrame)
        .route(operation!(sign_context));
}

/// All frames.
#[derive(Serialize, ToSchema)]
#[schema(as = Frames)]
struct FramesView {
    /// The frames, in the order of their tabs.
    #[schema(max_items = 10)]
    items: Vec<Frame>,
}

/// A frame that was just stored.
#[derive(Serialize, ToSchema)]
struct StoredFrame {
    #[serde(flatten)]
    frame: Frame,
    /// Of a new frame: the key of its contexts. It is in this answer only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    key: Option<String>,
}

/// The frames as they are now.
#[derive(Serialize, ToSchema)]
struct StoredFrames {
    #[schema(max_items = 10)]
    items: Vec<StoredFrame>,
}

/// All frames, in place of those that are there.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "items": [{ "name": "订单", "url": "https://shop.example/orders" }] }))]
struct NewFrames {
    /// In the order of their tabs.
    #[schema(max_items = 10)]
    items: Vec<NewFrame>,
}

/// A frame to store.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewFrame {
    /// The id of a frame that stays, with its key. A frame without one is new.
    #[serde(default)]
    #[schema(min_length = 13, max_length = 13)]
    id: Option<String>,
    /// The name of its tab: one line of at most 64 bytes.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// The address of its page: https, of another origin than this API.
    #[schema(min_length = 1, max_length = 2048)]
    url: String,
    /// The mini programs whose conversations have it; all, where it is missing or empty.
    #[serde(default)]
    #[schema(max_items = 50)]
    app_ids: Vec<String>,
    /// The groups whose conversations have it; all, where it is missing or empty.
    #[serde(default)]
    #[schema(max_items = 50)]
    group_ids: Vec<String>,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
struct FrameKey {
    /// The key, 43 characters: its bytes are the secret of HS256. It is in this answer only.
    key: String,
}

/// What a context is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FrameContextRequest {
    /// The frame's id.
    #[schema(min_length = 1, max_length = 100)]
    frame_id: String,
}

/// A signed context for the page of a frame.
#[derive(Serialize, ToSchema)]
struct FrameContext {
    /// A JSON Web Token, signed with HS256 and the key of the frame. Its claims: `iss` (`kefu`), `aud` (the origin of the frame), `cid`,
    /// `uid`, `app_id`, `openid`, `partnerid` if there is one, `partnerid_verified`, `agent_id` and `agent_name` if the caller works
    /// as an agent, `iat`, `exp`.
    context: String,
    /// When it ends: 300 seconds after it was made.
    expires_at: Timestamp,
}

/// List frames
///
/// All, at once. A workbench shows those whose mini programs and groups are those of the selected conversation.
#[utoipa::path(
    get,
    path = "/api/frames",
    operation_id = "listFrames",
    tag = "frames",
    responses((status = 200, description = "The frames.", body = FramesView)),
)]
async fn list(State(services): State<Services>) -> Result<Json<FramesView>, Problem> {
    Ok(Json(FramesView { items: services.store.frames.frames().await?.items }))
}

/// Replace all frames
///
/// A frame that is named by its id stays, with its key; one that is missing goes, with its key. The page allows frames of these
/// origins from when it is loaded next.
#[utoipa::path(
    put,
    path = "/api/frames",
    operation_id = "replaceFrames",
    tag = "frames",
    request_body = NewFrames,
    responses((status = 200, description = "The frames, with the keys of new ones.", body = StoredFrames)),
)]
async fn replace(
    Acting(services): Acting,
    host: Host,
    Json(NewFrames { items }): Json<NewFrames>,
) -> Result<Json<StoredFrames>, Problem> {
    if items.len() > FRAMES_MAX {
        return Err(Problem::invalid_field("items", format!("must have at most {FRAMES_MAX} frames")));
    }
    let seen = services.store.frames.frames().await?;
    let mut frames: Vec<Frame> = Vec::with_capacity(items.len());
    for (place, item) in items.into_iter().enumerate() {
        let at = format!("items[{place}]");
        let frame = validated(&services, &host, &at, item).await?;
        let is_new = !seen.items.iter().any(|other| other.id == frame.0.id);
        if (frame.1 && is_new) || frames.iter().any(|other| other.id == frame.0.id) {
            return Err(Problem::invalid_field(format!("{at}.id"), "must be the id of a frame, each once"));
        }
        frames.push(frame.0);
    }
    let made = services.store.frames.replace_frames(services.vault(), &seen, &frames).await?;
    let stored = frames.into_iter().map(|frame| {
        let key = made.iter().find(|(id, _)| *id == frame.id).map(|(_, key)| key.expose_secret().to_owned());
        StoredFrame { frame, key }
    });
    Ok(Json(StoredFrames { items: stored.collect() }))
}

/// The frame, and whether the request named its id.
async fn validated(services: &Services, host: &Host, at: &str, new: NewFrame) -> Result<(Frame, bool), Problem> {
    let wrong = |field: &str, detail: String| Problem::invalid_field(format!("{at}.{field}"), detail);
    let name = Name::parse(&new.name, NAME_MAX).map_err(|error| wrong("name", error.to_string()))?;
    let url = address::parse(&new.url, services.is_local).map_err(|detail| wrong("url", detail))?;
    for (field, list) in [("app_ids", &new.app_ids), ("group_ids", &new.group_ids)] {
        if list.len() > LIMITED_TO_MAX {
            return Err(wrong(field, format!("must have at most {LIMITED_TO_MAX}")));
        }
    }
    if let Some(place) = new.app_ids.iter().position(|id| !is_app_id(id)) {
        return Err(wrong(&format!("app_ids[{place}]"), "must be an AppID".to_owned()));
    }
    for (place, id) in new.group_ids.iter().enumerate() {
        if !(Kind::Group.is_id(id) && lookup::exists(services, Kind::Group, id).await?) {
            return Err(wrong(&format!("group_ids[{place}]"), "must be the id of a group".to_owned()));
        }
    }
    let once = |list: Vec<String>| -> Vec<String> { list.into_iter().collect::<BTreeSet<_>>().into_iter().collect() };
    let (is_named, id) = (new.id.is_some(), new.id.unwrap_or_else(Frame::fresh_id));
    let frame = Frame { id, name: name.into(), url, app_ids: once(new.app_ids), group_ids: once(new.group_ids) };
    if host.is_origin(frame.origin()) {
        return Err(wrong("url", "must be of another origin than this API".to_owned()));
    }
    Ok((frame, is_named))
}

/// Make a new key for a frame
///
/// The key before is not valid any more: contexts are signed with the new one at once.
#[utoipa::path(
    post,
    path = "/api/frames/{id}/key",
    operation_id = "rotateFrameKey",
    tag = "frames",
    params(IdPath),
    responses((status = 201, description = "The key.", body = FrameKey)),
)]
async fn rotate_key(Acting(services): Acting, Path(IdPath { id }): Path<IdPath>) -> Result<Created<FrameKey>, Problem> {
    let frames = services.store.frames.frames().await?;
    if !frames.items.iter().any(|frame| frame.id == id) {
        return Err(Problem::not_found("frame"));
    }
    let key = services.store.frames.rotate_key(services.vault(), &id).await?;
    Ok(Created(FrameKey { key: key.expose_secret().to_owned() }))
}

/// Sign a context for a frame
///
/// What the page of a frame may know of the conversation, for five minutes. The page's server verifies it before it shows anything. It is for
/// reading: no operation of this API takes it. A frame that the conversation does not have answers 404.
#[utoipa::path(
    post,
    path = "/api/conversations/{cid}/frame-context",
    operation_id = "createFrameContext",
    tag = "frames",
    params(ConversationPath),
    request_body = FrameContextRequest,
    responses((status = 201, description = "The context.", body = FrameContext)),
)]
async fn sign_context(
    State(services): State<Services>,
    caller: Caller,
    permitted: Permitted,
    Json(FrameContextRequest { frame_id }): Json<FrameContextRequest>,
) -> Result<Created<FrameContext>, Problem> {
    let conversation = permitted.conversation();
    let frames = services.store.frames.frames().await?.items;
    let groups = groups_of(conversation);
    let is_here = |frame: &&Frame| {
        frame.id == frame_id
            && (frame.app_ids.is_empty() || frame.app_ids.contains(&conversation.app_id))
            && (frame.group_ids.is_empty() || frame.group_ids.iter().any(|id| groups.contains(id)))
    };
    let missing = || Problem::not_found("frame");
    let frame = frames.iter().find(is_here).ok_or_else(missing)?;
    let thread = conversation.thread();
    let (key, agent, visitor) = tokio::try_join!(
        services.store.frames.key(services.vault(), &frame.id),
        agent(&services, &caller),
        services.store.threads.visitor(&thread),
    )?;
    let key = key.ok_or_else(missing)?;
    let claims = Claims::new(frame, conversation, &visitor.profile, agent, services.store.clock.now());
    let Signed { token, expires_at } = claims.sign(&key).ok_or_else(Problem::internal)?;
    Ok(Created(FrameContext { context: token, expires_at }))
}

/// The id and the name of the agent that the caller works as.
async fn agent(services: &Services, caller: &Caller) -> Result<Option<(String, String)>, store::StoreError> {
    let Some(agent) = services.conversations.known_agent(caller).await? else { return Ok(None) };
    let duty = services.store.staff.duty(&agent).await?;
    Ok(duty.map(|duty| (agent, duty.name)))
}
