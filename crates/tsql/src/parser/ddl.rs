//! The dispatcher of CREATE, ALTER and DROP, and the definitions that are neither tables, indexes nor modules.

use super::{Parsed, Parser};
use crate::Span;
use crate::ast::{
    AlterDatabase, AlterDatabaseAction, AttachKind, CreateDatabase, CreateSchema, CreateType, CreateTypeKind,
    Ddl, Drop, FileDefinition, FileSetting, FilegroupDefinition, Ident, ModuleAction, ObjectName,
    PrincipalStatement, Sequence, Statement, StatementKind,
};
use crate::lexer::TokenKind;

fn ddl(d: Ddl) -> StatementKind {
    StatementKind::Ddl(Box::new(d))
}

/// Kinds of DROP whose operand is a list of names, longest first.
const DROPS: &[&[&str]] = &[
    &["XML", "SCHEMA", "COLLECTION"],
    &["PARTITION", "FUNCTION"],
    &["PARTITION", "SCHEME"],
    &["APPLICATION", "ROLE"],
    &["SERVER", "ROLE"],
    &["AVAILABILITY", "GROUP"],
    &["SECURITY", "POLICY"],
    &["FULLTEXT", "CATALOG"],
    &["MESSAGE", "TYPE"],
    &["EXTERNAL", "TABLE"],
    &["TABLE"],
    &["VIEW"],
    &["PROCEDURE"],
    &["PROC"],
    &["FUNCTION"],
    &["TRIGGER"],
    &["STATISTICS"],
    &["DATABASE"],
    &["SCHEMA"],
    &["TYPE"],
    &["SYNONYM"],
    &["SEQUENCE"],
    &["LOGIN"],
    &["USER"],
    &["ROLE"],
    &["RULE"],
    &["DEFAULT"],
    &["ASSEMBLY"],
    &["AGGREGATE"],
    &["CERTIFICATE"],
    &["CREDENTIAL"],
    &["ENDPOINT"],
    &["QUEUE"],
    &["SERVICE"],
    &["CONTRACT"],
    &["ROUTE"],
];

