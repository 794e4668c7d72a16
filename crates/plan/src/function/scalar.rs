//! The table of built-in scalar functions and niladic names (`@@ROWCOUNT`, `CURRENT_TIMESTAMP`).
//!
//! Evidence: names and counts in use from the ranking the project keeps; argument and result types from the T-SQL reference.

use holdfast_types::{CollationId, SqlType, TypeId};

use super::{ArgRule, FunctionDef, Nullability, ResultRule, Volatility, string_like};

use ArgRule::{
    Any, BigInt, Binary, Common, Date, DatePart as Part, DateTime2, DateTimeOffset, First, Float, Int,
    NString, Numeric, String as Str, StringOrBinary, Temporal, Variant,
};
use Nullability::{Always, Never, Propagate, PropagateOr};
use ResultRule::{
    Common as RCommon, Derive, First as RFirst, Fixed, NVarChar, NVarCharMax, Special, VarChar,
};
use Volatility::{Pure, Row, Statement};

macro_rules! functions {
    ($($id:ident $name:literal $min:literal $max:literal [$($arg:expr),*] $result:expr, $null:ident $vol:ident;)*) => {
        /// Identity of a built-in scalar function.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u16)]
        pub enum FunctionId { $($id),* }

        /// All functions, in the order of [`FunctionId`].
        pub static FUNCTIONS: &[FunctionDef] = &[$(FunctionDef {
            id: FunctionId::$id,
            name: $name,
            min_args: $min,
            max_args: $max,
            args: &[$($arg),*],
            result: $result,
            nullability: $null,
            volatility: $vol,
        }),*];
    };
}

const INT: ResultRule = Fixed(SqlType::INT);
const BIGINT: ResultRule = Fixed(SqlType::BIGINT);
const FLOAT: ResultRule = Fixed(SqlType::FLOAT);
const BIT: ResultRule = Fixed(SqlType::BIT);
const NAME: ResultRule = NVarChar(128);
const VARIANT: ResultRule = Fixed(SqlType::VARIANT);
const IDENT: ResultRule = Fixed(SqlType::numeric(38, 0));
/// int, or bigint when the first argument is a MAX type.
const LENGTH: ResultRule =
    Derive(|a, _| if a.first().is_some_and(SqlType::is_max) { SqlType::BIGINT } else { SqlType::INT });
/// int, or bigint when the second argument is a MAX type (CHARINDEX, PATINDEX).
const POSITION: ResultRule =
    Derive(|a, _| if a.get(1).is_some_and(SqlType::is_max) { SqlType::BIGINT } else { SqlType::INT });
/// varchar/nvarchar as long as the first argument.
const SAME: ResultRule = Derive(|a, c| {
    let t = first(a, c);
    string_like(&t, t.char_length())
});
/// varchar(8000)/nvarchar(4000), or MAX when the first argument is.
const WIDE: ResultRule = Derive(|a, c| {
    let t = first(a, c);
    string_like(&t, t.char_length().map(|_| 8000))
});
/// Numeric result of ROUND and its like: small integers widen to int, smallmoney to money, real and bit to float.
const NUMERIC: ResultRule = Derive(|a, _| widen(a));
/// As NUMERIC, decimals with all 38 digits.
const NUMERIC38: ResultRule = Derive(|a, _| {
    let t = widen(a);
    if t.id == TypeId::Decimal || t.id == TypeId::Numeric {
        SqlType { precision: 38, length: 17, ..t }
    } else {
        t
    }
});
/// As NUMERIC, decimals with all 38 digits and enough of a fraction for angles.
const ANGLE: ResultRule = Derive(|a, _| {
    let t = widen(a);
    if t.id == TypeId::Decimal || t.id == TypeId::Numeric {
        SqlType { precision: 38, scale: t.scale.max(18), length: 17, ..t }
    } else {
        t
    }
});
/// As NUMERIC, decimals without their fraction.
const WHOLE: ResultRule = Derive(|a, _| {
    let t = widen(a);
    if t.id == TypeId::Decimal || t.id == TypeId::Numeric { SqlType { scale: 0, ..t } } else { t }
});

fn first(a: &[SqlType], default: CollationId) -> SqlType {
    a.first().copied().unwrap_or(SqlType::varchar(8000, default))
}

