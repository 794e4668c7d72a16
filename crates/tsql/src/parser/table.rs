//! CREATE TABLE, ALTER TABLE, column and constraint definitions, and the `NAME = value` settings of many statements.

use super::{Parsed, Parser};
use crate::ast::{
    AlterTable, AlterTableAction, AlterTableDrop, ColumnConstraint, ColumnDefinition, Computed,
    ConstraintKind, CreateTable, Ddl, Expr, Ident, Identity, IndexColumn, InlineIndex, ReferentialAction,
    Setting, StatementKind, StoragePlace, TableConstraint, TableDefinition,
};
use crate::lexer::TokenKind;

const UNITS: &[&str] = &[
    "KB", "MB", "GB", "TB", "MINUTE", "MINUTES", "SECOND", "SECONDS", "HOUR", "HOURS", "DAY", "DAYS", "WEEK",
    "WEEKS", "MONTH", "MONTHS", "YEAR", "YEARS", "UNLOCK",
];

/// Options of indexes that may stand behind WITH without parentheses.
const OLD_INDEX_OPTIONS: &[&str] = &[
    "PAD_INDEX",
    "FILLFACTOR",
    "IGNORE_DUP_KEY",
    "STATISTICS_NORECOMPUTE",
    "DROP_EXISTING",
    "SORT_IN_TEMPDB",
];

