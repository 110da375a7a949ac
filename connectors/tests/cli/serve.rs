//! `serve`: a hub in a process of its own, between emulated systems in another.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Emulators, Shell};

/// The client secret of the emulated app.
const SECRET: &str = "7d1b6f0e-0000-4000-8000-00000000c0de";

/// The hub's address as HubSpot knows it.
const PUBLIC: &str = "https://hub.example.com/bridge";

/// No wait in these tests is longer.
const BOUND: Duration = Duration::from_secs(120);

/// A hub that serves; killed when dropped.
struct Hub {
    child: Child,
    said: Receiver<String>,
    address: String,
}

impl Hub {
    fn start(shell: &Shell) -> Self {
        let mut command = shell.command("serve -v --json");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (say, said) = channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| say.send(line)));
        let mut hub = Self { child, said, address: String::new() };
        let line = hub.hears("listening on ");
        hub.address = line.rsplit_once("http://").unwrap().1.to_owned();
        hub
    }

    /// Reads what it says until a line holds `words`.
    fn hears(&self, words: &str) -> String {
        let mut told = String::new();
        loop {
            let line = self.said.recv_timeout(BOUND).unwrap_or_else(|_| panic!("`{words}` is not said:\n{told}"));
            if line.contains(words) {
                return line;
            }
            told.push_str(&line);
            told.push('\n');
        }
    }

    fn delivered(&self, system: &str, delivery: &Value, body: &str) -> u16 {
        let headers = delivery["headers"].as_object().unwrap().iter();
        let headers: Vec<(&str, &str)> =
            headers.map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        http("POST", &format!("http://{}/hooks/{system}", self.address), &headers, body).0
    }

    /// Asks it to stop, as a service manager does; gives its exit code and what it printed.
    fn stopped(mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        (self.child.wait().unwrap().code(), out)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request to loopback: status and body.
pub(crate) fn http(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut socket = TcpStream::connect(host).unwrap();
    socket.set_read_timeout(Some(BOUND)).unwrap();
    let mut request = format!("{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    request.extend(headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

fn control(emulators: &Emulators, name: &str, command: &str, arguments: &Value) -> Value {
    let url = format!("http://{}/{name}/_control/{command}", emulators.root());
    let (status, body) = http("POST", &url, &[], &arguments.to_string());
    assert_eq!(status, 200, "{command}: {body}");
    serde_json::from_str(&body).unwrap()
}

/// A hub between the sample systems, and HubSpot's app subscribed to won deals.
fn served() -> (Shell, Emulators) {
    let shell = Shell::with_hub();
    let emulators = shell.emulate("hubspot dolibarr");
    let fast = "requests_per_second = 10000\nburst = 10000";
    let crm = format!(
        "connector = \"hubspot\"\nbase_url = \"{}\"\nwebhook_secret = \"{SECRET}\"\n{fast}",
        emulators.address("hubspot")
    );
    shell.edit("config.toml", "connector = \"hubspot\"", &crm);
    shell.edit("config.toml", "connector = \"dolibarr\"", &format!("connector = \"dolibarr\"\n{fast}"));
    let erp = format!("{}\"", emulators.address("dolibarr"));
    shell.edit("config.toml", "https://erp.example.com/api/index.php\"", &erp);
    let serve = format!("[serve]\nlisten = \"127.0.0.1:0\"\npublic_url = \"{PUBLIC}/\"");
    shell.edit("config.toml", "# [serve] ", &format!("{serve}\n# "));
    let settings = json!({
        "target": format!("{PUBLIC}/hooks/crm"), "ten_seconds": null, "searches_per_second": null,
        "search_lag_seconds": 0,
    });
    control(&emulators, "hubspot", "settings", &settings);
    let subscription = json!({"eventType": "deal.propertyChange", "propertyName": "dealstage", "active": true});
    let url = format!("{}/app-webhooks/v3/1160452/subscriptions?hapikey=key", emulators.address("hubspot"));
    assert_eq!(http("POST", &url, &[("Content-Type", "application/json")], &subscription.to_string()).0, 201);
    let shell = shell.set("HUBSPOT_TOKEN", emulators.key("hubspot")).set("DOLIBARR_KEY", emulators.key("dolibarr"));
    shell.ok("check --prepare");
    (shell, emulators)
}

#[test]
fn a_webhook_carries_a_won_deal_to_an_order_and_a_forged_one_carries_nothing() {
    let (shell, emulators) = served();
    let hub = Hub::start(&shell);
    hub.hears("flow=sales by=\"turn\"");
    let won = json!({"type": "deals", "property": "dealstage", "value": "contractsent"});
    let deal = control(&emulators, "hubspot", "find", &won)[0].as_str().unwrap().to_owned();
    control(&emulators, "hubspot", "deliveries", &json!({}));
    control(&emulators, "hubspot", "win_deal", &json!({"id": deal}));
    let deliveries = control(&emulators, "hubspot", "deliveries", &json!({"times": 2}));
    let delivery = &deliveries["deliveries"][0];
    let body = delivery["body"].as_str().unwrap();
    assert_eq!(hub.delivered("crm", delivery, &body.replace(&deal, "1")), 401);
    assert_eq!(hub.delivered("shop", delivery, body), 404);
    assert_eq!(hub.delivered("crm", delivery, &" ".repeat((1 << 20) + 1)), 413);
    assert_eq!(hub.delivered("crm", delivery, body), 200);
    hub.hears("flow=sales by=\"webhook\"");
    let shown = control(&emulators, "hubspot", "show", &json!({"type": "deals", "id": deal}));
    assert!(shown["erp_order_number"].as_str().is_some_and(|number| number.starts_with("CO")), "{shown}");
    for path in ["health", "ready"] {
        assert_eq!(http("GET", &format!("http://{}/{path}", hub.address), &[], "").0, 200, "{path}");
    }
    let (code, out) = hub.stopped();
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["waiting"]), (Some(0), &json!(0)), "{out}");
    let crm = &told["deliveries"]["crm"];
    assert_eq!((&crm["accepted"], &crm["denied"], &crm["too_large"]), (&json!(1), &json!(1), &json!(1)), "{out}");
    let verified = shell.run("verify sales");
    assert!(verified.out.contains("0 differences"), "{verified:?}");
}

#[test]
fn a_command_beside_a_hub_that_serves_says_who_has_the_state_and_how_to_stop_it() {
    let (shell, _emulators) = served();
    let hub = Hub::start(&shell);
    let process = format!("process {}", hub.child.id());
    shell.fails(
        "status",
        1,
        &[
            &process,
            "wait until it is done, or stop it first",
            "on SIGTERM `passerelle serve` finishes what is started",
        ],
    );
    assert_eq!(shell.run("--json conflicts list").json()["error"]["kind"], "unavailable");
    assert_eq!(hub.stopped().0, Some(0));
    shell.ok("status");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let shell = Shell::with_hub().set("HUBSPOT_TOKEN", "key").set("DOLIBARR_KEY", "key");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    shell.edit("config.toml", "# [serve] ", &format!("[serve]\nlisten = \"{address}\"\n# "));
    shell.fails("serve", 2, &[&format!("cannot listen on {address}"), "`[serve] listen`"]);
}
