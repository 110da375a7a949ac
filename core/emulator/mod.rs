//! The kit that emulators share: a stand-in is a pure function of state, request and virtual time.

mod control;
mod cut;
mod fault;
mod faults;
mod host;
mod in_process;
mod incoming;
mod journal;
mod server;
#[cfg(test)]
mod tests;
mod time;

use serde_json::Value;

pub use fault::Fault;
pub use faults::{Chance, Faults};
pub use host::Host;
pub use in_process::InProcess;
pub use server::{Base, Hosted, serve};
pub use time::EmulatedTime;

use crate::Result;
use crate::clock::Timestamp;
use crate::http::{Request, Response};

/// A stand-in of a vendor. It knows the vendor's contract, and nothing of the hub.
///
/// It has no clock, no sockets and no threads: the kit gives it the time, serves it on loopback, and injects faults.
pub trait Emulator: Send {
    /// Such as `hubspot`.
    fn vendor(&self) -> &'static str;

    /// What follows the server's address in the base URL, such as `/api/index.php`.
    fn base_path(&self) -> &'static str;

    /// The key that it accepts.
    fn key(&self) -> String;

    /// Answers one request.
    ///
    /// `path` begins after the server's address (so with [`base_path`](Self::base_path)) and is as it was sent, still
    /// percent-encoded ([`Request::segments`] decodes); query parameters are decoded and in the order they came in.
    /// The header `X-Emulated-At` bears the base URL that the caller used.
    /// The body is `Json` or `Form` where its content type says so and it parses.
    fn handle(&mut self, request: &Request, now: Timestamp) -> Response;

    /// Fills it with sample data; `now` is the day the sample plays on.
    ///
    /// # Errors
    /// `Config` when the sample is not of the vendor's shape.
    fn seed(&mut self, sample: &Value, now: Timestamp) -> Result<()>;

    /// Does what no API call can: `accept_quote`, `merge`, a person's edit.
    ///
    /// The kit answers some commands itself, for every vendor: see [`Host::control`].
    ///
    /// # Errors
    /// `Unsupported` for an unknown command, `Rejected` when the vendor's own screens would refuse it.
    fn control(&mut self, command: &str, arguments: &Value, now: Timestamp) -> Result<Value>;

    /// How the vendor words a refusal that the kit injects: 429, 502 or 503.
    fn refusal(&self, status: u16) -> Response {
        let refusal = Response::json(status, &serde_json::json!({ "message": "refused by the emulator's fault" }));
        if status == 429 { refusal.with_header("Retry-After", "1") } else { refusal }
    }
}
