//! Events of data definition: which there are, which groups they belong to, and which a statement makes.
//!
//! Invariants
//! 1. Events are told before the statement runs, while what it drops is still there, and fire triggers only after it has succeeded.
//! 2. An event that nothing here makes yet can still be named by a trigger: it then never fires for it.
//!
//! Evidence: numbers and groups as documented for sys.trigger_event_types; 1 to 3 are seen in genuine databases (sysobjvalues,
//! class 70).

use holdfast_tsql::ast::{
    Ddl, Drop, IndexKind, ModuleAction, ModuleOptions, ObjectName, PrincipalStatement, TriggerTarget,
};
use holdfast_types::SqlResult;

use super::Definition;
use crate::context::SessionInfo;
use crate::procedure::run::Fail;

/// The group of everything that happens in a database.
const DATABASE_LEVEL: i32 = 10016;

/// Number, name and group of every event and group; 0: no group.
#[rustfmt::skip]
pub const EVENTS: &[(i32, &str, i32)] = &[
    (1, "INSERT", 0), (2, "UPDATE", 0), (3, "DELETE", 0),
    (21, "CREATE_TABLE", 10018), (22, "ALTER_TABLE", 10018), (23, "DROP_TABLE", 10018),
    (24, "CREATE_INDEX", 10020), (25, "ALTER_INDEX", 10020), (26, "DROP_INDEX", 10020),
    (27, "CREATE_STATISTICS", 10021), (28, "UPDATE_STATISTICS", 10021), (29, "DROP_STATISTICS", 10021),
    (34, "CREATE_SYNONYM", 10022), (36, "DROP_SYNONYM", 10022),
    (41, "CREATE_VIEW", 10019), (42, "ALTER_VIEW", 10019), (43, "DROP_VIEW", 10019),
    (51, "CREATE_PROCEDURE", 10024), (52, "ALTER_PROCEDURE", 10024), (53, "DROP_PROCEDURE", 10024),
    (61, "CREATE_FUNCTION", 10023), (62, "ALTER_FUNCTION", 10023), (63, "DROP_FUNCTION", 10023),
    (71, "CREATE_TRIGGER", 10025), (72, "ALTER_TRIGGER", 10025), (73, "DROP_TRIGGER", 10025),
    (74, "CREATE_EVENT_NOTIFICATION", 10026), (76, "DROP_EVENT_NOTIFICATION", 10026),
    (91, "CREATE_TYPE", 10028), (93, "DROP_TYPE", 10028),
    (101, "CREATE_ASSEMBLY", 10027), (102, "ALTER_ASSEMBLY", 10027), (103, "DROP_ASSEMBLY", 10027),
    (131, "CREATE_USER", 10031), (132, "ALTER_USER", 10031), (133, "DROP_USER", 10031),
    (134, "CREATE_ROLE", 10032), (135, "ALTER_ROLE", 10032), (136, "DROP_ROLE", 10032),
    (137, "CREATE_APPLICATION_ROLE", 10033), (138, "ALTER_APPLICATION_ROLE", 10033), (139, "DROP_APPLICATION_ROLE", 10033),
    (141, "CREATE_SCHEMA", 10034), (142, "ALTER_SCHEMA", 10034), (143, "DROP_SCHEMA", 10034),
    (144, "CREATE_LOGIN", 10006), (145, "ALTER_LOGIN", 10006), (146, "DROP_LOGIN", 10006), (147, "LOGON", 0),
    (151, "CREATE_MESSAGE_TYPE", 10042), (152, "ALTER_MESSAGE_TYPE", 10042), (153, "DROP_MESSAGE_TYPE", 10042),
    (154, "CREATE_CONTRACT", 10043), (156, "DROP_CONTRACT", 10043),
    (157, "CREATE_QUEUE", 10044), (158, "ALTER_QUEUE", 10044), (159, "DROP_QUEUE", 10044),
    (161, "CREATE_SERVICE", 10045), (162, "ALTER_SERVICE", 10045), (163, "DROP_SERVICE", 10045),
    (164, "CREATE_ROUTE", 10046), (165, "ALTER_ROUTE", 10046), (166, "DROP_ROUTE", 10046),
    (167, "GRANT_SERVER", 10007), (168, "DENY_SERVER", 10007), (169, "REVOKE_SERVER", 10007),
    (170, "GRANT_DATABASE", 10035), (171, "DENY_DATABASE", 10035), (172, "REVOKE_DATABASE", 10035),
    (174, "CREATE_REMOTE_SERVICE_BINDING", 10047), (175, "ALTER_REMOTE_SERVICE_BINDING", 10047),
    (176, "DROP_REMOTE_SERVICE_BINDING", 10047),
    (177, "CREATE_XML_SCHEMA_COLLECTION", 10048), (178, "ALTER_XML_SCHEMA_COLLECTION", 10048),
    (179, "DROP_XML_SCHEMA_COLLECTION", 10048),
    (181, "CREATE_ENDPOINT", 10003), (182, "ALTER_ENDPOINT", 10003), (183, "DROP_ENDPOINT", 10003),
    (191, "CREATE_PARTITION_FUNCTION", 10050), (192, "ALTER_PARTITION_FUNCTION", 10050), (193, "DROP_PARTITION_FUNCTION", 10050),
    (194, "CREATE_PARTITION_SCHEME", 10051), (195, "ALTER_PARTITION_SCHEME", 10051), (196, "DROP_PARTITION_SCHEME", 10051),
    (197, "CREATE_CERTIFICATE", 10030), (198, "ALTER_CERTIFICATE", 10030), (199, "DROP_CERTIFICATE", 10030),
    (201, "CREATE_DATABASE", 10004), (202, "ALTER_DATABASE", 10004), (203, "DROP_DATABASE", 10004),
    (204, "ALTER_AUTHORIZATION_SERVER", 10008), (205, "ALTER_AUTHORIZATION_DATABASE", 10036),
    (206, "CREATE_XML_INDEX", 10020), (207, "ADD_ROLE_MEMBER", 10032), (208, "DROP_ROLE_MEMBER", 10032),
    (209, "ADD_SERVER_ROLE_MEMBER", 10005), (210, "DROP_SERVER_ROLE_MEMBER", 10005),
    (211, "ALTER_EXTENDED_PROPERTY", 10053), (212, "ALTER_FULLTEXT_CATALOG", 10054), (213, "ALTER_FULLTEXT_INDEX", 10020),
    (214, "ALTER_INSTANCE", 10002), (215, "ALTER_MESSAGE", 10014), (216, "ALTER_PLAN_GUIDE", 10055),
    (217, "ALTER_REMOTE_SERVER", 10015), (218, "BIND_DEFAULT", 10052), (219, "BIND_RULE", 10056),
    (220, "CREATE_DEFAULT", 10052), (221, "CREATE_EXTENDED_PROCEDURE", 10011), (222, "CREATE_EXTENDED_PROPERTY", 10053),
    (223, "CREATE_FULLTEXT_CATALOG", 10054), (224, "CREATE_FULLTEXT_INDEX", 10020), (225, "CREATE_LINKED_SERVER", 10012),
    (226, "CREATE_LINKED_SERVER_LOGIN", 10013), (227, "CREATE_MESSAGE", 10014), (228, "CREATE_PLAN_GUIDE", 10055),
    (229, "CREATE_RULE", 10056), (230, "CREATE_REMOTE_SERVER", 10015), (231, "DROP_DEFAULT", 10052),
    (232, "DROP_EXTENDED_PROCEDURE", 10011), (233, "DROP_EXTENDED_PROPERTY", 10053), (234, "DROP_FULLTEXT_CATALOG", 10054),
    (235, "DROP_FULLTEXT_INDEX", 10020), (236, "DROP_LINKED_SERVER_LOGIN", 10013), (237, "DROP_MESSAGE", 10014),
    (238, "DROP_PLAN_GUIDE", 10055), (239, "DROP_RULE", 10056), (240, "DROP_REMOTE_SERVER", 10015), (241, "RENAME", 10016),
    (242, "UNBIND_DEFAULT", 10052), (243, "UNBIND_RULE", 10056),
    (244, "CREATE_SYMMETRIC_KEY", 10037), (245, "ALTER_SYMMETRIC_KEY", 10037), (246, "DROP_SYMMETRIC_KEY", 10037),
    (247, "CREATE_ASYMMETRIC_KEY", 10038), (248, "ALTER_ASYMMETRIC_KEY", 10038), (249, "DROP_ASYMMETRIC_KEY", 10038),
    (251, "ALTER_SERVICE_MASTER_KEY", 10010), (252, "CREATE_MASTER_KEY", 10040), (253, "ALTER_MASTER_KEY", 10040),
    (254, "DROP_MASTER_KEY", 10040), (255, "ADD_SIGNATURE_SCHEMA_OBJECT", 10039), (256, "DROP_SIGNATURE_SCHEMA_OBJECT", 10039),
    (257, "ADD_SIGNATURE", 10039), (258, "DROP_SIGNATURE", 10039),
    (259, "CREATE_CREDENTIAL", 10009), (260, "ALTER_CREDENTIAL", 10009), (261, "DROP_CREDENTIAL", 10009),
    (262, "DROP_LINKED_SERVER", 10012), (263, "ALTER_LINKED_SERVER", 10012),
    (264, "CREATE_EVENT_SESSION", 10057), (265, "ALTER_EVENT_SESSION", 10057), (266, "DROP_EVENT_SESSION", 10057),
    (267, "CREATE_RESOURCE_POOL", 10059), (268, "ALTER_RESOURCE_POOL", 10059), (269, "DROP_RESOURCE_POOL", 10059),
    (270, "CREATE_WORKLOAD_GROUP", 10060), (271, "ALTER_WORKLOAD_GROUP", 10060), (272, "DROP_WORKLOAD_GROUP", 10060),
    (273, "ALTER_RESOURCE_GOVERNOR_CONFIG", 10058), (274, "CREATE_SPATIAL_INDEX", 10020),
    (275, "CREATE_CRYPTOGRAPHIC_PROVIDER", 10061), (276, "ALTER_CRYPTOGRAPHIC_PROVIDER", 10061),
    (277, "DROP_CRYPTOGRAPHIC_PROVIDER", 10061), (278, "CREATE_DATABASE_ENCRYPTION_KEY", 10062),
    (279, "ALTER_DATABASE_ENCRYPTION_KEY", 10062), (280, "DROP_DATABASE_ENCRYPTION_KEY", 10062),
    (281, "CREATE_BROKER_PRIORITY", 10063), (282, "ALTER_BROKER_PRIORITY", 10063), (283, "DROP_BROKER_PRIORITY", 10063),
    (284, "CREATE_SERVER_AUDIT", 10064), (285, "ALTER_SERVER_AUDIT", 10064), (286, "DROP_SERVER_AUDIT", 10064),
    (287, "CREATE_SERVER_AUDIT_SPECIFICATION", 10065), (288, "ALTER_SERVER_AUDIT_SPECIFICATION", 10065),
    (289, "DROP_SERVER_AUDIT_SPECIFICATION", 10065), (290, "CREATE_DATABASE_AUDIT_SPECIFICATION", 10066),
    (291, "ALTER_DATABASE_AUDIT_SPECIFICATION", 10066), (292, "DROP_DATABASE_AUDIT_SPECIFICATION", 10066),
    (293, "CREATE_FULLTEXT_STOPLIST", 10067), (294, "ALTER_FULLTEXT_STOPLIST", 10067), (295, "DROP_FULLTEXT_STOPLIST", 10067),
    (296, "ALTER_SERVER_CONFIGURATION", 0), (297, "CREATE_SEARCH_PROPERTY_LIST", 10069),
    (298, "ALTER_SEARCH_PROPERTY_LIST", 10069), (299, "DROP_SEARCH_PROPERTY_LIST", 10069),
    (300, "CREATE_SERVER_ROLE", 10005), (301, "ALTER_SERVER_ROLE", 10005), (302, "DROP_SERVER_ROLE", 10005),
    (303, "CREATE_SEQUENCE", 10070), (304, "ALTER_SEQUENCE", 10070), (305, "DROP_SEQUENCE", 10070),
    (306, "CREATE_AVAILABILITY_GROUP", 10071), (307, "ALTER_AVAILABILITY_GROUP", 10071), (308, "DROP_AVAILABILITY_GROUP", 10071),
    (10001, "DDL_EVENTS", 0), (10002, "DDL_SERVER_LEVEL_EVENTS", 10001), (10003, "DDL_ENDPOINT_EVENTS", 10002),
    (10004, "DDL_DATABASE_EVENTS", 10002), (10005, "DDL_SERVER_SECURITY_EVENTS", 10002), (10006, "DDL_LOGIN_EVENTS", 10005),
    (10007, "DDL_GDR_SERVER_EVENTS", 10005), (10008, "DDL_AUTHORIZATION_SERVER_EVENTS", 10005),
    (10009, "DDL_CREDENTIAL_EVENTS", 10005), (10010, "DDL_SERVICE_MASTER_KEY_EVENTS", 10005),
    (10011, "DDL_EXTENDED_PROCEDURE_EVENTS", 10002), (10012, "DDL_LINKED_SERVER_EVENTS", 10002),
    (10013, "DDL_LINKED_SERVER_LOGIN_EVENTS", 10012), (10014, "DDL_MESSAGE_EVENTS", 10002),
    (10015, "DDL_REMOTE_SERVER_EVENTS", 10002), (10016, "DDL_DATABASE_LEVEL_EVENTS", 10001),
    (10017, "DDL_TABLE_VIEW_EVENTS", 10016), (10018, "DDL_TABLE_EVENTS", 10017), (10019, "DDL_VIEW_EVENTS", 10017),
    (10020, "DDL_INDEX_EVENTS", 10017), (10021, "DDL_STATISTICS_EVENTS", 10017), (10022, "DDL_SYNONYM_EVENTS", 10016),
    (10023, "DDL_FUNCTION_EVENTS", 10016), (10024, "DDL_PROCEDURE_EVENTS", 10016), (10025, "DDL_TRIGGER_EVENTS", 10016),
    (10026, "DDL_EVENT_NOTIFICATION_EVENTS", 10016), (10027, "DDL_ASSEMBLY_EVENTS", 10016), (10028, "DDL_TYPE_EVENTS", 10016),
    (10029, "DDL_DATABASE_SECURITY_EVENTS", 10016), (10030, "DDL_CERTIFICATE_EVENTS", 10029), (10031, "DDL_USER_EVENTS", 10029),
    (10032, "DDL_ROLE_EVENTS", 10029), (10033, "DDL_APPLICATION_ROLE_EVENTS", 10029), (10034, "DDL_SCHEMA_EVENTS", 10029),
    (10035, "DDL_GDR_DATABASE_EVENTS", 10029), (10036, "DDL_AUTHORIZATION_DATABASE_EVENTS", 10029),
    (10037, "DDL_SYMMETRIC_KEY_EVENTS", 10029), (10038, "DDL_ASYMMETRIC_KEY_EVENTS", 10029),
    (10039, "DDL_CRYPTO_SIGNATURE_EVENTS", 10029), (10040, "DDL_MASTER_KEY_EVENTS", 10029), (10041, "DDL_SSB_EVENTS", 10016),
    (10042, "DDL_MESSAGE_TYPE_EVENTS", 10041), (10043, "DDL_CONTRACT_EVENTS", 10041), (10044, "DDL_QUEUE_EVENTS", 10041),
    (10045, "DDL_SERVICE_EVENTS", 10041), (10046, "DDL_ROUTE_EVENTS", 10041), (10047, "DDL_REMOTE_SERVICE_BINDING_EVENTS", 10041),
    (10048, "DDL_XML_SCHEMA_COLLECTION_EVENTS", 10016), (10049, "DDL_PARTITION_EVENTS", 10016),
    (10050, "DDL_PARTITION_FUNCTION_EVENTS", 10049), (10051, "DDL_PARTITION_SCHEME_EVENTS", 10049),
    (10052, "DDL_DEFAULT_EVENTS", 10016), (10053, "DDL_EXTENDED_PROPERTY_EVENTS", 10016),
    (10054, "DDL_FULLTEXT_CATALOG_EVENTS", 10016), (10055, "DDL_PLAN_GUIDE_EVENTS", 10016), (10056, "DDL_RULE_EVENTS", 10016),
    (10057, "DDL_EVENT_SESSION_EVENTS", 10002), (10058, "DDL_RESOURCE_GOVERNOR_EVENTS", 10002),
    (10059, "DDL_RESOURCE_POOL", 10058), (10060, "DDL_WORKLOAD_GROUP", 10058),
    (10061, "DDL_CRYPTOGRAPHIC_PROVIDER_EVENTS", 10005), (10062, "DDL_DATABASE_ENCRYPTION_KEY_EVENTS", 10029),
    (10063, "DDL_BROKER_PRIORITY_EVENTS", 10041), (10064, "DDL_SERVER_AUDIT_EVENTS", 10005),
    (10065, "DDL_SERVER_AUDIT_SPECIFICATION_EVENTS", 10005), (10066, "DDL_DATABASE_AUDIT_SPECIFICATION_EVENTS", 10029),
    (10067, "DDL_FULLTEXT_STOPLIST_EVENTS", 10016), (10069, "DDL_SEARCH_PROPERTY_LIST_EVENTS", 10016),
    (10070, "DDL_SEQUENCE_EVENTS", 10016), (10071, "DDL_AVAILABILITY_GROUP_EVENTS", 10002),
];

