//! What cannot work is told at once, by the name of what is wrong, and nothing is left behind.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use uuid::Uuid;

use crate::suite::Suite;

#[test]
fn a_port_in_use_is_told_before_anything_starts() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    for (variable, key) in
        [("KOROB__GATEWAY__LISTEN", "gateway.listen"), ("KOROB__OPS__LISTEN", "ops.listen")]
    {
        let told = refused("up", variable, &taken);
        assert!(told.contains(&format!("{key}: cannot listen on {taken}")), "{told}");
    }
}

#[test]
fn a_variable_lists_networks_with_commas() {
    let told = refused("migrate", "KOROB__OUTBOUND__ALLOWED_NETWORKS", "127.0.0.0/8,10.0.0.0/33");
    assert!(told.contains("\"10.0.0.0/33\" is neither an address nor a network"), "{told}");
}

#[test]
fn a_carrier_that_cannot_work_is_told_before_anything_starts() {
    let told = refused("up", "KOROB__EVENTS__CARRIER", "nats");
    assert!(told.contains("events.nats.urls: events.carrier = \"nats\" needs a server"), "{told}");
    let told = refused("up", "KOROB__EVENTS__CARRIER", "kafka");
    assert!(told.contains("kafka for key `events.carrier`"), "{told}");
}

#[test]
fn what_cannot_be_so_many_processes_is_told() {
    let told = refused("up", "KOROB__REPLICAS", "0");
    assert!(told.contains("replicas: 1 to 16"), "{told}");
    let told = refused("up", "KOROB__REPLICAS", "2");
    assert!(told.contains("replicas: 2 need `up --processes`"), "{told}");
}

/// What the binary says to a command that fails; both ports are free unless `variable` says otherwise.
fn refused(command: &str, variable: &str, value: &str) -> String {
    let data_dir = std::env::temp_dir().join(format!("korob-wrong-{}", Uuid::new_v4().simple()));
    let output = Command::new(Suite::binary())
        .arg("--data-dir")
        .arg(&data_dir)
        .arg(command)
        .env("KOROB__GATEWAY__LISTEN", "127.0.0.1:0")
        .env("KOROB__OPS__LISTEN", "127.0.0.1:0")
        .env(variable, value)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(!data_dir.exists(), "nothing was begun");
    String::from_utf8(output.stderr).unwrap()
}
