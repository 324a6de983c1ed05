# $1 is the data directory, $2 for how many seconds its server may go on. A manager that was killed has not asked it to
# end: it is asked for a fast shutdown, as the manager does, and never killed.
clock() { read -r now _ < /proc/uptime; now=${now%.*}; }
clock
end=$((now + $2))
asked=
while server "$1"; do
    clock
    [ "$now" -lt "$end" ] || { echo "process $pid"; exit 105; }
    [ -n "$asked" ] || [ "$pid" != "$named" ] || { kill -s INT "$pid" && asked=1; } 2>/dev/null
    sleep 0.2
done
