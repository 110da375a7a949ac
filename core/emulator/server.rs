//! Emulators on loopback, for programs that come by HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::cut::{Listening, Scissors};
use super::host::Fate;
use super::{Host, incoming};
use crate::http::Response;
use crate::{Error, ErrorKind, Result};

/// A request larger than this is refused.
const LARGEST_REQUEST: usize = 16 << 20;

/// A system that is being served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// Its name, the first part of the path.
    pub name: String,
    /// Such as `hubspot`.
    pub vendor: &'static str,
    /// For config's `base_url`.
    pub url: String,
    /// The key that it accepts.
    pub key: String,
}

/// Emulators that are being served; dropping it stops them too, without waiting.
#[derive(Debug)]
pub struct Hosted {
    /// Where they listen.
    pub address: SocketAddr,
    /// The systems.
    pub bases: Vec<Base>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

/// Serves `host` on a loopback address; port 0 lets the machine choose.
///
/// A system answers at `http://ADDRESS/<name><base path>` and takes commands at
/// `POST http://ADDRESS/<name>/_control/<command>` (see [`Host::control`]).
///
/// # Errors
/// `Config` when the address is not loopback or cannot be had.
pub async fn serve(host: Arc<Host>, listen: SocketAddr) -> Result<Hosted> {
    if !listen.ip().is_loopback() {
        let message = "emulators listen on loopback only, such as 127.0.0.1:4010: anyone may command them";
        return Err(Error::new(ErrorKind::Config, message).at("listen", listen));
    }
    let cannot = |cause| Error::new(ErrorKind::Config, "cannot listen here").at("listen", listen).because(cause);
    let listener = TcpListener::bind(listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let bases = host.seats().iter().map(|seat| Base {
        name: seat.name().to_owned(),
        vendor: seat.vendor(),
        url: format!("http://{address}/{}{}", seat.name(), seat.base_path()),
        key: seat.key().to_owned(),
    });
    let bases = bases.collect();
    let router = Router::new().fallback(answer).with_state(host);
    let service = router.into_make_service_with_connect_info::<Scissors>();
    let (stop, stopped) = oneshot::channel();
    let until = async move {
        // Told, or the handle was dropped: both end it.
        let _ = stopped.await;
    };
    let server = axum::serve(Listening(listener), service).with_graceful_shutdown(until);
    Ok(Hosted { address, bases, stop, served: tokio::spawn(async move { server.await }) })
}

impl Hosted {
    /// The base URL of a system.
    pub fn base_url(&self, name: &str) -> Option<&str> {
        self.bases.iter().find(|base| base.name == name).map(|base| base.url.as_str())
    }

    /// Stops listening, and waits for calls under way.
    ///
    /// # Errors
    /// `Bug` when the server broke.
    pub async fn stop(self) -> Result<()> {
        // The server may have ended by itself; what became of it is told below.
        let _ = self.stop.send(());
        let broke = |cause: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Bug, "the emulators' server broke").because(cause)
        };
        self.served.await.map_err(|cause| broke(cause.into()))?.map_err(|cause| broke(cause.into()))
    }
}

async fn answer(
    State(host): State<Arc<Host>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: axum::extract::Request,
) -> axum::response::Response {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_REQUEST).await else {
        return complain(413, "the request is larger than 16 MiB, or broke off");
    };
    let (name, path) = first_part(head.uri.path());
    let Ok(seat) = host.seat(name) else {
        let names: Vec<&str> = host.names().collect();
        return complain(404, &format!("a path begins with an emulated system: {}", names.join(", ")));
    };
    if let Some(command) = path.strip_prefix("/_control/") {
        return command_answer(&host, name, command, &body);
    }
    let Some(method) = incoming::method(head.method.as_str()) else {
        return complain(405, "the emulators do not know this method");
    };
    let query = head.uri.query().unwrap_or("");
    let mut headers = texts(&head.headers);
    let at = head.headers.get("host").map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    headers.push(incoming::address(&format!("http://{}/{name}", at.unwrap_or_default()), seat.base_path()));
    let request = incoming::request(method, path, query, headers, body.to_vec());
    match host.answer(seat, &request).await {
        Fate::Answered(response) => outgoing(response),
        Fate::DroppedBefore | Fate::DroppedAfter => {
            scissors.cut();
            complain(502, "cut")
        }
    }
}

fn command_answer(host: &Host, name: &str, command: &str, body: &[u8]) -> axum::response::Response {
    let arguments = if body.is_empty() { Ok(json!({})) } else { serde_json::from_slice::<Value>(body) };
    let Ok(arguments) = arguments else { return complain(400, "the arguments are not JSON") };
    match host.control(name, command, &arguments) {
        Ok(result) => outgoing(Response::json(200, &result)),
        Err(error) => {
            let status = match error.kind() {
                ErrorKind::Unsupported | ErrorKind::NotFound => 404,
                ErrorKind::Rejected | ErrorKind::Stale => 409,
                ErrorKind::Config => 400,
                _ => 500,
            };
            complain(status, &error.to_string())
        }
    }
}

/// `/hubspot/crm/v3` is `hubspot` and `/crm/v3`.
fn first_part(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.find('/').map_or((path, ""), |slash| path.split_at(slash))
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

fn outgoing(response: Response) -> axum::response::Response {
    let mut answer = axum::response::Response::new(Body::from(response.body));
    *answer.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            answer.headers_mut().append(name, value);
        }
    }
    answer
}

fn complain(status: u16, message: &str) -> axum::response::Response {
    outgoing(Response::json(status, &json!({ "error": message })))
}
