//! Bindings of mini programs: create with a check of the credentials, list, get, change, delete.

mod validation;
mod view;

use api::{
    Caller, Code, Created, Json, NoContent, PageOf, PageRequest, Path, Problem, Routes, State, not_null, operation,
    present, require,
};
use desk::{
    policy::{self, Grant, Subject},
    settings::Reception,
};
use serde::Deserialize;
use serde_json::Value;
use store::{Binding, BindingChange, NewBinding, SecretString, StoreError};
use utoipa::ToSchema;
use wechat::is_app_id;

pub(crate) use self::view::BindingView;
use self::{
    validation::{adopt, aes_key, check, check_auto_reply, check_credentials, check_name, check_secret, push_token},
    view::{ChangedBinding, CreatedBinding},
};
use crate::{
    health::{__path_read_health, read_health},
    host::Host,
    parameters::BindingPath,
    reception, schema,
    services::{Acting, Services},
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let credentials: Vec<_> = Code::of_refused_credentials().collect();
    let mut create_refusals = credentials.clone();
    create_refusals.push((409, Code::BindingExists));
    let _ = routes
        .allow(policy::Action::ListBindings)
        .route(operation!(list))
        .allow(policy::Action::ReadBinding)
        .route(operation!(read))
        .route(operation!(read_health))
        .allow(policy::Action::ManageBindings)
        .route_refusing(operation!(create), &create_refusals)
        .route_refusing(operation!(change), &credentials)
        .route(operation!(delete));
}

/// A mini program to bind.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBinding, example = json!({ "name": "我的小程序", "app_id": "wx0123456789abcdef", "app_secret": "0123456789abcdef0123456789abcdef" }))]
pub(crate) struct Create {
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    app_id: String,
    /// The AppSecret from WeChat's console.
    #[schema(min_length = 1, max_length = 128, write_only)]
    app_secret: String,
    /// The Token of the message push, generated where it is missing.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false, pattern = "^[A-Za-z0-9]{3,32}$")]
    token: Option<String>,
    /// The EncodingAESKey of the message push, generated where it is missing.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false, pattern = "^[A-Za-z0-9]{43}$")]
    encoding_aes_key: Option<String>,
    /// At most 2048 bytes. Sent in answer to every message until an agent has replied, where neither a group nor a robot receives
    /// the visitor; on asking for a person the visitor is asked to leave a message.
    #[serde(default)]
    #[schema(max_length = 2048)]
    auto_reply: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<Reception>)]
    reception: Option<Value>,
}

/// A change of a binding.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "a field that is missing, null, or a value")]
struct Change {
    #[serde(default, deserialize_with = "not_null")]
    name: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    app_secret: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    token: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    encoding_aes_key: Option<String>,
    #[serde(default, deserialize_with = "present")]
    auto_reply: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    reception: Option<Option<Value>>,
}

/// List all bindings
///
/// In the order of their AppIDs. For an integrator of named mini programs, a page may have fewer bindings than the limit
/// and still have a next page.
#[utoipa::path(
    get,
    path = "/api/bindings",
    operation_id = "listBindings",
    tag = "bindings",
    params(PageRequest),
    responses((status = 200, description = "A page of bindings.", body = schema::BindingPage)),
)]
async fn list(
    State(services): State<Services>,
    caller: Caller,
    host: Host,
    page: PageRequest,
) -> Result<Json<PageOf<BindingView>>, Problem> {
    let page = services.store.binding_list.bindings(page.cursor(), page.limit).await?;
    let permitted = |binding: &Binding| match &caller.grant {
        Grant::Integrator { app_ids, .. } => app_ids.contains(&binding.app_id),
        _ => true,
    };
    let items = page.items.into_iter().filter(permitted).map(|binding| BindingView::new(binding, &host));
    let items = items.collect::<Result<_, _>>()?;
    Ok(Json(PageOf { items, cursor: page.cursor }))
}

/// Get a binding
#[utoipa::path(
    get,
    path = "/api/bindings/{app_id}",
    operation_id = "getBinding",
    tag = "bindings",
    params(BindingPath),
    responses((status = 200, description = "The binding.", body = BindingView)),
)]
async fn read(
    State(services): State<Services>,
    caller: Caller,
    host: Host,
    Path(BindingPath { app_id }): Path<BindingPath>,
) -> Result<Json<BindingView>, Problem> {
    require_readable(&services, &caller, &app_id).await?;
    BindingView::new(find(&services, &app_id).await?, &host).map(Json)
}

/// Refuses a caller who may not read the binding.
pub(crate) async fn require_readable(services: &Services, caller: &Caller, app_id: &str) -> Result<(), Problem> {
    let subject = Subject::MiniProgram(app_id);
    require(&services.conversations, caller, policy::Action::ReadBinding, &subject, "binding").await
}

pub(crate) async fn find(services: &Services, app_id: &str) -> Result<Binding, Problem> {
    let found = if is_app_id(app_id) { services.store.bindings.binding(app_id).await? } else { None };
    found.ok_or_else(|| Problem::not_found("binding"))
}

