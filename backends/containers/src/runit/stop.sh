# It is asked to, and killed once half of the time is up: so does Pebble, after five seconds. `finish` then stops the database
# that a manager leaves. A service with a program of its own for the order decides itself when it ends. Down and wanted up
# means that the supervisor has not read the order yet. $4 is the data directory of what the service manages, if anything: a
# manager that was killed just before leaves its database running, or the process that is about to start it.
left() {
    pid=
    pgrep -f 'multiprocessing[.]spawn' > /dev/null && return
    { read -r pid < "$4/postmaster.pid" && read -r name < "/proc/$pid/comm"; } 2>/dev/null && [ "$name" = postgres ]
}
# Says in one line what is waited for still: what the supervisor says, and which processes of a manager and its database run,
# each with its state and where in the kernel it waits.
tell() {
    printf '%s' "$said"
    [ -n "$1" ] && found=$(pgrep -d, 'patroni|postgres|pgbackrest') || return 0
    ps -o stat=,wchan:20=,args= -p "$found" | while read -r line; do printf '; %.100s' "$line"; done
}
stopped() { printf '%s' "$killed"; exit 0; }
half=$((now + $1 / 2))
sv down . > /dev/null || exit 102
asked=
killed=
while :; do
    ask
    case $said in
    *'want up'*) ;;
    run:*)
        if [ -z "$killed" ] && [ "$now" -gt "$half" ] && [ ! -e control/t ]; then
            told=$(tell "$4")
            process
            if kill -s KILL "$pid"; then killed="was killed $(($1 / 2)) s after it was asked to stop: $told"; fi
        fi
        ;;
    down:*)
        [ -n "$4" ] && left "$@" || stopped
        # A fast shutdown, as the manager does.
        [ -z "$pid" ] || [ -n "$asked" ] || { kill -s INT "$pid" && asked=1; }
        ;;
    esac
    later 105 tell "$4"
done
