# $1 is the data directory. What was moved aside is deleted, and what is another file system's is left alone.
data=$(readlink -m -- "$1") || exit 1
code=0
for left in "$data.emptied" "$data.emptied".[0-9]*; do
    [ ! -e "$left" ] && [ ! -L "$left" ] || rm -rf --one-file-system -- "$left" || code=1
done
exit "$code"
