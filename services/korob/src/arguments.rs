//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::roles::Role;

/// An open order desk for online shops.
#[derive(Parser)]
#[command(name = "korob", version, about)]
pub struct Arguments {
    /// Configuration file; /etc/korob/korob.toml when it exists
    #[arg(long, global = true, env = "KOROB_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where the embedded PostgreSQL, secrets and run-time files live
    #[arg(long, global = true)]
    pub data_dir: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run the whole suite on this machine
    Up(Up),
    /// Run one role as a process of its own; databases and addresses come from the configuration
    Serve {
        /// A service, or `gateway`
        role: Role,
    },
    /// Bring every configured database to the schema of this version, then exit
    Migrate,
    /// Manage the keys of partners; the suite must be running
    #[command(subcommand)]
    Keys(Keys),
    /// Bring data in; the suite must be running
    #[command(subcommand)]
    Import(Import),
    /// Start a private suite, fill it with a shop, replay a day of orders and tell what happened
    Demo(Demo),
    /// Measure the suite against a frozen floor on the same server
    #[command(subcommand)]
    Bench(Bench),
    /// Run payment providers, carriers and the cash register in miniature, which fail on demand
    Simulate(Simulate),
    /// Print the OpenAPI document
    Openapi,
}

/// How to run the whole suite.
#[derive(Args, Clone, Copy)]
pub struct Up {
    /// Every role as a process of its own, supervised
    #[arg(long)]
    pub processes: bool,
}

/// Keys of partners.
#[derive(Subcommand)]
pub enum Keys {
    /// Make a key and print its secret, once
    Create {
        /// What the key is for
        #[arg(long)]
        name: String,
        /// Shops it may see (shp_…); repeat for several
        #[arg(long = "shop")]
        shops: Vec<String>,
        /// Scopes such as orders.write; repeat for several; when none is given all but access.keys, which makes more keys
        #[arg(long = "scope")]
        scopes: Vec<String>,
        /// Requests per second
        #[arg(long, default_value_t = 100)]
        rate_limit: i32,
    },
    /// List keys, newest first
    List,
    /// Give a key another secret and print it, once
    Rotate {
        /// key_…
        key_id: String,
        /// How long the old secret works on
        #[arg(long, default_value_t = 0)]
        grace_minutes: i32,
    },
    /// Make a key invalid, everywhere within five seconds
    Revoke {
        /// key_…
        key_id: String,
    },
}

/// Data to bring in.
#[derive(Subcommand)]
pub enum Import {
    /// A YML feed
    Yml {
        /// The file
        file: PathBuf,
        /// Tell what would change and write nothing
        #[arg(long)]
        dry_run: bool,
        /// The source whose ids the feed carries (src_…); offers are matched by it
        #[arg(long, default_value = "")]
        source: String,
        /// The price list that gets the prices (prl_…); the default list of each currency when empty
        #[arg(long, default_value = "")]
        price_list: String,
    },
}

/// How to run the demonstration.
#[derive(Args, Clone)]
pub struct Demo {
    /// Stop after the summary; exit status 1 if anything was lost, doubled or oversold
    #[arg(long)]
    pub exit: bool,
    /// Every role as a process of its own
    #[arg(long)]
    pub processes: bool,
    /// Orders to replay
    #[arg(long, default_value_t = 1200)]
    pub orders: usize,
    /// Clients that place them
    #[arg(long, default_value_t = 16)]
    pub clients: usize,
    /// Where the gateway listens; a free port when 0
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
}

/// How to run the simulators.
#[derive(Args, Clone)]
pub struct Simulate {
    /// Where they listen
    #[arg(long, default_value = "127.0.0.1:8099")]
    pub listen: SocketAddr,
    /// `<system>:<fault>=<probability>`, such as card:timeout_after_effect=0.3; repeat for several
    #[arg(long = "fault")]
    pub faults: Vec<String>,
    /// The same seed strikes the same calls
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// `<system>=<url>[,<secret>]`: where a system sends its webhooks; repeat for several
    #[arg(long)]
    pub webhooks: Vec<String>,
    /// How long a parcel stays where it is before it moves on by itself; 0: parcels are moved by hand
    #[arg(long, default_value_t = 0)]
    pub travel_ms: u64,
}

/// What to measure.
#[derive(Subcommand)]
pub enum Bench {
    /// Orders placed over REST, next to a frozen pgbench floor on the same server
    Orders(BenchOrders),
}

/// How to measure orders.
#[derive(Args, Clone)]
pub struct BenchOrders {
    /// Clients in a closed loop
    #[arg(long, default_value_t = 32)]
    pub clients: usize,
    /// Seconds of each run
    #[arg(long, default_value_t = 20)]
    pub seconds: u64,
    /// Every role as a process of its own
    #[arg(long)]
    pub processes: bool,
    /// Also write the figures to this file
    #[arg(long)]
    pub json: Option<PathBuf>,
}
