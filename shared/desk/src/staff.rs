//! Groups (技能组), agents (客服), and the order in which a group's free agents are assigned.
//!
//! The strategies are the two that contact centres offer under the names "least occupied" and "longest idle".

mod fields;

use std::{
    cmp::Ordering,
    hash::{DefaultHasher, Hash, Hasher},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::fields::are_unique;
pub use self::fields::is_display_name;
pub(crate) use self::fields::{check_aliases, check_name, is_id};
use crate::Fault;

/// 技能组: a skill group, that is a set of agents who answer the same kind of conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = NewGroup, example = json!({ "name": "售前", "members": ["a0123456789ab"], "strategy": "least_load" })))]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The display name, 1 to 60 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 60))]
    pub name: String,
    /// The ids of the group's agents: at most 500, without duplicates.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 500))]
    pub members: Vec<String>,
    /// The order in which free members are assigned.
    #[serde(default)]
    pub strategy: Strategy,
    /// 熟客: the minutes during which a returning visitor is assigned to their last agent; 0 disables it, 527,040 (366
    /// days) at most.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 527_040, default = 0))]
    pub sticky_minutes: u32,
    /// The length of the queue, 1 to 1000 conversations.
    #[serde(default = "max_queue")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000, default = 100))]
    pub max_queue: u32,
    /// The share of the queue that the conversations of one mini program may take while others use the group as well, 1 to 100
    /// percent. Each may have one conversation in the queue at least. 100 sets no limit of its own.
    #[serde(default = "binding_share")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100, default = 50))]
    pub binding_share: u32,
    /// The longest wait in the queue, 10 to 86,400 seconds. Within seconds after it the conversation overflows to the next level
    /// of its plan, or the visitor leaves a message. Without a value the wait is unlimited.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 10, maximum = 86_400))]
    pub max_wait_seconds: Option<u32>,
    /// The policy when no member is on duty or the group is closed.
    #[serde(default)]
    pub after_hours: AfterHours,
    /// The calendar of the working hours; without a calendar the group is always open.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub calendar_id: Option<String>,
    /// Which conversations of each other the members can read.
    #[serde(default)]
    pub visibility: Visibility,
    /// External ids, such as another vendor's `deciId`: at most 20 of 1 to 100 characters. Each belongs to one record only and
    /// is not the id of another (`alias.taken`).
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    pub aliases: Vec<String>,
}

/// The order in which a group's free members are assigned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(default = "least_load"))]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The member with the smallest load relative to their capacity comes first.
    #[default]
    LeastLoad,
    /// The member whose last assignment is the longest ago comes first.
    RoundRobin,
}

/// Which conversations of each other the members of a group can read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(default = "group"))]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Their own conversations and unassigned ones.
    Own,
    /// All conversations of the group.
    #[default]
    Group,
}

/// What happens to a conversation when no agent is available: the visitor leaves a message, the conversation waits in the
/// queue, or the robot answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AfterHours {
    /// 留言: the visitor leaves a message.
    #[default]
    LeaveMessage,
    /// The conversation waits in the queue until an agent is available.
    Queue,
    /// The robot answers.
    Robot,
}

/// 客服: the settings of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = NewAgent, example = json!({ "name": "小林", "capacity": 5 })))]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// The display name, 1 to 60 characters. Prompts can show it to visitors.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 60))]
    pub name: String,
    /// The maximum number of simultaneous conversations, 1 to 100. Claimed conversations count as well.
    #[serde(default = "capacity")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100, default = 5))]
    pub capacity: u32,
    /// Whether the agent is disabled: no assignments, no status but offline, no access tokens.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(default = false))]
    pub disabled: bool,
    /// External ids, such as another vendor's `deciId`: at most 20 of 1 to 100 characters. Each belongs to one record only and
    /// is not the id of another (`alias.taken`).
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    pub aliases: Vec<String>,
}

/// The status that an agent sets. `online`: accepts new conversations; `busy`: on duty, accepts no new conversations;
/// `away`: on a break, accepts no new conversations; `offline`: off duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum AgentStatus {
    /// 在线: accepts new conversations.
    Online,
    /// 忙碌: on duty, accepts no new conversations.
    Busy,
    /// 小休: on a break, accepts no new conversations.
    Away,
    /// 离线: off duty.
    Offline,
}

impl AgentStatus {
    /// The name in the table and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Busy => "busy",
            Self::Away => "away",
            Self::Offline => "offline",
        }
    }
}

/// The facts about an agent that routing uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentFacts {
    /// The agent's id.
    pub id: String,
    /// The status that the agent has set.
    pub status: AgentStatus,
    /// Whether the agent's last heartbeat is recent enough.
    pub present: bool,
    /// The number of conversations assigned to the agent, with those in flight.
    pub load: u32,
    /// The number of assignments that are decided and not yet written.
    pub in_flight: u32,
    /// The maximum number of conversations.
    pub capacity: u32,
    /// The time of the last assignment.
    pub last_assigned_at: Option<Timestamp>,
}

fn max_queue() -> u32 {
    100
}

fn binding_share() -> u32 {
    50
}

fn capacity() -> u32 {
    5
}

impl AgentFacts {
    /// Whether the agent can be assigned a conversation now.
    pub fn is_free(&self) -> bool {
        self.status == AgentStatus::Online && self.present && self.load < self.capacity
    }

    /// Whether the agent is present and not offline. A queue is worth joining if an agent is on duty, even if busy or
    /// away.
    pub fn is_on_duty(&self) -> bool {
        self.present && self.status != AgentStatus::Offline
    }

