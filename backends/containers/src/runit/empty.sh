# $2 is the supervisor's folder, $3 the data directory. This runs as its user: what is another's makes it fail.
[ -d "$2" ] || exit 100
set -- "$3"
