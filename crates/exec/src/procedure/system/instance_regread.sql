SET NOCOUNT ON
-- What an instance keeps in its part of the registry is a server property here; other keys are not there.
DECLARE @data nvarchar(4000) = CONVERT(nvarchar(4000), CASE @value_name
    WHEN N'BackupDirectory' THEN SERVERPROPERTY('InstanceDefaultBackupPath')
    WHEN N'DefaultData' THEN SERVERPROPERTY('InstanceDefaultDataPath')
    WHEN N'DefaultLog' THEN SERVERPROPERTY('InstanceDefaultLogPath')
    WHEN N'SQLDataRoot' THEN SERVERPROPERTY('InstanceDefaultDataPath')
    WHEN N'LoginMode' THEN N'2' END)
IF @data IS NULL RETURN 1
IF @value = N'(none)'
    SELECT @value_name AS Value, @data AS Data
ELSE
    SET @value = @data
RETURN 0
