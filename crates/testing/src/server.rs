//! The PostgreSQL server that tests share.

use embedded_postgres::{Durability, Postgres, Settings};
use tokio::sync::OnceCell;

/// Names the administrator's URL of a server that all test processes share; `cargo xtask test` sets it, and
/// `cargo xtask postgres` keeps one running while you work.
pub const POSTGRES_VARIABLE: &str = "KOROB_TEST_POSTGRES";

static OWN: OnceCell<(Postgres, String)> = OnceCell::const_new();

/// Where `cargo xtask postgres` leaves its URL.
pub fn shared_url_file() -> std::path::PathBuf {
    std::env::temp_dir().join("korob-testing-postgres.url")
}

/// The administrator's URL of the shared server, or of one that this process starts for itself.
pub async fn admin_url() -> String {
    if let Ok(url) = std::env::var(POSTGRES_VARIABLE) {
        return url;
    }
    if let Ok(url) = std::fs::read_to_string(shared_url_file())
        && tokio_postgres::connect(&url, tokio_postgres::NoTls).await.is_ok()
    {
        return url;
    }
    let (_, url) = OWN.get_or_init(start_own).await;
    url.clone()
}

async fn start_own() -> (Postgres, String) {
    let directory = std::env::temp_dir().join(format!("korob-test-{}", std::process::id()));
    let mut settings = Settings::at(&directory);
    settings.durability = Durability::TestsOnly;
    settings.max_connections = 300;
    let postgres = Postgres::start(settings).await.expect("tests need PostgreSQL");
    let url = postgres.admin_url("postgres");
    (postgres, url)
}
