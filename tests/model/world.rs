//! A random world: mini programs, groups, agents and calendars.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use aws_sdk_secretsmanager::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
};
use channel::{Channel, Reach};
use conversations::{AgentActions, Conversations, Tick};
use desk::{
    calendar::Calendar,
    robot::Robot,
    routing::{Level, OverflowCondition, Target},
    settings::{Mode, Reception},
    staff::{AfterHours, Agent, Group, Strategy},
};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::{
    Backoff, ManualClock, NewBinding, Record, Resource, SecretString, SharedClock, Sleep, Table, Thread, Vault,
};

use crate::{
    invariants::Watch,
    model::Session,
    support::{
        database::{Database, TABLE, answer},
        random::Random,
    },
    table_state::TableState,
};

/// 2026-03-02T00:55:00Z: five to nine on a Monday in Shanghai.
const BEGIN: i64 = 1_772_412_900;

pub(crate) const ROBOT: &str = "r000000000001";

/// A world.
pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database: Arc<Database>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) watch: Arc<Mutex<Watch>>,
    pub(crate) priorities: BTreeMap<String, u32>,
    pub(crate) receptions: BTreeMap<String, Reception>,
    pub(crate) sessions: BTreeMap<String, Session>,
    pub(crate) agents: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) calendars: BTreeMap<String, Calendar>,
    pub(crate) threads: Vec<Thread>,
    /// The agents whose workbenches are open and send heartbeats.
    pub(crate) workbenches: BTreeSet<String>,
}

/// Everything that the functions do to conversations.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) table: Table,
    pub(crate) vault: Vault,
    pub(crate) conversations: Conversations,
    pub(crate) actions: AgentActions,
    pub(crate) tick: Tick,
    pub(crate) robots: robots::Client,
}

/// A desk with an empty database, and its clock.
pub(crate) fn desk(seed: u64) -> (Arc<Database>, Arc<ManualClock>, Desk) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_second(BEGIN).unwrap()));
    let (database, desk) = desk_with(seed, &(clock.clone() as SharedClock));
    (database, clock, desk)
}

/// The same with this clock.
pub(crate) fn desk_with(seed: u64, clock: &SharedClock) -> (Arc<Database>, Desk) {
    let database = Database::new(seed);
    let backoff = Backoff::new(fastrand::Rng::with_seed(seed), YieldingSleep);
    let table = Table::new(database.client().config().clone(), TABLE, clock.clone()).with_backoff(backoff);
    let vault = vault(clock.clone());
    // The discard port: these tests send nothing.
    let channel = Channel::new(&table, vault.clone(), "http://127.0.0.1:9", Reach::Local).unwrap();
    let conversations = Conversations::new(&table, &vault, channel);
    let actions = AgentActions::new(&conversations, table.duty_writer(), table.token_agents());
    let tick = Tick::new(&conversations, table.due_checks());
    let robots = robots::Client::new(channel::Reach::Public).unwrap();
    (database, Desk { table, vault, conversations, actions, tick, robots })
}

