//! The kit that emulators share: a stand-in is a pure function of state, request and virtual time.

use serde_json::Value;

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

    /// Answers one request; `path` begins after the server's address, query parameters are decoded.
    fn handle(&mut self, request: &Request, now: Timestamp) -> Response;

    /// Fills it with sample data; `now` is the day the sample plays on.
    ///
    /// # Errors
    /// `Config` when the sample is not of the vendor's shape.
    fn seed(&mut self, sample: &Value, now: Timestamp) -> Result<()>;

    /// Does what no API call can: `accept_quote`, `merge`, a person's edit.
    ///
    /// # Errors
    /// `Unsupported` for an unknown command, `Rejected` when the vendor's own screens would refuse it.
    fn control(&mut self, command: &str, arguments: &Value, now: Timestamp) -> Result<Value>;
}
