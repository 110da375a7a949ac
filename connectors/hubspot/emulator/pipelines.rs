//! Pipelines and their stages.

use passerelle_core::http::Response;
use serde_json::{Value, json};

use super::account::{Account, Values};
use super::call::Call;
use super::kind::Kind;
use super::refusal::{Refusal, Reply};

/// A pipeline.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub id: String,
    pub label: String,
    pub stages: Vec<Stage>,
}

/// A stage of a pipeline.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub id: String,
    pub label: String,
    pub probability: String,
    pub closed: bool,
}

impl Pipeline {
    /// The pipeline that every account has.
    pub(super) fn default_of_deals() -> Self {
        let rows = [
            ("appointmentscheduled", "Appointment scheduled", "0.2", false),
            ("qualifiedtobuy", "Qualified to buy", "0.4", false),
            ("presentationscheduled", "Presentation scheduled", "0.6", false),
            ("decisionmakerboughtin", "Decision maker bought-in", "0.8", false),
            ("contractsent", "Contract sent", "0.9", false),
            ("closedwon", "Closed won", "1.0", true),
            ("closedlost", "Closed lost", "0.0", true),
        ];
        let stage = |(id, label, probability, closed): (&str, &str, &str, bool)| Stage {
            id: id.to_owned(),
            label: label.to_owned(),
            probability: probability.to_owned(),
            closed,
        };
        Self { id: "default".to_owned(), label: "Sales pipeline".to_owned(), stages: rows.map(stage).into() }
    }

    fn from_body(body: &Value, id: u64) -> Result<Self, Refusal> {
        let label = body["label"].as_str().ok_or_else(|| Refusal::invalid("label is required"))?;
        let stages = body["stages"].as_array().ok_or_else(|| Refusal::invalid("stages is required"))?;
        let stages = stages.iter().zip(1..).map(|(stage, at)| Stage::from_body(stage, id * 100 + at));
        Ok(Self { id: id.to_string(), label: label.to_owned(), stages: stages.collect::<Result<_, _>>()? })
    }

    fn to_json(&self, order: usize) -> Value {
        let stages = self.stages.iter().enumerate().map(|(at, stage)| stage.to_json(at));
        json!({
            "id": self.id, "label": self.label, "displayOrder": order, "archived": false,
            "stages": stages.collect::<Vec<_>>(),
            "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z",
        })
    }
}

impl Stage {
    fn from_body(body: &Value, id: u64) -> Result<Self, Refusal> {
        let label = body["label"].as_str().ok_or_else(|| Refusal::invalid("label is required"))?;
        let metadata = &body["metadata"];
        Ok(Self {
            id: body["stageId"].as_str().map_or_else(|| id.to_string(), str::to_owned),
            label: label.to_owned(),
            probability: metadata["probability"].as_str().unwrap_or("0.5").to_owned(),
            closed: metadata["isClosed"].as_str() == Some("true"),
        })
    }

    fn to_json(&self, order: usize) -> Value {
        json!({
            "id": self.id, "label": self.label, "displayOrder": order, "archived": false,
            "metadata": {"probability": self.probability, "isClosed": self.closed.to_string()},
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z",
        })
    }
}

impl Account {
    /// A stage, whatever its pipeline.
    pub(super) fn stage(&self, kind: Kind, id: &str) -> Option<&Stage> {
        self.pipelines.get(&kind)?.iter().flat_map(|pipeline| &pipeline.stages).find(|stage| stage.id == id)
    }

    /// Refuses a stage that is not of the pipeline.
    pub(super) fn check_stage(&self, kind: Kind, values: &Values) -> Result<(), Refusal> {
        let (Some(pipelines), Some(stage)) = (self.pipelines.get(&kind), values.get("dealstage")) else {
            return Ok(());
        };
        let pipeline = values.get("pipeline").map_or("default", String::as_str);
        let known = pipelines.iter().find(|known| known.id == pipeline);
        if known.is_some_and(|known| known.stages.iter().any(|known| known.id == *stage)) {
            return Ok(());
        }
        let message = format!("{stage:?} is not a stage of pipeline {pipeline:?}");
        Err(Refusal::property("dealstage", "INVALID_OPTION", &message))
    }
}

/// `/crm/pipelines/{type}[/{id}[/stages]]`.
pub(super) fn answer(account: &mut Account, call: &Call<'_>, rest: &[&str]) -> Reply {
    let Some((kind, rest)) = rest.split_first() else { return Err(Refusal::no_route()) };
    let kind = Kind::parse(kind).ok_or_else(Refusal::no_route)?;
    let known = account.pipelines.get(&kind).cloned().unwrap_or_default();
    let shown = |(at, pipeline): (usize, &Pipeline)| pipeline.to_json(at);
    match (call.method, rest) {
        ("GET", []) => {
            let results: Vec<Value> = known.iter().enumerate().map(shown).collect();
            Ok(Response::json(200, &json!({"results": results})))
        }
        ("POST", []) => {
            let id = account.next_id();
            let pipeline = Pipeline::from_body(call.body, id)?;
            let body = pipeline.to_json(known.len());
            account.pipelines.entry(kind).or_default().push(pipeline);
            account.refresh_options();
            Ok(Response::json(201, &body))
        }
        (_, [id, rest @ ..]) => one(account, call, kind, (id, rest)),
        _ => Err(Refusal::method()),
    }
}

/// `/crm/pipelines/{type}/{id}[/stages]`.
fn one(account: &mut Account, call: &Call<'_>, kind: Kind, (id, rest): (&str, &[&str])) -> Reply {
    let new_id = account.next_id();
    let known = account.pipelines.entry(kind).or_default();
    let at = known.iter().position(|pipeline| pipeline.id == id);
    let at = at.ok_or_else(|| Refusal::not_found("pipeline not found"))?;
    let Some(pipeline) = known.get_mut(at) else { return Err(Refusal::no_route()) };
    match (call.method, rest) {
        ("GET", []) => Ok(Response::json(200, &pipeline.to_json(at))),
        ("GET", ["stages"]) => Ok(Response::json(200, &json!({"results": pipeline.to_json(at)["stages"]}))),
        ("POST", ["stages"]) => {
            let stage = Stage::from_body(call.body, new_id)?;
            let body = stage.to_json(pipeline.stages.len());
            pipeline.stages.push(stage);
            account.refresh_options();
            Ok(Response::json(201, &body))
        }
        ("DELETE", []) => {
            // What is in use is protected unless the caller says otherwise.
            let asks = ["validateDealStageUsagesBeforeDelete", "validateReferencesBeforeDelete"];
            let is_protected = !asks.iter().any(|name| call.param(name) == Some("false"));
            let objects = account.objects.get(&kind).into_iter().flat_map(|objects| objects.values());
            let mut used = objects.filter_map(|object| object.values.get("pipeline"));
            if is_protected && used.any(|used| used == id) {
                return Err(Refusal::invalid("the pipeline is in use"));
            }
            known.remove(at);
            account.refresh_options();
            Ok(Response::empty(204))
        }
        _ => Err(Refusal::method()),
    }
}