/// The event of logon triggers.
pub const LOGON: i32 = 147;

/// First number of groups.
const GROUPS: i32 = 10_000;

pub fn number_of(name: &str) -> Option<i32> {
    EVENTS.iter().find(|e| e.1 == name).map(|e| e.0)
}

pub fn name_of(number: i32) -> Option<&'static str> {
    EVENTS.iter().find(|e| e.0 == number).map(|e| e.1)
}

/// Whether an event is one of a group, at whatever depth, or the group itself.
pub fn is_in(mut event: i32, group: i32) -> bool {
    while event != 0 {
        if event == group {
            return true;
        }
        event = EVENTS.iter().find(|e| e.0 == event).map_or(0, |e| e.2);
    }
    false
}

/// Whether a database's trigger may be for it.
pub fn is_of_database(number: i32) -> bool {
    is_in(number, DATABASE_LEVEL) || number == 10001
}

/// The single events behind the events and groups that a trigger names, each with the group that was named: all of them for one of
/// the server, else those of databases.
pub fn spread(names: &[String], on_server: bool) -> Vec<(i32, Option<i32>)> {
    let mut out: Vec<(i32, Option<i32>)> = Vec::new();
    for number in names.iter().filter_map(|n| number_of(n)) {
        let group = (number >= GROUPS).then_some(number);
        for e in EVENTS.iter().filter(|e| e.0 < GROUPS && is_in(e.0, number)) {
            if !out.iter().any(|o| o.0 == e.0) && (number < 4 || on_server || is_in(e.0, DATABASE_LEVEL)) {
                out.push((e.0, group));
            }
        }
    }
    out.sort_by_key(|o| o.0);
    out
}

