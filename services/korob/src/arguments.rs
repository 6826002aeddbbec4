//! The command line.

use std::fmt::{Display, Formatter};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::configuration::Replicas;
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
    /// Look for what cannot be true in all databases; exit status 0: nothing, 1: violations, 2: not all could be read
    Check(Check),
    /// Bring right what `check` finds, by the services' own verbs; the suite must be running; exit status as of `check`
    Repair(Repair),
    /// Say that a service's database was restored to an earlier moment: before the suite is started over it
    Restored {
        /// The service whose database it is
        service: Role,
    },
    /// Look at events that could not be applied, and have them tried again; the suite must be running
    #[command(subcommand)]
    Events(Events),
    /// Measure the suite on this machine, orders against a frozen floor on the same server
    Bench(Bench),
    /// Run payment providers, carriers and the cash register in miniature, which fail on demand
    Simulate(Simulate),
    /// Print the OpenAPI document
    Openapi,
    /// Print which role calls which, as JSON
    CallGraph,
    /// Ask the process of this configuration whether it is ready; exit status 0 when it is
    Health(Health),
}

/// What to ask it.
#[derive(Args, Clone, Copy)]
pub struct Health {
    /// Whether it is alive, ready or not
    #[arg(long)]
    pub live: bool,
}

/// How to run the whole suite.
#[derive(Args, Clone, Copy)]
pub struct Up {
    /// Every role as a process of its own, supervised; SIGUSR2 restarts all of them, one at a time
    #[arg(long)]
    pub processes: bool,
    /// Processes of each role, 1 to 16; calls are shared among them
    #[arg(long, requires = "processes")]
    pub replicas: Option<Replicas>,
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

/// What to check, and how.
#[derive(Args, Clone)]
pub struct Check {
    /// Also what clients were told: JSON lines, described in crates/check/README.md
    #[arg(long)]
    pub history: Option<PathBuf>,
    /// Also the books of simulators, such as http://127.0.0.1:8099
    #[arg(long)]
    pub simulators: Option<String>,
    /// Print a list of objects
    #[arg(long)]
    pub json: bool,
    /// How long what seems wrong may take to come right before it is looked at again, such as 60s or 500ms; `none`: look once
    #[arg(long, default_value = "60s", value_parser = wait)]
    pub wait: Wait,
    /// Print the names of all checks, each with what it asserts, and check nothing
    #[arg(long)]
    pub list: bool,
}

/// What to repair, and how.
#[derive(Args, Clone)]
pub struct Repair {
    /// Tell what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Only what this check finds (`korob check --list`); repeat for several
    #[arg(long, value_name = "CHECK")]
    pub only: Vec<String>,
    /// Only what is about this id, such as ord_…; repeat for several
    #[arg(long = "id", value_name = "ID")]
    pub ids: Vec<String>,
    /// Carry out what was decided about one finding: CHECK:ID=CHOICE, as the dry run prints it
    #[arg(long, value_name = "CHECK:ID=CHOICE", value_parser = decision, conflicts_with_all = ["dry_run", "only", "ids"])]
    pub decide: Option<Decision>,
    /// Why, with --decide; it is kept, so nothing personal
    #[arg(long, requires = "decide")]
    pub note: Option<String>,
    /// Also compare the books of simulators, such as http://127.0.0.1:8099
    #[arg(long)]
    pub simulators: Option<String>,
    /// Print what is proposed, or left, as an object
    #[arg(long)]
    pub json: bool,
    /// How long what seems wrong may take to come right before it is looked at again, such as 60s or 500ms; `none`: look once
    #[arg(long, default_value = "60s", value_parser = wait)]
    pub wait: Wait,
}

/// What a person has decided about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The check that finds it.
    pub check: String,
    /// One of the ids that it names.
    pub id: String,
    /// What to do.
    pub choice: String,
}

