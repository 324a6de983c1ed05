# $1 is the limit in seconds, $2 the supervisor's folder, $3 the service. What the supervisor says is in $said.
[ -d "$2" ] || exit 100
cd -- "$2/$3" 2>/dev/null && [ -e supervise/ok ] || exit 101
ask() { said=$(sv status . 2>&1) || { echo "$said"; exit 102; }; }
# Of what runs: its process, and for how many seconds.
process() { pid=${said#*(pid }; pid=${pid%%)*}; age=${said#*) }; age=${age%%s*}; }
clock() { read -r now _ < /proc/uptime; now=${now%.*}; }
clock
end=$((now + $1))
# Ends with the exit code given once the time is up, after the command given, if any; else it is a short time later.
later() { code=$1; shift; clock; [ "$now" -le "$end" ] || { "$@"; exit "$code"; }; sleep 0.05; }
ask
