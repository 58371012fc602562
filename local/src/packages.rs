//! The packages under `functions/`, and how their handlers are called.

use std::convert::Infallible;
use std::sync::Arc;

use function::{Deadline, Env};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Body, LambdaEvent, Request, Response, Service, service_fn};
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::SharedClock;

use crate::functions::{Handler, Init};

/// The init phase of a package; `None` if there is no such package.
pub(crate) fn init(package: &str, env: Env, clock: SharedClock) -> Option<Init> {
    macro_rules! http {
        ($package:ident) => {
            init_with(env, clock, |env, clock| async move {
                let deps = $package::Deps::new(&env, clock).await.map_err(|error| error.to_string())?;
                Ok(http_handler(move |request| {
                    let deps = deps.clone();
                    async move { $package::handle(&deps, request).await }
                }))
            })
        };
    }
    macro_rules! api {
        ($package:ident) => {
            init_with(env, clock, |env, clock| async move {
                let deps = $package::Deps::new(&env, clock).await.map_err(|error| error.to_string())?;
                Ok(http_handler(move |request| {
                    let (deps, deadline) = (deps.clone(), Deadline::of_request(&request));
                    async move { $package::handle(&deps, request, deadline).await }
                }))
            })
        };
    }
    macro_rules! event {
        ($package:ident) => {
            init_with(env, clock, |env, clock| async move {
                let deps = $package::Deps::new(&env, clock).await.map_err(|error| error.to_string())?;
                Ok(event_handler(deps, |deps, event, _| async move { $package::handle(&deps, event).await }))
            })
        };
    }
    macro_rules! work {
        ($package:ident) => {
            init_with(env, clock, |env, clock| async move {
                let deps = $package::Deps::new(&env, clock).await.map_err(|error| error.to_string())?;
                Ok(event_handler(deps, |deps, event, deadline| async move {
                    $package::handle(&deps, event, deadline).await
                }))
            })
        };
    }
    Some(match package {
        "access" => event!(access),
        "callback-verify" => http!(callback_verify),
        "card-send" => api!(card_send),
        "console" => http!(console),
        "desk-api" => api!(desk_api),
        "fan-out" => work!(fan_out),
        "message-ingress" => http!(message_ingress),
        "realtime" => event!(realtime),
        "reception" => work!(reception),
        "robot" => work!(robot),
        "token-refresh" => work!(token_refresh),
        _ => return None,
    })
}

fn init_with<F, S>(env: Env, clock: SharedClock, init: S) -> Init
where
    S: Fn(Env, SharedClock) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Handler, String>> + Send + 'static,
{
    Box::new(move || Box::pin(init(env.clone(), Arc::clone(&clock))))
}

/// The handler of a function with its dependencies, whose event is parsed as in Lambda.
fn event_handler<D, E, H, F, X>(deps: D, handle: H) -> Handler
where
    D: Clone + Send + Sync + 'static,
    E: DeserializeOwned + Send,
    H: Fn(D, E, Deadline) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Value, X>> + Send + 'static,
    X: std::fmt::Display,
{
    Arc::new(move |LambdaEvent { payload, context, .. }: LambdaEvent<Value>| {
        let (deps, handle) = (deps.clone(), handle.clone());
        Box::pin(async move {
            let deadline = Deadline::of(&context);
            let event = serde_json::from_value(payload).map_err(|error| error.to_string())?;
            handle(deps, event, deadline).await.map_err(|error| error.to_string())
        })
    })
}

/// The handler of an HTTP function. `lambda_http` converts the event and the answer, as in Lambda.
fn http_handler<H, F>(handle: H) -> Handler
where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    Arc::new(move |LambdaEvent { payload, context, .. }: LambdaEvent<Value>| {
        let handle = handle.clone();
        Box::pin(async move {
            let request: LambdaRequest = serde_json::from_value(payload).map_err(|error| error.to_string())?;
            let mut service = Adapter::from(service_fn(move |request: Request| {
                let answer = handle(request);
                async move { Ok::<_, Infallible>(function::http::Answer(answer.await)) }
            }));
            let Ok(answer) = service.call(LambdaEvent::new(request, context)).await;
            serde_json::to_value(answer).map_err(|error| error.to_string())
        })
    })
}
