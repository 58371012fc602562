//! Starts `card-send` in Lambda.

use std::{convert::Infallible, sync::Arc};

use card_send::{Deps, handle};
use function::{Deadline, Env, http::Answer};
use lambda_http::{Error, Request, service_fn};
use store::SystemClock;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    function::init_logs();
    let deps = Deps::new(&Env::from_process(), Arc::new(SystemClock)).await?;
    lambda_http::run(service_fn(|request: Request| async {
        let deadline = Deadline::of_request(&request);
        Ok::<_, Infallible>(Answer(handle(&deps, request, deadline).await))
    }))
    .await
}
