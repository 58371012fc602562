//! What groups, agents, merchants, robots and calendars have in common: create, list, read, change, delete.

use api::{Code, PageOf, PageRequest, Problem};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::{Duty, ExposeSecret, Kind, Record, TOKEN_ALIAS, Written};

use crate::{
    credentials::{Credentials, SecretChange},
    duty::DutyView,
    effects, lookup,
    merge::merge,
    services::Services,
    settings::Settings,
    usage,
};

/// A record as the API shows it: its settings, and what the bundle adds to them.
#[derive(Serialize)]
pub(crate) struct RecordView {
    #[serde(flatten)]
    settings: Settings,
    id: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Of an agent who has been on duty.
    #[serde(skip_serializing_if = "Option::is_none")]
    duty: Option<DutyView>,
    /// Of a robot: whether a credential is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    has_secret: Option<bool>,
    /// Of a robot: the secret of a webhook that was generated with this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl RecordView {
    fn new(kind: Kind, record: &Record<Value>, duties: &[Duty], now: Timestamp) -> Result<Self, Problem> {
        let duty = duties.iter().find(|duty| duty.agent_id == record.id);
        Ok(Self {
            settings: Settings::kept(kind, &record.settings)?,
            id: record.id.clone(),
            created_at: record.created_at,
            updated_at: record.updated_at,
            duty: duty.map(|duty| DutyView::of(duty, now)),
            has_secret: (kind == Kind::Robot).then_some(record.secret.is_some()),
            secret: None,
        })
    }
}

pub(crate) async fn list(services: &Services, kind: Kind, page: &PageRequest) -> Result<PageOf<RecordView>, Problem> {
    let page = services.store.lists.records_of(kind, page.cursor(), page.limit).await?;
    Ok(PageOf { items: views(services, kind, &page.items).await?, cursor: page.cursor })
}

pub(crate) async fn read(services: &Services, kind: Kind, id: &str) -> Result<RecordView, Problem> {
    view(services, kind, &lookup::find(services, kind, id).await?).await
}

pub(crate) async fn create(services: &Services, settings: Settings) -> Result<RecordView, Problem> {
    let settings = settings.validated().map_err(Problem::invalid)?;
    create_with_credentials(services, settings, Credentials::default()).await
}

/// A robot's body is read as JSON: its credentials tell a missing field from `null`, and which fields it may have depends on
/// its kind.
pub(crate) async fn create_robot(services: &Services, mut new: Value) -> Result<RecordView, Problem> {
    let credentials = Credentials::take(Kind::Robot, &mut new);
    let settings = Settings::read(Kind::Robot, new).map_err(Problem::invalid)?;
    create_with_credentials(services, settings, credentials).await
}

async fn create_with_credentials(
    services: &Services,
    settings: Settings,
    credentials: Credentials,
) -> Result<RecordView, Problem> {
    let kind = settings.kind();
    let secret_change = secret_change(credentials, None, &settings)?;
    effects::must_exist(services, None, &settings).await?;
    refuse_ids_as_aliases(services, kind, None, &settings).await?;
    let record = services.store.settings_writer.new_record_of(kind, settings.value(), settings.names());
    effects::before_write(services, &record.id, None, &settings).await?;
    let secret = secret_change.new.as_ref().map(|secret| (services.vault(), secret));
    if services.store.settings_writer.create_record(&record, secret).await? == Written::AliasTaken {
        effects::undo_before_write(services, &record.id, &settings).await?;
        return Err(alias_taken());
    }
    tracing::info!(kind = kind.as_str(), id = record.id, "record created");
    let record = lookup::find(services, kind, &record.id).await?;
    view_with_secret(services, kind, &record, &secret_change).await
}

