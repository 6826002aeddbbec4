//! A paper that tells events and a reader that applies them, each with a database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use events::{Carrier, CarrierKind, Event, EventLog, NatsSettings, Subscription};
use proto::events::v1::event_log_service_client::EventLogServiceClient;
use proto::events::v1::event_log_service_server::{EventLogService, EventLogServiceServer};
use proto::events::v1::{
    ListParkedEventsRequest, ListParkedEventsResponse, ReadEventsRequest, ReadEventsResponse,
    ReplayParkedEventRequest, ReplayParkedEventResponse,
};
use proto::r#type::v1::Money;
use rpc::{BoundChannel, Call, Caller, CallerKeys, Channel, Directory, Servers, StackLayer};
use service::{Configured, Parts, Platform, Running, Service};
use store::{EmbeddedMigrations, Error, NewEvent, Settings, Store, Tx, cached_sql};
use testing::{NatsServer, Proxy, TestDatabase};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tower::Layer;
use types::Clock;

struct Paper;

impl Service for Paper {
    const NAME: &'static str = "paper";

    fn migrations() -> EmbeddedMigrations {
        store::platform_migrations()
    }

    async fn start(_: Platform) -> anyhow::Result<Parts> {
        Ok(Parts::new())
    }
}

/// What the reader does with an event whose body begins with the mark.
#[derive(Default)]
pub struct Mood {
    upset: AtomicBool,
}

impl Mood {
    /// While the reader is upset, events marked `bad` and `panic` fail.
    pub fn set_upset(&self, upset: bool) {
        self.upset.store(upset, Ordering::SeqCst);
    }

    fn is_upset(&self) -> bool {
        AtomicBool::load(&self.upset, Ordering::SeqCst)
    }
}

/// What carries the paper's events to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Log,
    Nats,
}

/// What the processes share.
pub const SECRET: &[u8] = b"secret";

/// A producer and a consumer.
pub struct Newsroom {
    pub mood: Arc<Mood>,
    /// The broker, if there is one.
    pub nats: Option<NatsServer>,
    pub events: events::Settings,
    paper: Running,
    /// The reader's database; its service is this test.
    pub reader: Store,
    directory: Directory,
    paper_database: TestDatabase,
    reader_database: TestDatabase,
}

impl Newsroom {
    pub async fn over(carrier: Over) -> Self {
        match carrier {
            Over::Log => Self::with(None, events::Settings::default()).await,
            Over::Nats => {
                let nats = NatsServer::start().await;
                let events = carried(&nats.url());
                Self::with(Some(nats), events).await
            }
        }
    }

