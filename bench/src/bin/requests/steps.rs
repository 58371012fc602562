//! The steps. Each runs three times: the first warms up the functions, which then have the settings in memory; the other two
//! must have the same counts.

use std::{collections::BTreeMap, ops::Sub};

use bench::{Error, Result};
use desk::conversation::EventKind;
use serde_json::{Value, json};

use crate::{
    meter::{Tallies, Tally},
    world::{AssignedConversation, TEXT, WITH_FREE_AGENTS, WITH_QUEUE, WITH_ROBOT, World},
};

/// Number of rounds of each step. The counts are those of the last round.
const ROUNDS: usize = 3;

/// The requests of one step.
#[derive(Debug)]
pub(crate) struct Step {
    /// The name in the JSON report.
    pub(crate) name: &'static str,
    /// The requests of each function.
    pub(crate) tallies: Tallies,
}

/// Measures every step in one desk, with `waiting` conversations in its queues.
pub(crate) async fn measure(world: &mut World, waiting: usize) -> Result<Vec<Step>> {
    let idle =
        measure_step(world, "idle_minute", async |_, _| Ok(()), async |world, _, ()| world.fire_schedules().await)
            .await?;
    let mut steps = robot_steps(world, &idle).await?;
    world.fill_queues(waiting).await?;
    // The first tick after a queue appears counts it.
    world.advance(60);
    world.renew_presence().await?;
    world.fire_schedules().await?;
    steps.extend(agent_steps(world).await?);
    world.renew_presence().await?;
    steps.extend(queue_steps(world).await?);
    steps.push(idle);
    let one_minute_later = async |world: &mut World, _| {
        world.advance(60);
        world.renew_presence().await
    };
    steps.push(
        measure_step(world, "queue_minute", one_minute_later, async |world, _, ()| world.fire_schedules().await)
            .await?,
    );
    Ok(steps)
}

async fn agent_steps(world: &mut World) -> Result<Vec<Step>> {
    let assigned = measure_step(
        world,
        "first_message_assigned",
        async |_, _| Ok(()),
        async |world, round, ()| {
            world.send_message(WITH_FREE_AGENTS, &visitor("FREE", round)).await?;
            world.single_event(&EventKind::Assigned).map(drop)
        },
    );
    let mut steps = vec![assigned.await?];
    let openid = visitor("FREE", 0);
    let message = measure_step(
        world,
        "message_to_agent",
        async |_, _| Ok(()),
        async |world, _, ()| world.send_message(WITH_FREE_AGENTS, &openid).await,
    );
    steps.push(message.await?);
    steps.extend(reply_steps(world, &openid).await?);

    let with_agent = async |world: &mut World, round| {
        let openid = visitor("SHUT", round);
        world.send_message(WITH_FREE_AGENTS, &openid).await?;
        world.assigned(&openid)
    };
    steps.push(measure_step(world, "close_without_queue", with_agent, close).await?);
    let heartbeat = measure_step(
        world,
        "heartbeat",
        async |_, _| Ok(()),
        async |world, _, ()| {
            world.agent_request(world.free_agent()?, "DeskApi", "/api/agents/me/heartbeat", "", &Value::Null).await?;
            world.drain_stream().await
        },
    );
    steps.push(heartbeat.await?);
    Ok(steps)
}

/// A text and a card of the agent, each after a new message of the visitor: WeChat allows five replies per message.
async fn reply_steps(world: &mut World, openid: &str) -> Result<Vec<Step>> {
    let with_new_message = async |world: &mut World, _| {
        world.send_message(WITH_FREE_AGENTS, openid).await?;
        world.assigned(openid)
    };
    let reply =
        measure_step(world, "agent_reply", with_new_message, async |world, _, conversation: AssignedConversation| {
            let path = format!("/api/conversations/{}/messages", conversation.cid);
            let text = json!({ "type": "text", "text": { "content": TEXT } });
            world.agent_request(&conversation.agent, "DeskApi", &path, &conversation.cid, &text).await?;
            world.drain_stream().await
        });
    let reply = reply.await?;
    let card = measure_step(world, "card", with_new_message, async |world, _, conversation: AssignedConversation| {
        let path = format!("/api/conversations/{}/cards", conversation.cid);
        let page = json!({ "title": "新品", "pagepath": "pages/index/index", "thumbUrl": world.picture_url() });
        let card = json!({ "cid": conversation.cid, "msgType": 26, "miniPage": page });
        world.agent_request(&conversation.agent, "CardSend", &path, &conversation.cid, &card).await?;
        world.drain_stream().await
    });
    Ok(vec![reply, card.await?])
}

async fn queue_steps(world: &mut World) -> Result<Vec<Step>> {
    let queued = measure_step(
        world,
        "first_message_queued",
        async |_, _| Ok(()),
        async |world, round, ()| {
            world.send_message(WITH_QUEUE, &visitor("LATE", round)).await?;
            world.single_event(&EventKind::Queued).map(drop)
        },
    );
    let queued = queued.await?;
    let of_full_group = async |world: &mut World, _| world.assigned("oTALK");
    let drained = measure_step(world, "close_and_assign_next", of_full_group, async |world, round, conversation| {
        close(world, round, conversation).await?;
        world.single_event(&EventKind::Assigned).map(drop)
    });
    Ok(vec![queued, drained.await?])
}

