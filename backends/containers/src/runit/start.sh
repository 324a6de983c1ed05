# What ends within a second was not started. Until that has passed it is wanted once, so that nothing starts again and
# again what can't run: a supervisor that does so reads no orders meanwhile.
status() { od -An -tx1 -N12 supervise/status; }
case $said in
run:*'want down'*) ;;
run:*) process; [ "$age" -lt 1 ] || exit 0 ;;
esac
while :; do case $said in finish:*) later 104; ask ;; *) break ;; esac; done
was=$(status)
case $said in
run:*) once=; sv up . ;;
*) once=1; sv once . ;;
esac > /dev/null || exit 102
first=
lived=
while :; do
    seen=$(status)
    ask
    case $lived$said in
    # It has lived for a second and was started, even if it ends before it is seen that it is wanted up.
    lived*'want down'*) ;;
    lived*) exit 0 ;;
    run:*)
        process
        if [ "$pid" != "$first" ]; then
            [ -z "$once" ] || [ -z "$first" ] || break
            first=$pid
            since=$(date +%s%N)
        elif [ $(($(date +%s%N) - since)) -ge 1000000000 ]; then
            case $said in *'want down'*) sv up . > /dev/null || exit 102 ;; *) exit 0 ;; esac
            lived=lived
        fi
        ;;
    *) [ -z "$once" ] || [ "$seen" = "$was" ] || break ;;
    esac
    clock
    [ "$now" -le "$end" ] || { sv down .; exit 104; } > /dev/null
    sleep 0.05
done
sv down . > /dev/null
exit 103
