//! Listeners.

use crate::ec2::Tags;
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::{balancers, listed, tags};

#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) balancer: String,
    port: i64,
    protocol: String,
    certificate: Option<String>,
    ssl_policy: Option<String>,
    pub(crate) actions: Vec<Record>,
    pub(crate) tags: Tags,
}

pub(super) fn not_found(arn: &str) -> Fault {
    Fault::new("ListenerNotFound", format!("Listener '{arn}' not found"))
}

impl Region {
    /// A deleted balancer's listeners and their rules.
    pub(super) fn drop_listeners(&mut self, balancer: &str) {
        for arn in self.listeners.keys() {
            if self
                .listeners
                .get(&arn)
                .is_some_and(|l| l.balancer == balancer)
            {
                self.drop_listener(&arn);
            }
        }
    }

    fn drop_listener(&mut self, arn: &str) {
        self.listeners.remove(arn);
        for rule in self.rules.keys() {
            if self.rules.get(&rule).is_some_and(|r| r.listener == arn) {
                self.rules.remove(&rule);
            }
        }
    }

    /// What a listener's protocol asks for: HTTPS a certificate that exists, HTTP none.
    fn check_listener(&self, listener: &Listener, own: Option<&str>) -> Result<(), Fault> {
        match (listener.protocol.as_str(), &listener.certificate) {
            ("HTTP", None) => {}
            ("HTTPS", Some(arn)) if self.certificates.contains(arn) => {}
            ("HTTPS", Some(arn)) => {
                return Err(Fault::new(
                    "CertificateNotFound",
                    format!("Certificate '{arn}' not found"),
                ));
            }
            ("HTTPS", None) => {
                return Err(Fault::validation(
                    "A certificate must be specified for HTTPS listeners",
                ));
            }
            ("HTTP", Some(_)) => {
                return Err(Fault::new(
                    "InvalidConfigurationRequest",
                    "A certificate cannot be specified for HTTP listeners",
                ));
            }
            (other, _) => {
                return Err(Fault::new(
                    "InvalidConfigurationRequest",
                    format!("Listener protocol '{other}' must be one of 'HTTP, HTTPS'"),
                ));
            }
        }
        let taken = self.listeners.iter().any(|(arn, other)| {
            own != Some(arn) && other.balancer == listener.balancer && other.port == listener.port
        });
        if taken {
            return Err(Fault::new(
                "DuplicateListener",
                "A listener already exists on this port for this load balancer",
            ));
        }
        Ok(())
    }
}

/// The certificate of a request; ELB takes one as default.
fn certificate(input: &Record) -> Option<String> {
    input
        .records("Certificates")
        .next()
        .and_then(|c| c.text("CertificateArn"))
        .map(str::to_owned)
}

fn record(arn: &str, listener: &Listener) -> Record {
    let certificates = listener
        .certificate
        .iter()
        .map(|arn| Record::new().with("CertificateArn", arn))
        .collect::<Vec<_>>();
    Record::new()
        .with("ListenerArn", arn)
        .with("LoadBalancerArn", &listener.balancer)
        .with("Port", listener.port)
        .with("Protocol", &listener.protocol)
        .with("Certificates", certificates)
        .with("SslPolicy", listener.ssl_policy.clone())
        .with("DefaultActions", listener.actions.clone())
}

pub(super) fn create(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let balancer = input.needed("LoadBalancerArn");
    region
        .balancers
        .seen(balancer, region.now())
        .ok_or_else(|| balancers::not_found(balancer))?;
    let actions = region.actions(input, "DefaultActions", balancer)?;
    let (Some(port), Some(protocol)) = (input.integer("Port"), input.text("Protocol")) else {
        return Err(Fault::validation("A port and a protocol must be specified"));
    };
    // "The default is the current predefined security policy."
    let policy = input
        .text("SslPolicy")
        .unwrap_or("ELBSecurityPolicy-2016-08");
    let listener = Listener {
        balancer: balancer.to_owned(),
        port,
        protocol: protocol.to_owned(),
        certificate: certificate(input),
        ssl_policy: (protocol == "HTTPS").then(|| policy.to_owned()),
        actions,
        tags: tags::asked(input)?,
    };
    region.check_listener(&listener, None)?;
    let path = balancer
        .split_once("loadbalancer/")
        .map_or("", |(_, path)| path)
        .to_owned();
    let (id, seen_from) = (region.short_id(), region.seen_from());
    let arn = region.arn("elasticloadbalancing", &format!("listener/{path}/{id}"));
    let answer = record(&arn, &listener);
    region.listeners.insert(&arn, listener, seen_from);
    Ok(Record::new().with("Listeners", vec![answer]))
}

pub(super) fn modify(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (arn, now) = (input.needed("ListenerArn"), region.now());
    let mut listener = region
        .listeners
        .seen(arn, now)
        .cloned()
        .ok_or_else(|| not_found(arn))?;
    if input.list("DefaultActions").is_some() {
        listener.actions = region.actions(input, "DefaultActions", &listener.balancer)?;
    }
    listener.port = input.integer("Port").unwrap_or(listener.port);
    if let Some(protocol) = input.text("Protocol") {
        protocol.clone_into(&mut listener.protocol);
        // "Changing the protocol from HTTPS to HTTP [...] removes the security policy and default certificate properties."
        if protocol == "HTTP" {
            (listener.certificate, listener.ssl_policy) = (None, None);
        }
    }
    if input.list("Certificates").is_some() {
        listener.certificate = certificate(input);
    }
    if let Some(policy) = input.text("SslPolicy") {
        listener.ssl_policy = Some(policy.to_owned());
    }
    region.check_listener(&listener, Some(arn))?;
    let answer = record(arn, &listener);
    if let Some(old) = region.listeners.get_mut(arn) {
        *old = listener;
    }
    Ok(Record::new().with("Listeners", vec![answer]))
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (arns, now) = (input.texts("ListenerArns"), region.now());
    let balancer = input.text("LoadBalancerArn");
    if let Some(arn) = balancer.filter(|arn| region.balancers.seen(arn, now).is_none()) {
        return Err(balancers::not_found(arn));
    }
    if let Some(arn) = arns
        .iter()
        .find(|arn| region.listeners.seen(arn, now).is_none())
    {
        return Err(not_found(arn));
    }
    if balancer.is_none() && arns.is_empty() {
        return Err(Fault::validation(
            "You must specify either listener ARNs or a load balancer ARN",
        ));
    }
    let items: Vec<_> = region
        .listeners
        .seen_all(now)
        .filter(|(arn, l)| {
            (arns.is_empty() || arns.iter().any(|a| a == arn))
                && balancer.is_none_or(|b| b == l.balancer)
        })
        .map(|(arn, l)| (arn.to_owned(), record(arn, l)))
        .collect();
    let (listeners, next) = listed(region, input, items)?;
    Ok(Record::new()
        .with("Listeners", listeners)
        .with("NextMarker", next))
}

pub(super) fn delete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let arn = input.needed("ListenerArn");
    region
        .listeners
        .seen(arn, region.now())
        .ok_or_else(|| not_found(arn))?;
    region.drop_listener(arn);
    Ok(Record::new())
}
