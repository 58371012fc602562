//! Groups, agents, merchants, robots, calendars: create, list, read, change, delete. One module for all of them.

use function::http::{self, FieldError, Problem};
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde_json::{Value, json};
use store::{ExposeSecret, Kind, Page, Record, StoreError, Written};

use crate::{
    Deps,
    duty::Shown as DutyShown,
    effects,
    me::TOKEN_ALIAS,
    merge::merge,
    page::Wanted,
    robots::{Credentials, Sealing},
    settings::Settings,
    uses,
};

pub(crate) async fn list(deps: &Deps, request: &Request, kind: Kind) -> Result<Response<Body>, Problem> {
    let wanted = Wanted::of(request)?;
    let page = deps.table().records::<Value>(kind, wanted.cursor(), wanted.limit).await?;
    let items = show(deps, kind, &page.items).await?;
    Ok(http::json(StatusCode::OK, &Page { items, cursor: page.cursor }))
}

pub(crate) async fn read(deps: &Deps, kind: Kind, id: &str) -> Result<Response<Body>, Problem> {
    answer(deps, StatusCode::OK, kind, &find(deps, kind, id).await?, &Sealing::default()).await
}

pub(crate) async fn create(deps: &Deps, request: &Request, kind: Kind) -> Result<Response<Body>, Problem> {
    let mut asked = object(request)?;
    let credentials = Credentials::take(kind, &mut asked);
    let settings = Settings::read(kind, asked).map_err(Problem::invalid)?;
    let sealing = settle(credentials, None, &settings)?;
    effects::must_exist(deps, None, &settings).await?;
    names_are_no_ids(deps, kind, None, &settings).await?;
    let record = deps.table().new_record(kind, settings.value(), settings.names());
    effects::before(deps, &record.id, None, &settings).await?;
    let secret = sealing.new.as_ref().map(|secret| (deps.vault(), secret));
    if deps.table().create_record(kind, &record, secret).await? == Written::AliasTaken {
        effects::undone(deps, &record.id, &settings).await?;
        return Err(alias_taken());
    }
    tracing::info!(kind = kind.as_str(), id = record.id, "set up");
    let record = find(deps, kind, &record.id).await?;
    answer(deps, StatusCode::CREATED, kind, &record, &sealing).await
}

pub(crate) async fn change(deps: &Deps, request: &Request, kind: Kind, id: &str) -> Result<Response<Body>, Problem> {
    let mut asked = object(request)?;
    let credentials = Credentials::take(kind, &mut asked);
    let mut seen = find(deps, kind, id).await?;
    let old = Settings::kept(kind, &seen.settings)?;
    let mut merged = before_merge(&old, &asked);
    merge(&mut merged, asked);
    let settings = Settings::read(kind, merged).map_err(Problem::invalid)?;
    let sealing = settle(credentials, seen.secret.is_some().then_some(&old), &settings)?;
    if sealing.drop {
        seen.secret = None;
    }
    effects::must_exist(deps, Some(&old), &settings).await?;
    names_are_no_ids(deps, kind, Some((id, &old)), &settings).await?;
    effects::before(deps, id, Some(&old), &settings).await?;
    // An agent that was made for a token is still to be found by it.
    let of_token = seen.aliases.iter().filter(|alias| kind == Kind::Agent && alias.starts_with(TOKEN_ALIAS)).cloned();
    let names = settings.names().into_iter().chain(of_token).collect();
    let secret = sealing.new.as_ref().map(|secret| (deps.vault(), secret));
    let (record, written) = deps.table().change_record(kind, &seen, settings.value(), names, secret).await?;
    if written == Written::AliasTaken {
        return Err(alias_taken());
    }
    tracing::info!(kind = kind.as_str(), id, "changed");
    effects::after(deps, id, &old, &settings).await?;
    answer(deps, StatusCode::OK, kind, &record, &sealing).await
}

pub(crate) async fn delete(deps: &Deps, kind: Kind, id: &str) -> Result<Response<Body>, Problem> {
    let record = find(deps, kind, id).await?;
    let settings = Settings::kept(kind, &record.settings)?;
    uses::must_be_none(deps, kind, id).await?;
    effects::before_end(deps, id, &settings).await?;
    // What went before it may have counted as a change.
    let record = find(deps, kind, id).await?;
    deps.table().delete_record(kind, &record).await?;
    effects::after_end(deps, id, &settings).await?;
    tracing::info!(kind = kind.as_str(), id, "taken away");
    Ok(http::empty())
}

