//! Finds a service by its name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::callee::Callee;
use crate::channel::{Channel, Declared, Transport};
use crate::identity::Identity;
use crate::replicas::{InvalidAddress, Replicas, calls_moved};
use crate::servers::Servers;
use crate::signing::CallerKeys;
use crate::stack::Stack;

/// Where every service is: in this process or behind an address. Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    transports: Arc<BTreeMap<String, Transport>>,
    keys: CallerKeys,
    issuer: Arc<str>,
    /// What calls through it may lead to; everything when nothing is declared.
    callees: Option<&'static [Callee]>,
}

/// How remote services are connected to.
#[derive(Clone)]
pub struct RemoteSettings {
    /// What this process proves who it is by, if services must; addresses begin with `https` then.
    pub identity: Option<Identity>,
    /// How long a connection with an identity is used: a certificate that is not trusted any more is not for longer.
    pub connection_life: Duration,
    /// For the TCP, TLS and HTTP/2 handshake.
    pub connect_timeout: Duration,
    /// A partitioned connection is noticed after this and the next.
    pub keep_alive_interval: Duration,
    /// How long an answer to a keep-alive ping may take.
    pub keep_alive_timeout: Duration,
    /// How often names are looked up again while calls are made.
    pub resolve_interval: Duration,
    /// The same when somebody could not be reached, or is gone.
    pub resolve_pause: Duration,
}

impl Default for RemoteSettings {
    fn default() -> Self {
        Self {
            identity: None,
            connection_life: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(2),
            keep_alive_interval: Duration::from_secs(5),
            keep_alive_timeout: Duration::from_secs(3),
            resolve_interval: Duration::from_secs(5),
            resolve_pause: Duration::from_millis(500),
        }
    }
}

impl Directory {
    /// Services of this process: each is unavailable until [`Directory::serve`] is called for it.
    pub fn in_process<'a>(names: impl IntoIterator<Item = &'a str>, keys: CallerKeys) -> Self {
        let local = |name: &str| {
            // There from the beginning, as over the network: nought is not silence.
            calls_moved(name).increment(0);
            (name.to_owned(), Transport::Local(Arc::default()))
        };
        let transports = names.into_iter().map(local).collect();
        Self { transports: Arc::new(transports), keys, issuer: "korob".into(), callees: None }
    }

    /// Services behind addresses such as `http://127.0.0.1:7001`, or several of each with commas between. Each address, and
    /// each that a name resolves to, is a replica; connects when calls are made and again when broken.
    pub fn remote<'a>(
        addresses: impl IntoIterator<Item = (&'a str, &'a str)>,
        keys: CallerKeys,
        settings: RemoteSettings,
    ) -> Result<Self, InvalidAddress> {
        let mut transports = BTreeMap::new();
        for (name, addresses) in addresses {
            let replicas = Replicas::at(name, addresses, settings.clone())?;
            calls_moved(name).increment(0);
            transports.insert(name.to_owned(), Transport::Remote(replicas));
        }
        Ok(Self { transports: Arc::new(transports), keys, issuer: "korob".into(), callees: None })
    }

    /// The same directory for statements made by `issuer`.
    pub fn for_issuer(&self, issuer: &str) -> Self {
        Self { issuer: issuer.into(), ..self.clone() }
    }

    /// The same directory for who calls `callees` and nobody else: where services prove who they are nothing else is answered.
    pub fn calling(&self, callees: &'static [Callee]) -> Self {
        Self { callees: Some(callees), ..self.clone() }
    }

    /// Opens an in-process service to the others. A second call for a name, or a remote one, changes nothing.
    pub fn serve(&self, name: &str, stack: Stack<Servers>) {
        if let Some(Transport::Local(slot)) = self.transports.get(name) {
            // The first stack stays: a service is served once per process.
            let _ = slot.set(stack);
        }
    }

    /// The channel to `service`; one that is not configured answers UNAVAILABLE, one that is not among the callees INTERNAL, and
    /// so do its other methods.
    pub fn channel(&self, service: &str) -> Channel {
        let (issuer, keys) = (self.issuer.clone(), self.keys.clone());
        let callee = |callees: &'static [Callee]| callees.iter().find(|callee| callee.service == service);
        let declared = self.callees.map(|callees| Declared {
            methods: callee(callees).map_or(&[], |callee| callee.methods),
            issuer: issuer.clone(),
            service: service.into(),
        });
        let transport = self.transports.get(service).cloned();
        let transport = transport.unwrap_or_else(|| Transport::Local(Arc::default()));
        Channel { service: service.into(), issuer, keys, declared, transport }
    }

    /// The names of all services, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.transports.keys().map(String::as_str)
    }

    /// The secret that statements are signed with.
    pub fn keys(&self) -> &CallerKeys {
        &self.keys
    }
}
