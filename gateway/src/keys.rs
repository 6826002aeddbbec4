//! Which API keys are valid, asked of the access service and trusted for a few seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proto::access::v1::AuthenticateKeyRequest;
use proto::access::v1::access_service_client::AccessServiceClient;
use rpc::{Call, Caller, Channel};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::known_caller::KnownCaller;

/// SHA-256 of a secret. The secret itself is never kept.
pub(crate) type SecretDigest = [u8; 32];

/// `None` for a key that is not valid.
type Verdict = Option<Arc<KnownCaller>>;

/// Verdicts by digest. Requests that ask for the same digest at once share one call.
pub(crate) struct Keys {
    trust: Duration,
    keys_max: usize,
    known: Mutex<Known>,
}

/// Valid and other keys apart, so that guessing cannot push valid ones out.
#[derive(Default)]
struct Known {
    valid: HashMap<SecretDigest, Asked>,
    other: HashMap<SecretDigest, Asked>,
}

#[derive(Clone)]
struct Asked {
    at: Instant,
    verdict: Arc<OnceCell<Verdict>>,
}

const PATIENCE: Duration = Duration::from_secs(2);

impl Keys {
    pub(crate) fn new(trust: Duration, keys_max: usize) -> Self {
        Self { trust, keys_max, known: Mutex::default() }
    }

    /// The digest that identifies a secret.
    pub(crate) fn digest(secret: &[u8]) -> SecretDigest {
        Sha256::digest(secret).into()
    }

    /// Whether the key was valid when last asked, however long ago.
    pub(crate) fn was_valid(&self, digest: &SecretDigest) -> bool {
        self.lock().valid.contains_key(digest)
    }

    /// The key of a digest, `None` when there is no valid one. Fails when the access service cannot tell.
    pub(crate) async fn find(&self, digest: SecretDigest, access: &Channel) -> Result<Verdict, Status> {
        let asked = self.asked(digest);
        let verdict = asked.verdict.get_or_try_init(|| ask(digest, access)).await?.clone();
        self.remember(digest, asked, verdict.is_some());
        Ok(verdict)
    }

    /// The question that is open or whose answer is still trusted; otherwise a new one.
    fn asked(&self, digest: SecretDigest) -> Asked {
        let mut known = self.lock();
        let fresh = |asked: &&Asked| asked.at.elapsed() < self.trust;
        if let Some(asked) = known.valid.get(&digest).or_else(|| known.other.get(&digest)).filter(fresh) {
            return asked.clone();
        }
        let asked = Asked { at: Instant::now(), verdict: Arc::default() };
        let Known { valid, other } = &mut *known;
        let place = if valid.contains_key(&digest) { valid } else { other };
        self.insert(place, digest, asked.clone());
        asked
    }

    /// Moves a question to where its answer belongs, unless a newer one is open already.
    fn remember(&self, digest: SecretDigest, asked: Asked, valid: bool) {
        let mut known = self.lock();
        let Known { valid: valid_keys, other } = &mut *known;
        let (to, from) = if valid { (valid_keys, other) } else { (other, valid_keys) };
        if from.get(&digest).is_some_and(|found| Arc::ptr_eq(&found.verdict, &asked.verdict)) {
            from.remove(&digest);
            self.insert(to, digest, asked);
        }
    }

    fn insert(&self, place: &mut HashMap<SecretDigest, Asked>, digest: SecretDigest, asked: Asked) {
        if place.len() >= self.keys_max {
            place.retain(|_, asked| asked.at.elapsed() < self.trust);
        }
        if place.len() >= self.keys_max {
            place.clear();
        }
        place.insert(digest, asked);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(digest: SecretDigest, access: &Channel) -> Result<Verdict, Status> {
    let call = Call::begin(Caller::service(crate::NAME), PATIENCE);
    let request = AuthenticateKeyRequest { secret_sha256: digest.to_vec() };
    let mut client = AccessServiceClient::new(access.bind(&call));
    let answer = tokio::time::timeout(PATIENCE, client.authenticate_key(request)).await;
    match answer
        .unwrap_or_else(|_| Err(Status::deadline_exceeded("the access service did not answer in time")))
    {
        Ok(answer) => Ok(KnownCaller::of_key(answer.into_inner()).map(Arc::new)),
        Err(status) => match status.code() {
            Code::NotFound | Code::Unauthenticated | Code::InvalidArgument => Ok(None),
            _ => Err(status),
        },
    }
}
