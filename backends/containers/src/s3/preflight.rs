//! What is asked of a server that somebody else runs before anything is built on it.

use std::time::Duration;

use pgdrill_core::{Diagnostic, PortError, PortErrorKind};

use crate::stage::EngineResult;
use pgdrill_adapters::s3::{S3Admin, S3Limits};

/// How long the server may take for all of it.
pub(super) const LIMITS: S3Limits = S3Limits {
    connect: Duration::from_secs(5),
    attempt: Duration::from_secs(10),
    attempts: 1,
    call: Duration::from_secs(20),
};

/// The server answers this user, who may make a bucket, write into it, read it and remove it.
///
/// # Errors
///
/// One complaint: which part of what was given is wrong, and what to do.
pub(super) async fn check(user: &S3Admin, endpoint: &str, bucket: &str) -> EngineResult<()> {
    let reported = |error: PortError| explain(endpoint, bucket, &error);
    user.make_bucket(bucket).await.map_err(reported)?;
    let used = async {
        user.write(bucket, "preflight", b"x").await?;
        user.read(bucket, "preflight").await
    };
    let used = used.await.map_err(reported);
    let removed = user.remove_bucket(bucket).await.map_err(reported);
    match used.and_then(|read| removed.map(|()| read))? {
        Some(read) if read == b"x" => Ok(()),
        Some(_) | None => {
            let what = "the S3 server does not give back what was put there a moment ago";
            Err(Box::new(Diagnostic::error(endpoint, what).hint("choose another server")))
        }
    }
}

/// The server refuses the hooks' user what is in a bucket of the other user's, as scenarios want a bucket of somebody else's.
///
/// # Errors
///
/// One complaint: the server does not, or what failed, and what to do.
pub(super) async fn keeps_apart(
    own: &S3Admin,
    other: &S3Admin,
    endpoint: &str,
    bucket: &str,
) -> EngineResult<()> {
    let reported = |error: PortError| explain(endpoint, bucket, &error);
    other.make_bucket(bucket).await.map_err(reported)?;
    let used = async {
        other.write(bucket, "preflight", b"x").await?;
        let asked = [
            ("look for", own.has_bucket(bucket).await.map(drop)),
            ("read", own.read(bucket, "preflight").await.map(drop)),
            ("write into", own.write(bucket, "preflight", b"y").await),
        ];
        let mut may = None;
        for (what, answer) in asked {
            match answer {
                Err(error) if error.kind() == PortErrorKind::Denied => {}
                Err(error) => return Err(error),
                Ok(()) => may = may.or(Some(what)),
            }
        }
        Ok(may)
    };
    let used = used.await.map_err(reported);
    let removed = other.remove_bucket(bucket).await.map_err(reported);
    let Some(may) = used.and_then(|may| removed.map(|()| may))? else { return Ok(()) };
    let what = format!(
        "the S3 server does not keep the user of PGDRILL_S3_OTHER_ACCESS_KEY apart from the one of PGDRILL_S3_ACCESS_KEY, \
         who may {may} a bucket of the other's"
    );
    let hint = "give keys of two users of whom neither may use the other's buckets, or leave both PGDRILL_S3_OTHER_* out: \
                then policies of buckets stand in, where the server obeys them";
    Err(Box::new(Diagnostic::error(endpoint, what).hint(hint)))
}

