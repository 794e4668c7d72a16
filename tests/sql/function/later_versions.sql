-- Percentiles, truncated dates, gaps of time zones, JSON in both directions, encodings of XML texts.
create table #ap(g char(1), v int)
insert #ap values ('a', 10), ('a', 20), ('a', 30), ('b', 100)
select g, approx_percentile_cont(0.5) within group (order by v) c, approx_percentile_disc(0.5) within group (order by v) d from #ap group by g order by g
select approx_percentile_cont(0) within group (order by v) a, approx_percentile_cont(1) within group (order by v) b, approx_percentile_cont(0.25) within group (order by v desc) c from #ap
go
select approx_percentile_cont(0.5) from #ap
go
select datetrunc(day, '2021-12-08 11:30:15.1234567') d, sql_variant_property(datetrunc(day, '2021-12-08 11:30:15.1234567'), 'BaseType') t
go
select cast('2022-03-27 02:01' as datetime2(0)) at time zone 'Central European Standard Time' a, cast('2022-03-27 01:59' as datetime2(0)) at time zone 'Central European Standard Time' b,
    cast('2022-03-27 03:00' as datetime2(0)) at time zone 'Central European Standard Time' c, cast('2022-03-13 02:30' as datetime2(0)) at time zone 'Pacific Standard Time' d,
    cast('2022-10-30 02:30' as datetime2(0)) at time zone 'Central European Standard Time' e
go
select json_modify('[]', 'append $', 1) a, json_modify('[1]', 'append $', json_query('{"a":1}')) b, json_modify('{"a":1}', 'append $', 1) c
go
select b from openjson('{"b":"SGVsbG8="}') with (b varbinary(max))
select b from openjson('{"b":"SGVsbG8="}') with (b varbinary(5))
go
select b from openjson('{"b":"!!!"}') with (b varbinary(max))
go
select * from openjson('{"a":[1,2]}') with (a int as json)
go
select cast(N'<?xml version="1.0" encoding="utf-8"?><a/>' as xml)
go
select cast('<?xml version="1.0" encoding="utf-16"?><a/>' as xml)
go
select cast(N'<?xml version="1.0" encoding="utf-16"?><a/>' as xml) a, cast('<?xml version="1.0" encoding="utf-8"?><b/>' as xml) b, cast(N'<?xml version="1.0"?><c/>' as xml) c
