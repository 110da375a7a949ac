//! The vendors' side of a kill: it counts requests, kills the hub behind an answer, and sees the first effect after one.

use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use passerelle_core::Result;
use passerelle_core::clock::Timestamp;
use passerelle_core::emulator::Emulator;
use passerelle_core::http::{Request, Response};
use serde_json::Value;

use crate::points::is_effect;

/// Shared by the vendors of one world.
#[derive(Debug, Default)]
pub struct Watch {
    hub: Mutex<Option<Child>>,
    left: AtomicU64,
    effect: Mutex<Option<Instant>>,
}

impl Watch {
    /// Watches a hub that was just started; 0 kills it at no request, 1 behind the answer to the first.
    pub fn over(&self, hub: Child, request: u64) {
        self.left.store(request, Ordering::SeqCst);
        *locked(&self.effect) = None;
        *locked(&self.hub) = Some(hub);
    }

    /// Kills the hub as `kill -9` does, and waits until it is gone.
    pub fn kill(&self) {
        if let Some(hub) = locked(&self.hub).as_mut() {
            // It may have ended by itself, which is no worse.
            let _ = hub.kill();
            let _ = hub.wait();
        }
    }

    /// The hub, to be waited for.
    pub fn take(&self) -> Option<Child> {
        locked(&self.hub).take()
    }

    /// When a vendor was first changed since the hub was started.
    pub fn first_effect(&self) -> Option<Instant> {
        *locked(&self.effect)
    }

    fn saw(&self, request: &Request) {
        if is_effect(&format!("{} {}", request.method, request.path)) {
            locked(&self.effect).get_or_insert_with(Instant::now);
        }
        let left = self.left.load(Ordering::SeqCst);
        if left > 0 {
            self.left.store(left - 1, Ordering::SeqCst);
            if left == 1 {
                self.kill();
            }
        }
    }
}

/// A stand-in whose requests are watched.
pub struct Watched {
    /// The stand-in.
    pub inner: Box<dyn Emulator>,
    /// Who watches.
    pub watch: Arc<Watch>,
}

impl Emulator for Watched {
    fn vendor(&self) -> &'static str {
        self.inner.vendor()
    }

    fn base_path(&self) -> &'static str {
        self.inner.base_path()
    }

    fn key(&self) -> String {
        self.inner.key()
    }

    fn handle(&mut self, request: &Request, now: Timestamp) -> Response {
        let response = self.inner.handle(request, now);
        self.watch.saw(request);
        response
    }

    fn seed(&mut self, sample: &Value, now: Timestamp) -> Result<()> {
        self.inner.seed(sample, now)
    }

    fn control(&mut self, command: &str, arguments: &Value, now: Timestamp) -> Result<Value> {
        self.inner.control(command, arguments, now)
    }

    fn refusal(&self, status: u16) -> Response {
        self.inner.refusal(status)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
