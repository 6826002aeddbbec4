//! `korob health`: what an image without a shell is asked.

use std::process::{Command, Output, Stdio};

use crate::suite::{Mode, Suite};

#[tokio::test(flavor = "multi_thread")]
async fn a_suite_without_its_database_is_alive_and_not_ready() {
    let mut suite = Suite::start(Mode::OneProcess).await;
    assert!(health(&suite, &[]).status.success(), "it is ready");

    // Who connects anew is turned away, and who is connected is told to go.
    let url = suite.database_url("orders").to_owned();
    let name = url.rsplit('/').next().unwrap();
    let admin = suite.database("access").await;
    let closed = format!(
        "ALTER DATABASE {name} ALLOW_CONNECTIONS false;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    );
    admin.batch_execute(&closed).await.unwrap();
    testing::eventually("not ready", async || (!health(&suite, &[]).status.success()).then_some(())).await;
    let told = String::from_utf8(health(&suite, &[]).stderr).unwrap();
    assert!(told.contains(&format!("{}/readyz answers 503", suite.ops())), "{told}");
    assert!(health(&suite, &["--live"]).status.success(), "it is alive");

    admin.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await.unwrap();
    testing::eventually("ready", async || health(&suite, &[]).status.success().then_some(())).await;

    suite.kill().await;
    let told = String::from_utf8(health(&suite, &["--live"]).stderr).unwrap();
    assert!(told.contains(&format!("{}/livez does not answer", suite.ops())), "{told}");
    suite.start_again().await;
    suite.stop().await;
}

fn health(suite: &Suite, more: &[&str]) -> Output {
    let mut command = Command::new(Suite::binary());
    command.arg("--config").arg(suite.configuration()).arg("health").args(more);
    command.stdin(Stdio::null()).output().unwrap()
}
