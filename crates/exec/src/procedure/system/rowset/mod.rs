//! Schema rowsets of OLE DB: what SQLOLEDB and MSOLEDBSQL (ADO, Excel, linked servers) ask for by name.
//!
//! Invariants
//! 1. Columns, their order and types are those of the schema rowsets of OLE DB with the columns that SQL Server adds; providers read by position.
//! 2. Forms without a number answer about one table (or procedure, view …), those with a 2 about all. Forms without a suffix answer as to
//!    providers of before 2005, `_90` as to those of 2005, `_100` to those of 2008 and later.
//! 3. What nobody keeps (GUIDs, property ids, character sets) is NULL.
//!
//! Evidence: documentation of the OLE DB schema rowsets; layouts and parameters as clients report them from SQL Server.

use super::{FORM_28, FORM_90, FORM_100, Procedure, form};

const fn with_more(
    name: &'static str,
    parameters: &'static str,
    variables: &'static str,
    more: &'static str,
    body: &'static str,
) -> Procedure {
    Procedure { name, parameters, variables, more, body }
}

const TABLES: &str = include_str!("tables.sql");
const TABLES_INFO: &str = include_str!("tables_info.sql");
const COLUMNS: &str = include_str!("columns.sql");
const INDEXES: &str = include_str!("indexes.sql");
const PRIMARY_KEYS: &str = include_str!("primary_keys.sql");
const FOREIGN_KEYS: &str = include_str!("foreign_keys.sql");
const CATALOGS: &str = include_str!("catalogs.sql");
const VIEWS: &str = include_str!("views.sql");
const PROCEDURES_BODY: &str = include_str!("procedures.sql");
const PARAMETERS: &str = include_str!("procedure_params.sql");
const PROVIDER_TYPES: &str = include_str!("provider_types.sql");
const CONSTRAINTS: &str = include_str!("table_constraints.sql");
const CHECKS: &str = include_str!("check_constraints.sql");
const STATISTICS: &str = include_str!("statistics.sql");
const PRIVILEGES: &str = include_str!("privileges.sql");
const COLUMN_PRIVILEGES: &str = include_str!("column_privileges.sql");

const ONE_TABLE: &str = "@table_name sysname, @table_schema sysname = NULL";
const ONE_TABLE_TYPE: &str =
    "@table_name sysname, @table_schema sysname = NULL, @table_type nvarchar(255) = NULL";
