//! Who may do what. Design: docs/design/security.md.
//!
//! Module map: [`store`] the server's principals and their file, [`password`] hashes and policy, [`permission`] the permissions
//! there are here, [`builtin`] those there are in SQL Server, [`model`] principals and permissions of one database, [`token`] who somebody is, [`context`] who a session is
//! right now, [`check`] what statements ask, [`definition`] what data definition asks, [`server`] what statements of the server layer ask, [`reader`] who looks at catalog views, [`functions`] what the built-in functions answer.

pub mod builtin;
pub mod check;
pub mod context;
pub mod definition;
pub mod functions;
pub mod model;
pub mod password;
pub mod permission;
pub mod reader;
pub mod server;
pub mod store;
pub mod token;

pub use context::SecurityContexts;
pub use model::{Securable, SecurityModel};
pub use reader::Reader;
pub use store::{LoginStore, LoginVerdict};
pub use token::{LoginToken, UserToken};
