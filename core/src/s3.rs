//! The S3 settings: as the relation gives them, and as everything else uses them.

use std::borrow::Cow;

use crate::secret::Secret;

/// Text that may be part of the program.
type Text = Cow<'static, str>;

/// The S3 relation's data, as written there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct S3Relation {
    /// `bucket`.
    pub bucket: Option<Text>,
    /// `access-key`.
    pub access_key: Option<Secret>,
    /// `secret-key`.
    pub secret_key: Option<Secret>,
    /// `endpoint`.
    pub endpoint: Option<Text>,
    /// `path`.
    pub path: Option<Text>,
    /// `region`.
    pub region: Option<Text>,
    /// `s3-uri-style`.
    pub uri_style: Option<Text>,
    /// `tls-ca-chain`.
    pub tls_ca_chain: Option<Text>,
    /// Whether it names the secret with the credentials in a form that no id of Juju's has: then nobody asked for it.
    pub names_no_secret: bool,
}

/// Why the data of an S3 relation can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum S3Problem {
    /// Required parameters are absent or blank: their names, in the order bucket, access-key, secret-key.
    Missing(Vec<&'static str>),
    /// A parameter holds what no S3 client or the backup tool can use.
    Unusable {
        /// Its name.
        parameter: &'static str,
        /// What it holds, in words that follow its name.
        why: &'static str,
    },
}

/// How a request names its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UriStyle {
    /// In the host name.
    #[default]
    Host,
    /// In the path.
    Path,
}

/// Complete S3 settings in their normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// The bucket, without slashes around it.
    pub bucket: Text,
    /// The access key.
    pub access_key: Secret,
    /// The secret key.
    pub secret_key: Secret,
    /// The endpoint with its scheme, without a trailing slash; an AWS endpoint is regional when the
    /// region is known.
    pub endpoint: Text,
    /// The prefix of all keys: one leading slash, no trailing one; `/` for none.
    pub path: Text,
    /// The region, where one is given.
    pub region: Option<Text>,
    /// How a request names its bucket.
    pub uri_style: UriStyle,
    /// The chain of the authority that signed the server's certificate.
    pub tls_ca_chain: Option<Text>,
}

const AWS: &str = "https://s3.amazonaws.com";

impl S3Settings {
    /// The settings in their normal form.
    ///
    /// # Errors
    ///
    /// What is missing, or can't be used: control characters, which would end a line of the backup tool's file; an
    /// endpoint with a path, which that tool leaves out (pgBackRest 2.55.1); `//` in the path, which it refuses.
    pub fn from_relation(relation: &S3Relation) -> Result<Self, S3Problem> {
        let settings = Self::complete(relation)?;
        settings.check()?;
        Ok(settings)
    }

    fn complete(relation: &S3Relation) -> Result<Self, S3Problem> {
        if relation.names_no_secret {
            let why = "names no secret of Juju's";
            return Err(S3Problem::Unusable { parameter: "secret-extra", why });
        }
        let bucket = relation.bucket.as_ref().map(|text| cut(text, bucket_name));
        let secret = |secret: &Option<Secret>| secret.as_ref().map(|s| cut(s.text(), str::trim));
        let (access_key, secret_key) = (secret(&relation.access_key), secret(&relation.secret_key));
        let given = |value: &Option<Text>| value.as_ref().is_some_and(|text| !text.is_empty());
        let required =
            [("bucket", &bucket), ("access-key", &access_key), ("secret-key", &secret_key)];
        let (Some(bucket), Some(access_key), Some(secret_key), true) =
            (&bucket, &access_key, &secret_key, required.iter().all(|(_, value)| given(value)))
        else {
            let missing = required.iter().filter(|(_, value)| !given(value));
            return Err(S3Problem::Missing(missing.map(|(name, _)| *name).collect()));
        };
        let region = present(relation.region.as_ref(), str::trim);
        let endpoint = present(relation.endpoint.as_ref(), without_trailing_slashes);
        Ok(Self {
            bucket: bucket.clone(),
            access_key: Secret::new(access_key.clone()),
            secret_key: Secret::new(secret_key.clone()),
            endpoint: regional(endpoint.unwrap_or(Text::Borrowed(AWS)), region.as_deref()),
            path: normal_path(present(relation.path.as_ref(), str::trim).unwrap_or_default()),
            region,
            uri_style: match relation.uri_style.as_deref().map(str::trim) {
                Some(style) if style.eq_ignore_ascii_case("path") => UriStyle::Path,
                Some(_) | None => UriStyle::Host,
            },
            tls_ca_chain: present(relation.tls_ca_chain.as_ref(), str::trim),
        })
    }

