//! The use of messages, robots, models and queues has bounds.

mod block;
mod messages;
mod models;
mod robot_turns;
mod share;

use crate::support::World;

/// Moves the clock to the beginning of a minute.
async fn begin_minute(world: &World) {
    world.advance(60 - world.now().as_second().rem_euclid(60));
    world.settle().await;
}
