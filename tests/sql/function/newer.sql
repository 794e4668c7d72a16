select compress(cast(null as varchar(10))) n, cast(decompress(compress('Holdfast')) as varchar(20)) t, cast(decompress(compress(N'žluť')) as nvarchar(20)) u, substring(compress('a'), 1, 10) header
select iif(datalength(compress(replicate(cast('a' as varchar(max)), 100000))) < 1000, 'yes', 'no') small, datalength(decompress(compress(replicate(cast('a' as varchar(max)), 100000)))) large
select decompress(0x0102)
go
select datalength(crypt_gen_random(16)) n, case when crypt_gen_random(8) = crypt_gen_random(8) then 'same' else 'other' end, crypt_gen_random(0) z
select isjson('[1]', array) a, isjson('{}', array) b, isjson('1', scalar) c, isjson('{}', object) d, isjson('"x"', value) e, isjson('{', value) f, isjson(null, array) g
go
select isjson('[]', thing)
go
select sessionproperty('ANSI_NULLS') a, sessionproperty('NUMERIC_ROUNDABORT') b, sessionproperty('nothing') c, current_request_id() r
set ansi_padding off
select sessionproperty('ANSI_PADDING')
select stats_date(object_id('nothing'), 1) n
