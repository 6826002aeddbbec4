//! What the documents say works: every command with which they show the interface, and every request of a day.

mod http_file;
mod shell;

use std::path::{Path, PathBuf};

use crate::suite::{Mode, Suite};
use http_file::HttpFile;
use shell::Session;

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_readme_work() {
    let suite = Suite::start(Mode::OneProcess).await;
    let session = Session::of(&read("README.md"));
    let requests = session.run(&suite, "").await;
    assert!(requests >= 10, "only {requests} requests: the commands were not found");
    suite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_other_documents_work() {
    let suite = Suite::start(Mode::OneProcess).await;
    // They go on where the README ends: with a shop and its key.
    let begun = format!(
        "SHOP={}\nSOURCE={}\nWAREHOUSE={}\nKEY=$(korob keys create --name documents --shop $SHOP)\n",
        suite.shop_id, suite.source_id, suite.warehouse_id
    );
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            Session::of(&std::fs::read_to_string(&path).unwrap()).run(&suite, &begun).await;
        }
    }
    suite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_requests_of_a_day_work() {
    let suite = Suite::start(Mode::OneProcess).await;
    let day = HttpFile::parse(&read("examples/day.http"));
    let sent = day.run(&[("korob", suite.url())], &|arguments| suite.command(arguments)).await;
    assert!(sent >= 20, "only {sent} requests: the file was not read well");
    suite.stop().await;
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