async fn robot_steps(world: &mut World, idle: &Step) -> Result<Vec<Step>> {
    let ask = async |world: &mut World, round, ()| {
        let question = world.question(round).to_owned();
        world.send_text(WITH_ROBOT, &visitor("ASKS", 0), &question).await?;
        match world.single_event(&EventKind::RobotAnswered)?["answer"].as_str() {
            Some("direct") => Ok(()),
            other => Err(Error::Other(format!("the robot's answer to {question} was {other:?}"))),
        }
    };
    // The robot's turn is a row of its own, because several messages can share one turn.
    let mut asked = measure_step(world, "message_to_robot", async |_, _| Ok(()), ask).await?;
    let by_robot = |function: &String| matches!(function.as_str(), "FanOut" | "Robot");
    let (answer, question): (Tallies, Tallies) =
        asked.tallies.into_iter().partition(|(function, _)| by_robot(function));
    asked.tallies = question;

    // The tick checks a conversation once, two minutes after a robot's turn. The requests of an idle tick are subtracted.
    let turn_two_minutes_ago = async |world: &mut World, round| {
        world.clear_events();
        ask(world, ROUNDS + round, ()).await?;
        world.advance(150);
        world.renew_presence().await
    };
    let minute = measure_step(world, "tick_after_robot_turn", turn_two_minutes_ago, async |world, _, ()| {
        world.fire_schedules().await
    })
    .await?;
    let tick = Step { name: minute.name, tallies: subtract(&minute.tallies, &idle.tallies) };
    Ok(vec![asked, Step { name: "faq_answer", tallies: answer }, tick])
}

/// `all` without the requests in `baseline`.
fn subtract(all: &Tallies, baseline: &Tallies) -> Tallies {
    let of = |function: &String, tally: &Tally| {
        let baseline = baseline.get(function).cloned().unwrap_or_default();
        Tally {
            invocations: tally.invocations.saturating_sub(baseline.invocations),
            requests: without(&tally.requests, &baseline.requests),
            read_units: tally.read_units - baseline.read_units,
            write_units: tally.write_units - baseline.write_units,
            writes: without(&tally.writes, &baseline.writes),
            index_units: without(&tally.index_units, &baseline.index_units),
            refused: tally.refused,
        }
    };
    all.iter().map(|(function, tally)| (function.clone(), of(function, tally))).collect()
}

/// What `all` has more of than `baseline`.
fn without<N>(all: &BTreeMap<String, N>, baseline: &BTreeMap<String, N>) -> BTreeMap<String, N>
where
    N: Copy + Default + PartialOrd + Sub<Output = N>,
{
    let more = all.iter().filter_map(|(name, count)| {
        let baseline = baseline.get(name).copied().unwrap_or_default();
        (*count > baseline).then(|| (name.clone(), *count - baseline))
    });
    more.collect()
}

/// Closes a conversation as its assignee.
async fn close(world: &mut World, _: usize, conversation: AssignedConversation) -> Result<()> {
    let path = format!("/api/conversations/{}/close", conversation.cid);
    world.agent_request(&conversation.agent, "DeskApi", &path, &conversation.cid, &Value::Null).await?;
    world.drain_stream().await?;
    world.single_event(&EventKind::Closed).map(drop)
}

fn visitor(kind: &str, number: usize) -> String {
    format!("o{kind}{number:04}-0123456789abcdefgh")
}

/// Runs a step several times, each time after `prepare`, and returns the counts of the last round. An error if they differ from
/// those of the round before.
async fn measure_step<T>(
    world: &mut World,
    name: &'static str,
    prepare: impl AsyncFn(&mut World, usize) -> Result<T>,
    step: impl AsyncFn(&mut World, usize, T) -> Result<()>,
) -> Result<Step> {
    let failed = |error| Error::Other(format!("{name}: {error}"));
    let mut counted: Option<Tallies> = None;
    // The first round reads the settings again, so that their life does not end between the other two.
    world.forget_settings();
    for round in 0..ROUNDS {
        let prepared = prepare(world, round).await.map_err(failed)?;
        // Messages of the same second have no order.
        world.advance(1);
        world.clear_events();
        world.functions().meter().take();
        step(world, round, prepared).await.map_err(failed)?;
        let tallies = world.functions().meter().take();
        if let Some((function, tally)) = tallies.iter().find(|(_, tally)| tally.refused > 0) {
            return Err(failed(Error::Other(format!("{} requests of {function} failed", tally.refused))));
        }
        let last = round + 1 == ROUNDS;
        if let (true, Some(before)) = (last, &counted)
            && let Some(difference) = difference(before, &tallies)
        {
            return Err(failed(Error::Other(format!("counts differ between rounds: {difference}"))));
        }
        counted = Some(tallies);
    }
    Ok(Step { name, tallies: counted.unwrap_or_default() })
}

/// The first function whose invocations or requests differ, with both counts; `None` if there is none.
pub(crate) fn difference(one: &Tallies, other: &Tallies) -> Option<String> {
    let mut functions: Vec<&String> = one.keys().chain(other.keys()).collect();
    functions.sort();
    functions.dedup();
    functions.into_iter().find_map(|function| {
        let of = |tallies: &Tallies| {
            tallies.get(function).map(|tally| (tally.invocations, tally.requests.clone())).unwrap_or_default()
        };
        let (one, other) = (of(one), of(other));
        (one != other).then(|| format!("{function} {one:?}, then {other:?}"))
    })
}
