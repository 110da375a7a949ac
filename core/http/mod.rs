//! The way out: one door (`Wire`), and what every connector needs around it (`Api`).

mod api;
mod message;
mod secret;
mod wire;

pub use api::{Api, Auth, Dialect, Limits, Transport};
pub use message::{Body, Repeat, Request, Response};
pub use secret::Secret;
pub use wire::{HttpWire, Wire};
