#!/bin/sh
# Stands in for every hook tool: notes how it was called, and answers from files named after the call.
name="${0##*/}"
{
  printf '%s' "$name"
  for word; do printf ' [%s]' "$word"; done
  printf '\n'
} >>"$STAND/calls"
case "$*" in
*"--file -"*) printf '  < %s\n' "$(cat)" >>"$STAND/calls" ;;
esac
key=$(printf '%s' "$name $*" | tr ' /:=' '____')
if [ -f "$STAND/hangs" ]; then sleep 60; fi
if [ -f "$STAND/$key.error" ]; then
  cat "$STAND/$key.error" >&2
  exit 1
fi
if [ -f "$STAND/$key" ]; then cat "$STAND/$key"; fi