/// Something that a statement does, as EVENTDATA() tells it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    pub name: String,
    /// Elements between those that every event has and the command: name and inner XML.
    pub details: Vec<(&'static str, String)>,
    /// Events of procedures do not tell the SET options.
    pub by_procedure: bool,
    /// Of a module WITH ENCRYPTION: its text is told to nobody.
    pub encrypted: bool,
    /// Of the server and not of what is in a database.
    pub of_server: bool,
}

impl Event {
    /// Of a thing with a schema, a name and a type, maybe below another.
    pub fn of(name: &str, schema: Option<&str>, object: &str, kind: &str) -> Self {
        let mut details = Vec::new();
        if let Some(s) = schema {
            details.push(("SchemaName", escaped(s)));
        }
        details.push(("ObjectName", escaped(object)));
        details.push(("ObjectType", kind.to_owned()));
        Event { name: name.to_owned(), details, ..Event::default() }
    }

    #[must_use]
    pub fn below(mut self, target: &str, kind: &str) -> Self {
        self.details.push(("TargetObjectName", escaped(target)));
        self.details.push(("TargetObjectType", kind.to_owned()));
        self
    }

    #[must_use]
    pub fn with(mut self, element: &'static str, text: &str) -> Self {
        self.details.push((element, escaped(text)));
        self
    }
}

