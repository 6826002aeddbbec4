//! A private PostgreSQL against the real one that is installed here.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use embedded_postgres::{Durability, Error, Postgres, Settings};
use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::{Client, NoTls};

/// A directory of one test, removed with all it holds.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("korob-pg-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn settings(&self) -> Settings {
        Settings { durability: Durability::TestsOnly, max_connections: 20, ..Settings::at(&self.0) }
    }

    async fn start(&self) -> Postgres {
        Postgres::start(self.settings()).await.expect("PostgreSQL starts")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn write_note(url: &str, note: &str) {
    let client = connect(url).await.expect("connects");
    client.batch_execute("CREATE TABLE IF NOT EXISTS notes (note text NOT NULL)").await.expect("creates");
    client.execute("INSERT INTO notes VALUES ($1)", &[&note]).await.expect("inserts");
}

async fn notes(url: &str) -> Vec<String> {
    let client = connect(url).await.expect("connects");
    let rows = client.query("SELECT note FROM notes ORDER BY note", &[]).await.expect("selects");
    rows.iter().map(|row| row.get(0)).collect()
}

async fn setting(postgres: &Postgres, name: &str) -> String {
    let admin = connect(&postgres.admin_url("postgres")).await.expect("connects");
    admin.query_one("SELECT current_setting($1)", &[&name]).await.expect("selects").get(0)
}

fn postmaster_pid(data_dir: &Path) -> Pid {
    let pid_file = fs::read_to_string(data_dir.join("cluster/postmaster.pid")).expect("a pid file");
    let number = pid_file.lines().next().and_then(|line| line.parse().ok()).expect("a number");
    Pid::from_raw(number).expect("a pid")
}

#[tokio::test]
async fn a_database_is_ensured_as_often_as_asked() {
    let scratch = Scratch::new("ensure");
    let postgres = scratch.start().await;

    let first = postgres.ensure_database("inventory").await.expect("creates");
    write_note(&first, "kept").await;
    let second = postgres.ensure_database("inventory").await.expect("is content");

    assert_eq!(first, second);
    assert_eq!(notes(&second).await, ["kept"]);
    let refused = postgres.ensure_database("no; such").await;
    assert!(matches!(refused, Err(Error::DatabaseName { .. })), "{refused:?}");
    postgres.stop().await.expect("stops");
}

#[tokio::test]
async fn a_reader_reads_what_it_was_given_and_writes_nothing() {
    let scratch = Scratch::new("reader");
    let postgres = scratch.start().await;
    let owner = postgres.ensure_database("orders").await.expect("creates");
    postgres.ensure_database("payments").await.expect("creates");

    let reader = postgres.ensure_reader("orders").await.expect("creates");
    // Also what is made later.
    write_note(&owner, "kept").await;

    assert_eq!(postgres.ensure_reader("orders").await.expect("is content"), reader);
    assert_eq!(notes(&reader).await, ["kept"]);
    let client = connect(&reader).await.expect("connects");
    for write in [
        "DELETE FROM notes",
        "SET default_transaction_read_only = off; DELETE FROM notes",
        "CREATE TABLE mine ()",
    ] {
        assert!(client.batch_execute(write).await.is_err(), "{write}");
    }
    let other = reader.replace("/orders", "/payments");
    assert!(connect(&other).await.is_err(), "a database that it was not given");
}

#[tokio::test]
async fn databases_are_ensured_concurrently() {
    let scratch = Scratch::new("concurrent");
    let postgres = scratch.start().await;

    let (one, other, same) = tokio::join!(
        postgres.ensure_database("orders"),
        postgres.ensure_database("catalog"),
        postgres.ensure_database("orders"),
    );

    assert_eq!(one.expect("creates"), same.expect("creates"));
    connect(&other.expect("creates")).await.expect("connects");
}

#[tokio::test]
async fn a_restart_keeps_the_data_and_the_passwords() {
    let scratch = Scratch::new("restart");
    let postgres = scratch.start().await;
    write_note(&postgres.ensure_database("orders").await.expect("creates"), "kept").await;
    postgres.stop().await.expect("stops");

    let postgres = scratch.start().await;

    let url = postgres.ensure_database("orders").await.expect("is content");
    assert_eq!(notes(&url).await, ["kept"]);
}

#[tokio::test]
async fn a_killed_server_starts_again() {
    let scratch = Scratch::new("killed");
    let postgres = scratch.start().await;
    let url = postgres.ensure_database("orders").await.expect("creates");
    write_note(&url, "kept").await;
    let _busy = connect(&url).await.expect("a backend that outlives its postmaster for a moment");

    kill_process(postmaster_pid(&scratch.0), Signal::KILL).expect("kills");
    let status = postgres.exited().await;
    drop(postgres);
    let postgres = scratch.start().await;

    assert!(!status.success());
    assert_eq!(notes(&postgres.ensure_database("orders").await.expect("is content")).await, ["kept"]);
}

#[tokio::test]
async fn a_stale_pid_file_that_names_a_living_stranger_is_removed() {
    let scratch = Scratch::new("stale");
    let postgres = scratch.start().await;
    let pid_file = scratch.0.join("cluster/postmaster.pid");
    let stale = fs::read_to_string(&pid_file).expect("a pid file");
    postgres.stop().await.expect("stops");
    let others_pid = std::process::id().to_string();
    let stale = stale.replacen(stale.lines().next().expect("a line"), &others_pid, 1);
    fs::write(&pid_file, stale).expect("writes");

    scratch.start().await.stop().await.expect("stops");
}

#[tokio::test]
async fn a_role_cannot_connect_to_the_database_of_another() {
    let scratch = Scratch::new("roles");
    let postgres = scratch.start().await;
    let orders = postgres.ensure_database("orders").await.expect("creates");
    postgres.ensure_database("payments").await.expect("creates");

    for foreign in ["payments", "postgres", "template1"] {
        let url = format!("{}/{foreign}", orders.strip_suffix("/orders").expect("ends with the database"));
        let error = connect(&url).await.expect_err("refused");
        let refusal = error.as_db_error().map(|error| error.message().to_owned()).unwrap_or_default();
        assert!(refusal.contains("permission denied"), "{foreign}: {error}");
    }
}

#[tokio::test]
async fn a_connection_needs_the_password_on_either_way_in() {
    let scratch = Scratch::new("password");
    let postgres = scratch.start().await;
    let url = postgres.ensure_database("orders").await.expect("creates");
    let socket_url = postgres.through_socket(&url).expect("a short path");

    for way in [&url, &socket_url] {
        connect(way).await.expect("connects");
        let (scheme, rest) = way.split_once("orders:").expect("a role");
        let guess = format!("{scheme}orders:0{rest}");
        assert!(connect(&guess).await.is_err(), "a wrong password is refused");
    }
    let mode = fs::metadata(scratch.0.join("secrets/orders")).expect("a secret").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn an_awkward_path_is_no_obstacle() {
    let scratch = Scratch::new("a space, a comma, a \"quote\" and ё");
    let postgres = scratch.start().await;
    let url = postgres.ensure_database("orders").await.expect("creates");

    connect(&postgres.through_socket(&url).expect("a short path")).await.expect("connects");
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_leaves_the_loopback_port() {
    let scratch = Scratch::new(&"long-".repeat(24));
    let postgres = scratch.start().await;
    let url = postgres.ensure_database("orders").await.expect("creates");

    assert_eq!(postgres.through_socket(&url), None);
    connect(&url).await.expect("connects");
}

#[tokio::test]
async fn settings_reach_the_server() {
    let scratch = Scratch::new("settings");
    let durable = Settings { max_connections: 37, ..Settings::at(&scratch.0) };
    let postgres = Postgres::start(durable).await.expect("starts");

    for (name, value) in [
        ("max_connections", "37"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("jit", "off"),
        ("data_checksums", "on"),
        ("TimeZone", "UTC"),
    ] {
        assert_eq!(setting(&postgres, name).await, value, "{name}");
    }
    let pages = setting(&postgres, "shared_buffers").await;
    let mib: u64 = pages.strip_suffix("MB").and_then(|mib| mib.parse().ok()).expect("a number of MB");
    assert!((128..=512).contains(&mib), "a share of this machine's memory: {pages}");
}

#[tokio::test]
async fn files_of_the_log_are_made_once_and_kept() {
    let scratch = Scratch::new("log-files");
    let durable = Settings::at(&scratch.0);
    let files = async |postgres: &Postgres| -> (i64, i64) {
        let admin = connect(&postgres.admin_url("postgres")).await.expect("connects");
        admin.batch_execute("CHECKPOINT").await.expect("writes a checkpoint");
        let statement = "SELECT (SELECT count(*) FROM pg_ls_waldir()),
                                trunc((pg_current_wal_lsn() - '0/0') / (16 << 20))::bigint";
        let row = admin.query_one(statement, &[]).await.expect("selects");
        (row.get(0), row.get(1))
    };

    let postgres = Postgres::start(durable.clone()).await.expect("starts");
    let kept = setting(&postgres, "min_wal_size").await;
    let (made, at) = files(&postgres).await;
    postgres.stop().await.expect("stops");
    let again = Postgres::start(durable).await.expect("starts again");
    let (made_later, at_later) = files(&again).await;

    let kept_mib: i64 = match kept.strip_suffix("GB") {
        Some(gib) => gib.parse::<i64>().expect("a number") * 1024,
        None => kept.trim_end_matches("MB").parse().expect("a number"),
    };
    assert!((made - kept_mib / 16).abs() <= 1, "{made} files for {kept}");
    assert!((made_later - made).abs() <= 1, "{made_later} files, {made} before");
    assert!(at_later - at <= 1, "no file was left for a new one: {at} to {at_later}");
}

#[tokio::test]
async fn a_data_directory_has_one_user_at_a_time() {
    let scratch = Scratch::new("lock");
    let _postgres = scratch.start().await;

    let second = Postgres::start(scratch.settings()).await;

    assert!(matches!(second, Err(Error::InUse { .. })), "{second:?}");
}

#[tokio::test]
async fn missing_binaries_name_the_command_that_installs_them() {
    let scratch = Scratch::new("missing");
    let settings = Settings { bin_dir: Some("/nowhere".into()), ..scratch.settings() };

    let error = Postgres::start(settings).await.expect_err("nothing is there");

    assert!(error.to_string().contains("apt-get install -y postgresql"), "{error}");
    assert!(!scratch.0.exists(), "nothing was created");
}

#[tokio::test]
async fn a_directory_below_a_closed_one_is_refused_for_root() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let scratch = Scratch::new("closed");
    fs::create_dir(&scratch.0).expect("creates");
    fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o700)).expect("closes");
    let settings = Settings { data_dir: scratch.0.join("data"), ..scratch.settings() };

    let error = Postgres::start(settings).await.expect_err("unreachable");

    assert!(matches!(&error, Error::Unreachable { closed_at, .. } if *closed_at == scratch.0), "{error}");
}

/// Set in the child process of [`the_server_ends_with_a_killed_owner`]: where it starts a server.
const OWNED_DATA_DIR: &str = "EMBEDDED_POSTGRES_OWNED_DATA_DIR";

/// Not a test of its own: the owner that the test below kills.
#[tokio::test]
async fn owner_process() {
    let Some(data_dir) = std::env::var_os(OWNED_DATA_DIR).map(PathBuf::from) else { return };
    let settings = Settings { durability: Durability::TestsOnly, ..Settings::at(&data_dir) };
    let postgres = Postgres::start(settings).await.expect("starts");
    write_note(&postgres.ensure_database("orders").await.expect("creates"), "kept").await;
    fs::write(data_dir.with_extension("ready"), "").expect("writes");
    tokio::time::sleep(Duration::from_secs(60)).await;
}

#[tokio::test]
async fn the_server_ends_with_a_killed_owner() {
    let scratch = Scratch::new("owner");
    let ready = scratch.0.with_extension("ready");
    let mut owner = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "owner_process"])
        .env(OWNED_DATA_DIR, &scratch.0)
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !ready.exists() {
        assert!(Instant::now() < deadline, "the owner never got ready");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let _ = fs::remove_file(&ready);

    owner.kill().expect("kills");
    owner.wait().expect("is gone");
    let postgres = scratch.start().await;

    assert_eq!(notes(&postgres.ensure_database("orders").await.expect("is content")).await, ["kept"]);
}
