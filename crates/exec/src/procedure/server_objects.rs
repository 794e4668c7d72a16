//! Backup devices and linked servers: rows of the catalogue. A device names a file of RESTORE; a linked server cannot be used.
//!
//! Evidence: the documentation of the procedures, of `sys.backup_devices`, `sys.servers` and `sys.linked_logins`; the texts of sys.messages.

use std::collections::BTreeMap;

use holdfast_types::{NameOrder, SqlError, SqlResult};

use super::run::{Fail, Runner};
use super::server_procedure::{Body, Given, ServerProcedure};
use crate::host::server_settings::{BackupDevice, LinkedLogin, LinkedServer, ServerSettings};

const fn procedure(
    name: &'static str,
    parameters: &'static [&'static str],
    required: usize,
    run: Body,
) -> ServerProcedure {
    ServerProcedure { name, parameters, required, run }
}

pub const PROCEDURES: &[ServerProcedure] = &[
    procedure(
        "sp_addumpdevice",
        &["@devtype", "@logicalname", "@physicalname", "@cntrltype", "@devstatus"],
        3,
        |r, given| r.add_device(given),
    ),
    procedure("sp_dropdevice", &["@logicalname", "@delfile"], 1, |r, given| r.drop_device(given)),
    procedure(
        "sp_addlinkedserver",
        &[
            "@server",
            "@srvproduct",
            "@provider",
            "@datasrc",
            "@location",
            "@provstr",
            "@catalog",
            "@linkedstyle",
        ],
        1,
        |r, given| r.add_linked_server(given),
    ),
    procedure("sp_dropserver", &["@server", "@droplogins"], 1, |r, given| r.drop_server(given)),
    procedure("sp_serveroption", &["@server", "@optname", "@optvalue"], 3, |r, given| {
        r.set_server_option(given)
    }),
    procedure(
        "sp_addlinkedsrvlogin",
        &["@rmtsrvname", "@useself", "@locallogin", "@rmtuser", "@rmtpassword"],
        1,
        |r, given| r.add_linked_login(given),
    ),
    procedure("sp_droplinkedsrvlogin", &["@rmtsrvname", "@locallogin"], 2, |r, given| {
        r.drop_linked_login(given)
    }),
];

/// Options of sp_serveroption that are ON or OFF; the others have values.
const SWITCHES: &[&str] = &[
    "collation compatible",
    "data access",
    "dist",
    "dpub",
    "lazy schema validation",
    "pub",
    "rpc",
    "rpc out",
    "sub",
    "system",
    "use remote collation",
    "remote proc transaction promotion",
];
const VALUES: &[&str] = &["collation name", "connect timeout", "query timeout"];

fn missing_server(name: &str) -> SqlError {
    SqlError::new(15015, &[&name])
}

fn server_mut<'a>(settings: &'a mut ServerSettings, name: &str) -> SqlResult<&'a mut LinkedServer> {
    let found = settings.linked_servers.iter_mut().find(|s| equal(&s.name, name));
    found.ok_or_else(|| missing_server(name))
}

/// Names of devices, servers and logins are the instance's.
fn equal(a: &str, b: &str) -> bool {
    NameOrder::instance().same(a, b)
}

