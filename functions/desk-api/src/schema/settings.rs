//! Groups, agents, merchants, calendars, access tokens.

#![allow(dead_code, reason = "describes types of other crates")]

use desk::{
    policy::{Role, Scope},
    staff::AfterHours,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::duty::DutyView;

/// 技能组: agents who answer the same kind of conversations.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "售前", "members": ["a0123456789ab"], "strategy": "least_load" }))]
pub(crate) struct NewGroup {
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    /// Ids of its agents.
    #[serde(default)]
    #[schema(max_items = 500)]
    members: Vec<String>,
    #[serde(default)]
    strategy: Strategy,
    /// 熟客: for how many minutes a returning visitor gets the agent of the last time; 0 is never.
    #[serde(default)]
    #[schema(maximum = 527_040, default = 0)]
    sticky_minutes: u32,
    /// How many conversations may wait; further ones are passed on or the visitor leaves a message.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000, default = 100)]
    max_queue: u32,
    /// How many seconds a conversation waits; then it goes to the next level, or the visitor leaves a message.
    #[serde(default)]
    #[schema(minimum = 10, maximum = 86_400)]
    max_wait_seconds: Option<u32>,
    #[serde(default)]
    after_hours: AfterHours,
    /// The calendar with its working hours; without one it always works.
    #[serde(default)]
    calendar_id: Option<String>,
    #[serde(default)]
    visibility: Visibility,
    /// Ids that it has elsewhere, such as another vendor's `deciId`. Each belongs to one group only and is the id of no
    /// other (`alias.taken`).
    #[serde(default)]
    #[schema(max_items = 20)]
    aliases: Vec<String>,
}

/// Which of a group's free members comes first: the one with the smallest part of their capacity in use (`least_load`),
/// or the one who has waited longest for a conversation (`round_robin`).
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(default = "least_load")]
enum Strategy {
    #[default]
    LeastLoad,
    RoundRobin,
}

/// Which conversations of each other the members can read: only their own, or all of the group.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(default = "group")]
enum Visibility {
    Own,
    #[default]
    Group,
}

/// 客服: a person who answers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "小林", "capacity": 5 }))]
pub(crate) struct NewAgent {
    /// Visitors may read it.
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    /// How many conversations they have at once. One that is claimed or transferred counts, too.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100, default = 5)]
    capacity: u32,
    /// Whether the agent may not work any more.
    #[serde(default)]
    #[schema(default = false)]
    disabled: bool,
    /// Ids that they have elsewhere, such as another vendor's `deciId`. Each belongs to one agent only and is the id of no
    /// other (`alias.taken`).
    #[serde(default)]
    #[schema(max_items = 20)]
    aliases: Vec<String>,
}

/// What the bundle adds to an agent.
#[derive(ToSchema)]
pub(crate) struct RecordedAgent {
    /// Stable; to be copied into `session-from`.
    id: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[schema(nullable = false)]
    duty: Option<DutyView>,
}

/// A merchant of a platform.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "花店", "customer_code": "shop-7", "group_id": "g0123456789ab" }))]
pub(crate) struct NewMerchant {
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    /// `customerCode` of `platform_action`. It counts as an alias.
    #[schema(min_length = 1, max_length = 100)]
    customer_code: String,
    /// The group that its visitors go to.
    group_id: String,
    /// Ids that it has elsewhere. Each belongs to one merchant only and is the id of no other (`alias.taken`).
    #[serde(default)]
    #[schema(max_items = 20)]
    aliases: Vec<String>,
}

/// Working hours.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "上班", "weekly": [{ "days": ["mon", "fri"], "from": "09:00", "to": "18:00" }] }))]
pub(crate) struct NewCalendar {
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    /// An IANA name.
    #[serde(default)]
    #[schema(default = "Asia/Shanghai")]
    time_zone: String,
    #[serde(default)]
    weekly: Vec<WeeklyHours>,
    /// Days without work, whatever the week says.
    #[serde(default)]
    holidays: Vec<Holiday>,
    /// 调休: days that are worked whatever the week and the holidays say.
    #[serde(default)]
    make_up_days: Vec<MakeUpDay>,
    /// Ids that it has elsewhere. Each belongs to one calendar only and is the id of no other (`alias.taken`). A group's
    /// `calendar_id` is the id.
    #[serde(default)]
    #[schema(max_items = 20)]
    aliases: Vec<String>,
}

/// Hours on days of the week.
#[derive(Deserialize, ToSchema)]
struct WeeklyHours {
    days: Vec<Weekday>,
    /// HH:MM
    #[schema(example = "09:00")]
    from: String,
    /// HH:MM, up to 24:00; not later than `from` is on the next day.
    #[schema(example = "18:00")]
    to: String,
}

/// A day of the week.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A day without work.
#[derive(Deserialize, ToSchema)]
struct Holiday {
    #[schema(format = Date)]
    date: String,
    #[serde(default)]
    name: String,
}

/// A day that is worked.
#[derive(Deserialize, ToSchema)]
struct MakeUpDay {
    #[schema(format = Date)]
    date: String,
    #[serde(default)]
    name: String,
    /// Without them those of a Monday.
    hours: Option<Vec<Hours>>,
}

/// Hours of a day.
#[derive(Deserialize, ToSchema)]
struct Hours {
    /// HH:MM
    from: String,
    /// HH:MM, up to 24:00; not later than `from` is on the next day.
    to: String,
}

/// An access token of this API, without the token itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccessToken {
    id: String,
    role: Role,
    /// The holder's name.
    name: String,
    created_at: Timestamp,
    /// The agent that the token stands for.
    #[schema(nullable = false)]
    agent_id: Option<String>,
    /// Of a supervisor: the groups; where they are missing, those that the agent is a member of.
    #[schema(nullable = false)]
    group_ids: Option<Vec<String>>,
    /// Of an integrator: what the token permits.
    #[schema(nullable = false)]
    scopes: Option<Vec<Scope>>,
    /// Of an integrator: the mini programs that it is permitted for; all where they are missing.
    #[schema(nullable = false)]
    app_ids: Option<Vec<String>>,
    /// When the token expires; never where it is missing.
    #[schema(nullable = false)]
    expires_at: Option<Timestamp>,
    /// When the token was last used, to the hour.
    #[schema(nullable = false)]
    last_used_at: Option<Timestamp>,
}

/// A new access token.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedAccessToken {
    #[serde(flatten)]
    about: AccessToken,
    /// The token. No other answer has it.
    token: String,
}
