//! Triggers of a database and of the server: CREATE, ALTER, DROP, ENABLE and DISABLE TRIGGER … ON DATABASE and ON ALL SERVER,
//! sp_settriggerorder, and their firing. Those of the server lie in master; what the server does besides databases is
//! [`server_trigger`](super::server_trigger)'s.
//!
//! Invariants
//! 1. They fire after the statement, in its transaction; one that ends the transaction ends the batch with 3609.
//! 2. Only triggers fire that were there before the statement and still are after it, unchanged.
//! 3. A database's fire before the server's.
//!
//! Evidence: what EVENTDATA() holds is documented; rows of DDL triggers in the catalog are assumed (docs/format/catalog.md).

use std::sync::Arc;

use holdfast_engine::catalog::TriggerDef;
use holdfast_engine::ddl::module::{NewModule, trigger_event};
use holdfast_engine::ddl::object::bits;
use holdfast_engine::instance::OnlineDatabase;
use holdfast_engine::transaction::Transaction;
use holdfast_tsql::ParseOptions;
use holdfast_tsql::ast::{CreateTrigger, Ddl, ModuleAction, ObjectName, StatementKind, TriggerTarget};
use holdfast_tsql::lexer::{Token, TokenKind, tokenize};
use holdfast_types::datetime::text;
use holdfast_types::{SqlError, SqlResult, Value};

use super::event::{self, Event, escaped};
use super::procedure::Arguments;
use super::{Definition, shown};
use crate::context::SessionInfo;
use crate::procedure::raise::integer;
use crate::procedure::run::{Fail, Runner};
use crate::procedure::state::{RunningTrigger, option};
use crate::procedure::surroundings::now;
use crate::security::Securable;

/// The enabled triggers of a database.
pub fn enabled(online: &Arc<dyn OnlineDatabase>) -> SqlResult<Vec<TriggerDef>> {
    let Some(catalog) = online.stored() else { return Ok(Vec::new()) };
    let mut all = catalog.database_triggers().map_err(|e| holdfast_engine::page_error(&e))?;
    all.retain(|t| !t.disabled);
    Ok(all)
}

/// The events that a trigger's text names.
///
/// # Errors
/// A text that cannot be understood: what it guards is not done then.
fn events_of(t: &TriggerDef) -> SqlResult<Vec<String>> {
    let options = ParseOptions { quoted_identifier: t.module.quoted_identifier };
    let batch = holdfast_tsql::parse_batch(&t.module.text, &options).map_err(|_| {
        SqlError::with_text(
            8624,
            16,
            format!("Internal error: the text of trigger '{}' cannot be read.", t.module.name),
        )
    })?;
    Ok(batch
        .statements
        .into_iter()
        .find_map(|s| match s.kind {
            StatementKind::Ddl(d) => match *d {
                Ddl::CreateTrigger(t) => Some(t.events),
                _ => None,
            },
            _ => None,
        })
        .unwrap_or_default())
}

impl Definition<'_, '_> {
    /// Numbers of the triggers on the database, or of those on the server (the database is master then).
    fn triggers_on(&self, on: &TriggerTarget) -> SqlResult<Vec<(i32, Arc<str>)>> {
        let server = *on == TriggerTarget::AllServer;
        let catalog = self.catalog()?;
        let all = catalog.objects().into_iter().filter(|o| if server { o.on_server } else { o.on_database });
        Ok(all.map(|o| (o.id, o.name.clone())).collect())
    }

    /// One of them by name.
    pub fn database_trigger(&self, name: &str, on: &TriggerTarget) -> SqlResult<Option<i32>> {
        Ok(self.triggers_on(on)?.into_iter().find(|t| self.same(&t.1, name)).map(|t| t.0))
    }

