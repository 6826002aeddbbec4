//! What may be done about a finding: calls, or a question that only a person can answer.

use check::{Finding, Log};
use std::collections::BTreeMap;

use proto::orders::v1::OrderState;
use proto::payments::v1::{AttemptOutcome, Payment};
use tonic::Status;

use super::facts::Facts;
use super::step::{Matter, Step};

/// What may be done.
pub enum Remedy {
    /// These calls, which bring it right.
    Calls { steps: Vec<Step>, why: String },
    /// One of several ways, or none.
    Question { why: String, choices: Vec<Choice> },
}

/// A way that a person may choose.
#[derive(Debug, Clone)]
pub struct Choice {
    /// What is said to choose it.
    pub name: &'static str,
    /// What it does.
    pub what: String,
    /// The call; none: only the decision is written down.
    pub step: Option<Step>,
}

/// How far the logs reach, by service.
pub type Logs = BTreeMap<String, Log>;

impl Remedy {
    /// Of a finding, after asking the services about it.
    pub async fn of(finding: &Finding, facts: &Facts, logs: &Logs) -> Result<Self, Status> {
        let id = |kind: &str| finding.ids.get(kind).cloned().unwrap_or_default();
        let order_id = id("order_id");
        let reconcile = |matter| Step::ReconcileOrder { order_id: order_id.clone(), matter };
        Ok(match finding.check {
            "event-cursors-log" | "event-cursors-trimmed" => cursor(finding, logs),
            "parked-events" => parked(finding, facts).await?,
            "sagas-undecided" if finding.databases == ["orders"] => {
                calls([Step::ResumeProcess { process_id: id("saga_id") }], "nobody works on the process")
            }
            "order-sagas" if ["placing", "cancelling", "editing"].contains(&id("what").as_str()) => calls(
                [reconcile(Matter::Process)],
                format!("the order is marked as {} and no process does it", id("what")),
            ),
            "order-reservations" => reservation(finding, facts, &order_id).await?,
            "sold-and-not-held" => {
                calls([reconcile(Matter::Stock)], "it was sold and is neither held nor short")
            }
            "payment-orders" => orphan_payment(facts, &order_id, &id("payment_id")).await?,
            "order-payments" => payment(finding, &order_id),
            "order-paid" => {
                calls([reconcile(Matter::Payments)], "the order's sums are not those of its payments")
            }
            "delivery-plan-orders" => calls(
                [Step::CancelDelivery { delivery_plan_id: id("delivery_plan_id") }],
                format!("its order {order_id} is {}", there_or_not(finding)),
            ),
            "shipment-orders" => shipment(finding, facts, &order_id, &id("shipment_id")).await?,
            "order-delivery-plans" if finding.expected == "nothing" => calls(
                [reconcile(Matter::Delivery)],
                format!("delivery does not know {}", id("delivery_plan_id")),
            ),
            "order-shipments" if finding.expected == "nothing" => {
                lost_parcel(facts, &order_id, &id("shipment_id")).await?
            }
            "order-numbers-reused" => {
                let taken = id("number");
                let why = format!("delivery knows {} by the number {taken}", finding.expected);
                calls([reconcile(Matter::Number { taken })], why)
            }
            "customer-purchases" => {
                calls([Step::RecountOrder { order_id }], "what is counted is not what the order is")
            }
            "customer-counters" => calls(
                [Step::RecountCustomer { customer_id: id("customer_id") }],
                "the sums are not those of the purchases",
            ),
            "order-customers" => customer(finding, facts, &order_id).await?,
            "stock-on-hand" | "stock-reserved" | "stock-reservations" | "stock-bounds" => {
                let condition = Some(id("condition")).filter(|one| !one.is_empty());
                let condition = condition.unwrap_or_else(|| "sellable".to_owned());
                let (sku, warehouse_id) = (id("sku"), id("warehouse_id"));
                let why = "the ledger and the reservations are believed, the level is their sum";
                calls([Step::RecountStock { sku, warehouse_id, condition }], why)
            }
            _ => question(
                "no verb of a service can know what is right: find out what happened, and mend it with the verbs \
                           of the interface",
                [],
            ),
        })
    }
}

