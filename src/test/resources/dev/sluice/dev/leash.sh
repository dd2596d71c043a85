# Keeps one server on a leash: bash leash.sh SIGNAL SECONDS COMMAND...
# Writes the server's pid to standard output and waits for its end. When standard input ends, because the launcher closed it or died
# in whatever way, the server gets SIGNAL, and SIGKILL if it is still there after SECONDS.
ask=$1 seconds=$2
shift 2
exec 3>&2 2>/dev/null
# Ctrl-C at the terminal is for the launcher alone: this shell ignores it, and each job has a process group of its own.
trap '' INT HUP QUIT
set -m
(trap - INT HUP QUIT; exec "$@") </dev/null >&3 2>&3 3>&- &
server=$!
{
  exec 3>&-
  read -r _
  kill -"$ask" $server
  kill -CONT $server
  while [ "$seconds" -gt 0 ] && kill -0 $server; do
    sleep 1
    seconds=$((seconds - 1))
  done
  kill -KILL $server
} <&0 >/dev/null &
watch=$!
exec 3>&-
set +m # or wait would return when the server is stopped by SIGSTOP
echo $server
exec >&-
# wait returns, too, when the server is stopped (SIGSTOP); a leash that ended then would orphan it, and the kernel would hang it up.
while wait $server; status=$?; kill -0 $server; do sleep 1; done
kill -KILL -$watch
exit $status
