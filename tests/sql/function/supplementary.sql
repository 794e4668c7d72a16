-- Characters beyond the first plane, under collations that know them and others.
DECLARE @p nvarchar(20)=N'a😀b😎c  '
SELECT LEN(@p COLLATE Latin1_General_100_CI_AS_SC) len, LEN(@p COLLATE Latin1_General_100_CI_AS) plain, DATALENGTH(@p) bytes
SELECT LEFT(@p COLLATE Latin1_General_100_CI_AS_SC,2) l, RIGHT(@p COLLATE Latin1_General_100_CI_AS_SC,4) r
SELECT SUBSTRING(@p COLLATE Latin1_General_100_CI_AS_SC,2,3) s, SUBSTRING(@p COLLATE Latin1_General_100_CI_AS_SC,0,3) z
SELECT CHARINDEX(N'b',@p COLLATE Latin1_General_100_CI_AS_SC) i, CHARINDEX(N'b',@p) plain, CHARINDEX(N'c',@p COLLATE Latin1_General_100_CI_AS_SC,5) later, CHARINDEX(N'x',@p COLLATE Latin1_General_100_CI_AS_SC) none
SELECT REVERSE(@p COLLATE Latin1_General_100_CI_AS_SC) r, STUFF(@p COLLATE Latin1_General_100_CI_AS_SC,2,1,N'x') s, STUFF(@p COLLATE Latin1_General_100_CI_AS_SC,9,1,N'x') outside
SELECT UNICODE(N'😀' COLLATE Latin1_General_100_CI_AS_SC) u, UNICODE(N'😀' COLLATE Latin1_General_100_CI_AS) plain, NCHAR(128512) n
SELECT PATINDEX(N'%b%',@p COLLATE Latin1_General_100_CI_AS_SC) i, PATINDEX(N'%_b_c%',@p COLLATE Latin1_General_100_CI_AS_SC) w
SELECT CASE WHEN N'😀' COLLATE Latin1_General_100_CI_AS_SC LIKE N'_' THEN 1 ELSE 0 END sc, CASE WHEN N'😀' COLLATE Latin1_General_100_CI_AS LIKE N'_' THEN 1 ELSE 0 END plain,
 CASE WHEN N'x😀y' COLLATE Latin1_General_100_CI_AS_SC LIKE N'x[^a]y' THEN 1 ELSE 0 END negated
SELECT LEFT(@p COLLATE Latin1_General_100_CI_AS_SC,-1) l
GO
SELECT LEN(N'plain' COLLATE Latin1_General_100_CI_AS_SC) l, SUBSTRING(N'plain' COLLATE Latin1_General_100_CI_AS_SC,2,2) s
GO
CREATE DATABASE supplementary COLLATE Latin1_General_100_CI_AS_SC
GO
USE supplementary
GO
SELECT NCHAR(128512) n, LEN(NCHAR(128512)) l, UNICODE(NCHAR(128512)) u, NCHAR(65) a, NCHAR(1114112) beyond
GO
USE master
DROP DATABASE supplementary
GO
