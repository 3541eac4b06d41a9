//! The wire: forms in, XML out, errors in each protocol's own shape.

mod decode;
mod encode;
mod fault;
mod form;
mod scope;

pub(crate) use decode::decode;
pub(crate) use encode::{answer, error};
pub(crate) use fault::Fault;
pub(crate) use form::Form;
pub(crate) use scope::Scope;
