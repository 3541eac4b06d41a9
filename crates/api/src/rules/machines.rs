//! Rules for machines that are reached by SSH.

use schemars::Schema;

use super::{CelRule, attach, tell, text};

/// Rules for `spec.infrastructure.onPrem`.
pub(crate) fn pool(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        tell(
            ".machines",
            "self.machines.all(m, self.machines.exists_one(n, n.address == m.address))",
            "the address %s belongs to more than one machine: a machine has one role; give each its own address",
            "self.machines.filter(m, !self.machines.exists_one(n, n.address == m.address))[0].address",
        ),
        tell(
            ".machines",
            "(has(self.ssh.hostKeyPolicy) && self.ssh.hostKeyPolicy != 'Pinned') || self.machines.all(m, has(m.hostKey))",
            "machine %s has no hostKey: with hostKeyPolicy Pinned every machine needs one; run ssh-keyscan -t ed25519 on a network that you trust",
            "self.machines.filter(m, !has(m.hostKey))[0].name",
        ),
        text(
            ".ssh",
            "(has(self.ssh.hostKeyPolicy) && self.ssh.hostKeyPolicy != 'Pinned') || !has(self.ssh.jumpHost) || has(self.ssh.jumpHost.hostKey)",
            "no host key is given for the jump host: with hostKeyPolicy Pinned it needs one; run ssh-keyscan -t ed25519 on a network that you trust",
        ),
        tell(
            ".machines",
            "oldSelf.machines.filter(o, o.role == 'Master').all(o, self.machines.exists(m, m.role == 'Master' && m.address == o.address))",
            "the master at %s is gone: the addresses of the masters are written into every node and cannot change; put it back",
            "oldSelf.machines.filter(o, o.role == 'Master' && !self.machines.exists(m, m.role == 'Master' && m.address == o.address))[0].address",
        ),
    ];
    attach(schema, RULES);
}

/// Rules for a member of `spec.infrastructure.onPrem.machines`.
pub(crate) fn machine(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        tell(
            ".name",
            "self.name.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",
            "\"%s\" is no name of a machine: use lower-case letters, digits and - only, with a letter or digit at both ends",
            "self.name",
        ),
        tell(
            ".publicAddress",
            "!has(self.publicAddress) || self.role == 'Media'",
            "machine %s has role %s and a public address: only media nodes are reached directly; remove publicAddress",
            "self.name, self.role",
        ),
    ];
    attach(schema, RULES);
}

/// Rules for `spec.infrastructure.onPrem.ssh`.
pub(crate) fn ssh(schema: &mut Schema) {
    const RULES: &[CelRule] = &[tell(
        ".user",
        "self.user.matches('^[A-Za-z_][A-Za-z0-9_.-]*$')",
        "\"%s\" is no name of a user: use letters, digits, ., - and _ only",
        "self.user",
    )];
    attach(schema, RULES);
}

/// Rules for `spec.infrastructure.onPrem.ssh.jumpHost`.
pub(crate) fn jump_host(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        tell(
            ".address",
            "self.address.matches('^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$')",
            "\"%s\" is neither an address nor a name: write one such as jump.example.com",
            "self.address",
        ),
        tell(
            ".user",
            "!has(self.user) || self.user.matches('^[A-Za-z_][A-Za-z0-9_.-]*$')",
            "\"%s\" is no name of a user: use letters, digits, ., - and _ only",
            "self.user",
        ),
    ];
    attach(schema, RULES);
}

/// Rules for `spec.infrastructure.onPrem.installer`.
pub(crate) fn installer(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        // What is written in these two may carry a password, so no message repeats it.
        text(
            ".baseURL",
            "!has(self.baseURL) || self.baseURL.matches('^https?://[A-Za-z0-9.:-]+(/[A-Za-z0-9._~/-]*)?$')",
            "is no URL of a server: write one such as https://mirror.example.com/openvidu",
        ),
        text(
            ".sha256",
            "!has(self.baseURL) || !self.baseURL.startsWith('http://') || has(self.sha256)",
            "baseURL is not encrypted, and what it serves runs as root: set sha256, or use https",
        ),
        tell(
            ".sha256",
            "!has(self.sha256) || self.sha256.matches('^[0-9a-f]{64}$')",
            "\"%s\" is no SHA-256: write 64 lower-case hexadecimal digits",
            "self.sha256",
        ),
        tell(
            ".mediaSHA256",
            "!has(self.mediaSHA256) || self.mediaSHA256.matches('^[0-9a-f]{64}$')",
            "\"%s\" is no SHA-256: write 64 lower-case hexadecimal digits",
            "self.mediaSHA256",
        ),
        text(
            ".mediaSHA256",
            "!has(self.mediaSHA256) || has(self.sha256)",
            "it is for the media nodes' script only: set sha256, the masters', too",
        ),
        text(
            ".extraFlags",
            "!has(self.extraFlags) || self.extraFlags.all(f, f.matches('^--[a-z0-9]+(-[a-z0-9]+)*(=[A-Za-z0-9_.,:/@+-]*)?$'))",
            "one of them is no flag: write one each, such as --force-utc-timezone, or --name=value of letters, digits and _.,:/@+- only",
        ),
        // The flags of the installer that follow from the spec or carry a secret.
        text(
            ".extraFlags",
            "!has(self.extraFlags) || !self.extraFlags.exists(f, f.matches('^--(no-tty|install|environment|deployment-type|node-role|master-node-private-ip-list|private-ip|public-ip|openvidu-pro-license|domain-name|domain-name-or-ip|turn-domain-name|enabled-modules|rtc-engine|external-load-balancer|certificate-type|owncert-.*|turn-owncert-.*|livekit-api-.*|dashboard-admin-.*|redis-password|minio-.*|mongo-.*|grafana-admin-.*|default-app-.*|meet-initial-.*)(=.*)?$'))",
            "one of them follows from other fields or from the credentials Secret: keep to flags that nothing else in the spec sets",
        ),
    ];
    attach(schema, RULES);
}