    pub fn create_database_trigger(&mut self, t: &CreateTrigger) -> Result<(), Fail> {
        let name = &t.name.name.text;
        if t.name.schema.is_some() {
            return Err(SqlError::new(1094, &[]).into());
        }
        let on_server = t.on == TriggerTarget::AllServer;
        for e in &t.events {
            let number = event::number_of(e).filter(|n| *n > 3);
            let number = number.ok_or_else(|| SqlError::new(1084, &[e]))?;
            // Logons are no data definition.
            let alone = number != event::LOGON || t.events.len() == 1;
            if t.instead_of || !alone || !on_server && !event::is_of_database(number) {
                return Err(SqlError::new(1098, &[]).into());
            }
        }
        let found = self.database_trigger(name, &t.on)?;
        let executes_as = match t.options.execute_as.as_ref() {
            as_login if on_server => self.login_context(as_login)?,
            as_user => self.execution_context(as_user, self.database.security()?.schema_owner(1))?,
        };
        let status = self.module_status(&t.options)?;
        let text = self.module_text(t.action);
        let events = event::spread(&t.events, on_server).iter().map(|e| e.0).collect();
        let encrypted = t.options.encryption;
        let new = NewModule {
            schema_id: 0,
            on_server,
            events,
            encrypted,
            ..self.module(&t.name, "TR", status, text)
        };
        let id = match (t.action, found) {
            (ModuleAction::Create, Some(_)) => return Err(SqlError::new(2714, &[name]).state(2).into()),
            (ModuleAction::Alter, None) => {
                return Err(SqlError::new(208, &[&shown(&t.name)]).state(6).into());
            }
            (_, None) => self.writer()?.add_module(&new)?,
            (_, Some(id)) => {
                self.lock(id)?;
                self.writer()?.replace_module(id, &new)?;
                id
            }
        };
        Ok(self.writer()?.set_execution_context(id, executes_as)?)
    }

