//! The demonstration is the suite's own account of a bad day; its exit status says whether everything adds up.

use std::process::Stdio;

use tokio::process::Command;
use uuid::Uuid;

const ORDERS: &str = "160";

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_day_adds_up() {
    let data_dir = std::env::temp_dir().join(format!("korob-demo-{}", Uuid::new_v4().simple()));

    let ended = Command::new(env!("CARGO_BIN_EXE_korob"))
        .arg("--data-dir")
        .arg(&data_dir)
        .args(["demo", "--exit", "--orders", ORDERS, "--port", "0"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();

    let (told, errors) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{told}\n{errors}");
    assert!(told.contains("Everything adds up."), "{told}");
    // What never happened proves nothing.
    for part in ["placed", "confirmed at their bank", "went back to the buyers"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(!told.contains(" 0 buyers paid by card"), "{told}");
    std::fs::remove_dir_all(&data_dir).unwrap();
}
