//! The control API: what a test, a demonstration or a person does to the simulators from outside.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::faults::{BadPlan, Plan, Script, SystemPlan};
use crate::ledger;
use crate::parcels::{self, Move, Moved, Stuck};
use crate::system::System;
use crate::webhooks::Target;
use crate::world::World;

type Shared = State<Arc<World>>;

/// The furthest that one call moves the clock.
const ADVANCE_MS_MAX: u64 = 366 * 24 * 3_600 * 1_000;

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/faults", get(faults).put(replace_faults).delete(clear_faults))
        .route("/faults/{system}", get(faults_of).put(set_faults_of).delete(clear_faults_of))
        .route("/faults/{system}/next", post(script))
        .route("/ledger", get(read_ledger))
        .route("/clock", get(clock).post(advance).put(advance))
        .route("/webhooks", get(targets))
        .route("/webhooks/deliveries", get(deliveries))
        .route("/webhooks/{system}", put(register).delete(unregister))
        .route("/parcels/{number}/advance", post(move_parcel))
        .route("/reset", post(reset))
}

/// A refusal of the control API.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<BadPlan> for Refused {
    fn from(bad: BadPlan) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, bad.to_string())
    }
}

fn named(system: &str) -> Result<System, Refused> {
    system
        .parse()
        .map_err(|unknown: crate::system::UnknownSystem| Refused(StatusCode::NOT_FOUND, unknown.to_string()))
}

/// What is set, and how often each fault has struck.
async fn faults(State(world): Shared) -> Json<Value> {
    let plan = world.faults.plan();
    Json(json!({ "seed": plan.seed, "systems": plan.systems, "struck": world.faults.struck() }))
}

async fn replace_faults(State(world): Shared, Json(plan): Json<Plan>) -> Result<Json<Value>, Refused> {
    world.faults.replace(plan)?;
    Ok(faults(State(world)).await)
}

async fn clear_faults(State(world): Shared) -> Result<Json<Value>, Refused> {
    world.faults.replace(Plan::default())?;
    Ok(faults(State(world)).await)
}

async fn faults_of(State(world): Shared, Path(system): Path<String>) -> Result<Json<SystemPlan>, Refused> {
    let system = named(&system)?;
    Ok(Json(world.faults.plan().systems.remove(&system).unwrap_or_default()))
}

async fn set_faults_of(
    State(world): Shared,
    Path(system): Path<String>,
    Json(plan): Json<SystemPlan>,
) -> Result<Json<SystemPlan>, Refused> {
    world.faults.change(named(&system)?, |set| *set = plan)?;
    faults_of(State(world), Path(system)).await
}

async fn clear_faults_of(
    State(world): Shared,
    Path(system): Path<String>,
) -> Result<Json<SystemPlan>, Refused> {
    world.faults.change(named(&system)?, |set| *set = SystemPlan::default())?;
    faults_of(State(world), Path(system)).await
}

/// Adds a scripted fault behind those that wait.
async fn script(
    State(world): Shared,
    Path(system): Path<String>,
    Json(script): Json<Script>,
) -> Result<Json<SystemPlan>, Refused> {
    world.faults.change(named(&system)?, |set| set.next.push_back(script))?;
    faults_of(State(world), Path(system)).await
}

async fn read_ledger(State(world): Shared, Query(query): Query<ledger::Query>) -> Json<Value> {
    Json(json!({ "entries": world.ledger.read(&query) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: u64,
}

async fn clock(State(world): Shared) -> Json<Value> {
    Json(json!({ "now": world.now() }))
}

/// Moves the time on; what becomes due has happened when this answers.
async fn advance(State(world): Shared, Json(request): Json<Advance>) -> Result<Json<Value>, Refused> {
    if request.advance_ms > ADVANCE_MS_MAX {
        let why = format!("advance_ms: at most {ADVANCE_MS_MAX}");
        return Err(Refused(StatusCode::UNPROCESSABLE_ENTITY, why));
    }
    world.advance(Duration::from_millis(request.advance_ms));
    Ok(clock(State(world)).await)
}

async fn targets(State(world): Shared) -> Json<Value> {
    let targets = System::ALL.map(|system| (system.name().to_owned(), json!(world.webhooks.targets(system))));
    Json(Value::Object(targets.into_iter().collect()))
}

/// Registers a receiver, beside those that were registered the vendor's own way.
async fn register(
    State(world): Shared,
    Path(system): Path<String>,
    Json(target): Json<Target>,
) -> Result<Json<Value>, Refused> {
    let system = named(&system)?;
    if !system.tells() {
        return Err(Refused(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("{system} sends no webhooks: poll it"),
        ));
    }
    if !target.url.starts_with("http://") {
        let why = "url: only http:// is spoken here";
        return Err(Refused(StatusCode::UNPROCESSABLE_ENTITY, why.to_owned()));
    }
    if !world.webhooks.register(system, target) {
        let why = format!("at most {} receivers", crate::webhooks::TARGETS_MAX);
        return Err(Refused(StatusCode::UNPROCESSABLE_ENTITY, why));
    }
    Ok(targets(State(world)).await)
}

async fn unregister(State(world): Shared, Path(system): Path<String>) -> Result<Json<Value>, Refused> {
    world.webhooks.unregister(named(&system)?, |_| true);
    Ok(targets(State(world)).await)
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct DeliveriesOf {
    system: Option<System>,
}

/// The latest attempts to deliver webhooks.
async fn deliveries(State(world): Shared, Query(of): Query<DeliveriesOf>) -> Json<Value> {
    Json(json!({ "deliveries": world.webhooks.deliveries(of.system) }))
}

/// Moves a parcel, whichever carrier it is with.
async fn move_parcel(
    State(world): Shared,
    Path(number): Path<String>,
    Json(step): Json<Move>,
) -> Result<Json<Moved>, Refused> {
    let moved = parcels::advance(&world, &number, &step);
    moved.map(Json).map_err(|stuck| {
        let status = match stuck {
            Stuck::Unknown { .. } => StatusCode::NOT_FOUND,
            Stuck::Ended { .. } => StatusCode::CONFLICT,
            Stuck::NoSuchCode { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Refused(status, stuck.to_string())
    })
}

/// Forgets everything that happened; faults and receivers of webhooks stay.
async fn reset(State(world): Shared) -> StatusCode {
    world.forget();
    StatusCode::NO_CONTENT
}
