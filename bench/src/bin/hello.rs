//! The least that a function can be, started as ours are: what `message-ingress` is compared with.

use std::convert::Infallible;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    function::init_logs();
    lambda_runtime::run(service_fn(async |_: LambdaEvent<Value>| {
        Ok::<_, Infallible>(json!({ "statusCode": 200, "body": "hello" }))
    }))
    .await
}
