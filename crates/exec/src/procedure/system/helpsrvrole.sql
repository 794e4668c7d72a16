SELECT v.ServerRole, v.Description FROM (VALUES
    (1, N'sysadmin', N'System Administrators'), (2, N'securityadmin', N'Security Administrators'),
    (3, N'serveradmin', N'Server Administrators'), (4, N'setupadmin', N'Setup Administrators'),
    (5, N'processadmin', N'Process Administrators'), (6, N'diskadmin', N'Disk Administrators'),
    (7, N'dbcreator', N'Database Creators'), (8, N'bulkadmin', N'Bulk Insert Administrators')) v(n, ServerRole, Description)
WHERE @srvrolename IS NULL OR v.ServerRole = @srvrolename
ORDER BY v.n
