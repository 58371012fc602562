//! The functions, run in this process as Lambda would run them: an environment that is started once, a time limit, and
//! a panic that is an error answer.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;

/// Handles one event of one function.
pub(crate) type Handler = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, String>> + Send + Sync>;

/// Starts an environment of a function: what Lambda calls init.
pub(crate) type Starter = Box<dyn Fn() -> BoxFuture<'static, Result<Handler, String>> + Send + Sync>;

/// Why an invocation has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// The template has no such function.
    #[error("there is no function {0}")]
    Unknown(String),
    /// The environment did not start.
    #[error("init failed: {0}")]
    Init(String),
    /// The function answered with an error.
    #[error("{0}")]
    Failed(String),
    /// The function panicked.
    #[error("the function panicked: {0}")]
    Panicked(String),
    /// The function took longer than the template allows.
    #[error("task timed out")]
    TimedOut,
    /// A test killed it.
    #[error("killed")]
    Killed,
}

/// Every function of a bundle.
pub(crate) struct Functions(BTreeMap<String, Function>);

struct Function {
    timeout: Duration,
    starter: Starter,
    environment: AsyncMutex<Option<Handler>>,
    /// After how many polls the next invocation is killed.
    fuse: Mutex<Option<u32>>,
    kills: AtomicU32,
}

impl Functions {
    /// Functions by logical id, with their time limits.
    pub(crate) fn new(functions: impl IntoIterator<Item = (String, Duration, Starter)>) -> Self {
        let functions = functions.into_iter().map(|(id, timeout, starter)| {
            let environment = AsyncMutex::new(None);
            (id, Function { timeout, starter, environment, fuse: Mutex::new(None), kills: AtomicU32::new(0) })
        });
        Self(functions.collect())
    }

    /// Runs one function with an event.
    pub(crate) async fn invoke(&self, id: &str, event: Value) -> Result<Value, InvokeError> {
        let function = self.function(id)?;
        let answer = function.run(event).await;
        if let Err(error) = &answer {
            tracing::warn!(function = id, %error, "invocation failed");
        }
        answer
    }

    /// Kills the next invocation of a function when it goes on after so many awaits.
    pub(crate) fn kill_next(&self, id: &str, awaits: u32) -> Result<(), InvokeError> {
        *self.function(id)?.fuse.lock().unwrap_or_else(PoisonError::into_inner) = Some(awaits);
        Ok(())
    }

    /// How many invocations of a function have been killed.
    pub(crate) fn kills(&self, id: &str) -> Result<u32, InvokeError> {
        Ok(self.function(id)?.kills.load(Ordering::SeqCst))
    }

    /// Ends every environment: the next invocation of each function starts a new one.
    pub(crate) async fn recycle(&self) {
        for function in self.0.values() {
            *function.environment.lock().await = None;
        }
    }

    fn function(&self, id: &str) -> Result<&Function, InvokeError> {
        self.0.get(id).ok_or_else(|| InvokeError::Unknown(id.to_owned()))
    }
}

impl Function {
    async fn handler(&self) -> Result<Handler, InvokeError> {
        let mut environment = self.environment.lock().await;
        if let Some(handler) = &*environment {
            return Ok(Arc::clone(handler));
        }
        let handler = (self.starter)().await.map_err(InvokeError::Init)?;
        *environment = Some(Arc::clone(&handler));
        Ok(handler)
    }

    async fn run(&self, event: Value) -> Result<Value, InvokeError> {
        let handler = self.handler().await?;
        let awaits = self.fuse.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fused = Fused { inner: Box::pin(async move { handler(event).await }), awaits };
        // A task of its own: it runs on when the caller goes away, as in Lambda, and a panic ends here.
        let task = tokio::spawn(tokio::time::timeout(self.timeout, fused));
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
        // The environment dies with such an invocation; a panic alone it survives.
        *self.environment.lock().await = None;
        Err(answer)
    }
}

fn panic_message(error: tokio::task::JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "the runtime ended".to_owned() };
    let text = panic.downcast_ref::<&str>().map(|&text| text.to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// A future that is dropped instead of going on after so many awaits.
struct Fused<F> {
    inner: Pin<Box<F>>,
    awaits: Option<u32>,
}

impl<F: Future> Future for Fused<F> {
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

    /// Functions that run a closure each.
    pub(crate) fn fake(functions: Vec<(&str, Handler)>) -> Functions {
        Functions::new(functions.into_iter().map(|(id, handler)| {
            let starter: Starter = Box::new(move || {
                let handler = Arc::clone(&handler);
                Box::pin(async move { Ok(handler) })
            });
            (id.to_owned(), Duration::from_millis(100), starter)
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_that_fails_in_any_way_leaves_the_bundle_alive() {
        let functions = fake(vec![(
            "F",
            Arc::new(|event: Value| {
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
    async fn a_killed_function_does_not_go_on() {
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