fn widen(a: &[SqlType]) -> SqlType {
    match a.first() {
        Some(t) => match t.id {
            TypeId::TinyInt | TypeId::SmallInt | TypeId::Int | TypeId::Null => SqlType::INT,
            TypeId::SmallMoney => SqlType::MONEY,
            TypeId::BigInt | TypeId::Money | TypeId::Decimal | TypeId::Numeric => *t,
            _ => SqlType::FLOAT,
        },
        None => SqlType::FLOAT,
    }
}

/// NCHAR gives a surrogate pair where the database's collation knows it.
fn wide_char(collation: CollationId) -> SqlType {
    match collation.supplementary() {
        true => SqlType::character(TypeId::NVarChar, 4, collation),
        false => SqlType::character(TypeId::NChar, 2, collation),
    }
}

#[rustfmt::skip]
functions! {
    // Strings.
    Ascii "ASCII" 1 1 [Str] INT, PropagateOr Pure;
    Char "CHAR" 1 1 [Int] Derive(|_, c| SqlType::character(TypeId::Char, 1, c)), PropagateOr Pure;
    NChar "NCHAR" 1 1 [Int] Derive(|_, c| wide_char(c)), PropagateOr Pure;
    Unicode "UNICODE" 1 1 [NString] INT, PropagateOr Pure;
    CharIndex "CHARINDEX" 2 3 [StringOrBinary, StringOrBinary, BigInt] POSITION, Propagate Pure;
    PatIndex "PATINDEX" 2 2 [Str, Str] POSITION, Propagate Pure;
    Concat "CONCAT" 2 254 [Str] Special, Never Pure;
    ConcatWs "CONCAT_WS" 3 254 [Str] Special, Never Pure;
    Difference "DIFFERENCE" 2 2 [Str, Str] INT, Propagate Pure;
    Soundex "SOUNDEX" 1 1 [Str] VarChar(4), Propagate Pure;
    Format "FORMAT" 2 3 [Any, NString, NString] NVarChar(4000), PropagateOr Pure;
    Left "LEFT" 2 2 [Str, Int] Special, Propagate Pure;
    Right "RIGHT" 2 2 [Str, Int] Special, Propagate Pure;
    Substring "SUBSTRING" 3 3 [StringOrBinary, BigInt, BigInt] Special, Propagate Pure;
    Len "LEN" 1 1 [StringOrBinary] LENGTH, Propagate Pure;
    DataLength "DATALENGTH" 1 1 [Any] LENGTH, Propagate Pure;
    Lower "LOWER" 1 1 [Str] SAME, Propagate Pure;
    Upper "UPPER" 1 1 [Str] SAME, Propagate Pure;
    LTrim "LTRIM" 1 2 [Str, Str] SAME, Propagate Pure;
    RTrim "RTRIM" 1 2 [Str, Str] SAME, Propagate Pure;
    // TRIM([LEADING|TRAILING|BOTH] [chars FROM] s): (s [, chars [, int 1 leading / 2 trailing / 3 both]]).
    Trim "TRIM" 1 3 [Str, Str, Int] SAME, Propagate Pure;
    QuoteName "QUOTENAME" 1 2 [NString, NString] NVarChar(258), PropagateOr Pure;
    Replace "REPLACE" 3 3 [Str, Str, Str] WIDE, Propagate Pure;
    Replicate "REPLICATE" 2 2 [Str, BigInt] WIDE, PropagateOr Pure;
    Reverse "REVERSE" 1 1 [Str] SAME, Propagate Pure;
    Space "SPACE" 1 1 [BigInt] VarChar(8000), PropagateOr Pure;
    StrFn "STR" 1 3 [Float, Int, Int] Special, PropagateOr Pure;
    StringEscape "STRING_ESCAPE" 2 2 [NString, NString] NVarCharMax, Propagate Pure;
    Stuff "STUFF" 4 4 [StringOrBinary, BigInt, BigInt, StringOrBinary] Special, Always Pure;
    Translate "TRANSLATE" 3 3 [Str, Str, Str] SAME, Propagate Pure;
    ParseName "PARSENAME" 2 2 [NString, Int] NAME, Always Pure;
    FormatMessage "FORMATMESSAGE" 1 21 [Any] NVarChar(2048), Always Statement;
    // Mathematics.
    Abs "ABS" 1 1 [Numeric] NUMERIC38, Propagate Pure;
    Acos "ACOS" 1 1 [Float] FLOAT, Propagate Pure;
    Asin "ASIN" 1 1 [Float] FLOAT, Propagate Pure;
    Atan "ATAN" 1 1 [Float] FLOAT, Propagate Pure;
    Atn2 "ATN2" 2 2 [Float] FLOAT, Propagate Pure;
    Ceiling "CEILING" 1 1 [Numeric] WHOLE, Propagate Pure;
    Cos "COS" 1 1 [Float] FLOAT, Propagate Pure;
    Cot "COT" 1 1 [Float] FLOAT, Propagate Pure;
    Degrees "DEGREES" 1 1 [Numeric] ANGLE, Propagate Pure;
    Exp "EXP" 1 1 [Float] FLOAT, Propagate Pure;
    Floor "FLOOR" 1 1 [Numeric] WHOLE, Propagate Pure;
    Log "LOG" 1 2 [Float] FLOAT, Propagate Pure;
    Log10 "LOG10" 1 1 [Float] FLOAT, Propagate Pure;
    Pi "PI" 0 0 [] FLOAT, Never Pure;
    Power "POWER" 2 2 [Numeric, Float] NUMERIC38, Propagate Pure;
    Radians "RADIANS" 1 1 [Numeric] ANGLE, Propagate Pure;
    Rand "RAND" 0 1 [Int] FLOAT, Never Statement;
    Round "ROUND" 2 3 [Numeric, Int, Int] NUMERIC, Propagate Pure;
    Sign "SIGN" 1 1 [Numeric] NUMERIC38, Propagate Pure;
    Sin "SIN" 1 1 [Float] FLOAT, Propagate Pure;
    Sqrt "SQRT" 1 1 [Float] FLOAT, Propagate Pure;
    Square "SQUARE" 1 1 [Float] FLOAT, Propagate Pure;
    Tan "TAN" 1 1 [Float] FLOAT, Propagate Pure;
    Greatest "GREATEST" 1 254 [Common] RCommon, Always Pure;
    Least "LEAST" 1 254 [Common] RCommon, Always Pure;
    BitCount "BIT_COUNT" 1 1 [Any] BIGINT, Propagate Pure;
    GetBit "GET_BIT" 2 2 [Any, BigInt] BIT, Propagate Pure;
    SetBit "SET_BIT" 2 3 [Any, BigInt, Int] RFirst, Propagate Pure;
    LeftShift "LEFT_SHIFT" 2 2 [Any, BigInt] RFirst, Propagate Pure;
    RightShift "RIGHT_SHIFT" 2 2 [Any, BigInt] RFirst, Propagate Pure;
    // Dates. CURRENT_TIMESTAMP is bound to GETDATE.
    GetDate "GETDATE" 0 0 [] Fixed(SqlType::DATETIME), Never Statement;
    GetUtcDate "GETUTCDATE" 0 0 [] Fixed(SqlType::DATETIME), Never Statement;
    SysDateTime "SYSDATETIME" 0 0 [] Fixed(SqlType::datetime2(7)), Never Statement;
    SysUtcDateTime "SYSUTCDATETIME" 0 0 [] Fixed(SqlType::datetime2(7)), Never Statement;
    SysDateTimeOffset "SYSDATETIMEOFFSET" 0 0 [] Fixed(SqlType::datetimeoffset(7)), Never Statement;
    CurrentDate "CURRENT_DATE" 0 0 [] Fixed(SqlType::DATE), Never Statement;
    CurrentTimeZone "CURRENT_TIMEZONE" 0 0 [] VarChar(64), Never Statement;
    CurrentTimeZoneId "CURRENT_TIMEZONE_ID" 0 0 [] VarChar(64), Never Statement;
    DateAdd "DATEADD" 3 3 [Part, BigInt, Temporal] Derive(|a, _| a.get(2).copied().unwrap_or(SqlType::DATETIME)), Propagate Pure;
    DateDiff "DATEDIFF" 3 3 [Part, Temporal, Temporal] INT, Propagate Pure;
    DateDiffBig "DATEDIFF_BIG" 3 3 [Part, Temporal, Temporal] BIGINT, Propagate Pure;
    DatePart "DATEPART" 2 2 [Part, Temporal] INT, Propagate Statement;
    DateName "DATENAME" 2 2 [Part, Temporal] NVarChar(30), Propagate Statement;
    DateTrunc "DATETRUNC" 2 2 [Part, Temporal] Derive(|a, _| a.get(1).copied().unwrap_or(SqlType::DATETIME)), Propagate Statement;
    DateBucket "DATE_BUCKET" 3 4 [Part, BigInt, Temporal, Temporal] Derive(|a, _| a.get(2).copied().unwrap_or(SqlType::DATETIME)), Propagate Pure;
    Year "YEAR" 1 1 [Temporal] INT, Propagate Pure;
    Month "MONTH" 1 1 [Temporal] INT, Propagate Pure;
    Day "DAY" 1 1 [Temporal] INT, Propagate Pure;
    EoMonth "EOMONTH" 1 2 [Date, Int] Fixed(SqlType::DATE), PropagateOr Pure;
    DateFromParts "DATEFROMPARTS" 3 3 [Int] Fixed(SqlType::DATE), Propagate Pure;
    // The function of msdb: date as yyyymmdd, time as hhmmss.
    AgentDateTime "MSDB AGENT_DATETIME" 2 2 [Int] Fixed(SqlType::DATETIME), Propagate Pure;
    DateTimeFromParts "DATETIMEFROMPARTS" 7 7 [Int] Fixed(SqlType::DATETIME), Propagate Pure;
    // The scale (last argument) must be a literal; the binder reads the result's scale from it.
    DateTime2FromParts "DATETIME2FROMPARTS" 8 8 [Int] Special, Propagate Pure;
    DateTimeOffsetFromParts "DATETIMEOFFSETFROMPARTS" 10 10 [Int] Special, Propagate Pure;
    SmallDateTimeFromParts "SMALLDATETIMEFROMPARTS" 5 5 [Int] Fixed(SqlType::SMALLDATETIME), Propagate Pure;
    TimeFromParts "TIMEFROMPARTS" 5 5 [Int] Special, Propagate Pure;
    SwitchOffset "SWITCHOFFSET" 2 2 [DateTimeOffset, Any] RFirst, Propagate Pure;
    ToDateTimeOffset "TODATETIMEOFFSET" 2 2 [DateTime2, Any] Derive(|a, _| SqlType::datetimeoffset(a.first().map_or(7, |t| t.scale))), Propagate Pure;
    // x AT TIME ZONE z.
    AtTimeZone "AT TIME ZONE" 2 2 [Temporal, NString] Derive(|a, _| SqlType::datetimeoffset(a.first().map_or(7, |t| t.scale.min(7)))), Propagate Statement;
    IsDate "ISDATE" 1 1 [Any] INT, Never Statement;
    // Conversion, null and logic. CAST, CONVERT, COALESCE, NULLIF and IIF are expression nodes.
    IsNull "ISNULL" 2 2 [Any, First] Special, Always Pure;
    Choose "CHOOSE" 2 254 [Int, Common] Special, Always Pure;
    IsNumeric "ISNUMERIC" 1 1 [Any] INT, Never Pure;
    // (text, culture); the target is the node's type.
    Parse "PARSE" 1 2 [NString, NString] Special, Propagate Pure;
    TryParse "TRY_PARSE" 1 2 [NString, NString] Special, Always Pure;
    // Value, whether boundaries belong to the right, boundaries.
    PartitionNumber "$PARTITION" 2 255 [Any] INT, Never Pure;
    SqlVariantProperty "SQL_VARIANT_PROPERTY" 2 2 [Variant, NString] VARIANT, Always Pure;
    // JSON.
    IsJson "ISJSON" 1 2 [NString, NString] INT, Propagate Pure;
    JsonValue "JSON_VALUE" 1 2 [NString, NString] NVarChar(4000), Always Pure;
    JsonQuery "JSON_QUERY" 1 2 [NString, NString] NVarCharMax, Always Pure;
    JsonModify "JSON_MODIFY" 3 3 [NString, NString, Any] NVarCharMax, Always Pure;
    JsonPathExists "JSON_PATH_EXISTS" 2 2 [NString, NString] INT, Propagate Pure;
    // Arguments: key, value pairs / values, then an int literal: 1 = NULL ON NULL, 0 = ABSENT ON NULL.
    JsonObject "JSON_OBJECT" 0 254 [Any] NVarCharMax, Never Pure;
    JsonArray "JSON_ARRAY" 0 254 [Any] NVarCharMax, Never Pure;
    // Hashes and random.
    Checksum "CHECKSUM" 1 254 [Any] INT, Never Pure;
    BinaryChecksum "BINARY_CHECKSUM" 1 254 [Any] INT, Never Pure;
    HashBytes "HASHBYTES" 2 2 [Str, StringOrBinary] Fixed(SqlType::binary(TypeId::VarBinary, 8000)), PropagateOr Pure;
    Compress "COMPRESS" 1 1 [StringOrBinary] Fixed(SqlType::binary(TypeId::VarBinary, -1)), Propagate Pure;
    Decompress "DECOMPRESS" 1 1 [Binary] Fixed(SqlType::binary(TypeId::VarBinary, -1)), Propagate Pure;
    CryptGenRandom "CRYPT_GEN_RANDOM" 1 2 [Int, Binary] Fixed(SqlType::binary(TypeId::VarBinary, 8000)), PropagateOr Row;
    NewId "NEWID" 0 0 [] Fixed(SqlType::GUID), Never Row;
    NewSequentialId "NEWSEQUENTIALID" 0 0 [] Fixed(SqlType::GUID), Never Row;
    // Database, object, which use in the row, place in the order of OVER (0: without).
    NextValueFor "NEXT VALUE FOR" 4 4 [Int, Int, Int, BigInt] Special, Never Row;
    PwdCompare "PWDCOMPARE" 2 3 [NString, Binary, Int] INT, Propagate Pure;
    PwdEncrypt "PWDENCRYPT" 1 1 [NString] Fixed(SqlType::binary(TypeId::VarBinary, 256)), Propagate Row;
    Base64Encode "BASE64_ENCODE" 1 2 [Binary, Int] Derive(|a, c| if a.first().is_some_and(SqlType::is_max) { SqlType::varchar(-1, c) } else { SqlType::varchar(8000, c) }), Propagate Pure;
    Base64Decode "BASE64_DECODE" 1 1 [Str] Derive(|a, _| SqlType::binary(TypeId::VarBinary, if a.first().is_some_and(SqlType::is_max) { -1 } else { 8000 })), Propagate Pure;
    VarBinToHexSubstring "FN_VARBINTOHEXSUBSTRING" 4 4 [Int, Binary, Int, Int] NVarCharMax, Propagate Pure;
    VarBinToHexStr "FN_VARBINTOHEXSTR" 1 1 [Binary] NVarCharMax, Propagate Pure;
    // Metadata.
    ObjectId "OBJECT_ID" 1 2 [NString, NString] INT, Always Statement;
    ObjectName "OBJECT_NAME" 1 2 [Int, Int] NAME, Always Statement;
    ObjectSchemaName "OBJECT_SCHEMA_NAME" 1 2 [Int, Int] NAME, Always Statement;
    ObjectDefinition "OBJECT_DEFINITION" 1 1 [Int] NVarCharMax, Always Statement;
    ObjectProperty "OBJECTPROPERTY" 2 2 [Int, NString] INT, Always Statement;
    ObjectPropertyEx "OBJECTPROPERTYEX" 2 2 [Int, NString] VARIANT, Always Statement;
    SchemaId "SCHEMA_ID" 0 1 [NString] INT, Always Statement;
    SchemaName "SCHEMA_NAME" 0 1 [Int] NAME, Always Statement;
    DbId "DB_ID" 0 1 [NString] Fixed(SqlType::SMALLINT), Always Statement;
    DbName "DB_NAME" 0 1 [Int] NAME, Always Statement;
    OriginalDbName "ORIGINAL_DB_NAME" 0 0 [] NAME, Always Statement;
    ColName "COL_NAME" 2 2 [Int, Int] NAME, Always Statement;
    ColLength "COL_LENGTH" 2 2 [NString, NString] Fixed(SqlType::SMALLINT), Always Statement;
    ColumnProperty "COLUMNPROPERTY" 3 3 [Int, NString, NString] INT, Always Statement;
    TypeIdFn "TYPE_ID" 1 1 [NString] INT, Always Statement;
    TypeName "TYPE_NAME" 1 1 [Int] NAME, Always Statement;
    TypeProperty "TYPEPROPERTY" 2 2 [NString, NString] INT, Always Statement;
    IndexCol "INDEX_COL" 3 3 [NString, Int, Int] NAME, Always Statement;
    IndexKeyProperty "INDEXKEY_PROPERTY" 4 4 [Int, Int, Int, NString] INT, Always Statement;
    IndexProperty "INDEXPROPERTY" 3 3 [Int, NString, NString] INT, Always Statement;
    StatsDate "STATS_DATE" 2 2 [Int, Int] Fixed(SqlType::DATETIME), Always Statement;
    ServerProperty "SERVERPROPERTY" 1 1 [NString] VARIANT, Always Statement;
    DatabasePropertyEx "DATABASEPROPERTYEX" 2 2 [NString, NString] VARIANT, Always Statement;
    DatabaseProperty "DATABASEPROPERTY" 2 2 [NString, NString] INT, Always Statement;
    FileId "FILE_ID" 1 1 [NString] Fixed(SqlType::SMALLINT), Always Statement;
    FileIdEx "FILE_IDEX" 1 1 [NString] INT, Always Statement;
    FileName "FILE_NAME" 1 1 [Int] NAME, Always Statement;
    FileGroupId "FILEGROUP_ID" 1 1 [NString] INT, Always Statement;
    FileGroupName "FILEGROUP_NAME" 1 1 [Int] NAME, Always Statement;
    FileProperty "FILEPROPERTY" 2 2 [NString, NString] INT, Always Statement;
    FileGroupProperty "FILEGROUPPROPERTY" 2 2 [NString, NString] INT, Always Statement;
    FullTextServiceProperty "FULLTEXTSERVICEPROPERTY" 1 1 [NString] INT, Always Statement;
    FullTextCatalogProperty "FULLTEXTCATALOGPROPERTY" 2 2 [NString, NString] INT, Always Statement;
    CollationProperty "COLLATIONPROPERTY" 2 2 [NString, NString] VARIANT, Always Statement;
    ConnectionProperty "CONNECTIONPROPERTY" 1 1 [NString] VARIANT, Always Statement;
    SessionProperty "SESSIONPROPERTY" 1 1 [NString] VARIANT, Always Statement;
    LoginProperty "LOGINPROPERTY" 2 2 [NString, NString] VARIANT, Always Statement;
    IdentCurrent "IDENT_CURRENT" 1 1 [NString] IDENT, Always Statement;
    IdentSeed "IDENT_SEED" 1 1 [NString] IDENT, Always Statement;
    IdentIncr "IDENT_INCR" 1 1 [NString] IDENT, Always Statement;
    ScopeIdentity "SCOPE_IDENTITY" 0 0 [] IDENT, Always Statement;
    HadrIsPrimaryReplica "FN_HADR_IS_PRIMARY_REPLICA" 1 1 [NString] BIT, Always Statement;
    HadrBackupPreferred "FN_HADR_BACKUP_IS_PREFERRED_REPLICA" 1 1 [NString] BIT, Always Statement;
    // Security.
    SuserSname "SUSER_SNAME" 0 1 [Any] NAME, Always Statement;
    SuserName "SUSER_NAME" 0 1 [Int] NAME, Always Statement;
    SuserId "SUSER_ID" 0 1 [NString] INT, Always Statement;
    SuserSid "SUSER_SID" 0 2 [NString, Int] Fixed(SqlType::binary(TypeId::VarBinary, 85)), Always Statement;
    SidBinary "SID_BINARY" 1 1 [NString] Fixed(SqlType::binary(TypeId::VarBinary, 85)), Always Statement;
    PolicyEnabled "FN_SYSPOLICY_IS_AUTOMATION_ENABLED" 0 0 [] BIT, Always Statement;
    AssemblyProperty "ASSEMBLYPROPERTY" 2 2 [NString, NString] VARIANT, Always Statement;
    XmlSchemaNamespace "XML_SCHEMA_NAMESPACE" 2 3 [NString, NString, NString] Fixed(SqlType::XML), Always Statement;
    UserName "USER_NAME" 0 1 [Int] NAME, Always Statement;
    UserId "USER_ID" 0 1 [NString] INT, Always Statement;
    User "USER" 0 0 [] NAME, Always Statement;
    CurrentUser "CURRENT_USER" 0 0 [] NAME, Always Statement;
    SessionUser "SESSION_USER" 0 0 [] NAME, Always Statement;
    SystemUser "SYSTEM_USER" 0 0 [] NAME, Always Statement;
    OriginalLogin "ORIGINAL_LOGIN" 0 0 [] NAME, Always Statement;
    IsMember "IS_MEMBER" 1 1 [NString] INT, Always Statement;
    IsRoleMember "IS_ROLEMEMBER" 1 2 [NString, NString] INT, Always Statement;
    IsSrvRoleMember "IS_SRVROLEMEMBER" 1 2 [NString, NString] INT, Always Statement;
    HasPermsByName "HAS_PERMS_BY_NAME" 3 5 [NString] INT, Always Statement;
    HasDbAccess "HAS_DBACCESS" 1 1 [NString] INT, Always Statement;
    Permissions "PERMISSIONS" 0 2 [Int, NString] INT, Always Statement;
    DatabasePrincipalId "DATABASE_PRINCIPAL_ID" 0 1 [NString] INT, Always Statement;
    CertId "CERT_ID" 1 1 [NString] INT, Always Statement;
    AsymKeyId "ASYMKEY_ID" 1 1 [NString] INT, Always Statement;
    KeyId "KEY_ID" 1 1 [NString] INT, Always Statement;
    // Session and statement state.
    AppName "APP_NAME" 0 0 [] NAME, Always Statement;
    HostName "HOST_NAME" 0 0 [] NAME, Always Statement;
    HostId "HOST_ID" 0 0 [] Derive(|_, c| SqlType::character(TypeId::Char, 10, c)), Always Statement;
    SessionContext "SESSION_CONTEXT" 1 1 [NString] VARIANT, Always Statement;
    ContextInfo "CONTEXT_INFO" 0 0 [] Fixed(SqlType::binary(TypeId::VarBinary, 128)), Always Statement;
    SessionIdFn "SESSION_ID" 0 0 [] NVarChar(32), Always Statement;
    ErrorMessage "ERROR_MESSAGE" 0 0 [] NVarChar(4000), Always Statement;
    ErrorNumber "ERROR_NUMBER" 0 0 [] INT, Always Statement;
    ErrorSeverity "ERROR_SEVERITY" 0 0 [] INT, Always Statement;
    ErrorState "ERROR_STATE" 0 0 [] INT, Always Statement;
    ErrorLine "ERROR_LINE" 0 0 [] INT, Always Statement;
    ErrorProcedure "ERROR_PROCEDURE" 0 0 [] NAME, Always Statement;
    XactState "XACT_STATE" 0 0 [] Fixed(SqlType::SMALLINT), Never Statement;
    CurrentRequestId "CURRENT_REQUEST_ID" 0 0 [] Fixed(SqlType::SMALLINT), Never Statement;
    CurrentTransactionId "CURRENT_TRANSACTION_ID" 0 0 [] BIGINT, Never Statement;
    CursorStatus "CURSOR_STATUS" 2 2 [Str, NString] Fixed(SqlType::SMALLINT), Never Statement;
    RowCountBig "ROWCOUNT_BIG" 0 0 [] BIGINT, Never Statement;
    TriggerNestLevel "TRIGGER_NESTLEVEL" 0 3 [Int, Str, Str] INT, Always Statement;
    ColumnsUpdated "COLUMNS_UPDATED" 0 0 [] Fixed(SqlType::binary(TypeId::VarBinary, 8000)), Always Statement;
    // UPDATE(column): what the binder makes of it, by column id.
    ColumnUpdated "$UPDATE" 1 1 [Int] BIT, Never Statement;
    EventData "EVENTDATA" 0 0 [] Fixed(SqlType::XML), Always Statement;
    MinActiveRowVersion "MIN_ACTIVE_ROWVERSION" 0 0 [] Fixed(SqlType::binary(TypeId::Binary, 8)), Never Statement;
    GetAnsiNull "GETANSINULL" 0 1 [NString] Fixed(SqlType::SMALLINT), Always Statement;
    ApplockMode "APPLOCK_MODE" 3 3 [NString] NVarChar(32), Always Statement;
    ApplockTest "APPLOCK_TEST" 4 4 [NString] Fixed(SqlType::SMALLINT), Always Statement;
    ChangeTrackingCurrentVersion "CHANGE_TRACKING_CURRENT_VERSION" 0 0 [] BIGINT, Always Statement;
    ChangeTrackingMinValidVersion "CHANGE_TRACKING_MIN_VALID_VERSION" 1 1 [Int] BIGINT, Always Statement;
    // @@ names.
    AtRowCount "@@ROWCOUNT" 0 0 [] INT, Never Statement;
    AtError "@@ERROR" 0 0 [] INT, Never Statement;
    AtSpid "@@SPID" 0 0 [] Fixed(SqlType::SMALLINT), Never Statement;
    AtTranCount "@@TRANCOUNT" 0 0 [] INT, Never Statement;
    AtServerName "@@SERVERNAME" 0 0 [] NAME, Always Statement;
    AtServiceName "@@SERVICENAME" 0 0 [] NAME, Never Statement;
    AtVersion "@@VERSION" 0 0 [] NVarChar(300), Never Statement;
    AtMicrosoftVersion "@@MICROSOFTVERSION" 0 0 [] INT, Never Statement;
    AtOptions "@@OPTIONS" 0 0 [] INT, Never Statement;
    AtProcId "@@PROCID" 0 0 [] INT, Never Statement;
    AtIdentity "@@IDENTITY" 0 0 [] IDENT, Always Statement;
    AtFetchStatus "@@FETCH_STATUS" 0 0 [] INT, Never Statement;
    AtCursorRows "@@CURSOR_ROWS" 0 0 [] INT, Never Statement;
    AtLockTimeout "@@LOCK_TIMEOUT" 0 0 [] INT, Never Statement;
    AtDbts "@@DBTS" 0 0 [] Fixed(SqlType::binary(TypeId::VarBinary, 8)), Never Statement;
    AtDateFirst "@@DATEFIRST" 0 0 [] Fixed(SqlType::TINYINT), Never Statement;
    AtNestLevel "@@NESTLEVEL" 0 0 [] INT, Never Statement;
    AtLanguage "@@LANGUAGE" 0 0 [] NAME, Never Statement;
    AtLangId "@@LANGID" 0 0 [] Fixed(SqlType::SMALLINT), Never Statement;
    AtTextSize "@@TEXTSIZE" 0 0 [] INT, Never Statement;
    AtMaxConnections "@@MAX_CONNECTIONS" 0 0 [] INT, Never Statement;
    AtMaxPrecision "@@MAX_PRECISION" 0 0 [] Fixed(SqlType::TINYINT), Never Statement;
    AtRemServer "@@REMSERVER" 0 0 [] NAME, Always Statement;
    AtTimeTicks "@@TIMETICKS" 0 0 [] INT, Never Statement;
    AtCpuBusy "@@CPU_BUSY" 0 0 [] INT, Never Statement;
    AtIdle "@@IDLE" 0 0 [] INT, Never Statement;
    AtIoBusy "@@IO_BUSY" 0 0 [] INT, Never Statement;
    AtConnections "@@CONNECTIONS" 0 0 [] INT, Never Statement;
    AtPackReceived "@@PACK_RECEIVED" 0 0 [] INT, Never Statement;
    AtPackSent "@@PACK_SENT" 0 0 [] INT, Never Statement;
    AtPacketErrors "@@PACKET_ERRORS" 0 0 [] INT, Never Statement;
    AtTotalRead "@@TOTAL_READ" 0 0 [] INT, Never Statement;
    AtTotalWrite "@@TOTAL_WRITE" 0 0 [] INT, Never Statement;
    AtTotalErrors "@@TOTAL_ERRORS" 0 0 [] INT, Never Statement;
    AtDefLangId "@@DEF_LANGID" 0 0 [] Fixed(SqlType::SMALLINT), Never Statement;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_follows_the_enum_and_names_are_unique() {
        let mut seen = std::collections::HashSet::new();
        for (i, f) in FUNCTIONS.iter().enumerate() {
            assert_eq!(f.id as usize, i, "{}", f.name);
            assert!(seen.insert(f.name), "{} twice", f.name);
            assert!(f.min_args <= f.max_args);
        }
    }
}
