# The supervisor answers for every service that it knows.
[ -d "$2" ] || exit 100
for service in "$2"/*; do
    [ ! -e "$service/supervise/ok" ] || sv status "$service" || exit 102
done
