//! BACKUP and RESTORE.

use super::{Parsed, Parser};
use crate::ast::{
    Backup, BackupOption, BackupWhat, Device, DeviceKind, Expr, FileSpec, Restore, RestoreWhat, StatementKind,
};
use crate::lexer::TokenKind;

impl Parser<'_> {
    pub(crate) fn backup(&mut self) -> Parsed<StatementKind> {
        let start = self.span();
        self.advance();
        let what = if self.eat_word("DATABASE") {
            BackupWhat::Database(self.name_or_variable()?)
        } else if self.eat_one_of(&["LOG", "TRAN", "TRANSACTION"]).is_some() {
            BackupWhat::Log(self.name_or_variable()?)
        } else if self.eat_word("GROUP") {
            BackupWhat::Group(self.list(Self::name_or_variable)?)
        } else if self.eat_word("SERVER") {
            BackupWhat::Server
        } else if self.eat_word("CERTIFICATE") {
            let name = self.ident()?;
            self.rest_of_statement();
            return Ok(self.backup_of(BackupWhat::Certificate(name), start));
        } else if self.is_one_of(&["MASTER", "SERVICE", "SYMMETRIC"]) {
            let key = self.key_words()?;
            self.rest_of_statement();
            return Ok(self.backup_of(BackupWhat::Key(key), start));
        } else {
            return Err(self.unexpected());
        };
        let files = self.file_specs()?;
        self.expect_word("TO")?;
        let devices = self.list(Self::device)?;
        let mut mirrors = Vec::new();
        while self.eat_words(&["MIRROR", "TO"]) {
            mirrors.push(self.list(Self::device)?);
        }
        let options = self.backup_options()?;
        let span = self.since(start);
        Ok(StatementKind::Backup(Box::new(Backup { what, files, devices, mirrors, options, span })))
    }

    fn backup_of(&self, what: BackupWhat, start: crate::Span) -> StatementKind {
        StatementKind::Backup(Box::new(Backup {
            what,
            files: Vec::new(),
            devices: Vec::new(),
            mirrors: Vec::new(),
            options: Vec::new(),
            span: self.since(start),
        }))
    }

    /// `MASTER KEY`, `SERVICE MASTER KEY`, `SYMMETRIC KEY k`.
    fn key_words(&mut self) -> Parsed<String> {
        let mut words = Vec::new();
        while !self.is_word("KEY") {
            words.push(self.upper_word()?);
        }
        self.advance();
        words.push("KEY".into());
        Ok(words.join(" "))
    }

    /// FILE =, FILEGROUP =, READ_WRITE_FILEGROUPS, PAGE =.
    fn file_specs(&mut self) -> Parsed<Vec<FileSpec>> {
        let mut out = Vec::new();
        loop {
            if self.eat_word("READ_WRITE_FILEGROUPS") {
                out.push(FileSpec::ReadWriteFilegroups);
            } else if self.is_one_of(&["FILE", "FILEGROUP", "PAGE"]) && self.is_symbol_at(1, '=') {
                let word = self.upper_word()?;
                self.advance();
                let value = self.option_value()?;
                out.push(match word.as_str() {
                    "FILE" => FileSpec::File(value),
                    "FILEGROUP" => FileSpec::Filegroup(value),
                    _ => FileSpec::Page(value),
                });
            } else {
                return Ok(out);
            }
            if !self.eat_symbol(',') {
                return Ok(out);
            }
        }
    }

    fn device(&mut self) -> Parsed<Device> {
        let kinds = ["DISK", "TAPE", "URL", "VIRTUAL_DEVICE", "DATABASE_SNAPSHOT"];
        if self.is_one_of(&kinds) && self.is_symbol_at(1, '=') {
            let kind = match self.upper_word()?.as_str() {
                "DISK" => DeviceKind::Disk,
                "TAPE" => DeviceKind::Tape,
                "URL" => DeviceKind::Url,
                "VIRTUAL_DEVICE" => DeviceKind::VirtualDevice,
                _ => DeviceKind::DatabaseSnapshot,
            };
            self.advance();
            return Ok(Device { kind, name: self.option_value()? });
        }
        let name = if self.is_variable() { self.expr()? } else { self.word_as_literal()? };
        Ok(Device { kind: DeviceKind::Logical, name })
    }

    /// A string, number, variable, or a word as a string.
    fn option_value(&mut self) -> Parsed<Expr> {
        match self.token().kind {
            TokenKind::Word(_) | TokenKind::Quoted(_) => self.word_as_literal(),
            TokenKind::String { .. }
            | TokenKind::Integer
            | TokenKind::Decimal
            | TokenKind::Float
            | TokenKind::Variable
            | TokenKind::Binary(_)
            | TokenKind::Symbol('-') => self.expr(),
            _ => Err(self.unexpected()),
        }
    }

    fn backup_options(&mut self) -> Parsed<Vec<BackupOption>> {
        if !self.eat_word("WITH") {
            return Ok(Vec::new());
        }
        self.list(Self::backup_option)
    }

    fn backup_option(&mut self) -> Parsed<BackupOption> {
        let start = self.span();
        let name = self.upper_word()?;
        let mut option = BackupOption { name, value: None, second: None, nested: Vec::new(), span: start };
        if option.name == "MOVE" {
            option.value = Some(self.option_value()?);
            self.expect_word("TO")?;
            option.second = Some(self.option_value()?);
        } else if self.eat_symbol('=') {
            option.value = Some(self.option_value()?);
            if self.eat_word("AFTER") {
                option.second = Some(self.option_value()?);
            }
        } else if self.is_symbol('(') {
            option.nested = self.paren_list(|p| {
                let mut words = vec![p.upper_word()?];
                while !p.is_symbol('=') {
                    words.push(p.upper_word()?);
                }
                p.advance();
                Ok((words.join(" "), p.option_value()?))
            })?;
        }
        option.span = self.since(start);
        Ok(option)
    }

    pub(crate) fn restore(&mut self) -> Parsed<StatementKind> {
        let start = self.span();
        self.advance();
        let mut files = Vec::new();
        let what = match self.word().to_ascii_uppercase().as_str() {
            "DATABASE" => {
                self.advance();
                let name = self.name_or_variable()?;
                files = self.file_specs()?;
                RestoreWhat::Database(name)
            }
            "LOG" | "TRAN" | "TRANSACTION" => {
                self.advance();
                let name = self.name_or_variable()?;
                files = self.file_specs()?;
                RestoreWhat::Log(name)
            }
            "HEADERONLY" => self.restore_word(RestoreWhat::HeaderOnly),
            "FILELISTONLY" => self.restore_word(RestoreWhat::FileListOnly),
            "LABELONLY" => self.restore_word(RestoreWhat::LabelOnly),
            "VERIFYONLY" => self.restore_word(RestoreWhat::VerifyOnly),
            "REWINDONLY" => self.restore_word(RestoreWhat::RewindOnly),
            "BACKUPSETONLY" => self.restore_word(RestoreWhat::BackupSetOnly),
            "MASTER" | "SERVICE" | "SYMMETRIC" => {
                let what = RestoreWhat::Key(self.key_words()?);
                self.rest_of_statement();
                let span = self.since(start);
                let restore = Restore { what, files, devices: Vec::new(), options: Vec::new(), span };
                return Ok(StatementKind::Restore(Box::new(restore)));
            }
            _ => return Err(self.unexpected()),
        };
        let needs_device = !matches!(what, RestoreWhat::Database(_) | RestoreWhat::Log(_));
        let mut devices = Vec::new();
        if needs_device || self.is_word("FROM") {
            self.expect_word("FROM")?;
            devices = self.list(Self::device)?;
        }
        let options = self.backup_options()?;
        let span = self.since(start);
        Ok(StatementKind::Restore(Box::new(Restore { what, files, devices, options, span })))
    }

    fn restore_word(&mut self, what: RestoreWhat) -> RestoreWhat {
        self.advance();
        what
    }
}
