//! Runs the functions in this process as Lambda does: an execution environment that is initialized once, a timeout, and a panic
//! that is an error answer.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use lambda_http::lambda_runtime::layers::trace::request_span;
use lambda_http::{Context as LambdaContext, LambdaEvent};
use serde_json::Value;
use store::SharedClock;
use tokio::sync::Mutex as AsyncMutex;
use tracing::Instrument;
use uuid::Uuid;

use crate::concurrency::{Concurrency, Execution};

/// The handler of a function.
pub(crate) type Handler = Arc<dyn Fn(LambdaEvent<Value>) -> BoxFuture<'static, Result<Value, String>> + Send + Sync>;

/// The init phase of a function, which creates its handler.
pub(crate) type Init = Box<dyn Fn() -> BoxFuture<'static, Result<Handler, String>> + Send + Sync>;

/// Why an invocation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// The template has no such function.
    #[error("unknown function {0}")]
    Unknown(String),
    /// The init phase failed.
    #[error("init failed: {0}")]
    Init(String),
    /// The function returned an error.
    #[error("{0}")]
    Failed(String),
    /// The function panicked.
    #[error("the function panicked: {0}")]
    Panicked(String),
    /// The function exceeded its timeout.
    #[error("task timed out")]
    TimedOut,
    /// Too many invocations are running.
    #[error("throttled")]
    Throttled,
    /// A test killed the invocation.
    #[error("killed")]
    Killed,
}

/// The functions of a bundle.
pub(crate) struct Functions {
    by_id: BTreeMap<String, Function>,
    concurrency: Concurrency,
    /// Deadlines are by this clock. The timeout itself is by the machine's.
    clock: SharedClock,
}

struct Function {
    timeout: Duration,
    init: Init,
    environment: AsyncMutex<Option<Handler>>,
    /// The number of polls after which the next invocation is killed.
    kill_after: Mutex<Option<u32>>,
    kills: AtomicU32,
}

impl Functions {
    /// The functions by logical id, with their timeouts.
    pub(crate) fn new(functions: impl IntoIterator<Item = (String, Duration, Init)>, clock: SharedClock) -> Self {
        let functions = functions.into_iter().map(|(id, timeout, init)| {
            let environment = AsyncMutex::new(None);
            (id, Function { timeout, init, environment, kill_after: Mutex::new(None), kills: AtomicU32::new(0) })
        });
        Self { by_id: functions.collect(), concurrency: Concurrency::default(), clock }
    }

    /// Invokes a function for a caller who waits for the answer.
    pub(crate) async fn invoke(&self, id: &str, event: Value) -> Result<Value, InvokeError> {
        let execution = self.concurrency.begin(id).ok_or(InvokeError::Throttled)?;
        self.run(id, event, execution, None).await
    }

    /// The same with this deadline instead of that of the function's timeout.
    pub(crate) async fn invoke_until(&self, id: &str, event: Value, deadline: Timestamp) -> Result<Value, InvokeError> {
        let execution = self.concurrency.begin(id).ok_or(InvokeError::Throttled)?;
        self.run(id, event, execution, Some(deadline)).await
    }

    /// Invokes a function for an event source, which repeats a throttled invocation until it runs.
    pub(crate) async fn invoke_unthrottled(&self, id: &str, event: Value) -> Result<Value, InvokeError> {
        let execution = self.concurrency.wait(id).await;
        self.run(id, event, execution, None).await
    }

    /// Runs a function in the span with the request id that `lambda_runtime` opens around an invocation.
    async fn run(
        &self,
        id: &str,
        event: Value,
        execution: Execution,
        deadline: Option<Timestamp>,
    ) -> Result<Value, InvokeError> {
        let function = self.function(id)?;
        let timeout = SignedDuration::try_from(function.timeout).unwrap_or(SignedDuration::MAX);
        let mut context = LambdaContext::default();
        context.request_id = Uuid::now_v7().to_string();
        let deadline = deadline.unwrap_or_else(|| self.clock.now() + timeout);
        context.deadline = u64::try_from(deadline.as_millisecond()).unwrap_or_default();
        let span = request_span(&context);
        let invocation = async {
            let answer = function.run(LambdaEvent::new(event, context), execution).await;
            if let Err(error) = &answer {
                tracing::warn!(function = id, %error, "invocation failed");
            }
            answer
        };
        invocation.instrument(span).await
    }

    /// Kills the next invocation of a function at its poll number `awaits` (the first is 0).
    pub(crate) fn kill_next(&self, id: &str, awaits: u32) -> Result<(), InvokeError> {
        *self.function(id)?.kill_after.lock().unwrap_or_else(PoisonError::into_inner) = Some(awaits);
        Ok(())
    }

    /// The number of killed invocations of a function.
    pub(crate) fn kills(&self, id: &str) -> Result<u32, InvokeError> {
        Ok(self.function(id)?.kills.load(Ordering::SeqCst))
    }

    /// The limits of concurrent invocations.
    pub(crate) fn concurrency(&self) -> &Concurrency {
        &self.concurrency
    }

    /// Ends all execution environments: the next invocation of each function is a cold start.
    pub(crate) async fn end_environments(&self) {
        for function in self.by_id.values() {
            *function.environment.lock().await = None;
        }
    }