fn decision(text: &str) -> Result<Decision, String> {
    let read = || {
        let (check, rest) = text.split_once(':')?;
        let (id, choice) = rest.rsplit_once('=')?;
        let complete = !check.is_empty() && !id.is_empty() && !choice.is_empty();
        complete.then(|| Decision { check: check.to_owned(), id: id.to_owned(), choice: choice.to_owned() })
    };
    read().ok_or_else(|| "write CHECK:ID=CHOICE, such as payment-orders:pay_…=refund".to_owned())
}

/// Events that could not be applied.
#[derive(Subcommand)]
pub enum Events {
    /// List them, with what was wrong
    Parked {
        /// Only of the consumers of this service
        #[arg(long)]
        service: Option<Role>,
    },
    /// Show one with all it says; bodies are shown as JSON, without personal data
    Show {
        /// Its id, as `parked` prints it
        event_id: String,
    },
    /// Have one tried again, or all that wait for an operator; each takes along what waits behind it
    Replay {
        /// Its id, as `parked` prints it
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        event_id: Option<String>,
        /// All of them
        #[arg(long)]
        all: bool,
        /// Only of this consumer, such as orders.follow_payments
        #[arg(long)]
        consumer: Option<String>,
    },
}

/// How long to wait for what seems wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// What seems wrong is a violation at once.
    None,
    /// It is looked at again then.
    For(Duration),
}

fn wait(text: &str) -> Result<Wait, String> {
    if text == "none" {
        return Ok(Wait::None);
    }
    let unit_at = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(unit_at);
    let number: u64 = digits.parse().map_err(|_| "write 60s, 500ms or none".to_owned())?;
    match unit {
        "s" => Ok(Wait::For(Duration::from_secs(number))),
        "ms" => Ok(Wait::For(Duration::from_millis(number))),
        _ => Err("write 60s, 500ms or none".to_owned()),
    }
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

/// What to measure, and how.
#[derive(Args, Clone)]
pub struct Bench {
    /// Which benches, in this order; all when none is named
    pub benches: Vec<BenchName>,
    /// Clients in a closed loop; 32 and then 64 for orders, 64 elsewhere, when it is not given
    #[arg(long)]
    pub clients: Option<usize>,
    /// Seconds of each run
    #[arg(long, default_value_t = 20.0, value_parser = seconds)]
    pub seconds: f64,
    /// Every role as a process of its own
    #[arg(long)]
    pub processes: bool,
    /// Leave out the open loops, which measure how long people wait
    #[arg(long)]
    pub throughput_only: bool,
    /// Also write the figures to this file
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// SKUs of the assortment
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(2..100_000))]
    pub skus: u64,
    /// Orders in the list that orders-list reads
    #[arg(long, default_value_t = 100_000)]
    pub orders_in_list: u64,
    /// Offers of the feed that import brings in
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(2..))]
    pub offers: u64,
}

impl Bench {
    /// The benches that were asked for.
    pub fn names(&self) -> Vec<BenchName> {
        if self.benches.is_empty() { BenchName::value_variants().to_vec() } else { self.benches.clone() }
    }

    /// Whether this one was.
    pub fn measures(&self, name: BenchName) -> bool {
        self.names().contains(&name)
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=3_600.0).contains(&seconds) { Ok(seconds) } else { Err("0.1 to 3600".to_owned()) }
}

/// A bench; in the order in which all of them run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchName {
    /// What the suite has in memory while nobody asks
    Idle,
    /// Orders placed over REST, next to a frozen pgbench floor on the same server
    Orders,
    /// Orders for one SKU beside orders for any
    HotSku,
    /// Pages of the catalog
    CatalogRead,
    /// Pages of a long list of orders, the first and one far behind
    OrdersList,
    /// From the commit that told an event to the one that applied it
    Events,
    /// Three and ten times what there is
    Overload,
    /// A large feed, again unchanged, and again after kill -9
    Import,
}

impl Display for BenchName {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        let value = self.to_possible_value();
        formatter.write_str(value.as_ref().map(PossibleValue::get_name).unwrap_or_default())
    }
}