/// Text as XML has it.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#x0D;"),
            // Characters that XML cannot hold.
            c if (c as u32) < 0x20 && !matches!(c, '\t' | '\n') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

/// What EVENTDATA() calls a kind of object.
pub fn kind_name(kind: &str) -> &'static str {
    match kind {
        "U" => "TABLE",
        "V" => "VIEW",
        "P" | "PC" => "PROCEDURE",
        "FN" | "IF" | "TF" | "FS" | "FT" => "FUNCTION",
        "TR" | "TA" => "TRIGGER",
        "SN" => "SYNONYM",
        "SO" => "SEQUENCE",
        "D" => "DEFAULT",
        "R" => "RULE",
        "PK" => "PRIMARY KEY",
        "UQ" => "UNIQUE",
        "F" => "FOREIGN KEY",
        "C" => "CHECK",
        _ => "OBJECT",
    }
}

impl Definition<'_, '_> {
    /// Schema and name of an object that is there or will be.
    fn place_of(&self, name: &ObjectName) -> SqlResult<(String, String)> {
        let found = match self.find(name)? {
            Some((id, _)) => self.catalog()?.object_row(id).map(|o| (o.schema_id, o.name.to_string())),
            None => None,
        };
        Ok(match found {
            Some((schema, name)) => (self.catalog()?.schema_name(schema).to_string(), name),
            None => {
                let own = || self.runner.session.default_schema().to_string();
                let schema = name.schema.as_ref().map_or_else(own, |s| s.text.clone());
                (schema, name.name.text.clone())
            }
        })
    }

