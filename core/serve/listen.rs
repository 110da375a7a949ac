//! The way in: webhooks, and whether the hub lives, over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{any, get};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::life::Life;
use super::{Answer, LARGEST_DELIVERY, Server};
use crate::connector::Delivery;
use crate::{Error, ErrorKind, Result};

/// A sender that takes longer to send its body is let go.
const PATIENCE: Duration = Duration::from_secs(30);

/// Once the hub stops, deliveries under way have this long to end.
const FAREWELL: Duration = Duration::from_secs(5);

/// Deliveries read at a time: each may be as large as the largest, and memory is bounded.
const AT_ONCE: usize = 128;

/// A server that is listening.
#[derive(Debug)]
pub struct Listening {
    /// Where; the port is one of the machine's choice when 0 was asked.
    pub address: SocketAddr,
    server: Arc<Server>,
    served: JoinHandle<std::io::Result<()>>,
}

struct Door {
    server: Arc<Server>,
    life: Arc<Life>,
    /// What stands before the path in the address that senders sign.
    public: Option<String>,
    address: SocketAddr,
    places: Semaphore,
}

/// Listens for `POST /hooks/<system>`, `GET /health` and `GET /ready` until `life` ends; each delivery wakes it.
///
/// `public_url` is the address under which senders know this server, when a proxy stands in front of it.
///
/// # Errors
/// `Config` when the address cannot be had.
pub async fn listen(
    server: Arc<Server>,
    life: Arc<Life>,
    address: SocketAddr,
    public_url: Option<&str>,
) -> Result<Listening> {
    let no = |cause: std::io::Error| {
        let message = format!("cannot listen on {address}; choose another address in `[serve] listen`");
        Error::new(ErrorKind::Config, message).because(cause)
    };
    let listener = TcpListener::bind(address).await.map_err(no)?;
    let address = listener.local_addr().map_err(no)?;
    let public = public_url.map(|url| url.trim_end_matches('/').to_owned());
    let places = Semaphore::new(AT_ONCE);
    let door = Door { server: Arc::clone(&server), life: Arc::clone(&life), public, address, places };
    let router = Router::new()
        .route("/hooks/{system}", any(hook))
        .route("/health", get(|| async { told(200, json!({ "alive": true })) }))
        .route("/ready", get(ready))
        .with_state(Arc::new(door));
    let until = async move { life.ended().await };
    let served = tokio::spawn(axum::serve(listener, router).with_graceful_shutdown(until).into_future());
    Ok(Listening { address, server, served })
}

impl Listening {
    /// Waits until the deliveries under way are answered, and not for longer than a few seconds.
    ///
    /// # Errors
    /// `Bug` when the server broke.
    pub async fn close(mut self) -> Result<()> {
        let broke = |cause: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Bug, "the server broke").because(cause)
        };
        tokio::select! {
            served = &mut self.served => {
                served.map_err(|cause| broke(cause.into()))?.map_err(|cause| broke(cause.into()))
            }
            () = self.server.engine().clock.sleep(FAREWELL) => {
                self.served.abort();
                Ok(())
            }
        }
    }
}

async fn hook(State(door): State<Arc<Door>>, Path(system): Path<String>, request: Request) -> Response {
    let Ok(_place) = door.places.acquire().await else { return said(&Answer::later(1, "the hub is stopping")) };
    let (head, body) = request.into_parts();
    let body = tokio::select! {
        // One byte more than is taken, so that what is too large is seen to be.
        body = axum::body::to_bytes(body, LARGEST_DELIVERY + 1) => body,
        () = door.server.engine().clock.sleep(PATIENCE) => return said(&Answer::new(408, "the delivery did not come in time")),
    };
    let Ok(body) = body else { return said(&door.server.refuse_large(&system)) };
    let headers = texts(&head.headers);
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{path}", door.public_address(&head.headers));
    let inside = Arc::clone(&door);
    let taken = tokio::task::spawn_blocking(move || {
        let method = head.method.as_str();
        // The server's own clock tells when it was received.
        let received = jiff::Timestamp::UNIX_EPOCH;
        let answer =
            inside.server.receive(&system, &Delivery { method, url: &url, headers: &headers, body: &body, received });
        if answer.is_accepted() {
            inside.life.wake();
        }
        answer
    });
    said(&taken.await.unwrap_or_else(|_| Answer::later(1, "the hub is stopping")))
}

async fn ready(State(door): State<Arc<Door>>) -> Response {
    match door.server.trouble() {
        None => told(200, json!({ "ready": true })),
        Some(trouble) => told(503, json!({ "ready": false, "why": trouble })),
    }
}

impl Door {
    /// What the sender called, as far as it can be known: the configured address, else the name it called us by.
    fn public_address(&self, headers: &HeaderMap) -> String {
        self.public.clone().unwrap_or_else(|| {
            let host = headers.get(HOST).and_then(|host| host.to_str().ok());
            format!("http://{}", host.map_or_else(|| self.address.to_string(), str::to_owned))
        })
    }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

fn said(answer: &Answer) -> Response {
    let mut response = told(answer.status, json!({ "message": answer.message }));
    if let Some((kind, body)) = answer.receipt {
        *response.body_mut() = Body::from(body);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if let Some(wait) = answer.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    response
}

fn told(status: u16, body: serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
