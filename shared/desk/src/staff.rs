//! Groups and agents, and who of a group is next.

use std::{
    cmp::Ordering,
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Fault;

/// 技能组: agents who answer the same kind of conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// A name for people, 1 to 60 characters.
    pub name: String,
    /// Ids of its agents, at most 500, each once.
    #[serde(default)]
    pub members: Vec<String>,
    /// Who of the free members comes first.
    #[serde(default)]
    pub strategy: Strategy,
    /// 熟客: for how many minutes a returning visitor gets the agent of the last time; 0 is never, at most a year.
    #[serde(default)]
    pub sticky_minutes: u32,
    /// How many conversations may wait, 1 to 1000.
    #[serde(default = "max_queue")]
    pub max_queue: u32,
    /// How long a conversation may wait, 10 to 86400 seconds; then it goes to the next level, or a message is left.
    #[serde(default)]
    pub max_wait_seconds: Option<u32>,
    /// What happens when nobody is there.
    #[serde(default)]
    pub after_hours: AfterHours,
    /// When it works; without a calendar always.
    #[serde(default)]
    pub calendar_id: Option<String>,
    /// Which conversations of each other its members may read.
    #[serde(default)]
    pub visibility: Visibility,
    /// Ids that it has elsewhere, such as another vendor's `deciId`: at most 20 of 1 to 100 characters.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// Who of a group's free members comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Whoever has the smallest part of their capacity in use.
    #[default]
    LeastLoad,
    /// Whoever has waited longest for a conversation.
    RoundRobin,
}

/// Which conversations of each other the members of a group may read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Only their own, and those that no agent has.
    Own,
    /// All of the group.
    #[default]
    Group,
}

/// What happens to a conversation when nobody is there to take it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterHours {
    /// 留言: the visitor leaves a message.
    #[default]
    LeaveMessage,
    /// It waits until somebody comes.
    Queue,
    /// The robot answers.
    Robot,
}

/// 客服: what an admin sets for a person who answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// A name for people, 1 to 60 characters. Visitors may read it.
    pub name: String,
    /// How many conversations they hold at once, 1 to 100. One that is taken by hand counts, too.
    #[serde(default = "capacity")]
    pub capacity: u32,
    /// Whether the agent is barred from work: no assignments, no status but offline, no access tokens.
    #[serde(default)]
    pub disabled: bool,
    /// Ids that they have elsewhere, such as another vendor's `deciId`: at most 20 of 1 to 100 characters.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// What an agent says of themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentStatus {
    /// 在线: takes conversations.
    Online,
    /// 忙碌: takes no further ones.
    Busy,
    /// 小休: will be back.
    Away,
    /// 离线: has gone.
    Offline,
}

/// What routing must know of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentFacts {
    /// Which agent.
    pub id: String,
    /// What they say of themselves.
    pub status: AgentStatus,
    /// Whether their last sign of life is recent enough.
    pub present: bool,
    /// How many conversations they have.
    pub load: u32,
    /// How many they may have.
    pub capacity: u32,
    /// When they last got one.
    pub last_assigned_at: Option<Timestamp>,
}

fn max_queue() -> u32 {
    100
}

fn capacity() -> u32 {
    5
}

impl AgentFacts {
    /// Whether they can take a conversation now.
    pub fn is_free(&self) -> bool {
        self.status == AgentStatus::Online && self.present && self.load < self.capacity
    }

    /// Whether they are at work, be it busy or in a break: somebody whom it makes sense to wait for.
    pub fn is_on_duty(&self) -> bool {
        self.present && self.status != AgentStatus::Offline
    }

    /// Reckons with so many more conversations that they get now.
    pub fn add_load(&mut self, more: u32, now: Timestamp) {
        if more > 0 {
            self.load += more;
            self.last_assigned_at = Some(now);
        }
    }

    /// Compares `load / capacity` without dividing.
    fn cmp_relative_load(&self, other: &Self) -> Ordering {
        let ours = u64::from(self.load) * u64::from(other.capacity);
        let theirs = u64::from(other.load) * u64::from(self.capacity);
        ours.cmp(&theirs)
    }
}

/// The free ones among the members, best first; `sticky` is the agent whom the visitor had the last time. The order
/// of `members` plays no part.
pub fn rank_free_agents(strategy: Strategy, members: &[AgentFacts], sticky: Option<&str>) -> Vec<String> {
    let mut free: Vec<&AgentFacts> = members.iter().filter(|agent| agent.is_free()).collect();
    free.sort_by(|a, b| {
        let is_sticky = |agent: &AgentFacts| sticky == Some(agent.id.as_str());
        let by_load = match strategy {
            Strategy::LeastLoad => a.cmp_relative_load(b),
            Strategy::RoundRobin => Ordering::Equal,
        };
        // `None` comes first: whoever never had a conversation has waited longest.
        let by_turn = || a.last_assigned_at.cmp(&b.last_assigned_at);
        is_sticky(b).cmp(&is_sticky(a)).then(by_load).then_with(by_turn).then_with(|| a.id.cmp(&b.id))
    });
    free.into_iter().map(|agent| agent.id.clone()).collect()
}

/// Whom to try of the free, best first, when others were quicker so many times: nobody else but the best at first, and
/// then any of ever more who come next, four times as many with each time. Many who decide at once from the same facts
/// all find the same agent the best, and one of them gets them; the others would go on meeting at the next best, and
/// the next. By [`Strategy::LeastLoad`] nobody is tried who is busier than the best. `by` tells apart those who decide.
pub fn choose_agent<'a>(
    strategy: Strategy,
    free: &[&'a AgentFacts],
    lost_races: u32,
    by: &str,
) -> Option<&'a AgentFacts> {
    let best = free.first()?;
    let as_good = match strategy {
        Strategy::LeastLoad => free.iter().take_while(|agent| agent.cmp_relative_load(best) == Ordering::Equal).count(),
        Strategy::RoundRobin => free.len(),
    };
    let among = 4_usize.saturating_pow(lost_races).min(as_good);
    let mut hash = DefaultHasher::new();
    (by, lost_races).hash(&mut hash);
    let number = usize::try_from(hash.finish() >> 32).unwrap_or_default();
    free.get(number % among).copied()
}

const MEMBERS_MAX: usize = 500;
const ALIASES_MAX: usize = 20;
const MINUTES_OF_A_YEAR: u32 = 366 * 24 * 60;

impl Group {
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

/// A name for people.
pub(crate) fn check_name(faults: &mut Vec<Fault>, field: &str, name: &str) {
    if name.trim().is_empty() || name.chars().count() > 60 || name.contains(char::is_control) {
        faults.push(Fault::new(field, "must have 1 to 60 characters, none of them a control character"));
    }
}

/// Ids of elsewhere. One that is given twice could not be kept: each leads to one thing.
pub(crate) fn check_aliases(faults: &mut Vec<Fault>, aliases: &[String]) {
    if aliases.len() > ALIASES_MAX || !aliases.iter().all(|alias| is_id(alias)) {
        faults.push(Fault::new("aliases", "must be at most 20 of 1 to 100 characters"));
    } else if !are_unique(aliases) {
        faults.push(Fault::new("aliases", "must all be different"));
    }
}

/// Whether this can be somebody's id, ours or another vendor's.
pub(crate) fn is_id(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 100 && !text.contains(char::is_control)
}

fn are_unique(texts: &[String]) -> bool {
    texts.iter().collect::<BTreeSet<_>>().len() == texts.len()
}