    pub fn object_event(&self, verb: &str, kind: &str, name: &ObjectName) -> SqlResult<Event> {
        let (schema, object) = self.place_of(name)?;
        Ok(Event::of(&format!("{verb}_{kind}"), Some(&schema), &object, kind))
    }

    fn module_event(
        &self,
        action: ModuleAction,
        kind: &str,
        name: &ObjectName,
        options: &ModuleOptions,
    ) -> SqlResult<Event> {
        let verb = match action {
            ModuleAction::Create => "CREATE",
            ModuleAction::Alter => "ALTER",
            ModuleAction::CreateOrAlter if self.find(name)?.is_some() => "ALTER",
            ModuleAction::CreateOrAlter => "CREATE",
        };
        Ok(Event { encrypted: options.encryption, ..self.object_event(verb, kind, name)? })
    }

    /// Of an index or statistics of a table.
    fn index_event(&self, event: &str, kind: &str, name: &str, table: &ObjectName) -> SqlResult<Event> {
        let (schema, object) = self.place_of(table)?;
        let view = self.find(table)?.is_some_and(|f| f.1 == "V");
        let target = if view { "VIEW" } else { "TABLE" };
        Ok(Event::of(event, Some(&schema), name, kind).below(&object, target))
    }

    /// Adds what a part of the statement will do.
    pub fn note_events(&mut self, d: &Ddl) -> Result<(), Fail> {
        if self.watched {
            let more = self.events_of(d)?;
            self.events.extend(more);
        }
        Ok(())
    }

