//! What a service does with another service's events.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use prost::Name;
use proto::events::v1::Event;
use store::Tx;

/// The result of applying one event.
pub type Applied = anyhow::Result<()>;

type Each = dyn for<'a> Fn(&'a mut Tx, &'a Event) -> BoxFuture<'a, Applied> + Send + Sync;
type Together = dyn for<'a> Fn(&'a mut Tx, &'a [&'a Event]) -> BoxFuture<'a, Applied> + Send + Sync;

/// What is done with events.
#[derive(Clone)]
pub(crate) enum Handler {
    Each(Arc<Each>),
    Together(Arc<Together>),
}

/// Applies the events of one producer in the transaction that moves the cursor.
#[derive(Clone)]
pub struct Subscription {
    pub(crate) consumer: &'static str,
    pub(crate) producer: &'static str,
    pub(crate) types: Vec<String>,
    pub(crate) preparation: Option<Arc<Together>>,
    pub(crate) is_read_model: bool,
    pub(crate) handler: Handler,
}

impl Subscription {
    /// `consumer` names the cursor, such as `customers.count_purchases`, and must never change. The handler gets each
    /// event once; it must not call other services.
    ///
    /// ```ignore
    /// Subscription::new("customers.count_purchases", "orders", |tx, event| Box::pin(count_purchases::handle(tx, event)))
    ///     .of::<OrderPlaced>()
    /// ```
    pub fn new<H>(consumer: &'static str, producer: &'static str, handler: H) -> Self
    where
        H: for<'a> Fn(&'a mut Tx, &'a Event) -> BoxFuture<'a, Applied> + Send + Sync + 'static,
    {
        Self::handled_by(Handler::Each(Arc::new(handler)), consumer, producer)
    }

    /// The same for a handler that takes what was read at once, in order, and does all of it or nothing. It publishes
    /// nothing: its transaction serves no event in particular.
    pub fn together<H>(consumer: &'static str, producer: &'static str, handler: H) -> Self
    where
        H: for<'a> Fn(&'a mut Tx, &'a [&'a Event]) -> BoxFuture<'a, Applied> + Send + Sync + 'static,
    {
        Self::handled_by(Handler::Together(Arc::new(handler)), consumer, producer)
    }

    fn handled_by(handler: Handler, consumer: &'static str, producer: &'static str) -> Self {
        Self { consumer, producer, types: Vec::new(), preparation: None, is_read_model: false, handler }
    }

    /// Gets the events of a transaction before the first of them is applied, to lock what they will change: in the order in
    /// which others lock it, for of two who each wait for the other one has to begin anew.
    #[must_use]
    pub fn preceded_by<P>(mut self, preparation: P) -> Self
    where
        P: for<'a> Fn(&'a mut Tx, &'a [&'a Event]) -> BoxFuture<'a, Applied> + Send + Sync + 'static,
    {
        self.preparation = Some(Arc::new(preparation));
        self
    }

    /// What it writes is there to be shown, and nobody acts on it: its transactions do not wait for the disk. What a crash of
    /// the server takes back it takes back together with the cursor, and it is applied again.
    #[must_use]
    pub fn as_read_model(mut self) -> Self {
        self.is_read_model = true;
        self
    }

    /// Also events of type `E`.
    #[must_use]
    pub fn of<E: Name>(mut self) -> Self {
        self.types.push(E::full_name());
        self
    }

    /// The name of the cursor.
    pub fn consumer(&self) -> &'static str {
        self.consumer
    }

    /// The service whose events it applies.
    pub fn producer(&self) -> &'static str {
        self.producer
    }
}
