//! Rules for single values: patterns with a message that shows the way out.
//!
//! Sources: the patterns of OpenVidu's CloudFormation forms (domain name, cluster id, URLs), and the naming
//! rules of Kubernetes, AWS and OpenSSH for the rest.

use schemars::Schema;
use serde_json::Value;

use super::{CelRule, attach, no_duration_or, tell, text};

/// A rule on one text: a pattern, and what to say.
macro_rules! pattern {
    ($(#[$doc:meta])* $name:ident, $pattern:literal, $says:literal) => {
        $(#[$doc])*
        pub(crate) fn $name(schema: &mut Schema) {
            const RULES: &[CelRule] = &[tell("", concat!("self.matches('", $pattern, "')"), concat!("\"%s\" ", $says), "self")];
            attach(schema, RULES);
        }
    };
}

/// A rule on every text of a list.
macro_rules! items_pattern {
    ($(#[$doc:meta])* $name:ident, $pattern:literal, $says:literal) => {
        $(#[$doc])*
        pub(crate) fn $name(schema: &mut Schema) {
            const RULES: &[CelRule] = &[tell(
                "",
                concat!("self.all(item, item.matches('", $pattern, "'))"),
                concat!("\"%s\" ", $says),
                concat!("self.filter(item, !item.matches('", $pattern, "'))[0]"),
            )];
            set(schema);
            attach(schema, RULES);
        }
    };
}

pattern!(
    /// OpenVidu 2.20 brought HighAvailability, 2.32 is the last of its line; 3.x is open upwards.
    version,
    "^(2[.](2[0-9]|3[0-2])|3[.](0|[1-9][0-9]?))[.](0|[1-9][0-9]{0,2})$",
    "is no version of OpenVidu that is known here: write major.minor.patch, from 2.20.0 to 2.32.x or 3.x"
);
pattern!(
    domain_name,
    "^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?[.])+[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$",
    "is no fully qualified domain name: write lower-case labels joined by dots, such as openvidu.example.com"
);
pattern!(
    cluster_id,
    "^[a-z0-9_-]+$",
    "is no cluster id: use lower-case letters, digits, - and _ only"
);
pattern!(
    secret_name,
    "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
    "is no name of a Secret: use lower-case letters, digits, - and . only, with a letter or digit at both ends"
);
pattern!(
    secret_key,
    "^[A-Za-z0-9._-]+$",
    "is no key of a Secret: use letters, digits, -, _ and . only"
);
pattern!(
    bucket_name,
    "^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
    "is no name of a bucket: write the name alone, neither its ARN nor its URL, or leave it empty to have a bucket made"
);
/// A URL with its port, because OpenVidu does not add one. `=` and `|` would cut the value: the masters' boot
/// script takes their user data apart at both. The message does not repeat what may hold a password.
pub(crate) fn port_url(schema: &mut Schema) {
    const RULES: &[CelRule] = &[text(
        "",
        "self.matches('^https?://[^/:@?#|= ]+:[0-9]{1,5}(/[^|= ]*)?$')",
        "is no URL that OpenVidu can take: write scheme, host and port, even if it is 443, such as https://elastic.example.com:443, without user name, =, | and spaces",
    )];
    attach(schema, RULES);
}

pattern!(
    email,
    "^[^@ ]+@[^@ ]+$",
    "is no e-mail address: write one such as admin@example.com, or remove it"
);
pattern!(
    host_key,
    "^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa) [A-Za-z0-9+/]+={0,3}( .*)?$",
    "is no host key: copy type and key from a line of ssh-keyscan, without the host name, such as ssh-ed25519 AAAA"
);
pattern!(
    region,
    "^[a-z]{2,3}(-[a-z]+)+-[0-9]+$",
    "is no region of AWS: write its code, such as eu-west-1"
);
pattern!(
    vpc,
    "^vpc-[0-9a-f]+$",
    "is no id of a VPC: write one such as vpc-0123456789abcdef0"
);
pattern!(
    key_pair,
    "^[ -~]+$",
    "is no name of an EC2 key pair: use printable ASCII characters only"
);
pattern!(
    iam_arn,
    "^arn:aws[a-z-]*:iam::([0-9]{12}|aws):(role|instance-profile|policy)/.+$",
    "is no ARN of AWS Identity and Access Management: copy it whole, such as arn:aws:iam::111122223333:role/openvidu"
);
pattern!(
    ami,
    "^ami-[0-9a-f]+$",
    "is no id of a machine image: write one such as ami-0123456789abcdef0"
);
pattern!(
    instance_type,
    "^[a-z][a-z0-9-]*[.][a-z0-9-]+$",
    "is no type of an EC2 instance: write one such as c5.xlarge"
);
pattern!(
    redis_node_type,
    "^cache[.][a-z0-9-]+[.][a-z0-9]+$",
    "is no node type of ElastiCache: write one such as cache.t3.medium"
);
pattern!(
    hosted_zone,
    "^Z[A-Z0-9]+$",
    "is no id of a hosted zone: write one such as Z0123456789ABCDEFGHIJ, without /hostedzone/"
);
pattern!(
    time_zone,
    "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$",
    "is no name of a time zone: write one of the IANA database, such as Europe/Madrid or UTC"
);
pattern!(
    /// Minute, hour, day of month, month, day of week; lists, ranges and steps of each.
    cron,
    "^([*]|[0-5]?[0-9](-[0-5]?[0-9])?)(/[0-9]{1,2})?(,([*]|[0-5]?[0-9](-[0-5]?[0-9])?)(/[0-9]{1,2})?)* ([*]|([01]?[0-9]|2[0-3])(-([01]?[0-9]|2[0-3]))?)(/[0-9]{1,2})?(,([*]|([01]?[0-9]|2[0-3])(-([01]?[0-9]|2[0-3]))?)(/[0-9]{1,2})?)* ([*]|(0?[1-9]|[12][0-9]|3[01])(-(0?[1-9]|[12][0-9]|3[01]))?)(/[0-9]{1,2})?(,([*]|(0?[1-9]|[12][0-9]|3[01])(-(0?[1-9]|[12][0-9]|3[01]))?)(/[0-9]{1,2})?)* ([*]|(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(-(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC))?)(/[0-9]{1,2})?(,([*]|(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(-(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC))?)(/[0-9]{1,2})?)* ([*]|([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(-([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT))?)(/[0-9]{1,2})?(,([*]|([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(-([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT))?)(/[0-9]{1,2})?)*$",
    "is no time in cron form: write minute, hour, day of month, month and day of week, such as 45 8 * * MON-FRI"
);

items_pattern!(
    instance_types,
    "^[a-z][a-z0-9-]*[.][a-z0-9-]+$",
    "is no type of an EC2 instance: write one such as c5.xlarge"
);
items_pattern!(
    turn_urls,
    "^(turns?|stuns?):[^?= |]+([?]transport=(udp|tcp))?$",
    "is no URL of a TURN server: write one such as turn:turn.example.com:3478"
);

/// At least two subnets, all different: auto scaling groups need two zones.
pub(crate) fn subnet_ids(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        tell(
            "",
            "self.size() >= 2",
            "%d is too few: name at least two subnets, each in another availability zone",
            "self.size()",
        ),
        tell(
            "",
            "self.all(item, item.matches('^subnet-[0-9a-f]+$'))",
            "\"%s\" is no id of a subnet: write one such as subnet-0123456789abcdef0",
            "self.filter(item, !item.matches('^subnet-[0-9a-f]+$'))[0]",
        ),
    ];
    set(schema);
    attach(schema, RULES);
}

/// An IPv4 or IPv6 address.
pub(crate) fn ip(schema: &mut Schema) {
    const RULES: &[CelRule] = &[tell(
        "",
        "isIP(self)",
        "\"%s\" is no IP address: write one such as 192.0.2.11, not a name",
        "self",
    )];
    attach(schema, RULES);
}

/// The bound of [`crate::value::Duration::MAX`].
pub(crate) fn duration(schema: &mut Schema) {
    const RULES: &[CelRule] = &[tell(
        "",
        no_duration_or!("duration(self) <= duration('9600h')"),
        "\"%s\" is too long: at most 9600h, which is 400 days",
        "self",
    )];
    attach(schema, RULES);
}

/// How long something recurring lasts: some time, and no longer than a week.
pub(crate) fn window_duration(schema: &mut Schema) {
    const RULES: &[CelRule] = &[tell(
        "",
        no_duration_or!("duration(self) >= duration('1m') && duration(self) <= duration('168h')"),
        "\"%s\" is out of range: from 1m to 168h",
        "self",
    )];
    attach(schema, RULES);
}

/// Tells the API server that no item may occur twice.
pub(crate) fn set(schema: &mut Schema) {
    schema.insert("x-kubernetes-list-type".to_owned(), Value::from("set"));
}

/// Tells the API server that no two items may have the same name.
pub(crate) fn map_by_name(schema: &mut Schema) {
    schema.insert("x-kubernetes-list-type".to_owned(), Value::from("map"));
    schema.insert(
        "x-kubernetes-list-map-keys".to_owned(),
        Value::from(vec!["name"]),
    );
}

/// Takes the description off an enumeration: kube puts it in the place of the description of an optional field.
pub(crate) fn leave_description_to_field(schema: &mut Schema) {
    schema.remove("description");
}