    /// Refuses what can't be used.
    fn check(&self) -> Result<(), S3Problem> {
        let unusable = |parameter, why| Err(S3Problem::Unusable { parameter, why });
        for (parameter, value) in [
            ("bucket", &*self.bucket),
            ("access-key", self.access_key.expose()),
            ("secret-key", self.secret_key.expose()),
            // An endpoint of AWS may hold the region.
            ("region", self.region.as_deref().unwrap_or_default()),
            ("endpoint", &*self.endpoint),
            ("path", &*self.path),
        ] {
            if value.chars().any(char::is_control) {
                return unusable(parameter, "holds a control character");
            }
        }
        let host = self.endpoint.split_once("://").map_or(&*self.endpoint, |(_, rest)| rest);
        if host.contains(['/', '?', '#']) {
            return unusable("endpoint", "holds more than a host and a port");
        }
        if host.contains('@') {
            return unusable("endpoint", "holds a user");
        }
        if self.path.contains("//") {
            return unusable("path", "holds `//`");
        }
        Ok(())
    }

    /// Where the repository is, as `<endpoint>/<bucket><path>`. Nothing of it is secret.
    #[must_use]
    pub fn place(&self) -> String {
        [&*self.endpoint, "/", &*self.bucket, &*self.path].concat()
    }

    /// The key of an object that the hooks keep for `stanza`: `<path>/backup/<stanza>/<name>`, without
    /// a leading slash.
    #[must_use]
    pub fn object_key(&self, stanza: &str, name: &str) -> String {
        self.key("backup/", stanza, name)
    }

    /// The key of an object about a backup of `stanza` that failed: `<path>/failed/<stanza>/<name>`, without a leading
    /// slash. The backup tool looks after `backup` alone: there it removes what belongs to no backup that it knows, and
    /// makes no stanza beside what others put there (pgBackRest 2.55.1).
    #[must_use]
    pub fn failure_key(&self, stanza: &str, name: &str) -> String {
        self.key("failed/", stanza, name)
    }

    fn key(&self, folder: &str, stanza: &str, name: &str) -> String {
        let path = self.path.trim_matches('/');
        let slash = if path.is_empty() { "" } else { "/" };
        [path, slash, folder, stanza, "/", name].concat()
    }
}

fn bucket_name(text: &str) -> &str {
    text.trim().trim_matches('/')
}

fn without_trailing_slashes(text: &str) -> &str {
    text.trim().trim_end_matches('/')
}

/// A part of a text, without a copy where the text is part of the program.
fn cut(text: &Text, part: fn(&str) -> &str) -> Text {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(part(text)),
        Cow::Owned(text) => Cow::Owned(part(text).to_owned()),
    }
}

/// A part of a text, if anything is left of it.
fn present(text: Option<&Text>, part: fn(&str) -> &str) -> Option<Text> {
    text.map(|text| cut(text, part)).filter(|text| !text.is_empty())
}

fn normal_path(path: Text) -> Text {
    let inner = path.trim_matches('/');
    if path.len() == inner.len() + 1 && path.starts_with('/') {
        path
    } else {
        ["/", inner].concat().into()
    }
}

