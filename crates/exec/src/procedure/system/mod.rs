//! System procedures that are written in T-SQL over the system views. The texts run in the caller's database.
//!
//! A procedure is a row of [`PROCEDURES`]: name, parameters, variables, body. Bodies lie beside this file; `{datatypes}`,
//! `{shape}` and `{find_object}` in a body stand for the fragments of that name, `{more}` for the columns that one of several
//! forms of a procedure adds.
//!
//! Invariants
//! 1. Result columns, their order and names are those of the catalog procedures that ODBC and JDBC drivers call (Microsoft's
//!    documentation of the catalog stored procedures; the JDBC driver stores them by position).
//! 2. Forms without a suffix answer as to drivers of before 2005, `_90` as to those of 2005, `_100` to those of 2008 and later.
//! 3. A procedure that would change something says that it is not there ([`CHANGING`]).

mod rowset;

use std::collections::HashMap;
use std::sync::OnceLock;

use holdfast_tsql::ast::ObjectName;

struct Procedure {
    name: &'static str,
    parameters: &'static str,
    /// What stands before the body: variables that it expects.
    variables: &'static str,
    more: &'static str,
    body: &'static str,
}

const fn plain(name: &'static str, parameters: &'static str, body: &'static str) -> Procedure {
    Procedure { name, parameters, variables: "", more: "", body }
}

const fn form(
    name: &'static str,
    parameters: &'static str,
    variables: &'static str,
    body: &'static str,
) -> Procedure {
    Procedure { name, parameters, variables, more: "", body }
}

const FRAGMENTS: &[(&str, &str)] = &[
    ("{datatypes}", include_str!("datatypes.sql")),
    ("{shape}", include_str!("shape.sql")),
    ("{find_object}", include_str!("find_object.sql")),
    ("{oledb_types}", include_str!("rowset/types.sql")),
    ("{oledb_shape}", include_str!("rowset/shape.sql")),
];

const OBJNAME: &str = "@objname nvarchar(776)";
const TABLE: &str = "@table_name sysname, @table_owner sysname = NULL, @table_qualifier sysname = NULL";
const COLUMNS: &str = "@table_name nvarchar(384), @table_owner nvarchar(384) = NULL, @table_qualifier sysname = NULL, @column_name nvarchar(384) = NULL, @ODBCVer int = 2";
const COLUMNS_90: &str = "@table_name nvarchar(384), @table_owner nvarchar(384) = NULL, @table_qualifier sysname = NULL, @column_name nvarchar(384) = NULL, @ODBCVer int = 2, @fUsePattern bit = 1";
const COLUMNS_100: &str = "@table_name nvarchar(384), @table_owner nvarchar(384) = NULL, @table_qualifier sysname = NULL, @column_name nvarchar(384) = NULL, @NameScope int = 0, @ODBCVer int = 2, @fUsePattern bit = 1";
const COLUMNS_BODY: &str = include_str!("columns.sql");
const COLUMN_TYPES: &str = ", SS_UDT_CATALOG_NAME, SS_UDT_SCHEMA_NAME, SS_UDT_ASSEMBLY_TYPE_NAME, SS_XML_SCHEMACOLLECTION_CATALOG_NAME, SS_XML_SCHEMACOLLECTION_SCHEMA_NAME, SS_XML_SCHEMACOLLECTION_NAME, SS_DATA_TYPE";
const COLUMN_FLAGS_AND_TYPES: &str = ", SS_IS_SPARSE, SS_IS_COLUMN_SET, SS_IS_COMPUTED, SS_IS_IDENTITY, SS_UDT_CATALOG_NAME, SS_UDT_SCHEMA_NAME, SS_UDT_ASSEMBLY_TYPE_NAME, SS_XML_SCHEMACOLLECTION_CATALOG_NAME, SS_XML_SCHEMACOLLECTION_SCHEMA_NAME, SS_XML_SCHEMACOLLECTION_NAME, SS_DATA_TYPE";
const STATISTICS: &str = "@table_name sysname, @table_owner sysname = NULL, @table_qualifier sysname = NULL, @index_name sysname = N'%', @is_unique char(1) = 'N', @accuracy char(1) = 'Q'";
const SPECIAL: &str = "@table_name sysname, @table_owner sysname = NULL, @table_qualifier sysname = NULL, @col_type char(1) = 'R', @scope char(1) = 'T', @nullable char(1) = 'U', @ODBCVer int = 2";
const DATATYPE: &str = "@data_type int = 0, @ODBCVer tinyint = 2";
const SPROC: &str = "@procedure_name nvarchar(390) = N'%', @procedure_owner nvarchar(384) = NULL, @procedure_qualifier sysname = NULL, @column_name nvarchar(384) = NULL, @ODBCVer int = 2, @fUsePattern bit = 1";
const SPROC_TYPES: &str = ", SS_UDT_CATALOG_NAME, SS_UDT_SCHEMA_NAME, SS_UDT_ASSEMBLY_TYPE_NAME, SS_XML_SCHEMACOLLECTION_CATALOG_NAME, SS_XML_SCHEMACOLLECTION_SCHEMA_NAME, SS_XML_SCHEMACOLLECTION_NAME, SS_DATA_TYPE";
const SPROC_TABLE_TYPES: &str = ", SS_TYPE_CATALOG_NAME, SS_TYPE_SCHEMA_NAME, SS_UDT_CATALOG_NAME, SS_UDT_SCHEMA_NAME, SS_UDT_ASSEMBLY_TYPE_NAME, SS_XML_SCHEMACOLLECTION_CATALOG_NAME, SS_XML_SCHEMACOLLECTION_SCHEMA_NAME, SS_XML_SCHEMACOLLECTION_NAME, SS_DATA_TYPE";
const FORM_28: &str = "DECLARE @flavour int = 28\n";
const FORM_90: &str = "DECLARE @flavour int = 90\n";
const FORM_100: &str = "DECLARE @flavour int = 100\n";