    /// What the statement will do (invariant 1).
    pub fn events_of(&self, d: &Ddl) -> Result<Vec<Event>, Fail> {
        let one = |e: SqlResult<Event>| -> Result<Vec<Event>, Fail> { Ok(vec![e?]) };
        match d {
            Ddl::CreateTable(t) => one(self.object_event("CREATE", "TABLE", &t.name)),
            Ddl::AlterTable(t) => one(self.object_event("ALTER", "TABLE", &t.name)),
            Ddl::CreateIndex(i) => {
                let event = match i.kind {
                    IndexKind::Xml | IndexKind::PrimaryXml => "CREATE_XML_INDEX",
                    IndexKind::Spatial => "CREATE_SPATIAL_INDEX",
                    _ => "CREATE_INDEX",
                };
                one(self.index_event(event, "INDEX", &i.name.text, &i.table))
            }
            Ddl::AlterIndex(i) => {
                let name = i.name.as_ref().map_or("ALL", |n| n.text.as_str());
                one(self.index_event("ALTER_INDEX", "INDEX", name, &i.table))
            }
            Ddl::CreateStatistics(s) => {
                one(self.index_event("CREATE_STATISTICS", "STATISTICS", &s.name.text, &s.table))
            }
            Ddl::UpdateStatistics { table, names, .. } => {
                let name = names.first().map_or("", |n| n.text.as_str());
                one(self.index_event("UPDATE_STATISTICS", "STATISTICS", name, table))
            }
            Ddl::CreateView(v) => one(self.module_event(v.action, "VIEW", &v.name, &v.options)),
            Ddl::CreateProcedure(p) => one(self.module_event(p.action, "PROCEDURE", &p.name, &p.options)),
            Ddl::CreateFunction(f) => one(self.module_event(f.action, "FUNCTION", &f.name, &f.options)),
            Ddl::CreateTrigger(t) => self.trigger_event(t.action, &t.name, &t.on, &t.options),
            // Switching a trigger on or off makes no event.
            Ddl::EnableTrigger { .. } => Ok(Vec::new()),
            Ddl::CreateSchema(s) => {
                let owner = s.owner.as_ref().map(|o| o.text.clone());
                let name = s.name.as_ref().map(|n| n.text.clone()).or_else(|| owner.clone());
                let name = name.unwrap_or_default();
                let event = Event::of("CREATE_SCHEMA", Some(&name), &name, "SCHEMA");
                Ok(vec![event.with("OwnerName", owner.as_deref().unwrap_or("dbo"))])
            }
            Ddl::CreateType(t) => one(self.object_event("CREATE", "TYPE", &t.name)),
            Ddl::XmlSchemaCollection { alter, name, .. } => {
                let verb = if *alter { "ALTER" } else { "CREATE" };
                let (schema, text) = self.place_of(name)?;
                let event = format!("{verb}_XML_SCHEMA_COLLECTION");
                Ok(vec![Event::of(&event, Some(&schema), &text, "XML SCHEMA COLLECTION")])
            }
            Ddl::CreateSequence(s) => one(self.object_event("CREATE", "SEQUENCE", &s.name)),
            Ddl::AlterSequence(s) => one(self.object_event("ALTER", "SEQUENCE", &s.name)),
            Ddl::CreateSynonym { name, target } => {
                let event = self.object_event("CREATE", "SYNONYM", name)?;
                let part = |p: Option<&holdfast_tsql::ast::Ident>| p.map_or("", |i| &i.text).to_owned();
                Ok(vec![
                    event
                        .with("TargetServerName", &part(target.server.as_ref()))
                        .with("TargetDatabaseName", &part(target.database.as_ref()))
                        .with("TargetSchemaName", &part(target.schema.as_ref()))
                        .with("TargetObjectName", &target.name.text),
                ])
            }
            Ddl::Principal(p) => Ok(principal_event(p).into_iter().collect()),
            Ddl::AlterAuthorization { class, name, owner } => {
                let kind = class.as_deref().unwrap_or("OBJECT").to_uppercase();
                let schema = if kind == "OBJECT" { Some(self.place_of(name)?.0) } else { None };
                let event =
                    Event::of("ALTER_AUTHORIZATION_DATABASE", schema.as_deref(), &name.name.text, &kind);
                Ok(vec![event.with("OwnerName", &owner.text).with("OwnerType", "SQL USER")])
            }
            Ddl::AlterSchema { schema, object, .. } => {
                let (from, name) = self.place_of(object)?;
                let kind = self.find(object)?.map_or("OBJECT", |f| kind_name(&f.1));
                let event = Event::of("ALTER_SCHEMA", Some(&from), &name, kind);
                Ok(vec![event.with("TargetSchemaName", &schema.text)])
            }
            Ddl::CreatePartitionFunction { name, .. } => {
                Ok(vec![Event::of("CREATE_PARTITION_FUNCTION", None, &name.text, "PARTITION FUNCTION")])
            }
            Ddl::AlterPartitionFunction { name, .. } => {
                Ok(vec![Event::of("ALTER_PARTITION_FUNCTION", None, &name.text, "PARTITION FUNCTION")])
            }
            Ddl::CreatePartitionScheme { name, .. } => {
                Ok(vec![Event::of("CREATE_PARTITION_SCHEME", None, &name.text, "PARTITION SCHEME")])
            }
            Ddl::AlterPartitionScheme { name, .. } => {
                Ok(vec![Event::of("ALTER_PARTITION_SCHEME", None, &name.text, "PARTITION SCHEME")])
            }
            Ddl::Drop(drop) => self.drop_events(drop),
            _ => Ok(Vec::new()),
        }
    }