impl Parser<'_> {
    // ---- settings ----

    /// `WITH (a = b, …)` or the old `WITH a = b, c`; nothing when there is no WITH.
    pub(crate) fn with_settings(&mut self) -> Parsed<Vec<Setting>> {
        if !self.is_word("WITH") {
            return Ok(Vec::new());
        }
        self.advance();
        if self.is_symbol('(') {
            return self.paren_list(Self::setting);
        }
        // The older form: words, of which FILLFACTOR has a value; what follows may be a column or ON a filegroup.
        let old = |s: &str| OLD_INDEX_OPTIONS.contains(&s.to_ascii_uppercase().as_str());
        let mut out = Vec::new();
        loop {
            let is_old = !self.is_string() && old(self.span().text(self.text));
            out.push(if is_old && !self.is_symbol_at(1, '=') {
                Setting { name: self.upper_word()?, value: None, nested: Vec::new(), partitions: Vec::new() }
            } else {
                self.setting()?
            });
            let goes_on = self.is_symbol(',') && (!is_old || self.is_one_of_at(1, OLD_INDEX_OPTIONS));
            if !goes_on {
                return Ok(out);
            }
            self.advance();
        }
    }

    pub(crate) fn setting(&mut self) -> Parsed<Setting> {
        self.nested(|p| {
            let name = if p.is_string() { p.string()? } else { p.upper_word()? };
            let mut setting = Setting { name, value: None, nested: Vec::new(), partitions: Vec::new() };
            if p.eat_symbol('=') {
                if p.is_symbol('(') {
                    setting.nested = p.nested_settings()?;
                    return Ok(setting);
                }
                setting.value = Some(p.setting_value()?);
                // The one option whose unit says something: 2 DAYS, 2 HOURS.
                let unit = p.last_span().text(p.text).to_ascii_uppercase();
                if setting.name == "CHANGE_RETENTION" && UNITS.contains(&unit.as_str()) {
                    setting.nested.push(Setting { name: unit, ..Setting::default() });
                }
            } else if p.is_one_of(&["ON", "OFF"]) && !p.is_word_at(1, "PARTITIONS") {
                setting.value = Some(p.word_as_literal()?);
            }
            if p.is_symbol('(') {
                setting.nested = p.nested_settings()?;
            }
            if p.is_words(&["ON", "PARTITIONS"]) {
                p.advance();
                p.advance();
                setting.partitions = p.paren_list(|p| {
                    let first = p.expr()?;
                    let last = if p.eat_word("TO") { Some(p.expr()?) } else { None };
                    Ok((first, last))
                })?;
            }
            Ok(setting)
        })
    }

    /// `(a = b, …)` or a list of values, each then a setting of its own.
    fn nested_settings(&mut self) -> Parsed<Vec<Setting>> {
        self.paren_list(|p| match p.token().kind {
            TokenKind::Word(_) => {
                let mut s = p.setting()?;
                // `DISABLE = x` and `A TO B` lists keep the first word only.
                while matches!(p.token().kind, TokenKind::Word(_) | TokenKind::Integer) {
                    s.name.push(' ');
                    s.name.push_str(p.span().text(p.text));
                    p.advance();
                }
                Ok(s)
            }
            _ => {
                let value = p.expr()?;
                if p.eat_word("TO") {
                    p.expr()?;
                }
                Ok(Setting {
                    name: String::new(),
                    value: Some(value),
                    nested: Vec::new(),
                    partitions: Vec::new(),
                })
            }
        })
    }

    /// A constant, a variable, or a (dotted) word as a string; units behind it are consumed.
    pub(crate) fn setting_value(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let value = match self.token().kind {
            TokenKind::Word(_) | TokenKind::Quoted(_) => {
                let mut text = self.any_word()?.text;
                while self.is_symbol('.') || (self.is_symbol(':') && self.is_symbol_at(1, ':')) {
                    if self.eat_symbol('.') {
                        text.push('.');
                    } else {
                        self.advance();
                        self.advance();
                        text.push_str("::");
                    }
                    text.push_str(&self.any_word()?.text);
                }
                Self::literal_of(text, self.since(start))
            }
            _ => self.expr()?,
        };
        while self.is_one_of(UNITS) || self.is_symbol('%') {
            self.advance();
        }
        Ok(value)
    }

    // ---- tables ----

    pub(crate) fn create_table(&mut self, external: bool) -> Parsed<StatementKind> {
        let name = self.object_name()?;
        let mut table = CreateTable {
            name,
            definition: TableDefinition::default(),
            kind: None,
            on: None,
            textimage_on: None,
            filestream_on: None,
            options: Vec::new(),
            external,
        };
        if self.is_word("AS") && self.is_one_of_at(1, &["FILETABLE", "NODE", "EDGE"]) {
            self.advance();
            table.kind = Some(self.upper_word()?);
        }
        if self.is_symbol('(') {
            table.definition = self.table_definition()?;
        } else if table.kind.is_none() {
            return Err(self.unexpected());
        }
        loop {
            if self.is_word("AS") && self.is_one_of_at(1, &["NODE", "EDGE"]) {
                self.advance();
                table.kind = Some(self.upper_word()?);
            } else if self.is_word("ON") {
                table.on = self.storage_place()?;
            } else if self.eat_word("TEXTIMAGE_ON") {
                table.textimage_on = Some(self.ident_or_default()?);
            } else if self.eat_word("FILESTREAM_ON") {
                table.filestream_on = Some(self.ident_or_default()?);
            } else if self.is_word("WITH") && self.is_symbol_at(1, '(') {
                table.options.extend(self.with_settings()?);
            } else {
                break;
            }
        }
        Ok(StatementKind::Ddl(Box::new(Ddl::CreateTable(Box::new(table)))))
    }

    /// A filegroup's name: identifier, string or the word DEFAULT.
    pub(crate) fn ident_or_default(&mut self) -> Parsed<Ident> {
        if self.is_one_of(&["DEFAULT", "PRIMARY", "NULL"]) {
            return Ok(self.take_ident());
        }
        self.ident_or_string()
    }

    /// `ON filegroup | scheme(column)`, if it is there.
    pub(crate) fn storage_place(&mut self) -> Parsed<Option<StoragePlace>> {
        if !self.eat_word("ON") {
            return Ok(None);
        }
        let name = self.ident_or_default()?;
        let columns = if self.is_symbol('(') { self.paren_list(Self::ident)? } else { Vec::new() };
        Ok(Some(StoragePlace { name, columns }))
    }

    /// `( columns, constraints, indexes )`
    pub(crate) fn table_definition(&mut self) -> Parsed<TableDefinition> {
        self.expect_symbol('(')?;
        let mut definition = TableDefinition::default();
        loop {
            self.table_element(&mut definition)?;
            // Constraints after a column may follow without a comma; so may the closing parenthesis after one.
            if !self.eat_symbol(',') {
                if self.is_one_of(&["CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"]) {
                    continue;
                }
                break;
            }
            if self.is_symbol(')') {
                break;
            }
        }
        self.expect_symbol(')')?;
        Ok(definition)
    }

    fn table_element(&mut self, definition: &mut TableDefinition) -> Parsed<()> {
        if self.is_words(&["PERIOD", "FOR"]) && self.is_word_at(2, "SYSTEM_TIME") {
            (0..3).for_each(|_| self.advance());
            self.expect_symbol('(')?;
            let a = self.ident()?;
            self.expect_symbol(',')?;
            let b = self.ident()?;
            self.expect_symbol(')')?;
            definition.period = Some((a, b));
        } else if self.is_word("INDEX") {
            definition.indexes.push(self.inline_index()?);
        } else if self.is_one_of(&["CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "DEFAULT"])
            || (self.is_word("CONNECTION") && self.is_symbol_at(1, '('))
        {
            let name = if self.eat_word("CONSTRAINT") { Some(self.ident()?) } else { None };
            let kind = self.constraint(false)?;
            definition.constraints.push(TableConstraint { name, kind });
        } else {
            definition.columns.push(self.column_definition()?);
        }
        Ok(())
    }

    pub(crate) fn column_definition(&mut self) -> Parsed<ColumnDefinition> {
        let start = self.span();
        let name = self.ident()?;
        let mut column = ColumnDefinition {
            name,
            data_type: None,
            computed: None,
            collation: None,
            nullable: None,
            identity: None,
            rowguidcol: false,
            sparse: false,
            filestream: false,
            column_set: false,
            not_for_replication: false,
            hidden: false,
            generated: None,
            masked: None,
            encrypted: Vec::new(),
            constraints: Vec::new(),
            index: None,
            span: start,
        };
        if self.eat_word("AS") {
            let expr = self.expr()?;
            self.refuse_many_rows(&expr)?;
            column.computed = Some(Computed { expr, persisted: self.eat_word("PERSISTED") });
        } else if !(column.name.is("timestamp")
            && (self.is_symbol(',') || self.is_symbol(')') || self.is_one_of(&["NOT", "NULL"])))
        {
            column.data_type = Some(self.data_type()?);
        }
        while self.column_option(&mut column)? {}
        column.span = self.since(start);
        Ok(column)
    }

    fn column_option(&mut self, column: &mut ColumnDefinition) -> Parsed<bool> {
        if self.eat_words(&["NOT", "NULL"]) {
            column.nullable = Some(false);
        } else if self.eat_word("NULL") {
            column.nullable = Some(true);
        } else if self.eat_words(&["NOT", "FOR", "REPLICATION"]) {
            column.not_for_replication = true;
        } else if self.eat_word("COLLATE") {
            column.collation = Some(self.ident()?);
        } else if self.eat_word("IDENTITY") {
            let mut identity = Identity { seed: None, increment: None };
            if self.eat_symbol('(') {
                identity.seed = Some(self.expr()?);
                self.expect_symbol(',')?;
                identity.increment = Some(self.expr()?);
                self.expect_symbol(')')?;
            }
            column.identity = Some(identity);
        } else if self.eat_word("ROWGUIDCOL") {
            column.rowguidcol = true;
        } else if self.eat_word("SPARSE") {
            column.sparse = true;
        } else if self.eat_word("FILESTREAM") {
            column.filestream = true;
        } else if self.eat_word("PERSISTED") {
            if let Some(c) = &mut column.computed {
                c.persisted = true;
            }
        } else if self.eat_words(&["COLUMN_SET", "FOR", "ALL_SPARSE_COLUMNS"]) {
            column.column_set = true;
        } else if self.eat_word("HIDDEN") {
            column.hidden = true;
        } else if self.eat_words(&["GENERATED", "ALWAYS", "AS"]) {
            column.generated = Some(format!("{} {}", self.upper_word()?, self.upper_word()?));
        } else if self.is_word("MASKED") {
            self.advance();
            self.expect_word("WITH")?;
            self.expect_symbol('(')?;
            self.expect_word("FUNCTION")?;
            self.expect_symbol('=')?;
            column.masked = Some(self.string()?);
            self.expect_symbol(')')?;
        } else if self.is_words(&["ENCRYPTED", "WITH"]) {
            self.advance();
            column.encrypted = self.with_settings()?;
        } else if self.is_word("INDEX") {
            column.index = Some(self.inline_index()?);
        } else if self.is_one_of(&[
            "CONSTRAINT",
            "DEFAULT",
            "PRIMARY",
            "UNIQUE",
            "REFERENCES",
            "FOREIGN",
            "CHECK",
        ]) {
            let mut name = None;
            if self.is_word("CONSTRAINT") {
                self.advance();
                name = Some(self.ident()?);
            }
            if self.eat_words(&["NOT", "NULL"]) {
                column.nullable = Some(false);
                return Ok(true);
            }
            if self.eat_word("NULL") {
                column.nullable = Some(true);
                return Ok(true);
            }
            let kind = self.constraint(true)?;
            column.constraints.push(ColumnConstraint { name, kind });
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// The body of a constraint behind its optional name.
    fn constraint(&mut self, in_column: bool) -> Parsed<ConstraintKind> {
        if self.is_one_of(&["PRIMARY", "UNIQUE"]) {
            return self.key_constraint();
        }
        if self.eat_word("CHECK") {
            let not_for_replication = self.eat_words(&["NOT", "FOR", "REPLICATION"]);
            self.expect_symbol('(')?;
            let condition = self.condition()?;
            self.refuse_many_rows(&condition)?;
            self.expect_symbol(')')?;
            return Ok(ConstraintKind::Check { condition, not_for_replication });
        }
        if self.eat_word("DEFAULT") {
            let value = self.expr()?;
            self.refuse_subquery(&value)?;
            let column = if self.eat_word("FOR") { Some(self.ident()?) } else { None };
            let with_values = self.eat_words(&["WITH", "VALUES"]);
            return Ok(ConstraintKind::Default { value, column, with_values });
        }
        if self.is_word("CONNECTION") {
            self.advance();
            let pairs = self.paren_list(|p| {
                let a = p.object_name()?;
                p.expect_word("TO")?;
                Ok((a, p.object_name()?))
            })?;
            self.referential_actions()?;
            return Ok(ConstraintKind::Connection(pairs));
        }
        self.foreign_key(in_column)
    }

    fn key_constraint(&mut self) -> Parsed<ConstraintKind> {
        let primary = self.is_word("PRIMARY");
        self.advance();
        if primary {
            self.expect_word("KEY")?;
        }
        let clustered = self.clustered();
        self.eat_word("HASH");
        let columns = if self.is_symbol('(') { self.paren_list(Self::index_column)? } else { Vec::new() };
        let not_enforced = self.eat_words(&["NOT", "ENFORCED"]);
        let options = if self.is_words(&["WITH", "VALUES"]) { Vec::new() } else { self.with_settings()? };
        let on = self.storage_place()?;
        Ok(ConstraintKind::Key { primary, clustered, columns, options, on, not_enforced })
    }

    pub(crate) fn clustered(&mut self) -> Option<bool> {
        match self.eat_one_of(&["CLUSTERED", "NONCLUSTERED"]) {
            Some("CLUSTERED") => Some(true),
            Some(_) => Some(false),
            None => None,
        }
    }

    fn foreign_key(&mut self, in_column: bool) -> Parsed<ConstraintKind> {
        let mut columns = Vec::new();
        if self.eat_words(&["FOREIGN", "KEY"]) && (!in_column || self.is_symbol('(')) {
            columns = self.paren_list(Self::ident)?;
        }
        self.expect_word("REFERENCES")?;
        let table = self.object_name()?;
        let referenced = if self.is_symbol('(') { self.paren_list(Self::ident)? } else { Vec::new() };
        let (on_delete, on_update, not_for_replication) = self.referential_actions()?;
        Ok(ConstraintKind::ForeignKey {
            columns,
            table,
            referenced,
            on_delete,
            on_update,
            not_for_replication,
        })
    }

    fn referential_actions(&mut self) -> Parsed<(ReferentialAction, ReferentialAction, bool)> {
        let mut delete = ReferentialAction::default();
        let mut update = ReferentialAction::default();
        let mut replication = false;
        loop {
            if self.eat_words(&["ON", "DELETE"]) {
                delete = self.referential_action()?;
            } else if self.eat_words(&["ON", "UPDATE"]) {
                update = self.referential_action()?;
            } else if self.eat_words(&["NOT", "FOR", "REPLICATION"]) {
                replication = true;
            } else {
                return Ok((delete, update, replication));
            }
        }
    }

    fn referential_action(&mut self) -> Parsed<ReferentialAction> {
        if self.eat_words(&["NO", "ACTION"]) {
            Ok(ReferentialAction::NoAction)
        } else if self.eat_word("CASCADE") {
            Ok(ReferentialAction::Cascade)
        } else if self.eat_words(&["SET", "NULL"]) {
            Ok(ReferentialAction::SetNull)
        } else if self.eat_words(&["SET", "DEFAULT"]) {
            Ok(ReferentialAction::SetDefault)
        } else {
            Err(self.unexpected())
        }
    }

    pub(crate) fn index_column(&mut self) -> Parsed<IndexColumn> {
        let name = self.ident()?;
        let descending = self.eat_word("DESC");
        if !descending {
            self.eat_word("ASC");
        }
        Ok(IndexColumn { name, descending })
    }

    fn inline_index(&mut self) -> Parsed<InlineIndex> {
        self.expect_word("INDEX")?;
        let name = self.ident()?;
        let unique = self.eat_word("UNIQUE");
        let clustered = self.clustered();
        let hash = self.eat_word("HASH");
        let columnstore = self.eat_word("COLUMNSTORE");
        let columns = if self.is_symbol('(') { self.paren_list(Self::index_column)? } else { Vec::new() };
        let include = if self.eat_word("INCLUDE") { self.paren_list(Self::ident)? } else { Vec::new() };
        let filter = if self.eat_word("WHERE") { Some(self.condition()?) } else { None };
        let options = self.with_settings()?;
        let on = self.storage_place()?;
        if self.eat_word("FILESTREAM_ON") {
            self.ident_or_default()?;
        }
        Ok(InlineIndex { name, unique, clustered, columnstore, hash, columns, include, filter, options, on })
    }

    // ---- ALTER TABLE ----

    pub(crate) fn alter_table(&mut self) -> Parsed<StatementKind> {
        let name = self.object_name()?;
        let action = self.alter_table_action()?;
        Ok(StatementKind::Ddl(Box::new(Ddl::AlterTable(Box::new(AlterTable { name, action })))))
    }

    fn alter_table_action(&mut self) -> Parsed<AlterTableAction> {
        let mut with_check = None;
        if self.is_word("WITH") && self.is_one_of_at(1, &["CHECK", "NOCHECK"]) {
            self.advance();
            with_check = Some(self.is_word("CHECK"));
            self.advance();
        }
        if self.eat_word("ADD") {
            let mut definition = TableDefinition::default();
            loop {
                self.table_element(&mut definition)?;
                if !self.eat_symbol(',') {
                    break;
                }
            }
            return Ok(AlterTableAction::Add { with_check, definition });
        }
        if self.is_one_of(&["CHECK", "NOCHECK"]) {
            let enable = self.is_word("CHECK");
            self.advance();
            self.expect_word("CONSTRAINT")?;
            let all = self.eat_word("ALL");
            let names = if all { Vec::new() } else { self.list(Self::ident)? };
            return Ok(AlterTableAction::CheckConstraint { with_check, enable, all, names });
        }
        if self.eat_words(&["ALTER", "COLUMN"]) {
            return self.alter_column();
        }
        if self.eat_word("DROP") {
            return self.alter_table_drop();
        }
        if self.is_one_of(&["ENABLE", "DISABLE"]) {
            let enable = self.is_word("ENABLE");
            self.advance();
            if self.eat_word("TRIGGER") {
                let all = self.eat_word("ALL");
                let names = if all { Vec::new() } else { self.list(Self::ident)? };
                return Ok(AlterTableAction::Trigger { enable, all, names });
            }
            if self.eat_word("CHANGE_TRACKING") {
                return Ok(AlterTableAction::ChangeTracking { enable, options: self.with_settings()? });
            }
            return Ok(AlterTableAction::Other(self.rest_of_statement()));
        }
        if self.eat_word("SWITCH") {
            let partition = if self.eat_word("PARTITION") { Some(self.expr()?) } else { None };
            self.expect_word("TO")?;
            let target = self.object_name()?;
            let target_partition = if self.eat_word("PARTITION") { Some(self.expr()?) } else { None };
            let options = self.with_settings()?;
            return Ok(AlterTableAction::Switch { partition, target, target_partition, options });
        }
        if self.is_word("SET") && self.is_symbol_at(1, '(') {
            self.advance();
            return Ok(AlterTableAction::Set(self.paren_list(Self::setting)?));
        }
        if self.eat_word("REBUILD") {
            let mut partition = None;
            if self.eat_word("PARTITION") {
                self.expect_symbol('=')?;
                partition = if self.eat_word("ALL") { None } else { Some(self.expr()?) };
            }
            return Ok(AlterTableAction::Rebuild { partition, options: self.with_settings()? });
        }
        if self.eat_words(&["ALTER", "INDEX"]) {
            let name = self.ident()?;
            return Ok(AlterTableAction::AlterIndex { name, text: self.rest_of_statement() });
        }
        if self.is_one_of(&["SPLIT", "MERGE"]) {
            return Ok(AlterTableAction::Other(self.rest_of_statement()));
        }
        Err(self.unexpected())
    }

    fn alter_column(&mut self) -> Parsed<AlterTableAction> {
        if self.is_ident() && self.is_one_of_at(1, &["ADD", "DROP"]) {
            let column = self.ident()?;
            let add = self.is_word("ADD");
            self.advance();
            let mut property = self.upper_word()?;
            let mut value = None;
            if property == "NOT" {
                self.expect_words(&["FOR", "REPLICATION"])?;
                property = "NOT FOR REPLICATION".into();
            } else if property == "MASKED" && self.is_word("WITH") {
                self.advance();
                let start = self.span();
                self.skip_parentheses()?;
                value = Some(self.since(start).text(self.text).to_owned());
            }
            return Ok(AlterTableAction::AlterColumnProperty { column, add, property, value });
        }
        let column = self.column_definition()?;
        let options = self.with_settings()?;
        Ok(AlterTableAction::AlterColumn { column, options })
    }

    fn alter_table_drop(&mut self) -> Parsed<AlterTableAction> {
        let mut mode = "CONSTRAINT";
        let mut out = Vec::new();
        loop {
            let mut if_exists = false;
            if self.eat_words(&["PERIOD", "FOR", "SYSTEM_TIME"]) {
                out.push(AlterTableDrop::Period);
            } else {
                if let Some(word) = self.eat_one_of(&["CONSTRAINT", "COLUMN", "INDEX"]) {
                    mode = word;
                    if_exists = self.eat_words(&["IF", "EXISTS"]);
                }
                let name = self.ident()?;
                out.push(match mode {
                    "COLUMN" => AlterTableDrop::Column { name, if_exists },
                    "INDEX" => AlterTableDrop::Index { name },
                    _ => AlterTableDrop::Constraint { name, if_exists, options: self.with_settings()? },
                });
            }
            if !self.eat_symbol(',') {
                return Ok(AlterTableAction::Drop(out));
            }
        }
    }
}
