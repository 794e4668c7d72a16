-- What Management Studio writes for a whole database, and the first questions of tools.
USE [master]
GO
CREATE DATABASE [Generated]
 CONTAINMENT = NONE
 WITH CATALOG_COLLATION = DATABASE_DEFAULT, LEDGER = OFF
GO
IF (1 = FULLTEXTSERVICEPROPERTY('IsFullTextInstalled'))
begin
EXEC [Generated].[dbo].[sp_fulltext_database] @action = 'enable'
end
GO
ALTER DATABASE [Generated] SET ANSI_NULL_DEFAULT OFF 
GO
ALTER DATABASE [Generated] SET AUTO_CLOSE OFF 
GO
ALTER DATABASE [Generated] SET CURSOR_DEFAULT  GLOBAL 
GO
ALTER DATABASE [Generated] SET  DISABLE_BROKER 
GO
ALTER DATABASE [Generated] SET PARAMETERIZATION SIMPLE 
GO
ALTER DATABASE [Generated] SET RECOVERY SIMPLE 
GO
ALTER DATABASE [Generated] SET  MULTI_USER 
GO
ALTER DATABASE [Generated] SET PAGE_VERIFY CHECKSUM  
GO
ALTER DATABASE [Generated] SET FILESTREAM( NON_TRANSACTED_ACCESS = OFF ) 
GO
ALTER DATABASE [Generated] SET FILESTREAM( NON_TRANSACTED_ACCESS = FULL ) 
GO
ALTER DATABASE [Generated] SET TARGET_RECOVERY_TIME = 60 SECONDS 
GO
EXEC sys.sp_db_vardecimal_storage_format N'Generated', N'ON'
GO
EXEC sys.sp_db_vardecimal_storage_format N'NoSuch', N'ON'
GO
USE [Generated]
GO
ALTER DATABASE SCOPED CONFIGURATION SET MAXDOP = 0;
GO
ALTER DATABASE SCOPED CONFIGURATION FOR SECONDARY SET MAXDOP = PRIMARY;
GO
ALTER DATABASE SCOPED CONFIGURATION SET LEGACY_CARDINALITY_ESTIMATION = OFF;
GO
ALTER DATABASE SCOPED CONFIGURATION CLEAR PROCEDURE_CACHE;
GO
ALTER DATABASE SCOPED CONFIGURATION SET MAXDOP = 4;
GO
CREATE SEQUENCE [dbo].[Numbers] AS [int] START WITH 5 INCREMENT BY 2 MINVALUE 1 MAXVALUE 99 CACHE
GO
SELECT * FROM INFORMATION_SCHEMA.SEQUENCES
SELECT configuration_id, name, value, is_value_default FROM sys.database_scoped_configurations WHERE configuration_id < 5 ORDER BY 1
SELECT FULLTEXTSERVICEPROPERTY('IsFullTextInstalled') AS ft, CONNECTIONPROPERTY('net_transport') AS net, CONNECTIONPROPERTY('nonsense') AS no, FILEPROPERTY('Generated', 'IsPrimaryFile') AS prim, FILEPROPERTY('Generated_log', 'IsLogFile') AS lg, FILEPROPERTY('nothing', 'SpaceUsed') AS none
SELECT CASE WHEN FILEPROPERTY('Generated', 'SpaceUsed') BETWEEN 1 AND (SELECT size FROM sys.database_files WHERE file_id = 1) THEN 'some of the file' END AS used
SELECT INDEXPROPERTY(NULL, 'x', 'IsUnique') AS a, INDEX_COL('nothing', 1, 1) AS b
SELECT name, ledger_type, ledger_type_desc, is_dropped_ledger_table FROM sys.tables
GO
SELECT COUNT(*) AS n, MIN(number) AS lo, MAX(number) AS hi FROM master..spt_values WHERE type = 'P'
SELECT number, low, high FROM master.dbo.spt_values WHERE type = 'P' AND number IN (0, 1, 8, 13) ORDER BY number
SELECT COUNT(*) AS backups FROM msdb.dbo.backupset b JOIN msdb.dbo.backupmediafamily f ON f.media_set_id = b.media_set_id
SELECT COUNT(*) AS n FROM spt_values
GO
SELECT CASE WHEN total_physical_memory_kb > available_physical_memory_kb AND available_physical_memory_kb > 0 THEN 'ok' END AS memory FROM sys.dm_os_sys_memory
SELECT CASE WHEN COUNT(*) > 0 AND MIN(status) = 'VISIBLE ONLINE' THEN 'ok' END AS processors FROM sys.dm_os_schedulers
BEGIN TRANSACTION
CREATE TABLE dbo.T (a int)
SELECT COUNT(*) AS open_here FROM sys.dm_tran_database_transactions t JOIN sys.dm_tran_session_transactions s ON s.transaction_id = t.transaction_id WHERE s.session_id = @@SPID AND t.database_id = DB_ID()
ROLLBACK
GO
CREATE TABLE dbo.J (id int, doc json)
GO
CREATE FUNCTION dbo.Len_ (@s varchar(10)) RETURNS int WITH RETURNS NULL ON NULL INPUT AS BEGIN RETURN ISNULL(LEN(@s), -1) END
GO
SELECT dbo.Len_('abc') AS a, dbo.Len_(NULL) AS b
GO
EXEC msdb.dbo.sp_delete_database_backuphistory @database_name = N'Generated'
GO
USE [master]
GO
ALTER DATABASE [Generated] SET  SINGLE_USER WITH ROLLBACK IMMEDIATE
GO
DROP DATABASE [Generated]
GO
