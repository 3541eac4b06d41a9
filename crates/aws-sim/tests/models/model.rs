//! botocore's service models as they are on disk.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;
use serde_json::Value;

/// One service's model.
pub(crate) struct Model {
    json: Value,
}

/// The folder of the models: the project's script installs them where they are missing.
pub(crate) fn folder() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/install-botocore");
    let output = Command::new(&script)
        .output()
        .expect("bash runs the script");
    assert!(
        output.status.success(),
        "{}: {}",
        script.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

impl Model {
    pub(crate) fn load(folder: &Path, name: &str, version: &str) -> Self {
        let parent = folder.join(name);
        // EC2 has one folder for each version that it ever had.
        let path = parent.join(version).join("service-2.json.gz");
        let path = if path.exists() {
            path
        } else {
            let any = std::fs::read_dir(&parent).unwrap().last().unwrap().unwrap();
            any.path().join("service-2.json.gz")
        };
        let file = std::fs::File::open(&path).unwrap();
        let mut text = String::new();
        GzDecoder::new(file).read_to_string(&mut text).unwrap();
        Self {
            json: serde_json::from_str(&text).unwrap(),
        }
    }

    /// A text of the metadata.
    pub(crate) fn metadata(&self, name: &str) -> &str {
        self.json["metadata"][name].as_str().unwrap_or_default()
    }

    /// An operation; null where there is none.
    pub(crate) fn operation(&self, name: &str) -> &Value {
        &self.json["operations"][name]
    }

    /// A shape; null where there is none.
    pub(crate) fn shape(&self, name: &Value) -> &Value {
        name.as_str()
            .map_or(&Value::Null, |name| &self.json["shapes"][name])
    }

    /// Code and HTTP status of an error's shape: one without a code of its own has its name.
    pub(crate) fn error(&self, name: &Value) -> (String, u64) {
        let shape = self.shape(name);
        let code = shape["error"]["code"].as_str().or(name.as_str());
        let status = shape["error"]["httpStatusCode"].as_u64();
        (code.unwrap_or_default().to_owned(), status.unwrap_or(400))
    }

    /// All errors of the model.
    pub(crate) fn errors(&self) -> Vec<(String, u64)> {
        self.json["shapes"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, shape)| shape["exception"].as_bool().unwrap_or(false))
            .map(|(name, _)| self.error(&Value::String(name.clone())))
            .collect()
    }
}
