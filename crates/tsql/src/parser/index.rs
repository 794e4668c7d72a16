//! CREATE INDEX, ALTER INDEX, CREATE and UPDATE STATISTICS.

use super::{Parsed, Parser};
use crate::ast::{AlterIndex, CreateIndex, CreateStatistics, Ddl, IndexKind, StatementKind};

fn ddl(d: Ddl) -> StatementKind {
    StatementKind::Ddl(Box::new(d))
}

impl Parser<'_> {
    /// True at the words between CREATE and INDEX.
    pub(crate) fn at_index(&self) -> bool {
        (0..5).any(|n| self.is_word_at(n, "INDEX"))
            && self.is_one_of(&[
                "UNIQUE",
                "CLUSTERED",
                "NONCLUSTERED",
                "INDEX",
                "XML",
                "PRIMARY",
                "SPATIAL",
                "COLUMNSTORE",
                "VECTOR",
                "JSON",
                "SELECTIVE",
            ])
    }

    /// After CREATE.
    pub(crate) fn create_index(&mut self) -> Parsed<StatementKind> {
        let unique = self.eat_word("UNIQUE");
        let clustered = self.clustered();
        let mut kind = IndexKind::Rowstore;
        if self.eat_word("COLUMNSTORE") {
            kind = IndexKind::Columnstore;
        } else if self.eat_words(&["PRIMARY", "XML"]) {
            kind = IndexKind::PrimaryXml;
        } else if self.eat_word("XML") || self.eat_words(&["SELECTIVE", "XML"]) {
            kind = IndexKind::Xml;
        } else if self.eat_word("SPATIAL") {
            kind = IndexKind::Spatial;
        } else if self.eat_word("VECTOR") || self.eat_word("JSON") {
            kind = IndexKind::Other;
        }
        self.expect_word("INDEX")?;
        let name = self.ident()?;
        self.expect_word("ON")?;
        let table = self.object_name()?;
        let mut index = CreateIndex {
            name,
            unique,
            clustered,
            kind,
            table,
            columns: Vec::new(),
            include: Vec::new(),
            filter: None,
            options: Vec::new(),
            on: None,
            filestream_on: None,
            extra: String::new(),
        };
        if self.is_symbol('(') {
            index.columns = self.paren_list(Self::index_column)?;
        }
        if !matches!(kind, IndexKind::Rowstore | IndexKind::Columnstore) {
            index.extra = self.rest_of_statement();
            return Ok(ddl(Ddl::CreateIndex(Box::new(index))));
        }
        if self.eat_word("INCLUDE") {
            index.include = self.paren_list(Self::ident)?;
        }
        if self.is_word("ORDER") && self.is_symbol_at(1, '(') {
            self.advance();
            self.paren_list(Self::index_column)?;
        }
        if self.eat_word("WHERE") {
            index.filter = Some(self.condition()?);
        }
        index.options = self.with_settings()?;
        index.on = self.storage_place()?;
        if self.eat_word("FILESTREAM_ON") {
            index.filestream_on = Some(self.ident_or_default()?);
        }
        Ok(ddl(Ddl::CreateIndex(Box::new(index))))
    }

    /// After ALTER INDEX.
    pub(crate) fn alter_index(&mut self) -> Parsed<StatementKind> {
        let name = if self.eat_word("ALL") { None } else { Some(self.ident()?) };
        self.expect_word("ON")?;
        let table = self.object_name()?;
        let action = self.upper_word()?;
        let mut index = AlterIndex { name, table, action, partition: None, options: Vec::new() };
        match index.action.as_str() {
            "SET" => index.options = self.paren_list(Self::setting)?,
            "REBUILD" | "REORGANIZE" | "RESUME" | "DISABLE" | "PAUSE" | "ABORT" => {
                if self.eat_word("PARTITION") {
                    self.expect_symbol('=')?;
                    index.partition = if self.eat_word("ALL") { None } else { Some(self.expr()?) };
                }
                index.options = self.with_settings()?;
            }
            _ => {
                self.position -= 1;
                return Err(self.unexpected());
            }
        }
        Ok(ddl(Ddl::AlterIndex(Box::new(index))))
    }

    /// After CREATE STATISTICS.
    pub(crate) fn create_statistics(&mut self) -> Parsed<StatementKind> {
        let name = self.ident()?;
        self.expect_word("ON")?;
        let table = self.object_name()?;
        let columns = self.paren_list(Self::ident)?;
        let filter = if self.eat_word("WHERE") { Some(self.condition()?) } else { None };
        let options = self.statistics_options()?;
        Ok(ddl(Ddl::CreateStatistics(Box::new(CreateStatistics { name, table, columns, filter, options }))))
    }

    /// `WITH SAMPLE 50 PERCENT, NORECOMPUTE …`: numbers stand without `=`, and their unit becomes part of the name.
    fn statistics_options(&mut self) -> Parsed<Vec<crate::ast::Setting>> {
        if !self.eat_word("WITH") {
            return Ok(Vec::new());
        }
        self.list(|p| {
            let mut s = p.setting()?;
            if p.token().kind == crate::lexer::TokenKind::Integer {
                s.value = Some(p.expr()?);
                if let Some(unit) = ["PERCENT", "ROWS"].into_iter().find(|u| p.eat_word(u)) {
                    s.name = format!("{} {unit}", s.name);
                }
            }
            Ok(s)
        })
    }

    /// From UPDATE on.
    pub(crate) fn update_statistics(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let table = self.object_name()?;
        let names = if self.is_symbol('(') {
            self.paren_list(Self::ident)?
        } else if self.is_ident() && !self.is_label_here() {
            vec![self.ident()?]
        } else {
            Vec::new()
        };
        let options = self.statistics_options()?;
        Ok(ddl(Ddl::UpdateStatistics { table, names, options }))
    }
}
