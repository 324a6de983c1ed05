//! Policies of buckets: what a server refuses whom.

use serde_json::{Value, json};

/// What a bucket's policy is for, as it says itself: whoever lifts it must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PolicyPurpose {
    /// It refuses everything in a bucket that was there before.
    Denies,
    /// It refuses everything in a bucket that was made for it.
    DeniesAbsent,
    /// It makes a bucket somebody else's, where there is nobody else.
    Foreign,
    /// It refuses some keys.
    RefusesKeys,
}

impl PolicyPurpose {
    pub(super) const ALL: [Self; 4] =
        [Self::Denies, Self::DeniesAbsent, Self::Foreign, Self::RefusesKeys];

    /// What it is called on the server.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Denies => "pgdrill-denies",
            Self::DeniesAbsent => "pgdrill-denies-absent",
            Self::Foreign => "pgdrill-foreign",
            Self::RefusesKeys => "pgdrill-refuses-keys",
        }
    }

    /// What its statement is called, of letters alone: Amazon's takes no other signs. A policy's own `Id` would be the place
    /// for it, but SeaweedFS (4.48) gives policies back without theirs.
    const fn sid(self) -> &'static str {
        match self {
            Self::Denies => "PgdrillDenies",
            Self::DeniesAbsent => "PgdrillDeniesAbsent",
            Self::Foreign => "PgdrillForeign",
            Self::RefusesKeys => "PgdrillRefusesKeys",
        }
    }

    /// Of a policy that this project wrote.
    pub(super) fn of(policy: &str) -> Option<Self> {
        let policy: Value = serde_json::from_str(policy).ok()?;
        let sid = policy.get("Statement")?.get(0)?.get("Sid")?.as_str()?;
        Self::ALL.into_iter().find(|purpose| purpose.sid() == sid)
    }
}

/// Everything about objects, and what describes the bucket. The policy itself is not among them: whoever owns the
/// bucket must be able to lift it.
const REQUESTS: &[&str] = &[
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:GetBucketLocation",
];
const OF_OBJECTS: &[&str] = &[
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
];

/// Every request about the bucket and its objects is refused.
pub(super) fn deny(bucket: &str, purpose: PolicyPurpose) -> String {
    let resources = [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")];
    written(purpose, REQUESTS, &resources)
}

/// Every request about an object whose key contains the text is refused.
pub(super) fn refuse_keys(bucket: &str, text: &str) -> String {
    written(PolicyPurpose::RefusesKeys, OF_OBJECTS, &[format!("arn:aws:s3:::{bucket}/*{text}*")])
}

fn written(purpose: PolicyPurpose, actions: &[&str], resources: &[String]) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": purpose.sid(),
            "Effect": "Deny",
            "Principal": "*",
            "Action": actions,
            "Resource": resources,
        }],
    })
    .to_string()
}

/// A policy of a bucket as one of a user: it names nobody.
pub(super) fn of_user(policy: &str) -> String {
    let Ok(mut policy) = serde_json::from_str::<Value>(policy) else { return policy.to_owned() };
    let statements = policy.get_mut("Statement").and_then(Value::as_array_mut);
    for statement in statements.into_iter().flatten().filter_map(Value::as_object_mut) {
        statement.remove("Principal");
    }
    policy.to_string()
}

/// A character in the text that a policy would read as something else.
pub(super) fn unwritable(text: &str) -> Option<char> {
    text.chars().find(|c| matches!(c, '*' | '?' | ':') || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_says_what_it_is_for() {
        for purpose in [PolicyPurpose::Denies, PolicyPurpose::DeniesAbsent, PolicyPurpose::Foreign]
        {
            assert_eq!(PolicyPurpose::of(&deny("b", purpose)), Some(purpose));
        }
        let keys = refuse_keys("b", "latest");
        assert_eq!(PolicyPurpose::of(&keys), Some(PolicyPurpose::RefusesKeys));
        assert!(keys.contains(r#""arn:aws:s3:::b/*latest*""#), "{keys}");
        for other in [
            "",
            "{}",
            r#"{"Id":"pgdrill-denies"}"#,
            r#"{"Statement":[]}"#,
            r#"{"Statement":[{"Sid":"mine"}]}"#,
            r#"{"Statement":[{"Sid":7}]}"#,
        ] {
            assert_eq!(PolicyPurpose::of(other), None, "{other}");
        }
    }

    /// What SeaweedFS 4.48 gives back of a policy: no `Id`, and other fields in another order.
    #[test]
    fn a_policy_says_so_whatever_a_server_leaves_out_of_it() {
        for purpose in PolicyPurpose::ALL {
            let mut policy: Value = serde_json::from_str(&deny("b", purpose)).expect("JSON");
            policy.as_object_mut().expect("an object").remove("Id");
            assert_eq!(PolicyPurpose::of(&policy.to_string()), Some(purpose));
            assert!(purpose.sid().chars().all(|c| c.is_ascii_alphanumeric()), "{purpose:?}");
        }
    }

    #[test]
    fn whoever_owns_a_bucket_may_lift_its_policy() {
        assert!(!deny("b", PolicyPurpose::Denies).contains("Policy"));
        assert!(!deny("b", PolicyPurpose::Denies).contains("s3:*"));
    }

    #[test]
    fn a_user_s_policy_names_nobody_and_refuses_the_same() {
        let policy = deny("b", PolicyPurpose::Denies);
        let own: Value = serde_json::from_str(&of_user(&policy)).expect("JSON");
        let statement = &own["Statement"][0];
        assert_eq!(statement["Effect"], "Deny");
        assert_eq!(statement["Resource"], json!(["arn:aws:s3:::b", "arn:aws:s3:::b/*"]));
        assert!(statement.get("Principal").is_none());
    }

    #[test]
    fn wildcards_are_reported() {
        assert_eq!(unwritable("archive/x-1.2 é+=,%$"), None);
        assert_eq!(unwritable("a*"), Some('*'));
        assert_eq!(unwritable("a:b"), Some(':'));
    }
}
