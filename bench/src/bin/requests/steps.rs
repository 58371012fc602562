//! What is measured: each step three times, so that every environment is warm and a second look confirms the count.

use bench::{Error, Result};
use serde_json::{Value, json};

use crate::{
    meter::{Tallies, Tally},
    world::{BUSY, FREE, Held, ROBOT, TEXT, World},
};

/// How often a step is done. The last two must ask the same of DynamoDB; the last one counts.
const ROUNDS: usize = 3;

/// What one step took.
#[derive(Debug)]
pub(crate) struct Step {
    /// Its name, for programs.
    pub(crate) name: &'static str,
    /// What the functions did.
    pub(crate) tallies: Tallies,
}

/// Measures everything in one desk. `waiting`: how many conversations shall wait.
pub(crate) async fn measure(world: &mut World, waiting: usize) -> Result<Vec<Step>> {
    let idle = steady(world, "idle_minute", async |_, _| Ok(()), async |world, _, ()| world.minute().await).await?;
    let mut steps = with_a_robot(world, &idle).await?;
    world.fill(waiting).await?;
    world.all_present().await?;
    steps.extend(with_an_agent(world).await?);
    world.all_present().await?;
    steps.extend(in_the_queue(world).await?);
    steps.push(idle);
    let a_minute_later = async |world: &mut World, _| {
        world.advance(60);
        world.all_present().await
    };
    steps.push(steady(world, "queue_minute", a_minute_later, async |world, _, ()| world.minute().await).await?);
    Ok(steps)
}

async fn with_an_agent(world: &mut World) -> Result<Vec<Step>> {
    let assigned = steady(
        world,
        "assigned",
        async |_, _| Ok(()),
        async |world, round, ()| {
            world.writes(FREE, &visitor("FREE", round)).await?;
            world.happened("conversation.assigned").map(drop)
        },
    );
    let mut steps = vec![assigned.await?];
    let openid = visitor("FREE", 0);
    let joined = steady(world, "joined", async |_, _| Ok(()), async |world, _, ()| world.writes(FREE, &openid).await);
    steps.push(joined.await?);

    // WeChat grants five replies to a message.
    let again = async |world: &mut World, _| {
        world.writes(FREE, &openid).await?;
        world.held(&openid)
    };
    let reply = steady(world, "reply", again, async |world, _, held: Held| {
        let path = format!("/api/conversations/{}/messages", held.cid);
        let text = json!({ "type": "text", "text": { "content": TEXT } });
        world.asks(&held.agent, "DeskApi", &path, &held.cid, &text).await?;
        world.settle().await
    });
    steps.push(reply.await?);
    let card = steady(world, "card", again, async |world, _, held: Held| {
        let path = format!("/api/conversations/{}/cards", held.cid);
        let page = json!({ "title": "新品", "pagepath": "pages/index/index", "thumbUrl": world.picture() });
        let card = json!({ "cid": held.cid, "msgType": 26, "miniPage": page });
        world.asks(&held.agent, "CardSend", &path, &held.cid, &card).await?;
        world.settle().await
    });
    steps.push(card.await?);

    let beginning = async |world: &mut World, round| {
        let openid = visitor("SHUT", round);
        world.writes(FREE, &openid).await?;
        world.held(&openid)
    };
    steps.push(steady(world, "closed", beginning, close).await?);
    let heartbeat = steady(
        world,
        "heartbeat",
        async |_, _| Ok(()),
        async |world, _, ()| {
            world.asks(world.an_agent()?, "DeskApi", "/api/agents/me/heartbeat", "", &Value::Null).await?;
            world.settle().await
        },
    );
    steps.push(heartbeat.await?);
    Ok(steps)
}

async fn in_the_queue(world: &mut World) -> Result<Vec<Step>> {
    let queued = steady(
        world,
        "queued",
        async |_, _| Ok(()),
        async |world, round, ()| {
            world.writes(BUSY, &visitor("LATE", round)).await?;
            world.happened("conversation.queued").map(drop)
        },
    );
    let queued = queued.await?;
    let taken = async |world: &mut World, _| world.held("oTALK");
    let drained = steady(world, "drained", taken, async |world, round, held| {
        close(world, round, held).await?;
        world.happened("conversation.assigned").map(drop)
    });
    Ok(vec![queued, drained.await?])
}