impl World {
    pub(crate) async fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (database, clock, desk) = desk(random.next());
        let calendars: BTreeMap<String, Calendar> = calendars();
        let agents: Vec<String> = (1..=random.between(2, 6)).map(|number| format!("a{number:012x}")).collect();
        let groups: Vec<String> = (1..=random.between(1, 3)).map(|number| format!("g{number:012x}")).collect();
        for (id, calendar) in &calendars {
            store_record(&desk, id, calendar.clone(), Vec::new()).await;
        }
        // It knows no answer, and says nothing: each turn is a miss.
        let robot = json!({ "name": "Robot", "kind": "faq", "fallback": "" });
        store_record(&desk, ROBOT, from::<Robot>(robot), Vec::new()).await;
        let small = random.percent(70);
        for id in &agents {
            let agent = json!({ "name": id, "capacity": random.between(1, if small { 3 } else { 8 }) });
            let agent: Agent = from(agent);
            desk.table.settings_writer().set_capacity(id, id, agent.capacity).await.unwrap();
            store_record(&desk, id, agent, vec![format!("other-{id}")]).await;
        }
        for id in &groups {
            let group = draw_group(&mut random, &agents);
            let members = group.members.iter().cloned().collect();
            desk.table.settings_writer().note_members(id, &members, &BTreeSet::new()).await.unwrap();
            store_record(&desk, id, group, vec![format!("other-{id}")]).await;
        }
        let apps = ["wx0000000000000001", "wx0000000000000002"].map(ToOwned::to_owned);
        let receptions: BTreeMap<String, Reception> =
            apps.iter().map(|app| (app.clone(), draw_reception(&mut random, &groups))).collect();
        for (app_id, reception) in &receptions {
            bind(&desk, app_id, reception).await;
        }
        let sessions = (0..12).map(|_| draw_session(&mut random, &agents, &groups)).collect();
        let visitors = random.between(3, 14);
        let threads = (0..visitors)
            .map(|number| Thread::new(apps[random.below(2) as usize].clone(), format!("oVisitor{number}")));
        let threads = threads.collect();
        let priorities: BTreeMap<_, _> = receptions.iter().map(|(app, set)| (app.clone(), set.priority)).collect();
        let limits = receptions.iter().map(|(app, set)| (app.clone(), set.messages_per_minute)).collect();
        let watch = Arc::new(Mutex::new(Watch::new(clock.clone(), priorities.clone(), limits)));
        watch.lock().unwrap().table = TableState::of(database.everything());
        let watching = Arc::clone(&watch);
        database.watch(Box::new(move |touched| watching.lock().unwrap().wrote(touched)));
        let workbenches = agents.iter().filter(|_| random.percent(80)).cloned().collect();
        Self {
            random,
            clock,
            database,
            desk: Arc::new(desk),
            watch,
            priorities,
            receptions,
            sessions,
            agents,
            groups,
            calendars,
            threads,
            workbenches,
        }
    }

    pub(crate) fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap()
    }
}

/// Stores settings under a given id.
pub(crate) async fn store_record<T: Resource>(desk: &Desk, id: &str, settings: T, aliases: Vec<String>) {
    let record = Record { id: id.to_owned(), ..desk.table.settings_writer().new_record(settings, aliases) };
    desk.table.settings_writer().create_record(&record, None).await.unwrap();
}

/// Binds a mini program.
pub(crate) async fn bind(desk: &Desk, app_id: &str, reception: &Reception) {
    let secret = || SecretString::from("planted-credential");
    let new = NewBinding {
        app_id: app_id.to_owned(),
        name: app_id.to_owned(),
        app_secret: secret(),
        token: secret(),
        encoding_aes_key: secret(),
        auto_reply: None,
        reception: Some(reception.clone()),
    };
    desk.table.binding_writer().create_binding(&desk.vault, new).await.unwrap();
    // WeChat refuses its credentials, so that the typing indicator of a robot's turn makes no call.
    let tokens = desk.table.access_tokens();
    let lease = tokens.lease_token(app_id, 0).await.unwrap().unwrap();
    tokens.token_failed(&lease, desk.table.clock().now() + SignedDuration::from_hours(100_000), true).await.unwrap();
}

/// Settings without automatic messages, each of which would be a send.
pub(crate) fn silent_reception() -> Reception {
    // The reference knows no allow-list: the sessions name every target.
    from(json!({ "allow": { "robots": "all", "groups": "all", "agents": "all" }, "prompts": {
        "connected": "", "queued": "", "leave_message": "", "queue_full": "", "waited_too_long": "", "message_left": "", "no_agent": "", "idle_warning": "", "closed": "",
    } }))
}

pub(crate) fn draw_group(random: &mut Random, agents: &[String]) -> Group {
    let members: Vec<&String> = agents.iter().filter(|_| random.percent(60)).collect();
    let after_hours = [AfterHours::LeaveMessage, AfterHours::Queue, AfterHours::Queue, AfterHours::Robot];
    let mut group: Group = from(json!({ "name": "Group", "members": members }));
    group.strategy = if random.percent(70) { Strategy::LeastLoad } else { Strategy::RoundRobin };
    group.sticky_minutes = if random.percent(30) { random.between(1, 60) } else { 0 };
    group.max_queue = if random.percent(60) { random.between(1, 4) } else { 100 };
    group.binding_share = if random.percent(50) { 50 } else { random.between(1, 100) };
    group.max_wait_seconds = random.percent(30).then(|| random.between(10, 300));
    group.after_hours = *random.pick(&after_hours).unwrap();
    group.calendar_id =
        random.percent(40).then(|| random.pick(&["c000000000001", "c000000000002"]).unwrap().to_string());
    group
}