const TABLE_TYPE: &str = "@table_schema sysname = NULL, @table_type nvarchar(255) = NULL";
const TABLE_SCHEMA: &str = "@table_schema sysname = NULL";
const ALL_TABLES: &str = "DECLARE @table_name sysname\n";
const ONE_COLUMN: &str = "@table_name sysname, @table_schema sysname = NULL, @column_name sysname = NULL";
const COLUMN: &str = "@table_schema sysname = NULL, @column_name sysname = NULL";
const ALL_28: &str = "DECLARE @table_name sysname, @flavour int = 28\n";
const ALL_90: &str = "DECLARE @table_name sysname, @flavour int = 90\n";
const ALL_100: &str = "DECLARE @table_name sysname, @flavour int = 100\n";
/// What providers of 2005 get behind the columns of OLE DB.
macro_rules! columns_90 {
    () => {
        ", CASE WHEN xml_name IS NOT NULL THEN DB_NAME() END AS SS_XML_SCHEMACOLLECTION_CATALOGNAME, \
    CONVERT(sysname, SCHEMA_NAME(xml_schema)) AS SS_XML_SCHEMACOLLECTION_SCHEMANAME, xml_name AS SS_XML_SCHEMACOLLECTIONNAME, \
    CASE WHEN udt_name IS NOT NULL THEN DB_NAME() END AS SS_UDT_CATALOGNAME, CONVERT(sysname, SCHEMA_NAME(udt_schema)) AS SS_UDT_SCHEMANAME, \
    udt_name AS SS_UDT_NAME, CONVERT(nvarchar(4000), assembly_qualified_name) AS SS_UDT_ASSEMBLY_TYPENAME"
    };
}
const COLUMNS_90: &str = columns_90!();
const COLUMNS_100: &str = concat!(
    columns_90!(),
    ", \
    CONVERT(bit, is_sparse) AS SS_IS_SPARSE, CONVERT(bit, is_column_set) AS SS_IS_COLUMN_SET"
);
const ONE_INDEX: &str = "@table_name sysname, @index_name sysname = NULL, @table_schema sysname = NULL";
const INDEX: &str = "@index_name sysname = NULL, @table_schema sysname = NULL";
const INDEX_STATUS: &str = ", CONVERT(int, NULL) AS STATUS";
const PROCEDURE: &str = "@procedure_name sysname, @group_number int = 1, @procedure_schema sysname = NULL, @parameter_name sysname = NULL";
const PARAMETER: &str = "@procedure_schema sysname = NULL, @parameter_name sysname = NULL";
const EVERY_28: &str = "DECLARE @procedure_name sysname, @group_number int, @flavour int = 28\n";
const EVERY_90: &str = "DECLARE @procedure_name sysname, @group_number int, @flavour int = 90\n";
const EVERY_100: &str = "DECLARE @procedure_name sysname, @group_number int, @flavour int = 100\n";
/// What providers of 2005 get behind the columns of OLE DB.
macro_rules! parameters_90 {
    () => {
        ", CASE WHEN xml_name IS NOT NULL THEN DB_NAME() END AS SS_XML_SCHEMACOLLECTION_CATALOGNAME, \
    CONVERT(sysname, SCHEMA_NAME(xml_schema)) AS SS_XML_SCHEMACOLLECTION_SCHEMANAME, xml_name AS SS_XML_SCHEMACOLLECTIONNAME, \
    CASE xtype WHEN 240 THEN DB_NAME() END AS SS_UDT_CATALOGNAME, CONVERT(sysname, CASE xtype WHEN 240 THEN SCHEMA_NAME(type_schema) END) AS SS_UDT_SCHEMANAME, \
    CASE xtype WHEN 240 THEN own_name END AS SS_UDT_NAME, CONVERT(nvarchar(4000), assembly_qualified_name) AS SS_UDT_ASSEMBLY_TYPENAME"
    };
}
const PARAMETERS_90: &str = parameters_90!();
const PARAMETERS_100: &str = concat!(
    parameters_90!(),
    ", \
    CASE xtype WHEN 243 THEN DB_NAME() END AS SS_TYPE_CATALOG_NAME, CONVERT(sysname, CASE xtype WHEN 243 THEN SCHEMA_NAME(type_schema) END) AS SS_TYPE_SCHEMANAME, \
    FRACTION AS SS_DATETIME_PRECISION"
);
const PROVIDED: &str = "@data_type smallint = NULL, @best_match tinyint = NULL";
const PK_SIDE: &str = "@pk_table_name sysname, @pk_table_schema sysname = NULL, @foreignkey_tab_name sysname = NULL, @foreignkey_tab_schema sysname = NULL, @foreignkey_tab_catalog sysname = NULL";
const FK_SIDE: &str = "@foreignkey_tab_name sysname, @foreignkey_tab_schema sysname = NULL, @pk_table_name sysname = NULL, @pk_table_schema sysname = NULL, @pk_table_catalog sysname = NULL";
const BOTH_SIDES: &str = "@pk_table_schema sysname = NULL, @pk_table_catalog sysname = NULL, @foreignkey_tab_schema sysname = NULL, @foreignkey_tab_catalog sysname = NULL";
const ONE_CONSTRAINT: &str = "@table_name sysname, @table_schema sysname = NULL, @table_catalog sysname = NULL, @constraint_name sysname = NULL, @constraint_schema sysname = NULL, @constraint_catalog sysname = NULL, @constraint_type nvarchar(255) = NULL";
const CONSTRAINT: &str = "@table_schema sysname = NULL, @table_catalog sysname = NULL, @constraint_name sysname = NULL, @constraint_schema sysname = NULL, @constraint_catalog sysname = NULL, @constraint_type nvarchar(255) = NULL";

