//! How a connection is protected: [`certificate`] TLS, [`throttle`] answers to failed logins. Who may connect is the
//! executor's affair (`holdfast_exec::security`).

pub mod certificate;
pub mod throttle;

pub use certificate::Certificates;
pub use throttle::Throttle;
