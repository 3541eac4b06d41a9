//! Where the objects are that a command is about.

use std::path::PathBuf;

use clap::Args;

/// A Kubernetes API server, or a directory.
#[derive(Clone, Debug, Args)]
pub struct At {
    /// A directory with manifests instead of Kubernetes
    #[arg(
        long = "local",
        value_name = "DIR",
        env = "OPENVIDU_OPERATOR_LOCAL",
        global = false
    )]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) kube: KubeArgs,
}

/// Which API server, and what of it; as kubectl's own flags.
#[derive(Clone, Debug, Default, Args)]
pub struct KubeArgs {
    /// The namespace; else the one of the kubeconfig's context
    #[arg(short, long, value_name = "NAME", conflicts_with = "dir")]
    pub(crate) namespace: Option<String>,
    /// All namespaces
    #[arg(short = 'A', long, conflicts_with_all = ["dir", "namespace"])]
    pub(crate) all_namespaces: bool,
    /// The context of the kubeconfig; else its current one
    #[arg(long, value_name = "NAME", conflicts_with = "dir")]
    pub(crate) context: Option<String>,
    /// The kubeconfig; else as kubectl finds it
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

impl At {
    /// Where, in words.
    pub(crate) fn place(&self) -> String {
        match (&self.dir, &self.kube) {
            (Some(dir), _) => dir.display().to_string(),
            (
                None,
                KubeArgs {
                    all_namespaces: true,
                    ..
                },
            ) => "any namespace".to_owned(),
            (None, KubeArgs { namespace, .. }) => namespace.as_ref().map_or_else(
                || "the namespace of the kubeconfig's context".to_owned(),
                |namespace| format!("namespace {namespace}"),
            ),
        }
    }
}
