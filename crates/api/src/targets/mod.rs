//! Where a spec sends the operator, and where it may not.

mod address;

use std::net::IpAddr;

pub use address::{Loopback, forbidden};

use crate::spec::OpenViduClusterSpec;
use crate::validate::FieldError;

/// Whether the operator itself goes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A machine of the cluster, on which commands run.
    Machine,
    /// The way to all machines.
    Way,
    /// Where the cluster's own machines, or people, are sent.
    Told,
}

/// A target that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedTarget {
    /// Who goes there.
    pub reach: Reach,
    /// Field, value and way out.
    pub error: FieldError,
}

/// The targets in a spec that nobody may name: loopback, link-local, metadata, unspecified and multicast addresses.
///
/// A name is not looked up here: whoever connects refuses what it leads to, by [`forbidden`].
pub fn refused(spec: &OpenViduClusterSpec, loopback: Loopback) -> Vec<RefusedTarget> {
    let mut found = Vec::new();
    for (reach, field, text) in targets(spec) {
        let host = host(reach, &text);
        if let Some(what) = wrong(reach, host, loopback) {
            let way_out = match reach {
                Reach::Machine => "name the machine by its own address in your network",
                Reach::Way => "name the jump host by its own address in your network",
                Reach::Told => "name a server that the machines reach over the network",
            };
            found.push(RefusedTarget {
                reach,
                error: FieldError {
                    field,
                    // The rest of a URL may carry a password.
                    message: format!("{host} {what}: {way_out}"),
                },
            });
        }
    }
    found
}

/// Every target in a spec: who goes there, the field, the value.
fn targets(spec: &OpenViduClusterSpec) -> Vec<(Reach, String, String)> {
    let mut found = Vec::new();
    let mut add = |reach, field: String, text: Option<&String>| {
        if let Some(text) = text {
            found.push((reach, field, text.clone()));
        }
    };
    if let Some(on_prem) = &spec.infrastructure.on_prem {
        let root = "spec.infrastructure.onPrem";
        for (index, machine) in on_prem.machines.iter().enumerate() {
            let path = format!("{root}.machines[{index}]");
            add(
                Reach::Machine,
                format!("{path}.address"),
                Some(&machine.address),
            );
            let public = machine.public_address.as_ref();
            add(Reach::Told, format!("{path}.publicAddress"), public);
        }
        let jump = on_prem.ssh.jump_host.as_ref().map(|j| &j.address);
        add(Reach::Way, format!("{root}.ssh.jumpHost.address"), jump);
        let installer = on_prem.installer.base_url.as_ref();
        add(Reach::Told, format!("{root}.installer.baseURL"), installer);
    }
    let managed = spec.load_balancer.managed.as_ref();
    let field = "spec.loadBalancer.managed.virtualIP".to_owned();
    add(
        Reach::Told,
        field,
        managed.and_then(|m| m.virtual_ip.as_ref()),
    );
    let external = spec.load_balancer.external.as_ref();
    let field = "spec.loadBalancer.external.address".to_owned();
    add(
        Reach::Told,
        field,
        external.and_then(|e| e.address.as_ref()),
    );
    if let Some(elastic) = &spec.elastic_stack {
        let (search, kibana) = (&elastic.elasticsearch_url, &elastic.kibana_url);
        let path = "spec.elasticStack";
        add(
            Reach::Told,
            format!("{path}.elasticsearchURL"),
            search.as_ref(),
        );
        add(Reach::Told, format!("{path}.kibanaURL"), kibana.as_ref());
    }
    for (index, url) in spec.turn.urls.iter().enumerate() {
        add(Reach::Told, format!("spec.turn.urls[{index}]"), Some(url));
    }
    found
}

/// The host of a URL or of a TURN server's; an address or a name is itself.
fn host(reach: Reach, text: &str) -> &str {
    if reach == Reach::Machine || text.parse::<IpAddr>().is_ok() {
        return text;
    }
    let after = match text.split_once("://") {
        Some((_, rest)) => rest,
        None => ["turns:", "turn:", "stuns:", "stun:"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .unwrap_or(text),
    };
    let authority = after.split(['/', '?', '#']).next().unwrap_or(after);
    let server = authority.rsplit('@').next().unwrap_or(authority);
    match server.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or(bracketed),
        None if server.parse::<IpAddr>().is_ok() => server,
        None => server.split(':').next().unwrap_or(server),
    }
}

/// Why a host is refused.
fn wrong(reach: Reach, host: &str, loopback: Loopback) -> Option<String> {
    if let Ok(address) = host.parse::<IpAddr>() {
        let what = forbidden(address, loopback)?;
        return Some(format!("is {what}, where no cluster's target may be"));
    }
    if reach == Reach::Machine {
        return Some("is no IP address".to_owned());
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        let refused = loopback == Loopback::Refused;
        return refused.then(|| "is a loopback name, where no cluster's target may be".to_owned());
    }
    // 127.1, 0x7f.1 or 2130706433 are addresses to the C library, and so to most programs.
    let last = name.rsplit('.').next().unwrap_or_default();
    let number = last.starts_with("0x") || last.chars().all(|c| c.is_ascii_digit());
    (number && !name.is_empty())
        .then(|| "is an address in another form than four numbers with dots between".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_found_in_every_kind_of_target() {
        for (text, wanted) in [
            ("jump.example.com", "jump.example.com"),
            ("10.1.0.1", "10.1.0.1"),
            ("fe80::1", "fe80::1"),
            ("http://169.254.169.254/latest", "169.254.169.254"),
            ("https://user:word@127.0.0.1:443/x", "127.0.0.1"),
            ("https://example.com:443", "example.com"),
            ("https://[::1]:8443/a", "::1"),
            ("turn:[fd00:ec2::254]:3478?transport=udp", "fd00:ec2::254"),
            ("turns:turn.example.com:443", "turn.example.com"),
        ] {
            assert_eq!(host(Reach::Told, text), wanted, "{text}");
        }
    }

    #[test]
    fn other_forms_of_an_address_and_names_of_oneself_are_seen() {
        let refused = |text: &str| wrong(Reach::Way, text, Loopback::Refused);
        for text in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "127.1",
            "0x7f.1",
            "0177.0.0.1",
            "2130706433",
            "0x7f000001",
        ] {
            assert!(refused(text).is_some(), "{text}");
        }
        for text in ["jump.example.com", "jump1", "10.1.0.1", "1.jump"] {
            assert_eq!(refused(text), None, "{text}");
        }
        assert_eq!(wrong(Reach::Way, "localhost", Loopback::Allowed), None);
        // A machine's name would be another name of somebody else's machine.
        assert!(wrong(Reach::Machine, "m1.example.com", Loopback::Allowed).is_some());
    }
}
