//! The S3 settings: as the relation gives them, and as everything else uses them.

use crate::secret::Secret;

/// The S3 relation's data, as written there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct S3Relation {
    /// `bucket`.
    pub bucket: Option<String>,
    /// `access-key`.
    pub access_key: Option<Secret>,
    /// `secret-key`.
    pub secret_key: Option<Secret>,
    /// `endpoint`.
    pub endpoint: Option<String>,
    /// `path`.
    pub path: Option<String>,
    /// `region`.
    pub region: Option<String>,
    /// `s3-uri-style`.
    pub uri_style: Option<String>,
    /// `tls-ca-chain`.
    pub tls_ca_chain: Option<String>,
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
    pub bucket: String,
    /// The access key.
    pub access_key: Secret,
    /// The secret key.
    pub secret_key: Secret,
    /// The endpoint with its scheme, without a trailing slash; an AWS endpoint is regional when the
    /// region is known.
    pub endpoint: String,
    /// The prefix of all keys: one leading slash, no trailing one; `/` for none.
    pub path: String,
    /// The region, where one is given.
    pub region: Option<String>,
    /// How a request names its bucket.
    pub uri_style: UriStyle,
    /// The chain of the authority that signed the server's certificate.
    pub tls_ca_chain: Option<String>,
}

const AWS: &str = "https://s3.amazonaws.com";

impl S3Settings {
    /// The settings in their normal form.
    ///
    /// # Errors
    ///
    /// The names of the required parameters that are absent or blank, in the order bucket, access-key,
    /// secret-key.
    pub fn from_relation(relation: &S3Relation) -> Result<Self, Vec<&'static str>> {
        let bucket = relation.bucket.as_deref().map(|text| text.trim().trim_matches('/'));
        let access_key = relation.access_key.as_ref().map(|secret| secret.expose().trim());
        let secret_key = relation.secret_key.as_ref().map(|secret| secret.expose().trim());
        let required = [("bucket", bucket), ("access-key", access_key), ("secret-key", secret_key)];
        let missing: Vec<&'static str> =
            required.iter().filter(|(_, value)| is_blank(*value)).map(|(name, _)| *name).collect();
        let (Some(bucket), Some(access_key), Some(secret_key), true) =
            (bucket, access_key, secret_key, missing.is_empty())
        else {
            return Err(missing);
        };
        let region = present(relation.region.as_deref());
        let endpoint = present(relation.endpoint.as_deref()).unwrap_or(AWS);
        Ok(Self {
            bucket: bucket.to_owned(),
            access_key: Secret::new(access_key),
            secret_key: Secret::new(secret_key),
            endpoint: regional(endpoint.trim_end_matches('/'), region),
            path: normal_path(present(relation.path.as_deref()).unwrap_or_default()),
            region: region.map(str::to_owned),
            uri_style: match present(relation.uri_style.as_deref()) {
                Some(style) if style.eq_ignore_ascii_case("path") => UriStyle::Path,
                Some(_) | None => UriStyle::Host,
            },
            tls_ca_chain: present(relation.tls_ca_chain.as_deref()).map(str::to_owned),
        })
    }

    /// The key of an object that the hooks keep for `stanza`: `<path>/backup/<stanza>/<name>`, without
    /// a leading slash.
    #[must_use]
    pub fn object_key(&self, stanza: &str, name: &str) -> String {
        let path = self.path.trim_matches('/');
        let slash = if path.is_empty() { "" } else { "/" };
        [path, slash, "backup/", stanza, "/", name].concat()
    }
}

fn is_blank(value: Option<&str>) -> bool {
    value.is_none_or(str::is_empty)
}

fn present(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|text| !text.is_empty())
}

fn normal_path(path: &str) -> String {
    ["/", path.trim_matches('/')].concat()
}

fn regional(endpoint: &str, region: Option<&str>) -> String {
    match region {
        Some(region) if endpoint == AWS && region.starts_with("cn-") => {
            format!("https://s3.{region}.amazonaws.com.cn")
        }
        Some(region) if endpoint == AWS => format!("https://s3.{region}.amazonaws.com"),
        Some(_) | None => endpoint.to_owned(),
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
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        let settings = S3Settings::from_relation(&relation()).expect("complete");
        assert_eq!(settings.endpoint, "https://s3.amazonaws.com");
        assert_eq!((settings.path.as_str(), settings.uri_style), ("/", UriStyle::Host));
        assert_eq!(settings.object_key("m.c", "latest"), "backup/m.c/latest");
    }

    #[test]
    fn an_aws_endpoint_becomes_the_regional_one() {
        for (region, endpoint) in [
            ("eu-west-3", "https://s3.eu-west-3.amazonaws.com"),
            ("cn-north-1", "https://s3.cn-north-1.amazonaws.com.cn"),
        ] {
            let given = S3Relation { region: Some(region.into()), ..relation() };
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
            Err(vec!["bucket", "access-key", "secret-key"])
        );
        let half = S3Relation { access_key: None, ..relation() };
        assert_eq!(S3Settings::from_relation(&half), Err(vec!["access-key"]));
    }
}