    /// Adds a conversation that is assigned at `now`.
    pub fn add_assigned(&mut self, now: Timestamp) {
        self.load += 1;
        self.last_assigned_at = Some(now);
    }

    /// Adds assignments that are in flight.
    pub fn add_in_flight(&mut self, more: u32) {
        self.load += more;
        self.in_flight += more;
    }

    /// Compares `load / capacity` without division.
    fn cmp_relative_load(&self, other: &Self) -> Ordering {
        let ours = u64::from(self.load) * u64::from(other.capacity);
        let theirs = u64::from(other.load) * u64::from(self.capacity);
        ours.cmp(&theirs)
    }
}

/// Ranks the ids of the free members, best first.
///
/// The agent `sticky`, if free, comes first. The others follow by `strategy`; ties go to the agent with the fewest assignments
/// in flight, then to the longest idle one, then to the smaller relative load and the smaller id, so the result does not depend
/// on the order of `members`. An assignment in flight is a turn that the agent has had already.
pub fn rank_free_agents(strategy: Strategy, members: &[AgentFacts], sticky: Option<&str>) -> Vec<String> {
    let mut free: Vec<&AgentFacts> = members.iter().filter(|agent| agent.is_free()).collect();
    free.sort_by(|a, b| {
        let is_sticky = |agent: &AgentFacts| sticky == Some(agent.id.as_str());
        let by_load = match strategy {
            Strategy::LeastLoad => a.cmp_relative_load(b),
            Strategy::RoundRobin => Ordering::Equal,
        };
        // `None` sorts first: an agent without an assignment counts as the longest idle.
        let by_turn = || a.in_flight.cmp(&b.in_flight).then_with(|| a.last_assigned_at.cmp(&b.last_assigned_at));
        let order = is_sticky(b).cmp(&is_sticky(a)).then(by_load).then_with(by_turn);
        order.then_with(|| a.cmp_relative_load(b)).then_with(|| a.id.cmp(&b.id))
    });
    free.into_iter().map(|agent| agent.id.clone()).collect()
}

/// The number of lost races for which a decision keeps to the turns of [`Strategy::RoundRobin`].
pub const TURN_RACES: u32 = 8;

/// Chooses the agent to assign from `free`, which is ranked best first, after `lost_races` failed attempts.
///
/// Concurrent decisions that read the same facts all rank the same agent first, and one of them wins. To keep the losers
/// from colliding again, each retry chooses pseudo-randomly among the first 4, 16, 64 … agents. With
/// [`Strategy::LeastLoad`] the choice never includes an agent with a higher relative load than the best. With
/// [`Strategy::RoundRobin`] it includes the first quarter of the agents at most, so that no agent gets a second conversation
/// much before their turn, and all of them after [`TURN_RACES`] lost races. `seed` distinguishes the concurrent decisions; the
/// same arguments always give the same agent.
pub fn choose_agent<'a>(
    strategy: Strategy,
    free: &[&'a AgentFacts],
    lost_races: u32,
    seed: &str,
) -> Option<&'a AgentFacts> {
    let best = free.first()?;
    let equivalent = match strategy {
        Strategy::LeastLoad => free.iter().take_while(|agent| agent.cmp_relative_load(best) == Ordering::Equal).count(),
        Strategy::RoundRobin if lost_races > TURN_RACES => free.len(),
        Strategy::RoundRobin => free.iter().take_while(|agent| agent.in_flight == best.in_flight).count().div_ceil(4),
    };
    let candidates = 4_usize.saturating_pow(lost_races).min(equivalent);
    let mut hasher = DefaultHasher::new();
    (seed, lost_races).hash(&mut hasher);
    let number = usize::try_from(hasher.finish() >> 32).unwrap_or_default();
    free.get(number % candidates).copied()
}

const MEMBERS_MAX: usize = 500;
const MINUTES_OF_A_YEAR: u32 = 366 * 24 * 60;

impl Group {
    /// How many conversations of one mini program may wait in the queue while other mini programs use the group as well.
    pub fn places_for_one(&self) -> u32 {
        (self.max_queue.saturating_mul(self.binding_share) / 100).clamp(1, self.max_queue.max(1))
    }

    /// What is wrong with these settings; nothing if they can be used.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        check_name(&mut faults, "name", &self.name);
        check_aliases(&mut faults, &self.aliases);
        let mut must = |right: bool, field: &str, detail: &str| {
            if !right {
                faults.push(Fault::new(field, detail));
            }
        };
        must(self.members.len() <= MEMBERS_MAX, "members", "must be at most 500");
        must(self.members.iter().all(|id| is_id(id)), "members", "must be ids of agents");
        must(are_unique(&self.members), "members", "must name every agent only once");
        must(self.sticky_minutes <= MINUTES_OF_A_YEAR, "sticky_minutes", "must be 0 to 527040");
        must((1..=1000).contains(&self.max_queue), "max_queue", "must be 1 to 1000");
        must((1..=100).contains(&self.binding_share), "binding_share", "must be 1 to 100");
        let wait = self.max_wait_seconds.is_none_or(|seconds| (10..=86_400).contains(&seconds));
        must(wait, "max_wait_seconds", "must be 10 to 86400");
        must(self.calendar_id.as_deref().is_none_or(is_id), "calendar_id", "must be the id of a calendar");
        faults
    }
}

impl Agent {
    /// What is wrong with these settings; nothing if they can be used.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        check_name(&mut faults, "name", &self.name);
        check_aliases(&mut faults, &self.aliases);
        if !(1..=100).contains(&self.capacity) {
            faults.push(Fault::new("capacity", "must be 1 to 100"));
        }
        faults
    }
}