/// What is kept under this id.
pub(crate) async fn find(deps: &Deps, kind: Kind, id: &str) -> Result<Record<Value>, Problem> {
    let found = if kind.is_id(id) { deps.table().record(kind, id).await? } else { None };
    found.ok_or_else(|| Problem::not_found(kind.as_str()))
}

fn object(request: &Request) -> Result<Value, Problem> {
    let body: Value = http::body(request)?;
    if body.is_object() { Ok(body) } else { Err(Problem::invalid(vec![FieldError::new("body", "must be an object")])) }
}

/// What a change is merged into. Whoever makes a robot one of another kind begins without the settings of the old one.
fn before_merge(old: &Settings, asked: &Value) -> Value {
    let mut value = old.value();
    let other = asked.get("kind").is_some_and(|kind| Some(kind) != value.get("kind"));
    if let (Settings::Robot(_), true, Some(fields)) = (old, other, value.as_object_mut()) {
        fields.retain(|name, _| matches!(name.as_str(), "name" | "fallback" | "aliases"));
    }
    value
}

fn settle(credentials: Credentials, old: Option<&Settings>, new: &Settings) -> Result<Sealing, Problem> {
    match (old, new) {
        (Some(Settings::Robot(old)), Settings::Robot(new)) => credentials.settle(Some(old), new),
        (None, Settings::Robot(new)) => credentials.settle(None, new),
        _ => Ok(Sealing::default()),
    }
}

/// No new name may be the id of another of the kind: ids are looked up first, so it would lead to that one and never
/// here.
async fn names_are_no_ids(
    deps: &Deps,
    kind: Kind,
    old: Option<(&str, &Settings)>,
    new: &Settings,
) -> Result<(), Problem> {
    let before = old.map(|(_, settings)| settings.names()).unwrap_or_default();
    for name in new.names().iter().filter(|name| !before.contains(name)) {
        if old.is_none_or(|(id, _)| id != name) && exists(deps, kind, name).await? {
            return Err(alias_taken());
        }
    }
    Ok(())
}

fn alias_taken() -> Problem {
    let detail = "Another one of this kind goes by one of these names already.";
    Problem::new(StatusCode::CONFLICT, "alias.taken", detail)
}

async fn answer(
    deps: &Deps,
    status: StatusCode,
    kind: Kind,
    record: &Record<Value>,
    sealing: &Sealing,
) -> Result<Response<Body>, Problem> {
    let mut shown = show(deps, kind, std::slice::from_ref(record)).await?.pop().unwrap_or_default();
    if let (true, Some(secret)) = (sealing.made, &sealing.new) {
        shown["secret"] = secret.expose_secret().into();
    }
    Ok(http::json(status, &shown))
}

/// Records as the API shows them, each with its settings in the open.
async fn show(deps: &Deps, kind: Kind, records: &[Record<Value>]) -> Result<Vec<Value>, Problem> {
    let ids: Vec<String> = records.iter().map(|record| record.id.clone()).collect();
    let duties = if kind == Kind::Agent { deps.table().duties(&ids).await? } else { Vec::new() };
    let now = deps.table().clock().now();
    let mut shown = Vec::with_capacity(records.len());
    for record in records {
        let mut value = Settings::kept(kind, &record.settings)?.value();
        value["id"] = record.id.as_str().into();
        value["created_at"] = json!(record.created_at);
        value["updated_at"] = json!(record.updated_at);
        if kind == Kind::Robot {
            value["has_secret"] = record.secret.is_some().into();
        }
        if let Some(duty) = duties.iter().find(|duty| duty.agent_id == record.id) {
            value["duty"] = json!(DutyShown::of(duty, now));
        }
        shown.push(value);
    }
    Ok(shown)
}

/// Whether there is such a thing; ids of another form are not looked up.
pub(crate) async fn exists(deps: &Deps, kind: Kind, id: &str) -> Result<bool, StoreError> {
    Ok(kind.is_id(id) && deps.table().record::<Value>(kind, id).await?.is_some())
}
