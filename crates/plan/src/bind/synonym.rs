//! Synonyms: what they stand for where they are used, and what using them asks of who does.
//!
//! Invariants
//! 1. A synonym stands for something else than a synonym; its target is looked up when it is used, in the synonym's own database.
//! 2. Using one asks for the permission on the synonym. What is behind it is reached through it, as through a view: when both have
//!    one owner, it is not asked for itself.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ObjectDef, SynonymDef};
use holdfast_tsql::ast::ObjectName;
use holdfast_types::{SqlError, SqlResult};

use super::{Binder, err};
use crate::access::AccessKind;

/// What a name stands for behind a synonym.
pub(super) struct Behind {
    pub catalog: Arc<dyn Catalog>,
    pub object: Option<ObjectDef>,
    /// Database and object id of the synonym, when there was one.
    pub through: Option<(i32, i32)>,
}

impl Binder<'_> {
    /// The target of a synonym that was found in `catalog`.
    ///
    /// # Errors
    /// 5313 when it is a synonym again, or is not there; those of other servers.
    pub(super) fn behind(
        &mut self,
        synonym: &SynonymDef,
        catalog: &Arc<dyn Catalog>,
        name: &ObjectName,
    ) -> SqlResult<(Arc<dyn Catalog>, ObjectDef)> {
        let invalid = || SqlError::new(5313, &[&name]).at_line(name.span.line);
        let mut target = holdfast_tsql::parse_object_name(&synonym.target).map_err(|_| invalid())?;
        target.span = name.span;
        self.refuse_server(&target)?;
        if target.database.is_none() {
            target.database = self.elsewhere(catalog);
        }
        match self.find_object(&target)? {
            (_, None | Some(ObjectDef::Synonym(_))) => err(name.span, 5313, &[&name]),
            (catalog, Some(object)) => Ok((catalog, object)),
        }
    }

    /// Notes the use of a synonym; the place of that among the accesses.
    pub(super) fn note_synonym(&mut self, kind: AccessKind, synonym: &SynonymDef) -> Option<usize> {
        let id = (synonym.database_id, synonym.object_id);
        self.note(kind, id, &synonym.schema_name, &synonym.name)
    }

    /// What a name stands for, past a synonym, whose use is noted.
    pub(super) fn find_behind(&mut self, kind: AccessKind, name: &ObjectName) -> SqlResult<Behind> {
        let (catalog, object) = self.find_object(name)?;
        let Some(ObjectDef::Synonym(synonym)) = object else {
            return Ok(Behind { catalog, object, through: None });
        };
        self.note_synonym(kind, &synonym);
        let (catalog, object) = self.behind(&synonym, &catalog, name)?;
        let through = Some((synonym.database_id, synonym.object_id));
        Ok(Behind { catalog, object: Some(object), through })
    }

    /// Does something, the uses noted in which are made through a synonym.
    pub(super) fn through<T>(&mut self, synonym: Option<(i32, i32)>, f: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.through;
        self.through = synonym.or(outer);
        let out = f(self);
        self.through = outer;
        out
    }
}
