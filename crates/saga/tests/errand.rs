//! A small process: three steps at a counter that can be told to refuse, to be unreachable or to break.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prost::Message;
use proto::r#type::v1::Money;
use rpc::{Call, Caller};
use saga::{Definition, Finished, NewSaga, RUNNING_MAX, Runner, Saga, Stop};
use service::{Parts, Platform, Service};
use store::{EmbeddedMigrations, Error, Settings, Store, Tx};
use testing::TestDatabase;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use types::Clock;
use uuid::Uuid;

/// How the counter answers a step.
#[derive(Debug, Clone)]
pub enum Answer {
    Refused(&'static str),
    Unreachable,
    Breaks,
    Never,
}

/// The three steps, in order.
pub const STEPS: [&str; 3] = ["price", "reserve", "pay"];

/// What was done and undone, in order, and how the next calls are answered.
#[derive(Debug, Default)]
pub struct Counter {
    done: Mutex<Vec<String>>,
    planned: Mutex<VecDeque<(&'static str, Answer)>>,
}

impl Counter {
    /// The next call of `step` is answered so; then it works again.
    pub fn plan(&self, step: &'static str, answer: Answer) {
        self.planned.lock().expect("nobody panics while holding it").push_back((step, answer));
    }

    /// The next `count` calls of `step` are answered so.
    pub fn plan_many(&self, step: &'static str, answer: &Answer, count: usize) {
        (0..count).for_each(|_| self.plan(step, answer.clone()));
    }

    /// How many answers were planned and not given yet.
    pub fn planned(&self) -> usize {
        self.planned.lock().expect("nobody panics while holding it").len()
    }

    /// Nobody hears of `step`, until that is forgiven.
    pub fn cut_off(&self, step: &'static str) {
        self.plan_many(step, &Answer::Unreachable, 100);
    }

    /// Calls of `step` work again.
    pub fn forgive(&self, step: &str) {
        self.planned.lock().expect("nobody panics while holding it").retain(|(planned, _)| *planned != step);
    }

    /// Everything so far, such as `["reserve", "undo reserve"]`.
    pub fn log(&self) -> Vec<String> {
        self.done.lock().expect("nobody panics while holding it").clone()
    }

    async fn serve(&self, step: &str) -> Result<(), Status> {
        let planned = {
            let mut planned = self.planned.lock().expect("nobody panics while holding it");
            let at = planned.iter().position(|(wanted, _)| *wanted == step);
            at.and_then(|at| planned.remove(at)).map(|(_, answer)| answer)
        };
        match planned {
            None => {
                self.done.lock().expect("nobody panics while holding it").push(step.to_owned());
                Ok(())
            }
            Some(Answer::Refused(why)) => Err(Status::failed_precondition(why)),
            Some(Answer::Unreachable) => Err(Status::unavailable("nobody answers")),
            Some(Answer::Breaks) => panic!("a bug in a step"),
            Some(Answer::Never) => std::future::pending().await,
        }
    }
}

/// The process.
#[derive(Clone)]
pub struct Errand {
    store: Store,
    counter: Arc<Counter>,
}

impl Definition for Errand {
    const KIND: &'static str = "bench.errand";
    type Input = Money;
    type Undo = &'static str;
    type Outcome = String;

    async fn run(&self, saga: &mut Saga<&'static str>, call: &Call, input: &Money) -> Result<String, Stop> {
        let [price, reserve, pay] = STEPS;
        saga.step(price, self.counter.serve(price)).await?;
        saga.step_or(reserve, "undo reserve", self.counter.serve(reserve)).await?;
        saga.step_or(pay, "undo pay", self.counter.serve(pay)).await?;
        saga.step("settle", self.settle(call, input, Finished::Done)).await?;
        Ok("done".to_owned())
    }

    fn undos(&self, _: &Money) -> Vec<&'static str> {
        vec!["undo reserve", "undo pay"]
    }

    async fn undo(&self, _: &Call, undo: &'static str) -> Result<(), Status> {
        self.counter.serve(undo).await
    }

    async fn undone(&self, call: &Call, input: &Money, refusal: &Status) -> Result<String, Status> {
        self.settle(call, input, Finished::Undone).await?;
        Ok(format!("undone: {}", refusal.message()))
    }
}

impl Errand {
    async fn settle(&self, call: &Call, input: &Money, finished: Finished) -> Result<(), Status> {
        let saga_id = saga_id_of(input);
        let closed: Result<Vec<Uuid>, Error> = self
            .store
            .transaction(call, async |tx: &mut Tx| saga::finish(tx, &[saga_id], finished).await)
            .await;
        match closed.map_err(|error| Status::from(error.fault()))?.is_empty() {
            true => Err(Status::aborted("somebody else has ended it")),
            false => Ok(()),
        }
    }
}

/// A process of the service that runs errands, and its database.
pub struct Office {
    pub counter: Arc<Counter>,
    pub runner: Runner<Errand>,
    pub store: Store,
    pub stop: CancellationToken,
    database: Arc<TestDatabase>,
}

struct Bench;

impl Service for Bench {
    const NAME: &'static str = "bench";

