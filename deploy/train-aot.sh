#!/usr/bin/env bash
# Starts the gateway once and has the JVM write down what it loaded, linked and compiled: a JDK AOT cache.
# Needs an empty database, which QUARKUS_DATASOURCE_JDBC_URL, _USERNAME and _PASSWORD name; Kafka counts as away.
#   train-aot.sh JAR CACHE
# The cache fits this JAR at this path, this JVM, and the flags below; with others the JVM goes without it.
set -eu

jar=$1
cache=$2
port=${TRAIN_PORT:-8080}
management=${TRAIN_MANAGEMENT_PORT:-9000}
[ -n "${QUARKUS_DATASOURCE_JDBC_URL:-}" ] ||
  { echo "train-aot: QUARKUS_DATASOURCE_JDBC_URL has to name an empty PostgreSQL database" >&2; exit 1; }

export QUARKUS_HTTP_HOST=127.0.0.1 QUARKUS_HTTP_PORT="$port" \
  QUARKUS_MANAGEMENT_HOST=127.0.0.1 QUARKUS_MANAGEMENT_PORT="$management" QUARKUS_LOG_CONSOLE_LEVEL=ERROR \
  KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1 SLUICE_ACCESS_METHODS=anonymous \
  SLUICE_UPLINK_ROUTES_TRAINING_FILTER='#' SLUICE_UPLINK_ROUTES_TRAINING_KAFKA_TOPIC=training

# HTTP/1.0: the answer ends with the connection.
get() {
  exec 3<>"/dev/tcp/127.0.0.1/$management" || return 1
  printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$1" >&3
  cat <&3 >/dev/null
  exec 3>&-
}

# MQTT 5 over WebSocket, in frames whose mask is 0: CONNECT, SUBSCRIBE, DISCONNECT. Thereupon the gateway closes the socket.
mqtt() {
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf 'GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' >&3
  printf 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n' >&3
  printf '\x82\x92\0\0\0\0\x10\x10\0\4MQTT\5\2\0\x3c\0\0\3aot' >&3
  printf '\x82\x89\0\0\0\0\x82\7\0\1\0\0\1t\1' >&3
  printf '\x82\x82\0\0\0\0\xe0\0' >&3
  cat <&3 >/dev/null
  exec 3>&-
}

rm -f "$cache"
java -XX:+UseCompactObjectHeaders -XX:AOTCacheOutput="$cache" -Xlog:aot=error -jar "$jar" &
gateway=$!
trap 'kill "$gateway" 2>/dev/null || true' EXIT
until (get /q/health/live && mqtt) 2>/dev/null; do
  kill -0 "$gateway" 2>/dev/null || { echo "train-aot: the gateway ended before it was up" >&2; exit 1; }
  sleep 0.2
done
get /q/health/ready
get /q/metrics
# The cache is written while the JVM ends; a JVM that was told to end by SIGTERM says 143.
kill -TERM "$gateway"
status=0
wait "$gateway" || status=$?
[ "$status" -eq 143 ] || { echo "train-aot: the gateway ended with status $status" >&2; exit 1; }
[ -s "$cache" ] || { echo "train-aot: the JVM wrote no cache" >&2; exit 1; }