const MANAGED: &str = "@procedure_name sysname, @group_number int = 1, @procedure_schema sysname = NULL, @parameter_name sysname = NULL";
const TABLE_COLLATIONS: &str = "IF LEFT(@object, 1) = N'.' SET @object = SUBSTRING(@object, 2, 4000)\n \
    SELECT c.column_id AS colid, c.name, \
    CONVERT(binary(5), COLLATIONPROPERTY(c.collation_name, 'TDSCollation')) AS tds_collation, c.collation_name AS [collation] \
    FROM sys.all_columns c WHERE c.object_id = OBJECT_ID(@object) ORDER BY c.column_id";

const PROCEDURES: &[Procedure] = &[
    plain(
        "sp_tables",
        "@table_name nvarchar(384) = NULL, @table_owner nvarchar(384) = NULL, @table_qualifier sysname = NULL, @table_type varchar(100) = NULL, @fUsePattern bit = 1",
        include_str!("tables.sql"),
    ),
    plain(
        "sp_tableswc",
        "@table_name nvarchar(384) = NULL, @table_owner nvarchar(384) = NULL, @table_qualifier sysname = NULL, @table_type varchar(100) = NULL, @fUsePattern bit = 1",
        include_str!("tableswc.sql"),
    ),
    Procedure {
        name: "sp_columns",
        parameters: COLUMNS,
        variables: "DECLARE @flavour int = 28, @NameScope int = 0, @fUsePattern bit = 1\n",
        more: ", SS_DATA_TYPE",
        body: COLUMNS_BODY,
    },
    Procedure {
        name: "sp_columns_90",
        parameters: COLUMNS_90,
        variables: "DECLARE @flavour int = 90, @NameScope int = 0\n",
        more: COLUMN_TYPES,
        body: COLUMNS_BODY,
    },
    Procedure {
        name: "sp_columns_100",
        parameters: COLUMNS_100,
        variables: FORM_100,
        more: COLUMN_FLAGS_AND_TYPES,
        body: COLUMNS_BODY,
    },
    plain("sp_pkeys", TABLE, include_str!("pkeys.sql")),
    plain(
        "sp_fkeys",
        "@pktable_name sysname = NULL, @pktable_owner sysname = NULL, @pktable_qualifier sysname = NULL, @fktable_name sysname = NULL, @fktable_owner sysname = NULL, @fktable_qualifier sysname = NULL",
        include_str!("fkeys.sql"),
    ),
    plain("sp_statistics", STATISTICS, include_str!("statistics.sql")),
    plain("sp_statistics_100", STATISTICS, include_str!("statistics.sql")),
    form("sp_special_columns", SPECIAL, FORM_28, include_str!("special_columns.sql")),
    form("sp_special_columns_90", SPECIAL, FORM_90, include_str!("special_columns.sql")),
    form("sp_special_columns_100", SPECIAL, FORM_100, include_str!("special_columns.sql")),
    form("sp_datatype_info", DATATYPE, FORM_28, include_str!("datatype_info.sql")),
    form("sp_datatype_info_90", DATATYPE, FORM_90, include_str!("datatype_info.sql")),
    form("sp_datatype_info_100", DATATYPE, FORM_100, include_str!("datatype_info.sql")),
    plain(
        "sp_stored_procedures",
        "@sp_name nvarchar(390) = NULL, @sp_owner nvarchar(384) = NULL, @sp_qualifier sysname = NULL, @fUsePattern bit = 1",
        include_str!("stored_procedures.sql"),
    ),
    Procedure {
        name: "sp_sproc_columns",
        parameters: SPROC,
        variables: FORM_28,
        more: ", SS_DATA_TYPE",
        body: include_str!("sproc_columns.sql"),
    },
    Procedure {
        name: "sp_sproc_columns_90",
        parameters: SPROC,
        variables: FORM_90,
        more: SPROC_TYPES,
        body: include_str!("sproc_columns.sql"),
    },
    Procedure {
        name: "sp_sproc_columns_100",
        parameters: SPROC,
        variables: FORM_100,
        more: SPROC_TABLE_TYPES,
        body: include_str!("sproc_columns.sql"),
    },
    plain(
        "sp_table_privileges",
        "@table_name nvarchar(384), @table_owner nvarchar(384) = NULL, @table_qualifier sysname = NULL, @fUsePattern bit = 1",
        include_str!("table_privileges.sql"),
    ),
    plain(
        "sp_column_privileges",
        "@table_name sysname, @table_owner sysname = NULL, @table_qualifier sysname = NULL, @column_name nvarchar(384) = NULL",
        include_str!("column_privileges.sql"),
    ),
    plain("sp_databases", "", include_str!("databases.sql")),
    plain("sp_server_info", "@attribute_id int = NULL", include_str!("server_info.sql")),
    plain("sp_help", "@objname nvarchar(776) = NULL", include_str!("help.sql")),
    plain("sp_helpindex", OBJNAME, include_str!("helpindex.sql")),
    plain(
        "sp_helpconstraint",
        "@objname nvarchar(776), @nomsg varchar(5) = 'msg'",
        include_str!("helpconstraint.sql"),
    ),
    plain("sp_helptext", "@objname nvarchar(776), @columnname sysname = NULL", include_str!("helptext.sql")),
    plain("sp_helpdb", "@dbname sysname = NULL", include_str!("helpdb.sql")),
    plain("sp_helpfile", "@filename sysname = NULL", include_str!("helpfile.sql")),
    plain("sp_helpfilegroup", "@filegroupname sysname = NULL", include_str!("helpfilegroup.sql")),
    plain(
        "sp_helptrigger",
        "@tabname nvarchar(776), @triggertype char(6) = NULL",
        include_str!("helptrigger.sql"),
    ),
    plain(
        "sp_helpstats",
        "@objname nvarchar(776), @results nvarchar(5) = 'STATS'",
        include_str!("helpstats.sql"),
    ),
    plain("sp_helpuser", "@name_in_db sysname = NULL", include_str!("helpuser.sql")),
    plain("sp_helprole", "@rolename sysname = NULL", include_str!("helprole.sql")),
    plain("sp_helprolemember", "@rolename sysname = NULL", include_str!("helprolemember.sql")),
    plain("sp_helpsrvrolemember", "@srvrolename sysname = NULL", include_str!("helpsrvrolemember.sql")),
    plain("sp_who", "@loginame sysname = NULL", include_str!("who.sql")),
    plain("sp_who2", "@loginame sysname = NULL", include_str!("who2.sql")),
    plain("sp_lock", "@spid1 int = NULL, @spid2 int = NULL", include_str!("lock.sql")),
    plain(
        "sp_spaceused",
        "@objname nvarchar(776) = NULL, @updateusage varchar(5) = 'false', @mode varchar(11) = 'ALL', @oneresultset bit = 0",
        include_str!("spaceused.sql"),
    ),
    plain("sp_depends", OBJNAME, include_str!("depends.sql")),
    plain(
        "sp_helpdevice",
        "@devname sysname = NULL",
        "IF @devname IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sys.backup_devices WHERE name = @devname)\nBEGIN\n    \
         RAISERROR(15012, -1, -1, @devname)\n    RETURN 1\nEND\n\
         SELECT name AS device_name, physical_name, LOWER(type_desc) + ', backup device' AS description, 16 AS status, \
         type AS cntrltype, 0 AS size FROM sys.backup_devices WHERE @devname IS NULL OR name = @devname ORDER BY name",
    ),
    plain(
        "sp_helplinkedsrvlogin",
        "@rmtsrvname sysname = NULL, @locallogin sysname = NULL",
        "SELECT s.name AS [Linked Server], p.name AS [Local Login], CONVERT(smallint, l.uses_self_credential) AS [Is Self Mapping], \
         l.remote_name AS [Remote Login] FROM sys.linked_logins l JOIN sys.servers s ON s.server_id = l.server_id \
         LEFT JOIN sys.server_principals p ON p.principal_id = l.local_principal_id \
         WHERE (@rmtsrvname IS NULL OR s.name = @rmtsrvname) AND (@locallogin IS NULL OR p.name = @locallogin) ORDER BY 1, 2",
    ),
    plain(
        "sp_helpsort",
        "",
        "SELECT CONVERT(nvarchar(400), SERVERPROPERTY('Collation')) AS [Server default collation]",
    ),
    plain(
        "sp_indexoption",
        "@IndexNamePattern nvarchar(1035), @OptionName varchar(35), @OptionValue varchar(12)",
        include_str!("indexoption.sql"),
    ),
    // Accounts of Windows are not known here.
    plain("sp_grantlogin", "@loginame sysname", "RAISERROR(15401, -1, -1, @loginame)\nRETURN 1"),
    plain("sp_denylogin", "@loginame sysname", "RAISERROR(15401, -1, -1, @loginame)\nRETURN 1"),
    plain("sp_revokelogin", "@loginame sysname", "RAISERROR(15401, -1, -1, @loginame)\nRETURN 1"),
    // Older names of statements.
    plain(
        "sp_addtype",
        "@typename sysname, @phystype nvarchar(260), @nulltype varchar(8) = NULL, @owner sysname = NULL",
        "DECLARE @sql nvarchar(max) = N'CREATE TYPE ' + QUOTENAME(@typename) + N' FROM ' + @phystype + N' ' \
         + CASE UPPER(@nulltype) WHEN 'NONULL' THEN N'NOT NULL' ELSE COALESCE(@nulltype, N'NULL') END\nEXEC (@sql)",
    ),
    plain(
        "sp_droptype",
        "@typename sysname",
        "DECLARE @sql nvarchar(max) = N'DROP TYPE ' + QUOTENAME(@typename)\nEXEC (@sql)",
    ),
    plain(
        "sp_addrole",
        "@rolename sysname, @ownername sysname = NULL",
        "DECLARE @sql nvarchar(max) = N'CREATE ROLE ' + QUOTENAME(@rolename) \
         + COALESCE(N' AUTHORIZATION ' + QUOTENAME(@ownername), N'')\nEXEC (@sql)",
    ),
    plain(
        "sp_droprole",
        "@rolename sysname",
        "DECLARE @sql nvarchar(max) = N'DROP ROLE ' + QUOTENAME(@rolename)\nEXEC (@sql)",
    ),
    plain(
        "sp_addrolemember",
        "@rolename sysname, @membername sysname",
        "DECLARE @sql nvarchar(max) = N'ALTER ROLE ' + QUOTENAME(@rolename) + N' ADD MEMBER ' + QUOTENAME(@membername)\nEXEC (@sql)",
    ),
    plain(
        "sp_droprolemember",
        "@rolename sysname, @membername sysname",
        "DECLARE @sql nvarchar(max) = N'ALTER ROLE ' + QUOTENAME(@rolename) + N' DROP MEMBER ' + QUOTENAME(@membername)\nEXEC (@sql)",
    ),
    plain(
        "sp_grantdbaccess",
        "@loginame sysname, @name_in_db sysname = NULL",
        "DECLARE @sql nvarchar(max) = N'CREATE USER ' + QUOTENAME(COALESCE(@name_in_db, @loginame)) + N' FOR LOGIN ' \
         + QUOTENAME(@loginame)\nEXEC (@sql)",
    ),
    plain(
        "sp_revokedbaccess",
        "@name_in_db sysname",
        "DECLARE @sql nvarchar(max) = N'DROP USER ' + QUOTENAME(@name_in_db)\nEXEC (@sql)",
    ),
    plain(
        "sp_dropuser",
        "@name_in_db sysname",
        "DECLARE @sql nvarchar(max) = N'DROP USER ' + QUOTENAME(@name_in_db)\nEXEC (@sql)",
    ),
    plain(
        "sp_adduser",
        "@loginame sysname, @name_in_db sysname = NULL, @grpname sysname = NULL",
        include_str!("adduser.sql"),
    ),
    plain(
        "sp_addlogin",
        "@loginame sysname, @passwd sysname = NULL, @defdb sysname = 'master', @deflanguage sysname = NULL, @sid varbinary(16) = NULL, @encryptopt varchar(20) = NULL",
        include_str!("addlogin.sql"),
    ),
    plain(
        "sp_droplogin",
        "@loginame sysname",
        "DECLARE @sql nvarchar(max) = N'DROP LOGIN ' + QUOTENAME(@loginame)\nEXEC (@sql)",
    ),
    plain(
        "sp_password",
        "@old sysname = NULL, @new sysname, @loginame sysname = NULL",
        include_str!("password.sql"),
    ),
    plain(
        "sp_defaultdb",
        "@loginame sysname, @defdb sysname",
        "DECLARE @sql nvarchar(max) = N'ALTER LOGIN ' + QUOTENAME(@loginame) + N' WITH DEFAULT_DATABASE = ' + QUOTENAME(@defdb)\nEXEC (@sql)",
    ),
    plain(
        "sp_defaultlanguage",
        "@loginame sysname, @language sysname = NULL",
        "DECLARE @sql nvarchar(max) = N'ALTER LOGIN ' + QUOTENAME(@loginame) + N' WITH DEFAULT_LANGUAGE = ' + QUOTENAME(ISNULL(@language, N'us_english'))\nEXEC (@sql)",
    ),
    plain(
        "sp_addsrvrolemember",
        "@loginame sysname, @rolename sysname",
        "DECLARE @sql nvarchar(max) = N'ALTER SERVER ROLE ' + QUOTENAME(@rolename) + N' ADD MEMBER ' + QUOTENAME(@loginame)\nEXEC (@sql)",
    ),
    plain(
        "sp_dropsrvrolemember",
        "@loginame sysname, @rolename sysname",
        "DECLARE @sql nvarchar(max) = N'ALTER SERVER ROLE ' + QUOTENAME(@rolename) + N' DROP MEMBER ' + QUOTENAME(@loginame)\nEXEC (@sql)",
    ),
    plain("sp_tablecollations", "@object nvarchar(4000)", TABLE_COLLATIONS),
    plain(
        "sp_changedbowner",
        "@loginame sysname, @map varchar(5) = NULL",
        "DECLARE @sql nvarchar(max) = N'ALTER AUTHORIZATION ON DATABASE::' + QUOTENAME(DB_NAME()) + N' TO ' + QUOTENAME(@loginame)\nEXEC (@sql)",
    ),
    plain(
        "sp_change_users_login",
        "@Action varchar(10), @UserNamePattern sysname = NULL, @LoginName sysname = NULL, @Password sysname = NULL",
        include_str!("change_users_login.sql"),
    ),
    plain(
        "sp_helprotect",
        "@name nvarchar(776) = NULL, @username sysname = NULL, @grantorname sysname = NULL, @permissionarea varchar(10) = 'o s'",
        include_str!("helprotect.sql"),
    ),
    plain(
        "sp_msforeachtable",
        "@command1 nvarchar(2000), @replacechar nchar(1) = N'?', @command2 nvarchar(2000) = NULL, @command3 nvarchar(2000) = NULL, @whereand nvarchar(2000) = NULL, @precommand nvarchar(2000) = NULL, @postcommand nvarchar(2000) = NULL",
        include_str!("foreachtable.sql"),
    ),
    plain(
        "sp_msforeachdb",
        "@command1 nvarchar(2000), @replacechar nchar(1) = N'?', @command2 nvarchar(2000) = NULL, @command3 nvarchar(2000) = NULL, @precommand nvarchar(2000) = NULL, @postcommand nvarchar(2000) = NULL",
        include_str!("foreachdb.sql"),
    ),
    plain(
        "xp_instance_regread",
        "@rootkey nvarchar(22), @key nvarchar(4000), @value_name nvarchar(4000) = NULL, @value nvarchar(4000) = N'(none)' OUTPUT, @no_output varchar(20) = NULL",
        include_str!("instance_regread.sql"),
    ),
    plain(
        "xp_regread",
        "@rootkey nvarchar(22), @key nvarchar(4000), @value_name nvarchar(4000) = NULL, @value nvarchar(4000) = N'(none)' OUTPUT, @no_output varchar(20) = NULL",
        include_str!("instance_regread.sql"),
    ),
    plain("sp_updatestats", "@resample char(8) = 'NO'", include_str!("updatestats.sql")),
    plain(
        "sp_helpserver",
        "@server sysname = NULL, @optname varchar(35) = NULL, @show_topology varchar(1) = NULL",
        include_str!("helpserver.sql"),
    ),
    // Those of Windows that are not there any more: there are none.
    plain(
        "sp_validatelogins",
        "",
        "IF ISNULL(IS_SRVROLEMEMBER(N'securityadmin'), 0) = 0 AND ISNULL(IS_SRVROLEMEMBER(N'sysadmin'), 0) = 0\nBEGIN\n    RAISERROR(15247, -1, -1)\n    RETURN 1\nEND\nSELECT CONVERT(varbinary(85), NULL) AS SID, CONVERT(sysname, NULL) AS [NT Login] WHERE 1 = 0",
    ),
    plain("sp_validname", "@name sysname, @raise_error bit = 1", include_str!("validname.sql")),
    plain("sp_helplogins", "@LoginNamePattern sysname = NULL", include_str!("helplogins.sql")),
    plain(
        "sp_autostats",
        "@tblname nvarchar(776), @flagc varchar(10) = NULL, @indname sysname = NULL",
        include_str!("autostats.sql"),
    ),
    plain(
        "sp_createstats",
        "@indexonly char(9) = 'NO', @fullscan char(9) = 'NO', @norecompute char(12) = 'NO', @incremental char(12) = 'NO'",
        include_str!("createstats.sql"),
    ),
    plain(
        "sp_dbcmptlevel",
        "@dbname sysname = NULL, @new_cmptlevel tinyint = NULL",
        include_str!("dbcmptlevel.sql"),
    ),
    plain("sp_recompile", "@objname nvarchar(776)", include_str!("recompile.sql")),
    plain("sp_helpdbfixedrole", "@rolename sysname = NULL", include_str!("helpdbfixedrole.sql")),
    plain(
        "sp_helpextendedproc",
        "@funcname nvarchar(776) = NULL",
        "SELECT name, CONVERT(nvarchar(255), dll_name) AS dll FROM sys.extended_procedures \
         WHERE @funcname IS NULL OR name = @funcname ORDER BY name",
    ),
    // Groups of Windows are not known here.
    plain(
        "sp_helpntgroup",
        "@ntname sysname = NULL",
        "IF @ntname IS NOT NULL\nBEGIN\n    RAISERROR(15401, -1, -1, @ntname)\n    RETURN 1\nEND\n\
         SELECT name AS NTGroupName, CONVERT(smallint, principal_id) AS NTGroupId, sid AS SID, 1 AS HasDbAccess \
         FROM sys.database_principals WHERE type = 'G' ORDER BY name",
    ),
    plain(
        "sp_cdc_help_change_data_capture",
        "@source_schema sysname = NULL, @source_name sysname = NULL",
        "DECLARE @db sysname = DB_NAME()\nRAISERROR(22901, -1, -1, @db)\nRETURN 1",
    ),
    plain("sp_helpsrvrole", "@srvrolename sysname = NULL", include_str!("helpsrvrole.sql")),
    plain(
        "sp_helplanguage",
        "@language sysname = NULL",
        "SELECT * FROM sys.syslanguages WHERE @language IS NULL OR name = @language OR alias = @language ORDER BY langid",
    ),
    plain(
        "sp_linkedservers",
        "@srvname sysname = NULL",
        "SELECT name AS SRV_NAME, provider AS SRV_PROVIDERNAME, product AS SRV_PRODUCT, data_source AS SRV_DATASOURCE, provider_string AS SRV_PROVIDERSTRING, location AS SRV_LOCATION, catalog AS SRV_CAT FROM sys.servers ORDER BY 1",
    ),
    form(
        "sp_refreshview",
        "@viewname nvarchar(776)",
        "DECLARE @name nvarchar(776) = @viewname, @view bit = 1\n",
        include_str!("refresh.sql"),
    ),
    form(
        "sp_refreshsqlmodule",
        "@name nvarchar(776), @namespace nvarchar(20) = 'OBJECT'",
        "DECLARE @view bit = 0\n",
        include_str!("refresh.sql"),
    ),
    plain(
        "sp_db_vardecimal_storage_format",
        "@dbname sysname = NULL, @vardecimal_storage_format varchar(3) = NULL",
        include_str!("vardecimal.sql"),
    ),
    // Full-text search is always allowed in a database; the procedure changes nothing since version 2008.
    plain("sp_fulltext_database", "@action varchar(20)", include_str!("fulltext_database.sql")),
    // .NET's bulk copy asks for the collations of its target, by position.
    plain("sp_tablecollations_90", "@object nvarchar(4000)", TABLE_COLLATIONS),
    plain("sp_tablecollations_100", "@object nvarchar(4000)", TABLE_COLLATIONS),
    plain("sp_procedure_params_managed", MANAGED, include_str!("procedure_params_managed.sql")),
    plain("sp_procedure_params_90_managed", MANAGED, include_str!("procedure_params_managed.sql")),
    plain("sp_procedure_params_100_managed", MANAGED, include_str!("procedure_params_managed.sql")),
    // What the server's process uses of the processors, in percent, over a quarter of a second.
    plain(
        "sp_getprocessorusage",
        "",
        "SET NOCOUNT ON\nDECLARE @before bigint, @after bigint, @start datetime2(7) = SYSDATETIME(), @processors int\n\
         SELECT @before = process_kernel_time_ms + process_user_time_ms, @processors = cpu_count FROM sys.dm_os_sys_info\n\
         WAITFOR DELAY '00:00:00.250'\n\
         SELECT @after = process_kernel_time_ms + process_user_time_ms FROM sys.dm_os_sys_info\n\
         DECLARE @percent bigint = (@after - @before) * 100000 / (DATEDIFF(microsecond, @start, SYSDATETIME()) * @processors)\n\
         SELECT CONVERT(int, CASE WHEN @percent > 100 THEN 100 ELSE @percent END)",
    ),
    // No history of backups is kept here, so there is none to delete.
    plain("sp_delete_database_backuphistory", "@database_name sysname", "RETURN 0"),
    plain("sp_delete_backuphistory", "@oldest_date datetime", "RETURN 0"),
];