    /// The same with what the configuration says of events; the reader may be told something else.
    pub async fn with(nats: Option<NatsServer>, events: events::Settings) -> Self {
        let directory = Directory::in_process(["paper"], CallerKeys::random());
        let (paper_database, reader_database) =
            (TestDatabase::of::<Paper>().await, TestDatabase::of::<Paper>().await);
        let table = "CREATE TABLE read (at bigserial PRIMARY KEY, event_id text UNIQUE NOT NULL, aggregate_id text NOT NULL,
                                        version bigint NOT NULL, position bigint NOT NULL)";
        reader_database.client().await.batch_execute(table).await.expect("create the table");
        let mut settings = Settings::at(paper_database.url());
        settings.pool_wait_ms = 10_000;
        let configured = Configured { events: events.clone(), ..Configured::default() };
        let paper = service::launch_with::<Paper>(&settings, &directory, Clock::system(), SECRET, configured)
            .await
            .expect("it starts");
        let settings = Settings::at(reader_database.url());
        let reader = Store::new("reader", &settings, Clock::system(), SECRET).expect("a store");
        Self { mood: Arc::default(), nats, events, paper, reader, directory, paper_database, reader_database }
    }

    /// Commits one event of an aggregate.
    pub async fn tell(&self, aggregate_id: &str, version: i64, text: &str) -> Result<(), Error> {
        tell(self.paper.store(), aggregate_id, version, text).await
    }

    pub fn paper_store(&self) -> Store {
        self.paper.store().clone()
    }

    /// The paper's database in another process of it, which knows only what is stored.
    pub fn second_paper(&self) -> Store {
        let settings = Settings::at(self.paper_database.url());
        Store::new("paper", &settings, Clock::system(), SECRET).expect("a store")
    }

    /// Begins to read, in a process of its own, until the token is cancelled or the test ends.
    pub fn read(&self) -> CancellationToken {
        self.read_over(&self.events, self.channel())
    }

    /// The same over another carrier or another way to the log.
    pub fn read_over(&self, events: &events::Settings, log: Channel) -> CancellationToken {
        let stop = CancellationToken::new();
        let mood = self.mood.clone();
        let subscription = Subscription::new("reader.read", "paper", move |tx, event| {
            let mood = mood.clone();
            Box::pin(async move { read(tx, event, &mood).await })
        });
        let (reader, events, stopped) = (self.reader.clone(), events.clone(), stop.clone());
        tokio::spawn(async move {
            let carrier = Carrier::open(&events, "reader", SECRET).await.expect("good settings");
            events::run_over(carrier, reader, log, subscription.of::<Money>(), stopped).await;
        });
        stop
    }

    /// The way to the paper's log.
    pub fn channel(&self) -> Channel {
        self.directory.for_issuer("reader").channel("paper")
    }

    /// A way to the paper's log through a port, which a test can close.
    pub async fn log_through_a_port(&self) -> (Proxy, Channel) {
        let anywhere = ([127, 0, 0, 1], 0).into();
        let (port, _) = service::listen(self.paper.stack(), anywhere, None, CancellationToken::new())
            .await
            .expect("a port");
        let line = Proxy::to(port).await;
        let url = format!("http://{}", line.address());
        let directory =
            Directory::remote([("paper", url.as_str())], self.directory.keys().clone(), Default::default());
        (line, directory.expect("an address").for_issuer("reader").channel("paper"))
    }

    /// A way to a log of the paper that takes its time to tell three events at a time, and counts those it has told.
    pub async fn narrow_log(&self) -> (Arc<AtomicUsize>, Channel) {
        let directory = Directory::in_process(["paper"], self.directory.keys().clone());
        let told = Arc::new(AtomicUsize::new(0));
        let log = EventLog::new(self.second_paper(), CancellationToken::new());
        let servers = Servers::of(EventLogServiceServer::new(NarrowLog { log, told: told.clone() }));
        directory.serve("paper", StackLayer::new("paper", directory.keys().clone()).layer(servers));
        (told, directory.for_issuer("reader").channel("paper"))
    }

    /// The paper's log, for an operator.
    pub fn log(&self) -> EventLogServiceClient<BoundChannel> {
        EventLogServiceClient::new(self.directory.channel("paper").bind(&call()))
    }

    /// Asks another log, served for this one question.
    pub async fn as_operator<F: AsyncFnOnce(EventLogServiceClient<BoundChannel>)>(
        &self,
        log: EventLog,
        ask: F,
    ) {
        let directory = Directory::in_process(["reader"], self.directory.keys().clone());
        let servers = Servers::of(EventLogServiceServer::new(log));
        directory.serve("reader", StackLayer::new("reader", directory.keys().clone()).layer(servers));
        ask(EventLogServiceClient::new(directory.channel("reader").bind(&call()))).await;
    }

    pub async fn count_read(&self) -> i64 {
        self.ask("SELECT count(*) FROM read").await
    }

    /// Where an event of an aggregate was not applied right after the one before it.
    pub async fn count_out_of_order(&self) -> i64 {
        self.ask(
            "SELECT count(*) FROM (SELECT version - lag(version) OVER (PARTITION BY aggregate_id ORDER BY at) AS step
                                   FROM read) AS steps WHERE step <> 1",
        )
        .await
    }

    /// Events that were applied and are not in the paper's log.
    pub async fn count_what_was_never_told(&self) -> usize {
        let read =
            self.reader_client().await.query("SELECT event_id FROM read", &[]).await.expect("the query runs");
        let told = self.paper_client().await.query("SELECT event_id::text FROM event_log", &[]).await;
        let told: Vec<String> = told.expect("the query runs").iter().map(|row| row.get(0)).collect();
        read.iter().filter(|row| !told.contains(&row.get(0))).count()
    }

    /// The newest message that the reader has acknowledged at the broker.
    pub async fn acknowledged_at_the_broker(&self) -> Option<u64> {
        let client = async_nats::connect(self.nats.as_ref()?.url()).await.ok()?;
        let stream = async_nats::jetstream::new(client).get_stream("KOROB").await.ok()?;
        let consumer = stream.consumer_info("korob-reader-read").await.ok()?;
        Some(consumer.ack_floor.stream_sequence)
    }

    /// The number a query answers from the reader's database.
    pub async fn ask(&self, query: &str) -> i64 {
        self.reader_client().await.query_one(query, &[]).await.expect("the query runs").get(0)
    }

    pub async fn reader_client(&self) -> Client {
        self.reader_database.client().await
    }

    pub async fn paper_client(&self) -> Client {
        self.paper_database.client().await
    }

    /// Waits until the reader has applied `count` events.
    pub async fn until_read(&self, count: i64) {
        testing::eventually("the events are applied", async || {
            (self.count_read().await >= count).then_some(())
        })
        .await;
        assert_eq!(self.count_read().await, count);
    }
}

