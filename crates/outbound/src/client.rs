//! The client.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http::header::USER_AGENT;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client as HyperClient, Error as HyperError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use tracing::Instrument;

use crate::answer::Answer;
use crate::connector::Connector;
use crate::failure::Failure;
use crate::reach::{Forbidden, Reach};
use crate::request::Request;

const PRODUCT: &str = concat!("Korob/", env!("CARGO_PKG_VERSION"));
/// Below the idle time after which common servers close a connection, so that a request is rarely written to a dead one.
const IDLE_TIME: Duration = Duration::from_secs(15);
const IDLE_PER_HOST_MAX: usize = 32;

/// Speaks HTTP/1.1 with and without TLS. Clones share connections.
#[derive(Clone)]
pub struct Client {
    http: HyperClient<HttpsConnector<Connector>, Full<Bytes>>,
    reach: Arc<Reach>,
}

impl Client {
    /// A client that calls what `reach` allows and trusts the machine's certificate authorities. On a machine without any,
    /// HTTPS is refused as unsent.
    ///
    /// # Errors
    /// TLS cannot be set up at all.
    pub fn new(reach: Reach) -> Result<Self, rustls::Error> {
        let reach = Arc::new(reach);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls =
            || ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let tls = match tls()?.with_native_roots() {
            Ok(trusting) => trusting.with_no_client_auth(),
            Err(error) => {
                tracing::warn!(%error, "no certificate authorities: install ca-certificates to call https");
                tls()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
            }
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector::new(reach.clone()));
        let http = HyperClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIME)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .build(connector);
        Ok(Self { http, reach })
    }

    /// What may be called.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Sends `request` and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// There is no answer; the failure tells whether the request may have been carried out.
    pub async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let uri = Uri::try_from(request.url.as_str());
        let host = uri.as_ref().ok().and_then(Uri::authority).map(|host| host.as_str().to_owned());
        let host = host.unwrap_or_default();
        let unsent = |cause: String| Failure::Unsent { host: host.clone(), cause };
        let uri = uri.map_err(|_| unsent("the address is not a URL".to_owned()))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || host.contains('@') {
            return Err(unsent("the address is not a plain http or https URL".to_owned()));
        }
        if let Some(problem) = request.problem {
            return Err(unsent(problem));
        }

        let span = tracing::info_span!(
            "outbound.send",
            otel.name = format!("{} {host}", request.method),
            otel.kind = "client",
            http.request.method = %request.method,
            server.address = host,
            http.response.status_code = tracing::field::Empty,
            error.type = tracing::field::Empty,
        );
        let mut outgoing =
            http::Request::builder().method(request.method).uri(uri).header(USER_AGENT, PRODUCT);
        for (name, value) in request.headers {
            outgoing = outgoing.header(name, value);
        }
        let outgoing = outgoing.body(Full::new(request.body)).map_err(|error| unsent(error.to_string()))?;

        let answered =
            tokio::time::timeout(request.deadline, self.exchange(outgoing, request.answer_bytes_max));
        let outcome = match answered.instrument(span.clone()).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Broken { sent: false, cause })) => Err(unsent(cause)),
            Ok(Err(Broken { sent: true, cause })) => Err(Failure::Unknown { host: host.clone(), cause }),
            Err(_) => {
                let cause = format!("none within {} ms", request.deadline.as_millis());
                Err(Failure::Unknown { host: host.clone(), cause })
            }
        };
        match &outcome {
            Ok(answer) => span.record("http.response.status_code", answer.status.as_u16()),
            Err(failure) => span.record("error.type", if failure.is_unsent() { "unsent" } else { "unknown" }),
        };
        outcome
    }

    async fn exchange(
        &self,
        request: http::Request<Full<Bytes>>,
        bytes_max: usize,
    ) -> Result<Answer, Broken> {
        let answer = self.http.request(request).await.map_err(Broken::before_answer)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, bytes_max).collect().await;
        let body =
            body.map_err(|error| Broken { sent: true, cause: format!("the answer broke off: {error}") })?;
        Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes() })
    }
}

/// An exchange that gave no answer.
struct Broken {
    sent: bool,
    cause: String,
}

impl Broken {
    /// Only a connection that never came to be is proof that nothing was sent.
    fn before_answer(error: HyperError) -> Self {
        let mut root: &(dyn std::error::Error + 'static) = &error;
        while let Some(deeper) = root.source() {
            root = deeper;
        }
        if let Some(forbidden) = root.downcast_ref::<Forbidden>() {
            tracing::warn!(%forbidden, "a call outside was not made");
        }
        Self { sent: !error.is_connect(), cause: root.to_string() }
    }
}
