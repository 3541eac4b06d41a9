//! What a cluster may use, decided over all clusters of the operator.

/// Why a cluster cannot be as its object says, although nothing is wrong with its deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// CamelCase.
    pub reason: &'static str,
    /// With the field, the value and the way out.
    pub message: String,
}

/// How a cluster stands among the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tenancy {
    /// What it holds for itself alone, in order, for `status.claims`. `None`: nobody asked, status keeps what it says.
    pub claims: Option<Vec<String>>,
    /// Why it goes on with less than its object says.
    pub objection: Option<Objection>,
}
