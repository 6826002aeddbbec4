//! A nats-server of one test, with JetStream, that can be killed, wiped and started again.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use uuid::Uuid;

/// Names the program; `cargo xtask test` installs it and sets this.
pub const NATS_VARIABLE: &str = "KOROB_TEST_NATS_SERVER";

/// A server on the loopback interface. It ends, and its files go, with this value.
#[derive(Debug)]
pub struct NatsServer {
    address: SocketAddr,
    directory: PathBuf,
    child: Option<Child>,
}

impl NatsServer {
    /// Starts one with nothing in it.
    pub async fn start() -> Self {
        let directory = std::env::temp_dir().join(format!("korob-nats-{}", Uuid::new_v4().simple()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound listener");
        drop(listener);
        let mut server = Self { address, directory, child: None };
        server.start_again().await;
        server
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// `kill -9`.
    pub async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.expect("it can be killed");
        }
    }

    /// Forgets everything: streams, consumers, messages. It must have been killed.
    pub fn wipe(&self) {
        assert!(self.child.is_none(), "a server that runs would write on");
        std::fs::remove_dir_all(self.store()).expect("there is something to forget");
    }

    /// Starts it again over what it has kept, on the same port.
    pub async fn start_again(&mut self) {
        // As docs/operations.md asks for it: what is acknowledged is on the disk.
        let text = format!(
            "listen: \"{}\"\nmax_payload: 1MB\njetstream {{ store_dir: {:?}, sync_interval: always }}\n",
            self.address,
            self.store()
        );
        let file = self.directory.join("nats.conf");
        std::fs::write(&file, text).expect("write the configuration");
        let log = std::fs::File::options().create(true).append(true).open(self.directory.join("log"));
        let child = Command::new(program())
            .arg("--config")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("open the log"))
            .kill_on_drop(true)
            .spawn();
        self.child = Some(child.expect("nats-server starts"));
        for _ in 0..400 {
            if TcpStream::connect(self.address).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let log = std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        panic!("nats-server does not listen at {}: {log}", self.address);
    }

    fn store(&self) -> PathBuf {
        self.directory.join("store")
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.start_kill();
        }
        // What it writes in its last moment stays behind at worst.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The program that is named, or that the project's chores have installed.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os(NATS_VARIABLE) {
        return named.into();
    }
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let tools = variable("KOROB_TOOLS_DIR").or_else(|| {
        let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        Some(cache?.join("korob-tools"))
    });
    let installed = tools.iter().flat_map(|tools| installed_in(tools)).max();
    installed.unwrap_or_else(|| {
        panic!("nats-server is not installed: run cargo xtask postgres, or name it in {NATS_VARIABLE}")
    })
}

fn installed_in(tools: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(tools).into_iter().flatten().flatten();
    let places = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("nats-server-"));
    places.map(|entry| entry.path().join("bin/nats-server")).filter(|program| program.is_file()).collect()
}
