//! What hostile clients try, against a running suite: other people's things, slow and oversized requests, broken
//! protobuf, JSON, text, numbers and money. Nobody gets what is not theirs, everybody hears a clear refusal, and others go on.

#![allow(clippy::unwrap_used)] // Tests: a failure is a panic.

#[path = "../../services/korob/src/new_shop.rs"]
mod new_shop;
#[path = "../../services/korob/src/rest.rs"]
#[allow(dead_code)]
mod rest;
#[path = "../scenarios/suite.rs"]
#[allow(dead_code)]
mod suite;

mod belongings;
mod client;
mod findings;
mod frames;
mod messages;
mod methods;
mod places;
mod ports;
mod processes;
mod requests;

mod access_at_ports;
mod access_over_rest;
mod errors;
mod floods;
mod foreign_objects;
mod keys;
mod malformed_protobuf;
mod nasty_texts;
mod numbers_and_money;
mod slow_and_oversized;

use crate::suite::{Mode, Setup, Suite};

/// Simulators listen on this machine, and one buyer tries every route.
const SETTINGS: &str = "outbound.allowed_networks = [\"127.0.0.0/8\"]\n[gateway.limits]\nbuyer_requests_per_second_max = 10000\n";

/// One suite in many processes for all of it: only there a service has a port.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_what_is_not_theirs() {
    let suite = Suite::start_with(Mode::Processes, SETTINGS).await;
    suite.stock("MUG", 1_000).await;
    let told = std::time::Instant::now();
    let say = |what: &str| eprintln!("{what}: {:.1} s", told.elapsed().as_secs_f64());

    keys::no_secret_is_kept_anywhere(&suite).await;
    keys::a_revoked_key_is_dead_within_five_seconds(&suite).await;
    say("keys");
    let shop = foreign_objects::try_every_id(&suite).await;
    say("foreign objects");
    access_over_rest::try_every_route(&suite, &shop).await;
    say("routes");
    access_at_ports::try_every_method(&suite).await;
    say("ports");
    keys::guessing_ends(&suite).await;
    nasty_texts::come_back_as_they_were(&shop).await;
    nasty_texts::nul_is_refused_by_name(&shop).await;
    nasty_texts::in_every_field(&suite, &shop).await;
    say("texts");
    numbers_and_money::json_bombs(&shop).await;
    numbers_and_money::other_currencies(&suite, &shop).await;
    numbers_and_money::in_every_field(&suite, &shop).await;
    say("numbers");
    malformed_protobuf::try_every_method(&suite).await;
    say("protobuf");
    floods::at_every_door(&suite).await;
    say("floods");
    errors::of_every_class(&suite, &shop).await;
    say("errors");
    suite.stop().await;
}

/// A suite of its own: its limits are short, so that the test is. On a busy machine its jobs hold connections for longer, and
/// others need one, too.
#[tokio::test(flavor = "multi_thread")]
async fn slow_and_greedy_clients_harm_nobody() {
    let more = slow_and_oversized::LIMITS.to_owned();
    let setup = Setup { more, pool_size: Some(16), ..Setup::default() };
    let suite = Suite::start_as(Mode::OneProcess, setup).await;
    slow_and_oversized::oversized_and_lying(&suite).await;
    slow_and_oversized::drops_that_keep_coming(&suite).await;
    slow_and_oversized::slow_clients(&suite).await;
    suite.stop().await;
}