    fn trigger_event(
        &self,
        action: ModuleAction,
        name: &ObjectName,
        on: &TriggerTarget,
        options: &ModuleOptions,
    ) -> Result<Vec<Event>, Fail> {
        let TriggerTarget::Object(table) = on else {
            let there = self.database_trigger(&name.name.text, on)?.is_some();
            let alter = action == ModuleAction::Alter || action == ModuleAction::CreateOrAlter && there;
            let event = if alter { "ALTER_TRIGGER" } else { "CREATE_TRIGGER" };
            let event = self.database_trigger_event(event, &name.name.text, on);
            return Ok(vec![Event { encrypted: options.encryption, ..event }]);
        };
        let mut name = name.clone();
        if name.schema.is_none() {
            name.schema.clone_from(&table.schema);
        }
        let (_, target) = self.place_of(table)?;
        let view = self.find(table)?.is_some_and(|f| f.1 == "V");
        let event = self.module_event(action, "TRIGGER", &name, options)?;
        Ok(vec![event.below(&target, if view { "VIEW" } else { "TABLE" })])
    }

    fn database_trigger_event(&self, event: &str, name: &str, on: &TriggerTarget) -> Event {
        let event = Event::of(event, None, name, "TRIGGER");
        match on {
            TriggerTarget::AllServer => {
                let server = SessionInfo::server_name(&*self.runner.session);
                Event { of_server: true, ..event.below(&server, "SERVER") }
            }
            _ => event.below(&self.database.name, "DATABASE"),
        }
    }

