//! How one vendor's interface is described to the frame, and how the frame answers a call with all that may go wrong.

use std::sync::Arc;

use axum::response::Response;

use crate::answer::{Answer, cut};
use crate::asked::Asked;
use crate::fault::Fault;
use crate::system::System;
use crate::world::World;

/// One vendor.
#[derive(Clone, Copy)]
pub(crate) struct Vendor {
    pub system: System,
    /// Which operation a request asks for.
    pub operation: fn(&Asked) -> Option<Operation>,
    /// What the vendor says when it says nothing of the matter.
    pub face: fn(Face) -> Answer,
    /// Whether there is no room for more.
    pub is_full: fn(&World) -> bool,
}

/// What can be asked of a vendor.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    /// Its name in scripted faults.
    pub name: &'static str,
    pub kind: Kind,
    /// Does it, at once and without waiting: what happens later is given to the timers.
    pub run: fn(&Arc<World>, &Asked) -> Answer,
}

/// What a call may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing: it only reads.
    Read,
    /// It changes something.
    Write,
    /// A page for the buyer's browser, which faults spare.
    Page,
}

/// Answers that every vendor has and words in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    RateLimited,
    Unavailable,
    Broken,
    ErrorIn200,
    NotFound,
}

pub(crate) const fn read(name: &'static str, run: fn(&Arc<World>, &Asked) -> Answer) -> Option<Operation> {
    Some(Operation { name, kind: Kind::Read, run })
}

pub(crate) const fn write(name: &'static str, run: fn(&Arc<World>, &Asked) -> Answer) -> Option<Operation> {
    Some(Operation { name, kind: Kind::Write, run })
}

pub(crate) const fn page(name: &'static str, run: fn(&Arc<World>, &Asked) -> Answer) -> Option<Operation> {
    Some(Operation { name, kind: Kind::Page, run })
}

/// Answers a call, or cuts the line.
pub(crate) async fn serve(world: Arc<World>, vendor: Vendor, asked: Asked) -> Response {
    let Some(operation) = (vendor.operation)(&asked) else {
        return (vendor.face)(Face::NotFound).into_response();
    };
    if operation.kind == Kind::Page {
        return (operation.run)(&world, &asked).into_response();
    }
    let system = vendor.system;
    let strikes = |fault| world.faults.strikes(system, fault, operation.name);
    let writes = operation.kind == Kind::Write;

    if strikes(Fault::RateLimit) {
        return (vendor.face)(Face::RateLimited).into_response();
    }
    if strikes(Fault::Unavailable) || (writes && (world.ledger.is_full() || (vendor.is_full)(&world))) {
        return (vendor.face)(Face::Unavailable).into_response();
    }
    if strikes(Fault::Error5xx) {
        return (vendor.face)(Face::Broken).into_response();
    }
    if strikes(Fault::Http200Error) {
        return (vendor.face)(Face::ErrorIn200).into_response();
    }
    if strikes(Fault::TimeoutBeforeEffect) {
        return hang(&world, system).await;
    }
    if writes && strikes(Fault::LateEffect) {
        let due = world.now() + world.faults.late(system);
        world.timers.at(due, move |world| _ = (operation.run)(world, &asked));
        return hang(&world, system).await;
    }

    let answer = (operation.run)(&world, &asked);

    if writes && strikes(Fault::ErrorAfterEffect) {
        return (vendor.face)(Face::Broken).into_response();
    }
    if writes && strikes(Fault::TimeoutAfterEffect) {
        return hang(&world, system).await;
    }
    if strikes(Fault::Slow) {
        tokio::time::sleep(world.faults.slow(system)).await;
    }
    world.gates.pass(system, operation.name).await;
    if strikes(Fault::MalformedAnswer) {
        return answer.broken_off().into_response();
    }
    answer.into_response()
}

/// Keeps the caller waiting, then hangs up without a word.
async fn hang(world: &World, system: System) -> Response {
    tokio::time::sleep(world.faults.hang(system)).await;
    cut()
}