/// What a failure means to whoever gave the endpoint, the keys and the authority.
pub(super) fn explain(endpoint: &str, bucket: &str, error: &PortError) -> Box<Diagnostic> {
    let cause = error.cause();
    let holds = |words: &[&str]| words.iter().any(|word| cause.contains(word));
    let (what, hint) = match error.kind() {
        PortErrorKind::TimedOut => (
            format!("the S3 endpoint takes the connection and does not answer: {cause}"),
            "see that PGDRILL_S3_ENDPOINT names the right host and port, and that the server behind it is well",
        ),
        PortErrorKind::Unreachable if holds(&["NotValidForName", "not valid for name"]) => (
            format!("the certificate of the S3 endpoint is for another name: {cause}"),
            "write in PGDRILL_S3_ENDPOINT a name that the server's certificate bears",
        ),
        PortErrorKind::Unreachable if holds(&["invalid peer certificate"]) => (
            format!("the certificate of the S3 endpoint is not trusted: {cause}"),
            "PGDRILL_S3_CA_FILE must hold the chain of the authority that signed it; without it only public \
             authorities are trusted",
        ),
        PortErrorKind::Unreachable if holds(&["InvalidContentType", "corrupt message"]) => (
            format!("the S3 endpoint does not speak TLS: {cause}"),
            "give a port on which the server speaks TLS: pgBackRest before 2.58 knows nothing else",
        ),
        PortErrorKind::Unreachable if holds(&["dns error"]) => (
            format!("the host of the S3 endpoint has no address: {cause}"),
            "see that PGDRILL_S3_ENDPOINT names a host that this machine can look up",
        ),
        PortErrorKind::Unreachable => (
            format!("the S3 endpoint can't be reached: {cause}"),
            "see that the server runs and that PGDRILL_S3_ENDPOINT names its host and port",
        ),
        PortErrorKind::Denied if holds(&["SignatureDoesNotMatch"]) => (
            format!("the S3 server refuses the credentials: {cause}"),
            "PGDRILL_S3_SECRET_KEY is not the secret key that goes with PGDRILL_S3_ACCESS_KEY, or \
             PGDRILL_S3_REGION is not the server's",
        ),
        PortErrorKind::Denied if holds(&["InvalidAccessKeyId"]) => (
            format!("the S3 server refuses the credentials: {cause}"),
            "the server knows no PGDRILL_S3_ACCESS_KEY like this one",
        ),
        PortErrorKind::Denied if holds(&["BucketAlreadyExists"]) => (
            format!("the bucket {bucket} is another user's: {cause}"),
            "remove it, or use the keys of the user whose it is",
        ),
        PortErrorKind::Denied => (
            format!("the S3 server refuses what is asked of the bucket {bucket}: {cause}"),
            "see that PGDRILL_S3_ACCESS_KEY and PGDRILL_S3_SECRET_KEY are right; the user must be allowed to make \
             and remove buckets, and to list, read, write and delete in them",
        ),
        PortErrorKind::Refused if holds(&["tls-ca-chain"]) => (
            "PGDRILL_S3_CA_FILE holds no certificate that can be read".to_owned(),
            "it must hold the chain of the authority that signed the server's certificate, PEM",
        ),
        PortErrorKind::NotFound | PortErrorKind::Refused | PortErrorKind::Malformed => (
            format!("the S3 endpoint answers, but not as an S3 server does: {cause}"),
            "see that PGDRILL_S3_ENDPOINT, PGDRILL_S3_REGION and PGDRILL_S3_URI_STYLE are what the server wants",
        ),
    };
    Box::new(Diagnostic::error(endpoint, what).hint(hint))
}

#[cfg(test)]
mod tests {
    use pgdrill_core::{S3Settings, Secret, UriStyle};
    use tokio::net::TcpListener;

    use super::*;
    use crate::stub::{Reply, Stub, authority, issued};
    use pgdrill_adapters::s3::{S3Route, S3Store};

    const SHORT: Duration = Duration::from_secs(1);

    fn settings(endpoint: &str, chain: Option<&str>) -> S3Settings {
        S3Settings {
            bucket: "any".into(),
            access_key: Secret::new("canary-access"),
            secret_key: Secret::new("canary-secret"),
            endpoint: endpoint.to_owned().into(),
            path: "/".into(),
            region: None,
            uri_style: UriStyle::Path,
            tls_ca_chain: chain.map(|chain| chain.to_owned().into()),
        }
    }

    /// What is reported of a server.
    async fn reported(endpoint: &str, chain: Option<&str>, route: Option<S3Route>) -> String {
        let user = settings(endpoint, chain);
        let store = S3Store::new(S3Limits { connect: SHORT, attempt: SHORT, ..LIMITS });
        let store = match route {
            Some(route) => store.by(route),
            None => store,
        };
        let checked = check(&S3Admin::new(store, user), endpoint, "drill").await;
        let reported = checked.expect_err("something is wrong").to_string();
        assert!(reported.contains(endpoint) && reported.contains("\n hint: "), "{reported}");
        assert!(!reported.contains("canary"), "{reported}");
        println!("{reported}\n");
        reported
    }

    async fn answering(status: u16, code: &'static str) -> String {
        let stub = Stub::tls(move |_| {
            let text =
                format!("<Error><Code>{code}</Code><Message>canary-secret</Message></Error>");
            Reply::Answer(status, text)
        })
        .await;
        let endpoint = format!("https://localhost:{}", stub.address.port());
        reported(&endpoint, Some(&stub.certificate), None).await
    }

    #[tokio::test]
    async fn refused_credentials_and_rights_are_distinguished() {
        for (status, code, what, hint) in [
            (
                403,
                "SignatureDoesNotMatch",
                "refuses the credentials",
                "PGDRILL_S3_SECRET_KEY is not",
            ),
            (
                403,
                "InvalidAccessKeyId",
                "refuses the credentials",
                "knows no PGDRILL_S3_ACCESS_KEY",
            ),
            (403, "AccessDenied", "refuses what is asked of the bucket drill", "must be allowed"),
            (409, "BucketAlreadyExists", "the bucket drill is another user's", "remove it"),
            (500, "InternalError", "not as an S3 server does", "PGDRILL_S3_REGION"),
        ] {
            let reported = answering(status, code).await;
            assert!(reported.contains(what) && reported.contains(hint), "{code}: {reported}");
        }
    }

