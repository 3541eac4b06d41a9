//! Writes `crds/` and the generated pages of `docs/`, relative to the root of the repository.
fn main() {
    for crd in ovo_api::crds() {
        println!("---\n{}", serde_saphyr::to_string(&crd).unwrap());
    }
}
