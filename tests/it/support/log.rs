//! A log in memory.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::subscriber::NoSubscriber;
use tracing::{Dispatch, Subscriber, dispatcher};
use tracing_subscriber::fmt::MakeWriter;

/// A log in memory. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

/// While it lives, this thread logs to a subscriber.
pub(crate) struct Logging {
    _guard: dispatcher::DefaultGuard,
    _second: Dispatch,
}

impl Log {
    /// What was logged so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// Logs this thread to a subscriber: a bundle that a test starts runs on the test's own thread.
    pub(crate) fn start(subscriber: impl Subscriber + Send + Sync + 'static) -> Logging {
        // With a single subscriber, `tracing` caches a call site as disabled when another test's thread, without a
        // subscriber, reaches it first.
        let second = Dispatch::new(NoSubscriber::new());
        Logging { _guard: dispatcher::set_default(&Dispatch::new(subscriber)), _second: second }
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
