# Orders are followed one after the other: once the second one has left its trace, which changes nothing for what runs,
# the first one was.
case $said in run:*) ;; *) exit 106 ;; esac
trace() { stat -c '%i %z' supervise/status; }
was=$(trace)
{ sv hup . && sv cont .; } > /dev/null || exit 102
while [ "$(trace)" = "$was" ]; do later 102; done
