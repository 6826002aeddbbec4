//! Over an embedded PostgreSQL: beside the suite that runs it, and when nobody does.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;
use uuid::Uuid;

use crate::command::check_directory;
use crate::suite::Suite;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_needs_nothing_but_the_data_directory() {
    let directory = std::env::temp_dir().join(format!("korob-check-{}", Uuid::new_v4().simple()));
    std::fs::create_dir_all(&directory).unwrap();
    let never = check_directory(&directory, &[]);
    assert_eq!(never.status, 2, "{never:?}");
    assert!(never.err.contains("no suite has run"), "{never:?}");

    let config = directory.join("korob.toml");
    std::fs::write(&config, "gateway.listen = \"127.0.0.1:0\"\nops.listen = \"127.0.0.1:0\"\n").unwrap();
    let mut up = Command::new(Suite::binary())
        .arg("--config")
        .arg(&config)
        .arg("--data-dir")
        .arg(&directory)
        .arg("up")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let places = directory.join("run/korob.toml");
    for _ in 0..4 * 60 {
        if places.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }

    let beside = check_directory(&directory, &["--wait", "none"]);
    assert_eq!((beside.status, beside.err.as_str()), (0, ""), "{beside:?}");
    assert!(
        std::fs::read_to_string(&places).unwrap().contains("postgres://korob_reader:"),
        "a role that only reads"
    );

    kill_process(Pid::from_raw(up.id().unwrap().cast_signed()).unwrap(), Signal::TERM).unwrap();
    assert!(up.wait().await.unwrap().success());
    let alone = check_directory(&directory, &["--wait", "none"]);
    assert_eq!((alone.status, alone.err.as_str()), (0, ""), "{alone:?}");
    std::fs::remove_dir_all(&directory).unwrap();
}
