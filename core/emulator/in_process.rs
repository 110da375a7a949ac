//! A wire to emulated systems of the same process: no sockets, no waiting.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::host::Fate;
use super::{Host, incoming};
use crate::http::{Body, Request, Response, Wire};
use crate::{Error, ErrorKind, Result};

/// Calls the systems of a [`Host`] at `http://<name>.emulated<base path>`.
///
/// A dropped call is `Unavailable` before the effect and `OutcomeUnknown` after it.
#[derive(Clone, Debug)]
pub struct InProcess(Arc<Host>);

impl InProcess {
    /// A wire to the systems of `host`.
    pub fn new(host: Arc<Host>) -> Self {
        Self(host)
    }

    /// The base URL of a system, for config's `base_url`.
    ///
    /// # Errors
    /// `Config` when there is no system of that name.
    pub fn base_url(&self, name: &str) -> Result<String> {
        let seat = self.0.seat(name)?;
        Ok(format!("http://{name}.emulated{}", seat.base_path()))
    }
}

#[async_trait]
impl Wire for InProcess {
    async fn call(&self, request: Request) -> Result<Response> {
        let no_address = |why: String| Error::new(ErrorKind::Config, why).at("address", &request.path);
        let url = Url::parse(&request.path).map_err(|cause| no_address(cause.to_string()))?;
        let host = url.host_str().unwrap_or("");
        let seat = match host.strip_suffix(".emulated") {
            Some(name) => self.0.seat(name)?,
            None => return Err(no_address("only emulated systems can be reached in process".into())),
        };
        let mut request = received(&url, request);
        request.headers.push(incoming::address(&format!("http://{host}"), seat.base_path()));
        match self.0.answer(seat, &request).await {
            Fate::Answered(response) => Ok(response),
            Fate::DroppedBefore => Err(Error::new(ErrorKind::Unavailable, "the connection failed")),
            Fate::DroppedAfter => Err(Error::new(ErrorKind::OutcomeUnknown, "the connection closed without an answer")),
        }
    }
}

/// The request as it would arrive by a socket.
fn received(url: &Url, sent: Request) -> Request {
    let mut request = incoming::request(sent.method, url.path(), url.query().unwrap_or(""), sent.headers, Vec::new());
    request.query.extend(sent.query);
    match sent.body {
        Body::Empty => {}
        Body::Json(value) => {
            request.headers.push(("Content-Type".into(), "application/json".into()));
            request.body = Body::Json(value);
        }
        Body::Form(pairs) => {
            request.headers.push(("Content-Type".into(), "application/x-www-form-urlencoded".into()));
            request.body = Body::Form(pairs);
        }
        Body::Bytes(bytes) => {
            request.body = incoming::body(request.header_value("content-type").unwrap_or(""), bytes);
        }
    }
    request
}