pub(crate) async fn change(services: &Services, kind: Kind, id: &str, mut patch: Value) -> Result<RecordView, Problem> {
    let credentials = Credentials::take(kind, &mut patch);
    let mut seen = lookup::find(services, kind, id).await?;
    let old = Settings::kept(kind, &seen.settings)?;
    let mut merged = base_of_merge(&old, &patch);
    merge(&mut merged, patch);
    let settings = Settings::read(kind, merged).map_err(Problem::invalid)?;
    let secret_change = secret_change(credentials, seen.secret.is_some().then_some(&old), &settings)?;
    if secret_change.drop {
        seen.secret = None;
    }
    effects::must_exist(services, Some(&old), &settings).await?;
    refuse_ids_as_aliases(services, kind, Some((id, &old)), &settings).await?;
    effects::before_write(services, id, Some(&old), &settings).await?;
    // The alias by which the agent of an access token is found is not one of the settings.
    let of_token = seen.aliases.iter().filter(|alias| kind == Kind::Agent && alias.starts_with(TOKEN_ALIAS)).cloned();
    let names = settings.names().into_iter().chain(of_token).collect();
    let record = if effects::is_disabled_by(&old, &settings) {
        effects::disable_agent(services, &seen, settings.value(), names).await?
    } else {
        let secret = secret_change.new.as_ref().map(|secret| (services.vault(), secret));
        let (record, written) =
            services.store.settings_writer.change_record(&seen, settings.value(), names, secret).await?;
        if written == Written::AliasTaken {
            return Err(alias_taken());
        }
        record
    };
    tracing::info!(kind = kind.as_str(), id, "record changed");
    Box::pin(effects::after_write(services, id, &old, &settings)).await?;
    view_with_secret(services, kind, &record, &secret_change).await
}

pub(crate) async fn delete(services: &Services, kind: Kind, id: &str) -> Result<(), Problem> {
    let record = lookup::find(services, kind, id).await?;
    let settings = Settings::kept(kind, &record.settings)?;
    usage::refuse_if_used(services, kind, id).await?;
    effects::before_delete(services, id, &settings).await?;
    // Read again: the step before may have changed the record's version.
    let record = lookup::find(services, kind, id).await?;
    if kind == Kind::Agent {
        effects::delete_agent(services, &record).await?;
    } else {
        services.store.settings_writer.delete_record(&record).await?;
    }
    effects::after_delete(services, id, &settings).await?;
    tracing::info!(kind = kind.as_str(), id, "record deleted");
    Ok(())
}

/// The settings that a change is merged into. A robot that changes its kind keeps only what every kind has.
fn base_of_merge(old: &Settings, asked: &Value) -> Value {
    let mut value = old.value();
    let other = asked.get("kind").is_some_and(|kind| Some(kind) != value.get("kind"));
    if let (Settings::Robot(_), true, Some(fields)) = (old, other, value.as_object_mut()) {
        fields.retain(|name, _| matches!(name.as_str(), "name" | "fallback" | "aliases"));
    }
    value
}

fn secret_change(credentials: Credentials, old: Option<&Settings>, new: &Settings) -> Result<SecretChange, Problem> {
    match (old, new) {
        (Some(Settings::Robot(old)), Settings::Robot(new)) => credentials.resolve(Some(old), new),
        (None, Settings::Robot(new)) => credentials.resolve(None, new),
        _ => Ok(SecretChange::default()),
    }
}

/// Refuses a new alias that is the id of another record of the kind: ids are looked up first, so the alias would lead to
/// that record.
async fn refuse_ids_as_aliases(
    services: &Services,
    kind: Kind,
    old: Option<(&str, &Settings)>,
    new: &Settings,
) -> Result<(), Problem> {
    let before = old.map(|(_, settings)| settings.names()).unwrap_or_default();
    for name in new.names().iter().filter(|name| !before.contains(name)) {
        if old.is_none_or(|(id, _)| id != name) && lookup::exists(services, kind, name).await? {
            return Err(alias_taken());
        }
    }
    Ok(())
}

pub(crate) fn alias_taken() -> Problem {
    let detail = "Another resource of this kind already has one of these ids or aliases.";
    Problem::conflict(Code::AliasTaken, detail)
}

async fn view_with_secret(
    services: &Services,
    kind: Kind,
    record: &Record<Value>,
    change: &SecretChange,
) -> Result<RecordView, Problem> {
    let mut view = view(services, kind, record).await?;
    view.secret = change.new.as_ref().filter(|_| change.generated).map(|secret| secret.expose_secret().to_owned());
    Ok(view)
}

async fn view(services: &Services, kind: Kind, record: &Record<Value>) -> Result<RecordView, Problem> {
    let duties = duties(services, kind, std::slice::from_ref(record)).await?;
    RecordView::new(kind, record, &duties, services.store.clock.now())
}

async fn views(services: &Services, kind: Kind, records: &[Record<Value>]) -> Result<Vec<RecordView>, Problem> {
    let duties = duties(services, kind, records).await?;
    let now = services.store.clock.now();
    records.iter().map(|record| RecordView::new(kind, record, &duties, now)).collect()
}

async fn duties(services: &Services, kind: Kind, records: &[Record<Value>]) -> Result<Vec<Duty>, Problem> {
    if kind != Kind::Agent {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = records.iter().map(|record| record.id.clone()).collect();
    Ok(services.store.staff.duties(&ids).await?)
}
