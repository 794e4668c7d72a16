exec sp_addmessage 50001, 16, N'Hello %s, you are %d'
exec sp_addmessage 50001, 16, N'Again'
exec sp_addmessage 50000, 16, N'x'
exec sp_addmessage 50002, 26, N'x'
exec sp_addmessage 50002, 10, N'x', 'Klingon'
exec sp_addmessage 50002, 10, N'x', 'us_english', 'maybe'
exec sp_addmessage
exec sp_addmessage 50002, 10, N'deutsch', 'German'
go
raiserror (50001, 16, 1, 'bob', 5)
raiserror (50001, -1, 3, 'bob', 5)
raiserror (50001, 10, 1, 'bob', 5)
raiserror (50001, 16, 1, 5, 'bob')
raiserror (50009, 16, 1)
raiserror (50000, 16, 1)
raiserror (5, 16, 1)
select formatmessage(50001, 'ann', 7) f, formatmessage(50009) g, formatmessage('[%5d|%-4s|%04x]', 42, 'ab', 255) h
go
exec sp_addmessage @msgnum = 50001, @severity = 15, @msgtext = N'%2! Jahre: %1!', @lang = 'German'
exec sp_addmessage @msgnum = 50001, @severity = 16, @msgtext = N'%2! Jahre: %1!', @lang = 'German', @with_log = 'true'
set language German
raiserror (50001, 16, 1, 'bob', 5)
select formatmessage(50001, 'ann', 7) f
set language us_english
raiserror (50001, 16, 1, 'bob', 5)
select message_id, language_id, severity, is_event_logged, text from sys.messages where message_id > 50000
select error, severity, dlevel, description, msglangid from master..sysmessages where error > 50000 order by msglangid
go
exec sp_addmessage 50001, 11, N'New %s', @replace = 'replace'
select message_id, language_id, severity, is_event_logged, text from sys.messages where message_id > 50000
exec sp_altermessage 50001, 'WITH_LOG', 'true'
exec sp_altermessage 50001, 'LOUD', 'true'
exec sp_altermessage 50077, 'WITH_LOG', 'true'
exec sp_altermessage 208, 'WITH_LOG', 'true'
select message_id, is_event_logged from sys.messages where message_id in (208, 50001) and language_id = 1033
go
exec sp_dropmessage 50001
exec sp_dropmessage 50001, 'French'
exec sp_dropmessage 50001, 'all'
exec sp_dropmessage 50001
exec sp_dropmessage 400
exec sp_dropmessage
select count(*) n from sys.messages where message_id > 50000
go
-- who may not
create login visitor with password = 'Str0ng!pass'
go
-- as visitor
exec sp_addmessage 50003, 16, N'x'
exec sp_configure 'nested triggers', 0
reconfigure
raiserror ('x', 16, 1) with log
go
