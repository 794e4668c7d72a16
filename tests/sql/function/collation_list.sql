select case when count(*) > 3900 then 'all' end as n from fn_helpcollations();
select name, description from sys.fn_helpcollations() where name in ('Latin1_General_CI_AS', 'Latin1_General_BIN', 'Latin1_General_BIN2', 'Latin1_General_100_CS_AI_KS_WS_SC', 'Latin1_General_100_CI_AS_SC_UTF8', 'SQL_Latin1_General_CP1_CI_AS', 'SQL_Latin1_General_CP437_BIN', 'Japanese_XJIS_140_CI_AS_VSS', 'Japanese_XJIS_140_CI_AS', 'Danish_Norwegian_CI_AS') order by name;
go
