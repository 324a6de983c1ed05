# $2 is the supervisor's folder, $3 the data directory. This runs as its user: what is another's makes it fail.
[ -d "$2" ] || exit 100
{ read -r pid < "$3/postmaster.pid"; } 2>/dev/null && [ "/proc/$pid/cwd" -ef "$3" ] && exit 107
[ -e "$3" ] || exit 0
# All of it goes aside at once or none does: what can't be emptied loses nothing.
aside=$3.emptied
said=$( { rm -rf -- "$aside" && mv -T -- "$3" "$aside" && mkdir -m 0700 -- "$3"; } 2>&1) || { echo "$said"; exit 1; }
rm -rf -- "$aside" 2>/dev/null || true
