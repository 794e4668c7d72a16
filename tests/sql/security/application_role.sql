-- Application roles: made, put on with their password, taken off with the cookie; SETUSER.
CREATE DATABASE approles
GO
USE approles
GO
CREATE TABLE open_(a int)
CREATE TABLE closed(a int)
INSERT open_ VALUES(1)
INSERT closed VALUES(2)
GO
CREATE APPLICATION ROLE short WITH PASSWORD='x'
GO
CREATE APPLICATION ROLE sales WITH PASSWORD='Fr1day!night', DEFAULT_SCHEMA=dbo
GO
CREATE APPLICATION ROLE sales WITH PASSWORD='Fr1day!night'
GO
GRANT SELECT ON open_ TO sales
SELECT name, type, type_desc, default_schema_name FROM sys.database_principals WHERE type='A'
GO
EXEC sp_setapprole 'sales','wrong'
GO
EXEC sp_setapprole 'nosuch','wrong'
GO
DECLARE @c varbinary(8000)
EXEC sp_setapprole 'sales','Fr1day!night',@fCreateCookie=true,@cookie=@c OUTPUT
SELECT USER_NAME() u, SUSER_NAME() s, IS_SRVROLEMEMBER('sysadmin') a, DATALENGTH(@c) n
SELECT * FROM open_
EXEC sp_unsetapprole 0x01
EXEC sp_unsetapprole @c
SELECT USER_NAME() u
GO
DECLARE @c varbinary(8000)
EXEC sp_setapprole 'sales','Fr1day!night',@fCreateCookie=true,@cookie=@c OUTPUT
EXEC sp_set_session_context 'cookie', @c
GO
SELECT * FROM closed
GO
CREATE TABLE mine(a int)
GO
USE master
SELECT USER_NAME() u
USE approles
REVERT
GO
DECLARE @c varbinary(8000)=CONVERT(varbinary(8000),SESSION_CONTEXT(N'cookie'))
EXEC sp_unsetapprole @c
SELECT * FROM closed
GO
ALTER APPLICATION ROLE sales WITH NAME=shop, PASSWORD='An0ther!one'
GO
EXEC sp_setapprole 'shop','Fr1day!night'
GO
BEGIN TRAN
EXEC sp_setapprole 'shop','An0ther!one'
ROLLBACK
GO
EXEC('EXEC sp_setapprole ''shop'',''An0ther!one''')
GO
DROP ROLE shop
GO
DROP APPLICATION ROLE shop
SELECT COUNT(*) n FROM sys.database_principals WHERE type='A'
GO
CREATE USER anna WITHOUT LOGIN
GO
SETUSER 'anna'
SELECT USER_NAME() u
GO
SELECT * FROM closed
GO
SETUSER
SELECT USER_NAME() u
GO
-- Triggers are not told passwords.
CREATE TRIGGER told ON DATABASE FOR CREATE_APPLICATION_ROLE, ALTER_APPLICATION_ROLE AS
PRINT EVENTDATA().value('(/EVENT_INSTANCE/TSQLCommand/CommandText)[1]','nvarchar(max)')
GO
CREATE APPLICATION ROLE quiet WITH PASSWORD = N'S3cret!word', DEFAULT_SCHEMA = dbo
GO
ALTER APPLICATION ROLE quiet WITH NAME = silent, PASSWORD='S3cret!more'
GO
USE master
DROP DATABASE approles
GO
