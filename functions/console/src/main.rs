//! Starts `console` in Lambda.

use std::{convert::Infallible, sync::Arc};

use console::{Deps, handle};
use function::{Env, http::Answer};
use lambda_http::{Error, service_fn};
use store::SystemClock;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    function::init_logs();
    let deps = Deps::new(&Env::from_process(), Arc::new(SystemClock)).await?;
    lambda_http::run(service_fn(|request| async { Ok::<_, Infallible>(Answer(handle(&deps, request).await)) })).await
}