async fn with_a_robot(world: &mut World, idle: &Step) -> Result<Vec<Step>> {
    let ask = async |world: &mut World, round, ()| {
        let question = world.question(round).to_owned();
        world.writes_text(ROBOT, &visitor("ASKS", 0), &question).await?;
        match world.happened("robot.answered")?["answer"].as_str() {
            Some("direct") => Ok(()),
            other => Err(Error::Other(format!("the robot's answer to {question} was {other:?}"))),
        }
    };
    // What the robot does is a row of its own: several messages may be one turn.
    let mut asked = steady(world, "asked", async |_, _| Ok(()), ask).await?;
    let by_robot = |function: &String| matches!(function.as_str(), "Robot" | "Delivery");
    let (answer, question): (Tallies, Tallies) =
        asked.tallies.into_iter().partition(|(function, _)| by_robot(function));
    asked.tallies = question;

    // The clock comes by once two minutes after a turn, in case the robot was stopped. The rest it does every minute.
    let a_while_ago = async |world: &mut World, round| {
        world.forget();
        ask(world, ROUNDS + round, ()).await?;
        world.advance(150);
        world.all_present().await
    };
    let minute = steady(world, "looked", a_while_ago, async |world, _, ()| world.minute().await).await?;
    let looked = Step { name: minute.name, tallies: less(&minute.tallies, &idle.tallies) };
    Ok(vec![asked, Step { name: "answered", tallies: answer }, looked])
}

/// What was done beside what is always done.
fn less(all: &Tallies, always: &Tallies) -> Tallies {
    let of = |function: &String, tally: &Tally| {
        let always = always.get(function).cloned().unwrap_or_default();
        let requests = tally.requests.iter().map(|(operation, count)| {
            (operation.clone(), count.saturating_sub(always.requests.get(operation).copied().unwrap_or(0)))
        });
        Tally {
            invocations: tally.invocations.saturating_sub(always.invocations),
            requests: requests.filter(|(_, count)| *count > 0).collect(),
            read_units: tally.read_units - always.read_units,
            write_units: tally.write_units - always.write_units,
            refused: tally.refused,
        }
    };
    all.iter().map(|(function, tally)| (function.clone(), of(function, tally))).collect()
}

/// An agent ends their conversation.
async fn close(world: &mut World, _: usize, held: Held) -> Result<()> {
    let path = format!("/api/conversations/{}/close", held.cid);
    world.asks(&held.agent, "DeskApi", &path, &held.cid, &Value::Null).await?;
    world.settle().await?;
    world.happened("conversation.closed").map(drop)
}

fn visitor(kind: &str, number: usize) -> String {
    format!("o{kind}{number:04}-0123456789abcdefgh")
}

/// Does a step several times, each after its own preparation, and counts the last.
async fn steady<T>(
    world: &mut World,
    name: &'static str,
    prepare: impl AsyncFn(&mut World, usize) -> Result<T>,
    act: impl AsyncFn(&mut World, usize, T) -> Result<()>,
) -> Result<Step> {
    let failed = |error| Error::Other(format!("{name}: {error}"));
    let mut counted: Option<Tallies> = None;
    for round in 0..ROUNDS {
        let ready = prepare(world, round).await.map_err(failed)?;
        // Another second, so that messages have their order.
        world.advance(1);
        world.forget();
        world.functions().meter().take();
        act(world, round, ready).await.map_err(failed)?;
        let tallies = world.functions().meter().take();
        if let Some((function, tally)) = tallies.iter().find(|(_, tally)| tally.refused > 0) {
            return Err(failed(Error::Other(format!("{} requests of {function} were refused", tally.refused))));
        }
        let last = round + 1 == ROUNDS;
        if let (true, Some(before)) = (last, &counted)
            && let Some(difference) = difference(before, &tallies)
        {
            return Err(failed(Error::Other(format!("the count is not steady: {difference}"))));
        }
        counted = Some(tallies);
    }
    Ok(Step { name, tallies: counted.unwrap_or_default() })
}

/// The first function that was invoked, or asked for something, another number of times.
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