    fn function(&self, id: &str) -> Result<&Function, InvokeError> {
        self.by_id.get(id).ok_or_else(|| InvokeError::Unknown(id.to_owned()))
    }
}

impl Function {
    async fn handler(&self) -> Result<Handler, InvokeError> {
        let mut environment = self.environment.lock().await;
        if let Some(handler) = &*environment {
            return Ok(Arc::clone(handler));
        }
        let handler = (self.init)().await.map_err(InvokeError::Init)?;
        *environment = Some(Arc::clone(&handler));
        Ok(handler)
    }

    async fn run(&self, event: LambdaEvent<Value>, execution: Execution) -> Result<Value, InvokeError> {
        let handler = self.handler().await?;
        let awaits = self.kill_after.lock().unwrap_or_else(PoisonError::into_inner).take();
        let invocation = KillAfter { inner: Box::pin(async move { handler(event).await }), awaits };
        // A separate task, so that it continues when the caller is dropped, as in Lambda, and so that a panic ends in it.
        let timeout = self.timeout;
        let invocation = async move {
            let _execution = execution;
            tokio::time::timeout(timeout, invocation).await
        };
        let task = tokio::spawn(invocation.in_current_span());
        let answer = match task.await {
            Ok(Ok(Some(Ok(value)))) => return Ok(value),
            Ok(Ok(Some(Err(message)))) => return Err(InvokeError::Failed(message)),
            Ok(Ok(None)) => InvokeError::Killed,
            Ok(Err(_)) => InvokeError::TimedOut,
            Err(error) => return Err(InvokeError::Panicked(panic_message(error))),
        };
        if answer == InvokeError::Killed {
            self.kills.fetch_add(1, Ordering::SeqCst);
        }
        // A killed or timed-out invocation ends its environment. A panic does not.
        *self.environment.lock().await = None;
        Err(answer)
    }
}

fn panic_message(error: tokio::task::JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "the runtime has ended".to_owned() };
    let text = panic.downcast_ref::<&str>().map(|&text| text.to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// A future that resolves to `None` instead of its poll number `awaits`.
struct KillAfter<F> {
    inner: Pin<Box<F>>,
    awaits: Option<u32>,
}

impl<F: Future> Future for KillAfter<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.awaits {
            Some(0) => return Poll::Ready(None),
            Some(left) => *left -= 1,
            None => {}
        }
        self.inner.as_mut().poll(context).map(Some)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// Functions with the given handlers.
    pub(crate) fn fake(functions: Vec<(&str, Handler)>) -> Functions {
        let functions = functions.into_iter().map(|(id, handler)| {
            let init: Init = Box::new(move || {
                let handler = Arc::clone(&handler);
                Box::pin(async move { Ok(handler) })
            });
            (id.to_owned(), Duration::from_millis(100), init)
        });
        Functions::new(functions, Arc::new(store::SystemClock))
    }

    #[tokio::test(start_paused = true)]
    async fn failed_invocation_does_not_affect_the_next() {
        let functions = fake(vec![(
            "F",
            Arc::new(|LambdaEvent { payload: event, .. }: LambdaEvent<Value>| {
                Box::pin(async move {
                    match event.as_str() {
                        Some("panic") => panic!("at the {event}"),
                        Some("sleep") => tokio::time::sleep(Duration::from_secs(1)).await,
                        Some("fail") => return Err("no".to_owned()),
                        _ => {}
                    }
                    Ok(event)
                })
            }),
        )]);
        assert_eq!(functions.invoke("F", json!("x")).await, Ok(json!("x")));
        assert_eq!(functions.invoke("F", json!("fail")).await, Err(InvokeError::Failed("no".to_owned())));
        let panicked = functions.invoke("F", json!("panic")).await;
        assert_eq!(panicked, Err(InvokeError::Panicked("at the \"panic\"".to_owned())));
        assert_eq!(functions.invoke("F", json!("sleep")).await, Err(InvokeError::TimedOut));
        assert_eq!(functions.invoke("G", json!(1)).await, Err(InvokeError::Unknown("G".to_owned())));
        assert_eq!(functions.invoke("F", json!("y")).await, Ok(json!("y")));
    }

    #[tokio::test]
    async fn killed_invocation_stops_at_the_given_poll() {
        let steps = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&steps);
        let functions = fake(vec![(
            "F",
            Arc::new(move |_| {
                let steps = Arc::clone(&seen);
                Box::pin(async move {
                    for _ in 0..3 {
                        steps.fetch_add(1, Ordering::SeqCst);
                        tokio::task::yield_now().await;
                    }
                    Ok(json!("done"))
                })
            }),
        )]);
        functions.kill_next("F", 2).unwrap();
        assert_eq!(functions.invoke("F", json!(0)).await, Err(InvokeError::Killed));
        assert_eq!((steps.load(Ordering::SeqCst), functions.kills("F")), (2, Ok(1)));
        assert_eq!(functions.invoke("F", json!(0)).await, Ok(json!("done")));
        functions.kill_next("F", 9).unwrap();
        assert_eq!(functions.invoke("F", json!(0)).await, Ok(json!("done")));
        assert_eq!(functions.kills("F"), Ok(1));
    }
}
