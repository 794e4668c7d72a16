//! Reading a call's parameters by position or name.

use holdfast_exec::session::{RpcParameter, RpcRequest, RpcValue};
use holdfast_types::{SqlError, Value};

/// A parameter by name, else by position from 0.
pub fn parameter<'a>(request: &'a RpcRequest, position: usize, name: &str) -> Option<&'a RpcParameter> {
    request
        .parameters
        .iter()
        .find(|p| p.name.trim_start_matches('@').eq_ignore_ascii_case(name))
        .or_else(|| request.parameters.get(position))
}

/// A whole number; `None` when absent, NULL or of another type.
pub fn integer(request: &RpcRequest, position: usize, name: &str) -> Option<i32> {
    match &parameter(request, position, name)?.value {
        RpcValue::Scalar(Value::Int(v)) => Some(*v),
        RpcValue::Scalar(Value::SmallInt(v)) => Some(i32::from(*v)),
        RpcValue::Scalar(Value::TinyInt(v)) => Some(i32::from(*v)),
        RpcValue::Scalar(Value::BigInt(v)) => i32::try_from(*v).ok(),
        _ => None,
    }
}

/// A text; `None` when absent or NULL.
pub fn text(request: &RpcRequest, position: usize, name: &str) -> Option<String> {
    match &parameter(request, position, name)?.value {
        RpcValue::Scalar(Value::String(s)) => Some(s.to_text()),
        _ => None,
    }
}

pub fn required_text(request: &RpcRequest, position: usize, name: &str) -> Result<String, SqlError> {
    text(request, position, name).ok_or_else(|| {
        SqlError::with_text(
            214,
            16,
            format!("Procedure expects parameter '@{name}' of type 'ntext/nchar/nvarchar'."),
        )
    })
}
