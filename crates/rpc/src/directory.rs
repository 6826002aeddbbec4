//! Finds a service by its name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tonic::service::Routes;
use tonic::transport::Endpoint;

use crate::channel::{Channel, Transport};
use crate::signing::CallerKeys;
use crate::stack::Stack;

/// Where every service is: in this process or behind an address. Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    transports: Arc<BTreeMap<String, Transport>>,
    keys: CallerKeys,
    issuer: Arc<str>,
    /// Whom calls through it may lead to; everybody when nothing is declared.
    callees: Option<&'static [&'static str]>,
}

/// How remote services are connected to.
#[derive(Debug, Clone, Copy)]
pub struct RemoteSettings {
    /// For the TCP and HTTP/2 handshake.
    pub connect_timeout: Duration,
    /// A partitioned connection is noticed after this and the next.
    pub keep_alive_interval: Duration,
    /// How long an answer to a keep-alive ping may take.
    pub keep_alive_timeout: Duration,
}

impl Default for RemoteSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            keep_alive_interval: Duration::from_secs(5),
            keep_alive_timeout: Duration::from_secs(3),
        }
    }
}

impl Directory {
    /// Services of this process: each is unavailable until [`Directory::serve`] is called for it.
    pub fn in_process<'a>(names: impl IntoIterator<Item = &'a str>, keys: CallerKeys) -> Self {
        let transports =
            names.into_iter().map(|name| (name.to_owned(), Transport::Local(Arc::default()))).collect();
        Self { transports: Arc::new(transports), keys, issuer: "korob".into(), callees: None }
    }

    /// Services behind addresses such as `http://127.0.0.1:7001`. Connects when first used and again when broken.
    pub fn remote<'a>(
        addresses: impl IntoIterator<Item = (&'a str, &'a str)>,
        keys: CallerKeys,
        settings: RemoteSettings,
    ) -> Result<Self, tonic::transport::Error> {
        let mut transports = BTreeMap::new();
        for (name, address) in addresses {
            let endpoint = Endpoint::from_shared(address.to_owned())?
                .connect_timeout(settings.connect_timeout)
                .http2_keep_alive_interval(settings.keep_alive_interval)
                .keep_alive_timeout(settings.keep_alive_timeout)
                .keep_alive_while_idle(true)
                .tcp_nodelay(true);
            transports.insert(name.to_owned(), Transport::Remote(endpoint.connect_lazy()));
        }
        Ok(Self { transports: Arc::new(transports), keys, issuer: "korob".into(), callees: None })
    }

    /// The same directory for statements made by `issuer`.
    pub fn for_issuer(&self, issuer: &str) -> Self {
        Self { issuer: issuer.into(), ..self.clone() }
    }

    /// The same directory for who calls `callees` and nobody else: on Kubernetes nobody else could be reached.
    pub fn calling(&self, callees: &'static [&'static str]) -> Self {
        Self { callees: Some(callees), ..self.clone() }
    }

    /// Opens an in-process service to the others. A second call for a name, or a remote one, changes nothing.
    pub fn serve(&self, name: &str, stack: Stack<Routes>) {
        if let Some(Transport::Local(slot)) = self.transports.get(name) {
            // The first stack stays: a service is served once per process.
            let _ = slot.set(stack);
        }
    }

    /// The channel to `service`; one that is not configured answers UNAVAILABLE, one that is not among the callees INTERNAL.
    pub fn channel(&self, service: &str) -> Channel {
        let is_declared = self.callees.is_none_or(|callees| callees.contains(&service));
        let transport = match self.transports.get(service) {
            _ if !is_declared => Transport::Undeclared(self.issuer.clone(), service.into()),
            Some(transport) => transport.clone(),
            None => Transport::Local(Arc::default()),
        };
        Channel { service: service.into(), issuer: self.issuer.clone(), keys: self.keys.clone(), transport }
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
