//! The way out: one door (`Wire`), and what every connector needs around it (`Api`).

mod api;
mod dialect;
mod gate;
mod message;
mod oauth;
mod retry;
mod retry_after;
mod secret;
mod steady;
#[cfg(test)]
mod tests;
mod transport;
mod wire;

pub use api::{Api, Auth};
pub use dialect::{Dialect, Pace};
pub use message::{Body, Repeat, Request, Response};
pub use oauth::{Assertion, OAuth, Rotated};
pub use retry_after::retry_after;
pub use secret::Secret;
pub use transport::{Limits, Transport};
pub use wire::{HttpWire, Wire};
