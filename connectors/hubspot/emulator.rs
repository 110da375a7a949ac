//! A stand-in of HubSpot's CRM API: one account, every version of the paths, as the vendor answers.

mod account;
mod associations;
mod batch;
mod call;
mod catalog;
mod control;
mod definitions;
mod derive;
mod directory;
mod filter;
mod kind;
mod limits;
mod links;
mod merge;
mod objects;
mod pipelines;
mod property;
mod quotes;
mod refusal;
mod search;
mod seed;
mod settings;
mod subscriptions;
#[cfg(test)]
mod tests;
mod tokens;
mod writes;

use jiff::Timestamp;
use passerelle_core::Result;
use passerelle_core::emulator::Emulator;
use passerelle_core::http::{Request, Response};
use serde_json::Value;

use account::Account;
use call::Call;
use limits::Meter;
use refusal::{Refusal, Reply};
use tokens::Tokens;

/// A longer query is refused with 414; where exactly HubSpot draws the line is not documented.
const LONGEST_QUERY: usize = 8000;

/// HubSpot, as an emulator.
pub(super) struct HubSpot {
    account: Account,
    meter: Meter,
    tokens: Tokens,
    calls: u64,
}

impl HubSpot {
    /// A new account.
    pub(super) fn boxed() -> Box<dyn Emulator> {
        Box::new(Self { account: Account::new(), meter: Meter::default(), tokens: Tokens::default(), calls: 0 })
    }

    fn route(&mut self, request: &Request, now: Timestamp) -> Reply {
        let asked: usize = request.query.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        if asked > LONGEST_QUERY {
            return Err(Refusal::new(414, "VALIDATION_ERROR", "URI too long"));
        }
        let (version, parts) = call::segments(&request.path).ok_or_else(Refusal::no_route)?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if parts.as_slice() == ["oauth", "token"] {
            return self.tokens.answer(request, now);
        }
        let body = call::json_body(request);
        let call = Call { method: request.method, version: &version, query: &request.query, body: &body, now };
        if let ["app-webhooks" | "webhooks", rest @ ..] = parts.as_slice() {
            return subscriptions::answer(&mut self.account, &call, rest);
        }
        let token = self.tokens.check(request, now)?;
        tokens::check_scope(&self.account.settings, token, request.method, &parts)?;
        match parts.as_slice() {
            ["crm", "objects", rest @ ..] => objects::answer(&mut self.account, &call, rest),
            ["crm", "associations", rest @ ..] => associations::answer(&mut self.account, &call, rest),
            ["crm", "properties", rest @ ..] => definitions::answer(&mut self.account, &call, rest),
            ["crm", "pipelines", rest @ ..] => pipelines::answer(&mut self.account, &call, rest),
            ["crm", "owners", rest @ ..] => directory::owners(&call, rest),
            ["settings", "currencies", rest @ ..] => directory::currencies(&self.account, &call, rest),
            ["account-info", rest @ ..] => directory::of_account(&self.account, &call, rest, self.meter.today()),
            _ => Err(Refusal::no_route()),
        }
    }
}

impl Emulator for HubSpot {
    fn vendor(&self) -> &'static str {
        "hubspot"
    }

    fn base_path(&self) -> &'static str {
        ""
    }

    fn key(&self) -> String {
        tokens::TOKEN.to_owned()
    }

    fn handle(&mut self, request: &Request, now: Timestamp) -> Response {
        let now = to_millisecond(now);
        self.calls += 1;
        let dated =
            |response: Response| match jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now) {
                Ok(date) => response.with_header("Date", date),
                Err(_) => response,
            };
        let is_search = request.path.ends_with("/search");
        if let Err(refused) = self.meter.count(&self.account.settings, now, is_search) {
            return dated(refused);
        }
        let correlation = format!("00000000-0000-4000-8000-{:012x}", self.calls);
        let response = self.route(request, now).unwrap_or_else(|refusal| refusal.respond(&correlation));
        let response = if is_search { response } else { self.meter.headers(response, &self.account.settings) };
        dated(response)
    }

    fn seed(&mut self, sample: &Value, now: Timestamp) -> Result<()> {
        seed::fill(&mut self.account, sample, to_millisecond(now))
    }

    fn control(&mut self, command: &str, arguments: &Value, now: Timestamp) -> Result<Value> {
        control::run(&mut self.account, command, arguments, to_millisecond(now))
    }
}

/// HubSpot knows no smaller time.
fn to_millisecond(now: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
