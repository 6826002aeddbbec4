//! A paper that tells events and a reader that applies them, each with a database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use events::{Event, EventLog, Subscription};
use proto::events::v1::event_log_service_client::EventLogServiceClient;
use proto::events::v1::event_log_service_server::EventLogServiceServer;
use proto::r#type::v1::Money;
use rpc::{BoundChannel, Call, Caller, CallerKeys, Directory, StackLayer};
use service::{Parts, Platform, Running, Service};
use store::{EmbeddedMigrations, Error, NewEvent, Settings, Store, Tx, cached_sql};
use testing::TestDatabase;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
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

/// A producer and a consumer.
pub struct Newsroom {
    pub mood: Arc<Mood>,
    paper: Running,
    /// The reader's database; its service is this test.
    pub reader: Store,
    directory: Directory,
    paper_database: TestDatabase,
    reader_database: TestDatabase,
}

impl Newsroom {
    pub async fn new() -> Self {
        let directory = Directory::in_process(["paper"], CallerKeys::random());
        let (paper_database, reader_database) =
            (TestDatabase::of::<Paper>().await, TestDatabase::of::<Paper>().await);
        let table = "CREATE TABLE read (at bigserial PRIMARY KEY, event_id text UNIQUE NOT NULL, aggregate_id text NOT NULL,
                                        version bigint NOT NULL, position bigint NOT NULL)";
        reader_database.client().await.batch_execute(table).await.expect("create the table");
        let mut settings = Settings::at(paper_database.url());
        settings.pool_wait_ms = 10_000;
        let paper = service::launch::<Paper>(&settings, &directory, Clock::system(), b"secret")
            .await
            .expect("it starts");
        let settings = Settings::at(reader_database.url());
        let reader = Store::new("reader", &settings, Clock::system(), b"secret").expect("a store");
        Self { mood: Arc::default(), paper, reader, directory, paper_database, reader_database }
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
        Store::new("paper", &settings, Clock::system(), b"secret").expect("a store")
    }

    /// Begins to read, in a process of its own, until the token is cancelled or the test ends.
    pub fn read(&self) -> CancellationToken {
        let stop = CancellationToken::new();
        let mood = self.mood.clone();
        let subscription = Subscription::new("reader.read", "paper", move |tx, event| {
            let mood = mood.clone();
            Box::pin(async move { read(tx, event, &mood).await })
        });
        let channel = self.directory.for_issuer("reader").channel("paper");
        tokio::spawn(events::run(self.reader.clone(), channel, subscription.of::<Money>(), stop.clone()));
        stop
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
        let routes = Routes::new(EventLogServiceServer::new(log)).prepare();
        directory.serve("reader", StackLayer::new("reader", directory.keys().clone()).layer(routes));
        ask(EventLogServiceClient::new(directory.channel("reader").bind(&call()))).await;
    }

    pub async fn count_read(&self) -> i64 {
        self.ask("SELECT count(*) FROM read").await
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
