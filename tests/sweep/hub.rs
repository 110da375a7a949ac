//! The hub under test: the shipped program's own library and command line, with a counter in its doors.
//!
//! The shipped program has no such counter. This process is the sweep's own binary, asked by its environment to be a
//! hub: each commit and each request passes numbered points, and at the chosen one it says so and stands still, to be
//! killed from outside.

use std::fmt::Debug;
use std::fs::File;
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use passerelle_core::Result;
use passerelle_core::cli::{Doors, run_through};
use passerelle_core::http::{Request, Response, Wire};
use passerelle_core::store::{Backend, Batch, Pair};

/// Environment: the number of the point to stand still at; empty to count only.
pub const AT: &str = "PASSERELLE_SWEEP_AT";

/// Environment: a file for a line about each point.
pub const LIST: &str = "PASSERELLE_SWEEP_LIST";

/// Environment: set, the hub looks for nothing that it may have created before it was killed. A sweep over such a hub
/// must fail.
pub const BLIND: &str = "PASSERELLE_SWEEP_BLIND";

/// What it says on stdout when it stands still.
pub const STANDS: &str = "the hub stands still";

/// Whether this process is asked to be a hub.
pub fn is_asked() -> bool {
    std::env::var_os(AT).is_some()
}

/// Is the hub, with this process's command line.
pub fn play() -> ExitCode {
    let at = std::env::var(AT).ok().and_then(|number| number.parse().ok());
    let list = std::env::var_os(LIST).and_then(|path| File::create(path).ok()).map(Mutex::new);
    let points = Arc::new(Points { next: AtomicU64::new(0), at, list });
    let Doors { wire, store } = Doors::of_this_machine();
    let (at_wire, at_store) = (Arc::clone(&points), points);
    let doors = Doors {
        wire: Box::new(move |transport| {
            Ok(Arc::new(CountedWire { inner: wire(transport)?, points: Arc::clone(&at_wire) }) as Arc<dyn Wire>)
        }),
        store: Box::new(move |folder, now| {
            Ok(Arc::new(CountedStore { inner: store(folder, now)?, points: Arc::clone(&at_store) }) as Arc<dyn Backend>)
        }),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(run_through(&passerelle::registry::REGISTRY, passerelle::demo::play, doors)),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Numbers the points as they are passed.
#[derive(Debug)]
struct Points {
    next: AtomicU64,
    at: Option<u64>,
    list: Option<Mutex<File>>,
}

impl Points {
    fn pass(&self, what: &str) {
        if self.count(what) {
            println!("\n{STANDS}");
            let _ = std::io::stdout().flush();
            loop {
                std::thread::park();
            }
        }
    }

    /// Counts a point, and tells whether it is the chosen one.
    fn count(&self, what: &str) -> bool {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        if let Some(list) = &self.list {
            let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = writeln!(list, "{what}");
        }
        self.at == Some(number)
    }
}

#[derive(Debug)]
struct CountedWire {
    inner: Arc<dyn Wire>,
    points: Arc<Points>,
}

#[async_trait]
impl Wire for CountedWire {
    async fn call(&self, request: Request) -> Result<Response> {
        let path = request.path.splitn(4, '/').last().unwrap_or_default().to_owned();
        if std::env::var_os(BLIND).is_some() && looks_for_a_key(&request) {
            return Ok(Response::json(404, &serde_json::json!({"error": {"code": 404, "message": "Not Found"}})));
        }
        self.points.pass(&format!("leaving {} {path}", request.method));
        let answer = self.inner.call(request).await;
        // Killed at this one, the hub never comes here: the vendor's side does it before it sends the answer.
        self.points.count("answered");
        self.points.pass("seen");
        answer
    }
}

/// Whether a request asks Dolibarr for a record with a key of the hub's.
fn looks_for_a_key(request: &Request) -> bool {
    request.method == "GET" && request.query.iter().any(|(_, value)| value.contains("passerelle_id"))
}

#[derive(Debug)]
struct CountedStore {
    inner: Arc<dyn Backend>,
    points: Arc<Points>,
}

impl Backend for CountedStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.inner.get(key)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>> {
        self.inner.scan(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Result<()> {
        self.points.pass("commit");
        self.inner.commit(batch)?;
        self.points.pass("synced");
        Ok(())
    }
}
