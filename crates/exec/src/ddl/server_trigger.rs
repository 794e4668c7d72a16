//! What the server does besides databases, and its triggers: data definition at the server, GRANT and its kin there, logons.
//!
//! Invariants
//! 1. What is made is made before its triggers run, and taken away again when one ends the transaction or fails. What is altered,
//!    dropped or permitted happens after they have run, in the transaction's lifetime: when it fails, nothing of theirs stays.
//! 2. A statement that a transaction may not hold is refused before any trigger runs.
//! 3. A logon whose trigger fails or ends the transaction is refused (17892); what triggers say then goes to the server's log.
//!
//! Evidence: the documentation of DDL and logon triggers and the schema of EVENTDATA(). That the server's triggers lie in master with
//! class 100 is from sys.server_triggers; the rest of the rows is assumed (docs/format/catalog.md). SQL Server runs them after the
//! change also where it is dropped or altered: theirs see it, ours do not yet.

use std::sync::Arc;

use holdfast_engine::catalog::TriggerDef;
use holdfast_engine::instance::MASTER;
use holdfast_tsql::ast::{Ddl, Drop, Ident, ObjectName, PrincipalStatement, Statement, StatementKind};
use holdfast_types::base64::base64;
use holdfast_types::{SqlError, SqlResult};

use super::event::Event;
use crate::context::SessionInfo;
use crate::host::Host;
use crate::procedure::instance_session::errors_of;
use crate::procedure::run::{Fail, Runner, Scope};

/// The enabled triggers of the server.
pub fn enabled(host: &Arc<Host>) -> SqlResult<Vec<TriggerDef>> {
    let Some(master) = host.database_by_id(MASTER) else { return Ok(Vec::new()) };
    let Some(catalog) = master.online().stored() else { return Ok(Vec::new()) };
    let mut all = catalog.server_triggers().map_err(|e| holdfast_engine::page_error(&e))?;
    all.retain(|t| !t.disabled);
    Ok(all)
}

/// Databases, logins and server roles.
pub fn is_of_server(d: &Ddl) -> bool {
    match d {
        Ddl::CreateDatabase(_) | Ddl::AlterDatabase(_) => true,
        Ddl::Drop(drop) => matches!(drop.kind.as_str(), "DATABASE" | "LOGIN" | "SERVER ROLE"),
        Ddl::Principal(p) => matches!(p.kind, "LOGIN" | "SERVER ROLE"),
        _ => false,
    }
}

