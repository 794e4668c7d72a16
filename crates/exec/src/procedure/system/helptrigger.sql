DECLARE @objname nvarchar(776) = @tabname
{find_object}
IF @triggertype IS NOT NULL AND @triggertype NOT IN ('UPDATE', 'INSERT', 'DELETE')
BEGIN
    RAISERROR(15305, -1, -1)
    RETURN 1
END
SELECT t.name AS trigger_name, USER_NAME(ISNULL(o.principal_id, s.principal_id)) AS trigger_owner,
    CONVERT(int, OBJECTPROPERTY(t.object_id, 'ExecIsUpdateTrigger')) AS isupdate, CONVERT(int, OBJECTPROPERTY(t.object_id, 'ExecIsDeleteTrigger')) AS isdelete,
    CONVERT(int, OBJECTPROPERTY(t.object_id, 'ExecIsInsertTrigger')) AS isinsert, CONVERT(int, 1 - t.is_instead_of_trigger) AS isafter,
    CONVERT(int, t.is_instead_of_trigger) AS isinsteadof, s.name AS trigger_schema
FROM sys.triggers t JOIN sys.objects o ON o.object_id = t.parent_id JOIN sys.schemas s ON s.schema_id = o.schema_id
WHERE t.parent_id = @found AND (@triggertype IS NULL OR EXISTS (SELECT 1 FROM sys.trigger_events e WHERE e.object_id = t.object_id AND e.type_desc = @triggertype))
ORDER BY 1
