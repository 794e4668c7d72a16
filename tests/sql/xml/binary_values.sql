-- xs:hexBinary and xs:base64Binary: how scripts turn text into bytes and back.
DECLARE @hex varchar(20) = '0x41424344', @bytes varbinary(8) = 0x0AFF
SELECT CAST('' AS xml).value('xs:hexBinary(substring(sql:variable("@hex"), 3))', 'varbinary(8)') AS read_hex,
    CAST('' AS xml).value('xs:hexBinary(sql:variable("@bytes"))', 'varchar(max)') AS written_hex,
    CAST('' AS xml).value('xs:base64Binary(sql:variable("@bytes"))', 'varchar(max)') AS written_base64,
    CAST('' AS xml).value('sql:variable("@bytes")', 'varbinary(8)') AS as_it_is
GO
SELECT CAST(N'' AS xml).value('xs:base64Binary(sql:column("t"))', 'varbinary(20)') AS bytes,
    CAST(N'' AS xml).value('xs:base64Binary(xs:hexBinary(sql:column("h")))', 'varchar(20)') AS base64
FROM (SELECT 'SG9sZGZhc3Q=' AS t, '486F6C6466617374' AS h) q
GO
-- What is not of the form is no value.
SELECT CAST('' AS xml).value('xs:hexBinary("4")', 'varbinary(8)') AS odd, CAST('' AS xml).value('xs:hexBinary("zz")', 'varbinary(8)') AS letters,
    CAST('' AS xml).value('xs:base64Binary("?")', 'varbinary(8)') AS sign
GO
-- Binary values stand in base64 in xml.
DECLARE @x xml = (SELECT 0x010203 AS b FOR XML PATH('row'), BINARY BASE64)
SELECT @x AS x, @x.value('(/row/b)[1]', 'varbinary(8)') AS b, @x.exist('/row/b[. = "AQID"]') AS found
GO