/// Procedures that change databases or the server, or that ask for what is not measured or not here: known by name, so that a call says
/// what is missing.
const CHANGING: &[&str] = &[
    "sp_activedirectory_scp",
    "sp_addapprole",
    "sp_certify_removable",
    "sp_control_plan_guide",
    "sp_dbfixedrolepermission",
    "sp_enum_oledb_providers",
    "sp_monitor",
    "sp_msdbuserpriv",
    "sp_msdependencies",
    "sp_mshelpcolumns",
    "sp_msindexspace",
    "sp_mstablespace",
    "sp_primarykeys",
    "sp_srvrolepermission",
    "xp_enum_oledb_providers",
    "xp_get_tape_devices",
    "xp_prop_oledb_provider",
    "xp_qv",
    "sp_estimate_data_compression_savings",
    "sp_changeobjectowner",
    "sp_dropapprole",
    "sp_fulltext_catalog",
    "sp_invalidate_textptr",
    "sp_settriggerorder",
    "xp_availablemedia",
    "xp_cmdshell",
    "xp_delete_file",
    "xp_delete_files",
    "xp_instance_regdeletevalue",
    "xp_instance_regenumvalues",
    "xp_instance_regwrite",
    "xp_loginconfig",
    "xp_logininfo",
    "xp_regwrite",
    "xp_servicecontrol",
    "xp_sqlagent_enum_jobs",
];