    pub fn drop_database_triggers(
        &mut self,
        names: &[ObjectName],
        if_exists: bool,
        on: &TriggerTarget,
    ) -> Result<(), Fail> {
        for name in names {
            match self.database_trigger(&name.name.text, on)? {
                Some(id) => {
                    self.lock(id)?;
                    self.writer()?.remove_object(id)?;
                    self.refresh()?;
                }
                None if if_exists => {}
                None => {
                    let error = SqlError::new(3701, &[&"drop", &"trigger", &shown(name)]).state(7);
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    pub fn enable_database_triggers(
        &mut self,
        enable: bool,
        names: &[ObjectName],
        all: bool,
        on: &TriggerTarget,
    ) -> Result<(), Fail> {
        let mut chosen = Vec::new();
        if all {
            chosen = self.triggers_on(on)?.iter().map(|t| t.0).collect();
        }
        for n in names {
            let missing = || SqlError::new(1088, &[&shown(n)]).state(120);
            chosen.push(self.database_trigger(&n.name.text, on)?.ok_or_else(missing)?);
        }
        for id in chosen {
            let (set, clear) = if enable { (0, bits::DISABLED) } else { (bits::DISABLED, 0) };
            self.writer()?.set_status(id, set, clear)?;
        }
        Ok(())
    }

    /// sp_settriggerorder.
    pub fn set_trigger_order(&mut self, a: &Arguments) -> Result<(), Fail> {
        let (name, order) = (a.text(0).unwrap_or_default(), a.text(1).unwrap_or_default());
        let (event, namespace) = (a.text(2).unwrap_or_default(), a.text(3));
        let order = match order.to_ascii_lowercase().as_str() {
            "first" => trigger_event::FIRST,
            "last" => trigger_event::LAST,
            "none" => 0,
            _ => return Err(SqlError::new(15600, &[&"sp_settriggerorder"]).into()),
        };
        let missing = || Fail::Error(SqlError::new(15165, &[&name]));
        let event_name = event.to_ascii_uppercase();
        let number =
            event::number_of(&event_name).ok_or_else(|| SqlError::new(15600, &[&"sp_settriggerorder"]))?;
        let (id, siblings): (i32, Vec<i32>) = match namespace.map(|n| n.to_ascii_uppercase()).as_deref() {
            None => {
                let parsed = holdfast_tsql::parse_object_name(&name).map_err(|_| missing())?;
                let (id, kind) = self.find(&parsed)?.ok_or_else(missing)?;
                if kind != "TR" {
                    return Err(missing());
                }
                let catalog = self.catalog()?;
                let parent = catalog.object_row(id).map_or(0, |o| o.parent_id);
                self.runner.may_change(&self.database, Securable::Object(parent))?;
                let all = catalog.objects();
                (id, all.iter().filter(|o| o.parent_id == parent && &*o.kind == "TR").map(|o| o.id).collect())
            }
            Some(level @ ("DATABASE" | "SERVER")) => {
                self.runner.may_redefine(&self.database)?;
                let on = if level == "SERVER" { TriggerTarget::AllServer } else { TriggerTarget::Database };
                let id = self.database_trigger(&name, &on)?.ok_or_else(missing)?;
                (id, self.triggers_on(&on)?.iter().map(|t| t.0).collect())
            }
            Some(_) => return Err(SqlError::new(15600, &[&"sp_settriggerorder"]).into()),
        };
        let writer = self.writer()?;
        if order != 0 {
            let catalog = self.catalog()?;
            let rows = catalog.base_values("sysobjvalues")?;
            let taken = placed(&rows, number, order).into_iter().find(|o| *o != id && siblings.contains(o));
            if taken.is_some() {
                let word = if order == trigger_event::FIRST { "first" } else { "last" };
                return Err(SqlError::new(15130, &[&word, &event_name]).into());
            }
        }
        self.lock(id)?;
        if !writer.set_trigger_order(id, number, order)? {
            return Err(SqlError::new(15125, &[&name, &event_name]).into());
        }
        Ok(())
    }
}

/// The triggers that stand in a place for an event.
fn placed((columns, rows): &(Vec<String>, Vec<Vec<Value>>), event: i32, order: i32) -> Vec<i32> {
    let at = |n: &str| columns.iter().position(|c| c == n);
    let cell = |row: &[Value], n: &str| at(n).and_then(|i| row.get(i)).and_then(integer);
    let order_of = |row: &[Value]| match at("value").and_then(|i| row.get(i)) {
        Some(Value::Variant(v)) => integer(&v.value),
        _ => None,
    };
    rows.iter()
        .filter(|r| {
            cell(r, "valclass") == Some(trigger_event::CLASS)
                && cell(r, "subobjid") == Some(event.into())
                && order_of(r) == Some(order.into())
        })
        .filter_map(|r| cell(r, "objid").and_then(|n| i32::try_from(n).ok()))
        .collect()
}

impl Runner<'_> {
    /// Fires a database's triggers for what has been done.
    pub fn fire_for(
        &mut self,
        database: i32,
        triggers: &[TriggerDef],
        events: &[Event],
        command: &str,
        work: &Arc<Transaction>,
    ) -> Result<(), Fail> {
        let named: Vec<(&TriggerDef, Vec<i32>)> = triggers
            .iter()
            .map(|t| Ok((t, events_of(t)?.iter().filter_map(|e| event::number_of(e)).collect())))
            .collect::<SqlResult<_>>()?;
        for e in events {
            let Some(number) = event::number_of(&e.name) else { continue };
            let mut list: Vec<&TriggerDef> = named
                .iter()
                .filter(|(_, names)| names.iter().any(|n| event::is_in(number, *n)))
                .map(|(t, _)| *t)
                .collect();
            list.sort_by_key(|t| t.place(number));
            if list.is_empty() {
                continue;
            }
            let data: Arc<str> = self.event_data(e, command).into();
            for t in list {
                let there = self.session.host.database_by_id(database).and_then(|d| d.online().stored());
                let id = t.module.object_id;
                let now = match there {
                    Some(c) => c.trigger_of_no_table(id).map_err(|e| holdfast_engine::page_error(&e))?,
                    None => None,
                };
                let still = now.is_some_and(|now| !now.disabled && now.module.text == t.module.text);
                if !still || self.is_running(id) && !self.triggers_recur(database) {
                    continue;
                }
                let running = RunningTrigger {
                    object_id: id,
                    columns: Arc::from([]),
                    event: Some(Arc::clone(&data)),
                    stand_in: false,
                };
                self.run_trigger(&t.module, running, work, |_| {})?;
            }
        }
        Ok(())
    }

    /// The document of EVENTDATA().
    fn event_data(&self, e: &Event, command: &str) -> String {
        let session = &self.session;
        let time = now(session).local().unwrap_or_default();
        let posted = format!("{}T{}", text::date(time.date), text::time(time.time, 3));
        let mut out = String::from("<EVENT_INSTANCE>");
        let mut put = |name: &str, text: &str| {
            if text.is_empty() {
                out.push_str(&format!("<{name}/>"));
            } else {
                out.push_str(&format!("<{name}>{text}</{name}>"));
            }
        };
        put("EventType", &e.name);
        put("PostTime", &posted);
        put("SPID", &session.id.to_string());
        put("ServerName", &escaped(&SessionInfo::server_name(&**session)));
        put("LoginName", &escaped(&SessionInfo::login_name(&**session)));
        if !e.of_server {
            put("UserName", &escaped(&SessionInfo::user_name(&**session)));
            put("DatabaseName", &escaped(&session.current_database().name));
        }
        for (name, text) in &e.details {
            put(name, text);
        }
        if e.name == "LOGON" {
            out.push_str("</EVENT_INSTANCE>");
            return out;
        }
        let options = session.state.lock().settings.options;
        let on = |flag: i32| if options & flag != 0 { "ON" } else { "OFF" };
        let set = if e.by_procedure {
            String::new()
        } else {
            format!(
                "<SetOptions ANSI_NULLS=\"{}\" ANSI_NULL_DEFAULT=\"{}\" ANSI_PADDING=\"{}\" QUOTED_IDENTIFIER=\"{}\" ENCRYPTED=\"{}\"/>",
                on(option::ANSI_NULLS),
                on(option::ANSI_NULL_DFLT_ON),
                on(option::ANSI_PADDING),
                on(option::QUOTED_IDENTIFIER),
                if e.encrypted { "TRUE" } else { "FALSE" }
            )
        };
        let hidden;
        let command = if e.encrypted {
            "--ENCRYPTED--"
        } else if e.name.ends_with("_APPLICATION_ROLE") || e.name.ends_with("_LOGIN") {
            hidden = without_passwords(command);
            &hidden
        } else {
            command
        };
        put("TSQLCommand", &format!("{set}<CommandText>{}</CommandText>", escaped(command)));
        out.push_str("</EVENT_INSTANCE>");
        out
    }
}

/// A statement without the texts behind `PASSWORD =`.
fn without_passwords(command: &str) -> String {
    let tokens = tokenize(command, true);
    let (mut out, mut from) = (String::with_capacity(command.len()), 0);
    let text = |t: &Token| command.get(t.span.start as usize..t.span.end as usize).unwrap_or_default();
    for three in tokens.windows(3) {
        let [word, sign, value] = three else { continue };
        let given = text(word).eq_ignore_ascii_case("PASSWORD") && sign.kind == TokenKind::Symbol('=');
        if given && matches!(value.kind, TokenKind::String { .. }) {
            out.push_str(command.get(from..value.span.start as usize).unwrap_or_default());
            out.push_str("'******'");
            from = value.span.end as usize;
        }
    }
    out.push_str(command.get(from..).unwrap_or_default());
    out
}