    fn drop_events(&self, d: &Drop) -> Result<Vec<Event>, Fail> {
        let mut out = Vec::new();
        let kind = if d.kind == "PROC" { "PROCEDURE" } else { d.kind.as_str() };
        for (i, name) in d.names.iter().enumerate() {
            let event = format!("DROP_{}", kind.replace(' ', "_"));
            match kind {
                "TRIGGER" if d.trigger_on.is_some() => {
                    let Some(on) = &d.trigger_on else { continue };
                    if self.database_trigger(&name.name.text, on)?.is_some() {
                        out.push(self.database_trigger_event(&event, &name.name.text, on));
                    }
                }
                "INDEX" | "STATISTICS" => {
                    let old = name.schema.clone().map(|table| {
                        let mut t = ObjectName::one(table);
                        t.schema.clone_from(&name.database);
                        t
                    });
                    let table = d.on.get(i).cloned().flatten().or(old);
                    let Some(table) = table else { continue };
                    let found = match self.find(&table)? {
                        Some((id, _)) => self.index_named(id, &name.name.text)?,
                        None => None,
                    };
                    if found.is_some() {
                        out.push(self.index_event(&event, kind, &name.name.text, &table)?);
                    }
                }
                "SCHEMA" => {
                    if self.catalog()?.schema_number(&name.name.text).is_some() {
                        let event = Event::of(&event, Some(&name.name.text), &name.name.text, kind);
                        out.push(event);
                    }
                }
                "USER" | "ROLE" | "APPLICATION ROLE" => {
                    if self.database.principal_id(&name.name.text)?.is_some() {
                        let shown = if kind == "USER" { "SQL USER" } else { kind };
                        out.push(Event::of(&event, None, &name.name.text, shown));
                    }
                }
                "XML SCHEMA COLLECTION" => {
                    let (schema, text) = self.place_of(name)?;
                    let there = self.catalog()?.xml_collection_named(&schema, &text);
                    if there.map_err(|e| holdfast_engine::page_error(&e))?.is_some() {
                        out.push(Event::of(&event, Some(&schema), &text, kind));
                    }
                }
                "TYPE" => {
                    let schema = name.schema.as_ref().map(|s| s.text.as_str());
                    if self.catalog()?.type_named(schema, &name.name.text).is_some() {
                        out.push(self.object_event("DROP", kind, name)?);
                    }
                }
                _ => {
                    let Some((id, _)) = self.find(name)? else { continue };
                    let mut dropped = self.object_event("DROP", kind, name)?;
                    let parent = self.catalog()?.object_row(id).map_or(0, |o| o.parent_id);
                    if kind == "TRIGGER"
                        && let Some(parent) = self.catalog()?.object_row(parent)
                    {
                        dropped = dropped.below(&parent.name, kind_name(&parent.kind));
                    }
                    out.push(dropped);
                }
            }
        }
        Ok(out)
    }
}

fn principal_event(p: &PrincipalStatement) -> Option<Event> {
    let member = |words: &str| p.clauses.iter().find(|c| c.0 == words).and_then(|c| c.1.as_ref());
    for (words, event) in [("ADD MEMBER", "ADD_ROLE_MEMBER"), ("DROP MEMBER", "DROP_ROLE_MEMBER")] {
        if let Some(m) = member(words).filter(|_| p.kind == "ROLE") {
            let event = Event::of(event, None, &m.text, "SQL USER");
            return Some(event.with("RoleName", &p.name.text));
        }
    }
    let kind = p.kind.replace(' ', "_");
    let shown = if p.kind == "USER" { "SQL USER" } else { p.kind };
    Some(Event::of(&format!("{}_{kind}", p.action), None, &p.name.text, shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_what_they_name() {
        assert!(is_in(21, 10018) && is_in(21, 10017) && is_in(21, DATABASE_LEVEL) && is_in(21, 10001));
        assert!(!is_in(144, DATABASE_LEVEL) && is_in(144, 10002));
        assert_eq!(
            spread(&["DDL_VIEW_EVENTS".into()], false),
            [(41, Some(10019)), (42, Some(10019)), (43, Some(10019))]
        );
        assert_eq!(spread(&["DROP_TABLE".into(), "CREATE_TABLE".into()], false), [(21, None), (23, None)]);
        for e in EVENTS {
            assert!(e.2 == 0 || EVENTS.iter().any(|g| g.0 == e.2), "{} has no group", e.1);
        }
    }
}