fn regional(endpoint: Text, region: Option<&str>) -> Text {
    match region {
        Some(region) if endpoint == AWS && region.starts_with("cn-") => {
            format!("https://s3.{region}.amazonaws.com.cn").into()
        }
        Some(region) if endpoint == AWS => format!("https://s3.{region}.amazonaws.com").into(),
        Some(_) | None => endpoint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation() -> S3Relation {
        S3Relation {
            bucket: Some(" /backups/ ".into()),
            access_key: Some(Secret::new(" key ")),
            secret_key: Some(Secret::new("secret\n")),
            ..S3Relation::default()
        }
    }

    #[test]
    fn values_take_their_normal_form() {
        let settings = S3Settings::from_relation(&S3Relation {
            endpoint: Some("https://minio:9000//".into()),
            path: Some("a/b//".into()),
            region: Some("  ".into()),
            uri_style: Some("path".into()),
            ..relation()
        });
        let settings = settings.expect("complete");
        assert_eq!(settings.bucket, "backups");
        assert_eq!(settings.access_key.expose(), "key");
        assert_eq!(settings.secret_key.expose(), "secret");
        assert_eq!(settings.endpoint, "https://minio:9000");
        assert_eq!(settings.path, "/a/b");
        assert_eq!(settings.region, None);
        assert_eq!(settings.uri_style, UriStyle::Path);
        assert_eq!(settings.object_key("m.c", "latest"), "a/b/backup/m.c/latest");
        assert_eq!(settings.failure_key("m.c", "x"), "a/b/failed/m.c/x");
        assert_eq!(settings.place(), "https://minio:9000/backups/a/b");
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        let settings = S3Settings::from_relation(&relation()).expect("complete");
        assert_eq!(settings.endpoint, "https://s3.amazonaws.com");
        assert_eq!((&*settings.path, settings.uri_style), ("/", UriStyle::Host));
        assert_eq!(settings.object_key("m.c", "latest"), "backup/m.c/latest");
    }

    #[test]
    fn an_aws_endpoint_becomes_the_regional_one() {
        for (region, endpoint) in [
            ("eu-west-3", "https://s3.eu-west-3.amazonaws.com"),
            ("cn-north-1", "https://s3.cn-north-1.amazonaws.com.cn"),
        ] {
            let region = Some(Text::from(region.to_owned()));
            let given = S3Relation { region, ..relation() };
            assert_eq!(S3Settings::from_relation(&given).expect("complete").endpoint, endpoint);
        }
        let other = S3Relation {
            region: Some("eu".into()),
            endpoint: Some("https://minio".into()),
            ..relation()
        };
        assert_eq!(S3Settings::from_relation(&other).expect("complete").endpoint, "https://minio");
    }

    #[test]
    fn what_is_missing_is_named_in_order() {
        let blank = S3Relation {
            bucket: Some(" / ".into()),
            secret_key: Some(Secret::new("  ")),
            ..S3Relation::default()
        };
        assert_eq!(
            S3Settings::from_relation(&blank),
            Err(S3Problem::Missing(vec!["bucket", "access-key", "secret-key"]))
        );
        let half = S3Relation { access_key: None, ..relation() };
        assert_eq!(S3Settings::from_relation(&half), Err(S3Problem::Missing(vec!["access-key"])));
    }

    #[test]
    fn what_can_t_be_used_is_named() {
        let text = |text: &str| Some(Text::from(text.to_owned()));
        let path = |path| S3Relation { path: text(path), ..relation() };
        let endpoint = |endpoint| S3Relation { endpoint: text(endpoint), ..relation() };
        for (given, expected) in [
            (S3Relation { bucket: text("a\nb"), ..relation() }, Some("bucket")),
            (
                S3Relation { access_key: Some(Secret::new("a\u{1b}b")), ..relation() },
                Some("access-key"),
            ),
            (
                S3Relation { secret_key: Some(Secret::new("a\0b")), ..relation() },
                Some("secret-key"),
            ),
            (S3Relation { region: text("a\rb"), ..relation() }, Some("region")),
            (path("a\tb"), Some("path")),
            (path("a//b"), Some("path")),
            (path("//a/b//"), None),
            (endpoint("https://minio:9000/swift/v1"), Some("endpoint")),
            (endpoint("minio:9000/x"), Some("endpoint")),
            (endpoint("https://user:password@minio"), Some("endpoint")),
            (endpoint("https://minio?x"), Some("endpoint")),
            (endpoint("https://[::1]:9000/"), None),
            (S3Relation { names_no_secret: true, ..S3Relation::default() }, Some("secret-extra")),
        ] {
            let found = match S3Settings::from_relation(&given) {
                Err(S3Problem::Unusable { parameter, .. }) => Some(parameter),
                Ok(_) => None,
                Err(S3Problem::Missing(missing)) => panic!("{missing:?}"),
            };
            assert_eq!(found, expected, "{given:?}");
        }
    }
}