fn calls(steps: impl IntoIterator<Item = Step>, why: impl Into<String>) -> Remedy {
    Remedy::Calls { steps: steps.into_iter().collect(), why: why.into() }
}

fn question(why: impl Into<String>, choices: impl IntoIterator<Item = Choice>) -> Remedy {
    Remedy::Question { why: why.into(), choices: choices.into_iter().collect() }
}

fn there_or_not(finding: &Finding) -> &str {
    if finding.expected == "nothing" { "not there" } else { &finding.expected }
}

/// What was read up to the moment to which the log was restored is in it; what came after is to be read.
fn cursor(finding: &Finding, logs: &Logs) -> Remedy {
    let [producer, service] = finding.databases.as_slice() else { return question("it names no log", []) };
    let (Some(log), Some(consumer)) = (logs.get(producer), finding.ids.get("consumer")) else {
        return question(format!("the log of {producer} cannot be read"), []);
    };
    let ends = log.restored_at.unwrap_or(log.last);
    // `… at 358`, or the position alone.
    let read =
        finding.found.rsplit(' ').next().and_then(|position| position.parse().ok()).unwrap_or(i64::MAX);
    let position = ends.min(read).max(log.trimmed);
    let why = match log.restored_at {
        Some(_) => format!("the log of {producer} was restored and ended at {ends} then"),
        None => format!(
            "the log of {producer} ends at {ends}, and nobody has said that it was restored (`korob restored {producer}`): \
             what was told since is not read, and shows as differences"
        ),
    };
    let (service, consumer, epoch) = (service.clone(), consumer.clone(), log.epoch.clone());
    calls([Step::ResetCursor { service, consumer, epoch, position }], why)
}

/// Only those that wait for an operator; the others are tried again by themselves.
async fn parked(finding: &Finding, facts: &Facts) -> Result<Remedy, Status> {
    let Some(service) = finding.databases.first() else { return Ok(question("it names no service", [])) };
    let named = |kind: &str| finding.ids.get(kind).cloned().unwrap_or_default();
    let (consumer, position) = (named("consumer"), named("position"));
    let all = facts.parked(service).await?;
    let found = all.into_iter().find(|parked| {
        let event = parked.event.as_ref();
        parked.consumer == consumer && event.is_some_and(|event| event.position.to_string() == position)
    });
    let Some(parked) = found else { return Ok(calls([], "it was applied meanwhile")) };
    if parked.error.is_empty() {
        return Ok(calls([], "it waits behind another one of its aggregate"));
    }
    let event_id = parked.event.map(|event| event.event_id).unwrap_or_default();
    let why = format!("it could not be applied: {}", parked.error);
    Ok(calls([Step::ReplayEvent { service: service.clone(), consumer, event_id }], why))
}

/// What is held for nobody is released; what is not held for somebody is held again.
async fn reservation(finding: &Finding, facts: &Facts, order_id: &str) -> Result<Remedy, Status> {
    let lives = match facts.order(order_id).await? {
        None => false,
        Some(order) => !matches!(order.state(), OrderState::Cancelled | OrderState::Rejected),
    };
    if lives {
        let why = format!("inventory holds {}, the order says {}", finding.expected, finding.found);
        let (order_id, matter) = (order_id.to_owned(), Matter::Stock);
        return Ok(calls([Step::ReconcileOrder { order_id, matter }], why));
    }
    let held = facts.held_for(order_id).await?;
    let release = |one: proto::inventory::v1::Reservation| Step::ReleaseReservation {
        reservation_id: one.reservation_id,
    };
    let why = format!("{} is held for {order_id}, which is not there or given up", finding.expected);
    Ok(calls(held.into_iter().map(release), why))
}

