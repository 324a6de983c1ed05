# It is asked to, never killed. Down and wanted up means that the supervisor has not read the order yet.
sv down . > /dev/null || exit 102
while :; do
    ask
    case $said in
    *'want up'*) ;;
    down:*) exit 0 ;;
    esac
    later 105
done