/// Procedures of msdb for SQL Server Agent and Database Mail, neither of which is here: known by name, as [`CHANGING`] are.
const AGENT: &[&str] = &[
    "sp_add_alert",
    "sp_add_category",
    "sp_add_job",
    "sp_add_jobschedule",
    "sp_add_jobserver",
    "sp_add_jobstep",
    "sp_add_notification",
    "sp_add_operator",
    "sp_add_schedule",
    "sp_attach_schedule",
    "sp_delete_alert",
    "sp_delete_job",
    "sp_delete_jobschedule",
    "sp_delete_jobserver",
    "sp_delete_jobstep",
    "sp_delete_operator",
    "sp_delete_schedule",
    "sp_detach_schedule",
    "sp_enum_sqlagent_subsystems",
    "sp_get_sqlagent_properties",
    "sp_help_alert",
    "sp_help_category",
    "sp_help_job",
    "sp_help_jobactivity",
    "sp_help_jobhistory",
    "sp_help_jobschedule",
    "sp_help_jobstep",
    "sp_help_operator",
    "sp_purge_jobhistory",
    "sp_send_dbmail",
    "sp_start_job",
    "sp_stop_job",
    "sp_update_alert",
    "sp_update_job",
    "sp_update_jobschedule",
    "sp_update_jobstep",
    "sp_update_operator",
    "sp_update_schedule",
    "sysmail_add_account_sp",
    "sysmail_add_principalprofile_sp",
    "sysmail_add_profile_sp",
    "sysmail_add_profileaccount_sp",
    "sysmail_delete_account_sp",
    "sysmail_delete_mailitems_sp",
    "sysmail_help_configure_sp",
    "sysmail_delete_profile_sp",
    "sysmail_start_sp",
    "sysmail_stop_sp",
];