struct NarrowLog {
    log: EventLog,
    told: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl EventLogService for NarrowLog {
    async fn read_events(&self, mut request: Request<ReadEventsRequest>) -> Answer<ReadEventsResponse> {
        request.get_mut().limit = 3;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let page = self.log.read_events(request).await?;
        self.told.fetch_add(page.get_ref().events.len(), Ordering::SeqCst);
        Ok(page)
    }

    async fn list_parked_events(
        &self,
        request: Request<ListParkedEventsRequest>,
    ) -> Answer<ListParkedEventsResponse> {
        self.log.list_parked_events(request).await
    }

    async fn replay_parked_event(
        &self,
        request: Request<ReplayParkedEventRequest>,
    ) -> Answer<ReplayParkedEventResponse> {
        self.log.replay_parked_event(request).await
    }
}

type Answer<T> = Result<Response<T>, Status>;

/// Events over the broker at `url`.
pub fn carried(url: &str) -> events::Settings {
    let nats = NatsSettings { urls: vec![url.to_owned()], ..NatsSettings::default() };
    events::Settings { carrier: CarrierKind::Nats, nats }
}

/// Commits one event of an aggregate in `store`.
pub async fn tell(store: &Store, aggregate_id: &str, version: i64, text: &str) -> Result<(), Error> {
    store
        .transaction(&call(), async |tx: &mut Tx| {
            tx.publish(news(aggregate_id, version, text));
            Ok(())
        })
        .await
}

pub fn news(aggregate_id: &str, version: i64, text: &str) -> NewEvent {
    let body =
        prost::Message::encode_to_vec(&Money { amount: text.to_owned(), currency_code: String::new() });
    NewEvent {
        aggregate_id: aggregate_id.to_owned(),
        version,
        type_name: <Money as prost::Name>::full_name(),
        body,
        shop_id: None,
        origin: None,
    }
}

async fn read(tx: &mut Tx, event: &Event, mood: &Mood) -> anyhow::Result<()> {
    let told: Money = prost::Message::decode(event.body.clone())?;
    cached_sql("INSERT INTO read (event_id, aggregate_id, version, position) VALUES ($1, $2, $3, $4)")
        .bind::<Text, _>(&event.event_id)
        .bind::<Text, _>(&event.aggregate_id)
        .bind::<BigInt, _>(event.aggregate_version)
        .bind::<BigInt, _>(event.position)
        .execute(tx.conn())
        .await?;
    let upset = mood.is_upset();
    assert!(told.amount != "panic" || !upset, "a bug in a handler");
    anyhow::ensure!(told.amount != "bad" || !upset, "this cannot be applied");
    Ok(())
}

pub fn call() -> Call {
    Call::begin(Caller::operator("test"), Duration::from_secs(20))
}
