//! Which of two versions of one object is the later one.

/// Whether whoever has seen version `seen` of an object has come as far as `wanted`.
///
/// An API server's versions are decimal numbers that only grow (in every release since they come from etcd, by
/// contract since Kubernetes 1.35). They may be longer than any machine's integer, so they are compared as text.
/// What is no such number is only equal to itself: then a watch counts as behind until it delivers that very version,
/// which costs a live read and shows nothing old.
pub(crate) fn reached(seen: Option<&str>, wanted: Option<&str>) -> bool {
    match (seen, wanted) {
        (Some(seen), Some(wanted)) if is_number(seen) && is_number(wanted) => {
            (seen.len(), seen) >= (wanted.len(), wanted)
        }
        (seen, wanted) => seen == wanted,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::reached;

    #[test]
    fn versions_are_numbers_of_any_length() {
        let long = "340282366920938463463374607431768211457";
        for (seen, wanted, is) in [
            ("7", "7", true),
            ("10", "9", true),
            ("9", "10", false),
            (long, "9", true),
            ("9", long, false),
            // Not what a server gives out: nothing is concluded from their order.
            ("007", "6", false),
            ("b", "a", false),
            ("a", "a", true),
        ] {
            assert_eq!(reached(Some(seen), Some(wanted)), is, "{seen} {wanted}");
        }
        assert!(!reached(None, Some("1")));
        assert!(!reached(Some("1"), None));
    }
}
