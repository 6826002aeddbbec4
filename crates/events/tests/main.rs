//! Events between services: every one is applied once, in the order of its aggregate, whatever fails and whatever carries them.

/// Runs the same tests over the producer's log and over a broker beside it.
#[macro_export]
macro_rules! over_both_carriers {
    ($($test:ident),* $(,)?) => {
        mod over_the_log {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test($crate::newsroom::Over::Log).await;
            })*
        }
        mod over_nats {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test($crate::newsroom::Over::Nats).await;
            })*
        }
    };
}

mod broker;
mod broker_fails;
mod exactly_once;
mod log;
mod newsroom;
mod parked;