/// Bind a mini program
///
/// By AppID and AppSecret. WeChat is asked for an access token first: wrong credentials are refused and nothing is
/// stored. Token and EncodingAESKey are generated where they are missing, and are in this answer only. `warnings` tells
/// whether visitors reach an agent or a robot.
#[utoipa::path(
    post,
    path = "/api/bindings",
    operation_id = "createBinding",
    tag = "bindings",
    request_body = Create,
    responses((status = 201, description = "The new binding.", body = CreatedBinding)),
)]
async fn create(
    Acting(services): Acting,
    host: Host,
    Json(new): Json<Create>,
) -> Result<Created<CreatedBinding>, Problem> {
    let mut wrong = Vec::new();
    check(&mut wrong, is_app_id(&new.app_id), "app_id", "must be an AppID: wx and 16 hexadecimal digits");
    check_name(&mut wrong, &new.name);
    check_secret(&mut wrong, &new.app_secret);
    let token = push_token(&mut wrong, new.token.as_deref());
    let key = aes_key(&mut wrong, new.encoding_aes_key.as_deref());
    check_auto_reply(&mut wrong, new.auto_reply.as_deref());
    let reception = match new.reception {
        Some(patch) => Some(reception::merged(&services, &Reception::default(), patch, &mut wrong).await?),
        None => None,
    };
    let (Some(token), Some(key), true) = (token, key, wrong.is_empty()) else {
        return Err(Problem::invalid(wrong));
    };
    let exists = || {
        let detail = "This mini program is already bound. Change the binding, or delete it first.";
        Problem::conflict(Code::BindingExists, detail)
    };
    if services.store.bindings.binding(&new.app_id).await?.is_some() {
        return Err(exists());
    }
    let secret = SecretString::from(new.app_secret);
    let access = check_credentials(&services, &new.app_id, &secret).await?;
    let binding = NewBinding {
        app_id: new.app_id,
        name: new.name.trim().to_owned(),
        app_secret: secret,
        token: SecretString::from(token.expose()),
        encoding_aes_key: SecretString::from(key.expose()),
        auto_reply: new.auto_reply.filter(|text| !text.is_empty()),
        reception,
    };
    let binding = services.store.binding_writer.create_binding(services.vault(), binding).await;
    let binding = binding.map_err(|error| match error {
        StoreError::Conflict => exists(),
        other => other.into(),
    })?;
    adopt(&services, &binding.app_id, &access).await;
    tracing::info!(app_id = binding.app_id, "mini program bound");
    let binding = ChangedBinding::new(&services, binding, &host).await?;
    Ok(Created(CreatedBinding::new(binding, token.expose(), key.expose())))
}

/// Change a binding
///
/// A new EncodingAESKey is used at once and the one before stays valid. A new Token has to be verified by WeChat again.
/// A new AppSecret is checked with WeChat first. A change of `reception` or `auto_reply` takes effect within 10 seconds;
/// `warnings` tells whether visitors reach an agent or a robot then.
#[utoipa::path(
    patch,
    path = "/api/bindings/{app_id}",
    operation_id = "changeBinding",
    tag = "bindings",
    params(BindingPath),
    request_body = schema::BindingChange,
    responses((status = 200, description = "The binding as it is now.", body = ChangedBinding)),
)]
async fn change(
    Acting(services): Acting,
    host: Host,
    Path(BindingPath { app_id }): Path<BindingPath>,
    Json(change): Json<Change>,
) -> Result<Json<ChangedBinding>, Problem> {
    let mut wrong = Vec::new();
    if let Some(name) = &change.name {
        check_name(&mut wrong, name);
    }
    if let Some(secret) = &change.app_secret {
        check_secret(&mut wrong, secret);
    }
    let token = change.token.as_deref().and_then(|token| push_token(&mut wrong, Some(token)));
    let key = change.encoding_aes_key.as_deref().and_then(|key| aes_key(&mut wrong, Some(key)));
    let auto_reply = change.auto_reply.map(|text| text.filter(|text| !text.is_empty()));
    check_auto_reply(&mut wrong, auto_reply.as_ref().and_then(Option::as_deref));
    let binding = find(&services, &app_id).await?;
    let reception = match change.reception {
        None => {
            // The answer shows the settings: unreadable ones refuse the request before anything is changed.
            binding.reception()?;
            None
        }
        Some(None) => Some(None),
        Some(Some(patch)) => Some(Some(reception::merged(&services, &binding.reception()?, patch, &mut wrong).await?)),
    };
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let secret = change.app_secret.map(SecretString::from);
    let access = match &secret {
        Some(secret) => Some(check_credentials(&services, &app_id, secret).await?),
        None => None,
    };
    let change_of_binding = BindingChange {
        name: change.name.map(|name| name.trim().to_owned()),
        auto_reply,
        reception,
        app_secret: secret,
        token: token.map(|token| SecretString::from(token.expose())),
        encoding_aes_key: key.map(|key| SecretString::from(key.expose())),
        ..BindingChange::default()
    };
    let binding = services.store.binding_writer.change_binding(services.vault(), &binding, change_of_binding).await?;
    if let Some(access) = access {
        adopt(&services, &app_id, &access).await;
    }
    tracing::info!(app_id, "binding changed");
    ChangedBinding::new(&services, binding, &host).await.map(Json)
}

/// Delete a binding
///
/// Messages and conversations are kept.
#[utoipa::path(
    delete,
    path = "/api/bindings/{app_id}",
    operation_id = "deleteBinding",
    tag = "bindings",
    params(BindingPath),
    responses((status = 204, description = "The mini program is no longer bound.")),
)]
async fn delete(
    Acting(services): Acting,
    Path(BindingPath { app_id }): Path<BindingPath>,
) -> Result<NoContent, Problem> {
    if !is_app_id(&app_id) || !services.store.binding_writer.delete_binding(&app_id).await? {
        return Err(Problem::not_found("binding"));
    }
    tracing::info!(app_id, "binding deleted");
    Ok(NoContent)
}
