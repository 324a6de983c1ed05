# It is asked to, never killed. Down and wanted up means that the supervisor has not read the order yet. $4 is the data
# directory of what the service manages, if anything: a manager that was killed just before leaves its database running, or
# the process that is about to start it.
left() {
    pid=
    pgrep -f 'multiprocessing[.]spawn' > /dev/null && return
    { read -r pid < "$4/postmaster.pid" && read -r name < "/proc/$pid/comm"; } 2>/dev/null && [ "$name" = postgres ]
}
# Says in one line what is waited for still: what the supervisor says, and which processes of a manager and its database run.
tell() {
    printf '%s' "$said"
    [ -z "$1" ] || pgrep -a 'patroni|postgres' | while read -r _ command; do printf '; %.60s' "$command"; done
}
sv down . > /dev/null || exit 102
asked=
while :; do
    ask
    case $said in
    *'want up'*) ;;
    down:*)
        [ -n "$4" ] && left "$@" || exit 0
        # A fast shutdown, as the manager does.
        [ -z "$pid" ] || [ -n "$asked" ] || { kill -s INT "$pid" && asked=1; }
        ;;
    esac
    later 105 tell "$4"
done
