#!/bin/sh
# FreeTDS tsql (GnuTLS): every protocol version it speaks, types, NULL, several result sets, an error.
set -eu
run() {
    printf '%s\ngo\nquit\n' "$2" | TDSVER="$1" timeout 60 tsql -H "$HOLDFAST_HOST" -p "$HOLDFAST_PORT" -U sa \
        -P "$HOLDFAST_PASSWORD" -D Harbour 2>&1
}
expect() {
    case "$3" in
        *"$2"*) checks=$((checks + 1)) ;;
        *) echo "$1: expected '$2' in: $3" >&2; exit 1 ;;
    esac
}
checks=0
for version in 7.1 7.2 7.3 7.4; do
    expect "database with $version" Harbour "$(run $version 'SELECT DB_NAME()')"
    out=$(run $version "SELECT CAST('2024-02-29' AS date), CAST(NULL AS int), N'é', CAST(1.50 AS decimal(9,2))")
    expect "types with $version" NULL "$out"
    expect "types with $version" 1.50 "$out"
    expect "rows with $version" "(5000 rows affected)" "$(run $version 'SELECT * FROM dbo.Orders')"
done
expect "two sets" "(2 rows affected)" "$(run 7.4 'SELECT 1; SELECT TOP 2 Name FROM dbo.Customers')"
expect "an error" "Invalid object name 'dbo.Nowhere'" "$(run 7.4 'SELECT * FROM dbo.Nowhere')"
expect "a refusal" "Login failed for user 'sa'" "$(HOLDFAST_PASSWORD=wrong run 7.4 'SELECT 1' || true)"
echo "$checks checks"