    #[tokio::test]
    async fn an_endpoint_that_is_not_there_or_hangs_is_reported_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint =
            format!("https://localhost:{}", listener.local_addr().expect("bound").port());
        let hanging = reported(&endpoint, None, None).await;
        assert!(hanging.contains("does not answer"), "{hanging}");
        drop(listener);
        let refused = reported(&endpoint, None, None).await;
        assert!(refused.contains("can't be reached") && refused.contains("refused"), "{refused}");
        let nowhere = reported("https://nowhere.invalid", None, None).await;
        assert!(nowhere.contains("has no address"), "{nowhere}");
    }

    #[tokio::test]
    async fn a_certificate_that_does_not_fit_and_no_tls_at_all_are_distinguished() {
        let stub = Stub::tls(|_| Reply::Answer(200, String::new())).await;
        let endpoint = format!("https://localhost:{}", stub.address.port());
        let (_, other) = authority();
        let distrusted = reported(&endpoint, Some(&other), None).await;
        assert!(distrusted.contains("is not trusted") && distrusted.contains("PGDRILL_S3_CA_FILE"));
        let unreadable = reported(&endpoint, Some("no chain"), None).await;
        assert!(unreadable.contains("no certificate that can be read"), "{unreadable}");
        let (acceptor, chain) = issued(&["elsewhere"]);
        let named = Stub::with(acceptor, chain, |_| Reply::Answer(200, String::new())).await;
        let route = S3Route { host: "s3.drill".into(), to: named.address };
        let misnamed = reported("https://s3.drill", Some(&named.certificate), Some(route)).await;
        assert!(misnamed.contains("for another name"), "{misnamed}");
        let plain = Stub::plain(|_| Reply::Answer(200, String::new())).await;
        let endpoint = format!("https://localhost:{}", plain.address.port());
        // A plain server waits for the end of a request that never comes, or answers in plain text.
        let plain = reported(&endpoint, Some(&stub.certificate), None).await;
        assert!(
            plain.contains("does not answer") || plain.contains("does not speak TLS"),
            "{plain}"
        );
    }

    /// A server at which whoever signs with `canary-access` is refused what the test says, of a bucket that is there.
    async fn apart(refused: fn(&str) -> bool) -> EngineResult<()> {
        let stub = Stub::tls(move |request| {
            let is_own = request.head.contains("credential=canary-access/");
            let method = request.method.as_str();
            match (is_own, method) {
                (true, _) if refused(method) => {
                    let code = "<Error><Code>AccessDenied</Code></Error>";
                    Reply::Answer(403, code.to_owned())
                }
                (_, "GET") if request.target.contains("uploads") => {
                    Reply::Answer(200, "<ListMultipartUploadsResult/>".into())
                }
                (_, "GET") => Reply::Answer(200, "<ListBucketResult/>".into()),
                _ => Reply::Answer(200, String::new()),
            }
        })
        .await;
        let endpoint = format!("https://localhost:{}", stub.address.port());
        let user = |access: &str| {
            let settings = S3Settings {
                access_key: Secret::new(access.to_owned()),
                ..settings(&endpoint, Some(&stub.certificate))
            };
            S3Admin::new(S3Store::new(LIMITS), settings)
        };
        keeps_apart(&user("canary-access"), &user("canary-other"), &endpoint, "drill").await
    }

    #[tokio::test]
    async fn another_user_who_is_not_kept_apart_is_reported() {
        apart(|_| true).await.expect("everything is refused");
        for (refused, may) in [
            ((|_| false) as fn(&str) -> bool, "look for"),
            (|method| method != "GET", "read"),
            (|method| method != "PUT", "write into"),
        ] {
            let error = apart(refused).await.expect_err(may).to_string();
            assert!(error.contains(&format!("may {may} a bucket of the other's")), "{error}");
            assert!(error.contains("leave both PGDRILL_S3_OTHER_* out"), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_server_that_forgets_is_reported() {
        let stub = Stub::tls(|request| match request.method.as_str() {
            "GET" if request.target.contains("preflight") => Reply::Answer(200, "y".into()),
            "GET" if request.target.contains("uploads") => {
                Reply::Answer(200, "<ListMultipartUploadsResult/>".into())
            }
            "GET" => Reply::Answer(200, "<ListBucketResult/>".into()),
            _ => Reply::Answer(200, String::new()),
        })
        .await;
        let endpoint = format!("https://localhost:{}", stub.address.port());
        let reported = reported(&endpoint, Some(&stub.certificate), None).await;
        assert!(reported.contains("does not give back"), "{reported}");
    }
}
