//! Starts `reception` in Lambda.

use std::sync::Arc;

use function::{Deadline, Env, trigger::Trigger};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use reception::{Deps, handle};
use store::SystemClock;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    function::init_logs();
    let deps = Deps::new(&Env::from_process(), Arc::new(SystemClock)).await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Trigger>| {
        Box::pin(handle(&deps, event.payload, Deadline::of(&event.context)))
    }))
    .await
}