    fn migrations() -> EmbeddedMigrations {
        store::platform_migrations()
    }

    async fn start(_: Platform) -> anyhow::Result<Parts> {
        Ok(Parts::new())
    }
}

impl Office {
    pub async fn new() -> Self {
        Self::on(Arc::new(TestDatabase::of::<Bench>().await), Arc::default())
    }

    /// Another process on the same database and at the same counter.
    pub fn second(&self) -> Self {
        Self::on(self.database.clone(), self.counter.clone())
    }

    fn on(database: Arc<TestDatabase>, counter: Arc<Counter>) -> Self {
        let store =
            Store::new("bench", &Settings::at(database.url()), Clock::system(), b"secret").expect("a store");
        let stop = CancellationToken::new();
        let errand = Errand { store: store.clone(), counter: counter.clone() };
        let runner = Runner::new(errand, store.clone(), stop.clone());
        Self { counter, runner, store, stop, database }
    }

    /// Commits an errand without starting it.
    pub async fn record(&self) -> Uuid {
        let saga_id = Uuid::new_v4();
        let new =
            NewSaga { saga_id, kind: Errand::KIND, input: input(saga_id).encode_to_vec(), call: call() };
        let recorded: Result<(), Error> =
            self.store.transaction(&call(), async |tx: &mut Tx| saga::record(tx, &[new]).await).await;
        recorded.expect("recorded");
        saga_id
    }

    /// Records, starts and awaits an errand.
    pub async fn run(&self) -> (Uuid, Option<String>) {
        let saga_id = self.record().await;
        let outcome = self.runner.start(saga_id, &call(), input(saga_id));
        (saga_id, saga::wait(outcome, Duration::from_secs(20)).await)
    }

    /// Runs as many errands as a process keeps running; none of them gets on.
    pub async fn fill(&self) {
        self.counter.plan_many(STEPS[0], &Answer::Never, RUNNING_MAX);
        for _ in 0..RUNNING_MAX {
            let saga_id = Uuid::new_v4();
            drop(self.runner.start(saga_id, &call(), input(saga_id)));
        }
        testing::eventually("all wait", async || (self.counter.planned() == 0).then_some(())).await;
    }

    /// How often the errand was taken over or tried again.
    pub async fn attempts(&self, saga_id: Uuid) -> i32 {
        let client = self.database.client().await;
        let sql = "SELECT attempts FROM sagas WHERE saga_id = $1::text::uuid";
        client.query_one(sql, &[&saga_id.to_string()]).await.expect("recorded").get(0)
    }

    /// Looks for what other processes left, until the test ends.
    pub fn recover(&self) {
        let runner = self.runner.clone();
        tokio::spawn(async move { runner.recover().await });
    }

    /// As if the process that runs it had been silent for long.
    pub async fn expire_lease(&self, saga_id: Uuid) {
        let client = self.database.client().await;
        let past =
            "UPDATE sagas SET lease_until = now() - interval '1 minute' WHERE saga_id = $1::text::uuid";
        client.execute(past, &[&saga_id.to_string()]).await.expect("the lease is over");
    }

    pub async fn state(&self, saga_id: Uuid) -> String {
        let client = self.database.client().await;
        client
            .query_one("SELECT state FROM sagas WHERE saga_id = $1::text::uuid", &[&saga_id.to_string()])
            .await
            .expect("recorded")
            .get(0)
    }

    pub async fn set_state(&self, saga_id: Uuid, state: &str) {
        let client = self.database.client().await;
        client
            .execute(
                "UPDATE sagas SET state = $2 WHERE saga_id = $1::text::uuid",
                &[&saga_id.to_string(), &state],
            )
            .await
            .expect("set");
    }

    /// Waits until the errand has reached `state`.
    pub async fn reaches(&self, saga_id: Uuid, state: &str) {
        testing::eventually(state, async || (self.state(saga_id).await == state).then_some(())).await;
    }
}

pub fn call() -> Call {
    Call::begin(Caller::operator("test"), Duration::from_secs(10))
}

/// The input carries the id, as an order carries its own.
pub fn input(saga_id: Uuid) -> Money {
    Money { amount: saga_id.to_string(), currency_code: String::new() }
}

fn saga_id_of(input: &Money) -> Uuid {
    input.amount.parse().expect("the input of this test")
}
