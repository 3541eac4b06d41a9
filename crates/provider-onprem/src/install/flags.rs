//! The flags of OpenVidu's installer.

use ovo_api::OpenViduCluster;
use ovo_api::act::Role;
use ovo_api::credentials::GENERATED_SUFFIX;
use ovo_api::profile::releases::Release;
use ovo_api::spec::{Machine, MediaEngine, Module, OnPrem};
use ovo_model::{ProviderError, SecretKey};

/// The value of a flag that is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The flag, without its dashes.
    pub flag: &'static str,
    /// Where its value may be; the first that is there counts.
    pub keys: Vec<SecretKey>,
    /// Whether the installer takes it in base64.
    pub base64: bool,
}

/// The flags that anybody may see.
///
/// # Errors
/// [`ProviderError::Invalid`] names a field that nothing can be made of.
pub fn open_flags(
    cluster: &OpenViduCluster,
    on_prem: &OnPrem,
    machine: &Machine,
    release: &Release,
) -> Result<Vec<String>, ProviderError> {
    let spec = &cluster.spec;
    let masters: Vec<&str> = on_prem
        .machines_in(Role::Master)
        .map(|m| m.address.as_str())
        .collect();
    let node = match machine.role {
        Role::Media => "media-node",
        Role::Master | Role::LoadBalancer => "master-node",
    };
    let mut flags = vec![
        "--no-tty".to_owned(),
        "--install".to_owned(),
        "--environment=on_premise".to_owned(),
        "--deployment-type=ha".to_owned(),
        format!("--node-role={node}"),
        format!("--master-node-private-ip-list={}", masters.join(",")),
        format!("--private-ip={}", machine.address),
    ];
    if machine.role == Role::Media {
        let public = machine.public_address.iter();
        flags.extend(public.map(|address| format!("--public-ip={address}")));
        return Ok(flags);
    }
    let modules: Vec<_> = [Module::Observability, Module::V2Compatibility, Module::Meet]
        .into_iter()
        .filter(|module| spec.modules.contains(module))
        .map(|module| release.module(module))
        .collect();
    let engine = match spec.media_engine() {
        MediaEngine::Pion => "pion",
        MediaEngine::Mediasoup | MediaEngine::Kurento => "mediasoup",
    };
    flags.extend([
        format!("--domain-name={}", spec.domain_name),
        format!("--enabled-modules={}", modules.join(",")),
        format!("--rtc-engine={engine}"),
    ]);
    let turn = spec.turn.domain_name.iter();
    flags.extend(turn.map(|name| format!("--turn-domain-name={name}")));
    flags.push(balancer(cluster)?);
    flags.extend(on_prem.installer.extra_flags.iter().cloned());
    Ok(flags)
}

/// Who ends TLS: a balancer in front, whoever runs it, or the masters themselves.
fn balancer(cluster: &OpenViduCluster) -> Result<String, ProviderError> {
    let balancer = &cluster.spec.load_balancer;
    if balancer.dns.is_none() {
        return Ok("--external-load-balancer".to_owned());
    }
    let certificate = balancer.certificate.as_ref();
    let kind = match certificate {
        Some(c) if c.secret_ref.is_some() => "owncert",
        Some(c) if c.lets_encrypt.is_some() => "letsencrypt",
        Some(c) if c.self_signed.is_some() => "selfsigned",
        _ => {
            return Err(ProviderError::Invalid {
                field: "spec.loadBalancer.certificate".to_owned(),
                message: "without a balancer the masters end TLS themselves: give secretRef, letsEncrypt or selfSigned"
                    .to_owned(),
            });
        }
    };
    Ok(format!("--certificate-type={kind}"))
}

/// The flags whose values are secret, in the order in which the installer gets them.
pub fn secret_flags(cluster: &OpenViduCluster, role: Role, release: &Release) -> Vec<Credential> {
    let spec = &cluster.spec;
    let name = cluster.metadata.name.as_deref().unwrap_or_default();
    let key = |secret: &str, key: &str| SecretKey {
        secret: secret.to_owned(),
        key: key.to_owned(),
    };
    let given = spec.credentials.as_ref().map(|c| &c.secret_ref.name);
    let mut flags: Vec<Credential> = release
        .credential_flags(role)
        .map(|(flag, name_of_key)| Credential {
            flag,
            keys: given
                .into_iter()
                .map(|secret| key(secret, name_of_key))
                .chain([key(&format!("{name}{GENERATED_SUFFIX}"), name_of_key)])
                .collect(),
            base64: false,
        })
        .collect();
    if role != Role::Master {
        return flags;
    }
    let mut one = |flag, at: SecretKey, base64| {
        flags.push(Credential {
            flag,
            keys: vec![at],
            base64,
        });
    };
    let license = &spec.license.secret_key_ref;
    one(
        "openvidu-pro-license",
        key(&license.name, &license.key),
        false,
    );
    let balancer = &spec.load_balancer;
    let own = balancer
        .certificate
        .as_ref()
        .and_then(|c| c.secret_ref.as_ref());
    if let (Some(_), Some(own)) = (&balancer.dns, own) {
        one("owncert-private-key", key(&own.name, "tls.key"), true);
        one("owncert-public-key", key(&own.name, "tls.crt"), true);
    }
    if let (Some(_), Some(turn)) = (&balancer.dns, &spec.turn.certificate) {
        let name = &turn.secret_ref.name;
        one("turn-owncert-private-key", key(name, "tls.key"), true);
        one("turn-owncert-public-key", key(name, "tls.crt"), true);
    }
    flags
}
