//! Where the S3 server of a world is, and what opens it.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use pgdrill_core::Secret;

use crate::storage::{
    ACCESS_KEY, BUCKET, CA_CHAIN, NOWHERE_ENDPOINT, OTHER_CA_CHAIN, S3_ENDPOINT, SECRET_KEY,
    WRONG_SECRET_KEY,
};

type Text = Cow<'static, str>;

/// The values that stand for what a scenario gives in words: the S3 server of a world, what opens it and
/// what does not. Another backend gives a world its own, and everything that Juju tells the hooks then
/// leads there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Values {
    /// The endpoint that leads to the server.
    pub endpoint: Text,
    /// An endpoint that leads nowhere: its host has no address.
    pub nowhere: Text,
    /// The bucket.
    pub bucket: Text,
    /// The access key.
    pub access_key: Secret,
    /// The secret key that goes with it.
    pub secret_key: Secret,
    /// A secret key that does not.
    pub wrong_secret_key: Secret,
    /// The chain of the authority that signed the server's certificate; `None`: a public one did.
    pub ca_chain: Option<Text>,
    /// The chain of another authority.
    pub other_ca_chain: Text,
    /// `s3-uri-style`.
    pub uri_style: Text,
    /// The region that the server wants to hear, unless the scenario names one.
    pub region: Option<Text>,
}

impl S3Values {
    /// The one in memory.
    pub(crate) fn fake() -> Arc<Self> {
        static FAKE: LazyLock<Arc<S3Values>> = LazyLock::new(|| {
            Arc::new(S3Values {
                endpoint: S3_ENDPOINT.into(),
                nowhere: NOWHERE_ENDPOINT.into(),
                bucket: BUCKET.into(),
                access_key: Secret::new(ACCESS_KEY),
                secret_key: Secret::new(SECRET_KEY),
                wrong_secret_key: Secret::new(WRONG_SECRET_KEY),
                ca_chain: Some(CA_CHAIN.into()),
                other_ca_chain: OTHER_CA_CHAIN.into(),
                uri_style: "path".into(),
                region: None,
            })
        });
        Arc::clone(&FAKE)
    }
}
