//! sp_xml_preparedocument and sp_xml_removedocument: the documents that a session keeps for OPENXML.
//!
//! Invariants
//! 1. Handles are odd numbers that a session never gives twice; another session's mean nothing.

use std::sync::Arc;

use holdfast_types::{SqlError, SqlType, Value};

use super::call::{Argument, Returned};
use super::raise::integer;
use super::run::{Fail, Runner};
use crate::ddl::procedure::places;
use crate::function::openxml::{PreparedXml, SIZE_MAX_ALL};

impl Runner<'_> {
    /// sp_xml_preparedocument @hdoc OUTPUT [, @xmltext] [, @xpath_namespaces]
    pub fn prepare_xml(&mut self, arguments: &[Argument]) -> Result<Returned, Fail> {
        const NAME: &str = "sp_xml_preparedocument";
        let places = places(NAME, &["@hdoc", "@xmltext", "@xpath_namespaces"], arguments)?;
        let Some(handle) = places[0] else {
            let text =
                format!("Procedure or function '{NAME}' expects parameter '@hdoc', which was not supplied.");
            return Err(SqlError::with_text(201, 16, text).state(4).into());
        };
        let text = |place: Option<usize>, number: usize| match place.and_then(|i| arguments[i].value.as_ref())
        {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(s)) => Ok(Some(s.to_text())),
            Some(_) => Err(invalid(NAME, number)),
        };
        let xml = text(places[1], 2)?.unwrap_or_default();
        let namespaces = text(places[2], 3)?;
        let prepared = PreparedXml::new(&xml, namespaces.as_deref()).map_err(|mut e| {
            NAME.clone_into(&mut e.procedure);
            e
        })?;
        let mut state = self.session.state.lock();
        let (documents, last) = &mut state.xml_documents;
        if documents.values().map(|d| d.size).sum::<usize>().saturating_add(prepared.size) > SIZE_MAX_ALL {
            let text = "XML document could not be created because server memory is low. Use sp_xml_removedocument to release XML documents.";
            return Err(SqlError::with_text(6624, 16, text).into());
        }
        *last += 2;
        documents.insert(*last, Arc::new(prepared));
        let outputs = if arguments[handle].output {
            vec![(handle, SqlType::INT, Value::Int(*last))]
        } else {
            Vec::new()
        };
        Ok(Returned { outputs, ..Returned::status(0) })
    }

    /// sp_xml_removedocument @hdoc
    pub fn remove_xml(&mut self, arguments: &[Argument]) -> Result<Returned, Fail> {
        const NAME: &str = "sp_xml_removedocument";
        let places = places(NAME, &["@hdoc"], arguments)?;
        let given = places[0].and_then(|i| arguments[i].value.as_ref()).and_then(integer);
        let handle = given.and_then(|n| i32::try_from(n).ok());
        let removed = handle.and_then(|h| self.session.state.lock().xml_documents.0.remove(&h));
        match removed {
            Some(_) => Ok(Returned::status(0)),
            None => Err(invalid(NAME, 1)),
        }
    }
}

fn invalid(procedure: &str, number: usize) -> Fail {
    let text = format!("{procedure}: The value supplied for parameter number {number} is invalid.");
    let mut e = SqlError::with_text(6607, 16, text).state(3);
    procedure.clone_into(&mut e.procedure);
    e.into()
}
