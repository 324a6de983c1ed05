# A server process on the data directory $1: its number is in $pid, that of the pid file in $named. Two of three must
# agree, as each can be had without the others: its name, where it stands, and the pid file. Where a process stands is
# seen by its own user alone, and an ended one that nobody has waited for stands nowhere.
server() {
    named=
    { read -r named < "$1/postmaster.pid"; } 2>/dev/null
    for process in "/proc/${named:-none}" /proc/[0-9]*; do
        { read -r _ name state _ < "$process/stat"; } 2>/dev/null || continue
        [ "$state" != Z ] || continue
        pid=${process#/proc/}
        signs=
        [ "$name" != '(postgres)' ] || signs=x$signs
        [ "$pid" != "$named" ] || signs=x$signs
        case $signs in
        xx) return 0 ;;
        x) [ ! "$process/cwd" -ef "$1" ] || return 0 ;;
        esac
    done
    return 1
}
