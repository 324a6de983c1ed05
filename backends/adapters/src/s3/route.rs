//! Another way to a host than the one that its name gives.

use std::net::SocketAddr;

/// The endpoints of one host are reached at this address, whatever their name resolves to: the containers of a stage
/// know the S3 server by a name that this process can't resolve, and this process reaches it through a published
/// port. The name stays what it is for TLS and in the signed request, which bears the port of the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Route {
    /// The host name.
    pub host: String,
    /// Where it is.
    pub to: SocketAddr,
}

impl S3Route {
    /// The endpoint with the port of this route, if its host is the one of this route.
    pub(super) fn endpoint(&self, endpoint: &str) -> Option<String> {
        let (scheme, rest) = endpoint.split_once("://")?;
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let port = self.to.port();
        host.eq_ignore_ascii_case(&self.host).then(|| format!("{scheme}://{host}:{port}{path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoints_of_its_host_get_its_port_and_others_are_left_alone() {
        let route = S3Route { host: "s3.drill".into(), to: ([127, 0, 0, 1], 32768).into() };
        for (given, routed) in [
            ("https://s3.drill", Some("https://s3.drill:32768")),
            ("https://S3.drill:9000", Some("https://S3.drill:32768")),
            ("https://s3.drill/below", Some("https://s3.drill:32768/below")),
            ("https://nowhere.invalid", None),
            ("https://a.s3.drill", None),
            ("s3.drill", None),
        ] {
            assert_eq!(route.endpoint(given).as_deref(), routed, "{given}");
        }
    }
}
