//! Of several processes of a service one is on duty: it alone applies events and works by the clock.
//!
//! The duty is a lease in the service's database. Whoever has it asks for more long before it ends; whoever dies, or cannot reach
//! the database any more, has lost it when it ends, and another takes it. A process that slept through the end notices that by its
//! own clock before it goes on. What is done on duty is right nonetheless if two do it for a moment: cursors move from where they
//! were read, and what is due is claimed. So the duty saves work, and is no lock.

use std::time::Duration;

use store::Store;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// How long the duty is held without a sign of life; another has it a look later at the latest.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// How often who has it asks for more, and who has it not looks whether it is free.
const LOOK_PERIOD: Duration = Duration::from_millis(1_500);
/// After an attempt that failed, mostly for want of a connection.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Until when this process is on duty; it may have passed.
type Held = watch::Receiver<Option<Instant>>;

/// Whether this process is on duty. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Duty {
    held: Held,
    /// What runs while it is.
    work: TaskTracker,
}

impl Duty {
    /// Strives for the duty until `stop`, in one of `tasks`; then gives it back once all [`Duty::run`] has ended.
    pub(crate) fn start(store: Store, tasks: &TaskTracker, stop: CancellationToken) -> Self {
        let (tell, held) = watch::channel(None);
        let duty = Self { held, work: TaskTracker::new() };
        let work = duty.work.clone();
        tasks.spawn(async move {
            let holder = Uuid::new_v4();
            let told = metrics::gauge!("korob_on_duty", "at" => store.service().to_owned());
            told.set(0.0);
            // Whatever it waits for: nothing is lost when it is dropped.
            let _ = stop.run_until_cancelled(strive(&store, holder, &tell, &told)).await;
            told.set(0.0);
            // Nobody hears it when nothing runs on duty.
            let _ = tell.send(None);
            work.close();
            work.wait().await;
            if let Err(error) = store.release_duty(holder).await {
                tracing::debug!(service = store.service(), %error, "the duty ends by itself");
            }
        });
        duty
    }

    /// Runs `work` while this process is on duty, anew each time it is; drops it when it is not any more, or at `stop`.
    pub(crate) fn run<F, Fut>(&self, stop: CancellationToken, work: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send,
    {
        let mut held = self.held.clone();
        self.work.spawn(async move {
            let again_and_again = async {
                loop {
                    begun(&mut held).await;
                    tokio::select! {
                        biased;
                        () = ended(&mut held) => {}
                        () = work() => std::future::pending().await,
                    }
                }
            };
            let _ = stop.run_until_cancelled(again_and_again).await;
        });
    }
}

async fn strive(store: &Store, holder: Uuid, tell: &watch::Sender<Option<Instant>>, told: &metrics::Gauge) {
    let mut was_held = false;
    loop {
        // Before the question: the database counts from a moment that is later, so its lease ends later than ours.
        let until = Instant::now() + LEASE;
        let pause = match tokio::time::timeout(LEASE, store.hold_duty(holder, LEASE)).await {
            Ok(Ok(held)) => {
                if held != was_held {
                    tracing::debug!(service = store.service(), held, "the duty has changed hands");
                }
                was_held = held;
                told.set(f64::from(u8::from(held)));
                tell.send_replace(held.then_some(until));
                LOOK_PERIOD
            }
            // What was held goes on until its time is over.
            Ok(Err(error)) => {
                tracing::debug!(service = store.service(), %error, "the duty could not be asked for");
                LOOK_AGAIN
            }
            Err(_elapsed) => LOOK_AGAIN,
        };
        tokio::time::sleep(pause).await;
    }
}

async fn begun(held: &mut Held) {
    loop {
        if held.borrow_and_update().is_some_and(|until| until > Instant::now()) {
            return;
        }
        changed(held).await;
    }
}

async fn ended(held: &mut Held) {
    loop {
        let Some(until) = *held.borrow_and_update() else { return };
        if tokio::time::timeout_at(until, changed(held)).await.is_err() {
            return;
        }
    }
}

async fn changed(held: &mut Held) {
    if held.changed().await.is_err() {
        // Who strives for it has ended, and so does whoever waits here: by `stop`.
        std::future::pending().await
    }
}
