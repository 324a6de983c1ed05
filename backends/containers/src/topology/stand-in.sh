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
command=other
case " $* " in
*' info '*) command=info ;;
*' backup '*) command=backup ;;
esac
if [ "$command" = backup ] && [ -e /dev/shm/pgdrill-midway/armed ]; then
    output=$(mktemp)
    "$tool" "$@" > "$output" &
    process=$!
    while kill -0 "$process" 2>/dev/null; do
        if grep -q 'backup file ' "$output"; then
            # It first: who is stopped starts no more workers.
            kill -STOP "$process" 2>/dev/null
            workers=$(cat "/proc/$process/task/$process/children" 2>/dev/null)
            for one in $workers; do kill -STOP "$one" 2>/dev/null; done
            echo "$process" > /dev/shm/pgdrill-midway/stopping
            mv /dev/shm/pgdrill-midway/stopping /dev/shm/pgdrill-midway/stopped
            while [ -e /dev/shm/pgdrill-midway/armed ]; do sleep 0.05; done
            # What is left of a backup that was killed goes on once its lock is waited for.
            for one in $workers $process; do
                grep -qsx "$one" /dev/shm/pgdrill-orphans || kill -CONT "$one" 2>/dev/null
            done
            break
        fi
        sleep 0.02
    done
    wait "$process"
    code=$?
    cat "$output"
    rm -f "$output"
    exit "$code"
fi
case "$(setting failure-mode)-$command" in
hangs-*) exec sleep 86400 ;;
garbled-info)
    echo 'pgdrill: this is no inventory'
    exit 0
    ;;
strange-label-info)
    "$tool" "$@" | sed 's/"label":"[0-9]\{8\}-[0-9]\{6\}F"/"label":"backup-of-last-week"/'
    exit 0
    ;;
terminated-backup)
    output=$(mktemp)
    "$tool" "$@" > "$output" &
    process=$!
    # The tool writes its last line within its signal handler, and up to 2.57 waits for itself for ever if the signal met it
    # while it made the time of another line (pgBackRest's issue 2710). So it is stopped first, and struck only while it waits
    # for others: in poll, select, epoll or sleep. Making the time may ask for a file's date, which is a system call, too.
    machine=$(uname -m)
    while kill -0 "$process" 2>/dev/null; do
        if grep -q 'backup file ' "$output" && kill -STOP "$process"; then
            while { read -r _ _ state _ < "/proc/$process/stat"; } 2>/dev/null && [ "$state" != T ] && [ "$state" != Z ]; do :; done
            call=-1
            { read -r call _ < "/proc/$process/syscall"; } 2>/dev/null
            case $machine:$call in
            x86_64:7 | x86_64:23 | x86_64:35 | x86_64:230 | x86_64:232 | x86_64:270 | x86_64:271 | x86_64:281 | \
                aarch64:22 | aarch64:72 | aarch64:73 | aarch64:101 | aarch64:115)
                kill -TERM "$process"
                kill -CONT "$process"
                break
                ;;
            esac
            kill -CONT "$process"
        fi
        sleep 0.05
    done
    # What hangs all the same says where, and is left to whoever waits for it.
    (
        left=20
        while [ "$left" -gt 0 ] && kill -0 "$process"; do
            sleep 1
            left=$((left - 1))
        done
        for hung in "$process" $(cat "/proc/$process/task/$process/children"); do
            read -r call _ < "/proc/$hung/syscall" || continue
            echo "pgdrill: $hung did not end: system call $call, $(cat "/proc/$hung/wchan"), $(tr '\0' ' ' < "/proc/$hung/cmdline")" >&3
        done
    ) 3>&2 2>/dev/null &
    wait "$process"
    code=$?
    cat "$output"
    rm -f "$output"
    exit "$code"
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
