# $2 is the supervisor's folder, $3 the data directory. This runs as its user: what is another's makes it fail.
[ -d "$2" ] || exit 100
{ read -r pid < "$3/postmaster.pid"; } 2>/dev/null && [ "/proc/$pid/cwd" -ef "$3" ] && exit 107
said=$(find "$3" -mindepth 1 -delete 2>&1) && exit 0
case $said in "find: '$3': No such file or directory") exit 0 ;; esac
echo "$said"
exit 1
