//! GRANT, DENY, REVOKE.

use super::{Parsed, Parser};
use crate::ast::{Permission, PermissionAction, StatementKind};
use crate::lexer::TokenKind;

impl Parser<'_> {
    pub(crate) fn permission(&mut self) -> Parsed<StatementKind> {
        let action = match self.upper_word()?.as_str() {
            "GRANT" => PermissionAction::Grant,
            "DENY" => PermissionAction::Deny,
            _ => PermissionAction::Revoke,
        };
        let mut p = Permission {
            action,
            permissions: Vec::new(),
            class: None,
            securable: None,
            columns: Vec::new(),
            principals: Vec::new(),
            with_grant_option: false,
            grant_option_for: self.eat_words(&["GRANT", "OPTION", "FOR"]),
            cascade: false,
            as_principal: None,
        };
        loop {
            let mut words = Vec::new();
            while matches!(self.token().kind, TokenKind::Word(_)) && !self.is_one_of(&["ON", "TO", "FROM"]) {
                words.push(self.upper_word()?);
            }
            if words.is_empty() {
                return Err(self.unexpected());
            }
            let columns = if self.is_symbol('(') { self.paren_list(Self::ident)? } else { Vec::new() };
            p.permissions.push((words.join(" "), columns));
            if !self.eat_symbol(',') {
                break;
            }
        }
        if self.eat_word("ON") {
            let (class, securable) = self.classed_name()?;
            p.class = class;
            p.securable = Some(securable);
            if self.is_symbol('(') {
                p.columns = self.paren_list(Self::ident)?;
            }
        }
        if self.eat_one_of(&["TO", "FROM"]).is_none() {
            return Err(self.unexpected());
        }
        p.principals = self.list(Self::principal_name)?;
        loop {
            if self.eat_words(&["WITH", "GRANT", "OPTION"]) {
                p.with_grant_option = true;
            } else if self.eat_word("CASCADE") {
                p.cascade = true;
            } else if self.eat_word("AS") {
                p.as_principal = Some(self.principal_name()?);
            } else {
                return Ok(StatementKind::Permission(Box::new(p)));
            }
        }
    }

    /// A user or role; PUBLIC is reserved and still a role.
    fn principal_name(&mut self) -> Parsed<crate::ast::Ident> {
        if self.is_one_of(&["PUBLIC", "NULL"]) {
            return Ok(self.take_ident());
        }
        self.ident()
    }
}