fn draw_reception(random: &mut Random, groups: &[String]) -> Reception {
    let mode = random.weighted(&[
        (70, Mode::AgentsOnly),
        (12, Mode::AgentsFirst),
        (14, Mode::RobotFirst),
        (4, Mode::RobotOnly),
    ]);
    let mut reception = silent_reception();
    reception.mode = mode;
    reception.robot_id = random.percent(if mode == Mode::AgentsOnly { 30 } else { 90 }).then(|| ROBOT.to_owned());
    reception.group_id = random.percent(85).then(|| random.pick(groups).unwrap().clone());
    reception.locked = random.percent(10);
    reception.after_hours = *random.pick(&[AfterHours::LeaveMessage, AfterHours::Queue, AfterHours::Robot]).unwrap();
    reception.messages_per_minute = if random.percent(30) { random.between(1, 4) } else { 30 };
    reception.priority = if random.percent(40) { random.between(1, 3) } else { 0 };
    reception.idle.close_after_minutes = if random.percent(25) { random.between(4, 60) } else { 2880 };
    reception.idle.warn_after_minutes = random.percent(25).then(|| random.between(1, 3));
    reception
}

/// A random `session-from` and its meaning.
fn draw_session(random: &mut Random, agents: &[String], groups: &[String]) -> (String, Session) {
    let (mut asked, mut levels) = (Vec::new(), Vec::new());
    for _ in 0..random.below(4) {
        let group = random.percent(60);
        let id = random.pick(if group { groups } else { agents }).unwrap();
        let target = if group { Target::Group(id.clone()) } else { Target::Agent(id.clone()) };
        let which_id = random.weighted(&[(6, 0), (3, 1), (1, 2)]);
        let overflows = random.percent(75);
        let spills: &[(u32, OverflowCondition)] = if group {
            &[
                (4, OverflowCondition::Offline),
                (5, OverflowCondition::Busy),
                (6, OverflowCondition::OffWork),
                (7, OverflowCondition::Any),
            ]
        } else {
            &[(1, OverflowCondition::Offline), (2, OverflowCondition::Busy), (3, OverflowCondition::Any)]
        };
        let (spill_id, condition) = *random.pick(spills).unwrap();
        let given_id = [id.clone(), format!("other-{id}"), "unknown-id".to_owned()][which_id].clone();
        asked.push(json!({
            "actionType": if group { "to_group" } else { "to_service" },
            "deciId": given_id,
            "optionId": match (group, overflows) { (false, true) => "1", (false, false) => "2", (true, true) => "3", (true, false) => "4" },
            "spillId": spill_id.to_string(),
        }));
        let target = (given_id != "unknown-id").then_some(target);
        levels.push(Level { target, given_id, overflows, condition, not_allowed: false });
    }
    let robot = random.percent(15);
    let number = random.below(1000);
    let mut text = format!("sobot|Visitor {number}||");
    if !asked.is_empty() {
        write!(text, "|transfer_action={}", Value::Array(asked)).unwrap();
    }
    if robot {
        write!(text, "|robotid={ROBOT}").unwrap();
    }
    (text, Session { levels, robot })
}

fn calendars() -> BTreeMap<String, Calendar> {
    let week = ["mon", "tue", "wed", "thu", "fri"];
    let every = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let day = json!({
        "name": "By day", "weekly": [{ "days": week, "from": "09:00", "to": "18:00" }],
        "holidays": [{ "date": "2026-03-04" }], "make_up_days": [{ "date": "2026-03-07" }],
    });
    let night = json!({ "name": "By night", "weekly": [{ "days": every, "from": "22:00", "to": "02:00" }] });
    [("c000000000001".to_owned(), from(day)), ("c000000000002".to_owned(), from(night))].into()
}

pub(crate) fn from<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// A vault with a known secret.
fn vault(clock: SharedClock) -> Vault {
    let double = SharedHttpConnector::new(Secrets);
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("local"))
        .allow_no_auth()
        .endpoint_url("http://localhost")
        .http_client(http_client_fn(move |_, _| double.clone()));
    Vault::new(aws_sdk_secretsmanager::Client::from_conf(config.build()), "master", clock)
}

/// Lets other operations run instead of waiting: once for each 10 ms.
#[derive(Debug)]
struct YieldingSleep;

impl Sleep for YieldingSleep {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            for _ in 0..duration.as_millis() / 10 {
                tokio::task::yield_now().await;
            }
        })
    }
}

struct Secrets;

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl HttpConnector for Secrets {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let secret = json!({ "SecretString": "planted-master-secret-0123456789-0123456789" });
        HttpConnectorFuture::ready(Ok(answer(200, secret.to_string())))
    }
}
