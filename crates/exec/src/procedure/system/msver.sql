SELECT [Index], CONVERT(nvarchar(32), Name) AS Name, Internal_Value, CONVERT(nvarchar(512), Character_Value) AS Character_Value
FROM (VALUES
    (1, 'ProductName', CONVERT(int, NULL), CONVERT(nvarchar(512), 'Microsoft SQL Server')),
    (2, 'ProductVersion', CONVERT(int, PARSENAME(CONVERT(varchar(60), SERVERPROPERTY('ProductVersion')), 4)) * 65536 + CONVERT(int, PARSENAME(CONVERT(varchar(60), SERVERPROPERTY('ProductVersion')), 3)),
        CONVERT(nvarchar(512), SERVERPROPERTY('ProductVersion'))),
    (3, 'Language', 1033, 'English (United States)'),
    (4, 'Platform', NULL, 'NT x64'),
    (15, 'WindowsVersion', NULL, (SELECT host_release FROM sys.dm_os_host_info)),
    (16, 'ProcessorCount', (SELECT cpu_count FROM sys.dm_os_sys_info), CONVERT(nvarchar(12), (SELECT cpu_count FROM sys.dm_os_sys_info))),
    (19, 'PhysicalMemory', (SELECT CONVERT(int, physical_memory_kb / 1024) FROM sys.dm_os_sys_info), CONVERT(nvarchar(20), (SELECT physical_memory_kb / 1024 FROM sys.dm_os_sys_info)))
) v ([Index], Name, Internal_Value, Character_Value)
WHERE @optname IS NULL OR Name = @optname
ORDER BY 1
