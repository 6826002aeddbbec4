//! The commands of a Markdown document, run as one session in a shell.
//!
//! Blocks marked `sh` that call the interface are run in their order. `curl` tells the status of each answer aside, because
//! examples look at bodies only; a command that is meant to be refused says so in its comment: `# 409 OUT_OF_STOCK`.

use std::process::Stdio;

use tokio::process::Command;

use crate::suite::Suite;

/// Where documents suppose the suite to be.
const DOCUMENTED_URL: &str = "http://127.0.0.1:8080";
/// Where they suppose its operators' port.
const DOCUMENTED_OPERATORS: &str = "http://127.0.0.1:9090";

/// `cargo run … -- up` runs the binary of this test, `korob` the same with the configuration of its suite.
const TOOLS: &str = r#"
set -u -o pipefail
cargo() { while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done; shift; "$KOROB_BINARY" --config "$KOROB_CONFIG" "$@"; }
korob() { cargo -- "$@"; }
curl() { command curl --max-time 60 --write-out '%{stderr}%{http_code} %{method} %{url}\n' "$@"; }
"#;

/// The commands of a document.
pub struct Session {
    script: String,
    /// Statuses of the commands that are meant to be refused, in their order.
    refused: Vec<String>,
}

impl Session {
    pub fn of(document: &str) -> Self {
        let mut script = String::new();
        for block in blocks(document).filter(|block| calls_the_interface(block)) {
            script.push_str(&block);
        }
        let refused = script.lines().filter_map(refusal).collect();
        Self { script, refused }
    }

    /// Runs it after `begun`, commands of its own, and answers the number of requests.
    pub async fn run(&self, suite: &Suite, begun: &str) -> usize {
        if self.script.is_empty() {
            return 0;
        }
        let script = format!("{TOOLS}KOROB={}\n{begun}{}", suite.url(), self.script);
        let operators = format!("http://{}", suite.ops());
        let script = script.replace(DOCUMENTED_URL, suite.url()).replace(DOCUMENTED_OPERATORS, &operators);
        let output = Command::new("bash")
            .args(["-c", &script])
            .env("KOROB_BINARY", Suite::binary())
            .env("KOROB_CONFIG", suite.configuration())
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let (answers, told) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "the commands ended with {}:\n{told}\n{answers}", output.status);
        let statuses: Vec<&str> = told.lines().filter_map(status).collect();
        let refused: Vec<&str> = statuses.iter().copied().filter(|status| !status.starts_with('2')).collect();
        assert_eq!(refused, self.refused, "refused other than the document says:\n{told}\n{answers}");
        statuses.len()
    }
}

/// The blocks marked `sh`.
fn blocks(document: &str) -> impl Iterator<Item = String> {
    let parts = document.split("\n```sh\n").skip(1);
    parts.filter_map(|part| part.split_once("\n```").map(|(block, _)| format!("{block}\n")))
}

/// Blocks that build, test or start something are for people.
fn calls_the_interface(block: &str) -> bool {
    let calls = ["curl ", "post /", "get /", "korob keys", "korob import"];
    block.lines().any(|line| calls.iter().any(|call| line.contains(call)))
}

/// The status in the comment of a command that is meant to be refused.
fn refusal(line: &str) -> Option<String> {
    let comment = line.rsplit_once("# ")?.1;
    let status = comment.split_whitespace().next()?;
    let refused = status.len() == 3 && (status.starts_with('4') || status.starts_with('5'));
    (refused && status.bytes().all(|byte| byte.is_ascii_digit())).then(|| status.to_owned())
}

/// The status in a line that `curl` told aside.
fn status(line: &str) -> Option<&str> {
    let mut words = line.split(' ');
    let (status, method, url) = (words.next()?, words.next()?, words.next()?);
    let told =
        status.len() == 3 && method.bytes().all(|byte| byte.is_ascii_uppercase()) && url.starts_with("http");
    told.then_some(status)
}
