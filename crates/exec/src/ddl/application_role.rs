//! Application roles: CREATE and ALTER APPLICATION ROLE; sp_setapprole and sp_unsetapprole put one on and take it off.
//!
//! Invariants
//! 1. The password's hash stands in `sysowners.password`, in SQL Server's own form: it travels with the database.
//! 2. Who has put one on is the role and nobody else: no authority at the server, guest in other databases, no REVERT. Only the
//!    cookie that was asked for takes it off.
//!
//! Evidence: the column is listed in the base tables of genuine databases; that the hash in it has the form of logins, and the authority in the
//! SID (S-1-9-2), is assumed.

use holdfast_engine::ddl::rows::Cell;
use holdfast_tsql::ast::PrincipalStatement;
use holdfast_types::{SqlError, SqlType, TypeId, Value};

use super::Definition;
use super::principal::{own_sid, setting};
use crate::procedure::call::{Argument, Returned};
use crate::procedure::run::{Fail, Runner};
use crate::security::context::Origin;
use crate::security::model::Securable;
use crate::security::password::{PasswordHash, check_policy, random};
use crate::system_view::ViewSource;

const APPLICATION: u8 = 2;

impl Definition<'_, '_> {
    pub(super) fn create_application_role(&mut self, p: &PrincipalStatement) -> Result<(), Fail> {
        let name = &p.name.text;
        if !self.may(Securable::Database, "ALAR")? {
            return Err(SqlError::new(15247, &[]).into());
        }
        if self.principal_id(name)?.is_some() {
            return Err(SqlError::new(15023, &[name]).into());
        }
        let password = setting(p, "PASSWORD").ok_or_else(|| SqlError::new(102, &[name]))?;
        check_policy(name, &password)?;
        let schema = setting(p, "DEFAULT_SCHEMA").unwrap_or_else(|| "dbo".to_owned());
        let id = self.writer()?.add_principal(name, "A", Some(own_sid(APPLICATION)), Some(&schema), None)?;
        self.put_password(id, &password)
    }

    fn put_password(&mut self, id: i32, password: &str) -> Result<(), Fail> {
        let hash = PasswordHash::sql_server(password)?;
        let cells = || vec![("password", Cell::Bytes(hash.as_bytes().to_vec()))];
        self.writer()?.update("sysowners", &[id.into()], &|_, _| true, &|_, _| cells())?;
        Ok(())
    }

    pub(super) fn alter_application_role(&mut self, p: &PrincipalStatement) -> Result<(), Fail> {
        let name = &p.name.text;
        let missing = || SqlError::new(15151, &[&"alter", &"application role", name]);
        let (id, kind) = self.principal_id(name)?.ok_or_else(missing)?;
        if kind != "A" || !self.may(Securable::Principal(id), "AL")? {
            return Err(missing().into());
        }
        if let Some(password) = setting(p, "PASSWORD") {
            check_policy(name, &password)?;
            self.put_password(id, &password)?;
        }
        if let Some(schema) = setting(p, "DEFAULT_SCHEMA") {
            self.writer()?.set_default_schema(id, &schema)?;
        }
        match setting(p, "NAME") {
            Some(new) => self.rename_principal(id, &new),
            None => Ok(()),
        }
    }
}

/// An argument by name or place.
fn argument<'a>(list: &'a [Argument], name: &str, at: usize) -> Option<(usize, &'a Argument)> {
    let named = |(_, a): &(usize, &Argument)| a.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(name));
    let placed = || list.get(at).filter(|a| a.name.is_none()).map(|a| (at, a));
    list.iter().enumerate().find(named).or_else(placed)
}

fn text_of(a: Option<(usize, &Argument)>) -> Option<String> {
    match a?.1.value.as_ref()? {
        Value::String(s) => Some(s.to_text()),
        _ => None,
    }
}

impl Runner<'_> {
    /// 15422 in a module, 15002 in a transaction.
    fn need_batch(&self, procedure: &str) -> Result<(), Fail> {
        if self.level > 0 {
            return Err(SqlError::new(15422, &[]).into());
        }
        self.need_no_transaction(procedure)
    }

    /// 15002.
    pub(crate) fn need_no_transaction(&self, procedure: &str) -> Result<(), Fail> {
        if self.session.open_transaction().is_some() {
            let text = format!("The procedure 'sys.{procedure}' cannot be executed within a transaction.");
            return Err(SqlError::with_text(15_002, 16, text).into());
        }
        Ok(())
    }

    /// `sp_setapprole @rolename, @password, @encrypt, @fCreateCookie, @cookie OUTPUT`
    pub(crate) fn set_application_role(&mut self, arguments: &[Argument]) -> Result<Returned, Fail> {
        self.need_batch("sp_setapprole")?;
        let name = text_of(argument(arguments, "@rolename", 0)).unwrap_or_default();
        let password = text_of(argument(arguments, "@password", 1)).unwrap_or_default();
        let encrypt = text_of(argument(arguments, "@encrypt", 2)).unwrap_or_else(|| "none".into());
        if !encrypt.eq_ignore_ascii_case("none") {
            return Err(SqlError::not_supported("sp_setapprole with @encrypt = 'odbc'").into());
        }
        let wanted = argument(arguments, "@fCreateCookie", 3).and_then(|a| a.1.value.clone());
        let wants_cookie = match wanted {
            Some(Value::String(s)) => s.to_text().eq_ignore_ascii_case("true"),
            Some(v) => v == Value::Bit(true) || crate::procedure::raise::integer(&v).is_some_and(|n| n != 0),
            None => false,
        };
        let database = self.session.current_database();
        let model = database.security()?;
        let role = model.principal_named(&name).filter(|p| &*p.kind == "A");
        let rows = database.base_rows("sysowners")?;
        let row = role.and_then(|r| rows.iter().find(|o| o.int("id") == r.id));
        let stored = row.and_then(|o| o.bytes("password")).and_then(PasswordHash::from_bytes);
        let (Some(role), Some(true)) = (role, stored.map(|hash| hash.verify(&password))) else {
            let text = format!(
                "Cannot set application role '{name}' because it does not exist or the password is incorrect."
            );
            return Err(SqlError::with_text(15_161, 16, text).into());
        };
        let cookie = if wants_cookie { Some(random::<50>()?.to_vec()) } else { None };
        let origin = Origin::ApplicationRole { cookie: cookie.clone() };
        let login = self.session.security.login_name();
        self.session.security.push(login, None, Some((database.id, role.id)), origin);
        let mut returned = Returned::status(0);
        if let (Some(cookie), Some((at, _))) = (cookie, argument(arguments, "@cookie", 4)) {
            let ty = SqlType::binary(TypeId::VarBinary, 8000);
            returned.outputs.push((at, ty, Value::binary(&cookie)));
        }
        Ok(returned)
    }

    /// `sp_unsetapprole @cookie`
    pub(crate) fn unset_application_role(&mut self, arguments: &[Argument]) -> Result<Returned, Fail> {
        self.need_batch("sp_unsetapprole")?;
        let cookie = match argument(arguments, "@cookie", 0).and_then(|a| a.1.value.as_ref()) {
            Some(Value::Binary(b)) => b.to_vec(),
            _ => Vec::new(),
        };
        match self.session.security.unset_application_role(&cookie) {
            true => Ok(Returned::status(0)),
            false => Err(SqlError::new(15592, &[]).into()),
        }
    }
}
