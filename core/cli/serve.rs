//! `passerelle serve`: webhooks and the timetable, until told to stop.

use std::sync::Arc;

use serde_json::json;

use super::Context;
use super::hub::Hub;
use super::output::{CommandResult, Report};
use super::signals::Signals;
use crate::model::FlowName;
use crate::serve::{INBOX_CAPACITY, Life, Listening, Server, Setup, Tally, Timing, listen};
use crate::{Error, ErrorKind, Result};

/// Run flows by their timetable and at once on webhooks, until SIGTERM or Ctrl-C.
///
/// Vendors send webhooks to `POST /hooks/<system>`; `GET /health` and `GET /ready` tell whether it lives and can take
/// them. `[serve]` of the config says where it listens. What is started when it is told to stop is finished; a second
/// signal stops it at once, which costs nothing but time.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(context: &Context, _: &Args) -> CommandResult {
    let signals = Signals::heard()?;
    let mut hub = Hub::open(context, &[], "starting")?;
    let life = Arc::new(Life::default());
    // From here on nobody watches a spinner.
    hub.engine.watch = Arc::clone(&life) as _;
    let server = Arc::new(Server::new(hub.engine.clone(), setup(&hub)?)?);
    let listening = open_door(&hub, &server, &life).await?;
    eprintln!("listening on http://{}", listening.address);
    let ending = Arc::clone(&life);
    let listener = tokio::spawn(async move { end_on(signals, &ending).await });
    life.live(&server).await;
    listening.close().await?;
    listener.abort();
    Ok(farewell(&server))
}

fn setup(hub: &Hub) -> Result<Setup> {
    let timing = |(name, flow): (&FlowName, &crate::config::Flow)| Ok((name.clone(), Timing::of(flow)?));
    let timings = hub.config.flows.iter().map(timing).collect::<Result<_>>()?;
    // Hubs that are started together need not call together.
    let seed = hub.engine.clock.now().as_nanosecond() as u64;
    Ok(Setup { timings, capacity: INBOX_CAPACITY, seed })
}

async fn open_door(hub: &Hub, server: &Arc<Server>, life: &Arc<Life>) -> Result<Listening> {
    let serve = &hub.config.serve;
    let address = serve.listen.parse().map_err(|_| {
        Error::new(
            ErrorKind::Config,
            format!("`[serve] listen` is `{}`, which is not an address and a port", serve.listen),
        )
    })?;
    listen(Arc::clone(server), Arc::clone(life), address, serve.public_url.as_deref()).await
}

/// The first signal ends the life, a second the program: jobs that were started are looked up by the next start.
async fn end_on(mut signals: Signals, life: &Life) {
    signals.next().await;
    life.end();
    signals.next().await;
    std::process::exit(1);
}

fn farewell(server: &Server) -> Report {
    let waiting = server.waiting();
    let tallies = server.tallies();
    let mut text = String::from("Stopped; the next start goes on from here.\n");
    for (system, tally) in &tallies {
        let Tally { accepted, denied, unavailable, .. } = tally;
        text.push_str(&format!("  {system}: {accepted} deliveries taken, {denied} denied, {unavailable} put off\n"));
    }
    if waiting > 0 {
        text.push_str(&format!("  {waiting} named records wait to be looked at\n"));
    }
    Report::done(json!({ "deliveries": tallies, "waiting": waiting }), text)
}