fn same(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => equal(a, b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// Longest name, path and other text that a row takes, in characters, as the views' columns have them.
const NAME_MAX: usize = 128;
const PATH_MAX: usize = 260;
const TEXT_MAX: usize = 4000;

/// 15004 for a name that is none, 8152 for a text that its column does not take.
fn check(name: &str, texts: &[(Option<&str>, usize)]) -> SqlResult<()> {
    if name.trim().is_empty() {
        return Err(SqlError::new(15004, &[]));
    }
    let long = |text: &str, most: usize| text.encode_utf16().count() > most;
    let others = texts.iter().any(|(text, most)| text.is_some_and(|t| long(t, *most)));
    if long(name, NAME_MAX) || others { Err(SqlError::new(8152, &[])) } else { Ok(()) }
}

impl Runner<'_> {
    /// 15247 without a permission at the server.
    fn need_server(&self, permission: &'static str) -> Result<(), Fail> {
        match self.session.security.has_server(permission) {
            true => Ok(()),
            false => Err(SqlError::new(15247, &[]).into()),
        }
    }

    fn add_device(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        let text = |place: usize| given.text(place).unwrap_or_default();
        let (kind, name, path) = (text(0).trim().to_lowercase(), text(1), text(2));
        self.need_server("ALRS")?;
        if kind != "disk" && kind != "tape" {
            return Err(SqlError::new(15044, &[&text(0)]).into());
        }
        check(&name, &[(Some(&path), PATH_MAX)])?;
        if path.is_empty() {
            return Err(SqlError::new(15004, &[]).into());
        }
        self.session.host.settings.change(|s| {
            if s.devices.iter().any(|d| equal(&d.name, &name)) {
                return Err(SqlError::new(15026, &[&name]));
            }
            if s.devices.iter().any(|d| d.path == path) {
                return Err(SqlError::new(15061, &[&path]));
            }
            s.devices.push(BackupDevice { name, kind, path });
            s.devices.sort_by_key(|d| d.name.to_lowercase());
            Ok(())
        })?;
        Ok(0)
    }

    /// The file stays: DELFILE of a backup is refused rather than obeyed by somebody who meant the row.
    fn drop_device(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        let name = given.text(0).unwrap_or_default();
        self.need_server("ALRS")?;
        if given.text(1).is_some_and(|d| d.trim().eq_ignore_ascii_case("delfile")) {
            return Err(SqlError::not_supported("sp_dropdevice with DELFILE").into());
        }
        self.session.host.settings.change(|s| {
            let before = s.devices.len();
            s.devices.retain(|d| !equal(&d.name, &name));
            if s.devices.len() == before { Err(SqlError::new(15012, &[&name])) } else { Ok(()) }
        })?;
        Ok(0)
    }

    fn add_linked_server(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        let name = given.text(0).unwrap_or_default();
        let product = given.text(1).unwrap_or_default();
        self.need_server("ALLS")?;
        let own = product.eq_ignore_ascii_case("SQL Server");
        let provider = given.text(2).unwrap_or_else(|| "SQLNCLI".to_owned());
        let server = LinkedServer {
            id: 0,
            product: if own { "SQL Server".to_owned() } else { product },
            provider,
            data_source: given.text(3).or_else(|| own.then(|| name.clone())),
            location: given.text(4),
            provider_string: given.text(5),
            catalog: given.text(6),
            options: BTreeMap::from([("data access".to_owned(), "on".to_owned())]),
            logins: vec![LinkedLogin { local: None, use_self: true, remote: None }],
            name,
        };
        let texts = [&server.data_source, &server.location, &server.provider_string].map(Option::as_deref);
        let names = [Some(server.product.as_str()), Some(&server.provider), server.catalog.as_deref()];
        let limits: Vec<_> =
            texts.map(|t| (t, TEXT_MAX)).into_iter().chain(names.map(|n| (n, NAME_MAX))).collect();
        check(&server.name, &limits)?;
        let this = self.session.host.instance.options.server_name.clone();
        self.session.host.settings.change(|s| {
            if s.linked_server(&server.name).is_some() || equal(&server.name, &this) {
                return Err(SqlError::new(15028, &[&server.name]));
            }
            let id = s.linked_servers.iter().map(|o| o.id).max().unwrap_or(0) + 1;
            s.linked_servers.push(LinkedServer { id, ..server });
            Ok(())
        })?;
        Ok(0)
    }

    fn drop_server(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        let name = given.text(0).unwrap_or_default();
        self.need_server("ALLS")?;
        let with_logins = match given.text(1).map(|t| t.trim().to_lowercase()).as_deref() {
            None => false,
            Some("droplogins") => true,
            Some(_) => return Err(SqlError::new(15600, &[&"sys.sp_dropserver"]).into()),
        };
        self.session.host.settings.change(|s| {
            let server = s.linked_server(&name).ok_or_else(|| missing_server(&name))?;
            // The row that stands for everybody comes with the server and goes with it.
            if !with_logins && server.logins.iter().any(|l| l.local.is_some() || !l.use_self) {
                return Err(SqlError::new(15190, &[&name]));
            }
            s.linked_servers.retain(|o| !equal(&o.name, &name));
            Ok(())
        })?;
        Ok(0)
    }

    fn set_server_option(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        let text = |place: usize| given.text(place).unwrap_or_default();
        let (name, option, value) = (text(0), text(1).trim().to_lowercase(), text(2).trim().to_owned());
        self.need_server("ALLS")?;
        let refused = || SqlError::new(15600, &[&"sys.sp_serveroption"]);
        let value = if SWITCHES.contains(&option.as_str()) {
            match value.to_lowercase().as_str() {
                "on" | "true" => "on".to_owned(),
                "off" | "false" => "off".to_owned(),
                _ => return Err(refused().into()),
            }
        } else if VALUES.contains(&option.as_str()) {
            if option != "collation name" && value.parse::<u32>().is_err() {
                return Err(refused().into());
            }
            value
        } else {
            return Err(refused().into());
        };
        self.session.host.settings.change(|s| {
            server_mut(s, &name)?.options.insert(option, value);
            Ok(())
        })?;
        Ok(0)
    }

    fn add_linked_login(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        let name = given.text(0).unwrap_or_default();
        self.need_server("ALLG")?;
        let use_self = match given.text(1).map(|t| t.trim().to_lowercase()).as_deref() {
            None | Some("true") => true,
            Some("false") => false,
            Some(_) => return Err(SqlError::new(15600, &[&"sys.sp_addlinkedsrvlogin"]).into()),
        };
        let local = given.text(2);
        if let Some(login) = &local
            && self.session.host.logins.read().login(login).is_none()
        {
            return Err(SqlError::new(15007, &[login]).into());
        }
        let remote = given.text(3).filter(|_| !use_self);
        check(&name, &[(remote.as_deref(), NAME_MAX)])?;
        self.session.host.settings.change(|s| {
            let server = server_mut(s, &name)?;
            server.logins.retain(|l| !same(l.local.as_deref(), local.as_deref()));
            server.logins.push(LinkedLogin { local, use_self, remote });
            Ok(())
        })?;
        Ok(0)
    }

    fn drop_linked_login(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        let (name, local) = (given.text(0).unwrap_or_default(), given.text(1));
        self.need_server("ALLG")?;
        self.session.host.settings.change(|s| {
            let server = server_mut(s, &name)?;
            let before = server.logins.len();
            server.logins.retain(|l| !same(l.local.as_deref(), local.as_deref()));
            let shown = local.as_deref().unwrap_or("");
            if server.logins.len() == before { Err(SqlError::new(15007, &[&shown])) } else { Ok(()) }
        })?;
        Ok(0)
    }
}