/// Nobody but a person knows what money is for whose order is not there.
async fn orphan_payment(facts: &Facts, order_id: &str, payment_id: &str) -> Result<Remedy, Status> {
    let Some(payment) = facts.payment(payment_id).await? else {
        return Ok(calls([], "the payment is not there any more"));
    };
    if !is_touched(&payment) {
        let why = format!("its order {order_id} is not there or given up, and nobody has begun to pay it");
        return Ok(calls([Step::VoidUntouched { payment_id: payment_id.to_owned() }], why));
    }
    let sum = |money: &Option<proto::r#type::v1::Money>| {
        money
            .as_ref()
            .map_or("nothing".to_owned(), |money| format!("{} {}", money.amount, money.currency_code))
    };
    let why = format!(
        "{} was taken by {payment_id} and {} given back, for {order_id}, which is not there or given up; the provider knows \
         the attempts as {}",
        sum(&payment.captured),
        sum(&payment.refunded),
        payment.attempts.iter().map(|one| one.attempt_id.as_str()).collect::<Vec<_>>().join(", "),
    );
    let step = Step::Refund { payment_id: payment_id.to_owned() };
    Ok(question(why, [Choice { name: "refund", what: step.to_string(), step: Some(step) }]))
}

fn is_touched(payment: &Payment) -> bool {
    payment.attempts.iter().any(|attempt| {
        !matches!(
            attempt.outcome(),
            AttemptOutcome::Failed | AttemptOutcome::Released | AttemptOutcome::Returned
        )
    })
}

/// A payment that payments has lost took money, perhaps, that nobody but the provider knows of.
fn payment(finding: &Finding, order_id: &str) -> Remedy {
    let step = Step::ReconcileOrder { order_id: order_id.to_owned(), matter: Matter::Payments };
    let payment_id = finding.ids.get("payment_id").cloned().unwrap_or_default();
    if finding.expected != "nothing" {
        return calls([step], format!("payments says {}, the order {}", finding.expected, finding.found));
    }
    if finding.found.contains(" paid 0 ") {
        return calls([step], format!("payments does not know {payment_id}, of which nothing was paid"));
    }
    let why = format!(
        "payments does not know {payment_id}, of which the order says: {}. Ask the provider, or the one who took the money",
        finding.found
    );
    let what =
        format!("{step}; what was taken is recorded afterwards: POST /v1/payments/{payment_id}/record");
    question(why, [Choice { name: "reopen", what, step: Some(step) }])
}

/// A plan takes its parcel along; where it is given up already, the parcel goes by itself.
async fn shipment(
    finding: &Finding,
    facts: &Facts,
    order_id: &str,
    shipment_id: &str,
) -> Result<Remedy, Status> {
    let Some(parcel) = facts.shipment(shipment_id).await? else {
        return Ok(calls([], "the parcel is not there any more"));
    };
    let why = format!("its order {order_id} is {}", there_or_not(finding));
    let step = match parcel.delivery_plan_id.is_empty() {
        false => Step::CancelDelivery { delivery_plan_id: parcel.delivery_plan_id },
        true => Step::CancelShipment { shipment_id: shipment_id.to_owned() },
    };
    Ok(calls([step], why))
}

/// The carrier may have it, and know it by the same name.
async fn lost_parcel(facts: &Facts, order_id: &str, shipment_id: &str) -> Result<Remedy, Status> {
    let order = facts.order(order_id).await?.unwrap_or_default();
    let part = order.fulfilments.iter().find(|part| part.shipment_id == shipment_id);
    let why = format!(
        "delivery does not know parcel {shipment_id} of {order_id}; ask the carrier whether it has it"
    );
    let Some(part) = part else { return Ok(question(why, [])) };
    let step = Step::BookShipment {
        delivery_plan_id: part.delivery_plan_id.clone(),
        shipment_id: shipment_id.to_owned(),
    };
    Ok(question(why, [Choice { name: "book", what: step.to_string(), step: Some(step) }]))
}

/// One order is named for all of a customer in a shop.
async fn customer(finding: &Finding, facts: &Facts, order_id: &str) -> Result<Remedy, Status> {
    let named =
        finding.ids.get("customer_and_shop").and_then(|both| both.split(' ').next()).unwrap_or_default();
    let customer_id = format!("cus_{}", named.replace('-', ""));
    let mut order_ids = facts.orders_of(&customer_id).await?;
    if order_ids.is_empty() {
        order_ids.push(order_id.to_owned());
    }
    let again = |order_id| Step::ReconcileOrder { order_id, matter: Matter::Customer };
    let why = format!("customers has no card {customer_id} that the shop of the order has seen");
    Ok(calls(order_ids.into_iter().map(again), why))
}
