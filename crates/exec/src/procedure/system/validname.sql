IF @name IS NULL OR @name = N'' OR CHARINDEX(NCHAR(0), @name COLLATE Latin1_General_BIN2) > 0
BEGIN
    IF @raise_error = 1 RAISERROR(15004, -1, -1)
    RETURN 1
END
RETURN 0
