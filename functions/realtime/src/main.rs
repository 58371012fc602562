//! Starts `realtime` in Lambda.

use std::sync::Arc;

use function::Env;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use realtime::{Deps, Event, handle};
use store::SystemClock;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    function::init_logs();
    let deps = Deps::new(&Env::from_process(), Arc::new(SystemClock)).await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| handle(&deps, event.payload))).await
}
