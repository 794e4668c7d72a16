IF @action NOT IN ('enable', 'disable')
BEGIN
    RAISERROR(15600, -1, -1, 'sys.sp_fulltext_database')
    RETURN 1
END
RETURN 0