fn text(p: &Procedure) -> String {
    let mut body = p.body.replace("{more}", p.more);
    for (mark, fragment) in FRAGMENTS {
        body = body.replace(mark, fragment);
    }
    format!("CREATE PROCEDURE {} {} AS\n{}{body}", p.name, p.parameters, p.variables)
}

fn all() -> impl Iterator<Item = &'static Procedure> {
    PROCEDURES.iter().chain(rowset::PROCEDURES)
}

/// The text of a system procedure.
pub fn procedure_text(name: &str) -> Option<&'static str> {
    static TEXTS: OnceLock<HashMap<&'static str, String>> = OnceLock::new();
    TEXTS.get_or_init(|| all().map(|p| (p.name, text(p))).collect()).get(name).map(String::as_str)
}

/// The system procedure that a number behind a name stands for: `sp_foreign_keys_rowset;3` is the one with a 3 in its name.
pub fn numbered(name: &ObjectName, number: i64) -> Option<ObjectName> {
    let text = format!("{}{number}", name.name.text.to_lowercase());
    procedure_text(&text)?;
    let mut found = name.clone();
    found.name.text = text;
    Some(found)
}

/// Procedures that EXECUTE or a remote call answers by itself.
const OWN: &[&str] = &[
    "sp_attach_db",
    "sp_attach_single_file_db",
    "sp_cursor",
    "sp_cursor_list",
    "sp_cursorclose",
    "sp_cursorexecute",
    "sp_cursorfetch",
    "sp_cursoropen",
    "sp_cursoroption",
    "sp_cursorprepare",
    "sp_cursorprepexec",
    "sp_cursorunprepare",
    "sp_describe_cursor",
    "sp_describe_cursor_columns",
    "sp_describe_cursor_tables",
    "sp_describe_first_result_set",
    "sp_describe_parameter_encryption",
    "sp_describe_undeclared_parameters",
    "sp_detach_db",
    "sp_execute",
    "sp_executesql",
    "sp_getapplock",
    "sp_prepare",
    "sp_prepexec",
    "sp_releaseapplock",
    "sp_renamedb",
    "sp_reset_connection",
    "sp_sequence_get_range",
    "sp_set_session_context",
    "sp_setapprole",
    "sp_unprepare",
    "sp_unsetapprole",
    "sp_xml_preparedocument",
    "sp_xml_removedocument",
];

/// Whether a system procedure is one that a call finds: for OBJECT_ID and the catalogue.
pub fn is_there(name: &str) -> bool {
    let name = name.to_lowercase();
    OWN.contains(&name.as_str())
        || procedure_text(&name).is_some()
        || changes(&name)
        || crate::ddl::procedure::find(&name).is_some()
        || super::server_procedure::find(&name).is_some()
}

/// Whether a system procedure is known but would change something.
pub fn changes(name: &str) -> bool {
    CHANGING.contains(&name)
}

/// Whether msdb has a procedure of that name in SQL Server, and not here.
pub fn of_agent(name: &str) -> bool {
    AGENT.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_parses_and_no_mark_is_left() {
        for p in all() {
            let whole = text(p);
            let mut marks = FRAGMENTS.iter().map(|f| f.0).chain(["{more}"]);
            assert!(marks.all(|mark| !whole.contains(mark)), "{}", p.name);
            let parsed =
                holdfast_tsql::parse_batch(&whole, &holdfast_tsql::ParseOptions { quoted_identifier: true });
            assert!(parsed.is_ok(), "{}: {:?}", p.name, parsed.err());
            assert!(!changes(p.name), "{}", p.name);
        }
    }
}
