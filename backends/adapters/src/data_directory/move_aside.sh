# $1 is the data directory. This runs as its user. All of it goes aside at once, within its file system, or nothing does:
# what can't be emptied loses nothing.
data=$(readlink -m -- "$1") || exit 1
server "$data" && exit 107
failed() { echo "$said"; exit 1; }
make() { said=$(mkdir -m 0700 -- "$data" 2>&1); }
if [ ! -e "$data" ]; then
    # An emptying that broke off after the move left it so: it is finished.
    for left in "$data.emptied" "$data.emptied".[0-9]*; do
        [ ! -e "$left" ] || make || failed
        [ ! -e "$data" ] || exit 0
    done
    exit 0
fi
said=$(ls -A -- "$data" 2>&1) || failed
[ -n "$said" ] || exit 0
# What an earlier emptying could not delete is in nobody's way.
aside=$data.emptied
number=0
while [ -e "$aside" ] || [ -L "$aside" ]; do
    number=$((number + 1))
    aside=$data.emptied.$number
done
said=$(mv -T -- "$data" "$aside" 2>&1) || failed
make || { why=$said; said=$(mv -T -- "$aside" "$data" 2>&1) || why="$why; $said"; said=$why; failed; }
