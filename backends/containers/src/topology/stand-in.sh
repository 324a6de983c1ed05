#!/bin/sh
# Stands before the backup tool while a rehearsal says so.
tool=/usr/bin/pgbackrest
setting() { cat "/run/pgdrill/$1" 2>/dev/null; }
case " $* " in
*' archive-push '*)
    delay=$(setting delay)
    [ -z "$delay" ] || sleep "$delay"
    exec "$tool" "$@"
    ;;
*' server ') exec "$tool" "$@" ;;
esac
is_info=no
case " $* " in *' info '*) is_info=yes ;; esac
case "$(setting failure-mode)-$is_info" in
hangs-*) exec sleep 86400 ;;
garbled-yes)
    echo 'pgdrill: this is no inventory'
    exit 0
    ;;
strange-label-yes)
    "$tool" "$@" | sed 's/"label":"[0-9]\{8\}-[0-9]\{6\}F"/"label":"backup-of-last-week"/'
    exit 0
    ;;
silent-*)
    output=$(mktemp)
    "$tool" "$@" > "$output"
    code=$?
    [ "$code" -ne 0 ] || cat "$output"
    rm -f "$output"
    exit "$code"
    ;;
esac
exec "$tool" "$@"