impl Parser<'_> {
    /// From CREATE, ALTER or DROP on.
    pub(crate) fn ddl(&mut self, first: bool) -> Parsed<StatementKind> {
        let start = self.span();
        if self.eat_word("CREATE") {
            return self.create(first, start);
        }
        if self.eat_word("ALTER") {
            return self.alter(first, start);
        }
        self.advance();
        self.drop_statement()
    }

    fn create(&mut self, first: bool, start: Span) -> Parsed<StatementKind> {
        let mut action = ModuleAction::Create;
        if self.eat_words(&["OR", "ALTER"]) {
            action = ModuleAction::CreateOrAlter;
        }
        let word = self.word().to_ascii_uppercase();
        let only_create = action == ModuleAction::Create;
        match word.as_str() {
            "VIEW" | "PROC" | "PROCEDURE" | "FUNCTION" | "TRIGGER" => {
                self.module(&word, action, first, start)
            }
            _ if !only_create => Err(self.unexpected()),
            "TABLE" => {
                self.advance();
                self.create_table(false)
            }
            _ if self.at_index() => self.create_index(),
            "STATISTICS" => {
                self.advance();
                self.create_statistics()
            }
            "SCHEMA" => {
                self.must_be_first(first, start, "CREATE SCHEMA")?;
                self.advance();
                self.create_schema()
            }
            "TYPE" => {
                self.advance();
                self.create_type()
            }
            "SEQUENCE" => {
                self.advance();
                let sequence = self.sequence()?;
                Ok(ddl(Ddl::CreateSequence(Box::new(sequence))))
            }
            "SYNONYM" => {
                self.advance();
                let name = self.object_name()?;
                self.expect_word("FOR")?;
                let target = self.object_name()?;
                Ok(ddl(Ddl::CreateSynonym { name, target }))
            }
            "DATABASE" if self.is_one_of_at(1, &["AUDIT", "ENCRYPTION", "SCOPED"]) => {
                self.unsupported_after(1, 3)
            }
            "DATABASE" => {
                self.advance();
                self.create_database()
            }
            "LOGIN" | "USER" | "ROLE" => self.principal("CREATE"),
            "SERVER" | "APPLICATION" if self.is_word_at(1, "ROLE") => self.principal("CREATE"),
            "XML" if self.is_word_at(1, "SCHEMA") => self.xml_schema_collection(false),
            "PARTITION" if self.is_word_at(1, "FUNCTION") => self.partition_function(),
            "PARTITION" if self.is_word_at(1, "SCHEME") => self.partition_scheme(),
            "RULE" | "DEFAULT" => {
                self.must_be_first(first, start, &format!("CREATE {word}"))?;
                self.advance();
                self.rule_or_default(&word)
            }
            "" => Err(self.unexpected()),
            _ => self.unsupported_create("CREATE"),
        }
    }

    /// What stands behind CREATE RULE and CREATE DEFAULT.
    fn rule_or_default(&mut self, word: &str) -> Parsed<StatementKind> {
        let name = self.object_name()?;
        self.expect_word("AS")?;
        if word == "DEFAULT" {
            return Ok(ddl(Ddl::CreateDefault { name, value: self.expr()? }));
        }
        // The variable is declared nowhere.
        let known = self.uses.len();
        let condition = self.condition()?;
        let variable = self.uses.split_off(known).into_iter().map(|u| u.span).collect();
        Ok(ddl(Ddl::CreateRule { name, condition, variable }))
    }

    fn module(
        &mut self,
        word: &str,
        action: ModuleAction,
        first: bool,
        start: Span,
    ) -> Parsed<StatementKind> {
        let what = match word {
            "VIEW" => "CREATE VIEW",
            "FUNCTION" => "CREATE FUNCTION",
            "TRIGGER" => "CREATE TRIGGER",
            _ => "CREATE/ALTER PROCEDURE",
        };
        let shown =
            if action == ModuleAction::Alter { what.replace("CREATE ", "ALTER ") } else { what.to_owned() };
        self.must_be_first(first, start, &shown)?;
        self.advance();
        match word {
            "VIEW" => self.create_view(action),
            "FUNCTION" => self.create_function(action),
            "TRIGGER" => self.create_trigger(action),
            _ => self.create_procedure(action),
        }
    }

    fn alter(&mut self, first: bool, start: Span) -> Parsed<StatementKind> {
        let word = self.word().to_ascii_uppercase();
        match word.as_str() {
            "VIEW" | "PROC" | "PROCEDURE" | "FUNCTION" | "TRIGGER" => {
                self.module(&word, ModuleAction::Alter, first, start)
            }
            "TABLE" => {
                self.advance();
                self.alter_table()
            }
            "INDEX" => {
                self.advance();
                self.alter_index()
            }
            "DATABASE" if self.is_word_at(1, "SCOPED") && self.is_word_at(2, "CONFIGURATION") => {
                self.advance();
                self.scoped_configuration()
            }
            "DATABASE" if self.is_one_of_at(1, &["AUDIT", "ENCRYPTION", "SCOPED"]) => {
                self.unsupported_after(1, 3)
            }
            "DATABASE" => {
                self.advance();
                self.alter_database()
            }
            "SEQUENCE" => {
                self.advance();
                let sequence = self.sequence()?;
                Ok(ddl(Ddl::AlterSequence(Box::new(sequence))))
            }
            "LOGIN" | "USER" | "ROLE" => self.principal("ALTER"),
            "SERVER" | "APPLICATION" if self.is_word_at(1, "ROLE") => self.principal("ALTER"),
            "AUTHORIZATION" => {
                self.advance();
                self.expect_word("ON")?;
                let (class, name) = self.classed_name()?;
                self.expect_word("TO")?;
                let owner = if self.eat_words(&["SCHEMA", "OWNER"]) {
                    Ident::new("SCHEMA OWNER")
                } else {
                    self.ident_or_default()?
                };
                Ok(ddl(Ddl::AlterAuthorization { class, name, owner }))
            }
            "XML" if self.is_word_at(1, "SCHEMA") => self.xml_schema_collection(true),
            "PARTITION" if self.is_word_at(1, "FUNCTION") => self.alter_partition_function(),
            "PARTITION" if self.is_word_at(1, "SCHEME") => self.alter_partition_scheme(),
            "SCHEMA" => {
                self.advance();
                let schema = self.ident()?;
                self.expect_word("TRANSFER")?;
                let (class, object) = self.classed_name()?;
                Ok(ddl(Ddl::AlterSchema { schema, class, object }))
            }
            "" => Err(self.unexpected()),
            _ => self.unsupported_create("ALTER"),
        }
    }

    /// `[class::]name`
    pub(crate) fn classed_name(&mut self) -> Parsed<(Option<String>, ObjectName)> {
        let mut words = 0;
        while matches!(self.token_at(words).kind, TokenKind::Word(_)) && words < 4 {
            words += 1;
        }
        if words > 0 && self.is_symbol_at(words, ':') && self.is_symbol_at(words + 1, ':') {
            let mut class = Vec::new();
            for _ in 0..words {
                class.push(self.upper_word()?);
            }
            self.advance();
            self.advance();
            return Ok((Some(class.join(" ")), self.object_name()?));
        }
        Ok((None, self.object_name()?))
    }

    fn create_schema(&mut self) -> Parsed<StatementKind> {
        let name = if self.is_word("AUTHORIZATION") { None } else { Some(self.ident()?) };
        let owner = if self.eat_word("AUTHORIZATION") { Some(self.ident()?) } else { None };
        let mut elements = Vec::new();
        while self.is_one_of(&["GRANT", "DENY", "REVOKE"])
            || (self.is_word("CREATE") && self.is_one_of_at(1, &["TABLE", "VIEW"]))
        {
            let start = self.span();
            if self.eat_words(&["CREATE", "VIEW"]) {
                let kind = self.view_definition(ModuleAction::Create)?;
                elements.push(Statement { kind, span: self.since(start) });
            } else {
                elements.push(self.statement(true)?);
            }
        }
        Ok(ddl(Ddl::CreateSchema(Box::new(CreateSchema { name, owner, elements }))))
    }

    fn create_type(&mut self) -> Parsed<StatementKind> {
        let name = self.object_name()?;
        let kind = if self.eat_word("FROM") {
            let base = self.data_type()?;
            let nullable = if self.eat_words(&["NOT", "NULL"]) {
                Some(false)
            } else if self.eat_word("NULL") {
                Some(true)
            } else {
                None
            };
            CreateTypeKind::Alias { base, nullable }
        } else if self.eat_words(&["AS", "TABLE"]) {
            let definition = self.table_definition()?;
            CreateTypeKind::Table { definition, options: self.with_settings()? }
        } else {
            self.expect_words(&["EXTERNAL", "NAME"])?;
            CreateTypeKind::External(self.name_parts(3)?)
        };
        Ok(ddl(Ddl::CreateType(Box::new(CreateType { name, kind }))))
    }

    fn sequence(&mut self) -> Parsed<Sequence> {
        let name = self.object_name()?;
        let mut s = Sequence {
            name,
            data_type: None,
            start: None,
            restart: false,
            increment: None,
            min: None,
            max: None,
            cycle: None,
            cache: None,
        };
        loop {
            if self.eat_word("AS") {
                s.data_type = Some(self.data_type()?);
            } else if self.eat_words(&["START", "WITH"]) {
                s.start = Some(self.expr()?);
            } else if self.eat_word("RESTART") {
                s.restart = true;
                if self.eat_word("WITH") {
                    s.start = Some(self.expr()?);
                }
            } else if self.eat_words(&["INCREMENT", "BY"]) {
                s.increment = Some(self.expr()?);
            } else if self.eat_word("MINVALUE") {
                s.min = Some(Some(self.expr()?));
            } else if self.eat_word("MAXVALUE") {
                s.max = Some(Some(self.expr()?));
            } else if self.eat_words(&["NO", "MINVALUE"]) {
                s.min = Some(None);
            } else if self.eat_words(&["NO", "MAXVALUE"]) {
                s.max = Some(None);
            } else if self.eat_words(&["NO", "CYCLE"]) {
                s.cycle = Some(false);
            } else if self.eat_words(&["NO", "CACHE"]) {
                s.cache = Some(None);
            } else if self.eat_word("CYCLE") {
                s.cycle = Some(true);
            } else if self.eat_word("CACHE") {
                let size = self.token().kind == TokenKind::Integer;
                s.cache = Some(Some(if size { Some(self.expr()?) } else { None }));
            } else {
                return Ok(s);
            }
        }
    }

    fn xml_schema_collection(&mut self, alter: bool) -> Parsed<StatementKind> {
        self.expect_words(&["XML", "SCHEMA", "COLLECTION"])?;
        let name = self.object_name()?;
        self.expect_word(if alter { "ADD" } else { "AS" })?;
        if alter {
            self.eat_words(&["SCHEMA", "COMPONENT"]);
        }
        let source = self.expr()?;
        Ok(ddl(Ddl::XmlSchemaCollection { alter, name, source }))
    }

    fn partition_function(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let name = self.ident()?;
        self.expect_symbol('(')?;
        let data_type = self.data_type()?;
        let collation = if self.eat_word("COLLATE") { Some(self.ident()?) } else { None };
        self.expect_symbol(')')?;
        self.expect_words(&["AS", "RANGE"])?;
        let right = self.eat_one_of(&["LEFT", "RIGHT"]) == Some("RIGHT");
        self.expect_words(&["FOR", "VALUES"])?;
        self.expect_symbol('(')?;
        let values = self.arguments_until_close()?;
        Ok(ddl(Ddl::CreatePartitionFunction { name, data_type, collation, right, values }))
    }

    fn alter_partition_function(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let name = self.ident()?;
        self.expect_symbol('(')?;
        self.expect_symbol(')')?;
        let split = self.eat_word("SPLIT");
        if !split {
            self.expect_word("MERGE")?;
        }
        self.expect_word("RANGE")?;
        let mut value = None;
        if self.eat_symbol('(') {
            value = Some(self.expr()?);
            self.expect_symbol(')')?;
        }
        Ok(ddl(Ddl::AlterPartitionFunction { name, split, value }))
    }

    fn alter_partition_scheme(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let name = self.ident()?;
        self.expect_words(&["NEXT", "USED"])?;
        let named = self.is_ident() || self.is_one_of(&["DEFAULT", "PRIMARY"]);
        let next_used = if named { Some(self.ident_or_default()?) } else { None };
        Ok(ddl(Ddl::AlterPartitionScheme { name, next_used }))
    }

    fn partition_scheme(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let name = self.ident()?;
        self.expect_words(&["AS", "PARTITION"])?;
        let function = self.ident()?;
        let all = self.eat_word("ALL");
        self.expect_word("TO")?;
        let filegroups = self.paren_list(Self::ident_or_default)?;
        Ok(ddl(Ddl::CreatePartitionScheme { name, function, all, filegroups }))
    }

    // ---- databases ----

    fn create_database(&mut self) -> Parsed<StatementKind> {
        let name = self.ident()?;
        let mut d = CreateDatabase {
            name,
            containment: None,
            primary: false,
            files: Vec::new(),
            filegroups: Vec::new(),
            log: Vec::new(),
            collation: None,
            options: Vec::new(),
            attach: None,
            snapshot_of: None,
        };
        if self.eat_word("CONTAINMENT") {
            self.expect_symbol('=')?;
            d.containment = Some(self.upper_word()?);
        }
        if self.eat_word("ON") {
            d.primary = self.eat_word("PRIMARY");
            while self.is_symbol('(') {
                d.files.push(self.file_definition()?);
                if !self.eat_symbol(',') {
                    break;
                }
            }
            while self.is_word("FILEGROUP") {
                d.filegroups.push(self.filegroup()?);
                self.eat_symbol(',');
            }
        }
        if self.eat_words(&["LOG", "ON"]) {
            d.log = self.list(Self::file_definition)?;
        }
        if self.eat_word("COLLATE") {
            d.collation = Some(self.ident()?);
        }
        if self.eat_words(&["AS", "SNAPSHOT", "OF"]) {
            d.snapshot_of = Some(self.ident()?);
        }
        if self.is_word("FOR") && self.is_word_at(1, "ATTACH_REBUILD_LOG") {
            self.advance();
            self.advance();
            d.attach = Some(AttachKind::AttachRebuildLog);
        } else if self.eat_words(&["FOR", "ATTACH_FORCE_REBUILD_LOG"]) {
            d.attach = Some(AttachKind::AttachForceRebuildLog);
        } else if self.eat_words(&["FOR", "ATTACH"]) {
            d.attach = Some(AttachKind::Attach);
        }
        if self.eat_word("WITH") {
            d.options = self.list(Self::database_setting)?;
        }
        Ok(ddl(Ddl::CreateDatabase(Box::new(d))))
    }

    fn filegroup(&mut self) -> Parsed<FilegroupDefinition> {
        self.expect_word("FILEGROUP")?;
        let name = self.ident_or_default()?;
        let mut g = FilegroupDefinition { name, contains: None, default: false, files: Vec::new() };
        if self.eat_word("CONTAINS") {
            g.contains = Some(self.upper_word()?);
        }
        g.default = self.eat_word("DEFAULT");
        while self.is_symbol('(') {
            g.files.push(self.file_definition()?);
            if !(self.is_symbol(',') && self.is_symbol_at(1, '(')) {
                break;
            }
            self.advance();
        }
        Ok(g)
    }

    /// `(NAME = x, FILENAME = '…', SIZE = 8MB …)`
    fn file_definition(&mut self) -> Parsed<FileDefinition> {
        let settings = self.paren_list(|p| {
            let name = p.upper_word()?;
            let mut s = FileSetting { name, value: None, unit: None };
            if p.eat_symbol('=') {
                s.value = Some(match p.token().kind {
                    TokenKind::Word(_) | TokenKind::Quoted(_) => p.word_as_literal()?,
                    // A constant: `10 %` is a unit, no modulo.
                    _ => p.primary()?,
                });
                if p.eat_symbol('%') {
                    s.unit = Some("%".into());
                } else if let TokenKind::Word(_) = p.token().kind {
                    s.unit = Some(p.upper_word()?);
                }
            }
            Ok(s)
        })?;
        Ok(FileDefinition { settings })
    }

    /// A database option: `NAME value`, `NAME = value`, `NAME`, with nested lists.
    fn database_setting(&mut self) -> Parsed<crate::ast::Setting> {
        let mut s = crate::ast::Setting {
            name: self.upper_word()?,
            value: None,
            nested: Vec::new(),
            partitions: Vec::new(),
        };
        if self.eat_symbol('=') {
            if self.is_symbol('(') {
                s.nested = self.setting_list()?;
                return Ok(s);
            }
            s.value = Some(self.setting_value()?);
        } else if matches!(self.token().kind, TokenKind::Word(_))
            && !self.is_one_of(&["WITH", "GO"])
            && !self.at_statement_word()
        {
            s.value = Some(self.word_as_literal()?);
        } else if matches!(self.token().kind, TokenKind::Integer | TokenKind::String { .. }) {
            s.value = Some(self.setting_value()?);
        }
        if self.is_symbol('(') {
            s.nested = self.setting_list()?;
        }
        Ok(s)
    }

    fn setting_list(&mut self) -> Parsed<Vec<crate::ast::Setting>> {
        self.paren_list(|p| {
            let mut s = p.setting()?;
            while let TokenKind::Word(_) = p.token().kind {
                s.name.push(' ');
                s.name.push_str(&p.upper_word()?);
            }
            Ok(s)
        })
    }

    /// `SCOPED CONFIGURATION [FOR SECONDARY] SET name = value`, or `CLEAR PROCEDURE_CACHE`.
    fn scoped_configuration(&mut self) -> Parsed<StatementKind> {
        self.expect_word("SCOPED")?;
        self.expect_word("CONFIGURATION")?;
        let secondary = self.eat_words(&["FOR", "SECONDARY"]);
        let setting = if self.eat_word("CLEAR") {
            self.expect_word("PROCEDURE_CACHE")?;
            let name = "CLEAR PROCEDURE_CACHE".to_owned();
            crate::ast::Setting { name, value: None, nested: Vec::new(), partitions: Vec::new() }
        } else {
            self.expect_word("SET")?;
            self.setting()?
        };
        Ok(ddl(Ddl::ScopedConfiguration { secondary, setting }))
    }

    fn alter_database(&mut self) -> Parsed<StatementKind> {
        let name = if self.eat_word("CURRENT") { None } else { Some(self.ident()?) };
        let action = self.alter_database_action()?;
        Ok(ddl(Ddl::AlterDatabase(Box::new(AlterDatabase { name, action }))))
    }

    fn alter_database_action(&mut self) -> Parsed<AlterDatabaseAction> {
        if self.eat_word("SET") {
            let options = self.list(Self::database_setting)?;
            let mut termination = None;
            if self.is_word("WITH") && self.is_one_of_at(1, &["ROLLBACK", "NO_WAIT"]) {
                self.advance();
                if self.eat_word("NO_WAIT") {
                    termination = Some(("NO_WAIT".to_owned(), None));
                } else {
                    self.expect_word("ROLLBACK")?;
                    if self.eat_word("IMMEDIATE") {
                        termination = Some(("ROLLBACK IMMEDIATE".to_owned(), None));
                    } else {
                        self.expect_word("AFTER")?;
                        let n = self.integer()?;
                        self.eat_one_of(&["SECONDS", "SECOND"]);
                        termination = Some(("ROLLBACK AFTER".to_owned(), Some(n)));
                    }
                }
            }
            return Ok(AlterDatabaseAction::Set { options, termination });
        }
        if self.eat_words(&["MODIFY", "NAME"]) {
            self.expect_symbol('=')?;
            return Ok(AlterDatabaseAction::ModifyName(self.ident()?));
        }
        if self.eat_words(&["MODIFY", "FILEGROUP"]) {
            let name = self.ident_or_default()?;
            return Ok(AlterDatabaseAction::ModifyFilegroup { name, action: self.rest_of_statement() });
        }
        if self.eat_words(&["MODIFY", "FILE"]) {
            return Ok(AlterDatabaseAction::ModifyFile(self.file_definition()?));
        }
        if self.eat_word("COLLATE") {
            return Ok(AlterDatabaseAction::Collate(self.ident()?));
        }
        if self.eat_words(&["REMOVE", "FILEGROUP"]) {
            return Ok(AlterDatabaseAction::RemoveFilegroup(self.ident_or_default()?));
        }
        if self.eat_words(&["REMOVE", "FILE"]) {
            return Ok(AlterDatabaseAction::RemoveFile(self.ident_or_string()?));
        }
        if self.is_words(&["ADD", "FILEGROUP"]) {
            self.advance();
            return Ok(AlterDatabaseAction::AddFilegroup(self.filegroup()?));
        }
        let log = self.is_words(&["ADD", "LOG", "FILE"]);
        if log || self.is_words(&["ADD", "FILE"]) {
            (0..if log { 3 } else { 2 }).for_each(|_| self.advance());
            let files = self.list(Self::file_definition)?;
            let filegroup =
                if self.eat_words(&["TO", "FILEGROUP"]) { Some(self.ident_or_default()?) } else { None };
            return Ok(AlterDatabaseAction::AddFile { files, log, filegroup });
        }
        if self.is_ident() || self.is_one_of(&["CONTAINMENT", "PERFORM", "ADD", "MODIFY"]) {
            return Ok(AlterDatabaseAction::Other(self.rest_of_statement()));
        }
        Err(self.unexpected())
    }

    // ---- principals ----

    fn principal(&mut self, action: &'static str) -> Parsed<StatementKind> {
        let kind = match self.upper_word()?.as_str() {
            "LOGIN" => "LOGIN",
            "USER" => "USER",
            "SERVER" => {
                self.advance();
                "SERVER ROLE"
            }
            "APPLICATION" => {
                self.advance();
                "APPLICATION ROLE"
            }
            _ => "ROLE",
        };
        let name = self.any_word()?;
        let mut p = PrincipalStatement { action, kind, name, clauses: Vec::new(), options: Vec::new() };
        loop {
            if self.is_word("WITH") {
                self.advance();
                if self.is_words(&["DEFAULT_SCHEMA"]) || !self.is_symbol('(') {
                    p.options.extend(self.list(Self::principal_setting)?);
                } else {
                    p.options.extend(self.paren_list(Self::setting)?);
                }
                continue;
            }
            let clause = if self.is_one_of(&["FOR", "FROM"]) {
                self.advance();
                let mut words = vec!["FOR".to_owned(), self.upper_word()?];
                if words[1] == "ASYMMETRIC" {
                    words.push(self.upper_word()?);
                }
                words.join(" ")
            } else if self.eat_words(&["WITHOUT", "LOGIN"]) {
                "WITHOUT LOGIN".to_owned()
            } else if self.eat_word("AUTHORIZATION") {
                "AUTHORIZATION".to_owned()
            } else if self.eat_words(&["ADD", "MEMBER"]) {
                "ADD MEMBER".to_owned()
            } else if self.eat_words(&["DROP", "MEMBER"]) {
                "DROP MEMBER".to_owned()
            } else if self.is_one_of(&["ADD", "DROP"]) && self.is_word_at(1, "CREDENTIAL") {
                format!("{} {}", self.upper_word()?, self.upper_word()?)
            } else if kind == "LOGIN" && self.is_one_of(&["ENABLE", "DISABLE"]) {
                self.upper_word()?
            } else {
                break;
            };
            let takes_name = !matches!(
                clause.as_str(),
                "WITHOUT LOGIN" | "ENABLE" | "DISABLE" | "FOR WINDOWS" | "FOR EXTERNAL"
            );
            if clause == "FOR EXTERNAL" {
                self.eat_word("PROVIDER");
            }
            let of = if takes_name { Some(self.any_word()?) } else { None };
            p.clauses.push((clause, of));
        }
        Ok(ddl(Ddl::Principal(Box::new(p))))
    }

    fn principal_setting(&mut self) -> Parsed<crate::ast::Setting> {
        if self.eat_words(&["NO", "CREDENTIAL"]) {
            return Ok(crate::ast::Setting {
                name: "NO CREDENTIAL".into(),
                value: None,
                nested: Vec::new(),
                partitions: Vec::new(),
            });
        }
        let mut setting = self.setting()?;
        // What a password may be followed by.
        while self.is_one_of(&["HASHED", "MUST_CHANGE", "UNLOCK", "OLD_PASSWORD"]) {
            let more = if self.is_word("OLD_PASSWORD") {
                self.setting()?
            } else {
                crate::ast::Setting {
                    name: self.upper_word()?,
                    value: None,
                    nested: Vec::new(),
                    partitions: Vec::new(),
                }
            };
            setting.nested.push(more);
        }
        Ok(setting)
    }

    // ---- DROP ----

    fn drop_statement(&mut self) -> Parsed<StatementKind> {
        if self.is_word("INDEX") {
            self.advance();
            return self.drop_index();
        }
        let database_part =
            self.is_word("DATABASE") && self.is_one_of_at(1, &["AUDIT", "ENCRYPTION", "SCOPED"]);
        let Some(kind) = DROPS.iter().find(|k| self.is_words(k)).filter(|_| !database_part) else {
            if self.word().is_empty() {
                return Err(self.unexpected());
            }
            return self.unsupported_create("DROP");
        };
        (0..kind.len()).for_each(|_| self.advance());
        let kind = if kind[0] == "PROC" { "PROCEDURE".to_owned() } else { kind.join(" ") };
        let if_exists = self.eat_words(&["IF", "EXISTS"]);
        let names = self.list(|p| {
            if matches!(p.token().kind, TokenKind::Word(true)) {
                return Err(p.unexpected());
            }
            p.object_name()
        })?;
        let mut drop = Drop {
            kind,
            if_exists,
            names,
            on: Vec::new(),
            trigger_on: None,
            moves_to: None,
            options: Vec::new(),
        };
        if drop.kind == "TRIGGER" && self.eat_word("ON") {
            drop.trigger_on = Some(self.trigger_target()?);
        }
        if drop.kind == "ASSEMBLY" {
            drop.options = self.with_settings()?;
        }
        Ok(ddl(Ddl::Drop(Box::new(drop))))
    }

    fn drop_index(&mut self) -> Parsed<StatementKind> {
        let if_exists = self.eat_words(&["IF", "EXISTS"]);
        let mut drop = Drop {
            kind: "INDEX".into(),
            if_exists,
            names: Vec::new(),
            on: Vec::new(),
            trigger_on: None,
            moves_to: None,
            options: Vec::new(),
        };
        loop {
            drop.names.push(self.object_name()?);
            drop.on.push(if self.eat_word("ON") { Some(self.object_name()?) } else { None });
            if self.is_word("WITH") && self.is_symbol_at(1, '(') {
                self.advance();
                self.advance();
                while !self.is_symbol(')') {
                    let moves = self.eat_words(&["MOVE", "TO"]);
                    if moves || self.eat_word("FILESTREAM_ON") {
                        let to = self.ident_or_default()?;
                        let spread = self.is_symbol('(');
                        if spread {
                            self.skip_parentheses()?;
                        }
                        if moves {
                            drop.moves_to = Some((to, spread));
                        }
                    } else {
                        let setting = self.setting()?;
                        drop.options.push(setting);
                    }
                    if !self.eat_symbol(',') {
                        break;
                    }
                }
                self.expect_symbol(')')?;
            }
            if !self.eat_symbol(',') {
                return Ok(ddl(Ddl::Drop(Box::new(drop))));
            }
        }
    }
}
