//! Whom a request is for: region and service from the credential scope of its signature (AWS Signature Version 4).
//! The signature itself is not verified, since every key is good here.

/// The credential scope of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) region: String,
    pub(crate) service: String,
}

impl Scope {
    /// Reads `Authorization: AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let rest = header.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let credential = rest
            .split(',')
            .find_map(|part| part.trim().strip_prefix("Credential="))?;
        let parts: Vec<_> = credential.split('/').collect();
        let [.., _date, region, service, "aws4_request"] = parts[..] else {
            return None;
        };
        (parts.len() >= 5).then(|| Self {
            region: region.to_owned(),
            service: service.to_owned(),
        })
    }
}
