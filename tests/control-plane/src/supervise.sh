# Runs the commands that standard input names, one a line (a name, then the command quoted for the shell), and kills
# them when that input ends: it does however its writer ends, kill -9 included. They go in the reverse order of their
# start, as an apiserver that has lost its etcd hangs. Each leaves NAME.log, NAME.pid and, once it has ended, NAME.exit.
# "$1": remove | keep the folder at the end.

run() {
	name=$1
	shift
	"$@" </dev/null >"$name.log" 2>&1 &
	echo $! >"$name.pid"
	wait $!
	# Whole from its first moment: who sees the file reads the code.
	echo $? >"$name.exiting"
	mv "$name.exiting" "$name.exit"
}

stop() {
	trap - EXIT
	for job in $jobs; do
		name=${job%%:*} pids=${job#*:}
		# A pid whose process has ended may be somebody else's by now.
		[ -e "$name.exit" ] || kill -KILL "${pids%:*}"
		wait "${pids#*:}"
	done
	[ "$fate" = keep ] || rm -rf "$PWD"
}

fate=$1
jobs= # NAME:PID:PID of the shell that waits for it, last started first
trap stop EXIT
trap 'exit 0' HUP INT TERM
while IFS= read -r line; do
	eval "set -- $line"
	run "$@" &
	until [ -s "$1.pid" ]; do sleep 0.02; done
	jobs="$1:$(cat "$1.pid"):$! $jobs"
done