fn of_server(name: &str, details: Vec<(&'static str, String)>) -> Event {
    Event { name: name.to_owned(), details, of_server: true, ..Event::default() }
}

fn of_database(event: &str, name: &str) -> Event {
    of_server(event, vec![("DatabaseName", super::event::escaped(name))])
}

impl Runner<'_> {
    /// What the statement does, one event for each thing.
    fn events_at_server(&self, d: &Ddl) -> Vec<Event> {
        match d {
            Ddl::CreateDatabase(c) => vec![of_database("CREATE_DATABASE", &c.name.text)],
            Ddl::AlterDatabase(a) => {
                let current = self.session.current_database();
                vec![of_database("ALTER_DATABASE", a.name.as_ref().map_or(&*current.name, |n| &n.text))]
            }
            Ddl::Drop(drop) => {
                let event = format!("DROP_{}", drop.kind.replace(' ', "_"));
                let one = |n: &ObjectName| match drop.kind.as_str() {
                    "DATABASE" => of_database(&event, &n.name.text),
                    "LOGIN" => self.login_event(&event, &n.name.text),
                    kind => Event { of_server: true, ..Event::of(&event, None, &n.name.text, kind) },
                };
                drop.names.iter().map(one).collect()
            }
            Ddl::Principal(p) => vec![self.principal_event_at_server(p)],
            _ => Vec::new(),
        }
    }

    fn principal_event_at_server(&self, p: &PrincipalStatement) -> Event {
        if p.kind == "LOGIN" {
            return self.login_event(&format!("{}_LOGIN", p.action), &p.name.text);
        }
        for (words, event) in
            [("ADD MEMBER", "ADD_SERVER_ROLE_MEMBER"), ("DROP MEMBER", "DROP_SERVER_ROLE_MEMBER")]
        {
            let member = p.clauses.iter().find(|c| c.0 == words).and_then(|c| c.1.as_ref());
            if let Some(m) = member {
                let event = Event::of(event, None, &m.text, "LOGIN").with("RoleName", &p.name.text);
                return Event { of_server: true, ..event };
            }
        }
        let event = Event::of(&format!("{}_SERVER_ROLE", p.action), None, &p.name.text, "SERVER ROLE");
        Event { of_server: true, ..event }
    }

    fn login_event(&self, event: &str, name: &str) -> Event {
        let mut event = Event { of_server: true, ..Event::of(event, None, name, "LOGIN") };
        let logins = self.session.host.logins.read();
        if let Some(login) = logins.login(name) {
            event = event
                .with("DefaultLanguage", &login.default_language)
                .with("DefaultDatabase", &login.default_database)
                .with("LoginType", "SQL Login")
                .with("SID", &base64(&login.sid, false));
        }
        event
    }

    /// CREATE, ALTER and DROP of databases, logins and server roles.
    pub fn define_at_server(
        &mut self,
        d: &Ddl,
        statement: &Statement,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let triggers = enabled(&self.session.host)?;
        let makes =
            matches!(d, Ddl::CreateDatabase(_)) || matches!(d, Ddl::Principal(p) if p.action == "CREATE");
        let of_database = match d {
            Ddl::CreateDatabase(_) | Ddl::AlterDatabase(_) => true,
            Ddl::Drop(drop) => drop.kind == "DATABASE",
            _ => false,
        };
        let in_transaction = self.session.state.lock().transaction.count > 0;
        if in_transaction && matches!(d, Ddl::Drop(drop) if drop.kind == "DATABASE") {
            return Err(SqlError::new(574, &[&"DROP DATABASE"]).into());
        }
        // Invariant 2: such a statement is refused where it is carried out.
        if triggers.is_empty() || of_database && in_transaction {
            self.do_at_server(d, statement, scope)?;
            return self.plain_done(0);
        }
        let text = statement_text(statement, scope);
        if makes {
            self.do_at_server(d, statement, scope)?;
            // What is told of it is known only now.
            let events = self.events_at_server(d);
            let fired = self.changing(|r, work| r.fire_for(MASTER, &triggers, &events, &text, work));
            if let Err(e) = fired {
                self.take_away(d, scope)?;
                return Err(e);
            }
        } else {
            // Who may not do it does not run anything either.
            self.ask_to_administer(&statement.kind, scope)?;
            let events = self.events_at_server(d);
            self.after_triggers(&triggers, &events, &text, |r| r.do_at_server(d, statement, scope))?;
        }
        self.plain_done(0)
    }

    /// Invariant 1: runs triggers and then the statement, outside their transaction, which is committed only when both went well.
    fn after_triggers(
        &mut self,
        triggers: &[TriggerDef],
        events: &[Event],
        text: &str,
        f: impl FnOnce(&mut Self) -> Result<(), Fail>,
    ) -> Result<(), Fail> {
        self.changing(|r, work| {
            r.fire_for(MASTER, triggers, events, text, work)?;
            let own = std::mem::take(&mut r.session.state.lock().transaction);
            let done = f(r);
            r.session.state.lock().transaction = own;
            done
        })
    }

    /// The statement itself.
    fn do_at_server(&mut self, d: &Ddl, statement: &Statement, scope: &mut Scope) -> Result<(), Fail> {
        match d {
            Ddl::CreateDatabase(c) => {
                self.administer(&statement.kind, scope)?;
                self.copy_model(c)?;
                self.take_ownership(&c.name.text, statement, scope)
            }
            Ddl::AlterDatabase(_) => {
                let done = self.administer(&statement.kind, scope);
                // The session's own database may have another name now.
                self.look_again();
                done.map(|_| ())
            }
            _ => self.administer(&statement.kind, scope).map(|_| ()),
        }
    }

    /// Takes away what a CREATE has made.
    fn take_away(&mut self, d: &Ddl, scope: &mut Scope) -> Result<(), Fail> {
        let (kind, name): (&str, &Ident) = match d {
            Ddl::CreateDatabase(c) => ("DATABASE", &c.name),
            Ddl::Principal(p) => (p.kind, &p.name),
            _ => return Ok(()),
        };
        let drop = Drop {
            kind: kind.to_owned(),
            if_exists: true,
            names: vec![ObjectName::one(name.clone())],
            on: Vec::new(),
            trigger_on: None,
            moves_to: None,
            options: Vec::new(),
        };
        self.administer(&StatementKind::Ddl(Box::new(Ddl::Drop(Box::new(drop)))), scope).map(|_| ())
    }

    /// Does something at the server after its triggers have run for it.
    pub fn watched_at_server(
        &mut self,
        event: Event,
        statement: &Statement,
        scope: &Scope,
        f: impl FnOnce(&mut Self) -> Result<(), Fail>,
    ) -> Result<(), Fail> {
        let triggers = enabled(&self.session.host)?;
        if triggers.is_empty() {
            return f(self);
        }
        let text = statement_text(statement, scope);
        self.after_triggers(&triggers, &[Event { of_server: true, ..event }], &text, f)
    }

    /// Runs the triggers of a logon (invariant 3).
    ///
    /// # Errors
    /// 17892.
    pub fn fire_at_logon(&mut self) -> Result<(), SqlError> {
        let triggers = enabled(&self.session.host);
        if triggers.as_ref().is_ok_and(Vec::is_empty) {
            return Ok(());
        }
        let login = SessionInfo::login_name(&*self.session);
        let details = {
            let logins = self.session.host.logins.read();
            let sid = logins.login(&login).map(|l| base64(&l.sid, false)).unwrap_or_default();
            let host = &self.session.login.client_address;
            let host = if host.is_empty() { "<local machine>" } else { host };
            vec![
                ("LoginType", "SQL Login".to_owned()),
                ("SID", sid),
                ("ClientHost", super::event::escaped(host)),
                ("IsPooled", "0".to_owned()),
            ]
        };
        let event = of_server("LOGON", details);
        let fired = triggers
            .map_err(Fail::from)
            .and_then(|triggers| self.changing(|r, work| r.fire_for(MASTER, &triggers, &[event], "", work)));
        fired.map_err(|e| {
            let host = &self.session.host;
            for e in errors_of(e) {
                host.error_log.write(host.now(), "Logon", &e.to_string());
            }
            SqlError::new(17892, &[&login])
        })
    }
}

fn statement_text(statement: &Statement, scope: &Scope) -> String {
    let span = statement.span;
    scope.unit.text.get(span.start as usize..span.end as usize).unwrap_or("").to_owned()
}