pub(super) const PROCEDURES: &[Procedure] = &[
    form("sp_tables_rowset", ONE_TABLE_TYPE, "", TABLES),
    form("sp_tables_rowset2", TABLE_TYPE, ALL_TABLES, TABLES),
    form("sp_tables_info_rowset", ONE_TABLE_TYPE, "", TABLES_INFO),
    form("sp_tables_info_rowset2", TABLE_TYPE, ALL_TABLES, TABLES_INFO),
    with_more(
        "sp_tables_info_90_rowset",
        ONE_TABLE_TYPE,
        "",
        ", CONVERT(int, NULL) AS TABLE_FLAGS",
        TABLES_INFO,
    ),
    with_more(
        "sp_tables_info_90_rowset2",
        TABLE_TYPE,
        ALL_TABLES,
        ", CONVERT(int, NULL) AS TABLE_FLAGS",
        TABLES_INFO,
    ),
    form("sp_columns_rowset", ONE_COLUMN, FORM_28, COLUMNS),
    form("sp_columns_rowset2", COLUMN, ALL_28, COLUMNS),
    with_more("sp_columns_90_rowset", ONE_COLUMN, FORM_90, COLUMNS_90, COLUMNS),
    with_more("sp_columns_90_rowset2", COLUMN, ALL_90, COLUMNS_90, COLUMNS),
    with_more("sp_columns_100_rowset", ONE_COLUMN, FORM_100, COLUMNS_100, COLUMNS),
    with_more("sp_columns_100_rowset2", COLUMN, ALL_100, COLUMNS_100, COLUMNS),
    form("sp_indexes_rowset", ONE_INDEX, "", INDEXES),
    form("sp_indexes_rowset2", INDEX, ALL_TABLES, INDEXES),
    form("sp_indexes_90_rowset", ONE_INDEX, "", INDEXES),
    form("sp_indexes_90_rowset2", INDEX, ALL_TABLES, INDEXES),
    with_more("sp_indexes_100_rowset", ONE_INDEX, "", INDEX_STATUS, INDEXES),
    with_more("sp_indexes_100_rowset2", INDEX, ALL_TABLES, INDEX_STATUS, INDEXES),
    form("sp_primary_keys_rowset", ONE_TABLE, "", PRIMARY_KEYS),
    form("sp_primary_keys_rowset2", TABLE_SCHEMA, ALL_TABLES, PRIMARY_KEYS),
    form("sp_foreign_keys_rowset", PK_SIDE, "DECLARE @pk_table_catalog sysname\n", FOREIGN_KEYS),
    form("sp_foreign_keys_rowset2", FK_SIDE, "DECLARE @foreignkey_tab_catalog sysname\n", FOREIGN_KEYS),
    form(
        "sp_foreign_keys_rowset3",
        BOTH_SIDES,
        "DECLARE @pk_table_name sysname, @foreignkey_tab_name sysname\n",
        FOREIGN_KEYS,
    ),
    form(
        "sp_schemata_rowset",
        "@schema_name sysname = NULL, @schema_owner sysname = NULL",
        "",
        include_str!("schemata.sql"),
    ),
    form("sp_catalogs_rowset", "@catalog_name sysname", "", CATALOGS),
    form("sp_catalogs_rowset2", "", "DECLARE @catalog_name sysname\n", CATALOGS),
    form("sp_views_rowset", "@view_name sysname, @view_schema sysname = NULL", "", VIEWS),
    form("sp_views_rowset2", "@view_schema sysname = NULL", "DECLARE @view_name sysname\n", VIEWS),
    form(
        "sp_procedures_rowset",
        "@procedure_name sysname, @group_number int = 1, @procedure_schema sysname = NULL",
        "",
        PROCEDURES_BODY,
    ),
    form(
        "sp_procedures_rowset2",
        "@procedure_schema sysname = NULL",
        "DECLARE @procedure_name sysname, @group_number int\n",
        PROCEDURES_BODY,
    ),
    form("sp_procedure_params_rowset", PROCEDURE, FORM_28, PARAMETERS),
    form("sp_procedure_params_rowset2", PARAMETER, EVERY_28, PARAMETERS),
    with_more("sp_procedure_params_90_rowset", PROCEDURE, FORM_90, PARAMETERS_90, PARAMETERS),
    with_more("sp_procedure_params_90_rowset2", PARAMETER, EVERY_90, PARAMETERS_90, PARAMETERS),
    with_more("sp_procedure_params_100_rowset", PROCEDURE, FORM_100, PARAMETERS_100, PARAMETERS),
    with_more("sp_procedure_params_100_rowset2", PARAMETER, EVERY_100, PARAMETERS_100, PARAMETERS),
    form("sp_provider_types_rowset", PROVIDED, FORM_28, PROVIDER_TYPES),
    form("sp_provider_types_90_rowset", PROVIDED, FORM_90, PROVIDER_TYPES),
    form("sp_provider_types_100_rowset", PROVIDED, FORM_100, PROVIDER_TYPES),
    form("sp_table_constraints_rowset", ONE_CONSTRAINT, "", CONSTRAINTS),
    form("sp_table_constraints_rowset2", CONSTRAINT, ALL_TABLES, CONSTRAINTS),
    form(
        "sp_check_constraints_rowset",
        "@constraint_name sysname, @constraint_schema sysname = NULL",
        "",
        CHECKS,
    ),
    form(
        "sp_check_constraints_rowset2",
        "@constraint_schema sysname = NULL",
        "DECLARE @constraint_name sysname\n",
        CHECKS,
    ),
    form("sp_statistics_rowset", ONE_TABLE, "", STATISTICS),
    form("sp_statistics_rowset2", TABLE_SCHEMA, ALL_TABLES, STATISTICS),
    form(
        "sp_table_privileges_rowset",
        "@table_name sysname, @table_schema sysname = NULL, @grantor sysname = NULL, @grantee sysname = NULL",
        "",
        PRIVILEGES,
    ),
    form(
        "sp_table_privileges_rowset2",
        "@table_schema sysname = NULL, @grantor sysname = NULL, @grantee sysname = NULL",
        ALL_TABLES,
        PRIVILEGES,
    ),
    form(
        "sp_column_privileges_rowset",
        "@table_name sysname, @table_schema sysname = NULL, @column_name sysname = NULL, @grantor sysname = NULL, @grantee sysname = NULL",
        "",
        COLUMN_PRIVILEGES,
    ),
    form(
        "sp_column_privileges_rowset2",
        "@table_schema sysname = NULL, @column_name sysname = NULL, @grantor sysname = NULL, @grantee sysname = NULL",
        ALL_TABLES,
        COLUMN_PRIVILEGES,
    ),
];
